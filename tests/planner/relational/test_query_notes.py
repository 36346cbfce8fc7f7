"""Goal: what a plan notes of its query is found out once, and says nothing of rows, parameters or other queries.

Method: identities of what is noted; one prepared join over rows that change, with other parameters, from two sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.sqltypes import INT4
from planner import bound
from planner.relational.pushdown import lowered_select
from planner.relational.query_notes import QueryNotes
from tests.planner.stored_tables import StoredTables
from tests.planner.trees import integer, op
from tests.sqlfront.session.driver import Client, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Client]]:
    with opened(tmp_path_factory.mktemp("notes")) as instance:
        yield Client(instance), Client(instance)


def test_a_select_of_the_plan_is_looked_at_once(tmp_path: Path) -> None:
    tables = StoredTables(tmp_path)
    tables.create("t", [("id", INT4), ("v", INT4)])
    scan = tables.scan("t")
    test = op("=", tables.column(scan, "v"), integer(2))
    target = bound.Target(tables.column(scan, "id"), "id")
    inner = bound.Select((target,), scan, test)
    query = bound.SetOperation(bound.SetOperator.UNION, True, inner, replace(inner, where=None))
    notes = QueryNotes(query)
    found = notes.lowered(inner, frozenset())
    assert (found.where, found.taken.filters) == (None, {scan.relation_id: test})
    assert found.used == {scan.relation_id: [0]}
    assert notes.lowered(inner, frozenset()) is found
    assert notes.lowered(inner, frozenset({scan.relation_id})).where is test
    other = replace(inner)
    assert notes.lowered(other, frozenset()) is not notes.lowered(other, frozenset())
    assert notes.lowered(other, frozenset()) == lowered_select(inner, frozenset())
    tables.storage.close()


def test_rows_and_parameters_are_those_of_each_run(clients: tuple[Client, Client]) -> None:
    client, other = clients
    client.script(
        "CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int, w text);"
        "INSERT INTO a SELECT i, i % 5 FROM generate_series(1, 50) i; INSERT INTO b SELECT i, 'w' || i FROM generate_series(1, 50) i"
    )
    text = "SELECT a.id, w FROM a LEFT JOIN b ON b.id = a.id AND b.w <> $2 WHERE a.v = $1 ORDER BY 1 LIMIT 2"
    assert client.extended(text, 1, "w1").rows == [(1, None), (6, "w6")]
    assert other.extended(text, 2, "w1").rows == [(2, "w2"), (7, "w7")]
    client.script("UPDATE a SET v = 9 WHERE id = 2; DELETE FROM b WHERE id = 12")
    assert (
        client.extended(text, 2, "w7").rows == other.extended(text, 2, "w7").rows == [(7, None), (12, None)]
    )
    client.script("BEGIN; INSERT INTO a VALUES (0, 2); INSERT INTO b VALUES (0, 'mine')")
    assert client.extended(text, 2, "").rows == [(0, "mine"), (7, "w7")]
    assert other.extended(text, 2, "").rows == [(7, "w7"), (12, None)]
    client.script("ROLLBACK; ALTER TABLE b ALTER COLUMN w TYPE varchar(9)")
    assert client.extended(text, 2, "").rows == [(7, "w7"), (12, None)]
