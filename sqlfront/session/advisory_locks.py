"""Advisory locks: pg_advisory_lock and its kind.

What a *session* locks it has until it unlocks it as often as it has locked it, or ends; neither COMMIT nor ROLLBACK
changes that. What a *transaction* locks (`..._xact_...`) goes with the transaction, or with the savepoint it was
locked after. Both are of one `LockGroup`, so a session never waits for itself.
https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlfront.session.session_functions import session_function
from storage.lock_modes import AdvisoryKey, SharedMode
from storage.lock_spaces import LockGroup
from storage.locks import LockManager, Waiting, WaitPolicy

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

_UINT32 = 0xFFFFFFFF
_UINT64 = 0xFFFFFFFFFFFFFFFF


class SessionAdvisoryLocks:
    """Advisory locks of one session, counted. Used by the session's thread only."""

    def __init__(self, manager: LockManager, group: LockGroup) -> None:
        self._manager = manager
        self._owner = manager.new_owner(group, is_session=True)
        self._counts: Counter[tuple[AdvisoryKey, SharedMode]] = Counter()

    def lock(self, key: AdvisoryKey, mode: SharedMode, waiting: Waiting, policy: WaitPolicy) -> bool:
        """Once more. False where it was not free, under SKIP_LOCKED. Raises as `LockManager.lock_advisory`."""
        is_locked = (key, mode) in self._counts or self._manager.lock_advisory(
            self._owner, key, mode, waiting, policy=policy
        )
        if is_locked:
            self._counts[key, mode] += 1
        return is_locked

    def unlock(self, key: AdvisoryKey, mode: SharedMode) -> bool:
        """Once less. False when the session does not have it."""
        if (key, mode) not in self._counts:
            return False
        self._counts[key, mode] -= 1
        if not self._counts[key, mode]:
            del self._counts[key, mode]
            self._manager.unlock_advisory(self._owner, key, mode)
        return True

    def unlock_all(self) -> None:
        self._counts.clear()
        self._manager.release(self._owner)


def _key(session: LocalSession, numbers: tuple[int, ...]) -> AdvisoryKey:
    """Of the SQL arguments: one bigint or two ints."""
    space_oid = session.identity.database_oid << 2 | len(numbers)
    if len(numbers) == 1:
        return AdvisoryKey(space_oid, numbers[0] & _UINT64)
    return AdvisoryKey(space_oid, (numbers[0] & _UINT32) << 32 | numbers[1] & _UINT32)


def _lock_in_session(session: LocalSession, key: AdvisoryKey, mode: SharedMode, policy: WaitPolicy) -> bool:
    return session.advisory_locks.lock(key, mode, session.block.waiting(), policy)


def _lock_in_transaction(
    session: LocalSession, key: AdvisoryKey, mode: SharedMode, policy: WaitPolicy
) -> bool:
    transaction = session.block.current()
    assert transaction is not None, "a statement runs in a transaction"
    return transaction.locks.lock_advisory(key, mode, policy)


def _register(scope: str, lock: Callable[[LocalSession, AdvisoryKey, SharedMode, WaitPolicy], bool]) -> None:
    """The four functions that lock in a session ("") or in a transaction ("xact_")."""
    for mode, suffix in ((SharedMode.EXCLUSIVE, ""), (SharedMode.SHARED, "_shared")):

        def wait(session: LocalSession, *numbers: int, mode: SharedMode = mode) -> str:
            lock(session, _key(session, numbers), mode, WaitPolicy.WAIT)
            return ""

        def attempt(session: LocalSession, *numbers: int, mode: SharedMode = mode) -> bool:
            return lock(session, _key(session, numbers), mode, WaitPolicy.SKIP_LOCKED)

        session_function(f"pg_advisory_{scope}lock{suffix}")(wait)
        session_function(f"pg_try_advisory_{scope}lock{suffix}")(attempt)


_register("", _lock_in_session)
_register("xact_", _lock_in_transaction)


def _unlock(session: LocalSession, numbers: tuple[int, ...], mode: SharedMode) -> bool:
    was_locked = session.advisory_locks.unlock(_key(session, numbers), mode)
    if not was_locked:
        session.warn(f"you don't own a lock of type {mode.title}")
    return was_locked


@session_function("pg_advisory_unlock")
def pg_advisory_unlock(session: LocalSession, *numbers: int) -> bool:
    return _unlock(session, numbers, SharedMode.EXCLUSIVE)


@session_function("pg_advisory_unlock_shared")
def pg_advisory_unlock_shared(session: LocalSession, *numbers: int) -> bool:
    return _unlock(session, numbers, SharedMode.SHARED)


@session_function("pg_advisory_unlock_all")
def pg_advisory_unlock_all(session: LocalSession) -> str:
    session.advisory_locks.unlock_all()
    return ""
