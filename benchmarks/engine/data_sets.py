"""Vectors to search: real embeddings, and clustered points of a known intrinsic dimension."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.wire import data_sets as wire

K = 10
INTRINSIC_DIMENSION = 48
_CLUSTERS = 100
_SPREAD = 1.0
"""Of a cluster's points around its centre, where centres are spread by 1."""
_NOISE = 0.2
"""Standard deviation of what lies outside the plane, in each dimension; a point of the plane has about 1 in each."""
_QUERIES = 1000
_PIECE_ROWS = 50_000
_PAIRS_MAX = 20_000_000

Float32s = npt.NDArray[np.float32]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """(n, d) and (nq, d) float32 vectors; the metric is l2."""

    name: str
    vectors: Float32s
    queries: Float32s

    @cached_property
    def nearest(self) -> Offsets:
        """(nq, K) true nearest rows of every query."""
        return self.nearest_of(np.arange(len(self.vectors)))

    def nearest_of(self, allowed: Offsets) -> Offsets:
        """(nq, K) true nearest rows of every query among the allowed ones."""
        vectors = self.vectors if allowed.size == len(self.vectors) else self.vectors[allowed]
        squares = np.einsum("ij,ij->i", vectors, vectors)
        batch = max(1, _PAIRS_MAX // len(vectors))
        found = []
        for begin in range(0, len(self.queries), batch):
            keys = squares - 2 * self.queries[begin : begin + batch] @ vectors.T
            found.append(allowed[np.argpartition(keys, K - 1, axis=1)[:, :K]])
        return np.concatenate(found)


def real(folder: Path, rows: int) -> DataSet:
    """Embeddings of Debian packages and of questions about them, 384 dimensions, of length one."""
    found = wire.real(folder, rows)
    return DataSet(f"real_384x{len(found.vectors)}", found.vectors, found.queries)


def clustered(rows: int, dimensions: int) -> DataSet:
    """Gaussian clusters on a plane of `INTRINSIC_DIMENSION` dimensions, a little noise around it. Seeded.

    Queries are points of the same distribution that are no rows.
    """
    generator = np.random.default_rng(11)
    plane = generator.standard_normal((INTRINSIC_DIMENSION, dimensions)) / np.sqrt(INTRINSIC_DIMENSION)
    centres = generator.standard_normal((_CLUSTERS, INTRINSIC_DIMENSION))
    points = np.empty((rows + _QUERIES, dimensions), np.float32)
    for begin in range(0, len(points), _PIECE_ROWS):
        count = min(_PIECE_ROWS, len(points) - begin)
        latent = centres[generator.integers(0, _CLUSTERS, count)]
        latent += _SPREAD * generator.standard_normal(latent.shape)
        points[begin : begin + count] = latent @ plane + _NOISE * generator.standard_normal(
            (count, dimensions)
        )
    return DataSet(f"clustered_{dimensions}x{rows}", points[:rows], points[rows:])
