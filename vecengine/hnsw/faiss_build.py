"""Builds a graph with faiss (IndexHNSWFlat) and takes its links out into flat arrays.

It is the oracle of the tests of our own builder, and builds where no kernels can be compiled. faiss cannot be stopped
inside `add`, so rows go in by chunks in a seeded random order, with the cancel word and the progress callback
between them. Cosine becomes l2 on unit vectors, which orders alike and prunes links by a true metric; l2, l1 and
inner product are faiss' own. With one thread the result is the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.coverage import Coverage, square_norms
from vecengine.element_types import Numbers
from vecengine.hnsw.graph import GraphArrays, empty_graph, link_counts
from vecengine.hnsw.parameters import HnswParameters
from vecengine.index import Progress
from vecengine.metrics import Float32s, Metric

CHUNK_ROWS = 1024
_ORDER_SEED = 20180406


def build_graph(
    vectors: Numbers,
    metric: Metric,
    coverage: Coverage,
    parameters: HnswParameters,
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
) -> GraphArrays:
    """A graph whose nodes are the covered rows in order.

    Holds a float32 copy of the covered rows while it builds.

    Raises:
        QueryCanceled: 57014, between chunks.
    """
    if coverage.row_count == 0:
        return empty_graph(parameters.m)
    norms = np.zeros(0, dtype=np.float32)
    if metric is Metric.COSINE:
        norms = square_norms(vectors, cancel)[coverage.row_offsets()]
    index = _new_faiss_index(vectors.shape[1], metric, parameters)
    order = np.random.default_rng(_ORDER_SEED).permutation(coverage.row_count)
    with _faiss_threads(threads):
        for begin in range(0, order.size, CHUNK_ROWS):
            end = min(begin + CHUNK_ROWS, order.size)
            check_cancel(cancel)
            index.add(_prepare(vectors, metric, coverage.row_offsets()[order[begin:end]]))
            if progress is not None:
                progress(end, order.size)
    return _export(index.hnsw, parameters.m, order, norms)


def _new_faiss_index(dimensions: int, metric: Metric, parameters: HnswParameters) -> Any:
    import faiss

    kinds = {
        Metric.L2: faiss.METRIC_L2,
        Metric.COSINE: faiss.METRIC_L2,
        Metric.IP: faiss.METRIC_INNER_PRODUCT,
        Metric.L1: faiss.METRIC_L1,
    }
    index = faiss.IndexHNSWFlat(dimensions, parameters.m, kinds[metric])
    index.hnsw.efConstruction = parameters.ef_construction
    return index


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


def _prepare(vectors: Numbers, metric: Metric, rows: npt.NDArray[np.int64]) -> Float32s:
    chunk = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    if metric is Metric.COSINE:
        # In float64: squares of large or tiny elements leave float32's range, unit vectors do not.
        norms = np.sqrt(np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64))
        chunk = (chunk / norms[:, None]).astype(np.float32)
    return chunk


def _export(hnsw: Any, m: int, order: npt.NDArray[np.int64], norms: Float32s) -> GraphArrays:
    """Flat arrays of a faiss graph whose node i is our node order[i].

    faiss keeps all lists of a node in a row: 2m links of level 0, then m for each level above.
    """
    import faiss

    inserted_as = np.argsort(order)
    levels = faiss.vector_to_array(hnsw.levels)[inserted_as] - 1
    starts = faiss.vector_to_array(hnsw.offsets).astype(np.int64)[:-1][inserted_as]
    # One place more, so that the -1 at the end of a list stays -1.
    renamed = np.append(order, -1).astype(np.int32)
    neighbours = renamed[faiss.vector_to_array(hnsw.neighbors)]
    links = neighbours[starts[:, None] + np.arange(2 * m)]
    upper_ends = np.cumsum(levels)
    upper_first = upper_ends - levels
    node = np.repeat(np.arange(levels.size), levels)
    level_above = np.arange(node.size) - upper_first[node]
    upper_start = starts[node] + 2 * m + level_above * m
    return GraphArrays(
        links=np.ascontiguousarray(links, dtype=np.int32),
        linked=link_counts(links),
        upper_rows=np.where(levels > 0, upper_first, -1).astype(np.int32),
        upper_links=np.ascontiguousarray(neighbours[upper_start[:, None] + np.arange(m)], dtype=np.int32),
        norms=norms,
        entry=int(order[hnsw.entry_point]),
        level_max=int(hnsw.max_level),
    )
