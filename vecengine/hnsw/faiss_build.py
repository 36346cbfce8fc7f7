"""faiss as a builder of graphs (IndexHNSWFlat); its l2, l1 and inner product are its own.

Its nodes have all their lists in a row of `neighbors`: 2m links of level 0, then m for each level above
(facebookresearch/faiss:faiss/impl/HNSW.h).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from vecengine.hnsw.library_lists import LibraryLists
from vecengine.hnsw.parameters import HnswParameters
from vecengine.metrics import NUMBER_METRICS, Float32s, Metric

METRICS = NUMBER_METRICS


class FaissGraph:
    """See `vecengine.hnsw.library_build.GraphLibrary`."""

    def __init__(self, dimensions: int, metric: Metric, parameters: HnswParameters) -> None:
        import faiss

        kinds = {
            Metric.L2: faiss.METRIC_L2,
            Metric.COSINE: faiss.METRIC_L2,
            Metric.IP: faiss.METRIC_INNER_PRODUCT,
            Metric.L1: faiss.METRIC_L1,
        }
        self._m = parameters.m
        self._index = faiss.IndexHNSWFlat(dimensions, parameters.m, kinds[metric])
        self._index.hnsw.efConstruction = parameters.ef_construction

    def add(self, rows: Float32s, threads: int) -> None:
        with _faiss_threads(threads):
            self._index.add(rows)

    def lists(self) -> LibraryLists:
        import faiss

        hnsw: Any = self._index.hnsw
        m = self._m
        levels = faiss.vector_to_array(hnsw.levels).astype(np.int32) - 1
        starts = faiss.vector_to_array(hnsw.offsets).astype(np.int64)[:-1]
        neighbours = faiss.vector_to_array(hnsw.neighbors)
        node = np.repeat(np.arange(levels.size), levels)
        level_above = np.arange(node.size) - (np.cumsum(levels) - levels)[node]
        upper_starts = starts[node] + 2 * m + level_above * m
        return LibraryLists(
            levels,
            neighbours[starts[:, None] + np.arange(2 * m)],
            neighbours[upper_starts[:, None] + np.arange(m)],
            int(hnsw.entry_point),
        )


@contextmanager
def _faiss_threads(threads: int) -> Iterator[None]:
    """faiss' OpenMP threads are a setting of the calling thread; put it back afterwards."""
    import faiss

    previous = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(max(1, threads))
    try:
        yield
    finally:
        faiss.omp_set_num_threads(previous)
