"""What indexes have in common that are walked along links: when to walk and when to scan, and answers that are complete.

A walk is a family's own (`_run`). Before it, a scan of the allowed rows takes its place where the curve says that it is
cheaper; after it, one answers the queries that the walk left short or that cost twice the scan.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries, cancel_error, check_allowed, check_queries
from vecengine.compiled import kernels
from vecengine.coverage import Coverage, CoveringIndex
from vecengine.errors import DistanceBudgetSpent
from vecengine.exact import STATUS_BUDGET_SPENT, STATUS_CANCELLED, Keys, Offsets, pad_answer
from vecengine.hnsw.curve import BEAMS, RecallCurve
from vecengine.hnsw.search import GraphAnswer, GraphRequest
from vecengine.index import EXACT, FILTERED_GRAPH, GRAPH, SearchStats, StrategyEstimate
from vecengine.metrics import Float32s, Metric, Vectors

_STEPS_PER_DOUBLING = 7
BUDGET_LEAST = 1000


def own_budget(allowed_count: int, query_count: int = 1) -> int:
    """Twice the scan: a filter against the grain of the graph costs at most three scans."""
    return query_count * (2 * allowed_count + BUDGET_LEAST)


class GraphIndex(CoveringIndex, ABC):
    """Part of `vecengine.index.VectorIndex`.

    Attributes:
        curve: the recall of its beams.
    """

    def __init__(self, vectors: Vectors, metric: Metric, coverage: Coverage, curve: RecallCurve) -> None:
        super().__init__(vectors, metric, coverage)
        self.curve = curve
        self._walk_costs: dict[tuple[int, int], float] = {}

    @abstractmethod
    def _run(self, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        """Walk for all queries; kernels are ready. Raises nothing: the status says how it ended."""

    @abstractmethod
    def _distance_cost(self, selectivity: float) -> float:
        """Time of a distance of a walk over one of a scan, for a filter of this selectivity."""

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
        allowed_count = stats.allowed_count
        if kernels() is None or not width or allowed_count <= self._walk_cost(beam, allowed_count):
            found = self._scan_instead(words, width, bits, cancel, distance_budget, stats=stats)
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
        step = 0
        if allowed_count < self.row_count:
            step = round(_STEPS_PER_DOUBLING * math.log2(self.row_count / allowed_count))
        cost = self._walk_costs.get((beam, step))
        if cost is None:
            selectivity = 2.0 ** (-step / _STEPS_PER_DOUBLING)
            cost = self._distance_cost(selectivity) * self.curve.distances_of(beam, selectivity)
            self._walk_costs[beam, step] = cost
        return cost

    def _walk(
        self,
        request: GraphRequest,
        bits: Bitset | None,
        cancel: CancelWord | None,
        distance_budget: int,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        """Search the graph; queries it leaves short, or finds dearer than expected, are scanned."""
        budget = own_budget(stats.allowed_count, request.queries.shape[0])
        is_callers = 0 < distance_budget <= budget
        request = GraphRequest(*request[:-1], distance_budget if is_callers else budget)
        answer = self._run(request, cancel)
        stats.distances += answer.distances
        stats.expansions += answer.expansions
        stats.reranked += answer.reranked
        stats.pages += answer.pages
        if answer.status == STATUS_CANCELLED and cancel is not None:
            raise cancel_error(cancel)
        if answer.status == STATUS_BUDGET_SPENT and is_callers:
            raise DistanceBudgetSpent("distance budget of the search is spent")
        # A list of a few numbers is compared in a tenth of the time of an array.
        if min(answer.found.tolist(), default=request.k) < request.k:
            short = np.flatnonzero(answer.found < request.k)
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
        if beam is None:
            return max(k, BEAMS[-1] if self.curve.is_empty else int(self.curve.beams[-1]))
        return beam

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        if self.curve.is_empty:
            return 0.0
        return self.curve.recall_of(max(ef_search, k), k, min(1.0, allowed_count / max(1, self.row_count)))
