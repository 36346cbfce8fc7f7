"""Literals, variables, and the accessors that walk from a value to those inside it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from foundation.errors import UndefinedObject
from planner.errors import InvalidJsonSubscript, JsonArrayNotFound, JsonMemberNotFound, JsonObjectNotFound
from planner.functions.json_path.items import Item, Kind
from planner.functions.json_path.steps import (
    SUPPRESSIBLE,
    Found,
    Run,
    Step,
    builds,
    compile_item,
    is_number,
    unwrapped,
    uses,
)

_MISSING = object()
_INT4_MIN, _INT4_MAX = -(1 << 31), (1 << 31) - 1

Index = Callable[[Run, Any], int]


def literal_value(item: Item) -> Any:
    """The JSON value of a literal; a number without a point is an int, as in parsed documents."""
    if item.kind is Kind.NUMBER and item.value.as_tuple().exponent == 0:
        return int(item.value)
    return item.value


@builds(Kind.NULL, Kind.BOOLEAN, Kind.NUMBER, Kind.STRING)
def _literal(item: Item, following: Step) -> Step:
    value = literal_value(item)

    def step(run: Run, _value: Any, found: Found, _unwrap: bool) -> bool:
        return following(run, value, found, run.is_lax)

    return step


@builds(Kind.VARIABLE)
def _variable(item: Item, following: Step) -> Step:
    name: str = item.value

    def step(run: Run, _value: Any, found: Found, _unwrap: bool) -> bool:
        variables = run.variables
        if variables is None:  # the operators have none, and take each for null
            return following(run, None, found, run.is_lax)
        if name not in variables:
            raise UndefinedObject(f'could not find jsonpath variable "{name}"')
        base = run.base, run.base_id
        run.base, run.base_id = variables, 1
        try:
            return following(run, variables[name], found, run.is_lax)
        finally:
            run.base, run.base_id = base

    return step


@builds(Kind.ROOT)
def _root(item: Item, following: Step) -> Step:
    if not uses(item, Kind.KEYVALUE):
        return lambda run, _value, found, _unwrap: following(run, run.root, found, run.is_lax)

    def step(run: Run, _value: Any, found: Found, _unwrap: bool) -> bool:
        base = run.base, run.base_id
        run.base, run.base_id = run.root, 0
        try:
            return following(run, run.root, found, run.is_lax)
        finally:
            run.base, run.base_id = base

    return step


@builds(Kind.CURRENT)
def _current(item: Item, following: Step) -> Step:
    return lambda run, _value, found, _unwrap: following(run, run.current, found, run.is_lax)


@builds(Kind.LAST)
def _last(item: Item, following: Step) -> Step:
    return lambda run, _value, found, _unwrap: following(run, run.array_size - 1, found, run.is_lax)


@builds(Kind.KEY)
def _key(item: Item, following: Step) -> Step:
    key: str = item.value

    def step(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
        kind = type(value)
        if kind is dict:
            member = value.get(key, _MISSING)
            if member is not _MISSING:
                return following(run, member, found, run.is_lax)
            if not run.ignores:
                raise JsonMemberNotFound(f'JSON object does not contain key "{key}"')
        elif kind is list and unwrap:
            return unwrapped(run, step, value, found)
        elif not run.ignores:
            raise JsonMemberNotFound("jsonpath member accessor can only be applied to an object")
        return False

    return step


@builds(Kind.ANY_KEY)
def _any_key(item: Item, following: Step) -> Step:
    def step(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
        kind = type(value)
        if kind is dict:
            return _each(run, following, value, found)
        if kind is list and unwrap:
            return unwrapped(run, step, value, found)
        if not run.ignores:
            raise JsonObjectNotFound("jsonpath wildcard member accessor can only be applied to an object")
        return False

    return step


@builds(Kind.ANY_ELEMENT)
def _any_element(item: Item, following: Step) -> Step:
    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        if type(value) is list:
            return _each(run, following, value, found)
        if run.is_lax:
            return following(run, value, found, True)
        if not run.ignores:
            raise JsonArrayNotFound("jsonpath wildcard array accessor can only be applied to an array")
        return False

    return step


def _each(run: Run, following: Step, container: Any, found: Found) -> bool:
    for member in container.values() if type(container) is dict else container:
        if following(run, member, found, run.is_lax) and found is None:
            return True
    return False


@builds(Kind.ANY_DEPTH)
def _any_depth(item: Item, following: Step) -> Step:
    first, last = item.value

    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        is_container = type(value) in (dict, list)
        if first == 0:
            try:
                if _ignoring(run, following, value, found) and found is None:
                    return True
            except SUPPRESSIBLE:
                # What is found inside the value takes the place of its error, as in PostgreSQL.
                if run.throws or not is_container:
                    raise
        return is_container and last != 0 and _below(run, following, value, found, 1)

    def _below(run: Run, following: Step, container: Any, found: Found, level: int) -> bool:
        for member in container.values() if type(container) is dict else container:
            is_container = type(member) in (dict, list)
            is_deepest = first is None and last is None and not is_container
            if (is_deepest or (first is not None and level >= first)) and (
                _ignoring(run, following, member, found) and found is None
            ):
                return True
            if (
                is_container
                and (last is None or level < last)
                and (_below(run, following, member, found, level + 1) and found is None)
            ):
                return True
        return False

    return step


def _ignoring(run: Run, following: Step, value: Any, found: Found) -> bool:
    """The rest of the path, in which structural errors are ignored."""
    ignores, run.ignores = run.ignores, True
    try:
        return following(run, value, found, run.is_lax)
    finally:
        run.ignores = ignores


@builds(Kind.SUBSCRIPTS)
def _subscripts(item: Item, following: Step) -> Step:
    firsts = [_index(operand) for operand in item.operands[::2]]
    lasts = [None if operand is None else _index(operand) for operand in item.operands[1::2]]
    ranges = list(zip(firsts, lasts))

    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        if type(value) is not list:
            if not run.is_lax:
                if run.ignores:
                    return False
                raise JsonArrayNotFound("jsonpath array accessor can only be applied to an array")
            array = [value]
        else:
            array = value
        size = len(array)
        outer_size, run.array_size = run.array_size, size
        try:
            for index_of_first, index_of_last in ranges:
                first = index_of_first(run, value)
                last = first if index_of_last is None else index_of_last(run, value)
                if not run.ignores and (first < 0 or first > last or last >= size):
                    raise InvalidJsonSubscript("jsonpath array subscript is out of bounds")
                for element in array[max(first, 0) : max(last + 1, 0)]:
                    if following(run, element, found, run.is_lax) and found is None:
                        return True
        finally:
            run.array_size = outer_size
        return False

    return step


def _index(item: Item | None) -> Index:
    """The function that computes one bound of a subscript."""
    step = compile_item(item)

    def index(run: Run, value: Any) -> int:
        items: list[Any] = []
        step(run, value, items, run.is_lax)
        if len(items) != 1 or not is_number(items[0]):
            raise InvalidJsonSubscript("jsonpath array subscript is not a single numeric value")
        number: int | Decimal = items[0]
        # Compared before it is cut, because numeric may have 131072 digits.
        if not _INT4_MIN - 1 < number < _INT4_MAX + 1:
            raise InvalidJsonSubscript("jsonpath array subscript is out of integer range")
        return int(number)

    return index
