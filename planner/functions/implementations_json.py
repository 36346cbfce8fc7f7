"""Values of json and jsonb: their parsed and canonical form, order, and the functions that change or describe them.

jsonb is stored as its canonical text: keys by length, then bytes; one blank after `:` and `,`; numbers as
numeric prints them. What reads members is in `implementations_json_reading.py`.
https://www.postgresql.org/docs/15/functions-json.html
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Sequence
from decimal import MAX_PREC, Context, Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation, NullValueNotAllowed
from planner.functions.datum import Datum, Kernel, contiguous, row_count_of
from planner.functions.implementations_arithmetic import numeric_text
from planner.functions.rowwise import row_kernel

_DECODER = json.JSONDecoder(parse_float=Decimal)


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


def evaluate_jsonb_order(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(jsonb) -> binary order keys."""
    keys = (None if key is None else _key_bytes(key) for key in jsonb_order_keys(columns[0]))
    return pa.array(keys, pa.binary())


def evaluate_jsonb_value(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(jsonb) -> texts that are equal where the values are: 1 and 1.0 are one number. Only texts with a point are parsed."""
    array = columns[0]
    is_doubtful = pc.match_substring(array, ".").fill_null(False)
    if not pc.any(is_doubtful).as_py():
        return array.cast(pa.utf8())
    doubtful = [
        canonical_jsonb(_without_scales(parse_json(text))) for text in array.filter(is_doubtful).to_pylist()
    ]
    return pc.replace_with_mask(array.cast(pa.utf8()), is_doubtful, pa.array(doubtful, pa.utf8()))


def _without_scales(value: Any) -> Any:
    """A parsed value whose numbers have no zeros at their end."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else Decimal(format(value.normalize(), "f"))
    if isinstance(value, list):
        return [_without_scales(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_scales(item) for key, item in value.items()}
    return value


def _key_bytes(key: tuple[Any, ...]) -> bytes:
    """An `order_key` as bytes of the same order, none of which is the beginning of another.

    The tag is followed by a string's bytes and a zero, which no jsonb string contains; a number's; a boolean's; or
    the number of items and theirs.
    """
    kind, head = key[0], bytes([key[0] + 1])
    if kind in (-1, 0):
        return head
    if kind == 1:
        return head + bytes(key[1]) + b"\0"
    if kind == 2:
        return head + _number_bytes(Decimal(key[1]))
    if kind == 3:
        return head + bytes([key[1]])
    return head + int(key[1]).to_bytes(4) + b"".join(_key_bytes(item) for item in key[2:])


def _number_bytes(number: Decimal) -> bytes:
    """Sign, exponent of the first digit and digits, up to a zero; of a negative number their complement."""
    if not number:
        return b"\1"
    digits = bytes(digit + 1 for digit in number.normalize(_EXACT).as_tuple().digits)
    size = b"\2" + (number.adjusted() + _EXPONENT_BIAS).to_bytes(4) + digits + b"\0"
    return size if number > 0 else b"\0" + bytes(255 - byte for byte in size)


_EXACT = Context(prec=MAX_PREC)
_EXPONENT_BIAS = 1 << 31
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


def set_path(text: str, path: list[str | None], new: str, create: bool = True) -> str:
    """jsonb_set(). Raises 22023 for a scalar, 22004 for a NULL in the path, 22P02 for no index."""
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


def delete_path(text: str, path: list[str | None]) -> str:
    """The document without what the path points to. Raises what `set_path` raises."""
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


def json_change_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    return {
        "jsonb_concat": row_kernel(_concatenate), "jsonb_typeof(3802)": row_kernel(_typeof),
        "json_typeof(114)": row_kernel(_typeof), "jsonb_array_length": row_kernel(_array_length),
        "json_array_length": row_kernel(_array_length), "jsonb_delete(3802,25)": row_kernel(_delete_key),
        "jsonb_delete(3802,1009)": row_kernel(_delete_keys), "jsonb_delete(3802,23)": row_kernel(_delete_element),
        "jsonb_delete_path": row_kernel(delete_path), "jsonb_insert": row_kernel(_insert),
        "jsonb_set": row_kernel(set_path), "jsonb_strip_nulls": row_kernel(_strip_nulls),
        "jsonb_pretty": row_kernel(_pretty),
    }  # fmt: skip
