"""Distances of sparse vectors: one merge of two ascending index lists per pair of rows.

Sums are float32 in the order of the merge, as pgvector/pgvector:src/sparsevec.c adds, and products are fused with the
addition where the machine can, as in pgvector built for its machine: then only the norms of the cosine distance, which
its compiler reorders, may differ in the last digits.

Vectors are read where they are stored, big-endian. Expectation: about 2 ns an element where branches are predictable, up to 10 ns for random indexes.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from foundation.sparse import HEADER_WORDS
from vecengine.kernels_reduce import big_endian_float, big_endian_integer, fused_multiply_add, read_word
from vecengine.kernels_types import (
    BLOCK_ROWS,
    CANCEL,
    FLOAT64_OUT,
    SPARSE_SIDE,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)


@compile_function
def _with_gap(metric, total, a, b):
    """The sum with what one index adds under l2 or l1."""
    difference = np.float32(a - b)
    if metric == _L2:
        return fused_multiply_add(difference, difference, total)
    return np.float32(total + np.float32(abs(difference)))


@compile_function
def _merged_sum(metric, left, i, i_end, right, j, j_end):
    """Sum over the indexes of either row under l2 and l1, of both rows under ip and cosine; float32.

    `i` and `j` are words with indexes; values lie as many words behind them as the row has elements.
    """
    zero = np.float32(0)
    total = np.float32(0)
    is_product = metric in (_IP, _COSINE)
    i_value, j_value = i_end, j_end
    while i < i_end and j < j_end:
        left_index = big_endian_integer(left[i])
        right_index = big_endian_integer(right[j])
        if left_index < right_index:
            if not is_product:
                total = _with_gap(metric, total, big_endian_float(left[i_value]), zero)
            i += 1
            i_value += 1
        elif right_index < left_index:
            if not is_product:
                total = _with_gap(metric, total, zero, big_endian_float(right[j_value]))
            j += 1
            j_value += 1
        else:
            a, b = big_endian_float(left[i_value]), big_endian_float(right[j_value])
            total = fused_multiply_add(a, b, total) if is_product else _with_gap(metric, total, a, b)
            i += 1
            i_value += 1
            j += 1
            j_value += 1
    if is_product:
        return total
    while i < i_end:
        total = _with_gap(metric, total, big_endian_float(left[i_value]), zero)
        i += 1
        i_value += 1
    while j < j_end:
        total = _with_gap(metric, total, zero, big_endian_float(right[j_value]))
        j += 1
        j_value += 1
    return total


@compile_function
def _square_sum(words, start, end):
    """Sum of the squares of the float32 numbers in part of `words`, float32."""
    total = np.float32(0)
    for position in range(start, end):
        value = big_endian_float(words[position])
        total = fused_multiply_add(value, value, total)
    return total


def sparse_distances(metric, left, right, out, cancel):
    """Operator values of row i of `left` against row i of `right` into out (n,); a side of one row stands for all."""
    for row in range(out.shape[0]):
        if row % BLOCK_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        a = left.heads[min(row, left.heads.shape[0] - 1)]
        b = right.heads[min(row, right.heads.shape[0] - 1)]
        a_count = big_endian_integer(left.words[a + 1])
        b_count = big_endian_integer(right.words[b + 1])
        a_start, b_start = a + HEADER_WORDS, b + HEADER_WORDS
        a_end, b_end = a_start + a_count, b_start + b_count
        total = np.float64(_merged_sum(metric, left.words, a_start, a_end, right.words, b_start, b_end))
        if metric == _L2:
            total = np.sqrt(total)
        elif metric == _IP:
            total = -total
        elif metric == _COSINE:
            left_norm = np.float64(_square_sum(left.words, a_end, a_end + a_count))
            right_norm = np.float64(_square_sum(right.words, b_end, b_end + b_count))
            similarity = total / np.sqrt(left_norm * right_norm)
            total = 1.0 - min(max(similarity, -1.0), 1.0) if similarity == similarity else similarity
        out[row] = total
    return STATUS_DONE


KERNELS = {
    "sparse_distances": (
        sparse_distances,
        types.int64(types.int64, SPARSE_SIDE, SPARSE_SIDE, FLOAT64_OUT, CANCEL),
    ),
}
