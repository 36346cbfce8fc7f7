"""Goal: an index build covers what it should, leaves nothing behind when it fails, and its status tells the truth.

Method: real storage; cancellation through the cancel word, damage by handing storage's loader bad buffers, and
memory through the budget's own account.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import vecengine
from foundation.cancel import CancelToken
from foundation.errors import OutOfMemory, QueryCanceled, UndefinedObject
from foundation.memory import MemoryBudget
from planner.vector import IndexStatus, build_table_index, index_status
from planner.vector.index_cache import INDEXES, IndexCache
from storage.catalog import Table
from tests.planner.stored_items import DIMENSIONS, INDEX, PRIMARY, TABLE, Items, random_rows

ROWS_MIN = vecengine.families()["hnsw"].rows_min
assert ROWS_MIN is not None


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    table = Items(tmp_path / "data")
    yield table
    INDEXES.clear()
    assert "vector indexes" not in table.memory.held()
    assert "index builds" not in table.memory.held()
    table.close()


def status(items: Items) -> IndexStatus:
    (row,) = index_status(items.storage, items.storage.begin())
    return row


def test_small_segments_are_left_to_the_scan(items: Items) -> None:
    items.add_index("l2")
    items.insert(random_rows(1, 0, ROWS_MIN - 1))
    items.seal()
    assert build_table_index(items.storage, INDEX) == 0
    found = status(items)
    assert (found.rows_served, found.rows_scanned, found.state) == (0, ROWS_MIN - 1, "scan")
    assert (found.segments, found.segments_scanned, found.size_bytes) == (0, 1, 0)


def test_empty_table(items: Items) -> None:
    items.add_index("l2")
    assert build_table_index(items.storage, INDEX) == 0
    assert status(items) == IndexStatus(INDEX, 0, 0, 0, 0, 0, "scan")


def test_flat_has_nothing_to_build(items: Items) -> None:
    items.add_index("l2", family="flat")
    items.insert(random_rows(1, 0, 1500))
    items.seal()
    assert build_table_index(items.storage, INDEX) == 0
    assert status(items).state == "scan"


@pytest.mark.slow
def test_build_covers_each_segment_once(items: Items) -> None:
    items.add_index("cosine")
    for part in range(2):
        items.insert(random_rows(part, part * 1200, 1200))
        items.seal()
    assert (status(items).state, status(items).is_valid) == ("building", False)
    seen: list[tuple[int, int]] = []
    assert (
        build_table_index(items.storage, INDEX, progress=lambda done, total: seen.append((done, total))) == 2
    )
    assert seen[-1] == (2400, 2400) or seen[-1][1] == 2400
    assert seen == sorted(seen)
    assert build_table_index(items.storage, INDEX) == 0
    found = status(items)
    assert (found.segments, found.rows_served, found.state) == (2, 2400, "ready")
    (first, second) = items.storage.begin().table_view(TABLE).segments
    index = INDEXES.get(first, items.index(), items.memory)
    assert index is not None and INDEXES.get(first, items.index(), items.memory) is index
    vectors, _ = first.vectors(4)
    valid = np.asarray(first.column(4).is_valid())
    assert index.row_count == int((valid & vectors.any(axis=1)).sum())
    assert items.memory.held()["vector indexes"] == index.size_bytes
    assert INDEXES.get(second, items.index(PRIMARY), items.memory) is None


@pytest.mark.slow
def test_a_rebuild_replaces_a_damaged_file(items: Items) -> None:
    items.add_index("l2")
    items.insert(random_rows(1, 0, 1200))
    items.seal()
    assert build_table_index(items.storage, INDEX) == 1
    (segment,) = items.storage.begin().table_view(TABLE).segments
    garbage = {"metadata": np.frombuffer(b"not an index", dtype=np.uint8)}
    assert items.storage.install_index(INDEX, segment.segment_id, garbage)
    (segment,) = items.storage.begin().table_view(TABLE).segments
    assert status(items).state == "ready" and status(items).is_valid
    assert build_table_index(items.storage, INDEX) == 0, "nobody has looked into the file"
    assert INDEXES.get(segment, items.index(), items.memory) is None
    found = status(items)
    assert (found.state, found.is_valid, found.rows_served, found.rows_scanned) == ("damaged", False, 0, 1200)
    assert build_table_index(items.storage, INDEX) == 1
    assert (status(items).state, status(items).is_valid) == ("ready", True)
    (segment,) = items.storage.begin().table_view(TABLE).segments
    index = INDEXES.get(segment, items.index(), items.memory)
    assert index is not None and index.row_count > 1000


@pytest.mark.slow
def test_cancelled_build_leaves_nothing(items: Items) -> None:
    items.add_index("l2")
    items.insert(random_rows(1, 0, 1500))
    items.seal()
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        build_table_index(items.storage, INDEX, cancel=token.word)
    assert status(items).state == "building"
    assert build_table_index(items.storage, INDEX) == 1


def test_build_respects_the_memory_limit(items: Items) -> None:
    items.add_index("l2")
    items.insert(random_rows(1, 0, 1500))
    items.seal()
    items.memory.limit_bytes = sum(items.memory.held().values()) + 1000
    with pytest.raises(OutOfMemory):
        build_table_index(items.storage, INDEX)
    items.memory.limit_bytes = 1 << 30


def test_unknown_index(items: Items) -> None:
    for oid in (PRIMARY, TABLE, 99_999):
        with pytest.raises(UndefinedObject):
            build_table_index(items.storage, oid)


class DamagedSegment:
    """A segment whose index file reads as garbage."""

    segment_id, stored_version, row_count = 1, ("damaged", 1), 10

    is_damaged = False

    def __init__(self, table: Table) -> None:
        self.table = table

    def has_index(self, index_oid: int) -> bool:
        return not self.is_damaged

    def mark_index_damaged(self, index_oid: int) -> None:
        self.is_damaged = True

    def index_buffers(self, index_oid: int) -> dict[str, np.ndarray]:
        return {"metadata": np.frombuffer(b"not an index", dtype=np.uint8)}

    def vectors(self, attnum: int) -> tuple[np.ndarray, None]:
        return np.zeros((10, DIMENSIONS), np.float32), None


def test_damaged_file_is_ignored(items: Items, caplog: pytest.LogCaptureFixture) -> None:
    items.add_index("l2")
    cache = IndexCache()
    segment = DamagedSegment(next(items.storage.catalog.objects(Table)))
    for _ in range(2):
        assert cache.get(segment, items.index(), MemoryBudget(1000)) is None  # type: ignore[arg-type]
    assert len(caplog.records) == 1 and "is not used" in caplog.records[0].getMessage()


@pytest.mark.slow
def test_index_that_does_not_fit_is_used_but_not_kept(items: Items) -> None:
    items.add_index("l2")
    items.insert(random_rows(1, 0, 1500))
    items.seal()
    build_table_index(items.storage, INDEX)
    (segment,) = items.storage.begin().table_view(TABLE).segments
    cache, tiny = IndexCache(), MemoryBudget(10)
    assert cache.get(segment, items.index(), tiny) is not None
    assert not tiny.held()
    roomy = MemoryBudget(1 << 30)
    assert cache.get(segment, items.index(), roomy) is not None and roomy.held()
    cache.forget(INDEX)
    assert not roomy.held()
