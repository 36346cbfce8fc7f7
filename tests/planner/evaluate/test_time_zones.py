"""Goal: conversions between timestamp and timestamptz follow the session's zone as PostgreSQL's do.

Method: facts about New York's and Kathmandu's clocks, gap and overlap included, checked against PostgreSQL once,
and a round trip over random instants.
"""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from foundation.sqltypes import DATE, TIMESTAMP, TIMESTAMPTZ
from planner import bound
from planner.evaluate import Frame, evaluate
from planner.services import ExecutionContext
from tests.planner.trees import cast, col, fn, make_context, op, text

UTC = datetime.UTC


def in_zone(zone: str) -> ExecutionContext:
    return make_context(settings={"TimeZone": zone})


def one(expression: bound.Expression, value: pa.Array, context: ExecutionContext) -> object:
    return evaluate(expression, Frame(1, {(1, 0): value}), context)[0].as_py()


@pytest.mark.parametrize("zone, local, utc", [
    ("America/New_York", "2024-01-15 12:00", "2024-01-15 17:00"),
    ("America/New_York", "2024-07-15 12:00", "2024-07-15 16:00"),
    ("America/New_York", "2024-03-10 02:30", "2024-03-10 07:30"),  # in the gap: the offset before it
    ("America/New_York", "2024-11-03 01:30", "2024-11-03 06:30"),  # twice: the second time
    ("America/New_York", "1883-11-17 12:00", "1883-11-17 16:56:02"),
    ("Asia/Kathmandu", "2024-01-15 12:00", "2024-01-15 06:15"),
])  # fmt: skip
def test_local_to_instant(zone: str, local: str, utc: str) -> None:
    column = col(0, TIMESTAMP)
    value = pa.array([datetime.datetime.fromisoformat(local)], pa.timestamp("us"))
    found = one(cast(column, TIMESTAMPTZ), value, in_zone(zone))
    assert found == datetime.datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_dates_and_fields_are_local() -> None:
    instant = pa.array([datetime.datetime(2024, 7, 1, 2, 0, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    context, column = in_zone("America/New_York"), col(0, TIMESTAMPTZ)
    assert one(cast(column, DATE), instant, context) == datetime.date(2024, 6, 30)
    assert one(fn("date_part", text("hour"), column), instant, context) == 22.0
    assert one(fn("date_part", text("epoch"), column), instant, context) == 1719799200.0
    day = one(fn("date_trunc", text("day"), column), instant, context)
    assert day == datetime.datetime(2024, 6, 30, 4, 0, tzinfo=UTC)
    midnight = pa.array([datetime.date(2024, 7, 1)], pa.date32())
    assert one(op("<", col(0, DATE), col(0, DATE)), midnight, context) is False
    assert one(cast(col(0, DATE), TIMESTAMPTZ), midnight, context) == datetime.datetime(
        2024, 7, 1, 4, tzinfo=UTC
    )


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
def test_round_trip(zone: str) -> None:
    random = np.random.default_rng(4)
    values = random.integers(-3_000_000_000, 3_000_000_000, 500) * 1_000_003
    values[:4] = [-(1 << 63), (1 << 63) - 1, 1 << 60, -(1 << 60)]
    frame = Frame(500, {(1, 0): pa.array(values).cast(pa.timestamp("us", "UTC"))})
    there_and_back = cast(cast(col(0, TIMESTAMPTZ), TIMESTAMP), TIMESTAMPTZ)
    found = np.asarray(evaluate(there_and_back, frame, in_zone(zone)).cast(pa.int64()))
    # An instant in the first pass of an autumn hour comes back as the second pass; nothing else moves.
    moved = found != values
    assert moved.mean() < 0.01 and set((found - values)[moved]) <= {1_800_000_000, 3_600_000_000}
    infinities = evaluate(cast(col(0, TIMESTAMPTZ), DATE), frame, in_zone(zone)).cast(pa.int32())
    assert infinities[0].as_py() == -(1 << 31) and infinities[1].as_py() == (1 << 31) - 1
