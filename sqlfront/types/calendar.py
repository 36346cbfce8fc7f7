"""The proleptic Gregorian calendar over days since 1970-01-01, for ints and for NumPy arrays alike.

Years are astronomical: year 0 is 1 BC. The arithmetic is Howard Hinnant's `days_from_civil`
(https://howardhinnant.github.io/date_algorithms.html); floor division makes it hold for negative days, so the
same lines serve Python ints and int64 arrays.
"""

from __future__ import annotations

from typing import Any

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
SECOND_US = 1_000_000

POSTGRES_EPOCH_DAYS = 10957
"""2000-01-01, the day from which PostgreSQL counts."""
POSTGRES_EPOCH_US = POSTGRES_EPOCH_DAYS * DAY_US
JULIAN_EPOCH_DAYS = -2440588
"""Day 0 of the Julian day count, 4714-11-24 BC."""

_ERA_DAYS = 146_097
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_of(year: Any, month: Any, day: Any) -> Any:
    """Days since 1970-01-01 of a date; month 1-12."""
    shifted_year = year - (month <= 2)
    era = shifted_year // 400
    year_of_era = shifted_year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * _ERA_DAYS + day_of_era - 719_468


def date_of(days: Any) -> tuple[Any, Any, Any]:
    """(year, month, day) of days since 1970-01-01."""
    shifted = days + 719_468
    era = shifted // _ERA_DAYS
    day_of_era = shifted - era * _ERA_DAYS
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = (shifted_month + 2) % 12 + 1
    return year_of_era + era * 400 + (month <= 2), month, day


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    return 29 if month == 2 and is_leap(year) else _MONTH_DAYS[month - 1]
