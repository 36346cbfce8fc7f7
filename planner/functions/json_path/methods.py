"""Arithmetic and item methods: type(), size(), abs(), floor(), ceiling(), double(), datetime(), keyvalue()."""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from foundation.errors import NumericValueOutOfRange
from planner.errors import (
    InvalidArgumentForJsonDatetime,
    JsonArrayNotFound,
    JsonNumberNotFound,
    JsonObjectNotFound,
    NonNumericJsonItem,
    SingletonJsonItemRequired,
)
from planner.functions.implementations_arithmetic import (
    NUMERIC_CONTEXT,
    decimal_of,
    divide_numeric,
    numeric_text,
)
from planner.functions.json_path.binary_layout import container_offset
from planner.functions.json_path.datetime_value import DatetimeValue
from planner.functions.json_path.datetimes import parse_datetime
from planner.functions.json_path.items import ARITHMETIC, Item, Kind
from planner.functions.json_path.steps import (
    Found,
    Run,
    Step,
    builds,
    compile_item,
    is_number,
    sequence,
    unwrapped,
)

_NUMERIC_DIGITS_MAX = 131072
_BASE_OBJECT_UNIT = 10_000_000_000
_FLOAT = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_HEX_FLOAT = re.compile(
    r"\s*[-+]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][-+]?\d+)?\s*", re.ASCII
)


def _remainder(left: Decimal, right: Decimal) -> Decimal:
    return NUMERIC_CONTEXT.remainder(left, right) if right else divide_numeric(left, right)


_OPERATIONS: dict[Kind, Callable[[Decimal, Decimal], Decimal]] = {
    Kind.ADD: NUMERIC_CONTEXT.add, Kind.SUBTRACT: NUMERIC_CONTEXT.subtract, Kind.MULTIPLY: NUMERIC_CONTEXT.multiply,
    Kind.DIVIDE: divide_numeric, Kind.REMAINDER: _remainder,
}  # fmt: skip


@builds(*ARITHMETIC)
def _binary(item: Item, following: Step) -> Step:
    left, right = map(compile_item, item.operands)
    operation = _OPERATIONS[item.kind]
    name = item.kind.value

    def operand(items: list[Any], side: str) -> Decimal:
        if len(items) != 1 or not is_number(items[0]):
            raise SingletonJsonItemRequired(
                f"{side} operand of jsonpath operator {name} is not a single numeric value"
            )
        return decimal_of(items[0])

    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        lefts = sequence(run, left, value, unwrap=True)
        rights = sequence(run, right, value, unwrap=True)
        result = operation(operand(lefts, "left"), operand(rights, "right"))
        if result and result.adjusted() >= _NUMERIC_DIGITS_MAX:
            raise NumericValueOutOfRange("value overflows numeric format")
        return following(run, result, found, run.is_lax)

    return step


@builds(Kind.PLUS, Kind.MINUS)
def _unary(item: Item, following: Step) -> Step:
    operand = compile_item(item.operands[0])
    is_minus = item.kind is Kind.MINUS
    is_last = item.following is None

    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        has_found = False
        for number in sequence(run, operand, value, unwrap=True):
            if not is_number(number):
                if found is None and is_last:
                    continue
                sign = "-" if is_minus else "+"
                raise JsonNumberNotFound(f"operand of unary jsonpath operator {sign} is not a numeric value")
            result = number if not is_minus else -number if type(number) is int else number.copy_negate()
            if following(run, result, found, run.is_lax):
                has_found = True
                if found is None:
                    break
        return has_found

    return step


@builds(Kind.TYPE)
def _type(item: Item, following: Step) -> Step:
    return lambda run, value, found, _unwrap: following(run, _type_name(value), found, run.is_lax)


def _type_name(value: Any) -> str:
    if isinstance(value, DatetimeValue):
        return value.type_name
    return _TYPE_NAMES[type(value)]


_TYPE_NAMES: dict[type, str] = {
    dict: "object", list: "array", str: "string", int: "number", Decimal: "number", bool: "boolean",
    type(None): "null",
}  # fmt: skip


@builds(Kind.SIZE)
def _size(item: Item, following: Step) -> Step:
    def step(run: Run, value: Any, found: Found, _unwrap: bool) -> bool:
        if type(value) is list:
            return following(run, len(value), found, run.is_lax)
        if run.is_lax:
            return following(run, 1, found, True)
        if not run.ignores:
            raise JsonArrayNotFound("jsonpath item method .size() can only be applied to an array")
        return False

    return step


def _of_each(convert: Callable[[Run, Any], Any], following: Step) -> Step:
    """The step of a method that turns one item, or one element of an array, into another."""

    def step(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
        if unwrap and type(value) is list:
            return unwrapped(run, step, value, found)
        return following(run, convert(run, value), found, run.is_lax)

    return step


@builds(Kind.ABS, Kind.FLOOR, Kind.CEILING)
def _numeric_method(item: Item, following: Step) -> Step:
    operation = _NUMERIC_METHODS[item.kind]

    def convert(_run: Run, value: Any) -> Any:
        if not is_number(value):
            raise NonNumericJsonItem(
                f"jsonpath item method .{item.kind.value}() can only be applied to a numeric value"
            )
        return abs(value) if item.kind is Kind.ABS and type(value) is int else operation(decimal_of(value))

    return _of_each(convert, following)


_NUMERIC_METHODS: dict[Kind, Callable[[Decimal], Any]] = {
    Kind.ABS: Decimal.copy_abs,
    Kind.FLOOR: lambda number: int(number.to_integral_value(decimal.ROUND_FLOOR)),
    Kind.CEILING: lambda number: int(number.to_integral_value(decimal.ROUND_CEILING)),
}


@builds(Kind.DOUBLE)
def _double(item: Item, following: Step) -> Step:
    return _of_each(_double_value, following)


def _double_value(_run: Run, value: Any) -> Any:
    """A number as it is, once it is known to fit; the number of a string with a double's 15 sure digits."""
    if is_number(value):
        if _float(numeric_text(decimal_of(value))) is None:
            raise NonNumericJsonItem(
                "numeric argument of jsonpath item method .double() is out of range for type double precision"
            )
        return value
    if type(value) is not str:
        raise NonNumericJsonItem(
            "jsonpath item method .double() can only be applied to a string or numeric value"
        )
    number = _float(value)
    if number is None:
        raise NonNumericJsonItem(
            "string argument of jsonpath item method .double() is not a valid representation of a double precision"
            " number"
        )
    return Decimal(numeric_text(Decimal(f"{number:.15g}")))


def _float(text: str) -> float | None:
    """The double of a text; None for what is no number, infinite, or lost to zero."""
    is_hexadecimal = _HEX_FLOAT.fullmatch(text) is not None
    if not is_hexadecimal and not _FLOAT.fullmatch(text):
        return None
    try:
        number = float.fromhex(text.strip()) if is_hexadecimal else float(text)
    except OverflowError:
        return None
    mantissa = text.lower().partition("p" if is_hexadecimal else "e")[0].partition("0x")
    is_lost = number == 0 and re.search("[1-9a-f]", mantissa[2] or mantissa[0]) is not None
    return None if is_lost or abs(number) == float("inf") else number


@builds(Kind.DATETIME)
def _datetime(item: Item, following: Step) -> Step:
    template: str | None = item.value

    def convert(_run: Run, value: Any) -> DatetimeValue:
        if type(value) is not str:
            raise InvalidArgumentForJsonDatetime(
                "jsonpath item method .datetime() can only be applied to a string"
            )
        parsed = parse_datetime(value, template)
        if parsed is None:
            raise InvalidArgumentForJsonDatetime(
                f'datetime format is not recognized: "{value}"',
                hint="Use a datetime template argument to specify the input data format.",
            )
        return parsed

    return _of_each(convert, following)


@builds(Kind.KEYVALUE)
def _keyvalue(item: Item, following: Step) -> Step:
    """Members as objects of key, value and the id of the object they come from.

    The id is the object's place in the binary form of the document or variables, plus 10^10 times the number of that
    base: 0 for the document, 1 for the variables, then one for each object that keyvalue() has made.
    """

    def step(run: Run, value: Any, found: Found, unwrap: bool) -> bool:
        if unwrap and type(value) is list:
            return unwrapped(run, step, value, found)
        if type(value) is not dict:
            raise JsonObjectNotFound("jsonpath item method .keyvalue() can only be applied to an object")
        if not value:
            return False
        identity = container_offset(run.base, value) + run.base_id * _BASE_OBJECT_UNIT
        base = run.base, run.base_id
        has_found = False
        try:
            for key, member in value.items():
                pair = {"id": identity, "key": key, "value": member}
                run.base, run.base_id = pair, run.next_id
                run.next_id += 1
                has_found = following(run, pair, found, run.is_lax)
                if has_found and found is None:
                    break
        finally:
            run.base, run.base_id = base
        return has_found

    return step
