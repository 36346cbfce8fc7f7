"""Goal: rows that are inserted in one step are inserted, refused and seen as those of a transaction.

Method: each case beside a transaction that does the same, or that is in its way. `test_model` has them among all else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from foundation.errors import NotNullViolation, QuiverError, UniqueViolation, WouldBlock
from storage import Storage
from storage.catalog import ForeignKey, Table
from storage.direct_insert import DirectInsert, InsertTarget
from storage.errors import DiskFull
from storage.lock_modes import TableMode
from storage.lock_spaces import LockGroup
from storage.locks import Waiting
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import (
    batch,
    delete_ids,
    ids_of,
    insert,
    make_table,
    open_storage,
    unique_index,
)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return open_storage(tmp_path)


def target_of(storage: Storage, table: Table) -> InsertTarget:
    target = InsertTarget.of(storage.catalog, table.oid, storage.options.index_expressions)
    assert target is not None
    return target


def logged(storage: Storage, table: Table, rows: pa.RecordBatch) -> DirectInsert:
    """An insertion that waits for the disk."""
    change = DirectInsert(storage, LockGroup())
    try:
        target = target_of(storage, table)
        change.lock(target)
        change.log(target, rows)
    except BaseException:
        change.rollback()
        raise
    return change


def insert_directly(storage: Storage, table: Table, rows: pa.RecordBatch) -> None:
    logged(storage, table, rows).finish_commit()


def test_rows_are_durable_and_counted(storage: Storage, tmp_path: Path) -> None:
    table, _ = make_table(storage)
    insert(storage, table, [1, 2])
    for rows in (batch([3]), batch([4, 5]), batch([6], [None])):
        insert_directly(storage, table, rows)
    assert ids_of(storage, table) == [1, 2, 3, 4, 5, 6]
    assert storage.activity.table(table.oid).rows_inserted == 4
    held = storage.memory.held()
    storage.abandon()
    with open_storage(tmp_path) as reopened:
        assert ids_of(reopened, table) == [1, 2, 3, 4, 5, 6]
        assert reopened.memory.held() == held


def test_nobody_sees_rows_before_they_are_durable(storage: Storage) -> None:
    table, _ = make_table(storage)
    change = logged(storage, table, batch([1]))
    assert ids_of(storage, table) == []
    change.finish_commit()
    assert ids_of(storage, table) == [1] and not change.is_open


@pytest.mark.parametrize("ids", [[1], [7, 1], [8, 8], [None], [9, None]])
def test_errors_are_those_of_a_transaction(storage: Storage, ids: list[int | None]) -> None:
    table, _ = make_table(storage)
    insert(storage, table, [1, 2])
    with storage.begin() as transaction, pytest.raises(QuiverError) as expected:
        transaction.insert(table.oid, batch(ids))
    with pytest.raises(type(expected.value)) as caught:
        insert_directly(storage, table, batch(ids))
    assert isinstance(caught.value, UniqueViolation | NotNullViolation)
    assert (caught.value.message, caught.value.detail) == (expected.value.message, expected.value.detail)
    insert_directly(storage, table, batch([10]))
    assert ids_of(storage, table) == [1, 2, 10]


def test_whoever_has_the_key_or_deletes_its_row_is_not_waited_for(storage: Storage) -> None:
    table, _ = make_table(storage)
    insert(storage, table, [1])
    with storage.begin() as other:
        other.insert(table.oid, batch([2]))
        delete_ids(other, table, [1])
        for ids in ([1], [2], [3, 2]):
            with pytest.raises(WouldBlock):
                insert_directly(storage, table, batch(ids))
        other.commit()
    insert_directly(storage, table, batch([1]))
    with pytest.raises(UniqueViolation):
        insert_directly(storage, table, batch([2]))
    assert ids_of(storage, table) == [1, 2]


def test_its_locks_last_until_it_is_finished(storage: Storage) -> None:
    table, _ = make_table(storage)
    with storage.begin() as other:
        other.locks.waiting = Waiting(may_block=False)
        change = logged(storage, table, batch([1]))
        with pytest.raises(WouldBlock):
            other.locks.lock_table(table, TableMode.SHARE)
        with pytest.raises(WouldBlock):
            other.insert(table.oid, batch([1]))
        other.insert(table.oid, batch([2]))
        change.finish_commit()
        with pytest.raises(UniqueViolation):
            other.insert(table.oid, batch([1]))
        assert other.locks.lock_table(table, TableMode.SHARE)
        with pytest.raises(WouldBlock):
            logged(storage, table, batch([3]))
        other.commit()
    insert_directly(storage, table, batch([3]))
    assert ids_of(storage, table) == [1, 2, 3]


def _commit_lock_is_taken(storage: Storage, table: Table) -> None:
    storage.commit_lock.acquire()


def _catalog_has_moved_on(storage: Storage, table: Table) -> None:
    make_table(storage, "another")


def _catalog_moves_on_unseen(storage: Storage, table: Table) -> None:
    transaction = storage.begin()
    transaction.put(replace(table, comment="changed"))
    transaction.start_commit()


@pytest.mark.parametrize(
    "what", [_commit_lock_is_taken, _catalog_has_moved_on, _catalog_moves_on_unseen]
)  # fmt: skip
def test_what_is_in_its_way_is_left_to_transactions(
    storage: Storage, what: Callable[[Storage, Table], None]
) -> None:
    table, _ = make_table(storage)
    target = target_of(storage, table)
    what(storage, table)
    change = DirectInsert(storage, LockGroup())
    with pytest.raises(WouldBlock):
        change.lock(target)
        change.log(target, batch([1]))
    change.rollback()
    if storage.commit_lock.locked():
        storage.commit_lock.release()
    assert ids_of(storage, table) == [] and not storage.locks.rows()


def test_many_rows_are_left_to_transactions(storage: Storage) -> None:
    table, _ = make_table(storage)
    with pytest.raises(WouldBlock):
        insert_directly(storage, table, batch(range(3000)))
    assert ids_of(storage, table) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    files = FaultyFiles()
    with open_storage(tmp_path, files=files) as storage:
        table, _ = make_table(storage)
        insert_directly(storage, table, batch([1]))
        files.is_full, number = True, 1
        with pytest.raises(DiskFull):
            while True:  # The log has reserved some room.
                held, number = storage.memory.held(), number + 1
                insert_directly(storage, table, batch([number], ["x" * 10_000]))
        assert storage.memory.held() == held and not storage.locks.rows()
        files.is_full = False
        insert_directly(storage, table, batch([number]))
        assert ids_of(storage, table) == list(range(1, number + 1))


def test_tables_whose_rows_are_checked_later_are_none_of_its_business(storage: Storage) -> None:
    parent, index = make_table(storage, "parent")
    child, _ = make_table(storage, "child")
    key = ForeignKey(
        storage.allocate_oid(),
        "fk",
        5,
        10,
        table_oid=child.oid,
        attnums=(1,),
        referenced_oid=parent.oid,
        referenced_attnums=(1,),
        referenced_index_oid=index.oid,
    )
    with storage.begin() as transaction:
        transaction.put(key)
        transaction.commit()
    for table in (parent, child):
        assert InsertTarget.of(storage.catalog, table.oid, storage.options.index_expressions) is None
    late, _ = make_table(storage, "late")
    assert InsertTarget.of(storage.catalog, late.oid, storage.options.index_expressions) is not None
    with storage.begin() as transaction:
        transaction.put(replace(unique_index(storage, late, (2,), "late_key"), is_deferrable=True))
        transaction.commit()
    assert InsertTarget.of(storage.catalog, late.oid, storage.options.index_expressions) is None
