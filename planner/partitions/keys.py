"""Values of partition keys as Python values that compare as PostgreSQL compares the type.

A range's end is a tuple of `(side, key)`: side 0 for values, -1 and 1 for MINVALUE and MAXVALUE, so that tuples of ends and of
rows compare as the ranges are ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from foundation.sqltypes import TYPES, SqlType, arrow_type
from planner.btree.column_order import KEYS
from storage.partition_objects import MAXVALUE, RangeLimit

Key: TypeAlias = Any
End: TypeAlias = tuple[tuple[int, Key], ...]
Decoder: TypeAlias = Callable[[SqlType, str], Any]
"""A value's text under default settings -> the Python value that Arrow takes."""

_ENUM_CATEGORY = "E"
LOWEST, HIGHEST = (-1, None), (1, None)


def is_ordered(sql_type: SqlType) -> bool:
    """Whether the values of a type can divide rows by LIST or RANGE here."""
    return sql_type.oid in KEYS or TYPES[sql_type.oid].category == _ENUM_CATEGORY


def key_function(sql_type: SqlType) -> Callable[[pa.Scalar], Key]:
    """Value -> key; an enum's value is stored as its position, which is its order."""
    return KEYS.get(sql_type.oid, _position)


def _position(label: pa.Scalar) -> Key:
    return label.as_py()


def key_of_text(text: str, sql_type: SqlType, decode: Decoder) -> Key:
    """The key of a bound's value."""
    scalar = pa.array([decode(sql_type, text)], arrow_type(sql_type))[0]
    return key_function(sql_type)(scalar)


def end_of(limits: Sequence[RangeLimit], types: Sequence[SqlType], decode: Decoder) -> End:
    """A range's end, comparable. Behind MINVALUE or MAXVALUE no column means anything."""
    found: list[tuple[int, Key]] = []
    for limit, sql_type in zip(limits, types, strict=True):
        if limit.unbounded:
            found.append(HIGHEST if limit.unbounded == MAXVALUE else LOWEST)
            break
        found.append((0, key_of_text(limit.value, sql_type, decode)))
    return tuple(found)


def column_keys(column: pa.Array, sql_type: SqlType) -> list[Key | None]:
    """(n,) keys of a column, None for NULL; each distinct value is looked at once."""
    to_key = key_function(sql_type)
    if pa.types.is_nested(column.type):
        return [to_key(value) if value.is_valid else None for value in column]
    encoded = column.dictionary_encode()
    keys = [to_key(value) for value in encoded.dictionary]
    return [None if index is None else keys[index] for index in encoded.indices.to_pylist()]
