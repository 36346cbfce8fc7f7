"""Which btree indexes keep the order of a column, and that order for a segment.

An index does when it is no unique one, whose look-ups go by sorted hashes, when it is over all rows, and when its
leading key is a column of a type in `INDEXED_TYPES`. All others are catalog entries only: their queries scan.

What a file says holds for the values the segment was written with. Where the column was patched since, in memory and in
small segments there is no order, and rows are scanned.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from foundation.errors import QuiverError
from planner.btree.column_order import KEYS
from planner.btree.sorted_rows import SortedRows
from storage.catalog import Catalog, Index, Table

if TYPE_CHECKING:
    from storage import SegmentView

ORDERED_FAMILIES = ("btree", "hash")
"""A hash index finds its rows by their order, too; only its definition says otherwise."""
ROWS_MIN = 4096
"""A smaller segment is scanned: that takes microseconds for most types, as a look-up does."""

INDEXED_TYPES = frozenset(KEYS)

_log = logging.getLogger("quiver.planner")


def indexed_attnum(table: Table, index: Index) -> int:
    """The column whose order an index keeps; 0 for an index that keeps none."""
    if (
        index.family not in ORDERED_FAMILIES
        or index.is_unique
        or index.is_primary
        or index.predicate_sql is not None
    ):
        return 0
    attnum = index.keys[0].attnum
    return attnum if attnum and table.column_at(attnum).type.oid in INDEXED_TYPES else 0


def indexed_attnums(catalog: Catalog, table_oid: int) -> dict[int, int]:
    """Column -> OID of the first index that keeps its order."""
    found: dict[int, int] = {}
    indexes = catalog.indexes_of(table_oid)
    if indexes:
        table = catalog.table(table_oid)
        for index in indexes:
            attnum = indexed_attnum(table, index)
            if attnum:
                found.setdefault(attnum, index.oid)
    return found


def can_have_file(segment: SegmentView, attnum: int) -> bool:
    """Whether a segment can have the order of a column beside it."""
    return segment.segment_id > 0 and segment.row_count >= ROWS_MIN and not segment.is_patched(attnum)


def sorted_rows(segment: SegmentView, attnum: int, index_oid: int) -> SortedRows | None:
    """The order that an index keeps of a segment's column; None where the rows have to be scanned."""
    if not can_have_file(segment, attnum) or not segment.has_index(index_oid):
        return None
    buffers = segment.index_buffers(index_oid)
    if buffers is None:
        return None
    try:
        return SortedRows.from_buffers(buffers, segment.row_count, segment.table.column_at(attnum).type)
    except QuiverError as error:
        _log.warning("index %d of segment %d is not used: %s", index_oid, segment.segment_id, error)
        segment.mark_index_damaged(index_oid)
        return None
