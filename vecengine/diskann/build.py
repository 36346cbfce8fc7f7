"""Builds a `diskann` index from nothing, or from an index over some of the rows.

The graph is Vamana's (Subramanya et al., "DiskANN", NeurIPS 2019): one level, entered at the row nearest to the mean, its
lists chosen with alpha. Rows are inserted one after another by `vecengine.hnsw.insertion`, which gives the same graph whatever the
number of threads. They are compared by codes of 8 bits, made for the build only; where these, the lists and
their working memory pass `build_memory_mb`, rows are linked in overlapping parts (`vecengine.diskann.shards`). The last rows to go
in measure the recall curve, by the product codes that searches will use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from vecengine.arrays import check_cancel
from vecengine.codes import Codebook, centred_numbers, code_bytes, train_codebook
from vecengine.codes_product import train_product
from vecengine.compiled import KernelSet, await_kernels
from vecengine.coverage import Coverage, Offsets, choose_rows, square_norms
from vecengine.diskann.index import CODE_BITS, DiskannIndex, WalkedNodes, walked_distance_cost
from vecengine.diskann.parameters import DiskannParameters
from vecengine.diskann.search import LinkedNodes, PagedSpace, RowCodes
from vecengine.diskann.shards import COPIES, Shards, divide, join_lists
from vecengine.element_types import Numbers
from vecengine.family import LOADING, TRAINING, BuildHooks
from vecengine.hnsw.calibrate import ROWS_MIN, Walked, held_out_count, measure_curve
from vecengine.hnsw.curve import RecallCurve, empty_curve
from vecengine.hnsw.graph import GraphArrays, Int32s
from vecengine.hnsw.insertion import Inserter, Names, OpenGraph, batches
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.stored_vectors import StoredVectors

DEAD_SHARE_MAX = 0.2
"""With more of its nodes gone a graph is built anew."""

_NEW_SHARE_MAX = 0.5
"""With more of its rows new, too: the book of its codes knows less than half of them."""

_SEED = 20191208
_CURVE_ROWS_MIN = 64
_SAMPLE_ROWS = 4096
_FIRST_NODES = 32
_JOINED_ROWS = 4096
_WORDS = 1 << CODE_BITS
_TRAINED_BYTES = 16
"""For each number that trains product codes: the numbers, centred, and what they are before."""

_TIE = 1e-6
"""Of the mean square of the rows: codes of equal rows differ by so little, being sums of float32 numbers."""


def build_diskann(
    vectors: Vectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: DiskannParameters,
    hooks: BuildHooks,
) -> DiskannIndex:
    """Build graph and codes and measure the recall curve. Without kernels there is no graph, and every search is a scan.

    Raises:
        QueryCanceled: 57014.
    """
    assert not isinstance(vectors, StoredVectors)
    compiled = await_kernels(hooks.cancel)
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    codes = None
    if compiled is not None and coverage.row_count >= ROWS_MIN:
        hooks.begin(TRAINING)
        codes = _encode(vectors, metric, coverage, parameters, hooks)
    if compiled is None or codes is None:
        hooks.begin(LOADING)
        return DiskannIndex(vectors, metric, coverage, parameters, None, curve=empty_curve())
    return _Building(compiled, vectors, metric, coverage, parameters, hooks, codes).build()


def extend_diskann(
    source: DiskannIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> DiskannIndex:
    """An index over `vectors`, of which `source` covers some already; see `vecengine.extend_index`.

    Raises:
        QueryCanceled: 57014.
    """
    assert not isinstance(vectors, StoredVectors)
    metric, parameters = source.metric_kind, source.parameters
    compiled = await_kernels(hooks.cancel)
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    node_of = np.full(vectors.shape[0] + 1, -1, dtype=np.int32)
    node_of[coverage.row_offsets()] = np.arange(coverage.row_count, dtype=np.int32)
    renamed: Names = node_of[moved_to[source.coverage.row_offsets()]]
    alive = np.count_nonzero(renamed >= 0)
    if (
        compiled is None
        or source.walked is None
        or alive < (1 - DEAD_SHARE_MAX) * renamed.size
        or alive < (1 - _NEW_SHARE_MAX) * coverage.row_count
    ):
        return build_diskann(vectors, metric, offsets, parameters, hooks)
    codes = _carry_codes(source.walked.codes, renamed, vectors, coverage, hooks)
    building = _Building(compiled, vectors, metric, coverage, parameters, hooks, codes)
    return building.extend(source.walked.nodes, renamed, source.curve)


def _encode(
    vectors: Numbers, metric: Metric, coverage: Coverage, parameters: DiskannParameters, hooks: BuildHooks
) -> RowCodes | None:
    """Product codes of the covered rows; None where their numbers have none."""
    rows = coverage.row_offsets()
    shape = (parameters.pieces(vectors.shape[1]), CODE_BITS)
    sample_max = max(_WORDS, parameters.build_bytes // (_TRAINED_BYTES * vectors.shape[1]))
    drawn = np.random.default_rng(_SEED).choice(rows.size, min(rows.size, sample_max), replace=False)
    book = train_product(metric, vectors, rows[np.sort(drawn)], shape, cancel=hooks.cancel)
    if book is None:
        return None
    covered = None if coverage.bits is None else rows
    return RowCodes(book, book.encode(vectors, covered, threads=hooks.threads, cancel=hooks.cancel))


def _carry_codes(
    source: RowCodes, renamed: Names, vectors: Numbers, coverage: Coverage, hooks: BuildHooks
) -> RowCodes:
    """The codes of rows that stay, and those of the others by the same book."""
    rows, alive = coverage.row_offsets(), renamed >= 0
    is_missing = np.ones(rows.size, dtype=np.bool_)
    is_missing[renamed[alive]] = False
    encode = partial(source.book.encode, vectors, threads=hooks.threads, cancel=hooks.cancel)
    data = np.empty((rows.size, source.vectors.row_bytes), dtype=np.uint8)
    data[renamed[alive]] = source.vectors.bytes()[alive]
    data[is_missing] = encode(rows[is_missing]).bytes()
    return RowCodes(source.book, type(source.vectors)(data, source.vectors.shape[1], source.vectors.bits))


@dataclass(frozen=True)
class _Linked:
    """Open lists of some rows, and what the rows are compared by while they are linked."""

    graph: OpenGraph
    vectors: Vectors


@dataclass
class _Building:
    """One build: the rows, how to link them, and who may stop it."""

    compiled: KernelSet
    vectors: Numbers
    metric: Metric
    coverage: Coverage
    parameters: DiskannParameters
    hooks: BuildHooks
    codes: RowCodes
    tie: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(_SEED))

    def build(self) -> DiskannIndex:
        """Link all rows."""
        self.hooks.begin(LOADING)
        count = self.coverage.row_count
        book = train_codebook(self.metric, self.vectors, self.coverage.row_offsets(), self.hooks.cancel)
        order = self.rng.permutation(count).astype(np.int32)
        first = self._first_nodes()
        order = np.concatenate([first, order[~np.isin(order, first)]])
        held_out = held_out_count(count)
        early, late = order[:-held_out], order[-held_out:]
        rows_max = self._rows_max(book)
        if count <= rows_max:
            linked = self._open(np.arange(count), book)
            with self._inserter() as inserter:
                self._insert(inserter, linked, early, 0)
        else:
            linked = self._open(np.arange(count), None)
            self._link_parts(linked.graph, early, book, rows_max)
            linked.graph.entry = int(first[0])
        return self._finish(linked, late, None)

    def extend(self, source: LinkedNodes, renamed: Names, curve: RecallCurve) -> DiskannIndex:
        """Carry the source's links over, insert the other rows."""
        self.hooks.begin(LOADING)
        count = self.coverage.row_count
        book = train_codebook(self.metric, self.vectors, self.coverage.row_offsets(), self.hooks.cancel)
        if count > self._rows_max(book):
            return self.build()
        self._sample()
        linked = self._open(np.arange(count), book)
        is_missing = np.ones(count, dtype=np.bool_)
        is_missing[renamed[renamed >= 0]] = False
        order = self.rng.permutation(np.flatnonzero(is_missing)).astype(np.int32)
        held_out = min(held_out_count(count), order.size // 4)
        held_out = held_out if held_out >= _CURVE_ROWS_MIN else 0
        with self._inserter() as inserter:
            inserter.carry(linked.graph, linked.vectors, _old_graph(source), renamed, self.hooks.cancel)
            self._insert(inserter, linked, order[: order.size - held_out], count - order.size)
        return self._finish(linked, order[order.size - held_out :], curve)

    def _finish(self, linked: _Linked, late: Int32s, curve: RecallCurve | None) -> DiskannIndex:
        """Measure the graph with the rows that it lacks, unless there is a curve for want of them, and insert these."""
        if late.size or curve is None:
            curve = self._measure(linked.graph, late)
        with self._inserter() as inserter:
            self._insert(inserter, linked, late, self.coverage.row_count - late.size)
        walked = WalkedNodes(_linked_nodes(linked.graph), self.codes)
        return DiskannIndex(self.vectors, self.metric, self.coverage, self.parameters, walked, curve=curve)

    def _rows_max(self, book: Codebook | None) -> int:
        """How many rows can be linked at a time."""
        lists = 8 * self.parameters.max_degree + 2
        codes = 0 if book is None else code_bytes(self.vectors.shape[1])
        return self.parameters.build_bytes // (lists + codes)

    def _sample(self) -> tuple[Int32s, Float32s]:
        """Some nodes, ascending, and their (s, d) rows as the metric compares them. They tell what `tie` is."""
        count = self.coverage.row_count
        wanted = min(
            count, _SAMPLE_ROWS, self.parameters.build_bytes // (_TRAINED_BYTES * self.vectors.shape[1])
        )
        nodes = np.sort(self.rng.choice(count, max(1, wanted), replace=False)).astype(np.int32)
        with np.errstate(all="ignore"):
            zero = np.zeros(self.vectors.shape[1], dtype=np.float32)
            rows = centred_numbers(self.metric, self.vectors[self.coverage.row_offsets()[nodes]], zero)
            np.nan_to_num(rows, copy=False, posinf=0.0, neginf=0.0)
            squares = _squares_to(rows, zero if self.metric is Metric.IP else rows.mean(axis=0))
        self.tie = _TIE * float(np.minimum(squares, np.finfo(np.float32).max).mean(dtype=np.float64))
        return nodes, rows

    def _first_nodes(self) -> Int32s:
        """The node nearest to the mean, among a sample, then others of it that are each farthest from those before (Gonzalez 1985).

        Linked first, among themselves, they lead from where walks begin to every region: a beam of equal rows, for one, leads nowhere.
        """
        nodes, rows = self._sample()
        with np.errstate(all="ignore"):
            chosen = [int(np.argmin(_squares_to(rows, rows.mean(axis=0))))]
            gaps = _squares_to(rows, rows[chosen[0]])
            while len(chosen) < min(_FIRST_NODES, nodes.size):
                gaps = np.minimum(gaps, _squares_to(rows, rows[chosen[-1]]))
                farthest = int(np.argmax(gaps))
                if not gaps[farthest] > 0:
                    break
                chosen.append(farthest)
        return nodes[chosen]

    def _open(self, nodes: Offsets, book: Codebook | None) -> _Linked:
        """Empty lists for some nodes, to be linked by codes of the book, without one by the vectors."""
        degree = self.parameters.max_degree
        rows = self.coverage.row_offsets()[nodes]
        norms: Float32s = np.zeros(0, dtype=np.float32)
        vectors: Vectors = self.vectors
        if book is not None:
            vectors = book.encode(self.vectors, rows, self.hooks.cancel)
        elif self.metric is Metric.COSINE:
            norms = square_norms(self.vectors, self.hooks.cancel)[rows]
        graph = OpenGraph(
            links=np.full((rows.size, degree), -1, dtype=np.int32),
            levels=np.zeros(rows.size, dtype=np.int32),
            upper_rows=np.full(rows.size, -1, dtype=np.int32),
            upper_links=np.zeros((0, 1), dtype=np.int32),
            offsets=rows if book is None else rows[:0],
            norms=norms,
            linked=np.zeros(rows.size, dtype=np.uint8),
            diverse=np.zeros(rows.size, dtype=np.uint8),
            reserve_keys=np.zeros((rows.size, degree), dtype=np.float32),
        )
        return _Linked(graph, vectors)

    def _inserter(self) -> Inserter:
        return Inserter(
            self.compiled,
            self.metric,
            self.parameters.search_list_size,
            slack=self.parameters.slack(self.metric),
            tie=self.tie,
            threads=self.hooks.threads,
        )

    def _insert(self, inserter: Inserter, linked: _Linked, order: Int32s, done: int) -> None:
        """Insert nodes in the order given; `done` rows of all are linked before."""
        for begin, end in batches(order.size, 0):
            check_cancel(self.hooks.cancel)
            inserter.insert(linked.graph, linked.vectors, order[begin:end], self.hooks.cancel)
            self._report(done + end)

    def _report(self, done: int) -> None:
        if self.hooks.progress is not None:
            self.hooks.progress(done, self.coverage.row_count)

    def _link_parts(self, graph: OpenGraph, nodes: Int32s, book: Codebook | None, rows_max: int) -> None:
        """Link the nodes in parts and write their lists to the graph."""
        nodes = np.sort(nodes)
        rows = self.coverage.row_offsets()[nodes]
        shards: Shards = divide(self.metric, self.vectors, rows, rows_max, self.rng, cancel=self.hooks.cancel)
        copies = 0
        for part in range(shards.part_count):
            members = nodes[shards.nodes(part)]
            _join(graph, self._part(members, book, copies), members)
            copies += members.size

    def _part(self, members: Int32s, book: Codebook | None, copies: int) -> OpenGraph:
        """The graph of some nodes alone, after so many others in earlier parts."""
        linked = self._open(members.astype(np.int64), book)
        order = self.rng.permutation(members.size).astype(np.int32)
        with self._inserter() as inserter:
            for begin, end in batches(order.size, 0):
                check_cancel(self.hooks.cancel)
                inserter.insert(linked.graph, linked.vectors, order[begin:end], self.hooks.cancel)
                self._report((copies + end) // COPIES)
        return linked.graph

    def _measure(self, graph: OpenGraph, missing: Int32s) -> RecallCurve:
        """Rows the graph has never seen are the honest queries to measure it with."""
        is_present = np.ones(graph.capacity, dtype=np.bool_)
        is_present[missing] = False
        rows = self.coverage.row_offsets()
        target = PagedSpace(
            self.metric,
            self.vectors,
            self.coverage.offsets,
            _linked_nodes(graph),
            self.codes,
            width=self.parameters.beam_width,
            refine_k=self.parameters.refine_k,
        )
        walked = Walked(
            self.metric,
            partial(target.walk, self.compiled),
            partial(walked_distance_cost, self.parameters, self.vectors.shape[1]),
        )
        return measure_curve(
            walked,
            self.vectors,
            Coverage(self.coverage.vector_rows, rows[is_present]),
            rows[missing],
            threads=self.hooks.threads,
            cancel=self.hooks.cancel,
        )


def _squares_to(rows: Float32s, point: Float32s) -> Float32s:
    """(n,) squared distances of (n, d) rows, infinite beyond float32."""
    gaps = rows - point
    squares: Float32s = np.einsum("ij,ij->i", gaps, gaps)
    return squares


def _linked_nodes(graph: OpenGraph) -> LinkedNodes:
    return LinkedNodes(graph.links, graph.linked, graph.entry)


def _old_graph(nodes: LinkedNodes) -> GraphArrays:
    """A graph as insertion carries it over."""
    return GraphArrays(
        links=nodes.links,
        linked=nodes.linked,
        upper_rows=np.full(len(nodes.links), -1, dtype=np.int32),
        upper_links=np.zeros((0, 1), dtype=np.int32),
        norms=np.zeros(0, dtype=np.float32),
        entry=nodes.entry,
        level_max=0,
    )


def _join(graph: OpenGraph, part: OpenGraph, members: Int32s) -> None:
    """Write a part's lists to those of the whole graph, whose nodes the members are; lists that are there are joined."""
    names = np.append(members, np.int32(-1))
    for begin in range(0, members.size, _JOINED_ROWS):
        block = slice(begin, begin + _JOINED_ROWS)
        nodes = members[block]
        # A place more, so that the -1 at the end of a list stays -1.
        own = names[part.links[block]]
        links, linked = join_lists(graph.links[nodes], graph.linked[nodes], own, part.linked[block])
        graph.links[nodes], graph.linked[nodes] = links, linked
