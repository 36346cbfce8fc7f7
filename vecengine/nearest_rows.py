"""The rows of an index nearest first, batch after batch: a search that goes on where it stopped.

Three ways, of which each ends in the first one, so that every row comes exactly once:

- `ScannedRows` computes all distances at once and sorts as far as it is asked.
- `SearchedAgain` serves every index: it searches for twice as many rows and leaves out those that came before.
- An index that keeps the state of its search (`vecengine.hnsw.walking`, `vecengine.ivf.visiting`) has its own.

Which of several searches comes first is decided by the index's own estimate: once a scan is cheaper than the next search, the rest
is scanned. That is Knowhere's `AnnIterator` (include/knowhere/index/index_node.h), made complete.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from foundation.bitset import Bitset, offsets_from_bits
from vecengine.arrays import CancelWord
from vecengine.exact import Offsets, distances_at
from vecengine.index import EXACT, SearchStats
from vecengine.metrics import Float32s, Float64s, Metric, Vectors

_SORTED_LEAST = 1024
_NO_OFFSETS: Offsets = np.zeros(0, dtype=np.int64)
_NO_DISTANCES: Float64s = np.zeros(0, dtype=np.float64)

Batch = tuple[Float64s, Offsets]


class Wanted(NamedTuple):
    """One query over an index's vectors, checked.

    Attributes:
        query: (1, w) float32 as kernels take it.
        bits: the rows that are covered and allowed, None for all.
        allowed_count: how many they are.
    """

    metric: Metric
    vectors: Vectors
    query: Float32s
    bits: Bitset | None
    allowed_count: int
    cancel: CancelWord | None
    stats: SearchStats

    def distances(self, offsets: Offsets) -> Float64s:
        """(m,) operator values of the rows at (m,) offsets."""
        self.stats.distances += offsets.size
        found: Float64s = distances_at(self.metric, self.vectors, self.query, offsets, self.cancel)[0]
        return found


class Pool:
    """Rows with their distances, of which the nearest are taken; sorted only as far as was taken."""

    def __init__(self) -> None:
        self._sorted: Batch = (_NO_DISTANCES, _NO_OFFSETS)
        self._others: Batch = (_NO_DISTANCES, _NO_OFFSETS)

    def __len__(self) -> int:
        return int(self._sorted[1].size + self._others[1].size)

    def add(self, distances: Float64s, offsets: Offsets) -> None:
        """Rows whose distance is NaN have no order and are left out."""
        is_ordered = ~np.isnan(distances)
        added = (distances[is_ordered], offsets[is_ordered])
        self._others = _joined(_joined(self._sorted, self._others), added)
        self._sorted = (_NO_DISTANCES, _NO_OFFSETS)

    def take(self, count: int) -> Batch:
        """The nearest, ascending by (distance, row offset): `count` of them, or all there are."""
        if self._sorted[1].size < count and self._others[1].size:
            self._sort(max(count, _SORTED_LEAST))
        taken = (self._sorted[0][:count], self._sorted[1][:count])
        self._sorted = (self._sorted[0][count:], self._sorted[1][count:])
        return taken

    def _sort(self, least: int) -> None:
        distances, offsets = _joined(self._sorted, self._others)
        is_near = np.ones(distances.size, dtype=np.bool_)
        if least < distances.size:
            is_near = distances <= np.partition(distances, least - 1)[least - 1]
        order = np.lexsort((offsets[is_near], distances[is_near]))
        self._sorted = (distances[is_near][order], offsets[is_near][order])
        self._others = (distances[~is_near], offsets[~is_near])


class NearestRowsBase(ABC):
    """See `vecengine.index.NearestRows`: what the three ways have in common."""

    def next(self, count: int) -> tuple[Float32s, Offsets]:
        distances, offsets = self.advance(count)
        with np.errstate(over="ignore"):
            return distances.astype(np.float32), offsets

    @abstractmethod
    def advance(self, count: int) -> Batch:
        """`next` with operator values in float64."""


class ScannedRows(NearestRowsBase):
    """All distances at once; its order is exact across batches, too. Memory: 16 bytes an allowed row."""

    def __init__(self, wanted: Wanted, without: Offsets = _NO_OFFSETS) -> None:
        self._wanted = wanted
        self._without = without
        self._pool: Pool | None = None

    def advance(self, count: int) -> Batch:
        if self._pool is None:
            self._pool = self._scan()
        return self._pool.take(count)

    def _scan(self) -> Pool:
        wanted = self._wanted
        wanted.stats.strategy = EXACT
        offsets = offsets_from_bits(wanted.bits, wanted.vectors.shape[0])
        if self._without.size:
            is_left = np.ones(wanted.vectors.shape[0], dtype=np.bool_)
            is_left[self._without] = False
            offsets = offsets[is_left[offsets]]
        pool = Pool()
        pool.add(wanted.distances(offsets), offsets)
        return pool


class ContinuedRows(NearestRowsBase):
    """Rows that some search finds, and after its end a scan of those it did not."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._came: list[Offsets] = []
        self._came_count = 0
        self._scanned: ScannedRows | None = None

    def advance(self, count: int) -> Batch:
        if count <= 0:
            return _NO_DISTANCES, _NO_OFFSETS
        if self._scanned is None:
            found = self._find(count)
            if found is not None:
                self._came.append(found[1])
                self._came_count += count
                return found
            self._scanned = ScannedRows(self._wanted, np.concatenate([_NO_OFFSETS, *self._came]))
            self._came.clear()
        return self._scanned.advance(count)

    @abstractmethod
    def _find(self, count: int) -> Batch | None:
        """The next `count` rows, ascending; None when the search has not as many, and it is asked no more."""


class SearchedAgain(ContinuedRows):
    """A search for twice as many rows whenever those found have been taken.

    Args:
        search: the k nearest of the wanted rows, as (k,) row offsets; None where a scan is cheaper.
    """

    def __init__(self, wanted: Wanted, search: Callable[[int], Offsets | None]) -> None:
        super().__init__(wanted)
        self._search = search
        self._found: Batch = (_NO_DISTANCES, _NO_OFFSETS)
        self._is_seen = np.zeros(wanted.vectors.shape[0], dtype=np.bool_)
        self._width = 0

    def _find(self, count: int) -> Batch | None:
        while self._found[1].size < count:
            self._width = max(2 * self._width, self._came_count + count)
            offsets = self._search(self._width)
            if offsets is None:
                return None
            offsets = offsets[~self._is_seen[offsets]]
            self._is_seen[offsets] = True
            distances, offsets = _joined(self._found, (self._wanted.distances(offsets), offsets))
            order = np.lexsort((offsets, distances))
            self._found = (distances[order], offsets[order])
        taken = (self._found[0][:count], self._found[1][:count])
        self._found = (self._found[0][count:], self._found[1][count:])
        return taken


def _joined(left: Batch, right: Batch) -> Batch:
    if not right[1].size:
        return left
    return np.concatenate([left[0], right[0]]), np.concatenate([left[1], right[1]])
