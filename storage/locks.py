"""Locks between transactions: rows, keys that are being inserted, tables, advisory keys.

One `LockManager` per storage. All four kinds are one mechanism: a *space* (kind, oid) of 64-bit ids, a conflict
table per kind, and per mode the ids each owner holds. Nothing is done per row in Python: a request for n ids is
compared with the sorted ids of every other owner.

Ids are granted in the order of the request. Where one is held by somebody else the request keeps what it has,
waits for that id and goes on when it gets it, as PostgreSQL does row by row. A request also waits behind those
that wait for the same id already, so a stream of sharers cannot starve a writer; whoever holds a lock on the id
already passes the queue, for the queue waits for him.

Owners of one `LockGroup` (a session's transaction, and the session with its advisory locks) never conflict. A
group waits for one id at most, so the waits-for graph has groups as nodes; it is looked at when a wait has lasted
`deadlock_timeout`, and whoever looks gives way. The last to join a cycle looks after it is closed, so once is enough
until something is given up.

Releasing is the owner's last act: `Transaction` does it after its commit is durable and published, so the snapshot
that a waiter takes next has it. The manager's mutex is a leaf lock: nothing else is taken under it.
"""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from enum import Enum

import numpy as np

from foundation.cancel import CancelToken
from foundation.errors import WouldBlock
from storage.errors import DeadlockDetected, LockNotAvailable
from storage.idset import Ids, IdSet, Mask
from storage.lock_modes import AdvisoryKey, LockKind, RowStrength, SharedMode, TableMode
from storage.lock_spaces import LockGroup, LockOwner, Request, Space, edge_text, find_cycle

_POLL_SECONDS = 0.02
"""How often a waiting thread looks at its cancel token, which cannot wake it."""

_FIRST_OWNER_NUMBER = 1000
_TABLES = (LockKind.TABLE, 0)


class WaitPolicy(Enum):
    """What to do where a lock is not free."""

    WAIT = "wait"
    NOWAIT = "nowait"
    SKIP_LOCKED = "skip locked"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a statement waits. `lock_timeout_ms` 0 = for ever; no token = cannot be cancelled.

    Where it may not block, a request that is not free raises WouldBlock and takes nothing.
    """

    cancel_token: CancelToken | None = None
    lock_timeout_ms: int = 0
    deadlock_timeout_ms: int = 1000
    may_block: bool = True


@dataclass(frozen=True, slots=True)
class LockRow:
    """One lock for pg_locks. `oid` and `id` name it as `LockKind` says."""

    kind: LockKind
    oid: int
    id: int
    mode: int
    process_id: int
    owner_number: int
    is_granted: bool


class LockManager:
    """Thread-safe."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._spaces: dict[tuple[LockKind, int], Space] = {}
        self._numbers = itertools.count(_FIRST_OWNER_NUMBER)

    def new_owner(self, group: LockGroup | None = None, *, is_session: bool = False) -> LockOwner:
        return LockOwner(group or LockGroup(), next(self._numbers), is_session=is_session)

    # -- taking -------------------------------------------------------------------------------------------

    def lock_rows(
        self,
        owner: LockOwner,
        table_oid: int,
        row_ids: Ids,
        strength: RowStrength,
        waiting: Waiting,
        *,
        policy: WaitPolicy = WaitPolicy.WAIT,
        relation_name: str = "",
    ) -> Mask:
        """Lock rows by committed row id.

        Args:
            row_ids: (n,) uint64 without repetition, in the order in which they are to be waited for.

        Returns:
            (n,) bool, which were locked: all, but under SKIP_LOCKED.

        Raises:
            LockNotAvailable: 55P03, under NOWAIT, or after lock_timeout.
            DeadlockDetected: 40P01. QueryCanceled: 57014.
        """
        refused = f'could not obtain lock on row in relation "{relation_name}"'
        return self._lock(
            (LockKind.ROW, table_oid), owner, row_ids, int(strength), waiting, policy=policy, refused=refused
        )

    def reserve_keys(
        self,
        owner: LockOwner,
        index_oid: int,
        key_hashes: Ids,
        waiting: Waiting,
        *,
        mode: SharedMode = SharedMode.EXCLUSIVE,
    ) -> None:
        """Reserve (n,) uint64 key hashes of a unique index until the owner ends; repeated ones count once.

        Two transactions that reserve one key wait for each other, whether or not a row has it yet. What is
        committed under the key is to be looked up after this returns. SHARED keeps a key from being removed.
        """
        hashes = key_hashes if len(key_hashes) < 2 else np.unique(key_hashes)
        self._lock(
            (LockKind.KEY, index_oid), owner, hashes, int(mode), waiting, policy=WaitPolicy.WAIT, refused=""
        )

    def lock_table(
        self,
        owner: LockOwner,
        table_oid: int,
        mode: TableMode,
        waiting: Waiting,
        *,
        policy: WaitPolicy = WaitPolicy.WAIT,
        relation_name: str = "",
    ) -> bool:
        """Lock a table.

        Returns:
            False where it was not free, under SKIP_LOCKED.

        Raises:
            LockNotAvailable: 55P03, under NOWAIT, or after lock_timeout. DeadlockDetected: 40P01.
            QueryCanceled: 57014.
        """
        refused = f'could not obtain lock on relation "{relation_name}"'
        ids = np.array([table_oid], dtype=np.uint64)
        return bool(self._lock(_TABLES, owner, ids, int(mode), waiting, policy=policy, refused=refused)[0])

    def may_block_readers(self) -> bool:
        """Whether some table is locked in ACCESS EXCLUSIVE mode or waited for. Takes no mutex: a reader whose
        snapshot was taken before it asks has seen what was committed before the lock was."""
        tables = self._spaces.get(_TABLES)
        return tables is not None and bool(tables.waiters or tables.holders[TableMode.ACCESS_EXCLUSIVE])

    def lock_advisory(
        self,
        owner: LockOwner,
        key: AdvisoryKey,
        mode: SharedMode,
        waiting: Waiting,
        *,
        policy: WaitPolicy = WaitPolicy.WAIT,
    ) -> bool:
        """Lock an advisory key; one that the owner has in this mode stays locked once.

        Returns:
            False where it was not free, under SKIP_LOCKED.

        Raises:
            LockNotAvailable: 55P03, after lock_timeout. DeadlockDetected: 40P01. QueryCanceled: 57014.
        """
        ids = np.array([key.bits], dtype=np.uint64)
        space = (LockKind.ADVISORY, key.space_oid)
        return bool(self._lock(space, owner, ids, int(mode), waiting, policy=policy, refused="")[0])

    def _lock(
        self,
        key: tuple[LockKind, int],
        owner: LockOwner,
        ids: Ids,
        mode: int,
        waiting: Waiting,
        *,
        policy: WaitPolicy,
        refused: str,
    ) -> Mask:
        with self._mutex:
            space = self._spaces.get(key)
            if space is None:
                space = self._spaces[key] = Space(key)
            if space.is_free(mode):
                self._grant(Request(owner, space, mode, ids), len(ids))
                return np.ones(len(ids), dtype=np.bool_)
            request = Request(owner, space, mode, space.not_held(owner, ids, mode))
            try:
                blocked = space.blocked_mask(request)
                if blocked is None or not blocked.any():
                    self._grant(request, len(request.ids))
                    return np.ones(len(ids), dtype=np.bool_)
                if policy is WaitPolicy.NOWAIT:
                    raise LockNotAvailable(refused)
                if policy is WaitPolicy.SKIP_LOCKED:
                    skipped, request.ids = request.ids[blocked], request.ids[~blocked]
                    self._grant(request, len(request.ids))
                    return ~np.isin(ids, skipped)
                if not waiting.may_block:
                    raise WouldBlock
                self._grant(request, int(np.argmax(blocked)))
                request.event = threading.Event()
                space.waiters.append(request)
                owner.group.request = request
            finally:
                self._forget_unused(space)
        self._wait(request, waiting)
        return np.ones(len(ids), dtype=np.bool_)

    def _grant(self, request: Request, count: int) -> None:
        if not count:
            return
        granted, request.ids = request.ids[:count], request.ids[count:]
        holders = request.space.holders[request.mode]
        held = holders.get(request.owner)
        if held is None:
            held = holders[request.owner] = IdSet()
        held.add(granted)
        if request.owner.is_session:
            request.owner.spaces.add(request.space)
        else:
            request.owner.grants.append((request.space, request.mode, granted))

    # -- waiting ------------------------------------------------------------------------------------------

    def _wait(self, request: Request, waiting: Waiting) -> None:
        """Until everything is granted. The request leaves the queue in any case; what it got it keeps."""
        try:
            while not self._wait_for_next(request, waiting):
                pass
        finally:
            with self._mutex:
                request.owner.group.request = None
                request.space.waiters.remove(request)
                request.space.wake()
                self._forget_unused(request.space)

    def _wait_for_next(self, request: Request, waiting: Waiting) -> bool:
        """Wait for one id and take what is free after it. True when all is granted."""
        start = time.monotonic()
        next_check = start + waiting.deadlock_timeout_ms / 1000
        deadline = start + waiting.lock_timeout_ms / 1000 if waiting.lock_timeout_ms else float("inf")
        while True:
            with self._mutex:
                if request.event.is_set():
                    # Others may be in the way now than when it was last looked.
                    request.event.clear()
                    next_check = min(next_check, time.monotonic() + waiting.deadlock_timeout_ms / 1000)
                if time.monotonic() >= next_check:
                    self._check_deadlock(request)
                    next_check = float("inf")
                count = request.space.first_free(request)
                if count:
                    self._grant(request, count)
                    return not len(request.ids)
            now = time.monotonic()
            if now >= deadline:
                raise LockNotAvailable("canceling statement due to lock timeout")
            if waiting.cancel_token is not None:
                waiting.cancel_token.check()
            request.event.wait(max(0.0, min(_POLL_SECONDS, next_check - now, deadline - now)))

    def _check_deadlock(self, request: Request) -> None:
        """Raises DeadlockDetected (40P01). Where only the queue is in the way, the request may pass it."""
        cycle = find_cycle(request, with_queue=False)
        if cycle is not None:
            lines = [edge_text(*edge) for edge in cycle]
            raise DeadlockDetected(
                "deadlock detected", detail="\n".join(lines), hint="See server log for query details."
            )
        if find_cycle(request, with_queue=True) is not None:
            request.passes_queue = True

    # -- giving up ----------------------------------------------------------------------------------------

    def mark(self, owner: LockOwner) -> int:
        """A savepoint for `rollback_to`."""
        return len(owner.grants)

    def rollback_to(self, owner: LockOwner, mark: int) -> None:
        """Give up what was first taken after the mark."""
        if len(owner.grants) <= mark:
            return
        with self._mutex:
            for space, mode, ids in owner.grants[mark:]:
                self._remove(owner, space, mode, ids)
            del owner.grants[mark:]

    def release(self, owner: LockOwner) -> None:
        """Give up everything. Idempotent."""
        if not (owner.grants or owner.spaces):
            return
        with self._mutex:
            for space in owner.spaces | {grant[0] for grant in owner.grants}:
                for holders in space.holders:
                    holders.pop(owner, None)
                space.wake()
                self._forget_unused(space)
            owner.grants.clear()
            owner.spaces.clear()

    def unlock_advisory(self, session: LockOwner, key: AdvisoryKey, mode: SharedMode) -> bool:
        """Give up one advisory lock of a session; False when it does not hold it."""
        assert session.is_session, "a transaction gives up its locks together"
        with self._mutex:
            space = self._spaces.get((LockKind.ADVISORY, key.space_oid))
            held = None if space is None else space.holders[mode].get(session)
            if space is None or held is None or not held.has(key.bits):
                return False
            self._remove(session, space, int(mode), np.array([key.bits], dtype=np.uint64))
            if not any(session in holders for holders in space.holders):
                session.spaces.discard(space)
            return True

    def _remove(self, owner: LockOwner, space: Space, mode: int, ids: Ids) -> None:
        held = space.holders[mode].get(owner)
        if held is not None:
            held.remove(ids)
            if not held:
                del space.holders[mode][owner]
        space.wake()
        self._forget_unused(space)

    def _forget_unused(self, space: Space) -> None:
        if space.is_unused():
            self._spaces.pop(space.key, None)

    # -- looking ------------------------------------------------------------------------------------------

    def blocking_processes(self, process_id: int) -> list[int]:
        """The processes whose locks, or whose places in the queue, a process waits for; [] when it does not wait."""
        with self._mutex:
            requests = [w for space in self._spaces.values() for w in space.waiters if len(w.ids)]
            blockers = {
                blocker.group.process_id
                for request in requests
                if request.owner.group.process_id == process_id
                for blocker in request.space.blockers(request, with_queue=True)
            }
        return sorted(blockers)

    def rows(self) -> list[LockRow]:
        """What is held and waited for, without the row locks and key reservations that are granted."""
        with self._mutex:
            found: list[LockRow] = []
            for (kind, oid), space in self._spaces.items():
                if kind in (LockKind.TABLE, LockKind.ADVISORY):
                    for mode, holders in enumerate(space.holders):
                        for owner, held in holders.items():
                            found += [
                                _row(kind, oid, one, mode, owner=owner, is_granted=True)
                                for one in held.ids().tolist()
                            ]
                found += [
                    _row(kind, oid, w.next_id, w.mode, owner=w.owner, is_granted=False)
                    for w in space.waiters
                    if len(w.ids)
                ]
            return found


def _row(kind: LockKind, oid: int, one: int, mode: int, *, owner: LockOwner, is_granted: bool) -> LockRow:
    return LockRow(kind, oid, one, mode, owner.group.process_id, owner.number, is_granted)
