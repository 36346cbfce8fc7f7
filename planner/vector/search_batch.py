"""Searches that differ in the query vector alone, run as one batch: each segment is asked many queries in one call.

1. Filter, index and strategies come prepared, once for all queries (`topk.PreparedTopK`).
2. The queries are cut into blocks, which threads share. For every block each segment gives the nearest of each query; the
   exact distances of all of them are one call, and one sort merges the segments.
3. A query whose answer that does not settle (it falls short, or rows without an order or further sort keys may come in
   between) is searched again by itself, with what was prepared.

A block is the same whatever the number of threads, so the rows are, too. It is small enough that what its answers point at
stays within some megabytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

import vecengine
from foundation.bitset import Bitset, and_bits, offsets_from_bits, popcount
from foundation.settings import SettingValues
from planner.row_selection import RowSelection
from planner.vector.key_columns import Vectors
from planner.vector.topk import PreparedTopK, SegmentSearch, compared_vectors, rows_without, search_topk
from vecengine.index import EXACT

_BLOCK_QUERIES = 16
_BLOCK_BYTES = 1 << 24
"""Of the vectors that the answers of one block point at."""

_SIZE_MIN, _SIZE_MAX = 1e-8, 1e7
"""Of the greatest coordinate: products of squared norms stay within float32 for any number of dimensions."""

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]

AloneSearch = Callable[[int], PreparedTopK]
"""The search of a number by itself, with the values that its sort keys have."""


@dataclass(frozen=True, slots=True)
class BatchQueries:
    """The queries of `count` searches.

    Attributes:
        vectors: (m, d) float32, or vectors of the column's kind: those that have an order.
        places: (m,) int64, ascending, which of the searches these are. The others have no order (NULL and, under cosine,
            zeros), or another dimension.
    """

    count: int
    vectors: Vectors
    places: Int64s


@dataclass(frozen=True, slots=True)
class BatchRows:
    """The rows of a batch: first those of search 0 in their order, then those of search 1, ...

    `counts` is (n,) int64.
    """

    rows: RowSelection
    counts: Int64s


def search_batch(
    prepared: PreparedTopK, queries: BatchQueries, alone: AloneSearch, *, threads: int = 1
) -> BatchRows:
    """The answers that `search_topk` gives for each of the searches.

    Args:
        prepared: one of them, without a range; for a query that has an order, where one has.
        threads: that may work on it; the rows do not depend on it.

    Raises:
        DataException: 22000, a query has another dimension than the rows.
        QueryCanceled: 57014.
    """
    segments = [search.segment for search in prepared.searches]
    batch = _Batch.of(prepared, queries.vectors) if len(queries.places) else None
    answers = iter(() if batch is None else batch.answers(queries.vectors, threads))
    is_asked = np.zeros(queries.count, dtype=np.bool_)
    is_asked[queries.places] = batch is not None
    numbers: list[Int64s] = []
    offsets: list[Int64s] = []
    for number in range(queries.count):
        answer = next(answers) if is_asked[number] else None
        if answer is None:
            prepared.context.cancel_token.check()
            rows = search_topk(alone(number))
            answer = rows.segment_numbers, rows.offsets
        numbers.append(answer[0])
        offsets.append(answer[1])
    none = np.zeros(0, dtype=np.int64)
    found = RowSelection(segments, np.concatenate([none, *numbers]), np.concatenate([none, *offsets]))
    return BatchRows(found, np.array([len(part) for part in offsets], dtype=np.int64))


def batch_threads(settings: SettingValues) -> int:
    """Threads that a batch may use: PostgreSQL's leader and its workers, at most one a processor."""
    workers = settings.integer("max_parallel_workers_per_gather")
    return min(1 + int(workers), os.cpu_count() or 1)


@dataclass(slots=True)
class _Target:
    """One segment as the blocks search it; `comparable_bits` are its allowed rows that have a vector."""

    search: SegmentSearch
    vectors: Vectors
    comparable_bits: Bitset | None
    comparable_count: int
    width: int

    @property
    def is_scanned(self) -> bool:
        return self.search.index is None or self.search.strategy.name == EXACT

    def row_bytes(self) -> int:
        rows: int = self.vectors.shape[0]
        return int(self.vectors.nbytes) // max(1, rows)


@dataclass(slots=True)
class _Block:
    """Answers of (m,) queries: whether each is settled, and (m, k) segment numbers and row offsets of those that are."""

    is_settled: npt.NDArray[np.bool_]
    numbers: Int64s
    offsets: Int64s
    stats: list[vecengine.SearchStats] = field(default_factory=list)
    """Of each segment."""


@dataclass(frozen=True, slots=True)
class _Batch:
    prepared: PreparedTopK
    targets: Sequence[_Target]
    k: int
    has_more_keys: bool

    @classmethod
    def of(cls, prepared: PreparedTopK, queries: Vectors) -> _Batch | None:
        """None where each query has to be searched by itself, whatever is found."""
        node, stop = prepared.node, prepared.rows.stop
        k = min(stop or 0, prepared.allowed_count)
        has_more_keys = len(node.sort_keys) > 1
        if not k or (has_more_keys and not node.order.is_distance_itself):
            return None
        targets = []
        for search in prepared.searches:
            vectors, valid_bits = compared_vectors(prepared, search)
            bits = and_bits(search.allowed_bits, valid_bits)
            count = popcount(bits, search.segment.row_count)
            target = _Target(search, vectors, bits, count, k)
            # One more tells whether further sort keys choose among rows as far as the last.
            target.width = min(k + has_more_keys, count) if target.is_scanned else k
            targets.append(target)
        if _may_put_unordered_rows_first(prepared, targets, queries):
            return None
        return cls(prepared, targets, k, has_more_keys)

    def answers(self, queries: Vectors, threads: int) -> Iterator[tuple[Int64s, Int64s] | None]:
        """For each query (m,) segment numbers and (m,) row offsets, None where it is not settled."""
        row_bytes = max(target.row_bytes() for target in self.targets)
        size = max(1, min(_BLOCK_QUERIES, _BLOCK_BYTES // (row_bytes * self.k)))
        blocks = [queries[start : start + size] for start in range(0, len(queries), size)]
        for block in _in_threads(self._searched, blocks, threads):
            for target, stats in zip(self.targets, block.stats, strict=True):
                target.search.count(stats)
            for position, is_settled in enumerate(block.is_settled):
                yield (block.numbers[position], block.offsets[position]) if is_settled else None

    def _searched(self, queries: Vectors) -> _Block:
        """The nearest rows of all segments, merged by (distance, row id)."""
        self.prepared.context.cancel_token.check()
        distances, numbers, offsets, ids, stats = [], [], [], [], []
        for number, target in enumerate(self.targets):
            found = vecengine.SearchStats()
            near, rows = self._nearest(target, queries, found)
            distances.append(near)
            offsets.append(rows)
            numbers.append(np.full(rows.shape, number, dtype=np.int64))
            ids.append(target.search.segment.row_ids[np.maximum(rows, 0)])
            stats.append(found)
        near, rows = np.concatenate(distances, axis=1), np.concatenate(offsets, axis=1)
        order = np.lexsort((np.concatenate(ids, axis=1), near, rows < 0), axis=1)[:, : self.k + 1]
        near, rows = np.take_along_axis(near, order, axis=1), np.take_along_axis(rows, order, axis=1)
        owners = np.take_along_axis(np.concatenate(numbers, axis=1), order, axis=1)
        first, stop = min(self.prepared.rows.offset, self.k), self.k
        return _Block(self._settled(near, rows), owners[:, first:stop], rows[:, first:stop], stats)

    def _nearest(
        self, target: _Target, queries: Vectors, stats: vecengine.SearchStats
    ) -> tuple[Float64s, Int64s]:
        """(m, w) exact distances and (m, w) row offsets of one segment, padded with +inf and -1."""
        search, metric = target.search, self.prepared.node.order.metric
        cancel = self.prepared.context.cancel_token.word
        if target.is_scanned:
            stats.distances = target.comparable_count * len(queries)
            _, offsets = vecengine.exact_search(
                target.vectors, queries, target.width, metric=metric,
                allowed_bits=target.comparable_bits, cancel=cancel,
            )  # fmt: skip
        else:
            assert search.index is not None
            beam = max(search.strategy.beam, 1)
            _, offsets = search.index.search(
                queries, target.width, search.allowed_bits, beam, cancel=cancel, stats=stats
            )
        is_found = offsets >= 0
        distances = np.full(offsets.shape, np.inf)
        if not is_found.any():
            return distances, offsets
        asked = np.repeat(np.arange(len(queries)), is_found.sum(axis=1))
        distances[is_found] = vecengine.rowwise_distances(
            metric, target.vectors[offsets[is_found]], queries[asked], cancel=cancel
        )
        return distances, offsets

    def _settled(self, distances: Float64s, offsets: Int64s) -> npt.NDArray[np.bool_]:
        """(m,) whether the first k of (m, w) merged rows are the answer."""
        if distances.shape[1] < self.k:
            return np.zeros(len(distances), dtype=np.bool_)
        is_full = (offsets[:, : self.k] >= 0).all(axis=1) & ~np.isnan(distances[:, : self.k]).any(axis=1)
        if not self.has_more_keys:
            return np.asarray(is_full)
        is_tie = (distances[:, 1:] == distances[:, :-1]) & (offsets[:, 1:] >= 0)
        return np.asarray(is_full & ~is_tie.any(axis=1))


def _may_put_unordered_rows_first(
    prepared: PreparedTopK, targets: Sequence[_Target], queries: Vectors
) -> bool:
    """Whether rows with NULL or NaN distance, which no search returns, may stand before those that it does."""
    order = prepared.node.order
    if prepared.leaves_out_unordered or not (order.nulls_first or order.is_falling):
        return False
    for target in targets:
        if target.comparable_count < target.search.allowed_count:
            return True
        if not order.is_falling:
            continue
        if target.is_scanned or target.search.index is None:
            if _may_have_nan(target, order.metric, queries):
                return True
            continue
        covered = target.search.index.covered_bits()
        if len(rows_without(target.comparable_bits, covered, target.search.segment.row_count)):
            return True
    return False


def _may_have_nan(target: _Target, metric: str, queries: Vectors) -> bool:
    """Whether a distance may be NaN: where sums leave float32, and of vectors of zeros under cosine."""
    if metric not in ("ip", "cosine"):
        return False
    if not isinstance(target.vectors, np.ndarray) or not isinstance(queries, np.ndarray):
        return True
    rows = offsets_from_bits(target.comparable_bits, target.search.segment.row_count)
    sizes = np.concatenate([_largest(target.vectors)[rows], _largest(queries)])
    return bool((sizes > _SIZE_MAX).any() or (metric == "cosine" and (sizes < _SIZE_MIN).any()))


def _largest(vectors: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """(n,) the greatest absolute value of each vector."""
    greatest = np.maximum(vectors.max(axis=1, initial=0), -vectors.min(axis=1, initial=0))
    return np.asarray(greatest, dtype=np.float32)


def _in_threads(
    work: Callable[[Vectors], _Block], blocks: Sequence[Vectors], threads: int
) -> Iterable[_Block]:
    """The blocks' answers, in their order."""
    threads = min(threads, len(blocks))
    if threads < 2:
        yield from map(work, blocks)
        return
    with ThreadPoolExecutor(threads, "quiver-batch") as pool:
        yield from pool.map(work, blocks)
