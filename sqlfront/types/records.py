"""Row types: composite types, whole rows of tables, ROW(...).

Text is `(1,"a b",)`: NULL is nothing between two commas, what holds a comma, parenthesis, quote, backslash or blank is
quoted. Binary is int32 field count, then per field its type's OID and the sized value, -1 for NULL. A value is its text with
the fields in a form that no setting changes; only fields whose output depends on settings are printed anew.
https://www.postgresql.org/docs/16/rowtypes.html#ROWTYPES-IO-SYNTAX
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import DatatypeMismatch, InvalidBinaryRepresentation, InvalidTextRepresentation
from foundation.row_types import RowShape, described_type, quote_field, row_shape
from foundation.sqltypes import (
    BYTEA,
    FLOAT4,
    FLOAT8,
    INTERVAL,
    TIMESTAMPTZ,
    SqlType,
    element_type,
    format_type,
)
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.context import DEFAULT_CONTEXT, CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.typmod import coerce_typmod

_COUNT = struct.Struct("!i")
_FIELD = struct.Struct("!Ii")
_SETTING_TYPES = frozenset((TIMESTAMPTZ.oid, INTERVAL.oid, BYTEA.oid, FLOAT4.oid, FLOAT8.oid))

CodecOf = Callable[[SqlType], Codec]


def join_fields(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(utf8 columns) -> (row_count,) utf8 record texts; one Python row per output row, records are rare."""
    if not columns:
        return pa.array(["()"] * row_count, pa.utf8())
    lists = [column.to_pylist() for column in columns]
    return pa.array([f"({','.join(map(quote_field, row))})" for row in zip(*lists, strict=True)], pa.utf8())


def split_fields(text: str, count: int) -> Iterator[str | None]:
    """The field texts of a record text, None for NULL, one after the other.

    Raises (when the field is asked for):
        InvalidTextRepresentation: 22P02 `malformed record literal: "x"`.
    """
    position = len(text) - len(text.lstrip(WHITESPACE))
    if text[position : position + 1] != "(":
        raise _malformed(text, "Missing left parenthesis.")
    position += 1
    for number in range(count):
        if number:
            if text[position : position + 1] != ",":
                raise _malformed(text, "Too few columns.")
            position += 1
        field, position = _field(text, position)
        yield field
    if text[position : position + 1] != ")":
        if text[position:] and (not count or text[position] == ","):
            raise _malformed(text, "Too many columns.")
        raise _malformed(text, "Unexpected end of input.")
    if text[position + 1 :].strip(WHITESPACE):
        raise _malformed(text, "Junk after right parenthesis.")


def _field(text: str, position: int) -> tuple[str | None, int]:
    """A field's text and where it ends: before a comma or the right parenthesis that are not quoted."""
    if text[position : position + 1] in (",", ")"):
        return None, position
    parts: list[str] = []
    is_quoted = False
    while True:
        letter = text[position : position + 1]
        if not letter:
            raise _malformed(text, "Unexpected end of input.")
        if letter == "\\":
            if position + 1 >= len(text):
                raise _malformed(text, "Unexpected end of input.")
            parts.append(text[position + 1])
            position += 2
        elif letter == '"':
            if is_quoted and text[position + 1 : position + 2] == '"':
                parts.append('"')
                position += 1
            else:
                is_quoted = not is_quoted
            position += 1
        elif is_quoted or letter not in ",)":
            parts.append(letter)
            position += 1
        else:
            return "".join(parts), position


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed record literal: "{text}"', detail=detail)


class RecordCodec(Codec):
    """Codec of a row type whose fields are known. It looks fields up at every call: a type may get others."""

    def __init__(self, sql_type: SqlType, codec_of: CodecOf) -> None:
        super().__init__(sql_type)
        self.sql_type = sql_type
        self._codec_of = codec_of

    @property
    def shape(self) -> RowShape:
        shape = row_shape(self.sql_type)
        assert shape is not None, "the codec of a record without a shape is text's"
        return shape

    def fields(self, texts: pa.Array, context: CodecContext) -> list[pa.Array]:
        """(n,) record texts -> an (n,) column for each field; all NULL where the record is. Raises 22P02 and its kin."""
        types = self.shape.types
        nothing: list[str | None] = [None] * len(types)
        rows = [nothing if text is None else self._split(text, context) for text in texts.to_pylist()]
        return [
            self._read([row[number] for row in rows], sql_type, context)
            for number, sql_type in enumerate(types)
        ]

    def _split(self, text: str, context: CodecContext) -> list[str | None]:
        """The field texts of a record. A field that cannot be read is told before what is wrong behind it."""
        fields: list[str | None] = []
        try:
            for field in split_fields(text, len(self.shape.types)):
                fields.append(field)
        except InvalidTextRepresentation:
            for field, sql_type in zip(fields, self.shape.types):
                self._read([field], sql_type, context)
            raise
        return fields

    def _read(self, texts: list[str | None], sql_type: SqlType, context: CodecContext) -> pa.Array:
        column = self._codec_of(sql_type).parse_text_column(pa.array(texts, pa.utf8()), context)
        return coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False)

    def joined(self, columns: Sequence[pa.Array], row_count: int, context: CodecContext) -> pa.Array:
        """Columns of the fields' types -> (row_count,) record texts."""
        texts = [
            self._codec_of(sql_type).text_column(column, context)
            for column, sql_type in zip(columns, self.shape.types, strict=True)
        ]
        return join_fields(texts, row_count)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        if not any(_depends_on_settings(sql_type) for sql_type in self.shape.types):
            return column
        return _where_valid(column, self.joined(self.fields(column, context), len(column), context))

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        fields = self.fields(strings, context)
        return _where_valid(strings, self.joined(fields, len(strings), DEFAULT_CONTEXT))

    def decode_text(self, text: str, context: CodecContext) -> str:
        return str(self.parse_text_column(pa.array([text], pa.utf8()), context)[0].as_py())

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(self.text_column(pa.array([value], pa.utf8()), context)[0].as_py())

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        types = self.shape.types
        parts = [_COUNT.pack(len(types))]
        for column, sql_type in zip(self.fields(pa.array([value], pa.utf8()), context), types, strict=True):
            oid = sql_type.domain_oid or described_type(sql_type)[0]
            cell = self._codec_of(sql_type).binary_column(column, context)[0].as_py()
            parts.append(_FIELD.pack(oid, -1 if cell is None else len(cell)) + (cell or b""))
        return b"".join(parts)

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        types = self.shape.types
        if len(data) < _COUNT.size:
            raise InsufficientData("insufficient data left in message")
        (count,) = _COUNT.unpack_from(data)
        if count != len(types):
            raise DatatypeMismatch(f"wrong number of columns: {count}, expected {len(types)}")
        position, columns = _COUNT.size, []
        for number, sql_type in enumerate(types, 1):
            cell, position = self._cell(data, position, number)
            column = self._codec_of(sql_type).parse_binary_column(pa.array([cell], pa.binary()), context)
            columns.append(coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False))
        if position != len(data):
            raise InvalidBinaryRepresentation("incorrect binary data format")
        return str(self.joined(columns, 1, DEFAULT_CONTEXT)[0].as_py())

    def _cell(self, data: bytes, position: int, number: int) -> tuple[bytes | None, int]:
        """The bytes of a field, None for NULL, and where the next one begins."""
        if len(data) < position + _FIELD.size:
            raise InsufficientData("insufficient data left in message")
        oid, size = _FIELD.unpack_from(data, position)
        wanted = self.shape.types[number - 1]
        expected = wanted.domain_oid or described_type(wanted)[0]
        if oid != expected:
            raise DatatypeMismatch(
                f"binary data has type {oid} ({format_type(SqlType(oid))}) instead of expected {expected}"
                f" ({format_type(wanted.without_typmod())}) in record column {number}"
            )
        position += _FIELD.size
        if size == -1:
            return None, position
        if size < 0 or len(data) < position + size:
            raise InsufficientData("insufficient data left in message")
        return data[position : position + size], position + size


def _where_valid(texts: pa.Array, joined: pa.Array) -> pa.Array:
    """The joined texts where there was a record."""
    if not texts.null_count:
        return joined
    pairs = zip(texts.to_pylist(), joined.to_pylist(), strict=True)
    return pa.array([None if text is None else whole for text, whole in pairs], pa.utf8())


def _depends_on_settings(sql_type: SqlType) -> bool:
    shape = row_shape(sql_type)
    if shape is not None:
        return any(map(_depends_on_settings, shape.types))
    return (element_type(sql_type) or sql_type).oid in _SETTING_TYPES
