"""Goal: a search that other tables restrict, by EXISTS, IN or a join, has PostgreSQL's rows and goes through the index.

Method: fixed shapes and seeded random compositions of them on a real PostgreSQL with pgvector, and here without an index,
where every distance must be equal; then here with the index, where the number of rows must be equal, nearly all of them
the same, and the index must have been asked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import FOLDER

pytestmark = pytest.mark.slow

DOCUMENTS, CHUNKS = 1500, 4000
Connections = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
QUERY = "'[0.3,-0.2,0.5,0.1]'"

SCHEMA = """
DROP TABLE IF EXISTS chunks; DROP TABLE IF EXISTS documents; DROP TABLE IF EXISTS owners;
CREATE TABLE owners (id int PRIMARY KEY, name text);
CREATE TABLE documents (id int PRIMARY KEY, owner_id int, title text, price int, embedding vector(4));
CREATE TABLE chunks (id int PRIMARY KEY, document_id int, n int, content text, embedding vector(4));
"""


def fill(connection: psycopg.Connection[Any]) -> None:
    rng = np.random.default_rng(7)
    connection.execute(SCHEMA.encode())

    def copied(table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def vector(number: int) -> str | None:
        # Some are missing, some are the same.
        values = np.random.default_rng(number % 1200).normal(size=4).round(3)
        return None if number % 50 == 3 else f"[{','.join(map(str, values))}]"

    copied("owners", ((i, f"owner {i % 7}") for i in range(40)))
    copied(
        "documents",
        ((i, int(rng.integers(0, 45)) if i % 20 else None, f"t {i % 13}", i % 100, vector(i)) for i in range(DOCUMENTS)),
    )  # fmt: skip
    copied(
        "chunks",
        (
            (
                i,
                int(rng.integers(0, DOCUMENTS + 50)) if i % 30 else None,
                i % 4,
                f"c {i % 17}",
                vector(i + 9000),
            )
            for i in range(CHUNKS)
        ),
    )


@pytest.fixture(scope="module")
def connections(postgres_uri: str, own_database: Database) -> Iterator[Connections]:
    """PostgreSQL and Quiver with the same rows; only Quiver has indexes."""
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        fill(theirs)
        fill(ours)
        for table in ("chunks", "documents"):
            ours.execute(f"CREATE INDEX {table}_e ON {table} USING hnsw (embedding vector_l2_ops)".encode())
        # So wide that graphs of this size are exact.
        ours.execute("SET hnsw.ef_search = 500")
        # Rows in memory beside those of the segment.
        for connection in (theirs, ours):
            connection.execute("UPDATE documents SET price = price + 1 WHERE id % 5 = 0")
            connection.execute("DELETE FROM chunks WHERE id % 11 = 0")
        yield theirs, ours


DISTANCE = f"c.embedding <-> {QUERY}"
LINES = (FOLDER / "restricted_searches.sql").read_text().splitlines()
SHAPES = [line for line in LINES if not line.startswith("--")]
INDEXED = [line for before, line in pairwise(LINES) if before == "-- index"]


def random_shape(chance: random.Random) -> str:
    """A search of one table that another one restricts in a random way."""
    test = chance.choice(
        ["d.price < {}", "d.price % 7 = {}", "d.title = 't {}'", "d.owner_id > {}", "d.id > {}"]
    )
    filters = [test.format(chance.randrange(0, 60))]
    if chance.random() < 0.5:
        filters.append(
            chance.choice(["c.n = 1", "c.content LIKE 'c 1%'", "c.id % 3 = 0", "c.document_id IS NOT NULL"])
        )
    tie = chance.choice(
        ["d.id = c.document_id", "c.document_id = d.id", "c.n = d.price", "d.owner_id = c.id"]
    )
    order = (
        f"ORDER BY {DISTANCE}, c.id LIMIT {chance.choice([1, 5, 20, 300])} OFFSET {chance.choice([0, 0, 7])}"
    )
    kind = chance.randrange(5)
    if kind < 2:
        inside = [item for item in filters if "d." in item]
        outside = [item for item in filters if "d." not in item]
        word = "NOT EXISTS" if kind else "EXISTS"
        where = " AND ".join(
            [f"{word} (SELECT FROM documents d WHERE {' AND '.join([tie, *inside])})", *outside]
        )
        return f"SELECT c.id, {DISTANCE} FROM chunks c WHERE {where} {order}"
    if kind == 2:
        return f"SELECT c.id, {DISTANCE}, d.id FROM chunks c LEFT JOIN documents d ON {tie} AND {filters[0]} {order}"
    joined = (
        f"chunks c JOIN documents d ON {tie}"
        if kind == 3
        else f"documents d CROSS JOIN chunks c WHERE {tie} AND"
    )
    link = " WHERE " if kind == 3 else " "
    return f"SELECT c.id, {DISTANCE}, d.price FROM {joined}{link}{' AND '.join(filters)} {order}"


RANDOM = [random_shape(random.Random(seed)) for seed in range(60)]


def check_same(found: list[Any], expected: list[Any], columns: int) -> None:
    """The first columns of the rows are the same, in any order, distances but for their last digits."""
    assert len(found) == len(expected)
    ours, theirs = (sorted((row[:columns] for row in rows), key=by_rounded) for rows in (found, expected))
    for mine, other in zip(ours, theirs):
        for a, b in zip(mine, other):
            assert a == (pytest.approx(b, rel=1e-6) if isinstance(b, float) else b)


def by_rounded(row: tuple[Any, ...]) -> str:
    return repr([round(item, 3) if isinstance(item, float) else item for item in row])


@pytest.mark.parametrize("sql", [*SHAPES, *RANDOM])
def test_rows_are_postgresqls(connections: Connections, sql: str) -> None:
    theirs, ours = connections
    ours.execute("SET enable_indexscan = off")
    found = ours.execute(sql.encode()).fetchall()
    ours.execute("RESET enable_indexscan")
    # Where a chunk meets several documents, which of them come last before the LIMIT is open.
    check_same(found, theirs.execute(sql.encode()).fetchall(), columns=2 if sql in RANDOM else 9)


@pytest.mark.parametrize("sql", INDEXED)
def test_the_index_is_used(connections: Connections, sql: str) -> None:
    theirs, ours = connections
    expected = theirs.execute(sql.encode()).fetchall()
    before = scans(ours)
    found = ours.execute(sql.encode()).fetchall()
    assert scans(ours) > before
    assert len(found) == len(expected)
    assert len({row[0] for row in found} & {row[0] for row in expected}) >= 0.8 * len(expected)


@pytest.mark.parametrize("sql", RANDOM)
def test_no_row_is_missing_with_an_index(connections: Connections, sql: str) -> None:
    theirs, ours = connections
    expected = theirs.execute(sql.encode()).fetchall()
    assert len(ours.execute(sql.encode()).fetchall()) == len(expected)


def scans(connection: psycopg.Connection[Any]) -> int:
    (row,) = connection.execute(
        "SELECT sum(idx_scan)::int FROM pg_stat_user_indexes WHERE indexrelname LIKE '%\\_e'"
    )
    return int(row[0])


@pytest.mark.parametrize("how", ["", "NOT VALID", "DEFERRABLE"])
def test_a_foreign_key_says_that_there_are_partners(connections: Connections, how: str) -> None:
    """Every document with a shelf is found without asking for the shelves, unless the constraint promises less."""
    for connection in connections:
        connection.execute("DROP TABLE IF EXISTS shelved, shelves")
        connection.execute("CREATE TABLE shelves (id int PRIMARY KEY, name text)")
        connection.execute("CREATE TABLE shelved (id int PRIMARY KEY, shelf int, e vector(4))")
        connection.execute("INSERT INTO shelves SELECT g, 'shelf ' || g FROM generate_series(1, 50) g")
        connection.execute(
            "INSERT INTO shelved SELECT id, CASE WHEN id % 9 > 0 THEN id % 50 + 1 END, embedding FROM documents"
        )
        if how == "NOT VALID":
            connection.execute("UPDATE shelved SET shelf = 99 WHERE id % 2 = 0")
        connection.execute(f"ALTER TABLE shelved ADD FOREIGN KEY (shelf) REFERENCES shelves {how}".encode())
    theirs, ours = connections
    ours.execute("CREATE INDEX shelved_e ON shelved USING hnsw (e vector_l2_ops)")
    sql = f"SELECT s.id, s.e <-> {QUERY}, h.name FROM shelved s JOIN shelves h ON h.id = s.shelf ORDER BY 2, 1 LIMIT 9"
    plan = "\n".join(row[0] for row in ours.execute(f"EXPLAIN {sql}".encode()))
    assert "using shelved_e" in plan and ("(shelf IS NOT NULL)" in plan) == (not how)
    check_same(ours.execute(sql.encode()).fetchall(), theirs.execute(sql.encode()).fetchall(), 9)
    if how == "DEFERRABLE":
        for connection in connections:
            with connection.transaction(force_rollback=True):
                connection.execute("SET CONSTRAINTS ALL DEFERRED")
                connection.execute("UPDATE shelved SET shelf = 77 WHERE id % 3 > 0")
                found = connection.execute(sql.encode()).fetchall()
                assert len(found) == 9 and all(row[0] % 3 == 0 for row in found)


def test_a_large_set_of_keys_is_one_look_up(connections: Connections) -> None:
    """A restriction to 200,000 keys is a hash look-up, not a comparison with each."""
    _, ours = connections
    ours.execute("CREATE TABLE many (id int)")
    ours.execute("INSERT INTO many SELECT generate_series(1, 200000)")
    sql = f"SELECT id FROM chunks c WHERE EXISTS (SELECT FROM many m WHERE m.id = c.document_id) ORDER BY {DISTANCE} LIMIT 5"
    plan = "\n".join(row[0] for row in ours.execute(f"EXPLAIN {sql}".encode()))
    assert "Index Scan using chunks_e" in plan and "InitPlan" in plan
    assert len(ours.execute(sql.encode()).fetchall()) == 5
    ours.execute("DROP TABLE many")
