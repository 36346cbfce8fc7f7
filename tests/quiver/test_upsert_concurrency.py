"""Goal: whatever runs at the same time, an acknowledged upsert has been applied exactly once.

Method: threads that count up few keys by INSERT ... ON CONFLICT DO UPDATE on one server; the sum must be the number
of acknowledged statements. Then each crossing of an upsert with a row that is committed after its snapshot, at both
isolation levels, beside PostgreSQL's answers.
"""

from __future__ import annotations

import random
import threading

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

THREADS = 8
ROUNDS = 40
KEYS = 5
COUNT_UP = "INSERT INTO counters VALUES (%s, 1) ON CONFLICT (k) DO UPDATE SET n = counters.n + 1"


def connected(own_database: Database) -> psycopg.Connection[tuple[object, ...]]:
    """Deadlocks are many here; each is found within 50 ms in place of a second."""
    return psycopg.connect(own_database.dsn, autocommit=True, options="-c deadlock_timeout=50ms")


def test_counters_lose_no_acknowledged_statement(own_database: Database) -> None:
    with connected(own_database) as connection:
        connection.execute("CREATE TABLE counters (k int PRIMARY KEY, n int NOT NULL)")
    acknowledged: list[int] = []
    failures: list[str] = []

    def count_up(seed: int) -> None:
        chance = random.Random(seed)
        with connected(own_database) as connection:
            for _ in range(ROUNDS):
                key = chance.randrange(KEYS)
                try:
                    connection.execute(COUNT_UP, [key])
                except psycopg.Error as error:
                    failures.append(f"{error.sqlstate} {error}")
                else:
                    acknowledged.append(key)

    threads = [threading.Thread(target=count_up, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connected(own_database) as connection:
        counted = dict(connection.execute("SELECT k, n FROM counters").fetchall())
    assert not failures
    assert len(acknowledged) == THREADS * ROUNDS
    assert counted == {key: acknowledged.count(key) for key in set(acknowledged)}


def test_blocks_keep_what_they_counted(own_database: Database) -> None:
    """Upserts of several keys in one block, in any order: a block may fail, but as a whole and by 40001 or 40P01."""
    with connected(own_database) as connection:
        connection.execute("CREATE TABLE block_counters (k int PRIMARY KEY, n int NOT NULL)")
    committed: list[list[int]] = []
    unexpected: list[str] = []

    def count_up(seed: int) -> None:
        chance = random.Random(seed)
        with connected(own_database) as connection:
            for _ in range(ROUNDS // 2):
                keys = [chance.randrange(KEYS) for _ in range(3)]
                try:
                    with connection.transaction():
                        for key in keys:
                            connection.execute(COUNT_UP.replace("counters", "block_counters"), [key])
                except psycopg.Error as error:
                    if error.sqlstate not in ("40001", "40P01"):
                        unexpected.append(f"{error.sqlstate} {error}")
                else:
                    committed.append(keys)

    threads = [threading.Thread(target=count_up, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connected(own_database) as connection:
        counted = dict(connection.execute("SELECT k, n FROM block_counters").fetchall())
    keys = [key for block in committed for key in block]
    assert not unexpected and committed
    assert counted == {key: keys.count(key) for key in set(keys)}


@pytest.mark.parametrize(
    ("table", "statements"),
    [
        ("CREATE TABLE equal_nulls (k int UNIQUE NULLS NOT DISTINCT, n int)", [
            "INSERT INTO equal_nulls VALUES (%s, 1) ON CONFLICT (k) DO UPDATE SET n = equal_nulls.n + 1",
        ]),
        ("CREATE TABLE partly (k int, n int, live bool DEFAULT true); CREATE UNIQUE INDEX ON partly (k) WHERE live", [
            "INSERT INTO partly VALUES (%s, 1) ON CONFLICT (k) WHERE live DO UPDATE SET n = partly.n + 1",
            "INSERT INTO partly VALUES (%s, 1) ON CONFLICT (k) WHERE live DO UPDATE SET n = partly.n + 1, live = false",
        ]),
    ],
)  # fmt: skip
def test_counters_over_other_unique_indexes(
    own_database: Database, table: str, statements: list[str]
) -> None:
    """NULL is a key like any other, and a row that an update takes out of a partial index makes room for another."""
    name = table.split()[2]
    with connected(own_database) as connection:
        connection.execute(table.encode())
    acknowledged: list[int | None] = []

    def count_up(seed: int) -> None:
        chance = random.Random(seed)
        with connected(own_database) as connection:
            for _ in range(ROUNDS // 2):
                key = chance.choice([None, 1, 2])
                if key is not None or name == "equal_nulls":
                    connection.execute(chance.choice(statements).encode(), [key])
                    acknowledged.append(key)

    threads = [threading.Thread(target=count_up, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with connected(own_database) as connection:
        counted = dict(connection.execute(f"SELECT k, sum(n) FROM {name} GROUP BY k".encode()).fetchall())
    assert counted == {key: acknowledged.count(key) for key in set(acknowledged)}


DO_NOTHING = "INSERT INTO crossed VALUES (1, 5) ON CONFLICT (k) DO NOTHING"
DO_UPDATE = "INSERT INTO crossed VALUES (1, 5) ON CONFLICT (k) DO UPDATE SET n = crossed.n + excluded.n"
OTHERS = {
    "insert": ("", "INSERT INTO crossed VALUES (1, 10)"),
    "update": ("INSERT INTO crossed VALUES (1, 10)", "UPDATE crossed SET n = 20"),
    "delete": ("INSERT INTO crossed VALUES (1, 10)", "DELETE FROM crossed"),
    "replace": (
        "INSERT INTO crossed VALUES (1, 10)",
        "DELETE FROM crossed; INSERT INTO crossed VALUES (1, 30)",
    ),
}


def crossing(dsn: str, isolation: str, upsert: str, other: str) -> tuple[str, list[tuple[object, ...]]]:
    """The upsert in a transaction whose snapshot is older than the other's commit: tag or SQLSTATE, and the rows."""
    before, meanwhile = OTHERS[other]
    with psycopg.connect(dsn, autocommit=True) as first, psycopg.connect(dsn, autocommit=True) as second:
        first.execute("DROP TABLE IF EXISTS crossed")
        first.execute("CREATE TABLE crossed (k int PRIMARY KEY, n int)")
        if before:
            first.execute(before.encode())
        first.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
        first.execute("SELECT * FROM crossed")
        with second.transaction():
            second.execute(meanwhile.encode())
        try:
            answer = str(first.execute(upsert.encode()).statusmessage)
        except psycopg.Error as error:
            answer = str(error.sqlstate)
        first.execute("COMMIT")
        return answer, first.execute("SELECT * FROM crossed").fetchall()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize("upsert", [DO_NOTHING, DO_UPDATE])
@pytest.mark.parametrize("other", list(OTHERS))
def test_rows_committed_after_the_snapshot(
    postgres_uri: str, own_database: Database, isolation: str, upsert: str, other: str
) -> None:
    assert crossing(own_database.dsn, isolation, upsert, other) == crossing(
        postgres_uri, isolation, upsert, other
    )
