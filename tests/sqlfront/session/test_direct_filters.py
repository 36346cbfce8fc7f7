"""Goal: a prepared query by an indexed column has the rows that its plan has, whatever changed since the last one, and leaves
to the plan what it cannot answer.

Method: every query asked directly and through a portal, over a sealed segment, deleted and patched rows, rows in memory; the
values that decide are changed, and so are catalog and settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import WouldBlock
from quiver.instance import Instance
from storage.catalog import Table
from tests.sqlfront.session.driver import Client, opened

ROWS = 6000
SCHEMA = f"""
CREATE TABLE t (id int PRIMARY KEY, v int, name text, at timestamptz, price numeric, e vector(2));
INSERT INTO t SELECT i, CASE WHEN i % 50 > 0 THEN i * 7919 % 600 END, 'n' || i % 400,
  timestamptz '2024-01-01 00:00+00' + i * interval '1 min', i / 8.0, '[1,2]' FROM generate_series(1, {ROWS}) i;
"""
INDEXES = "CREATE INDEX ON t (v); CREATE INDEX ON t (name); CREATE INDEX ON t (at); CREATE INDEX ON t (price)"
QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "equal": ("SELECT id, name FROM t WHERE v = $1", [(5,), (599,), (-1,), (None,)]),
    "rest": ("SELECT id FROM t WHERE v = $1 AND price > $2", [(5, "100"), (7, "NaN"), (7, None)]),
    "text": ("SELECT id, v, name FROM t WHERE $1 = name", [("n7",), ("",), ("late",)]),
    "prefix": ("SELECT id FROM t WHERE name LIKE $1", [("n39_",), ("n399%",), ("%",), ("late",)]),
    "range": ("SELECT id FROM t WHERE v BETWEEN $1 AND $2 ORDER BY name DESC, id LIMIT 7 OFFSET 2", [(5, 9), (9, 5)]),
    "limit": ("SELECT id FROM t WHERE v = $1 LIMIT $2", [(5, 3), (5, 0), (5, None)]),
    "list": ("SELECT id FROM t WHERE v IN ($1, $2, 3) AND id > 100", [(5, 6), (5, None)]),
    "array": ("SELECT id FROM t WHERE v = ANY ($1)", [([5, 6, None],), ([],), (None,)]),
    "or": ("SELECT id FROM t WHERE v = $1 OR name = 'n3' AND id < $2", [(5, 3000)]),
    "null": ("SELECT id FROM t WHERE v IS NULL AND name = $1", [("n0",)]),
    "count": ("SELECT count(*), count(*) FROM t WHERE price < $1", [("10",), ("-1",)]),
    "count rest": ("SELECT count(*) FROM t WHERE price < $1 AND v > 300", [("10",), ("-1",)]),
    "count or": ("SELECT count(*) FROM t WHERE v = $1 OR v IN ($1, 6) OR name = 'n7'", [(5,), (None,)]),
}  # fmt: skip


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with opened(tmp_path / "data") as found:
        yield found


@pytest.fixture
def client(instance: Instance) -> Client:
    client = Client(instance)
    client.script(SCHEMA)
    oid = next(t.oid for t in instance.storage.catalog.objects(Table) if t.name == "t")
    instance.storage.flush_table(oid)
    client.script(INDEXES)
    for name, (text, _) in QUERIES.items():
        client.prepare(name, text)
    return client


def compare(client: Client) -> dict[str, int]:
    """How many executions of each query were answered directly, as its portal answers."""
    answered = {}
    for name, (_, parameters) in QUERIES.items():
        answered[name] = 0
        for values in parameters:
            rows = client.read_directly(name, *values)
            wanted = client.execute_prepared(name, *values).rows
            if rows is not None:
                answered[name] += 1
                assert rows == wanted, (name, values)
    return answered


def test_all_forms_are_answered_as_by_the_plan(client: Client) -> None:
    answered = compare(client)
    expected = {name: len(parameters) for name, (_, parameters) in QUERIES.items()}
    expected["prefix"] -= 1  # without a prefix every row is looked at
    assert answered == expected


def test_rows_that_come_and_go(client: Client) -> None:
    everything = sum(compare(client).values())
    for change in (
        "INSERT INTO t VALUES (9001, 5, 'late', '2030-01-01', 1, NULL), (9002, NULL, 'n0', NULL, NULL, NULL)",
        "DELETE FROM t WHERE id % 3 = 1",
        "UPDATE t SET v = 5, name = 'n7' WHERE id IN (30, 33, 9001)",
    ):
        client.script(change)
        assert sum(compare(client).values()) == everything
    client.script("UPDATE t SET v = v + 1 WHERE id % 2 = 0")
    answered = compare(client)
    assert (answered["equal"], answered["text"]) == (0, 3), "no index serves a column that was patched"


def test_what_is_left_to_the_plan(client: Client) -> None:
    for name, text in {
        "by key": "SELECT id FROM t WHERE id IN ($1, 2) AND v > 0",
        "expression": "SELECT id + 1 FROM t WHERE v = $1",
        "function": "SELECT id FROM t WHERE v = abs($1::int)",
        "system column": "SELECT ctid FROM t WHERE v = $1",
        "volatile": "SELECT id FROM t WHERE v = $1 AND random() < 2",
        "unequal": "SELECT id FROM t WHERE v <> $1",
    }.items():
        client.prepare(name, text)
        assert client.read_directly(name, 5) is None, name
        assert client.execute_prepared(name, 5).rows
    client.prepare("negative", "SELECT id FROM t WHERE v = 5 LIMIT $1")
    assert client.read_directly("negative", -1) is None
    with pytest.raises(Exception, match="LIMIT must not be negative"):
        client.execute_prepared("negative", -1)


def test_settings_and_definitions_decide(client: Client) -> None:
    assert client.read_directly("equal", 5)
    client.script("SET enable_indexscan = off")
    assert client.read_directly("equal", 5) is None
    client.script("RESET enable_indexscan; DROP INDEX t_v_idx")
    client.prepare("equal", QUERIES["equal"][0])
    assert client.read_directly("equal", 5) is None
    client.script("CREATE UNIQUE INDEX ON t (v, id)")
    client.prepare("key", "SELECT name FROM t WHERE v = $1 AND id = $2")
    (row,) = client.rows("SELECT id FROM t WHERE v = 5 LIMIT 1")
    assert client.read_directly("key", 5, row[0]) == client.execute_prepared("key", 5, row[0]).rows


def test_what_takes_long_is_not_begun(client: Client) -> None:
    client.session.may_block = False
    with pytest.raises(WouldBlock):
        client.read_directly("equal", 5)
    client.session.may_block = True
    assert client.read_directly("equal", 5)
    client.session.may_block = False
    assert client.read_directly("equal", 5), "the columns have been read"
    client.prepare("many", "SELECT id FROM t WHERE v < $1")
    client.prepare("counted", "SELECT count(*) FROM t WHERE v < $1")
    client.session.may_block = True
    assert client.read_directly("many", 70) and client.read_directly("counted", 70)
    client.session.may_block = False
    with pytest.raises(WouldBlock):
        client.read_directly("many", 70)
    assert client.read_directly("counted", 70) == client.execute_prepared("counted", 70).rows, (
        "no row is read"
    )
    client.session.may_block = True


def test_statistics(client: Client) -> None:
    query = "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 't_v_idx'"
    assert client.read_directly("equal", 5)
    assert client.rows(query) == [(1, 10)]
