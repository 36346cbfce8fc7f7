"""Builds an `annoy` index from nothing, or from an index over some of the rows.

1. Choose the covered rows: those given, under cosine without zero vectors.
2. Divide them, tree by tree, until leaves are small. An extension leads new rows to leaves, and divides those that are full.
3. Measure the recall curve with rows that are not allowed meanwhile.

The result is the same every time, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from foundation.bitset import and_bits, bits_from_offsets
from vecengine.annoy.forest import NO_LIFTS, ForestArrays, TreeArrays, join_trees, normal_width, single_leaf
from vecengine.annoy.growth import Grower
from vecengine.annoy.index import AnnoyIndex, ForestSpace, Training, forest_distance_cost
from vecengine.annoy.parameters import AnnoyParameters
from vecengine.arrays import CancelWord, check_cancel
from vecengine.build_threads import build_threads
from vecengine.compiled import KernelSet, await_kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.errors import UnsupportedByFamily
from vecengine.family import LOADING, BuildHooks
from vecengine.hnsw.calibrate import ROWS_MIN, Walked, held_out_count, measure_curve
from vecengine.hnsw.curve import RecallCurve, empty_curve
from vecengine.hnsw.search import GraphAnswer, GraphRequest
from vecengine.metrics import Float32s, Metric, Vectors

REBUILT_SHARE = 0.2
"""Of the rows the planes were chosen for: when more have come or gone since, the forest is grown anew."""

CANDIDATES = (100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200)
"""Measured numbers of rows to weigh, up to those that are dearer than a scan; no fewer than the largest k that is measured."""

_CURVE_KEPT_SHARE = 0.1
_SEED = 20180406


def build_annoy(
    vectors: Vectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: AnnoyParameters,
    hooks: BuildHooks,
) -> AnnoyIndex:
    """Grow the trees and measure them.

    Raises:
        QueryCanceled: 57014.
        UnsupportedByFamily: 0A000, no kernel can be compiled.
    """
    building = _Building(vectors, metric, offsets, parameters, hooks)
    hooks.begin(LOADING)
    leaf = single_leaf(building.coverage.row_count, normal_width(metric, vectors.shape[1]))
    grown = building.each_tree([leaf] * parameters.trees, building.grower.grow)
    return building.index(grown, Training(building.coverage.row_count), None)


def extend_annoy(
    source: AnnoyIndex,
    moved_to: npt.NDArray[np.int64],
    vectors: Vectors,
    offsets: Offsets | None,
    hooks: BuildHooks,
) -> AnnoyIndex:
    """An index over `vectors`, of which `source` has some in its leaves already; see `vecengine.extend_index`.

    Raises:
        QueryCanceled: 57014.
        UnsupportedByFamily: 0A000, no kernel can be compiled.
    """
    metric, parameters = source.metric_kind, source.parameters
    building = _Building(vectors, metric, offsets, parameters, hooks)
    coverage = building.coverage
    node_of = np.full(vectors.shape[0] + 1, -1, dtype=np.int32)
    node_of[coverage.row_offsets()] = np.arange(coverage.row_count, dtype=np.int32)
    renamed = node_of[moved_to[source.coverage.row_offsets()]]
    is_missing = np.ones(coverage.row_count, dtype=np.bool_)
    is_missing[renamed[renamed >= 0]] = False
    missing = np.flatnonzero(is_missing).astype(np.int32)
    changed = missing.size + int(np.count_nonzero(renamed < 0))
    training = replace(source.training, changed_rows=source.training.changed_rows + changed)
    if training.changed_rows > REBUILT_SHARE * training.rows:
        return build_annoy(vectors, metric, offsets, parameters, hooks)
    hooks.begin(LOADING)

    def extended(tree: TreeArrays, number: int) -> TreeArrays:
        leaves = np.repeat(np.arange(tree.leaf_starts.size - 1), np.diff(tree.leaf_starts))
        kept = renamed[tree.leaf_nodes]
        nodes = np.concatenate([kept[kept >= 0], missing])
        leaf_of = np.concatenate([leaves[kept >= 0], building.grower.lead(tree, missing)])
        starts = np.zeros(tree.leaf_starts.size, dtype=np.int64)
        np.cumsum(np.bincount(leaf_of, minlength=starts.size - 1), out=starts[1:])
        nodes = nodes[np.argsort(leaf_of, kind="stable")]
        return building.grower.grow(tree._replace(leaf_starts=starts, leaf_nodes=nodes), number)

    grown = building.each_tree(source.forest.trees(), extended)
    is_kept = changed <= _CURVE_KEPT_SHARE * coverage.row_count and not source.curve.is_empty
    return building.index(grown, training, source.curve if is_kept else None)


class _Building:
    """One build: the rows, and who may stop it."""

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        offsets: Offsets | None,
        parameters: AnnoyParameters,
        hooks: BuildHooks,
    ) -> None:
        compiled = await_kernels(hooks.cancel)
        if compiled is None:
            raise UnsupportedByFamily('index family "annoy" needs compiled kernels')
        self._compiled: KernelSet = compiled
        self._vectors = vectors
        self._metric = metric
        self._parameters = parameters
        self._hooks = hooks
        self.coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
        norms, lifts = NO_LIFTS, NO_LIFTS
        if metric in (Metric.COSINE, Metric.IP):
            norms = square_norms(vectors, hooks.cancel)[self.coverage.row_offsets()]
        self._norms = norms if metric is Metric.COSINE else NO_LIFTS
        if metric is Metric.IP:
            norms, lifts = _lifted(norms)
        self.grower = Grower(
            compiled,
            vectors,
            metric,
            self.coverage.offsets,
            norms,
            lifts,
            parameters.leaf_rows,
            hooks.cancel,
        )

    def each_tree(
        self, trees: list[TreeArrays], grow: Callable[[TreeArrays, int], TreeArrays]
    ) -> list[TreeArrays]:
        """The trees grown, shared by the threads; progress is told after each."""
        count, grown = self.coverage.row_count, []
        with build_threads(max(1, self._hooks.threads), "quiver-forest") as pool:
            for tree in pool.map(grow, trees, range(len(trees))):
                check_cancel(self._hooks.cancel)
                grown.append(tree)
                if self._hooks.progress is not None:
                    self._hooks.progress(count * len(grown) // len(trees), count)
        return grown

    def index(self, trees: list[TreeArrays], training: Training, curve: RecallCurve | None) -> AnnoyIndex:
        forest = join_trees(trees)
        return AnnoyIndex(
            self._vectors,
            self._metric,
            self.coverage,
            forest,
            self._parameters,
            norms=self._norms,
            training=training,
            curve=self._measured(forest) if curve is None else curve,
        )

    def _measured(self, forest: ForestArrays) -> RecallCurve:
        """Search for rows that are not allowed meanwhile: planes hardly know them, being chosen by some of many rows."""
        rows = self.coverage.row_offsets()
        if rows.size < ROWS_MIN:
            return empty_curve()
        asked = np.random.default_rng(_SEED).choice(rows, held_out_count(rows.size), replace=False)
        others = Coverage(self.coverage.vector_rows, np.setdiff1d(rows, asked))
        bits = bits_from_offsets(others.offsets, others.vector_rows)
        target = ForestSpace(self._metric, self._vectors, forest, self.coverage.offsets, self._norms)

        def walk(request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
            allowed = request._replace(allowed_bits=and_bits(bits, request.allowed_bits))
            return target.search(self._compiled, allowed, cancel)

        walked = Walked(self._metric, walk, forest_distance_cost, CANDIDATES)
        return measure_curve(
            walked,
            self._vectors,
            others,
            asked,
            threads=max(1, self._hooks.threads),
            cancel=self._hooks.cancel,
        )


def _lifted(norms: Float32s) -> tuple[Float32s, Float32s]:
    """Squared norms with the lifts, all as long as the longest, and the lifts of rows of these squared norms.

    Source: Bachrach et al., "Speeding Up the Xbox Recommender System Using a Euclidean Transformation for Inner-Product Spaces" (2014).
    """
    is_finite = np.isfinite(norms)
    longest = norms.max(initial=0.0, where=is_finite)
    gaps = np.where(is_finite, longest - np.where(is_finite, norms, longest), np.float32(0))
    return np.full_like(norms, longest), np.sqrt(gaps, dtype=np.float32)
