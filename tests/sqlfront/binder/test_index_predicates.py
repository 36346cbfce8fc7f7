"""Goal: predicates of partial indexes are kept, evaluated and recognised. Method: a small table, hand-made cases, and
rows evaluated one by one as the oracle of a whole column."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from foundation.errors import DivisionByZero, FeatureNotSupported, QuiverError
from planner.implication import is_implied
from sqlfront.binder import Clause, bind_table_expression, index_predicate, keep_predicate
from sqlfront.binder.errors import InvalidObjectDefinition
from sqlfront.parser import parse_expression
from storage.catalog import Index
from tests.sqlfront.binder.schema_catalog import CATALOG, DOCS, new_context

TABLE = CATALOG.table(DOCS)


def predicate_index(sql: str) -> Index:
    (index,) = CATALOG.indexes_of(DOCS)
    return replace(index, predicate_sql=sql)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("active", "active"),
        ("NOT active", "(NOT active)"),
        ("id > 5 and title is not null", "((id > 5) AND (title IS NOT NULL))"),
        ("(((title is null)))", "(title IS NULL)"),
    ],
)
def test_kept_text(written: str, kept: str) -> None:
    assert keep_predicate(new_context(), TABLE, parse_expression(written)).sql == kept


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("now() > '2020-01-01'", InvalidObjectDefinition),
        ("random() > 0.5", InvalidObjectDefinition),
        ("ctid IS NULL", FeatureNotSupported),
        ("(SELECT true)", FeatureNotSupported),
        ("price", QuiverError),
    ],
)
def test_what_no_index_may_keep(written: str, error: type[QuiverError]) -> None:
    with pytest.raises(error):
        keep_predicate(new_context(), TABLE, parse_expression(written))


def test_evaluation() -> None:
    predicate = index_predicate(TABLE, predicate_index("10 / id > 1 AND active"))
    assert predicate.attnums == (1, 7)
    ids, active = pa.array([1, 5, 9, None, 2], pa.int64()), pa.array([True, True, True, True, None])
    assert predicate.holds([ids, active], 5, is_stored=False).tolist() == [True, True, False, False, False]
    with_zero = pa.array([1, 0, 9, None, 2], pa.int64())
    with pytest.raises(DivisionByZero):
        predicate.holds([with_zero, active], 5, is_stored=False)
    assert predicate.holds([with_zero, active], 5, is_stored=True).tolist() == [True, *[False] * 4]


def test_evaluation_without_columns() -> None:
    for sql, holds in (("true", True), ("1 > 2", False)):
        predicate = index_predicate(TABLE, predicate_index(sql))
        assert predicate.attnums == ()
        assert predicate.holds([], 3, is_stored=False).tolist() == [holds] * 3


@pytest.mark.parametrize(
    ("predicate", "condition", "implied"),
    [
        ("active", "active", True),
        ("active", "price > 1 AND active", True),
        ("active", "price > 1 OR active", False),
        ("active", "NOT active", False),
        ("price > 1 AND active", "active AND price > 1", True),
        ("price > 1 AND active", "active", False),
        ("title IS NOT NULL", "title = 'x'", True),
        ("title IS NOT NULL", "title IS NULL", False),
        ("title IS NOT NULL", "price = 1", False),
        ("title IS NULL", "title = 'x'", False),
        ("id > 5", "id > 10", True),
        ("id > 5", "id > 5", True),
        ("id > 5", "id >= 5", False),
        ("id >= 5", "id > 5", True),
        ("id > 5", "10 < id", True),
        ("id > 5", "id = 6", True),
        ("id > 5", "id = 5", False),
        ("id > 5", "id < 10", False),
        ("id <> 5", "id < 5", True),
        ("id <> 5", "id <= 5", False),
        ("id <> 5", "id IN (4, 6)", True),
        ("id <> 5", "id NOT IN (5)", False),
        ("id IN (1, 2, 3)", "id = 2", False),
        ("id = 1 OR id = 2", "id = 2", True),
        ("id = 1 OR id = 2", "id = 3", False),
        ("id > 5", "id IN (6, 7)", True),
        ("id > 5", "id IN (5, 7)", False),
        ("id > 5", "id = ANY (ARRAY[6, 7])", True),
        ("id > 5", "id > ALL (ARRAY[6, 7])", False),
        ("id > 5", "id = 6 OR id > 9", True),
        ("id > 5", "id = 6 OR price > 9", False),
        ("id > 5 AND id < 9", "id BETWEEN 6 AND 8", True),
        ("id > 5 AND id < 9", "id BETWEEN 6 AND 9", False),
        ("id IS NOT NULL", "id IN (1, 2)", True),
        ("title IS NOT NULL", "lower(title) <> ''", True),
        ("title IS NOT NULL", "coalesce(title, '') <> ''", False),
        ("id IS NOT NULL", "id NOT IN (1, 2)", True),
        ("active", "active = true", True),
        ("active", "active IS TRUE", True),
        ("active", "active IS NOT FALSE", False),
        ("title = 'x'", "title IN ('x')", True),
        ("title = 'x'", "title IN ('x', 'y')", False),
        ("id > 5", "id = NULL", False),
    ],
)
def test_implication(predicate: str, condition: str, implied: bool) -> None:
    trees = [
        bind_table_expression(sql, new_context(), TABLE, Clause.PREDICATE) for sql in (predicate, condition)
    ]
    assert is_implied(*trees) is implied
    assert not is_implied(trees[0], None)
