"""Bytes on disk after every row was updated ten times, beside those of a fresh load. See README.md here.

Each round updates all rows by one statement; then VACUUM. The data folder is measured before and after.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import psycopg

from tests.quiver.server_process import serving

ROUNDS = 10


def data_bytes(directory: Path) -> int:
    return sum(file.stat().st_size for file in (directory / "data").iterdir())


def load(connection: psycopg.Connection, rows: int, dimensions: int) -> None:
    """A table of `rows` with a key, a counter, and vectors that differ from row to row."""
    connection.execute(
        f"CREATE TABLE items (id int PRIMARY KEY, hits int NOT NULL, v vector({dimensions}))".encode()
    )
    tail = ",0" * (dimensions - 1) + "]"
    connection.execute(
        f"INSERT INTO items SELECT i, 0, ('[' || i || '{tail}')::vector FROM generate_series(1, {rows}) i".encode()
    )
    connection.execute("VACUUM items")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=128)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="space-") as folder:
        directory = Path(folder) / "data"
        with (
            serving(directory) as server,
            psycopg.connect(server.dsn, autocommit=True) as connection,
        ):
            load(connection, arguments.rows, arguments.dimensions)
            fresh = data_bytes(directory)
            most = fresh
            for _ in range(ROUNDS):
                started = time.perf_counter()
                connection.execute("UPDATE items SET hits = hits + 1")
                seconds = time.perf_counter() - started
                most = max(most, data_bytes(directory))
                print(f"update: {seconds:.2f} s, {data_bytes(directory) / 1e6:.1f} MB")
            started = time.perf_counter()
            connection.execute("VACUUM items")
            vacuum = time.perf_counter() - started
            after = data_bytes(directory)
            row = connection.execute("SELECT count(*), sum(hits), pg_total_relation_size('items') FROM items")
            count, hits, size = row.fetchone() or (0, 0, 0)
            assert (count, hits) == (arguments.rows, ROUNDS * arguments.rows)
        print(f"fresh {fresh / 1e6:.1f} MB, most {most / 1e6:.1f} MB, VACUUM {vacuum:.2f} s")
        print(
            f"after {after / 1e6:.1f} MB = {after / fresh:.3f} x fresh; pg_total_relation_size {size / 1e6:.1f} MB"
        )


if __name__ == "__main__":
    main()
