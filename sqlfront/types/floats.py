"""float4 and float8: shortest exact text; IEEE 754 big-endian."""

from __future__ import annotations

import math
import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import FLOAT4, FLOAT8, SqlType
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import (
    array_of_bytes,
    array_of_numbers,
    byte_set,
    bytes_of,
    cells_matrix,
    fixed_cells,
    mask_of,
    numbers_of,
    only_bytes,
)
from sqlfront.types.context import CodecContext
from sqlfront.types.float_text import float_text, float_texts

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

NUMBER_PREFIX = re.compile(
    r"[+-]?(?:(?P<hex>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?)"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<inf>[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)|(?P<nan>[nN][aA][nN](?:\([0-9A-Za-z_]*\))?))",
    re.ASCII,
)
"""What C's strtod() reads at the start of a text."""

_HALF_WAY_BITS = 0x10000000
_DROPPED_BITS = 0x1FFFFFFF
PLAIN_NUMBER = byte_set(b"0123456789+-.eE")


def nearest_float32(text: str) -> float:
    """The single-precision number nearest to a decimal text, rounded once (inf when it is too large)."""
    value = float(text)
    bits: int = struct.unpack("!Q", struct.pack("!d", value))[0]
    if bits & _DROPPED_BITS == _HALF_WAY_BITS:
        # Exactly between two singles after the first rounding: rounding again could go the wrong way.
        return float(pa.scalar(text.lstrip("+")).cast(pa.float32()).as_py())
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def read_number(match: re.Match[str], width: int) -> float:
    """The value of a NUMBER_PREFIX match; inf when its magnitude is too large for `width` bytes."""
    token = match.group()
    if match["hex"] is not None:
        try:
            value = float.fromhex(token)
        except OverflowError:
            value = math.inf
    elif match["decimal"] is None:
        return math.nan if match["nan"] is not None else float(token)
    else:
        return nearest_float32(token) if width == 4 else float(token)
    with np.errstate(over="ignore"):
        return float(np.float32(value)) if width == 4 else value


def is_overflow(match: re.Match[str], value: float) -> bool:
    return math.isinf(value) and match["inf"] is None


def is_underflow(match: re.Match[str], value: float) -> bool:
    """Zero although the digits are not."""
    digits = re.split("[eEpP]" if match["hex"] is None else "[pP]", match.group())[0].replace("0x", "")
    return value == 0 and any(digit not in "+-.0xX" for digit in digits)


class FloatCodec(Codec):
    def __init__(self, sql_type: SqlType) -> None:
        super().__init__(sql_type)
        self.width = self.arrow_type.bit_width // 8
        self.dtype = np.dtype(f"f{self.width}")
        self.wire_dtype = self.dtype.newbyteorder(">")
        self.struct = struct.Struct("!f" if self.width == 4 else "!d")

    def decode_text(self, text: str, context: CodecContext) -> float:
        stripped = text.strip(WHITESPACE)
        match = NUMBER_PREFIX.match(stripped)
        if match is None:
            raise self.syntax_error(text)
        value = read_number(match, self.width)
        if is_overflow(match, value) or is_underflow(match, value):
            raise NumericValueOutOfRange(f'"{match.group()}" is out of range for type {self.type_name}')
        if match.end() != len(stripped):
            raise self.syntax_error(text)
        return value

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return float_text(value, self.width, context.extra_float_digits)

    def decode_binary(self, data: bytes, context: CodecContext) -> float:
        check_width(data, self.width)
        value: float = self.struct.unpack(data)[0]
        return value

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return self.struct.pack(value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        texts = float_texts(numbers_of(column, self.dtype), context.extra_float_digits)
        if column.null_count == 0:
            return texts
        data, offsets = bytes_of(texts)
        return array_of_bytes(data, offsets, mask_of(column))

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        if only_bytes(strings, PLAIN_NUMBER):
            try:
                column = pc.cast(strings, self.arrow_type)
            except pa.ArrowInvalid:
                return super().parse_text_column(strings, context)
            values = column.drop_null().to_numpy()
            # Infinity stands for an overflow here, and zero may stand for an underflow: both are errors.
            if np.isfinite(values).all() and not (values == 0).any():
                return column
        return super().parse_text_column(strings, context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        swapped = numbers_of(column, self.dtype).astype(self.wire_dtype)
        return fixed_cells(swapped.view(np.uint8).reshape(-1, self.width), mask_of(column))

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(cells, self.width)
        if matrix is None:
            return super().parse_binary_column(cells, context)
        values = np.ascontiguousarray(matrix).view(self.wire_dtype)[:, 0].astype(self.dtype)
        return array_of_numbers(values, self.arrow_type, mask_of(cells))


def register(types: TypeRegistry) -> None:
    types.add(FLOAT4.oid, FloatCodec)
    types.add(FLOAT8.oid, FloatCodec)
