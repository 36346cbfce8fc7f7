"""PostgreSQL's numeric where DuckDB has no equal: quotients, sums over mixed scales, variances, sort keys.

The scale of a quotient follows select_div_scale() of PostgreSQL's numeric.c: at least 16 significant decimal
digits, counted in base-10000 digits. Values are canonical text; arithmetic is Python's Decimal at a precision
that makes every step exact or correctly rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

import pyarrow as pa

from foundation.errors import DivisionByZero

_CONTEXT = Context(prec=2000, rounding=ROUND_HALF_UP, Emin=-400000, Emax=400000)
_SIGNIFICANT_DIGITS_MIN = 16
_SCALE_MAX = 1000
_BASE_DIGITS = 4
_SIGN_NEGATIVE, _SIGN_ZERO, _SIGN_POSITIVE, _SIGN_NAN = b"\x10", b"\x50", b"\x90", b"\xf0"


def display_scale(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _weight_and_first_digit(value: Decimal) -> tuple[int, int]:
    """Exponent of the first base-10000 digit and that digit; (0, 0) for zero, as numeric.c has it."""
    if not value:
        return 0, 0
    weight = value.adjusted() // _BASE_DIGITS
    first = abs(value).scaleb(-weight * _BASE_DIGITS, _CONTEXT).to_integral_value(ROUND_DOWN)
    return weight, int(first)


def quotient_scale(dividend: Decimal, divisor: Decimal) -> int:
    """Display scale of dividend / divisor (select_div_scale)."""
    weight, first = _weight_and_first_digit(dividend)
    divisor_weight, divisor_first = _weight_and_first_digit(divisor)
    quotient_weight = weight - divisor_weight
    if first <= divisor_first:
        quotient_weight -= 1
    scale = _SIGNIFICANT_DIGITS_MIN - quotient_weight * _BASE_DIGITS
    return min(max(scale, display_scale(dividend), display_scale(divisor), 0), _SCALE_MAX)


def quotient(dividend: Decimal, divisor: Decimal) -> str:
    """Canonical text of dividend / divisor, rounded half away from zero. Raises 22012 for a zero divisor."""
    if dividend.is_nan() or divisor.is_nan():
        return "NaN"
    if dividend.is_infinite():
        if divisor.is_infinite():
            return "NaN"
        if not divisor:
            raise DivisionByZero("division by zero")
        return "Infinity" if (dividend > 0) == (divisor > 0) else "-Infinity"
    if divisor.is_infinite():
        return "0"
    if not divisor:
        raise DivisionByZero("division by zero")
    scale = quotient_scale(dividend, divisor)
    with localcontext(_CONTEXT):
        # One division rounded once: scale the dividend to an integer quotient and round the remainder by hand.
        scaled = dividend.scaleb(scale)
        whole = (scaled / divisor).to_integral_value(ROUND_DOWN)
        if 2 * abs(scaled - whole * divisor) >= abs(divisor):
            whole += 1 if (dividend > 0) == (divisor > 0) else -1
        return text_of(whole.scaleb(-scale), scale)


def average(total: str, count: int) -> str:
    """`quotient` of a sum by a number of rows above 0, in whole numbers: a fifth of the time, once for each group."""
    whole, _, decimals = total.lstrip("-").partition(".")
    digits = whole + decimals
    if not digits.isdecimal():
        return quotient(Decimal(total), Decimal(count))
    size, weight, first = int(digits), 0, 0
    if size:
        weight = (len(str(size)) - 1 - len(decimals)) // _BASE_DIGITS
        shift = weight * _BASE_DIGITS + len(decimals)
        first = size // 10**shift if shift >= 0 else size * 10**-shift
    count_weight = (len(str(count)) - 1) // _BASE_DIGITS
    weight -= count_weight + (first <= count // 10 ** (count_weight * _BASE_DIGITS))
    scale = min(max(_SIGNIFICANT_DIGITS_MIN - weight * _BASE_DIGITS, len(decimals), 0), _SCALE_MAX)
    result, rest = divmod(size * 10 ** (scale - len(decimals)), count)
    if 2 * rest >= count:
        result += 1
    text = str(result).rjust(scale + 1, "0")
    if scale:
        text = f"{text[:-scale]}.{text[-scale:]}"
    return f"-{text}" if result and total[0] == "-" else text


def text_of(value: Decimal, scale: int) -> str:
    """Canonical text with exactly `scale` decimals; zero has no sign."""
    with localcontext(_CONTEXT):
        rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
        return f"{rounded if rounded else abs(rounded):f}"


def canonical(value: Decimal) -> str:
    """Canonical text of a value at its own display scale."""
    if value.is_nan():
        return "NaN"
    if value.is_infinite():
        return "Infinity" if value > 0 else "-Infinity"
    return text_of(value, display_scale(value))


def sort_key(value: Decimal) -> bytes:
    """Bytes whose order is PostgreSQL's order of numeric: -Infinity first, NaN last, equal values equal."""
    if value.is_nan():
        return _SIGN_NAN
    if value.is_infinite():
        return _SIGN_POSITIVE + b"\xff" * 5 if value > 0 else _SIGN_NEGATIVE
    if not value:
        return _SIGN_ZERO
    digits = "".join(map(str, value.as_tuple().digits)).lstrip("0").rstrip("0")
    magnitude = (value.adjusted() + 2**31).to_bytes(5, "big") + digits.encode()
    if value > 0:
        return _SIGN_POSITIVE + magnitude
    return _SIGN_NEGATIVE + bytes(255 - byte for byte in magnitude) + b"\xff"


def sum_of(values: Sequence[str | None]) -> str | None:
    """sum() over texts, with the largest display scale of the summed values; None for no value."""
    known = [Decimal(value) for value in values if value is not None]
    if not known:
        return None
    with localcontext(_CONTEXT):
        if any(not value.is_finite() for value in known):
            return _infinite_sum(known)
        return canonical(sum(known[1:], known[0]))


def _infinite_sum(values: Sequence[Decimal]) -> str:
    infinities = {value for value in values if value.is_infinite()}
    if any(value.is_nan() for value in values) or len(infinities) > 1:
        return "NaN"
    return canonical(infinities.pop())


def variance(
    count: int, total: Decimal, total_of_squares: Decimal, *, is_sample: bool, is_root: bool
) -> str | None:
    """var_samp, var_pop, stddev_samp, stddev_pop as numeric_stddev_internal() computes them."""
    if count == 0 or (is_sample and count < 2):
        return None
    with localcontext(_CONTEXT):
        size = Decimal(count)
        difference = size * total_of_squares - total * total
        if difference <= 0:
            return "0"
        divisor = size * (size - 1) if is_sample else size * size
        scale = quotient_scale(difference, divisor)
        result = Decimal(quotient(difference, divisor))
        return text_of(result.sqrt() if is_root else result, scale)


def _map_rows(function: Callable[..., Any], columns: Sequence[pa.Array], result: pa.DataType) -> pa.Array:
    """Row by row, NULL in NULL out. Reached once per group, not per stored row, in all hot cases."""
    lists = [column.to_pylist() for column in columns]
    return pa.array([None if None in row else function(*row) for row in zip(*lists, strict=True)], result)


def evaluate_quotient(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(dividend utf8, divisor utf8 or int64) -> utf8; a zero count gives NULL, as avg of no rows."""
    return _map_rows(
        lambda dividend, divisor: quotient(Decimal(dividend), Decimal(divisor)), columns, pa.utf8()
    )


def evaluate_average(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(sum utf8, count int64) -> utf8 average; NULL when the sum is."""
    return _map_rows(average, columns, pa.utf8())


def evaluate_sort_key(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(utf8) -> binary sort keys. One for each distinct value: what is grouped or sorted often has few."""
    encoded = columns[0].dictionary_encode()
    keys = _map_rows(lambda value: sort_key(Decimal(value)), [encoded.dictionary], pa.binary())
    return keys.take(encoded.indices)


def evaluate_sum(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(list<utf8>) -> utf8 sums."""
    return _map_rows(sum_of, columns, pa.utf8())


def variance_evaluator(*, is_sample: bool, is_root: bool) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator over (count int64, sum utf8, sum of squares utf8)."""

    def row(count: int, total: str, squares: str) -> str | None:
        return variance(count, Decimal(total), Decimal(squares), is_sample=is_sample, is_root=is_root)

    return lambda columns, row_count: _map_rows(row, columns, pa.utf8())


def list_variance_evaluator(
    *, is_sample: bool, is_root: bool
) -> Callable[[Sequence[pa.Array], int], pa.Array]:
    """Evaluator over (list<utf8>): the values themselves, for columns of mixed scale."""

    def row(texts: list[str | None]) -> str | None:
        values = [Decimal(text) for text in texts if text is not None]
        if any(not value.is_finite() for value in values):
            return "NaN"
        with localcontext(_CONTEXT):
            total, squares = sum(values, Decimal(0)), sum((v * v for v in values), Decimal(0))
        return variance(len(values), total, squares, is_sample=is_sample, is_root=is_root)

    return lambda columns, row_count: _map_rows(row, columns, pa.utf8())
