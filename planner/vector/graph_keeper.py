"""Keeps the graphs and lists of one storage alive across changes of form: growing rows get a graph, successors inherit.

1. `grow` looks at the segments in memory of an index's table and extends their graphs.
2. When rows are sealed or segments merged, the segments that had a graph are gone from the table, but they are
   remembered here as they were last seen. `source_for` finds the one whose graph covers most rows of a new segment,
   and where each row is now; the graph is then extended instead of built.
3. Once no segment of the table waits for a graph, `remember` lets go of those that are gone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import vecengine
from planner.vector.growing_graphs import GROWING
from planner.vector.index_cache import INDEXES
from planner.vector.search_options import family_of
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView, Storage
    from vecengine.arrays import CancelWord

_SHARE_MIN = 0.1
"""A graph that covers less of a new segment saves nothing worth the bridges over its dead."""

_FAMILIES = vecengine.families()


@dataclass(frozen=True, slots=True)
class GraphSource:
    """A graph, and where each row of its vectors is in the segment that is to inherit it; -1 where it is gone."""

    index: vecengine.VectorIndex
    moved_to: npt.NDArray[np.int64]


def is_worth_building(segment: SegmentView, index: Index) -> bool:
    """Whether the segment should have a file of the index."""
    rows_min = family_of(index).rows_min
    return segment.segment_id > 0 and rows_min is not None and segment.row_count >= rows_min


class GraphKeeper:
    """Of one storage. `grow` and the build of graphs may run on two threads."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._remembered: dict[int, dict[int, SegmentView]] = {}
        self._lock = threading.Lock()

    def grow(self, index: Index, cancel: CancelWord | None = None, *, threads: int = 1) -> bool:
        """Extend the graphs of the index over rows in memory.

        Returns:
            Whether a sealed segment of the table waits for its graph, as after a transaction that wrote one itself.

        Raises:
            QueryCanceled: 57014. OutOfMemory: 53200.
        """
        if _FAMILIES[index.family].growing is None:
            return False
        transaction = self._storage.begin(read_only=True)
        try:
            if transaction.catalog.get(index.oid) is None:
                # Dropped, perhaps with its table, since the caller looked.
                return False
            segments = transaction.table_view(index.table_oid).segments
            for segment in segments:
                if segment.segment_id != 0:
                    continue
                # Before the graph grows: whoever inherits it must know the rows of all its nodes.
                with self._lock:
                    self._remembered.setdefault(index.oid, {})[segment.rows_uid] = segment
                GROWING.extend(segment, index, self._storage.memory, cancel, threads=threads)
            return any(is_worth_building(s, index) and not s.has_index(index.oid) for s in segments)
        finally:
            transaction.rollback()

    def note_replaced(self, index: Index, sources: Sequence[SegmentView]) -> None:
        """Remembered segments are about to be replaced as they are in `sources`: patches have given rows other ids."""
        with self._lock:
            known = self._remembered.get(index.oid, {})
            known.update({s.rows_uid: s for s in sources if s.segment_id > 0 and s.rows_uid in known})

    def source_for(self, segment: SegmentView, index: Index) -> GraphSource | None:
        """The remembered graph that covers most rows of a segment which has none."""
        with self._lock:
            remembered = list(self._remembered.get(index.oid, {}).values())
        best: GraphSource | None = None
        most = int(_SHARE_MIN * segment.row_count)
        for known in remembered:
            graph = self._graph_of(known, index)
            if graph is None or graph.family != index.family:
                continue
            # A graph may have grown past the view taken above; such rows are inserted as if they were missing.
            moved_to = np.full(graph.vector_rows, -1, dtype=np.int64)
            row_ids = known.row_ids[: graph.vector_rows]
            # Patches since change ids, not places.
            moved_to[: len(row_ids)] = segment.find_stored(row_ids)
            count = int(np.count_nonzero(moved_to >= 0))
            if count > most:
                best, most = GraphSource(graph, moved_to), count
        return best

    def _graph_of(self, segment: SegmentView, index: Index) -> vecengine.VectorIndex | None:
        if segment.segment_id == 0:
            growing = GROWING.graph(segment, index.oid)
            return None if growing is None else growing.settled()
        return INDEXES.get(segment, index, self._storage.memory)

    def remember(self, index: Index, segments: tuple[SegmentView, ...], *, is_complete: bool) -> None:
        """Keep the segments that have a graph; when nothing waits for one, forget those that are gone."""
        with self._lock:
            known = self._remembered.setdefault(index.oid, {})
            if is_complete:
                present = {segment.rows_uid for segment in segments}
                # Rows younger than all of these are not gone: they came after the caller looked.
                newest = max(present, default=0)
                for uid in [uid for uid in known if uid < newest and uid not in present]:
                    del known[uid]
                    GROWING.drop((uid, index.oid))
            known.update({s.rows_uid: s for s in segments if s.segment_id > 0 and s.has_index(index.oid)})

    def forget_all_but(self, index_oids: set[int]) -> None:
        """Let go of indexes that were dropped."""
        with self._lock:
            for oid in [oid for oid in self._remembered if oid not in index_oids]:
                for uid in self._remembered.pop(oid):
                    GROWING.drop((uid, oid))

    def close(self) -> None:
        self.forget_all_but(set())
