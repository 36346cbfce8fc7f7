"""Goal: INSERTs that sessions execute as one end for each session as if it had been alone.

Method: portals of several sessions brought to where a server joins them; rows, commits and errors seen from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from foundation.errors import CheckViolation, UniqueViolation
from sqlfront.session.portal import LazyPortal
from storage import Transaction
from storage.errors import IoFailure
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]
SESSIONS = 3


@pytest.fixture
def clients(connect: ConnectClient, table: str) -> list[Client]:
    made = [connect() for _ in range(SESSIONS + 1)]
    made[0].script(
        f"CREATE TABLE {table} (id int PRIMARY KEY, n int CHECK (n > 0), at timestamptz DEFAULT now())"
    )
    return made


def bound(client: Client, text: str, *parameters: object) -> LazyPortal:
    """A portal with a Sync behind its Execute, in a session that may not block."""
    session = client.session
    session.may_block = True
    statement = session.prepare(text, ())
    session.is_sync_next = True
    session.may_block = False
    return session.bind(statement, parameters)


def join(clients: list[Client], text: str, rows: list[tuple[object, ...]]) -> list[LazyPortal]:
    """Execute the statement with a row a client, together; the portals, not started."""
    portals = [bound(client, text, *row) for client, row in zip(clients, rows)]
    joinables = [portal.joinable() for portal in portals]
    found = [joinable for joinable in joinables if joinable is not None]
    assert len(found) == len(portals) and len({joinable.key for joinable in found}) == 1
    found[0].run_with(found[1:])
    return portals


def ended(client: Client, portal: LazyPortal) -> str:
    """Start the portal, finish the commit, end the transaction; the tag."""
    session = client.session
    try:
        portal.start()
        tag = portal.command_tag()
        session.finish_commit()
        session.sync()
        return tag
    except Exception as error:
        session.statement_failed(error)
        raise
    finally:
        session.may_block = True
        portal.close()


def rows(client: Client, table: str) -> list[tuple[object, ...]]:
    return client.rows(f"SELECT id, n FROM {table} ORDER BY id")


def test_all_rows_come_with_one_commit(clients: list[Client], table: str) -> None:
    *writers, reader = clients
    lsn = reader.session.shared.storage.last_lsn
    portals = join(writers, f"INSERT INTO {table} VALUES ($1, $2)", [(1, 10), (2, 20), (3, 30)])
    assert rows(reader, table) == []
    assert ended(writers[1], portals[1]) == "INSERT 0 1"
    assert rows(reader, table) == [(1, 10), (2, 20), (3, 30)]
    assert [ended(writers[i], portals[i]) for i in (0, 2)] == ["INSERT 0 1"] * 2
    assert reader.session.shared.storage.last_lsn == lsn + 1
    assert [client.status for client in writers] == ["I"] * 3


@pytest.mark.parametrize("bad", [(2, -1), (1, 7)])
def test_a_row_that_fails_fails_alone(clients: list[Client], table: str, bad: tuple[int, int]) -> None:
    *writers, reader = clients
    portals = join(writers, f"INSERT INTO {table} VALUES ($1, $2)", [(1, 10), bad, (3, 30)])
    assert ended(writers[0], portals[0]) == "INSERT 0 1"
    with pytest.raises(CheckViolation if bad[1] < 0 else UniqueViolation):
        ended(writers[1], portals[1])
    assert ended(writers[2], portals[2]) == "INSERT 0 1"
    assert rows(reader, table) == [(1, 10), (3, 30)]


def test_a_key_that_somebody_inserts_is_left_to_those_who_may_wait(clients: list[Client], table: str) -> None:
    first, second, third, reader = clients
    third.script(f"BEGIN; INSERT INTO {table} VALUES (1, 1)")
    portals = join([first, second], f"INSERT INTO {table} VALUES ($1, $2)", [(1, 10), (2, 20)])
    assert ended(second, portals[1]) == "INSERT 0 1"
    third.script("ROLLBACK")
    assert ended(first, portals[0]) == "INSERT 0 1"
    assert rows(reader, table) == [(1, 10), (2, 20)]


def test_sessions_that_are_closed_before_they_start_have_inserted(clients: list[Client], table: str) -> None:
    first, second, _, reader = clients
    for client, portal in zip(
        (first, second), join([first, second], f"INSERT INTO {table} VALUES ($1, $2)", [(1, 1), (2, 2)])
    ):
        client.session.portals[""] = portal
        client.close()
    assert rows(reader, table) == [(1, 1), (2, 2)]
    assert reader.tags(f"DELETE FROM {table}") == ["DELETE 2"]


def test_a_failure_of_the_log_is_told_to_all(
    clients: list[Client], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    *writers, _ = clients
    storage = writers[0].session.shared.storage

    def fail(lsn: int) -> None:
        raise IoFailure("could not fsync")

    portals = join(writers, f"INSERT INTO {table} VALUES ($1, $2)", [(1, 10), (2, 20), (3, 30)])
    with monkeypatch.context() as patched:
        patched.setattr(storage, "wait_durable", fail)
        for client, portal in zip(writers, portals):
            with pytest.raises(IoFailure):
                ended(client, portal)
    assert [client.status for client in writers] == ["I"] * 3


def test_a_table_that_was_changed_meanwhile_is_bound_anew(clients: list[Client], table: str) -> None:
    first, second, third, reader = clients
    text = f"INSERT INTO {table} VALUES ($1, $2)"
    portals = [bound(client, text, number, number) for number, client in enumerate((first, second), 1)]
    third.script(f"ALTER TABLE {table} ADD COLUMN note text DEFAULT 'new'")
    joinables = [portal.joinable() for portal in portals]
    assert joinables[0] is not None and joinables[1] is not None
    joinables[0].run_with([joinables[1]])
    assert [ended(first, portals[0]), ended(second, portals[1])] == ["INSERT 0 1"] * 2
    assert reader.rows(f"SELECT id, note FROM {table} ORDER BY 1") == [(1, "new"), (2, "new")]


def test_a_table_that_is_changed_while_they_are_joined_is_bound_anew(
    clients: list[Client], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third, reader = clients
    storage = first.session.shared.storage
    text = f"INSERT INTO {table} VALUES ($1, $2)"
    portals = [bound(client, text, number, number) for number, client in enumerate((first, second), 1)]
    joinables = [portal.joinable() for portal in portals]
    assert joinables[0] is not None and joinables[1] is not None
    begin = storage.begin

    def begin_after_ddl(**options: Any) -> Any:
        patched.undo()
        third.script(f"ALTER TABLE {table} ADD COLUMN note text DEFAULT 'new'")
        return begin(**options)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "begin", begin_after_ddl)
        joinables[0].run_with([joinables[1]])
    assert [ended(first, portals[0]), ended(second, portals[1])] == ["INSERT 0 1"] * 2
    assert reader.rows(f"SELECT id, note FROM {table} ORDER BY 1") == [(1, "new"), (2, "new")]


def test_a_bug_leaves_no_locks(clients: list[Client], table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_ = clients
    portals = [
        bound(client, f"INSERT INTO {table} VALUES ($1, 1)", 1 + i)
        for i, client in enumerate((first, second))
    ]
    joinables = [portal.joinable() for portal in portals]
    assert joinables[0] is not None and joinables[1] is not None

    def fail(transaction: Transaction, **options: Any) -> None:
        raise AssertionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "start_commit", fail)
        with pytest.raises(AssertionError):
            joinables[0].run_with([joinables[1]])
    assert [ended(first, portals[0]), ended(second, portals[1])] == ["INSERT 0 1"] * 2


def test_what_is_not_joined(clients: list[Client], table: str, connect: ConnectClient) -> None:
    client = clients[0]
    client.script(f"CREATE TABLE {table}_numbered (id serial, n int)")
    insert = f"INSERT INTO {table} VALUES ($1, 1)"
    assert bound(client, insert, 1).joinable() is not None
    for text in (
        f"{insert} RETURNING id",
        f"{insert} ON CONFLICT DO NOTHING",
        f"INSERT INTO {table} SELECT $1, 1",
        f"INSERT INTO {table} VALUES ($1, 1), (2, 2)",
    ):
        assert bound(client, text, 1).joinable() is None, text
    numbered = f"INSERT INTO {table}_numbered (n) VALUES ($1)"
    alone = [bound(client, numbered, n).joinable() for n in (1, 2)]
    assert alone[0] is not None and alone[1] is not None and alone[0].key != alone[1].key
    client.session.may_block = True
    client.script("BEGIN")
    assert bound(client, insert, 1).joinable() is None
    client.session.may_block = True
    client.script("ROLLBACK")
    for settings in ({"default_transaction_read_only": "on"}, {"synchronous_commit": "off"}):
        assert bound(connect(**settings), insert, 1).joinable() is None
