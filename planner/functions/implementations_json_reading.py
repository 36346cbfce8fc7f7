"""Reading json and jsonb: ->, ->>, #>, #>>, @>, <@, ?, ?|, ?&.

Members of jsonb are cut out of the canonical text (`json_members.py`), at once for a whole column where the name, index,
path or right side is one constant. json is the text as given, so `->` on json returns the piece of text as it stands there.
https://www.postgresql.org/docs/16/functions-json.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from json import JSONDecoder
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import arrow_type
from planner.functions import json_members
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_json import parse_json
from planner.functions.rowwise import row_kernel

_DECODER = JSONDecoder()

Reader = Callable[[pa.Array, Any], pa.Array]
"""A binary column of documents and what is looked for in all of them, to what is found in each."""


def _reading(read: Reader, *, is_path: bool = False) -> Kernel:
    """A strict kernel of a jsonb column and what is looked for in it, a value or a path."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        documents, *steps = (argument.array for argument in arguments)
        row_count = row_count_of(arguments, site.row_count)
        wanted = _paths([step.to_pylist() for step in steps]) if is_path else steps[0].to_pylist()
        target = arrow_type(site.result_type)
        if not row_count:
            return pa.nulls(0, target)
        documents = documents.cast(pa.binary())
        if len(documents) < row_count:
            documents = documents.take(pa.array(np.zeros(row_count, dtype=np.int64)))
        if not _are_one(wanted):
            rows = zip(range(row_count), wanted)
            found = [None if one is None else read(documents.slice(i, 1), one)[0].as_py() for i, one in rows]
            return pa.array(found, pa.bool_() if target == pa.bool_() else pa.binary()).cast(target)
        if wanted[0] is None:
            return pa.nulls(row_count, target)
        return contiguous(read(documents, wanted[0])).cast(target)

    return kernel


def _are_one(values: list[Any]) -> bool:
    """Whether all rows look for the same: DuckDB hands over constants as columns."""
    first = values[0]
    return all(value is first or value == first for value in values)


def _paths(columns: list[list[Any]]) -> list[list[str | None] | None]:
    """A path a row: given as one text[] (#>, #>>), or as one argument a step (jsonb_extract_path)."""
    if len(columns) == 1 and isinstance(next((one for one in columns[0] if one is not None), None), list):
        return columns[0]
    row_count = max(map(len, columns))
    spread = [column if len(column) == row_count else column * row_count for column in columns]
    return [None if None in row else list(row) for row in zip(*spread)]


def _contains(documents: pa.Array, right: str) -> pa.Array:
    return json_members.contains(documents, parse_json(right), _contains_parsed)


def _contains_parsed(document: bytes, right: Any) -> bool:
    return contains(parse_json(document.decode()), right)


def _has_any(documents: pa.Array, names: list[str | None]) -> pa.Array:
    return _with_each(documents, names, pc.or_, is_all=False)


def _has_all(documents: pa.Array, names: list[str | None]) -> pa.Array:
    return _with_each(documents, names, pc.and_, is_all=True)


def _with_each(documents: pa.Array, names: list[str | None], combine: Any, *, is_all: bool) -> pa.Array:
    found = pa.array(np.full(len(documents), is_all), mask=np.asarray(documents.is_null()))
    for name in names:
        if name is not None:
            found = combine(found, json_members.has_member(documents, name))
    return found


def _skip_blanks(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def json_member_spans(text: str) -> list[tuple[str | int, str]]:
    """Keys (or positions) and exact texts of the members of a json object or array; [] for a scalar."""
    position = _skip_blanks(text, 0)
    spans: list[tuple[str | int, str]] = []
    is_object = text[position] == "{"
    if text[position] not in "{[":
        return []
    position = _skip_blanks(text, position + 1)
    while text[position] not in "}]":
        name: str | int = len(spans)
        if is_object:
            name, position = _DECODER.raw_decode(text, position)
            position = _skip_blanks(text, _skip_blanks(text, position) + 1)
        _, end = _DECODER.raw_decode(text, position)
        spans.append((name, text[position:end]))
        position = _skip_blanks(text, end)
        if text[position] == ",":
            position = _skip_blanks(text, position + 1)
    return spans


def _json_child_span(text: str, key: str | int) -> str | None:
    """The exact text of a member or element of a json text; the last of equal keys."""
    is_object = text.lstrip(" \t\r\n").startswith("{")
    if is_object != isinstance(key, str):
        return None
    spans = json_member_spans(text)
    if isinstance(key, int):
        return spans[key][1] if -len(spans) <= key < len(spans) else None
    return next((span for name, span in reversed(spans) if name == key), None)


def _json_get_text(text: str, key: str | int) -> str | None:
    span = _json_child_span(text, key)
    if span is None or span == "null":
        return None
    return parse_json(span) if span.startswith('"') else span


def _json_extract(text: str, path: list[str | None]) -> str | None:
    found: str | None = text
    for step in path:
        if found is None or step is None:
            return None
        is_array = found.lstrip().startswith("[")
        if is_array and not step.lstrip("-").isdigit():
            return None
        found = _json_child_span(found, int(step) if is_array else step)
    return found


def _json_extract_text(text: str, path: list[str | None]) -> str | None:
    span = _json_extract(text, path)
    if span is None or span == "null":
        return None
    return parse_json(span) if span.startswith('"') else span


def _equal(left: Any, right: Any) -> bool:
    """jsonb equality: true is not 1, numbers compare by value."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def contains(left: Any, right: Any, *, is_top: bool = True) -> bool:
    """left @> right: structure containment; an array may contain a scalar at the top level only."""
    if isinstance(right, dict):
        return isinstance(left, dict) and all(
            key in left and contains(left[key], value, is_top=False) for key, value in right.items()
        )
    if isinstance(right, list):
        return isinstance(left, list) and all(
            any(contains(candidate, item, is_top=False) for candidate in left) for item in right
        )
    if isinstance(left, list):
        return is_top and any(_equal(item, right) for item in left)
    return not isinstance(left, dict) and _equal(left, right)


def _along(extract: Callable[[str, list[str | None]], str | None]) -> Callable[..., str | None]:
    """The path as one text[] (#>, #>>) or as one argument a step (json_extract_path and its kin)."""

    def function(text: str, *path: Any) -> str | None:
        return extract(text, path[0] if len(path) == 1 and isinstance(path[0], list) else list(path))

    return function


def json_reading_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    member, element, at_path = json_members.members, json_members.elements, json_members.at_path
    as_texts = json_members.as_texts
    return {
        "jsonb_object_field": _reading(member),
        "jsonb_object_field_text": _reading(lambda documents, name: as_texts(member(documents, name))),
        "jsonb_array_element": _reading(element),
        "jsonb_array_element_text": _reading(lambda documents, index: as_texts(element(documents, index))),
        "jsonb_extract_path": _reading(at_path, is_path=True),
        "jsonb_extract_path_text": _reading(lambda documents, path: as_texts(at_path(documents, path)), is_path=True),
        "jsonb_exists": _reading(json_members.has_member),
        "jsonb_exists_any": _reading(_has_any), "jsonb_exists_all": _reading(_has_all),
        "jsonb_contains": _reading(_contains),
        "jsonb_contained": row_kernel(lambda a, b: contains(parse_json(b), parse_json(a))),
        "json_object_field": row_kernel(_json_child_span), "json_array_element": row_kernel(_json_child_span),
        "json_object_field_text": row_kernel(_json_get_text), "json_array_element_text": row_kernel(_json_get_text),
        "json_extract_path": row_kernel(_along(_json_extract)),
        "json_extract_path_text": row_kernel(_along(_json_extract_text)),
    }  # fmt: skip
