"""interval: months, days and microseconds; text in the session's IntervalStyle.

A value is a `pyarrow.MonthDayNano`, whose nanoseconds end at 292 years: a longer time part is refused (22008).
Input takes the verbose form (`1 year 2 mons 3 days 04:05:06`), ISO 8601 (`P1Y2M3DT4H5M6S`) and SQL's `1-2`,
`3 4:05:06`. https://www.postgresql.org/docs/16/datatype-datetime.html#DATATYPE-INTERVAL-INPUT
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_DOWN, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import DatetimeFieldOverflow, InvalidDatetimeFormat
from foundation.sqltypes import INTERVAL
from sqlfront.types.calendar import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from sqlfront.types.codec import WHITESPACE, Codec, check_width
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import IntervalFieldOverflow
from sqlfront.types.interval_fields import is_minute_to_second, unit_of_bare_number

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_STRUCT = struct.Struct("!qii")
_INT32_MAX = (1 << 31) - 1
_NANOSECONDS_MAX = (1 << 63) - 1
_MONTH_DAYS = 30
_YEAR_MONTHS = 12

_UNIT_NAMES = {
    "microsecond": "us microsecond microseconds usec usecs usecond useconds microsecon",
    "millisecond": "ms msec msecs millisecond milliseconds mseconds msecond",
    "second": "s sec secs second seconds",
    "minute": "m min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
    "week": "w week weeks",
    "month": "mon mons month months",
    "year": "y yr yrs year years",
    "decade": "dec decs decade decades",
    "century": "c cent century centuries",
    "millennium": "mil mils millennia millennium",
}
_UNITS = {spelling: unit for unit, spellings in _UNIT_NAMES.items() for spelling in spellings.split()}
_MICROSECONDS = {
    "microsecond": 1, "millisecond": 1000, "second": SECOND_US, "minute": MINUTE_US, "hour": HOUR_US,
}  # fmt: skip
_SECONDS = {"second", "millisecond", "microsecond"}
_CLOCK_UNITS = {"hour", "minute"} | _SECONDS
_MONTHS = {"month": 1, "year": 12, "decade": 120, "century": 1200, "millennium": 12000}

_TOKEN = re.compile(
    r"\s*(?:(?P<time>[+-]?\d+:\d+(?::\d+(?:\.\d*)?|\.\d+)?)|(?P<years>(?<!\d)[+-]?\d+-\d+(?![-\d]))"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))|(?P<word>[A-Za-z]+)|(?P<at>@))\s*",
    re.ASCII,
)
_ISO_PART = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([YMWDHS])", re.ASCII)
_ISO_DATE_UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_ISO_TIME_UNITS = {"H": "hour", "M": "minute", "S": "second"}


class _Fault(Exception):
    pass


class _Parts:
    """Months, days and microseconds while they are summed up; fractions flow down to smaller fields."""

    def __init__(self) -> None:
        self.months = self.days = self.us = 0
        self._given: set[str] = set()

    def claim(self, units: set[str]) -> None:
        """Units that a token gives; none may come twice."""
        if units & self._given:
            raise _Fault
        self._given |= units

    def add(self, amount: Decimal, unit: str) -> None:
        if unit in _MICROSECONDS:
            self.us += _whole(amount * _MICROSECONDS[unit])
        elif unit in ("day", "week"):
            self._add_days(amount * (7 if unit == "week" else 1))
        elif unit == "month":
            whole = int(amount)
            self.months += whole
            self._add_days((amount - whole) * _MONTH_DAYS)
        else:
            # A fraction of a year or more is rounded to months.
            self.months += round(amount * _MONTHS[unit])

    def _add_days(self, amount: Decimal) -> None:
        whole = int(amount)
        self.days += whole
        self.us += _whole((amount - whole) * DAY_US)

    def negate(self) -> None:
        self.months, self.days, self.us = -self.months, -self.days, -self.us


def _whole(us: Decimal) -> int:
    """Rounded to microseconds, halves towards zero."""
    return int(us.quantize(Decimal(1), ROUND_HALF_DOWN))


def _clock_us(text: str, has_no_hours: bool) -> int:
    sign = -1 if text.startswith("-") else 1
    fields = text.lstrip("+-").split(":")
    if len(fields) == 2 and (has_no_hours or "." in fields[1]):
        fields = ["0", *fields]
    hours, minutes = int(fields[0]), int(fields[1])
    seconds = Decimal(fields[2]) if len(fields) > 2 else Decimal(0)
    if minutes > 59 or seconds > 60:
        raise OverflowError
    return sign * (hours * HOUR_US + minutes * MINUTE_US + round(seconds * SECOND_US))


def _parse_iso(text: str) -> _Parts:
    parts = _Parts()
    date_text, separator, time_text = text[1:].partition("T")
    if not text[1:] or (separator and not time_text):
        raise _Fault
    for body, units in ((date_text, _ISO_DATE_UNITS), (time_text, _ISO_TIME_UNITS)):
        position = 0
        while position < len(body):
            match = _ISO_PART.match(body, position)
            if match is None or match[2] not in units:
                raise _Fault
            parts.add(Decimal(match[1]), units[match[2]])
            position = match.end()
    return parts


class _VerboseReader:
    """Sums up the tokens of the verbose form. A number waits for its unit in `pending`; `typmod` is the type's."""

    def __init__(self, typmod: int) -> None:
        self._typmod = typmod
        self.parts = _Parts()
        self.pending: str | None = None
        self.bare_days: str | None = None
        """A number before another number: days, if that one turns out to be hours (`1 2 hours`)."""
        self.clock_us: int | None = None
        self.is_ago = False
        self.is_empty = True

    def add(self, amount: str, unit: str) -> None:
        self.parts.claim(_SECONDS if unit == "second" and "." in amount else {unit})
        self.parts.add(Decimal(amount), unit)
        self.is_empty = False

    def read_word(self, word: str) -> None:
        if word == "ago":
            self.is_ago = True
            return
        unit = _UNITS.get(word)
        if unit is None or self.pending is None:
            raise _Fault
        if self.bare_days is not None:
            if unit != "hour":
                raise _Fault
            self.add(self.bare_days, "day")
        self.add(self.pending, unit)
        self.pending = self.bare_days = None

    def read_number(self, number: str) -> None:
        if self.bare_days is not None:
            raise _Fault
        self.bare_days, self.pending = self.pending, number

    def read_years(self, text: str) -> None:
        """SQL's `1-2`: years and months."""
        self.parts.claim({"year", "month"})
        years, months = re.split(r"(?<=\d)-", text)
        if int(months) >= _YEAR_MONTHS:
            raise OverflowError
        sign = -1 if years.startswith("-") else 1
        self.parts.months += sign * (abs(int(years)) * _YEAR_MONTHS + int(months))
        self.is_empty = False

    def read_clock(self, text: str) -> None:
        if self.bare_days is not None:
            raise _Fault
        if self.pending is not None:
            self.add(self.pending, "day")
            self.pending = None
        self.parts.claim(_CLOCK_UNITS)
        self.parts.us += _clock_us(text, is_minute_to_second(self._typmod))
        self.clock_us = self.parts.us
        self.is_empty = False

    def finish(self) -> _Parts:
        unit = unit_of_bare_number(self._typmod)
        if self.bare_days is not None:
            if unit != "hour":
                raise _Fault
            self.add(self.bare_days, "day")
        if self.pending is not None:
            self.add(self.pending, unit)
        if self.is_empty:
            raise _Fault
        if self.clock_us is not None:
            # Fractions of days behind a clock time are lost: PostgreSQL reads from right to left and the clock
            # time replaces what was summed up.
            self.parts.us = self.clock_us
        if self.is_ago:
            self.parts.negate()
        return self.parts


def _parse_verbose(text: str, typmod: int) -> _Parts:
    reader = _VerboseReader(typmod)
    readers: dict[str, Callable[[str], None]] = {
        "word": reader.read_word,
        "number": reader.read_number,
        "years": reader.read_years,
        "time": reader.read_clock,
    }
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _Fault
        position = match.end()
        if match.lastgroup != "at":
            readers[match.lastgroup](match.group().strip().lower())
    return reader.finish()


def parse_interval(text: str, typmod: int = -1) -> tuple[int, int, int]:
    """(months, days, microseconds). `typmod`: of the type that a literal is read for; nothing is cut off by it.

    Raises:
        InvalidDatetimeFormat: 22007. IntervalFieldOverflow: 22015. DatetimeFieldOverflow: 22008.
    """
    stripped = text.strip(WHITESPACE)
    try:
        parts = _parse_iso(stripped) if stripped[:1] == "P" else _parse_verbose(stripped, typmod)
    except _Fault:
        raise InvalidDatetimeFormat(f'invalid input syntax for type interval: "{text}"') from None
    except OverflowError:
        raise IntervalFieldOverflow(f'interval field value out of range: "{text}"') from None
    if max(abs(parts.months), abs(parts.days)) > _INT32_MAX or abs(parts.us) >= 1 << 63:
        raise IntervalFieldOverflow(f'interval field value out of range: "{text}"')
    return parts.months, parts.days, parts.us


def _clock(us: int, sign: str = "") -> str:
    hours, rest = divmod(abs(us), HOUR_US)
    minutes, rest = divmod(rest, MINUTE_US)
    seconds, fraction = divmod(rest, SECOND_US)
    tail = f".{fraction:06d}".rstrip("0") if fraction else ""
    return f"{sign}{hours:02d}:{minutes:02d}:{seconds:02d}{tail}"


def _quotient(months: int) -> tuple[int, int]:
    """Years and months, both with the sign of the whole, as C divides."""
    years = abs(months) // _YEAR_MONTHS
    rest = abs(months) % _YEAR_MONTHS
    return (-years, -rest) if months < 0 else (years, rest)


def interval_text(months: int, days: int, us: int) -> str:
    """IntervalStyle postgres: `1 year 2 mons -3 days +04:05:06`."""
    years, rest_months = _quotient(months)
    parts: list[str] = []
    is_before_negative = False
    for amount, unit in ((years, "year"), (rest_months, "mon"), (days, "day")):
        if amount:
            sign = "+" if is_before_negative and amount > 0 else ""
            parts.append(f"{sign}{amount} {unit}{'' if amount == 1 else 's'}")
            is_before_negative = amount < 0
    if us or not parts:
        sign = "-" if us < 0 else "+" if is_before_negative else ""
        parts.append(_clock(us, sign))
    return " ".join(parts)


def iso_interval_text(months: int, days: int, us: int) -> str:
    """IntervalStyle iso_8601: `P1Y2M3DT4H5M6S`."""
    if not (months or days or us):
        return "PT0S"
    years, rest_months = _quotient(months)
    text = "P" + "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (rest_months, "M"), (days, "D")) if n)
    if us:
        sign = -1 if us < 0 else 1
        hours, rest = divmod(abs(us), HOUR_US)
        minutes, rest = divmod(rest, MINUTE_US)
        seconds, fraction = divmod(rest, SECOND_US)
        text += "T" + "".join(f"{sign * n}{unit}" for n, unit in ((hours, "H"), (minutes, "M")) if n)
        if rest:
            tail = f".{fraction:06d}".rstrip("0") if fraction else ""
            text += f"{'-' if sign < 0 else ''}{seconds}{tail}S"
    return text


def interval_value(months: int, days: int, us: int) -> pa.MonthDayNano:
    """The Arrow value. Raises DatetimeFieldOverflow (22008) beyond 292 years of microseconds."""
    if abs(us) * 1000 > _NANOSECONDS_MAX:
        raise DatetimeFieldOverflow("interval out of range")
    return pa.MonthDayNano([months, days, us * 1000])


class IntervalCodec(Codec):
    binary_bytes = 16

    def decode_text(self, text: str, context: CodecContext) -> pa.MonthDayNano:
        return interval_value(*parse_interval(text))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        printer = iso_interval_text if context.interval_style == "iso_8601" else interval_text
        return printer(value[0], value[1], value[2] // 1000)

    def decode_binary(self, data: bytes, context: CodecContext) -> pa.MonthDayNano:
        check_width(data, 16)
        us, days, months = _STRUCT.unpack(data)
        return interval_value(months, days, us)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return _STRUCT.pack(value[2] // 1000, value[1], value[0])


def register(types: TypeRegistry) -> None:
    types.add(INTERVAL.oid, IntervalCodec)
