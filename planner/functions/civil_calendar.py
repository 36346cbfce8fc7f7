"""The proleptic Gregorian calendar for any year, which Python's datetime ends at 1 and 9999.

Days count from 1970-01-01; years are astronomical: 0 is 1 BC.
https://howardhinnant.github.io/date_algorithms.html
"""

from __future__ import annotations


def civil_date(day_number: int) -> tuple[int, int, int]:
    """Days since 1970-01-01 -> (year, month, day)."""
    era, day_of_era = divmod(day_number + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def first_day_of_year(year: int) -> int:
    """Day number of January 1st."""
    before = year - 1
    return 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - 477


def month_lengths(year: int) -> tuple[int, ...]:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if is_leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day_number_of(year: int, month: int, day: int) -> int:
    """Day number of a date that exists."""
    return first_day_of_year(year) + sum(month_lengths(year)[: month - 1]) + day - 1
