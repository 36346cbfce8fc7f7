"""Graphs of rows that are still in memory, by rows and index: found by readers, extended by a background thread.

A graph belongs to the rows of one growing segment, whatever snapshot looks at them, and goes on serving them while
they wait to be sealed. Its memory is counted in the budget of its storage.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import vecengine
from foundation.memory import MemoryBudget
from planner.vector.indexed_vectors import indexed_vectors, key_shape
from planner.vector.search_options import build_options
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView
    from vecengine.arrays import CancelWord

SCANNED_ROWS_MAX = 1000
"""Fewer rows behind a graph are scanned: their insertion would cost a hundred scans of them."""

_HOLDER = "growing graphs"

_Key = tuple[int, int]


@dataclass(slots=True)
class _Entry:
    graph: vecengine.GrowingHnsw
    memory: MemoryBudget
    reserved_bytes: int = 0
    searched: tuple[int, int, vecengine.VectorIndex] | None = None
    """(rows of the reader, rows of the graph, index): commits are rarer than searches."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class GrowingGraphs:
    """Safe from any thread."""

    def __init__(self) -> None:
        self._entries: dict[_Key, _Entry] = {}

    def get(self, segment: SegmentView, index: Index) -> vecengine.VectorIndex | None:
        """What to search a segment in memory with; None when no graph covers rows of it."""
        entry = self._entries.get((segment.rows_uid, index.oid))
        if entry is None or not entry.graph.row_count:
            return None
        searched, rows = entry.searched, entry.graph.row_count
        if searched is not None and searched[:2] == (segment.row_count, rows):
            return searched[2]
        found = entry.graph.index(*indexed_vectors(segment, index))
        if found is not None:
            entry.searched = (segment.row_count, rows, found)
        return found

    def graph(self, segment: SegmentView, index_oid: int) -> vecengine.GrowingHnsw | None:
        entry = self._entries.get((segment.rows_uid, index_oid))
        return None if entry is None else entry.graph

    def covered_rows(self, segment: SegmentView, index_oid: int) -> int:
        """How many of the segment's rows a graph serves."""
        entry = self._entries.get((segment.rows_uid, index_oid))
        return 0 if entry is None else min(entry.graph.row_count, segment.row_count)

    def size_bytes(self, segment: SegmentView, index_oid: int) -> int:
        entry = self._entries.get((segment.rows_uid, index_oid))
        return 0 if entry is None else entry.graph.size_bytes

    def extend(
        self,
        segment: SegmentView,
        index: Index,
        memory: MemoryBudget,
        cancel: CancelWord | None,
        *,
        threads: int = 1,
    ) -> None:
        """Take the segment's rows into its graph when enough are behind it.

        Raises:
            QueryCanceled: 57014. OutOfMemory: 53200, the graph stays as it is.
        """
        key = (segment.rows_uid, index.oid)
        entry = self._entries.get(key)
        covered = 0 if entry is None else entry.graph.row_count
        if segment.row_count - covered <= SCANNED_ROWS_MAX or index.metric is None:
            return
        if entry is None:
            growing = vecengine.families()[index.family].growing
            assert growing is not None, f"rows in memory of {index.family} are scanned"
            entry = self._entries[key] = _Entry(growing(index.metric, build_options(index)), memory)
        _, _, value_bytes = key_shape(segment, index)
        expected = entry.graph.bytes_for(segment.row_count) + 2 * segment.row_count * value_bytes
        with entry.lock:
            if expected > entry.reserved_bytes:
                memory.reserve(_HOLDER, expected - entry.reserved_bytes)
                entry.reserved_bytes = expected
        vectors, covered_bits = indexed_vectors(segment, index)
        entry.graph.extend(vectors, covered_bits, cancel, threads=threads)

    def drop(self, key: _Key) -> None:
        """Forget a graph. Readers that have it go on with it."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            with entry.lock:
                entry.memory.release(_HOLDER, entry.reserved_bytes)
                entry.reserved_bytes = 0


GROWING = GrowingGraphs()
"""The process's graphs. Rows have an identity of their own in a process, so all storages share it."""
