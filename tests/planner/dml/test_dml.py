"""Goal: INSERT, UPDATE and DELETE change exactly the rows they should, return them, and leave nothing of a failure.

Method: hand-built statements on a real storage; the table's content read back through a relational query.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foundation.errors import SerializationFailure, UniqueViolation
from foundation.sqltypes import INT4, INT8, NUMERIC, TEXT, SqlType
from planner import bound
from planner.dml import DmlResult, run_delete, run_insert, run_update
from planner.functions.signatures import functions_named
from planner.relational import run_query
from planner.services import ExecutionContext
from tests.planner.stored_tables import StoredTables
from tests.planner.trees import cast, const, integer, op, text

VECTOR_3 = SqlType(16385, 3)


def rows_of(result: DmlResult) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for batch in result.returning for row in batch.to_pylist()]


def stored_rows(tables: StoredTables, context: ExecutionContext) -> dict[int, tuple[Any, ...]]:
    scan = tables.scan("items", 50)
    names = ("id", "s", "e", "n")
    query = bound.Select(tuple(bound.Target(tables.column(scan, name), name) for name in names), scan)
    batches = run_query(query, context)
    return {row["c0"]: tuple(row.values())[1:] for batch in batches for row in batch.to_pylist()}


def insert(
    tables: StoredTables,
    source: bound.Query,
    attnums: tuple[int, ...],
    returning: tuple[str, ...] = (),
    **more: Any,
) -> bound.Insert:
    scan = tables.scan("items")
    targets = tuple(bound.Target(tables.column(scan, name), name) for name in returning)
    return bound.Insert(scan.table_oid, 1, scan.columns, attnums, source, returning=targets, **more)


def values(types: list[SqlType], *rows: tuple[bound.Expression, ...]) -> bound.Values:
    columns = tuple(bound.RelationColumn(f"column{i}", sql_type) for i, sql_type in enumerate(types, 1))
    return bound.Values(rows, columns)


def test_insert_values_fills_missing_columns_with_null(tables: StoredTables) -> None:
    context = tables.context()
    source = values([INT4, VECTOR_3], (integer(100), const(np.array([1, 2, 3], np.float32), VECTOR_3)))
    result = run_insert(insert(tables, source, (1, 3), ("id", "s", "e")), context)
    assert (result.row_count, rows_of(result)) == (1, [(100, None, [1.0, 2.0, 3.0])])
    assert stored_rows(tables, context)[100] == (None, [1.0, 2.0, 3.0], None)


def test_insert_mixes_literals_casts_and_nulls_in_a_column(tables: StoredTables) -> None:
    rows = [(integer(200), text("5")), (integer(201), cast(integer(7), TEXT)), (integer(202), text(None))]
    context = tables.context()
    run_insert(insert(tables, values([INT4, TEXT], *rows), (1, 2)), context)
    stored = stored_rows(tables, context)
    assert [stored[i][0] for i in (200, 201, 202)] == ["5", "7", None]


def test_insert_many_constant_rows_stays_columnar(tables: StoredTables) -> None:
    vectors = np.random.default_rng(1).random((500, 3), dtype=np.float32)
    rows = [(integer(1000 + i), const(vectors[i], VECTOR_3)) for i in range(500)]
    context = tables.context()
    assert run_insert(insert(tables, values([INT4, VECTOR_3], *rows), (1, 3)), context).row_count == 500
    assert stored_rows(tables, context)[1499][1] == vectors[499].tolist()


def test_insert_select_does_not_see_its_own_rows(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items", 2)
    shifted = op("+", tables.column(scan, "id"), integer(100))
    source = bound.Select((bound.Target(shifted, "id"),), scan)
    assert run_insert(insert(tables, source, (1,)), context).row_count == 10
    assert len(stored_rows(tables, context)) == 20


def test_defaults_are_evaluated(tables: StoredTables) -> None:
    context = tables.context()
    statement = insert(
        tables, values([INT4], (integer(300),)), (1,), ("s",), defaults=((2, text("default")),)
    )
    assert rows_of(run_insert(statement, context)) == [("default",)]


def test_failed_insert_leaves_nothing(tables: StoredTables) -> None:
    context = tables.context()
    before = stored_rows(tables, context)
    with pytest.raises(UniqueViolation, match="items_pkey"):
        run_insert(insert(tables, values([INT4], (integer(400),), (integer(3),)), (1,)), context)
    assert stored_rows(tables, context) == before


def test_update_native_predicate(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    key = tables.column(scan, "id")
    statement = bound.Update(
        scan,
        ((2, text("new")),),
        where=op("<", key, integer(2)),
        returning=(bound.Target(key, "id"), bound.Target(tables.column(scan, "s"), "s")),
    )
    result = run_update(statement, context)
    assert (result.row_count, rows_of(result)) == (2, [(0, "new"), (1, "new")])
    stored = stored_rows(tables, context)
    assert stored[1] == ("new", [1.0, 1.0, 2.0], None) and stored[2][0] == "s2"


def test_update_of_a_row_matched_twice_happens_once(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    pairs = values([INT4, TEXT], (integer(1), text("x")), (integer(1), text("y")), (integer(2), text("z")))
    other = bound.SubqueryScan(2, pairs, "v", pairs.columns)
    statement = bound.Update(
        scan,
        ((2, bound.ColumnRef(2, 1, "v", TEXT)),),
        from_=other,
        where=op("=", tables.column(scan, "id"), bound.ColumnRef(2, 0, "k", INT4)),
        returning=(
            bound.Target(tables.column(scan, "id"), "id"),
            bound.Target(bound.ColumnRef(2, 0, "k", INT4), "k"),
        ),
    )
    result = run_update(statement, context)
    assert (result.row_count, rows_of(result)) == (2, [(1, 1), (2, 2)])
    assert stored_rows(tables, context)[1][0] in ("x", "y")


def test_key_swap_is_checked_as_one_change(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    statement = bound.Update(scan, ((1, op("+", tables.column(scan, "id"), integer(1))),))
    assert run_update(statement, context).row_count == 10
    assert sorted(stored_rows(tables, context)) == list(range(1, 11))


def test_update_own_uncommitted_rows(tables: StoredTables) -> None:
    context = tables.context()
    run_insert(insert(tables, values([INT4], (integer(500),)), (1,)), context)
    scan = tables.scan("items")
    where = op(">=", tables.column(scan, "id"), integer(9))
    assert run_update(bound.Update(scan, ((2, text("u")),), where=where), context).row_count == 2
    assert run_delete(bound.Delete(scan, where=where), context).row_count == 2
    assert max(stored_rows(tables, context)) == 8


def test_delete_using_returns_joined_columns(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    names = values([INT4, TEXT], (integer(4), text("four")))
    other = bound.SubqueryScan(2, names, "v", names.columns)
    statement = bound.Delete(
        scan,
        using=other,
        where=op("=", tables.column(scan, "id"), bound.ColumnRef(2, 0, "k", INT4)),
        returning=(
            bound.Target(tables.column(scan, "n"), "n"),
            bound.Target(bound.ColumnRef(2, 1, "v", TEXT), "v"),
        ),
    )
    assert rows_of(run_delete(statement, context)) == [("1.5", "four")]
    assert 4 not in stored_rows(tables, context)


def test_subquery_in_returning_sees_the_table_before_the_statement(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    counted = bound.Aggregate(functions_named("count")[0], (), INT8)
    count = bound.Select((bound.Target(counted, "count"),), tables.scan("items", 9))
    statement = bound.Delete(
        scan,
        where=op("=", tables.column(scan, "id"), integer(5)),
        returning=(bound.Target(bound.Subquery(bound.SubqueryKind.SCALAR, count, INT8), "n"),),
    )
    assert rows_of(run_delete(statement, context)) == [(10,)]


def test_returning_of_no_rows_has_the_right_columns(tables: StoredTables) -> None:
    scan = tables.scan("items")
    statement = bound.Delete(
        scan,
        where=op("=", tables.column(scan, "id"), integer(-1)),
        returning=(bound.Target(tables.column(scan, "e"), "e"),),
    )
    result = run_delete(statement, tables.context())
    assert result.row_count == 0 and rows_of(result) == []


def test_update_runs_again_when_another_transaction_was_faster(tables: StoredTables) -> None:
    first, second = tables.context(), tables.context()
    scan = tables.scan("items")
    key = tables.column(scan, "id")
    where = op("=", key, integer(3))
    run_update(bound.Update(scan, ((2, text("first")),), where=where), first)
    first.transaction.commit()
    suffixed = op("||", tables.column(scan, "s"), text("+second"))
    assert run_update(bound.Update(scan, ((2, suffixed),), where=where), second).row_count == 1
    assert stored_rows(tables, second)[3][0] == "first+second"


def test_repeatable_read_refuses_to_run_again(tables: StoredTables) -> None:
    from dataclasses import replace

    first = tables.context()
    second = replace(
        tables.context(),
        transaction=tables.storage.begin(isolation="repeatable read"),  # type: ignore[arg-type]
    )
    scan = tables.scan("items")
    where = op("=", tables.column(scan, "id"), integer(3))
    run_delete(bound.Delete(scan, where=where), first)
    first.transaction.commit()
    with pytest.raises(SerializationFailure):
        run_delete(bound.Delete(scan, where=where), second)


def test_numeric_update_over_every_second_null(tables: StoredTables) -> None:
    context = tables.context()
    scan = tables.scan("items")
    doubled = op("*", tables.column(scan, "n"), const("2", NUMERIC))
    assert run_update(bound.Update(scan, ((4, doubled),)), context).row_count == 10
    assert {row[2] for row in stored_rows(tables, context).values()} == {"3.0", None}
