"""The contract of an index family: what every built index offers, and what it reports about a search."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries
from vecengine.metrics import Float32s, Float64s, Vectors
from vecengine.ranges import RangeAnswer

EXACT = "exact"
GRAPH = "graph"
FILTERED_GRAPH = "filtered_graph"
LISTS = "lists"
FILTERED_LISTS = "filtered_lists"
CODES = "codes"
FILTERED_CODES = "filtered_codes"

Progress = Callable[[int, int], None]
"""Called during a build with (rows done, rows in total)."""

Buffers = dict[str, npt.NDArray[np.generic]]
"""An index as named 1-D and 2-D arrays, one of them `metadata`; never the raw vectors."""


@dataclass(frozen=True)
class StrategyEstimate:
    """What one way of searching would take.

    Attributes:
        strategy: "exact" (scan the allowed rows), "graph", "filtered_graph", "lists", "filtered_lists", or "codes" or
            "filtered_codes" (scan the codes of the allowed rows).
        ef_search: the beam, or the number of lists, to ask for; 0 for scans.
        cost_distances: expected time, in distances of a sequential scan.
        recall: expected recall, at least the target asked for.
    """

    strategy: str
    ef_search: int
    cost_distances: float
    recall: float


@dataclass
class SearchStats:
    """Filled by a search that is given one; counts add up over the queries of the call.

    Attributes:
        strategy: what ran in the end; "exact" when the scan was cheaper than the beam or the lists asked for.
        ef_search: the beam used, at least k, or the lists asked for; 0 for scans.
        allowed_count: rows of the index that were allowed.
        distances: distances computed.
        expansions: nodes whose links were followed, or lists visited.
        reranked: rows found by codes whose distance was computed from the vector.
        pages: pages of 4 KiB of links and vectors that were touched; counted where they may have to be read from disk.
        completed_exactly: queries whose answer came too short from the graph and was redone by a scan.
    """

    strategy: str = ""
    ef_search: int = 0
    allowed_count: int = 0
    distances: int = 0
    expansions: int = 0
    reranked: int = 0
    pages: int = 0
    completed_exactly: int = 0


@dataclass(frozen=True)
class IndexStatistics:
    """What an index is made of.

    Attributes:
        rows: rows it covers.
        buffer_bytes: size of each of its buffers.
        build_seconds: how long it took to build or extend, None when it was loaded: buffers do not depend on the clock.
        numbers: the family's own, for example levels, lists and mean links.
    """

    family: str
    metric: str
    rows: int
    buffer_bytes: Mapping[str, int]
    build_seconds: float | None
    numbers: Mapping[str, float]


class NearestRows(Protocol):
    """The covered and allowed rows of one query, nearest first, batch after batch; for one thread at a time."""

    def next(self, count: int) -> tuple[Float32s, npt.NDArray[np.int64]]:
        """The next rows, as many as asked for or all that are left; in the end each came exactly once.

        Returns:
            (m,) float32 operator values and (m,) int64 row offsets, m <= count, ascending by (distance, offset). A later batch may have a row
            that is nearer than one before, unless the index is exact. Rows whose distance is NaN never come.

        Raises:
            QueryCanceled: 57014; what was not returned comes with the next call.
        """


class VectorIndex(Protocol):
    """An immutable index over some rows of (n, d) vectors, which it refers to and does not own.

    Row offsets and bitsets are those of the array, whatever part of it the index covers. Searches may run on any
    number of threads at once.
    """

    @property
    def family(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def row_count(self) -> int:
        """Rows the index covers: not NULL, inside a partial index's predicate, under cosine not zero."""

    @property
    def vector_rows(self) -> int:
        """Rows of the vectors, covered or not."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the buffers, the vectors not counted."""

    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = 40,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, npt.NDArray[np.int64]]:
        """The k nearest covered and allowed rows of every query; always min(k, allowed and covered) of them.

        Args:
            queries: (nq, d) float32, or bit strings or sparse vectors as the index has.
            k: width of the answer, >= 0.
            allowed_bits: bitset over the rows of the vectors, None for all.
            ef_search: beam of a graph search, counted in allowed rows and raised to k, or number of lists to visit,
                counted where they hold an allowed row. Ignored where a scan is cheaper.
            cancel: (1,) int32 word, polled.
            distance_budget: distances after which to give up, 0 for no limit.
            stats: filled in when given.

        Returns:
            (nq, k) float32 operator values ascending, +inf padded, and (nq, k) int64 row offsets, -1 padded.

        Raises:
            DimensionMismatch: 22000.
            QueryCanceled: 57014.
            DistanceBudgetSpent: 53400.
        """

    def range_search(
        self,
        queries: Queries,
        radius: float,
        *,
        inner: float | None = None,
        allowed_bits: Bitset | None = None,
        ef_search: int | None = None,
        cancel: CancelWord | None = None,
        stats: SearchStats | None = None,
    ) -> RangeAnswer:
        """The covered and allowed rows with inner <= distance < radius of every query.

        An exact index finds all of them. Another one takes rows nearest first until they leave the radius, and may miss some, or scans
        where that is cheaper; what it returns is in range, with exact distances.

        Args:
            queries: (nq, d) float32, or bit strings or sparse vectors as the index has.
            radius: in the operator's values: negative inner products under ip.
            inner: None for no lower bound.
            allowed_bits: bitset over the rows of the vectors, None for all.
            ef_search: beam or lists at least, None for what is expected to reach recall 0.95.
            cancel: (1,) int32 word, polled.
            stats: filled in when given.

        Raises:
            DimensionMismatch: 22000.
            QueryCanceled: 57014.
        """

    def iterate(
        self,
        query: Queries,
        allowed_bits: Bitset | None = None,
        ef_search: int | None = None,
        *,
        cancel: CancelWord | None = None,
        stats: SearchStats | None = None,
    ) -> NearestRows:
        """The covered and allowed rows nearest first: a search that goes on where it stopped.

        Args:
            query: (d,) or (1, d) float32, or one bit string or sparse vector as the index has.
            allowed_bits, ef_search: as of `range_search`.
            cancel: (1,) int32 word, polled while rows are asked for.
            stats: filled in while rows are asked for.

        Raises:
            DimensionMismatch: 22000.
        """

    @property
    def vectors(self) -> Vectors:
        """The (n, d) vectors it refers to."""

    @property
    def has_raw_vectors(self) -> bool:
        """Whether `vectors_at` gives the rows that were indexed: of every index that refers to its vectors."""

    def vectors_at(self, offsets: npt.NDArray[np.int64]) -> Vectors:
        """(m, d) vectors of the rows at (m,) offsets, covered or not.

        Raises:
            ValueError: an offset outside the vectors.
        """

    def distances_to(
        self, queries: Queries, offsets: npt.NDArray[np.int64], *, cancel: CancelWord | None = None
    ) -> Float64s:
        """(nq, m) float64 operator values of the rows at (m,) offsets, covered or not, in any order; NaN where pgvector says NaN.

        Raises:
            DimensionMismatch: 22000.
            ValueError: an offset outside the vectors.
            QueryCanceled: 57014.
        """

    @property
    def statistics(self) -> IndexStatistics:
        """What it is made of."""

    def note_build(self, seconds: float) -> None:
        """Keep for `statistics` how long it took to build; buffers do not have it."""

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        """Every strategy that is expected to reach the recall, cheapest first; "exact" is always among them."""

    def beam_for(self, k: int, target_recall: float) -> int:
        """The least `ef_search` expected to reach the recall without a filter; the largest known if none does."""

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        """Expected recall at k of a search with this `ef_search` that does not scan; 0 where nothing was measured."""

    def covered_bits(self) -> Bitset | None:
        """Bitset over the rows of the vectors that the index covers, None when it covers all."""

    def to_buffers(self) -> Buffers:
        """The index as named arrays that `load_index` takes back together with the vectors."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the buffers to one file, for use without a storage engine; not crash-safe."""
