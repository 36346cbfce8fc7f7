"""bool: 't' and 'f'; one byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidBinaryRepresentation
from foundation.sqltypes import BOOL
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.columns import cells_matrix, fixed_cells, mask_of
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_WORDS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "on": True,
    "off": False,
    "1": True,
    "0": False,
}


def _spellings() -> dict[str, bool]:
    """Every word and every prefix of one that is no prefix of another ('o' is on or off)."""
    found = {word[:size]: value for word, value in _WORDS.items() for size in range(1, len(word) + 1)}
    del found["o"]
    return found


_SPELLINGS = _spellings()


class BoolCodec(Codec):
    binary_bytes = 1

    def decode_text(self, text: str, context: CodecContext) -> bool:
        value = _SPELLINGS.get(text.strip(WHITESPACE).lower())
        if value is None:
            raise self.syntax_error(text)
        return value

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return "t" if value else "f"

    def decode_binary(self, data: bytes, context: CodecContext) -> bool:
        if not data:
            raise InsufficientData("no data left in message")
        check_width(data, 1)
        return data != b"\0"

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return b"\1" if value else b"\0"

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return pc.if_else(column, "t", "f")

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        is_true = pc.equal(strings, "t")
        if pc.all(pc.or_(is_true, pc.equal(strings, "f"))).as_py() is False:
            return super().parse_text_column(strings, context)
        return is_true

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        values = column.fill_null(False).to_numpy(zero_copy_only=False)
        return fixed_cells(values.astype(np.uint8)[:, None], mask_of(column))

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        matrix = cells_matrix(cells, 1)
        if matrix is None:
            raise InvalidBinaryRepresentation("incorrect binary data format")
        valid = mask_of(cells)
        return pa.array(matrix[:, 0] != 0, mask=None if valid is None else ~valid)


def register(types: TypeRegistry) -> None:
    types.add(BOOL.oid, BoolCodec)
