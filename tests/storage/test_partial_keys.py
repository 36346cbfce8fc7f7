"""Goal: keys of partial and NULLS NOT DISTINCT indexes, and of those on expressions, hold in every place where rows can be.

Method: random inserts, updates and deletes against a dictionary of keys, over own, growing, spilled and sealed rows,
merges, restarts and damaged key files, with predicates and expressions that raise an error for some dead rows; `quiver check`'s
verification of what is left.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from foundation.errors import DivisionByZero, UniqueViolation
from foundation.memory import MemoryBudget
from foundation.sqltypes import INT4, SqlType
from storage import Storage, StorageOptions, Transaction
from storage.catalog import Column, Index, IndexKey, Table
from storage.checking import CheckHooks, CheckTotals, check_directory
from tests.storage.sample_tables import columns_batch, make_table, open_storage, unique_index

COLUMNS = (Column(1, "a", INT4), Column(2, "n", INT4))
RAISING = -1
Row = tuple[int | None, int | None]


@dataclass(frozen=True)
class Positive:
    """n > 0, with an error for n = -1."""

    attnums: tuple[int, ...] = (2,)

    def holds(self, columns: Sequence[pa.Array], row_count: int, *, is_stored: bool) -> npt.NDArray[np.bool_]:
        values = columns[0].to_pylist()
        if not is_stored and RAISING in values:
            raise DivisionByZero("division by zero")
        return np.array([value is not None and value > 0 for value in values], dtype=np.bool_)


@dataclass(frozen=True)
class Third:
    """a / 3, with an error for n = -1."""

    attnums: tuple[int, ...] = (1, 2)
    type: SqlType = INT4
    text: str = "(a / 3)"

    def values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        if RAISING in columns[1].to_pylist():
            raise DivisionByZero("division by zero")
        return self.stored_values(columns, row_count)

    def stored_values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        pairs = zip(columns[0].to_pylist(), columns[1].to_pylist(), strict=True)
        return pa.array([None if a is None or n == RAISING else a // 3 for a, n in pairs], pa.int32())


class Expressions:
    """Of every index that has some."""

    def predicate(self, table: Table, index: Index) -> Positive:
        return Positive()

    def key(self, table: Table, key: IndexKey) -> Third:
        return Third()


def options(**sizes: int) -> StorageOptions:
    return StorageOptions(index_expressions=Expressions(), **sizes)


def add_index(
    storage: Storage,
    table: Table,
    *,
    is_partial: bool,
    nulls_not_distinct: bool,
    is_expression: bool = False,
) -> Index:
    index = unique_index(storage, table, (1,), "t_a")
    if is_expression:
        index = replace(index, keys=(IndexKey(0, expression_sql="a / 3", expression_attnums=(1, 2)),))
    index = replace(
        index, predicate_sql="n > 0" if is_partial else None, nulls_not_distinct=nulls_not_distinct
    )
    with storage.begin() as transaction:
        transaction.put(index)
        transaction.commit()
    return index


def rows_batch(rows: Sequence[Row]) -> pa.RecordBatch:
    return columns_batch(COLUMNS, [[row[0] for row in rows], [row[1] for row in rows]])


@dataclass(frozen=True)
class Rule:
    is_partial: bool
    nulls_not_distinct: bool
    is_expression: bool

    def has_duplicates(self, rows: Sequence[Row]) -> bool:
        covered = [a for a, n in rows if not self.is_partial or (n is not None and n > 0)]
        if self.is_expression:
            covered = [a if a is None else a // 3 for a in covered]
        keys = [a for a in covered if a is not None or self.nulls_not_distinct]
        return len(set(keys)) < len(keys)


def random_rows(chance: random.Random, count: int) -> list[Row]:
    return [(chance.choice([None, *range(40)]), chance.choice([None, 0, 0, 1, 2])) for _ in range(count)]


def change(
    storage: Storage, table: Table, rule: Rule, rows: dict[int, Row], chance: random.Random
) -> dict[int, Row]:
    """One transaction of a few changes; the rows as they are afterwards, by a number of our own."""
    after = dict(rows)
    with storage.begin() as transaction:
        for _ in range(chance.randrange(1, 4)):
            fresh = random_rows(chance, chance.randrange(1, 4))
            gone = chance.sample(sorted(after), min(len(after), chance.randrange(3)))
            attempt = {key: row for key, row in after.items() if key not in gone}
            attempt |= {len(rows) + 1000 * len(after) + chance.randrange(10**9): row for row in fresh}
            mark = transaction.savepoint()
            transaction.delete(table.oid, ids_of(transaction, table, [after[key] for key in gone]))
            if rule.has_duplicates(list(attempt.values())):
                with pytest.raises(UniqueViolation):
                    transaction.insert(table.oid, rows_batch(fresh))
                transaction.rollback_to(mark)
            else:
                transaction.insert(table.oid, rows_batch(fresh))
                after = attempt
        transaction.commit()
    return after


def ids_of(transaction: Transaction, table: Table, rows: Sequence[Row]) -> npt.NDArray[np.uint64]:
    """Ids of rows of these values, one for each."""
    wanted, found = list(rows), []
    for segment in transaction.table_view(table.oid).segments:
        pairs = zip(segment.column(1).to_pylist(), segment.column(2).to_pylist())
        visible = segment.is_visible(np.arange(segment.row_count))
        for row_id, row, is_visible in zip(segment.row_ids.tolist(), pairs, visible):
            if is_visible and row in wanted:
                wanted.remove(row)
                found.append(row_id)
    assert not wanted
    return np.array(found, dtype=np.uint64)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("is_partial", "nulls_not_distinct", "is_expression"),
    [
        (True, False, False),
        (False, True, False),
        (True, True, False),
        (False, False, True),
        (True, True, True),
    ],
)
def test_random_changes_against_a_dictionary(
    tmp_path: Path, is_partial: bool, nulls_not_distinct: bool, is_expression: bool
) -> None:
    chance = random.Random(10 * is_partial + nulls_not_distinct)
    rule = Rule(is_partial, nulls_not_distinct, is_expression)
    sizes = options(write_set_bytes_max=64)  # every change spills
    storage = open_storage(tmp_path, options=sizes)
    table, _ = make_table(storage, columns=COLUMNS, key=())
    with storage.begin() as transaction:
        # Dead rows older than the index, for which the predicate raises.
        row_ids = transaction.insert(table.oid, rows_batch([(1, RAISING), (1, 1), (None, 1)]))
        transaction.commit()
    with storage.begin() as transaction:
        transaction.delete(table.oid, ids_of(transaction, table, [(1, RAISING), (1, 1), (None, 1)]))
        transaction.commit()
    assert len(row_ids) == 3
    add_index(
        storage,
        table,
        is_partial=is_partial,
        nulls_not_distinct=nulls_not_distinct,
        is_expression=is_expression,
    )
    rows: dict[int, Row] = {}
    for step in range(60):
        if step == 30:
            storage.close()
            storage = open_storage(tmp_path, options=options())
        rows = change(storage, table, rule, rows, chance)
        if step % 7 == 3:
            storage.flush_table(table.oid)
        if step % 19 == 18:
            storage.merge_segments(table.oid)
        if step % 23 == 5:
            storage.checkpoint()
    storage.checkpoint()
    storage.close()
    found = list(check_directory(str(tmp_path), hooks(), CheckTotals()))
    assert not found, found
    for key_file in (tmp_path / "data").glob("*.keys"):
        key_file.unlink()
    storage = open_storage(tmp_path, options=options())
    for _ in range(5):
        rows = change(storage, table, rule, rows, chance)
    storage.close()


def hooks() -> CheckHooks:
    return CheckHooks(
        check_index=lambda *arguments: [],
        convert_key=lambda column, source, target: column,
        memory=MemoryBudget(1 << 30),
        options=options(),
    )


def test_the_predicate_is_asked_about_new_rows(tmp_path: Path) -> None:
    with open_storage(tmp_path, options=options()) as storage:
        table, _ = make_table(storage, columns=COLUMNS, key=())
        add_index(storage, table, is_partial=True, nulls_not_distinct=False)
        with storage.begin() as transaction, pytest.raises(DivisionByZero):
            transaction.insert(table.oid, rows_batch([(1, RAISING)]))


def test_the_expression_is_asked_about_new_rows(tmp_path: Path) -> None:
    with open_storage(tmp_path, options=options()) as storage:
        table, _ = make_table(storage, columns=COLUMNS, key=())
        add_index(storage, table, is_partial=False, nulls_not_distinct=False, is_expression=True)
        with storage.begin() as transaction:
            transaction.insert(table.oid, rows_batch([(1, 0)]))
            with pytest.raises(DivisionByZero):
                transaction.insert(table.oid, rows_batch([(7, RAISING)]))
            with pytest.raises(UniqueViolation) as caught:
                transaction.insert(table.oid, rows_batch([(2, 0)]))
        assert caught.value.detail == "Key ((a / 3))=(0) already exists."


def test_an_index_over_rows_that_are_not_unique(tmp_path: Path) -> None:
    with open_storage(tmp_path, options=options()) as storage:
        table, _ = make_table(storage, columns=COLUMNS, key=())
        with storage.begin() as transaction:
            transaction.insert(table.oid, rows_batch([(None, 1), (None, 0), (7, 0), (7, 1), (7, None)]))
            transaction.commit()
        add_index(storage, table, is_partial=True, nulls_not_distinct=True)
        with pytest.raises(UniqueViolation) as caught:
            add_index(storage, table, is_partial=False, nulls_not_distinct=True)
        assert caught.value.detail == "Key (a)=(null) is duplicated."
        with pytest.raises(UniqueViolation):
            add_index(storage, table, is_partial=False, nulls_not_distinct=False)
