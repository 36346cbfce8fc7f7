"""Bit strings and single bytes: bit, varbit and bytea operators and functions, pgvector's bit distances.

A bit string is its wire form, as columns store it: int32 length, then the bits, first bit highest.
https://www.postgresql.org/docs/16/functions-bitstring.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import vecengine
from foundation.errors import (
    ArraySubscriptError,
    CharacterNotInRepertoire,
    DataException,
    FeatureNotSupported,
    InvalidParameterValue,
)
from foundation.sqltypes import INT4, SqlType, arrow_type
from foundation.vector_elements import vector_numbers
from planner.errors import StringDataLengthMismatch, SubstringError
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_arithmetic import integer_out_of_range
from planner.functions.rowwise import row_kernel
from planner.functions.vector_columns import matrix_of

_LENGTH_BYTES = 4
_UTF8_NAMES = frozenset(("utf8", "utf-8", "unicode"))


def digits_of(value: bytes) -> str:
    """The 0s and 1s of a bit string."""
    count = int.from_bytes(value[:_LENGTH_BYTES], "big")
    body = value[_LENGTH_BYTES:]
    return format(int.from_bytes(body, "big"), f"0{8 * len(body)}b")[:count] if count else ""


def bits_of(digits: str) -> bytes:
    """The bit string of a text of 0s and 1s."""
    size = -(-len(digits) // 8)
    body = int(digits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")
    return len(digits).to_bytes(_LENGTH_BYTES, "big") + body


def bits_from_integers(column: pa.Array, length: int) -> pa.Array:
    """int4 or int8 -> bit(length): the low bits of the two's complement, sign-extended."""
    mask = (1 << length) - 1
    values = [None if v is None else bits_of(f"{v & mask:0{length}b}") for v in column.to_pylist()]
    return pa.array(values, pa.binary())


def integers_from_bits(column: pa.Array, target: SqlType) -> pa.Array:
    """bit -> int4 or int8. Raises NumericValueOutOfRange (22003) for more bits than the type has."""
    width = 32 if target.oid == INT4.oid else 64
    values: list[int | None] = []
    for value in column.to_pylist():
        digits = None if value is None else digits_of(value)
        if digits is not None and len(digits) > width:
            raise integer_out_of_range(target.oid)
        number = None if digits is None else int(digits or "0", 2)
        values.append(number - (1 << width) if number is not None and number >> (width - 1) else number)
    return pa.array(values, arrow_type(target))


def _combined(word: str, operation: Callable[[int, int], int]) -> Callable[[bytes, bytes], bytes]:
    def function(left: bytes, right: bytes) -> bytes:
        a, b = digits_of(left), digits_of(right)
        if len(a) != len(b):
            raise StringDataLengthMismatch(f"cannot {word} bit strings of different sizes")
        return bits_of(f"{operation(int(a, 2), int(b, 2)):0{len(a)}b}") if a else left

    return function


def _inverted(value: bytes) -> bytes:
    return bits_of(digits_of(value).translate({48: 49, 49: 48}))


def _shifted(value: bytes, count: int) -> bytes:
    """Left by `count`, right when it is negative; the length stays."""
    digits = digits_of(value)
    step = min(abs(count), len(digits))
    kept = digits[step:] + "0" * step if count >= 0 else "0" * step + digits[: len(digits) - step]
    return bits_of(kept)


def _part(text: Any, start: int, length: int | None) -> Any:
    """substring() of a sequence, counted from 1; positions before it count too."""
    if length is not None and length < 0:
        raise SubstringError("negative substring length not allowed")
    end = len(text) if length is None else start - 1 + length
    return text[max(start - 1, 0) : max(end, 0)]


def _replaced(text: Any, new: Any, start: int, length: int) -> Any:
    if start <= 0:
        raise SubstringError("negative substring length not allowed")
    return text[: start - 1] + new + text[max(start - 1 + length, 0) :]


def _checked_index(index: int, size: int) -> int:
    if not 0 <= index < size:
        raise ArraySubscriptError(f"index {index} out of valid range, 0..{size - 1}")
    return index


def _bit_index(index: int, size: int) -> int:
    if not 0 <= index < size:
        raise ArraySubscriptError(f"bit index {index} out of valid range (0..{size - 1})")
    return index


def _check_bit(new: int) -> None:
    if new not in (0, 1):
        raise InvalidParameterValue("new bit must be 0 or 1")


def _set_bit(value: bytes, index: int, new: int) -> bytes:
    digits = digits_of(value)
    at = _bit_index(index, len(digits))
    _check_bit(new)
    return bits_of(f"{digits[:at]}{new}{digits[at + 1 :]}")


def _bytes_with(data: bytes, index: int, new: int) -> bytes:
    at = _checked_index(index, len(data))
    return data[:at] + bytes([new & 255]) + data[at + 1 :]


def _byte_bit(data: bytes, index: int) -> int:
    at = _checked_index(index, 8 * len(data))
    return data[at // 8] >> (at % 8) & 1


def _bytes_with_bit(data: bytes, index: int, new: int) -> bytes:
    at = _checked_index(index, 8 * len(data))
    _check_bit(new)
    old = data[at // 8]
    changed = old | 1 << at % 8 if new else old & ~(1 << at % 8)
    return data[: at // 8] + bytes([changed]) + data[at // 8 + 1 :]


def _check_utf8(encoding: str) -> None:
    if encoding.lower() not in _UTF8_NAMES:
        raise FeatureNotSupported(f'encoding "{encoding}" is not supported')


def _convert_from(data: bytes, encoding: str) -> str:
    _check_utf8(encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = " ".join(f"0x{byte:02x}" for byte in data[error.start : max(error.end, error.start + 1)])
        raise CharacterNotInRepertoire(f'invalid byte sequence for encoding "UTF8": {shown}') from None
    if "\0" in text:
        raise CharacterNotInRepertoire('invalid byte sequence for encoding "UTF8": 0x00')
    return text


def _convert_to(text: str, encoding: str) -> bytes:
    _check_utf8(encoding)
    return text.encode()


# ---------------------------------------------------------------------------------------------------------
# pgvector: quantised vectors and the distances of bit strings


def _binary_quantize(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """1 where an element is positive. One pass over the matrix; columns of mixed dimension go row by row."""
    column = arguments[0].array
    matrix = matrix_of(column)
    if matrix is None:
        rows = [vector_numbers(row.values) > 0 if row.is_valid else None for row in column]
        return pa.array(
            [None if r is None else bits_of("".join("01"[int(b)] for b in r)) for r in rows], pa.binary()
        )
    packed = np.packbits(np.asarray(matrix) > 0, axis=1)
    head = np.frombuffer(matrix.shape[1].to_bytes(_LENGTH_BYTES, "big"), dtype=np.uint8)
    cells = np.hstack([np.broadcast_to(head, (len(packed), _LENGTH_BYTES)), packed])
    offsets = np.arange(len(cells) + 1, dtype=np.int32) * cells.shape[1]
    buffers = [pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(cells))]
    values = pa.Array.from_buffers(pa.binary(), len(cells), [None, *buffers])
    if not column.null_count:
        return values
    return values.take(pa.array(np.arange(len(cells)), mask=np.asarray(column.is_null())))


Counts = npt.NDArray[np.float64]


def _bit_distance(formula: Callable[[Any, Any], Counts]) -> Kernel:
    """(n,) float64; `formula` takes the bytes of both sides, (n, m) uint8 or broadcastable."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        left, right = arguments
        known = np.ones(row_count, dtype=np.bool_)
        for side in arguments:
            known = known & np.asarray(side.array.is_valid())
        sides = [
            side.array.filter(pa.array(known)) if not side.is_constant else side.array
            for side in (left, right)
        ]
        results = np.zeros(row_count)
        if known.any():
            results[known] = _by_length(formula, sides)
        return pa.array(results, pa.float64(), mask=~known)

    return kernel


def _by_length(formula: Callable[[Any, Any], Counts], sides: Sequence[pa.Array]) -> Counts:
    a, b = ([memoryview(v) for v in side.to_pylist()] for side in sides)
    count = max(len(a), len(b))
    a, b = (side * count if len(side) == 1 else side for side in (a, b))
    for x, y in zip(a, b):
        if x[:_LENGTH_BYTES] != y[:_LENGTH_BYTES]:
            lengths = [int.from_bytes(v[:_LENGTH_BYTES], "big") for v in (x, y)]
            raise DataException(f"different bit lengths {lengths[0]} and {lengths[1]}")
    if len({len(x) for x in a}) == 1:
        return formula(_byte_matrix(a), _byte_matrix(b))
    return np.concatenate([formula(_byte_matrix([x]), _byte_matrix([y])) for x, y in zip(a, b)])


def _byte_matrix(values: Sequence[memoryview]) -> npt.NDArray[np.uint8]:
    width = len(values[0]) - _LENGTH_BYTES
    data = np.frombuffer(b"".join(v[_LENGTH_BYTES:] for v in values), dtype=np.uint8)
    return data.reshape(len(values), width)


def _hamming(left: Any, right: Any) -> Counts:
    distances: Counts = np.bitwise_count(left ^ right).sum(axis=1, dtype=np.float64)
    return distances


def _jaccard(left: Any, right: Any) -> Counts:
    both = np.bitwise_count(left & right).sum(axis=1, dtype=np.float64)
    total = (np.bitwise_count(left).astype(np.float64) + np.bitwise_count(right)).sum(axis=1)
    union = total - both
    return np.where(both == 0, 1.0, 1 - both / np.where(union == 0, 1.0, union))


def _tanimoto(left: Any, right: Any) -> Counts:
    """-log2 of the share of common bits: infinite where no bit is common."""
    return vecengine.tanimoto_distances(_jaccard(left, right))


def _superstructure(left: Any, right: Any) -> Counts:
    """0 where the right side has every bit of the left one, else 1."""
    return np.asarray((left & ~right).any(axis=1), dtype=np.float64)


def _substructure(left: Any, right: Any) -> Counts:
    """0 where the left side has every bit of the right one, else 1."""
    return _superstructure(right, left)


def bit_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    kernels: dict[str, Kernel] = {
        "bitand": row_kernel(_combined("AND", int.__and__)), "bitor": row_kernel(_combined("OR", int.__or__)),
        "bitxor": row_kernel(_combined("XOR", int.__xor__)), "bitnot": row_kernel(_inverted),
        "bitshiftleft": row_kernel(_shifted), "bitshiftright": row_kernel(lambda v, n: _shifted(v, -n)),
        "bitcat": row_kernel(lambda a, b: bits_of(digits_of(a) + digits_of(b))),
        "length(1560)": row_kernel(lambda v: len(digits_of(v))),
        "bit_length(1560)": row_kernel(lambda v: len(digits_of(v))),
        "octet_length(1560)": row_kernel(lambda v: len(v) - _LENGTH_BYTES),
        "bit_count(1560)": row_kernel(lambda v: digits_of(v).count("1")),
        "position(1560,1560)": row_kernel(lambda text, part: digits_of(text).find(digits_of(part)) + 1),
        "get_bit(1560,23)": row_kernel(lambda v, i: int(digits_of(v)[_bit_index(i, len(digits_of(v)))])),
        "set_bit(1560,23,23)": row_kernel(_set_bit),
        "binary_quantize": _binary_quantize, "hamming_distance": _bit_distance(_hamming),
        "jaccard_distance": _bit_distance(_jaccard), "tanimoto_distance": _bit_distance(_tanimoto),
        "superstructure_distance": _bit_distance(_superstructure),
        "substructure_distance": _bit_distance(_substructure),
        "get_byte(17,23)": row_kernel(lambda v, i: v[_checked_index(i, len(v))]),
        "set_byte(17,23,23)": row_kernel(_bytes_with), "get_bit(17,20)": row_kernel(_byte_bit),
        "set_bit(17,20,23)": row_kernel(_bytes_with_bit),
        "bit_count(17)": row_kernel(lambda v: int.from_bytes(v, "big").bit_count()),
        "bit_length(17)": row_kernel(lambda v: 8 * len(v)),
        "position(17,17)": row_kernel(lambda text, part: text.find(part) + 1),
        "btrim(17,17)": row_kernel(bytes.strip), "ltrim(17,17)": row_kernel(bytes.lstrip),
        "rtrim(17,17)": row_kernel(bytes.rstrip), "convert_from(17,19)": row_kernel(_convert_from),
        "convert_to(25,19)": row_kernel(_convert_to), "octet_length(1042)": row_kernel(lambda v: len(v.encode())),
    }  # fmt: skip
    for name in ("sha224", "sha384", "sha512"):
        kernels[f"{name}(17)"] = row_kernel(lambda data, name=name: hashlib.new(name, data).digest())
    kernels["substring(1560,23)"] = kernels["substring(1560,23,23)"] = row_kernel(
        lambda v, start, length=None: bits_of(_part(digits_of(v), start, length))
    )
    kernels["overlay(1560,1560,23)"] = kernels["overlay(1560,1560,23,23)"] = row_kernel(
        lambda v, new, start, length=None: bits_of(
            _replaced(digits_of(v), digits_of(new), start, len(digits_of(new)) if length is None else length)
        )
    )
    kernels["overlay(17,17,23)"] = kernels["overlay(17,17,23,23)"] = row_kernel(
        lambda v, new, start, length=None: _replaced(v, new, start, len(new) if length is None else length)
    )
    return kernels
