"""uuid: 16 bytes; text in lower case with hyphens, read with or without them and in braces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import UUID
from sqlfront.types.bytea import NIBBLES, NO_NIBBLE, hex_bytes, join_nibbles
from sqlfront.types.codec import Codec, check_width
from sqlfront.types.columns import array_of_matrix, cells_matrix, fixed_cells, mask_of, numbers_of
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_UUID = re.compile(
    r"\{(?:[0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}|(?:[0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}", re.ASCII
)
TEXT_BYTES = 36
_HYPHENS = np.array([8, 13, 18, 23])
_DIGITS = np.setdiff1d(np.arange(TEXT_BYTES), _HYPHENS)


class UuidCodec(Codec):
    binary_bytes = 16

    def decode_text(self, text: str, context: CodecContext) -> bytes:
        if not _UUID.fullmatch(text):
            raise self.syntax_error(text)
        return bytes.fromhex(text.strip("{}").replace("-", ""))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        digits = (value if isinstance(value, bytes) else value.bytes).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        check_width(data, 16)
        return bytes(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return value if isinstance(value, bytes) else bytes(value.bytes)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        raw = numbers_of(column, "V16").view(np.uint8).reshape(-1)
        matrix = np.full((len(column), TEXT_BYTES), ord("-"), np.uint8)
        matrix[:, _DIGITS] = hex_bytes(raw).reshape(-1, 32)
        return array_of_matrix(matrix, None, mask_of(column))

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(strings, TEXT_BYTES)
        valid = mask_of(strings)
        if matrix is not None:
            nibbles = NIBBLES[matrix[:, _DIGITS]]
            is_uuid = (nibbles != NO_NIBBLE).all(axis=1) & (matrix[:, _HYPHENS] == ord("-")).all(axis=1)
            if (is_uuid if valid is None else is_uuid | ~valid).all():
                return fixed_cells(join_nibbles(nibbles.reshape(-1, 16, 2)), valid)
        return super().parse_text_column(strings, context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(cells, 16)
        if matrix is None:
            return super().parse_binary_column(cells, context)
        return fixed_cells(matrix, mask_of(cells))


def register(types: TypeRegistry) -> None:
    types.add(UUID.oid, UuidCodec)
