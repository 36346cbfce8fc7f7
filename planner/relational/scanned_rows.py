"""The rows of a stored table that a statement reads: those visible that pass its filter, and whose keys others have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from foundation.bitset import and_bits
from foundation.sqltypes import arrow_type
from planner import bound
from planner.evaluate import FilterSources, VisibleRows, count_reads, visible_rows
from planner.evaluate.filters import FEW_ROWS_SHARE, few_rows, true_bits, true_offsets
from planner.evaluate.frame import segment_frame
from planner.evaluate.zone_maps import conjunction
from planner.services import ExecutionContext

if TYPE_CHECKING:
    from storage import SegmentView

TAKEN_SHARE = 4
"""Below one row of a segment in so many, columns are copied out instead of masked."""

Column: TypeAlias = tuple[int, int]
"""Relation id and position."""


@dataclass(frozen=True, slots=True)
class ComputedRows:
    """Rows that are there before the join: those that a search found, say. One column per position."""

    table: pa.Table

    @property
    def count(self) -> int:
        return int(self.table.num_rows)

    @property
    def share(self) -> float:
        """Of the rows they were chosen from: next to none."""
        return 0.0

    def column(self, position: int) -> pa.ChunkedArray:
        return self.table.column(position)


@dataclass(slots=True)
class ScannedRows:
    """Rows of each segment of one scan. `row_filter` is None where all visible rows are read."""

    scan: bound.TableScan
    row_filter: bound.Expression | None
    context: ExecutionContext
    segments: list[tuple[SegmentView, VisibleRows]] = field(default_factory=list)
    total: int = 0
    """Rows in the table, deleted ones too."""
    sources: FilterSources = field(default_factory=FilterSources)
    partners: list[tuple[Column, Column]] = field(default_factory=list)
    """The columns that were to have a partner, each with the column whose values these are."""

    @property
    def count(self) -> int:
        return sum(rows.count for _, rows in self.segments)

    @property
    def share(self) -> float:
        """Of all rows of the table."""
        return self.count / self.total if self.total else 1.0

    def column(self, position: int) -> pa.ChunkedArray:
        """The values of a column in these rows, in their order."""
        relation_id = self.scan.relation_id
        chunks = []
        for segment, rows in self.segments:
            frame = segment_frame(segment, self.scan)
            if rows.count < segment.row_count:
                frame = frame.take(rows.offsets())
            chunks.append(frame.column(relation_id, position))
        return pa.chunked_array(chunks, arrow_type(self.scan.columns[position].type))

    def restrict(
        self, position: int, partner: Column, membership: bound.QuantifiedArray, share: float
    ) -> None:
        """Keep the rows for which the column at a position is one of a partner's values, about that share of all rows.

        The filter's bits are kept for the statements to come, those of the values are not: they are asked apart. Where few
        rows are expected, a btree index may answer both at once, unless the filter has left few to ask already.
        """
        both = (membership,) if self.row_filter is None else (self.row_filter, membership)
        restricted = []
        for segment, rows in self.segments:
            few = None
            is_scanned = self.row_filter is None or rows.count * TAKEN_SHARE >= segment.row_count
            if share * FEW_ROWS_SHARE < 1 and is_scanned and not self.partners and rows.few is None:
                few = few_rows(conjunction(both), segment, self.scan, self.context, self.sources)
            kept = (
                _members(membership, segment, rows, self)
                if few is None
                else VisibleRows(segment.row_count, None, few)
            )
            if kept.count:
                restricted.append((segment, kept))
        self.segments = restricted
        self.partners.append(((self.scan.relation_id, position), partner))

    def count_read(self) -> None:
        """Tell the statistics of the table what was read."""
        count_reads(self.sources, self.scan.table_oid, self.total, self.context)


def _members(
    membership: bound.QuantifiedArray, segment: SegmentView, rows: VisibleRows, scanned: ScannedRows
) -> VisibleRows:
    frame = segment_frame(segment, scanned.scan)
    if rows.count * TAKEN_SHARE < segment.row_count:
        offsets = rows.offsets()
        kept = true_offsets(membership, frame.take(offsets), scanned.context)
        return VisibleRows(segment.row_count, None, offsets[kept])
    bits = true_bits(membership, frame, scanned.context)
    return VisibleRows(segment.row_count, and_bits(rows.bits, bits))


def scanned_rows(
    scan: bound.TableScan, row_filter: bound.Expression | None, context: ExecutionContext
) -> ScannedRows:
    """The visible rows that pass a native filter; None passes all.

    Raises:
        QuiverError: what the filter raises for a visible row.
    """
    view = context.scanned_table(scan.table_oid)
    scanned = ScannedRows(scan, row_filter, context, total=view.row_count)
    for segment in view.segments:
        rows = visible_rows(row_filter, segment, scan, context, scanned.sources)
        if rows.count:
            scanned.segments.append((segment, rows))
    return scanned
