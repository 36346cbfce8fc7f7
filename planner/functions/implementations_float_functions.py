"""Roots, logarithms and the functions of angles of double precision, with PostgreSQL's last digit and errors.

Values go through the C library one by one, as in PostgreSQL (0.1 us each): NumPy's vectorised versions differ from it in the
last digit of up to half of all values. Functions of degrees are exact at the angles where they should be (float.c, dsind).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import NumericValueOutOfRange
from planner.errors import InvalidArgumentForLogarithm, InvalidArgumentForPower
from planner.functions.datum import CallSite, Datum, Kernel
from planner.functions.implementations_arithmetic import check_float_result, float_operands, masked

Floats = npt.NDArray[np.float64]
_RADIANS_PER_DEGREE = 0.0174532925199432957692
_SIN_30 = math.sin(30 * _RADIANS_PER_DEGREE)
_ONE_MINUS_COS_60 = 1 - math.cos(60 * _RADIANS_PER_DEGREE)
_ASIN_HALF, _ACOS_HALF, _ATAN_1 = math.asin(0.5), math.acos(0.5), math.atan(1)


def _each(function: Callable[..., float], columns: Sequence[Floats]) -> Floats:
    """The function of every row; infinity with the function's sign where the C library overflows, NaN beyond its domain."""
    lists = [column.tolist() for column in np.broadcast_arrays(*columns)]
    count = len(lists[0])
    try:
        return np.fromiter(map(function, *lists), np.float64, count)
    except (ValueError, OverflowError):
        return np.fromiter((_or_infinity(function, row) for row in zip(*lists)), np.float64, count)


def _or_infinity(function: Callable[..., float], row: tuple[float, ...]) -> float:
    try:
        return function(*row)
    except OverflowError:
        is_negative = (function is math.sinh and row[0] < 0) or (
            function is math.pow and row[0] < 0 and row[1] % 2 == 1
        )
        return -math.inf if is_negative else math.inf
    except ValueError:
        return math.nan


def _function(
    function: Callable[..., float],
    domain: Callable[[Floats, npt.NDArray[np.bool_]], None] | None = None,
    *,
    is_checked: bool = False,
    can_underflow: bool = False,
) -> Kernel:
    """A strict kernel. `domain` raises for operands outside it; `is_checked`: an infinity made of numbers is 22003."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        columns, valid = float_operands(arguments, pa.float64())
        if domain is not None:
            domain(columns[0], valid)
        result = _each(function, columns)
        if is_checked:
            check_float_result(np.where(valid, result, 1), columns, can_underflow=can_underflow)
        return masked(result, valid, pa.float64())

    return kernel


def _check_sqrt(values: Floats, valid: npt.NDArray[np.bool_]) -> None:
    if ((values < 0) & valid).any():
        raise InvalidArgumentForPower("cannot take square root of a negative number")


def _check_log(values: Floats, valid: npt.NDArray[np.bool_]) -> None:
    for value in values[(values <= 0) & valid].tolist():
        what = "zero" if value == 0 else "a negative number"
        raise InvalidArgumentForLogarithm(f"cannot take logarithm of {what}")


def _check_within_one(values: Floats, valid: npt.NDArray[np.bool_]) -> None:
    _check((np.abs(values) <= 1) | np.isnan(values), valid)


def _check_from_one(values: Floats, valid: npt.NDArray[np.bool_]) -> None:
    _check((values >= 1) | np.isnan(values), valid)


def _check_finite(values: Floats, valid: npt.NDArray[np.bool_]) -> None:
    _check(~np.isinf(values), valid)


def _check(is_within: npt.NDArray[np.bool_], valid: npt.NDArray[np.bool_]) -> None:
    if (~is_within & valid).any():
        raise NumericValueOutOfRange("input is out of range")


def _cotangent(value: float) -> float:
    tangent = math.tan(value)
    return 1 / tangent if tangent else math.copysign(math.inf, tangent)


def _inverse_tanh(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) == 1 else math.atanh(value)


def _power(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    (left, right), valid = float_operands(arguments, pa.float64())
    if ((left == 0) & (right < 0) & valid).any():
        raise InvalidArgumentForPower("zero raised to a negative power is undefined")
    if ((left < 0) & np.isfinite(left) & np.isfinite(right) & (np.floor(right) != right) & valid).any():
        raise InvalidArgumentForPower(
            "a negative number raised to a non-integer power yields a complex result"
        )
    result = _each(math.pow, [left, right])
    check_float_result(np.where(valid, result, 1), [left, right], can_underflow=False)
    vanished = (result == 0) & (left != 0) & np.isfinite(left) & np.isfinite(right) & valid
    if vanished.any():
        raise NumericValueOutOfRange("value out of range: underflow")
    return masked(result, valid, pa.float64())


def _check_exp(kernel: Kernel) -> Kernel:
    """exp() of a number that is too small for any result but zero is an underflow; of -infinity it is zero."""

    def checked(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        result = kernel(arguments, site)
        (values,), valid = float_operands(arguments, pa.float64())
        vanished = np.asarray(result.fill_null(1)) == 0
        if (vanished & np.isfinite(values) & valid).any():
            raise NumericValueOutOfRange("value out of range: underflow")
        return result

    return checked


# ---------------------------------------------------------------------------------------------------------
# Degrees


def _sine_to_30(angle: float) -> float:
    return math.sin(angle * _RADIANS_PER_DEGREE) / _SIN_30 / 2


def _cosine_to_60(angle: float) -> float:
    return 1 - (1 - math.cos(angle * _RADIANS_PER_DEGREE)) / _ONE_MINUS_COS_60 / 2


def _sine_to_90(angle: float) -> float:
    return _sine_to_30(angle) if angle <= 30 else _cosine_to_60(90 - angle)


def _cosine_to_90(angle: float) -> float:
    return _cosine_to_60(angle) if angle <= 60 else _sine_to_30(90 - angle)


_TAN_45 = _sine_to_90(45) / _cosine_to_90(45)
_COT_45 = _cosine_to_90(45) / _sine_to_90(45)


def _folded(angle: float, *, is_odd: bool, is_half_turn_odd: bool) -> tuple[float, int]:
    """(angle from 0 to 90, sign of the result): what the symmetries of a function make of any angle.

    `is_odd`: f(-x) = -f(x), and so f(360 - x); `is_half_turn_odd`: f(180 - x) = -f(x).
    """
    angle, sign = math.fmod(angle, 360), 1
    if angle < 0:
        angle, sign = -angle, -sign if is_odd else sign
    if angle > 180:
        angle, sign = 360 - angle, -sign if is_odd else sign
    if angle > 90:
        angle, sign = 180 - angle, -sign if is_half_turn_odd else sign
    return angle, sign


def _sine(angle: float) -> float:
    angle, sign = _folded(angle, is_odd=True, is_half_turn_odd=False)
    return sign * _sine_to_90(angle)


def _cosine(angle: float) -> float:
    angle, sign = _folded(angle, is_odd=False, is_half_turn_odd=True)
    return sign * _cosine_to_90(angle)


def _quotient(numerator: float, denominator: float, at_45: float, sign: int) -> float:
    result = sign * (numerator / denominator / at_45 if denominator else math.inf)
    return result if result else 0.0


def _tangent_of_degrees(angle: float) -> float:
    angle, sign = _folded(angle, is_odd=True, is_half_turn_odd=True)
    return _quotient(_sine_to_90(angle), _cosine_to_90(angle), _TAN_45, sign)


def _cotangent_of_degrees(angle: float) -> float:
    angle, sign = _folded(angle, is_odd=True, is_half_turn_odd=True)
    return _quotient(_cosine_to_90(angle), _sine_to_90(angle), _COT_45, sign)


def _arc_sine_of_positive(value: float) -> float:
    if value <= 0.5:
        return math.asin(value) / _ASIN_HALF * 30
    return 90 - math.acos(value) / _ACOS_HALF * 60


def _arc_cosine_of_positive(value: float) -> float:
    if value <= 0.5:
        return 90 - math.asin(value) / _ASIN_HALF * 30
    return math.acos(value) / _ACOS_HALF * 60


def _arc_sine(value: float) -> float:
    return _arc_sine_of_positive(value) if value >= 0 else -_arc_sine_of_positive(-value)


def _arc_cosine(value: float) -> float:
    return _arc_cosine_of_positive(value) if value >= 0 else 90 + _arc_sine_of_positive(-value)


def _arc_tangent(value: float) -> float:
    return math.atan(value) / _ATAN_1 * 45


def _arc_tangent_2(y: float, x: float) -> float:
    return math.atan2(y, x) / _ATAN_1 * 45


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: value if math.isnan(value) else function(value)


def float_function_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    kernels: dict[str, Kernel] = {
        "sqrt": _function(math.sqrt, _check_sqrt), "cbrt": _function(math.cbrt),
        "exp": _check_exp(_function(math.exp, is_checked=True)), "ln": _function(math.log, _check_log),
        "log": _function(math.log10, _check_log), "sin": _function(math.sin, _check_finite),
        "cos": _function(math.cos, _check_finite), "tan": _function(math.tan, _check_finite),
        "cot": _function(_cotangent, _check_finite), "asin": _function(math.asin, _check_within_one),
        "acos": _function(math.acos, _check_within_one), "atan": _function(math.atan), "sinh": _function(math.sinh),
        "cosh": _function(math.cosh), "tanh": _function(math.tanh), "asinh": _function(math.asinh),
        "acosh": _function(math.acosh, _check_from_one), "atanh": _function(_inverse_tanh, _check_within_one),
        "degrees": _function(lambda value: value / _RADIANS_PER_DEGREE, is_checked=True),
        "radians": _function(lambda value: value * _RADIANS_PER_DEGREE, is_checked=True, can_underflow=True),
        "sind": _function(_or_nan(_sine), _check_finite), "cosd": _function(_or_nan(_cosine), _check_finite),
        "tand": _function(_or_nan(_tangent_of_degrees), _check_finite),
        "cotd": _function(_or_nan(_cotangent_of_degrees), _check_finite),
        "asind": _function(_or_nan(_arc_sine), _check_within_one),
        "acosd": _function(_or_nan(_arc_cosine), _check_within_one), "atand": _function(_arc_tangent),
    }  # fmt: skip
    for name, twin in (("dsqrt", "sqrt"), ("dcbrt", "cbrt"), ("log10", "log")):
        kernels[name] = kernels[twin]
    named = {f"{name}(701)": kernel for name, kernel in kernels.items()}
    for name in ("power", "pow", "dpow"):
        named[f"{name}(701,701)"] = _power
    return named | {
        "atan2(701,701)": _function(math.atan2),
        "atan2d(701,701)": _function(_arc_tangent_2),
    }
