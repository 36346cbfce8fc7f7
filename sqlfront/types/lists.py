"""Arrays of any type with a codec in the plain form, one dimension from 1, and int2vector, oidvector.

Text is `{1,NULL,"a b"}` with PostgreSQL's quoting; binary is int32 dimension count, NULL flag, element OID, then
per dimension length and lower bound, then sized elements. Arrays of other shapes have a codec of their own
(`shaped_lists`); here they are refused (0A000). https://www.postgresql.org/docs/16/arrays.html#ARRAYS-IO
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DatatypeMismatch, InvalidBinaryRepresentation, ProgramLimitExceeded
from foundation.shaped_arrays import DIMENSIONS_MAX, several_dimensions
from foundation.sqltypes import INT2VECTOR, OIDVECTOR, TYPES, SqlType
from sqlfront.types.array_text import Numbers, split_plain_array
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.columns import byte_set, bytes_of, concat_cells, mask_of, only_bytes
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.vectors import list_column, list_parts

_HEADER = struct.Struct("!iiI")
_DIMENSION = struct.Struct("!ii")
_LENGTH = struct.Struct("!i")

_SPECIAL = '"\\{},' + WHITESPACE
_NOT_SPECIAL = ~byte_set(_SPECIAL.encode())
_NEEDS_QUOTES = r'(?i)^$|^null$|["\\{},\s\v]'
_NEEDS_QUOTES_ONE = re.compile(r'^$|^null$|["\\{}, \t\n\r\v\f]', re.IGNORECASE | re.ASCII)


def quote_item(text: str) -> str:
    """An element as it stands between braces."""
    if not _NEEDS_QUOTES_ONE.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quote_items(texts: pa.Array) -> pa.Array:
    """`quote_item` over a utf8 column; NULL becomes the word NULL."""
    _, offsets = bytes_of(texts)
    is_simple = bool((np.diff(offsets) > 4).all()) and only_bytes(texts, _NOT_SPECIAL)
    if not is_simple:
        needs_quotes = pc.match_substring_regex(texts, _NEEDS_QUOTES)
        if pc.any(needs_quotes).as_py():
            escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
            quoted = pc.binary_join_element_wise('"', escaped, '"', "")
            texts = pc.if_else(needs_quotes, quoted, texts)
    return texts.fill_null("NULL") if texts.null_count else texts


class ListCodec(Codec):
    """`array_type[]` over an element codec. Values are Python lists."""

    lower_bound = 1

    def __init__(self, sql_type: SqlType, element: Codec) -> None:
        super().__init__(sql_type)
        self.element = element

    # -- one value

    def decode_text(self, text: str, context: CodecContext) -> list[Any]:
        items = split_plain_array(text)
        return [None if item is None else self.element.decode_text(item, context) for item in items]

    def encode_text(self, value: Any, context: CodecContext) -> str:
        texts = [
            "NULL" if item is None else quote_item(self.element.encode_text(item, context)) for item in value
        ]
        return "{" + ",".join(texts) + "}"

    def decode_binary(self, data: bytes, context: CodecContext) -> list[Any]:
        cells = self._split_binary(data)
        return [None if cell is None else self.element.decode_binary(cell, context) for cell in cells]

    def _split_binary(self, data: bytes) -> list[bytes | None]:
        """Element cells of a binary array. Raises FeatureNotSupported (0A000) for another shape than the plain one."""
        cells, lengths, lower_bounds = split_binary(data, self.element)
        if len(lengths) > 1 or lower_bounds not in ((), (self.lower_bound,)):
            raise several_dimensions()
        return cells

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        cells = [None if item is None else self.element.encode_binary(item, context) for item in value]
        is_empty = not cells and self.lower_bound == 1
        lengths, lower_bounds = ((), ()) if is_empty else ((len(cells),), (self.lower_bound,))
        return join_binary(cells, lengths, lower_bounds, self.element.sql_type.oid)

    # -- columns

    def values(self, column: pa.Array) -> list[Any]:
        return self._split(column, self.element.values)

    def python_values(self, column: pa.Array) -> list[Any]:
        return self._split(column, self.element.python_values)

    def _split(self, column: pa.Array, values_of: Callable[[pa.Array], list[Any]]) -> list[Any]:
        """The column's lists, their items read by `values_of`."""
        offsets, items = list_parts(column)
        flat = values_of(items)
        valid = column.is_valid().to_pylist()
        return [flat[offsets[i] : offsets[i + 1]] if valid[i] else None for i in range(len(column))]

    def array(self, values: list[Any]) -> pa.Array:
        lengths = [0 if v is None else len(v) for v in values]
        items = self.element.array([item for v in values if v is not None for item in v])
        valid = None if None not in values else np.array([v is not None for v in values])
        return list_column(np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))), items, valid)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        offsets, items = list_parts(column)
        texts = quote_items(self.element.text_column(items, context))
        joined = pc.binary_join(list_column(offsets, texts, mask_of(column)), ",")
        return pc.binary_join_element_wise("{", joined, "}", "")

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        # Splitting costs about 1 us an element; arrays come as parameters and in COPY of narrow tables.
        split = [None if text is None else split_plain_array(text) for text in strings.to_pylist()]
        lengths = [0 if items is None else len(items) for items in split]
        flat = pa.array([item for items in split if items is not None for item in items], pa.utf8())
        items = self.element.parse_text_column(flat, context)
        return list_column(np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))), items, mask_of(strings))

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        offsets, items = list_parts(column)
        if self.lower_bound != 1:
            return super().binary_column(column, context)
        cells = self.element.binary_column(items, context).cast(pa.binary())
        lengths = np.diff(bytes_of(cells)[1])
        valid = mask_of(cells)
        if valid is not None:
            lengths[~valid] = -1
            cells = cells.fill_null(b"")
        sizes = pa.Array.from_buffers(pa.binary(4), len(cells), [None, pa.py_buffer(lengths.astype(">i4"))])
        bodies = pc.binary_join(list_column(offsets, concat_cells(sizes, cells), mask_of(column)), b"")
        return concat_cells(self._headers(offsets, valid), bodies)

    def _headers(self, offsets: Any, valid: Any) -> pa.Array:
        """The bytes before the elements of each array, as a binary column."""
        counts = np.diff(offsets)
        null_flags = np.zeros(len(counts), np.int64)
        if valid is not None:
            null_prefix = np.concatenate(([0], np.cumsum(~valid)))
            null_flags = (null_prefix[offsets[1:]] > null_prefix[offsets[:-1]]).astype(np.int64)
        fields = np.empty((len(counts), 5), ">i4")
        fields[:, 0] = counts > 0
        fields[:, 1] = null_flags
        fields[:, 2] = self.element.sql_type.oid
        fields[:, 3] = counts
        fields[:, 4] = 1
        headers = pa.Array.from_buffers(pa.binary(20), len(counts), [None, pa.py_buffer(fields)])
        empty = fields[:1, :3].copy()
        empty[:, :2] = 0
        short = pa.scalar(empty.tobytes(), pa.binary())
        return pc.if_else(pa.array(counts > 0), headers.cast(pa.binary()), short)

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        split = [None if cell is None else self._split_binary(cell) for cell in cells.to_pylist()]
        lengths = [0 if items is None else len(items) for items in split]
        flat = pa.array([item for items in split if items is not None for item in items], pa.binary())
        items = self.element.parse_binary_column(flat, context)
        return list_column(np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))), items, mask_of(cells))


class SpacedListCodec(ListCodec):
    """int2vector and oidvector: text is `1 2 3`, the binary lower bound is 0."""

    lower_bound = 0

    def decode_text(self, text: str, context: CodecContext) -> list[Any]:
        return [self.element.decode_text(item, context) for item in text.split()]

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return " ".join(self.element.encode_text(item, context) for item in value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.text_column(self, column, context)

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.parse_text_column(self, strings, context)


def split_binary(data: bytes, element: Codec) -> tuple[list[bytes | None], Numbers, Numbers]:
    """Element cells of a binary array in row-major order, lengths, lower bounds; array_recv in PostgreSQL's arrayfuncs.c.

    Raises:
        InvalidBinaryRepresentation: 22P03. InsufficientData: 08P01. DatatypeMismatch: 42804, of other elements.
        ProgramLimitExceeded: 54000, more than 6 dimensions.
    """
    if len(data) < _HEADER.size:
        raise InsufficientData("insufficient data left in message")
    dimensions, flags, element_oid = _HEADER.unpack_from(data)
    if dimensions < 0:
        raise InvalidBinaryRepresentation(f"invalid number of dimensions: {dimensions}")
    if dimensions > DIMENSIONS_MAX:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({dimensions}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        )
    if flags not in (0, 1):
        raise InvalidBinaryRepresentation("invalid array flags")
    if element_oid != element.sql_type.oid:
        shown = TYPES[element_oid].sql_name if element_oid in TYPES else "???"
        raise DatatypeMismatch(
            f"binary data has array element type {element_oid} ({shown}) "
            f"instead of expected {element.sql_type.oid} ({element.type_name})"
        )
    position = _HEADER.size
    lengths, lower_bounds, count = [], [], 1 if dimensions else 0
    for _ in range(dimensions):
        if len(data) < position + _DIMENSION.size:
            raise InsufficientData("insufficient data left in message")
        length, lower_bound = _DIMENSION.unpack_from(data, position)
        position += _DIMENSION.size
        if length < 0 or length > len(data):
            raise InsufficientData("insufficient data left in message")
        lengths.append(length)
        lower_bounds.append(lower_bound)
        count *= length
    if count * _LENGTH.size > len(data) - position:
        raise InsufficientData("insufficient data left in message")
    cells = _sized_cells(data, position, count)
    return (cells, tuple(lengths), tuple(lower_bounds)) if cells else ([], (), ())


def join_binary(
    cells: list[bytes | None], lengths: Numbers, lower_bounds: Numbers, element_oid: int
) -> bytes:
    """The binary form of an array; the inverse of `split_binary`."""
    parts = [_HEADER.pack(len(lengths), None in cells, element_oid)]
    parts += [_DIMENSION.pack(*pair) for pair in zip(lengths, lower_bounds, strict=True)]
    parts += [_LENGTH.pack(-1) if cell is None else _LENGTH.pack(len(cell)) + cell for cell in cells]
    return b"".join(parts)


def _sized_cells(data: bytes, position: int, count: int) -> list[bytes | None]:
    """`count` cells, each an int32 length (-1 = NULL) and its bytes, that fill the rest of `data`."""
    cells: list[bytes | None] = []
    for _ in range(count):
        if len(data) < position + _LENGTH.size:
            raise InsufficientData("insufficient data left in message")
        size = _LENGTH.unpack_from(data, position)[0]
        position += _LENGTH.size
        if size == -1:
            cells.append(None)
            continue
        if size < 0 or position + size > len(data):
            raise InsufficientData("insufficient data left in message")
        cells.append(data[position : position + size])
        position += size
    if position != len(data):
        raise InvalidBinaryRepresentation("incorrect binary data format")
    return cells


def list_codec(sql_type: SqlType, element: Codec) -> ListCodec:
    """The codec of an array type over its element's."""
    is_spaced = sql_type.oid in (INT2VECTOR.oid, OIDVECTOR.oid)
    return SpacedListCodec(sql_type, element) if is_spaced else ListCodec(sql_type, element)
