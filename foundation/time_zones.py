"""Time zones by the names that the setting TimeZone takes: those of the tz database, and POSIX offsets.

A POSIX specification is an abbreviation, or nothing, and hours west of Greenwich: `<+03>-03`, `EST5`, `+02:00`. Ones with daylight
saving time are taken where the tz database has them, `EST5EDT`.
https://www.postgresql.org/docs/16/datetime-posix-timezone-specs.html
"""

from __future__ import annotations

import re
import zoneinfo
from datetime import timedelta, timezone, tzinfo
from functools import cache

_POSIX_OFFSET = re.compile(r"(?:[A-Za-z]*|<[A-Za-z0-9:+-]+>)([+-]?)(\d{1,3})(?::(\d{1,2}))?(?::(\d{1,2}))?")
_POSIX_HOURS_MAX = 167
_HOURS = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)")


@cache
def posix_west_s(name: str) -> int | None:
    """Seconds west of Greenwich of a POSIX specification without daylight saving time; None for anything else."""
    if is_zone(name):
        return None
    match = _POSIX_OFFSET.fullmatch(name)
    if match is None:
        return None
    hours, minutes, seconds = (int(match[group] or 0) for group in (2, 3, 4))
    if hours > _POSIX_HOURS_MAX or minutes > 59 or seconds > 59:
        return None
    west_s = hours * 3600 + minutes * 60 + seconds
    return -west_s if match[1] == "-" else west_s


@cache
def is_zone(name: str) -> bool:
    """Whether the tz database has the name as it is written."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def zones_by_lower_name() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


@cache
def zone_of(name: str) -> tzinfo:
    """The zone of a value of TimeZone. Raises KeyError for a name that is none."""
    west_s = posix_west_s(name)
    if west_s is None:
        return zoneinfo.ZoneInfo(zones_by_lower_name()[name.lower()])
    return timezone(timedelta(seconds=-west_s), name.partition(">")[0].lstrip("<") or name)


def canonical_zone(text: str) -> str | None:
    """How TimeZone shows what was set: a number is hours east of Greenwich. None for no zone."""
    if _HOURS.fullmatch(text):
        return _offset_zone(round(float(text) * 3600))
    known = zones_by_lower_name().get(text.lower())
    if known is not None:
        return known
    west_s = posix_west_s(text)
    return text if west_s is not None and abs(west_s) < 24 * 3600 else None


def _offset_zone(east_s: int) -> str | None:
    """`<+05:30>-05:30`, as pg_tzset_offset() in PostgreSQL's pgtz.c writes an offset."""
    if abs(east_s) >= 24 * 3600:
        return None
    minutes, seconds = divmod(abs(east_s), 60)
    hours, minutes = divmod(minutes, 60)
    digits = f"{hours:02d}"
    if minutes or seconds:
        digits += f":{minutes:02d}" + (f":{seconds:02d}" if seconds else "")
    return f"<+{digits}>-{digits}" if east_s >= 0 else f"<-{digits}>+{digits}"
