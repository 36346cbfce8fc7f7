"""Set-returning functions computed by us, one call at a time: arguments in, rows out.

Each takes the Python values of its arguments (none is NULL: these functions are strict) and yields tuples, one
item per result column. Texts of json elements keep the form PostgreSQL gives them: json as written, jsonb
canonical.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from foundation.errors import InvalidParameterValue
from planner.functions.implementations_json import canonical_jsonb, jsonb_key_order, parse_json
from planner.functions.implementations_regex import matches, split_to_table
from planner.functions.json_path.kernels import json_path_rows
from planner.functions.zone_names import time_zone_rows
from planner.relational.numeric_kernels import canonical, display_scale, text_of
from planner.text_search.parser_rows import debugged, parsed, token_types
from planner.text_search.vector_changes import unnested

Rows = Iterable[tuple[Any, ...]]


def _string_to_table(text: str, delimiter: str, null_text: str | None = None) -> Rows:
    for piece in text.split(delimiter) if text and delimiter else [text] if text else []:
        yield (None if piece == null_text else piece,)


def _generate_numeric(start: str, stop: str, step: str = "1") -> Rows:
    first, last, by = Decimal(start), Decimal(stop), Decimal(step)
    if not by:
        raise InvalidParameterValue("step size cannot equal zero")
    if not (first.is_finite() and last.is_finite() and by.is_finite()):
        raise InvalidParameterValue("start, stop and step of generate_series must be finite")
    scale = max(display_scale(first), display_scale(by))
    while first <= last if by > 0 else first >= last:
        yield (text_of(first, scale),)
        first += by


def _expand_array(array: list[Any]) -> Rows:
    yield from ((item, number) for number, item in enumerate(array, 1))


# -- json ---------------------------------------------------------------------------------------------------


def _elements(text: str) -> list[Any]:
    value = parse_json(text)
    if not isinstance(value, list):
        kind = "an object" if isinstance(value, dict) else "a scalar"
        raise InvalidParameterValue(f"cannot extract elements from {kind}")
    return value


def _members(text: str) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        kind = "an array" if isinstance(value, list) else "a scalar"
        raise InvalidParameterValue(f"cannot deconstruct {kind}")
    return value


def _as_text(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else canonical_jsonb(value)


def json_pieces(text: str) -> Iterator[tuple[str | None, str]]:
    """(key or None, exact text) of the members or elements of a json text."""
    decoder = json.JSONDecoder()
    is_object = text.lstrip()[0] == "{"
    position = text.index("{" if is_object else "[") + 1
    while True:
        position = _skip(text, position, " \t\r\n,")
        if text[position] in "}]":
            return
        key = None
        if is_object:
            key, position = decoder.raw_decode(text, position)
            position = _skip(text, position, " \t\r\n:")
        _, end = decoder.raw_decode(text, position)
        yield key, text[position:end]
        position = end


def _skip(text: str, position: int, characters: str) -> int:
    while text[position] in characters:
        position += 1
    return position


def _json_array_elements(text: str) -> Rows:
    _elements(text)
    return ((piece,) for _, piece in json_pieces(text))


def _json_each(text: str) -> Rows:
    _members(text)
    return json_pieces(text)


def _jsonb_each(text: str) -> Rows:
    members = _members(text)
    return ((key, canonical_jsonb(members[key])) for key in sorted(members, key=jsonb_key_order))


def _json_each_text(text: str) -> Rows:
    return ((key, _as_text(parse_json(piece))) for key, piece in _json_each(text))


def _jsonb_each_text(text: str) -> Rows:
    members = _members(text)
    return ((key, _as_text(members[key])) for key in sorted(members, key=jsonb_key_order))


def _options_to_table(options: list[str]) -> Rows:
    """name=value texts, as pg_class.reloptions keeps them; an option without a value has NULL."""
    for option in options:
        name, equals, value = option.partition("=")
        yield name, value if equals else None


SET_FUNCTIONS: dict[str, Callable[..., Rows]] = {
    "pg_options_to_table": _options_to_table,
    "pg_timezone_names": time_zone_rows,
    "regexp_split_to_table": split_to_table,
    "regexp_matches": matches,
    "string_to_table": _string_to_table,
    "generate_series": _generate_numeric,
    "_pg_expandarray": _expand_array,
    "json_array_elements": _json_array_elements,
    "jsonb_array_elements": lambda text: ((canonical_jsonb(item),) for item in _elements(text)),
    "json_array_elements_text": lambda text: ((_as_text(item),) for item in _elements(text)),
    "jsonb_array_elements_text": lambda text: ((_as_text(item),) for item in _elements(text)),
    "json_object_keys": lambda text: ((key,) for key, _ in _json_each(text)),
    "jsonb_object_keys": lambda text: ((key,) for key in sorted(_members(text), key=jsonb_key_order)),
    "json_each": _json_each,
    "jsonb_each": _jsonb_each,
    "json_each_text": _json_each_text,
    "jsonb_each_text": _jsonb_each_text,
    "jsonb_path_query": json_path_rows,
    "ts_parse": parsed,
    "ts_token_type": token_types,
    "unnest": unnested,
}
"""By name. This unnest() is that of tsvector."""

SET_FUNCTIONS_OF_SETTING: dict[str, tuple[str, str, Callable[..., Rows]]] = {
    "jsonb_path_query_tz": ("TimeZone", "zone", json_path_rows),
    "ts_debug": ("default_text_search_config", "default", debugged),
}
"""Those that depend on a setting: its name, and the argument by which they are given it."""

SESSION_SET_FUNCTIONS = frozenset(
    ("aclexplode", "pg_get_keywords", "pg_partition_ancestors", "pg_partition_tree", "quiver_recall")
)
"""Those that the session answers."""

__all__ = ["SESSION_SET_FUNCTIONS", "SET_FUNCTIONS", "SET_FUNCTIONS_OF_SETTING", "canonical", "json_pieces"]
