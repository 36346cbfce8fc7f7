"""What kernels do with raw memory: prefetch, copy, read a word another thread may write, read numbers and big-endian words.

Positions are bytes from the start of an array's data, whatever its type and shape; addresses are int64.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_INT8 = ir.IntType(8)
_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_FLOAT = ir.FloatType()
_WORD_ALIGNMENT = 4


def data_pointer(context: Any, builder: Any, typ: Any, value: Any, position: Any) -> Any:
    """Pointer to byte `position` of an array's data, or of what begins at an address."""
    if isinstance(typ, types.Integer):
        data = builder.inttoptr(value, _INT8.as_pointer())
    else:
        data = builder.bitcast(context.make_array(typ)(context, builder, value).data, _INT8.as_pointer())
    return builder.gep(data, [position])


def call_intrinsic(builder: Any, name: str, *arguments: Any) -> Any:
    """Call a type-overloaded LLVM intrinsic whose arguments and result have one type."""
    typ = arguments[0].type
    scalar = typ.element if isinstance(typ, ir.VectorType) else typ
    suffix = f"i{scalar.width}" if isinstance(scalar, ir.IntType) else "f32"
    if isinstance(typ, ir.VectorType):
        suffix = f"v{typ.count}{suffix}"
    declared = ir.FunctionType(typ, [typ] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, declared, f"llvm.{name}.{suffix}")
    return builder.call(function, arguments)


@intrinsic
def _prefetch(typing_context: Any, array: Any, position: Any) -> Any:
    """Ask for the cache line at a byte of an array; never faults."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = data_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        declared = ir.FunctionType(ir.VoidType(), [address.type, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, declared, "llvm.prefetch.p0")
        read, keep_in_l1, data = (ir.Constant(_INT32, value) for value in (0, 3, 1))
        builder.call(function, [address, read, keep_in_l1, data])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@intrinsic
def _byte_address(typing_context: Any, array: Any, position: Any) -> Any:
    """The address of a byte of an array. Functions that are not inlined take it in place of an array's many fields."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = data_pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        return builder.ptrtoint(pointer, _INT64)

    return types.int64(array, types.int64), generate


@intrinsic
def _copy_bytes(typing_context: Any, source: Any, target: Any, size: Any) -> Any:
    """Copy `size` bytes from one address to another; they do not overlap."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = (builder.inttoptr(address, _INT8.as_pointer()) for address in arguments[:2])
        source, target = pointers
        cgutils.raw_memcpy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def _read_big_endian(typing_context: Any, address: Any) -> Any:
    """The big-endian uint32 at an address, aligned to four, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(_swapped_word(builder, arguments[0]), _INT64)

    return types.int64(types.int64), generate


@intrinsic
def _read_big_endian_float(typing_context: Any, address: Any) -> Any:
    """The big-endian float32 at an address, aligned to four."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(_swapped_word(builder, arguments[0]), _FLOAT)

    return types.float32(types.int64), generate


def _swapped_word(builder: Any, address: Any) -> Any:
    word = builder.load(builder.inttoptr(address, _INT32.as_pointer()), align=_WORD_ALIGNMENT)
    return builder.bswap(word)


@intrinsic
def _read_int64(typing_context: Any, address: Any) -> Any:
    """The int64 at an address, aligned to eight."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _INT64.as_pointer()), align=8)

    return types.int64(types.int64), generate


@intrinsic
def _write_float64(typing_context: Any, address: Any, value: Any) -> Any:
    """Write a float64 to an address, aligned to eight."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, value = arguments
        builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(types.int64, types.float64), generate


@intrinsic
def _read_word(typing_context: Any, word: Any) -> Any:
    """Element 0 of an int32 array by an atomic load: another thread may write it, so it must not be hoisted."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load_atomic(pointer, "monotonic", _WORD_ALIGNMENT)

    return types.int32(word), generate


@intrinsic
def _read_byte(typing_context: Any, address: Any) -> Any:
    """The byte at an address, as int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.zext(builder.load(builder.inttoptr(arguments[0], _INT8.as_pointer())), _INT64)

    return types.int64(types.int64), generate


@intrinsic
def _read_float(typing_context: Any, address: Any) -> Any:
    """The float32 at an address, which need not be aligned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _FLOAT.as_pointer()), align=1)

    return types.float32(types.int64), generate


@intrinsic
def _float_bits(typing_context: Any, number: Any) -> Any:
    """The bits of a float32 as int32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _INT32)

    return types.int32(types.float32), generate


@intrinsic
def _fused_multiply_add(typing_context: Any, left: Any, right: Any, total: Any) -> Any:
    """left * right + total in float32, rounded once where the machine can."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return call_intrinsic(builder, "fmuladd", *arguments)

    return types.float32(types.float32, types.float32, types.float32), generate


# numba gives intrinsics the type of their generator; kernels call them with the arguments of its signature.
prefetch: Any = _prefetch
byte_address: Any = _byte_address
copy_bytes: Any = _copy_bytes
read_big_endian: Any = _read_big_endian
read_big_endian_float: Any = _read_big_endian_float
float_bits: Any = _float_bits
read_byte: Any = _read_byte
read_float: Any = _read_float
read_word: Any = _read_word
read_int64: Any = _read_int64
write_float64: Any = _write_float64
fused_multiply_add: Any = _fused_multiply_add
