"""What every index offers beside `search`, written once on top of it: ranges, rows one after another, distances, statistics.

A family has at least `search` and `estimate`; where the state of a search can be kept, it has its own `_nearest_rows`, which makes
ranges faster, too: a range search takes the nearest rows, ever more at a time, until they are out of range. Where the
estimate says that a scan is cheaper, it scans.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from foundation.bitset import Bitset, and_bits, popcount
from vecengine.arrays import CancelWord, Queries, check_allowed, check_queries
from vecengine.buffers import write_file
from vecengine.compiled import kernels
from vecengine.exact import Offsets, distances_at
from vecengine.index import (
    EXACT,
    Buffers,
    IndexStatistics,
    SearchStats,
    StrategyEstimate,
    VectorIndex,
)
from vecengine.metrics import Float32s, Float64s, Vectors, parse_metric
from vecengine.nearest_rows import NearestRowsBase, ScannedRows, SearchedAgain, Wanted
from vecengine.ranges import Range, RangeAnswer, exact_range, range_answer
from vecengine.stored_vectors import StoredVectors

TARGET_RECALL = 0.95
"""Of ranges and iterators whose caller names no `ef_search`."""

_PLANNED_ROWS = 10
_FIRST_BATCH = 32
_BATCH_MAX = 1024


class SearchableIndex(ABC):
    """The part of `vecengine.index.VectorIndex` that follows from `search`."""

    _vectors: Vectors
    _build_seconds: float | None = None

    @property
    @abstractmethod
    def family(self) -> str: ...

    @property
    @abstractmethod
    def metric(self) -> str: ...

    @property
    @abstractmethod
    def row_count(self) -> int: ...

    @abstractmethod
    def covered_bits(self) -> Bitset | None: ...

    @abstractmethod
    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = 40,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, Offsets]: ...

    @abstractmethod
    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]: ...

    @abstractmethod
    def to_buffers(self) -> Buffers: ...

    def save(self, path: str | os.PathLike[str]) -> None:
        write_file(path, self.to_buffers())

    @property
    def vectors(self) -> Vectors:
        return self._vectors

    @property
    def has_raw_vectors(self) -> bool:
        return True

    def vectors_at(self, offsets: Offsets) -> Vectors:
        return self._vectors[self._check_offsets(offsets)]

    def distances_to(
        self, queries: Queries, offsets: Offsets, *, cancel: CancelWord | None = None
    ) -> Float64s:
        words = check_queries(queries, self._vectors)
        return distances_at(
            parse_metric(self.metric), self._vectors, words, self._check_offsets(offsets), cancel
        )

    def _check_offsets(self, offsets: Offsets) -> Offsets:
        offsets = np.ascontiguousarray(offsets, dtype=np.int64)
        if offsets.ndim != 1 or (
            offsets.size and (offsets.min() < 0 or offsets.max() >= self._vectors.shape[0])
        ):
            raise ValueError(f"offsets must be (m,) row offsets of {self._vectors.shape[0]} vectors")
        return offsets

    def iterate(
        self,
        query: Queries,
        allowed_bits: Bitset | None = None,
        ef_search: int | None = None,
        *,
        cancel: CancelWord | None = None,
        stats: SearchStats | None = None,
    ) -> NearestRowsBase:
        asked = query if isinstance(query, StoredVectors) else np.asarray(query).reshape(1, -1)
        words = check_queries(asked, self._vectors)
        if words.shape[0] != 1:
            raise ValueError(f"{words.shape[0]} queries where one is iterated over")
        bits, allowed_count = self._narrow(allowed_bits)
        stats = SearchStats() if stats is None else stats
        stats.allowed_count = allowed_count
        wanted = Wanted(parse_metric(self.metric), self._vectors, words, bits, allowed_count, cancel, stats)
        planned = self._planned_beam(_PLANNED_ROWS, allowed_count)
        if planned is None:
            return ScannedRows(wanted)
        return self._nearest_rows(wanted, asked, planned if ef_search is None else ef_search)

    def _nearest_rows(self, wanted: Wanted, query: Queries, ef_search: int) -> NearestRowsBase:
        """The rows of one query nearest first, where a scan is dearer than a search for few of them."""

        def search(k: int) -> Offsets | None:
            planned = self._planned_beam(k, wanted.allowed_count)
            if k >= wanted.allowed_count or planned is None:
                return None
            ef = max(ef_search, planned)
            _, offsets = self.search(query, k, wanted.bits, ef, cancel=wanted.cancel, stats=wanted.stats)
            found: Offsets = offsets[0][offsets[0] >= 0]
            return found

        return SearchedAgain(wanted, search)

    def range_search(
        self,
        queries: Queries,
        radius: float,
        *,
        inner: float | None = None,
        allowed_bits: Bitset | None = None,
        ef_search: int | None = None,
        cancel: CancelWord | None = None,
        stats: SearchStats | None = None,
    ) -> RangeAnswer:
        words = check_queries(queries, self._vectors)
        bits, allowed_count = self._narrow(allowed_bits)
        stats = SearchStats() if stats is None else stats
        stats.allowed_count = allowed_count
        metric, wanted = parse_metric(self.metric), Range.between(inner, radius)
        if self._scans_ranges(allowed_count):
            stats.strategy = EXACT
            answer, computed = exact_range(metric, self._vectors, words, wanted, bits, cancel=cancel)
            stats.distances += computed
            return answer
        numbers, distances, offsets = [], [], []
        for number in range(words.shape[0]):
            rows = self.iterate(
                queries[number : number + 1], allowed_bits, ef_search, cancel=cancel, stats=stats
            )
            for values, found in _in_range(rows, wanted):
                numbers.append(np.full(found.size, number, dtype=np.int64))
                distances.append(values)
                offsets.append(found)
        none: Offsets = np.zeros(0, dtype=np.int64)
        return range_answer(
            np.concatenate([none, *numbers]),
            np.concatenate([np.zeros(0), *distances]),
            np.concatenate([none, *offsets]),
            words.shape[0],
        )

    def _narrow(self, allowed_bits: Bitset | None) -> tuple[Bitset | None, int]:
        """The rows that are covered and allowed, None for all rows of the vectors, and how many they are."""
        row_count = self._vectors.shape[0]
        bits = and_bits(check_allowed(allowed_bits, row_count), self.covered_bits())
        return bits, popcount(bits, row_count)

    def _scans_ranges(self, allowed_count: int) -> bool:
        """Whether ranges are found by a scan of the vectors."""
        return self._planned_beam(_PLANNED_ROWS, allowed_count) is None

    def _planned_beam(self, k: int, allowed_count: int) -> int | None:
        """The `ef_search` that is expected to find the k nearest of the allowed rows; None where a scan is better."""
        if not allowed_count or kernels() is None:
            return None
        best = self.estimate(min(k, allowed_count), allowed_count, TARGET_RECALL)[0]
        return None if best.strategy == EXACT else best.ef_search

    @property
    def statistics(self) -> IndexStatistics:
        sizes = {name: int(buffer.nbytes) for name, buffer in self.to_buffers().items()}
        return IndexStatistics(
            self.family, self.metric, self.row_count, sizes, self._build_seconds, self._numbers()
        )

    def _numbers(self) -> Mapping[str, float]:
        """The family's own statistics."""
        return {}

    def note_build(self, seconds: float) -> None:
        self._build_seconds = seconds


def _in_range(rows: NearestRowsBase, wanted: Range) -> list[tuple[Float64s, Offsets]]:
    """Batches of rows in range, until the farther half of a batch is beyond the radius."""
    batches, count = [], _FIRST_BATCH
    while True:
        distances, offsets = rows.advance(count)
        is_held = wanted.holds(distances)
        batches.append((distances[is_held], offsets[is_held]))
        if offsets.size < count or not distances[offsets.size // 2] < wanted.radius:
            return batches
        count = min(2 * count, _BATCH_MAX)


def search(
    index: VectorIndex,
    queries: Queries,
    k: int,
    *,
    target_recall: float = TARGET_RECALL,
    allowed_bits: Bitset | None = None,
    cancel: CancelWord | None = None,
    stats: SearchStats | None = None,
) -> tuple[Float32s, Offsets]:
    """`index.search` with the `ef_search` that the index expects to reach a recall for these rows at the least cost.

    Args:
        target_recall: of the k nearest covered and allowed rows, 0 to 1.

    Raises:
        DimensionMismatch: 22000.
        QueryCanceled: 57014.
    """
    row_count = index.vectors.shape[0]
    bits = and_bits(check_allowed(allowed_bits, row_count), index.covered_bits())
    best = index.estimate(k, popcount(bits, row_count), target_recall)[0]
    # A beam of all rows is dearer than a scan, which takes its place.
    ef_search = max(1, index.row_count) if best.strategy == EXACT else best.ef_search
    return index.search(queries, k, allowed_bits, ef_search, cancel=cancel, stats=stats)
