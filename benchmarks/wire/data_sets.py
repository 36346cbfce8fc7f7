"""Vectors to search, real and synthetic, and how both servers are given them.

A table has `id` (the row's number), `bucket` (0 to 999, in no relation to the vectors, with a btree index) and `e`.
`bucket < 100` is a filter that one row in ten passes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pgvector.psycopg
import pyarrow.parquet as pq

from benchmarks.storage.contenders import Contender

K = 10
BUCKETS = 1000
_LATENT = 24
INDEX = "CREATE INDEX {table}_e ON {table} USING hnsw (e vector_l2_ops) WITH (m = 16, ef_construction = 128)"


@dataclass(frozen=True)
class DataSet:
    """(n, d) and (nq, d) float32 vectors under the name of their table; `buckets` (n,)."""

    table: str
    vectors: npt.NDArray[np.float32]
    queries: npt.NDArray[np.float32]

    @cached_property
    def buckets(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng(7).permutation(len(self.vectors)) % BUCKETS

    def nearest(self, below: int = BUCKETS) -> list[frozenset[int]]:
        """Of each query the rows that are truly nearest, among those with a lower bucket."""
        allowed = np.flatnonzero(self.buckets < below)
        vectors = self.vectors[allowed]
        square_norms = (vectors**2).sum(axis=1)
        found = []
        for start in range(0, len(self.queries), 100):
            distances = square_norms - 2 * self.queries[start : start + 100] @ vectors.T
            rows = np.argpartition(distances, min(K, len(allowed)) - 1, axis=1)[:, :K]
            found.extend(frozenset(allowed[row].tolist()) for row in rows)
        return found

    def load(self, contender: Contender) -> float:
        """Make table and indexes; seconds that the vector index took."""
        with contender.connect() as connection:
            pgvector.psycopg.register_vector(connection)
            dimensions = self.vectors.shape[1]
            for statement in (
                f"DROP TABLE IF EXISTS {self.table}",
                f"CREATE TABLE {self.table} (id int PRIMARY KEY, bucket int, e vector({dimensions}))",
            ):
                connection.execute(statement.encode())
            copy_in = f"COPY {self.table} FROM STDIN WITH (FORMAT BINARY)"
            with connection.cursor() as cursor, cursor.copy(copy_in.encode()) as copy:
                copy.set_types(["int4", "int4", "vector"])
                for row in zip(range(len(self.vectors)), self.buckets.tolist(), self.vectors):
                    copy.write_row(row)
            connection.execute(f"CREATE INDEX ON {self.table} (bucket)".encode())
            connection.execute(b"SET maintenance_work_mem = '2GB'")
            started = time.perf_counter()
            connection.execute(INDEX.format(table=self.table).encode())
            seconds = time.perf_counter() - started
            connection.execute(f"VACUUM ANALYZE {self.table}".encode())
            return seconds


def real(folder: Path, rows_max: int) -> DataSet:
    """Embeddings of Debian packages, 384 dimensions."""
    vectors, queries = (
        _unit(pq.read_table(folder / name, columns=["embedding"])["embedding"])
        for name in ("debian_packages.parquet", "debian_queries.parquet")
    )
    return DataSet("real_384", vectors[:rows_max], queries)


def synthetic(rows: int, dimensions: int = 128) -> DataSet:
    """Vectors near a plane of few dimensions, as embeddings are."""
    generator = np.random.default_rng(11)
    plane = generator.standard_normal((_LATENT, dimensions))
    points = generator.standard_normal((rows + 1000, _LATENT)) @ plane
    points += 0.2 * generator.standard_normal(points.shape)
    found = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return DataSet(f"synthetic_{dimensions}", found[:rows], found[rows:])


def _unit(column: object) -> npt.NDArray[np.float32]:
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]
    vectors = values.astype(np.float32).reshape(len(column), -1)  # type: ignore[arg-type]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
