"""Goal: segments are merged when it pays, all space of dead rows comes back, and nobody notices.

Method: the rules over states made by hand; then a table whose rows are all replaced ten times, compared in bytes on
disk and row by row with a fresh load; merges that are cancelled, or that meet commits and old snapshots.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from foundation.errors import QueryCanceled
from foundation.memory import MemoryBudget
from storage import Storage, StorageOptions
from storage.catalog import Index, IndexKey, Table
from storage.compaction import GRAPHS_MAX, TIER_SEGMENTS_MAX, due_sources
from storage.rows import SealedRows
from storage.state import SegmentState
from tests.storage.sample_tables import (
    batch,
    delete_ids,
    ids_of,
    insert,
    make_table,
    open_storage,
    row_ids_of,
    rows_by_id,
)

ROWS = 400
OPTIONS = replace(
    StorageOptions(), growing_bytes_max=4000, write_set_bytes_max=10**6, checkpoint_rows_bytes_max=1000
)


def segment(size: int, *, dead: float = 0.0) -> SegmentState:
    rows = object.__new__(SealedRows)
    rows.file = cast(Any, SimpleNamespace(size_bytes=size))
    return SegmentState(rows, 100, int(100 * dead))


def due(sealed: list[SegmentState], *, has_graphs: bool = False, bytes_max: int = 10**9) -> list[int]:
    found = due_sources(sealed, has_graphs=has_graphs, dead_share_max=0.2, bytes_max=bytes_max)
    return [sealed.index(s) for s in found]


def test_dead_rows_are_due_above_the_threshold() -> None:
    assert due([segment(10, dead=0.2), segment(500, dead=0.21), segment(20, dead=1.0)]) == [2, 1]
    assert due([segment(10, dead=0.2)]) == []


def test_tables_with_graphs_keep_three_segments() -> None:
    sizes = [1000, 100, 10, 1]
    assert due([segment(s) for s in sizes[:GRAPHS_MAX]], has_graphs=True) == []
    assert due([segment(s) for s in sizes], has_graphs=True) == [3, 2]
    # The next one is taken along when it is not much larger than what is merged anyway.
    assert due([segment(s) for s in [1000, 20, 10, 10]], has_graphs=True) == [2, 3, 1]


def test_a_full_tier_becomes_one_segment() -> None:
    small = [segment(s) for s in (10, 12, 39)]
    assert due([*small, segment(1000), segment(40)]) == []
    assert due([*small, segment(1000), segment(11)]) == [0, 4, 1, 2]
    assert len(small) + 1 == TIER_SEGMENTS_MAX


def test_a_merge_reads_no_more_than_it_may() -> None:
    assert due([segment(10) for _ in range(4)], bytes_max=25) == [0, 1]
    assert due([segment(100, dead=1.0)], bytes_max=99) == []
    assert due([segment(10) for _ in range(4)], bytes_max=19) == []


def test_each_row_is_rewritten_a_logarithmic_number_of_times() -> None:
    """Loading 1000 segments of equal size, merging whenever it is due, writes less than six times their bytes."""
    sealed: list[SegmentState] = []
    written = 0
    for _ in range(1000):
        sealed.append(segment(100))
        while sources := due_sources(sealed, has_graphs=False, dead_share_max=0.2, bytes_max=10**9):
            total = sum(s.rows.file.size_bytes for s in sources if isinstance(s.rows, SealedRows))
            sealed = [s for s in sealed if s not in sources] + [segment(total)]
            written += total
        assert len(sealed) < 6 * (TIER_SEGMENTS_MAX - 1)
    assert written < 6 * 1000 * 100


def data_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in (path / "data").iterdir())


def update_all(storage: Storage, table: Table) -> None:
    for first in range(0, ROWS, 50):
        ids = range(first, first + 50)
        with storage.begin() as transaction:
            found = row_ids_of(transaction, table, ids)
            transaction.update(table.oid, found, batch(ids))
            transaction.commit()
        storage.compact_table(table.oid)


@pytest.mark.slow
def test_ten_updates_of_every_row_leave_the_size_of_a_fresh_load(tmp_path: Path) -> None:
    def loaded(name: str) -> tuple[Storage, Table]:
        storage = open_storage(tmp_path / name, options=OPTIONS)
        table, _ = make_table(storage)
        for first in range(0, ROWS, 50):
            insert(storage, table, range(first, first + 50))
        return storage, table

    def settle(storage: Storage, table: Table) -> None:
        storage.flush_table(table.oid)
        storage.compact_table(table.oid)
        storage.checkpoint()

    fresh, table = loaded("fresh")
    settle(fresh, table)
    fresh.close()
    updated, table = loaded("updated")
    for _ in range(10):
        update_all(updated, table)
    settle(updated, table)
    assert data_bytes(tmp_path / "updated") <= 1.5 * data_bytes(tmp_path / "fresh")
    assert ids_of(updated, table) == list(range(ROWS))
    updated.abandon()
    updated = open_storage(tmp_path / "updated", options=OPTIONS)
    assert ids_of(updated, table) == list(range(ROWS))
    updated.close()


def half_dead(tmp_path: Path) -> tuple[Storage, Table]:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(100))
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        delete_ids(transaction, table, range(50))
        transaction.commit()
    return storage, table


def test_a_cancelled_merge_leaves_nothing(tmp_path: Path) -> None:
    storage, table = half_dead(tmp_path)
    files = {file.name for file in (tmp_path / "data").iterdir()}
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise QueryCanceled("canceling statement due to user request")

    with pytest.raises(QueryCanceled):
        storage.compact_table(table.oid, check=check)
    assert {file.name for file in (tmp_path / "data").iterdir()} == files
    assert ids_of(storage, table) == list(range(50, 100))
    assert storage.compact_table(table.oid) and not storage.compact_table(table.oid)
    storage.close()


def test_deletes_during_a_merge_and_old_snapshots(tmp_path: Path) -> None:
    storage, table = half_dead(tmp_path)
    old = storage.begin(isolation="repeatable read")
    meanwhile = iter([range(0), range(50, 60)])

    def check() -> None:
        with storage.begin() as transaction:
            if ids := next(meanwhile, None):
                delete_ids(transaction, table, ids)
                transaction.commit()

    assert storage.compact_table(table.oid, check=check)
    storage.checkpoint()
    assert ids_of(storage, table) == list(range(60, 100))
    assert sorted(row[0] for row in rows_by_id(old, table).values()) == list(range(50, 100))
    storage.abandon()
    storage = open_storage(tmp_path)
    assert ids_of(storage, table) == list(range(60, 100))
    storage.close()


@pytest.mark.parametrize("family", ["hnsw", "btree"])
def test_vacuum_keeps_a_graph_with_few_dead_rows(tmp_path: Path, family: str) -> None:
    storage = open_storage(tmp_path)
    table, _ = make_table(storage)
    insert(storage, table, range(100))
    storage.flush_table(table.oid)
    index = Index(16000, "t_index", 5, 10, table_oid=table.oid, family=family, keys=(IndexKey(3),))
    with storage.begin() as transaction:
        transaction.put(index)
        transaction.commit()
    (view,) = storage.begin().table_view(table.oid).segments
    assert storage.install_index(index.oid, view.segment_id, {"links": np.zeros(4, dtype=np.int32)})
    for first, is_rewritten in ((0, False), (20, True)):
        with storage.begin() as transaction:
            delete_ids(transaction, table, range(first, first + 20))
            transaction.commit()
        is_rewritten = is_rewritten or family == "btree"
        assert storage.compact_table(table.oid, keeps_dead=False) == is_rewritten
    storage.close()


def test_without_keeping_dead_rows_one_is_enough(tmp_path: Path) -> None:
    storage = open_storage(tmp_path, memory=MemoryBudget(1 << 24))
    table, _ = make_table(storage)
    insert(storage, table, range(100))
    storage.flush_table(table.oid)
    with storage.begin() as transaction:
        delete_ids(transaction, table, [7])
        transaction.commit()
    assert not storage.compact_table(table.oid)
    assert storage.compact_table(table.oid, keeps_dead=False)
    with storage.begin() as transaction:
        (view,) = transaction.table_view(table.oid).segments
        assert view.row_count == 99
    storage.close()
