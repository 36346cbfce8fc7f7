"""AT TIME ZONE of timestamps by a zone's name, an abbreviation or a POSIX offset (`+10:00`, west of Greenwich).

https://www.postgresql.org/docs/15/datetime-posix-timezone-specs.html, without rules for daylight saving time.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidParameterValue, QuiverError
from foundation.sqltypes import TIMESTAMP, TIMESTAMPTZ, TIMETZ, arrow_type
from foundation.timetz import SECOND_US, unpack_timetz
from planner.functions.datum import CallSite, Kernel
from planner.functions.implementations_time import Int64s, microseconds, shifted_finite, zone_shifted
from planner.functions.rowwise import null_free_kernel

_POSIX_OFFSET = re.compile(r"(?:[A-Za-z]*|<[A-Za-z0-9+-]+>)([+-]?)(\d{1,3})(?::(\d{1,2}))?(?::(\d{1,2}))?")
_POSIX_HOURS_MAX = 167


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
def _zones_by_lower_name() -> dict[str, str]:
    return {name.lower(): name for name in zoneinfo.available_timezones()}


def _at_zone(*, is_local: bool) -> Kernel:
    def shift(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
        names, stamps = columns
        distinct = names.unique().to_pylist()
        if len(distinct) == 1:
            return _shifter(distinct[0], site)(stamps, is_local)
        values = microseconds(stamps).copy()
        for name in distinct:
            rows = np.flatnonzero(np.asarray(pc.equal(names, name)))
            values[rows] = microseconds(_shifter(name, site)(stamps.take(pa.array(rows)), is_local))
        return _stamps(values, is_local=is_local)

    return null_free_kernel(shift)


def _shifter(name: str, site: CallSite) -> Callable[[pa.Array, bool], pa.Array]:
    """What turns timestamptz into the zone's timestamp, or back when its second argument is True.

    Raises:
        InvalidParameterValue: 22023, no such zone.
    """
    west_s = _abbreviated_west_s(name, site) if name.isalpha() else posix_west_s(name)
    if west_s is not None:
        return lambda stamps, is_local: _moved(stamps, west_s, is_local=is_local)
    zone = _zones_by_lower_name().get(name.lower())
    if zone is None:
        raise InvalidParameterValue(f'time zone "{name}" not recognized')
    return lambda stamps, is_local: zone_shifted(stamps, zone, is_local=is_local)


def _abbreviated_west_s(name: str, site: CallSite) -> int | None:
    """Seconds west of an abbreviation such as EST, which PostgreSQL prefers to a zone of that name."""
    try:
        read = site.context.codecs.from_text(pa.array([f"00:00 {name}"]), TIMETZ)
    except QuiverError:
        return None
    return unpack_timetz(read[0].as_py())[1]


def _moved(stamps: pa.Array, west_s: int, *, is_local: bool) -> pa.Array:
    values = microseconds(stamps)
    offset = np.full(len(values), west_s * SECOND_US, np.int64)
    moved = shifted_finite(values, offset if is_local else -offset)
    return _stamps(moved, is_local=is_local)


def _stamps(values: Int64s, *, is_local: bool) -> pa.Array:
    """timestamptz of a zone's local times, timestamp of instants."""
    return pa.array(values, pa.int64()).cast(arrow_type(TIMESTAMPTZ if is_local else TIMESTAMP))


def zone_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    return {
        f"timezone(25,{TIMESTAMPTZ.oid})": _at_zone(is_local=False),
        f"timezone(25,{TIMESTAMP.oid})": _at_zone(is_local=True),
    }
