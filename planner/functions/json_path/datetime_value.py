"""A date or time that a path made of a string; in JSON it is that string's canonical text.

Microseconds are those of the day for times, since 1970 for dates and timestamps, local, with an offset from UTC beside them where
the text had one.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.functions.civil_calendar import civil_date
from planner.functions.implementations_time import DAY_US

SECOND_US = 1_000_000
TYPES_OF_DAY_TIME = ("time", "timetz")
_TYPE_NAMES = {
    "date": "date", "time": "time without time zone", "timetz": "time with time zone",
    "timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone",
}  # fmt: skip


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
        days, rest = (
            (0, self.microseconds) if self.type in TYPES_OF_DAY_TIME else divmod(self.microseconds, DAY_US)
        )
        year, month, day = civil_date(days)
        era = "" if year > 0 else " BC"
        date = f"{year if year > 0 else 1 - year:04d}-{month:02d}-{day:02d}"
        if self.type == "date":
            return date + era
        seconds, fraction = divmod(rest, SECOND_US)
        time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        time += f".{fraction:06d}".rstrip("0") if fraction else ""
        if self.offset is not None:
            minutes = abs(self.offset) // 60
            time += f"{'-' if self.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
        return time if self.type in TYPES_OF_DAY_TIME else f"{date}T{time}{era}"
