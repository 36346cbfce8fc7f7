"""The codecs as the rest of the server calls them: by SqlType, one value or one column at a time.

Type modifiers are applied on the way in, with the rules of assignment, so that what comes out always has
`arrow_type(sql_type)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidBinaryRepresentation
from foundation.sqltypes import SqlType, arrow_type
from sqlfront.backend import Format
from sqlfront.types.columns import Bytes
from sqlfront.types.context import CodecSettings, context_of
from sqlfront.types.registry import codec_for
from sqlfront.types.text import decode_utf8, utf8_column
from sqlfront.types.typmod import coerce_typmod


def decode_parameter(
    sql_type: SqlType, format: Format, data: bytes | None, settings: CodecSettings, *, number: int = 0
) -> Any:
    """The Python value of a parameter as a client sent it; `number` is its $n, for the message.

    Raises:
        InvalidTextRepresentation: 22P02. InvalidBinaryRepresentation: 22P03. NumericValueOutOfRange: 22003.
        CharacterNotInRepertoire: 22021. And whatever else the type's input function raises.
    """
    if data is None:
        return None
    codec = codec_for(sql_type)
    context = context_of(settings)
    if format is Format.TEXT:
        value = codec.decode_text(decode_utf8(data), context)
    else:
        try:
            value = codec.decode_binary(data, context)
        except InvalidBinaryRepresentation as error:
            if number and error.message == "incorrect binary data format":
                raise InvalidBinaryRepresentation(f"{error.message} in bind parameter {number}") from None
            raise
    return value if sql_type.typmod == -1 else coerce_value(value, sql_type, explicit=False)


def decode_parameter_column(
    sql_type: SqlType, format: Format, cells: Sequence[bytes | None], settings: CodecSettings
) -> pa.Array:
    """One parameter as a client sent it n times: an (n,) column. Raises as `decode_parameter`."""
    column = pa.array(cells, pa.binary())
    parse = parse_utf8_array if format is Format.TEXT else parse_binary_array
    return parse(column, sql_type, settings)


def decode_text(sql_type: SqlType, text: str, settings: CodecSettings) -> Any:
    """The Python value of a text, by the type's input function."""
    value = codec_for(sql_type).decode_text(text, context_of(settings))
    return value if sql_type.typmod == -1 else coerce_value(value, sql_type, explicit=False)


def encode_text(sql_type: SqlType, value: Any, settings: CodecSettings) -> str:
    """The text of a Python value (not None), by the type's output function."""
    return codec_for(sql_type).encode_text(value, context_of(settings))


def coerce_value(value: Any, sql_type: SqlType, *, explicit: bool) -> Any:
    """A Python value of the base type with the type modifier applied. Raises as `coerce_typmod`."""
    codec = codec_for(sql_type)
    base = sql_type.without_typmod()
    column = coerce_typmod(codec.array([value]), base, sql_type, explicit=explicit)
    return codec.python_values(column)[0]


def array_of_values(values: Sequence[Any], sql_type: SqlType) -> pa.Array:
    """A column of Python values, None for NULL; every form of value that `sqlfront.types` names is taken.

    Raises:
        As `coerce_typmod`, when the values do not fit the type modifier.
    """
    column = codec_for(sql_type).array(list(values))
    return coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False)


def python_values(column: pa.Array, sql_type: SqlType) -> list[Any]:
    """The Python values of a column, None for NULL; the inverse of `array_of_values`."""
    return codec_for(sql_type).python_values(column)


def text_array(column: pa.Array, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """(n,) column -> (n,) utf8 by the type's output function; NULL stays NULL."""
    return codec_for(sql_type).text_column(column, context_of(settings))


def parse_text_array(strings: pa.Array, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """(n,) utf8 -> (n,) column by the type's input function.

    Raises:
        As `decode_parameter`; the message names the first bad value.
    """
    column = codec_for(sql_type).parse_text_column(strings, context_of(settings))
    return coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False)


def binary_array(column: pa.Array, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """(n,) column -> (n,) binary (or fixed_size_binary) of the type's binary form; NULL stays NULL."""
    return codec_for(sql_type).binary_column(column, context_of(settings))


def parse_binary_array(cells: pa.Array, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """(n,) binary -> (n,) column.

    Raises:
        InvalidBinaryRepresentation: 22P03. InsufficientData: 08P01.
    """
    column = codec_for(sql_type).parse_binary_column(cells, context_of(settings))
    return coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False)


def parse_binary_matrix(matrix: Bytes, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """`parse_binary_array` of (n, width) uint8 values that have one width and lie where they lie in a stream."""
    column = codec_for(sql_type).parse_binary_matrix(matrix, context_of(settings))
    return coerce_typmod(column, sql_type.without_typmod(), sql_type, explicit=False)


def parse_utf8_array(cells: pa.Array, sql_type: SqlType, settings: CodecSettings) -> pa.Array:
    """`parse_text_array` of bytes that have not been checked yet.

    Raises:
        CharacterNotInRepertoire: 22021, not UTF-8 or with a zero byte.
    """
    return parse_text_array(utf8_column(cells), sql_type, settings)


def null_array(count: int, sql_type: SqlType) -> pa.Array:
    """A column of NULLs."""
    return pa.nulls(count, arrow_type(sql_type))
