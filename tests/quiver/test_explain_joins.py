"""Goal: EXPLAIN of a relational query names tables, columns and indexes as the client does, and says what ran where.

Method: an instance whose background stands still, so that lines can be compared whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from storage.catalog import Table
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow

SCHEMA = """
CREATE TABLE notes (id int PRIMARY KEY, author_id int, e vector(2));
CREATE TABLE authors (id int PRIMARY KEY, name text, joined date);
CREATE TABLE visits (id int PRIMARY KEY, author_id int NOT NULL, pages int);
INSERT INTO notes SELECT i, i % 500, ('[' || i % 100 || ',' || i % 7 || ']')::vector FROM generate_series(1, 5000) i;
INSERT INTO authors SELECT i, 'author ' || i % 40, date '2020-01-01' + i % 900 FROM generate_series(0, 499) i;
INSERT INTO visits SELECT i, i * 7 % 500, i % 20 FROM generate_series(1, 20000) i;
"""
NEAR = """
SELECT a.name, sum(v.pages) FROM (SELECT id, author_id FROM notes ORDER BY e <-> '[3,4]' LIMIT 5) n
JOIN authors a ON a.id = n.author_id JOIN visits v ON v.author_id = a.id GROUP BY a.name ORDER BY 2 DESC
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with opened(tmp_path_factory.mktemp("explain") / "data") as instance:
        client = Client(instance)
        client.script(SCHEMA)
        for table in instance.storage.catalog.objects(Table):
            instance.storage.flush_table(table.oid)
        client.script("CREATE INDEX ON visits (author_id)")
        yield client


def plan(client: Client, query: str, options: str = "COSTS OFF") -> list[str]:
    return [line for (line,) in client.rows(f"EXPLAIN ({options}) {query}") if line is not None]


def test_join_of_a_search_and_two_tables(client: Client) -> None:
    lines = plan(client, NEAR)
    assert lines[:7] == [
        "Relational Query (DuckDB)",
        "  ->  Sort",
        "        Sort Key: o1 DESC",
        "        ->  HashAggregate",
        "              Group Key: a.name",
        "              Aggregates: sum(v.pages)",
        "              ->  Hash Join",
    ]
    text = "\n".join(line.strip() for line in lines)
    assert (
        "->  Index Scan using visits_author_id_idx on visits v\nPartners: (v.author_id = n.author_id)" in text
    )
    assert "->  Seq Scan on authors a\nPartners: (a.id = n.author_id)" in text
    assert "->  Subquery Scan on n" in text
    assert "Vector Island 1\n->  Limit" in text and "Strategy: exact scan" in text


def test_what_was_read_and_what_came_out(client: Client) -> None:
    lines = plan(client, NEAR, "ANALYZE")
    assert any(
        re.search(r"on visits v  \(rows=200 of 20000\) \(actual time=[\d.]+ rows=200\)", line)
        for line in lines
    )
    assert any(re.search(r"on authors a  \(rows=5 of 500\)", line) for line in lines)
    assert "  Rows: 2" in lines
    untimed = plan(client, NEAR, "ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF")
    assert "  ->  Sort (actual rows=2)" in untimed
    assert not any("time=" in line or "Time:" in line for line in untimed if "cost" not in line)


def test_filters_and_kinds_of_joins(client: Client) -> None:
    query = """
    WITH busy AS MATERIALIZED (SELECT author_id, count(*) AS n FROM visits GROUP BY 1)
    SELECT a.name, b.n, x FROM authors a LEFT JOIN busy b ON b.author_id = a.id, generate_series(1, 2) x
    WHERE a.joined < '2020-02-01' AND NOT EXISTS (SELECT FROM notes WHERE notes.author_id = a.id AND notes.id < 30)
    """
    text = "\n".join(line.strip() for line in plan(client, query))
    assert "->  Seq Scan on authors a\nFilter: (a.joined < '2020-02-01'::date)" in text
    assert "Filter: (notes.id < 30)" in text
    assert "Anti Join" in text and re.search(r"Hash (Left|Right) Join", text)
    assert not re.search(r"\br\d+(c\d+|visible)|PYTHON|quiver_", text)


def test_a_long_number_does_not_stop_analyze(client: Client) -> None:
    lines = plan(client, "SELECT x FROM (VALUES (1e30), (0.5), ('NaN'::numeric)) v(x) ORDER BY x", "ANALYZE")
    assert "  Rows: 3" in lines
