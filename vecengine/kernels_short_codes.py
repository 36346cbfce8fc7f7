"""Codes of 6 and of 4 bits: residuals of rows as small integers with a step of their own for each dimension.

A residual is r = step * c, the product taken dimension by dimension, c integers from -31 to 31 or from -7 to 7. With v = q - mean, the rest as
in `vecengine.kernels_product`:

    l2      |q - x|^2 = |q - centre|^2 + |r|^2 + 2 (centre - mean) . r - 2 v . r
    cosine  half of that, all vectors of length one before
    ip      -q . x    = -q . centre - v . r, the mean being zero

    key = bias of the query + term of the row - factor of the query * (p . c)

p are the integers of 16 bits that v * step is rounded to, as fine as a sum of 32 bits allows, so products are exact and one on every
machine. A row's bytes are its term (float32), then for each 32 dimensions 16 bytes: in byte i the low four bits of dimension i and, above them, those
of dimension i + 16; at 6 bits 8 bytes more, in bits 2 j of byte i the two high bits of dimension i + 8 j. Integers are stored with half of their range
added. A query's words are bias and factor, then its integers, zeros behind the last up to a multiple of 32.

Expectation: unpacking 32 dimensions takes five vector operations, or twelve, beside the three of their product; half and three quarters of the bytes of 8 bits.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.kernels_codes import CODE_LANES, add_lanes, load_vector, multiply_pairs
from vecengine.kernels_memory import read_float
from vecengine.kernels_types import ELEMENT_CODE_4, compile_outlined

SHORT_HEADER_BYTES = 4
SHORT_QUERY_HEADER_BYTES = 8
_LOW_BYTES = CODE_LANES // 2
_HIGH_BYTES = CODE_LANES // 4
_INT8, _INT16, _INT32, _INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def _joined(builder: Any, left: Any, right: Any) -> Any:
    places = list(range(2 * left.type.count))
    return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_INT32, len(places)), places))


def _same(like: Any, value: int) -> Any:
    return ir.Constant(like.type, [value] * like.type.count)


def _fields(builder: Any, packed: Any, bits: int) -> Any:
    """The fields of so many bits of (n) bytes, the lowest of all bytes first: (8 n / bits) bytes."""
    parts = []
    for shift in range(0, 8, bits):
        part = builder.lshr(packed, _same(packed, shift))
        parts.append(builder.and_(part, _same(packed, (1 << bits) - 1)))
    while len(parts) > 1:
        parts = [_joined(builder, parts[n], parts[n + 1]) for n in range(0, len(parts), 2)]
    return parts[0]


def _product_of(bits: int) -> Any:
    """Intrinsic `(address of codes, address of int16, groups of CODE_LANES) -> sum of the products`."""
    group_bytes = CODE_LANES * bits // 8

    @intrinsic
    def product(typing_context: Any, codes: Any, numbers: Any, groups: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            codes, numbers, groups = arguments
            sums_type = ir.VectorType(_INT32, CODE_LANES // 2)
            sums = cgutils.alloca_once_value(builder, ir.Constant(sums_type, [0] * sums_type.count))
            with cgutils.for_range(builder, groups, intp=_INT64) as loop:
                first = builder.mul(loop.index, ir.Constant(_INT64, group_bytes))
                integers = _fields(builder, load_vector(builder, codes, first, _INT8, _LOW_BYTES), 4)
                if bits == 6:
                    behind = builder.add(first, ir.Constant(_INT64, _LOW_BYTES))
                    high = _fields(builder, load_vector(builder, codes, behind, _INT8, _HIGH_BYTES), 2)
                    integers = builder.or_(integers, builder.shl(high, _same(high, 4)))
                integers = builder.sub(integers, _same(integers, 1 << (bits - 1)))
                left = builder.sext(integers, ir.VectorType(_INT16, CODE_LANES))
                place = builder.mul(loop.index, ir.Constant(_INT64, CODE_LANES))
                right = load_vector(builder, numbers, place, _INT16, CODE_LANES)
                builder.store(builder.add(builder.load(sums), multiply_pairs(builder, left, right)), sums)
            return builder.sext(add_lanes(builder, builder.load(sums)), _INT64)

        return types.int64(types.int64, types.int64, types.int64), generate

    return product


product_4: Any = _product_of(4)
product_6: Any = _product_of(6)


@compile_outlined(types.float64, (types.int64, types.int64, types.int64, types.int64))
def short_code_key(element, row, query, dimensions):
    """Key of a row of codes against a query, both by their address."""
    groups = (dimensions + CODE_LANES - 1) // CODE_LANES
    codes, numbers = row + SHORT_HEADER_BYTES, query + SHORT_QUERY_HEADER_BYTES
    if element == ELEMENT_CODE_4:
        product = product_4(codes, numbers, groups)
    else:
        product = product_6(codes, numbers, groups)
    fixed = np.float64(read_float(query)) + np.float64(read_float(row))
    return fixed - np.float64(read_float(query + 4)) * np.float64(product)
