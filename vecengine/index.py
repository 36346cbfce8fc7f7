"""The contract of an index family: what every built index offers, and what it reports about a search."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries
from vecengine.metrics import Float32s

EXACT = "exact"
GRAPH = "graph"
FILTERED_GRAPH = "filtered_graph"
LISTS = "lists"
FILTERED_LISTS = "filtered_lists"

Progress = Callable[[int, int], None]
"""Called during a build with (rows done, rows in total)."""

Buffers = dict[str, npt.NDArray[np.generic]]
"""An index as named 1-D and 2-D arrays, one of them `metadata`; never the raw vectors."""


@dataclass(frozen=True)
class StrategyEstimate:
    """What one way of searching would take.

    Attributes:
        strategy: "exact" (scan the allowed rows), "graph", "filtered_graph", "lists" or "filtered_lists".
        ef_search: the beam, or the number of lists, to ask for; 0 for "exact".
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
        ef_search: the beam used, at least k, or the lists asked for; 0 for "exact".
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
