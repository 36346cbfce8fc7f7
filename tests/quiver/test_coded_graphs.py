"""Goal: graphs walked by every kind of codes, and lists of short ones, are made, told about, searched, extended and checked by SQL.

Method: NumPy is the oracle of searches over sealed rows, over rows that came later, and after VACUUM; options as PostgreSQL shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS, K, QUERIES = 1600, 64, 10, 10
INDEXES = (
    ("hnsw", "quantizer = pq, pq_m = 32, nbits = 7"),
    ("hnsw", "quantizer = rabitq, refine_k = 30"),
    ("hnsw_pq", "pq_m = 32"),
    ("hnsw_sq", "quantizer = fp16"),
    ("ivf_sq8", "lists = 10, nbits = 4, refine_k = 8"),
)

Connection = psycopg.Connection[tuple[Any, ...]]


def numbers() -> Any:
    """(ROWS, DIMENSIONS) float32 around 12 directions."""
    rng = np.random.default_rng(8)
    found = rng.normal(size=(ROWS, 12)) @ rng.normal(size=(12, DIMENSIONS))
    return found.astype(np.float32)


def text(vector: Any) -> str:
    return f"[{','.join(repr(float(number)) for number in vector)}]"


@pytest.fixture(scope="module")
def connection(own_database: Database) -> Iterator[Connection]:
    """Three quarters of the rows are sealed, the others in memory."""
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE items (id int PRIMARY KEY, v vector({DIMENSIONS}))".encode())
        rows = list(enumerate(numbers()))
        for part in (rows[: ROWS * 3 // 4], rows[ROWS * 3 // 4 :]):
            with connection.cursor().copy("COPY items FROM STDIN") as copy:
                for number, row in part:
                    copy.write_row((number, text(row)))
            if part[0][0] == 0:
                connection.execute("CHECKPOINT")
        connection.execute("SET enable_seqscan = off")
        yield connection


def recall(connection: Connection) -> float:
    rows, hits = numbers(), 0
    for query in rows[5 :: ROWS // QUERIES][:QUERIES] + np.float32(0.05):
        order = f"v <-> '{text(query)}'"
        found = connection.execute(
            f"SELECT id, {order} FROM items ORDER BY {order} LIMIT {K}".encode()
        ).fetchall()
        expected = np.linalg.norm(rows.astype(np.float64) - query, axis=1)
        assert [value for _, value in found] == pytest.approx(
            [expected[number] for number, _ in found], rel=1e-4
        )
        hits += sum(bool(expected[number] <= np.sort(expected)[K - 1] + 1e-6) for number, _ in found)
    return hits / (K * QUERIES)


@pytest.mark.parametrize(("family", "options"), INDEXES)
def test_graphs_by_codes(connection: Connection, family: str, options: str) -> None:
    statement = f"CREATE INDEX by_v ON items USING {family} (v vector_l2_ops) WITH ({options})"
    connection.execute(statement.encode())
    try:
        shown = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_v'").fetchall()[0][
            0
        ]
        assert f"USING {family}" in shown and options.split(" = ")[0] in shown
        search = f"SELECT id FROM items ORDER BY v <-> '{text(numbers()[5])}' LIMIT {K}"
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {search}".encode()).fetchall())
        assert "by_v" in plan
        assert recall(connection) >= 0.9
        connection.execute("CHECKPOINT")
        connection.execute("VACUUM items")
        assert recall(connection) >= 0.9
    finally:
        connection.execute("DROP INDEX by_v")


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("hnsw", "pq_m = 8", 'options "pq_m" and "nbits" are of quantizer "pq"'),
        ("hnsw", "quantizer = prq", 'invalid value for enum option "quantizer": prq'),
        ("hnsw", "quantizer = pq, pq_m = 65", 'value 65 out of bounds for option "pq_m"'),
        ("hnsw_pq", "quantizer = pq", 'unrecognized parameter "quantizer"'),
        ("ivf_sq8", "nbits = 5", 'value 5 out of bounds for option "nbits"'),
        ("hnsw_sq", "quantizer = none", 'invalid value for enum option "quantizer": none'),
    ],
)
def test_options_that_are_refused(connection: Connection, family: str, options: str, message: str) -> None:
    statement = f"CREATE INDEX by_v ON items USING {family} (v vector_l2_ops) WITH ({options})"
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=message):
        connection.execute(statement.encode())
