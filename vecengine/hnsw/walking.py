"""The rows of a graph nearest first: one walk that goes on where it stopped (`vecengine.kernels_walk`).

A batch of `count` rows is taken from a beam of `ef_search + count`, so it is as good as a search with that beam. Where codes are walked,
the nearest `refined` times `count` by codes are reranked by their vectors, as searches do, and those not taken go back into the beam.

The heaps have room for all nodes, of which the system gives only the pages that are used: 28 bytes a node met.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import NO_BITS, NO_CANCEL, cancel_error
from vecengine.compiled import KernelSet
from vecengine.exact import STATUS_BUDGET_SPENT, STATUS_CANCELLED
from vecengine.hnsw.search import GraphSpace
from vecengine.index import FILTERED_GRAPH, GRAPH
from vecengine.metrics import distances_from_keys
from vecengine.nearest_rows import Batch, ContinuedRows, Wanted

_FOUND, _BEGUN = 1, 3
_BY_CODES = 2
"""Equal to kernels_types.WALK_*, which cannot be imported without numba."""


class WalkedRows(ContinuedRows):
    """See `vecengine.index.NearestRows`.

    Args:
        compiled: kernels.
        ef_search: how many rows beyond those asked for the beam holds.
        allowed_bits: the wanted rows, None where these are all of the graph.
        budget: distances after which the rest is scanned.
    """

    def __init__(
        self,
        wanted: Wanted,
        compiled: KernelSet,
        target: GraphSpace,
        *,
        ef_search: int,
        allowed_bits: Bitset | None,
        budget: int,
    ) -> None:
        super().__init__(wanted)
        self._compiled = compiled
        self._target = target
        self._ef = ef_search
        self._codes = target.codes_for(wanted.query)
        self._request = (wanted.query, NO_BITS if allowed_bits is None else allowed_bits)
        self._budget = budget
        nodes, width = target.graph.node_count, target.graph.links.shape[1]
        words = max(target.query_words, wanted.query.shape[1])
        self._beam = (np.empty(0, dtype=np.float64), np.empty(0, dtype=np.int64))
        self._candidates = (
            np.empty((nodes + 7) >> 3, dtype=np.uint8),
            np.empty(nodes, dtype=np.float64),
            np.empty(nodes, dtype=np.int32),
        )
        self._batch = (
            np.empty(width * (width + 2), dtype=np.int32),
            np.empty(width * (width + 2), dtype=np.float64),
            np.empty((1, words), dtype=np.float32),
        )
        self._counts: npt.NDArray[np.int64] = np.zeros(3, dtype=np.int64)
        self._state: npt.NDArray[np.int64] = np.zeros(4, dtype=np.int64)
        self._walk = (
            np.empty(nodes, dtype=np.float64),
            np.empty(nodes, dtype=np.int64),
            self._state,
            self._counts,
        )

    def _find(self, count: int) -> Batch | None:
        if not self._go_on(self._ef + count) or self._state[_FOUND] < count:
            return None
        return self._take(count)

    def _go_on(self, beam: int) -> bool:
        """Fill the beam; whether the budget lasted.

        Raises:
            QueryCanceled: 57014.
        """
        wanted = self._wanted
        missing = beam - self._beam[1].size
        if missing > 0:
            keys, rows = self._beam
            self._beam = np.append(keys, np.empty(missing)), np.append(rows, np.empty(missing, np.int64))
        before = self._counts.copy()
        cancel = NO_CANCEL if wanted.cancel is None else wanted.cancel
        status = self._compiled.walk_graph(
            self._target.space,
            self._target.bundle,
            self._codes,
            (*self._request, beam, self._budget),
            (*self._candidates, *self._beam, *self._batch),
            self._walk,
            cancel,
        )
        distances, expansions, _ = (self._counts - before).tolist()
        wanted.stats.distances += distances
        wanted.stats.expansions += expansions
        wanted.stats.strategy = FILTERED_GRAPH if self._request[1].size else GRAPH
        wanted.stats.ef_search = beam
        if status == STATUS_CANCELLED:
            raise cancel_error(cancel)
        return status != STATUS_BUDGET_SPENT

    def _take(self, count: int) -> Batch | None:
        """The nearest of the beam; None when too few of them have an order."""
        found = int(self._state[_FOUND])
        keys, rows = self._beam[0][:found], self._beam[1][:found]
        order = np.lexsort((rows, keys))
        is_coded = self._state[_BEGUN] == _BY_CODES
        near = order[: count * self._target.refined] if is_coded else order[:count]
        offsets = rows[near]
        if is_coded:
            distances = self._wanted.distances(offsets)
            self._wanted.stats.reranked += near.size
            if np.isnan(distances).any():
                return None
        else:
            distances = distances_from_keys(self._wanted.metric, keys[near])
        # Roots of different keys may be equal.
        taken = np.lexsort((offsets, distances))[:count]
        batch = distances[taken], offsets[taken]
        # Descending, which is a max-heap.
        kept = np.concatenate([order[near.size :][::-1], np.delete(near, taken)[::-1]])
        keys[: kept.size], rows[: kept.size] = keys[kept], rows[kept]
        self._state[_FOUND] = kept.size
        return batch
