"""One statement on a real PostgreSQL and on the planner's relational half: result types, rows as text, SQLSTATE."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import pq

from foundation.errors import QuiverError
from foundation.settings import SettingValues
from foundation.sqltypes import (
    BOOL,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    JSONB,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    SqlType,
    arrow_type,
    numeric_typmod,
)  # fmt: skip
from planner import bound
from planner.dml import run_delete, run_insert, run_update
from planner.relational import run_query
from planner.services import ExecutionContext
from sqlfront.binder import BindContext, bind_query
from sqlfront.parser import QueryStatement, parse_script
from sqlfront.types import CodecContext, coerce_typmod, parse_text_array, text_array
from storage.catalog import DEFAULT_DATABASE_OID
from tests.planner.stored_tables import StoredTables

COLUMN_TYPES: dict[str, SqlType] = {
    "int": INT4, "bigint": INT8, "smallint": INT2, "text": TEXT, "numeric": NUMERIC, "float8": FLOAT8,
    "numeric(10,2)": SqlType(1700, numeric_typmod(10, 2)), "numeric(5,2)": SqlType(1700, numeric_typmod(5, 2)),
    "real": FLOAT4, "bool": BOOL, "date": DATE, "timestamp": TIMESTAMP, "timestamptz": TIMESTAMPTZ,
    "time": TIME, "uuid": UUID, "jsonb": JSONB, "bytea": BYTEA, "varchar(5)": SqlType(1043, 9),
    "varchar(3)": SqlType(1043, 7), "char(4)": SqlType(1042, 8), "int[]": SqlType(1007),
    "text[]": SqlType(1009), "vector(3)": SqlType(16385, 3),
}  # fmt: skip

Outcome = tuple[str, Any, Any]
"""("rows", type OIDs, rows as text) or ("error", SQLSTATE, message)."""


class TextCodecs:
    """The codecs of a session with default settings."""

    def to_text(self, column: pa.Array, sql_type: SqlType) -> pa.Array:
        return text_array(column, sql_type, CodecContext())

    def from_text(self, strings: pa.Array, sql_type: SqlType) -> pa.Array:
        return parse_text_array(strings, sql_type, CodecContext())

    def coerce_typmod(
        self, column: pa.Array, source: SqlType, target: SqlType, *, explicit: bool
    ) -> pa.Array:
        return coerce_typmod(column, source, target, explicit=explicit)


class SideBySide:
    """The two databases, with the same tables."""

    def __init__(self, tables: StoredTables, connection: psycopg.Connection[Any]) -> None:
        self.tables = tables
        self._connection = connection
        self._settings = SettingValues()
        self._settings.set("TimeZone", "UTC")
        row = connection.execute("SELECT 'vector'::regtype::oid::int4").fetchone()
        assert row is not None
        self._oids = {row[0]: 16385}

    def create(
        self,
        name: str,
        columns: Sequence[tuple[str, str]],
        rows: Sequence[Sequence[str | None]],
        *,
        key: str = "",
    ) -> None:
        """Create a table on both sides and load `rows` of PostgreSQL texts."""
        declared = ", ".join(f"{c} {t}{' primary key' if c == key else ''}" for c, t in columns)
        self._connection.execute(f"DROP TABLE IF EXISTS {name}")  # type: ignore[arg-type]
        self._connection.execute(f"CREATE TABLE {name} ({declared})")  # type: ignore[arg-type]
        slots = ", ".join(["%s"] * len(columns))
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {name} VALUES ({slots})", rows)  # type: ignore[arg-type]
        types = [COLUMN_TYPES[sql_type] for _, sql_type in columns]
        self.tables.create(name, [(c, t) for (c, _), t in zip(columns, types, strict=True)], key=key)
        if rows:
            texts = [pa.array([row[i] for row in rows], pa.utf8()) for i in range(len(columns))]
            arrays = [parse_text_array(t, s, CodecContext()) for t, s in zip(texts, types, strict=True)]
            self.tables.insert_columns(
                name, [a.cast(arrow_type(s)) for a, s in zip(arrays, types, strict=True)]
            )

    def on_postgres(self, sql: str) -> Outcome:
        result = self._connection.pgconn.exec_(sql.encode())
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            code = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
            message = result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b""
            return "error", code.decode(), message.decode()
        oids = [self._oids.get(result.ftype(i), result.ftype(i)) for i in range(result.nfields)]
        cells = [[result.get_value(r, c) for c in range(result.nfields)] for r in range(result.ntuples)]
        return "rows", oids, [tuple(None if v is None else v.decode() for v in row) for row in cells]

    def on_quiver(self, sql: str) -> Outcome:
        """Run and commit; rows as PostgreSQL texts. Every column must have the Arrow type of its SQL type."""
        context = replace(self.tables.context(), codecs=TextCodecs(), settings=self._settings)
        try:
            types, batches = self._run(sql, context)
        except QuiverError as error:
            return "error", error.sqlstate, error.message
        context.transaction.commit()
        rows: list[tuple[Any, ...]] = []
        for batch in batches:
            for column, sql_type in zip(batch.columns, types, strict=True):
                assert column.type == arrow_type(sql_type)
            texts = [
                text_array(column, sql_type, CodecContext()).to_pylist()
                for column, sql_type in zip(batch.columns, types, strict=True)
            ]
            rows += list(zip(*texts, strict=True)) if texts else [()] * batch.num_rows
        return "rows", [sql_type.oid for sql_type in types], rows

    def _run(self, sql: str, context: ExecutionContext) -> tuple[list[SqlType], list[pa.RecordBatch]]:
        (parsed,) = parse_script(sql)
        assert isinstance(parsed.node, QueryStatement)
        surroundings = BindContext(context.transaction.catalog, DEFAULT_DATABASE_OID, settings=self._settings)
        tree = bind_query(parsed.node.expression, surroundings)
        changes: dict[type[Any], Any] = {
            bound.Insert: run_insert, bound.Update: run_update, bound.Delete: run_delete,
        }  # fmt: skip
        change = changes.get(type(tree))
        if change is None:
            assert isinstance(tree, bound.Select | bound.SetOperation | bound.Values)
            return [c.type for c in bound.output_columns(tree)], list(run_query(tree, context))
        result = change(tree, context)
        return [target.expression.sql_type for target in tree.returning], result.returning

    def difference(self, sql: str) -> str | None:
        """What differs between the two sides, None when nothing does.

        Row order counts only under ORDER BY; of an error the SQLSTATE counts.
        """
        expected, actual = self.on_postgres(sql), self.on_quiver(sql)
        if expected[0] == actual[0] == "rows" and "order by" not in sql.lower():
            expected, actual = _sorted(expected), _sorted(actual)
        is_same = expected[:2] == actual[:2] if expected[0] == "error" else expected == actual
        return None if is_same else f"{sql}\n  postgres {str(expected)[:400]}\n  quiver   {str(actual)[:400]}"


def _sorted(outcome: Outcome) -> Outcome:
    return outcome[0], outcome[1], sorted(outcome[2], key=lambda row: [(v is None, v) for v in row])


def sample_rows(count: int, seed: int = 5) -> tuple[list[tuple[str, str]], list[list[str | None]]]:
    """Columns and rows of the table `t`: one column per type, NULLs, duplicates, NaN, infinities, blanks."""
    choices: list[tuple[str, str, list[str | None]]] = [
        ("i", "int", [None, "-3", "-1", "0", "1", "2", "3"]),
        ("b", "bigint", ["-835033959123", "5", "675722740318"]),
        ("s", "text", [None, "a", "b", "ab", "B", "é", "a_c", "a%c", "", "x y"]),
        ("n", "numeric", [None, "1.5", "2.25", "-3", "0.00", "100.125"]),
        ("m", "numeric(10,2)", [None, "12.34", "-0.01", "99999.99"]),
        ("f", "float8", [None, "1.5", "-2.5", "0", "NaN", "1e300", "Infinity"]),
        ("r", "real", [None, "1.1", "-2.25"]),
        ("o", "bool", [None, "t", "f"]),
        ("d", "date", [None, "2024-01-01", "2024-02-29", "1999-12-31"]),
        ("ts", "timestamp", [None, "2024-01-01 10:00:00", "2024-05-17 13:14:15.123456"]),
        ("tz", "timestamptz", [None, "2024-01-01 10:00:00+00", "2024-05-17 13:14:15.123456+02"]),
        ("v", "varchar(5)", [None, "abc", "ab", "x"]),
        ("c", "char(4)", [None, "abc", "ab", "x"]),
        ("u", "uuid", [None, "550e8400-e29b-41d4-a716-446655440000", "00000000-0000-0000-0000-000000000001"]),
        ("j", "jsonb", [None, '{"a": 1, "b": [1, 2, {"c": "x"}]}', '{"a": 2}', "[1, 2, 3]", '"s"']),
        ("ai", "int[]", [None, "{1,2,3}", "{}", "{NULL,2}"]),
        ("at", "text[]", [None, "{a,b}", '{"x y",NULL}']),
        ("e", "vector(3)", [None, "[1,2,1]", "[0,5,1]", "[3,3,1]", "[4,0,1]"]),
        ("y", "bytea", [None, "\\x0102", "\\x"]),
        ("si", "smallint", [None, "1", "2"]),
        ("tm", "time", [None, "10:00:00", "23:59:59.5"]),
    ]
    rng = random.Random(seed)
    rows: list[list[str | None]] = [
        [str(i), *(rng.choice(values) for _, _, values in choices)] for i in range(count)
    ]
    return [("id", "int"), *((name, sql_type) for name, sql_type, _ in choices)], rows
