"""Seconds of `UPDATE items SET flag = NOT flag` with and without an HNSW index. See README.md here.

Both tables hold the same random vectors. The time ends when the statement does, and again when the index serves every
row: an update that is quick but leaves rows without a graph has only put its cost off.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pgvector.psycopg
import psycopg

from tests.quiver.server_process import serving

POLL_SECONDS = 0.2


def load(connection: psycopg.Connection, name: str, vectors: np.ndarray) -> None:
    dimensions = vectors.shape[1]
    connection.execute(
        f"CREATE TABLE {name} (id int PRIMARY KEY, flag bool NOT NULL, v vector({dimensions}))".encode()
    )
    statement = f"COPY {name} FROM STDIN WITH (FORMAT BINARY)".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int4", "bool", "vector"])
        for position, vector in enumerate(vectors):
            copy.write_row((position, position % 2 == 0, vector))
    connection.execute(f"VACUUM {name}".encode())


def scanned_rows(connection: psycopg.Connection) -> int:
    """Rows of all vector indexes that no graph serves yet."""
    row = connection.execute("SELECT coalesce(sum(rows_scanned), 0) FROM quiver_index_status").fetchone()
    return int(row[0]) if row else 0


def update(connection: psycopg.Connection, name: str) -> tuple[float, float]:
    """Seconds until the statement ended, and until every row was in a graph again."""
    started = time.perf_counter()
    connection.execute(f"UPDATE {name} SET flag = NOT flag".encode())
    ended = time.perf_counter()
    while scanned_rows(connection):
        time.sleep(POLL_SECONDS)
    return ended - started, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=768)
    arguments = parser.parse_args()
    random = np.random.default_rng(7)
    vectors = random.standard_normal((arguments.rows, arguments.dimensions)).astype(np.float32)
    with (
        tempfile.TemporaryDirectory(prefix="flags-") as folder,
        serving(Path(folder) / "data") as server,
        psycopg.connect(server.dsn, autocommit=True) as connection,
    ):
        pgvector.psycopg.register_vector(connection)
        load(connection, "plain", vectors)
        load(connection, "indexed", vectors)
        started = time.perf_counter()
        connection.execute("CREATE INDEX ON indexed USING hnsw (v vector_l2_ops)")
        print(f"CREATE INDEX: {time.perf_counter() - started:.1f} s")
        plain, _ = update(connection, "plain")
        indexed, served = update(connection, "indexed")
    print(f"without an index {plain:.2f} s, with one {indexed:.2f} s = {indexed / plain:.2f} x")
    print(f"every row in a graph again after {served:.1f} s = {served / plain:.1f} x")


if __name__ == "__main__":
    main()
