"""Codes of one bit a dimension: the signs of a randomly rotated row.

Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for Approximate Nearest Neighbor Search"
(SIGMOD 2024). A row is x = centre + mean + r. Of the rotated r only the signs s are kept, and its inner product with a query v, rotated
too, is estimated without bias by f (s . v), f = |r|^2 / (s . r): the error is that of the directions that signs do not tell, which a
random rotation makes the same for every row. With v = q - mean - centre and w = centre, both rotated (equations 6 and 19):

    l2      |q - x|^2 = |q - mean - centre|^2 + |r|^2 - 2 r . v
    cosine  half of that, all vectors of length one before
    ip      -q . x    = -q . centre - r . w - r . v, the mean being zero

    key = bias of the query + term of the row + factor of the row * (query's a * product + query's b)

The product is that of bits with integers of 8 bits that a rotated query is rounded to, one plane for each of their bits: 8 words at
a time are counted (section 3.3.2 there). A row's bytes are its term and factor (float32) and d' bits, d' being d up to a multiple of 64. A
query's words are bias, a, b and a zero, then for each 64 dimensions 8 planes of 64 bits.

Expectation: two instructions and a read for 64 dimensions; 56 bytes for a row of 384.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.kernels_memory import call_intrinsic, read_float
from vecengine.kernels_types import QUERIES, STATUS_DONE, compile_outlined

RABITQ_HEADER_BYTES = 8
RABITQ_QUERY_HEADER = 4
_WORD_BYTES = 4
_WORD_SHIFT = 6
_LAST_PLACE = 63
_PLANES = 8
_HEADER_PLANES = 2
"""Words of a query before its planes, as planes."""

_LARGEST = 127
_LARGEST_SQUARE = np.float64(np.finfo(np.float32).max)
_WEIGHTS = [1, 2, 4, 8, 16, 32, 64, -128]
_HALF_ROOT = np.float32(np.sqrt(0.5))
_INT32, _INT64 = ir.IntType(32), ir.IntType(64)


@intrinsic
def _plane_product(typing_context: Any, bits: Any, planes: Any, count: Any) -> Any:
    """Sum of the integers whose bits are set: `count` words of 64 bits at one address, their planes at another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes_type = ir.VectorType(_INT64, _PLANES)
        sums = cgutils.alloca_once_value(builder, ir.Constant(lanes_type, [0] * _PLANES))
        words = builder.inttoptr(arguments[0], _INT64.as_pointer())
        planes = builder.inttoptr(arguments[1], _INT64.as_pointer())
        everywhere = ir.Constant(ir.VectorType(_INT32, _PLANES), [0] * _PLANES)
        undefined = ir.Constant(lanes_type, ir.Undefined)
        with cgutils.for_range(builder, arguments[2], intp=_INT64) as loop:
            word = builder.load(builder.gep(words, [loop.index]), align=1)
            first = builder.insert_element(undefined, word, ir.Constant(_INT32, 0))
            spread = builder.shuffle_vector(first, undefined, everywhere)
            place = builder.mul(loop.index, ir.Constant(_INT64, _PLANES))
            plane = builder.bitcast(builder.gep(planes, [place]), lanes_type.as_pointer())
            counted = call_intrinsic(builder, "ctpop", builder.and_(spread, builder.load(plane, align=1)))
            builder.store(builder.add(builder.load(sums), counted), sums)
        weighted = builder.mul(builder.load(sums), ir.Constant(lanes_type, _WEIGHTS))
        total = ir.Constant(_INT64, 0)
        for lane in range(_PLANES):
            total = builder.add(total, builder.extract_element(weighted, ir.Constant(_INT32, lane)))
        return total

    return types.int64(types.int64, types.int64, types.int64), generate


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
plane_product: Any = _plane_product


@compile_outlined(types.float64, (types.int64, types.int64, types.int64))
def rabitq_key(row, query, dimensions):
    """Key of a row of bits against a query, both by their address; of so many dimensions, a multiple of 64."""
    planes = query + RABITQ_QUERY_HEADER * _WORD_BYTES
    product = plane_product(row + RABITQ_HEADER_BYTES, planes, dimensions >> _WORD_SHIFT)
    slope, shift = (
        np.float64(read_float(query + _WORD_BYTES)),
        np.float64(read_float(query + 2 * _WORD_BYTES)),
    )
    fixed = np.float64(read_float(query)) + np.float64(read_float(row))
    return fixed + np.float64(read_float(row + _WORD_BYTES)) * (slope * np.float64(product) + shift)


def rotate_rows(rows, signs):
    """Rotate (n, d') rows in place: in each round of (r, d') signs flip, transform and mix.

    The Hadamard transform takes the first, and in every second round the last, dimensions that are a power of two; where that
    is not all, the halves are mixed by a turn of 45 degrees (a step of Kac's walk).
    """
    width = rows.shape[1]
    size = 1
    while 2 * size <= width:
        size *= 2
    scale = np.float32(1.0 / np.sqrt(np.float64(size)))
    half = width >> 1
    for row in range(rows.shape[0]):
        numbers = rows[row]
        for turn in range(signs.shape[0]):
            for place in range(width):
                numbers[place] *= signs[turn, place]
            begin = 0 if turn % 2 == 0 else width - size
            step = 1
            while step < size:
                for block in range(begin, begin + size, 2 * step):
                    for place in range(block, block + step):
                        left, right = numbers[place], numbers[place + step]
                        numbers[place] = left + right
                        numbers[place + step] = left - right
                step *= 2
            for place in range(begin, begin + size):
                numbers[place] *= scale
            if size < width:
                for place in range(half):
                    left, right = numbers[place], numbers[place + half]
                    numbers[place] = (left + right) * _HALF_ROOT
                    numbers[place + half] = (left - right) * _HALF_ROOT
    return STATUS_DONE


def sign_tables(turned, squares, bias, slope, out, planes):
    """What (nq, d') rotated queries are to codes of signs, into (nq, w) `out`.

    Args:
        squares: (nq,) float64; where they are no float32, keys are NaN.
        bias: what keys have of the squares.
        slope: what keys have of the product of a query and a row whose bits are 0 and 1.
        planes: (nq, w / 2) int64, the same memory.
    """
    for query in range(turned.shape[0]):
        is_usable = squares[query] < _LARGEST_SQUARE
        largest = np.float32(0)
        for place in range(turned.shape[1]):
            largest = max(largest, abs(turned[query, place]))
        step = np.float64(largest) / _LARGEST if is_usable else np.nan
        divisor = step if step > 0 else 1.0
        for word in range(planes.shape[1]):
            planes[query, word] = 0
        total = np.int64(0)
        for place in range(turned.shape[1] if is_usable else 0):
            integer = np.int64(np.rint(np.float64(turned[query, place]) / divisor))
            total += integer
            first = _HEADER_PLANES + (place >> _WORD_SHIFT) * _PLANES
            for plane in range(_PLANES):
                planes[query, first + plane] |= ((integer >> plane) & 1) << (place & _LAST_PLACE)
        out[query, 0] = bias * squares[query] if is_usable else np.nan
        out[query, 1] = slope * step
        out[query, 2] = slope * step * np.float64(total) / -2.0
    return STATUS_DONE


KERNELS = {
    "sign_tables": (
        sign_tables,
        types.int64(
            QUERIES,
            types.Array(types.float64, 1, "C", readonly=True, aligned=True),
            types.float64,
            types.float64,
            types.float32[:, ::1],
            types.int64[:, ::1],
        ),
    ),
    "rotate_rows": (
        rotate_rows,
        types.int64(types.float32[:, ::1], types.Array(types.float32, 2, "C", readonly=True, aligned=True)),
    ),
}
