"""Goal: many clients at once, and a crash among them, never see a wrong or missing row, and leave nothing behind.

Method: eight clients (psycopg and asyncpg) with dictionary models on one server process, small segments and frequent
checkpoints; the models are compared at the end, after a restart, and after each of many kills (3 in the suite, 200 in the
soak), where the directory must also pass `quiver check`, and searches by index agree with the rows.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psycopg
import pytest

from quiver.check import check
from tests.quiver.server_process import ServerProcess
from tests.quiver.workload import SCHEMA, Owner, check_own_tables, check_searches, stored_items

pytestmark = pytest.mark.slow

CLIENTS = 8
RUN_SECONDS = 15.0
CRASH_SECONDS = 2.5
SMALL_SEGMENTS = ("--set", "quiver.growing_segment_size=256kB", "--set", "quiver.checkpoint_log_size=1MB")
RESIDENT_BYTES_MAX = 1 << 30
THREADS_OF_LIBRARIES_MAX = 64
CONNECTION_ERRORS = (
    psycopg.OperationalError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
    OSError,
)
RECALL_MIN = 0.9


def is_lost(error: BaseException) -> bool:
    """Whether the connection broke, in contrast to a statement that the server refused."""
    sqlstate = getattr(error, "sqlstate", None)
    return isinstance(error, CONNECTION_ERRORS) and (sqlstate is None or sqlstate[:2] == "08")


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
def at_work(
    owners: list[Owner], is_lost: Callable[[BaseException], bool] = lambda error: False
) -> Iterator[None]:
    """Clients that act for the length of the block."""
    stop = threading.Event()
    threads = [threading.Thread(target=owner.run, args=(stop, is_lost)) for owner in owners]
    for thread in threads:
        thread.start()
    try:
        yield
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
            connection.execute("DROP INDEX IF EXISTS items_embedding")
            connection.execute("CREATE INDEX items_embedding ON items USING hnsw (embedding vector_l2_ops)")
            connection.execute("CHECKPOINT")
            connection.execute("SELECT * FROM quiver_index_status").fetchall()
            connection.execute("VACUUM items")
            threading.Event().wait(0.2)


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
        owners = [Owner(number, server.dsn) for number in range(CLIENTS)]
        with at_work(owners):
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


def run_kills(directory: Path, kills: int, seed: int) -> str:
    """Kill the server at a random moment of the work, look, start it again and let the clients go on; figures."""
    generator = random.Random(seed)
    owners: list[Owner] = []
    count = half_done = 0
    recalls: list[float] = []
    for kill in range(kills + 1):
        with started(directory) as server:
            if not owners:
                with psycopg.connect(server.dsn, autocommit=True) as connection:
                    connection.execute(SCHEMA.encode())
                owners = [Owner(number, server.dsn) for number in range(CLIENTS)]
            stored = stored_items(server.dsn)
            for owner in owners:
                owner.resume(server.dsn, stored.get(owner.number, {}))
            found = counted(server)
            acknowledged = sum(owner.counted for owner in owners)
            assert acknowledged <= found <= acknowledged + CLIENTS * kill
            half_done += check_own_tables(server.dsn)
            recalls.append(check_searches(server.dsn, generator))
            if kill == kills:
                assert server.stop() == 0
                break
            with at_work(owners, is_lost):
                administrator = threading.Thread(target=keep_busy_until_lost, args=(server,))
                administrator.start()
                threading.Event().wait(generator.uniform(0.2, CRASH_SECONDS))
                server.kill()
                administrator.join()
            report = check(directory)
            assert report.is_clean, "\n".join(map(str, report.problems))
            count += report.totals.commits
    assert check(directory).is_clean
    assert sum(recalls) / len(recalls) >= RECALL_MIN and min(recalls) > RECALL_MIN / 2
    transactions = sum(owner.transactions for owner in owners)
    assert transactions > kills
    return (
        f"{kills} kills, {CLIENTS} clients: {transactions} acknowledged transactions, none missing; "
        f"{count} commits replayed, {half_done} tables found between two of their steps, "
        f"recall {sum(recalls) / len(recalls):.3f}, least {min(recalls):.3f}"
    )


def keep_busy_until_lost(server: ServerProcess) -> None:
    try:
        keep_busy(server, 60.0)
    except Exception as error:
        if not is_lost(error):
            raise


def test_acknowledged_changes_survive_three_kills(tmp_path: Path) -> None:
    run_kills(tmp_path, 3, seed=1)


@pytest.mark.soak
def test_acknowledged_changes_survive_two_hundred_kills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = run_kills(tmp_path, 200, seed=2)
    with capsys.disabled():
        print("\n" + figures)


def counted(server: ServerProcess) -> int:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute("SELECT sum(n) FROM counters").fetchone()
    assert row is not None
    return int(row[0])
