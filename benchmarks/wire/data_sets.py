"""Vectors to search, real and synthetic, and how both servers are given them.

A table has `id` (the row's number), `bucket` (0 to 999, in no relation to the vectors), `zone` (0 to 999, by the distance
from the first row's vector) and `e`; `bucket` and `zone` have btree indexes. `bucket < 100` and `zone < 100` are filters
that one row in ten passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from benchmarks.storage.contenders import Contender

K = 10
BUCKETS = 1000
_LATENT = 24
_PIECE_ROWS = 1000
_SYNTHETIC_PIECE_ROWS = 100_000
_DISTANCES_MAX = 10_000_000
BINARY_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_COPY_TRAILER = b"\xff\xff"
COLUMNS = "(id int PRIMARY KEY, bucket int, zone int, e vector({dimensions}))"
INDEX = "CREATE INDEX {table}_e ON {table} USING hnsw (e vector_l2_ops) WITH (m = 16, ef_construction = 128)"


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows whose `column` is less than `below`, which is the selectivity in thousandths."""

    column: str
    below: int

    @property
    def name(self) -> str:
        return f"filter {self.below / 10:g} % {'un' if self.column == 'bucket' else ''}correlated"

    @property
    def where(self) -> str:
        return f"WHERE {self.column} < {self.below}"


@dataclass(frozen=True)
class DataSet:
    """(n, d) and (nq, d) float32 vectors of length 1 under the name of their table; `buckets` and `zones` (n,)."""

    table: str
    vectors: npt.NDArray[np.float32]
    queries: npt.NDArray[np.float32]

    @cached_property
    def buckets(self) -> npt.NDArray[np.int64]:
        return np.random.default_rng(7).permutation(len(self.vectors)) % BUCKETS

    @cached_property
    def zones(self) -> npt.NDArray[np.int64]:
        nearest_first = np.argsort(-self.vectors @ self.vectors[0], kind="stable")
        zones = np.empty(len(self.vectors), np.int64)
        zones[nearest_first] = np.arange(len(zones)) * BUCKETS // len(zones)
        return zones

    def nearest(self, k: int = K, passing: Filter | None = None) -> list[frozenset[int]]:
        """Of each query the k rows that are truly nearest among those that pass a filter."""
        return [frozenset(rows.tolist()) for rows, _ in self._nearest(k, passing)]

    def nearest_within(self, k: int, radius: float) -> list[frozenset[int]]:
        """Of each query the k nearest rows of those at a distance below a radius."""
        return [frozenset(rows[distances < radius].tolist()) for rows, distances in self._nearest(k, None)]

    def radius_of(self, rank: int) -> float:
        """The median over all queries of the distance of the row with a rank (1 is the nearest)."""
        return float(np.median([distances.max() for _, distances in self._nearest(rank, None)]))

    def _nearest(
        self, k: int, passing: Filter | None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        """Of each query the k nearest rows, in no order, and their distances."""
        allowed = np.arange(len(self.vectors))
        if passing is not None:
            allowed = np.flatnonzero(getattr(self, passing.column + "s") < passing.below)
        vectors = self.vectors if passing is None else self.vectors[allowed]
        square_norms = (vectors**2).sum(axis=1)
        batch = max(1, _DISTANCES_MAX // len(vectors))
        for start in range(0, len(self.queries), batch):
            queries = self.queries[start : start + batch]
            squares = square_norms - 2 * queries @ vectors.T
            found = np.argpartition(squares, min(k, len(allowed)) - 1, axis=1)[:, :k]
            for query, row in zip(queries, found):
                yield allowed[row], np.linalg.norm(vectors[row] - query, axis=1)

    def binary_rows(self) -> Iterator[bytes]:
        """The table in COPY's binary format, in pieces, without header and trailer."""
        count, dimensions = self.vectors.shape
        layout: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [("fields", ">i2")]
        for name in ("id", "bucket", "zone"):
            layout += [(f"{name}_bytes", ">i4"), (name, ">i4")]
        layout += [("e_bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("e", ">f4", (dimensions,))]
        for start in range(0, count, _PIECE_ROWS):
            part = slice(start, min(start + _PIECE_ROWS, count))
            rows = np.zeros(part.stop - start, dtype=np.dtype(layout))
            rows["fields"], rows["e_bytes"], rows["dimensions"] = 4, 4 + 4 * dimensions, dimensions
            rows["id_bytes"] = rows["bucket_bytes"] = rows["zone_bytes"] = 4
            rows["id"], rows["e"] = np.arange(part.start, part.stop), self.vectors[part]
            rows["bucket"], rows["zone"] = self.buckets[part], self.zones[part]
            yield rows.tobytes()

    def make_table(self, contender: Contender) -> None:
        """Create the table with its rows and btree indexes, but no vector index."""
        create_table(contender, self.table, self.vectors.shape[1])
        copy_in(contender, self.table, self.binary_rows())
        contender.run(
            f"CREATE INDEX ON {self.table} (bucket)",
            f"CREATE INDEX ON {self.table} (zone)",
            f"VACUUM ANALYZE {self.table}",
        )


def create_table(contender: Contender, table: str, dimensions: int) -> None:
    """Create an empty table in place of what there may be."""
    columns = COLUMNS.format(dimensions=dimensions)
    contender.run(f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} {columns}")


def copy_in(contender: Contender, table: str, pieces: Iterable[bytes]) -> None:
    """COPY rows in binary format."""
    statement = f"COPY {table} FROM STDIN WITH (FORMAT binary)"
    with (
        contender.connect() as connection,
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
    ):
        copy.write(BINARY_COPY_HEADER)
        for piece in pieces:
            copy.write(piece)
        copy.write(BINARY_COPY_TRAILER)


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
    found = np.empty((rows + 1000, dimensions), np.float32)
    for start in range(0, len(found), _SYNTHETIC_PIECE_ROWS):
        points = generator.standard_normal((min(_SYNTHETIC_PIECE_ROWS, len(found) - start), _LATENT)) @ plane
        points += 0.2 * generator.standard_normal(points.shape)
        found[start : start + len(points)] = points / np.linalg.norm(points, axis=1, keepdims=True)
    return DataSet(f"synthetic_{dimensions}x{rows}", found[:rows], found[rows:])


def _unit(column: object) -> npt.NDArray[np.float32]:
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)  # type: ignore[attr-defined]
    vectors = values.astype(np.float32).reshape(len(column), -1)  # type: ignore[arg-type]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
