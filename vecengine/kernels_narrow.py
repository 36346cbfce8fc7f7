"""Keys, norms and elements of rows of bfloat16 and int8, in functions that LLVM must not inline.

Inlined beside those of float32 and float16, as many reductions again would stand in every hot loop that never calls them.
A call costs a few ns a row. The additions are those of `vecengine.kernels_reduce`, in the same order.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_reduce import (
    absolutes_8,
    absolutes_bfloat,
    cosine_key,
    dot_8,
    dot_bfloat,
    norm_8,
    norm_bfloat,
    squares_8,
    squares_bfloat,
)
from vecengine.kernels_types import ELEMENT_INT8, compile_outlined
from vecengine.metrics import Metric

_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)
_SIZES = (types.int64, types.int64, types.int64, types.int64, types.int64)


@compile_outlined(types.float64, (*_SIZES, types.float32, types.float32))
def narrow_key(metric, element, row, query, dimensions, norm, other_norm):
    """Key of the rows at two addresses, the query of float32; the norms are read under cosine only."""
    is_int8 = element == ELEMENT_INT8
    if metric == _L2:
        if is_int8:
            return np.float64(squares_8(row, 0, query, 0, dimensions))
        return np.float64(squares_bfloat(row, 0, query, 0, dimensions))
    if metric in (_IP, _COSINE):
        if is_int8:
            product = dot_8(row, 0, query, 0, dimensions)
        else:
            product = dot_bfloat(row, 0, query, 0, dimensions)
        return np.float64(-product) if metric == _IP else cosine_key(product, norm, other_norm)
    if is_int8:
        return np.float64(absolutes_8(row, 0, query, 0, dimensions))
    return np.float64(absolutes_bfloat(row, 0, query, 0, dimensions))


@compile_outlined(types.float32, (types.int64, types.int64, types.int64))
def narrow_norm(element, row, dimensions):
    """Squared norm of the row at an address, float32."""
    if element == ELEMENT_INT8:
        return norm_8(row, 0, dimensions)
    return norm_bfloat(row, 0, dimensions)
