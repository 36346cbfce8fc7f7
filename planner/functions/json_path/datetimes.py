"""datetime(): the ISO forms of dates and times that a string may have, their order and their text.

Values are microseconds: of the day for times, since 1970 for dates and timestamps, local, with an offset from UTC beside them
where the text has one. Years are those from 1 on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from foundation.errors import FeatureNotSupported
from planner.functions.civil_calendar import civil_date, day_number_of, month_lengths
from planner.functions.implementations_time import DAY_US, zone_shifted

_SECOND_US = 1_000_000
_DATE = r"\s*(?P<year>\d{1,7})-\s*(?P<month>\d+)-\s*(?P<day>\d+)"
_TIME = r"\s*(?P<hour>\d+):\s*(?P<minute>\d+):\s*(?P<second>\d+)(?:\.(?P<fraction>\d{1,6}))?"
_OFFSET = r"(?:\s*(?P<sign>[-+])(?P<offset_hours>\d{1,2})(?::(?P<offset_minutes>\d{1,2}))?)?"
_FORMS = tuple(
    re.compile(form + r"\s*", re.ASCII)
    for form in (_DATE, _TIME + _OFFSET, rf"{_DATE}(?:\s+|T){_TIME}{_OFFSET}")
)
_OFFSET_HOURS_MAX = 15
_TYPE_NAMES = {
    "date": "date", "time": "time without time zone", "timetz": "time with time zone",
    "timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
}  # fmt: skip
_OF_A_DAY = ("time", "timetz")


@dataclass(frozen=True, slots=True)
class DatetimeValue:
    """`type` is date, time, timetz, timestamp or timestamptz; `offset` is seconds east of UTC, None without a zone."""

    type: str
    microseconds: int
    offset: int | None = None

    @property
    def type_name(self) -> str:
        """What the method type() says."""
        return _TYPE_NAMES[self.type]

    def __str__(self) -> str:
        """The text that stands for it in JSON."""
        days, rest = divmod(self.microseconds, DAY_US)
        year, month, day = civil_date(days)
        date = f"{year:04d}-{month:02d}-{day:02d}"
        if self.type == "date":
            return date
        seconds, fraction = divmod(rest, _SECOND_US)
        time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        time += f".{fraction:06d}".rstrip("0") if fraction else ""
        if self.offset is not None:
            minutes = abs(self.offset) // 60
            time += f"{'-' if self.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
        return time if self.type in _OF_A_DAY else f"{date}T{time}"


def parse_datetime(text: str) -> DatetimeValue | None:
    """The date or time that a text is in one of the ISO forms, None when it is none."""
    match = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if match is None:
        return None
    fields = match.groupdict()
    microseconds = 0
    has_date, has_time = "year" in fields, "hour" in fields
    if has_date:
        year, month, day = (int(fields[name]) for name in ("year", "month", "day"))
        if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= month_lengths(year)[month - 1]):
            return None
        microseconds = day_number_of(year, month, day) * DAY_US
    if not has_time:
        return DatetimeValue("date", microseconds)
    hour, minute, second = (int(fields[name]) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((fields["fraction"] or "0").ljust(6, "0"))
    microseconds += (hour * 3600 + minute * 60 + second) * _SECOND_US + fraction
    name = "timestamp" if has_date else "time"
    if fields["sign"] is None:
        return DatetimeValue(name, microseconds)
    hours, minutes = int(fields["offset_hours"]), int(fields["offset_minutes"] or 0)
    if hours > _OFFSET_HOURS_MAX or minutes > 59:
        return None
    offset = (hours * 3600 + minutes * 60) * (-1 if fields["sign"] == "-" else 1)
    return DatetimeValue(name + "tz", microseconds, offset)


def compare_datetimes(left: DatetimeValue, right: DatetimeValue, zone: str | None) -> int | None:
    """Less than, equal to or greater than 0; None when the two are not comparable.

    Raises:
        FeatureNotSupported: 0A000, one has a zone, the other has not, and `zone` is None.
    """
    if (left.type in _OF_A_DAY) != (right.type in _OF_A_DAY):
        return None
    if (left.offset is None) == (right.offset is None):
        a, b = _key(left, 0), _key(right, 0)
    else:
        local = left if left.offset is None else right
        if zone is None:
            target = "timetz" if local.type in _OF_A_DAY else "timestamptz"
            raise FeatureNotSupported(
                f"cannot convert value from {local.type} to {target} without time zone usage",
                hint="Use *_tz() function for time zone support.",
            )
        offset = _session_offset(local, zone)
        a, b = _key(left, offset), _key(right, offset)
    return (a > b) - (a < b)


def _key(value: DatetimeValue, session_offset: int) -> tuple[int, int]:
    """The instant; of times of day with a zone at one instant, the one further east is less."""
    offset = session_offset if value.offset is None else value.offset
    return value.microseconds - offset * _SECOND_US, -offset if value.type in _OF_A_DAY else 0


def _session_offset(local: DatetimeValue, zone: str) -> int:
    """Seconds east of UTC in the session's zone at a local time."""
    stamps = pa.array([local.microseconds], pa.timestamp("us"))
    instant = zone_shifted(stamps, zone, is_local=True).cast(pa.int64())[0].as_py()
    return int(local.microseconds - instant) // _SECOND_US
