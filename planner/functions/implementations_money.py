"""money: arithmetic, casts, words. Columns hold hundredths as int64; what leaves that range is refused (22003).

https://www.postgresql.org/docs/15/datatype-money.html; rounding as in postgres/postgres:src/backend/utils/adt/cash.c.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.errors import DivisionByZero, FeatureNotSupported, NumericValueOutOfRange
from foundation.sqltypes import INT4, INT8, MONEY, NUMERIC
from planner.functions.datum import CallSite, Kernel
from planner.functions.rowwise import by_value, row_kernel

_INT64_END = 1 << 63
_WIDE = Context(prec=200_000)

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["-", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_POWERS = ("quadrillion", "trillion", "billion", "million", "thousand")


def _checked(amount: int) -> int:
    if not -_INT64_END <= amount < _INT64_END:
        raise NumericValueOutOfRange("money out of range")
    return amount


def _rounded(value: Any) -> int:
    """The nearest integer of a float, of two the even one."""
    if not np.isfinite(value):
        raise NumericValueOutOfRange("money out of range")
    return _checked(int(np.rint(value)))


def _times_double(amount: int, factor: float) -> int:
    return _rounded(np.float64(amount) * np.float64(factor))


def _times_real(amount: int, factor: float) -> int:
    """In single precision, as PostgreSQL multiplies with a real."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _rounded(np.float32(amount) * np.float32(factor))


def _by_double(amount: int, divisor: float) -> int:
    _check_divisor(divisor)
    return _rounded(np.float64(amount) / np.float64(divisor))


def _by_real(amount: int, divisor: float) -> int:
    _check_divisor(divisor)
    return _rounded(np.float32(amount) / np.float32(divisor))


def _by_integer(amount: int, divisor: int) -> int:
    """Towards zero."""
    _check_divisor(divisor)
    quotient = abs(amount) // abs(divisor)
    return _checked(quotient if (amount < 0) == (divisor < 0) else -quotient)


def _ratio(left: int, right: int) -> float:
    _check_divisor(right)
    return float(np.float64(left) / np.float64(right))


def _check_divisor(divisor: float) -> None:
    if divisor == 0:
        raise DivisionByZero("division by zero")


# ---------------------------------------------------------------------------------------------------------
# Words


def _hundreds(number: int) -> str:
    """0 to 999 in words, with PostgreSQL's `and` (num_word())."""
    head, rest = divmod(number, 100)
    if rest < 20:
        tail = _SMALL[rest]
    else:
        tail = " ".join([_TENS[rest // 10], *([_SMALL[rest % 10]] if rest % 10 else [])])
    if not head:
        return tail
    if not rest:
        return f"{_SMALL[head]} hundred"
    return f"{_SMALL[head]} hundred {'and ' if rest < 20 else ''}{tail}"


def _words(amount: int) -> str:
    dollars, cents = divmod(abs(amount), 100)
    text = "minus " if amount < 0 else ""
    for power, name in zip(range(5, 0, -1), _POWERS, strict=True):
        group = dollars // 1000**power % 1000
        text += f"{_hundreds(group)} {name} " if group else ""
    text += _hundreds(dollars % 1000) if dollars % 1000 or not dollars else ""
    text += f" dollar{'' if dollars == 1 else 's'} and {_hundreds(cents)} cent{'' if cents == 1 else 's'}"
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------------------------------------------------
# Casts


def _from_numeric(value: Any) -> int:
    number = Decimal(value)
    if not number.is_finite():
        word = "NaN" if number.is_nan() else "infinity"
        raise FeatureNotSupported(f"cannot convert {word} to bigint")
    cents = int(number.scaleb(2, _WIDE).to_integral_value(ROUND_HALF_UP))
    return _as_bigint(cents)


def _from_integer(value: int) -> int:
    return _as_bigint(100 * value)


def _as_bigint(cents: int) -> int:
    if not -_INT64_END <= cents < _INT64_END:
        raise NumericValueOutOfRange("bigint out of range")
    return cents


def _numeric_text(amount: int) -> str:
    whole, cents = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{whole}.{cents:02d}"


def money_conversions() -> dict[tuple[int, int], Callable[[pa.Array, CallSite], pa.Array]]:
    """Casts by (source OID, target OID)."""
    return {
        (NUMERIC.oid, MONEY.oid): by_value(_from_numeric, pa.int64()),
        (INT4.oid, MONEY.oid): by_value(_from_integer, pa.int64()),
        (INT8.oid, MONEY.oid): by_value(_from_integer, pa.int64()),
        (MONEY.oid, NUMERIC.oid): by_value(_numeric_text, pa.utf8()),
    }


def money_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name."""
    functions: dict[str, Callable[..., Any]] = {
        "cash_pl": lambda a, b: _checked(a + b), "cash_mi": lambda a, b: _checked(a - b), "cash_div_cash": _ratio,
        "cash_mul_flt8": _times_double, "flt8_mul_cash": lambda f, c: _times_double(c, f), "cash_div_flt8": _by_double,
        "cash_mul_flt4": _times_real, "flt4_mul_cash": lambda f, c: _times_real(c, f), "cash_div_flt4": _by_real,
        "cash_words": _words, "money(1700)": _from_numeric, "money(23)": _from_integer, "money(20)": _from_integer,
        "numeric(790)": _numeric_text,
    }  # fmt: skip
    for kind in ("int2", "int4", "int8"):
        functions[f"cash_mul_{kind}"] = functions[f"{kind}_mul_cash"] = lambda a, b: _checked(a * b)
        functions[f"cash_div_{kind}"] = _by_integer
    return {name: row_kernel(function) for name, function in functions.items()}
