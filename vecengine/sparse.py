"""Exact distances of sparse vectors: compiled where the kernels are ready, by NumPy formula until then.

The formula adds in the same order, but rounds products before it adds them, which the kernels do not: the last digits may
differ.
"""

from __future__ import annotations

import numpy as np

from foundation.sparse import SparseWords
from vecengine.arrays import NO_CANCEL, CancelWord, check_cancel
from vecengine.compiled import kernels
from vecengine.errors import DimensionMismatch
from vecengine.exact import raise_for_status
from vecengine.formulas import sparse_key
from vecengine.metrics import Float64s, distances_from_keys, parse_metric


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
        out[number] = sparse_key(kind, a_row, b_row)
    return distances_from_keys(kind, out)


def _bundle(rows: SparseWords) -> tuple[object, ...]:
    """The kernels' `SparseSide`, a plain tuple: numba unboxes by position."""
    return rows.words, rows.heads
