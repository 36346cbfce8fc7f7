"""A searchable forest over vectors it does not own."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.annoy.forest import ForestArrays, load_forest, normal_width
from vecengine.annoy.parameters import LEAF_ROWS, TREES, AnnoyParameters
from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord, check_vectors
from vecengine.buffers import (
    METADATA,
    check_matches,
    decode_metadata,
    encode_metadata,
    read_file,
    take_array,
    take_integer,
)
from vecengine.compiled import KernelSet, kernels
from vecengine.coverage import Coverage, Offsets
from vecengine.errors import DamagedIndex
from vecengine.exact import kernel_space
from vecengine.flat import load_coverage
from vecengine.graph_index import GraphIndex
from vecengine.hnsw.curve import RecallCurve, curve_from_json
from vecengine.hnsw.search import GraphAnswer, GraphRequest
from vecengine.index import Buffers
from vecengine.metrics import NUMBER_METRICS, Float32s, Metric, Vectors, parse_metric

FAMILY = "annoy"
_ROWS_MAX = 1 << 62
_ROW_COST = 2.0
_REJECTED_COST = 0.5
_SELECTIVITY_MIN = 0.01
"""Measured on 61,666 vectors of 384 float32, in distances of a sequential scan: see DESIGN.md."""


@dataclass(frozen=True)
class Training:
    """How many rows the planes were chosen for, and how many have come or gone since."""

    rows: int
    changed_rows: int = 0


class ForestSpace:
    """A forest over vectors, bundled once as kernels take it; keeps all of it alive."""

    def __init__(
        self, metric: Metric, vectors: Vectors, forest: ForestArrays, rows: Offsets, norms: Float32s
    ) -> None:
        self._space = kernel_space(metric, vectors)
        self._bundle = forest.bundle(rows, norms)
        self._nodes = forest.node_count
        self._parts = forest.part_count

    def search(self, compiled: KernelSet, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        """One call of the kernel for all queries. Raises nothing: the status says how it ended."""
        query_count = request.queries.shape[0]
        keys = np.empty((query_count, request.k), dtype=np.float64)
        offsets = np.empty((query_count, request.k), dtype=np.int64)
        found = np.empty(query_count, dtype=np.int64)
        counts = np.zeros(3, dtype=np.int64)
        status = compiled.search_forest(
            self._space,
            self._bundle,
            (
                request.queries,
                NO_BITS if request.allowed_bits is None else request.allowed_bits,
                request.ef,
                request.budget,
            ),
            _scratch.lend(self._nodes, self._parts),
            (keys, offsets, found, counts),
            NO_CANCEL if cancel is None else cancel,
        )
        return GraphAnswer(status, keys, offsets, found, *counts.tolist())


class _ScratchPool(threading.local):
    """Working memory of one thread, grown to the largest forest it has searched."""

    def __init__(self) -> None:
        self.visited = np.empty(0, dtype=np.uint8)
        self.keys = np.empty(0, dtype=np.float64)
        self.children = np.empty(0, dtype=np.int32)

    def lend(self, nodes: int, parts: int) -> tuple[npt.NDArray[np.generic], ...]:
        size = (nodes + 7) >> 3
        if self.visited.size < size:
            self.visited = np.empty(size, dtype=np.uint8)
        if self.keys.size < parts:
            self.keys = np.empty(parts, dtype=np.float64)
            self.children = np.empty(parts, dtype=np.int32)
        # The kernel clears all of `visited`: only the part of this forest.
        return self.visited[:size], self.keys, self.children


_scratch = _ScratchPool()


def forest_distance_cost(selectivity: float) -> float:
    """Time of a distance in a search of a forest over one in a scan, for a filter of this selectivity."""
    return _ROW_COST + _REJECTED_COST * (1.0 / max(selectivity, _SELECTIVITY_MIN) - 1.0)


class AnnoyIndex(GraphIndex):
    """See `vecengine.index.VectorIndex`; `ef_search` is how many allowed rows to weigh, over all trees."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        forest: ForestArrays,
        parameters: AnnoyParameters,
        *,
        norms: Float32s,
        training: Training,
        curve: RecallCurve,
    ) -> None:
        super().__init__(vectors, metric, coverage, curve)
        self.forest = forest
        self.parameters = parameters
        self.norms = norms
        self.training = training
        self._target = ForestSpace(metric, vectors, forest, coverage.offsets, norms)

    @property
    def size_bytes(self) -> int:
        return int(self.forest.size_bytes + self._coverage.offsets.nbytes + self.norms.nbytes)

    def _run(self, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        compiled = kernels()
        assert compiled is not None
        return self._target.search(compiled, request, cancel)

    def _distance_cost(self, selectivity: float) -> float:
        return forest_distance_cost(selectivity)

    def to_buffers(self) -> Buffers:
        metadata = encode_metadata(
            FAMILY,
            self.metric,
            self._vectors,
            rows=self.row_count,
            trees=self.parameters.trees,
            leaf_rows=self.parameters.leaf_rows,
            split_count=int(self.forest.offsets.size),
            trained_rows=self.training.rows,
            changed_rows=self.training.changed_rows,
            curve=self.curve.to_json(),
        )
        buffers: Buffers = {METADATA: metadata, "offsets": self._coverage.offsets, "norms": self.norms}
        return buffers | self.forest.to_buffers()

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> AnnoyIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_annoy(read_file(path), check_vectors(vectors))


def load_annoy(buffers: Buffers, vectors: Vectors) -> AnnoyIndex:
    """Take back the buffers of a forest. Reads all of them once, to check them.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    if metric not in NUMBER_METRICS:
        raise DamagedIndex(
            f'index metadata names metric "{metadata["metric"]}", which {FAMILY} does not serve'
        )
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    trees = take_integer(metadata, "trees", TREES.minimum, TREES.maximum)
    leaf_rows = take_integer(metadata, "leaf_rows", LEAF_ROWS.minimum, LEAF_ROWS.maximum)
    splits = take_integer(metadata, "split_count", 0, trees * rows)
    return AnnoyIndex(
        vectors,
        metric,
        load_coverage(buffers, rows, vectors.shape[0]),
        load_forest(buffers, rows, normal_width(metric, vectors.shape[1]), trees=trees, splits=splits),
        AnnoyParameters(trees, leaf_rows),
        norms=take_array(buffers, "norms", np.float32, (rows if metric is Metric.COSINE else 0,)),
        training=Training(
            take_integer(metadata, "trained_rows", 0, _ROWS_MAX),
            take_integer(metadata, "changed_rows", 0, _ROWS_MAX),
        ),
        curve=curve_from_json(metadata.get("curve")),
    )
