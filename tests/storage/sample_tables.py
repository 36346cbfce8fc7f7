"""Catalog objects, batches and an open storage for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, TEXT, VECTOR, SqlType, arrow_type
from storage import LocalFiles, Storage, StorageOptions, Transaction
from storage.catalog import Column, Index, IndexKey, Table

DIM = 4
COLUMNS = (
    Column(1, "id", INT4, not_null=True),
    Column(2, "name", TEXT),
    Column(3, "v", SqlType(VECTOR.oid, DIM)),
)


def open_storage(
    path: Any,
    *,
    files: LocalFiles | None = None,
    memory: MemoryBudget | None = None,
    options: StorageOptions | None = None,
) -> Storage:
    return Storage.open(str(path), files=files, memory=memory or MemoryBudget(1 << 32), options=options)


def make_table(
    storage: Storage, name: str = "t", columns: Sequence[Column] = COLUMNS, *, key: Sequence[int] = (1,)
) -> tuple[Table, Index]:
    """A committed table with a primary key (none when `key` is empty)."""
    table = Table(storage.allocate_oid(), name, 5, 10, columns=tuple(columns))
    index = unique_index(storage, table, key, name + "_pkey", is_primary=True)
    with storage.begin() as transaction:
        transaction.put(table)
        if key:
            transaction.put(index)
        transaction.commit()
    return table, index


def unique_index(
    storage: Storage, table: Table, attnums: Sequence[int], name: str, *, is_primary: bool = False
) -> Index:
    return Index(
        storage.allocate_oid(),
        name,
        5,
        10,
        table_oid=table.oid,
        keys=tuple(IndexKey(attnum) for attnum in attnums),
        is_unique=True,
        is_primary=is_primary,
    )


def vector_of(key: int) -> list[float]:
    return [float(key), key / 2, -float(key), 1.0]


def batch(ids: Iterable[int | None], names: Iterable[str | None] | None = None) -> pa.RecordBatch:
    """Rows of the sample table: the vector is a function of the id, the name too unless given."""
    keys = list(ids)
    texts = [name_of(key) for key in keys] if names is None else list(names)
    vectors = [None if key is None else vector_of(key) for key in keys]
    return columns_batch(COLUMNS, [keys, texts, vectors])


def name_of(key: int | None) -> str | None:
    return None if key is None or key % 7 == 3 else f"näme {key}"


def columns_batch(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """A batch for any columns from Python values, one sequence per live column."""
    live = [column for column in columns if not column.is_dropped]
    arrays = [pa.array(list(v), type=arrow_type(c.type)) for c, v in zip(live, values)]
    return pa.RecordBatch.from_arrays(arrays, names=[str(c.attnum) for c in live])


def insert(storage: Storage, table: Table, ids: Iterable[int]) -> int:
    with storage.begin() as transaction:
        transaction.insert(table.oid, batch(ids))
        return transaction.commit()


def delete_ids(transaction: Transaction, table: Table, ids: Iterable[int]) -> int:
    return transaction.delete(table.oid, row_ids_of(transaction, table, ids))


def row_ids_of(transaction: Transaction, table: Table, ids: Iterable[int]) -> npt.NDArray[np.uint64]:
    """Row ids of the visible rows whose first column is in `ids`."""
    wanted = set(ids)
    found = [row_id for row_id, row in rows_by_id(transaction, table).items() if row[0] in wanted]
    return np.array(found, dtype=np.uint64)


def rows_by_id(transaction: Transaction, table: Table) -> dict[int, tuple[Any, ...]]:
    """All visible rows by row id, read through every path a reader has."""
    found: dict[int, tuple[Any, ...]] = {}
    definition = transaction.catalog.table(table.oid)
    attnums = [column.attnum for column in definition.live_columns()]
    view = transaction.table_view(table.oid)
    for segment in view.segments:
        row_ids = segment.row_ids
        offsets = np.flatnonzero(segment.is_visible(np.arange(segment.row_count, dtype=np.int64)))
        taken = segment.take(attnums, offsets)
        for row_id, *row in zip(row_ids[offsets].tolist(), *(c.to_pylist() for c in taken.columns)):
            assert row_id not in found
            found[row_id] = tuple(tuple(x) if isinstance(x, list) else x for x in row)
    assert view.row_count == len(found)
    return found


def ids_of(storage: Storage, table: Table) -> list[int]:
    """Sorted values of the first column, as a new transaction sees them."""
    with storage.begin() as transaction:
        return sorted(row[0] for row in rows_by_id(transaction, table).values())
