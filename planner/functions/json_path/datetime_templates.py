"""Reading a date or time by a template, in the standard mode of formatting.c: every character has to match.

A template is a sequence of fields, separators out of `-./,':; ` and quoted text. What a field takes depends on what follows it: any
number of digits before something that is no digit, else as many as the field has. The fields decide the type of the
result. Refused by name: ISO weeks, weeks, quarters, centuries, Julian days, eras, Roman months, names of zones, and the
modifiers FM, TM, FX, TH and SP. https://www.postgresql.org/docs/16/functions-formatting.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from foundation.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
    InvalidDatetimeFormat,
    InvalidTimeZoneDisplacement,
)
from planner.errors import InvalidDatetimeTemplate
from planner.functions.civil_calendar import day_number_of, first_day_of_year, month_lengths
from planner.functions.implementations_time import DAY_US
from planner.functions.json_path.datetime_value import SECOND_US, DatetimeValue

_WIDTHS = {
    "YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "MM": 2, "DD": 2, "DDD": 3, "HH24": 2, "HH12": 2, "HH": 2, "MI": 2, "SS": 2,
    "SSSSS": 5, "SSSS": 4, "MS": 3, "US": 6, "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6, "TZH": 2, "TZM": 2,
}  # fmt: skip
_NO_DIGITS = ("TZH", "AM", "PM", "A.M.", "P.M.", "MONTH", "MON", "DAY", "DY")
"""Fields that begin with no digit, so that the one before them may take all there are."""
_SLOTS = {
    "YYY": "YYYY", "YY": "YYYY", "Y": "YYYY", "HH12": "HH24", "HH": "HH24", "SSSSS": "SSSS", "FF1": "US", "FF2": "US",
    "FF3": "US", "FF4": "US", "FF5": "US", "FF6": "US",
}  # fmt: skip
"""Fields that set the same value."""
_TIME_FIELDS = (
    "HH24", "HH12", "HH", "MI", "SS", "SSSSS", "SSSS", "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "AM", "PM",
    "A.M.", "P.M.",
)  # fmt: skip
_ZONE_FIELDS = ("TZH", "TZM")
_HALF_DAYS = {"AM": 0, "PM": 1, "A.M.": 0, "P.M.": 1}
_UNSUPPORTED = (
    "A.D.", "B.C.", "AD", "BC", "CC", "D", "FX", "FM", "TM", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "OF", "Q", "RM",
    "TZ", "WW", "W", "Y,YYY",
)  # fmt: skip
_NAMED = ("MONTH", "MON", "DAY", "DY")
_MONTHS, _DAYS = tuple(calendar.month_name)[1:], tuple(calendar.day_name)
_NAMES = sorted(
    {
        spelled
        for name in (*_WIDTHS, *_HALF_DAYS, *_NAMED, *_UNSUPPORTED)
        for spelled in (name, name.lower(), *([name.capitalize()] if name in _NAMED else []))
    },
    key=len,
    reverse=True,
)
_FIELD = re.compile("|".join(map(re.escape, _NAMES)))
_SUFFIX = re.compile("TH|th|SP")
_SEPARATORS = "-./,':; "
_NUMBER = re.compile(r"\s*[-+]?\d+", re.ASCII)
_INT4 = range(-(1 << 31), 1 << 31)
_OFFSET_HOURS_MAX = 15
_EPOCH_2000_US = 10_957 * DAY_US
_DATES = range(-2_440_588, 2_145_042_906)
"""Days since 1970 from 4714-11-24 BC to 5874897-12-31."""
_TIMESTAMPS = range(_DATES.start * DAY_US, 106_762_940 * DAY_US)
"""Up to the end of the year 294276."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A field (its name as written and in capitals), a separator, or a character of quoted text."""

    text: str
    field: str = ""
    is_separator: bool = False


@lru_cache(maxsize=256)
def _nodes(template: str) -> tuple[_Node, ...]:
    nodes: list[_Node] = []
    at = 0
    while at < len(template):
        match = _FIELD.match(template, at)
        if match is not None:
            name = match.group()
            if name.upper() in _UNSUPPORTED or _SUFFIX.match(template, match.end()):
                raise FeatureNotSupported(f'datetime() with the template pattern "{name}" is not supported')
            nodes.append(_Node(name, name.upper()))
            at = match.end()
        elif template[at] == '"':
            at = _quoted(template, at + 1, nodes)
        elif template[at] in _SEPARATORS:
            nodes.append(_Node(template[at], is_separator=True))
            at += 1
        else:
            raise InvalidDatetimeTemplate(f'invalid datetime format separator: "{template[at]}"')
    return tuple(nodes)


def _quoted(template: str, at: int, nodes: list[_Node]) -> int:
    """Adds the characters of quoted text; where the template goes on."""
    while at < len(template):
        if template[at] == '"':
            return at + 1
        if template[at] == "\\" and at + 1 < len(template):
            at += 1
        nodes.append(_Node(template[at]))
        at += 1
    return at


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self.values: dict[str, int] = {}
        self.offset_sign = 0
        self.is_half_day_clock = False
        self.precision = 6

    def read(self, nodes: Sequence[_Node]) -> None:
        for index, node in enumerate(nodes):
            if self._at >= len(self._text):
                raise InvalidDatetimeFormat("input string is too short for datetime format")
            if node.field:
                self._field(node, nodes[index + 1] if index + 1 < len(nodes) else None)
            elif self._text[self._at] == node.text:
                self._at += 1
            else:
                kind = "separator" if node.is_separator else "character"
                raise InvalidDatetimeFormat(f'unmatched format {kind} "{node.text}"')
        if self._text[self._at :].strip(" \t\n\r\v\f"):
            raise InvalidDatetimeFormat("trailing characters remain in input string after datetime format")

    def _field(self, node: _Node, following: _Node | None) -> None:
        field = node.field
        if field in _HALF_DAYS:
            dotted = "." in field
            choices = [name for name in _HALF_DAYS if ("." in name) == dotted]
            self._set(node, "PM", _HALF_DAYS[choices[self._choice(node, choices)]])
            self.is_half_day_clock = True
        elif field in _NAMED:
            names = _MONTHS if field.startswith("MON") else _DAYS
            choice = self._choice(node, [name if field in ("MONTH", "DAY") else name[:3] for name in names])
            if names is _MONTHS:
                self._set(node, "MM", choice + 1)
        else:
            if field == "TZH":
                self.offset_sign = -1 if self._text[self._at] == "-" else 1
                self._at += self._text[self._at] in "+- "
            elif field == "TZM":
                self.offset_sign = self.offset_sign or 1
            self._number(node, following)

    def _choice(self, node: _Node, choices: Sequence[str]) -> int:
        rest = self._text[self._at :].lower()
        for index, choice in enumerate(choices):
            if rest.startswith(choice.lower()):
                self._at += len(choice)
                return index
        found = re.split(r"\s", self._text[self._at :])[0]
        raise InvalidDatetimeFormat(
            f'invalid value "{found}" for "{node.text}"',
            detail="The given value did not match any of the allowed values for this field.",
        )

    def _number(self, node: _Node, following: _Node | None) -> None:
        field, width = node.field, _WIDTHS[node.field]
        start = self._at
        is_free = following is None or (
            following.field in _NO_DIGITS if following.field else not following.text.isdigit()
        )
        shown_at = len(self._text) - len(self._text[start:].lstrip(" \t\n\r\v\f"))
        shown = self._text[shown_at : shown_at + width]
        if not is_free and len(shown) < width:
            raise InvalidDatetimeFormat(
                f'source string too short for "{node.text}" formatting field',
                detail=f"Field requires {width} characters, but only {len(shown)} remain.",
                hint='If your source string is not fixed-width, try using the "FM" modifier.',
            )
        match = _NUMBER.match(self._text, start) if is_free else _NUMBER.match(shown)
        if match is None:
            raise InvalidDatetimeFormat(
                f'invalid value "{shown}" for "{node.text}"', detail="Value must be an integer."
            )
        if not is_free and match.end() < width:
            raise InvalidDatetimeFormat(
                f'invalid value "{shown}" for "{node.text}"',
                detail=f"Field requires {width} characters, but only {match.end()} could be parsed.",
                hint='If your source string is not fixed-width, try using the "FM" modifier.',
            )
        self._at = match.end() if is_free else shown_at + match.end()
        self._set_number(node, field, int(match.group()), self._at - start)

    def _set_number(self, node: _Node, field: str, value: int, length: int) -> None:
        if value not in _INT4:
            raise DatetimeFieldOverflow(
                f'value for "{node.text}" in source string is out of range',
                detail=f"Value must be in the range {_INT4.start} to {_INT4.stop - 1}.",
            )
        self._set(node, _SLOTS.get(field, field), value)
        slot = _SLOTS.get(field, field)
        if field == "MS":
            self.values[slot] *= {1: 100, 2: 10}.get(length, 1)
        elif slot == "US":
            self.values[slot] *= 10 ** max(0, 6 - length)
            self.precision = int(field[2]) if field.startswith("FF") else self.precision
        elif field in ("HH12", "HH"):
            self.is_half_day_clock = True
        elif field in ("YYY", "YY", "Y") and length < 4:
            self.values[slot] = _whole_year(value)

    def _set(self, node: _Node, slot: str, value: int) -> None:
        if self.values.get(slot, 0) not in (0, value):
            raise InvalidDatetimeFormat(
                f'conflicting values for "{node.text}" field in formatting string',
                detail="This value contradicts a previous setting for the same field type.",
            )
        self.values[slot] = value


def _whole_year(year: int) -> int:
    """The year nearest 2020 that ends in the given digits."""
    if year < 70:
        return year + 2000
    if year < 100:
        return year + 1900
    return year + (2000 if year < 520 else 1000 if year < 1000 else 0)


def read_datetime(text: str, template: str) -> DatetimeValue:
    """The date or time that a text says by a template.

    Raises:
        InvalidDatetimeFormat: 22007, DatetimeFieldOverflow: 22008, InvalidTimeZoneDisplacement: 22009, the text does not fit.
        InvalidDatetimeTemplate: 22007, bad template. FeatureNotSupported: 0A000, a pattern that is not read here.
    """
    nodes = _nodes(template)
    reader = _Reader(text)
    reader.read(nodes)
    fields = {node.field for node in nodes if node.field}
    is_timed, is_zoned = not fields.isdisjoint(_TIME_FIELDS), not fields.isdisjoint(_ZONE_FIELDS)
    is_dated = not fields.issubset((*_TIME_FIELDS, *_ZONE_FIELDS))
    microseconds = _time_of_day(reader, text, days_us=_days(reader.values, text) * DAY_US)
    offset = _offset(reader, text)
    if not is_dated and not is_timed:
        raise InvalidDatetimeFormat("datetime format is not dated and not timed")
    if is_zoned and not is_timed:
        raise InvalidDatetimeFormat("datetime format is zoned but not timed")
    if not is_dated:
        day_us = microseconds % DAY_US
        return DatetimeValue("timetz" if is_zoned else "time", _rounded(day_us, reader.precision), offset)
    if not is_timed:
        if microseconds // DAY_US not in _DATES:
            raise DatetimeFieldOverflow(f'date out of range: "{text}"')
        return DatetimeValue("date", microseconds, None)
    name = "timestamptz" if is_zoned else "timestamp"
    if microseconds - (offset or 0) * SECOND_US not in _TIMESTAMPS:
        raise DatetimeFieldOverflow(f"{name} out of range")
    since_2000 = microseconds - _EPOCH_2000_US
    rounded = _rounded(abs(since_2000), reader.precision) * (-1 if since_2000 < 0 else 1)
    return DatetimeValue(name, rounded + _EPOCH_2000_US, offset)


def _rounded(microseconds: int, precision: int) -> int:
    unit: int = 10 ** (6 - precision)
    return (microseconds + unit // 2) // unit * unit


def _time_of_day(reader: _Reader, text: str, *, days_us: int) -> int:
    values = reader.values
    hour, rest = divmod(values.get("SSSS", 0), 3600)
    hour = values.get("HH24", 0) or hour
    minute = values.get("MI", 0) or rest // 60
    second = values.get("SS", 0) or rest % 60
    if reader.is_half_day_clock:
        if not 1 <= hour <= 12:
            raise InvalidDatetimeFormat(
                f'hour "{hour}" is invalid for the 12-hour clock',
                hint="Use the 24-hour clock, or give an hour between 1 and 12.",
            )
        hour = hour % 12 + 12 * values.get("PM", 0)
    fraction = values.get("MS", 0) * 1000 + values.get("US", 0)
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= fraction < SECOND_US):
        raise DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')
    return days_us + (hour * 3600 + minute * 60 + second) * SECOND_US + fraction


def _days(values: dict[str, int], text: str) -> int:
    """Days since 1970. Without a year it is the year 0, which is 1 BC; without month or day the first."""
    overflow = DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')
    year, month, day = values.get("YYYY", 0), values.get("MM", 0) or 1, values.get("DD", 0) or 1
    year += year < 0
    day_of_year = values.get("DDD", 0)
    if day_of_year and (month <= 1 or day <= 1):
        if not year:
            raise InvalidDatetimeFormat("cannot calculate day of year without year information")
        if not 1 <= day_of_year <= sum(month_lengths(year)):
            raise overflow
        return first_day_of_year(year) + day_of_year - 1
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise overflow
    has_all = all(values.get(name) for name in ("YYYY", "MM", "DD"))
    if has_all and day > month_lengths(year)[month - 1]:
        raise overflow
    return day_number_of(year, month, day)


def _offset(reader: _Reader, text: str) -> int | None:
    if not reader.offset_sign:
        return None
    hours, minutes = reader.values.get("TZH", 0), reader.values.get("TZM", 0)
    if not (0 <= hours <= _OFFSET_HOURS_MAX and 0 <= minutes < 60):
        raise InvalidTimeZoneDisplacement(f'time zone displacement out of range: "{text}"')
    return (hours * 60 + minutes) * 60 * reader.offset_sign
