"""Goal: statements lock their tables as PostgreSQL's do, and who waits can be seen. Method: clients of one instance, one of
them on a thread where it has to wait. What waits for what step by step is in tests/quiver/isolation/."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from storage.lock_modes import TableMode
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]


@pytest.fixture
def numbers(client: Client, table: str) -> str:
    client.script(
        f"CREATE TABLE {table} (n int PRIMARY KEY, m int); INSERT INTO {table} VALUES (1, 10), (2, 20)"
    )
    return table


def modes(client: Client, table: str) -> list[str]:
    """What is locked of the table, by whomever."""
    found = client.rows(
        f"SELECT l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
        f"WHERE c.relname = '{table}' AND l.granted ORDER BY l.mode"
    )
    return [mode for (mode,) in found]


@contextmanager
def waiting(watcher: Client, client: Client, text: str) -> Iterator[Future[Any]]:
    """Run a script on a thread and enter when it waits for a lock."""
    question = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {client.session.process_id}"
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(client.script, text)
        while not future.done() and not watcher.value(question):
            threading.Event().wait(0.001)
        assert not future.done(), future.result()
        yield future


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM {0}", ["AccessShareLock"]),
        ("EXPLAIN SELECT * FROM {0}", ["AccessShareLock"]),
        ("DECLARE c CURSOR FOR SELECT * FROM {0}", ["AccessShareLock"]),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM {0})", ["AccessShareLock"]),
        ("WITH x AS (SELECT * FROM {0}) SELECT * FROM x", ["AccessShareLock"]),
        ("SELECT * FROM {0} FOR UPDATE", ["RowShareLock"]),
        ("SELECT * FROM (SELECT * FROM {0} FOR SHARE) x", ["RowShareLock"]),
        ("INSERT INTO {0} VALUES (3, 30)", ["RowExclusiveLock"]),
        ("UPDATE {0} SET m = 1", ["RowExclusiveLock"]),
        ("DELETE FROM {0} WHERE n = 3", ["RowExclusiveLock"]),
        ("CREATE INDEX ON {0} (m)", ["ShareLock"]),
        ("ANALYZE {0}", ["ShareUpdateExclusiveLock"]),
        ("COMMENT ON TABLE {0} IS 'x'", ["ShareUpdateExclusiveLock"]),
        ("ALTER TABLE {0} SET (fillfactor = 90)", ["ShareUpdateExclusiveLock"]),
        ("CREATE TABLE {0}c (n int REFERENCES {0})", ["ShareRowExclusiveLock"]),
        ("ALTER TABLE {0} ADD FOREIGN KEY (m) REFERENCES {0} NOT VALID", ["ShareRowExclusiveLock"]),
        ("ALTER TABLE {0} ADD COLUMN c int", ["AccessExclusiveLock"]),
        ("ALTER TABLE {0} RENAME COLUMN m TO k", ["AccessExclusiveLock"]),
        ("TRUNCATE {0}", ["AccessExclusiveLock"]),
        ("LOCK TABLE {0} IN ROW SHARE MODE", ["RowShareLock"]),
        ("SELECT 1", []),
    ],
)
def test_statements_lock_their_tables_until_the_transaction_ends(
    connect: ConnectClient, numbers: str, text: str, expected: list[str]
) -> None:
    client, watcher = connect(), connect()
    client.script("BEGIN; " + text.format(numbers))
    assert modes(watcher, numbers) == expected
    client.script("ROLLBACK")
    assert modes(watcher, numbers) == []


def test_a_query_alone_locks_nothing_while_nobody_is_in_its_way(client: Client, numbers: str) -> None:
    assert modes(client, "pg_class") == []
    assert client.rows(f"SELECT (SELECT count(*) FROM pg_locks), n FROM {numbers} WHERE n = 1") == [(0, 1)]


def test_rollback_to_gives_up_what_was_locked_since(connect: ConnectClient, numbers: str) -> None:
    client, watcher = connect(), connect()
    client.script(f"BEGIN; SELECT 1 FROM {numbers}; SAVEPOINT s; TRUNCATE {numbers}")
    assert modes(watcher, numbers) == ["AccessExclusiveLock", "AccessShareLock"]
    client.script("ROLLBACK TO s")
    assert modes(watcher, numbers) == ["AccessShareLock"]
    client.script(f"TRUNCATE {numbers}")
    assert modes(watcher, numbers) == ["AccessExclusiveLock", "AccessShareLock"]


def test_who_waits_for_whom_is_shown(connect: ConnectClient, numbers: str) -> None:
    holder, waiter, watcher = connect(), connect(), connect()
    pid = waiter.session.process_id
    activity = f"SELECT wait_event_type, wait_event, state FROM pg_stat_activity WHERE pid = {pid}"
    holder.script(f"BEGIN; LOCK TABLE {numbers}")
    assert watcher.value(f"SELECT pg_blocking_pids({pid})") == []
    with waiting(watcher, waiter, f"SELECT * FROM {numbers}") as future:
        assert watcher.value(f"SELECT pg_blocking_pids({pid})") == [holder.session.process_id]
        assert watcher.rows(activity) == [("Lock", "relation", "active")]
        holder.script("COMMIT")
        assert future.result(5)[0].rows == [(1, 10), (2, 20)]
    assert watcher.rows(activity) == [(None, None, "idle")]
    holder.script(f"BEGIN; UPDATE {numbers} SET m = 0 WHERE n = 1")
    with waiting(watcher, waiter, f"DELETE FROM {numbers} WHERE n = 1") as future:
        assert watcher.value(f"SELECT pg_blocking_pids({pid})") == [holder.session.process_id]
        assert watcher.rows(activity) == [("Lock", "tuple", "active")]
        holder.script("COMMIT")
        assert future.result(5)[0].tag == "DELETE 1"


def test_a_prepared_statement_is_bound_to_the_table_of_after_the_wait(
    connect: ConnectClient, numbers: str
) -> None:
    holder, waiter, watcher = connect(), connect(), connect()
    waiter.prepare("count", f"SELECT count(*) FROM {numbers}")
    holder.script(f"BEGIN; ALTER TABLE {numbers} RENAME TO {numbers}old; CREATE TABLE {numbers} (n int)")
    with waiting(watcher, waiter, f"SELECT * FROM {numbers}") as future:
        holder.script("COMMIT")
        assert future.result(5)[0].rows == []
    assert waiter.execute_prepared("count").rows == [(0,)]


def test_copy_from_locks_and_waits(connect: ConnectClient, numbers: str) -> None:
    client, other = connect(), connect(lock_timeout="1")
    client.script(f"BEGIN; COPY {numbers} FROM STDIN", [b"7\t70\n"])
    assert modes(other, numbers) == ["RowExclusiveLock"]
    assert other.sqlstate(f"TRUNCATE {numbers}") == "55P03"
    client.script("ROLLBACK")
    client.script(f"BEGIN; LOCK TABLE {numbers} IN SHARE MODE")
    assert other.sqlstate(f"COPY {numbers} FROM STDIN", [b"7\t70\n"]) == "55P03"


def test_a_lock_comes_before_the_transactions_modes_and_snapshot(
    connect: ConnectClient, numbers: str
) -> None:
    client, other = connect(), connect()
    client.script(
        f"BEGIN; LOCK TABLE {numbers} IN ROW SHARE MODE; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    )
    other.script(f"INSERT INTO {numbers} VALUES (3, 30)")
    assert client.value(f"SELECT count(*) FROM {numbers}") == 3
    other.script(f"INSERT INTO {numbers} VALUES (4, 40)")
    assert client.value(f"SELECT count(*) FROM {numbers}") == 3
    assert modes(other, numbers) == ["RowShareLock"]


def test_an_old_snapshot_does_not_hide_rows_from_a_new_constraint(
    connect: ConnectClient, numbers: str
) -> None:
    client, other = connect(), connect()
    client.script("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class")
    other.script(f"INSERT INTO {numbers} VALUES (3, -1)")
    client.script(f"ALTER TABLE {numbers} ADD CHECK (m > 0)")
    assert client.sqlstate("COMMIT") == "40001"


def test_every_mode_has_its_words() -> None:
    assert {mode.title for mode in TableMode} == {
        "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
        "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
    }  # fmt: skip
