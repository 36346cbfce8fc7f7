"""The contract of a type's codec: text and binary form, of one value and of a whole column.

A codec is made for one SqlType. It must give the four functions for single values; the column functions here
loop over them and are overridden where a type is common enough for speed to matter. Type modifiers are not
applied here: `typmod` does that to the decoded value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import pyarrow as pa

from foundation.errors import InvalidBinaryRepresentation, InvalidTextRepresentation
from foundation.sqltypes import TYPES, SqlType, arrow_type
from sqlfront.types.columns import Bytes, array_of_matrix
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData

WHITESPACE = " \t\n\r\v\f"
"""What C's isspace() accepts, and so PostgreSQL's input functions around a value."""


class Codec(ABC):
    """Text and binary forms of one type.

    Values are the Python values described in `sqlfront.types`; columns are Arrow arrays of `arrow_type`, NULLs
    stay NULLs. Input functions raise PostgreSQL's errors: 22P02, 22P03, 22003, 22007, 22008, 08P01, ...
    """

    binary_bytes: ClassVar[int] = -1
    """Width of the binary form, -1 when it varies."""

    def __init__(self, sql_type: SqlType) -> None:
        self.sql_type = sql_type.without_typmod()
        self.arrow_type = arrow_type(self.sql_type)
        self.type_name = TYPES[sql_type.oid].sql_name

    @abstractmethod
    def decode_text(self, text: str, context: CodecContext) -> Any:
        """A value from its text form."""

    @abstractmethod
    def encode_text(self, value: Any, context: CodecContext) -> str:
        """What the type's output function prints."""

    @abstractmethod
    def decode_binary(self, data: bytes, context: CodecContext) -> Any:
        """A value from its binary form."""

    @abstractmethod
    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        """The binary form."""

    def values(self, column: pa.Array) -> list[Any]:
        """The column's values in a form that `encode_text` and `encode_binary` take, None for NULL."""
        values: list[Any] = column.to_pylist()
        return values

    def python_values(self, column: pa.Array) -> list[Any]:
        """The column's values in the form that `decode_text` returns, None for NULL."""
        return self.values(column)

    def array(self, values: list[Any]) -> pa.Array:
        """A column of decoded values, None for NULL."""
        return pa.array(values, self.arrow_type)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        """(n,) utf8."""
        texts = [None if v is None else self.encode_text(v, context) for v in self.values(column)]
        return pa.array(texts, pa.utf8())

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        """(n,) utf8 -> (n,) `arrow_type`."""
        return self.array([None if t is None else self.decode_text(t, context) for t in strings.to_pylist()])

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        """(n,) binary, or fixed_size_binary where all values have one width."""
        cells = [None if v is None else self.encode_binary(v, context) for v in self.values(column)]
        return pa.array(cells, pa.binary())

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        """(n,) binary -> (n,) `arrow_type`."""
        return self.array([None if c is None else self.decode_binary(c, context) for c in cells.to_pylist()])

    def parse_binary_matrix(self, matrix: Bytes, context: CodecContext) -> pa.Array:
        """(n, width) binary forms of n values, none NULL, as they lie in a stream -> (n,) `arrow_type`."""
        return self.parse_binary_column(array_of_matrix(matrix, arrow_type=pa.binary()), context)

    def syntax_error(self, text: str, detail: str | None = None) -> InvalidTextRepresentation:
        return InvalidTextRepresentation(
            f'invalid input syntax for type {self.type_name}: "{text}"', detail=detail
        )


def check_width(data: bytes, width: int) -> None:
    """A fixed-width binary value must have exactly `width` bytes.

    Raises:
        InsufficientData: 08P01, too short.
        InvalidBinaryRepresentation: 22P03, too long.
    """
    if len(data) < width:
        raise InsufficientData("insufficient data left in message")
    if len(data) > width:
        raise InvalidBinaryRepresentation("incorrect binary data format")
