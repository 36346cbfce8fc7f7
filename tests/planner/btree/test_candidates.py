"""Goal: a filter through indexes selects the rows that the scan selects, whatever the types, operators and shape, and goes
through them exactly where it may and pays.

Method: one table with a column of every indexed type and an index on each; every operator with every awkward value, and
random trees of AND and OR, are compared with the scan (`enable_indexscan = off`), whose answers other tests compare with
PostgreSQL's.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import DivisionByZero
from foundation.sqltypes import BOOL, INT4, INT8, TEXT, array_type
from planner import bound
from planner.btree import build_btree_index
from planner.btree.candidates import candidate_rows
from planner.btree.conditions import LIST_MAX, column_test, column_values
from planner.evaluate import FilterSources
from planner.evaluate.bitset_cache import BITSETS
from planner.evaluate.filters import few_rows
from storage.catalog import Index, IndexKey
from tests.planner.btree.column_values import POOLS
from tests.planner.btree.indexed_table import (
    FIRST_INDEX,
    NAMES,
    ROWS,
    SCAN,
    TABLE,
    Indexed,
    column_of,
    constant,
    operand,
)
from tests.planner.trees import all_of, any_of, cast, const, fn, integer, op, param, text

COMPARISONS = ("=", "<", "<=", ">", ">=")


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    table = Indexed(tmp_path_factory.mktemp("indexed") / "data")
    yield table
    table.storage.close()
    BITSETS.clear()


@pytest.mark.parametrize("name", NAMES)
def test_comparisons_with_every_value(indexed: Indexed, name: str) -> None:
    sql_type, pool = POOLS[name]
    chosen = pool if len(pool) < 40 else [*pool[:: len(pool) // 20], *pool[-2:]]
    for value in [*chosen, None]:
        for operator in COMPARISONS:
            rows = indexed.compare(op(operator, operand(name), constant(value, sql_type)))
            assert not rows or value is not None
            indexed.compare(op(operator, constant(value, sql_type), operand(name)))


@pytest.mark.parametrize("name", NAMES)
def test_nulls_lists_and_parameters(indexed: Indexed, name: str) -> None:
    sql_type, pool = POOLS[name]
    for is_negated in (False, True):
        indexed.compare(bound.IsNull(column_of(name), is_negated))
    items = tuple(constant(value, sql_type) for value in (pool[0], None, pool[-1]))
    rows = indexed.compare(bound.InList(column_of(name), items[:1] + items[2:]), uses=True)
    assert rows == indexed.compare(bound.InList(column_of(name), items))
    indexed.compare(bound.InList(column_of(name), items, is_negated=True), uses=False)
    assert rows == indexed.compare(
        any_of(*(op("=", operand(name), param(i, constant(None, sql_type).type)) for i in range(2))),
        pool[0],
        pool[-1],
    )


def test_types_of_a_family(indexed: Indexed) -> None:
    for value in (7, -32768, 40_000, 1 << 40):
        for operator in COMPARISONS:
            indexed.compare(op(operator, column_of("int2"), const(value, INT8)))
    for value in (1.5, 0.1, float("nan"), 1e300):
        for operator in COMPARISONS:
            indexed.compare(op(operator, column_of("float4"), const(value, POOLS["float8"][0])))
    renamed = cast(column_of("varchar"), TEXT)
    assert indexed.compare(op(">=", renamed, text("é")))
    indexed.compare(op("=", column_of("date"), const(0, POOLS["timestamptz"][0])), uses=False)
    indexed.compare(
        op("=", cast(column_of("int4"), POOLS["numeric"][0]), const("1.5", POOLS["numeric"][0])), uses=False
    )


@pytest.mark.parametrize("name", ["text", "varchar"])
def test_prefixes(indexed: Indexed, name: str) -> None:
    for pattern in (
        "a%",
        "a",
        "",
        "a\\%%",
        "a_%",
        "日%",
        "é%",
        "\U0010ffff%",
        "\ud7ff%",
        "b%b",
        "A\\\\%",
        None,
    ):
        indexed.compare(op("~~", operand(name), text(pattern)))
    assert indexed.compare(op("~~", operand(name), text("a%")))
    for pattern in ("%", "%a", "_a%"):
        indexed.compare(op("~~", operand(name), text(pattern)), uses=False)
    assert indexed.compare(fn("starts_with", operand(name), text("a%")))
    indexed.compare(op("~~", column_of("char"), const("a%", TEXT)), uses=False)


def test_booleans(indexed: Indexed) -> None:
    yes = indexed.compare(column_of("bool"))
    no = indexed.compare(bound.Not(column_of("bool")))
    assert yes and no and len(yes) + len(no) < ROWS
    assert yes == indexed.compare(op("=", column_of("bool"), const(True, BOOL)))


def test_tests_of_one_column_have_a_span_in_common(indexed: Indexed) -> None:
    number = column_of("int4")
    predicate = all_of(
        op(">=", number, integer(10)), op("~~", column_of("text"), text("%")), op("<", number, integer(12))
    )
    found = candidate_rows(predicate, indexed.segment, SCAN, indexed.context())
    assert found is not None and found.index_oids == (FIRST_INDEX + number.position + 1,)
    assert found.count < 50 and found.rest == (predicate.arguments[1],)
    assert found.conditions == (predicate.arguments[0], predicate.arguments[2])
    assert indexed.compare(predicate)
    assert indexed.compare(all_of(op(">", number, integer(12)), op("<", number, integer(10)))) == []
    assert indexed.compare(all_of(op("=", number, integer(3)), bound.IsNull(number))) == []


def test_random_trees(indexed: Indexed) -> None:
    chance = random.Random(5)

    def leaf() -> bound.Expression:
        name = chance.choice(NAMES)
        sql_type, pool = POOLS[name]
        value = constant(chance.choice(pool), sql_type)
        kind = chance.random()
        if kind < 0.1:
            return bound.IsNull(column_of(name), chance.random() < 0.5)
        if kind < 0.2:
            others = (constant(chance.choice(pool), sql_type), constant(None, sql_type))
            return bound.InList(column_of(name), (value, *others), chance.random() < 0.2)
        if kind < 0.3:
            pattern = chance.choice(["a%", "%b", "a_%", "é%", ""])
            return op("~~", column_of("text"), text(pattern))
        return op(chance.choice((*COMPARISONS, "<>")), operand(name), value)

    def tree(depth: int) -> bound.Expression:
        if not depth or chance.random() < 0.2:
            return leaf()
        parts = [tree(depth - 1) for _ in range(chance.randint(2, 3))]
        return bound.Not(parts[0]) if chance.random() < 0.1 else chance.choice((all_of, any_of))(*parts)

    used = 0
    for _ in range(300):
        predicate = tree(3)
        indexed.compare(predicate, uses=None)
        used += candidate_rows(predicate, indexed.segment, SCAN, indexed.context()) is not None
    assert used > 100


def test_where_an_index_is_used(indexed: Indexed) -> None:
    number, name = column_of("int4"), column_of("text")
    selective, wide = op("=", number, integer(3)), op(">", number, integer(-200))
    usual = indexed.context(settings={})
    assert candidate_rows(selective, indexed.segment, SCAN, usual) is not None
    assert candidate_rows(wide, indexed.segment, SCAN, usual) is None, "the scan is faster"
    assert candidate_rows(wide, indexed.segment, SCAN, indexed.context()) is not None
    off = indexed.context(settings={"enable_indexscan": "off", "enable_seqscan": "off"})
    assert candidate_rows(selective, indexed.segment, SCAN, off) is None
    many = bound.InList(number, tuple(integer(i) for i in range(100)))
    assert candidate_rows(many, indexed.segment, SCAN, usual) is None, "as many searches as a scan takes"
    unindexed = op("<>", name, text("a"))
    assert candidate_rows(any_of(selective, unindexed), indexed.segment, SCAN, usual) is None
    found = candidate_rows(all_of(unindexed, selective), indexed.segment, SCAN, usual)
    assert found is not None and found.rest == (unindexed,)
    assert (
        candidate_rows(
            op("=", column_of("int8"), op("/", const(1, INT8), const(0, INT8))), indexed.segment, SCAN, usual
        )
        is None
    )


def test_long_lists_are_not_gone_through(indexed: Indexed) -> None:
    number, numbers, kind = column_of("int4"), list(range(LIST_MAX + 1)), array_type(INT4)
    equality = op("=", number, integer(1)).function
    arrays = (const(numbers, kind), param(0, kind), bound.QueryResult(pa.array(numbers, pa.int32()), kind))
    for array in arrays:
        predicate = bound.QuantifiedArray(number, "=", equality, array)
        test = column_test(predicate)
        assert test is not None and column_values(test, indexed.context(numbers)) is None
        indexed.compare(predicate, numbers, uses=False)
    test = column_test(bound.QuantifiedArray(number, "=", equality, param(0, kind)))
    assert test is not None and len(column_values(test, indexed.context(numbers[1:])) or ()) == LIST_MAX
    items = tuple(map(integer, numbers))
    assert column_test(bound.InList(number, items[1:])) is not None
    assert column_test(bound.InList(number, items)) is None


def test_the_rest_is_evaluated_for_no_other_row(indexed: Indexed) -> None:
    number = column_of("int4")
    inverse = op(">", op("/", integer(1), number), integer(-1))
    with pytest.raises(DivisionByZero):
        indexed.offsets(all_of(op("~~", column_of("text"), text("%")), inverse), indexed.context())
    rows = indexed.offsets(all_of(op("=", number, integer(7)), inverse), indexed.context())
    assert rows == indexed.offsets(op("=", number, integer(7)), indexed.context())


def test_a_deleted_row_raises_nothing(tmp_path: Path) -> None:
    table = Indexed(tmp_path / "data")
    number = column_of("int4")
    fails = all_of(op("=", number, integer(0)), op("=", op("/", integer(0), number), integer(0)))
    with pytest.raises(DivisionByZero):
        table.offsets(fails, table.context())
    with table.storage.begin() as transaction:
        zeros = np.flatnonzero(np.asarray(table.segment.column(number.position + 1).fill_null(1)) == 0)
        transaction.delete(TABLE, table.segment.row_ids[zeros])
        transaction.commit()
    table.segment = table.view()
    assert table.offsets(fails, table.context()) == []
    sources = FilterSources()
    few = few_rows(fails, table.segment, SCAN, table.context(), sources)
    assert few is not None and len(few) == 0 and sources.indexed == 1
    few = few_rows(fails.arguments[0], table.segment, SCAN, table.context(), sources)
    assert few is not None and len(few) == 0, "few rows are visible ones"
    table.storage.close()


def test_parameters_and_patterns_that_fail_are_left_to_the_scan(indexed: Indexed) -> None:
    for pattern in ("a\\", "ab\\"):
        predicate = op("~~", column_of("text"), text(pattern))
        assert candidate_rows(predicate, indexed.segment, SCAN, indexed.context()) is None


def test_an_index_on_two_columns_serves_its_first(tmp_path: Path) -> None:
    indexed = Indexed(tmp_path / "data")
    index = indexed.storage.catalog.get(FIRST_INDEX + 3)
    assert isinstance(index, Index)
    both = replace(index, oid=FIRST_INDEX + 999, name="both", keys=(IndexKey(4), IndexKey(3)))
    with indexed.storage.begin() as transaction:
        transaction.drop(FIRST_INDEX + 3)
        transaction.drop(FIRST_INDEX + 4)
        transaction.put(both)
        transaction.commit()
    build_btree_index(indexed.storage, both.oid)
    before, indexed.segment = indexed.segment, indexed.view()
    first, second = column_of(NAMES[3]), column_of(NAMES[2])
    predicate = all_of(op("=", second, integer(3)), op("=", first, const(3, INT8)))
    found = candidate_rows(predicate, indexed.segment, SCAN, indexed.context())
    assert found is not None and found.index_oids == (both.oid,) and found.rest == predicate.arguments[:1]
    indexed.compare(predicate)
    assert candidate_rows(op("=", second, integer(3)), indexed.segment, SCAN, indexed.context()) is None
    assert before.has_index(FIRST_INDEX + 3), "older snapshots keep their files"
    indexed.storage.close()
