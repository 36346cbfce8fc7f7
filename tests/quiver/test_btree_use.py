"""Goal: EXPLAIN and the statistics say which index served a condition, and all kinds of statements go through it.

Method: an instance whose background stands still; the plans of statements, and counters before and after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from quiver.instance import Instance
from storage.catalog import Table
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow

ROWS = 8000
SCHEMA = f"""
CREATE TABLE t (id int PRIMARY KEY, v int, name varchar(20), at timestamptz, e vector(2));
INSERT INTO t SELECT i, i * 7919 % 2000, 'n' || i % 500, timestamptz '2024-01-01 00:00+00' + i * interval '1 min',
  ('[' || i % 7 || ',1]')::vector FROM generate_series(1, {ROWS}) i;
"""
INDEXES = "CREATE INDEX ON t (v, id); CREATE INDEX ON t (name); CREATE INDEX ON t (at)"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with opened(tmp_path_factory.mktemp("use") / "data") as instance:
        client = Client(instance)
        client.script(SCHEMA)
        seal(instance)
        client.script(INDEXES)
        client.script("INSERT INTO t VALUES (9001, 5, 'late', '2030-01-01', '[1,2]')")
        yield client


def seal(instance: Instance) -> None:
    oid = next(t.oid for t in instance.storage.catalog.objects(Table) if t.name == "t")
    instance.storage.flush_table(oid)


def plan(client: Client, query: str, options: str = "COSTS OFF") -> list[str]:
    return [line.strip() for (line,) in client.rows(f"EXPLAIN ({options}) {query}")]


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("v = 5", ["Index Scan using t_v_id_idx on t", "Index Cond: (v = 5)", "Rows Without Index: 1 (scanned)"]),
        ("id > 3 AND v >= 5 AND v < 7",
         ["Index Scan using t_v_id_idx on t", "Index Cond: ((v >= 5) AND (v < 7))", "Filter: (id > 3)",
          "Rows Without Index: 1 (scanned)"]),
        ("name LIKE 'n49_' OR v = 3",
         ["Index Scan using t_name_idx, t_v_id_idx on t", "Index Cond: (((name)::text ~~ 'n49_'::text) OR (v = 3))",
          "Filter: (((name)::text ~~ 'n49_'::text) OR (v = 3))", "Rows Without Index: 1 (scanned)"]),
        ("v <> 5", ["Seq Scan on t", "Filter: (v <> 5)"]),
        ("v > 5", ["Seq Scan on t", "Filter: (v > 5)"]),
        ("id = 7 AND v = 5", ["Index Scan using t_pkey on t", "Index Cond: (id = 7)", "Filter: (v = 5)"]),
    ],
)  # fmt: skip
def test_explain_names_the_index(client: Client, where: str, lines: list[str]) -> None:
    assert plan(client, f"SELECT * FROM t WHERE {where}") == lines


def test_explain_of_other_statements(client: Client) -> None:
    scan = "->  Index Scan using t_name_idx on t"
    assert plan(client, "SELECT count(*) FROM t WHERE name = 'n7'")[:2] == ["Aggregate", scan]
    assert scan in plan(client, "SELECT id FROM t WHERE name = 'n7' ORDER BY id LIMIT 2")
    assert scan in plan(client, "UPDATE t SET v = 1 WHERE name = 'n7'")
    assert scan in plan(client, "DELETE FROM t WHERE name = 'n7'")
    nearest = "SELECT id FROM t WHERE name = 'n7' ORDER BY e <-> '[1,1]' LIMIT 3"
    assert "Filter Index: t_name_idx" in plan(client, nearest)
    client.script("SET enable_indexscan = off")
    assert plan(client, "SELECT * FROM t WHERE v = 5") == ["Seq Scan on t", "Filter: (v = 5)"]
    assert not any("Filter Index" in line for line in plan(client, nearest))
    client.script("RESET enable_indexscan")


def test_explain_of_an_order_with_limit(client: Client) -> None:
    latest = "SELECT id FROM t WHERE id > 3 ORDER BY at DESC NULLS LAST, id LIMIT 3"
    assert plan(client, latest) == [
        "Limit", "->  Sort", "Sort Key: at DESC NULLS LAST, id", "->  Index Scan using t_at_idx on t",
        "Order By: at DESC NULLS LAST", "Filter: (id > 3)", "Rows Without Index: 1 (scanned)",
    ]  # fmt: skip
    (scan,) = [
        line for line in plan(client, latest, "ANALYZE, COSTS OFF, TIMING OFF") if "Index Scan" in line
    ]
    assert scan == "->  Index Scan using t_at_idx on t (actual rows=65 loops=1)"
    assert client.rows(latest) == [(9001,), (8000,), (7999,)]
    assert "->  Seq Scan on t" in plan(client, latest.replace("LIMIT 3", "LIMIT 2000"))
    assert "->  Seq Scan on t" in plan(client, latest.replace("LIMIT 3", ""))
    before = scans(client, "t_at_idx")
    client.script(latest)
    assert scans(client, "t_at_idx") == (before[0] + 1, before[1])


def test_explain_of_sub_queries(client: Client) -> None:
    query = "SELECT id FROM t WHERE v = (SELECT 5) AND id > (SELECT 3)"
    assert plan(client, query)[:2] == ["Seq Scan on t", "Filter: ((v = $0) AND (id > $1))"]
    analyze = "ANALYZE, COSTS OFF, TIMING OFF"
    lines = plan(client, query, analyze)
    assert lines[0].startswith("Index Scan using t_v_id_idx on t (actual rows=")
    assert lines[1:3] == ["Index Cond: (v = $0)", "Filter: (id > $1)"]
    member = plan(client, "SELECT count(*) FROM t WHERE name IN (SELECT 'n7')", analyze)
    assert any(line.startswith("->  Index Scan using t_name_idx") for line in member)
    either = plan(
        client, "SELECT id FROM t WHERE v = (SELECT 5) OR name IN (SELECT 'n7') AND id > 3", analyze
    )
    assert either[0].startswith("Index Scan using t_v_id_idx, t_name_idx on t")
    nearest = "SELECT id FROM t WHERE v <> (SELECT 5) ORDER BY at LIMIT 3"
    assert "->  Seq Scan on t" in plan(client, nearest)
    assert any(line.startswith("->  Index Scan using t_at_idx") for line in plan(client, nearest, analyze))
    limited = "SELECT id FROM t ORDER BY at LIMIT (SELECT 3)"
    assert "->  Index Scan using t_at_idx on t" in plan(client, limited)
    assert plan(client, limited, analyze)[0] == "Limit (actual rows=3 loops=1)"


def scans(client: Client, index: str = "t_name_idx") -> tuple[int, int]:
    """How many scans of the index, and of the table, are counted."""
    by_index = client.value(f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = '{index}'")
    return by_index, client.value("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 't'")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM t WHERE name = 'n7'",
        "SELECT id FROM t WHERE name = 'n7' ORDER BY v",
        "SELECT count(*) FROM t WHERE name = 'n7'",
        "SELECT v, count(*) FROM t WHERE name = 'n8' GROUP BY v",
        "SELECT id FROM t WHERE name = 'n10' ORDER BY e <-> '[1,1]' LIMIT 3",
        "UPDATE t SET v = v WHERE name = 'n7'",
        "DELETE FROM t WHERE name = 'n7' AND id < 0",
    ],
)
def test_statistics_count_the_index(client: Client, statement: str) -> None:
    before = scans(client)
    client.script(statement)
    assert scans(client)[0] == before[0] + 1
    if "ORDER BY e" not in statement:
        assert scans(client)[1] == before[1], "no scan of the table is counted"


def test_a_scan_is_counted_as_one(client: Client) -> None:
    before = scans(client)
    client.script("SELECT count(*) FROM t WHERE name <> 'n7'")
    assert scans(client) == (before[0], before[1] + 1)


def test_bitsets_of_a_search_say_where_they_come_from(client: Client) -> None:
    query = "SELECT id FROM t WHERE name = 'n9' ORDER BY e <-> '[1,1]' LIMIT 3"
    for line in ("Filter Bitsets: 1 computed, 1 from indexes", "Filter Bitsets: 2 cached"):
        assert line in plan(client, query, "ANALYZE, COSTS OFF, TIMING OFF")


def test_a_prepared_statement_goes_through_an_index_that_comes_and_goes(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as instance:
        client = Client(instance)
        client.script(SCHEMA)
        seal(instance)
        client.script("PREPARE p (int) AS SELECT count(*) FROM t WHERE v = $1")
        assert client.value("EXECUTE p(5)") == 4
        client.script("CREATE INDEX i ON t (v)")
        before = scans(client, "i")
        assert client.value("EXECUTE p(5)") == 4
        assert scans(client, "i") == (before[0] + 1, before[1])
        client.script("DROP INDEX i")
        assert client.value("EXECUTE p(5)") == 4
        assert scans(client, "t_pkey") == (0, before[1] + 1)
