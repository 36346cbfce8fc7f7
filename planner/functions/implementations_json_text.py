"""json_object, json_strip_nulls, jsonb_set_lax: json made of text arrays, and json that keeps the text it was given as.

https://www.postgresql.org/docs/15/functions-json.html
"""

from __future__ import annotations

import json
from typing import Any

from foundation.errors import ArraySubscriptError, InvalidParameterValue, NullValueNotAllowed
from planner.functions.datum import Kernel
from planner.functions.implementations_json import canonical_jsonb, delete_path, set_path
from planner.functions.implementations_json_reading import json_member_spans
from planner.functions.rowwise import null_aware_row_kernel, row_kernel

_TREATMENTS = ("delete_key", "return_target", "use_json_null", "raise_exception")
_DEPTH_ERROR = "wrong number of array subscripts"


def _pairs(names: list[Any], values: list[Any] | None) -> list[tuple[str, str | None]]:
    """Names and values out of one array, in turn or in pairs, or out of two."""
    if values is None and names and isinstance(names[0], list):
        if any(len(pair) != 2 for pair in names):
            raise ArraySubscriptError("array must have two columns")
        names, values = [pair[0] for pair in names], [pair[1] for pair in names]
    elif values is None:
        if len(names) % 2:
            raise ArraySubscriptError("array must have even number of elements")
        names, values = names[::2], names[1::2]
    elif any(isinstance(item, list) for item in (*names, *values)):
        raise ArraySubscriptError(_DEPTH_ERROR)
    if len(names) != len(values):
        raise ArraySubscriptError("mismatched array dimensions")
    if None in names:
        raise NullValueNotAllowed("null value not allowed for object key")
    return list(zip(names, values))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json_object(names: list[Any], values: list[Any] | None = None) -> str:
    members = (
        f"{_quoted(name)} : {'null' if value is None else _quoted(value)}"
        for name, value in _pairs(names, values)
    )
    return "{" + ", ".join(members) + "}"


def _jsonb_object(names: list[Any], values: list[Any] | None = None) -> str:
    return canonical_jsonb(dict(_pairs(names, values)))


def strip_nulls(text: str) -> str:
    """A json text without members that are null and without blanks; what is left stands as it was written."""
    text = text.strip(" \t\n\r")
    if text[0] == "{":
        members = ((name, piece) for name, piece in json_member_spans(text) if piece != "null")
        return "{" + ",".join(f"{_quoted(str(name))}:{strip_nulls(piece)}" for name, piece in members) + "}"
    if text[0] == "[":
        return "[" + ",".join(strip_nulls(piece) for _, piece in json_member_spans(text)) + "]"
    return _quoted(json.loads(text)) if text[0] == '"' else text


def _set_lax(
    text: str | None,
    path: list[str | None] | None,
    new: str | None,
    create: bool | None,
    treatment: str | None,
) -> str | None:
    if text is None or path is None or create is None:
        return None
    if treatment not in _TREATMENTS:
        words = [f'"{word}"' for word in _TREATMENTS]
        raise InvalidParameterValue(f"null_value_treatment must be {', '.join(words[:-1])}, or {words[-1]}")
    if new is not None:
        return set_path(text, path, new, create)
    if treatment == "raise_exception":
        raise NullValueNotAllowed(
            "JSON value must not be null",
            detail='Exception was raised because null_value_treatment is "raise_exception".',
            hint="To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
        )
    if treatment == "return_target":
        return text
    return delete_path(text, path) if treatment == "delete_key" else set_path(text, path, "null", create)


def json_text_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    return {
        "json_object(1009)": row_kernel(_json_object), "json_object(1009,1009)": row_kernel(_json_object),
        "jsonb_object(1009)": row_kernel(_jsonb_object), "jsonb_object(1009,1009)": row_kernel(_jsonb_object),
        "json_strip_nulls": row_kernel(strip_nulls), "jsonb_set_lax": null_aware_row_kernel(_set_lax),
    }  # fmt: skip
