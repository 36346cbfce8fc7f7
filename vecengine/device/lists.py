"""Which lists each query of a batch visits: centroids weighed on the device, lists counted as the kernels of the CPU count them.

A list is visited while those before it, nearest centroid first, held too few: fewer than asked for with an allowed row, fewer rows than as many lists of
mean size, or fewer allowed rows than the answer takes (`vecengine.kernels_lists`). Each of these counts only grows, so the visited lists are the
first few of the ranking, and running sums over it say how many. Where centroids are as far as each other to the last digits, the order may be
another one than the CPU's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.device.bounds import BoundedKeys, RowTile
from vecengine.device.places import Device
from vecengine.device.request import Request
from vecengine.device.rows import Chosen
from vecengine.device.tiles import Stretch
from vecengine.exact import Offsets
from vecengine.ivf.centroids import ranking_metric
from vecengine.ivf.lists import ListArrays
from vecengine.metrics import Float32s, Metric

if TYPE_CHECKING:
    import torch

_PAIR_BYTES = 64
"""Of a query and a list while their ranking is made."""


@dataclass(frozen=True)
class Visit:
    """How far a query goes: at least `probes` lists that hold an allowed row, `rows_least` rows and k allowed ones."""

    k: int
    probes: int
    rows_least: int


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The centroids of lists on a device.

    Attributes:
        keys: of the metric that ranks lists, without bounds.
        centroids: less `origin`.
        origin: (d,) float32, the mean of the finite centroids under l2, else zeros: far from it a difference of squares would have no digits left.
    """

    device: Device
    keys: BoundedKeys
    centroids: RowTile
    origin: Float32s

    @classmethod
    def of(cls, device: Device, metric: Metric, lists: ListArrays) -> RankedLists:
        """A copy of the centroids, which are numbers."""
        assert isinstance(lists.centroids, np.ndarray)
        keys = BoundedKeys(device.module, ranking_metric(metric), 0.0)
        origin = np.zeros(lists.centroids.shape[1], dtype=np.float32)
        if keys.metric is Metric.L2:
            # Rows that are not finite may have centroids of their own, which any query is as far from.
            finite = lists.centroids[np.isfinite(lists.centroids).all(axis=1)]
            origin = (finite.sum(axis=0, dtype=np.float64) / max(1, len(finite))).astype(np.float32)
        with np.errstate(over="ignore"):
            numbers = device.tensor(lists.centroids - origin)
        wide = numbers.double()
        return cls(device, keys, RowTile(numbers, (wide * wide).sum(dim=1)), origin)

    @property
    def list_count(self) -> int:
        return int(self.centroids.squares.shape[0])

    @property
    def size_bytes(self) -> int:
        return int(self.centroids.numbers.numel() * 4 + self.centroids.squares.numel() * 8)

    def centre_keys(
        self, queries: Float32s, budget_bytes: int, cancel: CancelWord | None
    ) -> Iterator[torch.Tensor]:
        """(n, l) float32 keys of all centroids, for as many of the (nq, d) queries at a time as the budget allows.

        Raises:
            QueryCanceled: 57014.
        """
        step = max(1, budget_bytes // (_PAIR_BYTES * self.list_count))
        for begin in range(0, queries.shape[0], step):
            check_cancel(cancel)
            part = queries[begin : begin + step] - self.origin
            yield self.keys.keys(self.centroids, self.keys.asked(self.device, part))

    def visited(
        self,
        queries: Float32s,
        visit: Visit,
        counts: tuple[Offsets, Offsets],
        budget_bytes: int,
        cancel: CancelWord | None,
    ) -> npt.NDArray[np.bool_]:
        """(nq, l) the lists that each query visits.

        Args:
            counts: (l,) rows of each list, and (l,) allowed ones.
        """
        sizes, allowed = (self.device.tensor(count) for count in counts)
        parts = [np.zeros((0, self.list_count), dtype=np.bool_)]
        for keys in self.centre_keys(queries, budget_bytes, cancel):
            order = keys.argsort(dim=1, stable=True)
            found = allowed[order]
            has_rows = (found > 0).long()
            probed, rows, rest = has_rows, has_rows * sizes[order], found
            # What lists before this one hold: sums without it.
            before = [count.cumsum(dim=1) - count for count in (probed, rows, rest)]
            goes_on = (before[0] < visit.probes) | (before[1] < visit.rows_least) | (before[2] < visit.k)
            is_visited = goes_on.new_empty(goes_on.shape).scatter_(1, order, goes_on)
            parts.append(is_visited.cpu().numpy())
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class RankedCopy:
    """Of an index of lists the centroids alone: the device weighs them for a batch, and the lists are searched on the CPU."""

    device: Device
    ranked: RankedLists

    @property
    def size_bytes(self) -> int:
        """Bytes of the device's memory that it holds."""
        return self.ranked.size_bytes

    def centre_keys(self, request: Request) -> Float32s:
        """(nq, l) float32, as `ListIndex.search_ranked` takes them.

        Raises:
            QueryCanceled: 57014.
        """
        parts = self.ranked.centre_keys(request.queries, request.budget_bytes, request.cancel)
        none = np.zeros((0, self.ranked.list_count), dtype=np.float32)
        return np.concatenate([none, *(keys.cpu().numpy() for keys in parts)])


def stretches_of(device: Device, chosen: Chosen, is_visited: npt.NDArray[np.bool_]) -> list[Stretch]:
    """A stretch for each list that some of the (nq, l) visits meet and that has chosen rows."""
    lists, queries = np.nonzero(is_visited.T)
    limits = np.searchsorted(lists, np.arange(is_visited.shape[1] + 1))
    numbers = device.tensor(queries)
    return [
        Stretch(int(chosen.starts[number]), int(chosen.starts[number + 1]), numbers[limits[number] : limits[number + 1]])
        for number in np.flatnonzero((np.diff(limits) > 0) & (np.diff(chosen.starts) > 0)).tolist()
    ]  # fmt: skip
