"""Goal: a batch of searches returns, row for row, what each of its searches returns by itself.

Method: `search_topk` is the oracle. NULL, zero and ordinary queries over sealed segments, growing and own rows with NULL and
zero vectors, duplicates and deletions; metrics, orders, filters, limits, threads and blocks are crossed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foundation.errors import DataException, QueryCanceled
from foundation.sqltypes import INT8, VECTOR
from planner import bound
from planner.native import native_node
from planner.nodes import VectorTopK
from planner.vector import build_table_index, search_batch
from planner.vector.search_batch import BatchQueries, BatchRows
from planner.vector.topk import prepare_topk, search_topk, with_query
from tests.planner.stored_items import (
    DIMENSIONS,
    EMBEDDING,
    ID,
    INDEX,
    SECTION,
    Items,
    distance,
    random_rows,
    topk,
)
from tests.planner.trees import const, op, text

RNG = np.random.default_rng(5)
VECTORS = RNG.standard_normal((13, DIMENSIONS)).astype(np.float32)
DUPLICATE = random_rows(1, 0, 1)[0]["embedding"]
"""Many rows of the table are equal to it."""
QUERIES: list[Any] = [*VECTORS, None, np.zeros(DIMENSIONS, dtype=np.float32), DUPLICATE, *VECTORS[:3]]


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    table = Items(tmp_path / "data")
    table.insert(random_rows(1, 0, 400))
    table.seal()
    table.insert(random_rows(2, 400, 300))
    table.seal()
    table.insert(random_rows(3, 700, 100))
    table.delete([0, 5, 399, 400, 650, 701, 799])
    yield table
    table.close()


def nodes(metric: str, order: str, **clauses: Any) -> list[VectorTopK]:
    """The search for each of the queries."""
    found = []
    for query in QUERIES:
        near = distance(metric, const(query, VECTOR))
        keys = {
            "distance": [bound.SortKey(near)],
            "ties": [bound.SortKey(near), bound.SortKey(ID, is_descending=True)],
            "falling": [bound.SortKey(op("-", near), is_descending=True, nulls_first=True)],
            "nulls first": [bound.SortKey(near, nulls_first=True)],
        }
        node = native_node(topk(keys[order], **clauses))
        assert isinstance(node, VectorTopK)
        found.append(node)
    return found


def batch_of(metric: str) -> BatchQueries:
    places = [
        i for i, query in enumerate(QUERIES) if query is not None and (query.any() or metric != "cosine")
    ]
    return BatchQueries(len(QUERIES), np.stack([QUERIES[i] for i in places]), np.array(places))


def batched(asked: list[VectorTopK], metric: str, context: Any, threads: int = 2) -> BatchRows:
    prepared = prepare_topk(asked[0], context)
    return search_batch.search_batch(
        prepared,
        batch_of(metric),
        lambda i: with_query(prepared, asked[i], QUERIES[i]),
        threads=threads,
    )


def check(asked: list[VectorTopK], metric: str, context: Any) -> None:
    found = batched(asked, metric, context)
    stops = np.cumsum(found.counts)
    for number, node in enumerate(asked):
        expected = search_topk(prepare_topk(node, context))
        rows = found.rows.slice(int(stops[number] - found.counts[number]), int(stops[number]))
        assert rows.row_ids().tolist() == expected.row_ids().tolist(), number


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "order"),
    [
        ("l2", "distance"),
        ("cosine", "distance"),
        ("l1", "ties"),
        ("cosine", "falling"),
        ("ip", "falling"),
        ("ip", "nulls first"),
    ],
)
def test_scanned_segments(items: Items, metric: str, order: str) -> None:
    transaction = items.storage.begin()
    items.insert(random_rows(4, 2000, 30), transaction)
    context = items.context(transaction=transaction)
    for limit, offset in ((1, 0), (3, 5), (900, 0)):
        check(nodes(metric, order, limit=limit, offset=offset), metric, context)
    has_vector = bound.IsNull(EMBEDDING, is_negated=True)
    for limit in (4, 900):
        check(nodes(metric, order, limit=limit, where=has_vector), metric, context)
    transaction.rollback()


@pytest.mark.parametrize("clauses", [{}, {"limit": 0}, {"limit": 2, "offset": 5000}])
def test_limits_that_leave_nothing_to_a_batch(items: Items, clauses: dict[str, int]) -> None:
    check(nodes("l2", "distance", **clauses), "l2", items.context())
    nothing = op("=", SECTION, text("nothing"))
    check(nodes("l2", "distance", where=nothing, **clauses), "l2", items.context())
    check(nodes("l2", "distance", where=op("=", SECTION, text("rust")), **clauses), "l2", items.context())


@pytest.mark.slow
def test_searched_and_scanned_segments(items: Items) -> None:
    metric = "cosine"
    items.add_index(metric)
    items.insert(random_rows(5, 3000, 1500))
    items.seal()
    assert build_table_index(items.storage, INDEX) >= 1
    items.insert(random_rows(6, 6000, 40))
    for switch in ("on", "off"):
        context = items.context(settings={"hnsw.ef_search": "1000", "enable_seqscan": switch})
        for order in ("distance", "ties", "falling", "nulls first"):
            check(nodes(metric, order, limit=6), metric, context)
    context = items.context(settings={"hnsw.ef_search": "30"})
    few = nodes(metric, "distance", limit=6)
    assert any(search.strategy.name != "exact" for search in prepare_topk(few[0], context).searches)
    one, many = (batched(few, metric, context, threads).rows.row_ids() for threads in (1, 3))
    assert one.tolist() == many.tolist()


def test_one_call_a_segment_and_block(items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, calls = nodes("l2", "distance", limit=3), []
    scan = search_batch.vecengine.exact_search

    def counted(vectors: Any, queries: Any, *arguments: Any, **more: Any) -> Any:
        calls.append(len(queries))
        return scan(vectors, queries, *arguments, **more)

    monkeypatch.setattr(search_batch.vecengine, "exact_search", counted)
    rows = batched(asked, "l2", items.context()).rows
    blocks = -(-(len(QUERIES) - 1) // 16)
    segments = len(items.storage.begin().table_view(30001).segments)
    # The one for NULL compares nothing.
    assert len(calls) == blocks * segments and max(calls) == 16
    monkeypatch.setattr(search_batch, "_BLOCK_BYTES", 1)
    calls.clear()
    assert batched(asked, "l2", items.context()).rows.row_ids().tolist() == rows.row_ids().tolist()
    assert set(calls) == {1}


def test_errors(items: Items) -> None:
    asked = nodes("l2", "distance", limit=3)
    prepared = prepare_topk(asked[0], items.context())
    with pytest.raises(DataException, match="different vector dimensions 8 and 2"):
        with_query(prepared, asked[0], np.zeros(2, dtype=np.float32))
    context = items.context()
    prepared = prepare_topk(replace(asked[0], limit=const(2, INT8)), context)
    context.cancel_token.cancel()
    for threads in (1, 2):
        with pytest.raises(QueryCanceled):
            search_batch.search_batch(prepared, batch_of("l2"), lambda _: prepared, threads=threads)
