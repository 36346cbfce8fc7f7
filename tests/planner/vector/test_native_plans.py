"""Goal: what runs natively beside top-k is right: scans, sorts, limits, key look-ups, counts, SELECT without FROM.

Method: against Python over the same rows; which path was taken is read from the plan and from EXPLAIN.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from foundation.errors import CardinalityViolation
from foundation.sqltypes import BOOL, FLOAT8, INT4, INT8, TEXT, SqlType
from planner import bound, plan_statement
from planner.functions.signatures import functions_named
from planner.nodes import CountRows, KeyLookup, Limit, Result, SeqScan, Sort
from planner.planning import NativePlan, OutputColumn, RelationalPlan
from tests.planner.stored_items import ID, PRIMARY, SECTION, SIZE, TABLE, Items, random_rows, run, scan, topk
from tests.planner.trees import all_of, any_of, col, const, fn, integer, op, param, text


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    table = Items(tmp_path / "data")
    table.insert(random_rows(1, 0, 300))
    table.seal()
    table.insert(random_rows(2, 300, 200))
    table.delete([7, 299, 310])
    yield table
    table.close()


def node_of(query: bound.Query) -> Any:
    plan = plan_statement(query)
    assert isinstance(plan, NativePlan)
    return plan.node


def first_line(items: Items, query: bound.Query, *parameters: Any) -> str:
    return plan_statement(query).explain(items.context(*parameters), costs=False)[0]


def test_scan_returns_rows_in_insertion_order(items: Items) -> None:
    query = topk([], targets=(ID, SECTION))
    assert isinstance(node_of(query), SeqScan)
    wanted = [(row["id"], row["section"]) for row in items.rows.values()]
    assert run(query, items.context()) == wanted
    assert run(topk([], limit=3, offset=298), items.context()) == [(300,), (301,), (302,)]
    assert run(topk([], limit=0), items.context()) == []
    assert run(topk([], offset=10_000), items.context()) == []


def test_output_columns_and_batches(items: Items) -> None:
    query = bound.Select(
        (bound.Target(ID, "id", TABLE, 1), bound.Target(op("+", ID, integer(1)), "x")), scan()
    )
    plan = plan_statement(query)
    assert plan.columns == (OutputColumn("id", INT4, TABLE, 1), OutputColumn("x", INT4))
    execution = plan.execute(items.context())
    batches = list(execution.batches())
    assert {batch.schema for batch in batches} == {pa.schema([("c0", pa.int32()), ("c1", pa.int32())])}
    assert execution.row_count == len(items.rows)


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("nulls_first", [False, True])
def test_sort(items: Items, is_descending: bool, nulls_first: bool) -> None:
    keys = [bound.SortKey(SIZE, is_descending, nulls_first), bound.SortKey(ID, True, True)]
    query = topk(keys, targets=(SIZE, ID), limit=100, offset=5)
    node = node_of(query)
    assert isinstance(node, Limit) and isinstance(node.source, Sort)

    def order(row: dict[str, Any]) -> Any:
        size = row["size"]
        null_rank = 0 if (size is None) == nulls_first else 1
        return (null_rank, 0 if size is None else -size if is_descending else size, -row["id"])

    wanted = sorted(items.rows.values(), key=order)[5:105]
    assert run(query, items.context()) == [(row["size"], row["id"]) for row in wanted]


def test_sort_by_text_is_by_bytes(items: Items) -> None:
    found = [value for (value,) in run(topk([bound.SortKey(SECTION)], targets=(SECTION,)), items.context())]
    values = [row["section"] for row in items.rows.values()]
    assert found == sorted(v for v in values if v is not None) + [None] * values.count(None)


def test_count(items: Items) -> None:
    (star,) = [f for f in functions_named("count") if not f.argument_types]
    count = bound.Aggregate(star, (), INT8)
    query = bound.Select((bound.Target(count, "count"),), scan())
    assert isinstance(node_of(query), CountRows)
    assert run(query, items.context()) == [(len(items.rows),)]
    filtered = bound.Select(query.targets, scan(), op("=", SECTION, text("rust")))
    wanted = sum(row["section"] == "rust" for row in items.rows.values())
    assert run(filtered, items.context()) == [(wanted,)]
    by_key = bound.Select(query.targets, scan(), op("=", ID, integer(7)))
    assert run(by_key, items.context()) == [(0,)]


def test_key_lookup(items: Items) -> None:
    title = "Index Scan using items_pkey on items"
    by_id = topk([], targets=(ID, SIZE), where=op("=", ID, param(0, INT8)))
    assert first_line(items, by_id, 5) == title
    assert run(by_id, items.context(5)) == [(5, items.rows[5]["size"])]
    for missing in (7, 100_000, None, 1 << 40):
        assert run(by_id, items.context(missing)) == []
    listed = bound.InList(ID, tuple(integer(i) for i in (400, 5, 7, 5, None)))
    assert first_line(items, topk([], where=listed)) == title
    assert run(topk([], where=listed), items.context()) == [(5,), (400,)]
    equal = op("=", ID, ID).function
    array = bound.QuantifiedArray(ID, "=", equal, param(0, SqlType(1007)))
    assert first_line(items, topk([], where=array), [1]) == title
    assert run(topk([], where=array), items.context([400, 3, None, 9999])) == [(3,), (400,)]
    assert run(topk([], where=array), items.context(None)) == []
    both = all_of(op("=", ID, integer(5)), op("=", SECTION, text("no such")))
    assert first_line(items, topk([], where=both)) == title
    assert run(topk([], where=both), items.context()) == []


def test_key_lookup_sees_own_rows(items: Items) -> None:
    transaction = items.storage.begin()
    items.insert([{"id": 9000, "section": "x", "size": 1, "embedding": None}], transaction)
    query = topk([], where=op("=", ID, integer(9000)))
    assert run(query, items.context(transaction=transaction)) == [(9000,)]
    assert run(query, items.context()) == []
    transaction.rollback()


def test_what_is_no_lookup(items: Items) -> None:
    for where in (
        op(">", ID, integer(5)), op("=", SECTION, text("rust")), bound.Not(op("=", ID, integer(5))),
        any_of(op("=", ID, integer(5)), op("=", ID, integer(6))), op("=", ID, ID),
        bound.InList(ID, (integer(1),), True),
    ):  # fmt: skip
        assert first_line(items, topk([], where=where)) == "Seq Scan on items"


def test_lookup_node_is_made_at_execution_only(items: Items) -> None:
    assert not isinstance(node_of(topk([], where=op("=", ID, integer(5)))), KeyLookup)
    assert items.storage.catalog.get(PRIMARY) is not None


def test_select_without_from(items: Items) -> None:
    targets = (bound.Target(op("+", integer(1), integer(2)), "x"), bound.Target(param(0, TEXT), "y"))
    query = bound.Select(targets)
    assert isinstance(node_of(query), Result)
    assert run(query, items.context("é")) == [(3, "é")]
    assert run(bound.Select(targets, where=const(None, BOOL)), items.context("é")) == []
    assert run(bound.Select(targets, limit=const(0, INT8)), items.context("é")) == []
    assert run(bound.Select(targets, offset=const(1, INT8)), items.context("é")) == []
    volatile = bound.Select((bound.Target(fn("random"), "r"),), scan())
    values = [value for (value,) in run(volatile, items.context())]
    assert len(set(values)) == len(values)


def test_system_columns(items: Items) -> None:
    ctid = col(4, SqlType(27), "ctid")
    rows = run(topk([], targets=(ID, ctid)), items.context())
    assert len({value for _, value in rows}) == len(rows)
    assert all(value.startswith("(") for _, value in rows)
    number, value = rows[42]
    again = topk([], where=op("=", ctid, const(value, SqlType(27))))
    assert run(again, items.context()) == [(number,)]


def subquery(kind: bound.SubqueryKind, target: bound.Expression, where: bound.Expression | None,
             result: SqlType, **more: Any) -> bound.Subquery:  # fmt: skip
    query = bound.Select(
        (bound.Target(target, "x"),), bound.TableScan(7, TABLE, "items", scan().columns), where
    )
    return bound.Subquery(kind, query, result, **more)


def test_uncorrelated_subqueries_run_first(items: Items) -> None:
    inner_id, inner_size = bound.ColumnRef(7, 0, "id", INT4), bound.ColumnRef(7, 2, "size", INT8)
    size_of_five = subquery(bound.SubqueryKind.SCALAR, inner_size, op("=", inner_id, integer(5)), INT8)
    smaller = topk([], where=op("<", SIZE, size_of_five))
    limit = items.rows[5]["size"]
    wanted = [(r["id"],) for r in items.rows.values() if r["size"] is not None and r["size"] < limit]
    assert run(smaller, items.context()) == wanted
    exists = subquery(bound.SubqueryKind.EXISTS, inner_id, op("=", inner_id, integer(-1)), BOOL)
    assert run(topk([], where=exists), items.context()) == []
    assert len(run(topk([], where=bound.Not(exists)), items.context())) == len(items.rows)
    few = op("<", inner_id, integer(3))
    equal = op("=", ID, ID).function
    within = subquery(bound.SubqueryKind.ANY, inner_id, few, BOOL, left=ID, operator="=", function=equal)
    assert first_line(items, topk([], where=within)).startswith(("Seq Scan", "Index Scan"))
    assert run(topk([], where=within), items.context()) == [(0,), (1,), (2,)]
    many = subquery(bound.SubqueryKind.SCALAR, inner_id, None, INT4)
    with pytest.raises(CardinalityViolation, match="more than one row returned by a subquery"):
        run(topk([], where=op("=", ID, many)), items.context())
    collected = subquery(bound.SubqueryKind.ARRAY, inner_id, few, SqlType(1007))
    assert run(bound.Select((bound.Target(collected, "a"),)), items.context()) == [([0, 1, 2],)]


def test_exists_tied_by_one_equality_runs_first(items: Items) -> None:
    inner_id = bound.ColumnRef(7, 0, "id", INT4)
    both = bound.BoolExpression(
        bound.BoolOperator.AND, (op("=", inner_id, ID), op("<", inner_id, integer(3)))
    )
    exists = subquery(bound.SubqueryKind.EXISTS, inner_id, both, BOOL)
    assert run(topk([], where=exists), items.context()) == [(0,), (1,), (2,)]
    assert len(run(topk([], where=bound.Not(exists)), items.context())) == len(items.rows) - 3


def test_correlated_and_grouped_queries_are_relational() -> None:
    inner_id = bound.ColumnRef(7, 0, "id", INT4)
    correlated = subquery(bound.SubqueryKind.EXISTS, inner_id, op("<", inner_id, ID), BOOL)
    grouped = bound.Select((bound.Target(SECTION, "s"),), scan(), group_by=(bound.GroupingSet((SECTION,)),))
    distinct = bound.Select((bound.Target(SECTION, "s"),), scan(), is_distinct=True)
    for query in (topk([], where=correlated), grouped, distinct):
        assert isinstance(plan_statement(query), RelationalPlan)


def test_limit_parameter_and_null(items: Items) -> None:
    query = bound.Select((bound.Target(ID, "id"),), scan(), limit=param(0, INT8), offset=param(1, INT8))
    assert run(query, items.context(2, 1)) == [(1,), (2,)]
    assert len(run(query, items.context(None, None))) == len(items.rows)
    assert (
        run(bound.Select((bound.Target(const(1.5, FLOAT8), "x"),), scan(), limit=integer(2)), items.context())
        == [(1.5,)] * 2
    )


def test_a_filter_that_is_always_true_is_none() -> None:
    query = bound.Select((bound.Target(ID, "id"),), scan(), bound.Constant(True, BOOL))
    assert node_of(query) == SeqScan(scan(), None)
