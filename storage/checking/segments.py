"""The rows of one segment: columns as the catalog defines them, zones, row ids, tombstones, NOT NULL."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.bitset import mask_from_bits
from foundation.sqltypes import arrow_type
from storage.catalog import Column, Table
from storage.checking.problems import Problem, collecting
from storage.rows import SealedRows, column_zone
from storage.state import DatabaseState, SegmentState
from storage.view import SegmentView


def check_segment(
    state: DatabaseState, table: Table, segment: SegmentState, view: SegmentView, file: str
) -> Iterator[Problem]:
    """Everything about a segment that needs no other segment.

    Args:
        state: for the bounds of row ids.
        table: the definition.
        segment, view: the rows, as they are stored and as a reader sees them.
        file: the segment's file; empty for rows in memory.
    """
    found: list[Problem] = []
    with collecting(found, file):
        found += [Problem(file, None, what) for what in _row_id_faults(state, segment)]
    for column in table.live_columns():
        with collecting(found, file):
            faults = _column_faults(segment, view, column)
            found += [
                Problem(file, None, f'table "{table.name}", column "{column.name}": {f}') for f in faults
            ]
    yield from found


def _row_id_faults(state: DatabaseState, segment: SegmentState) -> Iterator[str]:
    row_ids = segment.rows.row_ids(segment.row_count)
    if len(row_ids) != segment.row_count:
        yield f"{len(row_ids)} row ids for {segment.row_count} rows"
    elif len(row_ids) and ((row_ids[1:] <= row_ids[:-1]).any() or int(row_ids[-1]) >= state.next_row_id):
        yield f"row ids do not ascend below {state.next_row_id}"
    if segment.overlay is not None:
        patched = np.sort(segment.row_ids())
        if len(patched) != segment.row_count:
            yield f"{len(patched)} row ids in its overlay for {segment.row_count} rows"
        elif (patched[1:] == patched[:-1]).any() or int(patched[-1]) >= state.next_row_id:
            yield f"row ids in its overlay are not distinct and below {state.next_row_id}"
    offsets = segment.rows.tombstones.offsets(0, segment.tombstone_count)
    if len(offsets) and (offsets.min() < 0 or offsets.max() >= segment.row_count):
        yield "a tombstone is for a row that is not there"
    elif len(np.unique(offsets)) != len(offsets):
        yield "a row has two tombstones"


def _column_faults(segment: SegmentState, view: SegmentView, column: Column) -> Iterator[str]:
    values = view.column(column.attnum)
    if len(values) != segment.row_count:
        yield f"{len(values)} values for {segment.row_count} rows"
        return
    if values.type != arrow_type(column.type):
        yield f"stored as {values.type}, expected {arrow_type(column.type)}"
        return
    values.validate(full=True)
    if column.not_null and _has_visible_null(view, values):
        yield "NULL in a row, against its NOT NULL constraint"
    rows = segment.rows
    if isinstance(rows, SealedRows) and rows.file.has(str(column.attnum)):
        zone = rows.file.meta["zones"].get(str(column.attnum))
        stored = rows.stored_column(column.attnum, segment.row_count)
        if zone is not None and zone != column_zone(stored):
            yield f"its zone map says {zone}, its values {column_zone(stored)}"


def _has_visible_null(view: SegmentView, values: pa.Array) -> bool:
    if not values.null_count:
        return False
    nulls = pc.is_null(values).to_numpy(zero_copy_only=False)
    if view.visible_bits is not None:
        nulls &= mask_from_bits(view.visible_bits, view.row_count)
    return bool(nulls.any())
