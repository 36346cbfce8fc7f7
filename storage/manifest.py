"""The manifest: the whole state at one LSN, in one block file. See `FORMATS.md`, "Manifest".

Sealed segments are named, their tombstones copied; rows in memory (tables too small to be worth a segment
file) are in the manifest itself. A manifest appears under its name whole and synced, or not at all, so a
damaged one is damage and recovery says so instead of going back to an older state.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.bitset import offsets_from_bits
from storage import layout
from storage.blockfile import BlockFile, BlockWriter, give_name
from storage.catalog import Catalog
from storage.catalog_records import object_from_record
from storage.datafiles import DataFiles
from storage.files import LocalFiles
from storage.overlay import Overlay, open_overlay
from storage.records import SequenceRecord
from storage.rows import GrowingRows, SealedRows, SegmentEntry
from storage.sealed import concatenated, selected
from storage.state import DatabaseState, SegmentState, TableState
from storage.user_types import register_types
from storage.view import Attachment, MissingColumn


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state with what is kept beside it."""

    state: DatabaseState
    oid_limit: int
    sequences: list[SequenceRecord] = field(default_factory=list)
    overlays: Mapping[Overlay, int] = field(default_factory=dict)
    """Ids of the files of overlays that no earlier manifest names."""


def write_manifest(files: LocalFiles, folder: str, checkpoint: Checkpoint, missing: MissingColumn) -> None:
    """Write the manifest of `checkpoint.state.lsn` and make it durable under its name."""
    state = checkpoint.state
    path = os.path.join(folder, layout.numbered_name(state.lsn, layout.MANIFEST_SUFFIX))
    with BlockWriter(files, path + layout.TEMPORARY_SUFFIX) as writer:
        tables = [
            {
                "oid": table_oid,
                "segments": [_segment_json(writer, checkpoint, segment) for segment in table.sealed],
                "growing": _write_rows_in_memory(writer, state.catalog, table_oid, table, missing),
            }
            for table_oid, table in sorted(state.tables.items())
        ]
        writer.finish(
            {
                "lsn": state.lsn,
                "next_row_id": state.next_row_id,
                "oid_limit": checkpoint.oid_limit,
                "catalog": [obj.to_record() for obj in state.catalog.stored_objects()],
                "sequences": [record.meta() for record in checkpoint.sequences],
                "tables": tables,
            }
        )
    give_name(files, writer.path, path)


def _segment_json(writer: BlockWriter, checkpoint: Checkpoint, segment: SegmentState) -> dict[str, Any]:
    rows = segment.rows
    assert isinstance(rows, SealedRows)
    if segment.tombstone_count:
        offsets = rows.tombstones.offsets(0, segment.tombstone_count)
        writer.add_array(f"deleted-{rows.segment_id}", rows.row_ids(segment.row_count)[offsets])
    attached = [
        [index_oid, attachment.file_id, attachment.is_keys]
        for index_oid, attachment in segment.attachments.items()
        if checkpoint.state.catalog.get(index_oid) is not None
    ]
    overlay = segment.overlay
    file_id = None if overlay is None else checkpoint.overlays.get(overlay)
    if overlay is not None and file_id is None:
        assert overlay.saved is not None, "an overlay is written before the manifest that names it"
        file_id = overlay.saved[0]
    return {**replace(rows.entry, key_files=()).to_json(), "attached": attached, "overlay": file_id}


def _write_rows_in_memory(
    writer: BlockWriter, catalog: Catalog, table_oid: int, table: TableState, missing: MissingColumn
) -> list[int] | None:
    """Copy the live rows in memory; the attnums written, None when there are no such rows."""
    definition = catalog.table(table_oid)
    views = [segment.view(definition, missing) for segment in table.in_memory() if segment.row_count]
    parts = [(view, offsets_from_bits(view.visible_bits, view.row_count)) for view in views]
    parts = [(view, offsets) for view, offsets in parts if len(offsets)]
    if not parts:
        return None
    row_ids = np.concatenate([view.row_ids[offsets] for view, offsets in parts])
    writer.add_array(f"growing-{table_oid}-ids", row_ids)
    attnums = [column.attnum for column in definition.live_columns()]
    for attnum in attnums:
        pieces = [selected(view.column(attnum), offsets) for view, offsets in parts]
        writer.add_column(f"growing-{table_oid}-{attnum}", concatenated(pieces, pieces[0].type))
    return attnums


def manifest_numbers(files: LocalFiles, folder: str) -> list[int]:
    """LSNs of the manifests in a folder, ascending."""
    numbers = (layout.number_of(name, layout.MANIFEST_SUFFIX) for name in files.list_names(folder))
    return sorted(number for number in numbers if number is not None)


def read_manifest(
    files: LocalFiles, folder: str, lsn: int, data_files: DataFiles, reserve: Callable[[int], None]
) -> Checkpoint:
    """Load a state; segment and attached files are opened and their footers checked.

    Args:
        files, folder, lsn: which manifest.
        data_files: opens what it names.
        reserve: accounts for the bytes of rows that come into memory.

    Raises:
        DataCorrupted: XX001, with the file and what is wrong.
    """
    path = os.path.join(folder, layout.numbered_name(lsn, layout.MANIFEST_SUFFIX))
    file = BlockFile.open(files, path)
    meta = file.meta
    objects = [object_from_record(record) for record in meta["catalog"]]
    catalog = Catalog({obj.oid: obj for obj in objects})
    register_types(objects, catalog)
    tables = {
        record["oid"]: TableState(
            sealed=tuple(_read_segment(file, entry, data_files) for entry in record["segments"]),
            growing=_read_rows_in_memory(file, record, reserve),
        )
        for record in meta["tables"]
    }
    state = DatabaseState(meta["lsn"], catalog, tables, meta["next_row_id"])
    sequences = [SequenceRecord(s["sequence"], s["value"], s["called"]) for s in meta["sequences"]]
    return Checkpoint(state, meta["oid_limit"], sequences)


def _read_segment(file: BlockFile, record: dict[str, Any], data_files: DataFiles) -> SegmentState:
    entry = SegmentEntry.from_json(record)
    rows, _ = data_files.open_rows(entry)
    name = f"deleted-{entry.segment_id}"
    if file.has(name):
        rows.add_tombstones(file.array(name))
    attachments: dict[int, Attachment] = {}
    for index_oid, file_id, is_keys in record["attached"]:
        attachment = data_files.open_attachment(file_id, is_keys=is_keys)
        if attachment is not None:
            attachments[index_oid] = attachment
    # Manifests written before there were overlays do not mention them.
    file_id = record.get("overlay")
    overlay = None if file_id is None else open_overlay(data_files, file_id, entry)
    return SegmentState(rows, entry.row_count, rows.tombstones.count, attachments, overlay)


def _read_rows_in_memory(
    file: BlockFile, record: dict[str, Any], reserve: Callable[[int], None]
) -> SegmentState | None:
    attnums = record["growing"]
    if attnums is None:
        return None
    table_oid = record["oid"]
    columns = [file.column(f"growing-{table_oid}-{attnum}") for attnum in attnums]
    batch = pa.RecordBatch.from_arrays(columns, names=[str(attnum) for attnum in attnums])
    rows = GrowingRows()
    rows.append(batch, file.array(f"growing-{table_oid}-ids"), _no_earlier_rows)
    reserve(rows.size_bytes)
    return SegmentState(rows, rows.row_count, 0)


def _no_earlier_rows(attnum: int, count: int) -> None:
    return None
