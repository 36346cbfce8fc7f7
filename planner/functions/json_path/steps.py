"""What a compiled path is made of: one function an item, which hands each thing it finds to that of the next item.

Follows jsonpath_exec.c, because what a path answers in silent mode depends on when an error stops it. A step is
`step(run, value, found, unwrap) -> bool`: it appends what the rest of the path finds to `found` and says whether there
was something. `found` None asks only that, and ends at the first thing. `unwrap` says that an array stands for its
elements, as it does in lax mode unless it was unwrapped just before.

Values are those of `parse_json` (numbers int or Decimal) and `DatetimeValue`. They belong to shared documents and are never
changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeAlias

from foundation.errors import (
    DatetimeFieldOverflow,
    DivisionByZero,
    InvalidDatetimeFormat,
    InvalidTimeZoneDisplacement,
    NumericValueOutOfRange,
)
from planner.errors import JsonPathError
from planner.functions.json_path.items import Item, Kind

Found: TypeAlias = "list[Any] | None"
Step: TypeAlias = "Callable[[Run, Any, Found, bool], bool]"
Builder: TypeAlias = Callable[[Item, Step], Step]

SUPPRESSIBLE = (
    JsonPathError,
    DivisionByZero,
    NumericValueOutOfRange,
    InvalidDatetimeFormat,
    DatetimeFieldOverflow,
    InvalidTimeZoneDisplacement,
)
"""Errors that end a predicate as unknown and a silent call without an answer."""


class Run:
    """The state of one evaluation of a path over one document."""

    __slots__ = (
        "array_size", "base", "base_id", "current", "ignores", "is_lax", "next_id", "root", "throws", "variables", "zone"
    )  # fmt: skip

    def __init__(
        self, root: Any, variables: dict[str, Any] | None, zone: str | None, *, is_lax: bool, throws: bool
    ) -> None:
        self.root = root
        self.current = root
        self.variables = variables
        self.zone = zone
        """The session's time zone; None where a path may not depend on it."""
        self.is_lax = is_lax
        self.ignores = is_lax
        """Whether structural errors are ignored."""
        self.throws = throws
        """Whether an error ends the evaluation: not in silent calls and inside predicates."""
        self.base: Any = root
        self.base_id = 0
        """What the ids of keyvalue() are counted from."""
        self.next_id = 1 if variables is None else 2
        self.array_size = -1


BUILDERS: dict[Kind, Builder] = {}


def builds(*kinds: Kind) -> Callable[[Builder], Builder]:
    """Registers the function that makes the step of an item, given the step of the item behind it."""

    def register(builder: Builder) -> Builder:
        BUILDERS.update(dict.fromkeys(kinds, builder))
        return builder

    return register


def compile_item(item: Item | None) -> Step:
    """The step of an item and all that follow it."""
    assert item is not None
    following = append if item.following is None else compile_item(item.following)
    return BUILDERS[item.kind](item, following)


def append(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
    """The end of a path."""
    if found is not None:
        found.append(value)
    return True


def unwrapped(run: Run, step: Step, array: Iterable[Any], found: Found) -> bool:
    """A step for each element of an array, nested arrays staying what they are."""
    return any(step(run, element, found, False) and found is None for element in array)


def sequence(run: Run, step: Step, value: Any, *, unwrap: bool) -> list[Any]:
    """All that a step finds; with `unwrap` in lax mode the elements of arrays in their place."""
    items: list[Any] = []
    step(run, value, items, run.is_lax)
    if unwrap and run.is_lax and list in map(type, items):
        return [element for item in items for element in (item if type(item) is list else (item,))]
    return items


def suppressed_sequence(run: Run, step: Step, value: Any, *, unwrap: bool) -> list[Any] | None:
    """As `sequence`; None instead of an error."""
    throws, run.throws = run.throws, False
    try:
        return sequence(run, step, value, unwrap=unwrap)
    except SUPPRESSIBLE:
        return None
    finally:
        run.throws = throws


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number; Python's bool is an int too."""
    kind = type(value)
    return kind is int or kind is Decimal


def uses(item: Item, kind: Kind) -> bool:
    """Whether there is an item of a kind among this one, those that follow and their operands."""
    return any(
        part.kind is kind or any(operand is not None and uses(operand, kind) for operand in part.operands)
        for part in item.chain()
    )
