"""Goal: tanimoto_distance, superstructure_distance and substructure_distance say how bit strings relate, and ORDER BY one of them
goes through an index of its operator class.

Method: sets of Python as the oracle of values, over random strings, empty and full ones; the order with and without an index, the
column on either side; EXPLAIN names the index.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

LENGTH, ROWS = 24, 400
METRICS = ("tanimoto", "superstructure", "substructure")
FAMILIES = [("flat", metric) for metric in METRICS] + [("hnsw", "tanimoto")]


def strings() -> list[str]:
    chance = random.Random(5)
    found = ["0" * LENGTH, "1" * LENGTH]
    while len(found) < ROWS:
        share = chance.choice((0.1, 0.3, 0.8))
        found.append("".join("01"[chance.random() < share] for _ in range(LENGTH)))
    return found


STRINGS = strings()
QUERY = STRINGS[7]


def distance(metric: str, left: str, right: str) -> float:
    a, b = ({place for place, bit in enumerate(text) if bit == "1"} for text in (left, right))
    if metric == "superstructure":
        return float(not a <= b)
    if metric == "substructure":
        return float(not b <= a)
    return -math.log2(len(a & b) / len(a | b)) if a & b else math.inf


@pytest.fixture(scope="module")
def connection(own_database: Database) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute(
            f"CREATE TABLE prints (id int PRIMARY KEY, b bit({LENGTH}), v bit varying)".encode()
        )
        with connection.cursor().copy("COPY prints FROM STDIN") as copy:
            for number, text in enumerate(STRINGS):
                copy.write_row((number, text, text[: number % LENGTH + 1]))
            copy.write_row((ROWS, None, None))
        connection.execute("CHECKPOINT")
        # A scan of so few rows is cheaper than any index.
        connection.execute("SET enable_seqscan = off")
        yield connection


@pytest.mark.parametrize("metric", METRICS)
def test_values(connection: psycopg.Connection[tuple[Any, ...]], metric: str) -> None:
    query = f"SELECT {metric}_distance(b, %s::bit({LENGTH})), {metric}_distance(%s::bit({LENGTH}), b) FROM prints ORDER BY id"
    found = connection.execute(query.encode(), [QUERY, QUERY]).fetchall()
    assert found[-1] == (None, None)
    for text, (forth, back) in zip(STRINGS, found, strict=False):
        assert forth == pytest.approx(distance(metric, text, QUERY), rel=1e-15)
        assert back == pytest.approx(distance(metric, QUERY, text), rel=1e-15)
    pairs = connection.execute(
        f"SELECT x.b::text, y.b::text, {metric}_distance(x.b, y.b) FROM prints x JOIN prints y ON y.id = x.id + 1 WHERE y.b IS NOT NULL".encode()
    ).fetchall()
    assert len(pairs) == ROWS - 1
    assert all(value == pytest.approx(distance(metric, a, b), rel=1e-15) for a, b, value in pairs)
    with pytest.raises(psycopg.errors.DataException, match="different bit lengths 2 and 3"):
        connection.execute(f"SELECT {metric}_distance(B'11', B'111')".encode())


@pytest.mark.parametrize("is_column_first", [True, False])
@pytest.mark.parametrize(("family", "metric"), FAMILIES)
def test_order_by_index(
    connection: psycopg.Connection[tuple[Any, ...]], family: str, metric: str, is_column_first: bool
) -> None:
    # The index that orders by distance(query, column) is the other one of the two that are not symmetric.
    mirrored = {"superstructure": "substructure", "substructure": "superstructure"}
    of_index = metric if is_column_first else mirrored.get(metric, metric)
    connection.execute(f"CREATE INDEX prints_b ON prints USING {family} (b bit_{of_index}_ops)".encode())
    try:
        literal = f"B'{QUERY}'"
        arguments = f"b, {literal}" if is_column_first else f"{literal}, b"
        call = f"{metric}_distance({arguments})"
        search = f"SELECT id, {call} FROM prints ORDER BY {call} LIMIT 30"
        found = connection.execute(search.encode()).fetchall()
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {search}".encode()).fetchall())
    finally:
        connection.execute("DROP INDEX prints_b")
    assert "prints_b" in plan
    sides = [(text, QUERY) if is_column_first else (QUERY, text) for text in STRINGS]
    expected = sorted(distance(metric, *pair) for pair in sides)[:30]
    assert [value for _, value in found] == pytest.approx(expected, rel=1e-15)
    assert all(value == pytest.approx(distance(metric, *sides[number]), rel=1e-15) for number, value in found)
    assert len({number for number, _ in found}) == 30


def test_every_string_has_a_place(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Strings that share no bit with the query are infinitely far, and still found; NULL is in no index, as in pgvector."""
    connection.execute("CREATE INDEX prints_b ON prints USING hnsw (b bit_tanimoto_ops)")
    try:
        query = f"SELECT id FROM prints ORDER BY tanimoto_distance(b, B'{'0' * LENGTH}') LIMIT 1000"
        assert len(connection.execute(query.encode()).fetchall()) == ROWS
    finally:
        connection.execute("DROP INDEX prints_b")


@pytest.mark.parametrize("metric", ["superstructure", "substructure"])
def test_graphs_do_not_take_what_only_matches(
    connection: psycopg.Connection[tuple[Any, ...]], metric: str
) -> None:
    message = f'operator class "bit_{metric}_ops" does not exist for access method "hnsw"'
    with pytest.raises(psycopg.errors.UndefinedObject, match=message):
        connection.execute(f"CREATE INDEX ON prints USING hnsw (b bit_{metric}_ops)".encode())


def test_catalog_rows(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    rows = connection.execute(
        "SELECT p.oid::regprocedure::text, prorettype::regtype::text FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid"
        " AND d.deptype = 'e' WHERE proname ~ '^(tanimoto|superstructure|substructure)_distance$' ORDER BY 1"
    ).fetchall()
    assert rows == [(f"{name}_distance(bit,bit)", "double precision") for name in sorted(METRICS)]
    classes = connection.execute(
        "SELECT amname, opcname, amproc::regprocedure::text FROM pg_opclass c JOIN pg_am m ON m.oid = opcmethod"
        " JOIN pg_amproc p ON p.amprocfamily = opcfamily AND amprocnum = 1 WHERE opcname ~ 'tanimoto|structure'"
        " AND amname IN ('flat', 'hnsw')"
    ).fetchall()
    expected = {(family, f"bit_{metric}_ops", f"{metric}_distance(bit,bit)") for family, metric in FAMILIES}
    assert set(classes) == expected
