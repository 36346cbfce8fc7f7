"""json and jsonb operators: ->, ->>, #>, #>>, @>, <@, ?, ?|, ?&, comparison.

jsonb is stored as its canonical text: keys by length, then bytes; one blank after `:` and `,`; numbers as
numeric prints them. json is the text as given, so `->` on json returns the piece of text itself.
https://www.postgresql.org/docs/15/functions-json.html
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation, NullValueNotAllowed
from planner.functions.datum import Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.rowwise import row_kernel

_DECODER = json.JSONDecoder(parse_float=Decimal)
_MISSING = object()


@lru_cache(maxsize=4096)
def parse_json(text: str) -> Any:
    """Python form of a json text; numbers with a point or exponent are Decimal. Shared: never changed."""
    return _DECODER.decode(text)


def canonical_jsonb(value: Any) -> str:
    """PostgreSQL's jsonb output text of a parsed value."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return numeric_text(value)
    if isinstance(value, list):
        return "[" + ", ".join(canonical_jsonb(item) for item in value) + "]"
    keys = sorted(value, key=jsonb_key_order)
    members = (f"{json.dumps(key, ensure_ascii=False)}: {canonical_jsonb(value[key])}" for key in keys)
    return "{" + ", ".join(members) + "}"


def jsonb_key_order(key: str) -> tuple[int, bytes]:
    """Order of keys in a jsonb object: shorter first, then by bytes."""
    data = key.encode()
    return len(data), data


def _child(value: Any, key: str | int) -> Any:
    if isinstance(key, str):
        return value.get(key, _MISSING) if isinstance(value, dict) else _MISSING
    if not isinstance(value, list):
        return _MISSING
    return value[key] if -len(value) <= key < len(value) else _MISSING


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else canonical_jsonb(value)


def _jsonb_child(text: str, key: str | int) -> Any:
    """As `_child`; a scalar is an array of itself, because jsonb keeps it as one."""
    value = parse_json(text)
    if isinstance(key, int) and not isinstance(value, dict | list):
        value = [value]
    return _child(value, key)


def _jsonb_get(text: str, key: str | int) -> str | None:
    found = _jsonb_child(text, key)
    return None if found is _MISSING else canonical_jsonb(found)


def _jsonb_get_text(text: str, key: str | int) -> str | None:
    found = _jsonb_child(text, key)
    return None if found is _MISSING else _as_text(found)


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


def _path_step(value: Any, step: str | None) -> Any:
    if step is None:
        return _MISSING
    if isinstance(value, list):
        try:
            return _child(value, int(step))
        except ValueError:
            return _MISSING
    return _child(value, step)


def _jsonb_path(text: str, path: list[str | None]) -> Any:
    value = parse_json(text)
    for step in path:
        value = _path_step(value, step)
        if value is _MISSING:
            return _MISSING
    return value


def _jsonb_extract(text: str, path: list[str | None]) -> str | None:
    found = _jsonb_path(text, path)
    return None if found is _MISSING else canonical_jsonb(found)


def _jsonb_extract_text(text: str, path: list[str | None]) -> str | None:
    found = _jsonb_path(text, path)
    return None if found is _MISSING else _as_text(found)


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


def _along(extract: Callable[[str, list[str | None]], str | None]) -> Callable[..., str | None]:
    """The path as one text[] (#>, #>>) or as one argument a step (json_extract_path and its kin)."""

    def function(text: str, *path: Any) -> str | None:
        return extract(text, path[0] if len(path) == 1 and isinstance(path[0], list) else list(path))

    return function


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


def _has_key(text: str, key: str) -> bool:
    value = parse_json(text)
    if isinstance(value, list):
        return any(isinstance(item, str) and item == key for item in value)
    return key in value if isinstance(value, dict) else isinstance(value, str) and value == key


def _concatenate(left_text: str, right_text: str) -> str:
    left, right = parse_json(left_text), parse_json(right_text)
    if isinstance(left, dict) and isinstance(right, dict):
        return canonical_jsonb({**left, **right})
    left_items = left if isinstance(left, list) else [left]
    right_items = right if isinstance(right, list) else [right]
    return canonical_jsonb(left_items + right_items)


def _typeof(text: str) -> str:
    value = parse_json(text)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "string"), ((int, Decimal), "number"), (list, "array"), (dict, "object"),
    )  # fmt: skip
    return next(name for kind, name in names if isinstance(value, kind))


# ---------------------------------------------------------------------------------------------------------
# Order: jsonb compares Object > Array > Boolean > Number > String > Null; empty array below everything.


def order_key(value: Any) -> tuple[Any, ...]:
    """Sort key of a parsed jsonb value, as compareJsonbContainers orders them."""
    if isinstance(value, list) and not value:
        return (-1,)
    if value is None:
        return (0,)
    if isinstance(value, str):
        return (1, value.encode())
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, int | Decimal):
        return (2, value)
    if isinstance(value, list):
        return (4, len(value), *(order_key(item) for item in value))
    pairs = []
    for key in sorted(value, key=jsonb_key_order):
        pairs += [(1, key.encode()), order_key(value[key])]
    return (5, len(value), *pairs)


def jsonb_order_keys(array: pa.Array) -> list[Any]:
    """Sort keys of a jsonb column; None for NULL."""
    return [None if text is None else order_key(parse_json(text)) for text in array.to_pylist()]


_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt,
    "ge": operator.ge,
}  # fmt: skip


def compare_jsonb(suffix: str, left: Datum, right: Datum) -> pa.Array:
    """(n,) bool. Equal texts are equal values; only unequal texts are parsed (1 and 1.0 are equal)."""
    row_count = row_count_of((left, right))
    same = pc.equal(left.operand(), right.operand())
    if row_count > 1 and suffix in ("eq", "le", "ge") and pc.all(same).as_py():
        return contiguous(same)
    left_keys, right_keys = jsonb_order_keys(left.array), jsonb_order_keys(right.array)
    left_keys = left_keys * row_count if left.is_constant else left_keys
    right_keys = right_keys * row_count if right.is_constant else right_keys
    test = _TESTS[suffix]
    return pa.array(
        [None if a is None or b is None else test(a, b) for a, b in zip(left_keys, right_keys)], pa.bool_()
    )


# ---------------------------------------------------------------------------------------------------------
# Changing and describing jsonb


def _array_length(text: str) -> int:
    value = parse_json(text)
    if not isinstance(value, list):
        kind = "a non-array" if isinstance(value, dict) else "a scalar"
        raise InvalidParameterValue(f"cannot get array length of {kind}")
    return len(value)


def _delete_key(text: str, key: str) -> str:
    value = parse_json(text)
    if isinstance(value, dict):
        return canonical_jsonb({name: item for name, item in value.items() if name != key})
    if isinstance(value, list):
        return canonical_jsonb([item for item in value if not (isinstance(item, str) and item == key)])
    raise InvalidParameterValue("cannot delete from scalar")


def _delete_keys(text: str, keys: list[str | None]) -> str:
    for key in keys:
        if key is not None:
            text = _delete_key(text, key)
    return text


def _delete_element(text: str, index: int) -> str:
    value = parse_json(text)
    if isinstance(value, dict):
        raise InvalidParameterValue("cannot delete from object using integer index")
    if not isinstance(value, list):
        raise InvalidParameterValue("cannot delete from scalar")
    position = index if index >= 0 else len(value) + index
    return canonical_jsonb([item for i, item in enumerate(value) if i != position])


def _set(text: str, path: list[str | None], new: str, create: bool = True) -> str:
    value = parse_json(text)
    if not isinstance(value, dict | list):
        raise InvalidParameterValue("cannot set path in scalar")
    if None in path:
        raise NullValueNotAllowed(f"path element at position {path.index(None) + 1} is null")
    steps = [step for step in path if step is not None]
    return (
        canonical_jsonb(_set_in(value, steps, parse_json(new), create=create))
        if steps
        else canonical_jsonb(value)
    )


def _set_in(value: Any, steps: list[str], new: Any, *, create: bool) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if step in value:
            return {**value, step: _set_in(value[step], rest, new, create=create) if rest else new}
        return {**value, step: new} if create and not rest else value
    if not isinstance(value, list):
        return value
    try:
        index = int(step)
    except ValueError:
        raise InvalidTextRepresentation(f'path element at position 1 is not an integer: "{step}"') from None
    position = index if index >= 0 else len(value) + index
    if 0 <= position < len(value):
        changed = _set_in(value[position], rest, new, create=create) if rest else new
        return [*value[:position], changed, *value[position + 1 :]]
    if rest or not create:
        return value
    return [new, *value] if position < 0 else [*value, new]


def _delete_path(text: str, path: list[str | None]) -> str:
    value = parse_json(text)
    if not isinstance(value, dict | list):
        raise InvalidParameterValue("cannot delete path in scalar")
    if None in path:
        raise NullValueNotAllowed(f"path element at position {path.index(None) + 1} is null")
    return canonical_jsonb(_without(value, [step for step in path if step is not None], 1))


def _without(value: Any, steps: list[str], depth: int) -> Any:
    if not steps or not isinstance(value, dict | list):
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if step not in value:
            return value
        if rest:
            return {**value, step: _without(value[step], rest, depth + 1)}
        return {key: item for key, item in value.items() if key != step}
    position = _path_position(value, step, depth)
    if not 0 <= position < len(value):
        return value
    kept = [_without(value[position], rest, depth + 1)] if rest else []
    return [*value[:position], *kept, *value[position + 1 :]]


def _path_position(value: list[Any], step: str, depth: int) -> int:
    """Where a path step points in an array; negative ones count from the end."""
    try:
        index = int(step)
    except ValueError:
        raise InvalidTextRepresentation(
            f'path element at position {depth} is not an integer: "{step}"'
        ) from None
    return index if index >= 0 else len(value) + index


def _insert(text: str, path: list[str | None], new: str, after: bool = False) -> str:
    value = parse_json(text)
    if not isinstance(value, dict | list):
        raise InvalidParameterValue("cannot set path in scalar")
    if None in path:
        raise NullValueNotAllowed(f"path element at position {path.index(None) + 1} is null")
    steps = [step for step in path if step is not None]
    return canonical_jsonb(
        _insert_in(value, steps, parse_json(new), after=after, depth=1) if steps else value
    )


def _insert_in(value: Any, steps: list[str], new: Any, *, after: bool, depth: int) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if rest:
            if step not in value:
                return value
            return {**value, step: _insert_in(value[step], rest, new, after=after, depth=depth + 1)}
        if step in value:
            raise InvalidParameterValue(
                "cannot replace existing key", hint="Try using the function jsonb_set to replace key value."
            )
        return {**value, step: new}
    if not isinstance(value, list):
        return value
    position = _path_position(value, step, depth)
    if not 0 <= position < len(value):
        return value if rest else [new, *value] if position < 0 else [*value, new]
    if rest:
        changed = _insert_in(value[position], rest, new, after=after, depth=depth + 1)
        return [*value[:position], changed, *value[position + 1 :]]
    at = position + 1 if after else position
    return [*value[:at], new, *value[at:]]


def _strip_nulls(text: str) -> str:
    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if item is not None}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return canonical_jsonb(strip(parse_json(text)))


def _pretty(text: str) -> str:
    return _pretty_value(parse_json(text), "")


def _pretty_value(value: Any, indent: str) -> str:
    inner = indent + "    "
    if isinstance(value, dict):
        if not value:
            return "{\n" + indent + "}"
        lines = (
            f"{inner}{json.dumps(key, ensure_ascii=False)}: {_pretty_value(value[key], inner)}"
            for key in sorted(value, key=jsonb_key_order)
        )
        return "{\n" + ",\n".join(lines) + "\n" + indent + "}"
    if isinstance(value, list):
        if not value:
            return "[\n" + indent + "]"
        return "[\n" + ",\n".join(inner + _pretty_value(item, inner) for item in value) + "\n" + indent + "]"
    return canonical_jsonb(value)


def json_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    kernels: dict[str, Kernel] = {}
    for kind in ("object_field", "array_element"):
        kernels[f"jsonb_{kind}"] = row_kernel(_jsonb_get)
        kernels[f"jsonb_{kind}_text"] = row_kernel(_jsonb_get_text)
        kernels[f"json_{kind}"] = row_kernel(_json_child_span)
        kernels[f"json_{kind}_text"] = row_kernel(_json_get_text)
    return kernels | {
        # The operators #> and #>> pass one text[]; the variadic functions pass one too.
        "jsonb_extract_path": row_kernel(_along(_jsonb_extract)), "jsonb_extract_path_text": row_kernel(_along(_jsonb_extract_text)),
        "json_extract_path": row_kernel(_along(_json_extract)), "json_extract_path_text": row_kernel(_along(_json_extract_text)),
        "jsonb_contains": row_kernel(lambda a, b: contains(parse_json(a), parse_json(b))),
        "jsonb_contained": row_kernel(lambda a, b: contains(parse_json(b), parse_json(a))),
        "jsonb_exists": row_kernel(_has_key),
        "jsonb_exists_any": row_kernel(lambda text, keys: any(k is not None and _has_key(text, k) for k in keys)),
        "jsonb_exists_all": row_kernel(lambda text, keys: all(k is None or _has_key(text, k) for k in keys)),
        "jsonb_concat": row_kernel(_concatenate), "jsonb_typeof(3802)": row_kernel(_typeof),
        "json_typeof(114)": row_kernel(_typeof), "jsonb_array_length": row_kernel(_array_length),
        "json_array_length": row_kernel(_array_length), "jsonb_delete(3802,25)": row_kernel(_delete_key),
        "jsonb_delete(3802,1009)": row_kernel(_delete_keys), "jsonb_delete(3802,23)": row_kernel(_delete_element),
        "jsonb_delete_path": row_kernel(_delete_path), "jsonb_insert": row_kernel(_insert),
        "jsonb_set": row_kernel(_set), "jsonb_strip_nulls": row_kernel(_strip_nulls),
        "jsonb_pretty": row_kernel(_pretty),
    }  # fmt: skip
