"""Goal: EXPLAIN (FORMAT JSON | YAML | XML) has the keys, values and layout that tools know from PostgreSQL.

Method: a real PostgreSQL 16 is the oracle of the reader and of the printers: its own EXPLAIN texts, read and printed, are what it
prints in the other formats. What a text does not tell ("Inner Unique" and the like) is taken out of the expectation. Then Quiver's
own plans are read through a server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from planner.explained_formats import formatted_plan
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

SETUP = """
CREATE TABLE shown (id int PRIMARY KEY, a int, b text);
CREATE TABLE shown_too (id int, shown_id int);
INSERT INTO shown SELECT g, g % 10, 'x' FROM generate_series(1, 2000) g;
INSERT INTO shown_too SELECT g, g FROM generate_series(1, 500) g;
ANALYZE shown, shown_too;
"""
QUERIES = (
    "SELECT * FROM shown WHERE a = 1 AND b < 'y'",
    "SELECT * FROM shown s WHERE id = 5",
    "SELECT id FROM shown ORDER BY id DESC LIMIT 3",
    "SELECT a, count(*) FROM shown GROUP BY a ORDER BY a, count(*) DESC",
    "SELECT count(*) FROM shown",
    "SELECT * FROM shown JOIN shown_too t ON t.shown_id = shown.id WHERE t.id < 400",
    "SELECT * FROM shown_too LEFT JOIN shown ON shown.a = shown_too.id AND shown.b = 'x'",
    "SELECT * FROM shown WHERE a = (SELECT max(id) FROM shown_too)",
    "WITH w AS MATERIALIZED (SELECT * FROM shown) SELECT * FROM w WHERE a > 3",
    "SELECT id FROM shown UNION ALL SELECT id FROM shown_too",
    "SELECT 1",
    "DELETE FROM shown WHERE id = 3",
)
UNTOLD = ("Inner Unique", "Parallel Aware", "Async Capable", "Planned Partitions", "Subplans Removed")
OWN = (*QUERIES[:4], *QUERIES[5:8], QUERIES[11])


def _explained(connection: psycopg.Connection, options: str, query: str) -> list[str]:
    rows = connection.execute(f"EXPLAIN ({options}) {query}".encode()).fetchall()
    return [line for (text,) in rows for line in str(text).split("\n")]


def _told(text: str) -> str:
    """A plan without the lines of what a text does not tell."""
    names = "|".join(f"{name}|{name.replace(' ', '-')}" for name in UNTOLD)
    kept = re.sub(rf'\n *["<]?(?:{names})["]?[>:] ?(?:false|true|0)(?:</[\w-]+>|,)?', "", text)
    return re.sub(r",(\s*[}\]])", r"\1", kept)


@pytest.fixture(scope="module")
def postgres(postgres_uri: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute(SETUP.encode())
        psycopg.types.json.set_json_loads(lambda text: bytes(text).decode(), connection)
        yield connection
        connection.execute("DROP TABLE shown, shown_too")


@pytest.mark.parametrize("format", ["json", "yaml", "xml"])
@pytest.mark.parametrize("query", QUERIES)
def test_texts_of_postgresql_become_its_other_formats(
    postgres: psycopg.Connection, query: str, format: str
) -> None:
    expected = "\n".join(_explained(postgres, f"FORMAT {format}", query))
    found = formatted_plan(_explained(postgres, "FORMAT text", query), format)
    assert _told(found) == _told(expected)


def test_summaries(postgres: psycopg.Connection) -> None:
    query = "ANALYZE, FORMAT {}, TIMING OFF, BUFFERS OFF"
    expected = "\n".join(_explained(postgres, query.format("json"), QUERIES[0]))
    found = formatted_plan(_explained(postgres, query.format("text"), QUERIES[0]), "json")
    timed = re.compile(r"Time\": [\d.]+")
    assert timed.sub("", _told(found)) == timed.sub("", _told(expected))


@pytest.fixture(scope="module")
def quiver(own_database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        for statement in SETUP.strip().split("\n"):
            connection.execute(statement.encode())
        yield connection


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


@pytest.mark.parametrize("query", OWN)
def test_plans_of_quiver(quiver: psycopg.Connection, query: str) -> None:
    cursor = quiver.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}".encode())
    assert [(c.name, c.type_code) for c in cursor.description or ()] == [("QUERY PLAN", 114)]
    ((found,),) = cursor.fetchall()
    assert set(found[0]) == {"Plan", "Planning Time", "Triggers", "Execution Time"}
    nodes = list(_nodes(found[0]["Plan"]))
    assert all(node["Node Type"] and "->" not in str(node) for node in nodes)
    assert any(node.get("Relation Name") == "shown" for node in nodes)


def test_statements_without_a_plan(quiver: psycopg.Connection) -> None:
    quiver.execute("CREATE MATERIALIZED VIEW shown_view AS SELECT * FROM shown")
    found = quiver.execute("EXPLAIN (FORMAT JSON) REFRESH MATERIALIZED VIEW shown_view").fetchall()
    assert found == [(["Utility Statement"],)]
