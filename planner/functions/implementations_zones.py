"""AT TIME ZONE of timestamps by a zone's name, an abbreviation or a POSIX offset (`+10:00`, west of Greenwich).

https://www.postgresql.org/docs/15/datetime-posix-timezone-specs.html, without rules for daylight saving time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import InvalidParameterValue, QuiverError
from foundation.sqltypes import TIMESTAMP, TIMESTAMPTZ, TIMETZ, arrow_type
from foundation.time_zones import posix_west_s, zones_by_lower_name
from foundation.timetz import SECOND_US, unpack_timetz
from planner.functions.datum import CallSite, Kernel
from planner.functions.implementations_time import Int64s, microseconds, shifted_finite, zone_shifted
from planner.functions.rowwise import null_free_kernel


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
    zone = zones_by_lower_name().get(name.lower())
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
