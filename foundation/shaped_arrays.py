"""Arrays of any shape: several dimensions, and bounds that do not begin at 1.

The type of an array says nothing of its dimensions in PostgreSQL. Here it has two forms: the plain one, of one dimension
that begins at 1 (list<element>), and the shaped one, which holds any array. A value of the shaped form is a pair:

  items   the elements in row-major order, the last dimension fastest
  shape   int32: number of dimensions n, then n lengths, then n lower bounds; [0] for an empty array

`'[0:1][1:2]={{1,2},{3,4}}'` is items [1, 2, 3, 4], shape [2, 2, 2, 0, 1]. Pairs order as PostgreSQL orders arrays: by elements,
then by the number of dimensions, then by their lengths and bounds (array_cmp in arrayfuncs.c).
https://www.postgresql.org/docs/16/arrays.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import ArrayShapeNotSupported

DIMENSIONS_MAX = 6
"""MAXDIM in PostgreSQL."""
ITEMS_MAX = 134_217_727
"""MaxArraySize in PostgreSQL."""


class ShapedArray(NamedTuple):
    """One array as columns store it, so that `pa.array` takes it as it is."""

    items: list[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, items: list[Any], lengths: Sequence[int], lower_bounds: Sequence[int]) -> ShapedArray:
        """An array of its elements, and the length and lower bound of each dimension."""
        return cls(items, (len(lengths), *lengths, *lower_bounds))

    @property
    def lengths(self) -> tuple[int, ...]:
        return self.shape[1 : self.shape[0] + 1]

    @property
    def lower_bounds(self) -> tuple[int, ...]:
        return self.shape[self.shape[0] + 1 :]

    @property
    def item_count(self) -> int:
        """How many elements the lengths ask for."""
        return prod(self.lengths) if self.lengths else 0

    @property
    def upper_bounds(self) -> tuple[int, ...]:
        return tuple(low + count - 1 for low, count in zip(self.lower_bounds, self.lengths))

    def bounds_text(self) -> str:
        """`[0:1][1:2]`."""
        return "".join(f"[{low}:{high}]" for low, high in zip(self.lower_bounds, self.upper_bounds))

    def is_plain(self) -> bool:
        """Whether the plain form holds it, too."""
        return not self.lengths or self.lower_bounds == (1,)


EMPTY = ShapedArray([], (0,))


def plain_array(items: Sequence[Any]) -> ShapedArray:
    """An array of one dimension that begins at 1."""
    return ShapedArray(list(items), (1, len(items), 1)) if items else EMPTY


def from_stored(stored: dict[str, Any]) -> ShapedArray:
    """A value as `as_py()` of a column's scalar gives it."""
    return ShapedArray(stored["items"], tuple(stored["shape"]))


def shaped_values(column: pa.Array, lists: Iterable[Sequence[Any] | None]) -> list[ShapedArray | None]:
    """The values of a shaped column, None for NULL, over the elements of each row in any form, which `lists` has."""
    rows = zip(shapes_of(column).to_pylist(), lists, strict=True)
    return [None if shape is None else ShapedArray(list(items or ()), tuple(shape)) for shape, items in rows]


def shaped_column(items: pa.Array, shapes: Iterable[Sequence[int] | None]) -> pa.Array:
    """A shaped column of (n,) lists and their n shapes; NULL where the list is."""
    shape_column = pa.array(shapes, pa.list_(pa.int32()))
    return _paired(items, shape_column)


def _paired(items: pa.Array, shapes: pa.Array) -> pa.Array:
    fields = [pa.field("items", items.type), pa.field("shape", shapes.type)]
    return pa.StructArray.from_arrays([items, shapes], fields=fields, mask=items.is_null())


def items_of(column: pa.Array) -> pa.Array:
    """(n,) lists of the elements of a shaped column."""
    return pc.struct_field(column, 0)


def shapes_of(column: pa.Array) -> pa.Array:
    """(n,) lists of int32, the shapes of a shaped column."""
    return pc.struct_field(column, 1)


def with_items(column: pa.Array, items: pa.Array) -> pa.Array:
    """Arrays of the same shapes over other lists."""
    return _paired(items, shapes_of(column))


def widened(lists: pa.Array) -> pa.Array:
    """A plain column as a shaped one."""
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0)).astype(np.int32)
    is_filled = lengths > 0
    starts = np.concatenate(([0], np.cumsum(np.where(is_filled, 3, 1)))).astype(np.int32)
    numbers = np.zeros(int(starts[-1]), np.int32)
    filled = starts[:-1][is_filled]
    numbers[filled] = 1
    numbers[filled + 1] = lengths[is_filled]
    numbers[filled + 2] = 1
    return _paired(lists, pa.ListArray.from_arrays(pa.array(starts), pa.array(numbers)))


def narrowed(column: pa.Array) -> pa.Array:
    """A shaped column as a plain one.

    Raises:
        ArrayShapeNotSupported: 0A000, a value has several dimensions, or a lower bound that is not 1.
    """
    lists = items_of(column)
    if not shapes_of(column).equals(shapes_of(widened(lists))):
        raise several_dimensions()
    return lists


def several_dimensions() -> ArrayShapeNotSupported:
    """What is said where only the plain form is understood."""
    return ArrayShapeNotSupported(
        "an array of several dimensions, or with a lower bound other than 1, is not supported here",
        hint="Declare the type with a pair of brackets for each dimension, for example integer[][].",
    )
