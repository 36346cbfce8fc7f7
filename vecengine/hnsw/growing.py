"""A graph over rows that are still being added: one thread extends it, any number search what is published.

The graph covers the first `row_count` rows, a multiple of 8, and grows by batches. Links are changed in place while
readers follow them; they see only nodes below the count that was published with their arrays, so a list that is being
rewritten costs a link for a moment and never an answer. Arrays that are full move to larger ones; readers keep theirs.

`GrowingIndex` is what a reader searches: the graph for the rows it covers, a scan of the rows behind it. A reader of
an older, shorter prefix walks the same graph under a filter that allows its rows only.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, all_bits, and_bits, bits_from_mask, mask_from_bits, popcount
from vecengine.arrays import CancelWord, Queries, check_allowed, check_cancel, check_vectors
from vecengine.compiled import KernelSet, kernels
from vecengine.coverage import Coverage, Offsets, square_norms
from vecengine.exact import exact_search, kernel_space
from vecengine.hnsw.calibrate import ROWS_MIN, Walked, held_out_count, measure_curve
from vecengine.hnsw.curve import RecallCurve, empty_curve
from vecengine.hnsw.index import FAMILY, HnswIndex
from vecengine.hnsw.insertion import BATCH_NODES, Inserter, OpenGraph, draw_levels, open_graph
from vecengine.hnsw.parameters import PARAMETERS, hnsw_parameters
from vecengine.hnsw.search import GraphSpace, run_search
from vecengine.index import Buffers, SearchStats, StrategyEstimate
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric
from vecengine.parameters import check_parameters
from vecengine.searchable import SearchableIndex

_CAPACITY_MIN = 4096
_SEED = 20180406
_CURVE_ROWS_MIN = 64
_CURVE_GROWTH = 1.2
"""A curve measured at half the size promised recall 0.97 where 0.957 was found; with this, 0.976 or more."""


class GrowingHnsw:
    """The graph and its writer's side. `extend` may be called from any thread; calls wait for each other.

    Args:
        metric: l2, ip, cosine or l1; hamming, jaccard or tanimoto of bit strings.
        build_params: those of `hnsw`, as numbers or text.

    Attributes:
        family: of the indexes over its rows; `hnsw` unless another family that has the same graphs names it.

    Raises:
        BuildParameterError: 22023.
    """

    def __init__(self, metric: str, **build_params: str | int) -> None:
        self.family = FAMILY
        self._metric = parse_metric(metric)
        self._parameters = parameters = hnsw_parameters(check_parameters(PARAMETERS, build_params))
        self._rng = np.random.default_rng(_SEED)
        self._graph = open_graph(self._draw(0), _no_offsets(), np.zeros(0, dtype=np.float32), parameters.m)
        self._node_count = 0
        self._curve = empty_curve()
        self._measured_nodes = 0
        self._lock = threading.Lock()
        self._published: HnswIndex | None = None

    @property
    def row_count(self) -> int:
        """Rows it covers, from the first."""
        published = self._published
        return 0 if published is None else published.coverage.vector_rows

    @property
    def covered(self) -> HnswIndex | None:
        """The index over the rows covered by now, None before the first. Its links change while more rows go in."""
        return self._published

    def settled(self) -> HnswIndex | None:
        """`covered`, after the extension in hand: who goes on from it need not do the same work beside it."""
        with self._lock:
            return self._published

    @property
    def size_bytes(self) -> int:
        """Bytes of its arrays, room for growth included."""
        graph = self._graph
        links = graph.links.nbytes + graph.upper_links.nbytes + graph.linked.nbytes
        links += graph.diverse.nbytes + graph.reserve_keys.nbytes
        return (
            links + graph.levels.nbytes + graph.upper_rows.nbytes + graph.offsets.nbytes + graph.norms.nbytes
        )

    def bytes_for(self, row_count: int) -> int:
        """Upper estimate of `size_bytes` once it covers so many rows, with the arrays it leaves to readers."""
        capacity = self._graph.capacity
        if row_count > capacity:
            capacity = max(_CAPACITY_MIN, row_count, 2 * capacity) + capacity
        return capacity * (4 * self._parameters.m + 9) * 4

    def index(self, vectors: Vectors, valid_bits: Bitset | None = None) -> GrowingIndex | None:
        """What to search for a reader of these (n, d) rows; None before any row is covered.

        Args:
            vectors: a prefix of the rows, or more than are covered.
            valid_bits: bitset of rows that are not NULL, None when none is.
        """
        published = self._published
        if published is None:
            return None
        return GrowingIndex(published, check_vectors(vectors), valid_bits)

    def extend(
        self,
        vectors: Vectors,
        valid_bits: Bitset | None = None,
        cancel: CancelWord | None = None,
        *,
        threads: int = 1,
    ) -> None:
        """Take in rows up to the last multiple of 8. Does nothing before the kernels are ready.

        Args:
            vectors: (n, d), of which the rows covered so far are as they were.
            valid_bits: bitset of rows that are not NULL, None when none is.
            threads: threads the work may use; the result does not depend on it.
            cancel: (1,) int32 word, polled between batches.

        Raises:
            QueryCanceled: 57014; what went in before stays.
        """
        compiled = kernels()
        vectors = check_vectors(vectors)
        end = vectors.shape[0] & ~7
        with self._lock:
            begin = self.row_count
            if compiled is None or end <= begin:
                return
            held_out = self._held_out_rows(end - begin)
            self._make_room(self._node_count + end - begin)
            with Inserter(
                compiled, self._metric, self._parameters.ef_construction, threads=threads
            ) as inserter:
                while begin < end:
                    check_cancel(cancel)
                    if held_out and begin == end - held_out:
                        self._measure(compiled, vectors, np.arange(begin, end, dtype=np.int64), threads)
                    stop = min(begin + BATCH_NODES, end)
                    if begin < end - held_out < stop:
                        stop = end - held_out
                    self._insert(inserter, vectors, valid_bits, begin, stop)
                    begin = stop

    def _draw(self, count: int) -> npt.NDArray[np.int32]:
        return draw_levels(self._rng, count, self._parameters.m)

    def _held_out_rows(self, pending: int) -> int:
        """How many of the rows to come measure the graph before they go in: when it has grown much since the last time."""
        nodes = self._node_count + pending
        if nodes < max(ROWS_MIN, _CURVE_GROWTH * self._measured_nodes):
            return 0
        held_out = min(held_out_count(nodes), pending // 4) & ~7
        return held_out if held_out >= _CURVE_ROWS_MIN else 0

    def _measure(self, compiled: KernelSet, vectors: Vectors, rows: Offsets, threads: int) -> None:
        """Measure the graph with rows that it does not have yet."""
        if self._node_count < ROWS_MIN // 2:
            return
        offsets = self._graph.offsets[: self._node_count]
        space = kernel_space(self._metric, vectors)
        target = GraphSpace(space, self._graph.arrays(self._node_count), offsets)
        if self._metric is Metric.COSINE:
            rows = rows[square_norms(vectors[rows]) > 0]
        if not rows.size:
            return
        coverage = Coverage(len(vectors), offsets)
        walked = Walked(self._metric, partial(run_search, compiled, target), target.distance_cost)
        self._curve = measure_curve(walked, vectors, coverage, rows, threads=max(1, threads))
        self._measured_nodes = self._node_count

    def _make_room(self, node_count: int) -> None:
        """Move to larger arrays. Readers go on in those they have, which nobody writes any more."""
        old = self._graph
        if node_count <= old.capacity:
            return
        capacity = max(_CAPACITY_MIN, node_count, 2 * old.capacity)
        levels = np.concatenate([old.levels, self._draw(capacity - old.capacity)])
        grown = open_graph(
            levels,
            np.zeros(capacity, dtype=np.int64),
            np.zeros(capacity if self._metric is Metric.COSINE else 0, dtype=np.float32),
            self._parameters.m,
        )
        grown.links[: old.capacity] = old.links
        grown.upper_links[: old.upper_links.shape[0]] = old.upper_links
        grown.offsets[: old.offsets.size] = old.offsets
        grown.norms[: old.norms.size] = old.norms
        grown.linked[: old.capacity] = old.linked
        grown.diverse[: old.capacity] = old.diverse
        grown.reserve_keys[: old.capacity] = old.reserve_keys
        grown.entry, grown.level_max = old.entry, old.level_max
        self._graph = grown

    def _insert(
        self, inserter: Inserter, vectors: Vectors, valid_bits: Bitset | None, begin: int, stop: int
    ) -> None:
        """Insert rows `begin` to `stop`, at most a batch, and publish them."""
        graph = self._graph
        rows = _indexable(self._metric, vectors, valid_bits, begin, stop)
        first, last = self._node_count, self._node_count + rows.size
        if rows.size:
            graph.offsets[first:last] = rows
            if graph.norms.size:
                graph.norms[first:last] = square_norms(vectors[begin:stop])[rows - begin]
            inserter.insert(graph, vectors, np.arange(first, last, dtype=np.int32))
        self._node_count = last
        self._publish(graph, vectors[:stop])

    def _publish(self, graph: OpenGraph, vectors: Vectors) -> None:
        coverage = Coverage(len(vectors), graph.offsets[: self._node_count])
        arrays = graph.arrays(self._node_count)
        index = HnswIndex(vectors, self._metric, coverage, arrays, self._parameters, curve=self._curve)
        index.family = self.family
        self._published = index


class GrowingIndex(SearchableIndex):
    """See `vecengine.index.VectorIndex`: n rows, of which a graph covers a prefix, or all and more."""

    def __init__(self, covered: HnswIndex, vectors: Vectors, valid_bits: Bitset | None) -> None:
        self._covered = covered
        self._vectors = vectors
        self._valid_bits = valid_bits
        self._graph_rows = covered.coverage.vector_rows

    @property
    def family(self) -> str:
        return self._covered.family

    @property
    def metric(self) -> str:
        return self._covered.metric

    @property
    def dimensions(self) -> int:
        return self._covered.dimensions

    @cached_property
    def row_count(self) -> int:
        return popcount(self.covered_bits(), len(self._vectors))

    @property
    def vector_rows(self) -> int:
        return len(self._vectors)

    @property
    def scanned_rows(self) -> int:
        """Rows behind the graph."""
        return max(0, len(self._vectors) - self._graph_rows)

    @property
    def size_bytes(self) -> int:
        return self._covered.size_bytes

    @property
    def curve(self) -> RecallCurve:
        return self._covered.curve

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
    ) -> tuple[Float32s, npt.NDArray[np.int64]]:
        allowed_bits = check_allowed(allowed_bits, len(self._vectors))
        stats = SearchStats() if stats is None else stats
        distances, offsets = self._covered.search(
            queries,
            k,
            self._graph_bits(allowed_bits),
            ef_search,
            cancel=cancel,
            distance_budget=distance_budget,
            stats=stats,
        )
        if not self.scanned_rows:
            return distances, offsets
        behind = self._bits_behind(and_bits(allowed_bits, self._valid_bits))
        found, rows = exact_search(
            self._vectors[self._graph_rows :],
            queries,
            k,
            metric=self.metric,
            allowed_bits=behind,
            cancel=cancel,
        )
        count = popcount(behind, self.scanned_rows)
        stats.allowed_count += count
        stats.distances += count * len(queries)
        return _nearest_of(distances, offsets, found, np.where(rows < 0, rows, rows + self._graph_rows))

    def _graph_bits(self, allowed_bits: Bitset | None) -> Bitset | None:
        """The allowed rows among those of the graph; rows that this reader does not have are not allowed."""
        rows = len(self._vectors)
        if rows >= self._graph_rows:
            return None if allowed_bits is None else allowed_bits[: self._graph_rows >> 3]
        padded = np.zeros(self._graph_rows >> 3, dtype=np.uint8)
        own = all_bits(rows) if allowed_bits is None else allowed_bits
        padded[: own.size] = own
        return padded

    def _bits_behind(self, bits: Bitset | None) -> Bitset | None:
        return None if bits is None else bits[self._graph_rows >> 3 :]

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        share = min(1.0, self._graph_rows / max(1, len(self._vectors)))
        in_graph = round(allowed_count * share)
        behind = allowed_count - in_graph
        estimates = self._covered.estimate(k, in_graph, target_recall)
        longer = [replace(e, cost_distances=e.cost_distances + behind) for e in estimates]
        return tuple(sorted(longer, key=lambda estimate: estimate.cost_distances))

    def beam_for(self, k: int, target_recall: float) -> int:
        return self._covered.beam_for(k, target_recall)

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        """Of the graph; the rows behind it are scanned."""
        return self._covered.recall_of(ef_search, k, allowed_count)

    def covered_bits(self) -> Bitset | None:
        return self._indexable_bits

    @cached_property
    def _indexable_bits(self) -> Bitset | None:
        """Rows with an order: not NULL, under cosine not zero; None when that is all."""
        rows, in_graph = len(self._vectors), min(self._graph_rows, len(self._vectors))
        covered = self._covered.covered_bits()
        has_order = np.ones(rows, dtype=np.bool_)
        if covered is not None:
            has_order[:in_graph] = mask_from_bits(covered, self._graph_rows)[:in_graph]
        has_order[in_graph:] = False
        kind = parse_metric(self.metric)
        has_order[_indexable(kind, self._vectors, self._valid_bits, in_graph, rows)] = True
        return None if has_order.all() else bits_from_mask(has_order)

    def to_buffers(self) -> Buffers:
        """Not to be stored: extend an index over sealed rows with `GrowingHnsw.covered` instead."""
        raise TypeError("a growing graph is not stored")

    def save(self, path: str | os.PathLike[str]) -> None:
        raise TypeError("a growing graph is not stored")


def _indexable(metric: Metric, vectors: Vectors, valid_bits: Bitset | None, begin: int, stop: int) -> Offsets:
    """Ascending rows from `begin` to `stop` that have an order."""
    has_order = np.ones(stop - begin, dtype=np.bool_)
    if valid_bits is not None:
        has_order &= mask_from_bits(valid_bits, len(vectors))[begin:stop]
    if metric is Metric.COSINE and stop > begin:
        has_order &= square_norms(vectors[begin:stop]) > 0
    return begin + np.flatnonzero(has_order)


def _nearest_of(
    distances: Float32s, offsets: Offsets, other_distances: Float32s, other_offsets: Offsets
) -> tuple[Float32s, Offsets]:
    """The k nearest of two (nq, k) answers; missing rows (-1, +inf) come last."""
    k = distances.shape[1]
    both = np.concatenate([distances, other_distances], axis=1)
    rows = np.concatenate([offsets, other_offsets], axis=1)
    is_missing = rows < 0
    order = np.lexsort((rows, both, is_missing), axis=1)[:, :k]
    return np.take_along_axis(both, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _no_offsets() -> Offsets:
    return np.zeros(0, dtype=np.int64)
