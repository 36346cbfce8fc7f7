"""Writing sealed segments: rows from any place become one immutable file, with a key file per unique index.

One column is in memory at a time. The files are synced when `write_segment` returns; they belong to nothing
until a record names the entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from foundation.memory import MemoryBudget
from storage import layout
from storage.column_stream import ColumnStream
from storage.datafiles import DataFiles
from storage.key_specs import KeySpec
from storage.keys import SortedKeys, key_batch
from storage.rows import ROW_IDS_BLOCK, RowIds, SegmentEntry, column_zone
from storage.view import SegmentView

_MEMORY_HOLDER = "segment writing"


@dataclass(frozen=True, slots=True)
class SegmentSource:
    """Rows to be written. `column(attnum)` gives all of a column in one piece.

    `row_ids` is None for rows that get their (dense) ids at commit.
    """

    row_count: int
    row_ids: RowIds | None
    attnums: Sequence[int]
    column: Callable[[int], pa.Array]
    key_specs: Sequence[KeySpec]


@contextmanager
def reserved_for_writing(
    memory: MemoryBudget, views: Iterable[SegmentView], attnums: Sequence[int]
) -> Iterator[None]:
    """Account for the copy of the largest column that is made while segments become one.

    Raises:
        OutOfMemory: 53200.
    """
    columns = [[view.column(attnum).nbytes for attnum in attnums] for view in views]
    size_bytes = max((sum(sizes) for sizes in zip(*columns)), default=0)
    memory.reserve(_MEMORY_HOLDER, size_bytes)
    try:
        yield
    finally:
        memory.release(_MEMORY_HOLDER, size_bytes)


def write_segment(
    data_files: DataFiles, source: SegmentSource, stream: ColumnStream | None = None
) -> SegmentEntry:
    """Write the segment file and its key files, sync them and their folder.

    Args:
        stream: has one of the columns of all rows already.

    Returns:
        The entry; `first_row_id` is None, a committing transaction fills it in.

    Raises:
        IoFailure: 58030; DiskFull: 53100. No file is left then.
    """
    segment_id = data_files.allocate_id() if stream is None else stream.segment_id
    written = [(segment_id, layout.ROWS_SUFFIX)]
    entry = SegmentEntry(segment_id, source.row_count, None)
    try:
        _write_rows(data_files, segment_id, source, stream)
        key_files = []
        for spec in source.key_specs:
            file_id = data_files.allocate_id()
            written.append((file_id, layout.KEYS_SUFFIX))
            columns = [source.column(attnum) for attnum in spec.read_attnums]
            keys = key_batch(spec, columns, is_stored=True)
            write_keys(data_files, file_id, SortedKeys.build(keys))
            key_files.append((spec.index_oid, file_id))
        data_files.sync_folder()
        for file_id, suffix in written:
            data_files.prepare(file_id, suffix)
    except BaseException:
        discard_files(data_files, written)
        raise
    return replace(entry, key_files=tuple(key_files))


def _write_rows(
    data_files: DataFiles, segment_id: int, source: SegmentSource, stream: ColumnStream | None
) -> None:
    zones = {}
    with data_files.writer(segment_id, layout.ROWS_SUFFIX) if stream is None else stream.finish() as writer:
        if source.row_ids is not None:
            writer.add_array(ROW_IDS_BLOCK, source.row_ids)
        for attnum in source.attnums:
            if stream is not None and attnum == stream.attnum:
                continue
            column = source.column(attnum)
            writer.add_column(str(attnum), column)
            zone = column_zone(column)
            if zone is not None:
                zones[str(attnum)] = zone
        writer.finish({"rows": source.row_count, "zones": zones})


def write_keys(data_files: DataFiles, file_id: int, keys: SortedKeys) -> None:
    """Write and sync a key file; the caller syncs the folder."""
    with data_files.writer(file_id, layout.KEYS_SUFFIX) as writer:
        writer.add_array("hashes", keys.hashes)
        writer.add_array("offsets", keys.offsets)
        writer.finish({"kind": "keys"})


def discard_files(data_files: DataFiles, written: Sequence[tuple[int, str]]) -> None:
    for file_id, suffix in written:
        data_files.discard(file_id, suffix)


def entry_files(entry: SegmentEntry) -> list[tuple[int, str]]:
    """(file id, suffix) of a segment's file and its key files."""
    keys = [(file_id, layout.KEYS_SUFFIX) for _, file_id in entry.key_files]
    return [(entry.segment_id, layout.ROWS_SUFFIX), *keys]


def concatenated(pieces: Sequence[pa.Array], arrow_type: pa.DataType) -> pa.Array:
    """One array of all pieces; no copy for a single one."""
    if not pieces:
        return pa.nulls(0, arrow_type)
    return pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)


def selected(column: pa.Array, offsets: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> pa.Array:
    """The rows of a column at ascending offsets; no copy when these are all of them."""
    return column if len(offsets) == len(column) else column.take(pa.array(offsets, type=pa.int64()))
