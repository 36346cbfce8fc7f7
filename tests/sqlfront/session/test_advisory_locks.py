"""Goal: advisory locks are counted, end with their session or transaction, and exclude others only.
Method: clients of one instance; what is locked is read from pg_locks, what is free is asked with pg_try_..."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from quiver.instance import Instance
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]
_keys = itertools.count(1)


@pytest.fixture
def key() -> int:
    """A key of this test alone."""
    return next(_keys)


def is_free(other: Client, key: object, suffix: str = "") -> bool:
    """Whether another session could lock the key."""
    if not other.value(f"SELECT pg_try_advisory_lock{suffix}({key})"):
        return False
    assert other.value(f"SELECT pg_advisory_unlock{suffix}({key})")
    return True


def advisory_rows(client: Client) -> list[tuple[object, ...]]:
    return client.rows(
        "SELECT database = (SELECT oid FROM pg_database WHERE datname = current_database()), classid, objid, "
        "objsubid, mode, granted FROM pg_locks WHERE locktype = 'advisory' ORDER BY classid, objid, mode"
    )


def test_session_locks_are_counted(connect: ConnectClient, key: int) -> None:
    client, other = connect(), connect()
    client.script(f"SELECT pg_advisory_lock({key}); SELECT pg_try_advisory_lock({key})")
    assert client.value(f"SELECT pg_advisory_unlock({key})")
    assert not is_free(other, key)
    assert client.value(f"SELECT pg_advisory_unlock({key})")
    assert is_free(other, key)
    assert client.value(f"SELECT pg_advisory_unlock({key})") is False
    assert client.notices() == ["WARNING: you don't own a lock of type ExclusiveLock"]
    assert client.value(f"SELECT pg_advisory_unlock_shared({key})") is False
    assert client.notices() == ["WARNING: you don't own a lock of type ShareLock"]


def test_sharers_exclude_only_the_exclusive(connect: ConnectClient, key: int) -> None:
    client, other = connect(), connect()
    assert client.value(f"SELECT pg_advisory_lock_shared({key})") == ""
    assert is_free(other, key, "_shared")
    assert not is_free(other, key)
    assert client.value(f"SELECT pg_try_advisory_lock({key})"), "a session never waits for itself"
    assert not is_free(other, key, "_shared")


def test_session_locks_outlive_transactions(connect: ConnectClient, key: int) -> None:
    client, other = connect(), connect()
    client.script(f"BEGIN; SELECT pg_advisory_lock({key}); ROLLBACK")
    assert client.sqlstate(f"BEGIN; SELECT pg_advisory_lock({key}); SELECT 1 / 0") == "22012"
    client.script("ROLLBACK")
    for _ in range(2):
        assert not is_free(other, key)
        assert client.value(f"BEGIN; SELECT pg_advisory_unlock({key}); ROLLBACK; SELECT true")
    assert is_free(other, key)


def test_transaction_locks_end_with_transaction_and_savepoint(connect: ConnectClient, key: int) -> None:
    client, other = connect(), connect()
    client.script(f"BEGIN; SELECT pg_advisory_xact_lock({key}, 1); SAVEPOINT s")
    assert client.value(f"SELECT pg_try_advisory_xact_lock_shared({key}, 2)")
    assert client.value(f"SELECT pg_advisory_unlock({key}, 1)") is False
    assert [is_free(other, f"{key}, {n}") for n in (1, 2)] == [False, False]
    client.script("ROLLBACK TO s")
    assert [is_free(other, f"{key}, {n}") for n in (1, 2)] == [False, True]
    client.script("COMMIT")
    assert is_free(other, f"{key}, 1")
    client.script(f"SELECT pg_advisory_xact_lock({key})")
    assert is_free(other, key), "an implicit transaction ends at once"


def test_unlock_all_discard_and_disconnect_release(connect: ConnectClient, key: int) -> None:
    client, other = connect(), connect()
    lock = f"SELECT pg_advisory_lock({key}), pg_advisory_lock({key}), pg_advisory_lock_shared({key}, 0)"
    client.script(lock)
    assert client.value("SELECT pg_advisory_unlock_all()") == ""
    assert is_free(other, key) and is_free(other, f"{key}, 0")
    client.script(lock)
    client.script("DISCARD ALL")
    assert is_free(other, key) and is_free(other, f"{key}, 0")
    client.script(lock)
    client.script(f"BEGIN; SELECT pg_advisory_xact_lock({key})")
    client.close()
    assert is_free(other, key) and is_free(other, f"{key}, 0")


def test_pg_locks_shows_the_halves_of_the_key(client: Client) -> None:
    client.script("SELECT pg_advisory_lock(-1), pg_advisory_lock_shared(-2, 3), pg_advisory_xact_lock(4)")
    client.script("BEGIN; SELECT pg_advisory_xact_lock(-1)")
    full = 2**32 - 1
    assert advisory_rows(client) == [
        (True, full - 1, 3, 2, "ShareLock", True),
        (True, full, full, 1, "ExclusiveLock", True),
    ]


def test_locks_are_taken_for_the_rows_that_are_returned(client: Client, table: str) -> None:
    client.script(
        f"CREATE TABLE {table} (id int, kind int); "
        f"INSERT INTO {table} SELECT i, i % 3 FROM generate_series(1, 300) i; DELETE FROM {table} WHERE id = 4"
    )

    def locked_by(text: str) -> list[object]:
        client.script(text)
        locked = [row[2] for row in advisory_rows(client)]
        client.script("SELECT pg_advisory_unlock_all()")
        return locked

    ones = list(range(7, 300, 3))
    assert locked_by(f"SELECT pg_advisory_lock(id) FROM {table} WHERE kind = 1") == [1, *ones]
    assert locked_by(f"SELECT 1 FROM {table} WHERE kind = 1 AND pg_try_advisory_lock(id)") == [1, *ones]
    assert locked_by(f"SELECT 1 FROM {table} WHERE pg_try_advisory_lock(id) AND kind = 1") == [1, *ones]
    assert locked_by(f"SELECT 1 FROM {table} WHERE kind = 1 AND pg_try_advisory_lock(id) LIMIT 2") == [1, 7]
    assert locked_by(
        f"SELECT 1 FROM {table} WHERE kind < 2 AND id > 1 AND pg_try_advisory_lock(id) LIMIT 2"
    ) == [3, 6]
    assert locked_by(f"SELECT pg_advisory_lock(id) FROM {table} ORDER BY id DESC LIMIT 2") == [299, 300]
    assert locked_by(f"UPDATE {table} SET kind = 1 WHERE id = 9 AND pg_try_advisory_lock(id)") == [9]
    assert locked_by(f"SELECT pg_advisory_lock(NULL) FROM {table}") == []


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_a_model(connect: ConnectClient, instance: Instance, seed: int) -> None:
    """Random locks and unlocks of three sessions against counts in a dictionary."""
    chance = random.Random(seed)
    clients = [connect() for _ in range(3)]
    held: Counter[tuple[int, int, str]] = Counter()
    for _ in range(150):
        who, key, suffix = chance.randrange(3), chance.randrange(4), chance.choice(("", "_shared"))
        if chance.random() < 0.5:
            blocked = any(
                other != who and k == key and "" in (suffix, s) for (other, k, s), n in held.items() if n
            )
            got = clients[who].value(f"SELECT pg_try_advisory_lock{suffix}({seed}, {key})")
            assert got is not blocked
            held[who, key, suffix] += got
        else:
            got = clients[who].value(f"SELECT pg_advisory_unlock{suffix}({seed}, {key})")
            assert got is (held[who, key, suffix] > 0)
            held[who, key, suffix] -= got
    for client in clients:
        client.close()
    assert instance.storage.locks.rows() == []
