"""Enums: the label in both forms. A Python value is the label's position (`foundation.enum_types`)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from foundation.enum_types import ENUMS, EnumLabels
from sqlfront.types.codec import Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.text import decode_utf8, utf8_column


class EnumCodec(Codec):
    """Looks labels up at every call: there is one codec for a type, and types get more labels."""

    @property
    def _enum(self) -> EnumLabels:
        return ENUMS[self.sql_type.oid]

    def decode_text(self, text: str, context: CodecContext) -> int:
        return self._enum.position(text)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return self._enum.label(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> int:
        return self._enum.position(decode_utf8(data))

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return self._enum.label(value).encode("utf-8")

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return self._enum.to_labels(column)

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return self._enum.to_positions(strings)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return self._enum.to_labels(column).cast(pa.binary())

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        return self._enum.to_positions(utf8_column(cells))
