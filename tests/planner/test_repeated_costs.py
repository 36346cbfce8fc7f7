"""Goal: only filters of a known price have one, and a larger table costs more. Method: conditions over hand-made columns."""

from __future__ import annotations

import math

import pytest

from foundation.sqltypes import BOOL, FLOAT8, INT4, INT8, NUMERIC, TEXT, TIMESTAMPTZ, SqlType
from planner import bound
from planner.repeated_costs import preparation_ms, row_nanoseconds
from tests.planner.trees import col, const, op, param


def column(kind: SqlType) -> bound.ColumnRef:
    return col(0, kind)


NUMBER = op("<", column(INT4), param(1, INT8))
TEXTS = op("=", column(TEXT), const("a", TEXT))


@pytest.mark.parametrize(
    "condition",
    [
        NUMBER,
        TEXTS,
        op(">", bound.CastExpression(param(0, TEXT), TIMESTAMPTZ), column(TIMESTAMPTZ)),
        bound.InList(column(INT4), tuple(const(i, INT4) for i in range(100))),
        bound.BoolExpression(bound.BoolOperator.OR, (NUMBER, bound.Not(TEXTS), column(BOOL))),
        bound.IsNull(column(NUMERIC)),
        None,
    ],
)
def test_comparisons_of_columns_have_a_price(condition: bound.Expression | None) -> None:
    assert row_nanoseconds(condition) < 50


@pytest.mark.parametrize(
    "condition",
    [
        op("<", column(NUMERIC), param(0, NUMERIC)),
        op("<", bound.CastExpression(column(TEXT), INT4), param(0, INT4)),
        op("<", op("+", column(INT4), column(INT4)), param(0, INT4)),
        bound.InList(column(INT4), tuple(const(i, INT4) for i in range(101))),
        bound.BoolExpression(bound.BoolOperator.AND, (NUMBER, op("~~", column(TEXT), column(TEXT)))),
        bound.IsNull(op("+", column(FLOAT8), column(FLOAT8))),
    ],
)
def test_what_may_take_long_has_none(condition: bound.Expression) -> None:
    assert math.isinf(row_nanoseconds(condition))


def test_rows_segments_and_vectors_cost() -> None:
    few = preparation_ms(4.0, [1000], 0, is_filtered=True)
    assert few < 0.5 < preparation_ms(4.0, [100_000], 500_000, is_filtered=True) < 2
    assert preparation_ms(4.0, [500_000], 0, is_filtered=True) > 2
    assert preparation_ms(4.0, [100] * 20, 0, is_filtered=True) > 2
    assert preparation_ms(4.0, [1000], 1_000_000, is_filtered=True) > few
    assert math.isinf(preparation_ms(math.inf, [1000], 0, is_filtered=True))
