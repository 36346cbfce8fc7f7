"""interval and what is made with it: age, justify_*, date_bin, OVERLAPS, fields of an interval, make_*.

An interval is (months, days, nanoseconds); PostgreSQL counts microseconds, so the last three digits are zero.
Algorithms: src/backend/utils/adt/timestamp.c. https://www.postgresql.org/docs/16/functions-datetime.html
"""

from __future__ import annotations

import calendar
import datetime
import math
import zoneinfo
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from foundation.errors import (
    DatetimeFieldOverflow,
    DivisionByZero,
    FeatureNotSupported,
    InvalidParameterValue,
)
from foundation.sqltypes import INTERVAL, NUMERIC, TIMESTAMP, TIMESTAMPTZ, SqlType, arrow_type
from planner.functions.civil_calendar import day_number_of, month_lengths
from planner.functions.datum import CallSite, Datum, Kernel, row_count_of
from planner.functions.implementations_time import (
    DAY_US,
    END_OF_DATES,
    FIRST_DATE,
    TIMESTAMP_MAX,
    TIMESTAMP_MIN,
    add_interval,
    date_trunc_local,
    from_local,
    to_local,
    zone_shifted,
)
from planner.functions.rowwise import row_kernel, row_values

HOUR_US, MINUTE_US, SECOND_US = 3_600_000_000, 60_000_000, 1_000_000
_MONTH_DAYS = 30
_EPOCH = datetime.datetime(1970, 1, 1)


def interval_of(months: int, days: int, us: int) -> pa.MonthDayNano:
    """Raises DatetimeFieldOverflow (22008) for a time part beyond 292 years, for months or days beyond an int4."""
    if max(abs(months), abs(days)) >= 1 << 31:
        raise DatetimeFieldOverflow("interval out of range")
    try:
        return pa.MonthDayNano([months, days, us * 1000])
    except OverflowError:
        raise DatetimeFieldOverflow("interval out of range") from None


def _parts(value: Any) -> tuple[int, int, int]:
    return value.months, value.days, value.nanoseconds // 1000


def _truncated(number: int, by: int) -> tuple[int, int]:
    """Quotient and remainder towards zero."""
    quotient = abs(number) // by * (1 if number >= 0 else -1)
    return quotient, number - quotient * by


def _justify_hours(value: Any) -> Any:
    months, days, us = _parts(value)
    whole, us = _truncated(us, DAY_US)
    days, us = _same_sign(days + whole, us, DAY_US)
    return interval_of(months, days, us)


def _same_sign(large: int, small: int, unit: int) -> tuple[int, int]:
    if large > 0 > small:
        return large - 1, small + unit
    return (large + 1, small - unit) if large < 0 < small else (large, small)


def _justify_days(value: Any) -> Any:
    months, days, us = _parts(value)
    whole, days = _truncated(days, _MONTH_DAYS)
    months, days = _same_sign(months + whole, days, _MONTH_DAYS)
    return interval_of(months, days, us)


def _justify_interval(value: Any) -> Any:
    months, days, us = _parts(value)
    whole, us = _truncated(us, DAY_US)
    whole_months, days = _truncated(days + whole, _MONTH_DAYS)
    months += whole_months
    if months > 0 and (days < 0 or (days == 0 and us < 0)):
        months, days = months - 1, days + _MONTH_DAYS
    elif months < 0 and (days > 0 or (days == 0 and us > 0)):
        months, days = months + 1, days - _MONTH_DAYS
    days, us = _same_sign(days, us, DAY_US)
    return interval_of(months, days, us)


def scaled_interval(value: Any, factor: float, divisor: float = 1.0) -> Any:
    """value * factor / divisor; what is left of months goes to days, of days to seconds (interval_mul, interval_div).

    Raises:
        DatetimeFieldOverflow: 22008.
    """
    if not math.isfinite(factor) or math.isnan(divisor):
        raise DatetimeFieldOverflow("interval out of range")

    def scaled(number: int) -> float:
        return number * factor if divisor == 1.0 else number / divisor

    months, days, us = scaled(value.months), scaled(value.days), scaled(value.nanoseconds // 1000)
    whole_months, whole_days = int(months), int(days)
    days_left = round((months - whole_months) * _MONTH_DAYS * 1e6) / 1e6
    seconds_left = round((days - whole_days + days_left - int(days_left)) * 86_400 * 1e6) / 1e6
    if abs(seconds_left) >= 86_400:
        whole_days += int(seconds_left / 86_400)
        seconds_left -= int(seconds_left / 86_400) * 86_400
    return interval_of(whole_months, whole_days + int(days_left), round(us + seconds_left * SECOND_US))


def _divided(value: Any, divisor: float) -> Any:
    if divisor == 0:
        raise DivisionByZero("division by zero")
    return scaled_interval(value, 1.0, divisor)


def _negated(value: Any) -> Any:
    months, days, us = _parts(value)
    return interval_of(-months, -days, -us)


# ---------------------------------------------------------------------------------------------------------
# age


def _moment(us: int) -> datetime.datetime:
    try:
        return _EPOCH + datetime.timedelta(microseconds=us)
    except OverflowError:
        raise DatetimeFieldOverflow("timestamp out of range") from None


def _age(later_us: int, earlier_us: int) -> Any:
    """timestamp_age: years, months and days of the calendar, the rest as time."""
    first, second = _moment(later_us), _moment(earlier_us)
    sign = 1 if later_us >= earlier_us else -1
    us, days, months = (
        sign * d
        for d in (
            _clock_us(first) - _clock_us(second),
            first.day - second.day,
            (first.year - second.year) * 12 + first.month - second.month,
        )
    )
    if us < 0:
        us, days = us + DAY_US, days - 1
    borrowed = first if sign < 0 else second
    month_days = calendar.monthrange(borrowed.year, borrowed.month)[1]
    while days < 0:
        days, months = days + month_days, months - 1
    return interval_of(sign * months, sign * days, sign * us)


def _clock_us(moment: datetime.datetime) -> int:
    return (
        (moment.hour * HOUR_US + moment.minute * MINUTE_US) + moment.second * SECOND_US + moment.microsecond
    )


def _age_kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """age(a, b); age(a) is age(midnight of today, a)."""
    row_count = row_count_of(arguments, site.row_count)
    columns = [a.spread(row_count) for a in arguments]
    if site.argument_types[0] == TIMESTAMPTZ.oid:
        columns = [to_local(column, site) for column in columns]
    values = [column.cast(pa.int64()).to_pylist() for column in columns]
    if len(values) == 1:
        now = pa.array([site.context.transaction_time_us]).cast(pa.timestamp("us", "UTC"))
        today = to_local(now, site).cast(pa.int64())[0].as_py() // DAY_US * DAY_US
        values = [[today] * row_count, *values]
    ages = [None if a is None or b is None else _age(a, b) for a, b in zip(*values)]
    return pa.array(ages, pa.month_day_nano_interval())


# ---------------------------------------------------------------------------------------------------------
# date_bin, OVERLAPS


def _date_bin(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    row_count = row_count_of(arguments)
    strides = arguments[0].spread(row_count).to_pylist()
    stamps, origins = (a.spread(row_count).cast(pa.int64()).to_pylist() for a in arguments[1:])
    bins: list[int | None] = []
    for stride, stamp, origin in zip(strides, stamps, origins):
        if stride is None or stamp is None or origin is None:
            bins.append(None)
            continue
        months, days, us = _parts(stride)
        if stamp in (TIMESTAMP_MIN, TIMESTAMP_MAX):
            bins.append(stamp)
            continue
        if origin in (TIMESTAMP_MIN, TIMESTAMP_MAX):
            raise DatetimeFieldOverflow("origin out of range")
        if months:
            raise FeatureNotSupported("timestamps cannot be binned into intervals containing months or years")
        width = days * DAY_US + us
        if width <= 0:
            raise DatetimeFieldOverflow("stride must be greater than zero")
        bins.append(origin + (stamp - origin) // width * width)
    return pa.array(bins, pa.int64()).cast(arrow_type(site.result_type))


def _overlaps(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """Each end is a point in time or an interval after the start; NULL ends as the standard has them."""
    row_count = row_count_of(arguments, site.row_count)
    types = site.argument_types
    ends: list[list[Any]] = []
    for index in (0, 2):
        start, end = arguments[index], arguments[index + 1]
        if types[index + 1] == INTERVAL.oid:
            end = _after(start, end, types[index], site)
        ends += [_ordered_moments(datum.spread(row_count)) for datum in (start, end)]
    return pa.array([_do_overlap((a, b), (c, d)) for a, b, c, d in zip(*ends)], pa.bool_())


def _ordered_moments(column: pa.Array) -> list[Any]:
    """Values that compare as the moments do: the stored bytes of timetz, else integers."""
    if not pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.int64())
    moments: list[Any] = column.to_pylist()
    return moments


def _after(start: Datum, length: Datum, oid: int, site: CallSite) -> Datum:
    row_count = row_count_of((start, length))
    is_constant = start.is_constant and length.is_constant
    if oid in (TIMESTAMP.oid, TIMESTAMPTZ.oid):
        moved = add_interval(1)((start, length), replace(site, row_count=row_count, result_type=SqlType(oid)))
        return Datum(moved, is_constant)
    times, lengths = (
        start.spread(row_count).cast(pa.int64()).to_pylist(),
        length.spread(row_count).to_pylist(),
    )
    moved_times = [
        None if t is None or n is None else (t + n.nanoseconds // 1000) % DAY_US
        for t, n in zip(times, lengths)
    ]
    return Datum(pa.array(moved_times, pa.int64()), is_constant)


_Ends = tuple[Any, Any]


def _ordered(ends: _Ends) -> _Ends:
    known = sorted(end for end in ends if end is not None)
    return (known[0] if known else None, known[1] if len(known) == 2 else None)


def _do_overlap(first: _Ends, second: _Ends) -> bool | None:
    (start, end), (other_start, other_end) = _ordered(first), _ordered(second)
    if start is None or other_start is None:
        return None
    if start == other_start:
        return None if end is None or other_end is None else True
    if start < other_start:
        start, end, other_start, other_end = other_start, other_end, start, end
    if other_end is None:
        return None
    if start < other_end:
        return True
    return None if end is None else False


# ---------------------------------------------------------------------------------------------------------
# Fields

_SPANS = {"decade": 120, "century": 1200, "millennium": 12000, "year": 12, "quarter": 3, "month": 1}
_CLOCK_UNITS = {
    "hour": HOUR_US,
    "minute": MINUTE_US,
    "second": SECOND_US,
    "milliseconds": 1000,
    "microseconds": 1,
}
_PLURALS = {
    "years": "year", "months": "month", "days": "day", "hours": "hour", "minutes": "minute", "seconds": "second",
    "millisecond": "milliseconds", "microsecond": "microseconds", "decades": "decade", "centuries": "century",
    "millennia": "millennium", "mon": "month", "min": "minute", "sec": "second",
}  # fmt: skip


def _field_us(field: str, value: Any) -> tuple[int, int] | None:
    """(value of a field as an integer, its decimal scale); None for an unknown field."""
    months, days, us = _parts(value)
    if field == "day":
        return days, 0
    if field == "month":
        return _truncated(months, 12)[1], 0
    if field == "quarter":
        return _truncated(_truncated(months, 12)[1], 3)[0] + 1, 0
    if field in _SPANS:
        return _truncated(months, _SPANS[field])[0], 0
    if field == "hour":
        return _truncated(us, HOUR_US)[0], 0
    if field == "minute":
        return _truncated(_truncated(us, HOUR_US)[1], MINUTE_US)[0], 0
    second_us = _truncated(us, MINUTE_US)[1]
    if field in ("second", "milliseconds", "microseconds"):
        return second_us, {"second": 6, "milliseconds": 3, "microseconds": 0}[field]
    if field == "epoch":
        years, rest = _truncated(months, 12)
        quarter_days = 1461 * years + 120 * rest + 4 * days
        return quarter_days * (DAY_US // 4) + us, 6
    return None


def _extract(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    is_numeric = site.result_type.oid == NUMERIC.oid
    results: list[Any] = []
    for name, value in zip(*row_values(arguments, row_count_of(arguments))):
        if name is None or value is None:
            results.append(None)
            continue
        field = _PLURALS.get(name.lower(), name.lower())
        found = _field_us(field, value)
        if found is None:
            raise InvalidParameterValue(f'unit "{name}" not recognized for type interval')
        number, scale = found
        if not is_numeric:
            results.append(number / 10**scale)
            continue
        digits = str(abs(number)).rjust(scale + 1, "0")
        text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
        results.append("-" + text if number < 0 else text)
    return pa.array(results, pa.utf8() if is_numeric else pa.float64())


def _trunc(name: str, value: Any) -> Any:
    field = _PLURALS.get(name.lower(), name.lower())
    months, days, us = _parts(value)
    if field in _SPANS:
        return interval_of(_truncated(months, _SPANS[field])[0] * _SPANS[field], 0, 0)
    if field == "day":
        return interval_of(months, days, 0)
    if field in _CLOCK_UNITS:
        return interval_of(months, days, _truncated(us, _CLOCK_UNITS[field])[0] * _CLOCK_UNITS[field])
    if field in ("week", "weeks"):
        detail = "Months usually have fractional weeks."
        raise FeatureNotSupported(f'unit "{name}" not supported for type interval', detail=detail)
    raise InvalidParameterValue(f'unit "{name}" not recognized for type interval')


def _zoned_trunc(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """date_trunc(unit, timestamptz, zone): cut in that zone's local time."""
    zones = set(arguments[2].array.to_pylist())
    if len(zones) > 1:
        raise FeatureNotSupported("date_trunc() in a time zone that differs by row is not supported")
    row_count = row_count_of(arguments)
    values = arguments[1].spread(row_count)
    zone = next(iter(zones), None)
    if zone is None:
        return pa.nulls(row_count, values.type)
    check_zone(zone)
    local = zone_shifted(values, zone, is_local=False)
    cut = date_trunc_local((arguments[0], Datum(local)), replace(site, argument_types=(25, TIMESTAMP.oid)))
    return zone_shifted(cut, zone, is_local=True)


# ---------------------------------------------------------------------------------------------------------
# make_*


def _make_interval(
    years: int, months: int, weeks: int, days: int, hours: int, minutes: int, seconds: float
) -> Any:
    if not math.isfinite(seconds):
        raise DatetimeFieldOverflow("interval out of range")
    us = hours * HOUR_US + minutes * MINUTE_US + round(seconds * SECOND_US)
    return interval_of(years * 12 + months, weeks * 7 + days, us)


def _time_us(hour: int, minute: int, second: float) -> int:
    in_range = 0 <= hour <= 24 and 0 <= minute <= 59 and 0 <= second <= 60
    us = hour * HOUR_US + minute * MINUTE_US + round(second * SECOND_US) if in_range else -1
    if not 0 <= us <= DAY_US:
        raise DatetimeFieldOverflow(f"time field value out of range: {hour}:{minute:02}:{second:02g}")
    return us


def _made_day(year: int, month: int, day: int) -> int:
    """Days since 1970 of a date; years below zero are those BC. Raises DatetimeFieldOverflow (22008)."""
    astronomical = year + 1 if year < 0 else year
    is_date = year and 1 <= month <= 12 and 1 <= day <= month_lengths(astronomical)[month - 1]
    day_number = day_number_of(astronomical, month, day) if is_date else END_OF_DATES
    if not is_date:
        raise DatetimeFieldOverflow(f"date field value out of range: {year}-{month:02}-{day:02}")
    if not FIRST_DATE <= day_number < END_OF_DATES:
        raise DatetimeFieldOverflow(f"date out of range: {year}-{month:02}-{day:02}")
    return day_number


def _make_date(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    rows = zip(*row_values(arguments, row_count_of(arguments)))
    days = [None if None in row else _made_day(*row) for row in rows]
    return pa.array(days, pa.int32()).cast(pa.date32())


def _stamp_us(year: int, month: int, day: int, hour: int, minute: int, second: float) -> int:
    return _made_day(year, month, day) * DAY_US + _time_us(hour, minute, second)


def _at_interval(sign: int) -> Kernel:
    """AT TIME ZONE an interval: the offset of a zone from UTC."""

    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        results: list[int | None] = []
        row_count = row_count_of(arguments, site.row_count)
        zones, stamps = (argument.spread(row_count) for argument in arguments)
        for zone, stamp in zip(zones.to_pylist(), stamps.cast(pa.int64()).to_pylist()):
            if zone is None or stamp is None or stamp in (TIMESTAMP_MIN, TIMESTAMP_MAX):
                results.append(None if zone is None else stamp)
                continue
            if zone.months or zone.days:
                raise InvalidParameterValue("interval time zone must not include months or days")
            results.append(stamp + sign * int(zone.nanoseconds / 1e9) * SECOND_US)
        return pa.array(results, pa.int64()).cast(arrow_type(site.result_type))

    return kernel


def _make(kind: pa.DataType, function: Any) -> Kernel:
    def kernel(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
        rows = zip(*row_values(arguments, row_count_of(arguments)))
        values = pa.array([None if None in row else function(*row) for row in rows], pa.int64())
        if site.result_type.oid == TIMESTAMPTZ.oid:
            return from_local(values.cast(pa.timestamp("us")), site)
        return values.cast(kind)

    return kernel


def _zoned_stamp(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    """make_timestamptz(..., zone)."""
    results: list[int | None] = []
    for *fields, zone in zip(*row_values(arguments, row_count_of(arguments))):
        if zone is None or None in fields:
            results.append(None)
            continue
        check_zone(zone)
        local = pa.array([_stamp_us(*fields)], pa.int64()).cast(pa.timestamp("us"))
        results.append(zone_shifted(local, zone, is_local=True).cast(pa.int64())[0].as_py())
    return pa.array(results, pa.int64()).cast(pa.timestamp("us", "UTC"))


def check_zone(zone: str) -> None:
    """Raises InvalidParameterValue (22023) for a name that is no time zone."""
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidParameterValue(f'time zone "{zone}" not recognized') from None


def interval_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    stamp = _make(pa.timestamp("us"), _stamp_us)
    kernels: dict[str, Kernel] = {
        "justify_hours": row_kernel(_justify_hours), "justify_days": row_kernel(_justify_days),
        "justify_interval": row_kernel(_justify_interval), "interval_um": row_kernel(_negated),
        "interval_mul": row_kernel(scaled_interval), "mul_d_interval": row_kernel(lambda f, v: scaled_interval(v, f)),
        "interval_div": row_kernel(_divided),
        "timezone(1186,1184)": _at_interval(1), "timezone(1186,1114)": _at_interval(-1), "date_bin": _date_bin, "overlaps": _overlaps, "make_interval": row_kernel(_make_interval), "make_date": _make_date,
        "make_time": _make(pa.time64("us"), _time_us), "make_timestamp": stamp,
        "make_timestamptz(23,23,23,23,23,701)": stamp,
        "make_timestamptz(23,23,23,23,23,701,25)": _zoned_stamp,
        "date_trunc(25,1184,25)": _zoned_trunc, "date_trunc(25,1186)": row_kernel(_trunc),
        "date_part(25,1186)": _extract, "extract(25,1186)": _extract,
        "isfinite(1186)": row_kernel(lambda value: True),
    }  # fmt: skip
    for oid in (TIMESTAMP.oid, TIMESTAMPTZ.oid):
        kernels[f"age({oid})"] = kernels[f"age({oid},{oid})"] = _age_kernel
    return kernels
