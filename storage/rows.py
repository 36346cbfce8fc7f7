"""Where rows are: in memory and growing, in a private spill file, or in a sealed segment file.

All three kinds answer the same questions: the row ids (ascending), the stored columns, which row ids are
here. What a reader may see of them (row count, tombstones, columns added later) is decided by the views of
`view.py`; nothing here knows a snapshot.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.bitset import RowOffsets
from storage.blockfile import BlockFile
from storage.errors import DataCorrupted
from storage.growable import GrowableArray, GrowableColumn, growable_column
from storage.keys import GrowingKeys, SortedKeys
from storage.tombstones import Tombstones

RowIds = npt.NDArray[np.uint64]
KnownKeys = tuple[tuple[pa.Array | None, ...], SortedKeys]
"""Sorted keys with the patched key columns they were made of; None for a column as it is stored."""

ROW_IDS_BLOCK = "row_ids"
_uids = itertools.count(1)
_ZONE_TEXT_BYTES_MAX = 64


def next_uid() -> int:
    """A `StoredRows.uid` that no rows had before."""
    return next(_uids)


class StoredRows(Protocol):
    """Rows of one segment. `uid` identifies this object's content in caches for the life of the process."""

    uid: int
    segment_id: int
    tombstones: Tombstones
    sorted_keys: dict[int, KnownKeys]

    def row_ids(self, count: int) -> RowIds: ...

    def find(self, row_ids: RowIds, count: int) -> RowOffsets:
        """(m,) offsets among the first `count` rows; -1 where the row id is not here."""

    def stored_column(self, attnum: int, count: int) -> pa.Array | None:
        """The first `count` values; None when the rows were written without this column."""


def find_in_sorted(sorted_ids: RowIds, row_ids: RowIds) -> RowOffsets:
    """(m,) positions of `row_ids` in an ascending array, -1 where absent."""
    if not len(sorted_ids):
        return np.full(len(row_ids), -1, dtype=np.int64)
    positions = np.searchsorted(sorted_ids, row_ids).astype(np.int64)
    clipped = np.minimum(positions, len(sorted_ids) - 1)
    return np.where(sorted_ids[clipped] == row_ids, clipped, -1)


class GrowingRows:
    """Rows in memory, in commit order. One thread appends; readers use prefixes they know to be complete."""

    def __init__(self) -> None:
        self.uid = next_uid()
        self.segment_id = 0
        self.tombstones = Tombstones()
        self.sorted_keys: dict[int, KnownKeys] = {}
        self.size_bytes = 0
        self._row_ids = GrowableArray(np.uint64)
        self._columns: dict[int, GrowableColumn] = {}
        self._types: dict[int, pa.DataType] = {}
        self._keys: dict[int, GrowingKeys] = {}

    @property
    def row_count(self) -> int:
        return self._row_ids.count

    def append(
        self,
        batch: pa.RecordBatch,
        row_ids: RowIds,
        missing: Callable[[int, int], pa.Array | None],
        memory_bytes: int | None = None,
    ) -> None:
        """Add rows.

        Args:
            missing: (attnum, n) -> the values of n earlier rows in a column they were stored without.
            memory_bytes: `rows_bytes(batch)`, if the caller knows it already.
        """
        count = self.row_count
        given = {int(name): column for name, column in zip(batch.schema.names, batch.columns)}
        for attnum, column in given.items():
            if attnum in self._columns:
                assert column.type.equals(self._types[attnum]), "a column's type never changes"
            else:
                self._add_column(attnum, column.type, missing(attnum, count) if count else None)
        for attnum, grown in self._columns.items():
            present = given.get(attnum)
            grown.append(pa.nulls(len(batch), self._types[attnum]) if present is None else present)
        # The row count last: readers that see it must find all columns as long.
        self._row_ids.append(row_ids)
        self.size_bytes += rows_bytes(batch) if memory_bytes is None else memory_bytes

    def _add_column(self, attnum: int, arrow_type: pa.DataType, filled: pa.Array | None) -> None:
        grown = growable_column(arrow_type)
        if self.row_count:
            grown.append(pa.nulls(self.row_count, arrow_type) if filled is None else filled)
        self._types[attnum] = arrow_type
        self._columns = {**self._columns, attnum: grown}

    def row_ids(self, count: int) -> RowIds:
        ids: RowIds = self._row_ids.data[:count]
        return ids

    def find(self, row_ids: RowIds, count: int) -> RowOffsets:
        return find_in_sorted(self.row_ids(count), row_ids)

    def stored_column(self, attnum: int, count: int) -> pa.Array | None:
        grown = self._columns.get(attnum)
        return None if grown is None else grown.prefix(count)

    def attnums(self) -> list[int]:
        return list(self._columns)

    def growing_keys(self, index_oid: int) -> GrowingKeys:
        return self._keys.setdefault(index_oid, GrowingKeys())

    def truncate(self, count: int) -> None:
        """Forget rows from `count` on; for a transaction's own rows, which nobody else reads."""
        if count >= self.row_count:
            return
        self.size_bytes = self.size_bytes * count // self.row_count
        for grown in self._columns.values():
            grown.truncate(count)
        self._row_ids.truncate(count)
        self._keys = {}
        self.uid = next_uid()


class SpilledRows:
    """A chunk of a transaction's own rows in its private spill file: dense row ids, columns mapped on demand."""

    def __init__(self, load: Callable[[], pa.RecordBatch], first_row_id: int) -> None:
        self.uid = next_uid()
        self.segment_id = -1
        self.tombstones = Tombstones()
        self.sorted_keys: dict[int, KnownKeys] = {}
        self._first_row_id = first_row_id
        self._load = load

    def row_ids(self, count: int) -> RowIds:
        return dense_ids(self._first_row_id, count)

    def find(self, row_ids: RowIds, count: int) -> RowOffsets:
        return find_dense(self._first_row_id, row_ids, count)

    def stored_column(self, attnum: int, count: int) -> pa.Array | None:
        batch = self._load()
        position = batch.schema.get_field_index(str(attnum))
        return None if position < 0 else batch.column(position).slice(0, count)


def rows_bytes(batch: pa.RecordBatch) -> int:
    """What rows take in memory, with their ids."""
    return int(batch.nbytes) + 8 * len(batch)


def dense_ids(first_row_id: int, count: int) -> RowIds:
    return np.arange(count, dtype=np.uint64) + np.uint64(first_row_id)


def find_dense(first_row_id: int, row_ids: RowIds, count: int) -> RowOffsets:
    """`find_in_sorted` for the ids first_row_id .. first_row_id + count - 1."""
    # uint64 subtraction wraps for smaller ids, which makes them larger than any count.
    offsets = row_ids - np.uint64(first_row_id)
    absent = np.uint64(2**64 - 1)
    return np.where(offsets < np.uint64(count), offsets, absent).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ZoneMap:
    """Bounds of a column in a sealed segment, as stored: dates and times as integers, text as str.

    `minimum` and `maximum` are None when all rows are NULL.
    """

    minimum: int | float | str | None
    maximum: int | float | str | None
    null_count: int


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """What log and manifest record of a sealed segment.

    `first_row_id` is None when the file has a row id column; a segment that a transaction wrote before its
    commit has none, its ids are dense and start here. `key_files` are (index OID, file id).
    """

    segment_id: int
    row_count: int
    first_row_id: int | None
    key_files: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.segment_id,
            "rows": self.row_count,
            "first": self.first_row_id,
            "keys": [list(pair) for pair in self.key_files],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SegmentEntry:
        keys = tuple((int(oid), int(file_id)) for oid, file_id in record["keys"])
        return cls(record["id"], record["rows"], record["first"], keys)


class SealedRows:
    """An immutable segment file, memory-mapped. Columns are verified and decoded at first touch."""

    def __init__(self, file: BlockFile, entry: SegmentEntry) -> None:
        if file.meta["rows"] != entry.row_count:
            what = f"{file.meta['rows']} rows; the log says {entry.row_count}"
            raise DataCorrupted(f'file "{file.path}" has {what}', path=file.path, what=what)
        self.uid = next_uid()
        self.segment_id = entry.segment_id
        self.entry = entry
        self.file = file
        self.tombstones = Tombstones()
        self.sorted_keys: dict[int, KnownKeys] = {}
        self._columns: dict[int, pa.Array] = {}
        self._row_ids: RowIds | None = None
        self._lock = threading.Lock()

    def row_ids(self, count: int) -> RowIds:
        if self._row_ids is None:
            first = self.entry.first_row_id
            if first is None:
                self._row_ids = self.file.array(ROW_IDS_BLOCK)
            else:
                self._row_ids = dense_ids(first, self.entry.row_count)
                self._row_ids.flags.writeable = False
        return self._row_ids[:count]

    def find(self, row_ids: RowIds, count: int) -> RowOffsets:
        if self.entry.first_row_id is not None:
            return find_dense(self.entry.first_row_id, row_ids, count)
        return find_in_sorted(self.row_ids(count), row_ids)

    def add_tombstones(self, row_ids: RowIds) -> None:
        """Delete rows as the manifest or the log says.

        Raises:
            DataCorrupted: XX001, one of them is not here.
        """
        offsets = self.find(row_ids, self.entry.row_count)
        if (offsets < 0).any():
            what = f"row {row_ids[np.argmin(offsets)]} is deleted and not in this segment"
            raise DataCorrupted(f'file "{self.file.path}": {what}', path=self.file.path, what=what)
        self.tombstones.append(offsets)

    def stored_column(self, attnum: int, count: int) -> pa.Array | None:
        column = self._columns.get(attnum)
        if column is None:
            name = str(attnum)
            if not self.file.has(name):
                return None
            with self._lock:
                column = self._columns.setdefault(attnum, self.file.column(name))
        return column if count == len(column) else column.slice(0, count)

    def zone_map(self, attnum: int) -> ZoneMap | None:
        """Bounds of a column; None when the type has no useful order or the rows lack the column."""
        zone = self.file.meta["zones"].get(str(attnum))
        return None if zone is None else ZoneMap(*zone)


def column_zone(column: pa.Array) -> list[Any] | None:
    """[minimum, maximum, null count] in JSON form; None for types without a useful order."""
    arrow_type = column.type
    if pa.types.is_temporal(arrow_type) and arrow_type != pa.month_day_nano_interval():
        column = column.view(pa.int32() if arrow_type.bit_width == 32 else pa.int64())
    elif not (
        pa.types.is_integer(arrow_type)
        or pa.types.is_floating(arrow_type)
        or pa.types.is_boolean(arrow_type)
        or pa.types.is_string(arrow_type)
    ):
        return None
    bounds = pc.min_max(column).as_py()
    zone = [bounds["min"], bounds["max"], column.null_count]
    if pa.types.is_string(arrow_type) and any(b and len(b.encode()) > _ZONE_TEXT_BYTES_MAX for b in zone[:2]):
        return None
    if pa.types.is_floating(arrow_type):
        # PostgreSQL sorts NaN above all numbers, Arrow leaves it out: no bounds are better than wrong ones.
        has_nan = pc.any(pc.is_nan(column)).as_py()
        if has_nan or any(b is not None and not math.isfinite(b) for b in zone[:2]):
            return None
    return zone
