"""Goal: workers that take jobs by FOR UPDATE SKIP LOCKED share a queue: each job is done once, none is left, none waits.

Method: eight connections take jobs in two ways until there are none, some of them rolling back; afterwards every job
was done exactly once.
"""

from __future__ import annotations

import random
import threading

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow
JOBS = 200
WORKERS = 8
TAKE_IN_UPDATE = """
UPDATE jobs SET state = 'done', done = done + 1
WHERE id = (SELECT id FROM jobs WHERE state = 'new' ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
TAKE = "SELECT id FROM jobs WHERE state = 'new' ORDER BY priority, id LIMIT 3 FOR UPDATE SKIP LOCKED"


def work(dsn: str, seed: int, taken: list[int], failures: list[str]) -> None:
    chance = random.Random(seed)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '10s'")
        try:
            while True:
                if chance.random() < 0.5:
                    found = connection.execute(TAKE_IN_UPDATE).fetchall()
                    taken += [job for (job,) in found]
                else:
                    connection.execute("BEGIN")
                    found = connection.execute(TAKE).fetchall()
                    ids = [job for (job,) in found]
                    connection.execute(
                        "UPDATE jobs SET state = 'done', done = done + 1 WHERE id = ANY(%s)", [ids]
                    )
                    is_kept = chance.random() < 0.7
                    connection.execute("COMMIT" if is_kept else "ROLLBACK")
                    taken += ids if is_kept else []
                if not found and not connection.execute("SELECT 1 FROM jobs WHERE state = 'new'").fetchall():
                    return
        except psycopg.Error as error:
            failures.append(f"{error.sqlstate} {error}")


def test_every_job_is_done_once(own_database: Database) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE jobs (id int PRIMARY KEY, state text, priority int, done int)")
        connection.execute(
            f"INSERT INTO jobs SELECT g, 'new', g * 7 % 5, 0 FROM generate_series(1, {JOBS}) AS g"
        )
        taken: list[int] = []
        failures: list[str] = []
        threads = [
            threading.Thread(target=work, args=(own_database.dsn, seed, taken, failures))
            for seed in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert sorted(taken) == list(range(1, JOBS + 1))
        assert connection.execute("SELECT count(*), sum(done) FROM jobs WHERE state = 'done'").fetchone() == (
            JOBS,
            JOBS,
        )
        connection.execute("DROP TABLE jobs")
