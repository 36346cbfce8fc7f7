"""Loaded vector indexes, shared by all sessions: one per (stored rows, index), least recently used goes first.

Loading maps buffers and checks them; the vectors stay the segment's. Sizes are reserved in the memory budget;
an index that does not fit is used for the one statement and forgotten. A damaged one, or one of another format, is not
used at all: its segment is scanned until a background build has replaced the file.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING

import vecengine
from foundation.errors import OutOfMemory, QuiverError
from foundation.memory import MemoryBudget
from planner.vector.growing_graphs import GROWING
from planner.vector.indexed_vectors import indexed_vectors, without_values
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView

_HOLDER = "vector indexes"
_ENTRIES_MAX = 1024
_log = logging.getLogger("quiver.planner")

_Key = tuple[Hashable, int]


class IndexCache:
    """Safe from any thread. Two threads may load the same index at once; both get the one that is kept."""

    def __init__(self) -> None:
        self._entries: OrderedDict[_Key, tuple[vecengine.VectorIndex, weakref.ref[MemoryBudget]]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()

    def get(self, segment: SegmentView, index: Index, memory: MemoryBudget) -> vecengine.VectorIndex | None:
        """The index of a segment; None when it has none that can be used."""
        if segment.segment_id == 0:
            return GROWING.get(segment, index)
        if not segment.has_index(index.oid):
            return None
        key = (segment.stored_version, index.oid)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
                return entry[0]
        loaded = self._load(segment, index)
        return None if loaded is None else self._keep(key, loaded, memory)

    def is_loaded(self, segment: SegmentView, index_oid: int) -> bool:
        """Whether `get` finds what it returns, nothing included, without reading a file."""
        if segment.segment_id == 0 or not segment.has_index(index_oid):
            return True
        with self._lock:
            return (segment.stored_version, index_oid) in self._entries

    @staticmethod
    def _load(segment: SegmentView, index: Index) -> vecengine.VectorIndex | None:
        buffers = segment.index_buffers(index.oid)
        if buffers is None:
            return None
        try:
            vectors, _ = indexed_vectors(segment, index)
            return vecengine.load_index(without_values(buffers), vectors)
        except QuiverError as error:
            _log.warning("index %d of segment %d is not used: %s", index.oid, segment.segment_id, error)
            segment.mark_index_damaged(index.oid)
            return None

    def _keep(self, key: _Key, index: vecengine.VectorIndex, memory: MemoryBudget) -> vecengine.VectorIndex:
        """The index, or the one that another thread has brought meanwhile."""
        with self._lock:
            if key in self._entries:
                return self._entries[key][0]
            while len(self._entries) >= _ENTRIES_MAX:
                self._drop_oldest()
            while True:
                try:
                    memory.reserve(_HOLDER, index.size_bytes)
                    break
                except OutOfMemory:
                    if not self._entries:
                        return index
                    self._drop_oldest()
            self._entries[key] = (index, weakref.ref(memory))
            return index

    def forget(self, index_oid: int) -> None:
        """Drop what is loaded of an index that is gone or was built anew."""
        with self._lock:
            for key in [key for key in self._entries if key[1] == index_oid]:
                self._release(*self._entries.pop(key))

    def clear(self) -> None:
        with self._lock:
            while self._entries:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, entry = self._entries.popitem(last=False)
        self._release(*entry)

    @staticmethod
    def _release(index: vecengine.VectorIndex, memory: weakref.ref[MemoryBudget]) -> None:
        budget = memory()
        if budget is not None:
            budget.release(_HOLDER, index.size_bytes)


INDEXES = IndexCache()
"""The process's cache. Segment versions are unique in a process, so all storages share it."""
