"""SIMD reductions over one row, written in LLVM's vector types, and the distance of a row built on them.

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

from vecengine.kernels_types import ELEMENT_FLOAT32, compile_function
from vecengine.metrics import Metric

_LANES = 16
_ACCUMULATORS = 4
_INT16 = ir.IntType(16)
_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_FLOAT = ir.FloatType()
_CACHE_LINE_BYTES = 64

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


def _call_intrinsic(builder: Any, name: str, *arguments: Any) -> Any:
    """Call a type-overloaded LLVM intrinsic whose arguments and result have one type."""
    typ = arguments[0].type
    suffix = f"v{typ.count}f32" if isinstance(typ, ir.VectorType) else "f32"
    declared = ir.FunctionType(typ, [typ] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, declared, f"llvm.{name}.{suffix}")
    return builder.call(function, arguments)


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


def _row_pointer(context: Any, builder: Any, array_type: Any, array: Any, start: Any) -> Any:
    """Pointer to byte `start` of an array's data."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(builder.bitcast(data, ir.IntType(8).as_pointer()), [start])


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
            row = _row_pointer(context, builder, rows_type, arguments[0], arguments[1])
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
            row = _row_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            row = builder.bitcast(row, element.as_pointer())
            return _emit_reduction(builder, step, row, None, half, arguments[2])

        return types.float32(rows, types.int64, types.int64), generate

    return reduce_row


def _multiply_add(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return _call_intrinsic(builder, "fmuladd", row, query, total)


def _add_squared_difference(builder: Any, total: Any, row: Any, query: Any) -> Any:
    difference = builder.fsub(row, query)
    return _call_intrinsic(builder, "fmuladd", difference, difference, total)


def _add_absolute_difference(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return builder.fadd(total, _call_intrinsic(builder, "fabs", builder.fsub(row, query)))


def _add_square(builder: Any, total: Any, row: Any, query: Any) -> Any:
    return _call_intrinsic(builder, "fmuladd", row, row, total)


def _element_reader(half: bool) -> Any:
    """Intrinsic `(rows, start byte) -> float32`: one element of a row."""

    @intrinsic
    def read_element(typing_context: Any, rows: Any, start: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            element: ir.Type = ir.HalfType() if half else _FLOAT
            address = _row_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
            address = builder.bitcast(address, element.as_pointer())
            return _load(builder, address, ir.Constant(_INT64, 0), 1, half)

        return types.float32(rows, types.int64), generate

    return read_element


_element_32, _element_16 = _element_reader(False), _element_reader(True)
_dot_32, _dot_16 = _reduction(_multiply_add, False), _reduction(_multiply_add, True)
_squares_32, _squares_16 = (
    _reduction(_add_squared_difference, False),
    _reduction(_add_squared_difference, True),
)
_absolutes_32, _absolutes_16 = (
    _reduction(_add_absolute_difference, False),
    _reduction(_add_absolute_difference, True),
)
_norm_32, _norm_16 = _self_reduction(_add_square, False), _self_reduction(_add_square, True)


@intrinsic
def _prefetch(typing_context: Any, rows: Any, start: Any) -> Any:
    """Ask for the cache line at byte `start` of an array; never faults."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _row_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        declared = ir.FunctionType(ir.VoidType(), [address.type, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, declared, "llvm.prefetch.p0")
        read, keep_in_l1, data = (ir.Constant(_INT32, value) for value in (0, 3, 1))
        builder.call(function, [address, read, keep_in_l1, data])
        return context.get_dummy_value()

    return types.void(rows, types.int64), generate


@intrinsic
def _fused_multiply_add(typing_context: Any, left: Any, right: Any, total: Any) -> Any:
    """left * right + total in float32, rounded once where the machine can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call_intrinsic(builder, "fmuladd", *arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


@intrinsic
def _big_endian_integer(typing_context: Any, word: Any) -> Any:
    """A uint32 word that holds big-endian bytes, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.bswap(arguments[0]), _INT64)

    return types.int64(types.uint32), generate


@intrinsic
def _big_endian_float(typing_context: Any, word: Any) -> Any:
    """A uint32 word that holds the big-endian bytes of a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.bswap(arguments[0]), _FLOAT)

    return types.float32(types.uint32), generate


@intrinsic
def _read_word(typing_context: Any, word: Any) -> Any:
    """Element 0 of an int32 array by an atomic load: another thread may write it, so it must not be hoisted."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(pointer, "monotonic", 4)

    return types.int32(word), generate


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
prefetch: Any = _prefetch
read_word: Any = _read_word
fused_multiply_add: Any = _fused_multiply_add
big_endian_integer: Any = _big_endian_integer
big_endian_float: Any = _big_endian_float


@compile_function
def square_norm(element: int, rows: np.ndarray, start: int, dimensions: int) -> float:
    """Sum of squares of the row at byte `start`, float32."""
    if element == ELEMENT_FLOAT32:
        return _norm_32(rows, start, dimensions)  # type: ignore[no-any-return]
    return _norm_16(rows, start, dimensions)  # type: ignore[no-any-return]


@compile_function
def decode_row(space, start, out, out_start):  # type: ignore[no-untyped-def]
    """Write the row at byte `start` as float32 numbers, to compare other rows with it."""
    if space.element == ELEMENT_FLOAT32:
        for position in range(space.dimensions):
            out[out_start + position] = _element_32(space.rows, start + 4 * position)
    else:
        for position in range(space.dimensions):
            out[out_start + position] = _element_16(space.rows, start + 2 * position)


_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)


@compile_function
def row_key(space, start, queries, query_start, row_norm, query_norm):  # type: ignore[no-untyped-def]
    """Key (float64) of the row at byte `start` against one query; the norms are read under cosine only."""
    narrow = space.element == ELEMENT_FLOAT32
    dimensions = space.dimensions
    if space.metric == _L2:
        if narrow:
            return np.float64(_squares_32(space.rows, start, queries, query_start, dimensions))
        return np.float64(_squares_16(space.rows, start, queries, query_start, dimensions))
    if space.metric == _IP or space.metric == _COSINE:
        if narrow:
            product = _dot_32(space.rows, start, queries, query_start, dimensions)
        else:
            product = _dot_16(space.rows, start, queries, query_start, dimensions)
        if space.metric == _IP:
            return np.float64(-product)
        similarity = np.float64(product) / np.sqrt(np.float64(row_norm) * np.float64(query_norm))
        return 1.0 - min(max(similarity, -1.0), 1.0) if similarity == similarity else similarity
    if narrow:
        return np.float64(_absolutes_32(space.rows, start, queries, query_start, dimensions))
    return np.float64(_absolutes_16(space.rows, start, queries, query_start, dimensions))
