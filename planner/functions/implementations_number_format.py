"""to_char() of numbers and to_number(): which digits a template leaves of a value of each type, as formatting.c has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.errors import InvalidTextRepresentation, NumericValueOutOfRange
from foundation.sqltypes import INT4, INT8, arrow_type
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_arithmetic import (
    decimal_of,
    integer_out_of_range,
    numeric_text,
    numeric_to_integer,
    round_to_scale,
)
from planner.functions.number_printing import Digits, print_number
from planner.functions.number_reading import NumberReader
from planner.functions.number_templates import NumberTemplate, number_template
from planner.functions.rowwise import over_distinct, row_kernel, row_values

_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_ROMAN_MAX = 3999
_FLOAT4_DIGITS, _FLOAT8_DIGITS = 6, 15
_INT4_MIN = -(2**31)
_POWER_DIGITS = 16
"""Significant digits of PostgreSQL's 10 ^ -n, whose scale the number takes on."""


def _roman(number: int) -> Digits:
    if not 1 <= number <= _ROMAN_MAX:
        return Digits("#" * 15, "", 0, 0, 0)
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return Digits(text, "", 0, 0, 0)


def _exponential(template: NumberTemplate, text: str | None) -> Digits:
    """A number in scientific notation with a blank for the sign +; `None` for what is not finite."""
    if text is None:
        before, after = template.digits_before, template.digits_after
        text = "#" * before + "." + "#" * (after + 4)
    return Digits(text if text.startswith("-") else f" {text}", "", 0, 0, 0)


def _laid_out(template: NumberTemplate, text: str, after: int) -> Digits:
    """A number as text, to be shown with the room that the template has; '#' where it has too little."""
    sign = "-" if text.startswith("-") else "+"
    text = text.removeprefix("-")
    before = template.digits_before + (template.shifted_digits if template.has("V") else 0)
    length = text.find(".") if "." in text else len(text)
    if length > before:
        text = "#" * before + "." + "#" * after
    return Digits(text, sign, max(0, before - length), before, after)


def _rounded_text(value: Decimal, scale: int) -> str:
    if not value.is_finite():
        return "NaN" if value.is_nan() else ("-" if value < 0 else "") + "Infinity"
    return numeric_text(round_to_scale(value, scale))


def _numeric_digits(value: Any, template: NumberTemplate) -> Digits:
    number = decimal_of(value)
    if template.has("RN"):
        return _roman(numeric_to_integer(number, INT4.oid))
    if template.has("EEEE"):
        return _exponential(template, _scientific(number, template.digits_after))
    if template.has("V") and number.is_finite():
        number = number.scaleb(template.shifted_digits)
    return _laid_out(template, _rounded_text(number, template.digits_after), template.digits_after)


def _scientific(number: Decimal, scale: int) -> str | None:
    """numeric_out_sci: rounded half away from zero, which may leave 10 ahead of the point; two digits of exponent."""
    if not number.is_finite():
        return None
    exponent = number.adjusted() if number else 0
    rounded = round_to_scale(number.scaleb(-exponent), scale)
    return f"{rounded:f}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def _integer_digits(value: int, template: NumberTemplate) -> Digits:
    if template.has("RN"):
        return _roman(value)
    if template.has("EEEE"):
        return _exponential(template, f"{float(value):.{template.digits_after}e}")
    if template.has("V"):
        # PostgreSQL multiplies without looking at the range.
        value = (value * 10**template.shifted_digits - _INT4_MIN) % 2**32 + _INT4_MIN
    return _whole_digits(value, template)


def _bigint_digits(value: int, template: NumberTemplate) -> Digits:
    if template.has("RN"):
        if not _INT4_MIN <= value < -_INT4_MIN:
            raise integer_out_of_range(INT4.oid)
        return _roman(value)
    if template.has("EEEE"):
        return _exponential(template, _scientific(Decimal(value), template.digits_after))
    if template.has("V"):
        value *= 10**template.shifted_digits
        if not -(2**63) <= value < 2**63:
            raise integer_out_of_range(INT8.oid)
    return _whole_digits(value, template)


def _whole_digits(value: int, template: NumberTemplate) -> Digits:
    after = template.digits_after
    return _laid_out(template, f"{value}.{'0' * after}" if after else str(value), after)


def _float_digits(precision: int, product: Callable[[float, float], float]) -> Callable[..., Digits]:
    """Floats show as many digits as the type surely has; those of the template beyond are left out."""

    def digits(value: float, template: NumberTemplate) -> Digits:
        if template.has("RN"):
            return _roman(round(value) if math.isfinite(value) else 0)
        if template.has("EEEE"):
            finite = math.isfinite(value)
            return _exponential(template, f"{value:.{template.digits_after}e}" if finite else None)
        if template.has("V"):
            value = product(value, float(10**template.shifted_digits))
        if not math.isfinite(value):
            whole = "NaN" if math.isnan(value) else "Infinity"
            text = f"-{whole}" if value < 0 else whole
            after = max(0, min(template.digits_after, precision - len(whole)))
            return _laid_out(template, text, after)
        length = len(f"{abs(value):.0f}")
        after = max(0, min(template.digits_after, precision - length))
        return _laid_out(template, f"{value:.{after}f}", after)

    return digits


def _float4_product(value: float, factor: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value) * np.float32(factor))


def _printing_kernel(digits_of: Callable[[Any, NumberTemplate], Digits]) -> Kernel:
    def printed(value: Any, text: str) -> str:
        if not text:
            return ""
        template = number_template(text)
        return print_number(template, digits_of(value, template))

    return row_kernel(printed)


def read_number(text: str, template_text: str) -> str | None:
    """to_number(): the numeric as text, None for an empty template.

    Raises:
        SyntaxErrorInStatement: 42601, a bad template; FeatureNotSupported: 0A000, `EEEE` and `RN`.
        InvalidTextRepresentation: 22P02, no number there; NumericValueOutOfRange: 22003, more digits than the template has.
    """
    if not template_text:
        return None
    template = number_template(template_text)
    reader = NumberReader(template, text)
    found = reader.read()
    if not found.strip(" +-."):
        raise InvalidTextRepresentation(f'invalid input syntax for type numeric: "{found}"')
    number = round_to_scale(Decimal(found.strip()), reader.read_after)
    shifted = template.shifted_digits
    limit = template.digits_before + shifted
    if number and number.adjusted() >= limit:
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {limit + reader.read_after}, scale {reader.read_after} must round to an "
            f"absolute value less than {'1' if not limit else f'10^{limit}'}.",
        )
    if template.has("V"):
        number = round_to_scale(number.scaleb(-shifted), reader.read_after + _POWER_DIGITS + shifted)
    return numeric_text(number)


def _reading_kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    rows = zip(*row_values(arguments, row_count_of(arguments, site.row_count)))
    numbers = [None if None in row else read_number(*row) for row in rows]
    return pa.array(numbers, arrow_type(site.result_type))


def number_format_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    return {
        "to_char(1700,25)": _printing_kernel(_numeric_digits),
        "to_char(23,25)": _printing_kernel(_integer_digits),
        "to_char(20,25)": _printing_kernel(_bigint_digits),
        "to_char(700,25)": _printing_kernel(_float_digits(_FLOAT4_DIGITS, _float4_product)),
        "to_char(701,25)": _printing_kernel(
            _float_digits(_FLOAT8_DIGITS, lambda value, factor: value * factor)
        ),
        "to_number(25,25)": over_distinct(_reading_kernel),
    }
