"""Dates and times as PostgreSQL reads them: ISO 8601 and the many other spellings of its manual.

A text is cut into tokens (numbers, dates with delimiters, clock times, words, zone offsets) and each token fills
fields of a `_Fields`; what the numbers of an ambiguous date mean is decided by their order and DateStyle.
This follows ParseDateTime and DecodeDateTime of src/backend/utils/adt/datetime.c.
https://www.postgresql.org/docs/16/datetime-input-rules.html

Results are integers: days since 1970-01-01, or microseconds (local, UTC, or since midnight).
"""

from __future__ import annotations

import re
import time as clock
from dataclasses import dataclass
from datetime import UTC, tzinfo

from foundation.errors import (
    DatetimeFieldOverflow,
    InvalidDatetimeFormat,
    InvalidParameterValue,
    InvalidTimeZoneDisplacement,
    QuiverError,
)
from sqlfront.types.calendar import (
    DAY_US,
    HOUR_US,
    JULIAN_EPOCH_DAYS,
    MINUTE_US,
    SECOND_US,
    days_of,
    month_length,
)
from sqlfront.types.context import CodecContext
from sqlfront.types.datetime_text import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from sqlfront.types.datetime_tokens import (
    COMPACT_TIME,
    DATE_PARTS,
    IGNORED,
    ISO,
    MONTHS,
    RELATIVE_DAYS,
    TOKEN,
)
from sqlfront.types.time_zones import ABBREVIATIONS, find_zone, local_offset, session_zone, utc_offset

FIRST_DAY = JULIAN_EPOCH_DAYS
END_DAY: int = days_of(5_874_898, 1, 1)
FIRST_US = JULIAN_EPOCH_DAYS * DAY_US
END_US = TIMESTAMP_INFINITY

_FRACTION_DIGITS = 6
_ZONE_HOURS_MAX = 15


class _SyntaxFault(Exception):
    pass


class _RangeFault(Exception):
    """A field out of range; `with_hint` when another DateStyle might make it valid."""

    def __init__(self, *, with_hint: bool = False) -> None:
        self.with_hint = with_hint


class _ZoneFault(Exception):
    pass


@dataclass(slots=True)
class _Fields:
    """What the tokens said. Numbers of a date are None until they are known; `clock_us` likewise."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    is_two_digit_year: bool = False
    has_month_name: bool = False
    days: int | None = None
    """A whole date known at once: Julian day, `today`."""
    clock_us: int | None = None
    is_bc: bool = False
    half_day: str = ""
    zone: tzinfo | int | None = None
    special: str = ""
    """'epoch', 'infinity', '-infinity' or 'now'."""

    def has_date(self) -> bool:
        return self.days is not None or None not in (self.year, self.month, self.day)

    def date_days(self) -> int:
        """Days since 1970-01-01, fields checked."""
        if self.days is not None:
            return self.days
        if self.year is None or self.month is None or self.day is None:
            raise _SyntaxFault
        year = self.year
        if self.is_two_digit_year and not self.is_bc:
            year += 2000 if year < 70 else 1900
        if year <= 0:
            raise _RangeFault
        if self.is_bc:
            year = 1 - year
        if not 1 <= self.month <= 12 or not 1 <= self.day <= 31:
            raise _RangeFault(with_hint=True)
        if self.day > month_length(year, self.month):
            raise _RangeFault
        days: int = days_of(year, self.month, self.day)
        return days

    def time_us(self) -> int:
        """Microseconds since midnight, AM and PM applied; 0 when no time was given."""
        us = self.clock_us or 0
        if self.half_day:
            hour = us // HOUR_US
            if hour > 12:
                raise _RangeFault
            if self.half_day == "am" and hour == 12:
                us -= 12 * HOUR_US
            elif self.half_day == "pm" and hour != 12:
                us += 12 * HOUR_US
        return us


def _fraction_us(digits: str) -> int:
    """Microseconds of the digits after a decimal point, rounded."""
    if len(digits) <= _FRACTION_DIGITS:
        return int(digits.ljust(_FRACTION_DIGITS, "0")) if digits else 0
    return round(float("0." + digits) * SECOND_US)


def _clock(hour: int, minute: int, second: int, fraction: str) -> int:
    """Microseconds since midnight; 24:00:00 and second 60 are allowed."""
    us = _fraction_us(fraction)
    if hour > 24 or minute > 59 or second > 60 or us > SECOND_US:
        raise _RangeFault
    total = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + us
    if hour == 24 and total > DAY_US:
        raise _RangeFault
    return total


def _read_time(fields: _Fields, text: str) -> None:
    if fields.clock_us is not None:
        raise _SyntaxFault
    match = re.fullmatch(r"(\d+):(\d*)(?::(\d+)(?:\.(\d*))?|(?:\.(\d*)))?", text)
    if match is None:
        raise _SyntaxFault
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[5] is not None:
        # mm:ss.ffffff, as PostgreSQL reads a fraction after two fields.
        fields.clock_us = _clock(0, hour, minute, match[5])
    else:
        fields.clock_us = _clock(hour, minute, int(match[3] or 0), match[4] or "")


def _read_zone(text: str) -> int:
    """Seconds east of Greenwich of `+02`, `-0330`, `+5:30`, `+01:39:49`."""
    sign, digits = text[0], text[1:]
    parts = digits.split(":")
    if len(parts) == 1 and len(digits) > 2:
        if len(digits) > 6:
            raise _SyntaxFault
        padded = digits.rjust(4, "0") if len(digits) <= 4 else digits.rjust(6, "0")
        parts = [padded[i : i + 2] for i in range(0, len(padded), 2)]
    if len(parts) > 3 or not all(parts):
        raise _SyntaxFault
    hour, minute, second = (int(part) for part in [*parts, "0", "0"][:3])
    if hour > _ZONE_HOURS_MAX or minute > 59 or second > 59:
        raise _ZoneFault
    seconds = (hour * 60 + minute) * 60 + second
    return -seconds if sign == "-" else seconds


def _set_year(fields: _Fields, digits: str) -> None:
    fields.year = int(digits)
    fields.is_two_digit_year = len(digits) <= 2


def _read_date_number(fields: _Fields, digits: str, order: str) -> None:
    """Give a number of a date its meaning from what is known already and from DateStyle's order."""
    known = (fields.year is not None, fields.month is not None, fields.day is not None)
    is_long = len(digits) >= 3
    if known == (False, False, False):
        if is_long or order == "YMD":
            _set_year(fields, digits)
        elif order == "DMY":
            fields.day = int(digits)
        else:
            fields.month = int(digits)
    elif known == (False, True, False):
        if fields.has_month_name and (is_long or order == "YMD"):
            _set_year(fields, digits)
        else:
            fields.day = int(digits)
    elif known == (True, True, False):
        if fields.has_month_name and is_long and fields.is_two_digit_year:
            fields.day, fields.year = fields.year, None
            _set_year(fields, digits)
        else:
            fields.day = int(digits)
    elif known in ((True, False, False), (True, False, True), (False, False, True)):
        fields.month = int(digits)
    elif known == (False, True, True):
        _set_year(fields, digits)
    else:
        raise _SyntaxFault


def _set_month_name(fields: _Fields, month: int) -> None:
    # A number read as month before the name came is the day: `8 Jan 1999`.
    if fields.month is not None:
        if fields.has_month_name or fields.day is not None or not 1 <= fields.month <= 31:
            raise _SyntaxFault
        fields.day = fields.month
    fields.month, fields.has_month_name = month, True


def _read_date(fields: _Fields, text: str, order: str) -> None:
    # PostgreSQL takes a date with delimiters after a time for a zone, and fails.
    if fields.clock_us is not None or fields.has_date() or not text[-1].isalnum():
        raise _SyntaxFault
    parts = DATE_PARTS.findall(text)
    names = [part for part in parts if part.isalpha()]
    if len(names) > 1 or len(parts) > 3:
        raise _SyntaxFault
    for name in names:
        month = MONTHS.get(name.lower())
        if month is None:
            raise _SyntaxFault
        _set_month_name(fields, month)
    for part in parts:
        if not part.isalpha():
            _read_date_number(fields, part, order)


def _read_number(fields: _Fields, text: str, order: str) -> None:
    """A number on its own: a part of a date, a date or a time without delimiters."""
    digits, _, fraction = text.partition(".")
    if not fields.has_date():
        if fraction and re.fullmatch(r"\d{4}\.\d{3}", text) and fields.year is None:
            if int(fraction) > 366 or int(fraction) < 1:
                raise _RangeFault
            fields.days = days_of(int(digits), 1, 1) + int(fraction) - 1
            return
        if "." in text:
            raise _SyntaxFault
        if len(digits) >= 6 and fields.year is None and fields.month is None:
            _set_compact_date(fields, digits)
            return
        _read_date_number(fields, digits, order)
    elif fields.clock_us is None:
        _set_compact_time(fields, digits, fraction)
    else:
        raise _SyntaxFault


def _set_compact_date(fields: _Fields, digits: str) -> None:
    """YYYYMMDD or YYMMDD."""
    _set_year(fields, digits[:-4])
    fields.month, fields.day = int(digits[-4:-2]), int(digits[-2:])


def _set_compact_time(fields: _Fields, digits: str, fraction: str) -> None:
    """HHMMSS or HHMM."""
    if len(digits) not in (4, 6):
        raise _SyntaxFault
    fields.clock_us = _clock(int(digits[:2]), int(digits[2:4]), int(digits[4:] or 0), fraction)


def _read_word(fields: _Fields, text: str, zone: tzinfo) -> None:
    word = text.lower()
    if word in MONTHS:
        _set_month_name(fields, MONTHS[word])
    elif word in IGNORED or word == "t" or (word in ("j", "jd") and fields.days is None):
        pass
    elif word in ("bc", "ad"):
        fields.is_bc = word == "bc"
    elif word in ("am", "pm"):
        fields.half_day = word
    elif word in RELATIVE_DAYS:
        fields.days = _today(zone) + RELATIVE_DAYS[word]
        fields.clock_us = 0 if fields.clock_us is None else fields.clock_us
    elif word in ("epoch", "infinity", "now"):
        fields.special = word
    elif word == "allballs":
        fields.clock_us, fields.zone = 0, 0
    elif word.upper() in ABBREVIATIONS:
        fields.zone = ABBREVIATIONS[word.upper()]
    else:
        found = find_zone(text)
        if found is None and "/" in text:
            raise InvalidParameterValue(f'time zone "{word}" not recognized')
        if found is None:
            raise _SyntaxFault
        fields.zone = found


def _today(zone: tzinfo) -> int:
    now = clock.time_ns() // 1000
    return (now + utc_offset(zone, now) * SECOND_US) // DAY_US


def _read_fields(text: str, order: str, zone: tzinfo) -> _Fields:
    fields = _Fields()
    position = 0
    previous = ""
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise _SyntaxFault
        position = match.end()
        token, kind = match.group(), match.lastgroup
        if kind == "time":
            _read_time(fields, token)
        elif kind == "date":
            _read_date(fields, token, order)
        elif kind == "number" and previous in ("j", "jd"):
            fields.days = int(token.partition(".")[0]) + JULIAN_EPOCH_DAYS
        elif kind == "number":
            _read_number(fields, token, order)
        elif kind == "zone":
            if fields.zone is not None and not isinstance(fields.zone, int):
                raise _SyntaxFault
            fields.zone = (fields.zone or 0) + _read_zone(token)
        elif kind == "sign":
            _read_signed_word(fields, token)
        elif kind == "word":
            _read_word(fields, token, zone)
        if kind != "skip":
            previous = token.lower()
    return fields


def _read_signed_word(fields: _Fields, token: str) -> None:
    sign, word = token[0], token[1:].strip().lower()
    if word not in ("infinity", "inf"):
        raise _SyntaxFault
    fields.special = "-infinity" if sign == "-" else "infinity"


def _fault_error(fault: Exception, text: str, type_name: str) -> QuiverError:
    if isinstance(fault, _RangeFault):
        hint = 'Perhaps you need a different "datestyle" setting.' if fault.with_hint else None
        return DatetimeFieldOverflow(f'date/time field value out of range: "{text}"', hint=hint)
    if isinstance(fault, _ZoneFault):
        return InvalidTimeZoneDisplacement(f'time zone displacement out of range: "{text}"')
    return InvalidDatetimeFormat(f'invalid input syntax for type {type_name}: "{text}"')


def _is_only(fields: _Fields) -> bool:
    """Whether a special word stands alone."""
    return fields.year is None and fields.days is None and fields.clock_us is None


def parse_date(text: str, context: CodecContext) -> int:
    """Days since 1970-01-01, or infinity.

    Raises:
        InvalidDatetimeFormat: 22007. DatetimeFieldOverflow: 22008. InvalidTimeZoneDisplacement: 22009.
    """
    try:
        match = ISO.fullmatch(text)
        if match is not None and match[4] is None and match[8] is None and match[9] is None:
            fields = _Fields(int(match[1]), int(match[2]), int(match[3]))
        else:
            zone = session_zone(context.time_zone)
            fields = _read_fields(text, context.date_order, zone)
            if fields.special:
                return _special_day(fields, zone)
        days = fields.date_days()
        fields.time_us()
    except (_SyntaxFault, _RangeFault, _ZoneFault) as fault:
        raise _fault_error(fault, text, "date") from None
    if not FIRST_DAY <= days < END_DAY:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return days


def _special_day(fields: _Fields, zone: tzinfo) -> int:
    if not _is_only(fields):
        raise _SyntaxFault
    if fields.special == "now":
        return _today(zone)
    return {"epoch": 0, "infinity": DATE_INFINITY, "-infinity": DATE_MINUS_INFINITY}[fields.special]


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A time of day as text gave it: microseconds since midnight, the zone and the day (since 1970-01-01) beside it."""

    clock_us: int
    zone: tzinfo | int | None
    days: int | None


def read_clock(text: str, context: CodecContext, type_name: str) -> ClockReading:
    """A time of day, with whatever stands beside it.

    Raises:
        InvalidDatetimeFormat: 22007. DatetimeFieldOverflow: 22008. InvalidTimeZoneDisplacement: 22009.
    """
    zone = session_zone(context.time_zone)
    try:
        compact = COMPACT_TIME.fullmatch(text)
        if compact is not None:
            fields = _Fields(zone=_read_zone(compact[3]) if compact[3] else None)
            _set_compact_time(fields, compact[1], compact[2] or "")
        else:
            fields = _read_fields(text, context.date_order, zone)
        if fields.special == "now":
            now = clock.time_ns() // 1000
            offset = utc_offset(zone, now)
            return ClockReading((now + offset * SECOND_US) % DAY_US, offset, None)
        if fields.clock_us is None or fields.special:
            raise _SyntaxFault
        days = fields.date_days() if fields.has_date() else None
        return ClockReading(fields.time_us(), fields.zone, days)
    except (_SyntaxFault, _RangeFault, _ZoneFault) as fault:
        raise _fault_error(fault, text, type_name) from None


def parse_time(text: str, context: CodecContext) -> int:
    """Microseconds since midnight; a date or a zone beside the time is ignored. Raises as `read_clock`."""
    return read_clock(text, context, "time").clock_us


def _parse_instant(text: str, context: CodecContext, type_name: str) -> tuple[int, tzinfo | int | None] | int:
    """Local microseconds and the zone given, or a final value (infinity, epoch, now)."""
    match = ISO.fullmatch(text)
    if match is not None:
        year, month, day, hour, minute, second, fraction, zulu, sign, zone_hour, zone_minute = match.groups()
        fields = _Fields(int(year), int(month), int(day))
        fields.clock_us = _clock(int(hour or 0), int(minute or 0), int(second or 0), fraction or "")
        if zulu:
            fields.zone = 0
        elif sign:
            fields.zone = _read_zone(sign + zone_hour + (zone_minute or ""))
    else:
        zone = session_zone(context.time_zone)
        fields = _read_fields(text, context.date_order, zone)
        if fields.special:
            if not _is_only(fields):
                raise _SyntaxFault
            if fields.special == "now":
                now = clock.time_ns() // 1000
                return now + (
                    0 if type_name.endswith("with time zone") else utc_offset(zone, now) * SECOND_US
                )
            return {"epoch": 0, "infinity": TIMESTAMP_INFINITY, "-infinity": TIMESTAMP_MINUS_INFINITY}[
                fields.special
            ]
    return fields.date_days() * DAY_US + fields.time_us(), fields.zone


def _check_instant(us: int, text: str) -> int:
    if not FIRST_US <= us < END_US:
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    return us


def parse_timestamp(text: str, context: CodecContext) -> int:
    """Local microseconds since 1970-01-01; a zone in the text is ignored.

    Raises:
        InvalidDatetimeFormat: 22007. DatetimeFieldOverflow: 22008. InvalidTimeZoneDisplacement: 22009.
    """
    try:
        parsed = _parse_instant(text, context, "timestamp without time zone")
    except (_SyntaxFault, _RangeFault, _ZoneFault) as fault:
        raise _fault_error(fault, text, "timestamp") from None
    return parsed if isinstance(parsed, int) else _check_instant(parsed[0], text)


def parse_timestamptz(text: str, context: CodecContext) -> int:
    """Microseconds since 1970-01-01 UTC; without a zone in the text the session's holds.

    Raises:
        InvalidDatetimeFormat: 22007. DatetimeFieldOverflow: 22008. InvalidTimeZoneDisplacement: 22009.
    """
    try:
        parsed = _parse_instant(text, context, "timestamp with time zone")
    except (_SyntaxFault, _RangeFault, _ZoneFault) as fault:
        raise _fault_error(fault, text, "timestamp with time zone") from None
    if isinstance(parsed, int):
        return parsed
    local_us, zone = parsed
    if zone is None:
        zone = session_zone(context.time_zone)
    offset = zone if isinstance(zone, int) else 0 if zone is UTC else local_offset(zone, local_us)
    return _check_instant(local_us - offset * SECOND_US, text)
