"""Building btree indexes: the order of a column for every sealed segment, and for segments about to replace others.

Steps for a segment that lacks the file: read the mapped column, sort it, hand the buffers to storage, which writes them
beside the segment with checksum and fsync and logs the file. Before the last of these a crash or a cancellation leaves
nothing, after it the file is complete. Rows of segments without a file are scanned.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foundation.errors import OutOfMemory, UndefinedObject
from foundation.memory import MemoryBudget
from planner.btree.indexed_columns import can_have_file, indexed_attnum
from planner.btree.sorted_rows import SortedRows
from storage.catalog import Index
from vecengine import Buffers

if TYPE_CHECKING:
    from storage import SegmentView, Storage

_HOLDER = "index builds"
_ROW_BYTES = 48
"""A row's offset twice, and its value in sortable form, of which the widest fixed one has 32 bytes."""

_log = logging.getLogger("quiver.planner")


def build_btree_index(
    storage: Storage, index_oid: int, *, check: Callable[[], None] = lambda: None, rebuild: bool = False
) -> int:
    """Sort an index's column for every sealed segment that lacks the order.

    Args:
        check: called before each segment; what it raises ends the build, what has been installed stays.
        rebuild: sort also where there is a file; the new one takes its place when it is complete.

    Returns:
        For how many segments; 0 for an index that keeps no order.

    Raises:
        UndefinedObject: 42704, no index of that OID is committed. OutOfMemory: 53200.
    """
    count = 0
    with storage.begin(read_only=True) as transaction:
        index = transaction.catalog.get(index_oid)
        if not isinstance(index, Index):
            raise UndefinedObject(f"index with OID {index_oid} does not exist")
        attnum = indexed_attnum(transaction.catalog.table(index.table_oid), index)
        segments = transaction.table_view(index.table_oid).segments if attnum else ()
        for segment in segments:
            if not can_have_file(segment, attnum) or (segment.has_index(index_oid) and not rebuild):
                continue
            check()
            if segment.is_index_damaged(index_oid):
                _log.warning("index %d of segment %d is built again", index_oid, segment.segment_id)
            with _reserved(storage.memory, segment, attnum):
                buffers = _sorted(segment, attnum)
            count += storage.install_index(index_oid, segment.segment_id, buffers)
    return count


def inherited_orders(storage: Storage, table_oid: int, segment: SegmentView) -> dict[int, Buffers]:
    """The orders that a segment, not published yet, comes with, by index OID; see `IndexHeir`.

    One for which memory is short is left to a later build: graphs that the segment inherits must not be lost with it.
    """
    found: dict[int, Buffers] = {}
    for index in storage.catalog.indexes_of(table_oid):
        attnum = indexed_attnum(segment.table, index)
        if not attnum or not can_have_file(segment, attnum):
            continue
        try:
            with _reserved(storage.memory, segment, attnum):
                found[index.oid] = _sorted(segment, attnum)
        except OutOfMemory as error:
            _log.warning("segment %d is to get index %d later: %s", segment.segment_id, index.oid, error)
    return found


def order_faults(index: Index, segment: SegmentView, buffers: Buffers) -> Iterator[str]:
    """What is wrong with the buffers of an index over a segment, one sentence each.

    Raises:
        DamagedIndex: XX002, the buffers are not of this segment. IndexFormatNotSupported: 0A000.
    """
    attnum = indexed_attnum(segment.table, index)
    if not attnum:
        yield "the index keeps no order"
        return
    sql_type = segment.table.column_at(attnum).type
    kept = SortedRows.from_buffers(buffers, segment.row_count, sql_type)
    if not segment.is_patched(attnum):
        yield from kept.faults(segment.column(attnum), sql_type)


def _sorted(segment: SegmentView, attnum: int) -> Buffers:
    return SortedRows.of(segment.column(attnum), segment.table.column_at(attnum).type).to_buffers()


@contextmanager
def _reserved(memory: MemoryBudget, segment: SegmentView, attnum: int) -> Iterator[None]:
    size_bytes = segment.row_count * _ROW_BYTES + segment.column(attnum).nbytes
    memory.reserve(_HOLDER, size_bytes)
    try:
        yield
    finally:
        memory.release(_HOLDER, size_bytes)
