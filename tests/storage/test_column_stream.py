"""Goal: the vectors of a large transaction are written once, and every row is what was inserted whatever the transaction does.

Method: transactions of many times the limit of rows in memory, with what keeps vectors from being streamed: NULLs, own
rows that are deleted or rolled back, columns that come and go. A dictionary is the oracle, own rows are read on the
way, the segment file and the files left behind are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foundation.errors import UniqueViolation
from foundation.memory import MemoryBudget
from foundation.sqltypes import HALFVEC, INT4, VECTOR, SqlType
from storage import Storage, StorageOptions, Transaction
from storage.blockfile import BlockFile
from storage.catalog import Column, Table
from storage.errors import DiskFull
from storage.files import LocalFiles
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import (
    batch,
    columns_batch,
    delete_ids,
    make_table,
    open_storage,
    rows_by_id,
    unique_index,
    vector_of,
)

OPTIONS = StorageOptions(growing_bytes_max=20_000, write_set_bytes_max=1000, checkpoint_rows_bytes_max=500)
ROWS = 200
STEP = 20

Change = Callable[[Storage, Transaction, Table, set[int]], None]


@pytest.fixture
def storage(tmp_path: Path) -> Any:
    memory = MemoryBudget(1 << 24)
    opened = open_storage(tmp_path, memory=memory, options=OPTIONS)
    yield opened
    opened.close()
    assert memory.held() == {}
    assert not list((tmp_path / "spill").iterdir())


def load(transaction: Transaction, table: Table, first: int, count: int = ROWS, step: int = STEP) -> set[int]:
    for begin in range(first, first + count, step):
        transaction.insert(table.oid, batch(range(begin, min(begin + step, first + count))))
    return set(range(first, first + count))


def vectors_by_id(transaction: Transaction, table: Table) -> dict[int, Any]:
    return {row[0]: row[2] for row in rows_by_id(transaction, table).values()}


def segment_file(storage: Storage) -> BlockFile:
    (path,) = Path(storage.path, "data").glob("*.rows")
    return BlockFile.open(LocalFiles(), str(path))


def is_matrix(file: BlockFile, attnum: int) -> bool:
    return "dtype" in file._blocks[str(attnum)]


@pytest.mark.parametrize("step", [1, 7, STEP, ROWS - 1])
def test_vectors_are_written_once(tmp_path: Path, step: int) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    columns = (Column(1, "id", INT4, not_null=True), Column(2, "v", SqlType(VECTOR.oid, 500)))
    table, _ = make_table(storage, columns=columns)
    keys = np.arange(ROWS).tolist()
    with storage.begin() as transaction:
        for begin in range(0, ROWS, step):
            some = keys[begin : begin + step]
            transaction.insert(table.oid, columns_batch(columns, [some, [[float(k)] * 500 for k in some]]))
        spilled = sum(path.stat().st_size for path in (tmp_path / "spill").iterdir())
        transaction.commit()
    assert spilled < ROWS * 500 * 4 / 4
    file = segment_file(storage)
    assert file.size_bytes < ROWS * 500 * 4 * 1.1
    np.testing.assert_array_equal(
        file.array("2"), np.repeat(np.arange(ROWS, dtype=np.float32), 500).reshape(ROWS, 500)
    )
    storage.close()
    storage = open_storage(tmp_path, options=OPTIONS)
    with storage.begin() as transaction:
        (segment,) = transaction.table_view(table.oid).segments
        vectors, valid_bits = segment.vectors(2)
        assert vectors.ctypes.data % 64 == 0 and valid_bits is None
        np.testing.assert_array_equal(vectors, file.array("2"))
    storage.close()


def nothing(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    """The rows as they were inserted."""


def small_batch_behind(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    ids |= load(transaction, table, 1000, 3, 1)


def delete_own(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    gone = set(range(0, ROWS, 3))
    assert delete_ids(transaction, table, gone) == len(gone)
    ids -= gone


def roll_back_some(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    mark = transaction.savepoint()
    load(transaction, table, 1000)
    transaction.rollback_to(mark)
    ids |= load(transaction, table, 1000, STEP * 3)


def roll_back_a_waiting_batch(
    storage: Storage, transaction: Transaction, table: Table, ids: set[int]
) -> None:
    mark = transaction.savepoint()
    load(transaction, table, 1000, 2)
    transaction.rollback_to(mark)
    ids |= load(transaction, table, 1000, 5)


def truncate(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    transaction.truncate(table.oid)
    ids.clear()
    ids |= load(transaction, table, 1000)


def replace_all(storage: Storage, transaction: Transaction, table: Table, ids: set[int]) -> None:
    row_ids = np.array(sorted(rows_by_id(transaction, table)), dtype=np.uint64)
    fresh = list(range(3000, 3000 + len(row_ids)))
    transaction.update(table.oid, row_ids, batch(fresh))
    ids.clear()
    ids.update(fresh)


@pytest.mark.parametrize(
    ("change", "is_streamed"),
    [
        (nothing, True),
        (small_batch_behind, True),
        (roll_back_a_waiting_batch, True),
        (roll_back_some, False),
        (delete_own, False),
        (truncate, False),
        (replace_all, False),
    ],
)
def test_changes_of_own_rows(storage: Storage, change: Change, is_streamed: bool) -> None:
    table, _ = make_table(storage)
    with storage.begin() as transaction:
        ids = load(transaction, table, 0)
        change(storage, transaction, table, ids)
        expected = {key: tuple(vector_of(key)) for key in ids}
        assert vectors_by_id(transaction, table) == expected
        transaction.commit()
    assert is_matrix(segment_file(storage), 3) is is_streamed
    with storage.begin() as transaction:
        assert vectors_by_id(transaction, table) == expected


@pytest.mark.parametrize("null_in", [0, ROWS // 2, ROWS - 1, ROWS + 1])
def test_a_null_vector_anywhere(storage: Storage, null_in: int) -> None:
    """In the first chunk, in a later one, in rows that are still in memory at commit."""
    columns = (Column(1, "id", INT4, not_null=True), Column(2, "v", SqlType(HALFVEC.oid, 20)))
    table, _ = make_table(storage, columns=columns)
    values = {key: None if key == null_in else tuple([float(key)] * 20) for key in range(ROWS + 3)}
    with storage.begin() as transaction:
        for begin in [*range(0, ROWS, STEP), *range(ROWS, ROWS + 3)]:
            keys = list(range(begin, begin + STEP if begin < ROWS else begin + 1))
            transaction.insert(table.oid, columns_batch(columns, [keys, [values[key] for key in keys]]))
        assert dict(rows_by_id(transaction, table).values()) == values
        transaction.commit()
    assert not is_matrix(segment_file(storage), 2)
    with storage.begin() as transaction:
        assert dict(rows_by_id(transaction, table).values()) == values


def test_columns_that_come_and_go(storage: Storage) -> None:
    table, _ = make_table(storage)
    added = replace(table, columns=(*table.columns, Column(4, "w", SqlType(VECTOR.oid, 6))))
    dropped = replace(added, columns=tuple(replace(c, is_dropped=c.attnum == 3) for c in added.columns))
    with storage.begin() as transaction:
        load(transaction, table, 0)
        transaction.put(added)
        rows = [[1000, 1001], ["a", "b"], [vector_of(1), vector_of(2)], [[1.0] * 6, [2.0] * 6]]
        transaction.insert(table.oid, columns_batch(added.columns, rows))
        assert len(rows_by_id(transaction, added)) == ROWS + 2
        transaction.put(dropped)
        transaction.commit()
    with storage.begin() as transaction:
        found = {row[0]: row[2] for row in rows_by_id(transaction, dropped).values()}
    assert found == {**dict.fromkeys(range(ROWS)), 1000: (1.0,) * 6, 1001: (2.0,) * 6}


def test_the_widest_of_several_and_a_table_of_vectors_alone(storage: Storage) -> None:
    columns = (Column(1, "v", SqlType(VECTOR.oid, 3)), Column(2, "w", SqlType(HALFVEC.oid, 9)))
    for count in (1, 2):
        table, _ = make_table(storage, f"t{count}", columns[:count], key=())
        values: list[Sequence[Any]] = [
            [[float(k)] * 3 for k in range(STEP)],
            [[float(k)] * 9 for k in range(STEP)],
        ]
        with storage.begin() as transaction:
            for _ in range(8):
                transaction.insert(table.oid, columns_batch(columns[:count], values[:count]))
            transaction.commit()
        newest = max(Path(storage.path, "data").glob("*.rows"))
        assert is_matrix(BlockFile.open(LocalFiles(), str(newest)), count)
        with storage.begin() as transaction:
            found = sorted(row[-1][0] for row in rows_by_id(transaction, table).values())
            assert found == sorted(8 * list(range(STEP)))


def test_keys_of_spilled_rows(storage: Storage) -> None:
    """A key is looked for in all rows where its hash is known, and found again after its row is gone."""
    table, index = make_table(storage)
    with storage.begin() as transaction:
        load(transaction, table, 0)
        for key in (0, ROWS // 2, ROWS - 1):
            with pytest.raises(UniqueViolation):
                transaction.insert(table.oid, batch([5000, key]))
        delete_ids(transaction, table, [7])
        transaction.insert(table.oid, batch([7]))
        mark = transaction.savepoint()
        load(transaction, table, 1000)
        transaction.rollback_to(mark)
        load(transaction, table, 1000, 2)
        with pytest.raises(UniqueViolation):
            transaction.insert(table.oid, batch([7]))
        transaction.commit()
    with storage.begin() as transaction:
        keys = columns_batch(table.columns[:1], [[7, 0, 1001, 1002]])
        assert (transaction.lookup_key(index.oid, keys) > 0).tolist() == [True, True, True, False]


def test_an_index_made_on_the_way(storage: Storage) -> None:
    """Its keys of rows that were spilled before are not known."""
    table, _ = make_table(storage, key=())
    with storage.begin() as transaction:
        load(transaction, table, 0)
        transaction.put(unique_index(storage, table, [1], "late"))
        load(transaction, table, 1000)
        for key in (3, 1003):
            with pytest.raises(UniqueViolation):
                transaction.insert(table.oid, batch([key]))
        transaction.commit()


def test_nothing_stays_of_what_failed(tmp_path: Path) -> None:
    files = FaultyFiles()
    storage = open_storage(tmp_path, files=files, options=OPTIONS)
    table, _ = make_table(storage)
    with storage.begin() as transaction:
        load(transaction, table, 0)
    assert not list((tmp_path / "data").glob("*.rows")) and not list((tmp_path / "spill").glob("*.spill"))
    with storage.begin() as transaction:
        load(transaction, table, 0)
        mark = transaction.savepoint()
        files.is_full = True
        with pytest.raises(DiskFull):
            load(transaction, table, 1000)
        transaction.rollback_to(mark)
        files.is_full = False
        ids = set(range(ROWS)) | load(transaction, table, 2000)
        transaction.commit()
    with storage.begin() as transaction:
        assert vectors_by_id(transaction, table) == {key: tuple(vector_of(key)) for key in ids}
    assert len(list((tmp_path / "data").glob("*.rows"))) == 1
    storage.close()
