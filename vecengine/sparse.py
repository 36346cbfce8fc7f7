"""Exact distances of sparse vectors: compiled where the kernels are ready, by NumPy formula until then.

The formula adds in the same order, but rounds products before it adds them, which the kernels do not: the last digits may
differ.
"""

from __future__ import annotations

import numpy as np

from foundation.sparse import Float32s, Int32s, SparseWords
from vecengine.arrays import NO_CANCEL, CancelWord, check_cancel
from vecengine.compiled import kernels
from vecengine.errors import DimensionMismatch
from vecengine.exact import raise_for_status
from vecengine.metrics import Float64s, Metric, parse_metric


def sparse_distances(
    metric: str, left: SparseWords, right: SparseWords, *, cancel: CancelWord | None = None
) -> Float64s:
    """The SQL operator's value of each pair of rows, (n,) float64; a side of one row stands for all.

    NaN where pgvector says NaN: cosine of a zero vector. Sums that leave float32 are infinite.

    Raises:
        DimensionMismatch: 22000, in pgvector's words, for the first pair.
        QueryCanceled: 57014, when `cancel` is set meanwhile.
    """
    kind = parse_metric(metric)
    count = max(len(left), len(right)) if len(left) and len(right) else 0
    left_sizes, right_sizes = (np.broadcast_to(side.dimensions(), count) for side in (left, right))
    differs = left_sizes != right_sizes
    if differs.any():
        first = int(np.argmax(differs))
        a, b = int(left_sizes[first]), int(right_sizes[first])
        raise DimensionMismatch(f"different sparsevec dimensions {a} and {b}")
    out = np.empty(count)
    word = NO_CANCEL if cancel is None else cancel
    compiled = kernels()
    if compiled is not None:
        raise_for_status(compiled.sparse_distances(int(kind), _bundle(left), _bundle(right), out, word), word)
        return out
    for number in range(count):
        check_cancel(cancel)
        a_row, b_row = left.row(min(number, len(left) - 1)), right.row(min(number, len(right) - 1))
        out[number] = distance_by_formula(kind, a_row, b_row)
    return out


def _bundle(rows: SparseWords) -> tuple[object, ...]:
    """The kernels' `SparseSide`, a plain tuple: numba unboxes by position."""
    return rows.words, rows.heads


def distance_by_formula(
    metric: Metric, left: tuple[Int32s, Float32s], right: tuple[Int32s, Float32s]
) -> float:
    """One distance from (indexes, values) of either side; sums run in the order of the indexes, in float32."""
    with np.errstate(all="ignore"):
        if metric in (Metric.L2, Metric.L1):
            indexes = np.union1d(left[0], right[0])
            gaps = _spread(left, indexes) - _spread(right, indexes)
            total = _sum(gaps * gaps if metric is Metric.L2 else np.abs(gaps))
            return float(np.sqrt(total)) if metric is Metric.L2 else total
        _, a, b = np.intersect1d(left[0], right[0], assume_unique=True, return_indices=True)
        product = _sum(left[1][a] * right[1][b])
        if metric is Metric.IP:
            return -product
        norms = np.float64(_sum(left[1] * left[1])) * np.float64(_sum(right[1] * right[1]))
        similarity = np.float64(product) / np.sqrt(norms)
        return float(1.0 - np.clip(similarity, -1.0, 1.0))


def _spread(side: tuple[Int32s, Float32s], indexes: Int32s) -> Float32s:
    spread = np.zeros(len(indexes), np.float32)
    spread[np.searchsorted(indexes, side[0])] = side[1]
    return spread


def _sum(numbers: Float32s) -> float:
    """Sum from left to right in float32; numpy's own sum adds pairwise."""
    return float(np.add.accumulate(numbers, dtype=np.float32)[-1]) if len(numbers) else 0.0
