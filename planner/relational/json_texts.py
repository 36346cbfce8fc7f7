"""Values of any type as json texts, as to_json() prints them.

Source: https://www.postgresql.org/docs/15/functions-json.html (JSON Creation Functions); numbers and booleans
bare, json as it is, dates in ISO 8601, everything else its text form as a json string.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidParameterValue, NullValueNotAllowed
from foundation.row_types import is_row_type, row_shape
from foundation.shaped_arrays import items_of, shaped_values
from foundation.sqltypes import BOOL, NUMERIC, SqlType, element_type, is_shaped, plain_type
from planner import bound
from planner.functions.implementations_json import canonical_jsonb, parse_json
from planner.services import ExecutionContext

_INTEGERS = frozenset((20, 21, 23, 26, 28, 29))
_FLOATS = frozenset((700, 701))
_JSON = frozenset((114, 3802))
_TIMESTAMPS = frozenset((1114, 1184))


def json_texts(
    column: pa.Array, sql_type: SqlType, context: ExecutionContext, *, separator: str = ","
) -> list[str | None]:
    """(n,) column -> n json texts, None for NULL. `separator` stands between array elements."""
    if is_shaped(sql_type):
        return _nested_texts(column, plain_type(sql_type), context, separator)
    element = element_type(sql_type)
    if element is not None:
        flat = iter(json_texts(column.flatten(), element, context))
        lengths = column.value_lengths().to_pylist()
        return [
            None
            if length is None
            else "[" + separator.join(next(flat) or "null" for _ in range(length)) + "]"
            for length in lengths
        ]
    shape = row_shape(sql_type)
    if shape is not None:
        columns = context.codecs.record_fields(column, sql_type)
        fields = [json_texts(field, kind, context) for field, kind in zip(columns, shape.types)]
        objects = _objects(shape.names, fields, len(column), separator)
        return [text if valid else None for text, valid in zip(objects, column.is_valid().to_pylist())]
    if sql_type.oid == BOOL.oid:
        return [None if value is None else "true" if value else "false" for value in column.to_pylist()]
    texts: list[str | None] = context.codecs.to_text(column, sql_type).to_pylist()
    if sql_type.oid in _JSON or sql_type.oid in _INTEGERS:
        return texts
    quote = _number if sql_type.oid in _FLOATS or sql_type.oid == NUMERIC.oid else _string
    if sql_type.oid in _TIMESTAMPS:
        quote = _timestamp
    return [None if text is None else quote(text) for text in texts]


def _nested_texts(
    column: pa.Array, sql_type: SqlType, context: ExecutionContext, separator: str
) -> list[str | None]:
    """Arrays of any shape as arrays in arrays; the separator stands between those of the outermost one."""
    element = element_type(sql_type)
    assert element is not None
    flat = iter(json_texts(items_of(column).flatten(), element, context))
    found: list[str | None] = []
    lengths = items_of(column).value_lengths().fill_null(0).to_pylist()
    for array in shaped_values(column, ([next(flat) or "null" for _ in range(count)] for count in lengths)):
        if array is None:
            found.append(None)
            continue
        parts = array.items
        for length in reversed(array.lengths[1:]):
            parts = [f"[{','.join(parts[i : i + length])}]" for i in range(0, len(parts), length)]
        found.append(f"[{separator.join(parts)}]")
    return found


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(text: str) -> str:
    return text if math.isfinite(float(text)) or text[-1].isdigit() else _string(text)


def _timestamp(text: str) -> str:
    """`2024-01-01 10:00:00+00` -> `"2024-01-01T10:00:00+00:00"`."""
    date, _, time = text.partition(" ")
    has_short_zone = len(time) > 3 and time[-3] in "+-"
    return _string(f"{date}T{time}{':00' if has_short_zone else ''}" if time else date)


Builder = Callable[[Sequence[pa.Array], int], pa.Array]
"""Argument columns and the number of rows to json texts."""


@dataclass(frozen=True, slots=True)
class JsonShape:
    """How one json value is made of columns: of one of a type, or as an object of a row's fields."""

    type: SqlType | None = None
    fields: tuple[JsonShape, ...] = ()
    names: tuple[str, ...] = ()


def shape_of(expression: bound.Expression) -> tuple[JsonShape, list[bound.Expression]]:
    """The shape of an expression, and the expressions whose columns it is made of, in order."""
    if not isinstance(expression, bound.RowLiteral):
        return JsonShape(expression.sql_type), [expression]
    parts = [shape_of(item) for item in expression.items]
    row = row_shape(expression.type)
    assert row is not None, "a row literal knows its fields"
    return JsonShape(None, tuple(shape for shape, _ in parts), row.names), [
        leaf for _, leaves in parts for leaf in leaves
    ]


def _shaped_texts(
    shape: JsonShape,
    columns: Iterator[pa.Array],
    context: ExecutionContext,
    row_count: int,
    separator: str = ",",
) -> list[str | None]:
    if shape.type is not None:
        return json_texts(next(columns), shape.type, context, separator=separator)
    fields = [_shaped_texts(field, columns, context, row_count) for field in shape.fields]
    return _objects(shape.names, fields, row_count, separator)


def _objects(
    names: Sequence[str], fields: Sequence[list[str | None]], row_count: int, separator: str
) -> list[str | None]:
    """An object for each row."""
    keys = [f"{_string(name)}:" for name in names]
    return [
        "{" + separator.join(key + (field[row] or "null") for key, field in zip(keys, fields)) + "}"
        for row in range(row_count)
    ]


def to_json_evaluator(
    source: SqlType | JsonShape, context: ExecutionContext, *, is_jsonb: bool, is_pretty: bool = False
) -> Builder:
    """Evaluator of to_json, to_jsonb, row_to_json and array_to_json; `is_pretty` puts a line break behind each element."""
    shape = source if isinstance(source, JsonShape) else JsonShape(source)

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts = _shaped_texts(shape, iter(columns), context, row_count, ",\n " if is_pretty else ",")
        return pa.array([_canonical(text, is_jsonb) for text in texts], pa.utf8())

    return evaluate


def _no_key() -> NullValueNotAllowed:
    return NullValueNotAllowed("null value not allowed for object key")


def check_key(shape: JsonShape) -> None:
    """Raises InvalidParameterValue (22023) for a type that makes no name of a member."""
    kind = shape.type
    if (
        kind is None
        or kind.oid in _JSON
        or is_row_type(kind.oid)
        or element_type(plain_type(kind)) is not None
    ):
        raise InvalidParameterValue("key value must be scalar, not array, composite, or json")


def json_key_evaluator(source: SqlType, context: ExecutionContext) -> Builder:
    """Evaluator of the key of json[b]_object_agg. Raises 22004 for NULL, 22023 for an array or json."""
    check_key(JsonShape(source))

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts = json_texts(columns[0], source, context)
        if any(text is None for text in texts):
            raise _no_key()
        return pa.array([_key(text) for text in texts if text is not None], pa.utf8())

    return evaluate


def _canonical(text: str | None, is_jsonb: bool) -> str | None:
    return canonical_jsonb(parse_json(text)) if is_jsonb and text is not None else text


def build_evaluator(
    shapes: Sequence[JsonShape], context: ExecutionContext, *, is_object: bool, is_jsonb: bool
) -> Builder:
    """Evaluator of json[b]_build_object and json[b]_build_array.

    Raises:
        InvalidParameterValue: 22023, an odd number of arguments, a key of a type that makes no name.
        NullValueNotAllowed: 22004, a NULL key (from the evaluator).
    """
    if is_object and len(shapes) % 2:
        raise InvalidParameterValue(
            "argument list must have even number of elements",
            hint="The arguments of json_build_object() must consist of alternating keys and values.",
        )

    for shape in shapes[::2] if is_object else ():
        check_key(shape)

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        rest = iter(columns)
        texts = [_shaped_texts(shape, rest, context, row_count) for shape in shapes]
        rows = [[column[row] for column in texts] for row in range(row_count)]
        built = [
            _object(row) if is_object else f"[{', '.join(item or 'null' for item in row)}]" for row in rows
        ]
        return pa.array([_canonical(text, is_jsonb) for text in built], pa.utf8())

    return evaluate


def _object(row: Sequence[str | None]) -> str:
    members = []
    for key, value in zip(row[::2], row[1::2], strict=True):
        if key is None:
            raise _no_key()
        members.append(f"{_key(key)} : {value or 'null'}")
    return "{" + ", ".join(members) + "}"


def _key(text: str) -> str:
    return text if text.startswith('"') else _string(text)


def evaluate_canonical(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(json utf8) -> canonical jsonb utf8."""
    texts: list[Any] = columns[0].to_pylist()
    return pa.array([_canonical(text, True) for text in texts], pa.utf8())
