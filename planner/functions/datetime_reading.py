"""Reading a date or time by a template, as lenient as to_date() and to_timestamp() (formatting.c, DCH_from_char).

Separators match any separator or nothing, a pattern before one that begins with no digit takes all digits there are, a
year of few digits is the one nearest 2020. `read_fields` finds the numbers, `read_moment` makes a time of them.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass

from foundation.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
    InvalidDatetimeFormat,
    InvalidTimeZoneDisplacement,
)
from planner.functions.civil_calendar import civil_date, day_number_of, first_day_of_year, month_lengths
from planner.functions.datetime_patterns import Piece, datetime_template, is_punctuation

JULIAN_DAY_OF_EPOCH = 2_440_588
SECOND_US = 1_000_000
_MONTHS = tuple(calendar.month_name)[1:]
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ROMAN_MONTHS = ("XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I")
_WORDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "AM": ("pm", ("AM", "PM")), "PM": ("pm", ("AM", "PM")), "A.M.": ("pm", ("A.M.", "P.M.")),
    "P.M.": ("pm", ("A.M.", "P.M.")), "AD": ("bc", ("AD", "BC")), "BC": ("bc", ("AD", "BC")),
    "A.D.": ("bc", ("A.D.", "B.C.")), "B.C.": ("bc", ("A.D.", "B.C.")), "MONTH": ("mm", _MONTHS),
    "MON": ("mm", tuple(name[:3] for name in _MONTHS)), "DAY": ("d", _DAYS), "DY": ("d", tuple(n[:3] for n in _DAYS)),
    "RM": ("mm", _ROMAN_MONTHS),
}  # fmt: skip
"""The slot that a word sets, and the words in the order of their numbers."""
_NUMBERS: dict[str, tuple[str, int]] = {
    "HH": ("hh", 2), "HH12": ("hh", 2), "HH24": ("hh", 2), "MI": ("mi", 2), "SS": ("ss", 2), "MS": ("ms", 3),
    "US": ("us", 6), "FF1": ("us", 1), "FF2": ("us", 2), "FF3": ("us", 3), "FF4": ("us", 4), "FF5": ("us", 5),
    "FF6": ("us", 6), "SSSS": ("ssss", 4), "SSSSS": ("ssss", 5), "TZH": ("tzh", 2), "TZM": ("tzm", 2), "MM": ("mm", 2),
    "DDD": ("ddd", 3), "IDDD": ("ddd", 3), "DD": ("dd", 2), "D": ("d", 1), "ID": ("d", 1), "WW": ("ww", 2),
    "IW": ("ww", 2), "Q": ("", 1), "CC": ("cc", 2), "YYYY": ("year", 4), "IYYY": ("year", 4), "YYY": ("year", 3),
    "IYY": ("year", 3), "YY": ("year", 2), "IY": ("year", 2), "Y": ("year", 1), "I": ("year", 1), "W": ("w", 1),
    "J": ("j", 1),
}  # fmt: skip
"""The slot that a number sets, and how many digits it has where more digits follow."""
_GREGORIAN = frozenset(
    ("DDD", "DD", "D", "MM", "MONTH", "MON", "RM", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y")
)
_ISO = frozenset(("IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I"))
_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_INT32 = range(-(2**31), 2**31)
_ZONE_HOURS_MAX = 15


@dataclass(frozen=True, slots=True)
class Moment:
    """What a text says: local time, with a zone where the template has one."""

    day_number: int
    us: int
    offset_s: int | None
    precision: int
    """Digits of the fraction that `FF1` to `FF6` asked for; 0 without."""


class _Reader:
    """One text on its way through one template; `slots` holds the numbers that were found."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.skipped = 0
        """Blanks and separators of the text beyond those of the template."""
        self.slots: dict[str, int] = {}
        self.is_exact = self.is_twelve_hours = False
        self.convention = ""

    def read(self, pieces: Sequence[Piece]) -> None:
        for index, piece in enumerate(pieces):
            if self.at >= len(self.text):
                return
            if not self.is_exact and piece.key != "FX" and (piece.name or index == 0):
                self._skip_blanks()
            if not piece.name:
                self._read_literal(piece)
                continue
            following = pieces[index + 1] if index + 1 < len(pieces) else None
            takes_all = (
                not piece.is_filled or bool(piece.suffix) or following is None or not following.has_digits
            )
            self._read_pattern(piece, takes_all)
            if not self.is_exact:
                self.skipped = 0
                self._skip_blanks()

    def _skip_blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
            self.skipped += 1

    def _read_literal(self, piece: Piece) -> None:
        if self.is_exact:
            self.at += 1
        elif piece.is_separator:
            found = self.text[self.at : self.at + 1]
            if found and (found.isspace() or is_punctuation(found)):
                self.at += 1
            else:
                self.skipped -= 1
        elif self.skipped > 0:
            self.skipped -= 1
        else:
            self.at += 1

    def _read_pattern(self, piece: Piece, takes_all: bool) -> None:
        key = piece.key
        self._check_convention(key)
        if key == "FX":
            self.is_exact = True
        elif key in ("TZ", "OF"):
            raise FeatureNotSupported(f'formatting field "{piece.name}" is only supported in to_char')
        elif key in _WORDS:
            self._read_word(piece)
        elif key == "Y,YYY":
            self._read_grouped_year(piece)
        else:
            if key in ("TZH", "TZM"):
                self._read_zone_sign(key)
            self._read_number(piece, takes_all)
        if piece.suffix and piece.has_digits:
            self.at += 2

    def _check_convention(self, key: str) -> None:
        wanted = "gregorian" if key in _GREGORIAN else "iso" if key in _ISO else self.convention
        if self.convention and wanted != self.convention:
            raise InvalidDatetimeFormat(
                "invalid combination of date conventions",
                hint="Do not mix Gregorian and ISO week date conventions in a formatting template.",
            )
        self.convention = wanted

    def _set(self, slot: str, value: int, piece: Piece) -> None:
        if self.slots.get(slot, 0) not in (0, value):
            raise InvalidDatetimeFormat(
                f'conflicting values for "{piece.name}" field in formatting string',
                detail="This value contradicts a previous setting for the same field type.",
            )
        self.slots[slot] = value

    def _read_word(self, piece: Piece) -> None:
        slot, words = _WORDS[piece.key]
        rest = self.text[self.at :].lower()
        number = next((n for n, word in enumerate(words) if rest.startswith(word.lower())), None)
        if number is None:
            found = re.split(r"\s", self.text[self.at :])[0]
            raise InvalidDatetimeFormat(
                f'invalid value "{found}" for "{piece.name}"',
                detail="The given value did not match any of the allowed values for this field.",
            )
        self.at += len(words[number])
        self.is_twelve_hours |= slot == "pm"
        if slot == "mm":
            number = 12 - number if piece.key == "RM" else number + 1
        self._set(slot, number, piece)
        if slot == "d":
            self.slots["d"] += 1

    def _read_grouped_year(self, piece: Piece) -> None:
        match = re.compile(r"\s*([+-]?\d+),\s*([+-]?\d{1,3})", re.ASCII).match(self.text, self.at)
        if match is None:
            raise InvalidDatetimeFormat('invalid input string for "Y,YYY"')
        self._set("year", int(match[1]) * 1000 + int(match[2]), piece)
        self.slots["year digits"] = 4
        self.at = match.end()

    def _read_zone_sign(self, key: str) -> None:
        if key == "TZM":
            self.slots.setdefault("zone sign", 1)
            return
        found = self.text[self.at : self.at + 1]
        is_minus = self.skipped > 0 and self.text[self.at - 1 : self.at] == "-"
        if found in ("+", "-", " "):
            self.at += 1
            is_minus = found == "-"
        self.slots["zone sign"] = -1 if is_minus else 1

    def _read_number(self, piece: Piece, takes_all: bool) -> None:
        key = piece.key
        slot, width = _NUMBERS[key]
        start = self.at
        value = self._integer(piece, width, takes_all)
        taken = self.at - start
        if slot:
            self._set(slot, value, piece)
        if slot == "ms":
            self.slots["ms"] *= {1: 100, 2: 10}.get(taken, 1)
        elif slot == "us":
            self.slots["us"] *= 10 ** max(0, 6 - taken)
            if key != "US":
                self.slots["precision"] = int(key[2:])
        elif slot == "year":
            if taken < 4 and width < 4:
                self.slots["year"] = _whole_year(value)
            self.slots["year digits"] = width
        elif key == "ID":
            # Monday is 1 in the ISO week, Sunday elsewhere.
            self.slots["d"] = 1 if value >= 7 else value + 1
        self.is_twelve_hours |= key in ("HH", "HH12")

    def _integer(self, piece: Piece, width: int, takes_all: bool) -> int:
        rest = self.text[self.at :]
        blanks = len(rest) - len(rest.lstrip(" \t\n\r\f\v"))
        copy = rest[blanks : blanks + width]
        if not takes_all and len(rest) - blanks < width:
            raise InvalidDatetimeFormat(
                f'source string too short for "{piece.name}" formatting field',
                detail=f"Field requires {width} characters, but only {len(rest) - blanks} remain.",
                hint='If your source string is not fixed-width, try using the "FM" modifier.',
            )
        match = _INTEGER.match(rest if takes_all else copy)
        used = match.end() if match else 0
        if not takes_all and 0 < used < width:
            raise InvalidDatetimeFormat(
                f'invalid value "{copy}" for "{piece.name}"',
                detail=f"Field requires {width} characters, but only {used} could be parsed.",
                hint='If your source string is not fixed-width, try using the "FM" modifier.',
            )
        moved = used if takes_all else blanks + used
        if not moved:
            raise InvalidDatetimeFormat(
                f'invalid value "{copy}" for "{piece.name}"', detail="Value must be an integer."
            )
        self.at += moved
        value = int(match[1]) if match else 0
        if value not in _INT32:
            raise DatetimeFieldOverflow(
                f'value for "{piece.name}" in source string is out of range',
                detail=f"Value must be in the range {_INT32.start} to {_INT32.stop - 1}.",
            )
        return value


def _whole_year(year: int) -> int:
    """The year nearest 2020 that ends in the given digits."""
    if year < 70:
        return year + 2000
    if year < 100:
        return year + 1900
    if year < 520:
        return year + 2000
    return year + 1000 if year < 1000 else year


def read_moment(text: str, template: str) -> Moment:
    """The time that a text says by a template; what it leaves open is 1 BC-01-01 00:00.

    Raises:
        InvalidDatetimeFormat: 22007; DatetimeFieldOverflow: 22008; InvalidTimeZoneDisplacement: 22009.
        FeatureNotSupported: 0A000, the patterns TZ and OF.
    """
    reader = _Reader(text)
    reader.read(datetime_template(template))
    slots = reader.slots
    out_of_range = DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')
    hour = _hour(reader)
    days = _day_number(reader, out_of_range)
    rest = slots.get("ssss", 0) % 3600
    minute, second = slots.get("mi") or rest // 60, slots.get("ss") or rest % 60
    fraction = slots.get("ms", 0) * 1000 + slots.get("us", 0)
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60 and 0 <= fraction < SECOND_US):
        raise out_of_range
    us = (hour * 3600 + minute * 60 + second) * SECOND_US + fraction
    return Moment(days, us, _offset(slots, text), slots.get("precision", 0))


def _hour(reader: _Reader) -> int:
    slots = reader.slots
    hour = slots.get("hh") or slots.get("ssss", 0) // 3600
    if not reader.is_twelve_hours:
        return hour
    if not 1 <= hour <= 12:
        raise InvalidDatetimeFormat(
            f'hour "{hour}" is invalid for the 12-hour clock',
            hint="Use the 24-hour clock, or give an hour between 1 and 12.",
        )
    return hour % 12 + 12 * slots.get("pm", 0)


def _offset(slots: dict[str, int], text: str) -> int | None:
    if "zone sign" not in slots:
        return None
    hours, minutes = slots.get("tzh", 0), slots.get("tzm", 0)
    if not (0 <= hours <= _ZONE_HOURS_MAX and 0 <= minutes < 60):
        raise InvalidTimeZoneDisplacement(f'time zone displacement out of range: "{text}"')
    return slots["zone sign"] * (hours * 3600 + minutes * 60)


def _year(slots: dict[str, int]) -> int | None:
    """The astronomical year, None where neither year nor century was given."""
    year, century = slots.get("year", 0), slots.get("cc", 0)
    if slots.get("bc"):
        century = -century
    if year:
        if not century or slots["year digits"] > 2:
            year = -year if slots.get("bc") else year
            return year + 1 if year < 0 else year
        in_century = year % 100
        if not in_century:
            return century * 100 + (century < 0)
        return in_century + (century - 1) * 100 if century > 0 else (century + 1) * 100 - in_century + 1
    if century:
        return (century - 1) * 100 + 1 if century > 0 else century * 100 + 1
    return None


def _day_number(reader: _Reader, out_of_range: DatetimeFieldOverflow) -> int:
    slots = reader.slots
    year, month, day = _year(slots), 1, 1
    has_month = has_day = False
    if slots.get("j"):
        year, month, day = civil_date(slots["j"] - JULIAN_DAY_OF_EPOCH)
        has_month = has_day = True
    day_of_year, week = slots.get("ddd", 0), slots.get("ww", 0)
    if week and reader.convention == "iso":
        weekday = slots.get("d", 0)
        shift = (weekday - 2 if weekday > 1 else 6) if weekday else 0
        year, month, day = civil_date(_iso_week(year or 0, week) + shift)
        has_month = has_day = True
    elif week:
        day_of_year = (week - 1) * 7 + 1
    in_month = (slots["w"] - 1) * 7 + 1 if slots.get("w") else slots.get("dd", 0)
    if in_month:
        day, has_day = in_month, True
    if slots.get("mm"):
        month, has_month = slots["mm"], True
    if day_of_year and (month <= 1 or day <= 1):
        if not year and not slots.get("bc"):
            raise InvalidDatetimeFormat("cannot calculate day of year without year information")
        if reader.convention == "iso":
            year, month, day = civil_date(_iso_week(year or 0, 1) - 1 + day_of_year)
        else:
            month, day = _month_and_day(year or 0, day_of_year, month, day)
        has_month = has_day = True
    if (has_month and not 1 <= month <= 12) or (has_day and not 1 <= day <= 31):
        raise out_of_range
    if year is not None and has_month and has_day and day > month_lengths(year)[month - 1]:
        raise out_of_range
    return day_number_of(year or 0, month, day)


def _iso_week(year: int, week: int) -> int:
    """Day number of the Monday of an ISO week."""
    fourth = first_day_of_year(year) + 3
    return fourth - (fourth + 3) % 7 + (week - 1) * 7


def _month_and_day(year: int, day_of_year: int, month: int, day: int) -> tuple[int, int]:
    """A day of the year as a date; month or day stay as they are where they were given."""
    before = 0
    found = 13
    for index, length in enumerate(month_lengths(year)):
        if day_of_year <= before + length:
            found = index + 1
            break
        before += length
    return (found if month <= 1 else month), (day_of_year - before if day <= 1 else day)
