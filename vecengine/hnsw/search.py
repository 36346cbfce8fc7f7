"""Calls the graph kernel: bundles its arguments and lends it working memory."""

from __future__ import annotations

import sys
import threading
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet
from vecengine.exact import STATUS_DONE, KernelSpace, Keys, Offsets
from vecengine.hnsw.codes import NO_CODES, GraphCodes
from vecengine.hnsw.graph import GraphArrays
from vecengine.hnsw.strategy import graph_distance_cost
from vecengine.metrics import Float32s

_TABLE_BYTES_MAX = 1 << 20
"""Of the tables of a few queries, which are read right after they were made: about what the second cache holds."""


class GraphSpace:
    """A graph over vectors, bundled once as the kernel takes it; keeps all of it alive.

    Attributes:
        queries_at_once: for how many queries `codes_for` is asked at most, so that their tables stay small.
    """

    def __init__(
        self, space: KernelSpace, graph: GraphArrays, offsets: Offsets, codes: GraphCodes | None = None
    ) -> None:
        self.space = space
        self.graph = graph
        self._bundled = NO_CODES if codes is None else codes.bundle()
        self._tabled = codes if codes is not None and codes.needs_tables else None
        self.refined = 1 if codes is None else codes.refined
        self.query_words = 1 if codes is None else codes.query_words
        self.queries_at_once = sys.maxsize
        if self._tabled is not None:
            self.queries_at_once = max(1, _TABLE_BYTES_MAX // (4 * self.query_words))
        width = graph.links.shape[1]
        self.batch = width * (width + 2)
        self._coded = (0, 0.0) if codes is None else (codes.dimensions, codes.dimension_ns)
        self.bundle = (
            graph.links,
            graph.upper_rows,
            graph.upper_links,
            offsets,
            graph.norms,
            graph.entry,
            graph.level_max,
        )

    def codes_for(self, queries: Float32s) -> tuple[object, ...]:
        """Its codes as the kernel takes them to compare them with (nq, d) queries."""
        if self._tabled is None:
            return self._bundled
        return (*self._bundled[:-1], self._tabled.query_tables(queries))

    def distance_cost(self, selectivity: float) -> float:
        """Time of a distance of a walk over one of a scan, for a filter of this selectivity."""
        return graph_distance_cost(selectivity, *self._coded)


class GraphRequest(NamedTuple):
    """What to search: see `vecengine.kernels_types.Request`."""

    queries: Float32s
    k: int
    ef: int
    allowed_bits: Bitset | None = None
    budget: int = 0


class GraphAnswer(NamedTuple):
    """(nq, k) keys and row offsets, padded; `found` (nq,) rows, -1 for a query that was not finished.

    `pages` were touched, where they are counted.
    """

    status: int
    keys: Keys
    offsets: Offsets
    found: npt.NDArray[np.int64]
    distances: int
    expansions: int
    reranked: int
    pages: int = 0


class _ScratchPool(threading.local):
    """Working memory of one thread, grown to the largest graph and beam it has searched.

    The arrays are as long as the graph, but a search touches only the pages it uses.
    """

    def __init__(self) -> None:
        self.nodes = -1
        self.ef = -1
        self.batch = -1
        self.words = -1
        self.arrays: tuple[npt.NDArray[np.generic], ...] = ()
        self.lent_nodes = -1
        self.lent: tuple[npt.NDArray[np.generic], ...] = ()

    def lend(self, nodes: int, ef: int, batch: int, words: int) -> tuple[npt.NDArray[np.generic], ...]:
        if nodes > self.nodes or ef > self.ef or batch > self.batch or words > self.words:
            self.nodes, self.ef = max(nodes, self.nodes), max(ef, self.ef)
            self.batch, self.words = max(batch, self.batch), max(words, self.words)
            self.arrays = (
                np.empty((self.nodes + 7) >> 3, dtype=np.uint8),
                np.empty(self.nodes, dtype=np.float64),
                np.empty(self.nodes, dtype=np.int32),
                np.empty(self.ef, dtype=np.float64),
                np.empty(self.ef, dtype=np.int64),
                np.empty(self.batch, dtype=np.int32),
                np.empty(self.batch, dtype=np.float64),
                np.empty((1, self.words), dtype=np.float32),
            )
            self.lent_nodes = -1
        if nodes != self.lent_nodes:
            visited, *heaps = self.arrays
            # The kernel clears all of `visited`: only the part of this graph.
            self.lent_nodes, self.lent = nodes, (visited[: (nodes + 7) >> 3], *heaps)
        return self.lent


_scratch = _ScratchPool()


def lend_scratch(nodes: int, ef: int, batch: int, words: int = 1) -> tuple[npt.NDArray[np.generic], ...]:
    """This thread's working memory as the kernels' `Scratch`; the next call on the thread lends it anew."""
    return _scratch.lend(nodes, ef, batch, words)


def run_search(
    compiled: KernelSet, target: GraphSpace, request: GraphRequest, cancel: CancelWord | None
) -> GraphAnswer:
    """One call of the kernel for all queries, or for as many as have tables at once. Raises nothing: the status says how it ended."""
    query_count = request.queries.shape[0]
    words = max(target.query_words, request.queries.shape[1])
    scratch = lend_scratch(target.graph.node_count, request.ef, target.batch, words)
    keys = np.empty((query_count, request.k), dtype=np.float64)
    offsets = np.empty((query_count, request.k), dtype=np.int64)
    found = np.empty(query_count, dtype=np.int64)
    counts = np.zeros(3, dtype=np.int64)
    allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
    word = NO_CANCEL if cancel is None else cancel

    def search(queries: Float32s, output: tuple[npt.NDArray[np.generic], ...]) -> int:
        asked = queries, allowed, request.ef, request.budget
        return compiled.search_graph(
            target.space, target.bundle, target.codes_for(queries), asked, scratch, output, word
        )

    step = target.queries_at_once
    if query_count <= step:
        status = search(request.queries, (keys, offsets, found, counts))
    else:
        found.fill(-1)
        for begin in range(0, query_count, step):
            block = slice(begin, begin + step)
            status = search(request.queries[block], (keys[block], offsets[block], found[block], counts))
            if status != STATUS_DONE:
                break
    return GraphAnswer(status, keys, offsets, found, *counts.tolist())
