"""What filters cost our graph: beside its own unfiltered search, and beside faiss' flat index without a filter."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.engine.contenders import Contender, Ours
from benchmarks.engine.data_sets import DataSet, K, Offsets
from benchmarks.engine.measure import recall_of
from foundation.bitset import bits_from_mask

SELECTIVITIES = (0.5, 0.1, 0.01, 0.001)
TARGET_RECALL = 0.97
_SECONDS_PER_CELL = 0.4


@dataclass(frozen=True, slots=True)
class Cell:
    """Filtered searches at default parameters: `against_unfiltered` and `against_flat` are ratios of queries a second."""

    filter: str
    selectivity: float
    recall: float
    rate: float
    against_unfiltered: float
    against_flat: float


def masks(data: DataSet) -> dict[str, Callable[[float], Offsets]]:
    """Filters that know nothing of the vectors, and such that pass the rows nearest to one of them."""
    rows = len(data.vectors)
    shuffled = np.random.default_rng(3).permutation(rows)
    by_distance = np.argsort(np.square(data.vectors - data.vectors[0]).sum(axis=1), kind="stable")
    return {
        "random": lambda share: np.sort(shuffled[: max(K, int(rows * share))]),
        "near one row": lambda share: np.sort(by_distance[: max(K, int(rows * share))]),
    }


def filtered_cells(ours: Ours, flat: Contender, data: DataSet, turns: int) -> list[Cell]:
    """Every filter and selectivity, one query a call, in turns with the two it is compared with."""
    cells = []
    index = ours.index
    beam = index.beam_for(K, TARGET_RECALL)
    for name, rows_of in masks(data).items():
        for share in SELECTIVITIES:
            allowed = rows_of(share)
            mask = np.zeros(len(data.vectors), np.bool_)
            mask[allowed] = True
            bits = bits_from_mask(mask)
            best = index.estimate(K, int(allowed.size), TARGET_RECALL)[0]

            def narrow(position: int) -> Offsets:
                query = data.queries[position : position + 1]
                return index.search(query, K, bits, max(best.ef_search, beam))[1]  # noqa: B023

            found = np.concatenate([narrow(position) for position in range(len(data.queries))])
            asked = [
                narrow,
                lambda position: ours.search(data.queries[position : position + 1], beam),
                lambda position: flat.search(data.queries[position : position + 1], 0),
            ]
            rates = [[_rate(search, len(data.queries)) for search in asked] for _ in range(turns)]
            rate, unfiltered, scanned = (statistics.median(turn) for turn in zip(*rates))
            recall = recall_of(found, data.nearest_of(allowed))
            cells.append(Cell(name, share, recall, rate, rate / unfiltered, rate / scanned))
    return cells


def _rate(search: Callable[[int], Offsets], query_count: int) -> float:
    asked = 0
    started = time.perf_counter()
    while time.perf_counter() - started < _SECONDS_PER_CELL:
        search(asked % query_count)
        asked += 1
    return asked / (time.perf_counter() - started)
