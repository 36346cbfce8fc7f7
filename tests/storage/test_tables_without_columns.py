"""Goal: rows of a table without columns are as durable as others. Method: count them after each way a row can be kept."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from foundation.sqltypes import INT4
from storage import Storage, StorageOptions
from storage.catalog import Column, Table
from tests.storage.sample_tables import make_table, open_storage

SMALL = StorageOptions(growing_bytes_max=200, write_set_bytes_max=100, checkpoint_rows_bytes_max=50)


def rows(count: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(count)], names=["row"]).select([])


def add(storage: Storage, table: Table, *counts: int) -> None:
    with storage.begin() as transaction:
        for count in counts:
            transaction.insert(table.oid, rows(count))
        transaction.commit()


def count_of(storage: Storage, table: Table) -> int:
    with storage.begin() as transaction:
        return sum(segment.visible_count for segment in transaction.table_view(table.oid).segments)


def reopened(storage: Storage, path: Path) -> Storage:
    storage.abandon()
    return open_storage(path, options=SMALL)


def test_rows_in_the_log(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, columns=(), key=())
    add(storage, table, 2, 3)
    assert count_of(storage, table) == 5
    storage = reopened(storage, tmp_path)
    assert count_of(storage, table) == 5
    storage.close()


def test_rows_in_checkpoints_spilled_and_sealed_segments(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, options=SMALL)
    table, _ = make_table(storage, columns=(), key=())
    add(storage, table, 7)
    storage.checkpoint()
    storage = reopened(storage, tmp_path)
    add(storage, table, 5000, 20)
    add(storage, table, 3)
    storage.checkpoint()
    storage = reopened(storage, tmp_path)
    assert count_of(storage, table) == 5030
    storage.close()


def test_a_column_that_comes_and_goes(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, columns=(), key=())
    add(storage, table, 2)
    with storage.begin() as transaction:
        wide = Table(table.oid, table.name, 5, 10, columns=(Column(1, "a", INT4),))
        transaction.put(wide)
        transaction.insert(table.oid, pa.RecordBatch.from_arrays([pa.array([7], pa.int32())], names=["1"]))
        transaction.commit()
    storage = reopened(storage, tmp_path)
    with storage.begin() as transaction:
        view = transaction.table_view(table.oid)
        values = [value for segment in view.segments for value in segment.column(1).to_pylist()]
    assert values == [None, None, 7]
    storage.close()
