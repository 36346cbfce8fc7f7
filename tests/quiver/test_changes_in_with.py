"""Goal: data changes in WITH outside plain execution. Method: EXPLAIN, COPY, a pipeline and many rows against a server; what the
changes do is compared with PostgreSQL in `sql/changes_in_with.sql`.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.shared_server import Database

MOVE = "WITH gone AS (DELETE FROM queue WHERE id {} RETURNING *) INSERT INTO done SELECT * FROM gone"


@pytest.fixture
def connection(own_database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE queue AS SELECT g AS id, 'job' AS name FROM generate_series(1, 3000) g"
        )
        connection.execute("CREATE TABLE done (LIKE queue)")
        yield connection
        connection.execute("DROP TABLE queue, done")


def count(connection: psycopg.Connection, table: str) -> int:
    (found,) = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)
    return int(found)


def test_explain_changes_nothing_without_analyze(connection: psycopg.Connection) -> None:
    lines = [line for (line,) in connection.execute(b"EXPLAIN " + MOVE.format("< 10").encode())]
    assert lines[0] == "Insert on done"
    assert lines[-2:] == ["  CTE gone", "    ->  Delete"]
    assert count(connection, "queue") == 3000
    connection.execute(b"EXPLAIN ANALYZE " + MOVE.format("< 10").encode())
    assert count(connection, "done") == 9


def test_explain_of_rows_from_a_query_in_with(connection: psycopg.Connection) -> None:
    explained = connection.execute("EXPLAIN WITH q AS (SELECT * FROM queue) INSERT INTO done SELECT * FROM q")
    assert any("queue" in line for (line,) in explained)


def test_many_rows_copy_and_a_pipeline(connection: psycopg.Connection) -> None:
    assert connection.execute(MOVE.format("> 1000").encode()).rowcount == 2000
    with connection.cursor().copy(f"COPY ({MOVE.format('< 3')} RETURNING id) TO STDOUT".encode()) as copy:
        assert sorted(copy.rows()) == [("1",), ("2",)]
    with connection.pipeline():
        moved = [connection.execute(f"{MOVE.format('= %s')} RETURNING id", [i]) for i in (5, 6, 5)]
    assert [cursor.fetchall() for cursor in moved] == [[(5,)], [(6,)], []]
    assert (count(connection, "queue"), count(connection, "done")) == (996, 2004)
