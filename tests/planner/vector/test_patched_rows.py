"""Goal: rows whose scalars are updated keep their graph, and what is read through it is new.

Method: a sealed table with an index, updated column by column; brute force over the rows as oracle, and the graph's
file as witness that nothing was built.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import vecengine
from foundation.sqltypes import INT8
from planner import bound
from planner.vector import GraphKeeper, build_table_index, inherited_indexes
from tests.planner.stored_items import (
    DIMENSIONS,
    INDEX,
    PRIMARY,
    SIZE,
    TABLE,
    VECTOR_8,
    Items,
    distance,
    run,
    topk,
)
from tests.planner.trees import const, op, param
from tests.planner.vector.test_growing_graphs import ROWS, add_rows, recall, status

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    assert vecengine.warm_up()


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    items = Items(tmp_path / "db")
    items.add_index("l2")
    add_rows(items, 0, ROWS)
    items.seal()
    yield items
    items.close()


def resize(items: Items, ids: range, size: int) -> None:
    """UPDATE items SET size = ... WHERE id in `ids`."""
    transaction = items.storage.begin()
    keys = pa.RecordBatch.from_arrays([pa.array(ids, pa.int32())], names=["1"])
    row_ids = transaction.lookup_key(PRIMARY, keys)
    sizes = pa.RecordBatch.from_arrays([pa.array([size] * len(ids), pa.int64())], names=["3"])
    transaction.update(TABLE, np.asarray(row_ids, dtype=np.uint64), sizes)
    transaction.commit()
    for number in ids:
        items.rows[number]["size"] = size


def nearest_of_size(items: Items, size: int, seed: int) -> tuple[set[int], set[int]]:
    """Ids of the ten nearest rows of a size to a random vector: through the planner, and by brute force."""
    query = np.random.default_rng(seed).normal(size=DIMENSIONS).astype("f4")
    sql = topk(
        [bound.SortKey(distance("l2", param(0, VECTOR_8)))], where=op("=", SIZE, const(size, INT8)), limit=10
    )
    found = run(sql, items.context(query, settings={"hnsw.ef_search": "200"}))
    rows = [row for row in items.rows.values() if row["size"] == size]
    rows.sort(key=lambda row: float(((row["embedding"] - query) ** 2).sum()))
    return {row[0] for row in found}, {row["id"] for row in rows[:10]}


def hit_share(items: Items, size: int) -> float:
    """Share of the true neighbours among rows of a size that are found."""
    pairs = [nearest_of_size(items, size, seed) for seed in range(20)]
    assert all(len(found) == len(wanted) for found, wanted in pairs)
    wanted_count = sum(len(wanted) for _, wanted in pairs)
    return sum(len(found & wanted) for found, wanted in pairs) / max(wanted_count, 1)


def test_updated_rows_keep_their_graph(items: Items) -> None:
    assert build_table_index(items.storage, INDEX) == 1
    before = recall(items)
    for size, ids in ((-1, range(ROWS)), (-2, range(0, ROWS, 3)), (-3, range(300))):
        resize(items, ids, size)
        assert (status(items).rows_served, status(items).rows_scanned) == (ROWS, 0)
        # Asked twice: filters are cached from their second use, by what the rows hold now.
        for _ in range(2):
            assert hit_share(items, size) > 0.95
    assert recall(items) == before
    assert build_table_index(items.storage, INDEX) == 0
    assert hit_share(items, -1) > 0.95


def test_own_updates_are_searched_before_commit(items: Items) -> None:
    assert build_table_index(items.storage, INDEX) == 1
    transaction = items.storage.begin()
    keys = pa.RecordBatch.from_arrays([pa.array(range(100), pa.int32())], names=["1"])
    row_ids = np.asarray(transaction.lookup_key(PRIMARY, keys), dtype=np.uint64)
    sizes = pa.RecordBatch.from_arrays([pa.array([-7] * 100, pa.int64())], names=["3"])
    transaction.update(TABLE, row_ids, sizes)
    query = items.rows[5]["embedding"]
    sql = topk(
        [bound.SortKey(distance("l2", param(0, VECTOR_8)))], where=op("=", SIZE, const(-7, INT8)), limit=200
    )
    assert len(run(sql, items.context(query, transaction=transaction))) == 100
    assert run(sql, items.context(query, transaction=transaction))[0] == (5,)
    assert run(sql, items.context(query)) == []
    transaction.rollback()


@pytest.mark.parametrize("patched_meanwhile", [False, True])
def test_a_merge_of_patched_rows_inherits_their_graph(items: Items, patched_meanwhile: bool) -> None:
    keeper = GraphKeeper(items.storage)
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 1
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 0
    resize(items, range(0, ROWS, 2), -1)

    def heir(table_oid: int, segment: Any, sources: Any) -> Any:
        found = inherited_indexes(items.storage, keeper, table_oid, segment, sources)
        source = keeper.source_for(segment, items.index())
        assert source is not None and np.count_nonzero(source.moved_to >= 0) == ROWS
        if patched_meanwhile:
            resize(items, range(0, ROWS, 5), -2)
        return found

    items.storage.start_background(heir, 0)
    items.storage.merge_segments(TABLE)
    assert (status(items).rows_served, status(items).rows_scanned) == (ROWS, 0)
    assert recall(items) > 0.95 and hit_share(items, -1) > 0.95
    assert not patched_meanwhile or hit_share(items, -2) > 0.95
    keeper.close()
