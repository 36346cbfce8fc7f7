"""Goal: transactions do what they say. Method: small scripts against one open directory, reopened in between."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foundation.bitset import popcount
from foundation.errors import (
    DataException,
    DuplicateTable,
    InternalError,
    NotNullViolation,
    OutOfMemory,
    SerializationFailure,
    UniqueViolation,
)
from foundation.memory import MemoryBudget
from foundation.sqltypes import HALFVEC, INT4, TEXT, VECTOR, SqlType
from storage import Isolation, Storage, StorageOptions
from storage.catalog import Column, Index, IndexKey, Table
from storage.errors import (
    DirectoryInUse,
    DirectoryUnusable,
    LockNotAvailable,
    ReadOnlyTransaction,
    TransactionEnded,
)
from storage.locks import Waiting
from tests.storage.sample_tables import (
    batch,
    columns_batch,
    delete_ids,
    ids_of,
    insert,
    make_table,
    name_of,
    open_storage,
    row_ids_of,
    rows_by_id,
    unique_index,
    vector_of,
)

SMALL = StorageOptions(growing_bytes_max=2000, write_set_bytes_max=1000, checkpoint_rows_bytes_max=500)


def test_rows_survive_abandon_and_close(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "db")
    table, _ = make_table(storage)
    insert(storage, table, range(10))
    storage.abandon()
    storage = open_storage(tmp_path / "db")
    assert ids_of(storage, table) == list(range(10))
    storage.close()
    storage = open_storage(tmp_path / "db")
    with storage.begin() as transaction:
        rows = sorted(rows_by_id(transaction, table).values())
    assert rows == [(i, name_of(i), tuple(vector_of(i))) for i in range(10)]
    storage.close()


def test_own_writes_are_seen_only_by_their_transaction(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1, 2, 3])
    writer, reader = storage.begin(), storage.begin()
    writer.insert(table.oid, batch([4]))
    assert delete_ids(writer, table, [2, 4]) == 2
    writer.insert(table.oid, batch([5]))
    assert sorted(r[0] for r in rows_by_id(writer, table).values()) == [1, 3, 5]
    assert writer.table_view(table.oid).segments[-1].segment_id == -1
    assert sorted(r[0] for r in rows_by_id(reader, table).values()) == [1, 2, 3]
    writer.commit()
    assert sorted(r[0] for r in rows_by_id(reader, table).values()) == [1, 2, 3]
    reader.refresh_snapshot()
    assert sorted(r[0] for r in rows_by_id(reader, table).values()) == [1, 3, 5]
    storage.close()


def test_repeatable_read_keeps_its_snapshot_through_merge_and_drop(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(20))
    storage.flush_table(table.oid)
    old = storage.begin(isolation="repeatable read")
    with storage.begin() as transaction:
        delete_ids(transaction, table, range(0, 20, 2))
        transaction.commit()
    storage.merge_segments(table.oid)
    with storage.begin() as transaction:
        for index in storage.catalog.indexes_of(table.oid):
            transaction.drop(index.oid)
        transaction.drop(table.oid)
        transaction.commit()
    storage.checkpoint()
    old.refresh_snapshot()
    assert sorted(r[0] for r in rows_by_id(old, table).values()) == list(range(20))
    assert not list((tmp_path / "data").iterdir())
    storage.close()


def test_first_updater_wins(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1, 2])
    first, second = storage.begin(), storage.begin()
    delete_ids(first, table, [1])
    ids = row_ids_of(second, table, [1])
    second.locks.waiting = Waiting(lock_timeout_ms=1)
    with pytest.raises(LockNotAvailable):
        second.delete(table.oid, ids)
    first.commit()
    with pytest.raises(SerializationFailure, match="concurrent delete") as caught:
        second.delete(table.oid, ids)
    assert caught.value.sqlstate == "40001"


def test_the_loser_is_told_of_an_update_and_finds_the_new_version(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, [1, 2])
    first, second = storage.begin(), storage.begin()
    ids = row_ids_of(second, table, [1])
    fresh = first.update(table.oid, ids, batch([7]))
    first.update(table.oid, fresh, batch([8]))
    first.commit()
    with pytest.raises(SerializationFailure, match="concurrent update"):
        second.delete(table.oid, ids)
    newest = second.newest_versions(table.oid, ids)
    second.refresh_snapshot()
    assert newest.tolist() == row_ids_of(second, table, [8]).tolist()
    second.delete(table.oid, newest)
    second.commit()
    assert ids_of(storage, table) == [2]
    storage.close()


def test_deletes_find_their_rows_after_merge(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(10))
    transaction = storage.begin()
    ids = row_ids_of(transaction, table, [3, 4])
    storage.flush_table(table.oid)
    insert(storage, table, range(10, 20))
    storage.flush_table(table.oid)
    storage.merge_segments(table.oid)
    assert transaction.delete(table.oid, ids) == 2
    transaction.commit()
    assert ids_of(storage, table) == [i for i in range(20) if i not in (3, 4)]
    storage.abandon()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == [i for i in range(20) if i not in (3, 4)]
    storage.close()


def test_savepoints(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, options=SMALL)
    table, _ = make_table(storage)
    insert(storage, table, [1, 2, 3])
    transaction = storage.begin()
    transaction.insert(table.oid, batch(range(10, 40)))
    mark = transaction.savepoint()
    transaction.insert(table.oid, batch(range(40, 90)))
    delete_ids(transaction, table, [1, 11, 41])
    inner = transaction.savepoint()
    transaction.truncate(table.oid)
    assert rows_by_id(transaction, table) == {}
    transaction.insert(table.oid, batch([500]))
    transaction.rollback_to(inner)
    expected = [2, 3, 10, *range(12, 41), *range(42, 90)]
    assert sorted(r[0] for r in rows_by_id(transaction, table).values()) == expected
    transaction.rollback_to(mark)
    transaction.rollback_to(mark)
    assert sorted(r[0] for r in rows_by_id(transaction, table).values()) == [1, 2, 3, *range(10, 40)]
    transaction.insert(table.oid, batch([41]))
    transaction.commit()
    assert ids_of(storage, table) == [1, 2, 3, *range(10, 40), 41]
    storage.close()


def test_rollback_to_forgets_ddl_and_new_tables(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    transaction = storage.begin()
    mark = transaction.savepoint()
    table = Table(storage.allocate_oid(), "x", 5, 10, columns=(Column(1, "a", INT4),))
    transaction.put(table)
    transaction.insert(table.oid, columns_batch(table.columns, [[1]]))
    assert transaction.has_writes
    transaction.rollback_to(mark)
    assert transaction.catalog.get(table.oid) is None
    assert not transaction.has_writes
    transaction.commit()
    storage.close()


def test_truncate_and_drop(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, index = make_table(storage)
    insert(storage, table, range(5))
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        transaction.truncate(table.oid)
        transaction.rollback()
    assert ids_of(storage, table) == list(range(5))
    with storage.begin() as transaction:
        transaction.truncate(table.oid)
        transaction.insert(table.oid, batch([2]))
        transaction.commit()
    assert ids_of(storage, table) == [2]
    with storage.begin() as transaction:
        transaction.drop(index.oid)
        transaction.drop(table.oid)
        transaction.commit()
    assert storage.catalog.get(table.oid) is None
    storage.abandon()
    storage = open_storage(tmp_path)
    assert storage.catalog.get(table.oid) is None
    storage.close()
    assert not list((tmp_path / "data").iterdir())


def test_add_column_reads_as_missing_value_everywhere(tmp_path: Path) -> None:
    options = StorageOptions(missing_value_decoder=lambda sql_type, text: int(text))
    storage = open_storage(tmp_path, options=options)
    table, _ = make_table(storage)
    insert(storage, table, [1, 2])
    storage.flush_table(table.oid)
    insert(storage, table, [3])
    wider = replace(
        table, columns=(*table.columns, Column(4, "n", INT4, missing_value="7"), Column(5, "s", TEXT))
    )
    wider = replace(
        wider, columns=(wider.columns[0], replace(wider.columns[1], is_dropped=True), *wider.columns[2:])
    )
    with storage.begin() as transaction:
        transaction.put(wider)
        transaction.insert(table.oid, columns_batch(wider.columns, [[4], [vector_of(4)], [8], ["x"]]))
        transaction.commit()
    expected = [(i, tuple(vector_of(i)), 7, None) for i in (1, 2, 3)] + [(4, tuple(vector_of(4)), 8, "x")]
    for _ in range(2):
        with storage.begin() as transaction:
            assert sorted(rows_by_id(transaction, wider).values()) == expected
        storage.abandon()
        storage = open_storage(tmp_path, options=options)
        storage.flush_table(table.oid)
        storage.merge_segments(table.oid)
    storage.close()


@pytest.mark.parametrize("batches", [1, 2, 30])
def test_columns_added_and_dropped_after_own_inserts(tmp_path: Path, batches: int) -> None:
    options = replace(SMALL, missing_value_decoder=lambda sql_type, text: int(text))
    storage = open_storage(tmp_path, options=options)
    table, _ = make_table(storage)
    changed = replace(
        table,
        columns=(
            table.columns[0],
            replace(table.columns[1], is_dropped=True),
            table.columns[2],
            Column(4, "n", INT4, missing_value="7"),
        ),
    )
    with storage.begin() as transaction:
        for number in range(batches):
            transaction.insert(table.oid, batch(range(number * 5, number * 5 + 5)))
        transaction.put(changed)
        expected = sorted((i, tuple(vector_of(i)), 7) for i in range(batches * 5))
        assert sorted(rows_by_id(transaction, changed).values()) == expected
        transaction.commit()
    insert_row = columns_batch(changed.columns, [[-1], [vector_of(-1)], [8]])
    with storage.begin() as transaction:
        transaction.insert(table.oid, insert_row)
        transaction.commit()
    expected = [(-1, tuple(vector_of(-1)), 8), *expected]
    for _ in range(2):
        with storage.begin() as transaction:
            assert sorted(rows_by_id(transaction, changed).values()) == expected
        storage.abandon()
        storage = open_storage(tmp_path, options=options)
    storage.close()


def test_a_column_changes_its_type_by_truncate_and_new_rows(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    columns = (Column(1, "id", INT4), Column(2, "n", INT4))
    table, _ = make_table(storage, columns=columns)
    with storage.begin() as transaction:
        transaction.insert(table.oid, columns_batch(columns, [[1, 2], [10, 20]]))
        transaction.commit()
    changed = replace(table, columns=(columns[0], Column(2, "n", TEXT)))
    transaction = storage.begin()
    transaction.insert(table.oid, columns_batch(columns, [[3], [30]]))
    with pytest.raises(InternalError, match="changes its type"):
        transaction.put(changed)
    mark = transaction.savepoint()
    transaction.truncate(table.oid)
    transaction.put(changed)
    transaction.insert(table.oid, columns_batch(changed.columns, [[1, 2, 3], ["10", "20", "30"]]))
    transaction.rollback_to(mark)
    assert sorted(rows_by_id(transaction, table).values()) == [(1, 10), (2, 20), (3, 30)]
    transaction.truncate(table.oid)
    transaction.put(changed)
    transaction.insert(table.oid, columns_batch(changed.columns, [[1, 2, 3], ["10", "20", "30"]]))
    transaction.commit()
    for _ in range(2):
        with storage.begin() as transaction:
            assert sorted(rows_by_id(transaction, table).values()) == [(1, "10"), (2, "20"), (3, "30")]
        storage.abandon()
        storage = open_storage(tmp_path)
    storage.close()


def test_isolation_levels(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    assert storage.begin(isolation="read uncommitted").isolation is Isolation.READ_COMMITTED
    storage.close()


def test_large_write_set_becomes_one_sealed_segment(tmp_path: Path) -> None:
    memory = MemoryBudget(1 << 24)
    storage = open_storage(tmp_path, memory=memory, options=SMALL)
    table, index = make_table(storage)
    with storage.begin() as transaction:
        for first in range(0, 400, 20):
            transaction.insert(table.oid, batch(range(first, first + 20)))
            assert sum(memory.held().values()) < 4000
        delete_ids(transaction, table, range(0, 400, 4))
        with pytest.raises(UniqueViolation):
            transaction.insert(table.oid, batch([399]))
        transaction.insert(table.oid, batch([400, 4]))
        transaction.commit()
    with storage.begin() as transaction:
        view = transaction.table_view(table.oid)
        assert [s.segment_id > 0 for s in view.segments] == [True]
        found = transaction.lookup_key(index.oid, columns_batch(table.columns[:1], [[4, 8, 399]]))
        assert found[0] and found[2] and not found[1]
    expected = [4] + [i for i in range(400) if i % 4] + [400]
    assert ids_of(storage, table) == sorted(expected)
    assert list((tmp_path / "spill").iterdir()) == []
    storage.abandon()
    assert memory.held() == {}
    storage = open_storage(tmp_path, options=SMALL)
    assert ids_of(storage, table) == sorted(expected)
    storage.close()


def test_vectors_are_zero_copy_and_aligned(tmp_path: Path) -> None:
    columns = (
        Column(1, "id", INT4),
        Column(2, "v", SqlType(VECTOR.oid, 3)),
        Column(3, "h", SqlType(HALFVEC.oid, 2)),
        Column(4, "u", VECTOR),
    )
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, columns=columns, key=())
    values = [[1, 2, 3], [[1.0, 2.0, 3.0], None, [4.0, 5.0, 6.0]], [[1.5, 2.5]] * 3, [[1.0], None, [2.0]]]
    with storage.begin() as transaction:
        transaction.insert(table.oid, columns_batch(columns, values))
        transaction.commit()
    for _ in range(2):
        with storage.begin() as transaction:
            (segment,) = transaction.table_view(table.oid).segments
        matrix, valid = segment.vectors(2)
        assert matrix.shape == (3, 3) and matrix.dtype == np.float32 and matrix.ctypes.data % 64 == 0
        assert not matrix.flags.writeable
        assert matrix[[0, 2]].tolist() == [[1, 2, 3], [4, 5, 6]] and valid is not None and valid[0] == 0b101
        assert np.shares_memory(matrix, segment.vectors(2)[0])
        assert segment.vectors(3)[0].dtype == np.float16 and segment.vectors(3)[1] is None
        assert segment.vectors(4)[0][[0, 2]].tolist() == [[1.0], [2.0]]
        storage.flush_table(table.oid)
    with storage.begin() as transaction:
        transaction.insert(table.oid, columns_batch(columns, [[4], [None], [None], [[1.0, 2.0]]]))
        with pytest.raises(DataException, match="different vector dimensions 1 and 2"):
            transaction.insert(table.oid, columns_batch(columns, [[5], [None], [None], [[1.0]]]))
            transaction.table_view(table.oid).segments[-1].vectors(4)
    storage.close()


def test_not_null_and_batch_shape(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    transaction = storage.begin()
    with pytest.raises(NotNullViolation) as caught:
        transaction.insert(table.oid, batch([1, None], ["a", "x" * 100]))
    assert caught.value.message == 'null value in column "id" of relation "t" violates not-null constraint'
    assert caught.value.detail == f"Failing row contains (null, {'x' * 64}..., null)."
    with pytest.raises(InternalError, match="missing"):
        transaction.insert(table.oid, batch([1]).select(["1", "3"]))
    with pytest.raises(InternalError, match="in place of"):
        wrong = batch([1]).set_column(0, "1", pa.array([1], pa.int64()))
        transaction.insert(table.oid, wrong)
    assert len(transaction.insert(table.oid, pa.Table.from_batches([batch([])]))) == 0
    assert len(transaction.insert(table.oid, pa.Table.from_batches([batch([1]), batch([2])]))) == 2
    transaction.commit()
    with pytest.raises(TransactionEnded):
        transaction.insert(table.oid, batch([3]))
    with pytest.raises(ReadOnlyTransaction):
        storage.begin(read_only=True).insert(table.oid, batch([3]))
    storage.close()


def test_memory_budget_refuses_before_anything_changed(tmp_path: Path) -> None:
    memory = MemoryBudget(4000)
    storage = open_storage(tmp_path, memory=memory)
    table, _ = make_table(storage)
    insert(storage, table, range(10))
    transaction = storage.begin()
    with pytest.raises(OutOfMemory):
        transaction.insert(table.oid, batch(range(100, 300)))
    transaction.insert(table.oid, batch([50]))
    transaction.commit()
    storage.flush_table(table.oid)
    assert memory.held() == {}
    assert ids_of(storage, table) == [*range(10), 50]
    storage.close()


def test_concurrent_ddl_is_refused(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    one, two, three, four = (storage.begin() for _ in range(4))
    one.put(replace(table, name="one"))
    two.put(replace(table, name="two"))
    three.insert(table.oid, batch([1]))
    four.put(replace(table, oid=storage.allocate_oid(), name="one"))
    one.put(replace(table, name="one", columns=table.columns[:2]))
    one.commit()
    with pytest.raises(SerializationFailure):
        two.commit()
    with pytest.raises(SerializationFailure):
        three.commit()
    with pytest.raises(DuplicateTable, match='relation "one" already exists'):
        four.commit()
    storage.close()


def test_names_may_be_swapped_in_one_transaction(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    a, _ = make_table(storage, "a")
    b, _ = make_table(storage, "b")
    with storage.begin() as transaction:
        transaction.put(replace(a, name="b"))
        transaction.put(replace(b, name="a"))
        transaction.commit()
    found = storage.catalog.find_relation(5, a.schema_oid, "a")
    assert found is not None and found.oid == b.oid
    storage.close()


def test_oids_are_never_reused(tmp_path: Path) -> None:
    seen: set[int] = set()
    for _ in range(3):
        storage = open_storage(tmp_path)
        for _ in range(100):
            oid = storage.allocate_oid()
            assert oid not in seen
            seen.add(oid)
        make_table(storage, f"t{len(seen)}")
        storage.abandon()


def test_index_files(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    index = Index(
        storage.allocate_oid(),
        "hx",
        5,
        10,
        table_oid=table.oid,
        family="hnsw",
        keys=(IndexKey(3),),
        metric="l2",
    )
    insert(storage, table, range(30))
    with storage.begin() as transaction:
        transaction.put(index)
        transaction.commit()
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        (segment,) = transaction.table_view(table.oid).segments
        assert segment.index_buffers(index.oid) is None and not segment.has_index(index.oid)
    links = np.arange(12, dtype=np.int32).reshape(3, 4)
    assert storage.install_index(index.oid, segment.segment_id, {"links": links, "empty": np.empty(0)})
    assert not storage.install_index(index.oid, 999, {"links": links})
    assert not storage.install_index(table.oid, segment.segment_id, {"links": links})
    storage.abandon()
    storage = open_storage(tmp_path)
    with storage.begin() as transaction:
        buffers = transaction.table_view(table.oid).segments[0].index_buffers(index.oid)
    assert buffers is not None and (buffers["links"] == links).all() and buffers["empty"].shape == (0,)
    assert storage.install_index(index.oid, segment.segment_id, {"links": links * 2})
    storage.close()
    storage = open_storage(tmp_path)
    assert len(list((tmp_path / "data").glob("*.index"))) == 1
    with storage.begin() as transaction:
        transaction.drop(index.oid)
        transaction.commit()
    storage.close()
    assert not list((tmp_path / "data").glob("*.index"))


def test_damaged_index_is_absent_and_can_be_installed_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    index = Index(
        storage.allocate_oid(), "hx", 5, 10, table_oid=table.oid, family="hnsw", keys=(IndexKey(3),)
    )
    with storage.begin() as transaction:
        transaction.put(index)
        transaction.insert(table.oid, batch(range(30)))
        transaction.commit()
    storage.flush_table(table.oid)
    segment_id = storage.begin().table_view(table.oid).segments[0].segment_id
    links = np.arange(100)
    assert storage.install_index(index.oid, segment_id, {"links": links})
    storage.close()
    (index_file,) = (tmp_path / "data").glob("*.index")
    content = bytearray(index_file.read_bytes())
    content[100] ^= 1
    index_file.write_bytes(content)
    storage = open_storage(tmp_path)
    (segment,) = storage.begin().table_view(table.oid).segments
    assert segment.has_index(index.oid)
    assert segment.index_buffers(index.oid) is None and not segment.has_index(index.oid)
    assert "is not used" in caplog.text
    assert storage.install_index(index.oid, segment_id, {"links": links})
    (segment,) = storage.begin().table_view(table.oid).segments
    buffers = segment.index_buffers(index.oid)
    assert buffers is not None and (buffers["links"] == links).all()
    storage.close()


def test_full_growing_segment_is_sealed_by_the_committer(tmp_path: Path) -> None:
    memory = MemoryBudget(1 << 24)
    storage = open_storage(tmp_path, memory=memory, options=replace(SMALL, write_set_bytes_max=10**6))
    table, _ = make_table(storage)
    for first in range(0, 300, 10):
        insert(storage, table, range(first, first + 10))
        assert memory.held().get("growing rows", 0) < 2000
    with storage.begin() as transaction:
        ids = [s.segment_id for s in transaction.table_view(table.oid).segments]
    assert len([i for i in ids if i > 0]) > 3
    storage.merge_segments(table.oid)
    with storage.begin() as transaction:
        ids = [s.segment_id for s in transaction.table_view(table.oid).segments]
    assert len([i for i in ids if i > 0]) == 1
    assert ids_of(storage, table) == list(range(300))
    storage.abandon()
    storage = open_storage(tmp_path, options=SMALL)
    assert ids_of(storage, table) == list(range(300))
    storage.close()


def test_churn_and_small_flushes_leave_few_segments(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, options=replace(SMALL, growing_bytes_max=20_000))
    table, _ = make_table(storage)
    for first in range(0, 400, 10):
        insert(storage, table, range(first, first + 10))
        with storage.begin() as transaction:
            delete_ids(transaction, table, range(first, first + 9))
            transaction.commit()
        storage.flush_table(table.oid)
    with storage.begin() as transaction:
        assert len(transaction.table_view(table.oid).segments) <= 4
    assert ids_of(storage, table) == list(range(9, 400, 10))
    storage.close()


def test_needs_checkpoint(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, options=StorageOptions(checkpoint_log_bytes=5000))
    table, _ = make_table(storage)
    assert not storage.needs_checkpoint()
    insert(storage, table, range(100))
    assert storage.needs_checkpoint()
    storage.checkpoint()
    assert not storage.needs_checkpoint()
    assert len(list((tmp_path / "log").iterdir())) == len(list((tmp_path / "manifest").iterdir())) == 1
    assert not list((tmp_path / "data").iterdir()), "few rows live in the manifest"
    storage.close()


def test_zone_maps(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(5))
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        (segment,) = transaction.table_view(table.oid).segments
    zone = segment.zone_map(1)
    assert zone is not None and (zone.minimum, zone.maximum, zone.null_count) == (0, 4, 0)
    names = segment.zone_map(2)
    assert names is not None and (names.minimum, names.null_count) == (name_of(0), 1)
    assert segment.zone_map(3) is None
    storage.close()


def test_visible_bits_are_none_until_something_is_deleted(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(11))
    with storage.begin() as transaction:
        assert transaction.table_view(table.oid).segments[0].visible_bits is None
        assert transaction.table_view(table.oid) is storage.begin().table_view(table.oid)
        delete_ids(transaction, table, [0, 10])
        transaction.commit()
    with storage.begin() as transaction:
        (segment,) = transaction.table_view(table.oid).segments
        assert segment.visible_bits is not None and popcount(segment.visible_bits, 11) == 9
    storage.close()


def test_directory_is_locked_and_foreign_or_newer_ones_are_refused(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "db")
    with pytest.raises(DirectoryInUse, match="in use by another process"):
        open_storage(tmp_path / "db")
    storage.close()
    (tmp_path / "db" / "FORMAT").write_text("2\n")
    with pytest.raises(DirectoryUnusable, match="has format 2; this version reads up to 1"):
        open_storage(tmp_path / "db")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(DirectoryUnusable, match=r"contains \"thesis.tex\""):
        open_storage(tmp_path / "other")


def test_missing_format_file_beside_a_used_log_is_refused(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    make_table(storage)
    storage.abandon()
    (tmp_path / "FORMAT").unlink()
    with pytest.raises(DirectoryUnusable, match="no FORMAT file"):
        open_storage(tmp_path)


def test_group_commit_shares_fsyncs(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    before = storage.log.sync_count
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for i in range(20):
                insert(storage, table, [worker * 1000 + i])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert storage.log.sync_count - before <= 120
    assert len(ids_of(storage, table)) == 120
    storage.abandon()
    storage = open_storage(tmp_path)
    assert len(ids_of(storage, table)) == 120
    storage.close()


def test_unique_index_on_existing_rows(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, key=())
    insert(storage, table, [1, 2, 1])
    index = unique_index(storage, table, (1,), "u")
    transaction = storage.begin()
    with pytest.raises(UniqueViolation) as caught:
        transaction.put(index)
    assert caught.value.message == 'could not create unique index "u"'
    assert caught.value.detail == "Key (id)=(1) is duplicated."
    transaction.truncate(table.oid)
    transaction.insert(table.oid, batch([5]))
    transaction.put(index)
    insert(storage, table, [5])
    transaction.commit()
    assert ids_of(storage, table) == [5]
    with pytest.raises(UniqueViolation):
        insert(storage, table, [5])
    storage.close()


def test_unique_index_is_checked_again_at_commit(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage, key=())
    insert(storage, table, [1])
    transaction = storage.begin()
    transaction.put(unique_index(storage, table, (1,), "u"))
    late = storage.begin()
    late.insert(table.oid, batch([1]))
    late.commit()
    with pytest.raises(UniqueViolation, match="could not create unique index"):
        transaction.commit()
    storage.close()


def test_closed_storage_refuses(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    storage.close()
    storage.close()
    with pytest.raises(Exception, match="closed"):
        insert(storage, table, [1])
    assert isinstance(storage, Storage)
