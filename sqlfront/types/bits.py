"""bit and bit varying: '0101' in text; int32 length and the bits, first bit highest, in binary.

A value is its binary form, as columns store it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.errors import InvalidBinaryRepresentation, InvalidTextRepresentation
from foundation.sqltypes import BIT, VARBIT
from sqlfront.types.codec import Codec
from sqlfront.types.columns import array_of_matrix, bytes_of, cells_matrix, mask_of
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_LENGTH = struct.Struct("!i")
_BITS_MAX = (1 << 31) - 8


def pack_bits(digits: str) -> bytes:
    """The value of a text of 0s and 1s."""
    count = len(digits)
    body = int(digits.ljust(-(-count // 8) * 8, "0") or "0", 2).to_bytes(-(-count // 8), "big")
    return _LENGTH.pack(count) + body


def bit_count(value: bytes) -> int:
    count: int = _LENGTH.unpack_from(value)[0]
    return count


def bit_digits(value: bytes) -> str:
    """The 0s and 1s of a value."""
    body = np.frombuffer(value, np.uint8, offset=_LENGTH.size)
    return (np.unpackbits(body, count=bit_count(value)) + ord("0")).tobytes().decode("ascii")


class BitCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> bytes:
        if text[:1] in ("x", "X"):
            for digit in text[1:]:
                if digit not in "0123456789abcdefABCDEF":
                    raise InvalidTextRepresentation(f'"{digit}" is not a valid hexadecimal digit')
            digits = text[1:]
            return pack_bits(f"{int(digits, 16):0{4 * len(digits)}b}" if digits else "")
        digits = text[1:] if text[:1] in ("b", "B") else text
        for digit in digits:
            if digit not in "01":
                raise InvalidTextRepresentation(f'"{digit}" is not a valid binary digit')
        return pack_bits(digits)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return bit_digits(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        if len(data) < _LENGTH.size:
            raise InsufficientData("insufficient data left in message")
        count = bit_count(data)
        if not 0 <= count <= _BITS_MAX:
            raise InvalidBinaryRepresentation("invalid length in external bit string")
        size = -(-count // 8)
        if len(data) < _LENGTH.size + size:
            raise InsufficientData("insufficient data left in message")
        if len(data) > _LENGTH.size + size:
            raise InvalidBinaryRepresentation("incorrect binary data format")
        if count % 8:
            last = data[-1] & (0xFF << (8 - count % 8)) & 0xFF
            return data[:-1] + bytes([last])
        return bytes(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return bytes(value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        _, offsets = bytes_of(column)
        width = int(np.diff(offsets).max(initial=0))
        matrix = cells_matrix(column, width)
        if matrix is None or width < _LENGTH.size:
            return super().text_column(column, context)
        valid = mask_of(column)
        counts = np.ascontiguousarray(matrix[:, :4]).view(">i4")[:, 0]
        count = int(counts.max())
        if (counts != count).any() if valid is None else (counts[valid] != count).any():
            return super().text_column(column, context)
        digits = np.unpackbits(matrix[:, 4:], axis=1, count=count) + np.uint8(ord("0"))
        return array_of_matrix(digits, None, valid)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column


def register(types: TypeRegistry) -> None:
    types.add(BIT.oid, BitCodec)
    types.add(VARBIT.oid, BitCodec)
