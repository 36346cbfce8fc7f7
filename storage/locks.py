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
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from foundation.cancel import CancelToken
from storage.errors import DeadlockDetected, LockNotAvailable
from storage.idset import Ids, IdSet, Mask
from storage.lock_modes import MODE_TABLES, LockKind, RowStrength, SharedMode, TableMode

_POLL_SECONDS = 0.02
"""How often a waiting thread looks at its cancel token, which cannot wake it."""

_FIRST_OWNER_NUMBER = 1000
_NEVER_WAITED = threading.Event()


class WaitPolicy(Enum):
    """What to do where a lock is not free."""

    WAIT = "wait"
    NOWAIT = "nowait"
    SKIP_LOCKED = "skip locked"


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a statement waits. `lock_timeout_ms` 0 = for ever; no token = cannot be cancelled."""

    cancel_token: CancelToken | None = None
    lock_timeout_ms: int = 0
    deadlock_timeout_ms: int = 1000


class LockGroup:
    """What runs on one thread at a time: a session, or a transaction without one."""

    __slots__ = ("process_id", "request")

    def __init__(self, process_id: int = 0) -> None:
        self.process_id = process_id
        self.request: _Request | None = None
        """What the group waits for."""


class LockOwner:
    """Who holds locks and gives them up together. `number` stands for the transaction in messages."""

    __slots__ = ("grants", "group", "number")

    def __init__(self, group: LockGroup, number: int) -> None:
        self.group = group
        self.number = number
        self.grants: list[tuple[_Space, int, Ids]] = []
        """What was granted, in order: `rollback_to` gives up the end of it."""


class _Space:
    """The ids of one (kind, oid): who holds them in which mode, and who waits, first come first."""

    __slots__ = ("holders", "key", "table", "waiters")

    def __init__(self, key: tuple[LockKind, int]) -> None:
        self.key = key
        self.table = MODE_TABLES[key[0]]
        self.holders: list[dict[LockOwner, IdSet]] = [{} for _ in self.table.conflicts]
        self.waiters: list[_Request] = []

    def is_unused(self) -> bool:
        return not self.waiters and not any(self.holders)

    def not_held(self, owner: LockOwner, ids: Ids, mode: int) -> Ids:
        """Those of `ids` that the owner has not locked in this mode or one that includes it."""
        for other in self.table.covers[mode]:
            held = self.holders[other].get(owner)
            if held is not None:
                ids = ids[~held.contains(ids)]
        return ids

    def first_free(self, request: _Request) -> int:
        """How many of the request's next ids can be granted at once."""
        blocked = self.blocked_mask(request)
        return len(request.ids) if blocked is None or not blocked.any() else int(np.argmax(blocked))

    def blocked_mask(self, request: _Request) -> Mask | None:
        """(n,) which of the request's ids it must wait for; None = of none."""
        group, ids, mask = request.owner.group, request.ids, None
        for mode in self.table.conflicts[request.mode]:
            for owner, held in self.holders[mode].items():
                if owner.group is not group:
                    hit = held.contains(ids)
                    mask = hit if mask is None else mask | hit
        for waiter in self._queue_before(request):
            hit = ids == np.uint64(waiter.next_id)
            if hit.any() and not self._is_holder(group, waiter.next_id):
                mask = hit if mask is None else mask | hit
        return mask

    def _queue_before(self, request: _Request) -> Iterator[_Request]:
        """Waiters that came first, if the request conflicts with what they wait for."""
        if request.passes_queue:
            return
        for waiter in self.waiters:
            if waiter is request:
                return
            # One that has just got everything leaves the queue when its thread runs on.
            is_other = len(waiter.ids) > 0 and waiter.owner.group is not request.owner.group
            if is_other and waiter.mode in self.table.conflicts[request.mode]:
                yield waiter

    def _is_holder(self, group: LockGroup, one: int) -> bool:
        return any(o.group is group and held.has(one) for mode in self.holders for o, held in mode.items())

    def blockers(self, request: _Request, *, with_queue: bool) -> Iterator[LockOwner]:
        """The owners a waiting request waits for now."""
        one = request.next_id
        for mode in self.table.conflicts[request.mode]:
            for owner, held in self.holders[mode].items():
                if owner.group is not request.owner.group and held.has(one):
                    yield owner
        if with_queue and not self._is_holder(request.owner.group, one):
            for waiter in self._queue_before(request):
                if waiter.next_id == one:
                    yield waiter.owner

    def wake(self) -> None:
        for waiter in self.waiters:
            waiter.event.set()


@dataclass(eq=False, slots=True)
class _Request:
    """Ids an owner asks for, in order; `ids` are those not granted yet, the first is the one waited for."""

    owner: LockOwner
    space: _Space
    mode: int
    ids: Ids
    passes_queue: bool = False
    event: threading.Event = _NEVER_WAITED
    """Set when something was given up in the space. Its own only when the request starts to wait: most never do."""

    @property
    def next_id(self) -> int:
        return int(self.ids[0])


@dataclass(frozen=True, slots=True)
class LockRow:
    """One lock for pg_locks. `id` is the table's OID or the advisory key."""

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
        self._spaces: dict[tuple[LockKind, int], _Space] = {}
        self._numbers = itertools.count(_FIRST_OWNER_NUMBER)

    def new_owner(self, group: LockGroup | None = None) -> LockOwner:
        return LockOwner(group or LockGroup(), next(self._numbers))

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
    ) -> None:
        """Lock a table. Raises LockNotAvailable (55P03), DeadlockDetected (40P01), QueryCanceled (57014)."""
        refused = f'could not obtain lock on relation "{relation_name}"'
        ids = np.array([table_oid], dtype=np.uint64)
        self._lock((LockKind.TABLE, 0), owner, ids, int(mode), waiting, policy=policy, refused=refused)

    def lock_advisory(
        self,
        owner: LockOwner,
        key: int,
        key_class: int,
        mode: SharedMode,
        waiting: Waiting,
        *,
        policy: WaitPolicy = WaitPolicy.WAIT,
    ) -> bool:
        """Lock an advisory key (its 64 bits as uint64; class 1 or 2). False: not free, under SKIP_LOCKED."""
        ids = np.array([key], dtype=np.uint64)
        space = (LockKind.ADVISORY, key_class)
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
                space = self._spaces[key] = _Space(key)
            request = _Request(owner, space, mode, space.not_held(owner, ids, mode))
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
                self._grant(request, int(np.argmax(blocked)))
                request.event = threading.Event()
                space.waiters.append(request)
                owner.group.request = request
            finally:
                self._forget_unused(space)
        self._wait(request, waiting)
        return np.ones(len(ids), dtype=np.bool_)

    def _grant(self, request: _Request, count: int) -> None:
        if not count:
            return
        granted, request.ids = request.ids[:count], request.ids[count:]
        holders = request.space.holders[request.mode]
        held = holders.get(request.owner)
        if held is None:
            held = holders[request.owner] = IdSet()
        held.add(granted)
        request.owner.grants.append((request.space, request.mode, granted))

    # -- waiting ------------------------------------------------------------------------------------------

    def _wait(self, request: _Request, waiting: Waiting) -> None:
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

    def _wait_for_next(self, request: _Request, waiting: Waiting) -> bool:
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

    def _check_deadlock(self, request: _Request) -> None:
        """Raises DeadlockDetected (40P01). Where only the queue is in the way, the request may pass it."""
        cycle = _find_cycle(request, with_queue=False)
        if cycle is not None:
            lines = [_edge_text(*edge) for edge in cycle]
            raise DeadlockDetected(
                "deadlock detected", detail="\n".join(lines), hint="See server log for query details."
            )
        if _find_cycle(request, with_queue=True) is not None:
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
        if not owner.grants:
            return
        with self._mutex:
            for space in {grant[0] for grant in owner.grants}:
                for holders in space.holders:
                    holders.pop(owner, None)
                space.wake()
                self._forget_unused(space)
            owner.grants.clear()

    def unlock_advisory(self, owner: LockOwner, key: int, key_class: int, mode: SharedMode) -> bool:
        """Give up one advisory lock; False when the owner does not hold it."""
        with self._mutex:
            space = self._spaces.get((LockKind.ADVISORY, key_class))
            held = None if space is None else space.holders[mode].get(owner)
            if space is None or held is None or not held.has(key):
                return False
            ids = np.array([key], dtype=np.uint64)
            self._remove(owner, space, int(mode), ids)
            owner.grants = [
                g for g in owner.grants if not (g[0] is space and g[1] == mode and g[2][0] == key)
            ]
            return True

    def _remove(self, owner: LockOwner, space: _Space, mode: int, ids: Ids) -> None:
        held = space.holders[mode].get(owner)
        if held is not None:
            held.remove(ids)
            if not held:
                del space.holders[mode][owner]
        space.wake()
        self._forget_unused(space)

    def _forget_unused(self, space: _Space) -> None:
        if space.is_unused():
            self._spaces.pop(space.key, None)

    # -- looking ------------------------------------------------------------------------------------------

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


def _find_cycle(request: _Request, *, with_queue: bool) -> list[tuple[_Request, LockOwner]] | None:
    """The edges (waiting request, owner it waits for) that lead from a request's group back to it."""
    origin = request.owner.group
    visited: set[LockGroup] = set()

    def visit(at: _Request) -> list[tuple[_Request, LockOwner]] | None:
        for blocker in at.space.blockers(at, with_queue=with_queue):
            if blocker.group is origin:
                return [(at, blocker)]
            following = blocker.group.request
            if blocker.group in visited or following is None or not len(following.ids):
                continue
            visited.add(blocker.group)
            rest = visit(following)
            if rest is not None:
                return [(at, blocker), *rest]
        return None

    return visit(request)


def _edge_text(request: _Request, blocker: LockOwner) -> str:
    kind, oid = request.space.key
    if kind is LockKind.TABLE:
        what = f"{TableMode(request.mode).title} on relation {request.next_id}"
    elif kind is LockKind.ADVISORY:
        high, low = request.next_id >> 32, request.next_id & 0xFFFFFFFF
        what = f"{SharedMode(request.mode).title} on advisory lock [{high},{low},{oid}]"
    else:
        what = f"ShareLock on transaction {blocker.number}"
    return (
        f"Process {request.owner.group.process_id} waits for {what}; "
        f"blocked by process {blocker.group.process_id}."
    )
