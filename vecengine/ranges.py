"""The rows within a range of distances: the answer of every range search, and the exact scan that gives it.

A row is in range when inner <= distance < radius, as the SQL operator's value has it, in float64; that is Knowhere's rule for
distances (src/common/range_util.h, `distance_in_range`). No NaN is in any range.

The scan reads the vectors once for all queries. Kernels allocate nothing, so it writes matches to a buffer of some
thousand, which is emptied whenever it is full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from foundation.bitset import Bitset, mask_from_bits
from vecengine.arrays import (
    NO_BITS,
    NO_CANCEL,
    CancelWord,
    Queries,
    check_allowed,
    check_queries,
    check_vectors,
)
from vecengine.compiled import KernelSet, kernels
from vecengine.exact import (
    BLOCK_ROWS,
    Offsets,
    distances_by_formula,
    kernel_space,
    raise_for_status,
    scan_block,
)
from vecengine.metrics import Float32s, Float64s, Metric, Vectors, check_metric, tanimoto_distances

_BUFFERED_MATCHES = 1 << 15
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class RangeAnswer:
    """What a range search found: of query q the entries from limits[q] to limits[q + 1], ascending by (distance, offset).

    Attributes:
        limits: (nq + 1,) int64, the first is 0.
        distances: (limits[-1],) float32 operator values. They were compared with the range in float64: rounded, one may equal the radius.
        offsets: (limits[-1],) int64 row offsets.
    """

    limits: Offsets
    distances: Float32s
    offsets: Offsets

    def of(self, query: int) -> tuple[Float32s, Offsets]:
        """Distances and row offsets of one query."""
        part = slice(int(self.limits[query]), int(self.limits[query + 1]))
        return self.distances[part], self.offsets[part]


@dataclass(frozen=True, slots=True)
class Range:
    """inner <= distance < radius."""

    inner: float
    radius: float

    @classmethod
    def between(cls, inner: float | None, radius: float) -> Range:
        return cls(-math.inf if inner is None else float(inner), float(radius))

    def holds(self, distances: Float64s) -> np.ndarray:
        """(n,) bool, which of (n,) operator values are in range."""
        return (distances >= self.inner) & (distances < self.radius)


def exact_range_search(
    vectors: Vectors,
    queries: Queries,
    radius: float,
    *,
    metric: str,
    inner: float | None = None,
    allowed_bits: Bitset | None = None,
    cancel: CancelWord | None = None,
) -> RangeAnswer:
    """All allowed rows with inner <= distance < radius of every query, exactly.

    Args:
        vectors: (n, d) float32 or float16, bit strings or sparse vectors.
        queries: (nq, d) float32, or vectors of the same kind.
        radius: in the operator's values; +inf for all rows whose distance is finite.
        metric: l2, ip, cosine or l1; hamming or jaccard of bit strings.
        inner: None for no lower bound.
        allowed_bits: bitset over the n rows, None for all.
        cancel: (1,) int32 word polled every 64 rows.

    Raises:
        DimensionMismatch: 22000.
        QueryCanceled: 57014.
    """
    kind, vectors = check_metric(metric, vectors), check_vectors(vectors)
    words = check_queries(queries, vectors)
    allowed_bits = check_allowed(allowed_bits, vectors.shape[0])
    answer, _ = exact_range(kind, vectors, words, Range.between(inner, radius), allowed_bits, cancel=cancel)
    return answer


def exact_range(
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    wanted: Range,
    allowed_bits: Bitset | None,
    *,
    cancel: CancelWord | None = None,
) -> tuple[RangeAnswer, int]:
    """`exact_range_search` on checked arrays and queries as kernels take them; and the number of distances computed."""
    compiled = kernels()
    if compiled is None:
        return _by_formula(metric, vectors, queries, wanted, allowed_bits, cancel=cancel)
    return _compiled(compiled, metric, vectors, queries, wanted, allowed_bits=allowed_bits, cancel=cancel)


def range_answer(numbers: Offsets, distances: Float64s, offsets: Offsets, query_count: int) -> RangeAnswer:
    """The answer from its entries in any order: (m,) query, operator value and row offset of each."""
    order = np.lexsort((offsets, distances, numbers))
    limits = np.zeros(query_count + 1, dtype=np.int64)
    np.cumsum(np.bincount(numbers, minlength=query_count), out=limits[1:])
    with np.errstate(over="ignore"):
        narrow = distances[order].astype(np.float32)
    return RangeAnswer(limits, narrow, offsets[order])


def _compiled(
    compiled: KernelSet,
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    wanted: Range,
    *,
    allowed_bits: Bitset | None,
    cancel: CancelWord | None,
) -> tuple[RangeAnswer, int]:
    query_count = queries.shape[0]
    size = max(_BUFFERED_MATCHES, BLOCK_ROWS * query_count)
    state = np.zeros(3, dtype=np.int64)
    buffers = (
        np.empty(size, dtype=np.int64),
        np.empty(size, dtype=np.float64),
        np.empty(size, dtype=np.int64),
    )
    request = (queries, NO_BITS if allowed_bits is None else allowed_bits, 0, 0)
    bounds = _kernel_bounds(metric, wanted)
    word = NO_CANCEL if cancel is None else cancel
    space, block = kernel_space(metric, vectors), scan_block(query_count)
    parts = [tuple(buffer[:0].copy() for buffer in buffers)]
    while state[0] < vectors.shape[0]:
        raise_for_status(compiled.scan_range(space, request, bounds, block, (*buffers, state), word), word)
        parts.append(tuple(buffer[: state[1]].copy() for buffer in buffers))
    numbers, distances, offsets = (np.concatenate(column) for column in zip(*parts, strict=True))
    if metric is Metric.TANIMOTO:
        distances = tanimoto_distances(distances)
        is_held = wanted.holds(distances)
        numbers, distances, offsets = numbers[is_held], distances[is_held], offsets[is_held]
    return range_answer(numbers, distances, offsets, query_count), int(state[2])


def _kernel_bounds(metric: Metric, wanted: Range) -> Float64s:
    """(2,) the range as the kernel compares with it: of tanimoto a little more than it, of jaccard distances."""
    bounds = np.array([wanted.inner, wanted.radius], dtype=np.float64)
    if metric is not Metric.TANIMOTO:
        return bounds
    jaccard: Float64s = 1.0 - np.exp2(-np.maximum(bounds, 0.0)) + np.array([-_ROUNDING, _ROUNDING])
    return jaccard


def _by_formula(
    metric: Metric,
    vectors: Vectors,
    queries: Float32s,
    wanted: Range,
    allowed_bits: Bitset | None,
    *,
    cancel: CancelWord | None,
) -> tuple[RangeAnswer, int]:
    """Oracle and fallback: all distances of a query by formula, then those in range."""
    row_count = vectors.shape[0]
    rows = np.arange(row_count)
    if allowed_bits is not None:
        rows = np.flatnonzero(mask_from_bits(allowed_bits, row_count))
        vectors = vectors[rows]
    numbers, distances, offsets = [], [], []
    for number, query in enumerate(queries):
        values = distances_by_formula(metric, vectors, query, cancel)
        found = wanted.holds(values)
        distances.append(values[found])
        offsets.append(rows[found].astype(np.int64, copy=False))
        numbers.append(np.full(offsets[-1].size, number, dtype=np.int64))
    none = np.zeros(0, dtype=np.int64)
    answer = range_answer(
        np.concatenate([none, *numbers]),
        np.concatenate([np.zeros(0), *distances]),
        np.concatenate([none, *offsets]),
        queries.shape[0],
    )
    return answer, rows.size * queries.shape[0]
