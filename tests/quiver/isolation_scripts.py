"""Scripts of several sessions that step in a given order, and what each step saw, on any server.

A file of `isolation/` has the set-up before the first step, then one step a line: `1: UPDATE ...` is what session 1
does. A step whose session waits for a lock is noted as `waits`; its outcome is noted when it comes, which may be
after steps of others. `{level}` in the set-up or a step is the isolation level that the script runs at.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg

FOLDER = Path(__file__).parent / "isolation"
WAITING_SQL = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
_STEP = re.compile(r"(\d): (.*)")
_PROCESS = re.compile(r"[Pp]rocess \d+")
_DEADLINE_SECONDS = 30.0


class Actor:
    """A session with a thread of its own."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.connection.execute("SET deadlock_timeout = '400ms'")
        self.connection.execute("SET lock_timeout = '20s'")
        self._pool = ThreadPoolExecutor(1)
        self.running: Future[str] | None = None

    def start(self, text: str) -> None:
        self.running = self._pool.submit(self._outcome, text)

    def _outcome(self, text: str) -> str:
        try:
            cursor = self.connection.execute(text.encode())
        except psycopg.Error as error:
            return f"{error.sqlstate} {error.diag.message_primary}"
        rows = f" {sorted(cursor.fetchall(), key=repr)}" if cursor.description else ""
        return f"{cursor.statusmessage}{rows}"

    def close(self) -> None:
        self.connection.cancel()
        self._pool.shutdown()
        self.connection.close()


def trace(dsn: str, script: str, level: str) -> list[str]:
    """Run a script and say what happened, line by line."""
    setup, steps = _parsed(script, level)
    noted: list[str] = []
    actors: dict[str, Actor] = {}
    with psycopg.connect(dsn, autocommit=True) as watcher:
        for text in setup:
            watcher.execute(text.encode())
        try:
            for name, text in steps:
                actor = actors.setdefault(name, Actor(dsn)) if name not in actors else actors[name]
                if actor.running is not None:
                    noted.append(f"{name}: {_result(actor)}")
                actor.start(text)
                is_waiting = not _settles(actor, watcher)
                noted.append(f"{name}: {text} -> {'waits' if is_waiting else _result(actor)}")
                noted += _released(actors, watcher)
            for name, actor in actors.items():
                if actor.running is not None:
                    noted.append(f"{name}: {_result(actor)}")
        finally:
            for actor in actors.values():
                actor.close()
    return noted


def _parsed(script: str, level: str) -> tuple[list[str], list[tuple[str, str]]]:
    setup: list[str] = []
    steps: list[tuple[str, str]] = []
    for line in script.replace("{level}", level).splitlines():
        step = _STEP.fullmatch(line)
        if step is not None:
            steps.append((step[1], step[2]))
        elif line and not line.startswith("--"):
            setup.append(line)
    return setup, steps


def _settles(actor: Actor, watcher: psycopg.Connection) -> bool:
    """Wait until the actor's step has ended (True) or waits for a lock (False)."""
    assert actor.running is not None
    deadline = time.monotonic() + _DEADLINE_SECONDS
    pause = threading.Event()
    waiting_looks = 0
    while time.monotonic() < deadline:
        if actor.running.done():
            return True
        (count,) = watcher.execute(WAITING_SQL, [actor.connection.info.backend_pid]).fetchone() or (0,)
        # Twice in a row: one look may catch a wait that a release just before is about to end.
        waiting_looks = waiting_looks + 1 if count else 0
        if waiting_looks == 2:
            return False
        pause.wait(0.02)
    raise AssertionError("a step neither ends nor waits for a lock")


def _result(actor: Actor) -> str:
    assert actor.running is not None
    text = actor.running.result(_DEADLINE_SECONDS)
    actor.running = None
    return _PROCESS.sub("process", text)


def _released(actors: dict[str, Actor], watcher: psycopg.Connection) -> list[str]:
    """The outcomes of steps that waited and go on now, by session."""
    return [
        f"{name}: {_result(actor)}"
        for name, actor in sorted(actors.items())
        if actor.running is not None and _settles(actor, watcher)
    ]
