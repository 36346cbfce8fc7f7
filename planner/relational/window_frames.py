"""Window frames as DuckDB SQL: offsets are values by then, checked as PostgreSQL checks them.

RANGE with an offset adds to the sort key, so the key is printed in a type wide enough that the sum does not overflow, and
in which it is PostgreSQL's sum: integers as HUGEINT, real as DOUBLE, dates as timestamps, times as microseconds, numeric
as the DECIMAL that holds key and offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from foundation.errors import FeatureNotSupported, NullValueNotAllowed
from foundation.sqltypes import (
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    SqlType,
)
from planner import bound
from planner.errors import InvalidPrecedingOrFollowingSize
from planner.relational.expressions import ExpressionPrinter, is_foldable
from planner.relational.literals import numeric_literal_form, print_value
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, Printed
from planner.relational.rules.date_arithmetic import is_utc
from planner.subqueries import resolve_subqueries

_INTEGERS = frozenset((INT2.oid, INT4.oid, INT8.oid))
_FLOATS = frozenset((FLOAT4.oid, FLOAT8.oid))
_MICROS_PER_DAY = 86_400_000_000
_DAYS_PER_MONTH = 30
_ROWS_MAX = 2**62
"""More rows than there are; DuckDB adds an offset to a row's number."""
_TEXT_SCALE = 20
"""Digits after the point of a numeric key that has no DECIMAL of its own."""


@dataclass(frozen=True, slots=True)
class PrintedFrame:
    """`order_by` replaces the window's ORDER BY where the frame needs its key in another type; '' where not."""

    sql: str
    order_by: str = ""


def print_frame(
    printer: ExpressionPrinter, frame: bound.WindowFrame, keys: Sequence[bound.SortKey]
) -> PrintedFrame:
    """Print a frame; its offsets are evaluated now.

    Raises:
        NullValueNotAllowed: 22004 `frame starting offset must not be null`.
        InvalidPrecedingOrFollowingSize: 22013, a negative offset.
        FeatureNotSupported: 0A000, an offset that reads an outer query, or that this key cannot be moved by exactly.
    """
    sides = {"starting": frame.start, "ending": frame.end}
    offsets = {which: _offset(printer, side, which) for which, side in sides.items()}
    order_by = ""
    texts = {which: str(min(offset, _ROWS_MAX)) for which, offset in offsets.items() if type(offset) is int}
    if frame.mode is bound.FrameMode.RANGE:
        given = {which: offset for which, offset in offsets.items() if offset is not None}
        if given:
            order_by, texts = _range(printer, keys[0], given)
    elif any(offset is not None and offset < 0 for offset in offsets.values()):
        which = next(which for which, offset in offsets.items() if offset is not None and offset < 0)
        raise InvalidPrecedingOrFollowingSize(f"frame {which} offset must not be negative")
    start, end = (
        f"{texts[which]} {side.edge.value}" if which in texts else side.edge.value
        for which, side in sides.items()
    )
    exclusion = f" EXCLUDE {frame.exclusion}" if frame.exclusion else ""
    return PrintedFrame(f"{frame.mode.value} BETWEEN {start} AND {end}{exclusion}", order_by)


def _offset(printer: ExpressionPrinter, side: bound.FrameBound, which: str) -> Any:
    """An offset's Python value; None where the bound has none."""
    if side.offset is None:
        return None
    expression = resolve_subqueries(side.offset, printer.statement.context)
    if not is_foldable(expression):
        raise FeatureNotSupported("a window frame offset that reads an outer query is not supported")
    value = printer.constant(expression)
    if value is None:
        raise NullValueNotAllowed(f"frame {which} offset must not be null")
    return value


def _range(
    printer: ExpressionPrinter, key: bound.SortKey, offsets: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    """The ORDER BY item and the offsets of RANGE."""
    value = printer.print(key.expression)
    oid = value.type.oid
    if oid in _INTEGERS:
        sql, texts = _integers(value, offsets)
    elif oid in _FLOATS:
        sql, texts = _floats(value, offsets)
    elif oid == NUMERIC.oid:
        sql, texts = _numerics(printer, value, offsets)
    elif oid == TIME.oid:
        sql, texts = _times(value, offsets)
    elif oid in (DATE.oid, TIMESTAMP.oid, TIMESTAMPTZ.oid, INTERVAL.oid):
        sql, texts = _instants(printer, value, offsets)
    else:
        raise FeatureNotSupported("RANGE with offset over time with time zone is not supported")
    direction = "DESC" if key.is_descending else "ASC"
    return f"{sql} {direction} NULLS {'FIRST' if key.nulls_first else 'LAST'}", texts


def _check_sign(is_negative: bool) -> None:
    if is_negative:
        raise InvalidPrecedingOrFollowingSize("invalid preceding or following size in window function")


def _integers(key: Printed, offsets: dict[str, int]) -> tuple[str, dict[str, str]]:
    _check_sign(any(offset < 0 for offset in offsets.values()))
    return f"CAST({key.sql} AS HUGEINT)", {
        which: f"CAST({offset} AS HUGEINT)" for which, offset in offsets.items()
    }


def _floats(key: Printed, offsets: dict[str, float]) -> tuple[str, dict[str, str]]:
    _check_sign(any(not offset >= 0 for offset in offsets.values()))
    if float("inf") in offsets.values():
        raise FeatureNotSupported("an infinite window frame offset is not supported")
    return f"CAST({key.sql} AS DOUBLE)", {
        which: print_value(offset, FLOAT8).sql for which, offset in offsets.items()
    }


def _times(key: Printed, offsets: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Only an interval's time of day moves a time, and it does not pass midnight."""
    micros = {which: offset.nanoseconds // 1000 for which, offset in offsets.items()}
    _check_sign(any(value < 0 for value in micros.values()))
    return f"CAST(epoch_us({key.sql}) AS HUGEINT)", {
        which: f"CAST({value} AS HUGEINT)" for which, value in micros.items()
    }


def _instants(
    printer: ExpressionPrinter, key: Printed, offsets: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    for months, days, nanoseconds in offsets.values():
        _check_sign((months * _DAYS_PER_MONTH + days) * _MICROS_PER_DAY + nanoseconds // 1000 < 0)
        if key.type.oid == TIMESTAMPTZ.oid and (months or days) and not is_utc(printer):
            raise FeatureNotSupported(
                "RANGE with an offset of days over timestamp with time zone is not supported in this time zone",
                hint="SET TimeZone = 'UTC', or give the offset in hours.",
            )
    sql = f"CAST({key.sql} AS TIMESTAMP)" if key.type.oid == DATE.oid else key.sql
    return sql, {which: print_value(offset, INTERVAL).sql for which, offset in offsets.items()}


def _numerics(
    printer: ExpressionPrinter, key: Printed, offsets: dict[str, Any]
) -> tuple[str, dict[str, str]]:
    values = {which: Decimal(offset) for which, offset in offsets.items()}
    _check_sign(any(value.is_nan() or value < 0 for value in values.values()))
    forms = [numeric_literal_form(f"{value:f}") for value in values.values()]
    own = key.decimal or DecimalForm(DECIMAL_DIGITS_MAX - 1, _TEXT_SCALE)
    known = [own, *(form for form in forms if form is not None)]
    scale = max(form.scale for form in known)
    digits = max(form.integer_digits for form in known) + scale
    if len(known) <= len(forms) or digits >= DECIMAL_DIGITS_MAX:
        raise FeatureNotSupported("RANGE with offset over numeric values of so many digits is not supported")
    if key.is_text_numeric:
        exact = SqlType(NUMERIC.oid, (own.precision << 16 | own.scale) + 4)
        key = printer.statement.slot_call("numeric frame key", _exact_decimals, [key], exact)
    form = DecimalForm(digits + 1, scale)
    return f"CAST({key.sql} AS {form.sql})", {
        which: f"CAST('{value:f}' AS {form.sql})" for which, value in values.items()
    }


def _exact_decimals(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
    """(n,) numeric in text form -> (n,) decimal128 of the same values. Raises 0A000 where one does not fit."""
    try:
        return columns[0].cast(pa.decimal128(DECIMAL_DIGITS_MAX - 1, _TEXT_SCALE))
    except (pa.ArrowInvalid, InvalidOperation):
        raise FeatureNotSupported(
            "RANGE with offset over numeric values of so many digits is not supported"
        ) from None
