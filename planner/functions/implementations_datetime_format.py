"""to_char() of dates, timestamps and intervals; to_date() and to_timestamp() of text with a template.

A template is cut into fields and literal text once and kept. `TM`, `SP` and, when reading, ISO weeks, quarters and
zones are refused by name. https://www.postgresql.org/docs/16/functions-formatting.html (formatting.c)
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidDatetimeFormat
from foundation.sqltypes import TIMESTAMP, TIMESTAMPTZ
from planner.functions.civil_calendar import civil_date, day_number_of, first_day_of_year, month_lengths
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_time import (
    DAY_US,
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
_JULIAN_DAY_OF_EPOCH = 2_440_588
_NAME_WIDTH = 9
_UPPER_ONLY = (
    "HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "Y,YYY",
    "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I", "MM", "DDD", "DD", "D", "WW", "W", "CC",
    "J", "Q", "OF", "TZH", "TZM",
)  # fmt: skip
_BY_CASE = (
    "MONTH", "Month", "month", "MON", "Mon", "mon", "DAY", "Day", "day", "DY", "Dy", "dy", "RM", "rm", "TZ", "tz",
    "AM", "PM", "am", "pm", "A.M.", "P.M.", "a.m.", "p.m.", "AD", "BC", "ad", "bc", "A.D.", "B.C.", "a.d.", "b.c.",
)  # fmt: skip
_FIELD_NAMES = sorted({*_UPPER_ONLY, *(n.lower() for n in _UPPER_ONLY), *_BY_CASE}, key=len, reverse=True)
_FIELD = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*"?)|(?P<escaped>\\")|(?P<refused>TM|FX)|'
    r"(?P<fill>[Ff][Mm])?(?P<name>"
    + "|".join(map(re.escape, _FIELD_NAMES))
    + r")(?P<suffix>TH|th|SP)?|(?P<other>.)",
    re.DOTALL,
)
_CLOCK_FIELDS = frozenset({
    "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "SSSS", "SSSSS", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
    "AM", "PM", "A.M.", "P.M.", "TZ", "OF", "TZH", "TZM",
})  # fmt: skip
"""Fields that two moments of one local day may show differently."""
_DIGITS_OF = {
    "YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "MM": 2, "DD": 2, "DDD": 3, "HH24": 2, "HH12": 2, "HH": 2, "MI": 2,
    "SS": 2, "MS": 3, "US": 6, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6, "J": 7, "SSSS": 5,
    "SSSSS": 5, "CC": 2, "W": 1, "D": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Part:
    """A field, or literal text when `name` is empty. `key` is the field's name in capitals."""

    text: str
    name: str = ""
    is_filled: bool = True
    suffix: str = ""
    is_quoted: bool = False

    @property
    def key(self) -> str:
        return self.name.upper()


@lru_cache(maxsize=256)
def _parts(template: str) -> tuple[_Part, ...]:
    found = []
    for match in _FIELD.finditer(template):
        if match["refused"] or match["suffix"] == "SP":
            word = match["refused"] or "SP"
            raise FeatureNotSupported(f'template pattern "{word}" is not supported')
        if match["name"]:
            is_filled = match["fill"] is None
            found.append(_Part(match.group(), match["name"], is_filled, match["suffix"] or ""))
        elif match["quoted"]:
            found.append(_Part(re.sub(r"\\(.)", r"\1", match["quoted"].strip('"')), is_quoted=True))
        else:
            found.append(_Part('"' if match["escaped"] else match["other"]))
    return tuple(found)


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
    """(value, width) of a numeric field that intervals have too."""
    hours, us = divmod(abs(moment.us), 3_600_000_000)
    minutes, us = divmod(us, 60_000_000)
    seconds, us = divmod(us, 1_000_000)
    sign = -1 if moment.us < 0 else 1
    shown_year = moment.year if moment.year > 0 or moment.day_number is None else 1 - moment.year
    simple = {
        "HH24": (sign * hours, 2), "HH12": (sign * (hours % 12 or 12), 2), "HH": (sign * (hours % 12 or 12), 2),
        "MI": (sign * minutes, 2), "SS": (sign * seconds, 2), "MS": (sign * (us // 1000), 3), "US": (sign * us, 6),
        "SSSS": (moment.us // 1_000_000, 0), "SSSSS": (moment.us // 1_000_000, 0), "MM": (moment.month, 2),
        "DD": (moment.day, 2), "YYYY": (shown_year, 4), "YYY": (shown_year % 1000, 3),
        "YY": (shown_year % 100, 2), "Y": (shown_year % 10, 1), "W": ((moment.day - 1) // 7 + 1, 0),
        "Q": ((moment.month - 1) // 3 + 1, 0),
    }  # fmt: skip
    if key.startswith("FF") and key[2:].isdigit():
        digits = int(key[2:])
        return us // 10 ** (6 - digits), digits
    return simple.get(key)


def _calendar_field(key: str, moment: _Moment) -> tuple[int, int] | None:
    day_number = moment.day_number
    if day_number is None:
        return None
    day_of_year = day_number - first_day_of_year(moment.year) + 1
    iso_year, iso_week, iso_day = _iso(day_number)
    century = (moment.year + 99) // 100 if moment.year > 0 else -((100 - moment.year) // 100)
    shown = iso_year if iso_year > 0 else 1 - iso_year
    return {
        "DDD": (day_of_year, 3), "IDDD": (iso_day, 3), "D": ((day_number + 4) % 7 + 1, 0),
        "ID": ((day_number + 3) % 7 + 1, 0), "WW": ((day_of_year - 1) // 7 + 1, 2), "IW": (iso_week, 2),
        "CC": (century, 2), "J": (day_number + _JULIAN_DAY_OF_EPOCH, 0), "IYYY": (shown, 4),
        "IYY": (shown % 1000, 3), "IY": (shown % 100, 2), "I": (shown % 10, 1),
    }.get(key)  # fmt: skip


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _like(name: str, text: str) -> str:
    """Text in the case of the field's name."""
    return text.upper() if name.isupper() else text.lower() if name.islower() else text


def _word_field(part: _Part, moment: _Moment) -> str | None:
    key, name = part.key, part.name
    hour = abs(moment.us) // 3_600_000_000
    if key in ("AM", "PM", "A.M.", "P.M."):
        text = "PM" if hour % 24 >= 12 else "AM"
        return _like(name, f"{text[0]}.M." if "." in key else text)
    if moment.day_number is None:
        raise InvalidDatetimeFormat("invalid format specification for an interval value", hint=(
            "Intervals are not tied to specific calendar dates."))  # fmt: skip
    if key in ("AD", "BC", "A.D.", "B.C."):
        text = "BC" if moment.year <= 0 else "AD"
        return _like(name, f"{text[0]}.{text[1]}." if "." in key else text)
    words = {
        "MONTH": _MONTHS[moment.month - 1], "MON": _MONTHS[moment.month - 1][:3],
        "DAY": _DAYS[(moment.day_number + 4) % 7], "DY": _DAYS[(moment.day_number + 4) % 7][:3],
        "RM": _ROMAN[moment.month - 1],
    }  # fmt: skip
    if key not in words:
        return None
    text = _like(name, words[key])
    width = {"MONTH": _NAME_WIDTH, "DAY": _NAME_WIDTH, "RM": 4}.get(key, 0)
    return text.ljust(width) if part.is_filled else text


def _zone_field(part: _Part, moment: _Moment) -> str:
    key = part.key
    if moment.offset_s is None:
        if moment.day_number is None:
            raise InvalidDatetimeFormat("invalid format specification for an interval value")
        return {"TZ": "", "OF": "+00", "TZH": "+00", "TZM": "00"}[key]
    sign, seconds = "-" if moment.offset_s < 0 else "+", abs(moment.offset_s)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if key == "TZ":
        return _like(part.name, moment.zone)
    if key == "TZM":
        return f"{minutes:02}"
    return f"{sign}{hours:02}" + (f":{minutes:02}" if key == "OF" and minutes else "")


def _shown(part: _Part, moment: _Moment) -> str:
    if not part.name:
        return part.text
    if part.key in ("TZ", "OF", "TZH", "TZM"):
        return _zone_field(part, moment)
    if part.key == "Y,YYY":
        number, _ = _number_field("YYYY", moment) or (0, 0)
        return f"{number // 1000},{number % 1000:03}" + (_suffix(part, number))
    found = _number_field(part.key, moment) or _calendar_field(part.key, moment)
    if found is None:
        word = _word_field(part, moment)
        if word is None:
            raise FeatureNotSupported(f'template pattern "{part.name}" is not supported')
        return word
    number, width = found
    if not part.is_filled and not part.key.startswith(("FF", "MS", "US")):
        width = 0
    text = f"{'-' if number < 0 else ''}{abs(number):0{width}}" if width else str(number)
    return text + _suffix(part, number)


def _suffix(part: _Part, number: int) -> str:
    if not part.suffix:
        return ""
    return _ordinal(abs(number)).upper() if part.suffix == "TH" else _ordinal(abs(number))


def _to_char(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """A template without time of day shows one text a day: the days are fewer than the values."""
    values, template = arguments
    if not values.is_constant and template.is_constant and not pa.types.is_interval(values.array.type):
        keys = {part.key for part in _parts(template.array[0].as_py()) if part.name}
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
        None if m is None or not template else "".join(_shown(part, m) for part in _parts(template))
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
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=instant)
        return moment.astimezone(ZoneInfo(zone)).tzname() or ""
    except OverflowError:
        return zone


# ---------------------------------------------------------------------------------------------------------
# Reading


class _Reader:
    """One text read by one template; `fields` holds the numbers that were found."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.fields: dict[str, int] = {}

    def read(self, parts: tuple[_Part, ...]) -> None:
        for index, part in enumerate(parts):
            if part.name:
                self._skip_blanks()
                if self.at >= len(self.text):
                    return
                following = parts[index + 1] if index + 1 < len(parts) else None
                self._read_field(part, following is not None and following.key in _DIGITS_OF)
            else:
                self._read_literal(part)

    def _skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _read_literal(self, part: _Part) -> None:
        if part.is_quoted or part.text.isalnum():
            self.at += len(part.text)
        elif self.text[self.at : self.at + 1] and not self.text[self.at].isalnum():
            self.at += 0 if self.text[self.at] in "+-" and part.text == " " else 1

    def _read_field(self, part: _Part, is_followed_by_digits: bool) -> None:
        key = part.key
        if key in ("AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C."):
            word = self.text[self.at : self.at + len(key)].upper()
            pairs = {"AM": 0, "A.M.": 0, "PM": 1, "P.M.": 1, "AD": 0, "A.D.": 0, "BC": 1, "B.C.": 1}
            if word not in pairs:
                raise self._invalid(self.text[self.at : self.at + len(key)], part.name)
            self.fields["PM" if "M" in key else "BC"] = pairs[word]
            self.at += len(key)
        elif key in ("MONTH", "MON"):
            self.fields["MM"] = self._read_name(_MONTHS, part, is_whole=key == "MONTH")
        elif key in ("DAY", "DY"):
            self._read_name(_DAYS, part, is_whole=key == "DAY")
        elif key in _DIGITS_OF and key not in ("W", "D", "CC"):
            self._read_number(part, is_followed_by_digits)
        else:
            raise FeatureNotSupported(f'reading template pattern "{part.name}" is not supported')

    def _read_name(self, names: Sequence[str], part: _Part, *, is_whole: bool) -> int:
        rest = self.text[self.at :].lower()
        for index, name in enumerate(names):
            word = name.lower() if is_whole else name[:3].lower()
            if rest.startswith(word):
                self.at += len(word)
                return index + 1
        word = re.split(r"\s", self.text[self.at :])[0]
        raise InvalidDatetimeFormat(
            f'invalid value "{word}" for "{part.name}"',
            detail="The given value did not match any of the allowed values for this field.",
        )

    def _read_number(self, part: _Part, is_followed_by_digits: bool) -> None:
        limit = _DIGITS_OF[part.key]
        pattern = (
            rf"[+-]?\d{{1,{limit}}}"
            if is_followed_by_digits or part.key[:2] in ("FF", "MS", "US")
            else r"[+-]?\d+"
        )
        match = re.compile(pattern, re.ASCII).match(self.text, self.at)
        if match is None:
            raise self._invalid(self.text[self.at : self.at + limit], part.name)
        self.at = match.end()
        digits, key = match.group(), part.key
        if key in ("MS", "US") or key.startswith("FF"):
            self.fields["US"] = int(digits.ljust(6, "0")) + self.fields.get("US", 0)
        elif key in ("YYY", "YY", "Y"):
            self.fields["YYYY"] = _whole_year(int(digits)) if len(digits) < 4 else int(digits)
        else:
            self.fields[{"HH": "HH12", "SSSSS": "SSSS"}.get(key, key)] = int(digits)
        if part.suffix:
            self.at += 2

    def _invalid(self, found: str, name: str) -> InvalidDatetimeFormat:
        detail = "Value must be an integer."
        return InvalidDatetimeFormat(f'invalid value "{found}" for "{name}"', detail=detail)


def _whole_year(year: int) -> int:
    """The year nearest 2020 that ends in the given digits."""
    if year < 70:
        return year + 2000
    if year < 100:
        return year + 1900
    return year + (2000 if year < 520 else 1000)


def read_timestamp(text: str, template: str) -> int:
    """Microseconds since 1970 of the local time a text says.

    Raises:
        InvalidDatetimeFormat: 22007; DatetimeFieldOverflow: 22008.
    """
    reader = _Reader(text)
    reader.read(_parts(template))
    fields = reader.fields
    hour = fields.get("HH24", 0)
    overflow = DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')
    if "HH12" in fields:
        if not 1 <= fields["HH12"] <= 12:
            raise InvalidDatetimeFormat(
                f'hour "{fields["HH12"]}" is invalid for the 12-hour clock',
                hint="Use the 24-hour clock, or give an hour between 1 and 12.",
            )
        hour = fields["HH12"] % 12 + 12 * fields.get("PM", 0)
    us = (hour * 3600 + fields.get("MI", 0) * 60 + fields.get("SS", 0)) * 1_000_000 + fields.get("US", 0)
    if "SSSS" in fields:
        us = fields["SSSS"] * 1_000_000 + fields.get("US", 0)
    if not (0 <= hour < 24 and fields.get("MI", 0) < 60 and fields.get("SS", 0) < 60):
        raise overflow
    return _day_number(fields, overflow) * DAY_US + us


def _day_number(fields: dict[str, int], overflow: DatetimeFieldOverflow) -> int:
    if "J" in fields:
        return fields["J"] - _JULIAN_DAY_OF_EPOCH
    # Without a year it is the year 1 BC, as in PostgreSQL; 0 stands for it too.
    year = fields.get("YYYY", 0)
    year = 1 - year if fields.get("BC") and year > 0 else year + 1 if year < 0 else year
    if "DDD" in fields and "MM" not in fields:
        if not 1 <= fields["DDD"] <= 366:
            raise overflow
        return first_day_of_year(year) + fields["DDD"] - 1
    month, day = fields.get("MM", 1), fields.get("DD", 1)
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        raise overflow
    if day > month_lengths(year)[month - 1]:
        raise overflow
    return day_number_of(year, month, day)


def _read_kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    rows = zip(*row_values(arguments, row_count_of(arguments)))
    stamps = [None if a is None or b is None else read_timestamp(a, b) for a, b in rows]
    if site.result_type.oid == TIMESTAMPTZ.oid:
        return from_local(pa.array(stamps, pa.int64()).cast(pa.timestamp("us")), site)
    days = [None if stamp is None else stamp // DAY_US for stamp in stamps]
    return pa.array(days, pa.int32()).cast(pa.date32())


def datetime_format_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    kernels: dict[str, Kernel] = {f"to_char({oid},25)": _to_char for oid in (1114, 1184, 1186)}
    return kernels | {"to_date(25,25)": _read_kernel, "to_timestamp(25,25)": _read_kernel}
