"""Goal: jsonpath as a parameter, in text and binary, prepared once for many paths, filters searches as a literal does.

Method: the same statements on a Quiver server and on a real PostgreSQL with pgvector.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.pq import ExecStatus

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

JSONPATH = 4072
SEARCH = "SELECT id FROM notes WHERE meta @? $1 ORDER BY embedding <-> '[0,0]' LIMIT 3"
PATHS = ('$.n ? (@ >= 5)', "$.tags[*] ? (@ == \"a\")", '$.missing', 'strict $.tags[1]', '$.n ? (@ % 2 == 1)')  # fmt: skip


@pytest.fixture(scope="module")
def connections(postgres_uri: str, own_database: Database) -> Any:
    opened = [psycopg.connect(dsn, autocommit=True) for dsn in (postgres_uri, own_database.dsn)]
    for connection in opened:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("CREATE TABLE notes (id int PRIMARY KEY, meta jsonb, embedding vector(2))")
        connection.execute(
            "INSERT INTO notes SELECT i, jsonb_build_object('n', i, 'tags', jsonb_build_array('a', i % 3)),"
            " ('[' || i || ',1]')::vector FROM generate_series(1, 40) i"
        )
    yield opened
    for connection in opened:
        connection.execute("DROP TABLE notes")
        connection.close()


def answers(connection: psycopg.Connection[Any], path: bytes, form: int) -> Any:
    """Rows of the prepared search as bytes, or the SQLSTATE."""
    result = connection.pgconn.exec_prepared(b"search", [path], [form])
    if result.status != ExecStatus.TUPLES_OK:
        return (result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"").decode()
    return [result.get_value(row, 0) for row in range(result.ntuples)]


def test_prepared_with_a_path(connections: list[psycopg.Connection[Any]]) -> None:
    for connection in connections:
        connection.pgconn.prepare(b"search", SEARCH.encode())
        assert connection.pgconn.describe_prepared(b"search").param_type(0) == JSONPATH
    for path in PATHS:
        theirs, ours = (answers(connection, path.encode(), 0) for connection in connections)
        assert theirs == ours
        assert [answers(connection, b"\1" + path.encode(), 1) for connection in connections] == [theirs] * 2
    for bad, form, sqlstate in ((b"$.[", 0, "42601"), (b"\2$", 1, "XX000"), (b"", 0, "22P02")):
        assert [answers(connection, bad, form) for connection in connections] == [sqlstate] * 2


def test_a_search_filtered_by_a_path_is_one_scan(connections: list[psycopg.Connection[Any]]) -> None:
    _, ours = connections
    plan = ours.execute("EXPLAIN " + SEARCH.replace("$1", "'$.n ? (@ >= 5)'")).fetchall()
    lines = [str(row[0]).strip() for row in plan]
    assert "Filter: (meta @? '$.\"n\"?(@ >= 5)'::jsonpath)" in lines
    assert "Strategy: exact scan, selectivity 0.9000, allowed 36 of 40" in lines
