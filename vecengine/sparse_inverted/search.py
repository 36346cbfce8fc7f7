"""Calls the kernel that searches postings: bundles its arguments, lends it working memory, leaves weights out of queries."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from foundation.sparse import HEADER_WORDS
from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet
from vecengine.coverage import Offsets
from vecengine.exact import KernelSpace, Keys
from vecengine.metrics import Float32s, Metric
from vecengine.sparse_inverted.parameters import WHOLE_QUERY
from vecengine.sparse_inverted.postings import PostingArrays

REFINE_K = 4
"""Rows found by lists that lack weights and then reranked, for each row of the answer."""

_PRODUCT_COST = 0.5
_ROW_COST = 0.1
"""Measured in elements of a merge."""

_NO_FACTORS: Float32s = np.zeros(0, dtype=np.float32)


class PostingSpace:
    """Postings over vectors, bundled once as the kernel takes them; keeps all of it alive.

    Args:
        norms: (n,) squared norms of the rows; (0,) under ip.
        elements_mean, elements_max: of a row.
    """

    def __init__(
        self,
        space: KernelSpace,
        postings: PostingArrays,
        offsets: Offsets,
        norms: Float32s,
        *,
        row_count: int,
        block_rows: int,
        elements_mean: int,
        elements_max: int,
    ) -> None:
        self.space = space
        self.block_rows = block_rows
        factors, block_factors = _factors(Metric(space[0]), norms, block_rows, postings.block_count)
        self._scalars = (row_count, block_rows, elements_mean, elements_max)
        self._arrays = (
            postings.block_segments,
            postings.segment_dims,
            postings.segment_starts,
            postings.highs,
            postings.lows,
            postings.rows,
            postings.weights,
            offsets,
            norms,
            factors,
            block_factors,
        )

    def bundle(self, is_whole: bool) -> tuple[int | npt.NDArray[np.generic], ...]:
        """See `vecengine.kernels_types.Postings`."""
        return (*self._scalars, int(is_whole), *self._arrays)


class PostingRequest(NamedTuple):
    """What to search.

    Attributes:
        queries: (nq, w) float32 words of sparse vectors.
        listed: the same with the elements that are looked up.
        is_whole: whether what the lists add up is the inner product.
    """

    queries: Float32s
    listed: Float32s
    k: int
    is_whole: bool
    allowed_bits: Bitset | None = None
    budget: int = 0


class PostingAnswer(NamedTuple):
    """(nq, k) keys and row offsets, padded; distances, lists visited and rows reranked."""

    status: int
    keys: Keys
    offsets: Offsets
    distances: int
    visited: int
    reranked: int


def _factors(metric: Metric, norms: Float32s, block_rows: int, block_count: int) -> tuple[Float32s, Float32s]:
    """What makes scores of inner products: (n,) for the rows, and (b,) the best of each block."""
    if metric is Metric.IP or block_count == 0:
        return _NO_FACTORS, np.zeros(block_count, dtype=np.float32)
    firsts = np.arange(0, norms.size, block_rows)
    if metric is Metric.COSINE:
        with np.errstate(divide="ignore"):
            inverses = (1.0 / np.sqrt(norms.astype(np.float64))).astype(np.float32)
        return inverses, np.maximum.reduceat(inverses, firsts)
    halves = norms * np.float32(0.5)
    return halves, np.minimum.reduceat(halves, firsts)


def search_cost(row_count: int, products: float, merged_elements: float) -> float:
    """Time of a search that adds up so many products, in distances of a scan, each of which merges so many elements."""
    return (_ROW_COST * row_count + _PRODUCT_COST * products) / max(1.0, merged_elements)


class _ScratchPool(threading.local):
    """Working memory of one thread, grown to the largest block, query and number of rows it has searched for."""

    def __init__(self) -> None:
        self.sizes = (0, 0, 0)
        self.arrays: tuple[npt.NDArray[np.generic], ...] = ()

    def lend(self, block_rows: int, terms: int, rows: int) -> tuple[npt.NDArray[np.generic], ...]:
        wanted = (block_rows, terms, rows)
        if any(size > known for size, known in zip(wanted, self.sizes, strict=True)) or not self.arrays:
            self.sizes = tuple(map(max, wanted, self.sizes))  # type: ignore[assignment]
            block_rows, terms, rows = self.sizes
            self.arrays = (
                np.empty(block_rows, dtype=np.float32),
                np.empty(block_rows, dtype=np.float32),
                np.empty(terms, dtype=np.int64),
                np.empty(terms, dtype=np.float32),
                np.empty(rows, dtype=np.float64),
                np.empty(rows, dtype=np.int64),
            )
        return self.arrays


_scratch = _ScratchPool()


def heaviest_elements(queries: Float32s, thousandths: int) -> Float32s:
    """The queries with the fewest elements whose weights are that share of all weights, by their amounts.

    Args:
        queries: (nq, w) float32 words of sparse vectors.
        thousandths: 1 to 1,000; of a query that has elements at least one is kept.
    """
    if thousandths >= WHOLE_QUERY:
        return queries
    kept = np.zeros_like(queries)
    for source, target in zip(queries.view(np.uint32), kept.view(np.uint32), strict=True):
        count = int(source[1].byteswap())
        dims = source[HEADER_WORDS : HEADER_WORDS + count]
        weights = source[HEADER_WORDS + count : HEADER_WORDS + 2 * count]
        amounts = np.abs(weights.byteswap().view(np.float32).astype(np.float64))
        order = np.argsort(-amounts, kind="stable")
        missing = np.cumsum(amounts[order]) < amounts.sum() * thousandths / WHOLE_QUERY
        chosen = np.sort(order[: int(np.count_nonzero(missing)) + 1])
        target[0], target[1] = source[0], np.uint32(chosen.size).byteswap()
        target[HEADER_WORDS : HEADER_WORDS + chosen.size] = dims[chosen]
        target[HEADER_WORDS + chosen.size : HEADER_WORDS + 2 * chosen.size] = weights[chosen]
    return kept


def run_search(
    compiled: KernelSet, target: PostingSpace, request: PostingRequest, cancel: CancelWord | None
) -> PostingAnswer:
    """One call of the kernel for all queries. Raises nothing: the status says how it ended."""
    query_count, words = request.queries.shape
    width = request.k if request.is_whole else REFINE_K * request.k
    keys = np.empty((query_count, request.k), dtype=np.float64)
    offsets = np.empty((query_count, request.k), dtype=np.int64)
    counts = np.zeros(3, dtype=np.int64)
    if request.k == 0 or query_count == 0:
        return PostingAnswer(0, keys, offsets, 0, 0, 0)
    allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
    status = compiled.search_postings(
        target.space,
        target.bundle(request.is_whole),
        (request.queries, allowed, width, request.budget),
        request.listed,
        _scratch.lend(target.block_rows, (words - HEADER_WORDS) // 2, width),
        (keys, offsets, np.empty(query_count, dtype=np.int64), counts),
        NO_CANCEL if cancel is None else cancel,
    )
    return PostingAnswer(status, keys, offsets, *counts.tolist())
