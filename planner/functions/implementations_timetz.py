"""timetz: conversions, fields, arithmetic with dates and intervals, AT TIME ZONE.

Columns are in the stored form of `foundation.timetz`; kernels work on local microseconds and seconds west of Greenwich.
https://www.postgresql.org/docs/15/functions-datetime.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import FeatureNotSupported, InvalidParameterValue, QuiverError
from foundation.sqltypes import INTERVAL, NUMERIC, TIME, TIMESTAMPTZ, TIMETZ
from foundation.time_zones import posix_west_s
from foundation.timetz import SECOND_US, timetz_array, timetz_parts, unpack_timetz
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_time import (
    DAY_US,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    date_to_timestamp,
    from_local,
    microseconds,
    scaled_text,
    to_local,
    zone_shifted,
)
from planner.functions.rowwise import null_free_kernel, row_values

_PLURALS = {
    "hours": "hour", "minutes": "minute", "seconds": "second", "millisecond": "milliseconds",
    "microsecond": "microseconds", "h": "hour", "m": "minute", "s": "second", "min": "minute", "sec": "second",
    "mins": "minute", "secs": "second", "hr": "hour", "hrs": "hour", "timezone_h": "timezone_hour",
    "timezone_m": "timezone_minute",
}  # fmt: skip
_DATE_FIELDS = frozenset((
    "year", "years", "month", "months", "day", "days", "week", "weeks", "quarter", "decade", "decades", "century",
    "centuries", "millennium", "millennia", "dow", "doy", "isodow", "isoyear", "julian",
))  # fmt: skip


def _mask(column: pa.Array) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[np.bool_] = np.asarray(column.is_null())
    return mask


# ---------------------------------------------------------------------------------------------------------
# Conversions


def _to_time(column: pa.Array, site: CallSite) -> pa.Array:
    local_us, _ = timetz_parts(column)
    return pa.array(local_us, pa.int64(), mask=_mask(column)).cast(pa.time64("us"))


def _from_instant(column: pa.Array, site: CallSite) -> pa.Array:
    """timestamptz -> the clock and the offset of the session's zone; an infinite one has none."""
    utc, local = microseconds(column), microseconds(to_local(column, site))
    mask = _mask(column) | (utc == TIMESTAMP_MIN) | (utc == TIMESTAMP_MAX)
    return timetz_array(np.mod(local, DAY_US), np.where(mask, 0, (utc - local) // SECOND_US), mask)


def _from_time(column: pa.Array, site: CallSite) -> pa.Array:
    """time -> timetz in the offset that the session's zone has today at that time."""
    now = pa.array([site.context.transaction_time_us]).cast(pa.timestamp("us", "UTC"))
    midnight = microseconds(to_local(now, site))[0] // DAY_US * DAY_US
    times = microseconds(column)
    local = times + midnight
    utc = microseconds(from_local(pa.array(local, pa.int64()).cast(pa.timestamp("us")), site))
    return timetz_array(times, (utc - local) // SECOND_US, _mask(column))


def timetz_conversions() -> dict[tuple[int, int], Callable[[pa.Array, CallSite], pa.Array]]:
    """Casts by (source OID, target OID)."""
    return {
        (TIMETZ.oid, TIME.oid): _to_time, (TIMESTAMPTZ.oid, TIMETZ.oid): _from_instant, (TIME.oid, TIMETZ.oid): _from_time,
    }  # fmt: skip


# ---------------------------------------------------------------------------------------------------------
# Arithmetic


def _shift(sign: int, *, interval_first: bool = False) -> Kernel:
    """Plus or minus the clock part of an interval, round the clock; its days and months mean nothing here."""

    def shift(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
        times, intervals = columns[::-1] if interval_first else columns
        spans = np.array([value.nanoseconds // 1000 for value in intervals.to_pylist()], np.int64)
        local_us, west_s = timetz_parts(times)
        return timetz_array(np.mod(local_us + sign * spans, DAY_US), west_s)

    return null_free_kernel(shift)


def _instant(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    """date + timetz -> timestamptz."""
    dates, times = columns if pa.types.is_date32(columns[0].type) else columns[::-1]
    midnights = microseconds(date_to_timestamp(dates))
    local_us, west_s = timetz_parts(times)
    infinite = (midnights == TIMESTAMP_MIN) | (midnights == TIMESTAMP_MAX)
    moved = midnights + np.where(infinite, 0, local_us + west_s * SECOND_US)
    return pa.array(moved, pa.int64()).cast(pa.timestamp("us", "UTC"))


def _in_zone(times: pa.Array, west_s: npt.NDArray[np.int64]) -> pa.Array:
    local_us, old = timetz_parts(times)
    return timetz_array(_within_day(local_us + (old - west_s) * SECOND_US), west_s)


def _within_day(us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Round the clock; 24:00:00 becomes 00:00:00 as in PostgreSQL."""
    return np.mod(us, DAY_US)


def _at_zone(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    names, times = columns
    offsets = {name: _west_of(name, site) for name in set(names.to_pylist())}
    return _in_zone(times, np.array([offsets[name] for name in names.to_pylist()], np.int64))


def _west_of(name: str, site: CallSite) -> int:
    """Seconds west of Greenwich of a zone now, an abbreviation before a place.

    Raises:
        InvalidParameterValue: 22023, no such zone.
    """
    if name.isalpha():
        try:
            read = site.context.codecs.from_text(pa.array([f"00:00 {name}"]), TIMETZ)
            return unpack_timetz(read[0].as_py())[1]
        except QuiverError:
            pass
    west_s = posix_west_s(name)
    if west_s is not None:
        return west_s
    now = pa.array([site.context.transaction_time_us]).cast(pa.timestamp("us", "UTC"))
    try:
        local = zone_shifted(now, name, is_local=False)
    except KeyError:
        raise InvalidParameterValue(f'time zone "{name}" not recognized') from None
    return int((microseconds(now) - microseconds(local))[0] // SECOND_US)


def _at_interval(columns: Sequence[pa.Array], site: CallSite) -> pa.Array:
    intervals, times = columns
    west = []
    for value in intervals.to_pylist():
        if value.months or value.days:
            text = site.context.codecs.to_text(pa.array([value], intervals.type), INTERVAL)[0].as_py()
            raise InvalidParameterValue(f'interval time zone "{text}" must not include months or days')
        west.append(-int(value.nanoseconds / 1_000_000_000))
    return _in_zone(times, np.array(west, np.int64))


# ---------------------------------------------------------------------------------------------------------
# Fields


def _field(name: str, local_us: int, west_s: int) -> tuple[int, int]:
    """(a field as an integer, its decimal scale).

    Raises:
        FeatureNotSupported: 0A000, a field of dates. InvalidParameterValue: 22023, an unknown one.
    """
    field = _PLURALS.get(name.lower(), name.lower())
    minute_us = 60 * SECOND_US
    match field:
        case "hour":
            return local_us // (60 * minute_us), 0
        case "minute":
            return local_us // minute_us % 60, 0
        case "second" | "milliseconds" | "microseconds":
            return local_us % minute_us, {"second": 6, "milliseconds": 3, "microseconds": 0}[field]
        case "epoch":
            return local_us + west_s * SECOND_US, 6
        case "timezone":
            return -west_s, 0
        case "timezone_hour":
            return int(-west_s / 3600), 0
        case "timezone_minute":
            return int(np.fmod(int(-west_s / 60), 60)), 0
    if field in _DATE_FIELDS:
        raise FeatureNotSupported(f'unit "{name}" not supported for type time with time zone')
    raise InvalidParameterValue(f'unit "{name}" not recognized for type time with time zone')


def _extract(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """extract() gives numeric, date_part() double precision."""
    is_numeric = site.result_type.oid == NUMERIC.oid
    results: list[Any] = []
    for name, value in zip(*row_values(arguments, row_count_of(arguments, site.row_count))):
        if name is None or value is None:
            results.append(None)
            continue
        number, scale = _field(name, *unpack_timetz(value))
        results.append(scaled_text(number, scale) if is_numeric else number / 10**scale)
    return pa.array(results, pa.utf8() if is_numeric else pa.float64())


def timetz_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name; overloads of several families are `name(oid,...)`."""
    instant = null_free_kernel(_instant)
    oid = TIMETZ.oid
    return {
        "timetz_pl_interval": _shift(1), "timetz_mi_interval": _shift(-1),
        "interval_pl_timetz": _shift(1, interval_first=True),
        "datetimetz_pl": instant, "timetzdate_pl": instant, f"timestamptz(1082,{oid})": instant,
        f"timezone(25,{oid})": null_free_kernel(_at_zone), f"timezone(1186,{oid})": null_free_kernel(_at_interval),
        f"extract(25,{oid})": _extract, f"date_part(25,{oid})": _extract,
    }  # fmt: skip
