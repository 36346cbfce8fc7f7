"""Exact distances and exact top-k: compiled where the kernels are ready, by NumPy formula until then.

The formula path is also the oracle of the tests, so it shares no code with the kernels but the metric table.
Both return the same rows in the same order, up to the last bits of float32 sums taken in another order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, mask_from_bits
from vecengine.arrays import (
    NO_BITS,
    NO_CANCEL,
    CancelWord,
    Queries,
    as_bytes,
    cancel_error,
    check_allowed,
    check_cancel,
    check_queries,
    check_vectors,
    different_dimensions,
    queries_from,
    query_words,
)
from vecengine.compiled import KernelSet, kernels
from vecengine.element_types import ELEMENT_CODES
from vecengine.errors import DimensionMismatch, DistanceBudgetSpent
from vecengine.formulas import formula_keys, formula_pair_keys
from vecengine.metrics import (
    Float32s,
    Float64s,
    Metric,
    Vectors,
    check_metric,
    distances_from_keys,
    tanimoto_distances,
)
from vecengine.stored_vectors import StoredVectors

STATUS_DONE = 0
STATUS_CANCELLED = 1
STATUS_BUDGET_SPENT = 2

BLOCK_ROWS = 64
"""Equal to kernels_types.BLOCK_ROWS, which cannot be imported without numba."""

_FORMULA_BLOCK_BYTES = 4 << 20
NO_STARTS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

KernelSpace = tuple[int, int, int, int, int, npt.NDArray[np.uint8], npt.NDArray[np.int64]]
Keys = npt.NDArray[np.float64]
Offsets = npt.NDArray[np.int64]


def kernel_space(metric: Metric, vectors: Vectors) -> KernelSpace:
    """Checked vectors as the kernels' `Space` (a plain tuple: numba unboxes by position); under the metric of its keys."""
    metric = Metric.JACCARD if metric is Metric.TANIMOTO else metric
    count, dimensions = vectors.shape
    if isinstance(vectors, StoredVectors):
        return (
            int(metric),
            vectors.element,
            dimensions,
            count,
            vectors.row_bytes,
            vectors.data,
            vectors.starts,
        )
    size = dimensions * vectors.dtype.itemsize
    element = ELEMENT_CODES[vectors.dtype]
    return int(metric), element, dimensions, count, size, as_bytes(vectors), NO_STARTS


def raise_for_status(status: int, cancel: CancelWord) -> None:
    """Turn a kernel's status into the error it stands for."""
    if status == STATUS_CANCELLED:
        raise cancel_error(cancel)
    if status == STATUS_BUDGET_SPENT:
        raise DistanceBudgetSpent("distance budget of the search is spent")


def distances(metric: str, vectors: Vectors, query: Queries, *, cancel: CancelWord | None = None) -> Float64s:
    """The SQL operator's value of every row: (n, d) vectors and a (d,) query, or one of stored vectors, to (n,) float64.

    NaN where pgvector says NaN: cosine of a zero vector.

    Raises:
        DimensionMismatch: 22000.
        QueryCanceled: 57014, when `cancel` is set meanwhile.
    """
    kind, vectors = check_metric(metric, vectors), check_vectors(vectors)
    asked = query if isinstance(query, StoredVectors) else np.asarray(query).reshape(1, -1)
    queries = check_queries(asked, vectors)
    compiled = kernels()
    if compiled is None:
        return distances_by_formula(kind, vectors, queries[0], cancel)
    out = np.empty(vectors.shape[0], dtype=np.float64)
    word = NO_CANCEL if cancel is None else cancel
    raise_for_status(compiled.scan_distances(kernel_space(kind, vectors), queries, out, word), word)
    return tanimoto_distances(out) if kind is Metric.TANIMOTO else out


def distances_at(
    metric: Metric, vectors: Vectors, queries: Float32s, offsets: Offsets, cancel: CancelWord | None = None
) -> Float64s:
    """(nq, m) operator values of the rows at checked offsets (m,), of checked vectors against (nq, w) queries as kernels take them."""
    out = np.empty((queries.shape[0], offsets.size), dtype=np.float64)
    compiled = kernels()
    if compiled is None:
        rows = vectors[offsets]
        for number, query in enumerate(queries):
            out[number] = distances_by_formula(metric, rows, query, cancel)
        return out
    word = NO_CANCEL if cancel is None else cancel
    space = kernel_space(metric, vectors)
    raise_for_status(compiled.offset_distances(space, queries, offsets, out, word), word)
    return tanimoto_distances(out) if metric is Metric.TANIMOTO else out


def rowwise_distances(
    metric: str, left: Vectors, right: Vectors, *, cancel: CancelWord | None = None
) -> Float64s:
    """The SQL operator's value of each pair of rows: two sides of (n, d) vectors of one kind to (n,) float64.

    Raises:
        DimensionMismatch: 22000.
        ValueError: different numbers of rows.
    """
    kind = check_metric(metric, left)
    left, right = check_vectors(left), check_vectors(right)
    if left.shape[1] != right.shape[1]:
        raise DimensionMismatch(different_dimensions(left, right.shape[1]))
    if left.shape[0] != right.shape[0]:
        raise ValueError(f"{left.shape[0]} rows on the left, {right.shape[0]} on the right")
    queries = check_queries(right if isinstance(right, StoredVectors) else queries_from(right), left)
    compiled = kernels()
    if compiled is None:
        return distances_from_keys(kind, formula_pair_keys(kind, left, queries))
    out = np.empty(left.shape[0], dtype=np.float64)
    word = NO_CANCEL if cancel is None else cancel
    raise_for_status(compiled.pair_distances(kernel_space(kind, left), queries, out, word), word)
    return tanimoto_distances(out) if kind is Metric.TANIMOTO else out


def exact_search(
    vectors: Vectors,
    queries: Queries,
    k: int,
    *,
    metric: str,
    allowed_bits: Bitset | None = None,
    cancel: CancelWord | None = None,
    distance_budget: int = 0,
) -> tuple[Float32s, Offsets]:
    """The k nearest allowed rows of every query, exactly; equal distances by ascending row offset.

    Args:
        vectors: (n, d) float32, float16, bfloat16 or int8, bit strings or sparse vectors.
        queries: (nq, d) float32, or vectors of the same kind.
        k: width of the answer, >= 0.
        metric: l2, ip, cosine or l1; hamming, jaccard, tanimoto, superstructure or substructure of bit strings.
        allowed_bits: bitset over the n rows, None for all.
        cancel: (1,) int32 word polled every 64 rows.
        distance_budget: distances after which to give up, 0 for no limit.

    Returns:
        (nq, k) float32 operator values ascending, +inf padded, and (nq, k) int64 row offsets, -1 padded. A row
        whose distance is NaN is never returned; one whose distance is infinite is, behind all others.

    Raises:
        DimensionMismatch: 22000.
        QueryCanceled: 57014.
        DistanceBudgetSpent: 53400.
    """
    kind, vectors = check_metric(metric, vectors), check_vectors(vectors)
    words = check_queries(queries, vectors)
    allowed_bits = check_allowed(allowed_bits, vectors.shape[0])
    keys, offsets, _ = exact_keys(
        kind, vectors, words, min(k, vectors.shape[0]), allowed_bits, cancel=cancel, budget=distance_budget
    )
    return pad_answer(kind, keys, offsets, k)


def exact_keys(
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    k: int,
    allowed_bits: Bitset | None,
    *,
    cancel: CancelWord | None = None,
    budget: int = 0,
) -> tuple[Keys, Offsets, int]:
    """`exact_search` on checked arrays and (nq, w) queries as kernels take them: (nq, k) keys, (nq, k) offsets and the number of distances computed."""
    compiled = kernels()
    if compiled is None:
        return _top_k_by_formula(metric, vectors, queries, k=k, allowed_bits=allowed_bits, cancel=cancel)
    return _top_k_compiled(
        compiled, metric, vectors, queries, k=k, allowed_bits=allowed_bits, cancel=cancel, budget=budget
    )


def pad_answer(metric: Metric, keys: Keys, offsets: Offsets, k: int) -> tuple[Float32s, Offsets]:
    """(nq, found) keys to the (nq, k) float32 distances and offsets that searches return."""
    narrow = _narrow_distances(metric, keys)
    missing = k - keys.shape[1]
    if missing <= 0:
        return narrow, offsets
    widths = ((0, 0), (0, missing))
    return np.pad(narrow, widths, constant_values=np.inf), np.pad(offsets, widths, constant_values=-1)


# A `with` takes four times as long to enter.
@np.errstate(over="ignore")
def _narrow_distances(metric: Metric, keys: Keys) -> Float32s:
    return distances_from_keys(metric, keys).astype(np.float32)


def _top_k_compiled(
    compiled: KernelSet,
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    *,
    k: int,
    allowed_bits: Bitset | None,
    cancel: CancelWord | None,
    budget: int,
) -> tuple[Keys, Offsets, int]:
    query_count = queries.shape[0]
    keys = np.empty((query_count, k), dtype=np.float64)
    offsets = np.empty((query_count, k), dtype=np.int64)
    counts = np.zeros(2, dtype=np.int64)
    if k == 0 or query_count == 0:
        return keys, offsets, 0
    request = (queries, NO_BITS if allowed_bits is None else allowed_bits, k, budget)
    output = (keys, offsets, np.empty(query_count, dtype=np.int64), counts)
    word = NO_CANCEL if cancel is None else cancel
    block = scan_block(query_count)
    raise_for_status(compiled.scan_top_k(kernel_space(metric, vectors), request, block, output, word), word)
    return keys, offsets, int(counts[0])


def scan_block(query_count: int) -> tuple[npt.NDArray[np.generic], ...]:
    """Working memory of a scan: see `vecengine.kernels_types.Block`."""
    return (
        np.empty(BLOCK_ROWS, dtype=np.int64),
        np.empty(BLOCK_ROWS, dtype=np.float32),
        np.empty(BLOCK_ROWS, dtype=np.float64),
        np.empty(query_count, dtype=np.float32),
    )


def _blocks(vectors: Vectors) -> range:
    """Starts of blocks of rows whose float32 copy fits the CPU's caches."""
    rows = max(1, _FORMULA_BLOCK_BYTES // max(1, 4 * query_words(vectors)))
    return range(0, vectors.shape[0], rows)


def distances_by_formula(
    metric: Metric, vectors: Vectors, query: Float32s, cancel: CancelWord | None
) -> Float64s:
    keys = np.empty(vectors.shape[0], dtype=np.float64)
    blocks = _blocks(vectors)
    for begin in blocks:
        check_cancel(cancel)
        block = vectors[begin : begin + blocks.step]
        keys[begin : begin + blocks.step] = formula_keys(metric, block, query)
    return distances_from_keys(metric, keys)


def _top_k_by_formula(
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    *,
    k: int,
    allowed_bits: Bitset | None,
    cancel: CancelWord | None,
) -> tuple[Keys, Offsets, int]:
    """Oracle and fallback: all keys of a query by formula, then a stable sort."""
    keys = np.full((queries.shape[0], k), np.inf)
    offsets = np.full((queries.shape[0], k), -1, dtype=np.int64)
    allowed = None if allowed_bits is None else mask_from_bits(allowed_bits, vectors.shape[0])
    rows = np.arange(vectors.shape[0]) if allowed is None else np.flatnonzero(allowed)
    if k == 0 or rows.size == 0:
        return keys, offsets, 0
    subset = vectors if allowed is None else vectors[rows]
    for number, query in enumerate(queries):
        row_keys = np.empty(rows.size)
        blocks = _blocks(subset)
        for begin in blocks:
            check_cancel(cancel)
            block = subset[begin : begin + blocks.step]
            row_keys[begin : begin + blocks.step] = formula_keys(metric, block, query)
        # NaN sorts behind everything, and a stable sort keeps equal keys in row order.
        order = np.argsort(row_keys, kind="stable")[:k]
        order = order[~np.isnan(row_keys[order])]
        keys[number, : order.size] = row_keys[order]
        offsets[number, : order.size] = rows[order]
    return keys, offsets, rows.size * queries.shape[0]
