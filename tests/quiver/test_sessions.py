"""Goal: a client's long statement can be stopped, does not stop others, and a client that vanishes leaves nothing.

Method: one server process; each kind of long statement is cancelled and timed out; sockets are cut in the middle of a
transaction, a COPY and a query; another client's searches go on meanwhile.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow

ROWS = 30_000
STOPPED_WITHIN_S = 2.5
"""About one second on an idle machine; tests share theirs."""
LONG_STATEMENTS = {
    "streamed series": "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 1000) b",
    "join": "SELECT count(*) FROM big a, big b WHERE a.e <-> b.e < 3",
    "sort": "SELECT a FROM generate_series(1, 100000000) a ORDER BY md5(a::text) LIMIT 5",
    "native scan": "SELECT count(*) FROM big WHERE "
    + " OR ".join(f"(e <-> e) < {-i}" for i in range(1, 900)),
    "hnsw build": "CREATE INDEX big_e ON big USING hnsw (e vector_l2_ops) WITH (m = 64, ef_construction = 600)",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    generator = np.random.default_rng(7)
    with serving(tmp_path_factory.mktemp("sessions")) as server:
        with connected(server) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE big (id int PRIMARY KEY, e vector(64))")
            with cursor.copy("COPY big FROM STDIN") as copy:
                for key, vector in enumerate(generator.standard_normal((ROWS, 64)).round(3).tolist()):
                    copy.write_row((key, str(vector)))
        yield server


def connected(server: ServerProcess) -> psycopg.Connection:
    return psycopg.connect(server.dsn, autocommit=True)


@pytest.mark.parametrize("kind", LONG_STATEMENTS)
@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_long_statement_is_stopped(loaded: ServerProcess, kind: str, how: str) -> None:
    with connected(loaded) as connection:
        timer = threading.Timer(0.2, connection.cancel)
        if how == "timeout":
            connection.execute("SET statement_timeout = 200")
        else:
            timer.start()
        started_s = time.monotonic()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(LONG_STATEMENTS[kind].encode())
        assert time.monotonic() - started_s < STOPPED_WITHIN_S
        timer.cancel()
        row = connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'big_e'").fetchone()
        assert row == (0,)


def test_searches_go_on_beside_long_statements(loaded: ServerProcess) -> None:
    with connected(loaded) as busy, connected(loaded) as searcher:
        busy.execute("SET statement_timeout = 1000")

        def work() -> None:
            for kind in ("join", "hnsw build"):
                with pytest.raises(psycopg.errors.QueryCanceled):
                    busy.execute(LONG_STATEMENTS[kind].encode())

        thread = threading.Thread(target=work)
        thread.start()
        latencies_s = []
        while thread.is_alive():
            started_s = time.monotonic()
            rows = searcher.execute(
                "SELECT id FROM big WHERE id < 1000 ORDER BY e <-> (SELECT e FROM big WHERE id = 5) LIMIT 10"
            ).fetchall()
            latencies_s.append(time.monotonic() - started_s)
            assert rows[0] == (5,) and len(rows) == 10
        thread.join()
    latencies_s.sort()
    assert latencies_s[len(latencies_s) // 2] < 0.25
    assert latencies_s[-1] < 2.0


def cut(connection: psycopg.Connection) -> None:
    """The network goes away under the client."""
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def files_of(server: ServerProcess) -> set[Path]:
    return {path for path in server.directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("when", ["transaction", "copy", "query"])
def test_a_client_that_vanishes_leaves_nothing(loaded: ServerProcess, when: str) -> None:
    with connected(loaded) as observer:
        files = files_of(loaded)
        client = connected(loaded)
        if when == "transaction":
            client.execute("BEGIN")
            client.execute("INSERT INTO big SELECT id + 100000, e FROM big")
            client.execute("DELETE FROM big WHERE id < 10")
            cut(client)
        elif when == "copy":
            client.execute("BEGIN")
            copy = client.cursor().copy("COPY big FROM STDIN")
            stream = copy.__enter__()
            vector = str([0.5] * 64)
            for key in range(200_000, 290_000):
                stream.write_row((key, vector))
            cut(client)
            with pytest.raises(psycopg.OperationalError):
                copy.__exit__(None, None, None)
        else:
            timer = threading.Timer(0.3, cut, (client,))
            timer.start()
            with pytest.raises(psycopg.OperationalError):
                client.execute(LONG_STATEMENTS["join"].encode())
        client.close()
        deadline_s = time.monotonic() + 10
        others = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL"
        while observer.execute(others.encode()).fetchone() != (0,):
            assert time.monotonic() < deadline_s, "the session is still there"
        assert observer.execute("SELECT count(*) FROM big").fetchone() == (ROWS,)
        assert observer.execute("UPDATE big SET id = id WHERE id < 10").rowcount == 10
        assert files_of(loaded) <= files


def test_a_database_is_dropped_under_its_sessions(loaded: ServerProcess) -> None:
    """WITH (FORCE) ends them; without it the command waits for those that are about to leave."""
    with connected(loaded) as connection:
        connection.execute("CREATE DATABASE left_soon")
        connection.execute("CREATE DATABASE full_of_life")
        leaving = psycopg.connect(loaded.dsn, dbname="left_soon")
        staying = psycopg.connect(loaded.dsn, dbname="full_of_life")
        staying.execute("CREATE TABLE t (id int)")
        timer = threading.Timer(0.2, leaving.close)
        timer.start()
        connection.execute("DROP DATABASE left_soon")
        timer.join()
        connection.execute("DROP DATABASE full_of_life WITH (FORCE)")
        with pytest.raises(psycopg.errors.AdminShutdown):
            staying.execute("SELECT 1")
        staying.close()
        with pytest.raises(psycopg.errors.ObjectInUse, match="cannot drop the currently open database"):
            connection.execute("DROP DATABASE postgres WITH (FORCE)")


def test_both_ends_of_a_connection_have_addresses(loaded: ServerProcess) -> None:
    with psycopg.connect(loaded.dsn, autocommit=True) as connection:
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as end:
            own, server = end.getsockname(), end.getpeername()
        names = "host(inet_client_addr()), inet_client_port(), host(inet_server_addr()), inet_server_port()"
        assert connection.execute(f"SELECT {names}").fetchone() == (*own, *server)
        shown = connection.execute(
            "SELECT host(client_addr), client_port FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        assert shown.fetchone() == own
