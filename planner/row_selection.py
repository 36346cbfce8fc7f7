"""RowSelection: some rows of a table in some order, as (segment, offset) pairs, and their columns on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.sqltypes import arrow_type
from planner.bound import TableScan
from planner.evaluate.frame import Frame, segment_column

if TYPE_CHECKING:
    from planner.services import ExecutionContext
    from storage import SegmentView


class RowSelection:
    """Row i is `segments[segment_numbers[i]]` at `offsets[i]`; both arrays are (n,) int64."""

    __slots__ = ("offsets", "segment_numbers", "segments")

    def __init__(
        self,
        segments: Sequence[SegmentView],
        segment_numbers: npt.NDArray[np.int64],
        offsets: RowOffsets,
    ) -> None:
        self.segments = segments
        self.segment_numbers = segment_numbers
        self.offsets = offsets

    @classmethod
    def of_parts(cls, segments: Sequence[SegmentView], parts: Sequence[RowOffsets]) -> RowSelection:
        """All rows of each part, segment after segment; `parts[i]` belongs to `segments[i]`."""
        if len(parts) == 1:
            return cls(segments, np.zeros(len(parts[0]), dtype=np.int64), parts[0])
        numbers = [np.full(len(part), number, dtype=np.int64) for number, part in enumerate(parts)]
        none = np.zeros(0, dtype=np.int64)
        return cls(segments, np.concatenate([none, *numbers]), np.concatenate([none, *parts]))

    def __len__(self) -> int:
        return len(self.offsets)

    def row_ids(self) -> npt.NDArray[np.uint64]:
        ids = np.zeros(len(self), dtype=np.uint64)
        for number in np.unique(self.segment_numbers):
            mine = self.segment_numbers == number
            ids[mine] = self.segments[number].row_ids[self.offsets[mine]]
        return ids

    def take(self, positions: npt.NDArray[np.int64]) -> RowSelection:
        return RowSelection(self.segments, self.segment_numbers[positions], self.offsets[positions])

    def slice(self, start: int, stop: int) -> RowSelection:
        return RowSelection(self.segments, self.segment_numbers[start:stop], self.offsets[start:stop])

    def column(self, scan: TableScan, position: int) -> pa.Array:
        """(n,) values of a column, in the selection's order."""
        column = scan.columns[position]
        if len(self) == 0:
            return pa.nulls(0, arrow_type(column.type))
        first = int(self.segment_numbers[0])
        if len(self.segments) == 1 or (self.segment_numbers == first).all():
            whole = segment_column(self.segments[first], column, scan.table_oid)
            return whole.take(pa.array(self.offsets))
        numbers = np.unique(self.segment_numbers)
        pieces, places = [], []
        for number in numbers:
            rows = np.flatnonzero(self.segment_numbers == number)
            whole = segment_column(self.segments[int(number)], column, scan.table_oid)
            pieces.append(whole.take(pa.array(self.offsets[rows])))
            places.append(rows)
        return pa.concat_arrays(pieces).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))

    def frame(self, scan: TableScan) -> Frame:
        return Frame(len(self), load=lambda _relation, position: self.column(scan, position))


def segments_in_order(table_oid: int, context: ExecutionContext) -> list[SegmentView]:
    """The table's segments by first row id, so that a plain scan returns rows as they came in."""
    segments = [s for s in context.scanned_table(table_oid).segments if s.row_count]
    return sorted(segments, key=lambda segment: int(segment.row_ids[0]))
