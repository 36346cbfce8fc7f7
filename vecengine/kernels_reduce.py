"""SIMD reductions over one row of numbers, written in LLVM's vector types.

numba vectorises a float32 reduction only under fastmath, in an order that changes with the code around it, and has
no float16. Emitting <16 x float> operations ourselves fixes the order of the additions (a distance has one value
on every path), reads float16 directly, and lets LLVM lower the same text to AVX-512, AVX2, SSE2 or NEON.

Order of the additions: four accumulators of 16 lanes over blocks of 64 elements, blocks of 16 into the first,
a pairwise tree over the lanes, then the tail one by one. Products are fused where the machine can.

Expectation: a row of 384 float32 in cache takes about 25 ns on AVX-512; from memory, the time of its bytes.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from vecengine.kernels_memory import call_intrinsic, data_pointer
from vecengine.kernels_types import compile_function

_LANES = 16
_ACCUMULATORS = 4
_INT16 = ir.IntType(16)
_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_FLOAT = ir.FloatType()

HAS_FLOAT16_CONVERSION = bool(
    llvm.get_host_cpu_features().get("f16c")
) or llvm.get_process_triple().startswith(("aarch64", "arm64"))

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


def _load(builder: Any, pointer: Any, index: Any, lanes: int, half: bool) -> Any:
    element: ir.Type = ir.HalfType() if half else _FLOAT
    typ = ir.VectorType(element, lanes) if lanes > 1 else element
    address = builder.bitcast(builder.gep(pointer, [index]), typ.as_pointer())
    # An alignment of one element: mapped columns and rows of odd dimensions have no more.
    value = builder.load(address, align=2 if half else 4)
    return _widen_half(builder, value) if half else value


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


def _emit_reduction(builder: Any, step: Step, row: Any, query: Any, half: bool, count: Any) -> Any:
    """IR that folds `step` over `count` elements of a row and, unless None, a query; the float32 sum."""
    lanes_type = ir.VectorType(_FLOAT, _LANES)
    zero = ir.Constant(_INT64, 0)
    sums = [
        cgutils.alloca_once_value(builder, ir.Constant(lanes_type, [0.0] * _LANES))
        for _ in range(_ACCUMULATORS)
    ]
    total = cgutils.alloca_once_value(builder, ir.Constant(_FLOAT, 0.0))

    def fold(slot: Any, index: Any, lanes: int) -> None:
        row_lanes = _load(builder, row, index, lanes, half)
        query_lanes = None if query is None else _load(builder, query, index, lanes, False)
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


def _reduction(step: Step, half: bool) -> Any:
    """Intrinsic `(rows, start byte, queries, start element, dimensions) -> float32`; arrays of any shape."""
    element: ir.Type = ir.HalfType() if half else _FLOAT

    @intrinsic
    def reduce_row(
        typing_context: Any, rows: Any, start: Any, queries: Any, query_start: Any, count: Any
    ) -> Any:
        signature = types.float32(rows, types.int64, queries, types.int64, types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows_type, _, queries_type, _, _ = signature.args
            row = data_pointer(context, builder, rows_type, arguments[0], arguments[1])
            row = builder.bitcast(row, element.as_pointer())
            query = context.make_array(queries_type)(context, builder, arguments[2]).data
            query = builder.gep(builder.bitcast(query, _FLOAT.as_pointer()), [arguments[3]])
            return _emit_reduction(builder, step, row, query, half, arguments[4])

        return signature, generate

    return reduce_row


def _self_reduction(step: Step, half: bool) -> Any:
    """Intrinsic `(rows, start byte, dimensions) -> float32` of a step that reads the row alone."""
    element: ir.Type = ir.HalfType() if half else _FLOAT

    @intrinsic
    def reduce_row(typing_context: Any, rows: Any, start: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            row = data_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            row = builder.bitcast(row, element.as_pointer())
            return _emit_reduction(builder, step, row, None, half, arguments[2])

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


def _element_reader(half: bool) -> Any:
    """Intrinsic `(rows, start byte) -> float32`: one element of a row."""

    @intrinsic
    def read_element(typing_context: Any, rows: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element: ir.Type = ir.HalfType() if half else _FLOAT
            address = data_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            address = builder.bitcast(address, element.as_pointer())
            return _load(builder, address, ir.Constant(_INT64, 0), 1, half)

        return types.float32(rows, types.int64), generate

    return read_element


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
element_32: Any = _element_reader(half=False)
element_16: Any = _element_reader(half=True)
dot_32: Any = _reduction(_multiply_add, half=False)
dot_16: Any = _reduction(_multiply_add, half=True)
squares_32: Any = _reduction(_add_squared_difference, half=False)
squares_16: Any = _reduction(_add_squared_difference, half=True)
absolutes_32: Any = _reduction(_add_absolute_difference, half=False)
absolutes_16: Any = _reduction(_add_absolute_difference, half=True)
norm_32: Any = _self_reduction(_add_square, half=False)
norm_16: Any = _self_reduction(_add_square, half=True)


@compile_function
def cosine_key(product, norm, other_norm):  # type: ignore[no-untyped-def]
    """1 minus the similarity within its bounds, NaN where a norm is zero; float64."""
    similarity = np.float64(product) / np.sqrt(np.float64(norm) * np.float64(other_norm))
    return 1.0 - min(max(similarity, -1.0), 1.0) if similarity == similarity else similarity
