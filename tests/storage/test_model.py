"""Goal: storage agrees with a dictionary, whatever happens in whatever order.

Method: seeded random scripts over three tables and three interleaved sessions (insert, also in one step, update of whole rows and of
a column, delete, truncate, savepoints, commit, rollback, flush, merge, checkpoint, clean and dirty restarts) with
limits so small that spilling, freezing, sealing and patching happen all the time; sessions go on between the writing
of a segment and its publication. A dictionary model predicts every visible row and every 23505, 40001 and 55P03: the
sessions share a thread, so whatever would wait gives up at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import SerializationFailure, UniqueViolation, WouldBlock
from foundation.memory import MemoryBudget
from storage import Isolation, Mark, Storage, StorageOptions, Transaction
from storage.catalog import Index, Table
from storage.direct_insert import DirectInsert, InsertTarget
from storage.errors import LockNotAvailable
from storage.lock_spaces import LockGroup
from storage.locks import Waiting
from tests.storage.sample_tables import (
    batch,
    columns_batch,
    make_table,
    open_storage,
    rows_by_id,
    vector_of,
)

Row = tuple[int, str | None]
"""(version, name): the version is new with every insert and update, so it stands for the row id."""

OPTIONS = StorageOptions(growing_bytes_max=3000, write_set_bytes_max=250, checkpoint_rows_bytes_max=600)
KEYS = 60
DIRECT_SHARE = 0.08
"""How often rows are inserted in one step, by a session of their own."""
LEVELS = (Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ)
"""SERIALIZABLE fails more often; `test_serializable.py` has its own oracle."""


@dataclass(frozen=True)
class Mix:
    """How often maintenance comes, what sessions do, and how often an update keeps keys and vectors."""

    maintenance_share: float
    weights: tuple[int, ...]
    """Of insert, update, delete, truncate, savepoint, rollback to a savepoint, end."""
    patch_share: float


USUAL = Mix(0.06, (30, 15, 15, 2, 5, 5, 12), 0.35)
PATCHES = Mix(0.15, (10, 40, 5, 0, 5, 5, 20), 0.9)


@dataclass
class ModelTable:
    rows: dict[int, Row] = field(default_factory=dict)


@dataclass
class ModelWrites:
    """What one session did to one table: rows put, committed versions deleted, truncation."""

    puts: dict[int, Row] = field(default_factory=dict)
    deleted: set[tuple[int, int]] = field(default_factory=set)
    truncated: bool = False

    def copy(self) -> ModelWrites:
        return ModelWrites(dict(self.puts), set(self.deleted), self.truncated)


@dataclass
class ModelLocks:
    """What one session has locked of one table: row versions that it deletes, keys that it inserts."""

    rows: set[tuple[int, int]] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)

    def copy(self) -> ModelLocks:
        return ModelLocks(set(self.rows), set(self.keys))


class Session:
    """A transaction and its model."""

    def __init__(self, world: World, isolation: Isolation) -> None:
        self.world = world
        self.transaction: Transaction = world.storage.begin(isolation=isolation)
        self.transaction.locks.waiting = Waiting(lock_timeout_ms=1)
        self.is_repeatable = isolation is Isolation.REPEATABLE_READ
        self.snapshot = world.committed_copy()
        self.writes = [ModelWrites() for _ in world.tables]
        self.locks = [ModelLocks() for _ in world.tables]
        self.marks: list[tuple[Mark, list[ModelWrites], list[ModelLocks]]] = []

    def refresh(self) -> None:
        self.transaction.refresh_snapshot()
        if not self.is_repeatable:
            self.snapshot = self.world.committed_copy()

    def visible(self, number: int) -> dict[int, Row]:
        writes = self.writes[number]
        rows = {} if writes.truncated else dict(self.snapshot[number])
        for key, version in writes.deleted:
            if key in rows and rows[key][0] == version:
                del rows[key]
        return {**rows, **writes.puts}

    def has_key(self, number: int, key: int) -> bool:
        """Whether an insert of `key` must fail: own row, or one that is current and not deleted here."""
        writes = self.writes[number]
        if key in writes.puts:
            return True
        current = self.world.committed[number].rows.get(key)
        return current is not None and not writes.truncated and (key, current[0]) not in writes.deleted


class World:
    def __init__(self, path: Path, rng: random.Random, mix: Mix) -> None:
        self.path = path
        self.rng = rng
        self.mix = mix
        self.memory = MemoryBudget(1 << 28)
        self.is_maintaining = False
        self.storage: Storage = self.opened()
        pairs = [make_table(self.storage, f"t{n}") for n in range(3)]
        self.tables: list[Table] = [table for table, _ in pairs]
        self.indexes: list[Index] = [index for _, index in pairs]
        self.committed = [ModelTable() for _ in self.tables]
        self.sessions: list[Session] = []
        self.version = 0

    def opened(self) -> Storage:
        storage = open_storage(self.path, memory=self.memory, options=OPTIONS)
        storage.start_background(self.go_on_meanwhile, 0)
        return storage

    def go_on_meanwhile(self, *segments: object) -> dict[int, dict[str, Any]]:
        """What sessions do while maintenance has written a segment that is not published yet; no index is inherited."""
        if self.is_maintaining:
            for _ in range(self.rng.choice([0, 3, 12])):
                self.step()
        return {}

    def committed_copy(self) -> list[dict[int, Row]]:
        return [dict(table.rows) for table in self.committed]

    def step(self) -> None:
        rng = self.rng
        if rng.random() < self.mix.maintenance_share and not self.is_maintaining:
            self.maintain()
            return
        if rng.random() < DIRECT_SHARE:
            self.insert_directly(rng.randrange(len(self.tables)))
            return
        if len(self.sessions) < 3 and rng.random() < 0.3:
            self.sessions.append(Session(self, rng.choice(LEVELS)))
        if self.sessions:
            session = rng.choice(self.sessions)
            session.refresh()
            action = rng.choices(
                [
                    self.insert,
                    self.update,
                    self.delete,
                    self.truncate,
                    self.savepoint,
                    self.roll_back_to,
                    self.end,
                ],
                weights=self.mix.weights,
            )[0]
            action(session, rng.randrange(len(self.tables)))

    def _others(self, session: Session, number: int) -> list[ModelLocks]:
        return [other.locks[number] for other in self.sessions if other is not session]

    def _attempt(
        self, session: Session, number: int, call: Callable[[], object], errors: tuple[type[Exception], ...]
    ) -> bool:
        """Make the call; with `errors`, see one of them and that it left nothing behind."""
        if not errors:
            call()
            return True
        mark = session.transaction.savepoint()
        with pytest.raises(errors):
            call()
        session.transaction.rollback_to(mark)
        return False

    def _insert_errors(self, session: Session, number: int, keys: list[int]) -> tuple[type[Exception], ...]:
        """What an insert must raise: it waits for keys that others insert, and for rows that others delete."""
        others = self._others(session, number)
        if any(key in locks.keys for locks in others for key in keys):
            return (LockNotAvailable,)
        taken = [key for key in keys if session.has_key(number, key)]
        if not taken:
            return ()
        current = self.committed[number].rows
        leaving = {
            key for locks in others for key, version in locks.rows if current.get(key, (0,))[0] == version
        }
        leaving -= session.writes[number].puts.keys()
        if leaving.isdisjoint(taken):
            return (UniqueViolation,)
        return (LockNotAvailable,) if leaving.issuperset(taken) else (LockNotAvailable, UniqueViolation)

    def _is_locked(self, session: Session, number: int, keys: list[int]) -> bool:
        """Whether another session has one of these rows."""
        versions = {(key, session.visible(number)[key][0]) for key in keys}
        return any(locks.rows & versions for locks in self._others(session, number))

    def _fresh_rows(self, keys: list[int]) -> dict[int, Row]:
        rows: dict[int, Row] = {}
        for key in keys:
            self.version += 1
            rows[key] = (self.version, None if self.version % 5 == 0 else f"v{self.version}")
        return rows

    def _batch(self, rows: dict[int, Row]) -> pa.RecordBatch:
        return batch(list(rows), [name for _, name in rows.values()])

    def insert(self, session: Session, number: int) -> None:
        keys = self.rng.sample(range(KEYS), self.rng.choice([1, 1, 3, 20]))
        rows = self._fresh_rows(keys)
        errors = self._insert_errors(session, number, keys)
        if self._attempt(
            session,
            number,
            lambda: session.transaction.insert(self.tables[number].oid, self._batch(rows)),
            errors,
        ):
            session.writes[number].puts.update(rows)
            session.locks[number].keys.update(keys)

    def insert_directly(self, number: int) -> None:
        keys = self.rng.sample(range(KEYS), self.rng.choice([1, 1, 1, 3]))
        rows, table = self._fresh_rows(keys), self.tables[number]
        target = InsertTarget.of(self.storage.catalog, table.oid, self.storage.options.index_expressions)
        assert target is not None
        change = DirectInsert(self.storage, LockGroup())
        change.lock(target)
        errors = self._direct_errors(number, keys)
        if errors:
            with pytest.raises(errors):
                change.log(target, self._batch(rows))
            change.rollback()
            return
        change.log(target, self._batch(rows))
        change.finish_commit()
        self.committed[number].rows.update(rows)

    def _direct_errors(self, number: int, keys: list[int]) -> tuple[type[Exception], ...]:
        """As `_insert_errors`: what would have to wait is refused."""
        held = [session.locks[number] for session in self.sessions]
        current = self.committed[number].rows
        taken = {key for key in keys if key in current}
        if self.storage.is_crowded(self.tables[number].oid) or any(not h.keys.isdisjoint(keys) for h in held):
            return (WouldBlock,)
        leaving = {key for key in taken if any((key, current[key][0]) in locks.rows for locks in held)}
        if not taken:
            return ()
        if not leaving:
            return (UniqueViolation,)
        return (WouldBlock,) if leaving == taken else (WouldBlock, UniqueViolation)

    def _targets(self, session: Session, number: int) -> tuple[list[int], list[int]]:
        """Some visible keys and their row ids."""
        visible = session.visible(number)
        keys = self.rng.sample(sorted(visible), min(len(visible), self.rng.choice([1, 2, 10])))
        by_key = {
            row[0]: row_id for row_id, row in rows_by_id(session.transaction, self.tables[number]).items()
        }
        return keys, [by_key[key] for key in keys]

    def _is_stale(self, session: Session, number: int, keys: list[int]) -> bool:
        writes, current = session.writes[number], self.committed[number].rows
        visible = session.visible(number)
        return any(k not in writes.puts and current.get(k, (0,))[0] != visible[k][0] for k in keys)

    def delete(self, session: Session, number: int) -> None:
        keys, row_ids = self._targets(session, number)
        ids = np.concatenate([np.array(row_ids, dtype=np.uint64)] * 2)
        visible = session.visible(number)
        errors = self._change_errors(session, number, keys)
        if self._attempt(
            session, number, lambda: session.transaction.delete(self.tables[number].oid, ids), errors
        ):
            self._note_deleted(session, number, keys, visible)

    def _change_errors(self, session: Session, number: int, keys: list[int]) -> tuple[type[Exception], ...]:
        """What locking these rows must raise: first it waits, then it sees whether they are current."""
        if self._is_locked(session, number, keys):
            return (LockNotAvailable,)
        return (SerializationFailure,) if self._is_stale(session, number, keys) else ()

    def _note_deleted(self, session: Session, number: int, keys: list[int], visible: dict[int, Row]) -> None:
        writes = session.writes[number]
        for key in keys:
            if writes.puts.pop(key, None) is None:
                writes.deleted.add((key, visible[key][0]))
                session.locks[number].rows.add((key, visible[key][0]))

    def update(self, session: Session, number: int) -> None:
        """Replace rows. Their keys move, perhaps onto others, or all columns but the key change, or one that can be patched."""
        keys, row_ids = self._targets(session, number)
        if not keys:
            return
        visible = session.visible(number)
        is_patch = self.rng.random() < self.mix.patch_share
        keeps_keys = is_patch or self.rng.random() < 0.3
        targets = keys if keeps_keys else self.rng.sample(range(KEYS), len(keys))
        rows = self._fresh_rows(targets)
        changed = self._batch(rows)
        if is_patch:
            changed = changed.select(["2"])
        arguments = (self.tables[number].oid, np.array(row_ids, dtype=np.uint64), changed)
        errors = self._change_errors(session, number, keys)
        before, locked = session.writes[number].copy(), session.locks[number].copy()
        if not errors:
            self._note_deleted(session, number, keys, visible)
            # Keys that do not change are neither reserved nor looked up before the commit.
            errors = () if is_patch else self._insert_errors(session, number, targets)
        if self._attempt(session, number, lambda: session.transaction.update(*arguments), errors):
            session.writes[number].puts.update(rows)
            session.locks[number].keys.update(() if is_patch else targets)
        else:
            session.writes[number], session.locks[number] = before, locked

    def truncate(self, session: Session, number: int) -> None:
        session.transaction.truncate(self.tables[number].oid)
        session.writes[number] = ModelWrites(truncated=True)

    def savepoint(self, session: Session, number: int) -> None:
        writes, locks = [w.copy() for w in session.writes], [held.copy() for held in session.locks]
        session.marks.append((session.transaction.savepoint(), writes, locks))

    def roll_back_to(self, session: Session, number: int) -> None:
        if session.marks:
            del session.marks[self.rng.randrange(len(session.marks)) + 1 :]
            mark, writes, locks = session.marks[-1]
            session.transaction.rollback_to(mark)
            session.writes = [w.copy() for w in writes]
            session.locks = [held.copy() for held in locks]

    def end(self, session: Session, number: int) -> None:
        self.check_session(session)
        self.sessions.remove(session)
        if self.rng.random() < 0.25:
            session.transaction.rollback()
            return
        conflict = any(self._commit_conflicts(session, n) for n in range(len(self.tables)))
        duplicate = any(self._commit_duplicates(session, n) for n in range(len(self.tables)))
        if conflict or duplicate:
            with pytest.raises((SerializationFailure, UniqueViolation)) as caught:
                session.transaction.commit()
            assert conflict or caught.type is UniqueViolation
            return
        session.transaction.commit()
        for table, writes in zip(self.committed, session.writes):
            if writes.truncated:
                table.rows.clear()
            for key, _ in writes.deleted:
                table.rows.pop(key, None)
            table.rows.update(writes.puts)

    def _commit_conflicts(self, session: Session, number: int) -> bool:
        writes, current = session.writes[number], self.committed[number].rows
        return not writes.truncated and any(
            current.get(key, (0,))[0] != version for key, version in writes.deleted
        )

    def _commit_duplicates(self, session: Session, number: int) -> bool:
        writes, current = session.writes[number], self.committed[number].rows
        return not writes.truncated and any(
            key in current and (key, current[key][0]) not in writes.deleted for key in writes.puts
        )

    def maintain(self) -> None:
        number = self.rng.randrange(len(self.tables))
        action = self.rng.choice(["flush", "merge", "merge", "checkpoint", "close", "abandon"])
        self.is_maintaining = action in ("flush", "merge", "checkpoint")
        if action == "flush":
            self.storage.flush_table(self.tables[number].oid)
        elif action == "merge":
            self.storage.merge_segments(self.tables[number].oid)
        elif action == "checkpoint":
            self.storage.checkpoint()
        else:
            self.restart(is_clean=action == "close")
        self.is_maintaining = False
        self.check_committed()

    def restart(self, *, is_clean: bool) -> None:
        for session in self.sessions:
            session.transaction.rollback()
        self.sessions.clear()
        if is_clean:
            self.storage.close()
        else:
            self.storage.abandon()
        assert self.memory.held() == {}
        self.storage = self.opened()

    def check_session(self, session: Session) -> None:
        for number, (table, index) in enumerate(zip(self.tables, self.indexes)):
            rows = rows_by_id(session.transaction, table).values()
            assert all(list(vector) == vector_of(key) for key, _, vector in rows)
            found = {key: name for key, name, _ in rows}
            expected = {key: name for key, (_, name) in session.visible(number).items()}
            assert found == expected
            keys = columns_batch(table.columns[:1], [list(range(KEYS))])
            present = np.flatnonzero(session.transaction.lookup_key(index.oid, keys))
            assert present.tolist() == sorted(expected)

    def check_committed(self) -> None:
        self.sessions.append(Session(self, Isolation.READ_COMMITTED))
        self.check_session(self.sessions[-1])
        self.sessions.pop().transaction.rollback()


def run(path: Path, seed: int, steps: int, mix: Mix) -> None:
    world = World(path, random.Random(seed), mix)
    for _ in range(steps):
        world.step()
    world.restart(is_clean=False)
    world.check_committed()
    world.restart(is_clean=True)
    world.check_committed()
    world.storage.close()
    assert world.memory.held() == {}


def test_short_script(tmp_path: Path) -> None:
    run(tmp_path, 1, 60, USUAL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 22))
def test_long_script(tmp_path: Path, seed: int) -> None:
    run(tmp_path, seed, 500, USUAL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 42))
def test_script_of_patches(tmp_path: Path, seed: int) -> None:
    run(tmp_path, seed, 500, PATCHES)
