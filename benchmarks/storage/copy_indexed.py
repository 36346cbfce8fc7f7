"""COPY of vectors into a table that has an HNSW index: rows per second until the index serves them.

A second client searches all the while; its median latency is printed too. PostgreSQL's index serves a row when its COPY
ends, Quiver's takes the rows up in the background, so its clock runs until at most one in two hundred is scanned: the graph of
growing rows takes them up in batches. Data are Gaussian, seeded.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time

import numpy as np

from benchmarks.storage.contenders import Contender, compare, contenders
from benchmarks.storage.copy_in import binary_rows, copy_stream

_POLL_SECONDS = 0.1
_ROWS_PER_SCANNED = 200
_QUERY = b"SELECT id FROM bench_copy ORDER BY v <-> %s::vector LIMIT 10"


class Searcher(threading.Thread):
    """Searches one query after the other until `stop`; `seconds` are the latencies."""

    def __init__(self, contender: Contender, queries: list[str]) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self._contender = contender
        self._queries = queries
        self._is_over = threading.Event()

    def run(self) -> None:
        with self._contender.connect() as connection:
            while not self._is_over.is_set():
                query = self._queries[len(self.seconds) % len(self._queries)]
                started = time.perf_counter()
                connection.execute(_QUERY, (query,), prepare=True).fetchall()
                self.seconds.append(time.perf_counter() - started)

    def stop(self) -> None:
        self._is_over.set()
        self.join()


def wait_until_served(contender: Contender) -> None:
    """Until the graphs serve the rows; PostgreSQL's does when the statement has ended."""
    if contender.name == "postgres":
        return
    with contender.connect() as connection:
        while True:
            status = "SELECT sum(rows_scanned), sum(rows_served) FROM quiver_index_status"
            row = connection.execute(status).fetchone()
            if row is not None and _ROWS_PER_SCANNED * row[0] <= row[1]:
                return
            time.sleep(_POLL_SECONDS)


def rows_served_per_second(
    contender: Contender, data: bytes, queries: list[str], dim: int, rows: int
) -> float:
    contender.run(
        "DROP TABLE IF EXISTS bench_copy",
        f"CREATE TABLE bench_copy (id bigint PRIMARY KEY, v vector({dim}))",
        "CREATE INDEX ON bench_copy USING hnsw (v vector_l2_ops)",
    )
    searcher = Searcher(contender, queries)
    searcher.start()
    started = time.perf_counter()
    with contender.connect() as connection:
        copy_stream(connection, data, "WITH (FORMAT binary)")
    copied = time.perf_counter() - started
    wait_until_served(contender)
    seconds = time.perf_counter() - started
    searcher.stop()
    p50_ms = statistics.median(searcher.seconds) * 1000
    print(
        f"  {contender.name}: COPY {copied:.1f} s, served {seconds:.1f} s, search p50 meanwhile {p50_ms:.1f} ms",
        flush=True,
    )
    return rows / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    dim = options.dimensions
    random = np.random.default_rng(dim)
    vectors = random.standard_normal((options.rows, dim), dtype=np.float32)
    data = binary_rows(vectors)
    queries = [str(row) for row in random.standard_normal((50, dim)).round(4).tolist()]
    with contenders() as pair:

        def take(contender: Contender) -> float:
            return rows_served_per_second(contender, data, queries, dim, options.rows)

        compare(f"COPY with an HNSW index, {dim} dimensions", "rows/s", pair, take, options.turns)


if __name__ == "__main__":
    main()
