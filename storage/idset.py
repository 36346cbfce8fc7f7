"""A set of 64-bit ids that is fast for one id and for a hundred thousand.

Single ids go to a Python set, which is the cheapest look-up there is; what is more than a few goes to sorted runs
whose sizes fall geometrically, so adding n ids one batch at a time sorts each of them O(log n) times and a look-up
visits O(log n) runs. Ids are added once: callers ask `contains` first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

_BATCH_FEW_MAX = 8
_FEW_MAX = 512


class IdSet:
    """Not thread-safe."""

    __slots__ = ("_few", "_runs")

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._runs: list[Ids] = []

    def __bool__(self) -> bool:
        return bool(self._few or self._runs)

    def add(self, ids: Ids) -> None:
        """Add (n,) ids that are not in the set, without repetition."""
        if len(ids) > _BATCH_FEW_MAX:
            self._add_run(np.sort(ids))
            return
        self._few.update(ids.tolist())
        if len(self._few) > _FEW_MAX:
            self._add_run(np.sort(_array(self._few)))
            self._few = set()

    def _add_run(self, run: Ids) -> None:
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        self._runs.append(run)

    def remove(self, ids: Ids) -> None:
        self._few.difference_update(ids.tolist() if len(ids) <= _FEW_MAX else set(ids.tolist()))
        runs = [np.setdiff1d(run, ids, assume_unique=True) for run in self._runs]
        self._runs = [run for run in runs if len(run)]

    def has(self, one: int) -> bool:
        if one in self._few:
            return True
        for run in self._runs:
            position = int(np.searchsorted(run, np.uint64(one)))
            if position < len(run) and int(run[position]) == one:
                return True
        return False

    def contains(self, ids: Ids) -> Mask:
        """(n,) bool for (n,) ids."""
        if len(ids) <= _BATCH_FEW_MAX:
            return np.array([self.has(one) for one in ids.tolist()], dtype=np.bool_)
        mask = np.isin(ids, _array(self._few)) if self._few else np.zeros(len(ids), dtype=np.bool_)
        for run in self._runs:
            positions = np.minimum(np.searchsorted(run, ids), len(run) - 1)
            mask |= run[positions] == ids
        return mask

    def ids(self) -> Ids:
        """All ids, in no order."""
        return np.concatenate([_array(self._few), *self._runs])


def _array(ids: set[int]) -> Ids:
    return np.fromiter(ids, dtype=np.uint64, count=len(ids))
