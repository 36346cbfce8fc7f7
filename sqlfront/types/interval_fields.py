"""interval with fields, `interval '90' day` or `interval day to minute`: what a bare number means, what is cut off.

A field's bit in the typmod is PostgreSQL's INTERVAL_MASK (datetime.h). Text is read by the fields, a value that has been
read keeps what the last field does not cut off. https://www.postgresql.org/docs/15/datatype-datetime.html#DATATYPE-INTERVAL-INPUT
"""

from __future__ import annotations

from foundation.sqltypes import interval_fields

_MONTHS_KEPT = {"year": 12, "month": 1}
_US_KEPT = {"hour": 3_600_000_000, "minute": 60_000_000}


def unit_of_bare_number(typmod: int) -> str:
    """What a number without a unit counts: the last field, seconds where no field is named."""
    fields = interval_fields(typmod)
    return fields[-1] if fields else "second"


def is_minute_to_second(typmod: int) -> bool:
    """Whether `1:30` is minutes and seconds."""
    return interval_fields(typmod) == ("minute", "second")


def cut_to_fields(months: int, days: int, us: int, typmod: int) -> tuple[int, int, int]:
    """A value without what is smaller than the last field (AdjustIntervalForTypmod in PostgreSQL's timestamp.c)."""
    last = unit_of_bare_number(typmod)
    if last in _MONTHS_KEPT:
        return _towards_zero(months, _MONTHS_KEPT[last]), 0, 0
    if last == "day":
        return months, days, 0
    return months, days, _towards_zero(us, _US_KEPT.get(last, 1))


def _towards_zero(value: int, unit: int) -> int:
    whole = abs(value) // unit * unit
    return -whole if value < 0 else whole
