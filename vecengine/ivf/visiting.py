"""The rows of lists nearest first: lists are visited one after another, nearest centroid first, as far as rows are asked for.

Rows of visited lists wait in a pool, of which the nearest are taken. Ahead of a batch so many lists are visited that beside it
as many rows wait as `ef_search` lists of mean size have; so a row is passed over only where a search would, too. Knowhere walks its
lists in the same order (src/index/ivf/ivf.cc, `IVFFlatIterator`). Only for lists of whole vectors: the distances are theirs.
"""

from __future__ import annotations

import numpy as np

from vecengine.exact import Offsets, distances_at
from vecengine.index import FILTERED_LISTS, LISTS
from vecengine.ivf.centroids import ranking_metric
from vecengine.ivf.lists import ListArrays
from vecengine.nearest_rows import Batch, ContinuedRows, Pool, Wanted


class VisitedLists(ContinuedRows):
    """See `vecengine.index.NearestRows`.

    Args:
        ef_search: how many lists of mean size are looked at ahead.
    """

    def __init__(self, wanted: Wanted, lists: ListArrays, ef_search: int) -> None:
        super().__init__(wanted)
        self._lists = lists
        self._ef = ef_search
        self._share = wanted.allowed_count / max(1, lists.rows.size)
        self._ahead = int(min(ef_search, lists.list_count) * self._share * lists.rows.size / lists.list_count)
        self._pool = Pool()
        self._order: Offsets | None = None
        self._visited = 0

    def _find(self, count: int) -> Batch | None:
        stats = self._wanted.stats
        stats.strategy = LISTS if self._share == 1.0 else FILTERED_LISTS
        stats.ef_search = self._ef
        order = self._ranked_lists()
        while len(self._pool) < count + self._ahead and self._visited < order.size:
            self._visit(order, count + self._ahead - len(self._pool))
        return self._pool.take(count) if len(self._pool) >= count else None

    def _ranked_lists(self) -> Offsets:
        if self._order is None:
            wanted, centroids = self._wanted, self._lists.centroids
            numbers = np.arange(self._lists.list_count, dtype=np.int64)
            metric = ranking_metric(wanted.metric)
            keys = distances_at(metric, centroids, wanted.query, numbers, wanted.cancel)[0]
            wanted.stats.distances += keys.size
            self._order = np.argsort(keys, kind="stable")
        return self._order

    def _visit(self, order: Offsets, missing: int) -> None:
        """Take in the next lists, as many as probably hold so many allowed rows."""
        starts, bits = self._lists.starts, self._wanted.bits
        rest = order[self._visited :]
        rows_in_all = np.cumsum(starts[rest + 1] - starts[rest])
        chosen = rest[: int(np.searchsorted(rows_in_all, missing / self._share)) + 1]
        rows = np.concatenate([self._lists.rows[starts[number] : starts[number + 1]] for number in chosen])
        if bits is not None:
            rows = rows[(bits[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1 != 0]
        self._pool.add(self._wanted.distances(rows), rows)
        self._visited += chosen.size
        self._wanted.stats.expansions += chosen.size
