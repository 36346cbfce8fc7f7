"""Goal: concurrent transactions keep what their isolation level promises: no money is made or lost, no append either.

Method: eight clients on one server run the bank and the list-append workloads for a while at each level, with
checkpoints and VACUUM meanwhile; then totals and histories are judged. The judge itself is tried on histories
with one phenomenon each. Seconds in the ordinary suite, ten minutes in the soak.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import IsolationLevel

from tests.quiver import bank, list_append
from tests.quiver.list_append import Appender, Done, History
from tests.quiver.server_process import ServerProcess, serving

CLIENTS = 8
SHORT_SECONDS = 4.0
SOAK_SECONDS = 600.0
ROUND_SECONDS = 20.0
"""Length of one list-append history: the longer, the longer the lists."""

SMALL_SEGMENTS = ("--set", "quiver.growing_segment_size=256kB", "--set", "quiver.checkpoint_log_size=1MB")
LEVELS = (IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ)
by_level = pytest.mark.parametrize("isolation", LEVELS, ids=lambda level: level.name.lower())


class Client(Protocol):
    error: BaseException | None

    def run(self, stop: threading.Event) -> None: ...


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[ServerProcess]:
    with serving(tmp_path / "data", SMALL_SEGMENTS) as server:
        yield server


def work(server: ServerProcess, clients: Sequence[Client], table: str, seconds: float) -> None:
    """Let clients run for a while, with maintenance beside them; raise what one of them met."""
    stop = threading.Event()
    threads = [threading.Thread(target=client.run, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        waited = 0.0
        while waited < seconds and not any(client.error for client in clients):
            stop.wait(0.5)
            waited += 0.5
            connection.execute(f"VACUUM {table}".encode())
            connection.execute("CHECKPOINT")
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "no client waits for ever"
    for client in clients:
        if client.error is not None:
            raise client.error


def run_bank(server: ServerProcess, isolation: IsolationLevel, seconds: float) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(bank.SCHEMA.encode())
    tellers = [bank.Teller(number, server.dsn, isolation) for number in range(CLIENTS)]
    work(server, tellers, "accounts", seconds)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT count(*), sum(balance)::bigint FROM accounts").fetchall()
    assert rows == [(bank.ACCOUNTS, bank.TOTAL)]
    transfers, aborted = sum(t.transfers for t in tellers), sum(t.aborted for t in tellers)
    assert transfers > aborted / 100, "some get through"
    print(
        f"bank, {isolation.name}: {transfers} transfers, {aborted} aborted, {sum(t.audits for t in tellers)} audits"
    )


def run_list_append(server: ServerProcess, isolation: IsolationLevel, seconds: float) -> None:
    committed = 0
    for _ in range(max(1, round(seconds / ROUND_SECONDS))):
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS lists")
            connection.execute(list_append.SCHEMA)
            connection.execute(
                "INSERT INTO lists SELECT i, '' FROM generate_series(0, %s) i", (list_append.KEYS - 1,)
            )
        appenders = [Appender(number, server.dsn, isolation) for number in range(CLIENTS)]
        work(server, appenders, "lists", min(seconds, ROUND_SECONDS))
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            final = {key: list_append.read_list(connection, key) for key in range(list_append.KEYS)}
        history = History(
            [done for a in appenders for done in a.committed],
            [done for a in appenders for done in a.aborted],
            final,
        )
        assert history.phenomena(isolation) == []
        committed += len(history.committed)
    assert committed
    print(f"list-append, {isolation.name}: {committed} committed transactions")


@pytest.mark.slow
@by_level
def test_the_bank_keeps_its_money(small_server: ServerProcess, isolation: IsolationLevel) -> None:
    run_bank(small_server, isolation, SHORT_SECONDS)


@pytest.mark.slow
@by_level
def test_append_histories_are_what_the_level_allows(
    small_server: ServerProcess, isolation: IsolationLevel
) -> None:
    run_list_append(small_server, isolation, SHORT_SECONDS)


@pytest.mark.soak
@by_level
def test_the_bank_keeps_its_money_at_length(small_server: ServerProcess, isolation: IsolationLevel) -> None:
    run_bank(small_server, isolation, SOAK_SECONDS / 2)


@pytest.mark.soak
@by_level
def test_append_histories_at_length(small_server: ServerProcess, isolation: IsolationLevel) -> None:
    run_list_append(small_server, isolation, SOAK_SECONDS / 2)


A, B, C = 1, 2, 3
"""Transactions of the histories below; element 10 * t + n is the n-th append of transaction t."""


@pytest.mark.parametrize(
    ("name", "history"),
    [
        ("lost", History([Done(A, [(0, 10)])], [], {0: ()})),
        ("aborted or unknown", History([], [Done(A, [(0, 10)])], {0: (10,)})),
        ("G1a", History([Done(B, [], [(0, (10,))])], [Done(A, [(0, 10)])], {0: ()})),
        ("G1b", History([Done(A, [(0, 10), (0, 11)]), Done(B, [], [(0, (10,))])], [], {0: (10, 11)})),
        (
            "G0",
            History(
                [Done(A, [(0, 10), (1, 11)]), Done(B, [(0, 20), (1, 21)])], [], {0: (10, 20), 1: (21, 11)}
            ),
        ),
        (
            "G1c",
            History(
                [Done(A, [(0, 10)], [(1, (20,))]), Done(B, [(1, 20)], [(0, (10,))])], [], {0: (10,), 1: (20,)}
            ),
        ),
        (
            "G-single",
            History(
                [Done(A, [(0, 10), (1, 11)]), Done(B, [], [(0, ()), (1, (11,))])], [], {0: (10,), 1: (11,)}
            ),
        ),
    ],
)
def test_the_judge_sees_each_phenomenon(name: str, history: History) -> None:
    found = history.phenomena(IsolationLevel.REPEATABLE_READ)
    assert found
    assert any(name in phenomenon for phenomenon in found)


def test_the_judge_allows_what_the_level_allows() -> None:
    write_skew = History(
        [Done(A, [(0, 10)], [(1, ())]), Done(B, [(1, 20)], [(0, ())])], [], {0: (10,), 1: (20,)}
    )
    assert write_skew.phenomena(IsolationLevel.REPEATABLE_READ) == []
    read_skew = History(
        [Done(A, [(0, 10), (1, 11)]), Done(C, [], [(0, ()), (1, (11,))])], [], {0: (10,), 1: (11,)}
    )
    assert read_skew.phenomena(IsolationLevel.READ_COMMITTED) == []
