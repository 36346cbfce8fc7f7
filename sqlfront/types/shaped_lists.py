"""Arrays of any shape (`foundation.shaped_arrays`): text `[0:1][1:2]={{1,2},{3,4}}`, binary with a header a dimension.

What arrays of this form cost is 1 to 2 us an element, both ways: they are rare, and put together row by row.
https://www.postgresql.org/docs/16/arrays.html#ARRAYS-IO
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa

from foundation.shaped_arrays import ShapedArray, from_stored, items_of, shaped_column, shaped_values
from foundation.sqltypes import SqlType
from sqlfront.types.array_text import read_array
from sqlfront.types.codec import Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.lists import join_binary, list_codec, quote_items, split_binary
from sqlfront.types.vectors import list_column, list_parts


class ShapedListCodec(Codec):
    """`array_type` in the shaped form over an element codec. Values are `ShapedArray`s."""

    def __init__(self, sql_type: SqlType, plain: SqlType, element: Codec) -> None:
        super().__init__(sql_type)
        self.element = element
        self._lists = list_codec(plain, element)

    def decode_text(self, text: str, context: CodecContext) -> ShapedArray:
        texts, lengths, lower_bounds = read_array(text)
        items = [None if item is None else self.element.decode_text(item, context) for item in texts]
        return ShapedArray.of(items, lengths, lower_bounds)

    def encode_text(self, value: ShapedArray | dict[str, Any], context: CodecContext) -> str:
        """`value` may be as a column's scalar gives it, which is what storage's messages show."""
        if isinstance(value, dict):
            value = from_stored(value)
        return str(self.text_column(self.array([value]), context)[0].as_py())

    def decode_binary(self, data: bytes, context: CodecContext) -> ShapedArray:
        cells, lengths, lower_bounds = split_binary(data, self.element)
        items = [None if cell is None else self.element.decode_binary(cell, context) for cell in cells]
        return ShapedArray.of(items, lengths, lower_bounds)

    def encode_binary(self, value: ShapedArray, context: CodecContext) -> bytes:
        cells = [None if item is None else self.element.encode_binary(item, context) for item in value.items]
        return join_binary(cells, value.lengths, value.lower_bounds, self.element.sql_type.oid)

    # -- columns

    def values(self, column: pa.Array) -> list[ShapedArray | None]:
        return self._read(column, self._lists.values)

    def python_values(self, column: pa.Array) -> list[ShapedArray | None]:
        return self._read(column, self._lists.python_values)

    def _read(self, column: pa.Array, values_of: Callable[[pa.Array], list[Any]]) -> list[ShapedArray | None]:
        return shaped_values(column, values_of(items_of(column)))

    def array(self, values: list[ShapedArray | None]) -> pa.Array:
        items = self._lists.array([None if value is None else value.items for value in values])
        return shaped_column(items, [None if value is None else value.shape for value in values])

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        offsets, items = list_parts(items_of(column))
        texts = quote_items(self.element.text_column(items, context)).to_pylist()
        rows = shaped_values(column, [texts[start:end] for start, end in pairwise(offsets.tolist())])
        return pa.array([None if row is None else joined_text(row) for row in rows], pa.utf8())

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        found = [None if text is None else read_array(text) for text in strings.to_pylist()]
        flat = pa.array([item for row in found if row is not None for item in row[0]], pa.utf8())
        return self._listed(self.element.parse_text_column(flat, context), found)

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        found = [None if cell is None else split_binary(cell, self.element) for cell in cells.to_pylist()]
        flat = pa.array([item for row in found if row is not None for item in row[0]], pa.binary())
        return self._listed(self.element.parse_binary_column(flat, context), found)

    def _listed(self, items: pa.Array, rows: list[Any]) -> pa.Array:
        """The column of all rows' elements and of what was read of each row: (its elements, lengths, lower bounds)."""
        lengths = [0 if row is None else len(row[0]) for row in rows]
        valid = pa.array([row is not None for row in rows]).to_numpy(zero_copy_only=False)
        lists = list_column(pa.array([0, *accumulate(lengths)]).to_numpy(), items, valid)
        return shaped_column(lists, [None if row is None else ShapedArray.of(*row).shape for row in rows])


def joined_text(value: ShapedArray) -> str:
    """What the type's output function prints of an array of the quoted texts of its elements."""
    if not value.lengths:
        return "{}"
    texts: list[str] = value.items
    for length in reversed(value.lengths):
        texts = ["{" + ",".join(texts[i : i + length]) + "}" for i in range(0, len(texts), length)]
    if set(value.lower_bounds) == {1}:
        return texts[0]
    return f"{value.bounds_text()}={texts[0]}"
