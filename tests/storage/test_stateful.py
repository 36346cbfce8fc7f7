"""Goal: storage agrees with a dictionary, whatever is asked of it in whatever order, across definitions and crashes.

Method: a hypothesis state machine. Two sessions at both isolation levels insert, update, delete, truncate, set savepoints,
commit and roll back on a table with a primary key; between them columns and a second unique index come and go, rows are
sealed, merged, compacted, checkpointed, the directory is reopened, or loses what was not synced in the middle of a commit
or a checkpoint. A dictionary with snapshots predicts every visible row, every 23505, 40001 and 55P03 (the sessions share a
thread, so whatever would wait gives up at once). Before each reopening the
directory must pass the check. `test_model.py` runs longer scripts over several tables; here failures shrink.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from foundation.errors import QuiverError, SerializationFailure, UniqueViolation
from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, TEXT
from storage import Isolation, Mark, Storage, StorageOptions, Transaction
from storage.catalog import Column, Index, Table, replaced
from storage.checking import CheckHooks, CheckTotals, Severity, check_directory
from storage.errors import IoFailure, LockNotAvailable
from storage.locks import Waiting
from tests.storage.faulty_files import FaultyFiles
from tests.storage.sample_tables import columns_batch, make_table, rows_by_id, unique_index

ID, NAME = 1, 2
COLUMNS = (Column(ID, "id", INT4, not_null=True), Column(NAME, "name", TEXT))
SESSIONS_MAX = 2
KEYS = 80
FIRST_ROWS = 25
ADDED_COLUMNS_MAX = 3
ROWS_BETWEEN_RESTARTS = 30
"""Restarts end sessions: without a pause between them no session would live long."""
OPTIONS = StorageOptions(
    growing_bytes_max=700,
    write_set_bytes_max=200,
    checkpoint_rows_bytes_max=200,
    missing_value_decoder=lambda sql_type, text: int(text),
)

Values = dict[int, Any]
"""By attnum, without the id."""
LEVELS = (Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ)
"""SERIALIZABLE fails more often; `test_serializable.py` has its own oracle."""


@dataclass(frozen=True)
class Row:
    """`version` is new with every insert and update, so it stands for the row id."""

    version: int
    values: Values


Rows = dict[int, Row]


@dataclass
class Writes:
    """What a session did: rows put, committed versions deleted, truncation."""

    puts: Rows = field(default_factory=dict)
    deleted: set[tuple[int, int]] = field(default_factory=set)
    is_truncated: bool = False

    def copy(self) -> Writes:
        return Writes(dict(self.puts), set(self.deleted), self.is_truncated)

    def applied_to(self, rows: Rows) -> Rows:
        """The committed rows after a commit of these changes."""
        gone = {key for key, _ in self.deleted}
        kept = {} if self.is_truncated else {key: row for key, row in rows.items() if key not in gone}
        return {**kept, **self.puts}


@dataclass
class Locks:
    """What a session has locked: row versions that it changes, keys and names that it inserts."""

    rows: set[tuple[int, int]] = field(default_factory=set)
    keys: set[int] = field(default_factory=set)
    names: set[str | None] = field(default_factory=set)

    def copy(self) -> Locks:
        return Locks(set(self.rows), set(self.keys), set(self.names))

    def reserve(self, rows: Rows) -> None:
        self.keys.update(rows)
        self.names.update(row.values[NAME] for row in rows.values())


@dataclass
class Session:
    transaction: Transaction
    snapshot: Rows
    writes: Writes = field(default_factory=Writes)
    locks: Locks = field(default_factory=Locks)
    marks: list[tuple[Mark, Writes, Locks]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transaction.locks.waiting = Waiting(lock_timeout_ms=1)

    def refresh(self, committed: Rows) -> None:
        """At the start of each statement."""
        self.transaction.refresh_snapshot()
        if self.transaction.isolation is Isolation.READ_COMMITTED:
            self.snapshot = committed

    def visible(self) -> Rows:
        rows = {} if self.writes.is_truncated else self.snapshot
        kept = {key: row for key, row in rows.items() if (key, row.version) not in self.writes.deleted}
        return {**kept, **self.writes.puts}

    def competing(self, committed: Rows) -> Rows:
        """Committed rows that new keys must not repeat."""
        if self.writes.is_truncated:
            return {}
        deleted = self.writes.deleted
        return {key: row for key, row in committed.items() if (key, row.version) not in deleted}

    def is_stale(self, committed: Rows) -> bool:
        """Whether a row that was deleted here has been replaced by another session."""
        versions = {(key, row.version) for key, row in committed.items()}
        return not self.writes.is_truncated and not self.writes.deleted <= versions


def repeats(rows: Rows, others: Rows, *, is_name_unique: bool) -> bool:
    """Whether rows have a key twice, among themselves or with others."""
    names = [row.values[NAME] for row in rows.values() if row.values[NAME] is not None]
    taken = {row.values[NAME] for row in others.values()}
    has_repeated_name = len(set(names)) < len(names) or not taken.isdisjoint(names)
    return bool(rows.keys() & others.keys()) or (is_name_unique and has_repeated_name)


seeds = st.integers(0, 1 << 20)
"""Row contents are drawn from them: hypothesis chooses what happens, not every single key."""
counts = st.integers(1, 8)
positions = st.integers(0, 7)
has_sessions = precondition(lambda self: self.sessions)
has_none = precondition(lambda self: not self.sessions)
has_history = precondition(lambda self: self.version - self.opened_at >= ROWS_BETWEEN_RESTARTS)


class StorageMachine(RuleBasedStateMachine):
    """One directory, its model, and up to two sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.path = tempfile.mkdtemp(prefix="quiver-stateful-")
        self.sessions: list[Session] = []
        self.committed: Rows = {}
        self.version = 0
        self.opened_at = 0
        """`version` when the directory was opened."""
        self.added: dict[int, int | None] = {}
        """Columns beside id and name: attnum -> what older rows read as."""
        self.name_index: Index | None = None

    @initialize()
    def create(self) -> None:
        self._open()
        self.table, self.primary = make_table(self.storage, columns=COLUMNS)
        rows = self._fresh_rows(list(range(0, 2 * FIRST_ROWS, 2)), random.Random(1))
        with self.storage.begin() as transaction:
            transaction.insert(self.table.oid, self._batch(rows))
            transaction.commit()
        self.committed = rows

    def _open(self) -> None:
        self.opened_at = self.version
        self.memory = MemoryBudget(1 << 26)
        self.files = FaultyFiles()
        self.storage = Storage.open(self.path, files=self.files, memory=self.memory, options=OPTIONS)

    @property
    def is_name_unique(self) -> bool:
        return self.name_index is not None

    def _session(self, position: int) -> Session:
        session = self.sessions[position % len(self.sessions)]
        session.refresh(self.committed)
        return session

    def _fresh_rows(self, new_keys: Sequence[int], rng: random.Random) -> Rows:
        rows = {}
        for key in new_keys:
            self.version += 1
            added = dict.fromkeys(self.added, None if self.version % 3 else self.version)
            name = None if rng.random() < 0.3 else f"n{rng.randrange(500)}"
            rows[key] = Row(self.version, {NAME: name, **added})
        return rows

    def _new_keys(self, session: Session, rng: random.Random, count: int) -> list[int]:
        """Keys for new rows: mostly such that nobody has."""
        taken = {*session.visible(), *self.committed} if rng.random() < 0.8 else set()
        free = [key for key in range(KEYS) if key not in taken]
        return rng.sample(free, min(count, len(free)))

    def _batch(self, rows: Rows) -> pa.RecordBatch:
        live = self.table.live_columns()
        attnums = [column.attnum for column in live[1:]]
        columns = [[row.values[attnum] for row in rows.values()] for attnum in attnums]
        return columns_batch(live, [list(rows), *columns])

    def _insert_errors(self, session: Session, rows: Rows) -> set[type[QuiverError]]:
        """What an insert may raise, something of it if there is anything: it looks at one index after the other.

        It waits for keys that others insert and for rows with such keys that others change.
        """
        others = [other.locks for other in self.sessions if other is not session]
        names = {row.values[NAME] for row in rows.values()} - {None} if self.is_name_unique else set()
        errors: set[type[QuiverError]] = set()
        if any(locks.keys & rows.keys() or locks.names & names for locks in others):
            errors.add(LockNotAvailable)
        for taken in (session.competing(self.committed), session.writes.puts):
            if repeats(rows, taken, is_name_unique=self.is_name_unique):
                errors.add(UniqueViolation)
        if errors and any(locks.rows for locks in others):
            errors.add(LockNotAvailable)
        return errors

    def _change_errors(self, session: Session, chosen: list[int]) -> set[type[QuiverError]]:
        """What locking these rows must raise: first it waits, then it sees whether they are current."""
        visible = session.visible()
        versions = {(key, visible[key].version) for key in chosen}
        if any(other.locks.rows & versions for other in self.sessions if other is not session):
            return {LockNotAvailable}
        return {SerializationFailure} if self._are_replaced(session, chosen) else set()

    @staticmethod
    def _attempt(session: Session, call: Callable[[], object], errors: set[type[QuiverError]]) -> bool:
        """Make the call; with `errors`, see one of them, and go back to where it began."""
        if not errors:
            call()
            return True
        mark = session.transaction.savepoint()
        with pytest.raises(tuple(errors)):
            call()
        session.transaction.rollback_to(mark)
        return False

    # Sessions

    @precondition(lambda self: len(self.sessions) < SESSIONS_MAX)
    @rule(isolation=st.sampled_from(LEVELS))
    def begin(self, isolation: Isolation) -> None:
        self.sessions.append(Session(self.storage.begin(isolation=isolation), self.committed))

    @rule(position=positions, count=counts, seed=seeds)
    def insert(self, position: int, count: int, seed: int) -> None:
        if not self.sessions:
            self.begin(Isolation.READ_COMMITTED)
        session, rng = self._session(position), random.Random(seed)
        rows = self._fresh_rows(self._new_keys(session, rng, count), rng)
        errors = self._insert_errors(session, rows)
        batch = self._batch(rows)
        if self._attempt(session, lambda: session.transaction.insert(self.table.oid, batch), errors):
            session.writes.puts.update(rows)
            session.locks.reserve(rows)
        self._after_statement(session, rng)

    def _after_statement(self, session: Session, rng: random.Random) -> None:
        """Look at the rows, or end the transaction, which looks too."""
        if rng.random() < 0.3:
            self._end(session, commits=rng.random() < 0.85)
        else:
            self._check_session(session)

    def _targets(self, session: Session, rng: random.Random, count: int) -> tuple[list[int], Any]:
        """Some visible keys, and the row ids of those rows."""
        visible = sorted(session.visible())
        chosen = rng.sample(visible, min(count, len(visible)))
        by_key = {row[0]: row_id for row_id, row in rows_by_id(session.transaction, self.table).items()}
        return chosen, np.array([by_key[key] for key in chosen], dtype=np.uint64)

    def _are_replaced(self, session: Session, chosen: list[int]) -> bool:
        """Whether another session has committed a change of one of these rows."""
        visible = session.visible()
        return any(
            key not in session.writes.puts
            and (key not in self.committed or self.committed[key].version != visible[key].version)
            for key in chosen
        )

    def _note_deleted(self, session: Session, chosen: list[int]) -> None:
        visible = session.visible()
        for key in chosen:
            if session.writes.puts.pop(key, None) is None:
                session.writes.deleted.add((key, visible[key].version))
                session.locks.rows.add((key, visible[key].version))

    @has_sessions
    @rule(position=positions, count=counts, seed=seeds)
    def delete(self, position: int, count: int, seed: int) -> None:
        session, rng = self._session(position), random.Random(seed)
        chosen, row_ids = self._targets(session, rng, count)
        errors = self._change_errors(session, chosen)
        if self._attempt(session, lambda: session.transaction.delete(self.table.oid, row_ids), errors):
            self._note_deleted(session, chosen)
        self._after_statement(session, rng)

    @has_sessions
    @rule(position=positions, count=counts, seed=seeds)
    def update(self, position: int, count: int, seed: int) -> None:
        """Replace rows; their keys stay or move, perhaps onto others."""
        session, rng = self._session(position), random.Random(seed)
        chosen, row_ids = self._targets(session, rng, count)
        targets = chosen if rng.random() < 0.5 else self._new_keys(session, rng, len(chosen))
        if not chosen or len(targets) < len(chosen):
            return
        rows = self._fresh_rows(targets, rng)
        batch = self._batch(rows)
        before, locked = session.writes.copy(), session.locks.copy()
        errors = self._change_errors(session, chosen)
        if not errors:
            self._note_deleted(session, chosen)
            errors = self._insert_errors(session, rows)
        if self._attempt(session, lambda: session.transaction.update(self.table.oid, row_ids, batch), errors):
            session.writes.puts.update(rows)
            session.locks.reserve(rows)
        else:
            session.writes, session.locks = before, locked
        self._after_statement(session, rng)

    @has_sessions
    @precondition(lambda self: len(self.committed) > FIRST_ROWS)
    @rule(position=positions)
    def truncate(self, position: int) -> None:
        session = self._session(position)
        session.transaction.truncate(self.table.oid)
        session.writes = Writes(is_truncated=True)

    @has_sessions
    @rule(position=positions)
    def set_savepoint(self, position: int) -> None:
        session = self._session(position)
        mark = session.transaction.savepoint()
        session.marks.append((mark, session.writes.copy(), session.locks.copy()))

    @has_sessions
    @rule(position=positions, number=positions)
    def roll_back_to(self, position: int, number: int) -> None:
        session = self._session(position)
        if session.marks:
            del session.marks[number % len(session.marks) + 1 :]
            mark, writes, locks = session.marks[-1]
            session.transaction.rollback_to(mark)
            session.writes, session.locks = writes.copy(), locks.copy()
            self._check_session(session)

    @has_sessions
    @rule(position=positions, commits=st.sampled_from([True, True, True, False]))
    def end(self, position: int, commits: bool) -> None:
        self._end(self._session(position), commits)

    def _end(self, session: Session, commits: bool) -> None:
        self._check_session(session)
        self.sessions.remove(session)
        if not commits:
            session.transaction.rollback()
            return
        if self._is_commit_refused(session):
            with pytest.raises((SerializationFailure, UniqueViolation)):
                session.transaction.commit()
            return
        session.transaction.commit()
        self.committed = session.writes.applied_to(self.committed)

    def _is_commit_refused(self, session: Session) -> bool:
        competing = session.competing(self.committed)
        return session.is_stale(self.committed) or repeats(
            session.writes.puts, competing, is_name_unique=self.is_name_unique
        )

    # Definitions, while nobody else is there

    def _changed(self, ends: bool, *objects: Table | Index, drops: tuple[int, ...] = ()) -> bool:
        """Put and drop catalog objects in a transaction that commits or not."""
        with self.storage.begin() as transaction:
            for obj in objects:
                transaction.put(obj)
            for oid in drops:
                transaction.drop(oid)
            if ends:
                transaction.commit()
        return ends

    @has_none
    @precondition(lambda self: len(self.added) < ADDED_COLUMNS_MAX)
    @rule(missing=st.none() | st.integers(-9, 9), ends=st.booleans())
    def add_column(self, missing: int | None, ends: bool) -> None:
        attnum = len(self.table.columns) + 1
        text = None if missing is None else str(missing)
        column = Column(attnum, f"c{attnum}", INT4, missing_value=text)
        table = replaced(self.table, columns=(*self.table.columns, column))
        if self._changed(ends, table):
            self.table = table
            self.added[attnum] = missing
            self.committed = {
                key: Row(row.version, {**row.values, attnum: missing}) for key, row in self.committed.items()
            }

    @has_none
    @precondition(lambda self: self.added)
    @rule(position=positions, ends=st.booleans())
    def drop_column(self, position: int, ends: bool) -> None:
        attnum = sorted(self.added)[position % len(self.added)]
        columns = [replace(c, is_dropped=True) if c.attnum == attnum else c for c in self.table.columns]
        table = replaced(self.table, columns=tuple(columns))
        if self._changed(ends, table):
            self.table = table
            del self.added[attnum]
            self.committed = {
                key: Row(row.version, {a: value for a, value in row.values.items() if a != attnum})
                for key, row in self.committed.items()
            }

    @has_none
    @precondition(lambda self: self.name_index is None)
    @rule(ends=st.booleans())
    def add_index(self, ends: bool) -> None:
        index = unique_index(self.storage, self.table, (NAME,), "t_name_key")
        if repeats(self.committed, {}, is_name_unique=True):
            with pytest.raises(UniqueViolation):
                self._changed(ends, index)
        elif self._changed(ends, index):
            self.name_index = index

    @has_none
    @precondition(lambda self: self.name_index is not None)
    @rule(ends=st.booleans())
    def drop_index(self, ends: bool) -> None:
        assert self.name_index is not None
        if self._changed(ends, drops=(self.name_index.oid,)):
            self.name_index = None

    # Maintenance, restarts and crashes

    def _maintenance(self) -> list[Callable[[], object]]:
        oid, storage = self.table.oid, self.storage
        return [
            storage.checkpoint,
            lambda: storage.flush_table(oid),
            lambda: storage.merge_segments(oid),
            lambda: storage.compact_table(oid),
            lambda: storage.compact_table(oid, keeps_dead=False),
        ]

    @rule(action=st.integers(0, 4))
    def maintain(self, action: int) -> None:
        self._maintenance()[action]()
        self._check_committed()

    @has_history
    @rule()
    def reopen(self) -> None:
        self._end_sessions()
        self.storage.close()
        assert self.memory.held() == {}
        self._check_directory()
        self._open()
        self._check_committed()

    @has_history
    @rule(keeps_torn_half=st.booleans())
    def crash(self, keeps_torn_half: bool) -> None:
        self._end_sessions()
        self._crash([self.committed], keeps_torn_half)

    @has_sessions
    @has_history
    @rule(position=positions, left=st.integers(1, 6), keeps_torn_half=st.booleans())
    def crash_in_commit(self, position: int, left: int, keeps_torn_half: bool) -> None:
        """The disk fails at some operation of a commit: it is there afterwards or not, as a whole."""
        session = self._session(position)
        self.sessions.remove(session)
        self._end_sessions()
        if self._is_commit_refused(session):
            session.transaction.rollback()
            return
        after = session.writes.applied_to(self.committed)
        candidates = [self.committed, after]
        self.files.fail_at = self.files.operation_count + left
        try:
            session.transaction.commit()
            candidates = [after]
        except IoFailure:
            session.transaction.rollback()
        self._crash(candidates, keeps_torn_half)

    @has_history
    @rule(action=st.integers(0, 4), left=st.integers(1, 25), keeps_torn_half=st.booleans())
    def crash_in_maintenance(self, action: int, left: int, keeps_torn_half: bool) -> None:
        self._end_sessions()
        self.files.fail_at = self.files.operation_count + left
        with suppress(IoFailure):
            self._maintenance()[action]()
        self._crash([self.committed], keeps_torn_half)

    def _end_sessions(self) -> None:
        for session in self.sessions:
            session.transaction.rollback()
        self.sessions.clear()

    def _crash(self, candidates: list[Rows], keeps_torn_half: bool) -> None:
        """Lose what was not synced, open again, and see which of the states it is."""
        self.storage.abandon()
        self.files._keeps_torn_half = keeps_torn_half
        self.files.crash()
        self._check_directory()
        self._open()
        found = self._values(self.storage.begin())
        matching = [rows for rows in candidates if {k: row.values for k, row in rows.items()} == found]
        assert matching, found
        self.committed = matching[0]

    # What must hold

    def _values(self, transaction: Transaction) -> dict[int, Values]:
        """Visible rows without their versions."""
        attnums = [column.attnum for column in self.table.live_columns()[1:]]
        rows = rows_by_id(transaction, self.table).values()
        return {row[0]: dict(zip(attnums, row[1:], strict=True)) for row in rows}

    def _check_session(self, session: Session) -> None:
        visible = session.visible()
        assert self._values(session.transaction) == {key: row.values for key, row in visible.items()}
        probes = pa.RecordBatch.from_arrays([pa.array(range(KEYS), pa.int32())], names=[str(ID)])
        present = np.flatnonzero(session.transaction.lookup_key(self.primary.oid, probes))
        assert present.tolist() == sorted(visible)

    def _check_committed(self) -> None:
        with self.storage.begin() as transaction:
            self._check_session(Session(transaction, self.committed))

    def _check_directory(self) -> None:
        hooks = CheckHooks(
            lambda index, view, buffers: iter(()),
            lambda column, *types: column,
            MemoryBudget(1 << 26),
            OPTIONS,
        )
        problems = check_directory(self.path, hooks, CheckTotals())
        assert [str(problem) for problem in problems if problem.severity is Severity.DAMAGE] == []

    def teardown(self) -> None:
        self._end_sessions()
        self._check_committed()
        self.storage.close()
        self._check_directory()
        shutil.rmtree(self.path)


def run(examples: int, steps: int) -> None:
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(StorageMachine, settings=profile)


@pytest.fixture(autouse=True)
def _in_the_tests_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Directories of failed examples stay with those of the other tests."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield


@pytest.mark.slow
def test_a_few_scripts() -> None:
    run(examples=30, steps=50)


@pytest.mark.soak
def test_many_scripts() -> None:
    run(examples=600, steps=80)
