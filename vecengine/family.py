"""What an index family is to the engine: a name, what it serves, its parameters, and how its indexes are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vecengine.arrays import CancelWord
from vecengine.exact import Offsets
from vecengine.index import EXACT, GRAPH, LISTS, Buffers, Progress, VectorIndex
from vecengine.metrics import METRIC_NAMES, Metric, Vectors
from vecengine.parameters import ParameterInfo
from vecengine.stored_vectors import BitVectors, SparseVectors

if TYPE_CHECKING:
    from vecengine.hnsw.growing import GrowingHnsw

TRAINING = "performing k-means"
ASSIGNING = "assigning tuples"
LOADING = "loading tuples"
"""Phases of a build in pgvector's words (pgvector/pgvector:src/ivfflat.c, `ivfflatbuildphasename`)."""


@dataclass(frozen=True)
class BuildHooks:
    """What a build may use, and whom it tells and asks.

    Attributes:
        threads: threads it may use; the result does not depend on it.
        cancel: (1,) int32 word, polled.
        progress: called with (rows done, rows in total).
        on_phase: called with the name of each phase as it begins.
    """

    threads: int = 1
    cancel: CancelWord | None = None
    progress: Progress | None = None
    on_phase: Callable[[str], None] | None = None

    def begin(self, phase: str) -> None:
        if self.on_phase is not None:
            self.on_phase(phase)


@dataclass(frozen=True)
class Traversal:
    """How an index is searched where its rows are not scanned, and the words of EXPLAIN for it.

    Attributes:
        strategy: what `StrategyEstimate.strategy` calls it where there is no filter.
        word: what it walks; of one without a search parameter, how it scans where that is not exact.
        size: what the search parameter counts.
        visited: what `SearchStats.expansions` counts.
    """

    strategy: str
    word: str
    size: str
    visited: str


SCAN = Traversal(EXACT, "code scan", "Rows", "Rows Visited")
GRAPH_WALK = Traversal(GRAPH, "graph", "Beam", "Nodes Visited")
_TRAVERSALS = {
    "ivfflat.probes": Traversal(LISTS, "lists", "Probes", "Lists Visited"),
    "annoy.search_k": Traversal(GRAPH, "trees", "Search K", "Nodes Visited"),
    "diskann.search_list": Traversal(GRAPH, "graph", "Search List", "Nodes Visited"),
    "sparse_inverted.query_weight": Traversal(LISTS, "lists", "Query Weight", "Lists Visited"),
}
"""By the search parameter, in words of their own where it counts something else than the beam of a graph."""


@dataclass(frozen=True)
class BuildShape:
    """What an index is to be built over: rows of so many dimensions and bytes each."""

    rows: int
    dimensions: int
    row_bytes: int


def _all_fit(_checked: Mapping[str, int]) -> None:
    """Parameters that are good one by one go together."""


def _half_of_the_vectors(shape: BuildShape, _checked: Mapping[str, int]) -> int:
    """Codes take less than half of what they stand for; the rest is row offsets and other structure."""
    return shape.rows * (shape.row_bytes // 2 + 64)


def _none_is_little(_checked: Mapping[str, int]) -> int:
    """Any number of rows will do."""
    return 0


def _is_one(_checked: Mapping[str, int]) -> None:
    """Whatever its parameters, a family is the same."""


@dataclass(frozen=True)
class Family:
    """One index family. Its functions are given what was checked: vectors, parameters within their bounds, a metric it serves.

    Attributes:
        name: as in `USING name`.
        description: one sentence.
        numbers, bits, sparse: the metrics it serves of arrays of numbers, of bit strings and of sparse vectors.
        parameters: its build parameters.
        search_parameter: the setting that is its beam or number of lists, None when it has none.
        build: an index over the rows of vectors at some offsets (None: all).
        extend: an index over vectors of which a source covers some, given where each row of the source's is among them
            (-1: gone) and the offsets to cover; see `vecengine.extend_index`.
        load: an index from its buffers and vectors. Raises DamagedIndex (XX002).
        check: raises BuildParameterError (22023) where parameters do not go together.
        rank: of several indexes that could serve a search, one of the family with the greatest rank does.
        rows_min: fewer rows are scanned as fast without an index; None where no index is worth keeping.
        build_bytes: an upper estimate of the memory that a build takes, the vectors not counted.
        little_data_rows: with fewer rows an index has low recall, and who makes it is told so.
        variant: another record for who plans searches and keeps indexes, where these build parameters ask for that; see `of`.
        growing: an empty index of a metric and build parameters that rows in memory are added to; None where the
            family has no such form.
    """

    name: str
    description: str
    parameters: tuple[ParameterInfo, ...]
    search_parameter: str | None
    build: Callable[[Vectors, Metric, Offsets | None, Mapping[str, int], BuildHooks], VectorIndex]
    extend: Callable[[VectorIndex, Offsets, Vectors, Offsets | None, BuildHooks], VectorIndex]
    load: Callable[[Buffers, Vectors], VectorIndex]
    check: Callable[[Mapping[str, int]], object] = _all_fit
    numbers: tuple[Metric, ...] = ()
    bits: tuple[Metric, ...] = ()
    sparse: tuple[Metric, ...] = ()
    rank: int = 1
    rows_min: int | None = 1000
    build_bytes: Callable[[BuildShape, Mapping[str, int]], int] = _half_of_the_vectors
    little_data_rows: Callable[[Mapping[str, int]], int] = _none_is_little
    variant: Callable[[Mapping[str, int]], Family | None] = _is_one
    growing: Callable[[str, Mapping[str, str | int]], GrowingHnsw] | None = None

    def of(self, checked: Mapping[str, int]) -> Family:
        """The family as an index of these build parameters has it: rank and least rows may depend on them."""
        return self.variant(checked) or self

    @property
    def traversal(self) -> Traversal:
        """How an index of the family is searched."""
        if self.search_parameter is None:
            return SCAN
        return _TRAVERSALS.get(self.search_parameter, GRAPH_WALK)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it serves, of vectors of one kind or another, in the order of the metric table."""
        served = {metric.name.lower() for metric in (*self.numbers, *self.bits, *self.sparse)}
        return tuple(name for name in METRIC_NAMES if name in served)

    def metrics_of(self, kind: type[Vectors]) -> tuple[str, ...]:
        """The metrics it serves of arrays of numbers, of `BitVectors` or of `SparseVectors`."""
        of_kind = self.numbers
        if issubclass(kind, BitVectors):
            of_kind = self.bits
        elif issubclass(kind, SparseVectors):
            of_kind = self.sparse
        return tuple(metric.name.lower() for metric in of_kind)
