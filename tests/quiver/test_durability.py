"""Goal: what was acknowledged is there after kill -9, and nothing else is.

Method: a client copies batches of 1,000 rows, each its own transaction; the server is killed at a random moment, restarted
on the same directory, and the batches it acknowledged are counted. Seeded; the long run is marked soak.
"""

from __future__ import annotations

import random
import threading
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess, serving

BATCH_ROWS = 1000


def copy_batches(dsn: str, first_batch: int, acknowledged: list[int]) -> None:
    """COPY batch after batch until the connection breaks; `acknowledged` gets those whose COPY was confirmed."""
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            batch = first_batch
            while True:
                with (
                    connection.cursor() as cursor,
                    cursor.copy("COPY batches (batch, n, v) FROM STDIN") as copy,
                ):
                    for n in range(BATCH_ROWS):
                        copy.write_row((batch, n, f"[{batch},{n},1]"))
                acknowledged.append(batch)
                batch += 1
    except psycopg.OperationalError:
        return


def run_kills(directory: Path, kills: int, seed: int) -> None:
    generator = random.Random(seed)
    acknowledged: list[int] = []
    server = ServerProcess(directory)
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE batches (batch int, n int, v vector(3), PRIMARY KEY (batch, n))")
        for _ in range(kills):
            first_batch = 1 + max(acknowledged, default=0)
            writer = threading.Thread(target=copy_batches, args=(server.dsn, first_batch, acknowledged))
            writer.start()
            writer.join(generator.uniform(0.2, 0.8))
            server.kill()
            writer.join()
            server = ServerProcess(directory)
            acknowledged = sorted(batches_found(server.dsn, acknowledged))
        assert server.stop() == 0
    finally:
        if server.process.poll() is None:
            server.kill()
    assert acknowledged, "no batch was ever acknowledged"


def batches_found(dsn: str, acknowledged: list[int]) -> set[int]:
    """The batches in the table: all acknowledged ones, none of them half.

    One whose acknowledgement was cut off by the kill may be there too, whole.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        counts = dict(connection.execute("SELECT batch, count(*) FROM batches GROUP BY batch").fetchall())
    assert set(acknowledged) <= set(counts)
    assert set(counts.values()) <= {BATCH_ROWS}
    return set(counts)


@pytest.mark.slow
def test_kill_during_copy(tmp_path: Path) -> None:
    run_kills(tmp_path / "data", kills=3, seed=1)


@pytest.mark.soak
def test_kill_during_copy_fifty_times(tmp_path: Path) -> None:
    run_kills(tmp_path / "data", kills=50, seed=2)


@pytest.mark.slow
def test_restart_keeps_everything(tmp_path: Path) -> None:
    query = "SELECT id, v FROM items ORDER BY v <-> '[1,2,3]' LIMIT 3"
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE items (id serial PRIMARY KEY, v vector(3))")
        connection.execute(
            "INSERT INTO items (v) SELECT ARRAY[i, i + 1, i % 7]::real[] FROM generate_series(1, 200) i"
        )
        connection.execute("CREATE INDEX ON items USING hnsw (v vector_l2_ops)")
        connection.execute("DELETE FROM items WHERE id = 2")
        connection.execute("ALTER ROLE postgres SET hnsw.ef_search = 77")
        before = connection.execute(query).fetchall()
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert connection.execute(query).fetchall() == before
        assert connection.execute("SHOW hnsw.ef_search").fetchone() == ("77",)
        assert connection.execute(
            "INSERT INTO items (v) VALUES ('[0,0,0]') RETURNING id > 200"
        ).fetchone() == (True,)


@pytest.mark.slow
def test_a_second_server_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "data"), pytest.raises(AssertionError) as caught:
        ServerProcess(tmp_path / "data")
    assert "Traceback" not in str(caught.value)
    assert "in use" in str(caught.value) or "locked" in str(caught.value)
