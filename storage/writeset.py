"""A transaction's private changes to one table: own rows, tombstones, truncation.

Own rows have provisional ids (2**63 + ordinal) until commit. They live in memory up to a limit, then the
rows so far move to a chunk of a private spill file that is read back by mapping, but for their widest vectors, which are
written where the commit wants them (`column_stream`). From then on large batches go there as they come.
Everything is append-only, so a savepoint is a handful of counts and rolling back cuts the lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import Bitset, RowOffsets, bits_from_mask
from foundation.memory import MemoryBudget
from storage.catalog import CatalogObject, Table
from storage.changes import PendingChecks
from storage.column_stream import ColumnStream, streamed_attnum
from storage.growable import without_null_values
from storage.idset import IdSet
from storage.key_specs import KeySpec
from storage.keys import Hashes, key_batch
from storage.revisions import RevisedRows, UpdatePlan
from storage.rows import GrowingRows, RowIds, SpilledRows, dense_ids, rows_bytes
from storage.spill_file import SpillFile
from storage.successors import MOVED_ROW
from storage.view import MissingColumn, SegmentView, TableView

PROVISIONAL_ID_MIN = 1 << 63
MEMORY_HOLDER = "transaction rows"
_OWN_SEGMENT_ID = -1
_LARGE_BATCH_SHARE = 4
"""Once rows were spilled, a batch of at least this part of the limit is spilled without waiting for more."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Rows that take no more: spilled, revised, or from before one of these. `row_count` of them are still wanted."""

    rows: SpilledRows | GrowingRows | RevisedRows
    row_count: int
    reserved_bytes: int = 0
    stream_first: int = -1
    """Which row of the stream the first one is; -1 when they are not in it."""
    known_keys: frozenset[int] = frozenset()
    """The indexes whose keys of these rows are among those of the spilled rows."""


@dataclass(frozen=True, slots=True)
class TableMark:
    """A savepoint's view of `TableWrites`."""

    row_count: int
    own_deletes: int
    deletes: int
    replaced: int
    is_truncated: bool
    row_floor: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A savepoint of a transaction: what `Transaction.rollback_to` goes back to."""

    tables: dict[int, TableMark]
    puts: dict[int, CatalogObject]
    drops: frozenset[int]
    pending: PendingChecks
    locks: int


class TableWrites:
    """Private changes to one table. One session uses it; it needs no lock."""

    def __init__(self, table: Table, memory: MemoryBudget) -> None:
        self.table = table
        """The definition the rows were written for."""
        self.version = 0
        self.row_count = 0
        self.is_truncated = False
        self._row_floor = 0
        self._chunks: list[_Chunk] = []
        self._growing = _own_growing()
        self.waiting_bytes = 0
        """What `_waiting` takes."""
        self._waiting: pa.RecordBatch | None = None
        """The rows in memory as they came, while they are one batch that nobody has looked at."""
        self._stream: ColumnStream | None = None
        self._spilled_keys: dict[int, IdSet] = {}
        """By index OID, the key hashes of spilled rows, and of some that were rolled back."""
        self._own_deletes: list[RowOffsets] = []
        self._deletes: list[RowIds] = []
        self._replaced: list[tuple[RowIds, RowIds | None]] = []
        self._memory = memory
        self._reserved_bytes = 0

    @property
    def has_changes(self) -> bool:
        return bool(self.row_count or self._deletes or self.is_truncated)

    @property
    def is_spilled(self) -> bool:
        return any(isinstance(chunk.rows, SpilledRows) for chunk in self._chunks)

    @property
    def memory_bytes(self) -> int:
        return self._growing.size_bytes + (0 if self._waiting is None else self.waiting_bytes)

    def must_spill(self, bytes_max: int) -> bool:
        """Whether the rows in memory are to be spilled now, of which so many bytes may stay."""
        least = (
            bytes_max // _LARGE_BATCH_SHARE if self._waiting is not None and self.is_spilled else bytes_max
        )
        return self.memory_bytes > least

    def insert(self, batch: pa.RecordBatch, missing: MissingColumn) -> RowIds:
        """Add own rows; their provisional ids.

        Raises:
            OutOfMemory: 53200.
        """
        size_bytes = rows_bytes(batch)
        self._memory.reserve(MEMORY_HOLDER, size_bytes)
        self._reserved_bytes += size_bytes
        if self._waiting is None and not self._growing.row_count:
            self._waiting, self.waiting_bytes = batch, size_bytes
        else:
            self._settle(missing)
            self._append(batch, self.row_count, missing)
        first_row_id = PROVISIONAL_ID_MIN + self.row_count
        self.row_count += len(batch)
        self.version += 1
        return dense_ids(first_row_id, len(batch))

    def _append(self, batch: pa.RecordBatch, first_ordinal: int, missing: MissingColumn) -> None:
        table = self.table
        row_ids = dense_ids(PROVISIONAL_ID_MIN + first_ordinal, len(batch))
        self._growing.append(batch, row_ids, lambda attnum, n: missing(table.column_at(attnum), n))

    def _settle(self, missing: MissingColumn) -> None:
        """Give the waiting batch its place among the rows that can be looked at."""
        if self._waiting is not None:
            batch, self._waiting = self._waiting, None
            self._append(batch, self.row_count - len(batch), missing)

    def only_batch(self, table: Table) -> pa.RecordBatch | None:
        """All own rows, if they are still the one batch that was inserted and has the columns of `table` now."""
        batch = self._waiting
        if batch is None or len(batch) < self.row_count or self._own_deletes or self._row_floor:
            return None
        is_current = batch.schema.names == [str(column.attnum) for column in table.live_columns()]
        return batch if is_current else None

    def spill(self, file: SpillFile, specs: list[KeySpec], missing: MissingColumn) -> None:
        """Move the rows in memory to a chunk of the spill file, their widest vectors to a file of their own.

        Raises:
            IoFailure: 58030; DiskFull: 53100. The rows stay in memory.
        """
        batch = self._batch_in_memory(missing)
        stream_first, load_streamed = self._streamed(file, batch)
        if stream_first >= 0:
            assert self._stream is not None
            kept = batch.drop_columns([str(self._stream.attnum)])
        else:
            kept = batch
        position = file.append(kept) if kept.num_columns else None
        first_row_id = PROVISIONAL_ID_MIN + self.row_count - len(batch)

        def load() -> pa.RecordBatch:
            columns = {} if position is None else _by_name(file.read(*position))
            return pa.RecordBatch.from_pydict(columns | load_streamed())

        rows = SpilledRows(load, first_row_id)
        known = self._note_keys(specs, batch, missing)
        self._chunks.append(_Chunk(rows, len(batch), stream_first=stream_first, known_keys=known))
        self._waiting = None
        self._new_growing()
        self.version += 1

    def _batch_in_memory(self, missing: MissingColumn) -> pa.RecordBatch:
        if self._waiting is not None:
            columns = _by_name(self._waiting)
        else:
            view = self._view(self._growing, self._growing.row_count, None, missing)
            columns = {str(attnum): view.column(attnum) for attnum in self._growing.attnums()}
        return pa.RecordBatch.from_pydict({name: without_null_values(c) for name, c in columns.items()})

    def _streamed(
        self, file: SpillFile, batch: pa.RecordBatch
    ) -> tuple[int, Callable[[], dict[str, pa.Array]]]:
        """Append a column to the stream: which row of it is the first (-1: none), and what reads the column again."""
        if self._stream is None and not self._chunks:
            attnum = streamed_attnum(batch)
            if attnum is not None:
                column = batch.column(str(attnum))
                if not column.null_count:
                    self._stream = ColumnStream(file.data_files, attnum, column.type)
        stream = self._stream
        name = "" if stream is None else str(stream.attnum)
        if stream is None or name not in batch.schema.names or not stream.takes(batch.column(name)):
            return -1, dict
        first = stream.row_count
        read = stream.append(batch.column(name))
        return first, lambda: {name: read()}

    def _note_keys(
        self, specs: list[KeySpec], batch: pa.RecordBatch, missing: MissingColumn
    ) -> frozenset[int]:
        """Remember the keys of rows that are spilled; the indexes for which that was done."""
        columns = _by_name(batch)

        def column(attnum: int) -> pa.Array:
            given = columns.get(str(attnum))
            return missing(self.table.column_at(attnum), len(batch)) if given is None else given

        for spec in specs:
            keys = key_batch(spec, [column(attnum) for attnum in spec.read_attnums], is_stored=True)
            self._spilled_keys.setdefault(spec.index_oid, IdSet()).add(keys.hashes[keys.has_key])
        return frozenset(spec.index_oid for spec in specs)

    def finished_stream(self, table: Table) -> ColumnStream | None:
        """The stream with a column of all own rows, in their order, if it is so; the caller finishes it.

        None also when a row is deleted, or a column of `table` is not what it was.

        Raises:
            IoFailure: 58030; DiskFull: 53100.
        """
        stream = self._stream
        if stream is None or self._own_deletes or self._row_floor:
            return None
        live = {str(column.attnum) for column in table.live_columns()}
        first = 0
        for chunk in self._chunks:
            if chunk.stream_first != first:
                return None
            first += chunk.row_count
        if first != stream.row_count or str(stream.attnum) not in live:
            return None
        if self._growing.row_count:
            column = self._growing.stored_column(stream.attnum, self._growing.row_count)
            if column is None or not stream.takes(column):
                return None
            stream.append(column)
        return stream

    def revise(self, plan: UpdatePlan, missing: MissingColumn) -> RowIds:
        """Add own rows that take the place of stored ones.

        Returns:
            (m,) uint64 for the rows of the update: provisional ids of the revised ones, 0 for the rest.

        Raises:
            OutOfMemory: 53200.
        """
        row_ids = np.zeros(len(plan.rest) + sum(len(r.positions) for r in plan.revisions), dtype=np.uint64)
        for revision in plan.revisions:
            self._settle(missing)
            self._freeze_growing()
            count = len(revision.positions)
            size_bytes = revision.changed.nbytes + 16 * count
            self._memory.reserve(MEMORY_HOLDER, size_bytes)
            first_row_id = PROVISIONAL_ID_MIN + self.row_count
            rows = RevisedRows(revision.source, revision.offsets, revision.changed, first_row_id)
            self._chunks.append(_Chunk(rows, count, size_bytes))
            self.row_count += count
            self.version += 1
            row_ids[revision.positions] = dense_ids(first_row_id, count)
        return row_ids

    def _freeze_growing(self) -> None:
        """Let the rows in memory take no more."""
        if self._growing.row_count:
            self._chunks.append(_Chunk(self._growing, self._growing.row_count, self._reserved_bytes))
            self._growing, self._reserved_bytes = _own_growing(), 0

    def _new_growing(self) -> None:
        self._growing = _own_growing()
        self._release()

    def _release(self) -> None:
        self._memory.release(MEMORY_HOLDER, self._reserved_bytes)
        self._reserved_bytes = 0

    def delete_own(self, row_ids: RowIds) -> int:
        """Delete own rows by provisional id; how many were not deleted before."""
        ordinals = np.unique(row_ids - np.uint64(PROVISIONAL_ID_MIN)).astype(np.int64)
        fresh = ordinals[self.own_live_mask()[ordinals]]
        if len(fresh):
            self._own_deletes.append(fresh)
            self.version += 1
        return len(fresh)

    def delete(self, row_ids: RowIds) -> int:
        """Note committed rows as deleted; how many were not before. Conflicts are the caller's check."""
        fresh = np.setdiff1d(row_ids, self.deleted_ids())
        if len(fresh):
            self._deletes.append(fresh)
            self.version += 1
        return len(fresh)

    def deleted_ids(self) -> RowIds:
        """(m,) uint64 committed row ids this transaction deleted, ascending."""
        if not self._deletes:
            return np.empty(0, dtype=np.uint64)
        if len(self._deletes) == 1:
            return self._deletes[0]
        return np.sort(np.concatenate(self._deletes))

    @property
    def has_replacements(self) -> bool:
        return bool(self._replaced)

    def note_replaced(self, old_ids: RowIds, fresh_ids: RowIds) -> None:
        """Note that (n,) rows, committed or own, have (n,) own rows as their next versions."""
        self._replaced.append((old_ids, fresh_ids))

    def note_moved(self, old_ids: RowIds) -> None:
        """Note that (n,) rows, committed or own, were deleted to be inserted into another table."""
        self._replaced.append((old_ids, None))

    def replacements(self, row_ids: RowIds) -> tuple[RowIds, RowIds]:
        """Committed rows that were updated, and their new versions' ids (0 = deleted again) once own rows have theirs.

        Args:
            row_ids: (row_count,) uint64 ids that commit gave to own rows, 0 for those it did not insert; overwritten.
        """
        old_parts, new_parts = [], []
        for old_ids, fresh_ids in reversed(self._replaced):
            if fresh_ids is None:
                newest = np.full(len(old_ids), MOVED_ROW, dtype=np.uint64)
            else:
                newest = row_ids[(fresh_ids - np.uint64(PROVISIONAL_ID_MIN)).astype(np.int64)]
            is_own = old_ids >= np.uint64(PROVISIONAL_ID_MIN)
            row_ids[(old_ids[is_own] - np.uint64(PROVISIONAL_ID_MIN)).astype(np.int64)] = newest[is_own]
            old_parts.append(old_ids[~is_own])
            new_parts.append(newest[~is_own])
        if not old_parts:
            return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
        return np.concatenate(old_parts), np.concatenate(new_parts)

    def truncate(self, missing: MissingColumn) -> None:
        """Remove all rows. Later ones may be of other types: they do not share columns with these."""
        self._settle(missing)
        self._freeze_growing()
        self.is_truncated = True
        self._row_floor = self.row_count
        self.version += 1

    def own_live_mask(self) -> npt.NDArray[np.bool_]:
        """(row_count,) bool: own rows that commit will insert."""
        mask = np.ones(self.row_count, dtype=np.bool_)
        mask[: self._row_floor] = False
        for ordinals in self._own_deletes:
            mask[ordinals] = False
        return mask

    def mark(self) -> TableMark:
        return TableMark(
            self.row_count,
            len(self._own_deletes),
            len(self._deletes),
            len(self._replaced),
            self.is_truncated,
            self._row_floor,
        )

    def rollback_to(self, mark: TableMark) -> None:
        del self._own_deletes[mark.own_deletes :]
        del self._deletes[mark.deletes :]
        del self._replaced[mark.replaced :]
        self.is_truncated, self._row_floor = mark.is_truncated, mark.row_floor
        if mark.row_count < self.row_count:
            self._cut_rows(mark.row_count)
        self.version += 1

    def _cut_rows(self, row_count: int) -> None:
        if self._waiting is not None:
            # Marks stand between batches.
            self.row_count -= len(self._waiting)
            self._waiting = None
            self._release()
        first_growing = self.row_count - self._growing.row_count
        self.row_count = row_count
        if row_count >= first_growing:
            self._growing.truncate(row_count - first_growing)
            return
        self._new_growing()
        first, kept = 0, []
        for chunk in self._chunks:
            if first < row_count:
                kept.append(replace(chunk, row_count=min(chunk.row_count, row_count - first)))
            else:
                self._memory.release(MEMORY_HOLDER, chunk.reserved_bytes)
            first += chunk.row_count
        self._chunks = kept

    def laid_over(self, committed: TableView, table: Table, missing: MissingColumn) -> TableView:
        """The table with these changes on top of what is committed."""
        segments: list[SegmentView] = []
        deleted = self.deleted_ids()
        for segment in () if self.is_truncated else committed.segments:
            offsets = segment.find(deleted)
            offsets = offsets[offsets >= 0]
            segments.append(segment.without(offsets) if len(offsets) else segment)
        return TableView(table, (*segments, *self.views(missing, table)))

    def views(
        self, missing: MissingColumn, table: Table, without_keys_of: int | None = None
    ) -> list[SegmentView]:
        """Own rows as segments, in ordinal order, read with the columns of `table`.

        Args:
            without_keys_of: leave out spilled rows whose keys of this index were noted.
        """
        if not self.row_count:
            return []
        self._settle(missing)
        live = self.own_live_mask()
        is_all_live = bool(live.all())
        views, first = [], 0
        for chunk in [*self._chunks, _Chunk(self._growing, self._growing.row_count)]:
            count = chunk.row_count
            mask = live[first : first + count]
            first += count
            if without_keys_of not in chunk.known_keys and mask.any():
                bits = None if is_all_live or mask.all() else bits_from_mask(mask)
                views.append(self._view(chunk.rows, count, bits, missing, table))
        return views

    def views_with(
        self, spec: KeySpec, hashes: Hashes, missing: MissingColumn, table: Table
    ) -> list[SegmentView]:
        """`views` of all rows that may have one of these keys: spilled ones only where a hash is theirs.

        A load of n chunks would look into n/2 of them for every one else.
        """
        known = self._spilled_keys.get(spec.index_oid)
        is_fresh = known is not None and not known.contains(hashes).any()
        return self.views(missing, table, spec.index_oid if is_fresh else None)

    def live_parts(self, missing: MissingColumn, table: Table) -> Iterator[tuple[SegmentView, RowOffsets]]:
        """Own segments with the offsets of the rows that commit will insert."""
        for view in self.views(missing, table):
            offsets = np.arange(view.row_count, dtype=np.int64)
            yield view, offsets[view.is_visible(offsets)]

    def _view(
        self,
        rows: GrowingRows | SpilledRows | RevisedRows,
        count: int,
        bits: Bitset | None,
        missing: MissingColumn,
        table: Table | None = None,
    ) -> SegmentView:
        return SegmentView(rows, count, bits, table=table or self.table, missing=missing, attachments={})

    def close(self) -> None:
        """Give the memory back."""
        self._memory.release(MEMORY_HOLDER, sum(chunk.reserved_bytes for chunk in self._chunks))
        self._chunks, self._waiting = [], None
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self._growing.row_count:
            self._growing = _own_growing()
        self._release()
        self.row_count = 0


def _by_name(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    return dict(zip(batch.schema.names, batch.columns))


def _own_growing() -> GrowingRows:
    rows = GrowingRows()
    rows.segment_id = _OWN_SEGMENT_ID
    return rows
