"""Set-returning functions, evaluated for one row of arguments: one list of values per result column.

`generate_series` over numbers and timestamps and `unnest` of one array are DuckDB's own; the rest is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from foundation.sqltypes import SqlType, arrow_type
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.implementations_json import (
    canonical_jsonb,
    json_member_spans,
    jsonb_key_order,
    parse_json,
)
from planner.functions.patterns import python_regex
from planner.functions.signature import Function
from planner.services import ExecutionContext

SetFunction = Callable[..., Iterator[tuple[Any, ...]]]
"""Values of one call -> rows of the result."""


def set_rows(
    function: Function, arguments: Sequence[pa.Array], context: ExecutionContext, types: Sequence[SqlType]
) -> list[pa.Array] | None:
    """The rows a set-returning function makes of one row of arguments.

    Args:
        arguments: one-element arrays.
        types: types of the result columns.

    Returns:
        One array per result column, all of the same length; None when a strict function got NULL (no rows).

    Raises:
        FeatureNotSupported: 0A000, the function is not known here.
    """
    produce = _FUNCTIONS.get(function.name)
    if produce is None:
        raise FeatureNotSupported(f"set-returning function {function.name} is not supported")
    values = [argument[0].as_py() for argument in arguments]
    if function.is_strict and None in values:
        return None
    context.cancel_token.check()
    rows = list(produce(*values))
    return [
        pa.array([row[i] if i < len(row) else None for row in rows], arrow_type(sql_type))
        for i, sql_type in enumerate(types)
    ]


def _elements_of(text: str) -> list[Any]:
    value = parse_json(text)
    if not isinstance(value, list):
        kind = "an object" if isinstance(value, dict) else "a scalar"
        raise InvalidParameterValue(f"cannot extract elements from {kind}")
    return value


def _members_of(text: str, function: str) -> list[tuple[str, Any]]:
    value = parse_json(text)
    if not isinstance(value, dict):
        kind = "array" if isinstance(value, list) else "scalar"
        raise InvalidParameterValue(f"cannot call {function} on {'an' if kind == 'array' else 'a'} {kind}")
    return [(key, value[key]) for key in sorted(value, key=jsonb_key_order)]


def _text_of(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else canonical_jsonb(value)


def _jsonb_elements(text: str) -> Iterator[tuple[Any, ...]]:
    return ((canonical_jsonb(item),) for item in _elements_of(text))


def _jsonb_elements_text(text: str) -> Iterator[tuple[Any, ...]]:
    return ((_text_of(item),) for item in _elements_of(text))


def _jsonb_each(text: str) -> Iterator[tuple[Any, ...]]:
    return ((key, canonical_jsonb(value)) for key, value in _members_of(text, "jsonb_each"))


def _jsonb_each_text(text: str) -> Iterator[tuple[Any, ...]]:
    return ((key, _text_of(value)) for key, value in _members_of(text, "jsonb_each_text"))


def _jsonb_keys(text: str) -> Iterator[tuple[Any, ...]]:
    return ((key,) for key, _ in _members_of(text, "jsonb_object_keys"))


def _json_elements(text: str) -> Iterator[tuple[Any, ...]]:
    _elements_of(text)
    return ((span,) for _, span in json_member_spans(text))


def _json_each(text: str) -> Iterator[tuple[Any, ...]]:
    _members_of(text, "json_each")
    return iter(json_member_spans(text))


def _json_span_text(span: str) -> str | None:
    if span == "null":
        return None
    return parse_json(span) if span.startswith('"') else span


def _json_elements_text(text: str) -> Iterator[tuple[Any, ...]]:
    return ((_json_span_text(span),) for (span,) in _json_elements(text))


def _json_each_text(text: str) -> Iterator[tuple[Any, ...]]:
    return ((key, _json_span_text(span)) for key, span in _json_each(text))


def _json_keys(text: str) -> Iterator[tuple[Any, ...]]:
    return ((key,) for key, _ in _json_each(text))


def _split_regex(text: str, pattern: str, flags: str = "") -> Iterator[tuple[Any, ...]]:
    return ((part,) for part in split_by_regex(text, pattern, flags))


def split_by_regex(text: str, pattern: str, flags: str = "") -> list[str]:
    """regexp_split_to_array: a match of nothing at the ends or right after a match does not split."""
    parts, start = [], 0
    for match in python_regex(pattern, "i" in flags).finditer(text):
        if match.end() == match.start() and match.start() in (start, len(text)):
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def _matches(text: str, pattern: str, flags: str = "") -> Iterator[tuple[Any, ...]]:
    expression = python_regex(pattern, "i" in flags)
    found = expression.finditer(text) if "g" in flags else iter(filter(None, [expression.search(text)]))
    return ((list(m.groups()) if expression.groups else [m.group(0)],) for m in found)


def _string_to_table(
    text: str | None, separator: str | None, null_text: str | None = None
) -> Iterator[tuple[Any, ...]]:
    if text is None or text == "":
        return iter(())
    parts = list(text) if separator is None else [text] if separator == "" else text.split(separator)
    return ((None if part == null_text else part,) for part in parts)


def _numeric_series(start: Any, stop: Any, step: Any = "1") -> Iterator[tuple[Any, ...]]:
    value, last, delta = Decimal(start), Decimal(stop), Decimal(step)
    for name, number in (("start", value), ("stop", last), ("step size", delta)):
        if not number.is_finite():
            kind = "NaN" if number.is_nan() else "infinity"
            raise InvalidParameterValue(
                f"{name} value cannot be {kind}" if name != "step size" else f"{name} cannot be {kind}"
            )
    if delta == 0:
        raise InvalidParameterValue("step size cannot equal zero")
    while value <= last if delta > 0 else value >= last:
        yield (numeric_text(value),)
        value += delta


def _unnest(*arrays: list[Any]) -> Iterator[tuple[Any, ...]]:
    length = max((len(array) for array in arrays), default=0)
    return (tuple(array[i] if i < len(array) else None for array in arrays) for i in range(length))


def _expand_array(items: list[Any]) -> Iterator[tuple[Any, ...]]:
    return ((item, number) for number, item in enumerate(items, start=1))


_FUNCTIONS: dict[str, SetFunction] = {
    "jsonb_array_elements": _jsonb_elements, "jsonb_array_elements_text": _jsonb_elements_text,
    "jsonb_each": _jsonb_each, "jsonb_each_text": _jsonb_each_text, "jsonb_object_keys": _jsonb_keys,
    "json_array_elements": _json_elements, "json_array_elements_text": _json_elements_text,
    "json_each": _json_each, "json_each_text": _json_each_text, "json_object_keys": _json_keys,
    "regexp_split_to_table": _split_regex, "regexp_matches": _matches, "string_to_table": _string_to_table,
    "generate_series": _numeric_series, "unnest": _unnest, "_pg_expandarray": _expand_array,
}  # fmt: skip
