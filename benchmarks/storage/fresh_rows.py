"""Search latency and recall while rows are committed one at a time, beside a freshly built index on the same rows.

    python -m benchmarks.storage.fresh_rows [--rows 200000] [--dimensions 128] [--folder DIR]

One thread commits single rows (each fsynced) to a table with an hnsw index, through storage's transactions; after every
5,000 commits the same thread times top-10 queries through a session, without a socket. Background work runs as in a
server. At the end the index is built anew by REINDEX over one segment, and the same queries are timed again. Data are
clusters with noise, seeded. Recall is against brute force over all rows committed by then.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import vecengine
from foundation.sqltypes import VECTOR, SqlType, arrow_type
from quiver.instance import Instance
from sqlfront.backend import StartupParameters
from storage.catalog import Table

K = 10
QUERIES = 50
CLUSTERS = 500
SAMPLE_EVERY = 5000
QUERY = f"SELECT id FROM fresh ORDER BY v <-> $1 LIMIT {K}"

Matrix = npt.NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--folder", type=Path, help="where the data directory is made")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(CLUSTERS, options.dimensions))
    vectors, queries = (
        (
            centres[rng.integers(0, CLUSTERS, count)] + 0.7 * rng.normal(size=(count, options.dimensions))
        ).astype("f4")
        for count in (options.rows, QUERIES)
    )
    with (
        tempfile.TemporaryDirectory(dir=options.folder) as folder,
        Instance.open(Path(folder) / "data") as instance,
    ):
        run(instance, vectors, queries)


def run(instance: Instance, vectors: Matrix, queries: Matrix) -> None:
    session: Any = instance.sessions.connect(StartupParameters("postgres", "postgres", {}))
    vecengine.warm_up()
    script(session, f"CREATE TABLE fresh (id integer, v vector({vectors.shape[1]}))")
    script(session, "CREATE INDEX ON fresh USING hnsw (v vector_l2_ops)")
    table_oid = next(table.oid for table in instance.storage.catalog.objects(Table) if table.name == "fresh")
    medians, commit_seconds = [], 0.0
    print("rows     commits/s  top-10 p50 us  p95 us  recall  graphs  segments scanned  rows scanned")
    for begin in range(0, len(vectors), SAMPLE_EVERY):
        stop = min(begin + SAMPLE_EVERY, len(vectors))
        started = time.perf_counter()
        for number in range(begin, stop):
            commit_row(instance, table_oid, number, vectors[number])
        seconds = time.perf_counter() - started
        commit_seconds += seconds
        line, median = sample(session, vectors[:stop], queries)
        medians.append(median)
        print(f"{stop:8} {(stop - begin) / seconds:9.0f}  {line}", flush=True)
    script(session, "VACUUM FULL fresh")
    script(session, "REINDEX TABLE fresh")
    sample(session, vectors, queries)
    line, fresh = sample(session, vectors, queries)
    print(f"built anew           {line}")
    late = statistics.median(medians[len(medians) // 2 :])
    print(
        f"commits/s {len(vectors) / commit_seconds:.0f}; p50 in the second half / built anew: {late / fresh:.2f}"
    )


def script(session: Any, text: str) -> list[Any]:
    rows: list[Any] = []
    for parsed in session.split_script(text):
        portal = session.run_parsed(parsed, is_last=True)
        batch = portal.next_batch(1000)
        rows = [] if batch is None else batch.to_pylist()
        portal.close()
        session.sync()
    return rows


def commit_row(instance: Instance, table_oid: int, number: int, vector: Matrix) -> None:
    values = pa.FixedSizeListArray.from_arrays(pa.array(vector), len(vector))
    column = values.cast(arrow_type(SqlType(VECTOR.oid, len(vector))))
    transaction = instance.storage.begin()
    transaction.insert(
        table_oid, pa.RecordBatch.from_arrays([pa.array([number], pa.int32()), column], names=["1", "2"])
    )
    transaction.commit()


def sample(session: Any, vectors: Matrix, queries: Matrix) -> tuple[str, float]:
    """A line of figures, and the median in microseconds."""
    times, hits = [], 0
    _, nearest = vecengine.exact_search(vectors, queries, K, metric="l2")
    for query, expected in zip(queries, nearest):
        started = time.perf_counter()
        portal = session.bind(session.prepare(QUERY, ()), (query,))
        batch = portal.next_batch(K)
        portal.close()
        session.sync()
        times.append((time.perf_counter() - started) * 1e6)
        hits += len(set(expected.tolist()) & set(batch.column(0).to_pylist()))
    (status,) = script(session, "SELECT * FROM quiver_index_status")
    median = statistics.median(times)
    high = float(np.percentile(times, 95))
    found = list(status.values())
    return f"{median:13.0f} {high:7.0f}  {hits / K / len(queries):.3f}  {found}", median


if __name__ == "__main__":
    main()
