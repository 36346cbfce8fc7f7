"""Which rows of the vectors an index covers: all, or an ascending list of row offsets.

A partial index, NULLs and, under cosine, zero vectors leave rows out. `offsets` of length 0 stands for "all" only
together with a row count equal to the number of vectors; an index of no rows has it too, and covers nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, and_bits, bits_from_offsets, popcount
from vecengine.arrays import NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet, kernels
from vecengine.exact import Keys, exact_keys, kernel_space, raise_for_status
from vecengine.formulas import formula_norms
from vecengine.index import EXACT, SearchStats
from vecengine.metrics import Float32s, Metric, Vectors
from vecengine.searchable import SearchableIndex

Offsets = npt.NDArray[np.int64]

_NO_OFFSETS: Offsets = np.zeros(0, dtype=np.int64)


class Coverage:
    """The covered rows of (n, d) vectors.

    Attributes:
        row_count: how many rows are covered.
        offsets: (row_count,) ascending row offsets, or (0,) when all rows are covered.
        bits: bitset over the n rows, None when all are covered.
    """

    def __init__(self, vector_rows: int, offsets: Offsets | None) -> None:
        covers_all = offsets is None or offsets.size == vector_rows
        self.vector_rows = vector_rows
        self.row_count = vector_rows if offsets is None else int(offsets.size)
        self.offsets = _NO_OFFSETS if covers_all or offsets is None else offsets
        self.bits: Bitset | None = (
            None if covers_all or offsets is None else bits_from_offsets(offsets, vector_rows)
        )

    def row_offsets(self) -> Offsets:
        """(row_count,) row offsets, also when all rows are covered."""
        return np.arange(self.row_count, dtype=np.int64) if self.bits is None else self.offsets

    def narrow(self, allowed_bits: Bitset | None) -> tuple[Bitset | None, int]:
        """The rows that are covered and allowed, None for all rows of the vectors, and how many they are."""
        if allowed_bits is None:
            return self.bits, self.row_count
        bits = and_bits(allowed_bits, self.bits)
        return bits, popcount(bits, self.vector_rows)


class CoveringIndex(SearchableIndex):
    """What every index over some rows of (n, d) vectors knows of them: part of `vecengine.index.VectorIndex`."""

    def __init__(self, vectors: Vectors, metric: Metric, coverage: Coverage) -> None:
        self._vectors = vectors
        self._metric = metric
        self._coverage = coverage

    @property
    def metric(self) -> str:
        return self._metric.name.lower()

    @property
    def metric_kind(self) -> Metric:
        return self._metric

    @property
    def dimensions(self) -> int:
        return int(self._vectors.shape[1])

    @property
    def row_count(self) -> int:
        return self._coverage.row_count

    @property
    def vector_rows(self) -> int:
        """Rows of the vectors, covered or not."""
        return self._coverage.vector_rows

    @property
    def coverage(self) -> Coverage:
        """The rows it covers."""
        return self._coverage

    def covered_bits(self) -> Bitset | None:
        return self._coverage.bits

    def _scan_instead(
        self,
        queries: Float32s,
        width: int,
        bits: Bitset | None,
        cancel: CancelWord | None,
        budget: int,
        *,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        """`_scan` in place of the family's own search."""
        stats.strategy, stats.ef_search = EXACT, 0
        return self._scan(queries, width, bits, cancel, budget, stats=stats)

    def _scan(
        self,
        queries: Float32s,
        width: int,
        bits: Bitset | None,
        cancel: CancelWord | None,
        budget: int,
        *,
        stats: SearchStats,
    ) -> tuple[Keys, Offsets]:
        """(nq, width) keys and row offsets of the nearest rows of a bitset, exactly; (nq, w) checked queries."""
        keys, offsets, computed = exact_keys(
            self._metric, self._vectors, queries, width, bits, cancel=cancel, budget=budget
        )
        stats.distances += computed
        return keys, offsets


def square_norms(vectors: Vectors, cancel: CancelWord | None = None) -> Float32s:
    """(n,) squared norms as the cosine kernels compute them."""
    compiled: KernelSet | None = kernels()
    if compiled is None:
        return formula_norms(vectors)
    out = np.empty(vectors.shape[0], dtype=np.float32)
    word = NO_CANCEL if cancel is None else cancel
    raise_for_status(compiled.row_norms(kernel_space(Metric.COSINE, vectors), out, word), word)
    return out


def choose_rows(
    metric: Metric, vectors: Vectors, offsets: Offsets | None, cancel: CancelWord | None = None
) -> Coverage:
    """The rows an index over `offsets` (None: all rows) covers: under cosine those with a norm.

    Raises:
        ValueError: offsets that do not ascend strictly inside the vectors.
    """
    vector_rows = vectors.shape[0]
    if offsets is not None:
        offsets = np.ascontiguousarray(offsets, dtype=np.int64)
        if offsets.size and (offsets[0] < 0 or offsets[-1] >= vector_rows or np.any(np.diff(offsets) <= 0)):
            raise ValueError("offsets must ascend strictly inside the vectors")
    if metric is Metric.COSINE:
        has_norm = square_norms(vectors, cancel) > 0
        if offsets is not None:
            offsets = offsets[has_norm[offsets]]
        elif not has_norm.all():
            offsets = np.flatnonzero(has_norm).astype(np.int64, copy=False)
    return Coverage(vector_rows, offsets)
