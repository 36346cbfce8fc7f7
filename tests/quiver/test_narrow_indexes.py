"""Goal: every operator class of int8vec and bf16vec serves searches: the distances are exact, and few of the nearest rows are missed.

Method: NumPy over the rounded numbers is the oracle of each index family and metric, over sealed rows and rows that came later, NULLs
and a zero vector among them; an index on an expression; EXPLAIN names the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS, K, QUERIES = 1500, 16, 10, 12
TYPES = ("int8vec", "bf16vec")
OPERATORS = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>"}
FAMILIES = {"hnsw": tuple(OPERATORS), "ivfflat": ("l2", "ip", "cosine"), "flat": tuple(OPERATORS)}
CASES = [
    (kind, family, metric) for kind in TYPES for family, metrics in FAMILIES.items() for metric in metrics
]
RECALL_MIN = 0.9


def numbers(kind: str) -> npt.NDArray[np.float32]:
    """(ROWS, DIMENSIONS) numbers that the type holds; the last row is zero."""
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(20, DIMENSIONS)) * 2
    found = centres[rng.integers(0, 20, ROWS)] + rng.normal(size=(ROWS, DIMENSIONS))
    found[-1] = 0
    if kind == "int8vec":
        return np.clip(np.rint(found * 20), -128, 127).astype(np.float32)
    bits = np.ascontiguousarray(found, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32)


def distances(
    metric: str, rows: npt.NDArray[np.float32], query: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    wide, asked = rows.astype(np.float64), query.astype(np.float64)
    if metric == "l2":
        return np.asarray(np.linalg.norm(wide - asked, axis=1))
    if metric == "l1":
        return np.asarray(np.abs(wide - asked).sum(axis=1))
    if metric == "ip":
        return np.asarray(-(wide @ asked))
    with np.errstate(invalid="ignore"):
        return np.asarray(1 - wide @ asked / (np.linalg.norm(wide, axis=1) * np.linalg.norm(asked)))


def text(vector: npt.NDArray[np.float32]) -> str:
    return f"[{','.join(repr(float(number)) for number in vector)}]"


Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(own_database: Database) -> Iterator[Connection]:
    """Two thirds of the rows are sealed, the others in memory."""
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        for kind in TYPES:
            connection.execute(f"CREATE TABLE {kind}s (id int PRIMARY KEY, v {kind}({DIMENSIONS}))".encode())
            rows = [(number, text(row)) for number, row in enumerate(numbers(kind))]
            for part in (rows[: ROWS * 2 // 3], rows[ROWS * 2 // 3 :]):
                with connection.cursor().copy(f"COPY {kind}s FROM STDIN".encode()) as copy:
                    for row in part:
                        copy.write_row(row)
                if part[0][0] == 0:
                    connection.execute("CHECKPOINT")
            connection.execute(f"INSERT INTO {kind}s VALUES ({ROWS}, NULL)".encode())
        connection.execute("SET enable_seqscan = off")
        yield connection


def recall(connection: Connection, table: str, operand: str, kind: str, metric: str) -> float:
    """Of the nearest rows; every distance that comes with a row is the row's own."""
    rows, hits = numbers(kind), 0
    for query in rows[:: ROWS // QUERIES][:QUERIES]:
        order = f"{operand} {OPERATORS[metric]} '{text(query)}'"
        found = connection.execute(
            f"SELECT id, {order} FROM {table} ORDER BY {order} LIMIT {K}".encode()
        ).fetchall()
        expected = distances(metric, rows, query)
        assert len(found) == K
        assert [value for _, value in found] == pytest.approx(
            [expected[number] for number, _ in found], rel=1e-4, abs=1e-4
        )
        limit = np.sort(expected[~np.isnan(expected)])[K - 1]
        hits += sum(bool(expected[number] <= limit + 1e-4 * abs(limit)) for number, _ in found)
    return hits / (K * QUERIES)


@pytest.mark.parametrize(("kind", "family", "metric"), CASES)
def test_operator_classes(connection: Connection, kind: str, family: str, metric: str) -> None:
    connection.execute(f"CREATE INDEX by_v ON {kind}s USING {family} (v {kind}_{metric}_ops)".encode())
    try:
        search = f"SELECT id FROM {kind}s ORDER BY v {OPERATORS[metric]} '{text(numbers(kind)[5])}' LIMIT {K}"
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {search}".encode()).fetchall())
        assert "by_v" in plan
        assert recall(connection, f"{kind}s", "v", kind, metric) >= RECALL_MIN
    finally:
        connection.execute("DROP INDEX by_v")


@pytest.mark.parametrize("kind", TYPES)
def test_expression_index(connection: Connection, kind: str) -> None:
    """Vectors kept as float32 and indexed as narrower ones."""
    connection.execute(
        f"CREATE TABLE wide AS SELECT id, v::vector({DIMENSIONS}) FROM {kind}s WHERE v IS NOT NULL".encode()
    )
    operand = f"v::{kind}({DIMENSIONS})"
    try:
        connection.execute(f"CREATE INDEX wide_v ON wide USING hnsw (({operand}) {kind}_l2_ops)".encode())
        assert recall(connection, "wide", operand, kind, "l2") >= RECALL_MIN
        connection.execute(f"INSERT INTO wide VALUES (-1, '{text(numbers(kind)[0])}')".encode())
        order = f"{operand} <-> '{text(numbers(kind)[0])}'"
        nearest = connection.execute(f"SELECT id FROM wide ORDER BY {order} LIMIT 2".encode()).fetchall()
        assert {number for (number,) in nearest} == {0, -1}
    finally:
        connection.execute("DROP TABLE wide")
