"""Goal: CREATE TABLE AS and SELECT INTO create what their query returns, whatever asks for them and however much it is.

Method: a server and psycopg: parameters of the extended protocol, blocks and savepoints, EXPLAIN ANALYZE, results of many
batches, failures in the middle. That single statements do what PostgreSQL's do is `sql/table_as.sql`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Connection]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS made, other")
        yield connection


def rows_of(connection: Connection, name: str = "made") -> list[tuple[object, ...]]:
    query = sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(name))
    return connection.execute(query).fetchall()


def test_parameters(connection: Connection) -> None:
    cursor = connection.execute(
        "CREATE TABLE made AS SELECT g AS a, %s::text AS b FROM generate_series(1, %s) g", ["x", 3]
    )
    assert cursor.statusmessage == "SELECT 3"
    assert rows_of(connection) == [(1, "x"), (2, "x"), (3, "x")]
    cursor = connection.execute("SELECT a INTO other FROM made WHERE a > %s", [1])
    assert (cursor.statusmessage, rows_of(connection, "other")) == ("SELECT 2", [(2,), (3,)])


def test_statement_prepared_once_and_run_twice(connection: Connection) -> None:
    for n in (2, 4):
        connection.execute("DROP TABLE IF EXISTS made")
        connection.execute("CREATE TABLE made AS SELECT generate_series(1, %s) AS a", [n], prepare=True)
        assert len(rows_of(connection)) == n


def test_blocks_and_savepoints(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TABLE made AS SELECT 1 AS a")
        connection.execute("INSERT INTO made VALUES (2)")
        with connection.transaction(force_rollback=True):
            connection.execute("SELECT a + 10 AS a INTO other FROM made")
            assert rows_of(connection, "other") == [(11,), (12,)]
        with pytest.raises(errors.UndefinedTable), connection.transaction():
            rows_of(connection, "other")
        # It reads what the transaction itself has made.
        connection.execute("CREATE TABLE other AS SELECT * FROM made")
        assert rows_of(connection, "other") == [(1,), (2,)]
    with pytest.raises(errors.UndefinedTable):
        rows_of(connection)


def test_nothing_stays_of_a_query_that_fails_late(connection: Connection) -> None:
    with pytest.raises(errors.DivisionByZero):
        connection.execute(
            "CREATE TABLE made AS SELECT 1 / (30000 - g) AS a FROM generate_series(1, 40000) g"
        )
    with pytest.raises(errors.UndefinedTable):
        rows_of(connection)


def test_read_only(connection: Connection) -> None:
    connection.execute("SET default_transaction_read_only = on")
    for statement, name in (
        ("CREATE TABLE made AS SELECT 1", "CREATE TABLE AS"),
        ("SELECT 1 INTO made", "SELECT INTO"),
    ):
        with pytest.raises(errors.ReadOnlySqlTransaction, match=f"cannot execute {name} in a read-only"):
            connection.execute(statement.encode())


def test_explain(connection: Connection) -> None:
    lines = connection.execute("EXPLAIN CREATE TABLE made AS SELECT 1 AS a").fetchall()
    assert lines
    with pytest.raises(errors.UndefinedTable):
        rows_of(connection)
    connection.execute("CREATE SEQUENCE IF NOT EXISTS counted; SELECT setval('counted', 1)")
    lines = connection.execute(
        "EXPLAIN ANALYZE CREATE TABLE made AS SELECT nextval('counted') AS a"
    ).fetchall()
    assert "SELECT 1" in str(lines[0][0])
    assert rows_of(connection) == [(2,)]
    connection.execute("EXPLAIN ANALYZE SELECT a INTO other FROM made")
    assert rows_of(connection, "other") == [(2,)]


def test_many_rows_with_vectors(connection: Connection) -> None:
    """More than stays in memory, and an index over the new table."""
    connection.execute(
        "CREATE TABLE made AS SELECT g AS id, ARRAY[g, g % 7, 1, 0, 0, 0, 0, 0]::vector(8) AS e"
        " FROM generate_series(1, 300000) g"
    )
    found = connection.execute("SELECT count(*), sum(id), min(vector_dims(e)) FROM made").fetchone()
    assert found == (300000, 300000 * 300001 // 2, 8)
    connection.execute("CREATE INDEX ON made USING flat (e vector_l2_ops)")
    nearest = connection.execute("SELECT id FROM made ORDER BY e <-> '[4000,3,1,0,0,0,0,0]' LIMIT 1")
    assert nearest.fetchone() == (4000,)


def test_it_is_there_after_a_crash(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE made AS SELECT g AS a FROM generate_series(1, 1000) g")
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn) as again:
        assert again.execute("SELECT count(*), sum(a) FROM made").fetchone() == (1000, 500500)
