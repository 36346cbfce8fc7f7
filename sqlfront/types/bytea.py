"""bytea: `\\x` and hexadecimal, or the escape form; the bytes themselves in binary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation
from foundation.sqltypes import BYTEA
from sqlfront.types.codec import Codec
from sqlfront.types.columns import Bytes, array_of_bytes, bytes_of, mask_of
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

HEX_DIGITS: Bytes = np.frombuffer(b"0123456789abcdef", np.uint8)
NO_NIBBLE = 255


def _nibbles() -> Bytes:
    table = np.full(256, NO_NIBBLE, np.uint8)
    for value in range(16):
        table[ord(f"{value:x}")] = table[ord(f"{value:X}")] = value
    return table


NIBBLES: Bytes = _nibbles()
"""(256,) value of a hexadecimal digit, NO_NIBBLE for any other byte."""

_ESCAPE = re.compile(rb"\\(\\|[0-3][0-7][0-7])|\\")


def hex_bytes(data: Bytes) -> Bytes:
    """(n,) bytes -> (2n,) lower-case hexadecimal digits."""
    pairs = np.empty((len(data), 2), np.uint8)
    pairs[:, 0] = HEX_DIGITS[data >> 4]
    pairs[:, 1] = HEX_DIGITS[data & 15]
    return pairs.reshape(-1)


def join_nibbles(pairs: Bytes) -> Bytes:
    """(..., 2) nibbles, high one first -> (...) bytes."""
    joined: Bytes = np.bitwise_or(np.left_shift(pairs[..., 0], np.uint8(4)), pairs[..., 1])
    return joined


def decode_hex(digits: str) -> bytes:
    """Bytes of the digits after `\\x`; white space between pairs is allowed.

    Raises:
        InvalidParameterValue: 22023, something else is there, or half a byte is left.
    """
    try:
        return bytes.fromhex(digits)
    except ValueError:
        pass
    compact = digits.encode()
    position, count = 0, len(compact)
    while position < count:
        if compact[position : position + 1] in (b" ", b"\n", b"\t", b"\r"):
            position += 1
            continue
        for at in (position, position + 1):
            if at >= count:
                raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
            if NIBBLES[compact[at]] == NO_NIBBLE:
                shown = compact[at:].decode()[0]
                raise InvalidParameterValue(f'invalid hexadecimal digit: "{shown}"')
        position += 2
    return bytes.fromhex("".join(digits.split()))


def decode_escape(text: str) -> bytes:
    """The escape form: a backslash and three octal digits, or two backslashes, stand for one byte."""

    def replace(match: re.Match[bytes]) -> bytes:
        body = match.group(1)
        if body is None:
            raise InvalidTextRepresentation("invalid input syntax for type bytea")
        return b"\\" if body == b"\\" else bytes([int(body, 8)])

    return _ESCAPE.sub(replace, text.encode("utf-8"))


def encode_escape(raw: bytes) -> str:
    parts = [
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}" for byte in raw
    ]
    return "".join(parts)


class ByteaCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> bytes:
        return decode_hex(text[2:]) if text.startswith("\\x") else decode_escape(text)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return encode_escape(value) if context.bytea_output == "escape" else "\\x" + bytes(value).hex()

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        return bytes(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return bytes(value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        if context.bytea_output == "escape":
            return super().text_column(column, context)
        data, offsets = bytes_of(column)
        lengths = np.diff(offsets)
        ends = np.zeros(len(column) + 1, np.int64)
        np.cumsum(2 * lengths + 2, out=ends[1:])
        out = np.empty(ends[-1], np.uint8)
        is_prefix = np.zeros(ends[-1], np.bool_)
        is_prefix[ends[:-1]] = is_prefix[ends[:-1] + 1] = True
        out[~is_prefix] = hex_bytes(data[offsets[0] : offsets[-1]])
        out[ends[:-1]] = ord("\\")
        out[ends[:-1] + 1] = ord("x")
        return array_of_bytes(out, ends, mask_of(column))

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        data, offsets = bytes_of(strings)
        lengths = np.diff(offsets)
        valid = mask_of(strings)
        is_hex = (lengths >= 2) & (lengths % 2 == 0)
        if valid is None and len(strings) and is_hex.all():
            starts = offsets[:-1]
            is_hex &= (data[starts] == ord("\\")) & (data[starts + 1] == ord("x"))
            if is_hex.all():
                keep = np.ones(offsets[-1] - offsets[0], np.bool_)
                keep[starts - offsets[0]] = keep[starts - offsets[0] + 1] = False
                pairs = NIBBLES[data[offsets[0] : offsets[-1]][keep]].reshape(-1, 2)
                if not (pairs == NO_NIBBLE).any():
                    borders = (offsets - offsets[0] - 2 * np.arange(len(offsets))) // 2
                    return array_of_bytes(join_nibbles(pairs), borders, None, pa.binary())
        return super().parse_text_column(strings, context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        return cells


def register(types: TypeRegistry) -> None:
    types.add(BYTEA.oid, ByteaCodec)
