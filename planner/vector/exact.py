"""Exact top-k of one segment: distances block by block, the best so far kept, nothing returned short.

Distances are `vecengine.distances`, the values SQL expressions get, so what is ordered by and what is selected
agree to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

import vecengine
from foundation.bitset import Bitset, RowOffsets, mask_from_bits, offsets_from_bits, popcount
from foundation.cancel import CancelToken
from planner.vector.key_columns import Vectors, as_queries

_BLOCK_BYTES = 1 << 24
"""Of vectors per block: some milliseconds between two looks at the cancel word."""
_GATHER_FRACTION = 4
"""Rows are gathered when fewer than one in four is allowed; else whole blocks are computed and masked."""

Float64s = npt.NDArray[np.float64]


def _no_offsets() -> RowOffsets:
    return np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Nearest:
    """Rows of one segment: `offsets` with a distance, ascending by (distance, offset); `unordered` with NaN."""

    offsets: RowOffsets = field(default_factory=_no_offsets)
    distances: Float64s = field(default_factory=lambda: np.zeros(0))
    unordered: RowOffsets = field(default_factory=_no_offsets)


def nearest_rows(
    metric: str,
    vectors: Vectors,
    query: Vectors,
    allowed_bits: Bitset | None,
    *,
    k: int,
    keep_ties: bool,
    cancel: CancelToken,
) -> Nearest:
    """The k nearest of the allowed rows.

    Args:
        vectors: (n, d) float32 or float16, bit strings or sparse vectors.
        query: (d,) float32, or one of the same kind.
        allowed_bits: bitset over n rows without NULL vectors; None = all.
        k: rows wanted.
        keep_ties: also return rows beyond the k-th that are as far as it.

    Raises:
        QueryCanceled: 57014.
    """
    row_count = vectors.shape[0]
    block_rows = max(64, _BLOCK_BYTES * row_count // max(vectors.nbytes, 1))
    best = _Best(k, keep_ties=keep_ties)
    if popcount(allowed_bits, row_count) * _GATHER_FRACTION < row_count:
        rows = offsets_from_bits(allowed_bits, row_count)
        for start in range(0, len(rows), block_rows):
            cancel.check()
            block = rows[start : start + block_rows]
            best.add(block, vecengine.distances(metric, vectors[block], query, cancel=cancel.word))
        return best.result()
    mask = None if allowed_bits is None else mask_from_bits(allowed_bits, row_count)
    for start in range(0, row_count, block_rows):
        cancel.check()
        stop = min(start + block_rows, row_count)
        distances = vecengine.distances(metric, vectors[start:stop], query, cancel=cancel.word)
        offsets = np.arange(start, stop, dtype=np.int64)
        if mask is not None:
            chosen = mask[start:stop]
            offsets, distances = offsets[chosen], distances[chosen]
        best.add(offsets, distances)
    return best.result()


def fixed_count(
    metric: str,
    vectors: Vectors,
    query: Vectors,
    allowed_bits: Bitset | None,
    *,
    k: int,
    cancel: CancelToken,
) -> Nearest:
    """As `nearest_rows` without ties and without rows that have no order, by one compiled scan of the bitset.

    At most k rows; fewer when the others' distances are NaN.
    """
    _, found = vecengine.exact_search(
        vectors, as_queries(query), k, metric=metric, allowed_bits=allowed_bits, cancel=cancel.word
    )
    offsets = found[0][found[0] >= 0]
    distances = vecengine.distances(metric, vectors[offsets], query)
    order = np.lexsort((offsets, distances))
    return Nearest(offsets[order], distances[order])


class _Best:
    """Keeps the rows that may still be among the k nearest."""

    def __init__(self, k: int, *, keep_ties: bool) -> None:
        self._k = k
        self._keep_ties = keep_ties
        self._offsets: RowOffsets = _no_offsets()
        self._distances: Float64s = np.zeros(0)
        self._unordered: list[RowOffsets] = []

    def add(self, offsets: RowOffsets, distances: Float64s) -> None:
        is_nan = np.isnan(distances)
        if is_nan.any():
            self._unordered.append(offsets[is_nan])
            offsets, distances = offsets[~is_nan], distances[~is_nan]
        if len(self._offsets) >= self._k and self._k:
            # Only rows at most as far as the worst kept one can still matter.
            close = distances <= self._distances.max()
            offsets, distances = offsets[close], distances[close]
        self._offsets = np.concatenate([self._offsets, offsets])
        self._distances = np.concatenate([self._distances, distances])
        self._prune()

    def _prune(self) -> None:
        if len(self._offsets) <= self._k:
            return
        if self._k == 0:
            self._offsets, self._distances = _no_offsets(), np.zeros(0)
            return
        bound = np.partition(self._distances, self._k - 1)[self._k - 1]
        kept = self._distances <= bound
        self._offsets, self._distances = self._offsets[kept], self._distances[kept]
        if not self._keep_ties and len(self._offsets) > self._k:
            order = np.lexsort((self._offsets, self._distances))[: self._k]
            self._offsets, self._distances = self._offsets[order], self._distances[order]

    def result(self) -> Nearest:
        order = np.lexsort((self._offsets, self._distances))
        unordered = np.concatenate([_no_offsets(), *self._unordered])
        return Nearest(self._offsets[order], self._distances[order], unordered)
