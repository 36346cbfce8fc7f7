"""Cache of filter bitsets, shared by all sessions: least recently used goes first, bounded in bytes.

A key is (segment version, normalised predicate); its answer never changes, so entries are never invalidated,
only forgotten. A bitset is kept from its second computation on: most predicates are asked once. A sparse one
is kept as row offsets. Bytes are reserved in the memory budget of the statement that stored them.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, bits_from_offsets, offsets_from_bits, popcount
from foundation.errors import OutOfMemory
from foundation.memory import MemoryBudget

_HOLDER = "filter bitsets"
_SEEN_MAX = 4096
_ENTRY_OVERHEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class _Entry:
    data: npt.NDArray[np.generic]
    is_sparse: bool
    row_count: int
    budget: weakref.ref[MemoryBudget]

    @property
    def size_bytes(self) -> int:
        return self.data.nbytes + _ENTRY_OVERHEAD_BYTES

    def bits(self) -> Bitset:
        if self.is_sparse:
            return bits_from_offsets(self.data.astype(np.int64), self.row_count)
        return self.data.view(np.uint8)


class BitsetCache:
    """An LRU of bitsets under a byte limit. Safe from any thread."""

    def __init__(self, limit_bytes: int = 64 << 20) -> None:
        self.limit_bytes = limit_bytes
        self.hit_count = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def get(self, key: Hashable) -> Bitset | None:
        """The bitset stored under the key; not to be written to."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            self.hit_count += 1
        return entry.bits()

    def put(self, key: Hashable, bits: Bitset, row_count: int, budget: MemoryBudget) -> None:
        """Offer a bitset: the first offer of a key is remembered, the second stored."""
        with self._lock:
            mark = hash(key)
            if mark not in self._seen:
                self._seen[mark] = None
                if len(self._seen) > _SEEN_MAX:
                    self._seen.popitem(last=False)
                return
            if key in self._entries:
                return
            entry = self._entry(bits, row_count, budget)
            while self._entries and self._size_bytes + entry.size_bytes > self.limit_bytes:
                self._drop_oldest()
            if entry.size_bytes > self.limit_bytes:
                return
            try:
                budget.reserve(_HOLDER, entry.size_bytes)
            except OutOfMemory:
                return
            self._entries[key] = entry
            self._size_bytes += entry.size_bytes

    def clear(self) -> None:
        with self._lock:
            while self._entries:
                self._drop_oldest()
            self._seen.clear()

    @staticmethod
    def _entry(bits: Bitset, row_count: int, budget: MemoryBudget) -> _Entry:
        count = popcount(bits, row_count)
        is_sparse = count * 4 < len(bits) and row_count < 1 << 32
        data: npt.NDArray[np.generic] = (
            offsets_from_bits(bits, row_count).astype(np.uint32) if is_sparse else bits
        )
        return _Entry(data, is_sparse, row_count, weakref.ref(budget))

    def _drop_oldest(self) -> None:
        _, entry = self._entries.popitem(last=False)
        self._size_bytes -= entry.size_bytes
        budget = entry.budget()
        if budget is not None:
            budget.release(_HOLDER, entry.size_bytes)


BITSETS = BitsetCache()
"""The process's cache. Segment versions are unique in a process, so all storages share it."""
