"""Goal: many clients at once, and a crash among them, never see a wrong or missing row, and leave nothing behind.

Method: eight clients (psycopg and asyncpg) with dictionary models on one server process, small segments and frequent
checkpoints; the models are compared at the end, after a restart, and after kill -9.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psycopg
import pytest

from tests.quiver.server_process import ServerProcess
from tests.quiver.workload import SCHEMA, Owner, stored_items

pytestmark = pytest.mark.slow

CLIENTS = 8
RUN_SECONDS = 15.0
CRASH_SECONDS = 5.0
SMALL_SEGMENTS = ("--set", "quiver.growing_segment_size=256kB", "--set", "quiver.checkpoint_log_size=1MB")
RESIDENT_BYTES_MAX = 1 << 30
THREADS_OF_LIBRARIES_MAX = 64
LOST = (
    psycopg.OperationalError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
    OSError,
)


@contextmanager
def started(directory: Path) -> Iterator[ServerProcess]:
    """A server that is gone after the block whatever happens in it."""
    server = ServerProcess(directory, SMALL_SEGMENTS)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


@contextmanager
def owners_at_work(server: ServerProcess, lost: tuple[type[Exception], ...] = ()) -> Iterator[list[Owner]]:
    """Clients that act for the length of the block."""
    stop = threading.Event()
    owners = [Owner(number, server.dsn) for number in range(CLIENTS)]
    threads = [threading.Thread(target=owner.run, args=(stop, lost)) for owner in owners]
    for thread in threads:
        thread.start()
    try:
        yield owners
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "no client waits for ever"
    for owner in owners:
        if owner.error is not None:
            raise owner.error


def keep_busy(server: ServerProcess, seconds: float) -> None:
    """What an administrator does meanwhile: indexes made and dropped, checkpoints, VACUUM."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            connection.execute("CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops)")
            connection.execute("CHECKPOINT")
            connection.execute("SELECT * FROM quiver_index_status").fetchall()
            connection.execute("VACUUM items")
            threading.Event().wait(0.2)
            connection.execute("DROP INDEX items_embedding")


def descriptor_count(server: ServerProcess) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def thread_count(server: ServerProcess) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def sessions(server: ServerProcess) -> int:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        ).fetchone()
    assert row is not None
    return int(row[0]) - 1


def test_models_agree_while_everything_changes(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(SCHEMA.encode())
        descriptors = descriptor_count(server)
        with owners_at_work(server) as owners:
            keep_busy(server, RUN_SECONDS)
        models = {owner.number: owner.model for owner in owners if owner.model}
        assert stored_items(server.dsn) == models
        assert counted(server) == sum(owner.counted for owner in owners)
        assert sessions(server) == 0
        # Segment, key and index files stay open while they are part of the state.
        assert descriptor_count(server) < descriptors + 200
        assert thread_count(server) < CLIENTS + THREADS_OF_LIBRARIES_MAX
        assert server.resident_bytes() < RESIDENT_BYTES_MAX
        assert server.stop() == 0
        assert not [line for line in server.log if "Traceback" in line or "ERROR" in line], "".join(
            server.log
        )
    with started(tmp_path) as server:
        assert stored_items(server.dsn) == models
        assert server.stop() == 0
    print(f"{sum(owner.actions for owner in owners)} actions")


def test_acknowledged_changes_survive_kill_9(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute(SCHEMA.encode())
        with owners_at_work(server, LOST) as owners:
            keep_busy(server, CRASH_SECONDS)
            server.kill()
    with started(tmp_path) as server:
        stored = stored_items(server.dsn)
        count = counted(server)
        assert server.stop() == 0
    for owner in owners:
        found = stored.get(owner.number, {})
        assert found in (owner.model, owner.doubtful), f"client {owner.number}"
    acknowledged = sum(owner.counted for owner in owners)
    assert acknowledged <= count <= acknowledged + CLIENTS


def counted(server: ServerProcess) -> int:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute("SELECT sum(n) FROM counters").fetchone()
    assert row is not None
    return int(row[0])
