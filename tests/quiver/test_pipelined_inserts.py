"""Goal: INSERTs that a driver pipelines leave the same rows and errors whether or not they are executed together.

Method: executemany of psycopg, which sends one pipeline, on Quiver and on PostgreSQL beside it, with sets that fail
at the front, in the middle and at the end, inside and outside a block; then what each row got, and other drivers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import psycopg
import pytest

from tests.quiver.server_process import ServerProcess

SETUP = """
DROP TABLE IF EXISTS child, plain, checked, tree, filled, parent;
CREATE TABLE plain (id int PRIMARY KEY, name varchar(5), price numeric(6, 2), seen timestamptz);
CREATE TABLE checked (id int UNIQUE, n int CHECK (n > 0), double int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree);
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 5);
CREATE TABLE child (id int, parent int REFERENCES parent);
CREATE TABLE filled (id serial, v int, r float DEFAULT random(), at timestamptz DEFAULT now())
"""

PLAIN = "INSERT INTO plain VALUES (%s, %s, %s, %s)"
CHECKED = "INSERT INTO checked (id, n) VALUES (%s, %s)"
TREE = "INSERT INTO tree VALUES (%s, %s)"
CHILD = "INSERT INTO child VALUES (%s, %s)"

SCRIPTS: list[tuple[str, str, Sequence[tuple[Any, ...]]]] = [
    ("plain", PLAIN, [(i, f"n{i}", i / 4, "2026-01-01 00:00:00Z") for i in range(1000, 1040)]),
    ("plain", PLAIN, [(i, None, None, None) for i in range(1000, 1040)]),
    ("plain", PLAIN, [(1000 + i % 30, "x", 1.5, None) for i in range(40)]),
    ("plain", PLAIN, [(1000, "x", 1.5, None)] * 20),
    ("plain", PLAIN, [(1000 + i, "x" * (1 + i // 4), 1.5, None) for i in range(40)]),
    ("plain", PLAIN, [(1000 + i, "x", 10.0**i, None) for i in range(40)]),
    ("plain", PLAIN, [(1000 + i, "\u00e4\U0001f600", 1, None) for i in range(20)]),
    (
        "plain",
        "INSERT INTO plain (name, id) VALUES (upper(%s), %s + 1)",
        [("ab", 1000 + i) for i in range(20)],
    ),
    ("checked", CHECKED, [(1000 + i, 5000 - 200 * i) for i in range(40)]),
    ("checked", CHECKED, [(1000 + i, 3000 + i) for i in range(40)]),
    ("tree", TREE, [(1000 + i, 1000 + max(0, i - 1)) for i in range(20)]),
    ("tree", TREE, [(1000 + i, 1001 + i) for i in range(20)]),
    ("child", CHILD, [(1000 + i, 1 + i % 5) for i in range(20)]),
    ("child", CHILD, [(1000 + i, 1 + i % 6) for i in range(20)]),
    ("child", "INSERT INTO child VALUES (%s, (SELECT max(id) FROM parent WHERE id < %s))", [(1000, 4)] * 20),
]


def outcome(
    connection: psycopg.Connection[tuple[object, ...]], script: tuple[str, str, Sequence[Any]], is_block: bool
) -> tuple[object, ...]:
    table, statement, sets = script
    connection.execute(SETUP.encode())
    count, error = -1, None
    with connection.cursor() as cursor:
        try:
            if is_block:
                with connection.transaction():
                    cursor.executemany(statement.encode(), sets)
            else:
                cursor.executemany(statement.encode(), sets)
            count = cursor.rowcount
        except psycopg.Error as failure:
            error = (failure.sqlstate, failure.diag.message_primary, failure.diag.message_detail)
    return count, error, connection.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall()


@pytest.mark.parametrize("is_block", [False, True], ids=["alone", "block"])
def test_same_as_postgres(server: ServerProcess, postgres_uri: str, is_block: bool) -> None:
    with (
        psycopg.connect(server.dsn, autocommit=True) as ours,
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
    ):
        for number, script in enumerate(SCRIPTS):
            wanted = outcome(theirs, script, is_block)
            assert outcome(ours, script, is_block) == wanted, (number, script[1])


def test_work_before_a_failure_can_be_kept_by_a_savepoint(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection, connection.cursor() as cursor:
        connection.execute(SETUP.encode())
        with connection.transaction():
            cursor.executemany(PLAIN, [(1000 + i, "x", 1, None) for i in range(30)])
            with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
                cursor.executemany(PLAIN, [(1010 + 2 * i, "y", 1, None) for i in range(30)])
            cursor.executemany(PLAIN, [(2000 + i, "z", 1, None) for i in range(30)])
        found = connection.execute("SELECT name, count(*) FROM plain GROUP BY name ORDER BY 1").fetchall()
        assert found == [("x", 30), ("z", 30)]


def test_every_row_has_defaults_of_its_own(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection, connection.cursor() as cursor:
        connection.execute(SETUP.encode())
        cursor.executemany("INSERT INTO filled (v) VALUES (%s)", [(1000 + i,) for i in range(300)])
        figures = "count(DISTINCT id), max(id), count(DISTINCT r), count(DISTINCT at), bool_and(v = 999 + id)"
        row = connection.execute(f"SELECT {figures} FROM filled".encode()).fetchone()
        assert row == (300, 300, 300, 1, True)


def test_executemany_of_asyncpg(server: ServerProcess) -> None:
    """Its batches are atomic: implicit transactions of Bind and Execute messages without Describe."""

    async def run() -> None:
        connection = await asyncpg.connect(
            host=server.host, port=server.port, user="postgres", database="postgres"
        )
        await connection.execute(SETUP)
        statement = "INSERT INTO checked (id, n) VALUES ($1, $2)"
        await connection.executemany(statement, [(i, i + 1) for i in range(2500)])
        assert await connection.fetchval("SELECT sum(double) FROM checked") == 2500 * 2501
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.executemany(statement, [(5000 - i, 1) for i in range(2600)])
        assert await connection.fetchval("SELECT count(*) FROM checked") == 2500
        await connection.close()

    asyncio.run(run())
