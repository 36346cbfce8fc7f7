"""Tombstones of one segment: row offsets in commit order, append-only.

A snapshot sees the first n of them, so "which rows are visible" is a function of (row count, n) and is
cached under that pair. The writer side asks instead which rows are deleted as of now.
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, RowOffsets, bits_from_mask
from storage.growable import GrowableArray

_CACHED_BITSETS_MAX = 4


class Tombstones:
    """One thread appends, under the commit lock; any thread reads."""

    def __init__(self) -> None:
        self._offsets = GrowableArray(np.int64)
        self._deleted: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._cache: dict[tuple[int, int], Bitset] = {}
        self._cache_lock = threading.Lock()

    @property
    def count(self) -> int:
        return self._offsets.count

    def append(self, offsets: RowOffsets) -> None:
        """Delete rows that `is_deleted` says are not deleted yet."""
        if not len(offsets):
            return
        highest = int(offsets.max())
        if highest >= len(self._deleted):
            grown = np.zeros(max(highest + 1, 2 * len(self._deleted), 64), dtype=np.bool_)
            grown[: len(self._deleted)] = self._deleted
            self._deleted = grown
        self._deleted[offsets] = True
        self._offsets.append(offsets)

    def offsets(self, start: int, end: int) -> RowOffsets:
        """Tombstones `start`..`end`-1, in commit order."""
        found: RowOffsets = self._offsets.data[start:end]
        return found

    def is_deleted(self, offsets: RowOffsets) -> npt.NDArray[np.bool_]:
        """(m,) bool: which of the rows have a tombstone now."""
        deleted = self._deleted
        if not len(deleted):
            return np.zeros(len(offsets), dtype=np.bool_)
        found: npt.NDArray[np.bool_] = deleted[np.minimum(offsets, len(deleted) - 1)]
        return found & (offsets < len(deleted))

    def visible_bits(self, row_count: int, count: int) -> Bitset | None:
        """Bitset of the rows the first `count` tombstones leave; None when they leave all."""
        if not count:
            return None
        key = (row_count, count)
        bits = self._cache.get(key)
        if bits is None:
            mask = np.ones(row_count, dtype=np.bool_)
            mask[self.offsets(0, count)] = False
            bits = bits_from_mask(mask)
            bits.flags.writeable = False
            with self._cache_lock:
                if len(self._cache) >= _CACHED_BITSETS_MAX:
                    self._cache.pop(next(iter(self._cache)))
                self._cache[key] = bits
        return bits
