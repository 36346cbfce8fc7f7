"""Overlays: row ids and columns that stand for those in a sealed segment's file.

A patch gives rows of a sealed segment new versions in the place of the old ones, with other values in some columns.
All patches of a segment together are its overlay: the row ids of all rows, and every patched column whole. An overlay
is immutable; a patch makes the next one, which shares the columns it leaves alone, and older states keep the one they
have. So a reader composes nothing, and a commit copies each patched column once.

Columns are in memory until a checkpoint has written them to a file, then mapped (`FORMATS.md`, "Overlay").
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets
from storage import layout
from storage.blockfile import BlockFile
from storage.errors import DataCorrupted
from storage.rows import ROW_IDS_BLOCK, RowIds, SegmentEntry, ZoneMap, column_zone, find_in_sorted

if TYPE_CHECKING:
    from storage.datafiles import DataFiles

VARIABLE_BYTES_MAX = (1 << 31) - 1
"""Arrow's 32-bit offsets: most bytes of a text column in one array."""

_serials = itertools.count(1)


class _MappedOverlay:
    """An overlay file. Overlays that go back to it share the arrays."""

    def __init__(self, file: BlockFile) -> None:
        self.file = file
        self._columns: dict[int, pa.Array] = {}

    @property
    def row_ids(self) -> RowIds:
        return self.file.array(ROW_IDS_BLOCK)

    def attnums(self) -> list[int]:
        return [int(name) for name in self.file.names() if name != ROW_IDS_BLOCK]

    def column(self, attnum: int) -> pa.Array | None:
        column = self._columns.get(attnum)
        if column is None and self.file.has(str(attnum)):
            column = self._columns.setdefault(attnum, self.file.column(str(attnum)))
        return column


class Overlay:
    """What one segment reads in place of its file. `serial` identifies its content for the life of the process."""

    def __init__(
        self, row_ids: RowIds | None, columns: Mapping[int, pa.Array], mapped: _MappedOverlay | None
    ) -> None:
        """For `patched` and `open_overlay`.

        Args:
            row_ids: (n,) uint64; None = those in the file.
            columns: columns in memory by attnum, which hide those in the file.
            mapped: an overlay file of the same segment; its content may be older.
        """
        self.serial = next(_serials)
        self.saved: tuple[int, BlockFile] | None = None
        """The file that holds exactly this overlay, once a checkpoint has written it, and its id."""
        self._row_ids = row_ids
        self._columns = columns
        self._mapped = mapped
        self._order: RowOffsets | None = None
        self._zones: dict[int, ZoneMap | None] = {}

    @property
    def memory_bytes(self) -> int:
        """Bytes that are not in a mapped file."""
        ids_bytes = 0 if self._row_ids is None else self._row_ids.nbytes
        return ids_bytes + sum(int(column.nbytes) for column in self._columns.values())

    @property
    def size_bytes(self) -> int:
        return self.memory_bytes if self.saved is None else self.saved[1].size_bytes

    def attnums(self) -> list[int]:
        """The patched columns."""
        return sorted({*self._columns, *(() if self._mapped is None else self._mapped.attnums())})

    @property
    def row_ids(self) -> RowIds:
        """(n,) uint64, of the rows in the segment's order."""
        row_ids = self._row_ids
        if row_ids is None:
            assert self._mapped is not None
            row_ids = self._mapped.row_ids
        return row_ids

    def column(self, attnum: int) -> pa.Array | None:
        """All n values of a patched column; None for one that was never patched."""
        column = self._columns.get(attnum)
        if column is None and self._mapped is not None:
            column = self._mapped.column(attnum)
        return column

    def zone_map(self, attnum: int) -> ZoneMap | None:
        """Bounds of a patched column; None when its type has no useful order."""
        if attnum not in self._zones:
            column = self.column(attnum)
            zone = None if column is None else column_zone(column)
            self._zones[attnum] = None if zone is None else ZoneMap(*zone)
        return self._zones[attnum]

    def find(self, row_ids: RowIds) -> RowOffsets:
        """(m,) offsets of row ids, -1 for those that are not here, or not any more."""
        ids = self.row_ids
        if self._order is None:
            is_ascending = bool((ids[1:] > ids[:-1]).all())
            self._order = np.arange(0) if is_ascending else np.argsort(ids, kind="stable")
        if not len(self._order):
            return find_in_sorted(ids, row_ids)
        found = find_in_sorted(ids[self._order], row_ids)
        return np.where(found >= 0, self._order[found], -1)

    def keep_in(self, file_id: int, file: BlockFile) -> None:
        """The file was written from this overlay: read from there, and let go of what is in memory."""
        self.saved = (file_id, file)
        # The file first: a reader that misses a column in memory looks there next.
        self._mapped = _MappedOverlay(file)
        self._columns, self._row_ids = {}, None


def patched(
    before: Overlay | None, stored: Sequence[pa.Array], attnums: Sequence[int], row_ids: RowIds
) -> Overlay:
    """The overlay `before` with other columns and row ids.

    Args:
        before: the segment's overlay so far.
        stored: (n,) the columns that change, as they are to be.
        attnums: theirs.
        row_ids: (n,) uint64 as they are to be.
    """
    columns = {} if before is None else dict(before._columns)
    columns.update(zip(attnums, stored, strict=True))
    return Overlay(row_ids, columns, None if before is None else before._mapped)


def replaced(column: pa.Array, offsets: RowOffsets, values: pa.Array) -> pa.Array:
    """A copy of a column with other values at some offsets, each of which occurs once.

    Args:
        column: (n,).
        offsets: (m,).
        values: (m,) of the same type.
    """
    if len(offsets) == len(column) and (offsets[1:] > offsets[:-1]).all():
        return values
    source = np.arange(len(column), dtype=np.int64)
    source[offsets] = np.arange(len(column), len(column) + len(values))
    return pa.concat_arrays([column, values]).take(pa.array(source))


def can_hold(column: pa.Array, values: pa.Array) -> bool:
    """Whether `replaced` can make an array: one of text has room for 2 GiB."""
    return not has_offsets(column.type) or column.nbytes + values.nbytes <= VARIABLE_BYTES_MAX


def has_offsets(arrow_type: pa.DataType) -> bool:
    """Whether values have lengths of their own, which limits the bytes of one array."""
    tests = (pa.types.is_string, pa.types.is_binary, pa.types.is_list, pa.types.is_struct)
    return any(test(arrow_type) for test in tests)


def differing_rows(before: RowIds, after: RowIds) -> RowOffsets:
    """Offsets of the rows that were patched between two row id columns of one segment."""
    found: RowOffsets = np.flatnonzero(before != after)
    return found


def write_overlay(data_files: DataFiles, overlay: Overlay, segment_id: int) -> int:
    """Write and sync an overlay's file; its id. The caller syncs the folder.

    Raises:
        IoFailure: 58030; DiskFull: 53100. No file is left then.
    """
    file_id = data_files.allocate_id()
    with data_files.writer(file_id, layout.OVERLAY_SUFFIX) as writer:
        row_ids: npt.NDArray[np.uint64] = overlay.row_ids
        writer.add_array(ROW_IDS_BLOCK, row_ids)
        for attnum in overlay.attnums():
            writer.add_column(str(attnum), overlay.column(attnum))
        writer.finish({"kind": "overlay", "segment": segment_id, "rows": len(row_ids)})
    return file_id


def open_overlay(data_files: DataFiles, file_id: int, entry: SegmentEntry) -> Overlay:
    """An overlay as a manifest names it.

    Raises:
        DataCorrupted: XX001, it is damaged or of another segment.
    """
    file = data_files.open(file_id, layout.OVERLAY_SUFFIX)
    named = (file.meta.get("segment"), file.meta.get("rows"))
    if named != (entry.segment_id, entry.row_count):
        what = f"it is of segment {named[0]} with {named[1]} rows, not of {entry.segment_id} with {entry.row_count}"
        raise DataCorrupted(f'file "{file.path}": {what}', path=file.path, what=what)
    overlay = Overlay(None, {}, _MappedOverlay(file))
    overlay.saved = (file_id, file)
    return overlay
