"""A searchable HNSW graph over vectors it does not own."""

from __future__ import annotations

import math
import os

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import (
    CancelWord,
    Queries,
    cancel_error,
    check_allowed,
    check_queries,
    check_vectors,
)
from vecengine.buffers import (
    METADATA,
    Metadata,
    check_matches,
    decode_metadata,
    encode_metadata,
    read_file,
    take_integer,
    write_file,
)
from vecengine.compiled import kernels
from vecengine.coverage import Coverage, CoveringIndex
from vecengine.errors import DamagedIndex, DistanceBudgetSpent
from vecengine.exact import (
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    Keys,
    Offsets,
    exact_keys,
    kernel_space,
    pad_answer,
)
from vecengine.flat import load_coverage
from vecengine.hnsw.codes import GraphCodes, load_codes
from vecengine.hnsw.curve import BEAMS, RecallCurve, curve_from_json
from vecengine.hnsw.graph import GraphArrays, GraphShape, load_graph
from vecengine.hnsw.parameters import HnswParameters, Quantizer
from vecengine.hnsw.repeated import RepeatedSearch, own_budget
from vecengine.hnsw.search import GraphRequest, GraphSpace, run_search
from vecengine.hnsw.strategy import graph_distance_cost
from vecengine.index import (
    EXACT,
    FILTERED_GRAPH,
    GRAPH,
    Buffers,
    SearchStats,
    StrategyEstimate,
)
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric

FAMILY = "hnsw"
_M_MAX = 100
_EF_CONSTRUCTION_MAX = 1000
_LEVEL_MAX = 64
_STEPS_PER_DOUBLING = 7


class HnswIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        graph: GraphArrays,
        parameters: HnswParameters,
        *,
        curve: RecallCurve,
        codes: GraphCodes | None = None,
    ) -> None:
        super().__init__(vectors, metric, coverage)
        self._graph = graph
        self._parameters = parameters
        self._codes = codes
        self._target = GraphSpace(kernel_space(metric, vectors), graph, coverage.offsets, codes)
        self.curve = curve
        self._walk_costs: dict[tuple[int, int], float] = {}

    @property
    def size_bytes(self) -> int:
        codes = 0 if self._codes is None else self._codes.vectors.nbytes
        return int(self._graph.size_bytes + self._coverage.offsets.nbytes + codes)

    @property
    def parameters(self) -> HnswParameters:
        return self._parameters

    @property
    def graph(self) -> GraphArrays:
        """Its links, to be read only."""
        return self._graph

    @property
    def codes(self) -> GraphCodes | None:
        """What it is walked by, None when that is the vectors themselves."""
        return self._codes

    @property
    def target(self) -> GraphSpace:
        """Graph and vectors as the search kernel takes them."""
        return self._target

    def repeated(self, k: int, allowed_bits: Bitset | None, ef_search: int) -> RepeatedSearch | None:
        """`search` for one query after the other, with the same rows allowed; None where it would scan them."""
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        _, allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, allowed_count)
        beam = max(ef_search, width, 1)
        if not width or kernels() is None or allowed_count <= self._walk_cost(beam, allowed_count):
            return None
        selectivity = allowed_count / self.row_count
        return RepeatedSearch(
            self,
            width,
            allowed_bits if selectivity < 1 else None,
            allowed_count=allowed_count,
            beam=beam,
            expected_distances=self.curve.distances_of(beam, selectivity),
        )

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
        words = check_queries(queries, self._vectors)
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        stats = SearchStats() if stats is None else stats
        bits, stats.allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, stats.allowed_count)
        beam = max(ef_search, width, 1)
        if kernels() is None or stats.allowed_count <= self._walk_cost(beam, stats.allowed_count):
            stats.strategy, stats.ef_search = EXACT, 0
            found = self._scan(words, width, bits, cancel, distance_budget, stats=stats)
            return pad_answer(self._metric, *found, k)
        is_filtered = stats.allowed_count < self.row_count
        stats.strategy, stats.ef_search = (FILTERED_GRAPH if is_filtered else GRAPH), beam
        # Nodes are covered rows by construction: only the caller's filter is left to test.
        request = GraphRequest(words, width, beam, allowed_bits if is_filtered else None)
        found = self._walk(request, bits, cancel, distance_budget, stats)
        return pad_answer(self._metric, *found, k)

    def _walk_cost(self, beam: int, allowed_count: int) -> float:
        """Expected time of a graph search, in distances of a scan; infinite where nothing was measured."""
        if self.curve.is_empty or allowed_count == 0:
            return math.inf
        # In steps of a tenth: interpolating anew would cost a fifth of a search.
        step = round(_STEPS_PER_DOUBLING * math.log2(self.row_count / allowed_count))
        cost = self._walk_costs.get((beam, step))
        if cost is None:
            selectivity = 2.0 ** (-step / _STEPS_PER_DOUBLING)
            distance_cost = graph_distance_cost(selectivity, self._target.coded_dimensions)
            cost = distance_cost * self.curve.distances_of(beam, selectivity)
            self._walk_costs[beam, step] = cost
        return cost

    def _scan(
        self,
        queries: Float32s,
        width: int,
        bits: Bitset | None,
        cancel: CancelWord | None,
        budget: int,
        *,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        keys, offsets, computed = exact_keys(
            self._metric, self._vectors, queries, width, bits, cancel=cancel, budget=budget
        )
        stats.distances += computed
        return keys, offsets

    def _walk(
        self,
        request: GraphRequest,
        bits: Bitset | None,
        cancel: CancelWord | None,
        distance_budget: int,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        """Search the graph; queries it leaves short, or finds dearer than expected, are scanned."""
        compiled = kernels()
        assert compiled is not None
        budget = own_budget(stats.allowed_count, request.queries.shape[0])
        is_callers = 0 < distance_budget <= budget
        request = request._replace(budget=distance_budget if is_callers else budget)
        answer = run_search(compiled, self._target, request, cancel)
        stats.distances += answer.distances
        stats.expansions += answer.expansions
        stats.reranked += answer.reranked
        if answer.status == STATUS_CANCELLED and cancel is not None:
            raise cancel_error(cancel)
        if answer.status == STATUS_BUDGET_SPENT and is_callers:
            raise DistanceBudgetSpent("distance budget of the search is spent")
        short = np.flatnonzero(answer.found < request.k)
        if short.size:
            remaining = max(1, distance_budget - answer.distances) if distance_budget else 0
            stats.completed_exactly += short.size
            answer.keys[short], answer.offsets[short] = self._scan(
                request.queries[short], request.k, bits, cancel, remaining, stats=stats
            )
        return answer.keys, answer.offsets

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        allowed_count = min(allowed_count, self.row_count)
        selectivity = allowed_count / max(1, self.row_count)
        estimates = [StrategyEstimate(EXACT, 0, float(allowed_count), 1.0)]
        beam = self.curve.beam_for(min(k, allowed_count), target_recall, selectivity)
        if beam is not None and allowed_count:
            name = GRAPH if allowed_count == self.row_count else FILTERED_GRAPH
            cost = self._walk_cost(beam, allowed_count)
            recall = self.curve.recall_of(beam, k, selectivity)
            estimates.append(StrategyEstimate(name, beam, cost, max(recall, target_recall)))
        return tuple(sorted(estimates, key=lambda estimate: estimate.cost_distances))

    def beam_for(self, k: int, target_recall: float) -> int:
        beam = self.curve.beam_for(k, target_recall)
        return max(k, BEAMS[-1]) if beam is None else beam

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        if self.curve.is_empty:
            return 0.0
        return self.curve.recall_of(max(ef_search, k), k, min(1.0, allowed_count / max(1, self.row_count)))

    def to_buffers(self) -> Buffers:
        graph = self._graph
        metadata = encode_metadata(
            FAMILY,
            self.metric,
            self._vectors,
            rows=self.row_count,
            m=self._parameters.m,
            ef_construction=self._parameters.ef_construction,
            upper_count=graph.upper_links.shape[0],
            entry=graph.entry,
            level_max=graph.level_max,
            curve=self.curve.to_json(),
            quantizer=self._parameters.quantizer.name.lower(),
            code_scale=None if self._codes is None else self._codes.book.scale,
        )
        codes = {} if self._codes is None else self._codes.to_buffers()
        return {METADATA: metadata, "offsets": self._coverage.offsets, **graph.to_buffers(), **codes}

    def save(self, path: str | os.PathLike[str]) -> None:
        write_file(path, self.to_buffers())

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> HnswIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_hnsw(read_file(path), check_vectors(vectors))


def load_hnsw(buffers: Buffers, vectors: Vectors) -> HnswIndex:
    """Take back the buffers of a graph. Reads every link once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    m = take_integer(metadata, "m", 2, _M_MAX)
    ef_construction = take_integer(metadata, "ef_construction", 2 * m, _EF_CONSTRUCTION_MAX)
    parameters = HnswParameters(m, ef_construction, _take_quantizer(metadata))
    codes = load_codes(buffers, metadata, metric, rows)
    shape = GraphShape(
        nodes=rows,
        m=m,
        upper_count=take_integer(metadata, "upper_count", 0, rows * _LEVEL_MAX),
        entry=take_integer(metadata, "entry", 0 if rows else -1, max(-1, rows - 1)),
        level_max=take_integer(metadata, "level_max", 0, _LEVEL_MAX),
        has_norms=metric is Metric.COSINE and codes is None,
    )
    graph = load_graph(buffers, shape)
    coverage = load_coverage(buffers, rows, vectors.shape[0])
    curve = curve_from_json(metadata.get("curve"))
    return HnswIndex(vectors, metric, coverage, graph, parameters, curve=curve, codes=codes)


def _take_quantizer(metadata: Metadata) -> Quantizer:
    """What was asked for. Files from before there was a choice have none, and no codes."""
    name = metadata.get("quantizer", Quantizer.SQ8.name)
    try:
        return Quantizer[str(name).upper()]
    except KeyError:
        raise DamagedIndex(f'index metadata field "quantizer" is {name!r}') from None
