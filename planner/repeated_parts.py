"""How a search that comes again goes through one segment of a table: by a graph, by another index, by comparing rows.

`planner.repeated_topk` makes these when it prepares a search, and runs them for each query.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import vecengine
from foundation.bitset import Bitset, RowOffsets, offsets_from_bits
from foundation.cancel import CancelToken
from planner.vector.exact import fixed_count
from planner.vector.growing_graphs import SCANNED_ROWS_MAX
from planner.vector.key_columns import Vectors

_SORTED_WHOLE = 4
"""Where there are more than so many times the wanted rows, those that are too far are left out before they are sorted."""

Found: TypeAlias = tuple[npt.NDArray[np.float64], RowOffsets]
"""(m,) distances and (m,) row offsets of one segment, ascending by both."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a segment; `numbers` are its values where they are numbers and none is NULL."""

    array: pa.Array
    numbers: npt.NDArray[Any] | None

    @classmethod
    def of(cls, array: pa.Array) -> Column:
        kind = array.type
        is_number = pa.types.is_integer(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind)
        return cls(array, array.to_numpy() if is_number and not array.null_count else None)

    def take(self, offsets: RowOffsets) -> pa.Array:
        """Some of the values. Arrow's own function takes ten times as long for ten numbers."""
        if self.numbers is None:
            return self.array.take(pa.array(offsets))
        return pa.array(self.numbers[offsets])


class Part(Protocol):
    """How one segment is searched."""

    @property
    def expected_distances(self) -> float: ...

    @property
    def is_alive(self) -> bool:
        """Whether there still is what it searches: caches may drop an index."""

    def run(
        self, query: npt.NDArray[np.float32], cancel: npt.NDArray[np.int32], distance_budget: int = 0
    ) -> Found | None:
        """The nearest rows of a (1, d) query; None where they are to be found in another way."""


@dataclass(frozen=True, slots=True)
class Scan:
    """All allowed rows of a segment are compared."""

    metric: str
    vectors: Vectors
    bits: npt.NDArray[np.uint8] | None
    width: int
    expected_distances: float

    @property
    def is_alive(self) -> bool:
        return True

    def run(
        self, query: npt.NDArray[np.float32], cancel: npt.NDArray[np.int32], distance_budget: int = 0
    ) -> Found | None:
        token = CancelToken()
        token.word = cancel
        found = fixed_count(self.metric, self.vectors, query[0], self.bits, k=self.width, cancel=token)
        return (found.distances, found.offsets) if len(found.offsets) == self.width else None


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Some rows of a segment are compared, by their (m,) ascending offsets.

    `vectors` are those of these rows if `is_gathered`, else of all rows of the segment.
    """

    metric: str
    vectors: Vectors
    rows: RowOffsets
    width: int
    is_gathered: bool

    @property
    def expected_distances(self) -> float:
        return float(len(self.rows))

    @property
    def is_alive(self) -> bool:
        return True

    def run(
        self, query: npt.NDArray[np.float32], cancel: npt.NDArray[np.int32], distance_budget: int = 0
    ) -> Found | None:
        vectors = self.vectors if self.is_gathered else self.vectors[self.rows]
        return _nearest(self.metric, vectors, self.rows, query, cancel, width=self.width)


def _nearest(
    metric: str,
    vectors: Vectors,
    rows: RowOffsets,
    query: npt.NDArray[np.float32],
    cancel: npt.NDArray[np.int32],
    *,
    width: int,
) -> Found | None:
    """The nearest `width` of (m, d) vectors to a (1, d) query; None where one has no distance."""
    distances = vecengine.distances(metric, vectors, query[0], cancel=cancel)
    if np.isnan(distances).any():
        return None
    near = rows
    if len(distances) > _SORTED_WHOLE * width:
        is_near = distances <= np.partition(distances, width - 1)[width - 1]
        distances, near = distances[is_near], rows[is_near]
    order = np.lexsort((near, distances))[:width]
    return distances[order], near[order]


@dataclass(frozen=True, slots=True)
class Searched:
    """An index of another kind than `vecengine.HnswIndex`; of rows in memory as far as its graph went by then."""

    index: weakref.ref[vecengine.VectorIndex]
    vectors: Vectors
    bits: npt.NDArray[np.uint8] | None
    width: int
    beam: int
    expected_distances: float
    is_current: Callable[[], bool]

    @property
    def is_alive(self) -> bool:
        return self.index() is not None

    def run(
        self, query: npt.NDArray[np.float32], cancel: npt.NDArray[np.int32], distance_budget: int = 0
    ) -> Found | None:
        index = self.index()
        if index is None or not self.is_current():
            return None
        try:
            _, found = index.search(
                query, self.width, self.bits, self.beam, cancel=cancel, distance_budget=distance_budget
            )
        except vecengine.DistanceBudgetSpent:
            return None
        offsets = found[0]
        if offsets[-1] < 0:
            return None
        distances = vecengine.distances(index.metric, self.vectors[offsets], query[0])
        order = np.lexsort((offsets, distances))
        return distances[order], offsets[order]


def chosen_rows(metric: str, vectors: Vectors, bits: Bitset | None, width: int) -> ChosenRows:
    """The allowed rows; the vectors of a few are kept together."""
    rows = offsets_from_bits(bits, len(vectors))
    if len(rows) == len(vectors):
        return ChosenRows(metric, vectors, rows, width, is_gathered=True)
    if len(rows) <= SCANNED_ROWS_MAX:
        return ChosenRows(metric, vectors[rows], rows, width, is_gathered=True)
    return ChosenRows(metric, vectors, rows, width, is_gathered=False)


def merged_column(
    columns: Sequence[Column | None], offsets: Sequence[RowOffsets], order: RowOffsets
) -> pa.Array:
    """Rows `order` of the concatenated rows `offsets[i]` of `columns[i]`."""
    known = [column for column in columns if column is not None]
    numbers = [column.numbers for column in known]
    if all(values is not None for values in numbers):
        pieces = [values[rows] for values, rows in zip(numbers, offsets) if values is not None]
        return pa.array(np.concatenate(pieces)[order])
    arrays = [column.take(rows) for column, rows in zip(known, offsets, strict=True)]
    return pa.concat_arrays(arrays).take(pa.array(order))
