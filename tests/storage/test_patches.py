"""Goal: an update that leaves vectors and keys alone changes rows in their place, and nobody can tell from the answers.

Method: a small sealed table with a fake index file beside it, looked at through snapshots from before and after;
concurrent writers, savepoints, DDL, checkpoints and merges at every point where a patch may meet them. The
random counterpart is `test_model.py`, the crashing one `test_crash.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from foundation.errors import NotNullViolation, OutOfMemory, SerializationFailure, UniqueViolation
from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, TEXT, VECTOR, SqlType
from storage import Isolation, SegmentView, Storage, StorageOptions, Transaction, overlay
from storage.catalog import Column, Index, IndexKey, Table
from storage.errors import LockNotAvailable
from storage.lock_modes import RowStrength
from storage.locks import Waiting
from storage.overlay import can_hold, replaced
from tests.storage.sample_tables import (
    batch,
    columns_batch,
    delete_ids,
    insert,
    make_table,
    name_of,
    open_storage,
    row_ids_of,
    rows_by_id,
    unique_index,
    vector_of,
)

ROWS = 50
GRAPH = 16000


class Patched:
    """A table of `ROWS` sealed rows with an index file."""

    def __init__(self, path: Path, *, memory: MemoryBudget | None = None, **options: int) -> None:
        self.path = path
        self.memory = memory or MemoryBudget(1 << 30)
        self.options = StorageOptions(**options)
        self.storage = open_storage(path, memory=self.memory, options=self.options)
        self.table, self.index = make_table(self.storage)
        insert(self.storage, self.table, range(ROWS))
        self.storage.flush_table(self.table.oid)
        graph = Index(GRAPH, "h", 5, 10, table_oid=self.table.oid, family="hnsw", keys=(IndexKey(3),))
        with self.storage.begin() as transaction:
            transaction.put(graph)
            transaction.commit()
        (segment,) = self.segments()
        self.storage.install_index(GRAPH, segment.segment_id, {"a": np.arange(9)})

    def segments(self) -> tuple[SegmentView, ...]:
        return self.storage.begin().table_view(self.table.oid).segments

    def names(self, transaction: Transaction | None = None) -> dict[int, str | None]:
        """Names by id; every vector is looked at."""
        rows = rows_by_id(transaction or self.storage.begin(), self.table).values()
        assert all(list(row[2]) == vector_of(row[0]) for row in rows)
        return {row[0]: row[1] for row in rows}

    def update(self, transaction: Transaction, ids: list[int], name: str | None) -> npt.NDArray[np.uint64]:
        by_id = {row[0]: row_id for row_id, row in rows_by_id(transaction, self.table).items()}
        row_ids = np.array([by_id[key] for key in ids], dtype=np.uint64)
        return transaction.update(self.table.oid, row_ids, batch(ids, [name] * len(ids)).select(["2"]))

    def patch(self, ids: list[int], name: str | None) -> None:
        with self.storage.begin() as transaction:
            self.update(transaction, ids, name)
            transaction.commit()

    def reopen(self, *, is_clean: bool) -> None:
        if is_clean:
            self.storage.close()
        else:
            self.storage.abandon()
        assert self.memory.held() == {}
        self.storage = open_storage(self.path, memory=self.memory, options=self.options)

    def overlay_files(self) -> list[str]:
        return sorted(path.name for path in (self.path / "data").glob("*.overlay"))


def expected(changed: dict[int, str | None], *gone: int) -> dict[int, str | None]:
    found = {key: name_of(key) for key in range(ROWS)} | changed
    return {key: name for key, name in found.items() if key not in gone}


def patch_count(storage: Storage, table: Table) -> int:
    return sum(s.overlay is not None for s in storage.published.table_state(table.oid).sealed)


@pytest.fixture
def patched(tmp_path: Path) -> Any:
    found = Patched(tmp_path)
    yield found
    found.storage.close()
    assert found.memory.held() == {}


def test_a_patch_leaves_vectors_and_index_where_they_are(patched: Patched) -> None:
    before = patched.storage.begin(isolation=Isolation.REPEATABLE_READ)
    (old,) = before.table_view(patched.table.oid).segments
    vectors, _ = old.vectors(3)
    patched.patch([1, 4], "zz")
    (new,) = patched.segments()
    assert new.visible_bits is None and new.row_count == ROWS
    assert new.has_index(GRAPH) and np.shares_memory(new.vectors(3)[0], vectors)
    assert (new.version != old.version, new.stored_version == old.stored_version) == (True, True)
    assert new.row_ids[1] > new.row_ids[ROWS - 1] and old.row_ids[1] < old.row_ids[ROWS - 1]
    assert new.find(old.row_ids[[0, 1]]).tolist() == [0, -1]
    assert new.find(new.row_ids).tolist() == list(range(ROWS))
    assert new.find_stored(old.row_ids).tolist() == list(range(ROWS))
    zone = new.zone_map(2)
    assert zone is not None and zone.maximum == "zz" and new.zone_map(1) == old.zone_map(1)
    assert patched.names(before) == expected({})
    assert patched.names() == expected({1: "zz", 4: "zz"})
    patched.patch([4, 9], None)
    assert patched.names() == expected({1: "zz", 4: None, 9: None})


def test_the_first_of_two_writers_wins(patched: Patched) -> None:
    first, second = patched.storage.begin(), patched.storage.begin()
    for transaction in (first, second):
        transaction.locks.waiting = Waiting(lock_timeout_ms=1)
    old_ids = row_ids_of(second, patched.table, [3, 4])
    patched.update(first, [3], "first")
    with pytest.raises(LockNotAvailable):
        patched.update(second, [3, 4], "second")
    first.commit()
    with pytest.raises(SerializationFailure):
        patched.update(second, [3, 4], "second")
    # What waited for the row goes on with its next version.
    second.catch_up()
    newest = second.newest_versions(patched.table.oid, old_ids)
    assert newest.tolist() == [row_ids_of(second, patched.table, [3])[0], 0]
    assert (second.lock_rows(patched.table.oid, old_ids, RowStrength.UPDATE).is_replaced).tolist() == [
        True,
        False,
    ]
    patched.update(second, [3, 4], "second")
    second.commit()
    assert patched.names() == expected({3: "second", 4: "second"})
    late = patched.storage.begin(isolation=Isolation.REPEATABLE_READ)
    patched.patch([3], "again")
    with pytest.raises(SerializationFailure):
        patched.update(late, [3], "late")
    with pytest.raises(SerializationFailure):
        late.delete(patched.table.oid, row_ids_of(late, patched.table, [3]))


def test_next_versions_of_rows_that_were_patched_and_inserted(patched: Patched) -> None:
    watching, transaction = patched.storage.begin(), patched.storage.begin()
    old_ids = row_ids_of(watching, patched.table, [1, 2, 3, 4])
    transaction.insert(patched.table.oid, batch([ROWS]))
    patched.update(transaction, [2, 4], "once")
    transaction.insert(patched.table.oid, batch([ROWS + 1]))
    patched.update(transaction, [1, 4], "twice")
    delete_ids(transaction, patched.table, [2])
    transaction.commit()
    by_key = {row[0]: row_id for row_id, row in rows_by_id(patched.storage.begin(), patched.table).items()}
    newest = watching.newest_versions(patched.table.oid, old_ids)
    assert newest.tolist() == [by_key[1], 0, 0, by_key[4]]
    assert patched.names() == expected(
        {1: "twice", 4: "twice", ROWS: name_of(ROWS), ROWS + 1: name_of(ROWS + 1)}, 2
    )


def test_own_patches_are_seen_changed_and_taken_back(patched: Patched) -> None:
    transaction = patched.storage.begin()
    ids = patched.update(transaction, [1, 2, 3], "once")
    assert (ids >= 1 << 63).all()
    mark = transaction.savepoint()
    patched.update(transaction, [2, 3], "twice")
    insert_mark = transaction.savepoint()
    transaction.insert(patched.table.oid, batch([ROWS]))
    patched.update(transaction, [3, ROWS], "thrice")
    assert patched.names(transaction) == expected({1: "once", 2: "twice", 3: "thrice", ROWS: "thrice"})
    transaction.rollback_to(insert_mark)
    assert patched.names(transaction) == expected({1: "once", 2: "twice", 3: "twice"})
    transaction.rollback_to(mark)
    transaction.delete(patched.table.oid, row_ids_of(transaction, patched.table, [1]))
    moved = row_ids_of(transaction, patched.table, [2])
    transaction.update(patched.table.oid, moved, columns_batch(patched.table.columns[:1], [[99]]))
    found = rows_by_id(transaction, patched.table).values()
    assert {(row[0], row[1]) for row in found} >= {(99, "once"), (3, "once")}
    transaction.commit()
    (segment, *_) = patched.segments()
    assert segment.visible_count == ROWS - 2
    rows = {row[0]: row for row in rows_by_id(patched.storage.begin(), patched.table).values()}
    assert 1 not in rows and 2 not in rows and rows[3][1] == "once"
    assert rows[99][1:] == ("once", tuple(vector_of(2)))


@pytest.mark.parametrize("is_clean", [True, False])
def test_patches_outlive_the_process(patched: Patched, is_clean: bool) -> None:
    patched.patch([1, 2], "one")
    patched.storage.checkpoint()
    assert patched.memory.held() == {} and len(patched.overlay_files()) == 1
    (first,) = patched.overlay_files()
    patched.patch([2, 3], "two")
    assert patched.memory.held()["growing rows"] > 0
    patched.reopen(is_clean=is_clean)
    assert patched.names() == expected({1: "one", 2: "two", 3: "two"})
    with patched.storage.begin() as transaction:
        transaction.delete(patched.table.oid, row_ids_of(transaction, patched.table, [3]))
        transaction.commit()
    patched.storage.checkpoint()
    assert len(patched.overlay_files()) == 1 and patched.overlay_files() != [first]
    patched.reopen(is_clean=True)
    assert 3 not in patched.names() and patched.segments()[0].has_index(GRAPH)
    with patched.storage.begin() as transaction:
        transaction.truncate(patched.table.oid)
        transaction.commit()
    patched.storage.checkpoint()
    assert patched.overlay_files() == []


def test_an_unchanged_overlay_is_not_written_again(patched: Patched) -> None:
    patched.patch([1], "one")
    patched.storage.checkpoint()
    files = patched.overlay_files()
    insert(patched.storage, patched.table, [ROWS])
    patched.storage.checkpoint()
    assert patched.overlay_files() == files


def test_a_merge_folds_patches_in_and_finds_those_that_came_meanwhile(patched: Patched) -> None:
    patched.patch([1, 2, 3], "before")

    def patch_meanwhile(*segments: object) -> dict[int, dict[str, Any]]:
        patched.patch([2, 5], "meanwhile")
        with patched.storage.begin() as transaction:
            transaction.delete(patched.table.oid, row_ids_of(transaction, patched.table, [3, 5]))
            transaction.commit()
        return {}

    patched.storage.start_background(patch_meanwhile, 0)
    patched.storage.merge_segments(patched.table.oid)
    names = expected({1: "before", 2: "meanwhile"})
    del names[3], names[5]
    assert patched.names() == names
    patched.storage.stop_background()
    patched.reopen(is_clean=False)
    assert patched.names() == names
    patched.storage.merge_segments(patched.table.oid)
    assert patch_count(patched.storage, patched.table) == 0 and patched.names() == names


def test_a_unique_index_that_comes_meanwhile_wins(patched: Patched) -> None:
    waiting = patched.storage.begin()
    patched.update(waiting, [4], "unique")
    with patched.storage.begin() as transaction:
        transaction.put(unique_index(patched.storage, patched.table, (2,), "names"))
        transaction.commit()
    with pytest.raises(SerializationFailure):
        waiting.commit()
    with pytest.raises(UniqueViolation):
        patched.patch([4], name_of(5))
    patched.patch([4], "unique")
    assert patch_count(patched.storage, patched.table) == 0, "columns of unique indexes are not patched"


@pytest.mark.parametrize(
    "reader",
    [
        {"keys": (IndexKey(0, expression_sql="e", expression_attnums=(2, 3)),)},
        {"keys": (IndexKey(3),), "predicate_sql": "p", "predicate_attnums": (2,)},
    ],
)
def test_a_vector_index_that_reads_the_column_wins(patched: Patched, reader: dict[str, Any]) -> None:
    waiting = patched.storage.begin()
    patched.update(waiting, [4], "waiting")
    with patched.storage.begin() as transaction:
        oid = patched.storage.allocate_oid()
        transaction.put(
            Index(oid, "x", 5, 10, table_oid=patched.table.oid, family="hnsw", metric="l2", **reader)
        )
        transaction.commit()
    with pytest.raises(SerializationFailure):
        waiting.commit()
    for is_clean in (False, True):
        patched.patch([4], "new version")
        assert patch_count(patched.storage, patched.table) == 0, "its values in index files stay true"
        patched.reopen(is_clean=is_clean)
    assert patched.names() == expected({4: "new version"})


def test_keys_of_a_column_that_was_patched_earlier(patched: Patched) -> None:
    names = unique_index(patched.storage, patched.table, (2,), "names")
    maker = patched.storage.begin()
    maker.put(names)
    maker.insert(patched.table.oid, batch([ROWS], ["mine"]))
    patched.patch([4], "patched")
    maker.commit()
    for is_clean in (False, True):
        wanted = columns_batch(patched.table.columns[1:2], [["patched", name_of(4), name_of(5)]])
        found = patched.storage.begin().lookup_key(names.oid, wanted)
        assert (found > 0).tolist() == [True, False, True]
        with pytest.raises(UniqueViolation):
            insert_named(patched, ROWS + 1, "patched")
        patched.reopen(is_clean=is_clean)
    insert_named(patched, ROWS + 1, name_of(4))


def insert_named(patched: Patched, key: int, name: str | None) -> None:
    with patched.storage.begin() as transaction:
        transaction.insert(patched.table.oid, batch([key], [name]))
        transaction.commit()


def test_a_column_that_the_file_does_not_have(patched: Patched) -> None:
    column = Column(4, "extra", TEXT, missing_value="missing")
    wider = Table(patched.table.oid, "t", 5, 10, columns=(*patched.table.columns, column))
    with patched.storage.begin() as transaction:
        transaction.put(wider)
        ids = row_ids_of(transaction, patched.table, [7])
        transaction.update(patched.table.oid, ids, columns_batch((column,), [["there"]]))
        transaction.commit()
    for is_clean in (False, True):
        extras = {row[0]: row[3] for row in rows_by_id(patched.storage.begin(), wider).values()}
        assert extras == {key: "there" if key == 7 else "missing" for key in range(ROWS)}
        patched.reopen(is_clean=is_clean)
    patched.storage.merge_segments(patched.table.oid)
    extras = {row[0]: row[3] for row in rows_by_id(patched.storage.begin(), wider).values()}
    assert extras[7] == "there" and extras[8] == "missing"


def test_not_null_shows_the_whole_row(patched: Patched) -> None:
    column = Column(2, "name", TEXT, not_null=True)
    strict = Table(
        patched.table.oid, "t", 5, 10, columns=(patched.table.columns[0], column, patched.table.columns[2])
    )
    transaction = patched.storage.begin()
    transaction.put(strict)
    ids = row_ids_of(transaction, patched.table, [5])
    with pytest.raises(NotNullViolation) as caught:
        transaction.update(patched.table.oid, ids, columns_batch((column,), [[None]]))
    assert caught.value.detail is not None and caught.value.detail.startswith(
        "Failing row contains (5, null, [5.0"
    )


def test_few_rows_many_bytes_and_rows_in_memory_become_new_versions(tmp_path: Path) -> None:
    patched = Patched(tmp_path, revised_bytes_max=100)
    patched.patch(list(range(30)), "x" * 20)
    assert patch_count(patched.storage, patched.table) == 0
    assert patched.names() == expected(dict.fromkeys(range(30), "x" * 20))
    with patched.storage.begin() as transaction:
        transaction.insert(patched.table.oid, batch(range(1000, 2000)))
        transaction.commit()
    patched.storage.flush_table(patched.table.oid)
    patched.storage.merge_segments(patched.table.oid)
    patched.patch([1000, 1001], "few")
    patched.patch([1000, 1002], "in memory and sealed")
    assert patch_count(patched.storage, patched.table) == 0
    names = patched.names()
    assert (names[1000], names[1001], names[1002]) == ("in memory and sealed", "few", "in memory and sealed")
    patched.storage.close()


def test_a_table_without_vectors_is_not_patched(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    columns = (Column(1, "id", INT4), Column(2, "name", TEXT))
    table, _ = make_table(storage, columns=columns)
    with storage.begin() as transaction:
        transaction.insert(table.oid, columns_batch(columns, [[1, 2], ["a", "b"]]))
        transaction.commit()
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        ids = row_ids_of(transaction, table, [1])
        transaction.update(table.oid, ids, columns_batch(columns[1:], [["c"]]))
        transaction.commit()
    assert patch_count(storage, table) == 0
    storage.close()


def test_a_patch_without_room_fails_alone(tmp_path: Path) -> None:
    patched = Patched(tmp_path, memory=MemoryBudget(40_000))
    with patched.storage.begin() as transaction:
        patched.update(transaction, [1], "x" * 15_000)
        patched.memory.reserve("other", 20_000)
        with pytest.raises(OutOfMemory):
            transaction.commit()
    patched.memory.release("other", 20_000)
    assert patched.names() == expected({}) and patched.memory.held() == {}
    patched.patch([1], "y")
    assert patched.names() == expected({1: "y"})
    patched.storage.close()


def test_text_that_an_array_cannot_hold_is_not_patched(patched: Patched, monkeypatch: Any) -> None:
    patched.storage.begin()
    waiting = patched.storage.begin()
    patched.update(waiting, [1], "waits")
    monkeypatch.setattr(overlay, "VARIABLE_BYTES_MAX", 100)
    with pytest.raises(SerializationFailure):
        waiting.commit()
    patched.patch([1], "again")
    assert patch_count(patched.storage, patched.table) == 0 and patched.names() == expected({1: "again"})
    assert can_hold(pa.array(range(1000)), pa.array(range(10)))


@pytest.mark.parametrize(
    "arrow_type",
    [
        pa.bool_(),
        pa.int32(),
        pa.float64(),
        pa.utf8(),
        pa.binary(),
        pa.decimal128(12, 2),
        pa.date32(),
        pa.list_(pa.int32()),
        pa.month_day_nano_interval(),
    ],
)
def test_replaced_against_a_list(arrow_type: pa.DataType) -> None:
    rng = np.random.default_rng(11)

    def some(count: int) -> pa.Array:
        numbers = [None if n % 5 == 0 else int(n) for n in rng.integers(0, 1000, count)]
        if pa.types.is_list(arrow_type):
            return pa.array([None if n is None else [n, None] for n in numbers], arrow_type)
        if arrow_type == pa.month_day_nano_interval():
            return pa.array([None if n is None else (n, 1, 2) for n in numbers], arrow_type)
        if pa.types.is_boolean(arrow_type):
            return pa.array([None if n is None else n % 2 == 0 for n in numbers], arrow_type)
        if pa.types.is_string(arrow_type) or pa.types.is_binary(arrow_type):
            return pa.array([None if n is None else str(n).encode() for n in numbers], pa.binary()).cast(
                arrow_type
            )
        return pa.array(numbers, pa.int32()).cast(arrow_type)

    for count, changed in ((1, 1), (40, 7), (40, 40), (40, 0)):
        column, values = some(count), some(changed)
        offsets = rng.permutation(count)[:changed]
        wanted = column.to_pylist()
        for offset, value in zip(offsets, values.to_pylist()):
            wanted[offset] = value
        assert replaced(column.slice(0, count), offsets, values).to_pylist() == wanted


def test_a_patch_of_a_vector_rewrites_the_row(patched: Patched) -> None:
    column = Column(3, "v", SqlType(VECTOR.oid, 4))
    with patched.storage.begin() as transaction:
        ids = row_ids_of(transaction, patched.table, [6])
        transaction.update(patched.table.oid, ids, columns_batch((column,), [[vector_of(77)]]))
        transaction.commit()
    rows = {row[0]: row for row in rows_by_id(patched.storage.begin(), patched.table).values()}
    assert rows[6] == (6, name_of(6), tuple(vector_of(77)))
    assert patch_count(patched.storage, patched.table) == 0
