"""Goal: rows in memory are served by a graph of their own that sealing and merging hand on; answers stay complete.

Method: a table with an index, a keeper driven by hand, and brute force over the rows as oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.errors import OutOfMemory, UndefinedObject
from planner.vector import (
    GraphKeeper,
    build_table_index,
    index_status,
    inherited_indexes,
)
from planner.vector.growing_graphs import GROWING, SCANNED_ROWS_MAX
from planner.vector.index_cache import INDEXES
from tests.planner.stored_items import DIMENSIONS, INDEX, TABLE, Items

ROWS = 3000


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    assert vecengine.warm_up()


@pytest.fixture
def items(tmp_path: Path) -> Iterator[Items]:
    items = Items(tmp_path / "db")
    items.add_index("l2")
    yield items
    items.close()


@pytest.fixture
def keeper(items: Items) -> Iterator[GraphKeeper]:
    keeper = GraphKeeper(items.storage)
    yield keeper
    keeper.close()
    assert items.memory.held().get("growing graphs", 0) == 0


def add_rows(items: Items, first: int, count: int) -> None:
    rng = np.random.default_rng(first)
    items.insert(
        [
            {
                "id": first + n,
                "section": "s",
                "size": n,
                "embedding": rng.normal(size=DIMENSIONS).astype("f4"),
            }
            for n in range(count)
        ]
    )


def searched(items: Items, query: Any, k: int = 10) -> list[tuple[float, int]]:
    """(distance, id) through what serves each segment, all merged."""
    found: list[tuple[float, int]] = []
    transaction = items.storage.begin(read_only=True)
    for segment in transaction.table_view(TABLE).segments:
        index = INDEXES.get(segment, items.index(), items.memory)
        vectors, _ = segment.vectors(4)
        if index is None:
            distances, offsets = vecengine.exact_search(
                vectors, query, k, metric="l2", allowed_bits=segment.visible_bits
            )
        else:
            distances, offsets = index.search(query, k, segment.visible_bits, 100)
        ids = segment.column(1).to_numpy()
        found += [(d, int(ids[o])) for d, o in zip(distances[0].tolist(), offsets[0]) if o >= 0]
    transaction.rollback()
    return sorted(found)[:k]


def recall(items: Items) -> float:
    rng = np.random.default_rng(0)
    ids = np.array(sorted(items.rows))
    vectors = np.stack([items.rows[number]["embedding"] for number in ids])
    hits = []
    for query in rng.normal(size=(30, DIMENSIONS)).astype("f4"):
        nearest = ids[np.argsort(((vectors - query) ** 2).sum(axis=1))[:10]]
        answer = searched(items, query[None])
        assert len(answer) == 10
        hits.append(len(set(nearest.tolist()) & {number for _, number in answer}) / 10)
    return float(np.mean(hits))


def status(items: Items) -> Any:
    transaction = items.storage.begin(read_only=True)
    (row,) = index_status(items.storage, transaction)
    transaction.rollback()
    return row


def test_a_few_rows_get_no_graph(items: Items, keeper: GraphKeeper) -> None:
    add_rows(items, 0, SCANNED_ROWS_MAX)
    keeper.grow(items.index())
    assert status(items).rows_served == 0


def test_an_index_that_was_dropped_with_its_table_is_left_alone(items: Items, keeper: GraphKeeper) -> None:
    """Background work looks at the catalog first and at the rows a moment later."""
    add_rows(items, 0, ROWS)
    index = items.index()
    with items.storage.begin() as transaction:
        transaction.drop(index.oid)
        transaction.drop(index.table_oid)
        transaction.commit()
    keeper.grow(index)
    with pytest.raises(UndefinedObject):
        build_table_index(items.storage, index.oid)


def test_growing_rows_are_served_but_for_the_newest(items: Items, keeper: GraphKeeper) -> None:
    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    assert status(items).rows_served == ROWS
    older = items.storage.begin(read_only=True)
    add_rows(items, ROWS, 500)
    assert (status(items).rows_served, status(items).rows_scanned) == (ROWS, 500)
    assert recall(items) > 0.95
    add_rows(items, ROWS + 500, 501)
    keeper.grow(items.index())
    assert status(items).rows_served == ROWS + 1000
    items.delete(range(900))
    assert recall(items) > 0.95
    # A snapshot from before sees its own rows alone, through a graph that has grown past it.
    (segment,) = older.table_view(TABLE).segments
    index = INDEXES.get(segment, items.index(), items.memory)
    assert index is not None
    _, offsets = index.search(np.zeros((1, DIMENSIONS), dtype="f4"), ROWS + 10, None, 100)
    assert np.array_equal(np.unique(offsets[0][offsets[0] >= 0]), np.arange(ROWS))
    older.rollback()


def test_sealing_hands_the_graph_on(items: Items, keeper: GraphKeeper) -> None:
    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    items.delete(range(100))
    items.seal()
    (segment,) = items.storage.begin(read_only=True).table_view(TABLE).segments
    source = keeper.source_for(segment, items.index())
    assert source is not None and np.count_nonzero(source.moved_to < 0) == 100
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 1
    assert status(items).rows_served == ROWS - 100 and recall(items) > 0.95
    build_table_index(items.storage, INDEX, keeper=keeper)
    assert items.memory.held().get("growing graphs", 0) == 0, "the grown graph is let go"


def test_a_merge_extends_the_largest_graph(items: Items, keeper: GraphKeeper) -> None:
    for first, count in ((0, ROWS), (ROWS, 1500)):
        add_rows(items, first, count)
        items.seal()
        build_table_index(items.storage, INDEX, keeper=keeper)
    build_table_index(items.storage, INDEX, keeper=keeper)
    items.storage.merge_segments(TABLE)
    (segment,) = items.storage.begin(read_only=True).table_view(TABLE).segments
    source = keeper.source_for(segment, items.index())
    assert source is not None and source.moved_to.size == ROWS
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 1
    assert recall(items) > 0.95


def inherit(items: Items, keeper: GraphKeeper) -> None:
    """What background work does: successors of segments come with the graphs of those."""
    items.storage.start_background(
        lambda table_oid, segment, sources: inherited_indexes(
            items.storage, keeper, table_oid, segment, sources
        ),
        0,
    )


def test_a_sealed_segment_comes_with_its_graph(items: Items, keeper: GraphKeeper) -> None:
    inherit(items, keeper)
    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    items.seal()
    assert (status(items).rows_served, status(items).state) == (ROWS, "ready")
    assert recall(items) > 0.95
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 0


def test_few_graphs_remain_and_serve_meanwhile(items: Items, keeper: GraphKeeper) -> None:
    inherit(items, keeper)
    for number in range(6):
        add_rows(items, number * 1200, 1200)
        keeper.grow(items.index())
        items.seal()
        build_table_index(items.storage, INDEX, keeper=keeper)
        items.storage.compact_table(TABLE)
        row = status(items)
        assert row.segments <= 3 and row.rows_served == (number + 1) * 1200, "never without a graph"
    assert recall(items) > 0.95


def test_a_graph_that_outgrew_the_view_of_its_rows_is_inherited(items: Items, keeper: GraphKeeper) -> None:
    """The keeper's view of the rows is older than the graph when another thread asks for it."""
    inherit(items, keeper)
    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    add_rows(items, ROWS, ROWS)
    (segment,) = items.storage.begin(read_only=True).table_view(TABLE).segments
    GROWING.extend(segment, items.index(), items.memory, None)
    items.seal()
    assert status(items).rows_served == 2 * ROWS and recall(items) > 0.95


def test_a_graph_that_cannot_be_inherited_is_built_later(items: Items, keeper: GraphKeeper) -> None:
    def refuse(table_oid: int, segment: Any, sources: Any) -> Any:
        raise OutOfMemory("out of memory")

    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    items.storage.start_background(refuse, 0)
    items.seal()
    assert (status(items).rows_served, status(items).state) == (0, "building")
    assert build_table_index(items.storage, INDEX, keeper=keeper) == 1
    assert status(items).rows_served == ROWS


def test_the_keeper_tells_of_sealed_rows_without_a_graph(items: Items, keeper: GraphKeeper) -> None:
    """As a transaction leaves them that wrote a segment itself."""
    add_rows(items, 0, ROWS)
    assert not keeper.grow(items.index()), "the rows are in memory"
    items.seal()
    assert keeper.grow(items.index())
    build_table_index(items.storage, INDEX, keeper=keeper)
    assert not keeper.grow(items.index())


def test_an_index_that_is_dropped_meanwhile_leaves_no_file(items: Items, keeper: GraphKeeper) -> None:
    def drop_and_build(table_oid: int, segment: Any, sources: Any) -> Any:
        found = inherited_indexes(items.storage, keeper, table_oid, segment, sources)
        assert list(found) == [INDEX]
        transaction = items.storage.begin()
        transaction.drop(INDEX)
        transaction.commit()
        return found

    add_rows(items, 0, ROWS)
    keeper.grow(items.index())
    items.storage.start_background(drop_and_build, 0)
    items.seal()
    assert not list(Path(items.storage.path).rglob("*.index"))
    assert items.storage.begin().table_view(TABLE).row_count == ROWS
