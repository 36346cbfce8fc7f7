"""Goal: MERGE leaves the rows that PostgreSQL's leaves, beside other transactions too.

Method: seeded random tables, sources and clauses on a real PostgreSQL and on a server: tag or SQLSTATE, and all rows
afterwards, must be equal. Then what one session at a time cannot show: rows that others change meanwhile, under both
isolation levels; parameters; many rows. Single statements are in `sql/merge.sql`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import Prober

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def connect(server: ServerProcess) -> Iterator[Any]:
    opened: list[Connection] = []

    def make() -> Connection:
        opened.append(psycopg.connect(server.dsn, autocommit=True))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


def random_number(source: random.Random, *, null_share: float = 0.15) -> str:
    return "NULL" if source.random() < null_share else str(source.randrange(12))


def random_rows(source: random.Random, count: int, keys: list[int] | None = None) -> str:
    rows = []
    for i in range(count):
        key = str(keys[i]) if keys is not None else random_number(source)
        rows.append(f"({key}, {random_number(source)}, '{source.choice('abc')}')")
    return ", ".join(rows)


CONDITIONS = (
    "s.n > 5", "s.n IS NULL", "s.t = 'a'", "s.k % 2 = 0", "s.n + 1 > s.k", "EXISTS (SELECT 1 FROM merged WHERE n = s.n)",
)  # fmt: skip
MATCHED_CONDITIONS = ("m.n < s.n", "m.t <> s.t", "m.k > 5", "m.n IS NULL")
UPDATES = ("n = s.n", "n = m.n + s.n, t = s.t", "(n, t) = (s.k, 'u')", "n = DEFAULT", "k = m.k + 20",
           "n = (SELECT max(n) FROM merged)")  # fmt: skip
INSERTS = ("(k, n, t) VALUES (s.k, s.n, s.t)", "(k) VALUES (s.k)", "VALUES (s.k + 40, DEFAULT, s.t)",
           "(k, n) VALUES (s.k, (SELECT count(*) FROM merged))")  # fmt: skip


def random_clause(source: random.Random, *, is_matched: bool, is_last: bool) -> str:
    conditions = CONDITIONS + (MATCHED_CONDITIONS if is_matched else ())
    condition = "" if is_last else f" AND {source.choice(conditions)}"
    if source.random() < 0.15:
        action = "DO NOTHING"
    elif not is_matched:
        action = f"INSERT {source.choice(INSERTS)}"
    else:
        action = "DELETE" if source.random() < 0.3 else f"UPDATE SET {source.choice(UPDATES)}"
    return f"WHEN {'' if is_matched else 'NOT '}MATCHED{condition} THEN {action}"


def random_merge(source: random.Random) -> str:
    clauses = []
    kinds = [True] * source.randrange(3) + [False] * source.randrange(3) or [True]
    source.shuffle(kinds)
    for i, is_matched in enumerate(kinds):
        is_last = is_matched not in kinds[i + 1 :] and source.random() < 0.6
        clauses.append(random_clause(source, is_matched=is_matched, is_last=is_last))
    on = source.choice(("m.k = s.k", "m.k = s.k", "m.k = s.k AND m.n > 2", "m.k = s.k + 1", "m.n = s.n"))
    used = source.choice(("given s", "(SELECT DISTINCT ON (k) * FROM given ORDER BY k, n, t) s"))
    return f"MERGE INTO merged m USING {used} ON {on} {' '.join(clauses)}"


def test_random_statements_as_postgresql(postgres_uri: str, server: ServerProcess) -> None:
    probers = [Prober(postgres_uri), Prober(server.dsn)]
    source = random.Random(20)
    succeeded = 0
    for _ in range(250):
        keys = source.sample(range(12), source.randrange(9))
        script = [
            "DROP TABLE IF EXISTS merged, given",
            "CREATE TABLE merged (k int PRIMARY KEY, n int DEFAULT 3, t text)",
            "CREATE TABLE given (k int, n int, t text)",
        ]
        if keys:
            script.append(f"INSERT INTO merged VALUES {random_rows(source, len(keys), keys)}")
        script.append(f"INSERT INTO given VALUES {random_rows(source, 1 + source.randrange(6))}")
        statement = random_merge(source)
        outcomes = []
        for prober in probers:
            for text in script:
                assert not prober.outcome(text).sqlstate
            outcome = prober.outcome(statement)
            rows = prober.outcome("SELECT * FROM merged ORDER BY k").rows
            outcomes.append((outcome.sqlstate, outcome.tag, rows))
        # Of several violations in one statement PostgreSQL's plan decides which it meets first.
        failed = [bool(sqlstate) for sqlstate, _, _ in outcomes]
        assert failed[0] == failed[1], (script, statement, outcomes)
        if not failed[0]:
            succeeded += 1
        assert outcomes[0][1:] == outcomes[1][1:], (script, statement, outcomes)
    assert succeeded > 100
    for prober in probers:
        prober.close()


def waiting_merge(connection: Connection, statement: str) -> tuple[threading.Thread, list[Any]]:
    """A thread that merges, and what came of it."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(connection.execute(statement.encode()).statusmessage)
        except psycopg.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def wait_until_blocked(observer: Connection, process_id: int) -> None:
    query = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    for _ in range(2000):
        if observer.execute(query, [process_id]).fetchone() == (True,):
            return
    raise AssertionError("the statement does not wait")


MERGE = (
    "MERGE INTO shared m USING (VALUES (1, 10), (2, 20)) s (k, n) ON m.k = s.k"
    " WHEN MATCHED AND m.n >= 100 THEN DELETE WHEN MATCHED THEN UPDATE SET n = m.n + s.n"
    " WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.n)"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE shared SET n = 50 WHERE k = 1", [(1, 60), (2, 22)]),
        ("UPDATE shared SET n = 500 WHERE k = 1", [(2, 22)]),
        ("DELETE FROM shared WHERE k = 1", [(1, 10), (2, 22)]),
        ("UPDATE shared SET k = 7 WHERE k = 1", [(1, 10), (2, 22), (7, 1)]),
    ],
)
def test_a_row_that_another_changes_is_looked_at_again(
    connect: Any, change: str, expected: list[tuple[int, int]]
) -> None:
    one, other, observer = connect(), connect(), connect()
    one.execute("DROP TABLE IF EXISTS shared; CREATE TABLE shared (k int PRIMARY KEY, n int)")
    one.execute("INSERT INTO shared VALUES (1, 1), (2, 2)")
    one.execute("BEGIN")
    one.execute(change)
    thread, outcome = waiting_merge(other, MERGE)
    wait_until_blocked(observer, other.info.backend_pid)
    one.execute("COMMIT")
    thread.join(30)
    assert outcome == ["MERGE 2"]
    assert one.execute("SELECT * FROM shared ORDER BY k").fetchall() == expected


def test_repeatable_read_fails_instead(connect: Any) -> None:
    one, other = connect(), connect()
    one.execute("DROP TABLE IF EXISTS shared; CREATE TABLE shared (k int PRIMARY KEY, n int)")
    one.execute("INSERT INTO shared VALUES (1, 1), (2, 2)")
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT * FROM shared")
    one.execute("UPDATE shared SET n = 5 WHERE k = 2")
    with pytest.raises(errors.SerializationFailure):
        other.execute(MERGE)
    other.execute("ROLLBACK")


def test_parameters_many_rows_and_explain(connect: Any) -> None:
    one = connect()
    one.execute("DROP TABLE IF EXISTS shared; CREATE TABLE shared (k int PRIMARY KEY, n int, v vector(2))")
    one.execute("INSERT INTO shared SELECT g, g, '[1,2]' FROM generate_series(1, 20000) g")
    statement = (
        "MERGE INTO shared m USING generate_series(1, %s, 2) g ON m.k = g WHEN MATCHED AND g %% 4 = 1 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET n = -g WHEN NOT MATCHED THEN INSERT VALUES (g, %s, '[3,4]')"
    )
    assert one.execute(statement, [30000, 0]).statusmessage == "MERGE 15000"
    found = one.execute("SELECT count(*), sum(n), count(*) FILTER (WHERE v = '[3,4]') FROM shared").fetchone()
    evens, changed = sum(range(2, 20001, 2)), -sum(g for g in range(1, 20001, 2) if g % 4 == 3)
    assert found == (20000, evens + changed, 5000)
    plan = one.execute(
        "EXPLAIN MERGE INTO shared m USING (SELECT 1 AS g) s ON m.k = s.g WHEN MATCHED THEN DELETE"
    )
    assert "Merge on shared" in str(plan.fetchall()[0])
