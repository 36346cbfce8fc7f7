"""Filters and predicates. A predicate is true, false or unknown (None), which as an item are true, false and null.

Operands are sequences; a predicate holds when it does for one pair of items. An error makes it unknown: in lax mode unless a
pair holds, in strict mode always, for which all pairs are looked at.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from planner.functions.json_path.accessors import literal_value
from planner.functions.json_path.datetime_value import DatetimeValue
from planner.functions.json_path.datetimes import compare_datetimes
from planner.functions.json_path.items import COMPARISONS, PREDICATES, Item, Kind
from planner.functions.json_path.regular_expressions import compiled_regex
from planner.functions.json_path.steps import (
    SUPPRESSIBLE,
    Found,
    Run,
    Step,
    builds,
    compile_item,
    suppressed_sequence,
    unwrapped,
)

Condition = Callable[[Run, Any], bool | None]
Test = Callable[[Run, Any, Any], bool | None]

_OPERATORS: dict[Kind, Callable[[Any, Any], bool]] = {
    Kind.EQUAL: operator.eq, Kind.NOT_EQUAL: operator.ne, Kind.LESS: operator.lt, Kind.GREATER: operator.gt,
    Kind.LESS_OR_EQUAL: operator.le, Kind.GREATER_OR_EQUAL: operator.ge,
}  # fmt: skip
_LITERALS = (Kind.NULL, Kind.BOOLEAN, Kind.NUMBER, Kind.STRING)
_PLAIN_TYPES = frozenset((int, str, bool, Decimal))
_NUMBER, _CONTAINER, _DATETIME = "number", "container", "datetime"
_KINDS: dict[type, str] = {
    int: _NUMBER, Decimal: _NUMBER, list: _CONTAINER, dict: _CONTAINER, DatetimeValue: _DATETIME, str: "string",
    bool: "boolean", type(None): "null",
}  # fmt: skip


@builds(*PREDICATES)
def _predicate_item(item: Item, following: Step) -> Step:
    condition = compile_predicate(item)
    return lambda run, value, found, _unwrap: following(run, condition(run, value), found, run.is_lax)


@builds(Kind.FILTER)
def _filter(item: Item, following: Step) -> Step:
    condition = compile_predicate(item.operands[0])

    def step(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
        if unwrap and type(value) is list:
            return unwrapped(run, step, value, found)
        outer, run.current = run.current, value
        try:
            holds = condition(run, value)
        finally:
            run.current = outer
        return holds is True and following(run, value, found, run.is_lax)

    return step


def compile_predicate(item: Item | None) -> Condition:
    """The function that judges a predicate for the item at hand."""
    assert item is not None
    if item.kind in COMPARISONS:
        return _over_pairs(item, _comparison(item.kind), unwrap_right=True)
    if item.kind is Kind.STARTS_WITH:
        return _over_pairs(item, _starts_with, unwrap_right=False)
    return _BUILDERS[item.kind](item)


def _and(item: Item) -> Condition:
    left, right = map(compile_predicate, item.operands)

    def condition(run: Run, value: Any) -> bool | None:
        first = left(run, value)
        if first is False:
            return False
        second = right(run, value)
        return first if second is True else second

    return condition


def _or(item: Item) -> Condition:
    left, right = map(compile_predicate, item.operands)

    def condition(run: Run, value: Any) -> bool | None:
        first = left(run, value)
        if first is True:
            return True
        second = right(run, value)
        return first if second is False else second

    return condition


def _not(item: Item) -> Condition:
    inner = compile_predicate(item.operands[0])

    def condition(run: Run, value: Any) -> bool | None:
        holds = inner(run, value)
        return None if holds is None else not holds

    return condition


def _is_unknown(item: Item) -> Condition:
    inner = compile_predicate(item.operands[0])
    return lambda run, value: inner(run, value) is None


def _exists(item: Item) -> Condition:
    step = compile_item(item.operands[0])

    def condition(run: Run, value: Any) -> bool | None:
        if not run.is_lax:
            items = suppressed_sequence(run, step, value, unwrap=False)
            return None if items is None else bool(items)
        throws, run.throws = run.throws, False
        try:
            return step(run, value, None, True)
        except SUPPRESSIBLE:
            return None
        finally:
            run.throws = throws

    return condition


def _like_regex(item: Item) -> Condition:
    step = compile_item(item.operands[0])
    search = compiled_regex(*item.value).search

    def test(run: Run, text: Any, _right: Any) -> bool | None:
        return search(text) is not None if type(text) is str else None

    def condition(run: Run, value: Any) -> bool | None:
        texts = suppressed_sequence(run, step, value, unwrap=True)
        return None if texts is None else _any_pair(run, texts, (None,), test)

    return condition


def _over_pairs(item: Item, test: Test, *, unwrap_right: bool) -> Condition:
    left, right_item = compile_item(item.operands[0]), item.operands[1]
    assert right_item is not None
    if right_item.kind in _LITERALS and right_item.following is None:
        constants = (literal_value(right_item),)

        def condition_on_constant(run: Run, value: Any) -> bool | None:
            lefts = suppressed_sequence(run, left, value, unwrap=True)
            return None if lefts is None else _any_pair(run, lefts, constants, test)

        return condition_on_constant
    right = compile_item(right_item)

    def condition(run: Run, value: Any) -> bool | None:
        lefts = suppressed_sequence(run, left, value, unwrap=True)
        if lefts is None:
            return None
        rights = suppressed_sequence(run, right, value, unwrap=unwrap_right)
        return None if rights is None else _any_pair(run, lefts, rights, test)

    return condition


def _any_pair(run: Run, lefts: list[Any], rights: list[Any] | tuple[Any, ...], test: Test) -> bool | None:
    is_unknown = holds = False
    for left in lefts:
        for right in rights:
            result = test(run, left, right)
            if result is None:
                if not run.is_lax:
                    return None
                is_unknown = True
            elif result:
                if run.is_lax:
                    return True
                holds = True
    return True if holds else None if is_unknown else False


def _comparison(comparison: Kind) -> Test:
    """Compares two items. Null is unlike everything else; other values of different types are not comparable."""
    compares = _OPERATORS[comparison]
    is_inequality = comparison is Kind.NOT_EQUAL

    def test(run: Run, left: Any, right: Any) -> bool | None:
        kind = type(left)
        if kind is type(right) and kind in _PLAIN_TYPES:
            return compares(left, right)
        left_kind, right_kind = _KINDS[kind], _KINDS[type(right)]
        if left_kind != right_kind:
            return is_inequality if left is None or right is None else None
        if left_kind == _DATETIME:
            order = compare_datetimes(left, right, run.zone)
            return None if order is None else compares(order, 0)
        if left_kind == _CONTAINER:
            return None
        return compares(0, 0) if left is None else compares(left, right)

    return test


def _starts_with(run: Run, whole: Any, initial: Any) -> bool | None:
    return whole.startswith(initial) if type(whole) is str and type(initial) is str else None


_BUILDERS: dict[Kind, Callable[[Item], Condition]] = {
    Kind.AND: _and, Kind.OR: _or, Kind.NOT: _not, Kind.IS_UNKNOWN: _is_unknown, Kind.EXISTS: _exists,
    Kind.LIKE_REGEX: _like_regex,
}  # fmt: skip
