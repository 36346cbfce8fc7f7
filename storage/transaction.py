"""A transaction: a snapshot, a private write set, and what its session may do with them.

Reads go to `table_view`: the snapshot's segments with own changes on top. Writes check NOT NULL and keys at
once, keys against the rows that are committed *now*, as PostgreSQL does, and again at commit. A transaction
belongs to one session and is used by one thread at a time.

Changing a row locks it first, which waits for another transaction that has it; inserting a key reserves it. What is
committed is looked at after the wait. The locks are given up last, when the commit is durable and visible."""

from __future__ import annotations

from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import SerializationFailure, WouldBlock
from foundation.memory import MemoryBudget
from storage import constraints
from storage.activity import ActivityCounters
from storage.batches import checked_batch, checked_changes
from storage.catalog import Catalog, CatalogObject, Index, Table
from storage.changes import PendingChecks, RowChange, noted_columns, watched_attnums
from storage.errors import ReadOnlyTransaction, TransactionEnded
from storage.isolation import Isolation
from storage.key_checks import check_new_keys, update_strength
from storage.key_specs import key_spec, unique_specs
from storage.keys import key_batch
from storage.lock_modes import RowStrength
from storage.lock_spaces import LockGroup
from storage.locks import WaitPolicy
from storage.options import StorageOptions
from storage.revisions import attnums_of, plan_update
from storage.rows import RowIds
from storage.spill_file import SpillFile
from storage.state import DatabaseState, TableState
from storage.transaction_locks import LockedRows, TransactionLocks
from storage.user_types import announce_type
from storage.view import MissingColumn, TableView
from storage.writeset import PROVISIONAL_ID_MIN, Mark, TableWrites

if TYPE_CHECKING:
    from storage.database import LoggedCommit, Storage


class Transaction:
    """Made by `Storage.begin`; ends with `commit` or `rollback`, or as a context manager with rollback."""

    def __init__(
        self, storage: Storage, *, isolation: Isolation, read_only: bool, lock_group: LockGroup | None
    ) -> None:
        self.isolation = isolation
        self.read_only = read_only
        self.writes: dict[int, TableWrites] = {}
        self.puts: dict[int, CatalogObject] = {}
        self.drops: frozenset[int] = frozenset()
        self.bases: dict[int, CatalogObject | None] = {}
        """For each changed catalog object, the committed one the change was made from."""
        self.checked: dict[int, TableState] = {}
        """For each table, the committed rows that all own keys were checked against."""
        self.expected: dict[int, TableState] = {}  # of the tables all of whose rows a command has looked at
        self.read_tables: set[int] = set()  # noted under SERIALIZABLE only
        self.pending = PendingChecks()
        """Constraints to check after the statement or before COMMIT; who runs statements does it."""
        self.locks = TransactionLocks(storage.locks, lock_group)
        self.memory: MemoryBudget = storage.memory
        self.options: StorageOptions = storage.options
        self.activity: ActivityCounters = storage.activity
        self._storage = storage
        self._snapshot = storage.published
        storage.transaction_began(self)
        self._snapshot = storage.published  # once more: the first was nobody's to keep versions for
        self._catalog: tuple[Catalog, Catalog] | None = None
        self._views: dict[int, tuple[tuple[Any, ...], TableView]] = {}
        self._spill: SpillFile | None = None
        self._is_open = True
        self._logged: LoggedCommit | None = None

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rollback()

    @property
    def missing_column(self) -> MissingColumn:
        return self._storage.missing_column

    @property
    def snapshot(self) -> DatabaseState:
        """What was committed when the snapshot was taken; the same object while nothing was committed or moved since."""
        return self._snapshot

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def has_writes(self) -> bool:
        return bool(self.puts or self.drops) or any(w.has_changes for w in self.writes.values())

    @property
    def catalog(self) -> Catalog:
        """The snapshot's catalog with this transaction's DDL on top."""
        base = self._snapshot.catalog
        if not self.puts and not self.drops:
            return base
        if self._catalog is None or self._catalog[0] is not base:
            self._catalog = (base, base.with_changes(self.puts.values(), self.drops))
        return self._catalog[1]

    def refresh_snapshot(self, *, is_first: bool = False) -> None:
        """Take the newest snapshot: at each statement under READ COMMITTED, else where none was used before."""
        if is_first or self.isolation is Isolation.READ_COMMITTED:
            self._snapshot = self._storage.published

    def catch_up(self) -> None:
        """A snapshot that has every commit which conflicts were looked for in."""
        self._storage.catch_up()
        self.refresh_snapshot()

    def table_view(self, table_oid: int) -> TableView:
        """The table at the snapshot, own changes included. What an answer depends on counts as read."""
        if self.isolation is Isolation.SERIALIZABLE:
            self.read_tables.add(table_oid)
        return self.peek(table_oid)

    def peek(self, table_oid: int) -> TableView:
        """`table_view` for figures about a table, on which no answer depends."""
        table = self.catalog.table(table_oid)
        committed = self._snapshot.table_state(table_oid).view(table, self.missing_column)
        writes = self.writes.get(table_oid)
        if writes is None or not writes.version:
            return committed
        key = (committed, writes.version, table)
        cached = self._views.get(table_oid)
        if cached is None or cached[0] != key:
            cached = (key, writes.laid_over(committed, table, self.missing_column))
            self._views[table_oid] = cached
        return cached[1]

    def lookup_key(
        self, index_oid: int, key_columns: pa.RecordBatch, view: TableView | None = None
    ) -> RowIds:
        """Row ids by key of a PRIMARY KEY or UNIQUE index, in `view`: by default at the snapshot with own changes.

        Args:
            key_columns: (n) keys, the columns in key order, with the Arrow types of the table's columns.

        Returns:
            (n,) uint64, 0 where no visible row has the key.
        """
        index = self.catalog.get(index_oid)
        assert isinstance(index, Index)
        spec = key_spec(self.catalog.table(index.table_oid), index)
        keys = key_batch(spec, key_columns.columns, by_equality=True)
        found = np.zeros(len(keys), dtype=np.uint64)
        for segment in (view or self.table_view(index.table_oid)).segments:
            positions, offsets = segment.visible_matches(spec, keys)
            found[positions] = segment.row_ids[offsets]
        return found

    def insert(self, table_oid: int, batch: pa.RecordBatch | pa.Table) -> RowIds:
        """Add rows.

        Args:
            table_oid: the table.
            batch: one column per live column, named by str(attnum), of the column's Arrow type, in any order.

        Returns:
            (n,) uint64 provisional row ids, usable in this transaction.

        Raises:
            NotNullViolation: 23502. UniqueViolation: 23505. OutOfMemory: 53200. Nothing is added then.
            LockNotAvailable: 55P03. DeadlockDetected: 40P01, while waiting for another transaction's key.
        """
        writes = self._writes_of(table_oid)
        batch = checked_batch(self.catalog.table(table_oid), batch)
        row_ids = self._insert_checked(writes, batch, None)
        watched = watched_attnums(self.catalog, table_oid)
        if watched:
            self._note(RowChange(table_oid, None, row_ids, {}, noted_columns(batch, watched)))
        return row_ids

    def _note(self, change: RowChange) -> None:
        if change.row_count:
            self.pending = replace(self.pending, changes=(*self.pending.changes, change))

    def _insert_checked(
        self, writes: TableWrites, batch: pa.RecordBatch, changed: frozenset[int] | None
    ) -> RowIds:
        table = writes.table
        options = self.options
        if not len(batch):
            return np.empty(0, dtype=np.uint64)
        constraints.check_not_null(table, batch, options.value_encoder)
        check_new_keys(self, writes, batch, changed)
        row_ids = writes.insert(batch, self.missing_column)
        if writes.must_spill(options.write_set_bytes_max):
            self._spill = self._spill or self._storage.new_spill_file()
            specs = unique_specs(table, self.catalog.indexes_of(table.oid), options.index_expressions)
            writes.spill(self._spill, specs, self.missing_column)
        return row_ids

    def delete(self, table_oid: int, row_ids: RowIds) -> int:
        """Delete rows that this transaction sees, after locking them.

        Args:
            table_oid: the table.
            row_ids: (m,) uint64, committed or provisional, in any order; repeated ones count once.

        Returns:
            How many rows were deleted.

        Raises:
            SerializationFailure: 40001, when another transaction deleted or updated one of them meanwhile.
            LockNotAvailable: 55P03. DeadlockDetected: 40P01, while waiting for another transaction.
        """
        watched = watched_attnums(self.catalog, table_oid)
        if not watched:
            return self._delete_rows(table_oid, row_ids, RowStrength.UPDATE)
        row_ids = np.unique(np.asarray(row_ids, dtype=np.uint64))
        before = self.table_view(table_oid).take(row_ids, sorted(watched))
        count = self._delete_rows(table_oid, row_ids, RowStrength.UPDATE)
        self._note(RowChange(table_oid, row_ids, None, before))
        return count

    def _delete_rows(self, table_oid: int, row_ids: RowIds, strength: RowStrength) -> int:
        writes = self._writes_of(table_oid)
        row_ids = np.asarray(row_ids, dtype=np.uint64)
        is_own = row_ids >= np.uint64(PROVISIONAL_ID_MIN)
        committed = np.unique(row_ids[~is_own])
        if len(committed):
            locked = self.lock_rows(table_oid, committed, strength)
            self.check_not_replaced(table_oid, committed[locked.is_replaced])
        count = writes.delete(committed)
        return count + (writes.delete_own(row_ids[is_own]) if is_own.any() else 0)

    def lock_rows(
        self, table_oid: int, row_ids: RowIds, strength: RowStrength, policy: WaitPolicy = WaitPolicy.WAIT
    ) -> LockedRows:
        """Lock rows until the transaction ends, then see which of them are still current.

        Args:
            row_ids: (n,) uint64 without repetition, committed or provisional.

        Raises:
            LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
        """
        table = self.catalog.table(table_oid)
        is_locked = np.ones(len(row_ids), dtype=np.bool_)
        is_replaced = np.zeros(len(row_ids), dtype=np.bool_)
        others = np.flatnonzero(row_ids < np.uint64(PROVISIONAL_ID_MIN))
        if len(others):
            is_locked[others] = self.locks.lock_rows(table, row_ids[others], strength, policy)
            is_replaced[others] = ~constraints.current_mask(self.committed_table(table_oid), row_ids[others])
        return LockedRows(is_locked, is_replaced)

    def check_not_replaced(self, table_oid: int, replaced: RowIds) -> None:
        """Raises SerializationFailure (40001) when there are such rows: the first updater wins."""
        if len(replaced):
            is_updated = self.newest_versions(table_oid, replaced[:1])[0]
            what = "update" if is_updated else "delete"
            raise SerializationFailure(f"could not serialize access due to concurrent {what}")

    def newest_versions(self, table_oid: int, row_ids: RowIds) -> RowIds:
        """(n,) uint64: what rows that others have updated since the snapshot are now; 0 or MOVED_ROW for those gone."""
        return self._storage.successors.newest(table_oid, row_ids)

    def update(
        self,
        table_oid: int,
        row_ids: RowIds,
        batch: pa.RecordBatch | pa.Table,
        *,
        changed: frozenset[int] | None = None,
    ) -> RowIds:
        """Replace rows: `delete` and `insert` with the keys checked as one change.

        Args:
            row_ids: (m,) uint64 rows to replace, without repetition.
            batch: (m) new values of the columns that change; the others keep theirs.
            changed: of these columns, those whose values may be others than before; None = all.

        Returns:
            (m,) uint64 provisional ids of the new versions.

        Raises:
            As `delete` and `insert`; nothing is changed then.
        """
        writes = self._writes_of(table_oid)
        batch = checked_changes(self.catalog.table(table_oid), batch, changed)
        changed = attnums_of(batch)
        view, watched = self.table_view(table_oid), watched_attnums(self.catalog, table_oid)
        before = view.take(row_ids, sorted(watched)) if watched else {}
        mark = writes.mark()
        try:
            plan = plan_update(view, row_ids, batch, self.catalog, self.options)
            self._delete_rows(table_oid, row_ids, update_strength(self.catalog, table_oid, changed))
            fresh_ids = writes.revise(plan, self.missing_column)
            fresh_ids[plan.rest] = self._insert_checked(writes, plan.whole, changed)
        except BaseException:
            writes.rollback_to(mark)
            raise
        writes.note_replaced(row_ids, fresh_ids)
        if watched:
            after = before | noted_columns(batch, watched)
            self._note(RowChange(table_oid, row_ids, fresh_ids, before, after))
        return fresh_ids

    def expect_unchanged(self, table_oid: int) -> None:
        """The caller, who has locked the table, goes by all rows of the snapshot. Where it is older than the
        lock the commit fails with 40001 if others have committed to the table since."""
        if self.isolation is not Isolation.READ_COMMITTED:
            self.expected.setdefault(table_oid, self._snapshot.table_state(table_oid))

    def truncate(self, table_oid: int) -> None:
        """Remove all rows; at commit also those that others committed meanwhile."""
        self._writes_of(table_oid).truncate(self.missing_column)

    def put(self, obj: CatalogObject) -> None:
        """Add a catalog object, or replace the one with its OID.

        Raises:
            UniqueViolation: 23505, for a unique index over rows that are not unique.
            FeatureNotSupported: 0A000, for a partial or expression unique index.
        """
        self._check_writable()
        if isinstance(obj, Table):
            before, writes = self.catalog.get(obj.oid), self.writes.get(obj.oid)
            if isinstance(before, Table) and not (writes is not None and writes.is_truncated):
                constraints.check_stored_types(before, obj)
        if isinstance(obj, Index) and obj.is_unique:
            self._check_unique_index(obj)
        self.bases.setdefault(obj.oid, self._snapshot.catalog.get(obj.oid))
        self.puts = {**self.puts, obj.oid: obj}
        self.drops = self.drops - {obj.oid}
        self._catalog = None
        announce_type(self, obj)
        if isinstance(obj, Table) and obj.oid in self.writes:
            self.writes[obj.oid].table = obj

    def _check_unique_index(self, index: Index) -> None:
        before = self.catalog.get(index.oid)
        table = self.catalog.table(index.table_oid)
        spec = key_spec(table, index, self.options.index_expressions)
        if isinstance(before, Index) and before.is_unique and before.keys == index.keys:
            return
        self.checked.setdefault(table.oid, self._storage.head.table_state(table.oid))
        segments = self.current_view(self._storage.head, table).segments
        constraints.check_buildable(table, index, spec, segments, self.options.value_encoder)

    def current_view(self, head: DatabaseState, table: Table) -> TableView:
        """The table as it would be if this transaction committed on top of `head`."""
        committed = head.table_state(table.oid).view(table, self.missing_column)
        writes = self.writes.get(table.oid)
        return committed if writes is None else writes.laid_over(committed, table, self.missing_column)

    def current_table(self, table_oid: int) -> TableView:
        """The table as committed now, whatever the snapshot, with own changes: what constraints look at."""
        return self.current_view(self._storage.head, self.catalog.table(table_oid))

    def committed_table(self, table_oid: int) -> TableState:
        """The rows that are committed now."""
        return self._storage.head.table_state(table_oid)

    def live_mask(self, table_oid: int, row_ids: RowIds) -> npt.NDArray[np.bool_]:
        """(n,) bool: which of these own rows (provisional ids) commit will insert."""
        writes = self.writes.get(table_oid)
        if writes is None:
            return np.zeros(len(row_ids), dtype=np.bool_)
        ordinals = (row_ids - np.uint64(PROVISIONAL_ID_MIN)).astype(np.int64)
        return writes.own_live_mask()[ordinals]

    def see_rows(self, table_oid: int, row_ids: RowIds) -> None:
        """Bring rows of the current state into the snapshot, so that they can be changed.

        Raises:
            SerializationFailure: 40001, under REPEATABLE READ, whose snapshot stays as it is.
        """
        if self.table_view(table_oid).contains(row_ids).all():
            return
        if self.isolation is not Isolation.READ_COMMITTED:
            raise SerializationFailure("could not serialize access due to concurrent update")
        self.catch_up()

    def drop(self, oid: int) -> None:
        """Drop a catalog object. What depends on it is the caller's to drop; a table takes its rows along."""
        self._check_writable()
        self.bases.setdefault(oid, self._snapshot.catalog.get(oid))
        self.puts = {other: obj for other, obj in self.puts.items() if other != oid}
        self.drops = self.drops | {oid}
        self._catalog = None

    def savepoint(self) -> Mark:
        """A mark of what was written so far. It holds nothing: it can be forgotten."""
        marks = {oid: writes.mark() for oid, writes in self.writes.items()}
        return Mark(marks, self.puts, self.drops, self.pending, self.locks.mark())

    def rollback_to(self, mark: Mark, *, keeps_locks: bool = False) -> None:
        """Undo everything written after `mark`, which stays valid, and give up what was locked since."""
        if not keeps_locks:
            self.locks.rollback_to(mark.locks)
        self.puts, self.drops, self._catalog = mark.puts, mark.drops, None
        self.pending = mark.pending
        # A write set that begins anew counts its versions from the start again.
        self._views.clear()
        for oid, writes in list(self.writes.items()):
            table_mark = mark.tables.get(oid)
            if table_mark is None:
                writes.close()
                del self.writes[oid]
                continue
            writes.rollback_to(table_mark)
            obj = self.catalog.get(oid)
            if isinstance(obj, Table):
                writes.table = obj

    def commit(self, *, synchronous: bool = True) -> int:
        """Make the changes visible, and durable: at once, or by the next `Storage.flush_log`.

        Returns:
            The commit's LSN; the snapshot's for a transaction without changes.

        Raises:
            UniqueViolation: 23505. SerializationFailure: 40001. OutOfMemory: 53200. The transaction is
                rolled back.
            IoFailure: 58030. After a failure of the log the outcome is not known and storage has stopped.
        """
        logged = self.start_commit(synchronous=synchronous)
        self.finish_commit()
        return self._snapshot.lsn if logged is None else logged.lsn

    def start_commit(self, *, synchronous: bool = True, may_block: bool = True) -> LoggedCommit | None:
        """The first half of `commit`: what can fail is done. None without changes. Only `finish_commit` may follow.

        Raises:
            WouldBlock: it may not block and would have to; the transaction is as it was.
        """
        self._check_open()
        assert self._logged is None, "a commit is started once"
        try:
            if self.has_writes:
                self._logged = self._storage.log_commit(self, synchronous, may_block=may_block)
        except WouldBlock:
            raise
        except BaseException:
            self._end()
            raise
        return self._logged

    def finish_commit(self, *, may_block: bool = True) -> None:
        """The second half: returns when what was logged is durable and visible, and gives up the locks."""
        try:
            if self._logged is not None:
                self._storage.finish_commit(self, self._logged, may_block=may_block)
        finally:
            self._end()

    def rollback(self) -> None:
        """Forget all changes. Harmless on a transaction that has ended."""
        if self._is_open:
            self._end()

    def _end(self) -> None:
        self._is_open = False
        self._views.clear()
        try:
            for writes in self.writes.values():
                writes.close()
            spill, self._spill = self._spill, None
            if spill is not None:
                spill.close()
        finally:
            self._storage.transaction_ended(self)
            self.locks.release()

    def _check_open(self) -> None:
        if not self._is_open:
            raise TransactionEnded("the transaction has ended")

    def _check_writable(self) -> None:
        self._check_open()
        if self.read_only:
            raise ReadOnlyTransaction("cannot write in a read-only transaction")

    def _writes_of(self, table_oid: int) -> TableWrites:
        self._check_writable()
        writes = self.writes.get(table_oid)
        if writes is None:
            writes = TableWrites(self.catalog.table(table_oid), self._storage.memory)
            self.writes[table_oid] = writes
        elif writes.table is not (table := self.catalog.table(table_oid)):
            writes.table = table
        return writes
