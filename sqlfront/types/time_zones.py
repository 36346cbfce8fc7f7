"""Time zones: names of the IANA database, PostgreSQL's common abbreviations, and fixed offsets.

Offsets are seconds east of Greenwich. Beyond the years that Python's datetime covers, the rules of the nearest
400-year cycle apply, as PostgreSQL extends them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from foundation.errors import InvalidParameterValue
from foundation.time_zones import zone_of
from sqlfront.types.calendar import DAY_US, SECOND_US

ABBREVIATIONS: dict[str, int] = {
    "UTC": 0, "UT": 0, "GMT": 0, "Z": 0, "ZULU": 0, "UCT": 0, "WET": 0, "WEST": 3600,
    "EST": -18000, "EDT": -14400, "CST": -21600, "CDT": -18000, "MST": -25200, "MDT": -21600,
    "PST": -28800, "PDT": -25200, "AKST": -32400, "AKDT": -28800, "HST": -36000, "AST": -14400, "ADT": -10800,
    "NST": -12600, "NDT": -9000, "CET": 3600, "CEST": 7200, "MET": 3600, "MEST": 7200, "MEZ": 3600,
    "MESZ": 7200, "EET": 7200, "EEST": 10800, "BST": 3600, "IST": 7200, "MSK": 10800, "MSD": 14400,
    "JST": 32400, "KST": 32400, "SGT": 28800, "HKT": 28800, "PKT": 18000, "NZST": 43200, "NZDT": 46800,
    "AEST": 36000, "AEDT": 39600, "ACST": 34200, "ACDT": 37800, "AWST": 28800, "SAST": 7200, "BRT": -10800,
    "BRST": -7200, "ART": -10800,
}  # fmt: skip
"""Abbreviations of PostgreSQL's Default set that have one fixed offset."""

_POSIX = re.compile(r"<?([A-Za-z]{3,}|[+-]?\d+)>?([+-]?\d{1,2})(?::(\d{2}))?(?::(\d{2}))?", re.ASCII)
_CYCLE_DAYS = 146_097
_LAST_US = int(datetime(9990, 1, 1, tzinfo=UTC).timestamp()) * SECOND_US
_FIRST_US = -62_135_596_800 * SECOND_US + 2 * DAY_US
_EPOCH = datetime(1970, 1, 1)
_BUCKET_US = 900 * SECOND_US


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo | None:
    """The zone of a name or a POSIX-like specification (`<+02>-02`, `EST5`: west is positive), else None."""
    if name.upper() in ("UTC", "GMT", "Z", "ETC/UTC"):
        return UTC
    if not name or name.startswith((".", "/")) or ".." in name:
        return None
    for spelling in dict.fromkeys((name, name.title(), name.upper())):
        try:
            return ZoneInfo(spelling)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    match = _POSIX.fullmatch(name)
    if match is None:
        return None
    hours = int(match[2])
    rest = int(match[3] or 0) * 60 + int(match[4] or 0)
    seconds = abs(hours) * 3600 + rest
    return timezone(timedelta(seconds=seconds if match[2].startswith("-") else -seconds))


def session_zone(name: str) -> tzinfo:
    """The zone of the setting TimeZone.

    Raises:
        InvalidParameterValue: 22023, no such zone.
    """
    if name in ("UTC", "GMT", "Etc/UTC"):
        return UTC
    try:
        return zone_of(name)
    except KeyError:
        raise InvalidParameterValue(f'invalid value for parameter "TimeZone": "{name}"') from None


def _within_years(us: int) -> int:
    """An instant of the same place in the 400-year cycle that datetime can represent."""
    if us > _LAST_US:
        cycles = (us - _LAST_US) // (_CYCLE_DAYS * DAY_US) + 1
        return us - cycles * _CYCLE_DAYS * DAY_US
    return max(us, _FIRST_US)


def utc_offset(zone: tzinfo, us: int) -> int:
    """Seconds east of Greenwich at an instant in microseconds since 1970-01-01 UTC."""
    if zone is UTC:
        return 0
    moment = (_EPOCH + timedelta(microseconds=_within_years(us))).replace(tzinfo=UTC).astimezone(zone)
    offset = moment.utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def local_offset(zone: tzinfo, local_us: int) -> int:
    """Seconds east of Greenwich at a local wall-clock time.

    In a gap the offset before it holds; of two readings the one of standard time, as in PostgreSQL.
    """
    if zone is UTC:
        return 0
    wall = (_EPOCH + timedelta(microseconds=_within_years(local_us))).replace(tzinfo=zone)
    first, second = wall.utcoffset(), wall.replace(fold=1).utcoffset()
    if first is None or second is None:
        return 0
    if first == second:
        return round(first.total_seconds())
    is_gap = first < second
    if is_gap:
        return round(first.total_seconds())
    return round(second.total_seconds())


def utc_offsets(zone: tzinfo, us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) offsets of (n,) instants; one look-up per distinct quarter of an hour."""
    if zone is UTC:
        return np.zeros(len(us), np.int64)
    buckets, inverse = np.unique(us // _BUCKET_US, return_inverse=True)
    offsets = np.array([utc_offset(zone, bucket * _BUCKET_US) for bucket in buckets.tolist()], np.int64)
    return offsets[inverse]


def offset_text(seconds: int) -> str:
    """`+02`, `-03:30`, `+01:39:49` as timestamptz prints it."""
    sign = "-" if seconds < 0 else "+"
    minutes, second = divmod(abs(seconds), 60)
    hour, minute = divmod(minutes, 60)
    text = f"{sign}{hour:02d}"
    if minute or second:
        text += f":{minute:02d}"
    return text + (f":{second:02d}" if second else "")
