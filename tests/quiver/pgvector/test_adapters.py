"""Goal: pgvector's own Python adapters send and receive every type here as they do with PostgreSQL.

Method: `pgvector.psycopg` in both formats, `pgvector.psycopg2` and `pgvector.asyncpg` insert, search and read back vectors,
half vectors and sparse vectors.
"""

from __future__ import annotations

import asyncio

import asyncpg
import pgvector.asyncpg
import pgvector.psycopg
import pgvector.psycopg2
import psycopg
import psycopg2
import pytest
from pgvector import HalfVector, SparseVector, Vector

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

COLUMNS = "id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(5)"
ROWS = [
    (1, Vector([1, 2.5, -3]), HalfVector([1, 2.5, -3]), SparseVector({0: 1.5, 4: -2.0}, 5)),
    (2, Vector([0, 0, 1e-8]), HalfVector([0, 0, 65504]), SparseVector({}, 5)),
    (3, None, None, None),
]


@pytest.mark.parametrize("is_binary", [False, True])
def test_psycopg(server: ServerProcess, is_binary: bool) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        cursor = connection.cursor(binary=is_binary)
        cursor.execute("DROP TABLE IF EXISTS psycopg_vectors")
        cursor.execute(f"CREATE TABLE psycopg_vectors ({COLUMNS})".encode())
        mark = b"%b" if is_binary else b"%t"
        statement = b"INSERT INTO psycopg_vectors VALUES (" + b", ".join([mark] * 4) + b")"
        cursor.executemany(statement, ROWS)
        assert cursor.execute("SELECT * FROM psycopg_vectors ORDER BY id").fetchall() == ROWS
        query = b"SELECT id, s <-> " + mark + b" FROM psycopg_vectors WHERE s IS NOT NULL ORDER BY 2"
        assert cursor.execute(query, [SparseVector({4: -2.0}, 5)]).fetchall() == [(1, 1.5), (2, 2.0)]


def test_psycopg2(server: ServerProcess) -> None:
    connection = psycopg2.connect(server.dsn)
    try:
        pgvector.psycopg2.register_vector(connection)
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE psycopg2_vectors ({COLUMNS})")
        for row in ROWS:
            cursor.execute("INSERT INTO psycopg2_vectors VALUES (%s, %s, %s, %s)", row)
        cursor.execute("SELECT * FROM psycopg2_vectors ORDER BY id")
        assert cursor.fetchall() == ROWS
        connection.commit()
    finally:
        connection.close()


async def _asyncpg_script(server: ServerProcess) -> None:
    connection = await asyncpg.connect(
        host=server.host, port=server.port, user="postgres", database="postgres"
    )
    try:
        await pgvector.asyncpg.register_vector(connection)
        await connection.execute(f"CREATE TABLE asyncpg_vectors ({COLUMNS})")
        await connection.executemany("INSERT INTO asyncpg_vectors VALUES ($1, $2, $3, $4)", ROWS)
        found = await connection.fetch("SELECT * FROM asyncpg_vectors ORDER BY id")
        assert [tuple(row) for row in found] == ROWS
        await connection.execute("TRUNCATE asyncpg_vectors")
        await connection.copy_records_to_table("asyncpg_vectors", records=ROWS)
        found = await connection.fetch("SELECT * FROM asyncpg_vectors ORDER BY id")
        assert [tuple(row) for row in found] == ROWS
        nearest = "SELECT id FROM asyncpg_vectors ORDER BY s <=> $1, id LIMIT 1"
        assert await connection.fetchval(nearest, SparseVector({0: 3.0}, 5)) == 1
    finally:
        await connection.close()


def test_asyncpg(server: ServerProcess) -> None:
    asyncio.run(_asyncpg_script(server))
