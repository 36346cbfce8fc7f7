"""Goal: a column survives the way into DuckDB and back, values, NULLs and type, whatever its SQL type.

Method: columns with edge values are registered as a stored table and read back by a plain query.
"""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest

from foundation import sqltypes
from foundation.sqltypes import SqlType, arrow_type, numeric_typmod
from planner import bound
from planner.relational import run_query
from planner.relational.carriers import from_carrier, to_carrier
from planner.relational.literals import print_value
from planner.relational.printed import DecimalForm
from tests.planner.stored_tables import StoredTables

DATE_MAX, DATE_MIN = 2**31 - 1, -(2**31)
MICROS_MAX, MICROS_MIN = 2**63 - 1, -(2**63)
NUMERIC_10_2 = SqlType(1700, numeric_typmod(10, 2))

CASES: list[tuple[SqlType, list[Any]]] = [
    (sqltypes.BOOL, [True, False, None]),
    (sqltypes.INT2, [-32768, 32767, None]),
    (sqltypes.INT8, [-(2**63), 2**63 - 1, None]),
    (sqltypes.OID, [0, 2**32 - 1, None]),
    (sqltypes.FLOAT4, [1.5, float("inf"), None]),
    (sqltypes.FLOAT8, [5e-324, 1.7976931348623157e308, float("-inf"), None]),
    (sqltypes.NUMERIC, ["1.50", "-0.01", None]),
    (sqltypes.NUMERIC, ["1.5", "1.50", "NaN", "Infinity", "1" * 60, None]),
    (SqlType(1700, numeric_typmod(2, 2)), ["0.01", "-0.99", None]),
    (NUMERIC_10_2, [None, "12345678.99", "-0.01"]),
    (sqltypes.TEXT, ["", "it's", "naïve 🙂", "a\nb", None]),
    (sqltypes.BYTEA, [b"", b"\x00\xff'", None]),
    (sqltypes.UUID, [b"\x00" * 16, b"\xff" * 16, None]),
    (sqltypes.DATE, [DATE_MIN, 0, 19000, DATE_MAX, None]),
    (sqltypes.TIMESTAMP, [MICROS_MIN, 0, 1_700_000_000_123_456, MICROS_MAX, None]),
    (sqltypes.TIMESTAMPTZ, [MICROS_MIN, 0, 1_700_000_000_123_456, MICROS_MAX, None]),
    (sqltypes.TIME, [datetime.time(0), datetime.time(23, 59, 59, 999999), None]),
    (sqltypes.JSONB, ['{"a": 1}', None]),
    (sqltypes.BIT, [b"\x00\x00\x00\x03\xa0", None]),
    (SqlType(16385, 3), [[1.0, -2.5, 3.0], None, [0.0, 0.0, 0.0]]),
    (SqlType(16387, 2), [[1.0, 65504.0], None]),
    (SqlType(16385), [[1.0], [1.0, 2.0], None]),
    (SqlType(1007), [[1, None, 3], [], None]),
    (SqlType(1009), [["a", None, "x y"], [], None]),
    (SqlType(1231), [["1.5", "2.25", None], None]),
]


def column_of(values: list[Any], sql_type: SqlType) -> pa.Array:
    wanted = arrow_type(sql_type)
    if pa.types.is_decimal(wanted):
        return pa.array(values, pa.utf8()).cast(wanted)
    return pa.array(values, wanted)


@pytest.mark.parametrize(("sql_type", "values"), CASES)
def test_through_duckdb_and_back(tables: StoredTables, sql_type: SqlType, values: list[Any]) -> None:
    column = column_of(values, sql_type)
    tables.create("one", [("x", sql_type)])
    tables.insert_columns("one", [column])
    scan = tables.scan("one")
    inner = bound.Select((bound.Target(tables.column(scan, "x"), "x"),), scan)
    found = pa.Table.from_batches(run_query(inner, tables.context())).column(0).combine_chunks()
    assert found.type == column.type
    assert found.equals(column)


@pytest.mark.parametrize(("sql_type", "values"), CASES)
def test_carriers_are_inverse(sql_type: SqlType, values: list[Any]) -> None:
    column = column_of(values, sql_type)
    assert from_carrier(to_carrier(column, sql_type), sql_type).equals(column)


@pytest.mark.parametrize(("sql_type", "values"), CASES)
def test_literals_print_every_value(tables: StoredTables, sql_type: SqlType, values: list[Any]) -> None:
    targets = tuple(bound.Target(bound.Constant(value, sql_type), "x") for value in values)
    (batch,) = run_query(bound.Select(targets), tables.context())
    expected = column_of(values, sql_type)
    for index, column in enumerate(batch.columns):
        assert column.equals(expected.slice(index, 1)), values[index]


def test_decimals_without_integer_digits_keep_their_zero(tables: StoredTables) -> None:
    hundredths = SqlType(1700, numeric_typmod(2, 2))
    targets = (
        bound.Target(bound.CastExpression(bound.Constant("-0.05", hundredths), sqltypes.TEXT, True), "x"),
        bound.Target(bound.Constant("0.00", sqltypes.NUMERIC), "x"),
    )
    tables.create("small", [("x", hundredths)])
    tables.insert_columns("small", [column_of(["0.05"], hundredths)])
    scan = tables.scan("small")
    column = tables.column(scan, "x")
    targets += (bound.Target(bound.CastExpression(column, sqltypes.TEXT, True), "x"),)
    targets += (bound.Target(bound.CastExpression(column, sqltypes.NUMERIC), "x"),)
    (batch,) = run_query(bound.Select(targets, scan), tables.context())
    assert list(batch.to_pylist()[0].values()) == ["-0.05", "0.00", "0.05", "0.05"]


def test_numeric_literals_choose_their_form() -> None:
    assert print_value("1.50", sqltypes.NUMERIC).decimal == DecimalForm(3, 2)
    assert print_value("0.001", sqltypes.NUMERIC).decimal == DecimalForm(3, 3)
    assert print_value("1" * 39, sqltypes.NUMERIC).decimal is None
    assert print_value("NaN", sqltypes.NUMERIC).decimal is None
