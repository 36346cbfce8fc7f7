"""Arithmetic on integers, floats and numeric with PostgreSQL's results and errors.

integer: overflow is 22003 `integer out of range`, x / 0 is 22012, division truncates toward zero.
float:   a result that became infinite or zero is 22003, unless an operand was infinite or zero already.
numeric: exact, with PostgreSQL's result scales (src/backend/utils/adt/numeric.c: add and sub the larger scale,
         mul the sum, div select_div_scale). Values are evaluated one by one in Python's decimal: numeric is
         text in storage and has no width Arrow could carry.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DivisionByZero, FeatureNotSupported, NumericValueOutOfRange
from foundation.sqltypes import FLOAT4, INT2, INT4, INT8, arrow_type
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of
from planner.functions.numeric_columns import decimal_kernel
from planner.functions.rowwise import over_distinct

INTEGER_NAMES = {INT2.oid: "smallint", INT4.oid: "integer", INT8.oid: "bigint"}
NUMERIC_CONTEXT = decimal.Context(
    prec=400_000,
    rounding=decimal.ROUND_HALF_UP,
    Emax=400_000,
    Emin=-400_000,
    traps=[decimal.InvalidOperation],
)
"""Enough digits that sums, products and roundings are exact; they cost only the digits they have."""

_INTEGER_DIGITS_MAX = 131_072
_GUARD_DIGITS = 8

NUMERIC_DISPLAY_SCALE_MAX = 1000
_NUMERIC_SIGNIFICANT_DIGITS_MIN = 16


def integer_out_of_range(oid: int) -> NumericValueOutOfRange:
    return NumericValueOutOfRange(f"{INTEGER_NAMES[oid]} out of range")


def check_float_result(
    result: npt.NDArray[Any], sources: Sequence[npt.NDArray[Any]], *, can_underflow: bool = False
) -> None:
    """Raise 22003 when a finite calculation left the range of the type.

    Args:
        result: the values; those of NULL rows must already be harmless (0).
        sources: the operands, same shape or broadcastable.
        can_underflow: also refuse a zero that came from non-zero operands.
    """
    overflowed = np.isinf(result)
    if overflowed.any():
        for source in sources:
            overflowed = overflowed & ~np.isinf(source)
        if overflowed.any():
            raise NumericValueOutOfRange("value out of range: overflow")
    if can_underflow:
        vanished = result == 0
        for source in sources:
            vanished = vanished & (source != 0) & ~np.isinf(source)
        if vanished.any():
            raise NumericValueOutOfRange("value out of range: underflow")


# ---------------------------------------------------------------------------------------------------------
# Integers


def _integer_kernel(name: str) -> Kernel:
    checked: Callable[..., Any] = {
        "pl": pc.add_checked, "mi": pc.subtract_checked, "mul": pc.multiply_checked, "div": pc.divide_checked,
    }[name]  # fmt: skip

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        oid = site.result_type.oid
        target = arrow_type(site.result_type)
        left, right = (Datum(a.array.cast(target), a.is_constant) for a in arguments)
        try:
            result = checked(left.operand(), right.operand())
        except pa.ArrowInvalid as error:
            if "divide by zero" in str(error):
                raise DivisionByZero("division by zero") from None
            raise integer_out_of_range(oid) from None
        return _as_array(result, target)

    return kernel


def _as_array(result: Any, target: pa.DataType) -> pa.Array:
    if isinstance(result, pa.Scalar):
        return pa.array([result.as_py()], target)
    return contiguous(result)


def float_operands(
    arguments: Sequence[Datum], target: pa.DataType
) -> tuple[list[npt.NDArray[Any]], npt.NDArray[np.bool_]]:
    """NumPy operands with NULL as 1, and the mask of rows where every operand is valid."""
    arrays, valid = [], np.ones(1, dtype=np.bool_)
    for argument in arguments:
        column = argument.array.cast(target, safe=False)
        arrays.append(np.asarray(column.fill_null(1)))
        if column.null_count:
            valid = valid & np.asarray(column.is_valid())
    return arrays, valid


def masked(values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], target: pa.DataType) -> pa.Array:
    if valid.all():
        return pa.array(values, target)
    return pa.array(values, target, mask=~np.broadcast_to(valid, values.shape))


def _integer_mod(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    target = arrow_type(site.result_type)
    (left, right), valid = float_operands(arguments, target)
    if ((right == 0) & valid).any():
        raise DivisionByZero("division by zero")
    safe = np.where((right == 0) | (right == -1), 1, right).astype(right.dtype)
    return masked(np.fmod(left, safe), valid, target)


def _integer_bits(operation: Callable[..., Any]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        target = arrow_type(site.result_type)
        operands, valid = float_operands(arguments, target)
        return masked(operation(*operands), valid, target)

    return kernel


def _integer_shift(operation: Callable[..., Any]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        target = arrow_type(site.result_type)
        operands, valid = float_operands(arguments, target)
        width = target.bit_width
        # C masks the shift count by the width of the promoted operand, at least 32 bits.
        count = operands[1] & (max(width, 32) - 1)
        wide = operands[0].astype(np.int64)
        return masked(operation(wide, count.astype(np.int64)).astype(operands[0].dtype), valid, target)

    return kernel


def _negate_integer(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    try:
        return contiguous(pc.negate_checked(arguments[0].array))
    except pa.ArrowInvalid:
        raise integer_out_of_range(site.result_type.oid) from None


def _abs_integer(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    try:
        return contiguous(pc.abs_checked(arguments[0].array))
    except pa.ArrowInvalid:
        raise integer_out_of_range(site.result_type.oid) from None


def unary_plus(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return arguments[0].array


# ---------------------------------------------------------------------------------------------------------
# Floats


def _float_kernel(name: str) -> Kernel:
    operation: Callable[..., Any] = {
        "pl": np.add, "mi": np.subtract, "mul": np.multiply, "div": np.divide,
    }[name]  # fmt: skip

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        target = pa.float32() if site.result_type.oid == FLOAT4.oid else pa.float64()
        (left, right), valid = float_operands(arguments, target)
        if name == "div" and ((right == 0) & ~np.isnan(left) & valid).any():
            raise DivisionByZero("division by zero")
        with np.errstate(all="ignore"):
            result = operation(left, right)
        if name == "div":
            # x / infinity is a true zero, so only the dividend and the divisor's finiteness matter.
            check_float_result(result, [left], can_underflow=False)
            if ((result == 0) & (left != 0) & ~np.isinf(right)).any():
                raise NumericValueOutOfRange("value out of range: underflow")
        else:
            check_float_result(result, [left, right], can_underflow=name == "mul")
        return masked(result, valid, target)

    return kernel


def _float_unary(operation: Callable[..., Any]) -> Kernel:
    """A function of one float that only rounds or changes the sign."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        target = arrow_type(site.result_type)
        (values,), valid = float_operands(arguments[:1], target)
        with np.errstate(all="ignore"):
            result = np.asarray(operation(values), dtype=values.dtype)
        return masked(result, valid, target)

    return kernel


def _pi(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    return pa.array([math.pi] * site.row_count, pa.float64())


# ---------------------------------------------------------------------------------------------------------
# Numeric


def decimal_of(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(value)


def numeric_text(value: Decimal) -> str:
    """PostgreSQL's text of a numeric; the scale is that of the Decimal."""
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "Infinity" if value > 0 else "-Infinity"
    if value and value.adjusted() >= _INTEGER_DIGITS_MAX:
        raise NumericValueOutOfRange("value overflows numeric format")
    if value.as_tuple().exponent > 0:  # type: ignore[operator]
        value = value.quantize(Decimal(1), context=NUMERIC_CONTEXT)
    text = format(value, "f")
    return text.lstrip("-") if value == 0 else text


def scale_of(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def round_to_scale(value: Decimal, scale: int, rounding: str = decimal.ROUND_HALF_UP) -> Decimal:
    """Round half away from zero at `scale` digits after the point; a negative scale rounds before it."""
    if not value.is_finite():
        return value
    rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=NUMERIC_CONTEXT)
    if scale < 0:
        return rounded.quantize(Decimal(1), context=NUMERIC_CONTEXT)
    return rounded


def _weight_and_first_digit(value: Decimal) -> tuple[int, int]:
    """Weight and leading digit in base 10000, as NumericVar keeps them."""
    if value == 0:
        return 0, 0
    weight = value.adjusted() // 4
    return weight, int(abs(value).scaleb(-4 * weight, context=NUMERIC_CONTEXT))


def division_scale(left: Decimal, right: Decimal) -> int:
    """select_div_scale of numeric.c: at least 16 significant digits."""
    left_weight, left_digit = _weight_and_first_digit(left)
    right_weight, right_digit = _weight_and_first_digit(right)
    quotient_weight = left_weight - right_weight - (1 if left_digit <= right_digit else 0)
    scale = _NUMERIC_SIGNIFICANT_DIGITS_MIN - quotient_weight * 4
    return min(max(scale, scale_of(left), scale_of(right), 0), NUMERIC_DISPLAY_SCALE_MAX)


def divide_numeric(left: Decimal, right: Decimal) -> Decimal:
    """numeric / numeric with PostgreSQL's scale. Raises DivisionByZero (22012)."""
    if left.is_nan() or right.is_nan():
        return Decimal("NaN")
    if right == 0:
        raise DivisionByZero("division by zero")
    if left.is_infinite():
        return Decimal("NaN") if right.is_infinite() else left.copy_sign(left * right)
    if right.is_infinite():
        return Decimal(0)
    scale = division_scale(left, right)
    # Rounded once: the quotient is cut, and a digit that was cut off is remembered as a last 1.
    shifted = left.scaleb(scale + _GUARD_DIGITS, context=NUMERIC_CONTEXT)
    quotient, rest = NUMERIC_CONTEXT.divmod(shifted, right)
    if rest:
        quotient = NUMERIC_CONTEXT.add(
            quotient.scaleb(1, context=NUMERIC_CONTEXT), 1 if (left > 0) == (right > 0) else -1
        )
        return round_to_scale(quotient.scaleb(-scale - _GUARD_DIGITS - 1, context=NUMERIC_CONTEXT), scale)
    return round_to_scale(quotient.scaleb(-scale - _GUARD_DIGITS, context=NUMERIC_CONTEXT), scale)


def _numeric_binary(operation: Callable[[Decimal, Decimal], Decimal]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        left, right = (_decimals(a, row_count) for a in arguments)
        texts = [
            None if a is None or b is None else numeric_text(operation(a, b)) for a, b in zip(left, right)
        ]
        return pa.array(texts, pa.utf8())

    return over_distinct(kernel)


def _numeric_unary(operation: Callable[[Decimal], Decimal]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        values = _decimals(arguments[0], row_count_of(arguments))
        return pa.array([None if v is None else numeric_text(operation(v)) for v in values], pa.utf8())

    return over_distinct(kernel)


def _decimals(argument: Datum, row_count: int) -> list[Decimal | None]:
    values = [None if v is None else decimal_of(v) for v in argument.array.to_pylist()]
    return values * row_count if argument.is_constant else values


def _add(a: Decimal, b: Decimal) -> Decimal:
    return _exact(lambda: NUMERIC_CONTEXT.add(a, b))


def _sub(a: Decimal, b: Decimal) -> Decimal:
    return _exact(lambda: NUMERIC_CONTEXT.subtract(a, b))


def _mul(a: Decimal, b: Decimal) -> Decimal:
    return _exact(lambda: NUMERIC_CONTEXT.multiply(a, b))


def _exact(operation: Callable[[], Decimal]) -> Decimal:
    try:
        return operation()
    except decimal.InvalidOperation:  # infinity - infinity, infinity * 0
        return Decimal("NaN")


def _mod(a: Decimal, b: Decimal) -> Decimal:
    if a.is_nan() or b.is_nan() or a.is_infinite():
        return Decimal("NaN")
    if b == 0:
        raise DivisionByZero("division by zero")
    return a if b.is_infinite() else NUMERIC_CONTEXT.remainder(a, b)


def _sign(value: Decimal) -> Decimal:
    return value if value.is_nan() else Decimal(int(value > 0) - int(value < 0))


def _numeric_round(rounding: str) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        values = _decimals(arguments[0], row_count)
        scales: list[int | None] = [0] * row_count
        if len(arguments) == 2:
            given = arguments[1].array.to_pylist()
            scales = given * row_count if arguments[1].is_constant else given
        texts = [
            None if v is None or s is None else numeric_text(_rounded(v, s, rounding))
            for v, s in zip(values, scales)
        ]
        return pa.array(texts, pa.utf8())

    return over_distinct(kernel)


def _rounded(value: Decimal, scale: int, rounding: str) -> Decimal:
    return round_to_scale(
        value, min(max(scale, -NUMERIC_DISPLAY_SCALE_MAX), NUMERIC_DISPLAY_SCALE_MAX), rounding
    )


def _scale(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    values = _decimals(arguments[0], row_count_of(arguments))
    return pa.array([None if v is None or not v.is_finite() else scale_of(v) for v in values], pa.int32())


def numeric_to_integer(value: Decimal, oid: int) -> int:
    """Round half away from zero; 22003 outside the type, 0A000 for NaN and infinity."""
    if value.is_nan():
        raise FeatureNotSupported(f"cannot convert NaN to {INTEGER_NAMES[oid]}")
    if value.is_infinite():
        raise FeatureNotSupported(f"cannot convert infinity to {INTEGER_NAMES[oid]}")
    number = int(round_to_scale(value, 0))
    bits = {INT2.oid: 15, INT4.oid: 31, INT8.oid: 63}[oid]
    if not -(1 << bits) <= number < 1 << bits:
        raise integer_out_of_range(oid)
    return number


def arithmetic_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    kernels: dict[str, Kernel] = {}
    for name in ("pl", "mi", "mul", "div"):
        for widths in ("2", "4", "8", "24", "42", "28", "82", "48", "84"):
            kernels[f"int{widths}{name}"] = _integer_kernel(name)
        for widths in ("4", "8", "48", "84"):
            kernels[f"float{widths}{name}"] = _float_kernel(name)
    for width in ("2", "4", "8"):
        kernels[f"int{width}um"] = _negate_integer
        kernels[f"int{width}up"] = unary_plus
        kernels[f"int{width}abs"] = _abs_integer
        kernels[f"int{width}mod"] = _integer_mod
        kernels[f"int{width}and"] = _integer_bits(np.bitwise_and)
        kernels[f"int{width}or"] = _integer_bits(np.bitwise_or)
        kernels[f"int{width}xor"] = _integer_bits(np.bitwise_xor)
        kernels[f"int{width}not"] = _integer_bits(np.bitwise_not)
        kernels[f"int{width}shl"] = _integer_shift(np.left_shift)
        kernels[f"int{width}shr"] = _integer_shift(np.right_shift)
    for oid in (INT2.oid, INT4.oid, INT8.oid):
        kernels[f"abs({oid})"] = _abs_integer
        kernels[f"mod({oid},{oid})"] = _integer_mod
        kernels[f"gcd({oid},{oid})"] = _integer_pair(math.gcd)
        kernels[f"lcm({oid},{oid})"] = _integer_pair(math.lcm)
    kernels["div(1700,1700)"] = _numeric_binary(_div)
    kernels |= _float_functions()
    kernels |= _numeric_functions()
    return kernels


def _float_functions() -> dict[str, Kernel]:
    kernels: dict[str, Kernel] = {}
    for oid, width in ((700, "4"), (701, "8")):
        kernels[f"float{width}um"] = _float_unary(np.negative)
        kernels[f"float{width}up"] = unary_plus
        kernels[f"float{width}abs"] = kernels[f"abs({oid})"] = _float_unary(np.abs)
    for name, operation in (
        ("ceil", np.ceil), ("ceiling", np.ceil), ("floor", np.floor), ("round", np.rint), ("trunc", np.trunc),
        ("sign", np.sign),
    ):  # fmt: skip
        kernels[f"{name}(701)"] = _float_unary(operation)
    kernels["pi()"] = _pi
    return kernels


def _div(a: Decimal, b: Decimal) -> Decimal:
    quotient = divide_numeric(a, b) if not (a.is_finite() and b.is_finite()) or b == 0 else None
    return round_to_scale(NUMERIC_CONTEXT.divide_int(a, b), 0) if quotient is None else quotient


def _integer_pair(function: Callable[[int, int], int]) -> Kernel:
    """gcd and lcm: exact in Python, then checked against the type."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        left, right = (a.array.to_pylist() * (row_count if a.is_constant else 1) for a in arguments)
        values = [None if a is None or b is None else function(a, b) for a, b in zip(left, right)]
        try:
            return pa.array(values, arrow_type(site.result_type))
        except (pa.ArrowInvalid, OverflowError):
            raise integer_out_of_range(site.result_type.oid) from None

    return kernel


def _numeric_functions() -> dict[str, Kernel]:
    kernels: dict[str, Kernel] = {
        "numeric_add": decimal_kernel("add", _numeric_binary(_add)),
        "numeric_sub": decimal_kernel("sub", _numeric_binary(_sub)),
        "numeric_mul": decimal_kernel("mul", _numeric_binary(_mul)), "numeric_div": _numeric_binary(divide_numeric),
        "numeric_mod": _numeric_binary(_mod), "mod(1700,1700)": _numeric_binary(_mod),
        "numeric_uminus": _numeric_unary(lambda v: v.copy_negate()), "numeric_uplus": _numeric_unary(lambda v: v),
        "numeric_abs": _numeric_unary(abs), "abs(1700)": _numeric_unary(lambda v: v.copy_abs()),
        "sign(1700)": _numeric_unary(_sign), "scale(1700)": _scale,
    }  # fmt: skip
    kernels["numeric_abs"] = kernels["abs(1700)"]
    rounds = {
        "round": decimal.ROUND_HALF_UP, "trunc": decimal.ROUND_DOWN, "ceil": decimal.ROUND_CEILING,
        "ceiling": decimal.ROUND_CEILING, "floor": decimal.ROUND_FLOOR,
    }  # fmt: skip
    for name, rounding in rounds.items():
        kernels[f"{name}(1700)"] = _numeric_round(rounding)
    for name in ("round", "trunc"):
        kernels[f"{name}(1700,23)"] = _numeric_round(rounds[name])
    return kernels
