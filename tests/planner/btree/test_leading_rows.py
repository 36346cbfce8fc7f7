"""Goal: ORDER BY ... LIMIT through an index returns the rows that sorting the whole table returns, in their order.

Method: every indexed type, both directions, NULLs at either end, ties that further keys and the row order decide, filters that
let many, few and no rows pass, deleted rows; each compared with the sort (`enable_indexscan = off`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foundation.bitset import RowOffsets
from foundation.sqltypes import INT8, TEXT
from planner import bound, plan_statement
from planner.btree.leading_rows import LOOKED_AT_SHARE, leading_rows
from planner.evaluate import FilterSources
from planner.leading_selection import WANTED_MAX, leading_selection
from planner.nodes import SeqScan, Sort
from tests.planner.btree.indexed_table import NAMES, ROWS, SCAN, TABLE, Indexed, column_of
from tests.planner.trees import all_of, any_of, const, integer, op

ID = column_of("int8")


@pytest.fixture
def indexed(tmp_path: Path) -> Iterator[Indexed]:
    table = Indexed(tmp_path / "data")
    yield table
    table.storage.close()


def query(
    keys: tuple[bound.SortKey, ...], limit: int, offset: int = 0, where: bound.Expression | None = None
) -> bound.Select:
    targets = tuple(bound.Target(column_of(name), name) for name in ("int4", "text", "float8", "numeric"))
    bounds = (const(limit, INT8), const(offset, INT8))
    return bound.Select(targets, SCAN, where, order_by=keys, limit=bounds[0], offset=bounds[1])


def rows(indexed: Indexed, select: bound.Select, **settings: str) -> list[Any]:
    context = indexed.context(settings=settings)
    found: list[Any] = []
    for batch in plan_statement(select).execute(context).batches():
        found += zip(*(column.to_pylist() for column in batch.columns), strict=True)
    return found


def compare(indexed: Indexed, select: bound.Select) -> None:
    wanted = rows(indexed, select, enable_indexscan="off")
    # NaN is not itself.
    assert repr(rows(indexed, select)) == repr(wanted)


def leading(
    indexed: Indexed, key: bound.SortKey, wanted: int, where: bound.Expression | None = None
) -> RowOffsets | None:
    context = indexed.context(settings={})
    return leading_rows(indexed.segment, key, wanted, scan=SCAN, predicate=where, context=context)


def is_served(
    indexed: Indexed, key: bound.SortKey, limit: int, where: bound.Expression | None = None
) -> bool:
    return leading(indexed, key, limit, where) is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_type_in_every_direction(indexed: Indexed, name: str) -> None:
    for is_descending in (False, True):
        for nulls_first in (False, True):
            key = bound.SortKey(column_of(name), is_descending, nulls_first)
            for limit, offset in ((1, 0), (7, 3), (100, 0), (5, 290)):
                compare(indexed, query((key,), limit, offset))
                compare(indexed, query((key, bound.SortKey(ID, True)), limit, offset))


def test_filters(indexed: Indexed) -> None:
    key = bound.SortKey(column_of("int4"))
    number = column_of("int2")
    for where in (
        op(">", number, integer(-30)),
        op("=", number, integer(3)),
        op("=", number, integer(999)),
        op("<>", column_of("text"), const("a", column_of("text").type)),
        all_of(op("<>", number, integer(5)), op(">", column_of("int4"), integer(0))),
    ):
        compare(indexed, query((key,), 5, where=where))
        compare(indexed, query((key, bound.SortKey(column_of("text"), True)), 5, 2, where))


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize("nulls_first", [False, True])
def test_filters_of_the_column_itself(indexed: Indexed, is_descending: bool, nulls_first: bool) -> None:
    number = column_of("int4")
    key = bound.SortKey(number, is_descending, nulls_first)
    for where in (
        op("<=", number, integer(0)),
        op(">", number, integer(250)),
        all_of(
            op(">=", number, integer(-7)),
            op("<>", column_of("int2"), integer(3)),
            op("<", number, integer(9)),
        ),
        op("=", number, integer(3)),
        op("=", number, integer(999)),
        bound.InList(number, (integer(1), integer(200))),
        bound.IsNull(number),
        bound.IsNull(number, is_negated=True),
        all_of(op("~~", column_of("text"), const("a%", TEXT)), op("<", number, integer(9))),
        any_of(op("<", number, integer(-200)), op(">", number, integer(200))),
    ):
        for limit in (1, 40, 300):
            compare(indexed, query((key,), limit, where=where))
            compare(indexed, query((key, bound.SortKey(ID)), limit, 2, where))
    assert is_served(indexed, key, 5, op("<=", number, integer(0))), "it begins where the filter does"
    text = bound.SortKey(column_of("text"), is_descending, nulls_first)
    for pattern in ("a%", "ab%", "a_", "é%"):
        compare(indexed, query((text, key), 50, where=op("~~", column_of("text"), const(pattern, TEXT))))


def test_where_the_order_is_of_use(indexed: Indexed) -> None:
    key = bound.SortKey(column_of("int4"))
    assert is_served(indexed, key, 5)
    assert not is_served(indexed, key, ROWS // LOOKED_AT_SHARE), "as many rows as that are sorted"
    assert not is_served(indexed, bound.SortKey(column_of("bool")), 1), "too many are equal"
    assert is_served(indexed, bound.SortKey(column_of("int4"), nulls_first=True), 5), "so many are NULL"
    never = op("<>", column_of("int4"), column_of("int4"))
    assert not is_served(indexed, key, 5, never), "it would go through all rows"
    assert not is_served(indexed, bound.SortKey(op("+", column_of("int4"), integer(1))), 5)
    assert WANTED_MAX > ROWS // LOOKED_AT_SHARE


def test_deleted_rows_do_not_count(indexed: Indexed) -> None:
    key = bound.SortKey(column_of("int4"))
    first = leading(indexed, key, 100)
    assert first is not None
    with indexed.storage.begin() as transaction:
        transaction.delete(TABLE, indexed.segment.row_ids[first])
        transaction.commit()
    indexed.segment = indexed.view()
    for limit in (1, 50, 200):
        compare(indexed, query((key,), limit))
    second = leading(indexed, key, 5)
    assert second is not None and not np.isin(second, first).any()


def test_statistics_know_the_index(indexed: Indexed) -> None:
    node = Sort(SeqScan(SCAN), (bound.SortKey(column_of("int4")),))
    found = leading_selection(node, 5, indexed.context(settings={}))
    assert found is not None and found.is_ordered
    assert found.sources == FilterSources(index_rows={found.index_oid: len(found.rows)})
    assert leading_selection(node, None, indexed.context(settings={})) is None
    assert leading_selection(node, WANTED_MAX + 1, indexed.context(settings={})) is None
