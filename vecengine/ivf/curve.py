"""What recall a number of probes gives and how many rows it looks at: measured at build, read when a query is planned.

One exact search for rows kept out of the training tells everything: a true neighbour is found with p probes if its list
is among those visited. So recall is known for every number of probes and every k, to the last list, where it is 1
and the scan is complete.

Under a filter that allows a share s of the rows, the k nearest allowed rows are spread over the nearest k / s rows;
recall at k is then that at k / s, if the filter is random. Real ones follow the vectors: asked for 0.97 so, four filters over
the 61,666 embeddings with s from 0.07 to 0.66 gave 0.872 to 0.976. So misses count 1 / sqrt(s) times, at most
three times, under a filter; then they gave 0.968 to 0.991. Recall at k = n, which closes the table, needs no measurement: it is the share of rows in
the probed lists. Recall is kept as mean less one standard error, so that a choice made from few samples errs
towards more probes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vecengine.errors import DamagedIndex
from vecengine.exact import Offsets

RECALL_AT = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_STEPS = 48
_MISSES_SHARE_MIN = 1 / 3
"""Real filters follow the vectors and miss more than random ones: of 1 / sqrt(s) times as many, up to three times."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProbeCurve:
    """Measurements; empty (no probes) for an index too small to measure.

    Attributes:
        probes: (b,) ascending, from 1 to the number of lists.
        recall_at: (c,) ascending k, the last is the number of rows.
        recall: (c, b), never falling along the probes.
        rows: (b,) mean number of rows in the lists visited.
    """

    probes: Floats
    recall_at: Floats
    recall: Floats
    rows: Floats

    @property
    def is_empty(self) -> bool:
        return len(self.probes) == 0

    def probes_for(self, k: int, target_recall: float, selectivity: float = 1.0) -> int | None:
        """The least number of probes expected to reach the recall; None when nothing was measured."""
        if self.is_empty:
            return None
        recall: Floats = self._recall_along_probes(k, selectivity)
        first = min(int(np.searchsorted(recall, target_recall)), recall.size - 1)
        if first == 0:
            return int(self.probes[0])
        share = (target_recall - recall[first - 1]) / max(recall[first] - recall[first - 1], 1e-9)
        between = float(
            self.probes[first - 1] + min(1.0, share) * (self.probes[first] - self.probes[first - 1])
        )
        return math.ceil(between)

    def recall_of(self, probes: int, k: int, selectivity: float = 1.0) -> float:
        """Expected recall at k of a number of probes."""
        return float(np.interp(probes, self.probes, self._recall_along_probes(k, selectivity)))

    def rows_of(self, probes: int) -> float:
        """Expected number of rows in the lists that so many probes visit."""
        return float(np.interp(probes, self.probes, self.rows))

    def _recall_along_probes(self, k: int, selectivity: float) -> Floats:
        """(b,) expected recall, interpolated in the logarithm of k."""
        spread = max(1.0, k / max(selectivity, 1e-9))
        position = float(np.interp(math.log(spread), np.log(self.recall_at), np.arange(self.recall_at.size)))
        low = int(position)
        high = min(low + 1, self.recall_at.size - 1)
        share = position - low
        recall = (1 - share) * self.recall[low] + share * self.recall[high]
        misses = (1.0 - recall) / max(_MISSES_SHARE_MIN, math.sqrt(min(1.0, selectivity)))
        return np.asarray(np.maximum(0.0, 1.0 - misses), dtype=np.float64)

    def with_codes(self, shares: Floats) -> ProbeCurve:
        """The curve where only these shares (c - 1,) of the neighbours in lists are found by codes; of all rows at k = n all are."""
        found = np.append(shares, 1.0)[:, None]
        return replace(self, recall=np.asarray(np.round(self.recall * found, 5), dtype=np.float64))

    def to_json(self) -> dict[str, Any]:
        return {
            "probes": self.probes.tolist(),
            "recall_at": self.recall_at.tolist(),
            "recall": self.recall.tolist(),
            "rows": self.rows.tolist(),
        }


def empty_curve() -> ProbeCurve:
    return ProbeCurve(np.zeros(0), np.zeros(0), np.zeros((0, 0)), np.zeros(0))


def measured_curve(
    list_sizes: npt.NDArray[np.int64],
    list_order: npt.NDArray[np.int64],
    neighbour_lists: Offsets,
) -> ProbeCurve:
    """The curve of what an exact search found.

    Args:
        list_sizes: (l,) rows of each list.
        list_order: (q, l) lists of each query, nearest first.
        neighbour_lists: (q, w) list of each query's true neighbours, nearest first.
    """
    query_count, list_count = list_order.shape
    row_count = int(list_sizes.sum())
    ranks = np.empty_like(list_order)
    np.put_along_axis(ranks, list_order, np.arange(list_count)[None, :], axis=1)
    neighbour_ranks = np.take_along_axis(ranks, neighbour_lists, axis=1)
    width = neighbour_lists.shape[1]
    rows_passed = np.cumsum(list_sizes[list_order], axis=1)
    probes = np.unique(np.round(np.geomspace(1, list_count, _STEPS)).astype(np.int64))
    recall_at = np.asarray([k for k in RECALL_AT if k <= width and k < row_count], dtype=np.int64)
    rows = np.empty(probes.size)
    recall = np.empty((recall_at.size + 1, probes.size))
    for number, count in enumerate(probes.tolist()):
        # As the kernel does: so many lists, and the rows of as many lists of mean size.
        is_short = rows_passed < count * row_count // list_count
        visited = np.minimum(np.maximum(count, is_short.sum(axis=1) + 1), list_count)
        rows[number] = np.take_along_axis(rows_passed, visited[:, None] - 1, axis=1).mean()
        found = np.cumsum(neighbour_ranks < visited[:, None], axis=1)[:, recall_at - 1] / recall_at
        recall[:-1, number] = found.mean(axis=0) - found.std(axis=0) / math.sqrt(query_count)
    recall[-1] = rows / row_count
    # Rounded to what was measured, so that the curve is the same once stored as text.
    return ProbeCurve(
        probes.astype(np.float64),
        np.asarray([*recall_at.tolist(), row_count], dtype=np.float64),
        np.asarray(np.round(np.maximum.accumulate(recall, axis=1), 5), dtype=np.float64),
        np.asarray(np.round(rows, 1), dtype=np.float64),
    )


def curve_from_json(value: Any) -> ProbeCurve:
    """Read what `to_json` gave.

    Raises:
        DamagedIndex: XX002.
    """
    try:
        arrays = {
            name: np.asarray(value[name], dtype=np.float64)
            for name in ("probes", "recall_at", "recall", "rows")
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedIndex("recall curve of the index is not readable") from error
    probes, recall_at = arrays["probes"], arrays["recall_at"]
    if probes.size == 0:
        return empty_curve()
    shapes_fit = probes.ndim == recall_at.ndim == 1 and recall_at.size > 0
    shapes_fit = shapes_fit and arrays["recall"].shape == (recall_at.size, probes.size)
    shapes_fit = shapes_fit and arrays["rows"].shape == probes.shape
    if not shapes_fit or not all(np.isfinite(array).all() for array in arrays.values()):
        raise DamagedIndex("recall curve of the index is malformed")
    ascends = (np.diff(probes) > 0).all() and (np.diff(recall_at) > 0).all()
    if not ascends or probes[0] < 1 or recall_at[0] < 1 or not (arrays["rows"] >= 0).all():
        raise DamagedIndex("recall curve of the index is out of range")
    return ProbeCurve(**arrays)
