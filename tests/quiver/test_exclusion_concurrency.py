"""Goal: whatever runs at the same time, no two rows meet that an EXCLUDE constraint keeps apart, before a crash and after it.

Method: threads insert, move and delete ranges of few rooms that often overlap, alone and in blocks, at both isolation levels,
with constraints that are judged at once and at commit; a self-join must find nothing, and no errors may come but those that a
client must expect. The search for overlapping ranges among many rows is compared with one by one.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import serving
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

THREADS = 5
ROUNDS = 20
EXPECTED = {"23P01", "40001", "40P01"}
TABLES = (
    "CREATE TABLE b (id serial, room int, r int4range, EXCLUDE USING gist (r WITH &&) {timing})",
    "CREATE TABLE b (id serial, room int, r int4range, EXCLUDE USING gist (int4range(room, room, '[]') WITH =, r WITH &&) {timing})",
)
STATEMENTS = (
    "INSERT INTO b (room, r) VALUES ({room}, int4range({at}, {at} + {size}))",
    "INSERT INTO b (room, r) VALUES ({room}, int4range({at}, {at} + {size})), ({room}, int4range({at} + 8, {at} + 9))",
    "UPDATE b SET r = int4range({at}, {at} + {size}) WHERE id = (SELECT max(id) FROM b WHERE room = {room})",
    "UPDATE b SET room = {room} WHERE r @> {at}",
    "DELETE FROM b WHERE r @> {at}",
)
MEETINGS = "SELECT a.id, b.id FROM b a JOIN b ON a.id < b.id AND a.r && b.r {condition}"


def work(dsn: str, seed: int, isolation: str, unexpected: list[str]) -> None:
    chance = random.Random(seed)
    with psycopg.connect(dsn, autocommit=True, options="-c deadlock_timeout=50ms") as connection:
        connection.execute(f"SET default_transaction_isolation = '{isolation}'".encode())
        for _ in range(ROUNDS):
            count = chance.choice((1, 1, 2, 3))
            values = [
                (chance.randrange(3), chance.randrange(30), chance.randrange(1, 9)) for _ in range(count)
            ]
            texts = [chance.choice(STATEMENTS).format(room=a, at=b, size=c) for a, b, c in values]
            try:
                if count > 1:
                    connection.execute("BEGIN")
                for text in texts:
                    connection.execute(text.encode())
                if count > 1:
                    connection.execute("COMMIT")
            except psycopg.Error as error:
                if error.sqlstate not in EXPECTED:
                    unexpected.append(f"{error.sqlstate} {error}")
                connection.execute("ROLLBACK")


@pytest.mark.parametrize(
    ("isolation", "timing", "by_room"),
    [
        ("read committed", "", False),
        ("read committed", "DEFERRABLE INITIALLY DEFERRED", True),
        ("repeatable read", "", True),
        ("repeatable read", "DEFERRABLE INITIALLY DEFERRED", False),
    ],
)
def test_rows_stay_apart(own_database: Database, isolation: str, timing: str, by_room: bool) -> None:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS b")
        connection.execute(TABLES[by_room].format(timing=timing).encode())
        unexpected: list[str] = []
        threads = [
            threading.Thread(target=work, args=(own_database.dsn, seed, isolation, unexpected))
            for seed in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        condition = "AND a.room = b.room" if by_room else ""
        meetings = connection.execute(MEETINGS.format(condition=condition).encode()).fetchall()
        count = connection.execute("SELECT count(*) FROM b").fetchone()
        connection.execute("DROP TABLE b")
    assert not meetings
    assert not unexpected
    assert count is not None and count[0] > 2


def test_many_rows_are_searched(own_database: Database) -> None:
    """Ranges of many sizes, not all of them under the constraint: what is refused is what overlaps."""
    chance = random.Random(3)
    ranges = [(at, at + chance.choice((0, 1, 2, 30))) for at in (chance.randrange(4000) for _ in range(400))]
    kept: list[tuple[int, int]] = []
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE m (r int4range, EXCLUDE USING gist (r WITH &&))")
        for pair in ranges:
            first, last = pair
            is_apart = first == last or all(b <= first or last <= a for a, b in kept if a < b)
            try:
                connection.execute("INSERT INTO m VALUES (int4range(%s, %s))", pair)
                assert is_apart
                kept.append(pair)
            except psycopg.errors.ExclusionViolation:
                assert not is_apart
        found = connection.execute("SELECT lower(r), upper(r) FROM m WHERE NOT isempty(r)").fetchall()
        assert sorted(found) == sorted(pair for pair in kept if pair[0] < pair[1])
        connection.execute("CREATE TABLE n AS TABLE m")
        connection.execute("ALTER TABLE n ADD EXCLUDE USING gist (r WITH &&)")
        connection.execute("ALTER TABLE n DROP CONSTRAINT n_r_excl")
        first, last = found[-1]
        connection.execute("INSERT INTO n VALUES (int4range(%s, %s))", (last - 1, last))
        with pytest.raises(psycopg.errors.ExclusionViolation, match="could not create exclusion constraint"):
            connection.execute("ALTER TABLE n ADD EXCLUDE USING gist (r WITH &&)")
        connection.execute("DROP TABLE m, n")


def test_after_a_crash(tmp_path: Path) -> None:
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE c (r tsrange, n int, EXCLUDE USING gist (r WITH &&) WHERE (n > 0))")
        connection.execute("INSERT INTO c VALUES ('[2024-01-01,2024-01-05)', 1), ('empty', 1), (NULL, 2)")
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.ExclusionViolation, match='"c_r_excl"'):
            connection.execute("INSERT INTO c VALUES ('[2024-01-04,2024-01-06)', 1)")
        connection.execute("INSERT INTO c VALUES ('[2024-01-04,2024-01-06)', 0)")
        rows = connection.execute("SELECT r::text FROM c ORDER BY c.r").fetchall()
        assert rows[1] == ('["2024-01-01 00:00:00","2024-01-05 00:00:00")',) and len(rows) == 4
