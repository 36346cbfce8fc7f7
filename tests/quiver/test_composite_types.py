"""Goal: composite types and whole rows are values: as PostgreSQL's, in every form, for every client, and after a crash.

Method: `sql/composite_types.sql` on a real PostgreSQL 16 and on a Quiver server, in text and binary; seeded random fields
against what PostgreSQL prints and reads of them; COPY in its formats; psycopg and asyncpg with their own support of composite
types; a restart after kill -9.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
from psycopg import errors
from psycopg.types.composite import CompositeInfo, register_composite

from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import beside_postgresql, differences

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]
TYPE = "CREATE TYPE place AS (street text, number int, since timestamptz, tags text[])"
PIECES = ["", " ", "a", "b c", '"', "\\", ",", "(", ")", "\n", "é", "NULL", "{}", "'", "1,2"]


@pytest.fixture
def connection(own_database: Database) -> Iterator[Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(TYPE.encode())
        connection.execute("CREATE TABLE t (id int, p place)")
        yield connection
        connection.execute("DROP TABLE t")
        connection.execute("DROP TYPE place")


def test_same_outcomes(postgres_uri: str, shared_server: ServerProcess) -> None:
    with beside_postgresql(postgres_uri, shared_server.dsn, "composite_types") as (theirs, ours):
        found = differences("composite_types.sql", theirs, ours)
    assert not found, "\n".join(found)


def test_quoting_beside_postgresql(connection: Connection, postgres: Connection) -> None:
    chance = random.Random(7)
    postgres.execute("DROP TYPE IF EXISTS place CASCADE")
    postgres.execute(TYPE.encode())
    texts = ["".join(chance.choices(PIECES, k=chance.randrange(4))) for _ in range(60)]
    query = "SELECT ROW(%s::text, %s, NULL, ARRAY[%s::text])::place::text"
    printed = []
    for text in texts:
        parameters = [text, chance.choice([None, 1, -5]), chance.choice(texts)]
        theirs, ours = (server.execute(query, parameters).fetchone() for server in (postgres, connection))
        assert theirs == ours
        printed.append(str((theirs or ("",))[0]))
    for text in [*printed, *("".join(chance.choices([*PIECES, "("], k=6)) for _ in range(60))]:
        found = [_read(server, text) for server in (postgres, connection)]
        assert found[0] == found[1], text
    postgres.execute("DROP TYPE place")


def _read(server: Connection, text: str) -> object:
    try:
        return server.execute("SELECT (%s::place).*", [text]).fetchall()
    except errors.DataError as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_detail


@pytest.mark.parametrize("options", ["FORMAT text", "FORMAT csv, HEADER", "FORMAT binary"])
def test_copy(connection: Connection, options: str) -> None:
    connection.execute(
        "INSERT INTO t VALUES (1, ROW('a b', 5, '2024-01-02 03:04+00', '{x,\"y z\"}')), (2, NULL)"
    )
    connection.execute("INSERT INTO t VALUES (3, ROW(NULL, NULL, NULL, NULL))")
    before = connection.execute("SELECT id, p::text FROM t ORDER BY id").fetchall()
    with connection.cursor().copy(f"COPY t TO STDOUT ({options})".encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    connection.execute("TRUNCATE t")
    with connection.cursor().copy(f"COPY t FROM STDIN ({options})".encode()) as copy:
        copy.write(data)
    assert connection.execute("SELECT id, p::text FROM t ORDER BY id").fetchall() == before


def test_psycopg(connection: Connection) -> None:
    info = CompositeInfo.fetch(connection, "place")
    assert info is not None
    assert tuple(info.field_names) == ("street", "number", "since", "tags")
    register_composite(info, connection)
    value = info.python_type("a,b", 5, None, ["x", None])  # type: ignore[misc]
    for is_binary in (False, True):
        cursor = connection.cursor(binary=is_binary)
        cursor.execute("INSERT INTO t VALUES (%s, %s)", [1, value])
        assert cursor.execute("SELECT p FROM t").fetchall() == [(value,)]
        cursor.execute("TRUNCATE t")
    row = CompositeInfo.fetch(connection, "t")
    assert row is not None
    assert tuple(row.field_names) == ("id", "p")
    assert connection.execute("SELECT ROW(1, 'a'::text)").fetchone() == (("1", "a"),)
    assert connection.cursor(binary=True).execute("SELECT ROW(1, 'a'::text)").fetchone() == ((1, "a"),)


def test_asyncpg(own_database: Database, connection: Connection) -> None:
    address = psycopg.conninfo.conninfo_to_dict(own_database.dsn)

    async def run() -> None:
        client = await asyncpg.connect(
            host=address["host"], port=address["port"], user="postgres", database=address["dbname"]
        )
        try:
            await client.execute("INSERT INTO t VALUES ($1, $2)", 1, ("a b", 5, None, ["x"]))
            row = await client.fetchrow("SELECT p, t, ROW(1, p) AS r FROM t")
            assert dict(row["p"]) == {"street": "a b", "number": 5, "since": None, "tags": ["x"]}
            assert row["t"]["id"] == 1
            assert row["t"]["p"]["number"] == 5
            assert row["r"][0] == 1
            await client.copy_records_to_table("t", records=[(2, ("c", None, None, None))])
            assert await client.fetchval("SELECT (p).street FROM t WHERE id = 2") == "c"
        finally:
            await client.close()

    asyncio.run(run())


def test_after_kill_9(tmp_path: Path) -> None:
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(TYPE.encode())
        connection.execute("CREATE TABLE t (id int, p place DEFAULT ROW('d', 1, NULL, NULL))")
        connection.execute("INSERT INTO t VALUES (1, ROW('a', 2, NULL, '{x}'))")
        connection.execute("CHECKPOINT")
        connection.execute("ALTER TYPE place RENAME ATTRIBUTE number TO house")
        connection.execute("INSERT INTO t (id) VALUES (2)")
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        found = connection.execute("SELECT (p).street, (p).house, (p).tags FROM t ORDER BY id").fetchall()
        assert found == [("a", 2, ["x"]), ("d", 1, None)]
        with pytest.raises(errors.DependentObjectsStillExist):
            connection.execute("DROP TYPE place")
