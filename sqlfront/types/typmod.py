"""Type modifiers: lengths, precisions and dimensions applied to columns of a type.

Assignment (INSERT, COPY, input functions) refuses what does not fit; an explicit cast cuts it. Source and target
share their base type; the result has `arrow_type(target)`.
https://www.postgresql.org/docs/16/datatype-character.html
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    DataException,
    FeatureNotSupported,
    NumericValueOutOfRange,
    QuiverError,
    StringDataRightTruncation,
)
from foundation.shaped_arrays import items_of, with_items
from foundation.sparse import sparse_rows
from foundation.sqltypes import (
    BIT,
    BPCHAR,
    DENSE_VECTOR_TYPES,
    INTERVAL,
    NUMERIC,
    SPARSEVEC,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    VARBIT,
    VARCHAR,
    SqlType,
    arrow_type,
    element_type,
    format_type,
    interval_fields,
    is_shaped,
    numeric_precision_scale,
    plain_type,
)
from foundation.timetz import timetz_array, timetz_parts
from sqlfront.types.bits import bit_count, bit_digits, pack_bits
from sqlfront.types.calendar import POSTGRES_EPOCH_US
from sqlfront.types.columns import array_of_numbers, mask_of, numbers_of, validity_buffer
from sqlfront.types.datetime_text import TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY
from sqlfront.types.errors import StringDataLengthMismatch
from sqlfront.types.interval_fields import cut_to_fields
from sqlfront.types.numeric import SCALE_MAX, WHOLE_DIGITS_MAX, canonical
from sqlfront.types.vectors import list_column, list_parts

_LENGTH_OFFSET = 4
"""What PostgreSQL adds to the length of varchar(n) and char(n) in a typmod."""
_TIME_PRECISION_MAX = 6
_INTERVAL_FULL_PRECISION = 0xFFFF
_NO_LIMIT = Context(prec=WHOLE_DIGITS_MAX + SCALE_MAX, rounding=ROUND_HALF_UP)
_DECIMAL_DIGITS_MAX = 38
_PLAIN_DECIMAL = r"^-?[0-9]{1,18}(?:\.[0-9]{1,18})?$"


def coerce_typmod(column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool) -> pa.Array:
    """Apply the target's type modifier to an (n,) column of the same base type.

    Raises:
        StringDataRightTruncation: 22001. StringDataLengthMismatch: 22026. NumericValueOutOfRange: 22003.
        DataException: 22000, wrong vector dimensions.
    """
    if is_shaped(target):
        items = coerce_typmod(items_of(column), plain_type(source), plain_type(target), explicit=explicit)
        return with_items(column, items)
    element = element_type(target)
    if element is not None:
        if column.type == arrow_type(target):
            source_element = element_type(source)
            assert source_element is not None
            if source_element == element:
                return column
        return _coerce_items(column, source, target, explicit=explicit)
    coerce = _COERCIONS.get(target.oid)
    if coerce is None or (source == target and column.type == arrow_type(target)):
        return column
    return coerce(column, target, explicit)


def _coerce_items(column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool) -> pa.Array:
    source_element, target_element = element_type(source), element_type(target)
    assert source_element is not None and target_element is not None
    offsets, items = list_parts(column)
    coerced = coerce_typmod(items, source_element, target_element, explicit=explicit)
    return list_column(offsets, coerced, mask_of(column))


def _coerce_varchar(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    return column if target.typmod < 0 else _limit_length(column, target, explicit)


def _coerce_bpchar(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    if target.typmod < 0:
        return column
    width = target.typmod - _LENGTH_OFFSET
    return pc.utf8_rpad(_limit_length(column, target, explicit), width=width, padding=" ")


def _limit_length(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    """Cut to n characters; an assignment may lose only spaces."""
    width = target.typmod - _LENGTH_OFFSET
    longest = pc.max(pc.utf8_length(column)).as_py()
    if longest is None or longest <= width:
        return column
    if not explicit:
        tails = pc.utf8_rtrim(pc.utf8_slice_codeunits(column, width), " ")
        if pc.any(pc.not_equal(tails, "")).as_py():
            raise StringDataRightTruncation(f"value too long for type {format_type(target)}")
    return pc.utf8_slice_codeunits(column, 0, width)


def numeric_overflow(precision: int, scale: int) -> NumericValueOutOfRange:
    digits = precision - scale
    bound = f"10^{digits}" if digits else "1"
    return NumericValueOutOfRange(
        "numeric field overflow",
        detail=f"A field with precision {precision}, scale {scale} must round to an absolute value less than {bound}.",
    )


def round_numeric(text: str, precision: int, scale: int) -> str:
    """A canonical numeric text rounded half away from zero to `scale` digits.

    Raises:
        NumericValueOutOfRange: 22003, more than `precision` digits or infinite.
    """
    if text == "NaN":
        return text
    if "Infinity" in text:
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {precision}, scale {scale} cannot hold an infinite value.",
        )
    rounded = Decimal(text).quantize(Decimal(1).scaleb(-scale), context=_NO_LIMIT)
    if rounded and rounded.adjusted() >= precision - scale:
        raise numeric_overflow(precision, scale)
    whole, _, fraction = f"{rounded.copy_abs():f}".partition(".")
    return canonical("-" if rounded.is_signed() else "", whole, fraction)


def _coerce_numeric(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    bounds = numeric_precision_scale(target.typmod)
    stored = arrow_type(target)
    is_decimal = pa.types.is_decimal(column.type)
    if bounds is None:
        return _decimal_texts(column) if is_decimal else column
    if pa.types.is_decimal(stored):
        if not is_decimal:
            column, is_decimal = _to_decimal(column)
        if is_decimal:
            return _round_decimals(column, bounds, stored)
    texts = (_decimal_texts(column) if is_decimal else column).to_pylist()
    rounded = [None if text is None else round_numeric(text, *bounds) for text in texts]
    if not pa.types.is_decimal(stored):
        return pa.array(rounded, pa.utf8())
    if "NaN" in rounded:
        raise FeatureNotSupported(f"NaN is not supported in columns of type {format_type(target)}")
    return pa.array([None if text is None else Decimal(text) for text in rounded], stored)


def _decimal_texts(column: pa.Array) -> pa.Array:
    return pa.array([None if v is None else f"{v:f}" for v in column.to_pylist()], pa.utf8())


def _to_decimal(column: pa.Array) -> tuple[pa.Array, bool]:
    """Short plain decimal texts as decimal128, and whether that was possible."""
    if pc.all(pc.match_substring_regex(column, _PLAIN_DECIMAL)).as_py() is False:
        return column, False
    return pc.cast(column, pa.decimal128(_DECIMAL_DIGITS_MAX, 18)), True


def _round_decimals(column: pa.Array, bounds: tuple[int, int], stored: pa.DataType) -> pa.Array:
    if column.type == stored:
        return column
    try:
        if column.type.scale > bounds[1]:
            column = pc.round(column, ndigits=bounds[1], round_mode="half_towards_infinity")
        return pc.cast(column, stored)
    except pa.ArrowInvalid:
        raise numeric_overflow(*bounds) from None


def _coerce_time(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    """Round half away from PostgreSQL's epoch (times: from midnight) to n fractional digits."""
    if target.typmod < 0 or target.typmod >= _TIME_PRECISION_MAX:
        return column
    unit = 10 ** (_TIME_PRECISION_MAX - target.typmod)
    epoch = 0 if target.oid == TIME.oid else POSTGRES_EPOCH_US
    numbers = numbers_of(column, np.int64)
    infinite = (numbers == TIMESTAMP_INFINITY) | (numbers == TIMESTAMP_MINUS_INFINITY)
    shifted = np.where(infinite, 0, numbers) - epoch
    rounded = np.sign(shifted) * ((np.abs(shifted) + unit // 2) // unit * unit) + epoch
    return array_of_numbers(np.where(infinite, numbers, rounded), column.type, mask_of(column))


def _coerce_timetz(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    """Round the time of day half up to n fractional digits; the zone stays."""
    if target.typmod < 0 or target.typmod >= _TIME_PRECISION_MAX:
        return column
    unit = 10 ** (_TIME_PRECISION_MAX - target.typmod)
    local_us, west_s = timetz_parts(column)
    return timetz_array((local_us + unit // 2) // unit * unit, west_s, np.asarray(column.is_null()))


def _coerce_interval(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    if target.typmod < 0:
        return column
    digits = target.typmod & 0xFFFF
    is_exact = digits == _INTERVAL_FULL_PRECISION or digits >= _TIME_PRECISION_MAX
    if is_exact and not interval_fields(target.typmod):
        return column
    unit = 1000 if is_exact else 1000 * 10 ** (_TIME_PRECISION_MAX - digits)
    rounded: list[Any] = []
    for value in column.to_pylist():
        if value is None:
            rounded.append(None)
            continue
        months, days, us = cut_to_fields(value[0], value[1], value[2] // 1000, target.typmod)
        sign = -1 if us < 0 else 1
        nanoseconds = sign * ((abs(us) * 1000 + unit // 2) // unit * unit)
        rounded.append(pa.MonthDayNano([months, days, nanoseconds]))
    return pa.array(rounded, column.type)


def _coerce_bits(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    """bit(n) has exactly n bits, varbit(n) at most n; an explicit cast cuts and, for bit, fills with zeros."""
    count = target.typmod
    if count < 0:
        return column
    is_fixed = target.oid == BIT.oid
    values = column.to_pylist()
    fits = [v is None or (bit_count(v) == count if is_fixed else bit_count(v) <= count) for v in values]
    if all(fits):
        return column
    if not explicit:
        raise _bit_error(bit_count(values[fits.index(False)]), target)
    cut = [
        value if good else pack_bits(bit_digits(value)[:count].ljust(count if is_fixed else 0, "0"))
        for value, good in zip(values, fits, strict=True)
    ]
    return pa.array(cut, pa.binary())


def _bit_error(count: int, target: SqlType) -> QuiverError:
    if target.oid == BIT.oid:
        return StringDataLengthMismatch(f"bit string length {count} does not match type bit({target.typmod})")
    return StringDataRightTruncation(f"bit string too long for type bit varying({target.typmod})")


def _coerce_vector(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    stored = arrow_type(target)
    if column.type == stored:
        return column
    offsets, items = list_parts(column)
    valid = mask_of(column)
    if not pa.types.is_fixed_size_list(stored):
        return _to_list(items, stored, offsets, valid)
    dimensions = target.typmod
    counts = np.diff(offsets)
    wrong = counts != dimensions if valid is None else (counts != dimensions) & valid
    if wrong.any():
        raise DataException(f"expected {dimensions} dimensions, not {counts[wrong][0]}")
    if valid is None:
        return pa.FixedSizeListArray.from_arrays(items, type=stored)
    numbers = items.to_numpy(zero_copy_only=False)
    matrix = np.zeros((len(column), dimensions), numbers.dtype)
    inside = np.repeat(valid, counts)
    matrix[valid] = numbers[inside].reshape(-1, dimensions)
    return pa.Array.from_buffers(
        stored, len(column), [validity_buffer(valid)], children=[pa.array(matrix.reshape(-1))]
    )


def _coerce_sparse(column: pa.Array, target: SqlType, explicit: bool) -> pa.Array:
    if target.typmod < 0:
        return column
    dimensions = sparse_rows(column.drop_null()).dimensions
    wrong = dimensions[dimensions != target.typmod]
    if len(wrong):
        raise DataException(f"expected {target.typmod} dimensions, not {wrong[0]}")
    return column


def _to_list(items: pa.Array, stored: pa.DataType, offsets: Any, valid: Any) -> pa.Array:
    """A fixed-size list column as list; rows under NULLs become empty."""
    if valid is None:
        return list_column(offsets, items, None).cast(stored)
    counts = np.diff(offsets)
    kept = items.filter(pa.array(np.repeat(valid, counts)))
    borders = np.concatenate(([0], np.cumsum(counts * valid)))
    return list_column(borders, kept, valid).cast(stored)


_COERCIONS: dict[int, Callable[[pa.Array, SqlType, bool], pa.Array]] = {
    VARCHAR.oid: _coerce_varchar,
    BPCHAR.oid: _coerce_bpchar,
    NUMERIC.oid: _coerce_numeric,
    TIME.oid: _coerce_time,
    TIMESTAMP.oid: _coerce_time,
    TIMESTAMPTZ.oid: _coerce_time,
    TIMETZ.oid: _coerce_timetz,
    INTERVAL.oid: _coerce_interval,
    BIT.oid: _coerce_bits,
    VARBIT.oid: _coerce_bits,
    SPARSEVEC.oid: _coerce_sparse,
    **{sql_type.oid: _coerce_vector for sql_type in DENSE_VECTOR_TYPES},
}
