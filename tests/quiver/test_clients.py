"""Goal: real drivers run the same create, change and search script and read the same answers.

Method: psycopg 3 (text, binary, pipeline, server cursors), asyncpg (prepared, cursors, copy) and psycopg2 against one
server process, with pgvector's own adapters registered.
"""

from __future__ import annotations

import asyncio
import datetime
import decimal
import uuid
from typing import Any

import asyncpg
import numpy as np
import pgvector.asyncpg
import pgvector.psycopg
import pgvector.psycopg2
import psycopg
import psycopg2
import pytest

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

COLUMNS = (
    "id bigserial PRIMARY KEY, name text NOT NULL, price numeric(10,2), at timestamptz, born date, tags text[],"
    " meta jsonb, key uuid, ok boolean DEFAULT true, embedding vector(3), half halfvec(3)"
)
ROWS = [
    ("apple", decimal.Decimal("1.50"), [1.0, 0.0, 0.0]),
    ("pear", decimal.Decimal("2.25"), [0.9, 0.1, 0.0]),
    ("car", None, [0.0, 0.0, 1.0]),
]
AT = datetime.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=datetime.UTC)


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg(server: ServerProcess, binary: bool) -> None:
    table = f"psycopg_{binary}".lower()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        cursor = connection.cursor(binary=binary)
        cursor.execute(f"CREATE TABLE {table} ({COLUMNS})".encode())
        key = uuid.uuid4()
        for name, price, vector in ROWS:
            cursor.execute(
                f"INSERT INTO {table} (name, price, at, born, tags, meta, key, embedding, half)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)".encode(),
                (name, price, AT, AT.date(), ["a", "b"], '{"n": 1}', key, np.array(vector), np.array(vector)),
            )
        assert cursor.rowcount == 1
        cursor.execute(f"SELECT * FROM {table} WHERE name = %s".encode(), ("apple",))
        row = cursor.fetchone()
        assert row is not None
        assert row[:9] == (
            1,
            "apple",
            decimal.Decimal("1.50"),
            AT,
            AT.date(),
            ["a", "b"],
            {"n": 1},
            key,
            True,
        )
        assert np.array_equal(
            np.asarray(row[9].to_numpy() if hasattr(row[9], "to_numpy") else row[9]), [1, 0, 0]
        )
        nearest = (
            f"SELECT name FROM {table} WHERE price IS NOT NULL ORDER BY embedding <=> %s LIMIT 2".encode()
        )
        assert cursor.execute(nearest, (np.array([1.0, 0.0, 0.1]),)).fetchall() == [("apple",), ("pear",)]
        returned = cursor.execute(
            f"UPDATE {table} SET price = price + 1 WHERE id = 1 RETURNING price".encode()
        )
        assert returned.fetchall() == [(decimal.Decimal("2.50"),)]
        assert cursor.execute(f"DELETE FROM {table} WHERE name = 'car'".encode()).rowcount == 1
        assert cursor.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (2,)


def test_psycopg_pipeline_and_server_cursor(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (n int PRIMARY KEY)")
        with connection.pipeline(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO numbers VALUES (%s)", [(n,) for n in range(100)])
            total = connection.execute("SELECT sum(n) FROM numbers")
        assert total.fetchone() == (4950,)
        with connection.transaction(), connection.cursor(name="by_ten") as cursor:
            cursor.itersize = 10
            cursor.execute("SELECT n FROM numbers ORDER BY n")
            assert [row[0] for row in cursor] == list(range(100))
        with connection.transaction(), connection.cursor(name="scroll", scrollable=True) as cursor:
            cursor.execute("SELECT n FROM numbers ORDER BY n")
            cursor.fetchmany(5)
            cursor.scroll(-3)
            assert cursor.fetchone() == (2,)


def test_server_cursor_with_parameters(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn) as connection, connection.cursor(name="more") as cursor:
        cursor.execute("SELECT n + %s FROM generate_series(1, %s) n", (10, 3))
        assert cursor.fetchall() == [(11,), (12,), (13,)]


def test_names_of_objects_as_parameters(server: ServerProcess) -> None:
    """They are looked up when they are bound, where no transaction has begun yet."""
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        found = connection.execute("SELECT %s::regclass::oid, %s::regtype", ("pg_catalog.pg_class", "int4"))
        assert found.fetchone() == (1259, "integer")
        with pytest.raises(psycopg.errors.UndefinedTable, match='relation "nosuch" does not exist'):
            connection.execute("SELECT %s::regclass", ("nosuch",))


def test_transactions_through_psycopg(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int)")
        connection.execute("INSERT INTO accounts VALUES (1, 10)")
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute("UPDATE accounts SET balance = 20")
            connection.execute("INSERT INTO accounts VALUES (1, 0)")
        assert connection.execute("SELECT balance FROM accounts").fetchone() == (10,)
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("DELETE FROM accounts")
            raise ZeroDivisionError
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (1,)


def test_psycopg2(server: ServerProcess) -> None:
    connection = psycopg2.connect(server.dsn)
    try:
        pgvector.psycopg2.register_vector(connection)
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE psycopg2_t ({COLUMNS})")
        for name, price, vector in ROWS:
            cursor.execute(
                "INSERT INTO psycopg2_t (name, price, tags, embedding) VALUES (%s, %s, %s, %s) RETURNING id",
                (name, price, ["x"], np.array(vector)),
            )
        assert cursor.fetchone() == (3,)
        connection.commit()
        cursor.execute(
            "SELECT name, price FROM psycopg2_t ORDER BY embedding <-> %s LIMIT 1", (np.array([0, 0, 2]),)
        )
        assert cursor.fetchall() == [("car", None)]
        cursor.execute("SELECT embedding FROM psycopg2_t WHERE id = 2")
        assert np.allclose(cursor.fetchone()[0].to_numpy(), [0.9, 0.1, 0.0])
        connection.rollback()
    finally:
        connection.close()


async def _asyncpg_script(server: ServerProcess) -> None:
    connection = await asyncpg.connect(
        host=server.host, port=server.port, user="postgres", database="postgres"
    )
    try:
        await pgvector.asyncpg.register_vector(connection)
        await connection.execute(f"CREATE TABLE asyncpg_t ({COLUMNS})")
        statement = await connection.prepare(
            "INSERT INTO asyncpg_t (name, price, at, tags, meta, embedding) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"
        )
        for number, (name, price, vector) in enumerate(ROWS, 1):
            arguments: list[Any] = [name, price, AT, ["t"], '{"k": [1, 2]}', np.array(vector)]
            assert await statement.fetchval(*arguments) == number
        found = await connection.fetch(
            "SELECT name, embedding <-> $1 AS d FROM asyncpg_t ORDER BY embedding <-> $1 LIMIT $2",
            np.array([0, 0, 1]),
            1,
        )
        assert [tuple(row) for row in found] == [("car", 0.0)]
        row = await connection.fetchrow("SELECT price, at, tags, meta FROM asyncpg_t WHERE id = $1", 1)
        assert tuple(row) == (decimal.Decimal("1.50"), AT, ["t"], '{"k": [1, 2]}')
        records = [(f"n{i}", np.full(3, i, np.float32)) for i in range(500)]
        await connection.copy_records_to_table("asyncpg_t", records=records, columns=["name", "embedding"])
        assert await connection.fetchval("SELECT count(*) FROM asyncpg_t") == 503
        async with connection.transaction():
            seen = [
                r["id"] async for r in connection.cursor("SELECT id FROM asyncpg_t ORDER BY id", prefetch=50)
            ]
        assert len(seen) == 503 and seen == sorted(seen)
        await connection.reset()
    finally:
        await connection.close()


def test_asyncpg(server: ServerProcess) -> None:
    asyncio.run(_asyncpg_script(server))


def test_notifications_between_clients(server: ServerProcess) -> None:
    with (
        psycopg.connect(server.dsn, autocommit=True) as listener,
        psycopg.connect(server.dsn) as sender,
    ):
        listener.execute("LISTEN jobs")
        sender.execute("NOTIFY jobs, 'one'")
        sender.execute("SELECT pg_notify('jobs', 'two')")
        sender.commit()
        received = [n.payload for n in listener.notifies(timeout=10, stop_after=2)]
        assert received == ["one", "two"]


def test_cancel_stops_a_statement(server: ServerProcess) -> None:
    import threading

    with psycopg.connect(server.dsn, autocommit=True) as connection:
        timer = threading.Timer(0.5, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(
                "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000) b"
            )
        timer.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_statement_timeout(server: ServerProcess) -> None:
    endless = "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000) b"
    options = "-c statement_timeout=300ms"
    with (
        psycopg.connect(server.dsn, autocommit=True, options=options) as connection,
        pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"),
    ):
        connection.execute(endless)


def test_asyncpg_prepares_again_what_the_table_outgrew(server: ServerProcess) -> None:
    """It knows by the error's routine that a kept statement's columns changed, and asks again."""

    async def run() -> None:
        connection = await asyncpg.connect(host=server.host, port=server.port, user="postgres")
        try:
            await connection.execute("CREATE TABLE outgrown (id int); INSERT INTO outgrown VALUES (1)")
            assert [tuple(row) for row in await connection.fetch("SELECT * FROM outgrown")] == [(1,)]
            with psycopg.connect(server.dsn, autocommit=True) as other:
                other.execute("ALTER TABLE outgrown ADD COLUMN more text DEFAULT 'x'")
            assert [tuple(row) for row in await connection.fetch("SELECT * FROM outgrown")] == [(1, "x")]
        finally:
            await connection.close()

    asyncio.run(run())
