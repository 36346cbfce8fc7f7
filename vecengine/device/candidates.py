"""Rows that a device found, and their exact distances by the vectors on the CPU: pairs of a query and a row, in any order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vecengine.arrays import CancelWord
from vecengine.element_types import Numbers
from vecengine.exact import Offsets, rowwise_distances
from vecengine.metrics import Float32s, Float64s, Metric

_GATHERED_BYTES = 1 << 24


@dataclass(frozen=True, eq=False)
class Pairs:
    """(m,) numbers of queries, and (m,) row offsets, none twice for one query."""

    numbers: Offsets
    offsets: Offsets

    @classmethod
    def none(cls) -> Pairs:
        empty: Offsets = np.zeros(0, dtype=np.int64)
        return cls(empty, empty)

    def joined(self, *others: Pairs) -> Pairs:
        """These and others."""
        every = (self, *others)
        return Pairs(
            np.concatenate([pairs.numbers for pairs in every]),
            np.concatenate([pairs.offsets for pairs in every]),
        )


def every_pair(numbers: Offsets, offsets: Offsets) -> Pairs:
    """Each of (n,) queries with each of (m,) rows."""
    return Pairs(np.repeat(numbers, offsets.size), np.tile(offsets, numbers.size))


def exact_distances(
    metric: Metric, vectors: Numbers, queries: Float32s, pairs: Pairs, cancel: CancelWord | None
) -> Float64s:
    """(m,) operator values of pairs of (nq, d) queries and rows of (n, d) vectors, some MiB of which are gathered at a time.

    Raises:
        QueryCanceled: 57014.
    """
    out = np.empty(pairs.numbers.size, dtype=np.float64)
    step = max(1, _GATHERED_BYTES // max(1, 8 * vectors.shape[1]))
    for begin in range(0, out.size, step):
        part = slice(begin, begin + step)
        out[part] = rowwise_distances(
            metric.name.lower(), vectors[pairs.offsets[part]], queries[pairs.numbers[part]], cancel=cancel
        )
    return out


def nearest_pairs(pairs: Pairs, distances: Float64s, query_count: int, k: int) -> tuple[Float64s, Offsets]:
    """The k nearest pairs of each query, ascending by (distance, row offset); pairs without an order are left out.

    Returns:
        (nq, k) float64 operator values, +inf padded, and (nq, k) int64 row offsets, -1 padded.
    """
    has_order = ~np.isnan(distances)
    numbers, offsets, values = pairs.numbers[has_order], pairs.offsets[has_order], distances[has_order]
    order = np.lexsort((offsets, values, numbers))
    numbers, offsets, values = numbers[order], offsets[order], values[order]
    ranks = np.arange(numbers.size) - np.searchsorted(numbers, numbers)
    is_near = ranks < k
    near = np.full((query_count, k), np.inf)
    rows: Offsets = np.full((query_count, k), -1, dtype=np.int64)
    near[numbers[is_near], ranks[is_near]] = values[is_near]
    rows[numbers[is_near], ranks[is_near]] = offsets[is_near]
    return near, rows
