"""Casts between SQL types over whole columns: pg_cast's conversions, and text conversions through the codecs.

Storage form follows the type: `numeric` is text unless it has a precision, vectors are fixed-size lists when
they have a dimension. https://www.postgresql.org/docs/15/catalog-pg-cast.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.enum_types import is_enum
from foundation.errors import (
    DataException,
    InvalidParameterValue,
    NumericValueOutOfRange,
)
from foundation.ranges import SCALED
from foundation.row_types import is_row_type
from foundation.shaped_arrays import items_of, narrowed, shapes_of, widened, with_items
from foundation.sqltypes import (
    BIT,
    BOOL,
    BPCHAR,
    BYTE_ORDERED,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    JSON,
    JSONB,
    JSONPATH,
    NAME,
    NUMERIC,
    OID,
    REGCONFIG,
    REGDICTIONARY,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TSQUERY,
    TYPES,
    UNKNOWN,
    VARBIT,
    VARCHAR,
    VECTOR_TYPES,
    SqlType,
    arrow_type,
    element_type,
    format_type,
    is_shaped,
    is_vector,
    plain_type,
)
from planner.functions.conversions import conversions
from planner.functions.datum import CallSite, contiguous
from planner.functions.implementations_arithmetic import (
    decimal_of,
    integer_out_of_range,
    numeric_text,
    numeric_to_integer,
)
from planner.functions.implementations_bits import bits_from_integers, integers_from_bits
from planner.functions.implementations_json import parse_json
from planner.functions.implementations_time import (
    DAY_US,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    date_to_timestamp,
    from_local,
    microseconds,
    timestamp_to_date,
    to_local,
)
from planner.functions.vector_columns import matrix_of, vector_array
from planner.functions.vector_conversions import convert_vectors, is_vector_conversion

_INTEGERS = (INT2.oid, INT4.oid, INT8.oid)
_FLOATS = (FLOAT4.oid, FLOAT8.oid)
_NUMBERS = (*_INTEGERS, *_FLOATS, NUMERIC.oid)
_TEXTS = (TEXT.oid, VARCHAR.oid, BPCHAR.oid, NAME.oid, UNKNOWN.oid)
_INSTANTS = (DATE.oid, TIMESTAMP.oid, TIMESTAMPTZ.oid)
_TO_TIME = (TIMESTAMP.oid, TIMESTAMPTZ.oid)
_TEXT_FORMS = BYTE_ORDERED | SCALED | frozenset({
    BOOL.oid, *_NUMBERS, *_INSTANTS, *_TEXTS, TIME.oid, 790, 17, 2950, JSON.oid, JSONB.oid, JSONPATH.oid, BIT.oid,
    VARBIT.oid, *(kind.oid for kind in VECTOR_TYPES), TSQUERY.oid, REGCONFIG.oid, REGDICTIONARY.oid,
})  # fmt: skip
"""Types whose text form the codecs know without asking the catalog (unlike regclass and its kin)."""
_BIT_STRINGS = (BIT.oid, VARBIT.oid)


def _has_text_form(oid: int) -> bool:
    return oid in _TEXT_FORMS or is_enum(oid) or is_row_type(oid)


def is_castable(source: SqlType, target: SqlType) -> bool:
    """Whether `cast_column` knows the conversion."""
    if is_shaped(source) and target.oid in _TEXTS:
        return _has_text_form(TYPES[plain_type(source).oid].element_oid)
    if is_shaped(source) or is_shaped(target):
        return is_castable(plain_type(source), plain_type(target))
    a, b = source.oid, target.oid
    if a == b:
        return True
    source_element, target_element = element_type(source), element_type(target)
    if source_element and target_element:
        return is_castable(source_element, target_element)
    if a in _TEXTS:
        return _has_text_form(b) or (target_element is not None and _has_text_form(target_element.oid))
    if b in _TEXTS:
        return _has_text_form(a) or (source_element is not None and _has_text_form(source_element.oid))
    if is_vector_conversion(source, target):
        return True
    pairs = (
        a in _NUMBERS and b in _NUMBERS,
        {a, b} == {BOOL.oid, INT4.oid},
        a in _INSTANTS and b in _INSTANTS,
        a in _TO_TIME and b == TIME.oid,
        a == INTERVAL.oid and b == TIME.oid,
        {a, b} == {JSON.oid, JSONB.oid},
        a == JSONB.oid and (b in _NUMBERS or b == BOOL.oid),
        a in _BIT_STRINGS and b in _BIT_STRINGS,
        a in (INT4.oid, INT8.oid) and b == BIT.oid,
        a == BIT.oid and b in (INT4.oid, INT8.oid),
        a == TIME.oid and b == INTERVAL.oid,
        {a, b} <= {OID.oid, INT4.oid, INT8.oid},
        (a, b) in conversions(),
    )
    return any(pairs)


def cast_column(
    column: pa.Array, source: SqlType, target: SqlType, site: CallSite, *, is_explicit: bool
) -> pa.Array:
    """(n,) column of `source` as `target`: value conversion first, then the target's length rules.

    Raises:
        NumericValueOutOfRange: 22003; DataException: 22000 for dimensions; what the codecs raise for text.
    """
    if is_shaped(source) and element_type(plain_type(target)) is not None:
        items = cast_column(
            items_of(column), plain_type(source), plain_type(target), site, is_explicit=is_explicit
        )
        cast = with_items(column, items)
        return cast if is_shaped(target) else narrowed(cast)
    if is_shaped(target) and element_type(source) is not None:
        return widened(cast_column(column, source, plain_type(target), site, is_explicit=is_explicit))
    if is_shaped(source) and is_vector_conversion(plain_type(source), target):
        _check_one_dimension(column)
        column, source = items_of(column), plain_type(source)
    base = target.without_typmod()
    if target.oid == BIT.oid and source.oid in (INT4.oid, INT8.oid):
        return bits_from_integers(column, max(target.typmod, 1))
    if source.oid != target.oid:
        if is_vector_conversion(source, target):
            codecs = site.context.codecs
            column = convert_vectors(column, source, base, codecs, dimensions=target.typmod)
        else:
            column = _convert(column, source, base, site, is_explicit=is_explicit)
        source = base
    if target.typmod != -1 and source.typmod != target.typmod and target.oid not in (NAME.oid,):
        column = site.context.codecs.coerce_typmod(column, source, target, explicit=is_explicit)
    return conform(column, target)


def _check_one_dimension(column: pa.Array) -> None:
    """What becomes a vector may begin anywhere, but has one dimension. Raises DataException (22000)."""
    if any(shape is not None and shape[0] > 1 for shape in shapes_of(column).to_pylist()):
        raise DataException("array must be 1-D")


def conform(column: pa.Array, sql_type: SqlType) -> pa.Array:
    """The column in the storage form of `sql_type`; the values stay what they are."""
    target = arrow_type(sql_type)
    if column.type == target:
        return column
    if pa.types.is_decimal(column.type) and pa.types.is_string(target):
        return decimal_text(column)
    if is_vector(sql_type):
        matrix = matrix_of(column)
        valid = np.asarray(column.is_valid())
        if matrix is None or (target != pa.list_(target.value_type) and matrix.shape[1] != sql_type.typmod):
            return column.cast(target)
        return vector_array(matrix, sql_type, valid)
    return contiguous(column.cast(target))


def decimal_text(column: pa.Array) -> pa.Array:
    """decimal -> numeric text with the type's scale. Arrow writes small values with an exponent, so not by cast."""
    texts = contiguous(column.cast(pa.utf8()))
    if not pc.any(pc.match_substring(texts, "E")).as_py():
        return texts
    return pa.array([None if v is None else numeric_text(v) for v in column.to_pylist()], pa.utf8())


def _convert(
    column: pa.Array, source: SqlType, target: SqlType, site: CallSite, *, is_explicit: bool
) -> pa.Array:
    a, b = source.oid, target.oid
    source_element, target_element = element_type(source), element_type(target)
    if source_element and target_element:
        return _convert_elements(column, source_element, target_element, site, is_explicit=is_explicit)
    if (a, b) in conversions():
        return conversions()[a, b](column, site)
    if a in _TEXTS and b in _TEXTS:
        return _text_to_text(column, a, b)
    if a in _TEXTS:
        return site.context.codecs.from_text(column, target)
    if b in _TEXTS:
        return _to_text(column, source, b, site)
    if a in _NUMBERS and b in _NUMBERS:
        return _number_to_number(column, a, b)
    if a == INTERVAL.oid and b == TIME.oid:
        return _clock_of_intervals(column)
    if a in _INSTANTS or b == TIME.oid:
        return _instant_to_instant(column, a, b, site)
    if a == JSONB.oid and b != JSON.oid:
        return _jsonb_to_scalar(column, target)
    if a == JSON.oid:
        return site.context.codecs.from_text(column, target)
    if {a, b} == {BOOL.oid, INT4.oid}:
        return column.cast(arrow_type(target))
    if a == TIME.oid and b == INTERVAL.oid:
        times = column.cast(pa.int64()).to_pylist()
        return pa.array(
            [None if us is None else pa.MonthDayNano([0, 0, us * 1000]) for us in times],
            pa.month_day_nano_interval(),
        )
    if a == BIT.oid and b in _INTEGERS:
        return integers_from_bits(column, target)
    if OID.oid in (a, b):
        return _oid_cast(column, a, b)
    return column  # bit <-> varbit, jsonb -> json: one storage form


def _convert_elements(
    column: pa.Array, source: SqlType, target: SqlType, site: CallSite, *, is_explicit: bool
) -> pa.Array:
    # flatten() drops the values of NULL rows, so offsets are rebuilt from lengths.
    lengths = np.asarray(pc.list_value_length(column).fill_null(0)).astype(np.int64)
    values = cast_column(column.flatten(), source, target, site, is_explicit=is_explicit)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = pa.array(np.asarray(column.is_null())) if column.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=mask)


def _text_to_text(column: pa.Array, source: int, target: int) -> pa.Array:
    if source == BPCHAR.oid and target != BPCHAR.oid:
        column = pc.utf8_rtrim(column, " ")
    if target == NAME.oid:
        texts = [None if t is None else t.encode()[:63].decode(errors="ignore") for t in column.to_pylist()]
        return pa.array(texts, pa.utf8())
    return contiguous(column)


def _to_text(column: pa.Array, source: SqlType, target: int, site: CallSite) -> pa.Array:
    if source.oid == BOOL.oid:
        # The cast says true and false; the output function says t and f.
        return column.cast(pa.utf8())
    return _text_to_text(site.context.codecs.to_text(column, source), TEXT.oid, target)


# ---------------------------------------------------------------------------------------------------------
# Numbers


def _number_to_number(column: pa.Array, source: int, target: int) -> pa.Array:
    if target in _INTEGERS:
        if source in _INTEGERS:
            return _to_narrower_integer(column, target)
        return (
            _float_to_integer(column, target) if source in _FLOATS else _numeric_to_integers(column, target)
        )
    if target in _FLOATS:
        return _to_float(column, source, target)
    if source in _INTEGERS:
        return column.cast(pa.utf8())
    digits = 6 if source == FLOAT4.oid else 15
    texts = [None if v is None else _float_numeric(v, digits) for v in column.to_pylist()]
    return pa.array(texts, pa.utf8())


def _to_narrower_integer(column: pa.Array, target: int) -> pa.Array:
    try:
        return column.cast(arrow_type(SqlType(target)))
    except pa.ArrowInvalid:
        raise integer_out_of_range(target) from None


def _float_to_integer(column: pa.Array, target: int) -> pa.Array:
    values = np.asarray(column.cast(pa.float64()).fill_null(0.0))
    rounded = np.rint(values)
    bits = {INT2.oid: 15, INT4.oid: 31, INT8.oid: 63}[target]
    if not ((rounded >= -(2.0**bits)) & (rounded < 2.0**bits)).all():
        raise integer_out_of_range(target)
    mask = np.asarray(column.is_null()) if column.null_count else None
    return pa.array(rounded.astype(np.int64), pa.int64(), mask=mask).cast(arrow_type(SqlType(target)))


def _numeric_to_integers(column: pa.Array, target: int) -> pa.Array:
    if pa.types.is_decimal(column.type):
        try:
            # Wider first: rounding 99.99 in two digits would wrap.
            wide = column.cast(pa.decimal256(76, column.type.scale))
            whole = pc.round(wide, 0, "half_towards_infinity").cast(pa.int64())
        except pa.ArrowInvalid:
            raise integer_out_of_range(target) from None
        return _to_narrower_integer(whole, target)
    if pc.all(pc.match_substring_regex(column, "^-?[0-9]{1,18}$")).as_py():
        return _to_narrower_integer(column.cast(pa.int64()), target)
    values = [None if v is None else numeric_to_integer(decimal_of(v), target) for v in column.to_pylist()]
    return pa.array(values, arrow_type(SqlType(target)))


def _to_float(column: pa.Array, source: int, target: int) -> pa.Array:
    if source == NUMERIC.oid:
        return _numeric_to_float(column, target)
    arrow = arrow_type(SqlType(target))
    result = column.cast(arrow, safe=False)
    if source == FLOAT8.oid and target == FLOAT4.oid:
        _check_float4(np.asarray(column.fill_null(1.0)), np.asarray(result.fill_null(1.0)))
    return contiguous(result)


def _check_float4(wide: npt.NDArray[Any], narrow: npt.NDArray[Any]) -> None:
    if (np.isinf(narrow) & ~np.isinf(wide)).any():
        raise NumericValueOutOfRange("value out of range: overflow")
    if ((narrow == 0) & (wide != 0)).any():
        raise NumericValueOutOfRange("value out of range: underflow")


def _numeric_to_float(column: pa.Array, target: int) -> pa.Array:
    """By the text of the number, as PostgreSQL does: what does not fit is told as it is written."""
    texts = decimal_text(column) if pa.types.is_decimal(column.type) else column
    is_double = target == FLOAT8.oid
    narrowed = np.float64 if is_double else np.float32
    values: list[float | None] = []
    for text in texts.to_pylist():
        if text is None:
            values.append(None)
            continue
        with np.errstate(over="ignore", under="ignore"):
            value = float(narrowed(text))
        is_lost = np.isinf(value) and "Inf" not in text
        if is_lost or (value == 0 and text.strip("-0.")):
            name = "double precision" if is_double else "real"
            raise NumericValueOutOfRange(f'"{text}" is out of range for type {name}')
        values.append(value)
    return pa.array(values, pa.float64() if is_double else pa.float32())


def _float_numeric(value: float, digits: int) -> str:
    """float -> numeric keeps the digits the type is sure of (DBL_DIG, FLT_DIG)."""
    return numeric_text(Decimal(f"{value:.{digits}g}"))


def _oid_cast(column: pa.Array, source: int, target: int) -> pa.Array:
    if source == INT4.oid:  # reinterpreted, as in PostgreSQL
        return pa.array(np.asarray(column.fill_null(0)).astype(np.uint32), mask=np.asarray(column.is_null()))
    if target == INT4.oid:
        return pa.array(np.asarray(column.fill_null(0)).astype(np.int32), mask=np.asarray(column.is_null()))
    try:
        return column.cast(arrow_type(SqlType(target)))
    except pa.ArrowInvalid:
        raise NumericValueOutOfRange("OID out of range") from None


# ---------------------------------------------------------------------------------------------------------
# Dates, json


def _instant_to_instant(column: pa.Array, source: int, target: int, site: CallSite) -> pa.Array:
    if source == DATE.oid:
        stamps = date_to_timestamp(column)
        return from_local(stamps, site) if target == TIMESTAMPTZ.oid else stamps
    if source == TIMESTAMP.oid and target == TIMESTAMPTZ.oid:
        return from_local(column, site)
    local = to_local(column, site) if source == TIMESTAMPTZ.oid else column
    if target == DATE.oid:
        return timestamp_to_date(local)
    if target == TIME.oid:
        stamps = microseconds(local)
        mask = np.asarray(column.is_null()) | (stamps == TIMESTAMP_MIN) | (stamps == TIMESTAMP_MAX)
        return pa.array(np.mod(stamps, DAY_US), pa.int64(), mask=mask).cast(pa.time64("us"))
    return local


def _clock_of_intervals(column: pa.Array) -> pa.Array:
    """interval -> time: what is left of whole days of 24 hours; months and days do not count."""
    clocks = [None if v is None else v.nanoseconds // 1000 % DAY_US for v in column.to_pylist()]
    return pa.array(clocks, pa.int64()).cast(pa.time64("us"))


def _jsonb_to_scalar(column: pa.Array, target: SqlType) -> pa.Array:
    if target.oid == BOOL.oid:
        is_scalar = pc.is_in(column, value_set=pa.array(["true", "false"]))
    else:
        is_scalar = pc.match_substring_regex(column, "^-?[0-9]")
    is_other = pc.and_(pc.invert(is_scalar), column.is_valid())
    if pc.any(is_other).as_py():
        value = parse_json(column[pc.index(is_other, True).as_py()].as_py())
        raise InvalidParameterValue(f"cannot cast jsonb {_json_kind(value)} to type {format_type(target)}")
    if target.oid == BOOL.oid:
        return contiguous(pc.equal(column, "true"))
    # jsonb prints a number as numeric does.
    return column if target.oid == NUMERIC.oid else _number_to_number(column, NUMERIC.oid, target.oid)


def _json_kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "string"), ((int, Decimal), "numeric"), (list, "array"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")
