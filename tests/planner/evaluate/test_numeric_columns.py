"""Goal: sums, differences and products of decimal columns are, digit by digit, those of the functions of one row.

Method: random columns of several precisions and scales, with NULL, against Python's decimal one value at a time.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
import pytest

from foundation.sqltypes import NUMERIC
from planner.functions.datum import CallSite, Datum
from planner.functions.implementations import kernels

ROWS = 300
CONSTANTS = [
    "2",
    "-0.5",
    "100000000000000000000",
    "NaN",
    "0.000",
    "Infinity",
    "12345678901234567890123456789012345678901.5",
]
SITE = CallSite(cast(Any, None), ROWS, NUMERIC, (1700, 1700))


def column(precision: int, scale: int) -> pa.Array:
    chance = random.Random(precision * 100 + scale)
    most = 10**precision - 1
    numbers = [chance.choice([0, most, -most, chance.randrange(-most, most + 1)]) for _ in range(ROWS)]
    values = [None if chance.random() < 0.1 else Decimal(f"{number}E-{scale}") for number in numbers]
    return pa.array(values, pa.decimal128(precision, scale))


def as_text(values: pa.Array) -> pa.Array:
    """The same numbers as the kernels get them without a declared scale."""
    return pa.array([None if value is None else f"{value:f}" for value in values.to_pylist()], pa.utf8())


@pytest.mark.parametrize(
    ("precision", "scale"), [(10, 2), (38, 0), (38, 6), (5, 3), (20, 7), (3, 0), (38, 38)]
)
@pytest.mark.parametrize("operation", ["numeric_add", "numeric_sub", "numeric_mul"])
def test_columns_are_as_rows(precision: int, scale: int, operation: str) -> None:
    kernel, mine, other = kernels()[operation], column(precision, scale), column(6, 2)
    pairs = [(Datum(mine), Datum(other)), (Datum(other), Datum(mine))]
    by_row = [(Datum(as_text(mine)), Datum(as_text(other))), (Datum(as_text(other)), Datum(as_text(mine)))]
    for text in CONSTANTS:
        constant = Datum(pa.array([text]), True)
        pairs += [(Datum(mine), constant), (constant, Datum(mine))]
        by_row += [(Datum(as_text(mine)), constant), (constant, Datum(as_text(mine)))]
    for columns, rows in zip(pairs, by_row):
        assert kernel(columns, SITE).equals(kernel(rows, SITE))
