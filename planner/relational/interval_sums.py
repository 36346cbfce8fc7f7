"""sum and avg of intervals over the collected list of each group: months, days and microseconds add up by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from planner.functions.implementations_interval import interval_of, scaled_interval

Evaluator = Callable[[Sequence[pa.Array], int], pa.Array]


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
        return scaled_interval(total, 1.0, float(len(values))) if is_average else total

    def evaluate(columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        groups = columns[0].to_pylist()
        return pa.array([reduce(group) for group in groups], pa.month_day_nano_interval())

    return evaluate
