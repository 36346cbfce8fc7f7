"""Seconds and bytes of `UPDATE items SET flag = NOT flag` with and without an HNSW index. See README.md here.

Both tables hold the same random vectors. The time ends when the statement does, and again when the index serves every
row: an update that is quick but leaves rows without a graph has only put its cost off. Bytes are those that the server
process gave to the disk, log and files together, until a checkpoint has ended. Recall is that of the top 10 through the
index against a scan, before and after. Both tables are updated once unmeasured, so that nothing is cold.
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
QUERIES = 50


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


def written_bytes(process_id: int) -> int:
    """Bytes the process has caused to be written to the disk."""
    lines = Path(f"/proc/{process_id}/io").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("write_bytes")).split()[1])


def recall(connection: psycopg.Connection, name: str, queries: np.ndarray) -> float:
    """Share of the ten nearest rows that the index finds."""
    hits = 0
    for query in queries:
        found = []
        for setting in ("on", "off"):
            connection.execute(f"SET enable_indexscan = {setting}".encode())
            statement = f"SELECT id FROM {name} ORDER BY v <-> %s LIMIT 10".encode()
            found.append({row[0] for row in connection.execute(statement, [query]).fetchall()})
        hits += len(found[0] & found[1])
    connection.execute("RESET enable_indexscan")
    return hits / (10 * len(queries))


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
        queries = random.standard_normal((QUERIES, arguments.dimensions)).astype(np.float32)
        before = recall(connection, "indexed", queries)
        figures = {}
        for name in ("plain", "indexed"):
            update(connection, name)
            connection.execute("CHECKPOINT")
            bytes_before = written_bytes(server.process.pid)
            seconds = update(connection, name)
            connection.execute("CHECKPOINT")
            bytes_a_row = (written_bytes(server.process.pid) - bytes_before) / arguments.rows
            figures[name] = (*seconds, bytes_a_row)
        after = recall(connection, "indexed", queries)
    (plain, _, plain_bytes), (indexed, served, indexed_bytes) = figures["plain"], figures["indexed"]
    print(f"without an index {plain:.3f} s, with one {indexed:.3f} s = {indexed / plain:.2f} x")
    print(f"every row in a graph again after {served:.3f} s = {served / plain:.2f} x")
    print(f"written per updated row: {plain_bytes:.0f} bytes without an index, {indexed_bytes:.0f} with one")
    print(f"recall of the top 10: {before:.3f} before, {after:.3f} after")


if __name__ == "__main__":
    main()
