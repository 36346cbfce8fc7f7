"""A searchable set of inverted lists over vectors it does not own."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries, cancel_error, check_allowed, check_queries, check_vectors
from vecengine.buffers import (
    METADATA,
    check_matches,
    decode_metadata,
    encode_metadata,
    read_file,
    take_integer,
    write_file,
)
from vecengine.compiled import KernelSet, kernels
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
from vecengine.index import EXACT, FILTERED_LISTS, LISTS, Buffers, SearchStats, StrategyEstimate
from vecengine.ivf_flat.curve import ProbeCurve, curve_from_json
from vecengine.ivf_flat.lists import ListArrays, load_lists
from vecengine.ivf_flat.parameters import PARAMETERS, IvfFlatParameters
from vecengine.ivf_flat.search import ListRequest, list_space, probing_cost, run_search
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric

FAMILY = "ivfflat"
METRICS = (Metric.L2, Metric.IP, Metric.COSINE, Metric.HAMMING)
"""pgvector has no operator class of l1 or jaccard for it either."""


_ROWS_MAX = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Training:
    """How many rows there were when the centroids were trained, and how many have come or gone since."""

    rows: int
    changed_rows: int = 0


class IvfFlatIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`. `ef_search` is the number of lists to visit, pgvector's `ivfflat.probes`."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        lists: ListArrays,
        parameters: IvfFlatParameters,
        *,
        training: Training,
        curve: ProbeCurve,
    ) -> None:
        super().__init__(vectors, metric, coverage)
        self._lists = lists
        self._parameters = parameters
        self._target = list_space(kernel_space(metric, vectors), metric, lists)
        self.training = training
        self.curve = curve

    @property
    def size_bytes(self) -> int:
        return self._lists.size_bytes

    @property
    def parameters(self) -> IvfFlatParameters:
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
        words = check_queries(queries, self._vectors)
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        stats = SearchStats() if stats is None else stats
        bits, stats.allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, stats.allowed_count)
        probes = min(max(ef_search, 1), self._lists.list_count)
        compiled = kernels()
        if compiled is None or stats.allowed_count <= self._cost(probes, stats.allowed_count):
            stats.strategy, stats.ef_search = EXACT, 0
            keys, offsets, computed = exact_keys(
                self._metric, self._vectors, words, width, bits, cancel=cancel, budget=distance_budget
            )
            stats.distances += computed
            return pad_answer(self._metric, keys, offsets, k)
        is_filtered = stats.allowed_count < self.row_count
        stats.strategy, stats.ef_search = (FILTERED_LISTS if is_filtered else LISTS), probes
        # Listed rows are covered by construction: only the caller's filter is left to test.
        request = ListRequest(words, width, probes, allowed_bits if is_filtered else None, distance_budget)
        return pad_answer(self._metric, *self._probe(compiled, request, cancel, stats), k)

    def _probe(
        self, compiled: KernelSet, request: ListRequest, cancel: CancelWord | None, stats: SearchStats
    ) -> tuple[Keys, Offsets]:
        answer = run_search(compiled, self._target, request, cancel)
        stats.distances += answer.distances
        stats.expansions += answer.visited
        if answer.status == STATUS_CANCELLED and cancel is not None:
            raise cancel_error(cancel)
        if answer.status == STATUS_BUDGET_SPENT:
            raise DistanceBudgetSpent("distance budget of the search is spent")
        return answer.keys, answer.offsets

    def _cost(self, probes: int, allowed_count: int) -> float:
        """Expected time of a search of lists, in distances of a scan."""
        listed = self.row_count * probes / self._lists.list_count
        if not self.curve.is_empty:
            listed = self.curve.rows_of(probes)
        return probing_cost(self._lists.list_count, listed, allowed_count / max(1, self.row_count))

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        allowed_count = min(allowed_count, self.row_count)
        selectivity = allowed_count / max(1, self.row_count)
        estimates = [StrategyEstimate(EXACT, 0, float(allowed_count), 1.0)]
        width = min(k, allowed_count)
        probes = self.curve.probes_for(width, target_recall, selectivity) if allowed_count else None
        if probes is not None:
            name = LISTS if allowed_count == self.row_count else FILTERED_LISTS
            recall = self.curve.recall_of(probes, width, selectivity)
            cost = self._cost(probes, allowed_count)
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
        metadata = encode_metadata(
            FAMILY,
            self.metric,
            self._vectors,
            rows=self.row_count,
            lists=self._parameters.lists,
            list_count=self._lists.list_count,
            trained_rows=self.training.rows,
            changed_rows=self.training.changed_rows,
            curve=self.curve.to_json(),
        )
        return {METADATA: metadata, **self._lists.to_buffers()}

    def save(self, path: str | os.PathLike[str]) -> None:
        write_file(path, self.to_buffers())

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> IvfFlatIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_ivf_flat(read_file(path), check_vectors(vectors))


def load_ivf_flat(buffers: Buffers, vectors: Vectors) -> IvfFlatIndex:
    """Take back the buffers of lists. Reads every row offset once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    if metric not in METRICS:
        raise DamagedIndex(
            f'index metadata names metric "{metadata["metric"]}", which {FAMILY} does not serve'
        )
    (info,) = PARAMETERS
    parameter = take_integer(metadata, "lists", info.minimum, info.maximum)
    row_count = take_integer(metadata, "rows", 0, vectors.shape[0])
    list_count = take_integer(metadata, "list_count", 1, max(1, min(parameter, row_count)))
    lists, coverage = load_lists(
        buffers,
        (row_count, list_count, vectors.shape[1]),
        vectors.shape[0],
        metric=metric,
    )
    return IvfFlatIndex(
        vectors,
        metric,
        coverage,
        lists,
        IvfFlatParameters(parameter),
        training=Training(
            take_integer(metadata, "trained_rows", 0, _ROWS_MAX),
            take_integer(metadata, "changed_rows", 0, _ROWS_MAX),
        ),
        curve=curve_from_json(metadata.get("curve")),
    )
