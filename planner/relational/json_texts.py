"""Values of any type as json texts, as to_json() prints them.

Source: https://www.postgresql.org/docs/15/functions-json.html (JSON Creation Functions); numbers and booleans
bare, json as it is, dates in ISO 8601, everything else its text form as a json string.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from foundation.errors import InvalidParameterValue
from foundation.sqltypes import BOOL, NUMERIC, SqlType, element_type
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
    element = element_type(sql_type)
    if element is not None:
        flat = iter(json_texts(column.flatten(), element, context, separator=separator))
        lengths = column.value_lengths().to_pylist()
        return [
            None
            if length is None
            else "[" + separator.join(next(flat) or "null" for _ in range(length)) + "]"
            for length in lengths
        ]
    if sql_type.oid == BOOL.oid:
        return [None if value is None else "true" if value else "false" for value in column.to_pylist()]
    texts: list[str | None] = context.codecs.to_text(column, sql_type).to_pylist()
    if sql_type.oid in _JSON or sql_type.oid in _INTEGERS:
        return texts
    quote = _number if sql_type.oid in _FLOATS or sql_type.oid == NUMERIC.oid else _string
    if sql_type.oid in _TIMESTAMPS:
        quote = _timestamp
    return [None if text is None else quote(text) for text in texts]


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


def to_json_evaluator(source: SqlType, context: ExecutionContext, *, is_jsonb: bool) -> Builder:
    """Evaluator of to_json / to_jsonb of one argument."""

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts = json_texts(columns[0], source, context)
        return pa.array([_canonical(text, is_jsonb) for text in texts], pa.utf8())

    return evaluate


def json_key_evaluator(source: SqlType, context: ExecutionContext) -> Builder:
    """Evaluator of the key of json[b]_object_agg. Raises 22023 for NULL."""

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts = json_texts(columns[0], source, context)
        if any(text is None for text in texts):
            raise InvalidParameterValue("field name must not be null")
        return pa.array([_key(text) for text in texts if text is not None], pa.utf8())

    return evaluate


def _canonical(text: str | None, is_jsonb: bool) -> str | None:
    return canonical_jsonb(parse_json(text)) if is_jsonb and text is not None else text


def build_evaluator(
    sources: Sequence[SqlType], context: ExecutionContext, *, is_object: bool, is_jsonb: bool
) -> Builder:
    """Evaluator of json[b]_build_object and json[b]_build_array.

    Raises:
        InvalidParameterValue: 22023, for a NULL key or an odd number of arguments.
    """
    if is_object and len(sources) % 2:
        raise InvalidParameterValue(
            "argument list must have even number of elements",
            hint="The arguments of json_build_object() must consist of alternating keys and values.",
        )

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        texts = [json_texts(column, source, context) for column, source in zip(columns, sources, strict=True)]
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
            raise InvalidParameterValue("null value not allowed for object key")
        members.append(f"{_key(key)} : {value or 'null'}")
    return "{" + ", ".join(members) + "}"


def _key(text: str) -> str:
    return text if text.startswith('"') else _string(text)


def evaluate_canonical(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(json utf8) -> canonical jsonb utf8."""
    texts: list[Any] = columns[0].to_pylist()
    return pa.array([_canonical(text, True) for text in texts], pa.utf8())
