"""Builds an `hnsw` index from nothing, or from an index over some of the rows.

Both are one routine: open a graph over the covered rows, carry over what links there are, insert the missing rows in
a seeded random order (in the table's order, which often is sorted by something the vectors know about, recall was
0.012 lower), measure the recall curve just before the last of them go in. The result is the same every time,
whatever the number of threads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.compiled import KernelSet, await_kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.errors import UnsupportedByFamily
from vecengine.exact import kernel_space
from vecengine.hnsw.calibrate import Walked, held_out_count, measure_curve
from vecengine.hnsw.codes import GraphCodes, IntegerCodes, encode_nodes, number_codes
from vecengine.hnsw.curve import RecallCurve, empty_curve
from vecengine.hnsw.graph import GraphArrays, empty_graph
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.insertion import Inserter, Names, OpenGraph, batches, draw_levels, open_graph
from vecengine.hnsw.library_build import build_graph, check_library
from vecengine.hnsw.parameters import WALKED_ONLY, HnswParameters, Provider
from vecengine.hnsw.search import GraphSpace, run_search
from vecengine.hnsw.table_codes import table_codes
from vecengine.index import Progress
from vecengine.metrics import Metric, Vectors
from vecengine.stored_vectors import StoredVectors

DEAD_SHARE_MAX = 0.2
"""With more of its nodes gone a graph is built anew: bridges over gaps are worse links than found ones."""

_SEED = 20180406
_CURVE_ROWS_MIN = 64
"""Fewer rows to measure with say less than the curve the graph had before."""


def build_hnsw(
    vectors: Vectors,
    metric: Metric,
    offsets: npt.NDArray[np.int64] | None,
    parameters: HnswParameters,
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
) -> HnswIndex:
    """Build the graph and measure its recall curve. Waits for the kernels; without them faiss builds, unmeasured.

    Raises:
        QueryCanceled: 57014.
        UnsupportedByFamily: 0A000, bit strings or sparse vectors, which faiss does not take; a provider that does not serve the
            metric or is not installed.
    """
    if parameters.provider is not Provider.OWN:
        check_library(parameters.provider, metric, vectors)
        # So that the graph is the same every time.
        threads = 1
    compiled = await_kernels(cancel)
    coverage = choose_rows(metric, vectors, offsets, cancel)
    if compiled is None:
        if isinstance(vectors, StoredVectors):
            raise UnsupportedByFamily("a graph over such vectors needs compiled kernels")
        graph = build_graph(
            vectors, metric, coverage, parameters, threads=threads, cancel=cancel, progress=progress
        )
        return HnswIndex(vectors, metric, coverage, graph, parameters, curve=empty_curve())
    building = _Building(compiled, vectors, metric, coverage, parameters, threads=threads, cancel=cancel)
    return building.finish(None, None, progress) if coverage.row_count else building.empty()


def extend_hnsw(
    source: HnswIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: Vectors,
    offsets: npt.NDArray[np.int64] | None,
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
) -> HnswIndex:
    """An index over `vectors`, of which `source` covers some already; see `vecengine.extend_index`.

    Raises:
        QueryCanceled: 57014.
    """
    metric, parameters = source.metric_kind, source.parameters
    compiled = await_kernels(cancel)
    coverage = choose_rows(metric, vectors, offsets, cancel)
    node_of = np.full(vectors.shape[0] + 1, -1, dtype=np.int32)
    node_of[coverage.row_offsets()] = np.arange(coverage.row_count, dtype=np.int32)
    renamed: Names = node_of[moved_to[source.coverage.row_offsets()]]
    dead = np.count_nonzero(renamed < 0)
    if compiled is None or dead > DEAD_SHARE_MAX * renamed.size or dead == renamed.size:
        return build_hnsw(
            vectors, metric, offsets, parameters, threads=threads, cancel=cancel, progress=progress
        )
    building = _Building(compiled, vectors, metric, coverage, parameters, threads=threads, cancel=cancel)
    return building.finish(source, renamed, progress)


class _Building:
    """One build: the rows, how to link them, and who may stop it."""

    def __init__(
        self,
        compiled: KernelSet,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        parameters: HnswParameters,
        *,
        threads: int,
        cancel: CancelWord | None,
    ) -> None:
        self._compiled = compiled
        self._vectors = vectors
        self._metric = metric
        self._coverage = coverage
        self._parameters = parameters
        self._threads = max(1, threads)
        self._cancel = cancel
        self._linking: IntegerCodes | None = None
        self._codes: GraphCodes | None = None

    def empty(self) -> HnswIndex:
        return self._index(empty_graph(self._parameters.m), empty_curve())

    def finish(self, source: HnswIndex | None, renamed: Names | None, progress: Progress | None) -> HnswIndex:
        """Carry the source's links over, insert the other rows; without a source a library may do it all."""
        count = self._coverage.row_count
        if source is None and self._parameters.provider is not Provider.OWN:
            return self._built_by_library(progress)
        rng = np.random.default_rng(_SEED)
        levels = draw_levels(rng, count, self._parameters.m)
        is_missing = np.ones(count, dtype=np.bool_)
        if source is not None and renamed is not None:
            alive = renamed >= 0
            levels[renamed[alive]] = source.graph.levels()[alive]
            is_missing[renamed[alive]] = False
        self._linking = self._integers(source, renamed)
        self._codes = self._walked(self._linking, source, renamed)
        # Integers lie in the order of the nodes.
        offsets = self._coverage.offsets if self._linking is None else self._coverage.offsets[:0]
        opened = open_graph(levels, offsets, self._norms(), self._parameters.m)
        order = rng.permutation(np.flatnonzero(is_missing)).astype(np.int32)
        with Inserter(
            self._compiled, self._metric, self._parameters.ef_construction, threads=self._threads
        ) as inserter:
            if source is not None and renamed is not None:
                inserter.carry(opened, self._linked, source.graph, renamed, self._cancel)
            curve = self._insert(inserter, opened, order, progress)
        if curve is None:
            curve = empty_curve() if source is None else source.curve
        return self._index(opened.arrays(count), curve)

    def _integers(self, source: HnswIndex | None = None, renamed: Names | None = None) -> IntegerCodes | None:
        return encode_nodes(
            self._metric,
            self._vectors,
            self._coverage,
            self._parameters,
            source=None if source is None else source.codes,
            renamed=renamed,
            cancel=self._cancel,
        )

    def _walked(
        self, integers: IntegerCodes | None, source: HnswIndex | None = None, renamed: Names | None = None
    ) -> GraphCodes | None:
        """The codes that the parameters ask for, given those that nodes are linked by."""
        if self._parameters.quantizer not in WALKED_ONLY:
            return integers
        rows = self._metric, self._vectors, self._coverage, self._parameters
        return number_codes(*rows, self._cancel) or table_codes(
            *rows,
            source=None if source is None else source.codes,
            renamed=renamed,
            threads=self._threads,
            cancel=self._cancel,
        )

    def _built_by_library(self, progress: Progress | None) -> HnswIndex:
        assert not isinstance(self._vectors, StoredVectors)
        self._codes = self._walked(None if self._parameters.quantizer in WALKED_ONLY else self._integers())
        count = self._coverage.row_count
        held_out = _held_out(count, count)
        curves = [empty_curve()]

        def measure(graph: GraphArrays, missing: npt.NDArray[np.int32]) -> None:
            curves.append(self._measure(graph, missing))

        graph = build_graph(
            self._vectors,
            self._metric,
            self._coverage,
            self._parameters,
            cancel=self._cancel,
            progress=progress,
            held_out=held_out,
            measure=measure,
        )
        return self._index(graph, curves[-1])

    @property
    def _linked(self) -> Vectors:
        """What nodes are compared by while they are linked."""
        return self._vectors if self._linking is None else self._linking.vectors

    def _index(self, graph: GraphArrays, curve: RecallCurve) -> HnswIndex:
        if self._codes is not None and not self._codes.needs_norms:
            graph = replace(graph, norms=graph.norms[:0])
        return HnswIndex(
            self._vectors,
            self._metric,
            self._coverage,
            graph,
            self._parameters,
            curve=curve,
            codes=self._codes,
        )

    def _norms(self) -> npt.NDArray[np.float32]:
        needed = self._linking is None or self._codes is None or self._codes.needs_norms
        if self._metric is not Metric.COSINE or not needed:
            return np.zeros(0, dtype=np.float32)
        return square_norms(self._vectors, self._cancel)[self._coverage.row_offsets()]

    def _insert(
        self, inserter: Inserter, opened: OpenGraph, order: npt.NDArray[np.int32], progress: Progress | None
    ) -> RecallCurve | None:
        """Insert nodes in the order given; the curve measured with the last of them, None where they are too few."""
        held_out = _held_out(opened.capacity, order.size)
        curve = None
        present = opened.capacity - order.size
        for begin, end in batches(order.size, held_out):
            check_cancel(self._cancel)
            if held_out and begin == order.size - held_out:
                curve = self._measure(opened.arrays(opened.capacity), order[begin:])
            inserter.insert(opened, self._linked, order[begin:end], self._cancel)
            if progress is not None:
                progress(present + end, opened.capacity)
        return curve

    def _measure(self, graph: GraphArrays, missing: npt.NDArray[np.int32]) -> RecallCurve:
        """Rows the graph has never seen are the honest queries to measure it with."""
        is_present = np.ones(graph.node_count, dtype=np.bool_)
        is_present[missing] = False
        rows: Offsets = self._coverage.row_offsets()
        present = Coverage(self._coverage.vector_rows, rows[is_present])
        space = kernel_space(self._metric, self._vectors)
        target = GraphSpace(space, graph, self._coverage.offsets, self._codes)
        return measure_curve(
            Walked(self._metric, partial(run_search, self._compiled, target), target.distance_cost),
            self._vectors,
            present,
            rows[missing],
            threads=self._threads,
            cancel=self._cancel,
        )


def _held_out(nodes: int, missing: int) -> int:
    """How many of the missing nodes go in last and measure the graph before."""
    held_out = min(held_out_count(nodes), missing // 4)
    return held_out if held_out >= _CURVE_ROWS_MIN else 0
