"""text, varchar, bpchar, name, "char", unknown, cstring and types that only print: UTF-8 in both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from foundation.errors import CharacterNotInRepertoire
from foundation.sqltypes import (
    ACLITEM,
    BPCHAR,
    CHAR,
    CSTRING,
    NAME,
    PG_NODE_TREE,
    RECORD,
    TEXT,
    UNKNOWN,
    VARCHAR,
    VOID,
)
from sqlfront.types.codec import Codec
from sqlfront.types.columns import bytes_of, used_bytes
from sqlfront.types.context import CodecContext

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

NAME_BYTES_MAX = 63


def invalid_bytes(shown: bytes) -> CharacterNotInRepertoire:
    listed = " ".join(f"0x{byte:02x}" for byte in shown)
    return CharacterNotInRepertoire(f'invalid byte sequence for encoding "UTF8": {listed}')


def decode_utf8(raw: bytes) -> str:
    """Text a client sent.

    Raises:
        CharacterNotInRepertoire: 22021, not UTF-8 or with a zero byte; lists the bytes of the character.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        lead = raw[error.start]
        width = 4 if lead >= 0xF0 else 3 if lead >= 0xE0 else 2 if lead >= 0xC0 else 1
        nul = raw.find(0, 0, error.start)
        raise invalid_bytes(b"\0" if nul >= 0 else raw[error.start : error.start + width]) from None
    if "\0" in text:
        raise invalid_bytes(b"\0")
    return text


def utf8_column(cells: pa.Array) -> pa.Array:
    """A binary column as utf8, checked.

    Raises:
        CharacterNotInRepertoire: 22021, for the first value that is not UTF-8 or has a zero byte.
    """
    if cells.type == pa.utf8():
        return cells
    try:
        strings = cells.cast(pa.utf8())
        is_clean = bool(used_bytes(cells).all())
    except pa.ArrowInvalid:
        is_clean = False
    if not is_clean:
        strings = pa.array([None if c is None else decode_utf8(c) for c in cells.to_pylist()], pa.utf8())
    return strings


class TextCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> str:
        if "\0" in text:
            raise invalid_bytes(b"\0")
        return text

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        return self.decode_text(decode_utf8(data), context)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return str(value).encode("utf-8")

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return strings

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column.cast(pa.binary())

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        return self.parse_text_column(utf8_column(cells), context)


class NameCodec(TextCodec):
    """name: cut to 63 bytes at a character border."""

    def decode_text(self, text: str, context: CodecContext) -> str:
        text = super().decode_text(text, context)
        return text.encode("utf-8")[:NAME_BYTES_MAX].decode("utf-8", "ignore")

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        _, offsets = bytes_of(strings)
        if np.diff(offsets).max(initial=0) <= NAME_BYTES_MAX:
            return strings
        return Codec.parse_text_column(self, strings, context)


class CharCodec(TextCodec):
    """ "char": one byte, the first of what is given; a byte above 127 prints and reads as a backslash and octal."""

    def decode_text(self, text: str, context: CodecContext) -> str:
        raw = super().decode_text(text, context).encode("utf-8")
        if len(raw) == 4 and raw[:1] == b"\\" and all(48 <= byte <= 55 for byte in raw[1:]):
            byte = int(raw[1:], 8) & 0xFF
        else:
            byte = raw[0] if raw else 0
        if byte == 0:
            return ""
        return chr(byte) if byte < 128 else f"\\{byte:03o}"

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        return self.decode_text(f"\\{data[0]:03o}" if data else "", context)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        if len(value) == 4:
            return bytes([int(value[1:], 8)])
        return value.encode("ascii") or b"\0"

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.parse_text_column(self, strings, context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.binary_column(self, column, context)

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.parse_binary_column(self, cells, context)


def register(types: TypeRegistry) -> None:
    for sql_type in (TEXT, VARCHAR, BPCHAR, UNKNOWN, CSTRING, ACLITEM, PG_NODE_TREE, RECORD, VOID):
        types.add(sql_type.oid, TextCodec)
    types.add(NAME.oid, NameCodec)
    types.add(CHAR.oid, CharCodec)
