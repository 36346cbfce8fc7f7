"""Goal: EXPLAIN prints PostgreSQL's tree and our strategy lines, exactly.

Method: golden texts over one stored table; numbers that depend on time or on the graph are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from foundation.settings import SettingValues
from foundation.sqltypes import BOOL, FLOAT8, INT4, INT8, NUMERIC, TEXT, VARCHAR, VECTOR, SqlType
from planner import bound, plan_statement
from planner.expression_text import ExpressionPrinter
from planner.functions.signatures import functions_named
from planner.vector import build_table_index
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from tests.planner.stored_items import (
    DIMENSIONS,
    EMBEDDING,
    ID,
    INDEX,
    SECTION,
    SIZE,
    TABLE,
    Items,
    distance,
    random_rows,
    scan,
    topk,
)
from tests.planner.trees import all_of, any_of, cast, const, fn, integer, op, param, text

QUERY = np.ones(DIMENSIONS, dtype=np.float32)
KEY = bound.SortKey(distance("l2", param(0, VECTOR)))
CODECS = PostgresCodecs(CodecContext.of(SettingValues()))


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Items]:
    table = Items(tmp_path_factory.mktemp("explain") / "data")
    table.add_index("l2")
    table.insert(random_rows(1, 0, 3000, with_oddities=False))
    table.seal()
    build_table_index(table.storage, INDEX)
    yield table
    table.close()


def explained(
    items: Items, query: bound.Query, *, settings: dict[str, str] | None = None, **options: Any
) -> str:
    context = items.context(QUERY, settings=settings)
    context.codecs = CODECS
    lines = plan_statement(query).explain(context, **{"costs": False, **options})
    text = "\n".join(lines)
    text = re.sub(r"\d+\.\d{3} ms", "N ms", text)
    text = re.sub(r"time=\d+\.\d{3}\.\.\d+\.\d{3}", "time=N", text)
    text = re.sub(r"(Beam|Candidates|Nodes Visited): \d+", r"\1: N", text)
    text = re.sub(r"((?:filtered )?graph) \d+", r"\1 N", text)
    return re.sub(r"Estimated Recall: 0\.9\d\d", "Estimated Recall: 0.9N", text)


def test_index_scan(items: Items) -> None:
    assert (
        explained(items, topk([KEY], limit=10))
        == """\
Limit
  ->  Index Scan using items_idx on items
        Order By: (embedding <-> $1)
        Strategy: graph, selectivity 1.0000, allowed 3000 of 3000
        Beam: N
        Considered: graph N, exact scan 3000 (distances)"""
    )


def test_filtered_index_scan_with_further_keys(items: Items) -> None:
    where = bound.Not(op("=", SECTION, text("none")))
    assert (
        explained(items, topk([KEY, bound.SortKey(ID, True, True)], where=where, limit=10))
        == """\
Limit
  ->  Sort
        Sort Key: (embedding <-> $1), id DESC
        ->  Index Scan using items_idx on items
              Order By: (embedding <-> $1)
              Filter: (NOT (section = 'none'::text))
              Strategy: filtered graph, selectivity 0.9230, allowed 2769 of 3000
              Beam: N
              Considered: filtered graph N, exact scan 2769 (distances)"""
    )


def test_exact_scan_of_few_allowed_rows(items: Items) -> None:
    assert (
        explained(items, topk([KEY], where=op("<", ID, integer(30)), limit=10))
        == """\
Limit
  ->  Sort
        Sort Key: (embedding <-> $1)
        ->  Seq Scan on items
              Filter: (id < 30)
              Strategy: exact scan, selectivity 0.0100, allowed 30 of 3000
              Considered: exact scan 30, filtered graph N (distances)"""
    )


def test_settings_choose_the_scan(items: Items) -> None:
    query = topk([KEY], where=op("<", ID, integer(30)), limit=10)
    forced = explained(items, query, settings={"enable_seqscan": "off"})
    assert forced.splitlines()[1] == "  ->  Index Scan using items_idx on items"
    unused = explained(items, topk([KEY], limit=10), settings={"enable_indexscan": "off"})
    assert unused.splitlines()[3] == "        ->  Seq Scan on items"
    explicit = explained(items, topk([KEY], limit=10), settings={"hnsw.ef_search": "77"})
    assert "Strategy: graph" in explicit


def test_analyze(items: Items) -> None:
    assert (
        explained(items, topk([KEY], limit=10, offset=2), analyze=True)
        == """\
Limit (actual time=N rows=10 loops=1)
  ->  Index Scan using items_idx on items (actual time=N rows=10 loops=1)
        Order By: (embedding <-> $1)
        Strategy: graph, selectivity 1.0000, allowed 3000 of 3000
        Beam: N
        Considered: graph N, exact scan 3000 (distances)
        Candidates: N
        Nodes Visited: N
        Estimated Recall: 0.9N
Planning Time: N ms
Execution Time: N ms"""
    )
    assert explained(items, topk([bound.SortKey(ID)], where=op("<", ID, integer(9))), analyze=True, timing=False,
                     summary=False) == """\
Sort (actual rows=9 loops=1)
  Sort Key: id
  ->  Seq Scan on items (actual rows=9 loops=1)
        Filter: (id < 9)"""  # fmt: skip


def test_analyze_tells_where_filters_come_from(items: Items) -> None:
    def filter_line(where: bound.Expression) -> str:
        lines = explained(items, topk([KEY], where=where, limit=3), analyze=True).splitlines()
        return next(line.strip() for line in lines if "Filter Bitsets" in line)

    where = op("=", SECTION, text("python"))
    shown = [filter_line(where) for _ in range(3)]
    assert (shown[0], shown[-1]) == ("Filter Bitsets: 1 computed", "Filter Bitsets: 1 cached")
    assert filter_line(op(">", ID, integer(10**6))) == "Filter Bitsets: 1 pruned by bounds"


def test_costs_verbose_and_summary(items: Items) -> None:
    lines = explained(
        items, topk([], targets=(ID, EMBEDDING)), costs=True, verbose=True, summary=True
    ).splitlines()
    assert lines == [
        "Seq Scan on items  (cost=0.00..30.00 rows=3000 width=44)", "  Output: id, embedding", "Planning Time: N ms",
    ]  # fmt: skip


def test_other_trees(items: Items) -> None:
    assert (
        explained(items, topk([], where=op("=", ID, integer(5))))
        == """\
Index Scan using items_pkey on items
  Index Cond: (id = 5)"""
    )
    listed = all_of(bound.InList(ID, (integer(1), integer(2))), op(">", SIZE, const(5, INT8)))
    assert (
        explained(items, topk([], where=listed, limit=1))
        == """\
Limit
  ->  Index Scan using items_pkey on items
        Index Cond: (id = ANY ('{1,2}'::integer[]))
        Filter: (size > '5'::bigint)"""
    )
    (star,) = [f for f in functions_named("count") if not f.argument_types]
    count = bound.Select((bound.Target(bound.Aggregate(star, (), INT8), "count"),), scan("i"))
    assert (
        explained(items, count)
        == """\
Aggregate
  ->  Seq Scan on items i"""
    )
    assert explained(items, bound.Select((bound.Target(integer(1), "x"),))) == "Result"


def test_init_plan(items: Items) -> None:
    inner_scan = bound.TableScan(7, TABLE, "items", scan().columns)
    inner = bound.Select(
        (bound.Target(bound.ColumnRef(7, 3, "embedding", EMBEDDING.type), "embedding"),),
        inner_scan,
        op("=", bound.ColumnRef(7, 0, "id", INT4), integer(42)),
    )
    scalar = bound.Subquery(bound.SubqueryKind.SCALAR, inner, SqlType(VECTOR.oid, DIMENSIONS))
    query = topk([bound.SortKey(distance("l2", scalar))], limit=3)
    assert (
        explained(items, query)
        == """\
Limit
  InitPlan 1 (returns $0)
    ->  Index Scan using items_pkey on items
          Index Cond: (id = 42)
  ->  Index Scan using items_idx on items
        Order By: (embedding <-> $0)
        Strategy: graph, selectivity 1.0000, allowed 3000 of 3000
        Beam: N
        Considered: graph N, exact scan 3000 (distances)"""
    )
    assert "rows=3" in explained(items, query, analyze=True)


@pytest.mark.parametrize("expression, wanted", [
    (text("it's"), "'it''s'::text"),
    (integer(-3), "'-3'::integer"),
    (const("1.5", NUMERIC), "1.5"),
    (const(1.5, FLOAT8), "'1.5'::double precision"),
    (const(None, TEXT), "NULL::text"),
    (const(True, BOOL), "true"),
    (const(np.array([1, 2], np.float32), VECTOR), "'[1,2]'::vector"),
    (cast(SECTION, VARCHAR), "(section)::character varying"),
    (all_of(op("=", ID, integer(1)), any_of(bound.IsNull(SIZE), bound.IsNull(SIZE, True))),
     "((id = 1) AND ((size IS NULL) OR (size IS NOT NULL)))"),
    (op("~~", SECTION, text("a%")), "(section ~~ 'a%'::text)"),
    (bound.InList(ID, (integer(1), ID), True), "(id <> ALL (ARRAY[1, id]))"),
    (bound.InList(SECTION, (text("a b"), text("c")),), "(section = ANY ('{\"a b\",c}'::text[]))"),
    (bound.Case(((op("=", ID, integer(1)), text("x")),), text("y"), TEXT), "CASE WHEN (id = 1) THEN 'x'::text ELSE 'y'::text END"),
    (bound.Variadic(bound.VariadicKind.COALESCE, (ID, integer(0)), INT4), "COALESCE(id, 0)"),
    (bound.ArrayLiteral((ID, integer(0)), SqlType(1007)), "ARRAY[id, 0]"),
    (fn("lower", SECTION), "lower(section)"),
    (op("-", SIZE), "(- size)"),
    (bound.IsTruth(op("=", ID, ID), bound.TruthTest.UNKNOWN, True), "((id = id) IS NOT UNKNOWN)"),
    (bound.QuantifiedArray(ID, "=", op("=", ID, ID).function, param(0, SqlType(1007))), "(id = ANY ($1))"),
])  # fmt: skip
def test_expressions_print_as_in_postgresql(expression: bound.Expression, wanted: str) -> None:
    assert ExpressionPrinter(CODECS).print(expression) == wanted


def test_data_changes(items: Items) -> None:
    target = scan()
    update = bound.Update(target, ((3, const(1, INT8)),), where=op("=", ID, integer(5)))
    assert (
        explained(items, update)
        == """\
Update on items
  ->  Index Scan using items_pkey on items
        Index Cond: (id = 5)"""
    )
    delete = bound.Delete(target, where=op(">", SIZE, const(5, INT8)))
    assert (
        explained(items, delete)
        == """\
Delete on items
  ->  Seq Scan on items
        Filter: (size > '5'::bigint)"""
    )
    columns = (bound.RelationColumn("column1", INT4),)
    one = bound.Values(((integer(1),),), columns)
    assert (
        explained(items, bound.Insert(TABLE, 1, target.columns, (1,), one)) == "Insert on items\n  ->  Result"
    )
