"""Functions of numeric beyond arithmetic: roots, powers, logarithms, factorial, width_bucket, scales.

The result's scale follows src/backend/utils/adt/numeric.c (numeric_sqrt, numeric_exp, numeric_ln, log_var, power_var):
at least 16 significant digits, estimated from the operands; the digits are correctly rounded at that scale.
"""

from __future__ import annotations

import decimal
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from foundation.errors import NumericValueOutOfRange
from planner.errors import InvalidArgumentForLogarithm, InvalidArgumentForPower, InvalidArgumentForWidthBucket
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_arithmetic import decimal_of, numeric_text, round_to_scale, scale_of
from planner.functions.implementations_compare import element_order
from planner.functions.rowwise import argument_rows, row_kernel, row_values

_DIGITS_MIN = 16
_SCALE_MAX = 1000
_LOG10_E = 0.434294481903252
_LN_10 = 2.302585092994046
_RESULT_DIGITS_MAX = 131072
_FACTORIAL_MAX = 32177
_GUARD_DIGITS = 20
_INT32 = range(-(2**31), 2**31)


def _context(scale: int, weight: int) -> decimal.Context:
    """Enough digits for a result with `weight` digits before the point and `scale` after it."""
    return decimal.Context(
        prec=max(scale + max(weight, 0) + _GUARD_DIGITS, 50), rounding=decimal.ROUND_HALF_EVEN,
        Emax=999999, Emin=-999999, traps=[],
    )  # fmt: skip


def _clamped(scale: int, *operands: Decimal) -> int:
    return min(max(scale, 0, *(scale_of(operand) for operand in operands)), _SCALE_MAX)


def _weight(value: Decimal) -> int:
    """Weight of the first base-10000 digit."""
    return value.adjusted() // 4 if value else 0


def _leading(value: Decimal, groups: int) -> tuple[int, int]:
    """(the first base-10000 digits as one integer, decimal weight of the last of them)."""
    value = abs(value).normalize(_context(_SCALE_MAX, 1000))
    weight = 4 * _weight(value)
    digits = int(value.scaleb(-weight))
    while groups > 1 and value.scaleb(-weight) != digits:
        weight -= 4
        digits = int(value.scaleb(-weight))
        groups -= 1
    return digits, weight


def _ln_weight(value: Decimal) -> int:
    """estimate_ln_dweight: decimal weight of ln(value)."""
    if value <= 0:
        return 0
    if Decimal("0.9") <= value <= Decimal("1.1"):
        rest = value - 1
        if not rest:
            return 0
        digits, weight = _leading(rest, 1)
        return weight + int(math.log10(digits))
    digits, weight = _leading(value, 2)
    return int(math.log10(abs(math.log(digits) + weight * _LN_10)))


def _sqrt(value: Decimal) -> Decimal:
    if not value.is_finite():
        if value.is_infinite() and value < 0:
            raise InvalidArgumentForPower("cannot take square root of a negative number")
        return value
    if value < 0:
        raise InvalidArgumentForPower("cannot take square root of a negative number")
    weight = _weight(value)
    result_weight = weight * 4 // 2 + 1 if weight >= 0 else 1 - (1 - weight * 4) // 2
    scale = _clamped(_DIGITS_MIN - result_weight, value)
    return round_to_scale(_context(scale, result_weight).sqrt(value), scale)


def _exp(value: Decimal) -> Decimal:
    if not value.is_finite():
        return Decimal(0) if value.is_infinite() and value < 0 else value
    weight = max(min(float(value) * _LOG10_E, 2000 * 100), -2000)
    if weight > _RESULT_DIGITS_MAX:
        raise NumericValueOutOfRange("value overflows numeric format")
    scale = _clamped(_DIGITS_MIN - int(weight), value)
    return round_to_scale(_context(scale, int(weight)).exp(value), scale)


def _check_logarithm(value: Decimal) -> None:
    if value == 0:
        raise InvalidArgumentForLogarithm("cannot take logarithm of zero")
    if value < 0:
        raise InvalidArgumentForLogarithm("cannot take logarithm of a negative number")


def _ln(value: Decimal) -> Decimal:
    if value.is_nan():
        return value
    _check_logarithm(value)
    if value.is_infinite():
        return value
    scale = _clamped(_DIGITS_MIN - _ln_weight(value), value)
    return round_to_scale(_context(scale, 10).ln(value), scale)


def _log(base: Decimal, value: Decimal) -> Decimal:
    if base.is_nan() or value.is_nan():
        return Decimal("NaN")
    _check_logarithm(base)
    _check_logarithm(value)
    if base.is_infinite() or value.is_infinite():
        if base.is_infinite():
            return Decimal("NaN") if value.is_infinite() else Decimal(0)
        return value
    scale = _clamped(_DIGITS_MIN - (_ln_weight(value) - _ln_weight(base)), base, value)
    context = _context(scale, 20)
    divisor = context.ln(base)
    if not divisor:
        from foundation.errors import DivisionByZero

        raise DivisionByZero("division by zero")
    return round_to_scale(context.divide(context.ln(value), divisor), scale)


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """numeric ^ numeric.

    Raises:
        InvalidArgumentForPower: 2201F, 0 to a negative or a negative number to a fractional power.
        NumericValueOutOfRange: 22003, a result of more than 131,072 digits before the point.
    """
    if not (base.is_finite() and exponent.is_finite()):
        return _endless_power(base, exponent)
    if base == 0 and exponent < 0:
        raise InvalidArgumentForPower("zero raised to a negative power is undefined")
    is_whole = exponent == exponent.to_integral_value()
    if base < 0 and not is_whole:
        raise InvalidArgumentForPower(
            "a negative number raised to a non-integer power yields a complex result"
        )
    if base == 0 and not is_whole:
        return round_to_scale(Decimal(0), _DIGITS_MIN)
    weight = 0.0
    if base:
        digits, shift = _leading(base, 4)
        weight = float(exponent) * (math.log10(digits) + shift)
    if weight > _RESULT_DIGITS_MAX:
        raise NumericValueOutOfRange("value overflows numeric format")
    if weight + 1 < -_SCALE_MAX and is_whole and int(exponent) in _INT32:
        return round_to_scale(Decimal(0), _SCALE_MAX)
    scale = _clamped(_DIGITS_MIN - int(weight), base, exponent)
    result = Decimal(1) if exponent == 0 else _context(scale, int(weight)).power(base, exponent)
    return round_to_scale(result, scale)


def _endless_power(base: Decimal, exponent: Decimal) -> Decimal:
    if exponent == 0 or base == 1:
        return Decimal(1)
    if base.is_nan() or exponent.is_nan():
        return Decimal("NaN")
    if base == 0 and exponent < 0:
        raise InvalidArgumentForPower("zero raised to a negative power is undefined")
    if base.is_infinite() and base < 0 and exponent.is_finite() and exponent != exponent.to_integral_value():
        raise InvalidArgumentForPower(
            "a negative number raised to a non-integer power yields a complex result"
        )
    result = math.pow(float(base), float(exponent))
    return Decimal(int(result)) if math.isfinite(result) else Decimal(result)


def _gcd(left: Decimal, right: Decimal) -> Decimal:
    """Euclid's algorithm over decimals; it has the larger scale of the two."""
    if not (left.is_finite() and right.is_finite()):
        return Decimal("NaN")
    scale = max(scale_of(left), scale_of(right))
    whole = math.gcd(int(left.scaleb(scale)), int(right.scaleb(scale)))
    return round_to_scale(Decimal(whole).scaleb(-scale), scale)


def _lcm(left: Decimal, right: Decimal) -> Decimal:
    if not (left.is_finite() and right.is_finite()):
        return Decimal("NaN")
    scale = max(scale_of(left), scale_of(right))
    whole = math.lcm(int(left.scaleb(scale)), int(right.scaleb(scale)))
    return round_to_scale(Decimal(whole).scaleb(-scale), scale)


def _factorial(number: int) -> str:
    if number < 0:
        raise NumericValueOutOfRange("factorial of a negative number is undefined")
    if number > _FACTORIAL_MAX:
        raise NumericValueOutOfRange("value overflows numeric format")
    return numeric_text(Decimal(math.factorial(number)))


def _min_scale(value: Any) -> int | None:
    number = decimal_of(value)
    if not number.is_finite():
        return None
    return scale_of(number.normalize(_context(_SCALE_MAX, 1000))) if number else 0


def _trim_scale(value: Any) -> str:
    number = decimal_of(value)
    scale = _min_scale(number)
    return numeric_text(number if scale is None else round_to_scale(number, scale))


def _width_bucket(operand: Any, low: Any, high: Any, count: int) -> int:
    """Bucket 1..count of a histogram; 0 below it, count + 1 above. Bounds may fall."""
    if count <= 0:
        raise InvalidArgumentForWidthBucket("count must be greater than zero")
    if any(v != v for v in (operand, low, high)):
        raise InvalidArgumentForWidthBucket("operand, lower bound, and upper bound cannot be NaN")
    if any(math.isinf(v) for v in (low, high)):
        raise InvalidArgumentForWidthBucket("lower and upper bounds must be finite")
    if low == high:
        raise InvalidArgumentForWidthBucket("lower bound cannot equal upper bound")
    sign = 1 if low < high else -1
    if sign * (operand - low) < 0:
        return 0
    if sign * (operand - high) >= 0:
        return count + 1
    return int(count * (operand - low) / (high - low)) + 1


def _threshold_bucket(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """How many of ascending thresholds are not above the operand."""
    from foundation.sqltypes import SqlType, element_type

    oid = site.argument_types[1]
    element = element_type(SqlType(oid))
    buckets: list[int | None] = []
    for operand, thresholds in zip(*row_values(arguments, row_count_of(arguments, site.row_count))):
        if operand is None or thresholds is None:
            buckets.append(None)
            continue
        kind = element.oid if element is not None else 0
        keys = [element_order(item, kind) for item in thresholds]
        buckets.append(bisect_right(keys, element_order(operand, kind)))
    return pa.array(buckets, pa.int32())


def _count_nulls(*, is_null: bool) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments, site.row_count)
        rows = argument_rows(arguments, row_count)
        return pa.array([sum((value is None) is is_null for value in row) for row in rows], pa.int32())

    return kernel


def _numeric(function: Callable[..., Decimal]) -> Kernel:
    return row_kernel(lambda *values: numeric_text(function(*(decimal_of(value) for value in values))))


def numeric_function_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    kernels: dict[str, Kernel] = {
        "numeric_sqrt": _numeric(_sqrt), "numeric_exp": _numeric(_exp), "numeric_ln": _numeric(_ln),
        "numeric_power": _numeric(power), "log(1700,1700)": _numeric(_log),
        "factorial(20)": row_kernel(_factorial), "min_scale(1700)": row_kernel(_min_scale),
        "trim_scale(1700)": row_kernel(_trim_scale), "gcd(1700,1700)": _numeric(_gcd), "lcm(1700,1700)": _numeric(_lcm),
        "numeric_inc(1700)": _numeric(lambda value: value + 1),
        "width_bucket(1700,1700,1700,23)": row_kernel(
            lambda v, low, high, n: _width_bucket(decimal_of(v), decimal_of(low), decimal_of(high), n)
        ),
        "width_bucket(701,701,701,23)": row_kernel(_width_bucket), "width_bucket(5077,5078)": _threshold_bucket,
        "num_nulls": _count_nulls(is_null=True), "num_nonnulls": _count_nulls(is_null=False),
    }  # fmt: skip
    for name, kernel in (("sqrt", "numeric_sqrt"), ("exp", "numeric_exp"), ("ln", "numeric_ln")):
        kernels[f"{name}(1700)"] = kernels[kernel]
    for name in ("power", "pow"):
        kernels[f"{name}(1700,1700)"] = kernels["numeric_power"]
    for name in ("log", "log10"):
        kernels[f"{name}(1700)"] = _numeric(lambda value: _log(Decimal(10), value))
    return kernels
