"""One open data directory: the committed state, the log behind it, and the ways to change both.

`head` is the newest state in memory, `published` the newest one that may be seen: a commit's once it is durable, an
asynchronous commit's once what was committed synchronously before it is. Snapshots are taken of `published` only,
checks for conflicts look at `head`. Both are immutable values that are replaced.

Locks, in the order in which they may be taken: maintenance, sequences / OIDs, commit, log, publish. The work
under each is in `DESIGN.md`.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Seq
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.backoff import Backoff
from foundation.errors import QuiverError, WouldBlock
from foundation.memory import MemoryAccount, MemoryBudget
from foundation.sqltypes import arrow_type
from storage import committing, layout, maintenance
from storage.activity import ActivityCounters
from storage.apply import apply_group
from storage.catalog import Catalog, Column, Sequence
from storage.datafiles import DataFiles
from storage.errors import IoFailure
from storage.files import FolderLock, LocalFiles
from storage.isolation import Isolation
from storage.lock_spaces import LockGroup
from storage.locks import LockManager
from storage.log import LogWriter
from storage.options import StorageOptions
from storage.records import OidsRecord, Record, SequenceRecord
from storage.sequences import Sequences
from storage.serializable import LastChanges
from storage.spill_file import SpillFile
from storage.state import DatabaseState
from storage.successors import Replacement, Successors
from storage.transaction import Transaction

_GROWING_HOLDER = "growing rows"
_OIDS_LOGGED_AHEAD = 64
_log = logging.getLogger("quiver.storage")


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """A commit that is in the log; it is done when the log is durable up to `durable_lsn`."""

    lsn: int
    durable_lsn: int


class Storage:
    """Thread-safe. Made by `Storage.open`; `close` checkpoints and lets the directory go."""

    def __init__(
        self, path: str, files: LocalFiles, lock: FolderLock, *, memory: MemoryBudget, options: StorageOptions
    ) -> None:
        """For `storage.recovery`, which fills in the state before anybody else sees the object."""
        self.path = path
        self.files = files
        self.memory = memory
        self.growing_memory = MemoryAccount(memory, _GROWING_HOLDER)
        self.options = options
        self.data_files = DataFiles(files, os.path.join(path, layout.DATA_FOLDER))
        self.growing_bytes_max = options.growing_bytes_max
        self.activity = ActivityCounters()
        self.sequences = Sequences(self._log_sequence, self.wait_durable)
        self.locks = LockManager()
        self.successors = Successors()
        self.last_changes = LastChanges()
        self.maintenance_lock = threading.Lock()
        self.commit_lock = threading.Lock()
        self.head: DatabaseState = DatabaseState(0, Catalog({}), {}, 1)
        self.published: DatabaseState = self.head
        self.manifest_lsn = -1
        self.index_heir: maintenance.IndexHeir | None = None
        self.frozen_left = 0
        self._seal_backoff = Backoff()
        self.oid_limit = 0
        self._next_oid = 0
        self._oid_lock = threading.Lock()
        self._publish_lock = threading.Lock()
        self._unpublished: deque[DatabaseState] = deque()
        self._synchronous_lsn = 0
        self._directory_lock = lock
        self._log: LogWriter | None = None
        self._spill_count = 0
        self._missing: dict[tuple[Any, ...], pa.Array] = {}
        self._open: weakref.WeakValueDictionary[int, Transaction] = weakref.WeakValueDictionary()

    @classmethod
    def open(
        cls,
        path: str,
        *,
        files: LocalFiles | None = None,
        memory: MemoryBudget,
        options: StorageOptions | None = None,
    ) -> Storage:
        """Open a data directory: created when it is missing or empty, recovered when it was not closed.

        Raises:
            DirectoryInUse: 55006, another process has it open.
            DirectoryUnusable: 58P01, it is something else, or of a newer format.
            DataCorrupted: XX001, durable data is damaged; the message says where.
            IoFailure: 58030.
        """
        # Recovery builds a Storage, so it cannot be imported by this module at its top.
        from storage.recovery import open_storage

        return open_storage(os.path.abspath(path), files or LocalFiles(), memory, options or StorageOptions())

    def __enter__(self) -> Storage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def catalog(self) -> Catalog:
        """The committed catalog."""
        return self.published.catalog

    @property
    def last_lsn(self) -> int:
        """The newest commit that can be seen."""
        return self.published.lsn

    @property
    def spill_folder(self) -> str:
        """Where what does not fit in memory may go; emptied at every open."""
        return os.path.join(self.path, layout.SPILL_FOLDER)

    @property
    def log(self) -> LogWriter:
        if self._log is None:
            raise IoFailure("the storage is closed")
        return self._log

    def begin(
        self,
        *,
        isolation: Isolation | str = Isolation.READ_COMMITTED,
        read_only: bool = False,
        lock_group: LockGroup | None = None,
    ) -> Transaction:
        """Start a transaction with a snapshot of now. `read uncommitted` is `read committed`, as in PostgreSQL."""
        return Transaction(
            self, isolation=Isolation.of(isolation), read_only=read_only, lock_group=lock_group
        )

    def transaction_began(self, transaction: Transaction) -> None:
        """From now on new versions of the rows that its snapshot shows are remembered; see `successors`."""
        self._open[id(transaction)] = transaction

    def transaction_ended(self, transaction: Transaction) -> None:
        self._open.pop(id(transaction), None)

    def log_commit(self, transaction: Transaction, synchronous: bool, *, may_block: bool) -> LoggedCommit:
        """The first half of a commit of changes: they are in the log, and to be seen by nobody.

        Raises:
            WouldBlock: it may not block, and others commit, or there is much to write or to seal.
        """
        if not may_block and (committing.takes_long(transaction) or self._crowded_tables(transaction)):
            raise WouldBlock
        synchronous = (
            synchronous or committing.must_be_synchronous(transaction)
        ) and not committing.changes_only_temporary(transaction)
        prepared = committing.prepare(transaction, self.data_files, self.missing_column)
        try:
            if not self.commit_lock.acquire(blocking=may_block):
                raise WouldBlock
            try:
                before_lsn = self._synchronous_lsn
                lsn = self._commit_prepared(transaction, prepared, synchronous)
            finally:
                self.commit_lock.release()
        except BaseException:
            committing.discard(prepared, self.data_files)
            raise
        # What others commit synchronously is never seen before it is durable.
        return LoggedCommit(lsn, lsn if synchronous else before_lsn)

    def finish_commit(self, transaction: Transaction, logged: LoggedCommit, *, may_block: bool) -> None:
        """The second half: durable, as far as it was asked for, and visible."""
        self.wait_durable(logged.durable_lsn)
        if logged.durable_lsn < logged.lsn:
            self.publish(logged.lsn)
        if may_block:
            self._seal_crowded(transaction)

    def _commit_prepared(
        self, transaction: Transaction, prepared: list[committing.PreparedTable], synchronous: bool
    ) -> int:
        self.last_changes.check_unchanged(transaction.read_tables, transaction.snapshot.lsn)
        records = committing.check_and_record(transaction, prepared, self.head, self.options.value_encoder)
        overlay_bytes = sum(patch.overlay_bytes for table in prepared for patch in table.patches)
        # Applying a patch counts what it takes; here the question is whether there is room for it.
        self.growing_memory.reserve(overlay_bytes)
        self.growing_memory.release(overlay_bytes)
        size_bytes = sum(table.memory_bytes for table in prepared)
        self.growing_memory.reserve(size_bytes)
        try:
            next_row_id = self.head.next_row_id
            lsn = self.append_group(records, synchronous=synchronous)
        except BaseException:
            self.growing_memory.release(size_bytes)
            raise
        self.last_changes.note(records, lsn)
        self._note_successors(transaction, prepared, next_row_id)
        return lsn

    def _note_successors(
        self, transaction: Transaction, prepared: list[committing.PreparedTable], next_row_id: int
    ) -> None:
        if not any(table.writes.has_replacements for table in prepared):
            return
        others = [ref() for ref in self._open.valuerefs()]
        snapshots = [other.snapshot.lsn for other in others if other is not None and other is not transaction]
        oldest = min([self.published.lsn, *snapshots])
        for table in prepared:
            old_ids, new_ids = table.writes.replacements(table.own_ids(next_row_id))
            if len(old_ids):
                replacement = Replacement.of(self.head.lsn, old_ids, new_ids)
                self.successors.note(table.writes.table.oid, replacement, oldest)
            next_row_id += table.row_count

    def append_group(self, records: Seq[Record], *, synchronous: bool = True) -> int:
        """Write records to the log and apply them to the head; their LSN. The caller holds the commit lock.

        `synchronous`: nobody may see the state before it is durable.

        Raises:
            DiskFull: 53100. IoFailure: 58030. Nothing happened then.
        """
        lsn = self.head.lsn + 1
        self.log.append(records, lsn)
        try:
            state = apply_group(self.head, lsn, records, self)
        except BaseException as error:
            # Shared rows may hold half of the group now. Nothing of it is visible or stays in the log, and
            # nothing more may be: the directory is intact and a restart recovers it.
            self.log.stop(IoFailure(f"a commit could not be applied: {error}"))
            raise
        self.set_head(state)
        self.log.admit(lsn)
        if synchronous:
            self._synchronous_lsn = lsn
        return lsn

    def set_head(self, state: DatabaseState) -> None:
        """Replace the head, under the commit lock. A state with the LSN of the last one replaces it."""
        with self._publish_lock:
            self.head = state
            if state.lsn == self.published.lsn:
                self.published = state
            elif self._unpublished and self._unpublished[-1].lsn == state.lsn:
                self._unpublished[-1] = state
            else:
                self._unpublished.append(state)

    def publish(self, lsn: int) -> None:
        """States up to `lsn` become visible: after an fsync, or an asynchronous commit."""
        with self._publish_lock:
            while self._unpublished and self._unpublished[0].lsn <= lsn:
                self.published = self._unpublished.popleft()

    def catch_up(self) -> None:
        """Return when every commit that conflicts were checked against is durable and visible.

        A transaction that lost against one would lose again at a snapshot that does not have it yet.
        """
        with self.commit_lock:
            lsn = self.head.lsn
        self.wait_durable(lsn)

    def wait_durable(self, lsn: int) -> None:
        self.log.wait_durable(lsn)

    def flush_log(self) -> None:
        """Make asynchronous commits durable; for a background thread that calls it every `wal_writer_delay`.

        Does nothing after a failure of the log, which the commits after it report.
        """
        if not self.log.has_failed:
            self.wait_durable(self.log.appended_lsn)

    def _seal_crowded(self, transaction: Transaction) -> None:
        """Move full growing segments to disk, unless background work can be left to do it.

        The commit is done: failing here costs memory, not data.
        """
        for table_oid in self._crowded_tables(transaction):
            if self.maintenance_lock.acquire(blocking=False):
                try:
                    maintenance.seal_frozen(self, table_oid)
                    self._seal_backoff.succeeded()
                except QuiverError as error:
                    if self._seal_backoff.failed():
                        _log.warning("rows of table %d stay in memory: %s", table_oid, error)
                finally:
                    self.maintenance_lock.release()

    def _crowded_tables(self, transaction: Transaction) -> list[int]:
        """Tables that it writes."""
        return [oid for oid in transaction.writes if self.is_crowded(oid)]

    def is_crowded(self, table_oid: int) -> bool:
        """Whether more full segments of a table wait to be sealed than are left to background work."""
        frozen = self.published.table_state(table_oid).frozen
        return len(frozen) > self.frozen_left and self._seal_backoff.is_due()

    def allocate_oid(self) -> int:
        """An OID that no committed object has or had."""
        with self._oid_lock:
            if self._next_oid >= self.oid_limit:
                # Not synced: a commit that uses the OID comes later in the same log.
                record = OidsRecord(self.oid_limit + _OIDS_LOGGED_AHEAD)
                self._log_beside(record, lambda: self._note_oids(record))
            self._next_oid += 1
            return self._next_oid - 1

    def _note_oids(self, record: OidsRecord) -> None:
        self.oid_limit = record.limit

    def _log_beside(self, record: Record, note: Callable[[], None]) -> int:
        """Log a change that is no part of the state; its LSN. `note` keeps it for the next manifest."""
        with self.commit_lock:
            lsn = self.head.lsn + 1
            self.log.append([record], lsn)
            note()
            self.set_head(replace(self.head, lsn=lsn))
            self.log.admit(lsn)
            return lsn

    def _log_sequence(self, record: SequenceRecord) -> int:
        return self._log_beside(record, lambda: self.sequences.note_logged(record))

    def next_sequence_values(self, sequence: Sequence, count: int = 1) -> npt.NDArray[np.int64]:
        """The next (count,) values, outside any transaction. Raises SequenceLimitExceeded (2200H)."""
        return self.sequences.next_values(sequence, count)

    def set_sequence(self, sequence_oid: int, value: int, is_called: bool) -> None:
        """setval(): the next value is `value` itself when it is not called yet, else the one after it."""
        self.sequences.set(sequence_oid, value, is_called)

    def sequence_state(self, sequence_oid: int) -> tuple[int, bool]:
        """(last_value, is_called) as a sequence relation shows them."""
        state = self.sequences.state(sequence_oid)
        if state is None:
            sequence = self.catalog.get(sequence_oid)
            return (sequence.start, False) if isinstance(sequence, Sequence) else (1, False)
        return state

    def missing_column(self, column: Column, count: int) -> pa.Array:
        """What rows stored before `column` was added read as: (count,) times its missing value."""
        arrow = arrow_type(column.type)
        if column.missing_value is None:
            return pa.nulls(count, arrow)
        key = (column.type, column.missing_value)
        one = self._missing.get(key)
        if one is None:
            value = self.options.missing_value_decoder(column.type, column.missing_value)
            one = self._missing[key] = pa.array([value], type=arrow)
        return one.take(pa.array(np.zeros(count, dtype=np.int64)))

    def release_rows(self, size_bytes: int) -> None:
        """`storage.apply.Environment`: rows of this size left memory."""
        self.growing_memory.release(size_bytes)

    def restore_sequence(self, record: SequenceRecord) -> None:
        self.sequences.restore(record)

    def restore_oids(self, limit: int) -> None:
        self.oid_limit = self._next_oid = max(self.oid_limit, limit)

    def forget_sequence(self, sequence_oid: int) -> None:
        self.sequences.forget(sequence_oid)

    def new_spill_file(self) -> SpillFile:
        with self._oid_lock:
            self._spill_count += 1
            name = layout.numbered_name(self._spill_count, layout.SPILL_SUFFIX)
        return SpillFile(self.data_files, os.path.join(self.spill_folder, name))

    def start_log(self, log: LogWriter) -> None:
        """Recovery is done: take writes."""
        self._log = log

    def needs_checkpoint(self) -> bool:
        """Whether a background thread should call `checkpoint` now."""
        limit = self.options.checkpoint_log_bytes
        if self.log.bytes_since_rotation + self.data_files.obsolete_bytes >= limit:
            return True
        return any(table.frozen for table in self.published.tables.values())

    def checkpoint(self) -> None:
        """Write a manifest of now and shorten the log; see `maintenance.checkpoint`."""
        with self.maintenance_lock:
            maintenance.checkpoint(self)

    def flush_table(self, table_oid: int) -> None:
        """Move the table's rows from memory to sealed segments."""
        with self.maintenance_lock:
            maintenance.freeze(self, table_oid)
            maintenance.seal_frozen(self, table_oid)

    def seal_full_segments(self) -> None:
        """Move growing segments that are full to disk; those that still grow stay."""
        for table_oid, table in list(self.published.tables.items()):
            if table.frozen:
                with self.maintenance_lock:
                    maintenance.seal_frozen(self, table_oid)

    def merge_segments(self, table_oid: int) -> None:
        """Rewrite the table's sealed segments into one, without the deleted rows."""
        with self.maintenance_lock:
            maintenance.merge(self, table_oid)

    def start_background(self, index_heir: maintenance.IndexHeir, frozen_left: int) -> None:
        """Somebody calls `checkpoint` when it is needed: commits leave so many full segments to it.

        Args:
            index_heir: called with the rows of a segment before they replace others, for the indexes they come with.
                A QuiverError leaves the segment without.
            frozen_left: full segments of a table that may wait in memory.
        """
        self.index_heir, self.frozen_left = index_heir, frozen_left

    def stop_background(self) -> None:
        """From now on commits seal what they fill, and nothing comes with an index."""
        self.index_heir, self.frozen_left = None, 0

    def compact_table(
        self, table_oid: int, *, keeps_dead: bool = True, check: Callable[[], None] = lambda: None
    ) -> bool:
        """Merge those of the table's sealed segments that are due for it; see `compaction.due_sources`.

        Args:
            keeps_dead: leave segments with few dead rows as they are, and merge within a share of the memory limit;
                without, only segments with an index file keep them.
            check: raises to end the merge in hand, which then leaves nothing.

        Returns:
            Whether segments were merged. The next checkpoint removes the files they lost.
        """
        with self.maintenance_lock:
            return maintenance.compact(self, table_oid, keeps_dead=keeps_dead, check=check)

    def install_index(self, index_oid: int, segment_id: int, buffers: dict[str, npt.NDArray[Any]]) -> bool:
        """Write an index's buffers beside a segment, durably, and show them to new snapshots.

        Returns:
            False when the segment or the index is gone; nothing is left on disk then.
        """
        return maintenance.install_index(self, index_oid, segment_id, buffers)

    def close(self) -> None:
        """Checkpoint, so that the next start replays nothing, and unlock the directory. Idempotent.

        Where that is not possible, as on a full disk, the log has everything and the next start reads it.
        """
        log = self._log
        if log is None:
            return
        try:
            if not log.has_failed:
                self.checkpoint()
        except QuiverError as error:
            _log.warning("no checkpoint was written, the next start reads the log: %s", error)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let the directory go without a checkpoint, as a crash would; what was committed is in the log."""
        log, self._log = self._log, None
        if log is not None:
            log.close()
            self.release_rows(self.head.memory_bytes())
            self._directory_lock.release()
