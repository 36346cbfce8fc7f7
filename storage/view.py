"""What a reader sees of a table: an immutable set of segments with their visible rows.

A `TableView` belongs to one snapshot and one definition of the table. It is cheap, may be shared by threads
and stays valid (and its mapped files readable) as long as somebody holds it, whatever is committed, merged or
dropped meanwhile.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import Bitset, RowOffsets, mask_from_bits, popcount
from foundation.errors import DataException
from foundation.sqltypes import arrow_type
from foundation.vector_elements import element_of
from storage.blockfile import BlockFile
from storage.catalog import Column, Table
from storage.errors import DataCorrupted
from storage.growable import aligned_empty
from storage.key_specs import KeySpec
from storage.keys import Hashes, KeyBatch, SortedKeys, key_batch, matching_rows
from storage.overlay import Overlay
from storage.rows import GrowingRows, RowIds, SealedRows, StoredRows, ZoneMap

MissingColumn = Callable[[Column, int], pa.Array]
"""(column, n) -> (n,) array of the value that rows stored before the column was added read as."""

_log = logging.getLogger("quiver.storage")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside a sealed segment: an index's buffers or a unique index's sorted keys."""

    file_id: int
    file: BlockFile
    is_keys: bool


class SegmentView:
    """The rows of one segment as one snapshot sees them.

    `segment_id` is positive for a sealed segment, 0 for rows in memory, -1 for the transaction's own rows.
    Row offsets are 0 .. row_count - 1 and count deleted rows too: `visible_bits` says which may be returned.
    """

    def __init__(
        self,
        rows: StoredRows,
        row_count: int,
        visible_bits: Bitset | None,
        *,
        table: Table,
        missing: MissingColumn,
        attachments: Mapping[int, Attachment],
        overlay: Overlay | None = None,
    ) -> None:
        self.segment_id = rows.segment_id
        self.row_count = row_count
        self.visible_bits = visible_bits
        """Bitset of the rows this snapshot may return; None = all of them."""
        self._rows = rows
        self._table = table
        self._missing = missing
        self._attachments = attachments
        self._overlay = overlay
        self._columns: dict[int, pa.Array] = {}
        self._vectors: dict[int, tuple[npt.NDArray[Any], Bitset | None]] = {}

    @property
    def version(self) -> Hashable:
        """Equal for two views whose columns have equal content; deletes do not change it."""
        return (self._rows.uid, self.row_count, 0 if self._overlay is None else self._overlay.serial)

    @property
    def stored_version(self) -> Hashable:
        """Equal for two views of the same stored rows, which patches leave alone: their vectors and indexes."""
        return (self._rows.uid, self.row_count)

    @property
    def rows_uid(self) -> int:
        """Identifies the rows in this process: a growing segment keeps it while rows are added."""
        return self._rows.uid

    @property
    def stored_rows(self) -> StoredRows:
        """What the view reads from, of which a snapshot may see less or, patched, something else."""
        return self._rows

    @property
    def table(self) -> Table:
        """The definition of the table that the columns are read with."""
        return self._table

    def has_column(self, attnum: int) -> bool:
        """Whether the view's definition of the table has the column."""
        return any(column.attnum == attnum for column in self._table.columns)

    def is_patched(self, attnum: int) -> bool:
        """Whether the column has other values than the segment was written with."""
        return self._overlay is not None and attnum in self._overlay.attnums()

    @cached_property
    def row_ids(self) -> RowIds:
        """(n,) uint64; ascending unless rows were patched."""
        return self._rows.row_ids(self.row_count) if self._overlay is None else self._overlay.row_ids

    @cached_property
    def visible_count(self) -> int:
        return popcount(self.visible_bits, self.row_count)

    def column(self, attnum: int) -> pa.Array:
        """All n values of a column, in one piece. Rows stored before it was added have its missing value."""
        column = self._columns.get(attnum)
        if column is None:
            column = None if self._overlay is None else self._overlay.column(attnum)
            if column is None:
                column = self._rows.stored_column(attnum, self.row_count)
            if column is None:
                column = self._missing(self._table.column_at(attnum), self.row_count)
            self._columns[attnum] = column
        return column

    def vectors(self, attnum: int) -> tuple[npt.NDArray[Any], Bitset | None]:
        """A vector column as a matrix.

        Returns:
            (n, dim) numbers (`foundation.vector_elements`), C-contiguous, read-only, zero-copy for a column with a dimension;
            and the bitset of rows that are not NULL (None = none is NULL). A NULL row holds zeros or anything.

        Raises:
            DataException: 22000, when a column without a dimension holds vectors of several dimensions.
        """
        found = self._vectors.get(attnum)
        if found is None:
            found = self._vectors[attnum] = _matrix(self.column(attnum))
        return found

    def index_buffers(self, index_oid: int) -> dict[str, npt.NDArray[Any]] | None:
        """The installed index's buffers, mapped; None when none is installed or its file is damaged."""
        attachment = self._attachments.get(index_oid)
        if attachment is None or attachment.is_keys:
            return None
        try:
            return {name: attachment.file.array(name) for name in attachment.file.names()}
        except DataCorrupted as error:
            _log.warning("index %d is not used for segment %d: %s", index_oid, self.segment_id, error)
            return None

    def has_index(self, index_oid: int) -> bool:
        """Whether an index is installed and not known to be damaged: else it is to be built."""
        attachment = self._attachments.get(index_oid)
        return attachment is not None and not attachment.is_keys and not attachment.file.is_damaged

    def is_index_damaged(self, index_oid: int) -> bool:
        """Whether an installed index is known to be damaged; False where none is installed."""
        attachment = self._attachments.get(index_oid)
        return attachment is not None and not attachment.is_keys and attachment.file.is_damaged

    def mark_index_damaged(self, index_oid: int) -> None:
        """The buffers mean nothing, whatever their checksums: for all views the index is to be built again."""
        self._attachments[index_oid].file.is_damaged = True

    def index_size_bytes(self, index_oid: int) -> int:
        """Size of the installed index file; 0 when there is none."""
        attachment = self._attachments.get(index_oid)
        return 0 if attachment is None else attachment.file.size_bytes

    @property
    def size_bytes(self) -> int:
        """Bytes of the segment's file and its patches, or of its rows in memory; attached files not counted."""
        rows = self._rows
        if isinstance(rows, SealedRows):
            return rows.file.size_bytes + (0 if self._overlay is None else self._overlay.size_bytes)
        return rows.size_bytes if isinstance(rows, GrowingRows) else 0

    def zone_map(self, attnum: int) -> ZoneMap | None:
        """Bounds of a column over all rows of a sealed segment, visible or not; None when not known."""
        if self._overlay is not None and self._overlay.column(attnum) is not None:
            return self._overlay.zone_map(attnum)
        return self._rows.zone_map(attnum) if isinstance(self._rows, SealedRows) else None

    def take(self, attnums: Sequence[int], offsets: RowOffsets) -> pa.RecordBatch:
        """Some rows of some columns, copied; columns are named by str(attnum)."""
        indices = pa.array(offsets, type=pa.int64())
        columns = [self.column(attnum).take(indices) for attnum in attnums]
        return pa.RecordBatch.from_arrays(columns, names=[str(attnum) for attnum in attnums])

    def find(self, row_ids: RowIds) -> RowOffsets:
        """(m,) offsets of row ids, -1 for those that are not in this segment."""
        return (
            self._rows.find(row_ids, self.row_count) if self._overlay is None else self._overlay.find(row_ids)
        )

    def find_stored(self, row_ids: RowIds) -> RowOffsets:
        """(m,) offsets of the rows that had these ids when the segment was written, -1 for others."""
        return self._rows.find(row_ids, self.row_count)

    def is_visible(self, offsets: RowOffsets) -> npt.NDArray[np.bool_]:
        if self.visible_bits is None:
            return np.ones(len(offsets), dtype=np.bool_)
        found: npt.NDArray[np.bool_] = (
            self.visible_bits[offsets >> 3] >> (offsets & 7).astype(np.uint8) & 1
        ) != 0
        return found

    def take_column(self, attnum: int, offsets: RowOffsets) -> pa.Array:
        return self.column(attnum).take(pa.array(offsets, type=pa.int64()))

    def probe_keys(self, spec: KeySpec, hashes: Hashes) -> tuple[RowOffsets, RowOffsets]:
        """`storage.keys.KeyedRows`: candidates among all rows of the view, visible or not."""
        if isinstance(self._rows, GrowingRows):
            keys = self._rows.growing_keys(spec.index_oid)
            first = keys.row_count
            if first < self.row_count:
                fresh = [self.column(attnum).slice(first) for attnum in spec.read_attnums]
                keys.catch_up(key_batch(spec, fresh, is_stored=True), first)
            positions, offsets = keys.probe(hashes)
        else:
            positions, offsets = self.sorted_keys(spec).probe(hashes)
        within = offsets < self.row_count
        return positions[within], offsets[within]

    def sorted_keys(self, spec: KeySpec) -> SortedKeys:
        """The sorted keys of immutable rows: mapped when a key file is there, else computed once."""
        known = self._rows.sorted_keys.get(spec.index_oid)
        if known is not None and all(map(operator.is_, known[0], self._patched_columns(spec))):
            return known[1]
        # A key file was made when its columns could not be patched any more.
        keys = self._mapped_keys(spec.index_oid)
        if keys is None:
            keys = SortedKeys.build(self.keys(spec))
        self.keep_keys(spec, keys)
        return keys

    def keep_keys(self, spec: KeySpec, keys: SortedKeys) -> None:
        """Let `sorted_keys` give these, which are right, to all views of the rows with the same key columns."""
        self._rows.sorted_keys[spec.index_oid] = (self._patched_columns(spec), keys)

    def _patched_columns(self, spec: KeySpec) -> tuple[pa.Array | None, ...]:
        overlay = self._overlay
        return tuple(None if overlay is None else overlay.column(attnum) for attnum in spec.read_attnums)

    def _mapped_keys(self, index_oid: int) -> SortedKeys | None:
        attachment = self._attachments.get(index_oid)
        if attachment is None or not attachment.is_keys:
            return None
        try:
            return SortedKeys(attachment.file.array("hashes"), attachment.file.array("offsets"))
        except DataCorrupted as error:
            _log.warning("keys of index %d are computed again: %s", index_oid, error)
            return None

    def keys(self, spec: KeySpec) -> KeyBatch:
        """Keys of all rows."""
        return key_batch(spec, [self.column(attnum) for attnum in spec.read_attnums], is_stored=True)

    def visible_matches(self, spec: KeySpec, keys: KeyBatch) -> tuple[RowOffsets, RowOffsets]:
        """Pairs (position in `keys`, offset of a visible row with that key)."""
        positions, offsets = matching_rows(self, spec, keys)
        if not len(positions):
            return positions, offsets
        visible = self.is_visible(offsets)
        return positions[visible], offsets[visible]

    def without(self, offsets: RowOffsets) -> SegmentView:
        """This view with some more rows deleted: those its own transaction deleted."""
        mask = np.ones(self.row_count, dtype=np.bool_)
        if self.visible_bits is not None:
            mask = mask_from_bits(self.visible_bits, self.row_count).copy()
        mask[offsets] = False
        view = SegmentView(
            self._rows,
            self.row_count,
            np.packbits(mask, bitorder="little"),
            table=self._table,
            missing=self._missing,
            attachments=self._attachments,
            overlay=self._overlay,
        )
        view._columns, view._vectors = self._columns, self._vectors
        return view


class TableView:
    """A table at a snapshot. Segments are in no particular order; a row is in exactly one of them."""

    def __init__(self, table: Table, segments: tuple[SegmentView, ...]) -> None:
        self.table = table
        self.segments = segments

    @cached_property
    def row_count(self) -> int:
        """Visible rows."""
        return sum(segment.visible_count for segment in self.segments)

    def take(self, row_ids: RowIds, attnums: Sequence[int]) -> dict[int, pa.Array]:
        """Columns of rows by id, in the order of `row_ids`; every id must be there."""
        if not attnums or not len(row_ids):
            return {attnum: self._empty_column(attnum) for attnum in attnums}
        pieces: list[pa.RecordBatch] = []
        order: list[RowOffsets] = []
        for segment in self.segments:
            offsets = segment.find(row_ids)
            wanted = np.flatnonzero(offsets >= 0)
            if len(wanted):
                pieces.append(segment.take(attnums, offsets[wanted]))
                order.append(wanted)
        if len(pieces) == 1:
            return {attnum: pieces[0].column(str(attnum)) for attnum in attnums}
        restore = pa.array(np.argsort(np.concatenate(order), kind="stable"), pa.int64())
        return {
            attnum: pa.concat_arrays([piece.column(str(attnum)) for piece in pieces]).take(restore)
            for attnum in attnums
        }

    def contains(self, row_ids: RowIds) -> npt.NDArray[np.bool_]:
        """(m,) bool: which rows are in a segment, visible or not."""
        found = np.zeros(len(row_ids), dtype=np.bool_)
        for segment in self.segments:
            found |= segment.find(row_ids) >= 0
        return found

    def _empty_column(self, attnum: int) -> pa.Array:
        return pa.nulls(0, arrow_type(self.table.column_at(attnum).type))

    def visible_matches(self, spec: KeySpec, keys: KeyBatch) -> tuple[RowOffsets, RowIds]:
        """Pairs (position in `keys`, id of a visible row with that key), by ascending position."""
        positions: list[RowOffsets] = []
        row_ids: list[RowIds] = []
        for segment in self.segments:
            found, offsets = segment.visible_matches(spec, keys)
            if len(found):
                positions.append(found)
                row_ids.append(segment.row_ids[offsets])
        if not positions:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        merged = np.concatenate(positions)
        order = np.argsort(merged, kind="stable")
        return merged[order], np.concatenate(row_ids)[order]

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments."""
        return sum(segment.size_bytes for segment in self.segments)


def _valid_bits(column: pa.Array) -> Bitset | None:
    if not column.null_count:
        return None
    valid: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return np.packbits(valid, bitorder="little")


def _matrix(column: pa.Array) -> tuple[npt.NDArray[Any], Bitset | None]:
    arrow_type = column.type
    dtype = element_of(arrow_type).dtype
    valid_bits = _valid_bits(column)
    if pa.types.is_fixed_size_list(arrow_type):
        dim = arrow_type.list_size
        values = _flat_values(column.values, dtype)
        matrix = values[column.offset * dim : (column.offset + len(column)) * dim].reshape(len(column), dim)
        return matrix, valid_bits
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset :][: len(column) + 1]
    lengths = np.diff(offsets)
    valid = np.ones(len(column), dtype=np.bool_)
    if valid_bits is not None:
        valid = mask_from_bits(valid_bits, len(column))
    dims = np.unique(lengths[valid])
    if len(dims) > 1:
        raise DataException(f"different vector dimensions {dims[0]} and {dims[1]}")
    dim = int(dims[0]) if len(dims) else 0
    values = _flat_values(column.values, dtype)
    if valid_bits is None:
        return values[offsets[0] : offsets[-1]].reshape(len(column), dim) if len(column) else values[
            :0
        ].reshape(0, dim), None
    matrix = aligned_empty(len(column) * dim, dtype).reshape(len(column), dim)
    matrix[:] = 0
    rows = np.flatnonzero(valid)
    matrix[rows] = values[offsets[rows][:, None] + np.arange(dim)]
    matrix.flags.writeable = False
    return matrix, valid_bits


def _flat_values(values: pa.Array, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The data buffer of a number array, read-only, without looking at validity."""
    buffer = values.buffers()[1]
    if buffer is None:
        return np.empty(0, dtype=dtype)
    flat = np.frombuffer(buffer, dtype=dtype)[values.offset : values.offset + len(values)]
    if flat.flags.writeable:
        flat.flags.writeable = False
    return flat
