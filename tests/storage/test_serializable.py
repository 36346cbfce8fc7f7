"""Goal: what SERIALIZABLE transactions read and write is what they would have done one after the other.

Method: seeded random transactions over three tables, their steps interleaved. Those that committed are done again over
dictionaries, in the order of their commits, those that only read at their snapshots: every read must come out alike,
and so must the tables. Under REPEATABLE READ some must not, or the test could not fail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from foundation.errors import SerializationFailure
from storage import Storage, Transaction
from storage.catalog import Table
from storage.isolation import Isolation
from storage.maintenance import freeze, merge, seal_frozen
from tests.storage.sample_tables import batch, make_table, open_storage, rows_by_id

TABLES = 3
TRANSACTIONS = 60
OPEN_MAX = 4
STEPS = 3


@dataclass(frozen=True)
class Step:
    """A table was read, and perhaps a key written into another."""

    source: int
    seen: frozenset[int]
    target: int
    written: int | None


@dataclass
class Trail:
    """What a transaction did."""

    transaction: Transaction
    steps: list[Step] = field(default_factory=list)
    lsn: int = 0


def run(
    storage: Storage, tables: list[Table], isolation: Isolation, seed: int
) -> tuple[list[Trail], list[Trail], int]:
    """Trails of the committed writers in the order of their commits, and of the readers; how many failed."""
    random = np.random.default_rng(seed)
    writers: list[Trail] = []
    readers: list[Trail] = []
    running: list[Trail] = []
    begun = failed = 0
    while begun < TRANSACTIONS or running:
        if begun < TRANSACTIONS and ((len(running) < OPEN_MAX and random.random() < 0.5) or not running):
            running.append(Trail(storage.begin(isolation=isolation)))
            begun += 1
            continue
        trail = running[random.integers(len(running))]
        if len(trail.steps) < STEPS:
            trail.steps.append(take_step(trail, tables, random))
            continue
        running.remove(trail)
        is_writer = trail.transaction.has_writes
        try:
            trail.lsn = trail.transaction.commit()
        except SerializationFailure:
            failed += 1
            continue
        (writers if is_writer else readers).append(trail)
        if random.random() < 0.1:
            move_rows(storage, tables[random.integers(TABLES)].oid)
    return writers, readers, failed


def move_rows(storage: Storage, table_oid: int) -> None:
    """What changes a table and none of its rows is no reason to fail."""
    freeze(storage, table_oid)
    seal_frozen(storage, table_oid)
    merge(storage, table_oid)


def take_step(trail: Trail, tables: list[Table], random: np.random.Generator) -> Step:
    """Read a table, and perhaps write a key that depends on what was read into another."""
    source, target = (int(number) for number in random.integers(TABLES, size=2))
    seen = frozenset(row[0] for row in rows_by_id(trail.transaction, tables[source]).values())
    if random.random() < 0.6:
        return Step(source, seen, target, None)
    written = (sum(seen) + int(random.integers(1 << 30))) % (1 << 31)
    trail.transaction.insert(tables[target].oid, batch([written]))
    return Step(source, seen, target, written)


def replay(state: list[set[int]], trail: Trail) -> bool:
    """Do a trail over sets of keys; whether every read was as it had been."""
    is_same = True
    for step in trail.steps:
        is_same &= state[step.source] == step.seen
        if step.written is not None:
            state[step.target].add(step.written)
    return is_same


def is_serial(writers: list[Trail], readers: list[Trail]) -> bool:
    writers = sorted(writers, key=lambda trail: trail.lsn)
    for reader in readers:
        state: list[set[int]] = [set() for _ in range(TABLES)]
        for trail in writers:
            if trail.lsn <= reader.lsn:
                replay(state, trail)
        if not replay(state, reader):
            return False
    state = [set() for _ in range(TABLES)]
    return all(replay(state, trail) for trail in writers)


@pytest.mark.parametrize("seed", range(8))
def test_committed_transactions_could_have_run_alone(tmp_path: Path, seed: int) -> None:
    storage = open_storage(tmp_path)
    tables = [make_table(storage, f"t{number}")[0] for number in range(TABLES)]
    writers, readers, failed = run(storage, tables, Isolation.SERIALIZABLE, seed)
    assert writers and readers and failed
    assert is_serial(writers, readers)
    storage.close()


def test_repeatable_read_is_not_enough(tmp_path: Path) -> None:
    storage = open_storage(tmp_path)
    tables = [make_table(storage, f"t{number}")[0] for number in range(TABLES)]
    writers, readers, _ = run(storage, tables, Isolation.REPEATABLE_READ, seed=0)
    assert not is_serial(writers, readers)
    storage.close()
