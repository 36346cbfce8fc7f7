"""Goal: ON CONFLICT finds exactly the rows that are in the way of proposed ones. Method: a dictionary as the oracle,
which takes the proposed rows one after the other, over committed and own rows, deletes and colliding hashes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from foundation.errors import ObjectNotInPrerequisiteState, SerializationFailure, UniqueViolation
from foundation.sqltypes import INT4, TEXT
from storage import Storage, Transaction
from storage import keys as keys_module
from storage.arbiters import arbiter_indexes, arbitrate, next_own_id
from storage.catalog import Column, Index, Table
from storage.errors import LockNotAvailable
from storage.key_specs import KeySpec
from storage.keys import first_equal, key_batch
from storage.lock_modes import RowStrength
from storage.locks import Waiting
from tests.storage.sample_tables import columns_batch, make_table, open_storage, unique_index

COLUMNS = (Column(1, "id", INT4, not_null=True), Column(2, "a", INT4), Column(3, "b", TEXT))
Row = tuple[Any, ...]
KEYS: dict[str, tuple[int, ...]] = {"id": (1,), "a": (2,), "ab": (2, 3)}


def table_with_keys(storage: Storage, names: list[str]) -> tuple[Table, dict[str, Index]]:
    """The table with the keys of those names and no others."""
    table, primary = make_table(storage, columns=COLUMNS, key=KEYS["id"] if "id" in names else ())
    indexes = {"id": primary}
    with storage.begin() as transaction:
        for name in names:
            if name != "id":
                indexes[name] = unique_index(storage, table, KEYS[name], name)
                transaction.put(indexes[name])
        transaction.commit()
    return table, indexes


def key_of(row: Row, attnums: tuple[int, ...]) -> Row | None:
    key = tuple(row[attnum - 1] for attnum in attnums)
    return None if None in key else key


def rows_batch(rows: list[Row]) -> pa.RecordBatch:
    return columns_batch(COLUMNS, [[row[i] for row in rows] for i in range(len(COLUMNS))])


class Model:
    """Rows by id, and who has which key."""

    def __init__(self, rows: dict[int, Row], arbiters: list[str]) -> None:
        self.owners: list[dict[Row, int]] = []
        self.attnums = [KEYS[name] for name in arbiters]
        for attnums in self.attnums:
            keys = {key_of(row, attnums): row_id for row_id, row in rows.items()}
            self.owners.append({key: row_id for key, row_id in keys.items() if key is not None})

    def propose(self, row: Row) -> int:
        """The id of the row in the way; 0 when the row is new, -1 when an earlier proposed row is in the way."""
        keys = [key_of(row, attnums) for attnums in self.attnums]
        met = [owners[key] for owners, key in zip(self.owners, keys) if key is not None and key in owners]
        if met:
            return next((row_id for row_id in met if row_id > 0), -1)
        for owners, key in zip(self.owners, keys):
            if key is not None:
                owners[key] = -1
        return 0


def random_rows(chance: random.Random, count: int, *, first_id: int | None = None) -> list[Row]:
    """Rows over few keys; with `first_id` rows that go into an empty table together."""
    rows: list[Row] = []
    taken: set[Any] = set()
    for position in range(count):
        key = chance.randrange(30) if first_id is None else first_id + position
        a = chance.choice([None, chance.randrange(30)])
        if first_id is not None and (a in taken or a is None):
            a = None
        taken.add(a)
        rows.append((key, a, chance.choice([None, "", "x", "y"])))
    return rows


@pytest.mark.parametrize("arbiters", [["id"], ["a"], ["ab"], ["id", "a"], ["id", "a", "ab"]])
@pytest.mark.parametrize("collides", [False, True])
def test_arbitration_against_a_dictionary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arbiters: list[str], collides: bool
) -> None:
    chance = random.Random(len(arbiters) + 10 * collides)
    if collides:
        hash_column = keys_module._hash_column
        monkeypatch.setattr(keys_module, "_hash_column", lambda column: hash_column(column) % np.uint64(3))
        monkeypatch.setattr(keys_module.KeySpec, "hash_is_exact", False)
    with open_storage(tmp_path) as storage:
        table, indexes = table_with_keys(storage, arbiters)
        for number in range(3):
            with storage.begin() as transaction:
                if number == 0:
                    transaction.insert(table.oid, rows_batch(random_rows(chance, 8, first_id=0)))
                else:
                    change_something(transaction, table, chance)
                transaction.commit()
        for _ in range(8):
            with storage.begin() as transaction:
                change_something(transaction, table, chance)
                proposed = random_rows(chance, chance.randrange(1, 25))
                found = arbitrate(
                    transaction,
                    table.oid,
                    [indexes[n] for n in arbiters],
                    rows_batch(proposed),
                    chance.choice((None, RowStrength.NO_KEY_UPDATE)),
                )
                model = Model(current_rows(transaction, table), arbiters)
                expected = [model.propose(row) for row in proposed]
                assert (found.existing_ids.tolist(), found.is_first.tolist()) == (
                    [max(row_id, 0) for row_id in expected],
                    [row_id == 0 for row_id in expected],
                )
                assert found.meets_row.tolist() == [row_id > 0 for row_id in expected]
                transaction.insert(table.oid, rows_batch(proposed).filter(pa.array(found.is_first)))


def current_rows(transaction: Transaction, table: Table) -> dict[int, Row]:
    view = transaction.current_table(table.oid)
    found: dict[int, Row] = {}
    for segment in view.segments:
        offsets = np.flatnonzero(segment.is_visible(np.arange(segment.row_count)))
        rows = segment.take([1, 2, 3], offsets)
        values = zip(*(rows.column(i).to_pylist() for i in range(3)))
        found.update(zip(segment.row_ids[offsets].tolist(), values))
    return found


def change_something(transaction: Transaction, table: Table, chance: random.Random) -> None:
    """Delete a few rows, add a few that are new."""
    rows = current_rows(transaction, table)
    gone = chance.sample(sorted(rows), min(len(rows), 2))
    transaction.delete(table.oid, np.array(gone, dtype=np.uint64))
    kept = [row for row_id, row in rows.items() if row_id not in gone]
    used = {row[0] for row in kept}, {row[1] for row in kept}
    for row in random_rows(chance, 6):
        if row[0] not in used[0] and (row[1] is None or row[1] not in used[1]):
            transaction.insert(table.oid, rows_batch([row]))
            used[0].add(row[0])
            used[1].add(row[1])


def test_first_equal_among_long_runs_of_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    monkeypatch.setattr(keys_module, "_hash_column", lambda column: np.zeros(len(column), dtype=np.uint64))
    values = [chance.choice([None, *"abcdefg"]) for _ in range(200)]
    keys = key_batch(KeySpec(1, (1,), (TEXT,)), [pa.array(values, pa.string())])
    expected = [-1 if value is None else values.index(value) for value in values]
    assert first_equal(keys, is_exact=False).tolist() == expected


def test_a_row_committed_after_the_snapshot_is_met(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, indexes = table_with_keys(storage, ["id"])
        with storage.begin(isolation="repeatable read") as older, storage.begin() as newer:
            (row_id,) = [int(i) for i in newer.insert(table.oid, rows_batch([(1, None, None)]))]
            newer.commit()
            found = arbitrate(
                older, table.oid, [indexes["id"]], rows_batch([(1, None, None), (2, None, None)]), None
            )
            assert found.meets_row.tolist() == [True, False] and row_id not in found.existing_ids
            with pytest.raises(SerializationFailure):
                older.see_rows(table.oid, found.existing_ids[:1])


def test_a_key_that_was_not_found_stays_free_until_the_transaction_ends(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, indexes = table_with_keys(storage, ["id"])
        row = rows_batch([(1, None, None)])
        with storage.begin() as first, storage.begin() as second:
            second.locks.waiting = Waiting(lock_timeout_ms=1)
            arbitrate(first, table.oid, [indexes["id"]], row, None)
            with pytest.raises(LockNotAvailable):
                second.insert(table.oid, row)
            first.insert(table.oid, row)
            first.commit()
            with pytest.raises(UniqueViolation):
                second.insert(table.oid, row)


def test_rows_that_were_met_are_locked_or_only_waited_for(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, indexes = table_with_keys(storage, ["id"])
        row = rows_batch([(1, None, None)])
        with storage.begin() as transaction:
            transaction.insert(table.oid, row)
            transaction.commit()
        for strength in (None, RowStrength.NO_KEY_UPDATE):
            with storage.begin() as first, storage.begin() as second:
                second.locks.waiting = Waiting(lock_timeout_ms=1)
                found = arbitrate(first, table.oid, [indexes["id"]], row, strength)
                assert found.meets_row.all()
                if strength is None:
                    second.delete(table.oid, found.existing_ids)
                    first.locks.waiting = Waiting(lock_timeout_ms=1)
                    with pytest.raises(LockNotAvailable):
                        arbitrate(first, table.oid, [indexes["id"]], row, strength)
                else:
                    with pytest.raises(LockNotAvailable):
                        second.delete(table.oid, found.existing_ids)


def test_arbiters_must_be_immediate(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, indexes = table_with_keys(storage, ["id", "a"])
        with storage.begin() as transaction:
            transaction.put(replace(indexes["a"], is_deferrable=True))
            catalog = transaction.catalog
            assert [index.name for index in arbiter_indexes(catalog, table.oid, (indexes["id"].oid,))] == [
                "t_pkey"
            ]
            for oids in ((), (indexes["a"].oid,)):
                with pytest.raises(ObjectNotInPrerequisiteState, match="deferrable"):
                    arbiter_indexes(catalog, table.oid, oids)


def test_own_ids_count_on(tmp_path: Path) -> None:
    with open_storage(tmp_path) as storage:
        table, _ = table_with_keys(storage, ["id"])
        with storage.begin() as transaction:
            first = next_own_id(transaction, table.oid)
            row_ids = transaction.insert(table.oid, rows_batch([(1, 1, ""), (2, 2, "")]))
            assert row_ids.tolist() == [first, first + 1]
            assert next_own_id(transaction, table.oid) == first + 2
