"""Recall of `hnsw` for every operator class, and of `ivfflat` over bit strings, through SQL beside pgvector's, under churn.

    python -m benchmarks.vecengine.hnsw_class_recall DATA_FOLDER [--rows N] [--queries 200] [--classes vector_l2_ops ...]

DATA_FOLDER holds `debian_packages.parquet` and `debian_queries.parquet` (61,666 and 1,000 rows, 384 dimensions). Without
them it says so and ends well. Vectors and half vectors are the embeddings, bit strings their signs (`binary_quantize`),
sparse vectors their 32 largest components. Of the rows ten in thirteen are loaded and indexed; then 30 % of these are deleted
and as many of the others inserted, then all is compacted (VACUUM FULL). Recall at 10 is measured at each step on both servers,
at the same m, ef_construction and ef_search, or lists and probes.

A returned row counts when its distance, as the server says it, is at most that of the tenth true row, as the same server
says it without an index: so ties count, and neither is judged by the other's last digits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg

from benchmarks.vecengine.ivfflat_recall import CHURN, K, Matrix, postgres, read_vectors, settle
from tests.quiver.server_process import serving

OPERATORS = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>", "hamming": "<~>", "jaccard": "<%>"}
CLASSES = (
    *(
        f"{kind}_{word}_ops"
        for kind in ("vector", "halfvec", "sparsevec")
        for word in ("l2", "ip", "cosine", "l1")
    ),
    "bit_hamming_ops",
    "bit_jaccard_ops",
)
STEPS = ("built", "churned", "compacted")
SPARSE_ELEMENTS = 32


@dataclass(frozen=True)
class Workload:
    """What is loaded, deleted, inserted and asked for. Row i of `vectors` has id i; the first `loaded` come first."""

    vectors: Matrix
    queries: Matrix

    @property
    def loaded(self) -> int:
        return round(len(self.vectors) / (1 + CHURN))

    def deleted(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng(5).choice(self.loaded, round(CHURN * self.loaded), replace=False)


@dataclass
class Measured:
    """What one server did: seconds of the build, and recall at each of the steps."""

    build_s: float = 0.0
    recall: dict[str, float] = field(default_factory=dict)


def column_type(kind: str, dimensions: int) -> str:
    return f"{kind}({dimensions})"


def literals(kind: str, vectors: Matrix) -> list[str]:
    """Each vector as text of its type."""
    if kind == "bit":
        return ["".join("01"[bit] for bit in row) for row in (vectors > 0).astype(int).tolist()]
    if kind == "sparsevec":
        kept = np.sort(
            np.argpartition(-np.abs(vectors), SPARSE_ELEMENTS, axis=1)[:, :SPARSE_ELEMENTS], axis=1
        )
        return [
            "{" + ",".join(f"{i + 1}:{row[i]:.9g}" for i in places.tolist()) + f"}}/{len(row)}"
            for row, places in zip(vectors, kept)
        ]
    return ["[" + ",".join(f"{number:.9g}" for number in row.tolist()) + "]" for row in vectors]


def measure(
    dsn: str, workload: Workload, operator_class: str, family: str = "hnsw", ef: int = 40
) -> Measured:
    """Load, index, search, delete, insert, search, compact and search again on one server."""
    kind, word, _ = operator_class.split("_")
    found = Measured()
    rows, asked = literals(kind, workload.vectors), literals(kind, workload.queries)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("DROP TABLE IF EXISTS churned")
        connection.execute(
            f"CREATE TABLE churned (id int, v {column_type(kind, workload.vectors.shape[1])})".encode()
        )
        copy_rows(connection, rows, range(workload.loaded))
        connection.execute("SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 1")
        options = "" if family == "hnsw" else f"WITH (lists = {max(1, workload.loaded // 200)})"
        started = perf_counter()
        connection.execute(
            f"CREATE INDEX churned_v ON churned USING {family} (v {operator_class}) {options}".encode()
        )
        found.build_s = perf_counter() - started
        setting = "hnsw.ef_search" if family == "hnsw" else "ivfflat.probes"
        connection.execute(f"SET {setting} = {ef}".encode())
        for step in STEPS:
            if step == "churned":
                deleted = workload.deleted().tolist()
                connection.execute("DELETE FROM churned WHERE id = ANY(%s)", (deleted,))
                copy_rows(connection, rows, range(workload.loaded, len(rows)))
                settle(connection)
            elif step == "compacted":
                connection.execute("VACUUM FULL churned")
                settle(connection)
            found.recall[step] = recall(connection, OPERATORS[word], kind, asked)
        connection.execute("DROP TABLE churned")
    return found


def copy_rows(connection: psycopg.Connection[Any], rows: Sequence[str], ids: Sequence[int]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY churned FROM STDIN") as copy:
        for number in ids:
            copy.write(f"{number}\t{rows[number]}\n")


def recall(connection: psycopg.Connection[Any], operator: str, kind: str, asked: Sequence[str]) -> float:
    """Recall at K by distance; the truth is the server's own without an index."""
    hits = 0
    bounds = []
    for is_truth in (True, False):
        connection.execute(f"SET enable_indexscan = {'off' if is_truth else 'on'}".encode())
        connection.execute(f"SET enable_seqscan = {'on' if is_truth else 'off'}".encode())
        for number, query in enumerate(asked):
            literal = f"'{query}'::{kind}({len(query)})" if kind == "bit" else f"'{query}'::{kind}"
            distance = f"v {operator} {literal}"
            sql = f"SELECT {distance} FROM churned ORDER BY {distance} LIMIT {K}"
            values = [row[0] for row in connection.execute(sql.encode()).fetchall()]
            if is_truth:
                bounds.append(values[-1])
            else:
                hits += sum(value <= bounds[number] for value in values)
    connection.execute("RESET enable_indexscan; RESET enable_seqscan")
    return hits / (K * len(asked))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the two Parquet files")
    parser.add_argument("--rows", type=int, default=0, help="use only so many rows")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--ef-search", type=int, default=40)
    parser.add_argument("--probes", type=int, default=10)
    parser.add_argument("--classes", nargs="+", default=list(CLASSES), choices=CLASSES)
    parser.add_argument("--families", nargs="+", default=["hnsw", "ivfflat"], choices=["hnsw", "ivfflat"])
    options = parser.parse_args()
    paths = [options.data / "debian_packages.parquet", options.data / "debian_queries.parquet"]
    if not all(path.exists() for path in paths):
        print(f"skipped: no {paths[0].name} and {paths[1].name} in {options.data}")
        return 0
    everything = read_vectors(paths[0])
    chosen = np.random.default_rng(3).permutation(len(everything))[: options.rows or None]
    workload = Workload(np.ascontiguousarray(everything[chosen]), read_vectors(paths[1])[: options.queries])
    print(f"{workload.loaded} rows loaded, {options.queries} queries, recall@{K}; quiver / pgvector")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data") as server, postgres() as uri:
        for family in options.families:
            for name in options.classes:
                if family == "ivfflat" and name != "bit_hamming_ops":
                    continue
                ef = options.ef_search if family == "hnsw" else options.probes
                ours, theirs = (measure(dsn, workload, name, family, ef) for dsn in (server.dsn, uri))
                show(f"{family} {name}", ours, theirs)
    return 0


def show(name: str, ours: Measured, theirs: Measured) -> None:
    steps = " | ".join(f"{ours.recall[step]:.3f} / {theirs.recall[step]:.3f}" for step in STEPS)
    print(f"| {name} | {ours.build_s:.1f} / {theirs.build_s:.1f} s | {steps} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
