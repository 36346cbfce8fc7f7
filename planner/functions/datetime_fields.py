"""The fields of dates and times that extract() and date_part() know, and which of them a type has not."""

from __future__ import annotations

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from foundation.sqltypes import DATE, TIME, TIMESTAMPTZ, SqlType, format_type

PLURALS = {
    "years": "year", "months": "month", "days": "day", "hours": "hour", "minutes": "minute", "seconds": "second",
    "weeks": "week", "millisecond": "milliseconds", "microsecond": "microseconds", "decades": "decade",
    "centuries": "century", "millennia": "millennium", "y": "year", "h": "hour", "m": "minute", "s": "second",
    "mon": "month", "min": "minute", "sec": "second", "d": "day",
}  # fmt: skip
"""Other spellings of fields, in lower case."""

_CLOCK_FIELDS = frozenset(("hour", "minute", "second", "milliseconds", "microseconds"))
_ZONE_FIELDS = frozenset(("timezone", "timezone_hour", "timezone_minute"))
_DATE_FIELDS = frozenset((
    "year", "month", "day", "quarter", "doy", "week", "isoyear", "dow", "isodow", "decade", "century", "millennium",
    "julian",
))  # fmt: skip
_ALL_FIELDS = _CLOCK_FIELDS | _ZONE_FIELDS | _DATE_FIELDS | {"epoch"}


def check_field(field: str, name: str, oid: int, *, is_extract: bool) -> None:
    """Whether values of a type have a field, of date, time, timestamp and timestamptz.

    Args:
        field: the name in lower case, one of several spellings.
        name: as the statement has it, for the message.
        is_extract: date_part() takes a date for the timestamp of its midnight, which extract() does not.

    Raises:
        FeatureNotSupported: 0A000, a field of another type. InvalidParameterValue: 22023, none.
    """
    shown = format_type(SqlType(oid))
    if field not in _ALL_FIELDS:
        raise InvalidParameterValue(f'unit "{name}" not recognized for type {shown}')
    if field in _missing_fields(oid, is_extract=is_extract):
        raise FeatureNotSupported(f'unit "{name}" not supported for type {shown}')


def _missing_fields(oid: int, *, is_extract: bool) -> frozenset[str]:
    if oid == TIME.oid:
        return _DATE_FIELDS | _ZONE_FIELDS
    if oid == DATE.oid:
        return _ZONE_FIELDS | (_CLOCK_FIELDS if is_extract else frozenset())
    # A Julian day of a timestamp has a fraction, which is not computed here.
    return frozenset(("julian",)) | (frozenset() if oid == TIMESTAMPTZ.oid else _ZONE_FIELDS)
