"""Locks: conflict tables, waiting, queues, deadlocks, savepoints, and agreement with a dictionary model.

Waiting is tested with threads that are observed through `LockManager.rows`, never by sleeping for a result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from storage.errors import DeadlockDetected, LockNotAvailable
from storage.idset import IdSet
from storage.lock_modes import AdvisoryKey, RowStrength, SharedMode, TableMode
from storage.lock_spaces import LockGroup, LockOwner
from storage.locks import LockManager, Waiting, WaitPolicy

TABLE = 7
KEY = AdvisoryKey(5 << 2 | 1, 9)
SOON = Waiting(deadlock_timeout_ms=1)


def ids(*values: int) -> Any:
    return np.array(values, dtype=np.uint64)


def lock_row(
    locks: LockManager, owner: LockOwner, *rows: int, strength: RowStrength = RowStrength.UPDATE, **more: Any
) -> list[bool]:
    waiting = more.pop("waiting", Waiting())
    return locks.lock_rows(owner, TABLE, ids(*rows), strength, waiting, relation_name="t", **more).tolist()


@contextmanager
def started(locks: LockManager, work: Callable[[], Any], *, waiters: int = 1) -> Iterator[Future[Any]]:
    """Run `work` on a thread and enter when it waits for a lock."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        while sum(not row.is_granted for row in locks.rows()) < waiters and not future.done():
            threading.Event().wait(0.001)
        yield future


@pytest.mark.parametrize("held", RowStrength)
@pytest.mark.parametrize("asked", RowStrength)
def test_row_strengths_conflict_as_in_the_manual(held: RowStrength, asked: RowStrength) -> None:
    manual = {(0, 3), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)}
    locks = LockManager()
    lock_row(locks, locks.new_owner(), 5, strength=held)
    got = lock_row(locks, locks.new_owner(), 5, strength=asked, policy=WaitPolicy.SKIP_LOCKED)
    assert got == [tuple(sorted((held, asked))) not in manual]


@pytest.mark.parametrize("held", TableMode)
@pytest.mark.parametrize("asked", TableMode)
def test_table_modes_conflict_as_in_the_manual(held: TableMode, asked: TableMode) -> None:
    rows = ("00000001", "00000011", "00001111", "00011111", "00110111", "00111111", "01111111", "11111111")
    locks = LockManager()
    locks.lock_table(locks.new_owner(), TABLE, held, Waiting())
    other = locks.new_owner()
    if rows[held][asked] == "0":
        locks.lock_table(other, TABLE, asked, Waiting(), policy=WaitPolicy.NOWAIT)
        return
    with pytest.raises(LockNotAvailable, match='could not obtain lock on relation "t"'):
        locks.lock_table(other, TABLE, asked, Waiting(), policy=WaitPolicy.NOWAIT, relation_name="t")


def test_waiter_goes_on_when_the_holder_ends() -> None:
    locks = LockManager()
    first, second = locks.new_owner(), locks.new_owner()
    lock_row(locks, first, 2)
    with started(locks, lambda: lock_row(locks, second, 1, 2, 3)) as future:
        assert not future.done()
        assert lock_row(locks, first, 1, 3, policy=WaitPolicy.SKIP_LOCKED) == [False, True]
        locks.release(first)
        assert future.result(5) == [True, True, True]
    locks.release(second)
    assert locks.rows() == []


def test_nowait_and_skip_locked() -> None:
    locks = LockManager()
    first, second = locks.new_owner(), locks.new_owner()
    lock_row(locks, first, 2, 4)
    with pytest.raises(LockNotAvailable, match='could not obtain lock on row in relation "t"'):
        lock_row(locks, second, 1, 2, policy=WaitPolicy.NOWAIT)
    assert lock_row(locks, second, 1, 2, 3, 4, policy=WaitPolicy.SKIP_LOCKED) == [True, False, True, False]
    assert lock_row(locks, first, 1, policy=WaitPolicy.SKIP_LOCKED) == [False]


def test_lock_timeout_and_cancellation_end_a_wait() -> None:
    locks = LockManager()
    lock_row(locks, locks.new_owner(), 1)
    with pytest.raises(LockNotAvailable, match="canceling statement due to lock timeout"):
        lock_row(locks, locks.new_owner(), 1, waiting=Waiting(lock_timeout_ms=1))
    token = CancelToken()
    with started(
        locks, lambda: lock_row(locks, locks.new_owner(), 1, waiting=Waiting(cancel_token=token))
    ) as future:
        token.cancel()
        with pytest.raises(QueryCanceled):
            future.result(5)
    assert locks.rows() == []


def test_deadlock_is_found_and_described() -> None:
    locks = LockManager()
    first, second = locks.new_owner(LockGroup(11)), locks.new_owner(LockGroup(12))
    lock_row(locks, first, 1)
    lock_row(locks, second, 2)
    with started(locks, lambda: lock_row(locks, first, 2)) as future:
        with pytest.raises(DeadlockDetected, match="deadlock detected") as caught:
            lock_row(locks, second, 1, waiting=SOON)
        assert caught.value.detail == (
            f"Process 12 waits for ShareLock on transaction {first.number}; blocked by process 11.\n"
            f"Process 11 waits for ShareLock on transaction {second.number}; blocked by process 12."
        )
        locks.release(second)
        assert future.result(5) == [True]


def test_deadlock_over_different_kinds() -> None:
    locks = LockManager()
    group = LockGroup(3)
    session, transaction = locks.new_owner(group, is_session=True), locks.new_owner(group)
    other = locks.new_owner()
    locks.lock_advisory(session, KEY, SharedMode.EXCLUSIVE, Waiting())
    locks.lock_table(other, TABLE, TableMode.EXCLUSIVE, Waiting())
    with started(locks, lambda: locks.lock_advisory(other, KEY, SharedMode.SHARED, Waiting())) as future:
        with pytest.raises(DeadlockDetected):
            locks.lock_table(transaction, TABLE, TableMode.ROW_EXCLUSIVE, SOON)
        assert locks.unlock_advisory(session, KEY, SharedMode.EXCLUSIVE)
        assert future.result(5)


def test_sharers_queue_behind_a_waiting_writer() -> None:
    locks = LockManager()
    reader, writer, late = locks.new_owner(), locks.new_owner(), locks.new_owner()
    lock_row(locks, reader, 1, strength=RowStrength.SHARE)
    with started(locks, lambda: lock_row(locks, writer, 1)) as future:
        skipped = lock_row(locks, late, 1, strength=RowStrength.SHARE, policy=WaitPolicy.SKIP_LOCKED)
        assert skipped == [False]
        # Who holds the row already passes: the queue waits for him.
        assert lock_row(locks, reader, 1, strength=RowStrength.KEY_SHARE) == [True]
        locks.release(reader)
        future.result(5)


def test_upgrade_of_two_sharers_is_a_deadlock() -> None:
    locks = LockManager()
    first, second = locks.new_owner(), locks.new_owner()
    lock_row(locks, first, 1, strength=RowStrength.SHARE)
    lock_row(locks, second, 1, strength=RowStrength.SHARE)
    with started(locks, lambda: lock_row(locks, first, 1)) as future:
        with pytest.raises(DeadlockDetected):
            lock_row(locks, second, 1, waiting=SOON)
        locks.release(second)
        assert future.result(5) == [True]


def test_key_reservations_make_equal_keys_wait() -> None:
    locks = LockManager()
    first, second = locks.new_owner(), locks.new_owner()
    locks.reserve_keys(first, 20, ids(5, 5, 6), Waiting())
    locks.reserve_keys(second, 20, ids(7), Waiting())
    locks.reserve_keys(second, 21, ids(5), Waiting())
    with started(locks, lambda: locks.reserve_keys(second, 20, ids(8, 6), Waiting())) as future:
        assert not future.done()
        locks.release(first)
        future.result(5)


def test_rollback_to_gives_up_what_was_first_taken_after_the_mark() -> None:
    locks = LockManager()
    first, second = locks.new_owner(), locks.new_owner()
    lock_row(locks, first, 1)
    mark = locks.mark(first)
    lock_row(locks, first, 1, 2)
    locks.lock_table(first, TABLE, TableMode.EXCLUSIVE, Waiting())
    locks.rollback_to(first, mark)
    assert lock_row(locks, second, 1, 2, policy=WaitPolicy.SKIP_LOCKED) == [False, True]
    locks.lock_table(second, TABLE, TableMode.ACCESS_EXCLUSIVE, Waiting(), policy=WaitPolicy.NOWAIT)


def test_id_set_agrees_with_a_set() -> None:
    random = np.random.default_rng(4)
    held, model = IdSet(), set[int]()
    for _ in range(200):
        size = int(random.choice([1, 3, 50, 400]))
        batch = np.unique(random.integers(0, 20_000, size).astype(np.uint64))
        assert held.contains(batch).tolist() == [one in model for one in batch.tolist()]
        if random.random() < 0.7:
            fresh = batch[~held.contains(batch)]
            held.add(fresh)
            model |= set(fresh.tolist())
        else:
            held.remove(batch)
            model -= set(batch.tolist())
        assert set(held.ids().tolist()) == model
        assert bool(held) == bool(model)


@pytest.mark.slow
def test_counters_under_row_locks_lose_no_increment() -> None:
    """Eight threads lock two random rows and add to unlocked counters; deadlocks give way and try again."""
    locks, counters, rounds = LockManager(), [0] * 6, 150

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(rounds):
            rows = random.choice(6, 2, replace=False)
            while True:
                owner = locks.new_owner()
                try:
                    for row in rows.tolist():
                        lock_row(locks, owner, row, waiting=SOON)
                    for row in rows.tolist():
                        value = counters[row]
                        threading.Event().wait(0)
                        counters[row] = value + 1
                    break
                except DeadlockDetected:
                    continue
                finally:
                    locks.release(owner)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(counters) == 8 * rounds * 2
    assert locks.rows() == []
