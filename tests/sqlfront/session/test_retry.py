"""Goal: a data change alone in its transaction never fails because of another's. Method: threads on the same rows."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled, SerializationFailure
from sqlfront.session.outcome import Outcome
from sqlfront.session.retry import ATTEMPTS_MAX, RetryTurns, run_alone
from tests.sqlfront.session.driver import Client

ConnectClient = Callable[..., Client]
THREADS = 6
ROUNDS = 25


def lost() -> Outcome:
    raise SerializationFailure("could not serialize access due to concurrent update")


def test_it_gives_up_after_so_many_attempts() -> None:
    undone: list[int] = []
    with pytest.raises(SerializationFailure):
        run_alone(lost, lambda: None, lambda: undone.append(1), RetryTurns(), CancelToken())
    assert len(undone) == ATTEMPTS_MAX - 1


def test_a_cancelled_statement_does_not_wait_for_its_turn() -> None:
    turns, token = RetryTurns(), CancelToken()
    token.cancel()
    with turns.turn(CancelToken()), pytest.raises(QueryCanceled):
        run_alone(lost, lambda: None, lambda: None, turns, token)


@pytest.mark.slow
@pytest.mark.parametrize("is_extended", [False, True])
def test_concurrent_increments_all_count(connect: ConnectClient, table: str, is_extended: bool) -> None:
    clients = [connect() for _ in range(THREADS)]
    clients[0].script(f"CREATE TABLE {table} (id int PRIMARY KEY, n int); INSERT INTO {table} VALUES (1, 0)")
    seen: list[int] = []

    def count_up(client: Client) -> None:
        for _ in range(ROUNDS):
            client.session.is_sync_next = is_extended
            run = client.extended if is_extended else lambda sql: client.script(sql)[-1]
            seen.append(run(f"UPDATE {table} SET n = n + 1 WHERE id = 1 RETURNING n").rows[0][0])

    threads = [threading.Thread(target=count_up, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1, THREADS * ROUNDS + 1)), "no update is lost and none is seen twice"
