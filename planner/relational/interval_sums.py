"""sum and avg of intervals over the collected list of each group: months, days and microseconds add up by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from planner.functions.implementations_interval import interval_of

Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]

_MONTH_DAYS = 30
_DAY_S = 86_400


def interval_reducer(*, is_average: bool) -> Evaluator:
    """Evaluator (list<interval>) -> interval; NULL for a group without intervals.

    Raises (from the evaluator):
        DatetimeFieldOverflow: 22008, `interval out of range`.
    """

    def reduce(group: list[Any] | None) -> Any:
        values = [value for value in group or () if value is not None]
        if not values:
            return None
        months, days, us = (
            sum(part) for part in zip(*((v.months, v.days, v.nanoseconds // 1000) for v in values))
        )
        total = interval_of(months, days, us)
        return _divided(months, days, us, len(values)) if is_average else total

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        groups = columns[0].to_pylist()
        return pa.array([reduce(group) for group in groups], pa.month_day_nano_interval())

    return evaluate


def _divided(months: int, days: int, us: int, count: int) -> Any:
    """The quotient; what is left of months goes to days, of days to seconds (interval_div in timestamp.c)."""
    whole_months, whole_days = int(months / count), int(days / count)
    days_left = round((months / count - whole_months) * _MONTH_DAYS * 1e6) / 1e6
    seconds_left = round((days / count - whole_days + days_left - int(days_left)) * _DAY_S * 1e6) / 1e6
    if abs(seconds_left) >= _DAY_S:
        whole_days += int(seconds_left / _DAY_S)
        seconds_left -= int(seconds_left / _DAY_S) * _DAY_S
    return interval_of(whole_months, whole_days + int(days_left), round(us / count + seconds_left * 1e6))
