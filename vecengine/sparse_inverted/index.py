"""A searchable set of inverted lists over sparse vectors it does not own."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import NO_CANCEL, CancelWord, Queries, check_allowed, check_queries, check_vectors
from vecengine.buffers import (
    METADATA,
    check_matches,
    decode_metadata,
    encode_metadata,
    read_file,
    take_array,
    take_integer,
)
from vecengine.compiled import kernels
from vecengine.coverage import Coverage, CoveringIndex
from vecengine.errors import DamagedIndex
from vecengine.exact import kernel_space, pad_answer, raise_for_status
from vecengine.flat import load_coverage
from vecengine.hnsw.curve import RecallCurve, curve_from_json
from vecengine.index import EXACT, FILTERED_LISTS, LISTS, Buffers, SearchStats, StrategyEstimate
from vecengine.metrics import Float32s, Metric, Vectors, parse_metric
from vecengine.sparse_inverted.parameters import PARAMETERS, WHOLE_QUERY, SparseInvertedParameters
from vecengine.sparse_inverted.postings import PostingArrays, PostingShape, load_postings
from vecengine.sparse_inverted.search import (
    PostingRequest,
    PostingSpace,
    heaviest_elements,
    run_search,
    search_cost,
)
from vecengine.stored_vectors import SparseVectors

FAMILY = "sparse_inverted"
METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
"""Under l1 a row without a common dimension is as far as its size, which no inner product tells: l1 is scanned."""

_COUNT_MAX = np.iinfo(np.int64).max


class SparseInvertedIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`.

    `ef_search` is how much of a query's weight is looked up, in thousandths: its heaviest elements that have so much
    of the sum of all amounts. A search by all of it, which is the default, finds the k nearest exactly, unless the lists themselves
    lack weights (`drop_percent`). Any other finds four times k rows by what is looked up and reranks them by the
    vectors.
    """

    family = FAMILY

    def __init__(
        self,
        vectors: SparseVectors,
        metric: Metric,
        coverage: Coverage,
        postings: PostingArrays,
        parameters: SparseInvertedParameters,
        *,
        norms: Float32s,
        curve: RecallCurve,
    ) -> None:
        super().__init__(vectors, metric, coverage)
        self._postings = postings
        self._parameters = parameters
        self._norms = norms
        self.curve = curve
        counts = vectors[coverage.row_offsets()].element_counts()
        self._elements_mean = float(counts.mean()) if counts.size else 0.0
        self._list_rows = postings.mean_list_rows()
        self._target = PostingSpace(
            kernel_space(metric, vectors),
            postings,
            coverage.offsets,
            norms,
            row_count=coverage.row_count,
            block_rows=parameters.block_rows,
            elements_mean=max(1, round(self._elements_mean)),
            elements_max=int(counts.max(initial=0)),
        )

    @property
    def size_bytes(self) -> int:
        return self._postings.size_bytes + self._norms.nbytes + self._coverage.offsets.nbytes

    @property
    def parameters(self) -> SparseInvertedParameters:
        return self._parameters

    @property
    def postings(self) -> PostingArrays:
        """Its lists, to be read only."""
        return self._postings

    @property
    def norms(self) -> Float32s:
        """(rows,) squared norms of the covered rows; (0,) under ip."""
        return self._norms

    @property
    def target(self) -> PostingSpace:
        """Lists and vectors as the search kernel takes them."""
        return self._target

    def is_whole(self, ef_search: int) -> bool:
        """Whether a search with this `ef_search` adds up whole inner products, and so is exact."""
        return ef_search >= WHOLE_QUERY and self._parameters.drop_percent == 0

    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = WHOLE_QUERY,
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
        share = min(max(ef_search, 1), WHOLE_QUERY)
        compiled = kernels()
        if compiled is None or stats.allowed_count <= self.cost():
            found = self._scan_instead(words, width, bits, cancel, distance_budget, stats=stats)
            return pad_answer(self._metric, *found, k)
        is_filtered = stats.allowed_count < self.row_count
        stats.strategy, stats.ef_search = (FILTERED_LISTS if is_filtered else LISTS), share
        request = PostingRequest(
            words,
            heaviest_elements(words, share),
            width,
            self.is_whole(share),
            # Listed rows are covered by construction: only the caller's filter is left to test.
            allowed_bits if is_filtered else None,
            distance_budget,
        )
        answer = run_search(compiled, self._target, request, cancel)
        stats.distances += answer.distances
        stats.expansions += answer.visited
        stats.reranked += answer.reranked
        raise_for_status(answer.status, NO_CANCEL if cancel is None else cancel)
        return pad_answer(self._metric, answer.keys, answer.offsets, k)

    def cost(self) -> float:
        """Expected time of a search of the lists by the whole of a query like the rows, in distances of a scan."""
        products = self._elements_mean * self._list_rows
        return search_cost(self.row_count, products, 2 * self._elements_mean)

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        allowed_count = min(allowed_count, self.row_count)
        estimates = [StrategyEstimate(EXACT, 0, float(allowed_count), 1.0)]
        recall = self.recall_of(WHOLE_QUERY, k, allowed_count)
        if allowed_count and recall >= target_recall:
            name = LISTS if allowed_count == self.row_count else FILTERED_LISTS
            estimates.append(StrategyEstimate(name, WHOLE_QUERY, self.cost(), recall))
        return tuple(sorted(estimates, key=lambda estimate: estimate.cost_distances))

    def beam_for(self, k: int, target_recall: float) -> int:
        share = self.curve.beam_for(1, target_recall) if k else None
        return WHOLE_QUERY if share is None else min(share, WHOLE_QUERY)

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        if self.is_whole(ef_search):
            return 1.0
        return 0.0 if self.curve.is_empty else self.curve.recall_of(ef_search, k)

    def to_buffers(self) -> Buffers:
        metadata = encode_metadata(
            FAMILY,
            self.metric,
            self._vectors,
            rows=self.row_count,
            block_rows=self._parameters.block_rows,
            drop_percent=self._parameters.drop_percent,
            segments=self._postings.segment_dims.size,
            postings=self._postings.weights.size,
            curve=self.curve.to_json(),
        )
        return {
            METADATA: metadata,
            "offsets": self._coverage.offsets,
            "norms": self._norms,
            **self._postings.to_buffers(),
        }

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> SparseInvertedIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_sparse_inverted(read_file(path), check_vectors(vectors))


def load_sparse_inverted(buffers: Buffers, vectors: Vectors) -> SparseInvertedIndex:
    """Take back the buffers of an index. Reads every place of a posting once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    if metric not in METRICS or not isinstance(vectors, SparseVectors):
        raise DamagedIndex(
            f'index metadata names metric "{metadata["metric"]}", which {FAMILY} does not serve'
        )
    parameters = SparseInvertedParameters(
        *(take_integer(metadata, info.name, info.minimum, info.maximum) for info in PARAMETERS)
    )
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    shape = PostingShape(
        rows=rows,
        dimensions=vectors.shape[1],
        block_rows=parameters.block_rows,
        segments=take_integer(metadata, "segments", 0, _COUNT_MAX),
        postings=take_integer(metadata, "postings", 0, _COUNT_MAX),
    )
    return SparseInvertedIndex(
        vectors,
        metric,
        load_coverage(buffers, rows, vectors.shape[0]),
        load_postings(buffers, shape),
        parameters,
        norms=take_array(buffers, "norms", np.float32, (0 if metric is Metric.IP else rows,)),
        curve=curve_from_json(metadata.get("curve")),
    )
