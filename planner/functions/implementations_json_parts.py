"""SET j['k'][0] = x: parts of jsonb documents put in their place, made where they are not there.

jsonb_set_element() and setPath() in PostgreSQL's jsonfuncs.c, with the flags CREATE, FILL_GAPS and CONSISTENT_POSITION.
https://www.postgresql.org/docs/16/datatype-json.html#JSONB-SUBSCRIPTING
"""

from __future__ import annotations

import re
from typing import Any

from foundation.errors import InvalidParameterValue, InvalidTextRepresentation, NullValueNotAllowed
from planner.functions.datum import Kernel
from planner.functions.implementations_json import canonical_jsonb, parse_json
from planner.functions.rowwise import null_aware_row_kernel

_INTEGER = re.compile(r"\s*[-+]?\d+", re.ASCII)


def _set_part(document: str | None, new: str | None, *keys: str | int | None) -> str:
    if None in keys:
        raise NullValueNotAllowed("jsonb subscript in assignment must not be null")
    value = None if new is None else parse_json(new)
    steps = [str(key) for key in keys]
    if document is None:
        root: Any = [] if isinstance(keys[0], int) else {}
    else:
        root = parse_json(document)
    return canonical_jsonb(_replaced(root, steps, value, 0))


def _replaced(value: Any, steps: list[str], new: Any, level: int) -> Any:
    """`value` with the new one behind the steps from `level` on."""
    if level == len(steps):
        return new
    step = steps[level]
    if isinstance(value, dict):
        inner = (
            _replaced(value[step], steps, new, level + 1) if step in value else _made(steps, new, level + 1)
        )
        return {**value, step: inner}
    if not isinstance(value, list):
        raise InvalidParameterValue(
            "cannot replace existing key",
            detail="The path assumes key is a composite object, but it is a scalar value.",
        )
    if _INTEGER.fullmatch(step) is None:
        raise InvalidTextRepresentation(f'path element at position {level + 1} is not an integer: "{step}"')
    index = int(step)
    if index < -len(value):
        raise InvalidParameterValue(f"path element at position {level + 1} is out of range: {index}")
    place = index if index >= 0 else len(value) + index
    if place < len(value):
        return [*value[:place], _replaced(value[place], steps, new, level + 1), *value[place + 1 :]]
    return [*value, *[None] * (place - len(value)), _made(steps, new, level + 1)]


def _made(steps: list[str], new: Any, level: int) -> Any:
    """What is not there yet: an array for a step that is a number, up to its place, else an object."""
    for step in reversed(steps[level:]):
        new = [*[None] * int(step), new] if _INTEGER.fullmatch(step) else {step: new}
    return new


def json_part_kernels() -> dict[str, Kernel]:
    """Kernels by name."""
    return {"jsonb_set_part": null_aware_row_kernel(_set_part)}
