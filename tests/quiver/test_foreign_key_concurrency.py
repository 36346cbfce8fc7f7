"""Goal: whatever runs at the same time, no row ever references a key that is not there.

Method: first each crossing of one reference with one removal, in both orders of their commits; then threads that
insert, move and delete referenced and referencing rows over few keys on one server, alone and in blocks, at both
isolation levels, with every action. Afterwards an anti-join must find nothing. The only errors allowed are those a
client must expect: 23503, 23505, 40001 and 40P01.
"""

from __future__ import annotations

import random
import threading

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

THREADS = 6
ROUNDS = 60
EXPECTED = {"23503", "23505", "40001", "40P01"}
ISOLATIONS = ("read committed", "repeatable read")
CLAUSES = (
    "",
    "ON DELETE CASCADE ON UPDATE CASCADE",
    "ON DELETE SET NULL ON UPDATE SET NULL",
    "DEFERRABLE INITIALLY DEFERRED",
)
STATEMENTS = (
    "INSERT INTO p VALUES ({key})",
    "DELETE FROM p WHERE id = {key}",
    "UPDATE p SET note = '{key}' WHERE id = {key}",
    "UPDATE p SET id = {other} WHERE id = {key}",
    "INSERT INTO c VALUES ({key}), ({other})",
    "INSERT INTO c VALUES ({key})",
    "UPDATE c SET p = {other} WHERE p = {key}",
    "DELETE FROM c WHERE p = {key}",
)


def work(dsn: str, seed: int, isolation: str, unexpected: list[str]) -> None:
    chance = random.Random(seed)
    # Deadlocks are many here; each is found within 50 ms in place of a second.
    with psycopg.connect(dsn, autocommit=True, options="-c deadlock_timeout=50ms") as connection:
        connection.execute(f"SET default_transaction_isolation = '{isolation}'".encode())
        for _ in range(ROUNDS):
            count = chance.choice((1, 1, 2, 3))
            try:
                if count > 1:
                    connection.execute("BEGIN")
                for _ in range(count):
                    key, other = chance.sample(range(6), 2)
                    connection.execute(chance.choice(STATEMENTS).format(key=key, other=other).encode())
                if count > 1:
                    connection.execute("COMMIT")
            except psycopg.Error as error:
                if error.sqlstate not in EXPECTED:
                    unexpected.append(f"{error.sqlstate} {error}")
                connection.execute("ROLLBACK")


ORPHANS = "SELECT p FROM c WHERE p IS NOT NULL AND NOT EXISTS (SELECT FROM p WHERE p.id = c.p)"
REFERENCES = ("INSERT INTO c VALUES (1)", "UPDATE c SET p = 1")
REMOVALS = ("DELETE FROM p WHERE id = 1", "UPDATE p SET id = 9 WHERE id = 1")


def run_quietly(connection: psycopg.Connection, *statements: str) -> None:
    try:
        for statement in statements:
            connection.execute(statement.encode())
    except psycopg.Error as error:
        assert error.sqlstate in EXPECTED, error


@pytest.mark.parametrize("clauses", CLAUSES)
@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_one_reference_crosses_one_removal(own_database: Database, isolation: str, clauses: str) -> None:
    with (
        psycopg.connect(own_database.dsn, autocommit=True) as first,
        psycopg.connect(own_database.dsn, autocommit=True) as second,
    ):
        for reference in REFERENCES:
            for removal in REMOVALS:
                for one, other in ((reference, removal), (removal, reference)):
                    first.execute("DROP TABLE IF EXISTS c, p")
                    first.execute("CREATE TABLE p (id int PRIMARY KEY, note text)")
                    first.execute(f"CREATE TABLE c (p int REFERENCES p {clauses})".encode())
                    first.execute("INSERT INTO p VALUES (0), (1)")
                    first.execute("INSERT INTO c VALUES (0)")
                    for connection in (first, second):
                        connection.execute(f"BEGIN ISOLATION LEVEL {isolation}".encode())
                        connection.execute("SELECT count(*) FROM p")
                    run_quietly(first, one)
                    # It may have to wait for the first, which commits when it did or has finished.
                    thread = threading.Thread(target=run_quietly, args=(second, other, "COMMIT"))
                    thread.start()
                    thread.join(0.1)
                    run_quietly(first, "COMMIT")
                    thread.join()
                    for connection in (first, second):
                        connection.execute("ROLLBACK")
                    assert first.execute(ORPHANS).fetchall() == [], (one, other)
        first.execute("DROP TABLE c, p")


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("clauses", CLAUSES)
def test_no_orphans(own_database: Database, isolation: str, clauses: str) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS c, p")
        connection.execute("CREATE TABLE p (id int PRIMARY KEY, note text)")
        connection.execute(f"CREATE TABLE c (p int REFERENCES p {clauses})".encode())
        connection.execute("INSERT INTO p SELECT g FROM generate_series(0, 3) AS g")
        unexpected: list[str] = []
        threads = [
            threading.Thread(target=work, args=(own_database.dsn, seed, isolation, unexpected))
            for seed in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        orphans = connection.execute(ORPHANS).fetchall()
        connection.execute("DROP TABLE c, p")
    assert not orphans
    assert not unexpected
