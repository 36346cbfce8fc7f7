"""Codes of 8 bits: rows of numbers as small integers, and their products with queries of 16 bits.

A row x is mean + scale * c, c a vector of d integers from -127 to 127. A query q has integers of its own, p = factor_q * (q - mean),
as large as the sum of the products allows in 32 bits, so that rounding it costs nothing beside the rounding of the rows:

    l2      |q - x|^2 = |q - mean|^2 + |scale c|^2 - 2 scale / factor_q * (p . c)
    cosine  half of that, all vectors of length one before: 1 - cos(q, x)
    ip      -q . x    = - scale / factor_q * (p . c), the mean being zero

So a key is `norm of the query + norm of the row - factor * product`, whatever the metric. A row's bytes are its norm and the
factor for which it is a query itself (float32 both), then its integers, zeros behind the last up to a multiple of 32. The same row
as a query has the same two numbers, then its integers as int16: products are exact, so a key is the same both ways.

Expectation: a quarter of the bytes of float32, and so of the time of a row that is far from cache.
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

from vecengine.instruction_sets import has_feature
from vecengine.kernels_memory import byte_address, copy_bytes
from vecengine.kernels_reduce import element_32
from vecengine.kernels_types import compile_function
from vecengine.metrics import Metric

CODE_HEADER_BYTES = 8
CODE_LANES = 32
CODE_LARGEST = 127
_QUERY_LARGEST = 32767
_L2, _IP, _COSINE = int(Metric.L2), int(Metric.IP), int(Metric.COSINE)

_INT8, _INT16, _INT32, _INT64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_HAS_AVX512 = has_feature("avx512bw")
_HAS_AVX2 = has_feature("avx2")


def _half(builder: Any, vector: Any, first: int, step: int) -> Any:
    lanes = vector.type.count // 2
    places = [first + step * lane for lane in range(lanes)]
    undefined = ir.Constant(vector.type, ir.Undefined)
    return builder.shuffle_vector(vector, undefined, ir.Constant(ir.VectorType(_INT32, lanes), places))


def multiply_pairs(builder: Any, left: Any, right: Any) -> Any:
    """(2n) int16 lanes of each side to (n) int32 sums of two neighbouring products."""
    lanes = left.type.count
    name, widest = ("llvm.x86.avx512.pmaddw.d.512", 32) if _HAS_AVX512 else ("llvm.x86.avx2.pmadd.wd", 16)
    if (_HAS_AVX512 or _HAS_AVX2) and lanes == widest:
        argument, result = ir.VectorType(_INT16, lanes), ir.VectorType(_INT32, lanes // 2)
        declared = ir.FunctionType(result, [argument, argument])
        return builder.call(cgutils.get_or_insert_function(builder.module, declared, name), [left, right])
    if _HAS_AVX2 and lanes > widest:
        n = lanes // 2
        low = multiply_pairs(builder, _half(builder, left, 0, 1), _half(builder, right, 0, 1))
        high = multiply_pairs(builder, _half(builder, left, n, 1), _half(builder, right, n, 1))
        undefined = ir.Constant(ir.VectorType(_INT32, n), list(range(n)))
        return builder.shuffle_vector(low, high, undefined)
    wide = ir.VectorType(_INT32, lanes)
    products = builder.mul(builder.sext(left, wide), builder.sext(right, wide))
    return builder.add(_half(builder, products, 0, 2), _half(builder, products, 1, 2))


def load_vector(builder: Any, address: Any, index: Any, element: ir.Type, lanes: int) -> Any:
    """Elements from number `index` on of those at an address, which need not be aligned."""
    pointer = builder.inttoptr(address, element.as_pointer())
    typ = ir.VectorType(element, lanes)
    return builder.load(builder.bitcast(builder.gep(pointer, [index]), typ.as_pointer()), align=1)


def add_lanes(builder: Any, total: Any) -> Any:
    """The sum of the lanes of a vector of integers."""
    while total.type.count > 1:
        n = total.type.count // 2
        total = builder.add(_half(builder, total, 0, 1), _half(builder, total, n, 1))
    return builder.extract_element(total, ir.Constant(_INT32, 0))


@intrinsic
def _code_product(typing_context: Any, codes: Any, numbers: Any, count: Any) -> Any:
    """The sum of the products of `count` int8 at one address and int16 at another; a multiple of CODE_LANES."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        codes, numbers, count = arguments
        sums_type = ir.VectorType(_INT32, CODE_LANES // 2)
        sums = cgutils.alloca_once_value(builder, ir.Constant(sums_type, [0] * sums_type.count))
        zero, step = ir.Constant(_INT64, 0), ir.Constant(_INT64, CODE_LANES)
        with cgutils.for_range_slice(builder, zero, count, step, _INT64) as (index, _):
            narrow = load_vector(builder, codes, index, _INT8, CODE_LANES)
            left = builder.sext(narrow, ir.VectorType(_INT16, CODE_LANES))
            right = load_vector(builder, numbers, index, _INT16, CODE_LANES)
            builder.store(builder.add(builder.load(sums), multiply_pairs(builder, left, right)), sums)
        return builder.sext(add_lanes(builder, builder.load(sums)), _INT64)

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def _widen_codes(typing_context: Any, codes: Any, numbers: Any, count: Any) -> Any:
    """Write `count` int8 at one address as int16 to another; a multiple of CODE_LANES."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        codes, numbers, count = arguments
        zero, step = ir.Constant(_INT64, 0), ir.Constant(_INT64, CODE_LANES)
        wide = ir.VectorType(_INT16, CODE_LANES)
        target = builder.inttoptr(numbers, _INT16.as_pointer())
        with cgutils.for_range_slice(builder, zero, count, step, _INT64) as (index, _):
            value = builder.sext(load_vector(builder, codes, index, _INT8, CODE_LANES), wide)
            builder.store(value, builder.bitcast(builder.gep(target, [index]), wide.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def _store_int16(typing_context: Any, address: Any, value: Any) -> Any:
    """Write a rounded float64 as int16 to an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], _INT16.as_pointer())
        builder.store(builder.fptosi(arguments[1], _INT16), pointer, align=1)
        return context.get_dummy_value()

    return types.void(types.int64, types.float64), generate


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
code_product: Any = _code_product
widen_codes: Any = _widen_codes
store_int16: Any = _store_int16


@compile_function
def code_key(rows, start, queries, query_start, count):
    """Key (float64) of a row of codes, its integers `count` with the zeros behind, against a query; both by their first byte."""
    norms = np.float64(element_32(rows, start)) + np.float64(element_32(queries, query_start))
    factor = np.float64(element_32(queries, query_start + 4))
    codes = byte_address(rows, start + CODE_HEADER_BYTES)
    product = code_product(codes, byte_address(queries, query_start + CODE_HEADER_BYTES), count)
    return norms - factor * np.float64(product)


@compile_function
def unpack_codes(rows, start, out, out_start, count):
    """Write a row of codes as a query."""
    source, target = byte_address(rows, start), byte_address(out, out_start)
    copy_bytes(source, target, CODE_HEADER_BYTES)
    widen_codes(source + CODE_HEADER_BYTES, target + CODE_HEADER_BYTES, count)


@compile_function
def encode_query(metric, codes, queries, query, out):
    """Write row `query` of (nq, d) numbers to row 0 of `out` as codes are compared with; whether it can be.

    Numbers whose squares leave float32, and the zero vector under cosine, cannot.
    """
    dimensions = codes.mean.shape[0]
    length = 1.0
    if metric == _COSINE:
        square = 0.0
        for place in range(dimensions):
            square += np.float64(queries[query, place]) ** 2
        length = np.sqrt(square)
        if not length > 0:
            return False
    largest, norm = 0.0, 0.0
    for place in range(dimensions):
        value = np.float64(queries[query, place]) / length - np.float64(codes.mean[place])
        largest = max(largest, abs(value))
        norm += value * value
    if not norm < np.float64(np.finfo(np.float32).max):
        return False
    count = codes.space.row_bytes - CODE_HEADER_BYTES
    limit = min(_QUERY_LARGEST, (2**31 - 1) // (CODE_LARGEST * count))
    fineness = limit / largest if largest > 0 else 1.0
    target = byte_address(out, CODE_HEADER_BYTES)
    for place in range(dimensions):
        value = np.float64(queries[query, place]) / length - np.float64(codes.mean[place])
        store_int16(target + 2 * place, np.rint(value * fineness))
    for place in range(dimensions, count):
        store_int16(target + 2 * place, 0.0)
    factor = codes.scale / fineness
    if metric == _L2:
        out[0, 0], out[0, 1] = norm, 2 * factor
    elif metric == _COSINE:
        out[0, 0], out[0, 1] = norm / 2, factor
    else:
        out[0, 0], out[0, 1] = 0.0, factor
    return True
