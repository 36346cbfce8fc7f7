"""Statements that are transactions of their own and lost against another transaction run again.

The later of two writers of a row, a key or a table waits. What only the commit can see, DDL over objects without locks
and references that crossed, is 40001. For a statement alone in its transaction nothing is lost by running it again at a
fresh snapshot, as long as nothing was told to the client: its rows are kept until it has committed. Those that
lost once take turns, so that they do not go on defeating each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from foundation.cancel import CancelToken
from foundation.errors import SerializationFailure
from sqlfront.session.outcome import Outcome

ATTEMPTS_MAX = 50
"""Beyond this 40001 goes to the client: a long statement may lose against short ones for ever."""

_POLL_SECONDS = 0.02


class RetryTurns:
    """One statement at a time that has lost already; shared by all sessions of a server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, cancel_token: CancelToken) -> Iterator[None]:
        """Raises QueryCanceled (57014) while it waits."""
        while not self._lock.acquire(timeout=_POLL_SECONDS):
            cancel_token.check()
        try:
            yield
        finally:
            self._lock.release()


def run_alone(
    run: Callable[[], Outcome],
    commit: Callable[[], None],
    undo: Callable[[], None],
    turns: RetryTurns,
    cancel_token: CancelToken,
) -> Outcome:
    """Run a statement and commit it, again if it lost.

    Args:
        run: executes the statement in a new transaction.
        commit: ends that transaction.
        undo: takes back everything an attempt did to the session.

    Raises:
        SerializationFailure: 40001, after `ATTEMPTS_MAX` attempts.
    """
    try:
        return attempt(run, commit)
    except SerializationFailure:
        undo()
    with turns.turn(cancel_token):
        for _ in range(ATTEMPTS_MAX - 2):
            cancel_token.check()
            try:
                return attempt(run, commit)
            except SerializationFailure:
                undo()
        return attempt(run, commit)


def attempt(run: Callable[[], Outcome], commit: Callable[[], None]) -> Outcome:
    """Run a statement and commit it; its rows, all of them, come after that."""
    outcome = run()
    batches = list(outcome.batches)
    tag = outcome.final_tag()
    commit()
    return Outcome(tag, outcome.columns, iter(batches))
