"""Goal: reads of one row by its key, which the server runs between the steps of other connections, stall nobody.

Method: a real server with a reader that has to wait for a lock, or is cancelled meanwhile, beside one that must be answered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

LOOK_UP = "SELECT body FROM short_reads WHERE id = %s AND body <> %s"


@pytest.fixture
def table(server: ServerProcess) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS short_reads")
        connection.execute("CREATE TABLE short_reads (id int PRIMARY KEY, body text)")
        connection.execute("INSERT INTO short_reads SELECT g, 'row ' || g FROM generate_series(1, 100) g")
        yield connection


@pytest.mark.parametrize("prepare", [True, False])
def test_a_look_up_that_waits_for_a_lock_stalls_nobody(
    server: ServerProcess, table: psycopg.Connection[tuple[object, ...]], prepare: bool
) -> None:
    found: list[object] = []

    def look_up() -> None:
        with psycopg.connect(server.dsn, autocommit=True) as reader:
            reader.execute(LOOK_UP, (1, ""), prepare=prepare)
            waiting.set()
            locked.wait(10)
            found.append(reader.execute(LOOK_UP, (7, ""), prepare=prepare).fetchall())

    waiting, locked = threading.Event(), threading.Event()
    thread = threading.Thread(target=look_up)
    thread.start()
    assert waiting.wait(10)
    with table.transaction():
        table.execute("LOCK TABLE short_reads IN ACCESS EXCLUSIVE MODE")
        locked.set()
        with psycopg.connect(server.dsn, autocommit=True) as other:
            for number in range(50):
                assert other.execute("SELECT %s::int", (number,), prepare=prepare).fetchall() == [(number,)]
        assert found == []
        table.execute("UPDATE short_reads SET body = 'new' WHERE id = 7")
    thread.join(10)
    assert found == [[("new",)]]


def test_a_waiting_look_up_is_cancelled(
    server: ServerProcess, table: psycopg.Connection[tuple[object, ...]]
) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as reader, table.transaction():
        table.execute("LOCK TABLE short_reads IN ACCESS EXCLUSIVE MODE")
        reader.execute("SET statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled, match="statement timeout"):
            reader.execute(LOOK_UP, (7, ""), prepare=True)
        reader.execute("SET statement_timeout = 0")
        assert reader.execute("SELECT 1").fetchall() == [(1,)]


def test_a_look_up_sees_what_was_committed_before_it(
    server: ServerProcess, table: psycopg.Connection[tuple[object, ...]]
) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as reader:
        for number in range(200):
            table.execute("UPDATE short_reads SET body = %s WHERE id = 5", (str(number),), prepare=True)
            assert reader.execute(LOOK_UP, (5, ""), prepare=True).fetchall() == [(str(number),)]
        with reader.transaction():
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert reader.execute(LOOK_UP, (5, "")).fetchall() == [("199",)]
            table.execute("DELETE FROM short_reads WHERE id = 5")
            assert reader.execute(LOOK_UP, (5, "")).fetchall() == [("199",)]
        assert reader.execute(LOOK_UP, (5, "")).fetchall() == []


def test_an_index_that_is_gone_is_no_way_to_a_row(
    server: ServerProcess, table: psycopg.Connection[tuple[object, ...]]
) -> None:
    """The plan says that one row is found; without the key it must be made again."""
    with psycopg.connect(server.dsn, autocommit=True) as reader:
        assert reader.execute(LOOK_UP, (5, ""), prepare=True).fetchall() == [("row 5",)]
        table.execute("ALTER TABLE short_reads DROP CONSTRAINT short_reads_pkey")
        table.execute("INSERT INTO short_reads VALUES (5, 'again')")
        assert sorted(reader.execute(LOOK_UP, (5, ""), prepare=True)) == [("again",), ("row 5",)]
