"""Applying log records to a state: what a commit does in memory is what recovery does from the log.

`apply_group` takes the state before and the records of one group and gives the state after. It appends to the
growing rows and tombstones that the states share; that is safe because every state knows how much of them is
its own. The caller holds the commit lock. Whatever could be wrong with a change was checked before: an error
in here means that log and data disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from storage.catalog import Catalog, Column, Index
from storage.datafiles import DataFiles
from storage.errors import DataCorrupted
from storage.overlay import patched, replaced
from storage.records import (
    AttachRecord,
    CatalogRecord,
    DeleteRecord,
    EditRecord,
    InsertRecord,
    LinkRecord,
    OidsRecord,
    PatchRecord,
    Record,
    SequenceRecord,
    TruncateRecord,
)
from storage.rows import GrowingRows, RowIds, SealedRows
from storage.sealed import selected
from storage.state import DatabaseState, SegmentState, TableState
from storage.user_types import register_types


class Environment(Protocol):
    """What applying needs beside the state."""

    data_files: DataFiles
    growing_bytes_max: int

    def missing_column(self, column: Column, count: int) -> pa.Array: ...

    def release_rows(self, size_bytes: int) -> None:
        """Rows of this size left memory."""

    def restore_sequence(self, record: SequenceRecord) -> None: ...

    def restore_oids(self, limit: int) -> None: ...

    def forget_sequence(self, sequence_oid: int) -> None: ...


class _Changes:
    """The state while one group is applied."""

    def __init__(self, state: DatabaseState, environment: Environment) -> None:
        self.environment = environment
        self.catalog = state.catalog
        self.next_row_id = state.next_row_id
        self.tables = dict(state.tables)

    def table(self, table_oid: int) -> TableState:
        return self.tables.get(table_oid) or TableState()


def apply_group(
    state: DatabaseState, lsn: int, records: Sequence[Record], environment: Environment
) -> DatabaseState:
    """The state after the group of `lsn`.

    Raises:
        DataCorrupted: XX001, when a record names rows or segments that are not there.
    """
    changes = _Changes(state, environment)
    for record in records:
        _apply(changes, record)
    return DatabaseState(lsn, changes.catalog, changes.tables, changes.next_row_id)


def _apply(changes: _Changes, record: Record) -> None:
    match record:
        case InsertRecord():
            _insert(changes, record)
        case DeleteRecord():
            table = changes.table(record.table_oid)
            changes.tables[record.table_oid] = _with_tombstones(table, record.row_ids)
        case PatchRecord():
            _patch(changes, record)
        case TruncateRecord():
            _remove_rows(changes, record.table_oid)
        case CatalogRecord():
            _change_catalog(changes, record)
        case LinkRecord():
            _link(changes, record)
        case EditRecord():
            _edit(changes, record)
        case AttachRecord():
            _attach(changes, record)
        case SequenceRecord():
            changes.environment.restore_sequence(record)
        case OidsRecord():
            changes.environment.restore_oids(record.limit)


def _insert(changes: _Changes, record: InsertRecord) -> None:
    table = changes.table(record.table_oid)
    growing = table.growing or SegmentState(GrowingRows(), 0, 0)
    rows = growing.rows
    assert isinstance(rows, GrowingRows) and rows.row_count == growing.row_count
    count = len(record.batch)
    row_ids = np.arange(count, dtype=np.uint64) + np.uint64(record.first_row_id)
    rows.append(record.batch, row_ids, partial(_missing, changes, record.table_oid), record.memory_bytes)
    for index_oid, new_keys in record.keys.items():
        known = rows.growing_keys(index_oid)
        if known.row_count == growing.row_count:
            known.catch_up(new_keys, growing.row_count)
    changes.next_row_id = max(changes.next_row_id, record.first_row_id + count)
    grown = SegmentState(rows, rows.row_count, growing.tombstone_count)
    if rows.size_bytes >= changes.environment.growing_bytes_max:
        changed = TableState(table.sealed, (*table.frozen, grown))
    else:
        changed = TableState(table.sealed, table.frozen, grown)
    changes.tables[record.table_oid] = changed


def _missing(changes: _Changes, table_oid: int, attnum: int, count: int) -> pa.Array | None:
    column = changes.catalog.table(table_oid).column_at(attnum)
    return changes.environment.missing_column(column, count)


def _with_tombstones(table: TableState, row_ids: RowIds) -> TableState:
    """Delete rows that are all present and not deleted."""
    missing = row_ids

    def mark(segment: SegmentState) -> SegmentState:
        nonlocal missing
        if not len(missing):
            return segment
        offsets = segment.find(missing)
        found = offsets >= 0
        if not found.any():
            return segment
        missing = missing[~found]
        segment.rows.tombstones.append(offsets[found])
        return segment.changed(tombstone_count=segment.rows.tombstones.count)

    changed = _mapped_segments(table, mark)
    if len(missing):
        raise DataCorrupted(f"row {missing[0]} is deleted in the log but not in any segment")
    return changed


def _patch(changes: _Changes, record: PatchRecord) -> None:
    table = changes.table(record.table_oid)
    replaced_ids = record.replaced_ids
    is_left = np.ones(len(replaced_ids), dtype=np.bool_)
    sealed = []
    for segment in table.sealed:
        offsets = segment.find(replaced_ids)
        here = np.flatnonzero(offsets >= 0)
        is_left[here] = False
        sealed.append(_patched(changes, record, segment, here, offsets[here]) if len(here) else segment)
    if is_left.any():
        row_id = replaced_ids[np.argmax(is_left)]
        raise DataCorrupted(f"row {row_id} is patched in the log but not in any sealed segment")
    changes.tables[record.table_oid] = replace(table, sealed=tuple(sealed))
    if record.first_row_id is not None:
        changes.next_row_id = max(changes.next_row_id, record.first_row_id + len(replaced_ids))


def _patched(
    changes: _Changes, record: PatchRecord, segment: SegmentState, chosen: RowOffsets, offsets: RowOffsets
) -> SegmentState:
    """A segment with the `chosen` rows of a patch at its `offsets`."""
    before, count = segment.overlay, segment.row_count
    row_ids = segment.row_ids().copy()
    row_ids[offsets] = record.row_ids[chosen]
    columns = []
    for attnum, values in record.columns.items():
        column = None if before is None else before.column(attnum)
        if column is None:
            column = segment.rows.stored_column(attnum, count)
        if column is None:
            column = _missing(changes, record.table_oid, attnum, count)
        columns.append(replaced(column, offsets, selected(values, chosen)))
    overlay = patched(before, columns, list(record.columns), row_ids)
    changes.environment.release_rows((0 if before is None else before.memory_bytes) - overlay.memory_bytes)
    _retire_overlay(changes, segment)
    return segment.changed(overlay=overlay)


def _mapped_segments(table: TableState, change: Callable[[SegmentState], SegmentState]) -> TableState:
    growing = None if table.growing is None else change(table.growing)
    return TableState(tuple(map(change, table.sealed)), tuple(map(change, table.frozen)), growing)


def _remove_rows(changes: _Changes, table_oid: int) -> None:
    table = changes.tables.pop(table_oid, None)
    if table is None:
        return
    _retire(changes, table.sealed)
    changes.environment.release_rows(table.memory_bytes())


def _retire(changes: _Changes, segments: Iterable[SegmentState]) -> None:
    for segment in segments:
        assert isinstance(segment.rows, SealedRows)
        changes.environment.data_files.retire_segment(segment.rows, segment.attachments.values())
        if segment.overlay is not None:
            changes.environment.release_rows(segment.overlay.memory_bytes)
            _retire_overlay(changes, segment)


def _retire_overlay(changes: _Changes, segment: SegmentState) -> None:
    """The segment's overlay file, if there is one, will be named by no further manifest."""
    if segment.overlay is not None and segment.overlay.saved is not None:
        changes.environment.data_files.retire(segment.overlay.saved[1])


def _change_catalog(changes: _Changes, record: CatalogRecord) -> None:
    before: Catalog = changes.catalog
    for oid in record.drops:
        obj = before.get(oid)
        _remove_rows(changes, oid)
        if isinstance(obj, Index) and obj.table_oid in changes.tables:
            _detach(changes, obj)
        changes.environment.forget_sequence(oid)
    changes.catalog = before.with_changes(record.puts, record.drops)
    register_types(record.puts, changes.catalog)


def _detach(changes: _Changes, index: Index) -> None:
    """Drop an index's files from all segments of its table."""

    def change(segment: SegmentState) -> SegmentState:
        attachment = segment.attachments.get(index.oid)
        if attachment is None:
            return segment
        changes.environment.data_files.retire_attachment(attachment)
        kept = {oid: kept for oid, kept in segment.attachments.items() if oid != index.oid}
        return segment.changed(attachments=kept)

    table = changes.tables[index.table_oid]
    changes.tables[index.table_oid] = _mapped_segments(table, change)


def _link(changes: _Changes, record: LinkRecord) -> None:
    entry = record.entry
    rows, attachments = changes.environment.data_files.open_rows(entry)
    table = changes.table(record.table_oid)
    segment = SegmentState(rows, entry.row_count, 0, attachments)
    changes.tables[record.table_oid] = replace(table, sealed=(*table.sealed, segment))
    changes.next_row_id = max(changes.next_row_id, (entry.first_row_id or 0) + entry.row_count)


def _edit(changes: _Changes, record: EditRecord) -> None:
    table = changes.table(record.table_oid)
    removed = set(record.removed)
    gone = [s for s in table.sealed if s.rows.segment_id in removed]
    if len(gone) != len(removed):
        raise DataCorrupted(f"the log replaces segments {sorted(removed)}, of which not all are there")
    _retire(changes, gone)
    sealed = [s for s in table.sealed if s.rows.segment_id not in removed]
    if record.added is not None:
        rows, attachments = changes.environment.data_files.open_rows(record.added)
        rows.add_tombstones(record.deleted)
        sealed.append(SegmentState(rows, record.added.row_count, rows.tombstones.count, attachments))
    in_memory = [_uncovered(changes, s, record.covered_through) for s in table.in_memory()]
    growing = in_memory.pop() if table.growing is not None else None
    frozen = tuple(segment for segment in in_memory if segment is not None)
    changes.tables[record.table_oid] = TableState(tuple(sealed), frozen, growing)


def _uncovered(changes: _Changes, segment: SegmentState, covered_through: int) -> SegmentState | None:
    """What remains of rows in memory when ids up to `covered_through` are in a sealed segment now.

    While the database runs, whole segments are frozen and sealed. Recovery may have put more rows into one
    growing segment than were there when it was frozen: then the later ones are copied.
    """
    rows = segment.rows
    assert isinstance(rows, GrowingRows)
    covered = int(np.searchsorted(rows.row_ids(segment.row_count), np.uint64(covered_through), side="right"))
    if not covered:
        return segment
    changes.environment.release_rows(rows.size_bytes)
    if covered == segment.row_count:
        return None
    rest = GrowingRows()
    size_before = rows.size_bytes
    columns = {
        str(attnum): column.slice(covered)
        for attnum in rows.attnums()
        if (column := rows.stored_column(attnum, segment.row_count)) is not None
    }
    batch = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    rest.append(batch, rows.row_ids(segment.row_count)[covered:], lambda attnum, count: None)
    rest.size_bytes = min(rest.size_bytes, size_before)
    changes.environment.release_rows(-rest.size_bytes)
    deleted = rows.tombstones.offsets(0, segment.tombstone_count)
    rest.tombstones.append(deleted[deleted >= covered] - covered)
    return SegmentState(rest, rest.row_count, rest.tombstones.count)


def _attach(changes: _Changes, record: AttachRecord) -> None:
    attachment = changes.environment.data_files.open_attachment(record.file_id, is_keys=record.is_keys)

    def change(segment: SegmentState) -> SegmentState:
        if segment.rows.segment_id != record.segment_id:
            return segment
        attachments = dict(segment.attachments)
        earlier = attachments.pop(record.index_oid, None)
        if earlier is not None:
            changes.environment.data_files.retire_attachment(earlier)
        if attachment is not None:
            attachments[record.index_oid] = attachment
        return segment.changed(attachments=attachments)

    changes.tables[record.table_oid] = _mapped_segments(changes.table(record.table_oid), change)
