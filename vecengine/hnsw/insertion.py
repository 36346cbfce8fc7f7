"""Graphs that take more nodes: open arrays, batches of insertions into them, and one graph's links under new names.

An `OpenGraph` has room for all nodes it may get; lists of nodes that are not inserted are empty and nothing leads
to them. Nodes go in by batches of `BATCH_NODES`, each in two steps that may run on several threads (see
`vecengine.kernels_insert`); between two batches the graph is complete. The result depends on the order of the
nodes alone, never on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vecengine.arrays import NO_CANCEL, CancelWord, queries_from, query_words
from vecengine.build_threads import build_threads
from vecengine.compiled import Kernel, KernelSet
from vecengine.exact import Offsets, kernel_space, raise_for_status
from vecengine.hnsw.graph import GraphArrays, Int32s
from vecengine.hnsw.search import lend_scratch
from vecengine.metrics import Float32s, Metric, Vectors

BATCH_NODES = 256
"""Inserted together. Each is weighed against the earlier ones of its batch: a hundredth of the cost of its search."""

PARTS_PER_THREAD = 4
"""Work is cut finer than there are threads: on a busy machine one that has to wait for a processor holds up less."""

_LEVEL_MAX = 30

Names = npt.NDArray[np.int32]
"""(old nodes,) node that each old one has become, -1 for one that is gone."""


@dataclass(slots=True)
class OpenGraph:
    """Arrays as in `GraphArrays`, with room for `capacity` nodes; `levels` (capacity,) is decided beforehand.

    `linked`, `diverse` (capacity,) uint8 and `reserve_keys` (capacity, 2m) float32: see `vecengine.kernels_types.ListParts`.
    """

    links: Int32s
    levels: Int32s
    upper_rows: Int32s
    upper_links: Int32s
    offsets: Offsets
    norms: Float32s
    linked: npt.NDArray[np.uint8]
    diverse: npt.NDArray[np.uint8]
    reserve_keys: Float32s
    entry: int = -1
    level_max: int = 0

    @property
    def capacity(self) -> int:
        return int(self.links.shape[0])

    def bundle(self) -> tuple[object, ...]:
        """As kernels take it: `vecengine.kernels_types.Graph`."""
        return (
            self.links,
            self.upper_rows,
            self.upper_links,
            self.offsets,
            self.norms,
            self.entry,
            self.level_max,
        )

    def parts(self) -> tuple[object, ...]:
        """As kernels take it: `vecengine.kernels_types.ListParts`."""
        return (self.linked, self.diverse, self.reserve_keys)

    def arrays(self, node_count: int) -> GraphArrays:
        """The first nodes as a graph to search; it shares the arrays and stays as it is while more go in."""
        upper_count = int(self.levels[:node_count].sum())
        return GraphArrays(
            self.links[:node_count],
            self.linked[:node_count],
            self.upper_rows[:node_count],
            self.upper_links[:upper_count],
            self.norms[:node_count],
            self.entry,
            self.level_max,
        )


def draw_levels(rng: np.random.Generator, count: int, m: int) -> Int32s:
    """(count,) levels, each above the ground with a probability of 1 / m per level."""
    drawn = np.floor(-np.log(1.0 - rng.random(count)) / math.log(m))
    return np.minimum(drawn, _LEVEL_MAX).astype(np.int32)


def open_graph(levels: Int32s, offsets: Offsets, norms: Float32s, m: int) -> OpenGraph:
    """A graph with room for nodes of these levels, none of them inserted."""
    ends = np.cumsum(levels)
    return OpenGraph(
        links=np.full((levels.size, 2 * m), -1, dtype=np.int32),
        levels=levels,
        upper_rows=np.where(levels > 0, ends - levels, -1).astype(np.int32),
        upper_links=np.full((int(levels.sum()), m), -1, dtype=np.int32),
        offsets=offsets,
        norms=norms,
        linked=np.zeros(levels.size, dtype=np.uint8),
        diverse=np.zeros(levels.size, dtype=np.uint8),
        reserve_keys=np.zeros((levels.size, 2 * m), dtype=np.float32),
    )


def batches(count: int, last_count: int) -> list[tuple[int, int]]:
    """(begin, end) of batches that cover `count` nodes, with a boundary before the last `last_count`."""
    boundary = count - last_count
    starts = [*range(0, boundary, BATCH_NODES), *range(boundary, count, BATCH_NODES)]
    ends = [*starts[1:], count]
    return list(zip(starts, ends))


class Inserter:
    """Puts nodes into one open graph over (n, d) vectors. Use it in a `with` block: it may own threads.

    Args:
        ef_construction: candidates kept while links are sought.
        slack, tie: see `vecengine.kernels_types.Pruning`.
        threads: share the work of a batch.
    """

    def __init__(
        self,
        compiled: KernelSet,
        metric: Metric,
        ef_construction: int,
        *,
        slack: float = 1.0,
        tie: float = 0.0,
        threads: int = 1,
    ) -> None:
        self._compiled = compiled
        self._metric = metric
        self._ef = ef_construction
        self._pruning = (slack, tie)
        self._threads = max(1, threads)
        self._pool = build_threads(self._threads, "quiver-graph") if self._threads > 1 else None

    def __enter__(self) -> Inserter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def insert(
        self, graph: OpenGraph, vectors: Vectors, nodes: Int32s, cancel: CancelWord | None = None
    ) -> None:
        """Insert at most `BATCH_NODES` nodes in order. The graph is spoilt when this raises.

        Raises:
            QueryCanceled: 57014.
        """
        rows = graph.offsets[nodes] if graph.offsets.size else nodes
        levels = graph.levels[nodes]
        queries = queries_from(vectors[rows])
        width = graph.links.shape[1]
        chosen = np.full((nodes.size, int(levels.max()) + 1, width), -1, dtype=np.int32)
        growth = (
            nodes,
            levels,
            queries,
            chosen,
            np.zeros(nodes.size, dtype=np.int32),
            np.zeros((nodes.size, width), dtype=np.float32),
            graph.entry,
            graph.level_max,
            self._ef,
        )
        call = _Call(self._metric, vectors, graph, self._ef, self._pruning)
        word = NO_CANCEL if cancel is None else cancel
        part_count = 1 if self._pool is None else PARTS_PER_THREAD * self._threads
        bounds = np.linspace(0, nodes.size, part_count + 1).astype(int).tolist()
        self._run(call, self._compiled.choose_links, growth, list(pairwise(bounds)), word)
        parts = [(part, part_count) for part in range(part_count)]
        self._run(call, self._compiled.link_back, growth, parts, word)
        highest = int(np.argmax(levels))
        if graph.entry < 0 or levels[highest] > graph.level_max:
            graph.entry, graph.level_max = int(nodes[highest]), int(levels[highest])

    def _run(
        self,
        call: _Call,
        kernel: Kernel,
        growth: tuple[object, ...],
        ranges: list[tuple[int, int]],
        cancel: CancelWord,
    ) -> None:
        def run(bounds: tuple[int, int]) -> int:
            return call(lambda *lent: kernel(*call.target, growth, *lent, *bounds, cancel))

        statuses = [run(ranges[0])] if self._pool is None else list(self._pool.map(run, ranges))
        raise_for_status(max(statuses), cancel)

    def carry(
        self,
        graph: OpenGraph,
        vectors: Vectors,
        old: GraphArrays,
        renamed: Names,
        cancel: CancelWord | None = None,
    ) -> None:
        """Write an old graph's links into an open graph that has none yet; its highest living node is the entry.

        Nodes that are gone are bridged: who led to one leads to the best of what it led to.

        Raises:
            QueryCanceled: 57014.
        """
        levels = old.levels()
        bundle = (
            old.links,
            old.upper_rows,
            old.upper_links,
            np.zeros(0, dtype=np.int64),
            old.norms,
            old.entry,
            old.level_max,
        )
        call = _Call(self._metric, vectors, graph, self._ef, self._pruning)
        word = NO_CANCEL if cancel is None else cancel
        bounds = np.linspace(0, levels.size, self._threads + 1).astype(int).tolist()

        def run(begin: int, end: int) -> int:
            return call(
                lambda *lent: self._compiled.carry_links(
                    *call.target, bundle, levels, old.linked, renamed, *lent, begin, end, word
                )
            )

        pairs = (bounds[:-1], bounds[1:])
        statuses = list(map(run, *pairs) if self._pool is None else self._pool.map(run, *pairs))
        raise_for_status(max(statuses), word)
        alive = np.flatnonzero(renamed >= 0)
        if alive.size:
            entry = old.entry if renamed[old.entry] >= 0 else int(alive[np.argmax(levels[alive])])
            graph.entry, graph.level_max = int(renamed[entry]), int(levels[entry])


class _Call:
    """The leading arguments of an insertion kernel, and the working memory of the thread that calls it."""

    def __init__(
        self, metric: Metric, vectors: Vectors, graph: OpenGraph, ef: int, pruning: tuple[float, float]
    ) -> None:
        self.target = (kernel_space(metric, vectors), graph.bundle(), graph.parts())
        self._nodes = graph.capacity
        self._width = graph.links.shape[1]
        self._query_words = query_words(vectors)
        self._ef = ef
        self._pruning = pruning

    def __call__(self, kernel: Callable[..., int]) -> int:
        width = self._width
        candidates = 4 * width + 1
        pruning = (
            np.empty(candidates, dtype=np.float64),
            np.empty(candidates, dtype=np.int64),
            np.empty((width + 1, self._query_words), dtype=np.float32),
            *self._pruning,
        )
        return kernel(pruning, lend_scratch(self._nodes, self._ef, width * (width + 2)))
