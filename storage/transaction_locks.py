"""The locks of one transaction, and how its statements wait for them.

Everything that is locked stays locked until the transaction ends, but for what was locked after a savepoint that is
rolled back to. Own rows, which have provisional ids, need no lock: nobody else sees them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from storage.catalog import Table
from storage.idset import Ids, Mask
from storage.lock_modes import AdvisoryKey, RowStrength, SharedMode, TableMode
from storage.lock_spaces import LockGroup
from storage.locks import LockManager, Waiting, WaitPolicy
from storage.rows import RowIds


@dataclass(frozen=True, slots=True)
class LockedRows:
    """(n,) bool each: rows that were locked (all, but under SKIP LOCKED), and rows that others have changed since."""

    is_locked: Mask
    is_replaced: Mask


class TransactionLocks:
    """`waiting` is set by who runs statements; without, a wait ends with the lock or a deadlock."""

    def __init__(self, manager: LockManager, group: LockGroup | None) -> None:
        self.waiting = Waiting()
        self._manager = manager
        self._owner = manager.new_owner(group)
        self._tables: dict[int, set[TableMode]] = {}

    def lock_rows(
        self, table: Table, row_ids: RowIds, strength: RowStrength, policy: WaitPolicy = WaitPolicy.WAIT
    ) -> Mask:
        """Lock (n,) committed rows; (n,) bool which were locked, all unless the policy is SKIP_LOCKED.

        Raises:
            LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
        """
        if not len(row_ids):
            return np.ones(0, dtype=np.bool_)
        return self._manager.lock_rows(
            self._owner,
            table.oid,
            row_ids,
            strength,
            self.waiting,
            policy=policy,
            relation_name=table.name,
        )

    def reserve_keys(self, oid: int, key_hashes: Ids, mode: SharedMode = SharedMode.EXCLUSIVE) -> None:
        """Reserve keys of an index, or of a foreign key, by their hashes. Raises as `lock_rows`."""
        if len(key_hashes):
            self._manager.reserve_keys(self._owner, oid, key_hashes, self.waiting, mode=mode)

    def lock_table(self, table: Table, mode: TableMode, policy: WaitPolicy = WaitPolicy.WAIT) -> bool:
        """Lock a table; a mode that was taken before costs nothing.

        Returns:
            Whether it has been locked in this mode now: somebody may have changed the table before.

        Raises:
            As `lock_rows`.
        """
        held = self._tables.setdefault(table.oid, set())
        if mode in held or (held and mode is TableMode.ACCESS_SHARE):
            return False
        is_locked = self._manager.lock_table(
            self._owner, table.oid, mode, self.waiting, policy=policy, relation_name=table.name
        )
        if is_locked:
            held.add(mode)
        return is_locked

    def may_block_readers(self) -> bool:
        """Whether a reader might have to wait for some table."""
        return self._manager.may_block_readers()

    def lock_advisory(self, key: AdvisoryKey, mode: SharedMode, policy: WaitPolicy = WaitPolicy.WAIT) -> bool:
        """Lock an advisory key; False where it is not free, under SKIP_LOCKED. Raises as `lock_rows`."""
        return self._manager.lock_advisory(self._owner, key, mode, self.waiting, policy=policy)

    def mark(self) -> int:
        return self._manager.mark(self._owner)

    def rollback_to(self, mark: int) -> None:
        """Give up what was locked after the mark."""
        self._manager.rollback_to(self._owner, mark)
        self._tables.clear()

    def release(self) -> None:
        """Give up everything: the transaction's last act."""
        self._manager.release(self._owner)
        self._tables.clear()
