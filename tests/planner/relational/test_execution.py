"""Goal: bound queries run on DuckDB over what the transaction sees, stream, stop when told, and fail as PostgreSQL.

Method: hand-built trees over a real storage; expected rows computed in Python.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import (
    CardinalityViolation,
    DivisionByZero,
    FeatureNotSupported,
    NumericValueOutOfRange,
    QueryCanceled,
)
from foundation.sqltypes import BOOL, FLOAT8, INT4, INT8, NUMERIC, TEXT, SqlType, arrow_type
from planner import bound
from planner.functions.signatures import functions_named
from planner.relational import check_supported, explain_query, printed_sql, run_query
from planner.relational.engine import engine
from planner.relational.execution import BATCH_ROWS
from planner.relational.queries import InvalidRowCountInLimit
from planner.services import ExecutionContext
from tests.planner.stored_tables import StoredTables
from tests.planner.trees import RecordingSession, cast, const, fn, integer, op, param, text

VECTOR_3 = SqlType(16385, 3)
HALFVEC_3 = SqlType(16387, 3)


def rows(query: bound.Query, context: ExecutionContext) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for batch in run_query(query, context) for row in batch.to_pylist()]


def select(*expressions: bound.Expression, **clauses: Any) -> bound.Select:
    return bound.Select(tuple(bound.Target(e, f"x{i}") for i, e in enumerate(expressions)), **clauses)


def aggregate(
    name: str, *arguments: bound.Expression, result: SqlType | None = None, **more: Any
) -> bound.Aggregate:
    types = tuple(argument.sql_type.oid for argument in arguments)
    function = next(
        f for f in functions_named(name)
        if f.kind.value == "a" and (f.argument_types == types or (result is not None and len(types) == 1))
    )  # fmt: skip
    return bound.Aggregate(function, arguments, result or SqlType(function.result_type), **more)


def grouped(*keys: bound.Expression) -> tuple[bound.GroupingSet, ...]:
    return (bound.GroupingSet(keys),)


@pytest.fixture
def items(tables: StoredTables) -> StoredTables:
    """items(id, s, e, h, n): ten rows in storage, row i deleted for i = 4."""
    values = [
        (i, None if i == 3 else f"s{i % 3}", [float(i), 1.0, 2.0] if i != 5 else None, None, f"{i}.50")
        for i in range(10)
    ]
    types = [("id", INT4), ("s", TEXT), ("e", VECTOR_3), ("h", HALFVEC_3), ("n", NUMERIC)]
    tables.create("items", types, values, key="id")
    with tables.storage.begin() as transaction:
        view = transaction.table_view(tables.scan("items").table_oid)
        transaction.delete(tables.scan("items").table_oid, view.segments[0].row_ids[4:5])
        transaction.commit()
    return tables


def test_deleted_rows_are_not_seen(items: StoredTables) -> None:
    scan = items.scan("items")
    found = rows(select(items.column(scan, "id"), from_=scan), items.context())
    assert sorted(found) == [(i,) for i in range(10) if i != 4]


def test_count_without_any_column(items: StoredTables) -> None:
    assert rows(select(aggregate("count"), from_=items.scan("items")), items.context()) == [(9,)]


def test_own_uncommitted_rows_are_seen(items: StoredTables) -> None:
    context = items.context()
    scan = items.scan("items")
    names = ("1", "2", "3", "4", "5")
    types = (INT4, TEXT, VECTOR_3, HALFVEC_3, NUMERIC)
    new = [pa.array([77], pa.int32()), *(pa.nulls(1, arrow_type(t)) for t in types[1:])]
    context.transaction.insert(scan.table_oid, pa.RecordBatch.from_arrays(new, names=list(names)))
    assert rows(select(aggregate("max", items.column(scan, "id")), from_=scan), context) == [(77,)]


def test_result_types_are_postgres_types(items: StoredTables) -> None:
    scan = items.scan("items")
    key = items.column(scan, "id")
    query = select(
        aggregate("sum", key), aggregate("avg", key), aggregate("count"), aggregate("sum", items.column(scan, "n")),
        from_=scan,
    )  # fmt: skip
    (batch,) = run_query(query, items.context())
    assert batch.schema.types == [pa.int64(), pa.utf8(), pa.int64(), pa.utf8()]
    assert tuple(batch.to_pylist()[0].values()) == (41, "4.5555555555555556", 9, "45.50")


def test_pushed_filter_equals_the_unpushed_one(items: StoredTables) -> None:
    scan = items.scan("items")
    key, name = items.column(scan, "id"), items.column(scan, "s")
    condition = bound.BoolExpression(
        bound.BoolOperator.OR, (op("=", name, text("s1")), bound.IsNull(name), op(">", key, integer(7)))
    )
    pushed = rows(select(key, from_=scan, where=condition), items.context())
    inner = select(key, name, from_=scan)
    outer = bound.SubqueryScan(7, inner, "q", bound.output_columns(inner))
    key, name = bound.ColumnRef(7, 0, "id", INT4), bound.ColumnRef(7, 1, "s", TEXT)
    condition = bound.BoolExpression(
        bound.BoolOperator.OR, (op("=", name, text("s1")), bound.IsNull(name), op(">", key, integer(7)))
    )
    assert sorted(pushed) == sorted(rows(select(key, from_=outer, where=condition), items.context()))
    assert sorted(pushed) == [(1,), (3,), (7,), (8,), (9,)]


def test_vector_expressions_never_enter_duckdb(items: StoredTables) -> None:
    scan = items.scan("items")
    distance = op("<->", items.column(scan, "e"), const(np.array([0, 1, 2], np.float32), VECTOR_3))
    query = select(
        items.column(scan, "s"),
        aggregate("avg", distance),
        from_=scan,
        group_by=grouped(items.column(scan, "s")),
    )
    assert ".c2" not in printed_sql(query, items.context())
    found = dict(rows(query, items.context()))
    assert found["s0"] == pytest.approx((0 + 6 + 9) / 3) and found["s2"] == pytest.approx((2 + 8) / 2)


def test_vectors_come_back_unchanged(items: StoredTables) -> None:
    scan = items.scan("items")
    query = select(items.column(scan, "e"), items.column(scan, "h"), from_=scan, is_distinct=True)
    table = pa.Table.from_batches(run_query(query, items.context()))
    assert table.schema.types == [arrow_type(VECTOR_3), arrow_type(HALFVEC_3)]
    found = table.column(0).to_pylist()
    assert None in found and [9.0, 1.0, 2.0] in found and len(found) == 9


def test_avg_of_vectors(items: StoredTables) -> None:
    scan = items.scan("items")
    vector = SqlType(16385)
    average = bound.Aggregate(
        next(f for f in functions_named("avg") if f.argument_types == (16385,)),
        (items.column(scan, "e"),),
        vector,
    )
    ((mean,),) = rows(select(average, from_=scan), items.context())
    assert mean == pytest.approx([sum(i for i in range(10) if i not in (4, 5)) / 8, 1.0, 2.0])


def test_island_in_from_runs_natively(items: StoredTables) -> None:
    scan = items.scan("items")
    key = items.column(scan, "id")
    distance = op("<->", items.column(scan, "e"), const(np.array([9, 1, 2], np.float32), VECTOR_3))
    inner = bound.Select(
        (bound.Target(key, "id"), bound.Target(distance, "d")), scan,
        order_by=(bound.SortKey(distance),), limit=const(3, INT8),
    )  # fmt: skip
    near = bound.SubqueryScan(7, inner, "near", bound.output_columns(inner))
    query = select(aggregate("count"), aggregate("max", bound.ColumnRef(7, 1, "d", FLOAT8)), from_=near)
    assert "ORDER BY" not in printed_sql(query, items.context())
    assert rows(query, items.context()) == [(3, 2.0)]


def test_numerics_of_mixed_scale_keep_their_scale(tables: StoredTables) -> None:
    values = ["1.5", "2.25", "1.50", "NaN", "1" * 45]
    tables.create("amounts", [("x", NUMERIC)], [(value,) for value in values])
    scan = tables.scan("amounts")
    column = tables.column(scan, "x")
    ordered = select(column, from_=scan, order_by=(bound.SortKey(bound.OutputRef(0, NUMERIC)),))
    found = [value for (value,) in rows(ordered, tables.context())]
    assert found[2:] == ["2.25", "1" * 45, "NaN"] and sorted(found[:2]) == ["1.5", "1.50"]
    by_value = select(aggregate("count"), from_=scan, group_by=grouped(column))
    assert sorted(rows(by_value, tables.context())) == [(1,), (1,), (1,), (2,)]


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (op("/", integer(1), integer(0)), DivisionByZero, "division by zero"),
        (op("+", integer(2147483647), integer(1)), NumericValueOutOfRange, "integer out of range"),
        (op("/", const("1.5", NUMERIC), const("0", NUMERIC)), DivisionByZero, "division by zero"),
    ],
)
def test_errors_of_data(
    tables: StoredTables, expression: bound.Expression, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        rows(select(expression), tables.context())


def test_scalar_subquery_with_two_rows_is_21000(items: StoredTables) -> None:
    scan = items.scan("items", 2)
    inner = select(items.column(scan, "id"), from_=scan)
    with pytest.raises(CardinalityViolation):
        rows(select(bound.Subquery(bound.SubqueryKind.SCALAR, inner, INT4)), items.context())


def test_negative_limit_is_2201w(tables: StoredTables) -> None:
    with pytest.raises(InvalidRowCountInLimit, match="LIMIT must not be negative"):
        rows(select(integer(1), limit=const(-1, INT8)), tables.context())


def test_quotes_and_parameters_are_data(tables: StoredTables) -> None:
    nasty = "it's -- a 'test' \\ \" ; $1 é"
    query = select(param(0, TEXT), text(nasty), bound.IsNull(param(1, INT4)))
    assert rows(query, tables.context(nasty, None)) == [(nasty, nasty, True)]


def test_results_come_in_batches(tables: StoredTables) -> None:
    count = 3 * BATCH_ROWS
    series = next(f for f in functions_named("generate_series") if f.argument_types == (23, 23))
    scan = bound.FunctionScan(
        1, (bound.Call(series, (integer(1), integer(count)), INT4),), "g", (bound.RelationColumn("g", INT4),)
    )
    batches = list(run_query(select(bound.ColumnRef(1, 0, "g", INT4), from_=scan), tables.context()))
    assert len(batches) >= 3 and sum(batch.num_rows for batch in batches) == count


def _endless(context: ExecutionContext) -> bound.Select:
    """Counts the pairs of two long series."""
    series = next(f for f in functions_named("generate_series") if f.argument_types == (23, 23))
    call = bound.Call(series, (integer(1), integer(100_000)), INT4)
    left, right = (bound.FunctionScan(i, (call,), "g", (bound.RelationColumn("g", INT4),)) for i in (1, 2))
    product = op(
        "*", cast(bound.ColumnRef(1, 0, "g", INT4), INT8), cast(bound.ColumnRef(2, 0, "g", INT4), INT8)
    )
    return select(aggregate("max", product), from_=bound.Join(bound.JoinKind.CROSS, left, right))


@pytest.mark.slow
def test_cancel_interrupts_a_running_query(tables: StoredTables) -> None:
    context = tables.context()
    timer = threading.Timer(0.1, context.cancel_token.cancel)
    timer.start()
    with pytest.raises(QueryCanceled, match="canceling statement due to user request"):
        rows(_endless(context), context)
    timer.join()
    context.cancel_token.reset()
    assert rows(select(integer(1)), context) == [(1,)]


class CatalogSession(RecordingSession):
    """Answers one catalog function and one computed relation."""

    def call_function(self, function: Any, arguments: Any, row_count: int) -> pa.Array | None:
        if function.name == "pg_get_userbyid":
            return pa.array([f"role {oid}" for oid in arguments[0].to_pylist()], pa.utf8())
        return None

    def virtual_relation(self, schema: str, name: str) -> pa.Table:
        assert (schema, name) == ("pg_catalog", "pg_class")
        return pa.table({"relname": ["a", "b"], "relowner": pa.array([10, 11], pa.uint32())})


def test_catalog_functions_and_relations(tables: StoredTables) -> None:
    context = replace(tables.context(), session=CatalogSession())
    oid = SqlType(26)
    scan = bound.VirtualScan(
        1, "pg_catalog", "pg_class", "c",
        (bound.RelationColumn("relname", SqlType(19), 1), bound.RelationColumn("relowner", oid, 2),
         bound.RelationColumn("tableoid", oid, -6)),
        relation_oid=1259,
    )  # fmt: skip
    owner = fn("pg_get_userbyid", bound.ColumnRef(1, 1, "relowner", oid))
    query = select(
        bound.ColumnRef(1, 0, "relname", SqlType(19)),
        owner,
        bound.ColumnRef(1, 2, "tableoid", oid),
        from_=scan,
    )
    assert rows(query, context) == [("a", "role 10", 1259), ("b", "role 11", 1259)]
    constant = select(fn("pg_get_userbyid", const(10, oid)))
    assert rows(constant, context) == [("role 10",)]


def test_unknown_functions_are_refused_by_name(tables: StoredTables) -> None:
    with pytest.raises(FeatureNotSupported, match="pg_get_viewdef"):
        rows(select(fn("pg_get_viewdef", const(1, SqlType(26)))), tables.context())
    ranked = next(f for f in functions_named("xmlagg")) if functions_named("xmlagg") else None
    if ranked is not None:
        with pytest.raises(FeatureNotSupported, match="xmlagg"):
            check_supported(select(bound.Aggregate(ranked, (), TEXT)))


def test_explain_names_the_engine(items: StoredTables) -> None:
    scan = items.scan("items")
    lines = explain_query(select(aggregate("count"), from_=scan), items.context()).lines
    assert lines[0] == "Relational Query (DuckDB)" and len(lines) > 2


def test_duckdb_reads_no_files_and_no_variables() -> None:
    secret = pa.table({"x": [1]})
    cursor = engine().cursor()
    for sql in (
        "SELECT * FROM secret",
        "SELECT * FROM read_text('/etc/hostname')",
        "SET threads = 3",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            cursor.sql(sql).fetchall()
    cursor.close()
    assert secret.num_rows == 1


def test_statements_on_two_threads_do_not_meet(items: StoredTables) -> None:
    failures: list[BaseException] = []

    def work(step: int) -> None:
        try:
            scan = items.scan("items")
            key = items.column(scan, "id")
            query = select(
                op("+", key, integer(step)), aggregate("avg", key), from_=scan, group_by=grouped(key)
            )
            for _ in range(5):
                found = rows(query, items.context())
                assert sorted(value for value, _ in found) == [i + step for i in range(10) if i != 4]
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(step,)) for step in (100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_three_valued_logic_of_quantified_arrays(tables: StoredTables) -> None:
    equality = op("=", integer(1), integer(1))
    assert isinstance(equality, bound.Call)
    cases = [
        ([1, None], False, 1, True), ([2, None], False, 1, None), ([], False, None, False),
        (None, False, 1, None), ([1, 1], True, 1, True), ([1, None], True, 1, None), ([2, None], True, 1, False),
    ]  # fmt: skip
    for items_of, is_all, left, expected in cases:
        node = bound.QuantifiedArray(
            integer(left), "=", equality.function, const(items_of, SqlType(1007)), is_all, BOOL
        )
        assert rows(select(node), tables.context()) == [(expected,)], (items_of, is_all, left)
