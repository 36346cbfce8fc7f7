"""to_char() of dates, timestamps and intervals; to_date() and to_timestamp() of text with a template.

Names of months and days are English, also with `TM`. Of intervals the fields that need a date are refused by name.
https://www.postgresql.org/docs/15/functions-formatting.html (formatting.c)
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidDatetimeFormat
from foundation.sqltypes import TIMESTAMP, TIMESTAMPTZ
from foundation.time_zones import zone_of
from planner.functions.civil_calendar import civil_date, first_day_of_year
from planner.functions.datetime_patterns import Piece, datetime_template
from planner.functions.datetime_reading import JULIAN_DAY_OF_EPOCH, SECOND_US, Moment, read_moment
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_time import (
    DAY_US,
    END_OF_DATES,
    FIRST_DATE,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    from_local,
    microseconds,
    to_local,
)
from planner.functions.rowwise import over_distinct, row_values

_MONTHS = tuple(calendar.month_name)[1:]
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_NAME_WIDTH = 9
_CLOCK_FIELDS = frozenset({
    "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "SSSS", "SSSSS", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
    "AM", "PM", "A.M.", "P.M.", "TZ", "OF", "TZH", "TZM",
})  # fmt: skip
"""Fields that two moments of one local day may show differently."""
_OF_DATES_ONLY = frozenset(("J", "IW", "IYYY", "IYY", "IY", "I", "IDDD"))
"""Fields of the ISO week and the Julian day, which PostgreSQL shows of intervals, too, without a meaning."""
_DAY_2000 = 10_957
_FIRST_SINCE_2000, _END_SINCE_2000 = -211_813_488_000_000_000, 9_223_371_331_200_000_000
"""PostgreSQL's range of timestamps, in microseconds since 2000-01-01."""


# ---------------------------------------------------------------------------------------------------------
# Printing


@dataclass(frozen=True, slots=True)
class _Moment:
    """What fields are read from. `day_number` counts from 1970-01-01 and is None for an interval."""

    year: int
    month: int
    day: int
    us: int
    day_number: int | None
    offset_s: int | None = None
    zone: str = ""


def _iso(day_number: int) -> tuple[int, int, int]:
    """ISO year, week and day of the ISO year."""
    weekday = (day_number + 3) % 7
    year = civil_date(day_number - weekday + 3)[0]
    fourth = first_day_of_year(year) + 3
    start = fourth - (fourth + 3) % 7
    return year, (day_number - start) // 7 + 1, day_number - start + 1


def _number_field(key: str, moment: _Moment) -> tuple[int, int] | None:
    """(value, width) of a numeric field that intervals have too; quotients are cut off toward zero, as in C."""
    hours, us = divmod(abs(moment.us), 3_600_000_000)
    minutes, us = divmod(us, 60_000_000)
    seconds, us = divmod(us, 1_000_000)
    sign = -1 if moment.us < 0 else 1
    year = moment.year if moment.year > 0 or moment.day_number is None else 1 - moment.year
    year_sign = -1 if year < 0 else 1
    simple = {
        "HH24": (sign * hours, 2), "HH12": (sign * (hours % 12) or 12, 2), "HH": (sign * (hours % 12) or 12, 2),
        "MI": (sign * minutes, 2), "SS": (sign * seconds, 2), "MS": (sign * (us // 1000), 3), "US": (sign * us, 6),
        "SSSS": (sign * (abs(moment.us) // 1_000_000), 0), "MM": (moment.month, 2), "DD": (moment.day, 2),
        "YYYY": (year, 4), "YYY": (year_sign * (abs(year) % 1000), 3), "YY": (year_sign * (abs(year) % 100), 2),
        "Y": (year_sign * (abs(year) % 10), 1), "W": (int((moment.day - 1) / 7) + 1, 0),
    }  # fmt: skip
    simple["SSSSS"] = simple["SSSS"]
    if key.startswith("FF"):
        digits = int(key[2:])
        return sign * (us // 10 ** (6 - digits)), digits
    if key == "Q":
        return int((moment.month - 1) / 3) + 1, 0
    return simple.get(key)


def _interval_field(key: str, moment: _Moment) -> tuple[int, int] | None:
    """What PostgreSQL makes of calendar fields of an interval: months of 30 days."""
    days = (moment.year * 12 + moment.month) * 30 + moment.day
    century = int(moment.year / 100)
    if key in _OF_DATES_ONLY:
        raise FeatureNotSupported(f'template pattern "{key}" of an interval is not supported')
    fields = {
        "DDD": (days, 3),
        "WW": (int((days - 1) / 7) + 1, 2),
        "CC": (century, 2 if abs(century) < 100 else 0),
    }
    return fields.get(key)


def _calendar_field(key: str, moment: _Moment) -> tuple[int, int] | None:
    day_number = moment.day_number
    if day_number is None:
        return _interval_field(key, moment)
    day_of_year = day_number - first_day_of_year(moment.year) + 1
    iso_year, iso_week, iso_day = _iso(day_number)
    century = (moment.year + 99) // 100 if moment.year > 0 else -((100 - moment.year) // 100)
    shown = iso_year if iso_year > 0 else 1 - iso_year
    return {
        "DDD": (day_of_year, 3), "IDDD": (iso_day, 3), "D": ((day_number + 4) % 7 + 1, 0),
        "ID": ((day_number + 3) % 7 + 1, 0), "WW": ((day_of_year - 1) // 7 + 1, 2), "IW": (iso_week, 2),
        "CC": (century, 2), "J": (day_number + JULIAN_DAY_OF_EPOCH, 0), "IYYY": (shown, 4),
        "IYY": (shown % 1000, 3), "IY": (shown % 100, 2), "I": (shown % 10, 1),
    }.get(key)  # fmt: skip


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _like(name: str, text: str) -> str:
    """Text in the case of the field's name."""
    return text.upper() if name.isupper() else text.lower() if name.islower() else text


def _word_field(piece: Piece, moment: _Moment) -> str:
    key, name = piece.key, piece.name
    hour = max(0, moment.us) // 3_600_000_000
    if key in ("AM", "PM", "A.M.", "P.M."):
        text = "PM" if hour % 24 >= 12 else "AM"
        return _like(name, f"{text[0]}.M." if "." in key else text)
    if key == "RM":
        text = _like(name, _roman_month(moment))
        return text.ljust(4) if text and piece.is_filled else text
    if moment.day_number is None:
        raise _no_date()
    if key in ("AD", "BC", "A.D.", "B.C."):
        text = "BC" if moment.year <= 0 else "AD"
        return _like(name, f"{text[0]}.{text[1]}." if "." in key else text)
    words = {
        "MONTH": _MONTHS[moment.month - 1], "MON": _MONTHS[moment.month - 1][:3],
        "DAY": _DAYS[(moment.day_number + 4) % 7], "DY": _DAYS[(moment.day_number + 4) % 7][:3],
    }  # fmt: skip
    text = _like(name, words[key])
    return text.ljust(_NAME_WIDTH) if key in ("MONTH", "DAY") and not piece.prefix else text


def _no_date() -> InvalidDatetimeFormat:
    return InvalidDatetimeFormat(
        "invalid format specification for an interval value",
        hint="Intervals are not tied to specific calendar dates.",
    )


def _roman_month(moment: _Moment) -> str:
    """Months of an interval count back from December below zero; whole years show it, or January."""
    if moment.month:
        return _ROMAN[moment.month - 1 if moment.month > 0 else moment.month]
    return "" if not moment.year else _ROMAN[11 if moment.year > 0 else 0]


def _zone_field(piece: Piece, moment: _Moment) -> str:
    key = piece.key
    if moment.offset_s is None:
        if moment.day_number is None:
            raise _no_date()
        return {"TZ": "", "OF": "+00", "TZH": "+00", "TZM": "00"}[key]
    sign, seconds = "-" if moment.offset_s < 0 else "+", abs(moment.offset_s)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if key == "TZ":
        return _like(piece.name, moment.zone)
    if key == "TZM":
        return f"{minutes:02}"
    return f"{sign}{hours:02}" + (f":{minutes:02}" if key == "OF" and minutes else "")


def _shown(piece: Piece, moment: _Moment) -> str:
    if not piece.name:
        return piece.text
    if piece.key == "FX" or (piece.key == "Q" and not moment.month):
        return ""
    if piece.key in ("TZ", "OF", "TZH", "TZM"):
        return _zone_field(piece, moment)
    if piece.key == "Y,YYY":
        number, _ = _number_field("YYYY", moment) or (0, 0)
        thousands = int(number / 1000)
        return f"{thousands},{number - thousands * 1000:03}" + _suffix(piece, number)
    found = _number_field(piece.key, moment) or _calendar_field(piece.key, moment)
    if found is None and moment.day_number is None and piece.key in ("D", "ID"):
        raise _no_date()
    if found is None:
        return _word_field(piece, moment)
    number, width = found
    if not piece.is_filled and not piece.key.startswith(("FF", "MS", "US")):
        width = 0
    if number < 0 and piece.key not in ("DD", "DDD", "WW"):
        width += 1
    return f"{number:0{width}}" + _suffix(piece, number)


def _suffix(piece: Piece, number: int) -> str:
    if not piece.suffix:
        return ""
    return _ordinal(abs(number)).upper() if piece.suffix == "TH" else _ordinal(abs(number))


def _to_char(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """A template without time of day shows one text a day: the days are fewer than the values."""
    values, template = arguments
    if (
        not values.is_constant
        and template.is_constant
        and template.array.null_count == 0
        and not pa.types.is_interval(values.array.type)
    ):
        keys = {piece.key for piece in datetime_template(template.array[0].as_py()) if piece.name}
        if keys.isdisjoint(_CLOCK_FIELDS):
            arguments = (Datum(_days(values.array, site)), template)
            site = replace(site, argument_types=(TIMESTAMP.oid, site.argument_types[1]))
    return _over_distinct_moments(arguments, site)


def _days(values: pa.Array, site: CallSite) -> pa.Array:
    """Local timestamps at midnight; infinite ones stay."""
    local = to_local(values, site) if site.argument_types[0] == TIMESTAMPTZ.oid else values
    stamps = microseconds(local)
    is_infinite = (stamps == TIMESTAMP_MIN) | (stamps == TIMESTAMP_MAX)
    days = np.where(is_infinite, stamps, stamps // DAY_US * DAY_US)
    mask = np.asarray(values.is_null()) if values.null_count else None
    return pa.array(days, pa.int64(), mask=mask).cast(pa.timestamp("us"))


def _printed(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    values = arguments[0].spread(row_count)
    templates = arguments[1].spread(row_count).to_pylist()
    if pa.types.is_interval(values.type):
        moments = [None if v is None else _interval_moment(v) for v in values.to_pylist()]
    else:
        moments = _moments(values, site)
    texts = [
        None
        if m is None or not template
        else "".join(_shown(piece, m) for piece in datetime_template(template))
        for m, template in zip(moments, templates)
    ]
    return pa.array(texts, pa.utf8())


_over_distinct_moments = over_distinct(_printed)


def _interval_moment(value: Any) -> _Moment:
    years, months = divmod(abs(value.months), 12)
    sign = -1 if value.months < 0 else 1
    return _Moment(sign * years, sign * months, value.days, value.nanoseconds // 1000, None)


def _moments(values: pa.Array, site: CallSite) -> list[_Moment | None]:
    is_zoned = site.argument_types[0] == TIMESTAMPTZ.oid
    local = to_local(values, site) if is_zoned else values
    instants, stamps = microseconds(values), microseconds(local)
    zone = site.context.settings.get("TimeZone") if is_zoned else ""
    moments: list[_Moment | None] = []
    for is_valid, stamp, instant in zip(np.asarray(values.is_valid()), stamps.tolist(), instants.tolist()):
        if not is_valid or stamp in (TIMESTAMP_MIN, TIMESTAMP_MAX):
            moments.append(None)
            continue
        day_number, us = divmod(stamp, DAY_US)
        year, month, day = civil_date(day_number)
        offset = (stamp - instant) // 1_000_000 if is_zoned else None
        moments.append(_Moment(year, month, day, us, day_number, offset, _abbreviation(zone, instant)))
    return moments


def _abbreviation(zone: str, instant: int) -> str:
    """What people call the zone at that time (CET, CEST)."""
    if not zone or zone.upper() in ("UTC", "GMT", "ETC/UTC"):
        return zone

    try:
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=instant)
        return moment.astimezone(zone_of(zone)).tzname() or ""
    except OverflowError:
        return zone


def _to_date(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    rows = zip(*row_values(arguments, row_count_of(arguments)))
    days = [None if None in row else _read_date(*row) for row in rows]
    return pa.array(days, pa.int32()).cast(pa.date32())


def _read_date(text: str, template: str) -> int:
    """Days since 1970. Raises DatetimeFieldOverflow (22008)."""
    day_number = read_moment(text, template).day_number
    if not FIRST_DATE <= day_number < END_OF_DATES:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return day_number


def _to_timestamp(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """Times without a zone in the template are the session's."""
    rows = zip(*row_values(arguments, row_count_of(arguments)))
    moments = [None if None in row else read_moment(*row) for row in rows]
    local = pa.array([None if m is None else _stamp(m) for m in moments], pa.int64()).cast(pa.timestamp("us"))
    instants = from_local(local, site)
    if all(moment is None or moment.offset_s is None for moment in moments):
        return instants
    return pa.array(
        [
            instant
            if moment is None or moment.offset_s is None
            else _stamp(moment) - moment.offset_s * SECOND_US
            for moment, instant in zip(moments, instants.cast(pa.int64()).to_pylist())
        ],
        pa.int64(),
    ).cast(instants.type)


def _stamp(moment: Moment) -> int:
    """Microseconds since 1970, rounded as `FF1` to `FF6` ask for.

    Raises:
        DatetimeFieldOverflow: 22008.
    """
    since_2000 = (moment.day_number - _DAY_2000) * DAY_US + moment.us
    if moment.precision:
        unit = 10 ** (6 - moment.precision)
        rounded = (abs(since_2000) + unit // 2) // unit * unit
        since_2000 = rounded if since_2000 >= 0 else -rounded
    if not _FIRST_SINCE_2000 <= since_2000 < _END_SINCE_2000:
        raise DatetimeFieldOverflow("timestamp out of range")
    return since_2000 + _DAY_2000 * DAY_US


def datetime_format_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    kernels: dict[str, Kernel] = {f"to_char({oid},25)": _to_char for oid in (1114, 1184, 1186)}
    return kernels | {"to_date(25,25)": _to_date, "to_timestamp(25,25)": _to_timestamp}
