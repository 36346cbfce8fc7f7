"""Goal: a domain's rules hold for every value that is cast to it or stored, for every client, and after a crash.

Method: `sql/domains.sql` on a real PostgreSQL 16 and on a Quiver server; each way into a table with a value that the
domain does not allow; the fields of the errors, psql's descriptions and pg_dump's script beside PostgreSQL's; clients with
their own codecs; a restart after kill -9; two transactions that do not see each other.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
import sqlalchemy
from psycopg import errors

from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import beside_postgresql, differences

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]
SCHEMA = (
    "CREATE DOMAIN posint AS integer CHECK (VALUE > 0)",
    "CREATE DOMAIN label AS varchar(5) NOT NULL DEFAULT 'none' CONSTRAINT no_x CHECK (VALUE !~ 'x')",
    "CREATE TABLE t (id int PRIMARY KEY, n posint, l label)",
)


@pytest.fixture
def connection(own_database: Database) -> Iterator[Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        for statement in SCHEMA:
            connection.execute(statement.encode())
        yield connection
        connection.execute("DROP TABLE t")
        connection.execute("DROP DOMAIN posint, label")


def test_same_outcomes(postgres_uri: str, shared_server: ServerProcess) -> None:
    with beside_postgresql(postgres_uri, shared_server.dsn, "domains") as (theirs, ours):
        found = differences("domains.sql", theirs, ours)
    assert not found, "\n".join(found)


def _copy(connection: Connection, n: int) -> None:
    with connection.cursor().copy("COPY t (id, n) FROM STDIN") as copy:
        copy.write(f"1\t5\n2\t{n}\n")


def _copy_binary(connection: Connection, n: int) -> None:
    with connection.cursor().copy("COPY t (id, n) FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "int4"])
        copy.write_row((1, 5))
        copy.write_row((2, n))


def _prepared(connection: Connection, n: int) -> None:
    connection.execute("INSERT INTO t (id, n) VALUES (%s, %s)", [1, 5], prepare=True)
    connection.execute("INSERT INTO t (id, n) VALUES (%s, %s)", [2, n], prepare=True)


def _executemany(connection: Connection, n: int) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t (id, n) VALUES (%s, %s)", [(1, 5), (2, 6), (3, n)])


def _literals(connection: Connection, n: int) -> None:
    for key in range(4):
        connection.execute(f"INSERT INTO t (id, n) VALUES ({key}, 5)".encode())
    connection.execute(f"INSERT INTO t (id, n) VALUES (4, {n})".encode())


def _updated(connection: Connection, n: int) -> None:
    connection.execute("INSERT INTO t (id, n) SELECT i, i + 1 FROM generate_series(0, 20000) i")
    connection.execute("UPDATE t SET n = %s WHERE id = 7", [n])


def _upserted(connection: Connection, n: int) -> None:
    upsert = "INSERT INTO t (id, n) VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = %s"
    connection.execute(upsert, [9])
    connection.execute(upsert, [n])


def _by_default(connection: Connection, n: int) -> None:
    connection.execute(f"ALTER TABLE t ALTER n SET DEFAULT {n}".encode())
    connection.execute("INSERT INTO t (id) VALUES (1)")


def _referenced(connection: Connection, n: int) -> None:
    connection.execute(
        "CREATE TABLE u (n int REFERENCES t (id) ON UPDATE CASCADE, m posint REFERENCES t ON UPDATE CASCADE)"
    )
    try:
        connection.execute("INSERT INTO t (id) VALUES (8)")
        connection.execute("INSERT INTO u VALUES (8, 8)")
        connection.execute("UPDATE t SET id = %s", [n])
    finally:
        connection.execute("DROP TABLE u")


WAYS = (
    _copy,
    _copy_binary,
    _prepared,
    _executemany,
    _literals,
    _updated,
    _upserted,
    _by_default,
    _referenced,
)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_into_a_table(connection: Connection, way: Callable[[Connection, int], None]) -> None:
    with pytest.raises(errors.CheckViolation) as caught:
        way(connection, -3)
    found = caught.value.diag
    assert found.message_primary == 'value for domain posint violates check constraint "posint_check"'
    assert (found.schema_name, found.datatype_name, found.constraint_name) == (
        "public",
        "posint",
        "posint_check",
    )
    assert connection.execute("SELECT count(*) FROM t WHERE n <= 0").fetchall() == [(0,)]
    connection.execute("TRUNCATE t")
    way(connection, 3)


def test_null_where_the_domain_allows_none(connection: Connection) -> None:
    connection.execute("INSERT INTO t (id, n) VALUES (1, NULL)")
    with pytest.raises(errors.NotNullViolation) as caught:
        connection.execute("INSERT INTO t VALUES (2, 1, NULL)")
    found = caught.value.diag
    assert found.message_primary == "domain label does not allow null values"
    assert (found.schema_name, found.datatype_name, found.column_name) == ("public", "label", None)
    assert connection.execute("SELECT l FROM t").fetchall() == [("none",)]
    assert connection.execute("SELECT x.l FROM (SELECT 1) AS o LEFT JOIN t x ON false").fetchall() == [
        (None,)
    ]


def test_clients_see_the_type_below(own_database: Database, connection: Connection) -> None:
    connection.execute("INSERT INTO t VALUES (1, 5, 'a')")
    cursor = connection.execute("SELECT n, l FROM t")
    described = [(column.type_code, column.display_size) for column in cursor.description or ()]
    assert described == [(23, None), (1043, 5)]

    async def run() -> None:
        client = await asyncpg.connect(**_address(own_database))
        try:
            await client.execute("INSERT INTO t VALUES ($1, $2, $3)", 2, 6, "b")
            assert await client.fetchval("SELECT $1::posint + 1", 4) == 5
            with pytest.raises(asyncpg.CheckViolationError):
                await client.fetchval("SELECT $1::posint", -4)
            await client.copy_records_to_table("t", records=[(3, 7, "c")])
            with pytest.raises(asyncpg.CheckViolationError):
                await client.copy_records_to_table("t", records=[(4, -7, "c")])
            assert await client.fetch("SELECT n, l FROM t ORDER BY id") == [(5, "a"), (6, "b"), (7, "c")]
        finally:
            await client.close()

    asyncio.run(run())


def _address(database: Database) -> dict[str, str]:
    found = psycopg.conninfo.conninfo_to_dict(database.dsn)
    names = {"host": "host", "port": "port", "user": "user", "dbname": "database"}
    return {names[key]: str(value) for key, value in found.items() if key in names}


def test_sqlalchemy_finds_domains(own_database: Database, connection: Connection) -> None:
    address = _address(own_database)
    engine = sqlalchemy.create_engine(
        f"postgresql+psycopg://postgres@{address['host']}:{address['port']}/{address['database']}"
    )
    inspector = sqlalchemy.inspect(engine)
    found = {column["name"]: column["type"] for column in inspector.get_columns("t")}
    assert isinstance(found["n"], sqlalchemy.dialects.postgresql.DOMAIN)
    assert isinstance(found["n"].data_type, sqlalchemy.Integer)
    domains = {domain["name"]: domain for domain in inspector.get_domains()}  # type: ignore[attr-defined]
    assert domains["label"]["constraints"] == [{"name": "no_x", "check": "VALUE::text !~ 'x'::text"}]
    engine.dispose()


@pytest.mark.parametrize("command", [r"\dD", r"\dD+", r"\d t", r"\dT posint"])
def test_psql(postgres_uri: str, own_database: Database, connection: Connection, command: str) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as theirs:
        theirs.execute("DROP DATABASE IF EXISTS domains_psql")
        theirs.execute("CREATE DATABASE domains_psql")
    dsn = psycopg.conninfo.make_conninfo(postgres_uri, dbname="domains_psql")
    with psycopg.connect(dsn, autocommit=True) as theirs:
        for statement in SCHEMA:
            theirs.execute(statement.encode())
    shown = [
        subprocess.run(
            ["psql", "-X", place, "-c", command], capture_output=True, text=True, check=True
        ).stdout
        for place in (dsn, own_database.dsn)
    ]
    assert shown[0] == shown[1]


def test_after_kill_9(tmp_path: Path) -> None:
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in SCHEMA:
            connection.execute(statement.encode())
        connection.execute("INSERT INTO t VALUES (1, 5, 'a')")
        connection.execute("CHECKPOINT")
        connection.execute("ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 10)")
        connection.execute("CREATE DOMAIN smaller AS posint CHECK (VALUE < 4)")
        connection.execute("ALTER TABLE t ADD s smaller DEFAULT 3")
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert connection.execute("SELECT * FROM t").fetchall() == [(1, 5, "a", 3)]
        for value in (-1, 11):
            with pytest.raises(errors.CheckViolation):
                connection.execute("INSERT INTO t (id, n) VALUES (2, %s)", [value])
        with pytest.raises(errors.CheckViolation):
            connection.execute("SELECT 5::smaller")
        with pytest.raises(errors.DependentObjectsStillExist):
            connection.execute("DROP DOMAIN posint")


def test_a_constraint_beside_an_open_insert(own_database: Database, connection: Connection) -> None:
    """ALTER DOMAIN waits for who writes to a table of the domain, and sees what was written."""
    with psycopg.connect(own_database.dsn) as other:
        other.execute("INSERT INTO t (id, n) VALUES (1, 50)")
        connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            connection.execute("ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 10)")
        other.commit()
    with pytest.raises(errors.CheckViolation, match='column "n" of table "t" contains values that violate'):
        connection.execute("ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 10)")


def test_drop_beside_a_new_column(own_database: Database, connection: Connection) -> None:
    """Two transactions that do not see each other: one of them fails, no column is left without its domain."""
    connection.execute("CREATE DOMAIN brief AS int")
    with psycopg.connect(own_database.dsn) as other:
        other.execute("CREATE TABLE user_of_brief (m brief)")
        connection.execute("DROP DOMAIN brief")
        with pytest.raises(errors.SerializationFailure):
            other.commit()


def test_names_in_kept_texts_mean_the_domain_whatever_the_search_path(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA here",
            "CREATE SCHEMA elsewhere",
            "CREATE DOMAIN here.small AS int CHECK (VALUE < 5)",
            "CREATE DOMAIN elsewhere.small AS int CHECK (VALUE < 100)",
            "SET search_path = here",
            "CREATE TABLE kept (a int CHECK (a::small > 0), b int DEFAULT 3::small)",
            "CREATE VIEW shown AS SELECT a::small AS s FROM kept",
            "SET search_path = elsewhere",
        ):
            connection.execute(statement.encode())
        with pytest.raises(errors.CheckViolation, match=r"here\.small"):
            connection.execute("INSERT INTO here.kept (a) VALUES (50)")
        connection.execute("INSERT INTO here.kept (a) VALUES (4)")
        assert connection.execute("SELECT s, pg_typeof(s)::text FROM here.shown").fetchall() == [
            (4, "here.small")
        ]
        for command in ("RENAME TO other", "SET SCHEMA elsewhere"):
            with pytest.raises((errors.FeatureNotSupported, errors.DuplicateObject)):
                connection.execute(f"ALTER DOMAIN here.small {command}".encode())
        connection.execute("DROP SCHEMA here, elsewhere CASCADE")
