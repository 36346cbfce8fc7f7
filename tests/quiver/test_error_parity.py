"""Goal: bad input gets PostgreSQL's SQLSTATE and message, and the transaction state afterwards is PostgreSQL's.

Method: the same statements on Quiver and on a real PostgreSQL with pgvector, side by side; in autocommit, then inside a
transaction, where the next statement must fail with 25P02.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

SETUP = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    (
        "CREATE TABLE t (id int PRIMARY KEY, small int2 CHECK (small <> 100), name varchar(3) NOT NULL DEFAULT 'x',"
        " price numeric(5,2), day date, v vector(3), parent int REFERENCES t)"
    ),
    "DROP SCHEMA IF EXISTS side CASCADE",
    "CREATE SCHEMA side",
    "CREATE TABLE side.only (id int UNIQUE)",
    "INSERT INTO t (id, v) VALUES (1, '[1,2,3]')",
)
STATEMENTS = (
    "INSERT INTO t (id, v) VALUES (2, '[1,2]')",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,NaN]')",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,Infinity]')",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,1e400]')",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,x]')",
    "INSERT INTO t (id, v) VALUES (2, '1,2,3')",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,3')",
    "INSERT INTO t (id, parent) VALUES (2, 9)",
    "INSERT INTO t (id, parent) VALUES (2, 2), (1, 2)",
    "UPDATE t SET id = 5, parent = 6",
    "INSERT INTO t (id, small) VALUES (2, 100)",
    "INSERT INTO side.only VALUES (1), (1)",
    "ALTER TABLE t ADD CHECK (id > 5)",
    "ALTER TABLE t ALTER small SET NOT NULL",
    "INSERT INTO t (id, v) VALUES (2, '[1,2,3]x')",
    "INSERT INTO t (id, v) VALUES (2, '[]')",
    "INSERT INTO t (id) VALUES (1)",
    "INSERT INTO t (id, name) VALUES (2, NULL)",
    "INSERT INTO t (id, name) VALUES (2, 'long')",
    "INSERT INTO t (id, small) VALUES (2, 40000)",
    "INSERT INTO t (id, price) VALUES (2, 12345.6)",
    "INSERT INTO t (id, day) VALUES (2, '2024-02-30')",
    "INSERT INTO t (id, day) VALUES (2, 'not a day')",
    "INSERT INTO t (id) VALUES ('abc')",
    "INSERT INTO t (id) VALUES (99999999999)",
    "INSERT INTO t (nope) VALUES (1)",
    "INSERT INTO t (id, small) VALUES (1, 2, 3)",
    "INSERT INTO t (id, day) VALUES (2, 5)",
    "UPDATE t SET id = NULL",
    "UPDATE t SET nope = 1",
    "SELECT * FROM missing",
    "SELECT missing FROM t",
    "SELECT t.missing FROM t",
    "SELECT x.id FROM t",
    "SELECT missing(1)",
    "SELECT lower(1, 2)",
    "SELECT '1'::missing",
    "SELECT id + true FROM t",
    "SELECT v <-> '[1,2]' FROM t",
    "SELECT v <-> 5 FROM t",
    "SELECT id FROM t WHERE id = $1",
    "EXPLAIN SELECT $2 + 1",
    "SELECT 1 / 0",
    "SELECT 2147483647 + 1",
    "SELECT 'abc'::int",
    "SELECT '[1,2]'::vector(3)",
    "SELECT '[1,2,3]'::vector(0)",
    "SELECT id, count(*) FROM t",
    "SELECT count(*) FROM t WHERE count(*) > 1",
    "SELEC 1",
    "SELECT 1 FROM",
    "SELECT (1",
    "SELECT 'open",
    "SELECT * FROM t WHERE",
    "CREATE TABLE t (a int)",
    "CREATE TABLE u (a int, a int)",
    "CREATE TABLE u (a missing)",
    "CREATE TABLE u (v vector(16001))",
    "CREATE INDEX ON t USING hnsw (v missing_ops)",
    "CREATE INDEX ON t USING hnsw (v)",
    "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 1)",
    "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (missing = 1)",
    "CREATE INDEX ON t USING missing (id)",
    "CREATE INDEX ON t (missing)",
    "ALTER TABLE t ADD COLUMN id int",
    "ALTER TABLE t DROP COLUMN missing",
    "DROP TABLE missing",
    "DROP INDEX missing",
    "TRUNCATE missing",
    "SET hnsw.ef_search = 0",
    "SET missing_setting = 1",
    "SHOW missing_setting",
    "RELEASE SAVEPOINT missing",
    "FETCH 1 FROM missing",
    "EXECUTE missing",
    "DEALLOCATE missing",
    "SELECT (SELECT id FROM (VALUES (1), (2)) x(id))",
    "SELECT id FROM t ORDER BY 5",
    "SELECT id FROM t LIMIT -1",
)
KNOWN_DIFFERENCES: dict[str, str] = {}
"""Statement -> why ours may differ."""


@pytest.fixture(scope="module")
def pair(
    postgres_uri: str, own_database: Database
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            connection.execute("DROP TABLE IF EXISTS t")
            for statement in SETUP:
                connection.execute(statement)
        yield theirs, ours


def outcome(connection: psycopg.Connection, statement: str) -> tuple[str | None, ...]:
    """(SQLSTATE, message, position, names of objects) of a statement that fails; ("",) when it does not."""
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        said = error.diag
        names = (
            said.schema_name,
            said.table_name,
            said.column_name,
            said.datatype_name,
            said.constraint_name,
        )
        return error.sqlstate, said.message_primary, said.statement_position, *names
    return ("",)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_same_error(pair: tuple[psycopg.Connection, psycopg.Connection], statement: str) -> None:
    theirs, ours = pair
    expected, got = outcome(theirs, statement), outcome(ours, statement)
    assert expected[0], f"PostgreSQL accepts {statement}"
    assert got == expected
    assert ours.execute("SELECT count(*), min(id), max(id) FROM t").fetchall() == [(1, 1, 1)]


@pytest.mark.parametrize("statement", STATEMENTS[::6])
def test_transaction_state_afterwards(own_database: Database, statement: str) -> None:
    with psycopg.connect(own_database.dsn) as connection:
        connection.execute("INSERT INTO t (id) VALUES (7)")
        connection.execute("SAVEPOINT before")
        assert outcome(connection, statement)[0]
        assert outcome(connection, "SELECT 1")[0] == "25P02"
        connection.execute("ROLLBACK TO before")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)


def test_a_bad_row_leaves_nothing_of_a_copy(pair: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    said = []
    for connection in pair:
        with (
            pytest.raises(psycopg.Error) as caught,
            connection.cursor() as cursor,
            cursor.copy("COPY t (id, name, v) FROM STDIN") as copy,
        ):
            copy.write("10\ta\t[1,2,3]\n11\tb\t[1,2]\n12\tc\t[1,2,3]\n")
        said.append((caught.value.sqlstate, caught.value.diag.message_primary, caught.value.diag.context))
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    assert said[0] == said[1]
