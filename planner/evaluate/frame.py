"""Frame: the columns an expression is evaluated over, looked up by (relation id, position), loaded on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import FeatureNotSupported
from planner.bound import RelationColumn, TableScan
from planner.evaluate.system_columns import (
    CTID,
    ROW_ID,
    TABLEOID,
    XMAX,
    XMIN,
    ctid_text,
    no_xmax,
    xmin_values,
)

if TYPE_CHECKING:
    from storage import SegmentView

LoadColumn = Callable[[int, int], pa.Array]


class Frame:
    """`row_count` rows of one or several relations.

    Args:
        row_count: length of every column.
        columns: arrays by (relation id, position).
        load: called once for a column that is not in `columns`.
    """

    __slots__ = ("_columns", "_load", "row_count")

    def __init__(
        self,
        row_count: int,
        columns: Mapping[tuple[int, int], pa.Array] | None = None,
        load: LoadColumn | None = None,
    ) -> None:
        self.row_count = row_count
        self._columns = dict(columns or {})
        self._load = load

    def column(self, relation_id: int, position: int) -> pa.Array:
        """(row_count,) array; a KeyError for an unknown column is our own mistake."""
        key = (relation_id, position)
        column = self._columns.get(key)
        if column is None:
            if self._load is None:
                raise KeyError(key)
            column = self._columns[key] = self._load(relation_id, position)
        return column

    def take(self, offsets: RowOffsets) -> Frame:
        """The frame of some of the rows, in the order of `offsets`."""
        indices = pa.array(offsets, pa.int64())
        return Frame(
            len(offsets), load=lambda relation, position: self.column(relation, position).take(indices)
        )

    def slice(self, start: int, length: int) -> Frame:
        """The frame of a run of rows, without copying."""
        return Frame(
            length, load=lambda relation, position: self.column(relation, position).slice(start, length)
        )


def segment_column(segment: SegmentView, column: RelationColumn, table_oid: int) -> pa.Array:
    """All rows of a table's column in a segment, system columns included.

    Raises:
        FeatureNotSupported: 0A000, a system column without values here.
    """
    if column.attnum > 0:
        return segment.column(column.attnum)
    if column.attnum == CTID:
        return ctid_text(segment.row_ids)
    if column.attnum == XMIN:
        return xmin_values(segment.row_ids)
    if column.attnum == XMAX:
        return no_xmax(segment.row_count)
    if column.attnum == TABLEOID:
        return pa.array(np.full(segment.row_count, table_oid, dtype=np.uint32))
    if column.attnum == ROW_ID:
        return pa.array(segment.row_ids.view(np.int64))
    raise FeatureNotSupported(f"system column {column.name} is not supported")


def segment_frame(segment: SegmentView, scan: TableScan) -> Frame:
    """All rows of a segment, deleted ones too."""

    def load(_relation_id: int, position: int) -> pa.Array:
        return segment_column(segment, scan.columns[position], scan.table_oid)

    return Frame(segment.row_count, load=load)
