"""Goal: drivers with pgvector's adapters search every type by every distance here as on PostgreSQL.

Method: psycopg in both formats, psycopg2 and asyncpg create a table with indexes, insert, search and average with adapted
parameters on a real PostgreSQL with pgvector and on Quiver; what they return must be equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pgvector.asyncpg
import pgvector.psycopg
import pgvector.psycopg2
import psycopg
import psycopg2
import pytest
from pgvector import Bit, HalfVector, SparseVector, Vector

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

SETUP = (
    "DROP TABLE IF EXISTS searched",
    "CREATE TABLE searched (id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(5), b bit(4))",
    "CREATE INDEX ON searched USING hnsw (v vector_l2_ops)",
    "CREATE INDEX ON searched USING ivfflat (h halfvec_cosine_ops) WITH (lists = 1)",
    "CREATE INDEX ON searched USING hnsw (s sparsevec_ip_ops)",
    "CREATE INDEX ON searched USING hnsw (b bit_hamming_ops)",
)
ROWS = (
    (1, Vector([1, 2.5, -3]), HalfVector([1, 2.5, -3]), SparseVector({0: 1.5, 4: -2.0}, 5), "1010"),
    (2, Vector([0.5, 0, 1]), HalfVector([0.5, 0, 1]), SparseVector({1: 2.0}, 5), "0110"),
    (3, Vector([4, 4, 4]), HalfVector([4, 4, 4]), SparseVector({0: 3.0, 2: 1.0}, 5), "1111"),
    (4, None, None, None, None),
)
NUMERIC_OPERATORS = ("<->", "<#>", "<=>", "<+>")
QUERIES = (
    *(("v", operator, Vector([1, 1, 1])) for operator in NUMERIC_OPERATORS),
    *(("h", operator, HalfVector([1, 1, 1])) for operator in NUMERIC_OPERATORS),
    *(("s", operator, SparseVector({0: 1.0, 4: 1.0}, 5)) for operator in NUMERIC_OPERATORS),
    *(("b", operator, "1100") for operator in ("<~>", "<%>")),
)
AVERAGES = "SELECT avg(v), avg(h), sum(v), sum(h) FROM searched"


def plain(rows: Any) -> list[list[object]]:
    """Rows with distances to nine digits and adapted values as text."""
    return [
        [round(cell, 9) if isinstance(cell, float) else cell if cell is None else str(cell) for cell in row]
        for row in rows
    ]


def search(column: str, operator: str, mark: str) -> str:
    return (
        f"SELECT id, {column} {operator} {mark} FROM searched ORDER BY {column} {operator} {mark}, id LIMIT 3"
    )


def by_psycopg(dsn: str, mark: str) -> list[object]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        cursor = connection.cursor(binary=mark == "%b")
        for statement in SETUP:
            cursor.execute(statement.encode())
        for *row, bits in ROWS:
            values = [*row, None if bits is None else Bit(bits)]
            cursor.execute(f"INSERT INTO searched VALUES ({', '.join([mark] * 5)})".encode(), values)
        found: list[object] = []
        for column, operator, query in QUERIES:
            text = search(column, operator.replace("%", "%%"), mark)
            value = Bit(query) if isinstance(query, str) else query
            found.append(plain(cursor.execute(text.encode(), [value, value]).fetchall()))
        found.append(plain(cursor.execute(AVERAGES.encode()).fetchall()))
        return found


def by_psycopg2(dsn: str) -> list[object]:
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        pgvector.psycopg2.register_vector(connection)
        cursor = connection.cursor()
        for statement in SETUP:
            cursor.execute(statement)
        for row in ROWS:
            cursor.execute("INSERT INTO searched VALUES (%s, %s, %s, %s, %s)", row)
        found: list[object] = []
        for column, operator, query in QUERIES:
            cursor.execute(search(column, operator.replace("%", "%%"), "%s"), (query, query))
            found.append(plain(cursor.fetchall()))
        cursor.execute(AVERAGES)
        found.append(plain(cursor.fetchall()))
        return found
    finally:
        connection.close()


async def _by_asyncpg(dsn: str) -> list[object]:
    given = psycopg.conninfo.conninfo_to_dict(dsn)
    connection = await asyncpg.connect(
        host=given["host"], port=given.get("port", 5432), user=given["user"], database=given["dbname"]
    )
    try:
        await pgvector.asyncpg.register_vector(connection)
        for statement in SETUP:
            await connection.execute(statement)
        rows = [(*row, None if bits is None else asyncpg.BitString(bits)) for *row, bits in ROWS]
        await connection.executemany("INSERT INTO searched VALUES ($1, $2, $3, $4, $5)", rows)
        found: list[object] = []
        for column, operator, query in QUERIES:
            value = asyncpg.BitString(query) if isinstance(query, str) else query
            found.append(plain(await connection.fetch(search(column, operator, "$1"), value)))
        found.append(plain(await connection.fetch(AVERAGES)))
        return found
    finally:
        await connection.close()


def by_asyncpg(dsn: str) -> list[object]:
    return asyncio.run(_by_asyncpg(dsn))


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(lambda dsn: by_psycopg(dsn, "%t"), id="psycopg-text"),
        pytest.param(lambda dsn: by_psycopg(dsn, "%b"), id="psycopg-binary"),
        pytest.param(by_psycopg2, id="psycopg2"),
        pytest.param(by_asyncpg, id="asyncpg"),
    ],
)
def test_searches(postgres_uri: str, own_database: Database, run: Callable[[str], list[object]]) -> None:
    theirs, ours = run(postgres_uri), run(own_database.dsn)
    assert ours == theirs
    assert len(theirs) == len(QUERIES) + 1


@pytest.mark.parametrize("catalog", ["type:typ", "proc:pro", "operator:opr", "opclass:opc", "opfamily:opf"])
def test_objects_are_in_a_schema_of_their_database(own_database: Database, catalog: str) -> None:
    name, prefix = catalog.split(":")
    count = f"SELECT n.nspname, count(*) FROM pg_{name} LEFT JOIN pg_namespace n ON n.oid = {prefix}namespace"
    with psycopg.connect(own_database.dsn) as connection:
        counts = dict(connection.execute(f"{count} GROUP BY 1".encode()).fetchall())
    assert counts["public"] > 5
