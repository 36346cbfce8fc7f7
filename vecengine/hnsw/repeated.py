"""One search of a graph for many queries, one at a time: what does not depend on the query is decided and bundled once.

A search through `HnswIndex.search` checks its arguments, counts the allowed rows, estimates and pads for each query,
which takes as long as walking a small graph. The answer here is the same, in the same order.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, cancel_error
from vecengine.compiled import kernels
from vecengine.exact import STATUS_CANCELLED, Offsets
from vecengine.graph_index import own_budget
from vecengine.hnsw.search import GraphRequest, run_search
from vecengine.metrics import Float32s, Float64s, distances_from_keys

if TYPE_CHECKING:
    from vecengine.hnsw.index import HnswIndex


class RepeatedSearch:
    """The `width` nearest of the allowed rows by the graph, with a beam.

    It does not keep the index alive: a cache may drop that.

    Attributes:
        expected_distances: of one query.
    """

    def __init__(
        self,
        index: HnswIndex,
        width: int,
        allowed_bits: Bitset | None,
        *,
        allowed_count: int,
        beam: int,
        expected_distances: float,
    ) -> None:
        self._index = weakref.ref(index)
        self._request = (width, beam, allowed_bits)
        self._own_budget = own_budget(allowed_count)
        self._metric = index.metric_kind
        self.expected_distances = expected_distances

    @property
    def is_alive(self) -> bool:
        """Whether somebody still has the index."""
        return self._index() is not None

    def run(
        self, query: Float32s, cancel: CancelWord, distance_budget: int = 0
    ) -> tuple[Float64s, Offsets] | None:
        """The nearest rows of a (1, d) contiguous float32 query, whose dimensions were checked.

        Returns:
            (width,) float64 operator values and (width,) int64 row offsets, ascending by (distance, offset). None where the
            graph does not answer: the budget is spent, rows are missing, the index is gone or kernels are not there.

        Raises:
            QueryCanceled: 57014.
        """
        index, compiled = self._index(), kernels()
        if index is None or compiled is None:
            return None
        width, beam, allowed_bits = self._request
        budget = min(distance_budget, self._own_budget) if distance_budget else self._own_budget
        answer = run_search(
            compiled, index.target, GraphRequest(query, width, beam, allowed_bits, budget), cancel
        )
        if answer.status == STATUS_CANCELLED:
            raise cancel_error(cancel)
        if answer.found[0] != width:
            return None
        distances, offsets = distances_from_keys(self._metric, answer.keys[0]), answer.offsets[0]
        if (distances[1:] == distances[:-1]).any():
            order = np.lexsort((offsets, distances))
            return distances[order], offsets[order]
        return distances, offsets
