"""A searchable set of inverted lists over vectors it does not own.

Lists of whole vectors are searched exactly. Of lists of codes the nearest by codes, `refine_k` times k, are reranked by their vectors,
and a query that this leaves short (keys by codes may be NaN where distances are not) is answered by a scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries, cancel_error, check_allowed, check_queries
from vecengine.buffers import (
    METADATA,
    check_matches,
    decode_metadata,
    encode_metadata,
    take_integer,
)
from vecengine.compiled import KernelSet, kernels
from vecengine.coverage import Coverage, CoveringIndex
from vecengine.errors import DamagedIndex, DistanceBudgetSpent
from vecengine.exact import (
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    Keys,
    Offsets,
    kernel_space,
    pad_answer,
)
from vecengine.index import EXACT, FILTERED_LISTS, LISTS, Buffers, SearchStats, StrategyEstimate
from vecengine.ivf.codes import ListCodes, code_fields, load_codes
from vecengine.ivf.curve import ProbeCurve, curve_from_json
from vecengine.ivf.kinds import ListKind, StoredBook
from vecengine.ivf.lists import ListArrays, load_lists
from vecengine.ivf.parameters import INTEGER_BITS, ListParameters
from vecengine.ivf.search import (
    BIT_COSTS,
    NUMBER_COSTS,
    ListAnswer,
    ListRequest,
    ListSpace,
    RowCosts,
    list_space,
    probing_cost,
    run_coded_search,
    run_search,
)
from vecengine.ivf.visiting import VisitedLists
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric
from vecengine.nearest_rows import NearestRowsBase, Wanted
from vecengine.stored_vectors import BitVectors

_RECALL_TOLERANCE = 1e-3
_RERANKED_COST = 3.0
"""Of a row far from cache, in distances of a sequential scan."""

_ROWS_MAX = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Training:
    """How many rows there were when the centroids were trained, and how many have come or gone since."""

    rows: int
    changed_rows: int = 0


class ListIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`. `ef_search` is the number of lists to visit, pgvector's `ivfflat.probes`."""

    def __init__(
        self,
        kind: ListKind,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        *,
        lists: ListArrays,
        parameters: ListParameters,
        training: Training,
        curve: ProbeCurve,
        codes: ListCodes | None = None,
    ) -> None:
        super().__init__(vectors, metric, coverage)
        self.kind = kind
        self.codes = codes
        self._lists = lists
        self._parameters = parameters
        self._target = list_space(kernel_space(metric, vectors), metric, lists)
        self.training = training
        self.curve = curve

    @property
    def family(self) -> str:
        return self.kind.name

    @property
    def size_bytes(self) -> int:
        return self._lists.size_bytes + (0 if self.codes is None else self.codes.size_bytes)

    @property
    def parameters(self) -> ListParameters:
        return self._parameters

    @property
    def lists(self) -> ListArrays:
        """Its lists, to be read only. They are fewer than the parameter says where rows are few or equal."""
        return self._lists

    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = 1,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, npt.NDArray[np.int64]]:
        return self.search_ranked(
            queries, k, None, allowed_bits, ef_search,
            cancel=cancel, distance_budget=distance_budget, stats=stats,
        )  # fmt: skip

    def search_ranked(
        self,
        queries: Queries,
        k: int,
        centre_keys: Float32s | None,
        allowed_bits: Bitset | None = None,
        ef_search: int = 1,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, npt.NDArray[np.int64]]:
        """As `search`, where somebody else has weighed the centroids.

        Args:
            centre_keys: (nq, l) float32, squared distances under l2, negative inner products under ip and cosine; None to weigh them here.

        Raises:
            DimensionMismatch: 22000.
            QueryCanceled: 57014.
            DistanceBudgetSpent: 53400.
            ValueError: keys of another shape.
        """
        words = check_queries(queries, self._vectors)
        if centre_keys is not None:
            centre_keys = np.ascontiguousarray(centre_keys, dtype=np.float32)
            if centre_keys.shape != (words.shape[0], self._lists.list_count):
                raise ValueError(f"keys of {self._lists.list_count} centroids are {centre_keys.shape}")
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        stats = SearchStats() if stats is None else stats
        bits, stats.allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, stats.allowed_count)
        probes = min(max(ef_search, 1), self._lists.list_count)
        compiled = kernels()
        if compiled is None or not width or self.is_scan_cheaper(probes, width, stats.allowed_count):
            found = self._scan_instead(words, width, bits, cancel, distance_budget, stats=stats)
            return pad_answer(self._metric, *found, k)
        is_filtered = stats.allowed_count < self.row_count
        stats.strategy, stats.ef_search = (FILTERED_LISTS if is_filtered else LISTS), probes
        # Listed rows are covered by construction: only the caller's filter is left to test.
        request = ListRequest(words, width, probes, allowed_bits if is_filtered else None, distance_budget)
        target = self._target if centre_keys is None else self._target._replace(centre_keys=centre_keys)
        return pad_answer(
            self._metric, *self._probe(compiled, target, request, bits, cancel=cancel, stats=stats), k
        )

    def _probe(
        self,
        compiled: KernelSet,
        target: ListSpace,
        request: ListRequest,
        bits: Bitset | None,
        *,
        cancel: CancelWord | None,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        if self.codes is None:
            answer = run_search(compiled, target, request, cancel)
        else:
            pool = min(self._parameters.refine_k * request.k, stats.allowed_count)
            answer = run_coded_search(compiled, target, self.codes, request, pool, cancel=cancel)
        stats.distances += answer.distances
        stats.expansions += answer.visited
        stats.reranked += answer.reranked
        if answer.status == STATUS_CANCELLED and cancel is not None:
            raise cancel_error(cancel)
        if answer.status == STATUS_BUDGET_SPENT:
            raise DistanceBudgetSpent("distance budget of the search is spent")
        short = np.flatnonzero(answer.found < request.k)
        if short.size and self.codes is not None:
            stats.completed_exactly += short.size
            remaining = max(1, request.budget - answer.distances) if request.budget else 0
            answer.keys[short], answer.offsets[short] = self._scan(
                request.queries[short], request.k, bits, cancel, remaining, stats=stats
            )
        return answer.keys, answer.offsets

    def _nearest_rows(self, wanted: Wanted, query: Queries, ef_search: int) -> NearestRowsBase:
        if self.codes is not None:
            return super()._nearest_rows(wanted, query, ef_search)
        return VisitedLists(wanted, self._lists, ef_search)

    def _numbers(self) -> Mapping[str, float]:
        sizes = self._lists.sizes()
        return {"lists": float(sizes.size), "mean_rows": float(sizes.mean()), "most_rows": float(sizes.max())}

    def nearest_by_codes(
        self, query: Float32s, k: int, allowed_bits: Bitset, cancel: CancelWord | None
    ) -> ListAnswer:
        """The rows that codes find for one query (1, d) in all lists; kernels are ready and there are codes."""
        compiled = kernels()
        assert compiled is not None and self.codes is not None
        request = ListRequest(query, k, self._lists.list_count, allowed_bits)
        pool = min(self._parameters.refine_k * k, self.row_count)
        return run_coded_search(compiled, self._target, self.codes, request, pool, cancel=cancel)

    def is_scan_cheaper(self, probes: int, k: int, allowed_count: int) -> bool:
        """Whether a scan of the allowed rows is expected to take less time than a search of so many lists."""
        return allowed_count <= self._cost(probes, k, allowed_count)

    def _cost(self, probes: int, k: int, allowed_count: int) -> float:
        """Expected time of a search of lists, in distances of a scan."""
        listed = self.row_count * probes / self._lists.list_count
        if not self.curve.is_empty:
            listed = self.curve.rows_of(probes)
        selectivity = allowed_count / max(1, self.row_count)
        if self.codes is None or self.kind.codes is None:
            costs = BIT_COSTS if isinstance(self._vectors, BitVectors) else NUMBER_COSTS
            return probing_cost(self._lists.list_count, listed, selectivity, costs)
        row_cost = self.kind.codes.row_cost(self.dimensions, self._parameters) / max(1, self.dimensions)
        reranked = min(listed * selectivity, self._parameters.refine_k * k)
        cost = probing_cost(self._lists.list_count, listed, selectivity, RowCosts(row_cost))
        return cost + _RERANKED_COST * reranked

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        allowed_count = min(allowed_count, self.row_count)
        selectivity = allowed_count / max(1, self.row_count)
        estimates = [StrategyEstimate(EXACT, 0, float(allowed_count), 1.0)]
        width = min(k, allowed_count)
        probes = self.curve.probes_for(width, target_recall, selectivity) if allowed_count else None
        if probes is not None:
            name = LISTS if allowed_count == self.row_count else FILTERED_LISTS
            recall = self.curve.recall_of(probes, width, selectivity)
            cost = self._cost(probes, width, allowed_count)
            # What codes lose no number of probes gains.
            if recall >= target_recall - _RECALL_TOLERANCE:
                estimates.append(StrategyEstimate(name, probes, cost, max(recall, target_recall)))
        return tuple(sorted(estimates, key=lambda estimate: estimate.cost_distances))

    def beam_for(self, k: int, target_recall: float) -> int:
        probes = self.curve.probes_for(min(k, self.row_count), target_recall)
        return self._lists.list_count if probes is None else probes

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        if self.curve.is_empty:
            return 0.0
        return self.curve.recall_of(ef_search, k, min(1.0, allowed_count / max(1, self.row_count)))

    def to_buffers(self) -> Buffers:
        given = {info.name: getattr(self._parameters, info.name) for info in self.kind.parameters}
        metadata = encode_metadata(
            self.family,
            self.metric,
            self._vectors,
            rows=self.row_count,
            **given,
            **(code_fields(self.codes) if self.kind.codes else {}),
            list_count=self._lists.list_count,
            trained_rows=self.training.rows,
            changed_rows=self.training.changed_rows,
            curve=self.curve.to_json(),
        )
        codes = {} if self.codes is None else self.codes.to_buffers()
        return {METADATA: metadata, **self._lists.to_buffers(), **codes}


def load_list_index(kind: ListKind, buffers: Buffers, vectors: Vectors) -> ListIndex:
    """Take back the buffers of lists. Reads every row offset once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    if metric not in kind.metrics:
        raise DamagedIndex(
            f'index metadata names metric "{metadata["metric"]}", which {kind.name} does not serve'
        )
    given = {
        info.name: take_integer(metadata, info.name, info.minimum, info.maximum)
        for info in kind.parameters
        # Files from before there was a choice of it have none.
        if info is not INTEGER_BITS or info.name in metadata
    }
    parameters = ListParameters(**given)
    row_count = take_integer(metadata, "rows", 0, vectors.shape[0])
    list_count = take_integer(metadata, "list_count", 1, max(1, min(parameters.lists, row_count)))
    lists, coverage = load_lists(
        buffers,
        (row_count, list_count, vectors.shape[1]),
        vectors.shape[0],
        metric=metric,
    )
    codes = None
    if kind.codes is not None:
        stored = StoredBook(buffers, metadata, metric, vectors.shape[1])
        codes = load_codes(kind.codes, stored, lists.starts, parameters)
    return ListIndex(
        kind,
        vectors,
        metric,
        coverage,
        lists=lists,
        parameters=parameters,
        training=Training(
            take_integer(metadata, "trained_rows", 0, _ROWS_MAX),
            take_integer(metadata, "changed_rows", 0, _ROWS_MAX),
        ),
        curve=curve_from_json(metadata.get("curve")),
        codes=codes,
    )
