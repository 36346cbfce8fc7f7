"""int2, int4, int8: decimal text (also 0x, 0o, 0b and underscores); big-endian two's complement."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import INT2, INT4, INT8, SqlType
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import (
    Bytes,
    array_of_numbers,
    byte_set,
    cells_matrix,
    fixed_cells,
    mask_of,
    numbers_of,
    only_bytes,
)
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_INTEGER = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*|0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)", re.ASCII
)
_BASES = {"x": 16, "o": 8, "b": 2}
_PLAIN = byte_set(b"0123456789-")


def parse_integer(text: str) -> int | None:
    """The integer a text spells in PostgreSQL's syntax, of any size; None when it spells none."""
    stripped = text.strip(WHITESPACE)
    if not _INTEGER.fullmatch(stripped):
        return None
    digits = stripped.lstrip("+-").replace("_", "")
    value = int(digits, _BASES.get(digits[1:2].lower(), 10))
    return -value if stripped.startswith("-") else value


class IntegerCodec(Codec):
    def __init__(self, sql_type: SqlType) -> None:
        super().__init__(sql_type)
        self.width = self.arrow_type.bit_width // 8
        self.minimum = -(1 << (8 * self.width - 1))
        self.maximum = (1 << (8 * self.width - 1)) - 1
        self.dtype = np.dtype(f"i{self.width}")
        self.wire_dtype = self.dtype.newbyteorder(">")

    def decode_text(self, text: str, context: CodecContext) -> int:
        value = parse_integer(text)
        if value is None:
            raise self.syntax_error(text)
        if not self.minimum <= value <= self.maximum:
            raise NumericValueOutOfRange(f'value "{text}" is out of range for type {self.type_name}')
        return value

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(int(value))

    def decode_binary(self, data: bytes, context: CodecContext) -> int:
        check_width(data, self.width)
        return int.from_bytes(data, "big", signed=True)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return int(value).to_bytes(self.width, "big", signed=True)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return pc.cast(column, pa.utf8())

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        # Arrow reads hexadecimal too, as unsigned; only plain digits take its path.
        if only_bytes(strings, _PLAIN):
            try:
                return pc.cast(strings, self.arrow_type)
            except pa.ArrowInvalid:
                pass
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

    def parse_binary_matrix(self, matrix: Bytes, context: CodecContext) -> pa.Array:
        if matrix.shape[1] != self.width:
            return super().parse_binary_matrix(matrix, context)
        return array_of_numbers(matrix.view(self.wire_dtype)[:, 0].astype(self.dtype), self.arrow_type)


def register(types: TypeRegistry) -> None:
    for sql_type in (INT2, INT4, INT8):
        types.add(sql_type.oid, IntegerCodec)
