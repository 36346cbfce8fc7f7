"""Goal: where a session may not wait it says so and has done nothing, and a commit counts once it is finished.

Method: a session whose `may_block` is off beside others that hold what it needs, and its unfinished commits looked at
from outside, finished, and abandoned.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from foundation.errors import ForeignKeyViolation, UniqueViolation, WouldBlock
from storage.errors import IoFailure
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]


def start(client: Client, text: str, *, is_alone: bool = True) -> str:
    """Run one statement by extended query as far as it goes without waiting; its command tag."""
    session = client.session
    portal = session.bind(session.prepare(text, ()), ())
    session.is_sync_next = is_alone
    session.may_block = False
    try:
        portal.start()
        return portal.command_tag()
    finally:
        session.may_block = True


def count(client: Client, table: str) -> int:
    return int(client.value(f"SELECT count(*) FROM {table}"))


@pytest.fixture
def pair(connect: ConnectClient, table: str) -> tuple[Client, Client]:
    first, second = connect(), connect()
    first.script(f"CREATE TABLE {table} (id int PRIMARY KEY, n int CHECK (n > 0))")
    return first, second


def test_a_commit_counts_once_it_is_finished(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    assert start(client, f"INSERT INTO {table} VALUES (1, 1)") == "INSERT 0 1"
    commit = client.session.unfinished_commit
    assert commit is not None and count(other, table) == 0
    client.session.finish_commit()
    assert client.session.unfinished_commit is None and count(other, table) == 1
    client.session.sync()
    assert count(other, table) == 1 and client.status == "I"


def test_waiting_for_the_commit_shows_it_to_others_already(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    start(client, f"INSERT INTO {table} VALUES (1, 1)")
    commit = client.session.unfinished_commit
    assert commit is not None
    commit.wait()
    assert count(other, table) == 1
    with pytest.raises(WouldBlock):
        # The key is reserved until the commit is finished, for whatever comes after it.
        start(other, f"INSERT INTO {table} VALUES (1, 1)")
    client.session.finish_commit()
    with pytest.raises(UniqueViolation):
        start(other, f"INSERT INTO {table} VALUES (1, 1)")


def test_a_key_of_another_transaction_is_not_waited_for(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    other.script(f"BEGIN; INSERT INTO {table} VALUES (1, 1)")
    with pytest.raises(WouldBlock):
        start(client, f"INSERT INTO {table} VALUES (2, 2), (1, 1)")
    assert client.status == "I" and client.session.unfinished_commit is None
    other.script("ROLLBACK")
    assert start(client, f"INSERT INTO {table} VALUES (2, 2), (1, 1)") == "INSERT 0 2"
    client.session.finish_commit()
    assert count(other, table) == 2


def test_a_block_goes_on_after_a_step_that_would_wait(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    other.script(f"BEGIN; INSERT INTO {table} VALUES (1, 1)")
    client.script(f"BEGIN; INSERT INTO {table} VALUES (3, 3)")
    with pytest.raises(WouldBlock):
        start(client, f"INSERT INTO {table} VALUES (2, 2), (1, 1)", is_alone=False)
    assert client.status == "T" and count(client, table) == 1
    other.script("ROLLBACK")
    client.script(f"INSERT INTO {table} VALUES (2, 2), (1, 1); COMMIT")
    assert count(other, table) == 3


def test_commit_of_a_block_is_left_unfinished(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    client.script(f"BEGIN; INSERT INTO {table} VALUES (1, 1)")
    assert start(client, "COMMIT") == "COMMIT"
    assert client.status == "T" and count(other, table) == 0
    client.session.finish_commit()
    assert client.status == "I" and count(other, table) == 1


def commit_that_would_wait(client: Client, other: Client, table: str) -> None:
    """A transaction whose deferred check needs a row that another one deletes, after its COMMIT was refused to wait."""
    client.script(f"INSERT INTO {table} VALUES (1, 1)")
    reference = f"REFERENCES {table} DEFERRABLE INITIALLY DEFERRED"
    client.script(f"CREATE TABLE {table}_child (parent int {reference})")
    other.script(f"BEGIN; DELETE FROM {table} WHERE id = 1")
    client.script(f"BEGIN; INSERT INTO {table}_child VALUES (1)")
    with pytest.raises(WouldBlock):
        start(client, "COMMIT")
    assert client.status == "T"


def test_a_commit_does_not_wait_for_what_its_deferred_checks_need(
    pair: tuple[Client, Client], table: str
) -> None:
    client, other = pair
    commit_that_would_wait(client, other, table)
    other.script("ROLLBACK")
    assert start(client, "COMMIT") == "COMMIT"
    client.session.finish_commit()
    assert count(other, f"{table}_child") == 1


def test_what_a_commit_would_have_waited_for_is_checked_when_it_comes_again(
    pair: tuple[Client, Client], table: str
) -> None:
    client, other = pair
    commit_that_would_wait(client, other, table)
    other.script("COMMIT")
    with pytest.raises(ForeignKeyViolation):
        start(client, "COMMIT")
    client.session.statement_failed(ForeignKeyViolation(""))
    assert client.status == "I" and count(other, f"{table}_child") == 0


def test_long_commits_and_others_at_the_log_are_not_waited_for(
    pair: tuple[Client, Client], table: str
) -> None:
    client, other = pair
    storage = client.session.shared.storage
    client.script(f"BEGIN; INSERT INTO {table} SELECT i, i FROM generate_series(1, 20000) AS g(i)")
    with pytest.raises(WouldBlock):
        start(client, "COMMIT")
    client.script("COMMIT")
    assert count(other, table) == 20000
    with storage.commit_lock, pytest.raises(WouldBlock):
        start(client, f"INSERT INTO {table} VALUES (0, 1)")
    assert client.status == "I" and count(other, table) == 20000


def test_a_client_that_leaves_has_committed(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    start(client, f"INSERT INTO {table} VALUES (1, 1)")
    client.close()
    assert count(other, table) == 1
    assert start(other, f"INSERT INTO {table} VALUES (2, 1)") == "INSERT 0 1"
    other.session.finish_commit()


def test_errors_are_told_at_once(pair: tuple[Client, Client], table: str) -> None:
    client, other = pair
    other.script(f"INSERT INTO {table} VALUES (1, 1)")
    with pytest.raises(UniqueViolation):
        start(client, f"INSERT INTO {table} VALUES (1, 1)")
    client.session.statement_failed(UniqueViolation(""))
    assert client.status == "I" and client.session.unfinished_commit is None


def test_a_log_that_fails_is_told_when_the_commit_is_finished(
    pair: tuple[Client, Client], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = pair
    storage = client.session.shared.storage

    def fail(lsn: int) -> None:
        raise IoFailure("could not fsync")

    start(client, f"INSERT INTO {table} VALUES (1, 1)")
    with monkeypatch.context() as patched:
        patched.setattr(storage, "wait_durable", fail)
        with pytest.raises(IoFailure):
            client.session.finish_commit()
    assert client.status == "I" and client.session.unfinished_commit is None


def test_only_statements_of_bounded_work_are_short(connect: ConnectClient, table: str) -> None:
    client = connect()
    client.script(f"CREATE TABLE {table} (id serial PRIMARY KEY, n int, at timestamptz DEFAULT now())")

    def is_short(text: str) -> bool:
        session = client.session
        portal = session.bind(session.prepare(text, ()), ())
        portal.close()
        return portal.is_short

    insert = f"INSERT INTO {table} (n)"
    for text in (
        f"{insert} VALUES (1), (2)",
        f"{insert} VALUES ('3'::int) RETURNING id",
        f"SELECT * FROM {table} WHERE id = 3",
        f"SELECT n::text FROM {table} WHERE n > 1 AND id = 3 LIMIT 1",
        "SELECT 1",
        "BEGIN",
        "COMMIT",
    ):
        assert is_short(text), text
    for text in (
        f"{insert} VALUES (length(repeat('x', 100000000)))",
        f"{insert} SELECT 1 FROM pg_sleep(1)",
        f"{insert} VALUES ((SELECT 1))",
        f"{insert} VALUES {', '.join(['(1)'] * 100)}",
        f"UPDATE {table} SET n = 1",
        f"SELECT * FROM {table}",
        f"SELECT * FROM {table} WHERE n = 3",
        f"SELECT * FROM {table} WHERE id > 3",
        f"SELECT * FROM {table} WHERE id = 3 OR n = 1",
        f"SELECT pg_sleep(1) FROM {table} WHERE id = 3",
        f"SELECT * FROM {table} WHERE id = 3 AND repeat('x', 100000000) = 'x'",
        f"SELECT * FROM {table} WHERE id = (SELECT max(n) FROM {table})",
        f"SELECT count(*) FROM {table} WHERE id = 3",
        "SELECT repeat('x', 100000000)",
        "SELECT generate_series(1, 100000000)",
        "COMMIT AND CHAIN",
        "VACUUM",
    ):
        assert not is_short(text), text
