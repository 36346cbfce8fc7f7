"""Goal: no stream of bytes kills the server, keeps a session or costs memory, with the real SQL behind the protocol.

Method: 1,000 seeded mutated message streams, each on a connection of its own, against one `quiver serve` process. It
must answer or close each within seconds; afterwards nobody is connected, the data is unchanged, the log shows no
internal error, and resident memory is within 20 MB of what it was after 200 streams.
"""

from __future__ import annotations

import random
import socket
from contextlib import suppress

import psycopg
import pytest

from sqlfront.protocol.extended_query import Sync
from sqlfront.protocol.simple_query import Terminate
from sqlfront.protocol.startup import StartupMessage
from tests.quiver.server_process import ServerProcess
from tests.sqlfront.protocol.mutate import mutate, sound_stream

STREAMS = 1000
STREAMS_UNTIL_WARM = 200
MEMORY_GROWTH_BYTES_MAX = 20 << 20
ANSWER_SECONDS_MAX = 20
SILENCE_SECONDS = 0.1
"""A server that says nothing for so long waits for the rest of a message that was cut."""
ROWS = 2000
SESSIONS_GONE_ATTEMPTS = 1000

STARTUP = StartupMessage(parameters={"user": "postgres", "database": "postgres"}).encode()
QUERIES = (
    "SELECT 1", "SELECT $1::int + $2::int", "SELECT * FROM items LIMIT 20", "SELECT $1", "", ";", "SELECT 1; SELECT 2",
    "SELECT id FROM items WHERE lang = 'en' ORDER BY e <=> '[1,2,3]' LIMIT 5",
    "SELECT id FROM items WHERE id % 7 = 0 ORDER BY e <-> $1 LIMIT 5",
    "SELECT lang, count(*) FROM items GROUP BY lang ORDER BY 2 DESC",
    "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "ROLLBACK TO a", "SELECT 1/0", "SELECT nothing", "selec 1",
    "BEGIN; INSERT INTO items VALUES (-1, 'xx', '[0,0,0]'); SELECT count(*) FROM items; ROLLBACK",
    "INSERT INTO items VALUES (1, 'xx', '[0,0,0]')", "INSERT INTO items VALUES ($1, $2, '[1,2]')",
    "UPDATE items SET lang = lang WHERE id < $1::int AND false", "DELETE FROM items WHERE e IS NULL",
    "COPY items (id) FROM STDIN WITH (FORMAT nonsense)", "COPY nowhere FROM STDIN",
    "COPY (SELECT id, lang, e FROM items LIMIT 50) TO STDOUT WITH (FORMAT binary)", "COPY items TO STDOUT",
    "DECLARE c CURSOR FOR SELECT id FROM items", "FETCH 3 FROM c", "CLOSE c", "PREPARE p AS SELECT $1::text",
    "EXECUTE p('x')", "DEALLOCATE ALL", "LISTEN a", "NOTIFY a, 'b'", "UNLISTEN *", "SET application_name = 'ünïcode'",
    "SHOW TimeZone", "EXPLAIN SELECT id FROM items ORDER BY e <-> '[1,2,3]' LIMIT 5",
    "SELECT relname FROM pg_class WHERE relname LIKE 'pg_t%' ORDER BY 1", "SET LOCAL hnsw.ef_search = 7",
)  # fmt: skip
COPY_IN = "COPY scratch FROM STDIN"


@pytest.mark.slow
def test_mutated_streams_leave_the_server_as_it_was(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE items (id int PRIMARY KEY, lang text, e vector(3))")
        connection.execute("CREATE TABLE scratch (line text)")
        with connection.cursor().copy("COPY items FROM STDIN") as copy:
            for number in range(ROWS):
                copy.write_row((number, ("en", "de", "fr")[number % 3], f"[{number},{number % 5},1]"))
        connection.execute("CREATE INDEX ON items USING hnsw (e vector_l2_ops)")

    rng = random.Random(20)
    warm_bytes = 0
    for number in range(STREAMS):
        if number == STREAMS_UNTIL_WARM:
            warm_bytes = server.resident_bytes()
        _converse(server, mutated_stream(rng), number)
    grown_bytes = server.resident_bytes() - warm_bytes

    assert server.process.poll() is None
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        _wait_until_alone(connection)
        assert connection.execute("SELECT count(*), count(e), min(id) FROM items").fetchone() == (
            ROWS,
            ROWS,
            0,
        )
    assert grown_bytes < MEMORY_GROWTH_BYTES_MAX
    assert "Traceback" not in "".join(server.log), "".join(server.log)[:5000]


def mutated_stream(rng: random.Random) -> bytes:
    """A start-up packet, now and then a damaged one, and damaged messages of a session with real statements."""
    startup = mutate(STARTUP, rng) if rng.random() < 0.1 else STARTUP
    texts = (*QUERIES, COPY_IN) if rng.random() < 0.3 else QUERIES
    return startup + mutate(sound_stream(rng, texts), rng) + Sync().encode() + Terminate().encode()


def _converse(server: ServerProcess, stream: bytes, number: int) -> None:
    """Send all and read until the server closes; every second client dies at once, the others when it is silent."""
    with socket.create_connection((server.host, server.port), SILENCE_SECONDS) as client:
        try:
            client.sendall(stream)
            if number % 2:
                with suppress(TimeoutError):
                    _read_to_the_end(client)
            client.settimeout(ANSWER_SECONDS_MAX)
            client.shutdown(socket.SHUT_WR)
            _read_to_the_end(client)
        except TimeoutError:
            pytest.fail(f"no answer and no end to stream {number}: {stream!r}")
        except OSError:
            # Closing while we still send is an answer too.
            return


def _read_to_the_end(client: socket.socket) -> None:
    while client.recv(1 << 16):
        pass


def _wait_until_alone(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """A session ends a moment after its connection; each question gives it that moment."""
    for _ in range(SESSIONS_GONE_ATTEMPTS):
        others = connection.execute(
            "SELECT pid, state, query FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        ).fetchall()
        if not others:
            return
    pytest.fail(f"sessions left behind: {others}")
