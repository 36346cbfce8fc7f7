"""Goal: a filter selects the rows for which three-valued logic says TRUE, whatever the shape of the predicate.

Method: seeded random predicates over columns with NULL, NaN and duplicates are evaluated by Arrow kernels and by
a row-at-a-time interpreter over Python dicts; whole columns must also equal row-by-row native evaluation.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from foundation.sqltypes import BOOL, FLOAT8, INT4, TEXT, SqlType
from planner import bound
from planner.evaluate import Frame, evaluate
from tests.planner.trees import RELATION, col, const, frame_of, integer, make_context, op, text

ROWS = 60
A, B, F, S, T = (
    col(0, INT4, "a"),
    col(1, INT4, "b"),
    col(2, FLOAT8, "f"),
    col(3, TEXT, "s"),
    col(4, BOOL, "t"),
)
CONTEXT = make_context()

Row = dict[str, Any]
Interpreter = Callable[[Row], Any]
Pair = tuple[bound.Expression, Interpreter]


def random_frame(random_source: random.Random) -> tuple[Frame, list[Row]]:
    def column(values: list[Any]) -> list[Any]:
        return [None if random_source.random() < 0.2 else random_source.choice(values) for _ in range(ROWS)]

    data = {
        "a": (column([0, 1, 2, 3, -1]), INT4), "b": (column([0, 1, 2]), INT4),
        "f": (column([0.5, math.nan, -0.0, 0.0, math.inf]), FLOAT8),
        "s": (column(["", "a", "ab", "B", "ä", "a%"]), TEXT), "t": (column([True, False]), BOOL),
    }  # fmt: skip
    rows = [{name: values[i] for name, (values, _) in data.items()} for i in range(ROWS)]
    return frame_of(**data), rows


def pg_key(value: Any) -> Any:
    if isinstance(value, float):
        return (1, 0.0) if math.isnan(value) else (0, value)
    return value.encode() if isinstance(value, str) else value


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "<>": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def comparison(source: random.Random) -> Pair:
    operator = source.choice(list(COMPARISONS))
    test = COMPARISONS[operator]
    column, name, values = source.choice([
        (A, "a", [0, 1, 2]), (F, "f", [0.0, 0.5, math.nan]), (S, "s", ["a", "B", ""]), (B, "b", [1, None]),
    ])  # fmt: skip
    if name in "ab" and source.random() < 0.3:
        return op(operator, A, B), lambda row: _compare(test, row["a"], row["b"])
    value = source.choice(values)
    return op(operator, column, const(value, column.type)), lambda row: _compare(test, row[name], value)


def _compare(test: Callable[[Any, Any], bool], left: Any, right: Any) -> bool | None:
    return None if left is None or right is None else test(pg_key(left), pg_key(right))


def leaf(source: random.Random) -> Pair:
    kind = source.randrange(6)
    if kind == 0:
        return T, lambda row: row["t"]
    if kind == 1:
        negated = source.random() < 0.5
        return bound.IsNull(S, negated), lambda row: (row["s"] is None) != negated
    if kind == 2:
        items: list[int | None] = [source.choice([0, 1, 2, 9, None]) for _ in range(source.randrange(1, 4))]
        negated = source.random() < 0.5
        expression = bound.InList(A, tuple(integer(item) for item in items), negated)
        return expression, lambda row: _in(row["a"], items, negated)
    if kind == 3:
        return op("~~", S, text("a%")), lambda row: None if row["s"] is None else row["s"].startswith("a")
    return comparison(source)


def _in(value: Any, items: list[int | None], negated: bool) -> bool | None:
    if value is None:
        return None
    if value in items:
        return not negated
    return None if None in items else negated


def predicate(source: random.Random, depth: int) -> Pair:
    if depth == 0:
        return leaf(source)
    kind = source.randrange(6)
    if kind < 3:
        parts = [predicate(source, depth - 1) for _ in range(source.randrange(2, 4))]
        is_and = kind < 2
        operator = bound.BoolOperator.AND if is_and else bound.BoolOperator.OR
        expression = bound.BoolExpression(operator, tuple(part for part, _ in parts))
        return expression, lambda row: _combine(is_and, [run(row) for _, run in parts])
    inner, run = predicate(source, depth - 1)
    if kind == 3:
        return bound.Not(inner), lambda row: None if run(row) is None else not run(row)
    if kind == 4:
        test = source.choice(list(bound.TruthTest))
        wanted = {bound.TruthTest.TRUE: True, bound.TruthTest.FALSE: False, bound.TruthTest.UNKNOWN: None}[
            test
        ]
        negated = source.random() < 0.5
        return bound.IsTruth(inner, test, negated), lambda row: (run(row) is wanted) != negated
    condition, run_condition = leaf(source)
    other, run_other = leaf(source)
    expression = bound.Case(((condition, inner),), other, BOOL)
    return expression, lambda row: run(row) if run_condition(row) is True else run_other(row)


def _combine(is_and: bool, values: list[bool | None]) -> bool | None:
    if (not is_and) in values:
        return not is_and
    return None if None in values else is_and


@pytest.mark.parametrize("seed", range(40))
def test_random_predicates(seed: int) -> None:
    source = random.Random(seed)
    frame, rows = random_frame(source)
    for _ in range(10):
        expression, run = predicate(source, source.randrange(4))
        assert evaluate(expression, frame, CONTEXT).to_pylist() == [run(row) for row in rows]


def random_value(source: random.Random, depth: int) -> bound.Expression:
    """An integer expression without errors."""
    if depth == 0:
        return source.choice([A, B, integer(source.randrange(-3, 4)), integer(None)])
    left, right = random_value(source, depth - 1), random_value(source, depth - 1)
    match source.randrange(5):
        case 0:
            return op(source.choice("+-*"), left, right)
        case 1:
            condition, _ = predicate(source, 1)
            return bound.Case(((condition, left),), right, INT4)
        case 2:
            return bound.Variadic(bound.VariadicKind.COALESCE, (left, right), INT4)
        case 3:
            kind = source.choice(
                [bound.VariadicKind.GREATEST, bound.VariadicKind.LEAST, bound.VariadicKind.NULLIF]
            )
            return bound.Variadic(kind, (left, right), INT4)
        case _:
            return bound.Subscript(
                bound.ArrayLiteral((left, right), SqlType(1007)), integer(source.randrange(4)), INT4
            )


@pytest.mark.parametrize("seed", range(20))
def test_columns_equal_rows_evaluated_one_by_one(seed: int) -> None:
    source = random.Random(1000 + seed)
    frame, _ = random_frame(source)
    expression = random_value(source, 3)
    whole = evaluate(expression, frame, CONTEXT).to_pylist()
    single = [evaluate(expression, frame.slice(i, 1), CONTEXT)[0].as_py() for i in range(ROWS)]
    assert whole == single


def test_decided_rows_raise_nothing() -> None:
    frame = frame_of(a=([0, 1, 2, None], INT4))
    quotient = op("=", op("/", integer(2), A), integer(1))
    guarded = bound.BoolExpression(bound.BoolOperator.AND, (op("<>", A, integer(0)), quotient))
    assert evaluate(guarded, frame, CONTEXT).to_pylist() == [False, False, True, None]
    otherwise = bound.BoolExpression(bound.BoolOperator.OR, (op("=", A, integer(0)), quotient))
    assert evaluate(otherwise, frame, CONTEXT).to_pylist() == [True, False, True, None]
    chosen = bound.Case(((op("=", A, integer(0)), integer(-1)),), op("/", integer(2), A), INT4)
    assert evaluate(chosen, frame, CONTEXT).to_pylist() == [-1, 2, 1, None]
    with pytest.raises(Exception, match="division by zero"):
        evaluate(quotient, frame, CONTEXT)


def test_relation_ids_are_kept_apart() -> None:
    frame = frame_of(a=([1], INT4))
    with pytest.raises(KeyError):
        evaluate(col(0, INT4, relation=RELATION + 1), frame, CONTEXT)


@pytest.mark.parametrize("with_null", [False, True])
def test_long_in_lists(with_null: bool) -> None:
    frame = frame_of(a=([1, 5000, None, 20_000], INT4))
    items = (*(integer(i) for i in range(10_000)), *((integer(None),) if with_null else ()))
    missing = None if with_null else False
    assert evaluate(bound.InList(A, items), frame, CONTEXT).to_pylist() == [True, True, None, missing]
    wanted = [False, False, None, None if with_null else True]
    assert evaluate(bound.InList(A, items, True), frame, CONTEXT).to_pylist() == wanted
