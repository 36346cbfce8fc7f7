"""Goal: a top-k returns the rows, in the order, that sorting all rows by hand gives, whatever the storage looks like.

Method: a Python copy of the table is the oracle; metrics, filters, deletes, several segments, growing and own
rows, NULL and zero vectors, duplicates, OFFSET and odd limits are crossed. Distances are compared, not ids,
where equal distances make the order of ids free.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foundation.errors import DataException
from foundation.sqltypes import FLOAT8, INT8, VECTOR, SqlType
from planner import bound, plan_statement
from planner.errors import InvalidRowCountInLimit, InvalidRowCountInOffset
from planner.vector import build_table_index, index_status, try_island
from tests.planner.stored_items import (
    DIMENSIONS,
    EMBEDDING,
    ID,
    INDEX,
    SECTION,
    SIZE,
    TABLE,
    Items,
    Row,
    distance,
    random_rows,
    run,
    scan,
    topk,
    true_distance,
)
from tests.planner.trees import all_of, const, fn, integer, op, param, text

METRICS = ("l2", "ip", "cosine", "l1")
QUERY = np.random.default_rng(99).standard_normal(DIMENSIONS).astype(np.float32)
QUERY_PARAM = param(0, VECTOR)


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    table = Items(tmp_path / "data")
    yield table
    table.close()


def order_value(value: float | None) -> tuple[int, float]:
    """PostgreSQL's ascending order: numbers, NaN, NULL."""
    if value is None:
        return (2, 0.0)
    return (1, 0.0) if math.isnan(value) else (0, value)


def expected_order(rows: list[Row], metric: str, query: np.ndarray) -> list[tuple[tuple[int, float], int]]:
    return sorted((order_value(true_distance(metric, row["embedding"], query)), row["id"]) for row in rows)


def check(items: Items, metric: str, rows: list[Row], *, where: Any = None, limit: int, offset: int = 0,
          transaction: Any = None, settings: dict[str, str] | None = None) -> None:  # fmt: skip
    query = topk(
        [bound.SortKey(distance(metric, QUERY_PARAM))],
        targets=(ID, distance(metric, QUERY_PARAM)),
        where=where, limit=limit, offset=offset,
    )  # fmt: skip
    context = items.context(QUERY, transaction=transaction, settings=settings)
    found = run(query, context)
    wanted = expected_order(rows, metric, QUERY)[offset : offset + limit]
    assert len(found) == len(wanted)
    assert len({number for number, _ in found}) == len(found)
    for (_, value), (key, _) in zip(found, wanted):
        assert order_value(value)[0] == key[0]
        if key[0] == 0:
            assert value == pytest.approx(key[1], abs=1e-4)
    by_id = {row["id"]: row for row in rows}
    for number, value in found:
        true = true_distance(metric, by_id[number]["embedding"], QUERY)
        assert order_value(value)[0] == order_value(true)[0]


def spread_out(items: Items) -> None:
    """Two sealed segments, growing rows, deletions in each."""
    items.insert(random_rows(1, 0, 400))
    items.seal()
    items.insert(random_rows(2, 400, 300))
    items.seal()
    items.insert(random_rows(3, 700, 100))
    items.delete([0, 5, 399, 400, 650, 701, 799])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("limit, offset", [(1, 0), (10, 0), (10, 7), (5000, 0), (10, 790), (0, 3)])
def test_exact_over_several_segments(items: Items, metric: str, limit: int, offset: int) -> None:
    spread_out(items)
    check(items, metric, list(items.rows.values()), limit=limit, offset=offset)


@pytest.mark.parametrize("metric", METRICS)
def test_filters(items: Items, metric: str) -> None:
    spread_out(items)
    rows = list(items.rows.values())
    python = [row for row in rows if row["section"] == "python"]
    check(items, metric, python, where=op("=", SECTION, text("python")), limit=20)
    big = [row for row in rows if row["size"] is not None and row["size"] > 900]
    check(items, metric, big, where=op(">", SIZE, const(900, INT8)), limit=1000)
    check(items, metric, [], where=op("=", SECTION, text("nothing")), limit=5)
    three = [row for row in rows if row["id"] in (1, 2, 3)]
    check(items, metric, three, where=bound.InList(ID, (integer(1), integer(2), integer(3))), limit=5)


def test_own_rows_are_searched_before_commit(items: Items) -> None:
    spread_out(items)
    transaction = items.storage.begin()
    committed = dict(items.rows)
    items.insert(random_rows(4, 2000, 50), transaction)
    check(items, "l2", list(items.rows.values()), limit=30, transaction=transaction)
    check(items, "l2", list(committed.values()), limit=30)
    transaction.rollback()


def test_empty_table(items: Items) -> None:
    check(items, "l2", [], limit=10)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.slow
def test_index_finds_nearly_all_and_always_enough(items: Items, metric: str) -> None:
    items.add_index(metric)
    items.insert(random_rows(5, 0, 4000, with_oddities=False))
    items.seal()
    assert build_table_index(items.storage, INDEX) == 1
    items.insert(random_rows(6, 4000, 200))
    items.delete(list(range(0, 4000, 11)))
    (status,) = index_status(items.storage, items.storage.begin())
    assert (status.rows_scanned, status.segments, status.state) == (200, 1, "ready")
    assert status.rows_served == 4000 - len(range(0, 4000, 11)) and status.size_bytes > 0
    random = np.random.default_rng(3)
    rows = list(items.rows.values())
    for where, keep in (
        (None, lambda row: True),
        (op("=", SECTION, text("rust")), lambda row: row["section"] == "rust"),
        (op("<", ID, integer(40)), lambda row: row["id"] < 40),
    ):
        matching = [row for row in rows if keep(row)]
        hits = total = 0
        for _ in range(20):
            query = random.standard_normal(DIMENSIONS).astype(np.float32)
            sql = topk([bound.SortKey(distance(metric, QUERY_PARAM))],
                       targets=(ID, distance(metric, QUERY_PARAM)), where=where, limit=10)  # fmt: skip
            context = items.context(query, settings={"enable_seqscan": "off", "hnsw.ef_search": "100"})
            found = run(sql, context)
            wanted = [key[1] for key, _ in expected_order(matching, metric, query) if key[0] == 0][:10]
            assert len(found) == len(wanted)
            hits += sum(value <= wanted[-1] + 1e-5 for _, value in found)
            total += len(wanted)
        assert hits / total > 0.95


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.slow
def test_rows_without_order_come_last_on_every_path(items: Items, metric: str) -> None:
    items.insert(random_rows(7, 0, 1500))
    items.seal()
    rows = list(items.rows.values())
    check(items, metric, rows, limit=1500)
    items.add_index(metric)
    build_table_index(items.storage, INDEX)
    check(items, metric, rows, limit=1500)
    check(items, metric, rows, limit=20, offset=1480)
    # Forced onto the index they are left out, in segments with and without an index file.
    items.insert(random_rows(8, 1500, 100))
    indexable = [
        row for row in items.rows.values()
        if row["embedding"] is not None and (metric != "cosine" or row["embedding"].any())
    ]  # fmt: skip
    check(items, metric, indexable, limit=5000, settings={"enable_seqscan": "off"})
    check(items, metric, list(items.rows.values()), limit=5000,
          settings={"enable_seqscan": "off", "enable_indexscan": "off"})  # fmt: skip


def test_query_without_direction(items: Items) -> None:
    spread_out(items)
    zero = np.zeros(DIMENSIONS, dtype=np.float32)
    query = topk([bound.SortKey(distance("cosine", QUERY_PARAM))], targets=(ID, EMBEDDING), limit=10_000)
    found = run(query, items.context(zero))
    assert len(found) == len(items.rows)
    nulls = [vector is None for _, vector in found]
    assert nulls == sorted(nulls)
    ids = [number for number, vector in found if vector is not None]
    assert ids == sorted(ids)
    assert len(run(query, items.context(None))) == len(items.rows)


@pytest.mark.slow
def test_null_query_on_the_index_returns_all_indexed_rows(items: Items) -> None:
    items.add_index("cosine")
    items.insert(random_rows(9, 0, 1200))
    items.seal()
    build_table_index(items.storage, INDEX)
    indexed = [r for r in items.rows.values() if r["embedding"] is not None and r["embedding"].any()]
    query = topk([bound.SortKey(distance("cosine", QUERY_PARAM))])
    for value in (None, np.zeros(DIMENSIONS, dtype=np.float32)):
        context = items.context(value, settings={"enable_seqscan": "off"})
        assert sorted(run(query, context)) == sorted((row["id"],) for row in indexed)


def test_further_sort_keys_break_ties_beyond_the_limit(items: Items) -> None:
    vector = np.ones(DIMENSIONS, dtype=np.float32)
    items.insert([{"id": i, "section": None, "size": -i, "embedding": vector} for i in range(50)])
    items.seal()
    items.insert([{"id": i, "section": None, "size": -i, "embedding": vector} for i in range(50, 70)])
    keys = [bound.SortKey(distance("l2", QUERY_PARAM)), bound.SortKey(SIZE)]
    assert run(topk(keys, limit=3), items.context(QUERY)) == [(69,), (68,), (67,)]
    by_row_id = topk(keys[:1], limit=3, offset=1)
    assert run(by_row_id, items.context(QUERY)) == [(1,), (2,), (3,)]


def similarity(query: bound.Expression) -> bound.Expression:
    return op("-", const(1.0, FLOAT8), distance("cosine", query))


def test_falling_expressions_sorted_descending(items: Items) -> None:
    spread_out(items)
    rows = list(items.rows.values())
    for key in (similarity(QUERY_PARAM), op("-", distance("cosine", QUERY_PARAM)),
                op("*", distance("cosine", QUERY_PARAM), const(-2.0, FLOAT8))):  # fmt: skip
        descending = bound.SortKey(key, True, True)
        assert try_island(topk([descending], limit=1)) is not None
        found = [number for (number,) in run(topk([descending]), items.context(QUERY))]
        values = {r["id"]: true_distance("cosine", r["embedding"], QUERY) for r in rows}
        kinds = [order_value(values[number])[0] for number in found]
        # Descending: NULL first, then NaN, then nearest.
        assert kinds == sorted(kinds, reverse=True)
        ranked = [values[number] for number in found if order_value(values[number])[0] == 0]
        assert ranked == pytest.approx(
            sorted(v for v in values.values() if v is not None and v == v), abs=1e-5
        )
    nulls_last = topk([bound.SortKey(fn("inner_product", EMBEDDING, QUERY_PARAM), True, False)], limit=5)
    found = [number for (number,) in run(nulls_last, items.context(QUERY))]
    wanted = [number for key, number in expected_order(rows, "ip", QUERY)][:5]
    assert found == wanted


def test_spellings_of_a_distance() -> None:
    literal = const(QUERY, VECTOR)
    typed = bound.CastExpression(QUERY_PARAM, SqlType(VECTOR.oid, DIMENSIONS), True)
    same_type = bound.CastExpression(EMBEDDING, SqlType(VECTOR.oid, DIMENSIONS), True)
    spellings = [
        op("<->", EMBEDDING, QUERY_PARAM), op("<->", QUERY_PARAM, EMBEDDING), op("<->", EMBEDDING, literal),
        op("<->", EMBEDDING, typed), op("<->", same_type, literal), fn("l2_distance", EMBEDDING, QUERY_PARAM),
        op("+", op("<->", EMBEDDING, literal), const(0.0, FLOAT8)),
    ]  # fmt: skip
    for spelling in spellings:
        assert try_island(topk([bound.SortKey(spelling)], limit=3)) is not None
    for other in (
        bound.SortKey(op("<->", EMBEDDING, literal), True, True),
        bound.SortKey(op("<->", EMBEDDING, EMBEDDING)),
        bound.SortKey(op("-", const(1.0, FLOAT8), op("<->", EMBEDDING, literal))),
        bound.SortKey(ID),
    ):
        assert try_island(topk([other], limit=3)) is None


def test_order_by_output_alias(items: Items) -> None:
    spread_out(items)
    query = topk([bound.SortKey(bound.OutputRef(1, FLOAT8))],
                 targets=(ID, distance("l1", QUERY_PARAM)), limit=4)  # fmt: skip
    found = run(query, items.context(QUERY))
    assert [value for _, value in found] == sorted(value for _, value in found)
    assert [number for number, _ in found] == [
        n for _, n in expected_order(list(items.rows.values()), "l1", QUERY)[:4]
    ]


def test_farthest_first_is_sorted_exactly(items: Items) -> None:
    spread_out(items)
    key = bound.SortKey(distance("l2", QUERY_PARAM), True, False)
    found = [number for (number,) in run(topk([key], limit=5), items.context(QUERY))]
    ranked = [(k[1], n) for k, n in expected_order(list(items.rows.values()), "l2", QUERY) if k[0] == 0]
    assert found == [number for _, number in sorted(ranked, key=lambda pair: (-pair[0], pair[1]))][:5]


def test_query_vector_from_a_subquery(items: Items) -> None:
    spread_out(items)
    inner_scan = bound.TableScan(7, TABLE, "items", scan().columns)
    inner_id = bound.ColumnRef(7, 0, "id", ID.type)
    inner_vector = bound.ColumnRef(7, 3, "embedding", EMBEDDING.type)
    inner = bound.Select(
        (bound.Target(inner_vector, "embedding"),), inner_scan, op("=", inner_id, integer(42))
    )
    scalar = bound.Subquery(bound.SubqueryKind.SCALAR, inner, SqlType(VECTOR.oid, DIMENSIONS))
    query = topk([bound.SortKey(distance("l2", scalar))], limit=5)
    target = items.rows[42]["embedding"]
    assert target is not None
    found = [number for (number,) in run(query, items.context())]
    assert found == [number for _, number in expected_order(list(items.rows.values()), "l2", target)[:5]]
    nothing = bound.Select(inner.targets, inner_scan, op("=", inner_id, integer(-1)))
    absent = bound.Subquery(bound.SubqueryKind.SCALAR, nothing, scalar.type)
    assert len(run(topk([bound.SortKey(distance("l2", absent))], limit=5), items.context())) == 5


def test_wrong_dimension_and_wrong_limits(items: Items) -> None:
    query = topk([bound.SortKey(distance("l2", QUERY_PARAM))], limit=5)
    assert run(query, items.context(np.ones(3, np.float32))) == []
    spread_out(items)
    with pytest.raises(DataException, match="different vector dimensions 8 and 3"):
        run(query, items.context(np.ones(3, np.float32)))
    with pytest.raises(InvalidRowCountInLimit):
        run(topk([bound.SortKey(distance("l2", QUERY_PARAM))], limit=-1), items.context(QUERY))
    with pytest.raises(InvalidRowCountInOffset):
        run(topk([bound.SortKey(ID)], offset=-1), items.context())


def test_notices_say_why_an_index_cannot_serve(items: Items) -> None:
    items.add_index("cosine")
    items.insert(random_rows(1, 0, 20))
    run(topk([bound.SortKey(distance("l2", QUERY_PARAM))], limit=5), items.context(QUERY))
    run(topk([bound.SortKey(distance("cosine", QUERY_PARAM), True, True)], limit=5), items.context(QUERY))
    run(topk([bound.SortKey(distance("cosine", QUERY_PARAM))], limit=5), items.context(QUERY))
    run(topk([bound.SortKey(op("<=>", EMBEDDING, EMBEDDING))], limit=5), items.context(QUERY))
    assert items.session.notices == [
        'index "items_idx" cannot serve this query: it orders by <=> and the query by <->',
        'index "items_idx" cannot serve this query: it returns the nearest rows first and the query asks for the farthest',
        'index "items_idx" cannot serve this query: the query does not order by the distance of the column to one vector',
    ]  # fmt: skip


def test_cancelled_statement_stops(items: Items) -> None:
    spread_out(items)
    context = items.context(QUERY)
    context.cancel_token.cancel()
    with pytest.raises(Exception, match="canceling statement"):
        run(topk([bound.SortKey(distance("l2", QUERY_PARAM))], limit=5), context)


def test_plans_hold_no_snapshot(items: Items) -> None:
    plan = plan_statement(topk([bound.SortKey(distance("l2", QUERY_PARAM))], limit=100_000))
    assert not list(plan.execute(items.context(QUERY)).batches())
    items.insert(random_rows(1, 0, 30))
    execution = plan.execute(items.context(QUERY))
    assert sum(batch.num_rows for batch in execution.batches()) == execution.row_count == 30


def test_range_condition_with_order(items: Items) -> None:
    spread_out(items)
    where = all_of(op("<", distance("l2", QUERY_PARAM), const(3.0, FLOAT8)), op("=", SECTION, text("libs")))
    rows = [
        row for row in items.rows.values()
        if row["section"] == "libs" and (true_distance("l2", row["embedding"], QUERY) or 9) < 3
    ]  # fmt: skip
    check(items, "l2", rows, where=where, limit=50)
