"""What the lock manager keeps: who holds which ids of a space, who waits for which, and the cycles between them.

Everything here is used under the mutex of `storage.locks.LockManager`, whose module says what the rules are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from storage.idset import Ids, IdSet, Mask
from storage.lock_modes import MODE_TABLES, AdvisoryKey, LockKind, SharedMode, TableMode

_NEVER_WAITED = threading.Event()


class LockGroup:
    """What runs on one thread at a time: a session, or a transaction without one."""

    __slots__ = ("process_id", "request")

    def __init__(self, process_id: int = 0) -> None:
        self.process_id = process_id
        self.request: Request | None = None
        """What the group waits for."""


class LockOwner:
    """Who holds locks and gives them up together. `number` stands for the transaction in messages.

    `is_session`: it gives up single advisory keys and has no savepoints, so the order of its locks is not kept.
    """

    __slots__ = ("grants", "group", "is_session", "number", "spaces")

    def __init__(self, group: LockGroup, number: int, *, is_session: bool = False) -> None:
        self.group = group
        self.number = number
        self.is_session = is_session
        self.grants: list[tuple[Space, int, Ids]] = []
        """What a transaction was granted, in order: `rollback_to` gives up the end of it."""
        self.spaces: set[Space] = set()
        """Where a session holds something."""


class Space:
    """The ids of one (kind, oid): who holds them in which mode, and who waits, first come first."""

    __slots__ = ("holders", "key", "table", "waiters")

    def __init__(self, key: tuple[LockKind, int]) -> None:
        self.key = key
        self.table = MODE_TABLES[key[0]]
        self.holders: list[dict[LockOwner, IdSet]] = [{} for _ in self.table.conflicts]
        self.waiters: list[Request] = []

    def is_unused(self) -> bool:
        return not self.waiters and not any(self.holders)

    def is_free(self, mode: int) -> bool:
        """Whether nobody holds anything in this mode, in one that includes it or in one that conflicts, and nobody waits."""
        holders, table = self.holders, self.table
        return not (
            self.waiters
            or any(holders[other] for other in table.covers[mode])
            or any(holders[other] for other in table.conflicts[mode])
        )

    def not_held(self, owner: LockOwner, ids: Ids, mode: int) -> Ids:
        """Those of `ids` that the owner has not locked in this mode or one that includes it."""
        for other in self.table.covers[mode]:
            held = self.holders[other].get(owner)
            if held is not None:
                ids = ids[~held.contains(ids)]
        return ids

    def first_free(self, request: Request) -> int:
        """How many of the request's next ids can be granted at once."""
        blocked = self.blocked_mask(request)
        return len(request.ids) if blocked is None or not blocked.any() else int(np.argmax(blocked))

    def blocked_mask(self, request: Request) -> Mask | None:
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

    def _queue_before(self, request: Request) -> Iterator[Request]:
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

    def blockers(self, request: Request, *, with_queue: bool) -> Iterator[LockOwner]:
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
class Request:
    """Ids an owner asks for, in order; `ids` are those not granted yet, the first is the one waited for."""

    owner: LockOwner
    space: Space
    mode: int
    ids: Ids
    passes_queue: bool = False
    event: threading.Event = _NEVER_WAITED
    """Set when something was given up in the space. Its own only when the request starts to wait: most never do."""

    @property
    def next_id(self) -> int:
        return int(self.ids[0])


def find_cycle(request: Request, *, with_queue: bool) -> list[tuple[Request, LockOwner]] | None:
    """The edges (waiting request, owner it waits for) that lead from a request's group back to it."""
    origin = request.owner.group
    visited: set[LockGroup] = set()

    def visit(at: Request) -> list[tuple[Request, LockOwner]] | None:
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


def edge_text(request: Request, blocker: LockOwner) -> str:
    kind, oid = request.space.key
    if kind is LockKind.TABLE:
        what = f"{TableMode(request.mode).title} on relation {request.next_id}"
    elif kind is LockKind.ADVISORY:
        mode, key = SharedMode(request.mode), AdvisoryKey(oid, request.next_id)
        what = f"{mode.title} on advisory lock [{key.database_oid},{key.high},{key.low},{key.key_class}]"
    else:
        what = f"ShareLock on transaction {blocker.number}"
    return (
        f"Process {request.owner.group.process_id} waits for {what}; "
        f"blocked by process {blocker.group.process_id}."
    )
