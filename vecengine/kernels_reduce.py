"""SIMD reductions over one row of numbers, written in LLVM's vector types.

numba vectorises a float32 reduction only under fastmath, in an order that changes with the code around it, and has
no float16. Emitting <16 x float> operations ourselves fixes the order of the additions (a distance has one value
on every path), reads float16, bfloat16 and int8 directly, and lets LLVM lower the same text to AVX-512, AVX2, SSE2 or NEON.
Elements are widened without rounding, so a row has the distances of the same row in float32 to the last bit.

Order of the additions: four accumulators of 16 lanes over blocks of 64 elements, blocks of 16 into the first,
a pairwise tree over the lanes, then the tail one by one. Products are fused where the machine can.

Expectation: a row of 384 float32 in cache takes about 25 ns on AVX-512; from memory, the time of its bytes.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.instruction_sets import converts_float16
from vecengine.kernels_memory import call_intrinsic, data_pointer
from vecengine.kernels_types import compile_function

_LANES = 16
_ACCUMULATORS = 4
_INT8 = ir.IntType(8)
_INT16 = ir.IntType(16)
_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_FLOAT = ir.FloatType()

HAS_FLOAT16_CONVERSION = converts_float16()

Step = Callable[[Any, Any, Any, Any], Any]
"""(builder, accumulator, row lanes, query lanes) -> new accumulator."""


def _like(shape: ir.Type, scalar: ir.Type) -> ir.Type:
    return ir.VectorType(scalar, shape.count) if isinstance(shape, ir.VectorType) else scalar


def _constant(like: ir.Type, scalar: ir.Type, value: float) -> ir.Constant:
    typ = _like(like, scalar)
    return ir.Constant(typ, [value] * typ.count if isinstance(typ, ir.VectorType) else value)


def _widen_half(builder: Any, half: Any) -> Any:
    """float16 lanes to float32; without the instruction, by shifting the bits and scaling by 2**112."""
    if HAS_FLOAT16_CONVERSION:
        return builder.fpext(half, _like(half.type, _FLOAT))
    shape = half.type
    bits = builder.zext(builder.bitcast(half, _like(shape, _INT16)), _like(shape, _INT32))
    sign = builder.shl(builder.and_(bits, _constant(shape, _INT32, 0x8000)), _constant(shape, _INT32, 16))
    magnitude = builder.shl(
        builder.and_(bits, _constant(shape, _INT32, 0x7FFF)), _constant(shape, _INT32, 13)
    )
    scaled = builder.fmul(
        builder.bitcast(magnitude, _like(shape, _FLOAT)), _constant(shape, _FLOAT, float(2.0**112))
    )
    # Infinity and NaN have the largest exponent in both formats; scaling cannot produce it.
    special = builder.icmp_unsigned(">=", magnitude, _constant(shape, _INT32, 0x7C00 << 13))
    widened = builder.select(
        special,
        builder.or_(magnitude, _constant(shape, _INT32, 0x7F800000)),
        builder.bitcast(scaled, _like(shape, _INT32)),
    )
    return builder.bitcast(builder.or_(widened, sign), _like(shape, _FLOAT))


def _widen_bfloat(builder: Any, bits: Any) -> Any:
    """bfloat16 lanes to float32, whose upper half they are."""
    shape = bits.type
    wide = builder.zext(bits, _like(shape, _INT32))
    return builder.bitcast(builder.shl(wide, _constant(shape, _INT32, 16)), _like(shape, _FLOAT))


@dataclass(frozen=True)
class Element:
    """An element type: how it lies in memory, and how (builder, lanes of it) become float32."""

    stored: ir.Type
    size_bytes: int
    widen: Callable[[Any, Any], Any]


FLOAT32 = Element(_FLOAT, 4, lambda builder, lanes: lanes)
FLOAT16 = Element(ir.HalfType(), 2, _widen_half)
BFLOAT16 = Element(_INT16, 2, _widen_bfloat)
INT8 = Element(_INT8, 1, lambda builder, lanes: builder.sitofp(lanes, _like(lanes.type, _FLOAT)))


def _load(builder: Any, pointer: Any, index: Any, lanes: int, element: Element) -> Any:
    typ = ir.VectorType(element.stored, lanes) if lanes > 1 else element.stored
    address = builder.bitcast(builder.gep(pointer, [index]), typ.as_pointer())
    # An alignment of one element: mapped columns and rows of odd dimensions have no more.
    return element.widen(builder, builder.load(address, align=element.size_bytes))


def _sum_lanes(builder: Any, vector: Any) -> Any:
    lanes = vector.type.count
    while lanes > 1:
        lanes //= 2
        undefined = ir.Constant(vector.type, ir.Undefined)
        low = ir.Constant(ir.VectorType(_INT32, lanes), list(range(lanes)))
        high = ir.Constant(ir.VectorType(_INT32, lanes), list(range(lanes, 2 * lanes)))
        vector = builder.fadd(
            builder.shuffle_vector(vector, undefined, low), builder.shuffle_vector(vector, undefined, high)
        )
    return builder.extract_element(vector, ir.Constant(_INT32, 0))


def _emit_reduction(builder: Any, step: Step, row: Any, query: Any, element: Element, count: Any) -> Any:
    """IR that folds `step` over `count` elements of a row and, unless None, a query; the float32 sum."""
    lanes_type = ir.VectorType(_FLOAT, _LANES)
    zero = ir.Constant(_INT64, 0)
    sums = [
        cgutils.alloca_once_value(builder, ir.Constant(lanes_type, [0.0] * _LANES))
        for _ in range(_ACCUMULATORS)
    ]
    total = cgutils.alloca_once_value(builder, ir.Constant(_FLOAT, 0.0))

    def fold(slot: Any, index: Any, lanes: int) -> None:
        row_lanes = _load(builder, row, index, lanes, element)
        query_lanes = None if query is None else _load(builder, query, index, lanes, FLOAT32)
        builder.store(step(builder, builder.load(slot), row_lanes, query_lanes), slot)

    block = _LANES * _ACCUMULATORS
    blocks_end = builder.and_(count, ir.Constant(_INT64, -block))
    lanes_end = builder.and_(count, ir.Constant(_INT64, -_LANES))
    with cgutils.for_range_slice(builder, zero, blocks_end, ir.Constant(_INT64, block), _INT64) as (index, _):
        for number, slot in enumerate(sums):
            fold(slot, builder.add(index, ir.Constant(_INT64, number * _LANES)), _LANES)
    with cgutils.for_range_slice(builder, blocks_end, lanes_end, ir.Constant(_INT64, _LANES), _INT64) as (
        index,
        _,
    ):
        fold(sums[0], index, _LANES)
    first, second, third, fourth = (builder.load(slot) for slot in sums)
    lanes_sum = builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth))
    builder.store(_sum_lanes(builder, lanes_sum), total)
    with cgutils.for_range_slice(builder, lanes_end, count, ir.Constant(_INT64, 1), _INT64) as (index, _):
        fold(total, index, 1)
    return builder.load(total)


def _element_pointer(
    context: Any, builder: Any, element: Element, typ: Any, value: Any, position: Any
) -> Any:
    """Pointer to the elements from byte `position` of an array or address."""
    pointer = data_pointer(context, builder, typ, value, position)
    return builder.bitcast(pointer, element.stored.as_pointer())


def _reduction(step: Step, element: Element) -> Any:
    """Intrinsic `(rows, start byte, queries, start element, dimensions) -> float32`; arrays of any shape, or addresses."""

    @intrinsic
    def reduce_row(
        typing_context: Any, rows: Any, start: Any, queries: Any, query_start: Any, count: Any
    ) -> Any:
        signature = types.float32(rows, types.int64, queries, types.int64, types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows_type, _, queries_type, _, _ = signature.args
            row = _element_pointer(context, builder, element, rows_type, arguments[0], arguments[1])
            first = ir.Constant(_INT64, 0)
            query = _element_pointer(context, builder, FLOAT32, queries_type, arguments[2], first)
            query = builder.gep(query, [arguments[3]])
            return _emit_reduction(builder, step, row, query, element, arguments[4])

        return signature, generate

    return reduce_row


def _self_reduction(step: Step, element: Element) -> Any:
    """Intrinsic `(rows, start byte, dimensions) -> float32` of a step that reads the row alone."""

    @intrinsic
    def reduce_row(typing_context: Any, rows: Any, start: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            row = _element_pointer(context, builder, element, signature.args[0], arguments[0], arguments[1])
            return _emit_reduction(builder, step, row, None, element, arguments[2])

        return types.float32(rows, types.int64, types.int64), generate

    return reduce_row


def _multiply_add(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return call_intrinsic(builder, "fmuladd", row, query, total)


def _add_squared_difference(builder: Any, total: Any, row: Any, query: Any) -> Any:
    difference = builder.fsub(row, query)
    return call_intrinsic(builder, "fmuladd", difference, difference, total)


def _add_absolute_difference(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return builder.fadd(total, call_intrinsic(builder, "fabs", builder.fsub(row, query)))


def _add_square(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return call_intrinsic(builder, "fmuladd", row, row, total)


def _element_reader(element: Element) -> Any:
    """Intrinsic `(rows, start byte) -> float32`: one element of a row."""

    @intrinsic
    def read_element(typing_context: Any, rows: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = _element_pointer(
                context, builder, element, signature.args[0], arguments[0], arguments[1]
            )
            return _load(builder, pointer, ir.Constant(_INT64, 0), 1, element)

        return types.float32(rows, types.int64), generate

    return read_element


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
element_32: Any = _element_reader(FLOAT32)
element_16: Any = _element_reader(FLOAT16)
element_bfloat: Any = _element_reader(BFLOAT16)
element_8: Any = _element_reader(INT8)
dot_32: Any = _reduction(_multiply_add, FLOAT32)
dot_16: Any = _reduction(_multiply_add, FLOAT16)
dot_bfloat: Any = _reduction(_multiply_add, BFLOAT16)
dot_8: Any = _reduction(_multiply_add, INT8)
squares_32: Any = _reduction(_add_squared_difference, FLOAT32)
squares_16: Any = _reduction(_add_squared_difference, FLOAT16)
squares_bfloat: Any = _reduction(_add_squared_difference, BFLOAT16)
squares_8: Any = _reduction(_add_squared_difference, INT8)
absolutes_32: Any = _reduction(_add_absolute_difference, FLOAT32)
absolutes_16: Any = _reduction(_add_absolute_difference, FLOAT16)
absolutes_bfloat: Any = _reduction(_add_absolute_difference, BFLOAT16)
absolutes_8: Any = _reduction(_add_absolute_difference, INT8)
norm_32: Any = _self_reduction(_add_square, FLOAT32)
norm_16: Any = _self_reduction(_add_square, FLOAT16)
norm_bfloat: Any = _self_reduction(_add_square, BFLOAT16)
norm_8: Any = _self_reduction(_add_square, INT8)


@compile_function
def cosine_key(product, norm, other_norm):  # type: ignore[no-untyped-def]
    """1 minus the similarity within its bounds, NaN where a norm is zero; float64."""
    similarity = np.float64(product) / np.sqrt(np.float64(norm) * np.float64(other_norm))
    return 1.0 - min(max(similarity, -1.0), 1.0) if similarity == similarity else similarity
