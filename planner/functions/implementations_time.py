"""Dates and timestamps: clock functions, extract, date_trunc, arithmetic with days and intervals.

timestamptz is microseconds in UTC; what depends on the session's TimeZone goes through `to_local`. The smallest
and the largest value of each type are -infinity and infinity and stay what they are.
https://www.postgresql.org/docs/15/functions-datetime.html
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidParameterValue
from foundation.sqltypes import DATE, NUMERIC, TIME, TIMESTAMP, TIMESTAMPTZ, format_type
from foundation.time_zones import zone_of
from planner.functions.civil_calendar import civil_date, day_number_of, month_lengths
from planner.functions.datetime_fields import PLURALS, check_field
from planner.functions.datum import CallSite, Datum, Kernel, contiguous, row_count_of

DAY_US = 86_400_000_000
_JULIAN_DAY_OF_EPOCH = 2_440_588
_QUARTER_HOUR_US = 900_000_000
TIMESTAMP_MIN, TIMESTAMP_MAX = -(1 << 63), (1 << 63) - 1
FIRST_DATE, END_OF_DATES = -2_440_588, 2_145_042_906
"""4714-11-24 BC and the day after 5874897-12-31."""
DATE_MIN, DATE_MAX = -(1 << 31), (1 << 31) - 1

Int64s = npt.NDArray[np.int64]


def microseconds(array: pa.Array) -> Int64s:
    """(n,) int64 of a timestamp, timestamptz or time column; NULL rows are 0."""
    return np.asarray(array.cast(pa.int64()).fill_null(0))


def _masked(values: npt.NDArray[Any], like: pa.Array, target: pa.DataType, *others: pa.Array) -> pa.Array:
    valid = np.ones(len(values), dtype=np.bool_)
    for array in (like, *others):
        if array.null_count:
            valid &= np.asarray(array.is_valid())
    integers = pa.int32() if pa.types.is_date32(target) else pa.int64()
    return pa.array(values, integers, mask=None if valid.all() else ~valid).cast(target)


def _is_utc(site: CallSite) -> bool:
    return site.context.settings.get("TimeZone").upper() in ("UTC", "GMT", "ETC/UTC")


def to_local(array: pa.Array, site: CallSite) -> pa.Array:
    """timestamptz -> timestamp of the session's zone."""
    if _is_utc(site):
        return array.cast(pa.int64()).cast(pa.timestamp("us"))
    values = microseconds(array)
    offsets = _zone_offsets(values, site.context.settings.get("TimeZone"), is_local=False)
    return _masked(shifted_finite(values, offsets), array, pa.timestamp("us"))


def from_local(array: pa.Array, site: CallSite) -> pa.Array:
    """timestamp of the session's zone -> timestamptz; an ambiguous time is standard time, as in PostgreSQL."""
    target = pa.timestamp("us", "UTC")
    if _is_utc(site):
        return array.cast(pa.int64()).cast(target)
    values = microseconds(array)
    offsets = _zone_offsets(values, site.context.settings.get("TimeZone"), is_local=True)
    return _masked(shifted_finite(values, -offsets), array, target)


def zone_shifted(array: pa.Array, zone_name: str, *, is_local: bool) -> pa.Array:
    """timestamptz -> timestamp of a zone, or back when `is_local`."""
    values = microseconds(array)
    offsets = _zone_offsets(values, zone_name, is_local=is_local)
    target = pa.timestamp("us", "UTC") if is_local else pa.timestamp("us")
    return _masked(shifted_finite(values, -offsets if is_local else offsets), array, target)


def shifted_finite(values: Int64s, offsets: Int64s) -> Int64s:
    """Instants moved by microseconds; infinite ones stay."""
    infinite = (values == TIMESTAMP_MIN) | (values == TIMESTAMP_MAX)
    return np.where(infinite, values, values + np.where(infinite, 0, offsets))


def _zone_offsets(values: Int64s, zone_name: str, *, is_local: bool) -> Int64s:
    """(n,) microseconds east of UTC at each instant (or local time).

    Since 1970 all zones change on a quarter of an hour, so each quarter is looked up once; before, each second.
    """
    zone = zone_of(zone_name)
    step = _QUARTER_HOUR_US if not len(values) or values.min() >= 0 else 1_000_000
    keys, inverse = np.unique(np.floor_divide(values, step), return_inverse=True)
    offsets = [_zone_offset_us(int(key) * step, zone, is_local=is_local) for key in keys]
    return np.asarray(offsets, dtype=np.int64)[inverse.reshape(-1)]


def _zone_offset_us(value: int, zone: datetime.tzinfo, *, is_local: bool) -> int:
    try:
        naive = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=value)
    except OverflowError:
        # Outside Python's years the zone is what it is at the nearest of them.
        naive = datetime.datetime.min if value < 0 else datetime.datetime.max
        naive = naive.replace(year=2 if value < 0 else 9998)
    if not is_local:
        offset = naive.replace(tzinfo=datetime.UTC).astimezone(zone).utcoffset()
    else:
        # In a gap PostgreSQL takes the offset before it, in an overlap the one after: both are the smaller one.
        offset = min(
            naive.replace(tzinfo=zone, fold=fold).utcoffset() or datetime.timedelta() for fold in (0, 1)
        )
    return round((offset or datetime.timedelta()).total_seconds() * 1_000_000)


def date_to_timestamp(array: pa.Array) -> pa.Array:
    """date -> timestamp; infinities stay. Raises 22008 beyond the range of timestamp."""
    days = np.asarray(array.cast(pa.int32()).fill_null(0)).astype(np.int64)
    infinite = (days == DATE_MIN) | (days == DATE_MAX)
    if (np.abs(np.where(infinite, 0, days)) > TIMESTAMP_MAX // DAY_US).any():
        raise DatetimeFieldOverflow("date out of range for timestamp")
    values = np.where(infinite, np.where(days == DATE_MIN, TIMESTAMP_MIN, TIMESTAMP_MAX), days * DAY_US)
    return _masked(values, array, pa.timestamp("us"))


def timestamp_to_date(array: pa.Array) -> pa.Array:
    values = microseconds(array)
    days = np.floor_divide(values, DAY_US)
    days = np.where(values == TIMESTAMP_MIN, DATE_MIN, np.where(values == TIMESTAMP_MAX, DATE_MAX, days))
    return _masked(days.astype(np.int32), array, pa.date32())


def common_instants(left: Datum, right: Datum, types: tuple[int, int], site: CallSite) -> tuple[Datum, Datum]:
    """Two columns of date, timestamp or timestamptz as timestamps on one axis (UTC if one is timestamptz)."""
    with_zone = TIMESTAMPTZ.oid in types

    def converted(datum: Datum, oid: int) -> Datum:
        array = date_to_timestamp(datum.array) if oid == DATE.oid else datum.array
        if with_zone and oid != TIMESTAMPTZ.oid:
            array = from_local(array, site)
        return Datum(array.cast(pa.int64()).cast(pa.timestamp("us")), datum.is_constant)

    return converted(left, types[0]), converted(right, types[1])


# ---------------------------------------------------------------------------------------------------------
# The clock


def _clock(read: Callable[[CallSite], int]) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        instant = pa.array([read(site)] * site.row_count, pa.int64()).cast(pa.timestamp("us", "UTC"))
        oid = site.result_type.oid
        if oid == TIMESTAMPTZ.oid:
            return instant
        local = to_local(instant, site)
        if oid == TIMESTAMP.oid:
            return local
        if oid == DATE.oid:
            return timestamp_to_date(local)
        times = np.mod(microseconds(local), DAY_US)
        return pa.array(times, pa.int64()).cast(pa.time64("us"))

    return kernel


def _wall_clock_us(_site: CallSite) -> int:
    return time.time_ns() // 1000


# ---------------------------------------------------------------------------------------------------------
# Arithmetic


def _date_shift(sign: int, *, date_first: bool = True) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        first, second = (a.spread(row_count) for a in arguments)
        dates, days = (first, second) if date_first else (second, first)
        start = np.asarray(dates.cast(pa.int32()).fill_null(0)).astype(np.int64)
        shifted = start + sign * np.asarray(days.cast(pa.int64()).fill_null(0))
        infinite = (start == DATE_MIN) | (start == DATE_MAX)
        shifted = np.where(infinite, start, shifted)
        if ((shifted < FIRST_DATE) | (shifted >= END_OF_DATES))[~infinite].any():
            raise DatetimeFieldOverflow("date out of range")
        return _masked(shifted.astype(np.int32), dates, pa.date32(), days)

    return kernel


def _date_difference(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    left, right = (a.spread(row_count) for a in arguments)
    days = [np.asarray(a.cast(pa.int32()).fill_null(0)).astype(np.int64) for a in (left, right)]
    if any(((d == DATE_MIN) | (d == DATE_MAX)).any() for d in days):
        raise DatetimeFieldOverflow("cannot subtract infinite dates")
    valid = np.asarray(left.is_valid()) & np.asarray(right.is_valid())
    return pa.array((days[0] - days[1]).astype(np.int32), pa.int32(), mask=~valid)


def _date_plus_time(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    dates, times = (a.spread(row_count) for a in arguments)
    if not pa.types.is_date32(dates.type):
        dates, times = times, dates
    stamps = date_to_timestamp(dates)
    return _masked(microseconds(stamps) + microseconds(times), dates, pa.timestamp("us"), times)


def _timestamp_difference(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    left, right = (a.spread(row_count) for a in arguments)
    results: list[Any] = []
    for a, b in zip(left.cast(pa.int64()).to_pylist(), right.cast(pa.int64()).to_pylist()):
        if a is None or b is None:
            results.append(None)
            continue
        if {a, b} & {TIMESTAMP_MIN, TIMESTAMP_MAX}:
            raise DatetimeFieldOverflow("cannot subtract infinite timestamps")
        days, rest = divmod(abs(a - b), DAY_US)
        sign = 1 if a >= b else -1
        results.append(pa.MonthDayNano([0, sign * days, sign * rest * 1000]))
    return pa.array(results, pa.month_day_nano_interval())


def add_interval(sign: int, *, timestamp_first: bool = True) -> Kernel:
    """timestamp or timestamptz plus or minus an interval; a date becomes a timestamp."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        row_count = row_count_of(arguments)
        first, second = (a.spread(row_count) for a in arguments)
        stamps, intervals = (first, second) if timestamp_first else (second, first)
        with_zone = site.result_type.oid == TIMESTAMPTZ.oid
        if pa.types.is_date32(stamps.type):
            stamps = date_to_timestamp(stamps)
        local = to_local(stamps, site) if with_zone else stamps
        values = [
            None if stamp is None or interval is None else shifted_timestamp(stamp, interval, sign)
            for stamp, interval in zip(local.cast(pa.int64()).to_pylist(), intervals.to_pylist())
        ]
        # Months and days move the local clock, the time part moves the instant.
        result = pa.array([None if v is None else v[0] for v in values], pa.int64()).cast(pa.timestamp("us"))
        if with_zone:
            result = from_local(result, site)
        extra = np.array([0 if v is None else v[1] for v in values], dtype=np.int64)
        return _masked(microseconds(result) + extra, result, result.type)

    return kernel


def shifted_timestamp(stamp: int, interval: Any, sign: int) -> tuple[int, int]:
    """(local microseconds after months and days, microseconds still to add)."""
    if stamp in (TIMESTAMP_MIN, TIMESTAMP_MAX):
        return stamp, 0
    months, days, nanoseconds = interval
    if months:
        day_number, clock = divmod(stamp, DAY_US)
        old_year, old_month, day = civil_date(day_number)
        year, month = divmod(old_year * 12 + old_month - 1 + sign * months, 12)
        last = month_lengths(year)[month]
        stamp = day_number_of(year, month + 1, min(day, last)) * DAY_US + clock
    moved, rest = stamp + sign * days * DAY_US, sign * (nanoseconds // 1000)
    if not TIMESTAMP_MIN < moved < TIMESTAMP_MAX or not TIMESTAMP_MIN < moved + rest < TIMESTAMP_MAX:
        raise DatetimeFieldOverflow("timestamp out of range")
    return moved, rest


# ---------------------------------------------------------------------------------------------------------
# Fields


def _as_local_timestamp(datum: Datum, oid: int, site: CallSite) -> pa.Array:
    if oid == DATE.oid:
        return date_to_timestamp(datum.array)
    return to_local(datum.array, site) if oid == TIMESTAMPTZ.oid else datum.array


_FIELDS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "year": pc.year, "month": pc.month, "day": pc.day, "hour": pc.hour, "minute": pc.minute,
    "quarter": pc.quarter, "doy": pc.day_of_year, "week": pc.iso_week, "isoyear": pc.iso_year,
}  # fmt: skip


def _field_values(field: str, stamps: pa.Array, instants: pa.Array) -> tuple[pa.Array, int]:
    """(values as int64, decimal scale of the field): second 30.5 is 30500000 with scale 6."""
    day_us = np.mod(microseconds(stamps), DAY_US)
    second_us = np.mod(day_us, 60_000_000)
    match field:
        case "second":
            return pa.array(second_us), 6
        case "milliseconds":
            return pa.array(second_us), 3
        case "microseconds":
            return pa.array(second_us), 0
        case "epoch":
            return pa.array(microseconds(instants)), 6
        case "year" | "isoyear":
            years = np.asarray(_FIELDS[field](stamps).fill_null(1)).astype(np.int64)
            return pa.array(np.where(years > 0, years, years - 1)), 0
        case "dow":
            return pc.day_of_week(stamps, count_from_zero=True, week_start=7).cast(pa.int64()), 0
        case "isodow":
            return pc.day_of_week(stamps, count_from_zero=False, week_start=1).cast(pa.int64()), 0
        case "julian":
            days = np.floor_divide(microseconds(stamps), DAY_US) + _JULIAN_DAY_OF_EPOCH
            return pa.array(days), 0
        case "timezone" | "timezone_hour" | "timezone_minute":
            seconds = np.floor_divide(microseconds(stamps) - microseconds(instants), 1_000_000)
            divisor = {"timezone": 1, "timezone_hour": 3600, "timezone_minute": 60}[field]
            whole = np.trunc(seconds / divisor).astype(np.int64)
            return pa.array(np.fmod(whole, 60) if field == "timezone_minute" else whole), 0
        case "decade":
            return pa.array(np.floor_divide(_years(stamps), 10)), 0
        case "century":
            return pa.array(_periods(_years(stamps), 100)), 0
        case "millennium":
            return pa.array(_periods(_years(stamps), 1000)), 0
    return _FIELDS[field](stamps).cast(pa.int64()), 0


def _years(stamps: pa.Array) -> Int64s:
    return np.asarray(pc.year(stamps).fill_null(1)).astype(np.int64)


def _periods(years: Int64s, length: int) -> Int64s:
    """Centuries or millennia: there is none with the number 0, as there is no year 0."""
    return np.where(years > 0, (years + length - 1) // length, -((length - years) // length))


def _extract(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """extract() gives numeric, date_part() double precision."""
    names = arguments[0].array.to_pylist()
    if not arguments[0].is_constant and len(set(names)) > 1:
        raise FeatureNotSupported("extract() of a field that differs by row is not supported")
    row_count = row_count_of(arguments)
    if not names or names[0] is None:
        return pa.nulls(row_count, pa.utf8() if site.result_type.oid == NUMERIC.oid else pa.float64())
    field = PLURALS.get(names[0].lower(), names[0].lower())
    oid = site.argument_types[1]
    values = arguments[1].spread(row_count)
    check_field(field, names[0], oid, is_extract=site.result_type.oid == NUMERIC.oid)
    if pa.types.is_time64(values.type):
        stamps = instants = values.cast(pa.int64()).cast(pa.timestamp("us"))
    else:
        stamps = _as_local_timestamp(Datum(values), oid, site)
        instants = values if oid == TIMESTAMPTZ.oid else stamps
    raw = microseconds(stamps)
    infinite = (raw == TIMESTAMP_MIN) | (raw == TIMESTAMP_MAX)
    if infinite.any():
        stamps, instants = (_masked(np.where(infinite, 0, raw), s, s.type) for s in (stamps, instants))
    numbers, scale = _field_values(field, stamps, instants)
    if field == "epoch" and oid == DATE.oid:
        numbers, scale = pc.divide(numbers, 1_000_000), 0
    valid = np.asarray(values.is_valid())
    if field not in _ENDLESS_FIELDS:
        valid = valid & ~infinite
    integers = np.asarray(numbers.fill_null(0))
    if site.result_type.oid != NUMERIC.oid:
        floats = np.where(infinite, np.where(raw < 0, -np.inf, np.inf), integers / 10**scale)
        return pa.array(floats, pa.float64(), mask=~valid)
    return _numerics(integers, scale, valid, np.where(infinite, np.sign(raw), 0))


def _numerics(
    integers: npt.NDArray[np.int64],
    scale: int,
    valid: npt.NDArray[np.bool_],
    infinity: npt.NDArray[np.int64],
) -> pa.Array:
    """(n,) texts of integers over 10**scale; those with a sign in `infinity` are infinite."""
    distinct, positions = np.unique(integers, return_inverse=True)
    shown = pa.array([scaled_text(value, scale) for value in distinct.tolist()], pa.utf8())
    texts = shown.take(pa.array(positions, mask=~valid))
    if not infinity.any():
        return texts
    for sign, text in ((1, "Infinity"), (-1, "-Infinity")):
        texts = pc.if_else(pa.array((infinity == sign) & valid), text, texts)
    return texts


_ENDLESS_FIELDS = frozenset(("year", "decade", "century", "millennium", "isoyear", "epoch", "julian"))
"""Fields that are infinite for an infinite date; the others are NULL."""


def scaled_text(value: int, scale: int) -> str:
    """A number over 10**scale with all its digits."""
    if not scale:
        return str(value)
    digits = str(abs(value)).rjust(scale + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def format_type_of(oid: int) -> str:
    from foundation.sqltypes import SqlType

    return format_type(SqlType(oid))


_TRUNC_UNITS = {
    "microseconds": "microsecond", "milliseconds": "millisecond", "second": "second", "minute": "minute",
    "hour": "hour", "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
}  # fmt: skip


def date_trunc_local(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    names = set(arguments[0].array.to_pylist())
    if len(names) > 1:
        raise FeatureNotSupported("date_trunc() of a unit that differs by row is not supported")
    oid = site.argument_types[1]
    values = arguments[1].spread(row_count)
    name = next(iter(names), None)
    if name is None:
        return pa.nulls(row_count, values.type)
    field = PLURALS.get(name.lower(), name.lower())
    local = to_local(values, site) if oid == TIMESTAMPTZ.oid else values
    raw = microseconds(local)
    finite = (raw != TIMESTAMP_MIN) & (raw != TIMESTAMP_MAX)
    safe = _masked(np.where(finite, raw, 0), local, pa.timestamp("us"))
    if field in _TRUNC_UNITS:
        cut = contiguous(pc.floor_temporal(safe, 1, _TRUNC_UNITS[field], week_starts_monday=True))
    elif field in ("decade", "century", "millennium"):
        cut = _trunc_years(safe, field)
    else:
        raise InvalidParameterValue(f'unit "{name}" not recognized for type {format_type_of(oid)}')
    result = _masked(np.where(finite, microseconds(cut), raw), local, pa.timestamp("us"))
    return from_local(result, site) if oid == TIMESTAMPTZ.oid else result


def _trunc_years(stamps: pa.Array, field: str) -> pa.Array:
    years = _years(stamps)
    span = {"decade": 10, "century": 100, "millennium": 1000}[field]
    first = years // span * span if field == "decade" else (years - 1) // span * span + 1
    months = (first - 1970).astype("datetime64[Y]").astype("datetime64[us]").astype(np.int64)
    return _masked(months, stamps, pa.timestamp("us"))


def _to_timestamp(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    values = np.asarray(arguments[0].array.cast(pa.float64()).fill_null(0.0))
    if np.isnan(values).any():
        raise DatetimeFieldOverflow("timestamp cannot be NaN")
    if not np.isfinite(values).all() or (np.abs(values) > 9.2e12).any():
        raise DatetimeFieldOverflow(f'timestamp out of range: "{values[np.argmax(np.abs(values))]:g}"')
    return _masked(np.rint(values * 1e6).astype(np.int64), arguments[0].array, pa.timestamp("us", "UTC"))


def time_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name, and by the keywords that are no functions in PostgreSQL (`current_date`)."""
    transaction = _clock(lambda site: site.context.transaction_time_us)
    kernels: dict[str, Kernel] = dict.fromkeys(
        ("now", "transaction_timestamp", "current_timestamp", "current_date", "current_time", "localtimestamp",
         "localtime"), transaction,
    )  # fmt: skip
    kernels |= {
        "statement_timestamp": _clock(lambda site: site.context.statement_time_us),
        "clock_timestamp": _clock(_wall_clock_us),
        "date_pli": _date_shift(1), "date_mii": _date_shift(-1), "integer_pl_date": _date_shift(1, date_first=False),
        "date_mi": _date_difference, "datetime_pl": _date_plus_time, "timedate_pl": _date_plus_time,
        "timestamp_mi": _timestamp_difference, "timestamptz_mi": _timestamp_difference,
        "to_timestamp(701)": _to_timestamp,
    }  # fmt: skip
    for base in ("timestamp", "timestamptz", "date"):
        kernels[f"{base}_pl_interval"] = add_interval(1)
        kernels[f"{base}_mi_interval"] = add_interval(-1)
        kernels[f"interval_pl_{base}"] = add_interval(1, timestamp_first=False)
    for oid in (DATE.oid, TIMESTAMP.oid, TIMESTAMPTZ.oid, TIME.oid):
        kernels[f"date_part(25,{oid})"] = kernels[f"extract(25,{oid})"] = _extract
    for oid in (TIMESTAMP.oid, TIMESTAMPTZ.oid):
        kernels[f"date_trunc(25,{oid})"] = date_trunc_local
    return kernels
