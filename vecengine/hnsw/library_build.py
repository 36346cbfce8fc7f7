"""Builds a graph with a library and takes its links out into our flat arrays, which our kernels search.

faiss (`provider = faiss`) builds where no kernel can be compiled, too, and is the oracle of the tests of our own builder, as is
hnswlib. A library cannot be stopped inside a call, so rows go in by chunks in a seeded random order, with the cancel word
and the progress callback between them. Cosine becomes l2 on unit vectors, which orders alike and prunes links by a true
metric. With one thread the result is the same every time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.coverage import Coverage, square_norms
from vecengine.element_types import Numbers
from vecengine.errors import UnsupportedByFamily
from vecengine.hnsw import faiss_build, hnswlib_build
from vecengine.hnsw.graph import GraphArrays, Int32s, empty_graph, link_counts
from vecengine.hnsw.library_lists import LibraryLists
from vecengine.hnsw.parameters import HnswParameters, Provider
from vecengine.index import Progress
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.stored_vectors import StoredVectors

CHUNK_ROWS = 1024
_ORDER_SEED = 20180406

Measure = Callable[[GraphArrays, Int32s], None]
"""Called with the graph before its last nodes go in, and these."""


class GraphLibrary(Protocol):
    """A graph of a library, over rows that are added."""

    def add(self, rows: Float32s, threads: int) -> None:
        """Add (r, d) rows as the next nodes."""

    def lists(self) -> LibraryLists:
        """The links between the nodes added so far."""


def check_library(provider: Provider, metric: Metric, vectors: Vectors) -> None:
    """Raise UnsupportedByFamily (0A000) where a library is not there or does not build over such vectors or metric."""
    name = provider.name.lower()
    if isinstance(vectors, StoredVectors):
        raise UnsupportedByFamily(
            f'provider "{name}" does not build graphs over such vectors',
            hint="Use provider = own, which needs compiled kernels.",
        )
    served = (hnswlib_build if provider is Provider.HNSWLIB else faiss_build).METRICS
    if metric not in served:
        raise UnsupportedByFamily(
            f'provider "{name}" does not serve metric "{metric.name.lower()}"',
            hint=f"It serves {', '.join(each.name.lower() for each in served)}.",
        )
    if provider is Provider.HNSWLIB and not hnswlib_build.is_installed():
        raise UnsupportedByFamily(
            'provider "hnswlib" needs the package hnswlib', hint="Install it with pip install hnswlib."
        )


def build_graph(
    vectors: Numbers,
    metric: Metric,
    coverage: Coverage,
    parameters: HnswParameters,
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
    progress: Progress | None = None,
    held_out: int = 0,
    measure: Measure | None = None,
) -> GraphArrays:
    """A graph whose nodes are the covered rows in order, by the library of `parameters.provider`, faiss for our own.

    Holds a float32 copy of the covered rows while it builds.

    Args:
        held_out: how many of the last nodes to add after `measure` was called.

    Raises:
        QueryCanceled: 57014, between chunks.
    """
    count = coverage.row_count
    if count == 0:
        return empty_graph(parameters.m)
    norms = np.zeros(0, dtype=np.float32)
    if metric is Metric.COSINE:
        norms = square_norms(vectors, cancel)[coverage.row_offsets()]
    library = _opened(vectors.shape[1], metric, parameters, count)
    order = np.random.default_rng(_ORDER_SEED).permutation(count)
    boundary = count - held_out
    for begin in [*range(0, boundary, CHUNK_ROWS), *range(boundary, count, CHUNK_ROWS)]:
        end = min(begin + CHUNK_ROWS, boundary if begin < boundary else count)
        check_cancel(cancel)
        if held_out and begin == boundary and measure is not None:
            lists = library.lists()
            measure(
                _named(lists, order[:begin], norms, m=parameters.m, count=count),
                order[begin:].astype(np.int32),
            )
        library.add(_prepared(vectors, metric, coverage.row_offsets()[order[begin:end]]), threads)
        if progress is not None:
            progress(end, count)
    return _named(library.lists(), order, norms, m=parameters.m, count=count)


def _opened(dimensions: int, metric: Metric, parameters: HnswParameters, count: int) -> GraphLibrary:
    if parameters.provider is Provider.HNSWLIB:
        return hnswlib_build.HnswlibGraph(dimensions, metric, parameters, count)
    return faiss_build.FaissGraph(dimensions, metric, parameters)


def _prepared(vectors: Numbers, metric: Metric, rows: npt.NDArray[np.int64]) -> Float32s:
    chunk = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    if metric is Metric.COSINE:
        # In float64: squares of large or tiny elements leave float32's range, unit vectors do not.
        norms = np.sqrt(np.einsum("ij,ij->i", chunk, chunk, dtype=np.float64))
        chunk = (chunk / norms[:, None]).astype(np.float32)
    return chunk


def _named(
    lists: LibraryLists, order: npt.NDArray[np.int64], norms: Float32s, *, m: int, count: int
) -> GraphArrays:
    """Flat arrays of `count` nodes; node i of the library is our node order[i], and nothing leads to those it lacks."""
    # One place more, so that the -1 at the end of a list stays -1.
    renamed = np.append(order, -1).astype(np.int32)
    links = np.full((count, 2 * m), -1, dtype=np.int32)
    links[order] = renamed[lists.ground]
    levels = np.zeros(count, dtype=np.int64)
    levels[order] = lists.levels
    first = np.cumsum(levels) - levels
    library_first = np.zeros(count, dtype=np.int64)
    library_first[order] = np.cumsum(lists.levels) - lists.levels
    node = np.repeat(np.arange(count), levels)
    places = library_first[node] + np.arange(node.size) - first[node]
    return GraphArrays(
        links=links,
        linked=link_counts(links),
        upper_rows=np.where(levels > 0, first, -1).astype(np.int32),
        upper_links=np.ascontiguousarray(renamed[lists.upper[places]]).reshape(-1, m),
        norms=norms,
        entry=int(order[lists.entry]),
        level_max=int(lists.levels.max()),
    )
