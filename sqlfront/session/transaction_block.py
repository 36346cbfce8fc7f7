"""The transaction block of a session: which state it is in and what each command does to it.

    IDLE      no transaction; the next statement opens an implicit one
    IMPLICIT  opened by a statement, ends at Sync or with the simple query
    EXPLICIT  opened by BEGIN, ends with COMMIT or ROLLBACK
    FAILED    an explicit block after an error; only ROLLBACK, COMMIT and ROLLBACK TO are accepted

The storage transaction is opened by the first statement that needs one. Isolation level and access mode can
change until a statement has taken a snapshot; SET and SHOW take none. `SET transaction_isolation = ...` and
set_config() follow the same rules as SET TRANSACTION, because the block guards these settings.
See https://www.postgresql.org/docs/15/sql-set-transaction.html.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from foundation.cancel import CancelToken
from foundation.errors import WouldBlock
from foundation.setting_definitions import Setting
from foundation.settings import TRANSACTION_SETTINGS, SettingValues
from sqlfront.backend import TransactionStatus
from sqlfront.errors import TransactionAborted
from sqlfront.session.errors import (
    ActiveTransaction,
    InvalidSavepoint,
    NoActiveTransaction,
    ReadOnlyTransaction,
)
from storage import Storage, Transaction
from storage.isolation import Isolation
from storage.lock_spaces import LockGroup
from storage.locks import Waiting


class BlockState(Enum):
    IDLE = "idle"
    IMPLICIT = "implicit"
    EXPLICIT = "explicit"
    FAILED = "failed"


_STATUS = {
    BlockState.IDLE: TransactionStatus.IDLE,
    BlockState.IMPLICIT: TransactionStatus.IDLE,
    BlockState.EXPLICIT: TransactionStatus.IN_TRANSACTION,
    BlockState.FAILED: TransactionStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class _Savepoint:
    name: str
    storage_mark: Any
    settings_mark: object
    session_mark: object


class Committing(Protocol):
    """A transaction whose changes are in the log: see `storage.Transaction`."""

    @property
    def is_open(self) -> bool: ...

    def finish_commit(self, *, may_block: bool) -> None: ...


class UnfinishedCommit:
    """Implements `sqlfront.backend.UnfinishedCommit`, for one session or for those that take part in it.

    Thread-safe: a session that is closed finishes it on another thread than the others.
    """

    def __init__(self, storage: Storage, transaction: Committing, lsn: int) -> None:
        self.lsn = lsn
        self._storage = storage
        self._transaction = transaction
        self._failure: BaseException | None = None
        self._lock = threading.Lock()

    def wait(self) -> None:
        self._storage.wait_durable(self.lsn)

    def finish(self) -> None:
        """For each that takes part; the first one does it. Raises IoFailure (58030), for all."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if not self._transaction.is_open:
                return
            try:
                self._transaction.finish_commit(may_block=False)
            except BaseException as error:
                self._failure = error
                raise


class TransactionOwner(Protocol):
    """What the block tells its session, whose cursors, notifications and builds follow the transaction."""

    def before_commit(self, transaction: Transaction) -> None:
        """Check what was deferred to the commit. The transaction is rolled back when it raises."""

    def transaction_ended(self, committed: bool) -> None:
        """The storage transaction has ended and settings were brought back."""

    def savepoint_mark(self) -> object:
        """What `rolled_back_to` is given when the savepoint that is being set is gone back to."""

    def rolled_back_to(self, mark: object) -> None: ...


class TransactionBlock:
    """One session's current transaction, if any."""

    def __init__(
        self,
        storage: Storage,
        settings: SettingValues,
        owner: TransactionOwner,
        cancel_token: CancelToken,
        lock_group: LockGroup,
    ) -> None:
        self.state = BlockState.IDLE
        self._cancel_token = cancel_token
        self._lock_group = lock_group
        self._storage = storage
        self._settings = settings
        self._owner = owner
        self._transaction: Transaction | None = None
        self._has_snapshot = False
        self._is_first = True
        """Whether no statement before the current one has taken a snapshot."""
        self._savepoints: list[_Savepoint] = []
        self._may_block = True
        self.unfinished: UnfinishedCommit | None = None
        self.commit_count = 0
        self.rollback_count = 0
        settings.guard = self._check_setting

    @property
    def may_block(self) -> bool:
        """False where nobody may wait: what would have to raises WouldBlock, and a commit is left unfinished."""
        return self._may_block

    @may_block.setter
    def may_block(self, may_block: bool) -> None:
        self._may_block = may_block
        if self._transaction is not None:
            # It goes on without a statement that would tell it: a COMMIT checks what was deferred.
            self._transaction.locks.waiting = self.waiting()

    @property
    def status(self) -> TransactionStatus:
        return _STATUS[self.state]

    @property
    def is_explicit(self) -> bool:
        return self.state in (BlockState.EXPLICIT, BlockState.FAILED)

    def check_not_failed(self) -> None:
        if self.state is BlockState.FAILED:
            raise TransactionAborted()

    # -- statements ---------------------------------------------------------------------------------------

    def open_transaction(self, *, takes_snapshot: bool = True) -> Transaction:
        """The transaction a statement runs in, with a snapshot taken now under READ COMMITTED.

        `takes_snapshot` False: the statement reads no table, so the transaction's modes may still change.
        """
        self.check_not_failed()
        assert self.unfinished is None, "a commit is to be finished before the next statement"
        self._is_first = not self._has_snapshot
        self._has_snapshot |= takes_snapshot
        if self.state is BlockState.IDLE:
            self.state = BlockState.IMPLICIT
            self._settings.begin()
        if self._transaction is None:
            self._transaction = self._begin_in_storage()
        else:
            if self._is_first:
                self._transaction.isolation = self.isolation
                self._transaction.read_only = self._settings.boolean("transaction_read_only")
            self.retake_snapshot()
        self._transaction.locks.waiting = self.waiting()
        return self._transaction

    def waiting(self) -> Waiting:
        """How a statement waits for locks now."""
        lock_timeout_ms, deadlock_timeout_ms = self._settings.derived(_lock_timeouts)
        return Waiting(self._cancel_token, lock_timeout_ms, deadlock_timeout_ms, self.may_block)

    def current(self) -> Transaction | None:
        """The storage transaction, if a statement has opened one."""
        return self._transaction

    def refresh_snapshot(self) -> None:
        """A statement is about to be bound: under READ COMMITTED it sees what is committed now."""
        if self._transaction is not None:
            self._transaction.refresh_snapshot(is_first=not self._has_snapshot)

    def retake_snapshot(self) -> None:
        """The statement that has opened the transaction has locked something: it sees what is committed now.

        Under REPEATABLE READ only the first statement does.
        """
        if self._transaction is not None:
            self._transaction.refresh_snapshot(is_first=self._is_first)

    def check_writable(self, command: str) -> None:
        """Raises ReadOnlyTransaction (25006) for a writing command in a read-only transaction."""
        if self._settings.boolean("transaction_read_only"):
            raise ReadOnlyTransaction(f"cannot execute {command} in a read-only transaction")

    @property
    def isolation(self) -> Isolation:
        """That of the current transaction, or of the next one."""
        return self._settings.derived(_isolation)

    def _begin_in_storage(self) -> Transaction:
        return self._storage.begin(
            isolation=self.isolation,
            read_only=self._settings.boolean("transaction_read_only"),
            lock_group=self._lock_group,
        )

    # -- BEGIN, COMMIT, ROLLBACK ----------------------------------------------------------------------------

    def begin(self) -> bool:
        """BEGIN. False when a block was already open (a WARNING, not an error)."""
        self.check_not_failed()
        if self.state is BlockState.EXPLICIT:
            return False
        if self.state is BlockState.IDLE:
            self._settings.begin()
        self.state = BlockState.EXPLICIT
        for what in ("isolation", "read_only", "deferrable"):
            default = self._settings.get(f"default_transaction_{what}")
            self._settings.set(f"transaction_{what}", default, is_local=True)
        return True

    def set_mode(self, what: str, value: str) -> None:
        """SET TRANSACTION. `what` is isolation, read_only or deferrable. Raises as `_check_setting`."""
        self._settings.set(f"transaction_{what}", value, is_local=True)

    def _check_setting(self, setting: Setting, value: str) -> None:
        """Guards the settings that are transaction modes; all others pass.

        Raises:
            ActiveTransaction: 25001, the mode cannot change once a statement has taken a snapshot.
        """
        if setting.name not in TRANSACTION_SETTINGS or value == self._settings.get(setting.name):
            return
        if self._has_snapshot and setting.name == "transaction_isolation":
            raise ActiveTransaction("SET TRANSACTION ISOLATION LEVEL must be called before any query")
        if self._has_snapshot and setting.name == "transaction_read_only" and value == "off":
            raise ActiveTransaction("transaction read-write mode must be set before any query")
        if self._has_snapshot and setting.name == "transaction_deferrable":
            raise ActiveTransaction("SET TRANSACTION [NOT] DEFERRABLE must be called before any query")
        if self._has_snapshot and self._transaction is not None:
            self._transaction.read_only = True

    def commit(self) -> bool:
        """COMMIT, or the end of an implicit transaction. False when a failed block was rolled back instead."""
        if self.state is BlockState.FAILED:
            self.rollback()
            return False
        logged = None
        if self._transaction is not None:
            is_synchronous = self._settings.get("synchronous_commit") != "off"
            try:
                self._owner.before_commit(self._transaction)
                logged = self._transaction.start_commit(synchronous=is_synchronous, may_block=self.may_block)
            except WouldBlock:
                raise
            except BaseException:
                self._transaction.rollback()
                self._finish(committed=False)
                raise
        if self._transaction is not None and logged is not None and not self.may_block:
            self.unfinished = UnfinishedCommit(self._storage, self._transaction, logged.durable_lsn)
        else:
            self.finish_commit()
        return True

    def take_part(self, commit: UnfinishedCommit) -> None:
        """A commit that others started has what would have been this session's own transaction."""
        assert self.state is BlockState.IDLE
        self.unfinished = commit

    def finish_commit(self) -> None:
        """Wait for the disk, where a commit that might not do so was left unfinished, and end the transaction."""
        unfinished, self.unfinished = self.unfinished, None
        try:
            if unfinished is not None:
                unfinished.finish()
            elif self._transaction is not None:
                self._transaction.finish_commit(may_block=self.may_block)
        except BaseException:
            self._finish(committed=False)
            raise
        self.commit_count += 1
        self._finish(committed=True)

    def rollback(self) -> None:
        """ROLLBACK in whatever state; a commit that is in the log is finished instead."""
        if self.unfinished is not None:
            self.finish_commit()
            return
        if self._transaction is not None:
            self._transaction.rollback()
        self._finish(committed=False)

    def end_implicit(self) -> None:
        """Sync, or the end of a simple query: commit if no BEGIN made the transaction explicit."""
        if self.state is BlockState.IMPLICIT and self.unfinished is None:
            self.commit()

    def fail(self) -> None:
        """A statement raised: an implicit transaction is undone, an explicit one waits for ROLLBACK."""
        if self.state is BlockState.IMPLICIT:
            self.rollback()
        elif self.state is BlockState.EXPLICIT:
            self.state = BlockState.FAILED
            self._release_failed_locks()

    def _release_failed_locks(self) -> None:
        """A failed block can only go back: to its last savepoint, or to nothing. Nobody waits for it meanwhile."""
        if self._transaction is None:
            return
        if self._savepoints:
            self._transaction.rollback_to(self._savepoints[-1].storage_mark)
        else:
            self._transaction.rollback()

    def _finish(self, *, committed: bool) -> None:
        was_open = self.state is not BlockState.IDLE
        if was_open and not committed:
            self.rollback_count += 1
        self._transaction = None
        self._has_snapshot, self._is_first = False, True
        self._savepoints.clear()
        self.state = BlockState.IDLE
        if was_open:
            self._settings.end(committed=committed)
            self._owner.transaction_ended(committed)

    # -- savepoints -----------------------------------------------------------------------------------------

    def savepoint(self, name: str) -> None:
        self._check_in_block("SAVEPOINT")
        self.check_not_failed()
        transaction = self.open_transaction()
        mark = _Savepoint(name, transaction.savepoint(), self._settings.mark(), self._owner.savepoint_mark())
        self._savepoints.append(mark)

    def release(self, name: str) -> None:
        self._check_in_block("RELEASE SAVEPOINT")
        self.check_not_failed()
        del self._savepoints[self._find(name) :]

    def rollback_to(self, name: str) -> None:
        """ROLLBACK TO: undoes everything since the savepoint, which stays, and heals a failed block."""
        self._check_in_block("ROLLBACK TO SAVEPOINT")
        position = self._find(name)
        savepoint = self._savepoints[position]
        assert self._transaction is not None
        self._transaction.rollback_to(savepoint.storage_mark)
        self._settings.rollback_to(savepoint.settings_mark)
        self._transaction.read_only = self._settings.boolean("transaction_read_only")
        self._owner.rolled_back_to(savepoint.session_mark)
        del self._savepoints[position + 1 :]
        self.state = BlockState.EXPLICIT

    def _check_in_block(self, command: str) -> None:
        if not self.is_explicit:
            raise NoActiveTransaction(f"{command} can only be used in transaction blocks")

    def _find(self, name: str) -> int:
        for position in range(len(self._savepoints) - 1, -1, -1):
            if self._savepoints[position].name == name:
                return position
        raise InvalidSavepoint(f'savepoint "{name}" does not exist')


def _lock_timeouts(settings: SettingValues) -> tuple[int, int]:
    return settings.integer("lock_timeout"), settings.integer("deadlock_timeout")


def _isolation(settings: SettingValues) -> Isolation:
    return Isolation.of(settings.get("transaction_isolation"))
