"""A fixed sequence of every kind of change that storage knows, beside a dictionary model of what it was told is done.

`Scenario.run` makes the changes; `done` is what was acknowledged, `pending` what the change under way makes of it. With
`survives` a change that fails is looked at (nothing of it may be there) and made again, as a client would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from foundation.errors import QuiverError
from foundation.sqltypes import INT8, TEXT
from storage import Storage, StorageOptions, Transaction
from storage.catalog import Column, Index, IndexKey, Sequence, Table
from storage.direct_insert import DirectInsert, InsertTarget
from storage.lock_spaces import LockGroup
from tests.storage.sample_tables import (
    COLUMNS,
    columns_batch,
    delete_ids,
    name_of,
    row_ids_of,
    rows_by_id,
    unique_index,
    vector_of,
)

OPTIONS = StorageOptions(
    growing_bytes_max=6000,
    write_set_bytes_max=9000,
    checkpoint_rows_bytes_max=2000,
    missing_value_decoder=lambda sql_type, text: text,
)
SEQUENCE = Sequence(15000, "s", 5, 10)
NOTE = Column(4, "note", TEXT, missing_value="as ever")
INDEX_BUFFER = list(range(9))


@dataclass
class TableModel:
    """What one table holds: rows by id, as a reader of all columns sees them, and the names of its indexes."""

    rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    indexes: set[str] = field(default_factory=set)


Model = dict[str, TableModel]


def copied(model: Model) -> Model:
    return {name: TableModel(dict(table.rows), set(table.indexes)) for name, table in model.items()}


def stored(storage: Storage) -> Model:
    """What a new transaction finds."""
    found: Model = {}
    with storage.begin() as transaction:
        for table in transaction.catalog.objects(Table):
            rows = {row[0]: row for row in rows_by_id(transaction, table).values()}
            names = {index.name for index in transaction.catalog.indexes_of(table.oid)}
            found[table.name] = TableModel(rows, names)
    return found


class Scenario:
    def __init__(self, storage: Storage, *, survives: bool = False) -> None:
        self.storage = storage
        self.done: Model = {}
        self.pending: Model = {}
        self.given: list[int] = []
        """Sequence values that were given out since it was last set."""
        self.is_setting = False
        """The sequence is being set; it may have been."""
        self.oids: set[int] = set()
        self.failures: list[QuiverError] = []
        self._survives = survives

    def run(self) -> None:
        storage = self.storage
        self._create("t")
        self._create("u")
        self._write({"t": range(5)})
        self._write({"t": [5], "u": range(100, 103)}, deletes={"t": [1]})
        self._insert_directly("t", [2000])
        self._next_value()
        self._keep(lambda: storage.flush_table(self._table("t").oid))
        self._insert_directly("t", [2001, 2002])
        self._update("t", [2, 3])
        self._write({"t": range(10, 70)})
        self._write({"t": range(200, 500), "u": range(200, 400)}, deletes={"u": [101]})
        self._patch([3, 300, 301, 302], 2, "patched")
        self._keep(storage.checkpoint)
        self._patch([12, 13, 301, 302], 2, "patched again")
        self._write({"t": [70]})
        self._install_index()
        self._add_column()
        self._write({"t": [71]})
        self._insert_directly("t", [2003])
        self._patch([11, 12, 301, 303], 4, "noted")
        self._keep(storage.checkpoint)
        self._keep(lambda: storage.merge_segments(self._table("t").oid))
        self._patch([12, 13], 4, "noted again")
        self._next_value()
        self._write({}, deletes={"t": [70, *range(200, 300)]})
        self._set_sequence()
        self._change_type()
        self._keep(lambda: storage.compact_table(self._table("t").oid, keeps_dead=False))
        self._keep(storage.checkpoint)
        self._roll_back()
        self._drop_column()
        self._next_value()
        self._insert_directly("t", [2004])
        self._truncate()
        self._insert_directly("t", [2005])
        self._drop_index()
        self._create("v")
        self._write({"v": range(3)}, deletes={"t": [80]})
        self._drop("u")
        self._write({"t": range(90, 130)})
        storage.close()

    # -- the ways to change something

    def _change(self, after: Model, run: Callable[[], object]) -> None:
        """Do `run`, which makes `after` of what is there."""
        self.pending = after
        try:
            run()
        except QuiverError as error:
            if not self._survives or self.storage.log.has_failed:
                raise
            self.failures.append(error)
            found = stored(self.storage)
            assert found in (self.done, after), "half a change is there"
            if found == self.done:
                run()
        self.done = after

    def _keep(self, run: Callable[[], object]) -> None:
        self._change(self.done, run)

    def _commit(self, after: Model, change: Callable[[Transaction], None]) -> None:
        def run() -> None:
            with self.storage.begin() as transaction:
                change(transaction)
                transaction.commit()

        self._change(after, run)

    def _write(
        self, inserts: Mapping[str, Iterable[int]], *, deletes: Mapping[str, Iterable[int]] | None = None
    ) -> None:
        """One transaction over any tables."""
        deletes = deletes or {}
        after = copied(self.done)
        for name, ids in deletes.items():
            for key in ids:
                del after[name].rows[key]
        for name, ids in inserts.items():
            after[name].rows |= {key: self._row(name, key) for key in ids}

        def change(transaction: Transaction) -> None:
            for name, ids in deletes.items():
                delete_ids(transaction, self._table(name), ids)
            for name, ids in inserts.items():
                table = self._table(name)
                transaction.insert(table.oid, self._batch(table, [self._row(name, key) for key in ids]))

        self._commit(after, change)

    def _insert_directly(self, name: str, ids: list[int]) -> None:
        """A transaction that is nothing but these rows, in one step."""
        table = self._table(name)
        after = copied(self.done)
        after[name].rows |= {key: self._row(name, key) for key in ids}

        def run() -> None:
            target = InsertTarget.of(self.storage.catalog, table.oid, self.storage.options.index_expressions)
            assert target is not None
            change = DirectInsert(self.storage, LockGroup())
            try:
                change.lock(target)
                change.log(target, self._batch(table, [self._row(name, key) for key in ids]))
            except QuiverError:
                change.rollback()
                raise
            change.finish_commit()

        self._change(after, run)

    def _update(self, name: str, ids: list[int]) -> None:
        after = copied(self.done)
        rows = [(key, f"changed {key}", *after[name].rows[key][2:]) for key in ids]
        after[name].rows |= {row[0]: row for row in rows}

        def change(transaction: Transaction) -> None:
            table = self._table(name)
            for row in rows:
                found = row_ids_of(transaction, table, [row[0]])
                transaction.update(table.oid, found, self._batch(table, [row]))

        self._commit(after, change)

    def _patch(self, ids: list[int], attnum: int, text: str) -> None:
        """Give rows of "t" another value in a column that leaves their vectors and keys where they are."""
        after = copied(self.done)
        for key in ids:
            row = after["t"].rows[key]
            after["t"].rows[key] = (*row[: attnum - 1], text, *row[attnum:])

        def change(transaction: Transaction) -> None:
            table = self._table("t")
            values = columns_batch(table.columns[attnum - 1 : attnum], [[text] * len(ids)])
            transaction.update(table.oid, row_ids_of(transaction, table, ids), values)

        self._commit(after, change)

    def _roll_back(self) -> None:
        """A savepoint's changes are given up, what came before it is committed."""
        after = copied(self.done)
        after["t"].rows[600] = self._row("t", 600)

        def change(transaction: Transaction) -> None:
            table = self._table("t")
            transaction.insert(table.oid, self._batch(table, [self._row("t", 600)]))
            mark = transaction.savepoint()
            transaction.insert(
                table.oid, self._batch(table, [self._row("t", key) for key in range(700, 1100)])
            )
            transaction.rollback_to(mark)

        self._commit(after, change)

    def _truncate(self) -> None:
        after = copied(self.done)
        after["t"].rows = {80: self._row("t", 80)}

        def change(transaction: Transaction) -> None:
            table = self._table("t")
            transaction.truncate(table.oid)
            transaction.insert(table.oid, self._batch(table, [self._row("t", 80)]))

        self._commit(after, change)

    # -- DDL

    def _create(self, name: str) -> None:
        after = copied(self.done)
        after[name] = TableModel(indexes={name + "_pkey"})

        def change(transaction: Transaction) -> None:
            table = Table(self._allocate_oid(), name, 5, 10, columns=COLUMNS)
            index = unique_index(self.storage, table, (1,), name + "_pkey", is_primary=True)
            transaction.put(table)
            transaction.put(index)

        self._commit(after, change)

    def _install_index(self) -> None:
        """A unique index, and one whose files are made afterwards, segment by segment."""
        after = copied(self.done)
        after["t"].indexes |= {"t_name", "t_graph"}

        def change(transaction: Transaction) -> None:
            table = self._table("t")
            transaction.put(unique_index(self.storage, table, (2, 1), "t_name"))
            keys = (IndexKey(3),)
            transaction.put(Index(16000, "t_graph", 5, 10, table_oid=table.oid, family="hnsw", keys=keys))

        self._commit(after, change)
        with self.storage.begin() as transaction:
            segments = transaction.table_view(self._table("t").oid).segments
        for segment_id in [segment.segment_id for segment in segments if segment.segment_id > 0]:
            buffers = {"a": np.array(INDEX_BUFFER)}
            self._keep(partial(self.storage.install_index, 16000, segment_id, buffers))

    def _add_column(self) -> None:
        after = copied(self.done)
        after["t"].rows = {key: (*row, "as ever") for key, row in after["t"].rows.items()}
        table = self._table("t")
        self._commit(after, lambda t: t.put(replace(table, columns=(*table.columns, NOTE))))

    def _drop_column(self) -> None:
        after = copied(self.done)
        after["t"].rows = {key: row[:3] for key, row in after["t"].rows.items()}
        table = self._table("t")
        columns = (*table.columns[:3], replace(table.columns[3], is_dropped=True))
        self._commit(after, lambda t: t.put(replace(table, columns=columns)))

    def _change_type(self) -> None:
        """The rows are written again under the changed definition, as ALTER COLUMN TYPE does."""
        table = self._table("u")
        columns = (replace(table.columns[0], type=INT8), *table.columns[1:])
        rows = list(self.done["u"].rows.values())

        def change(transaction: Transaction) -> None:
            transaction.truncate(table.oid)
            changed = replace(table, columns=columns)
            transaction.put(changed)
            transaction.insert(table.oid, self._batch(changed, rows))

        self._commit(self.done, change)

    def _drop_index(self) -> None:
        after = copied(self.done)
        after["t"].indexes -= {"t_name", "t_graph"}
        indexes = [
            i
            for i in self.storage.catalog.indexes_of(self._table("t").oid)
            if i.name in ("t_name", "t_graph")
        ]

        def change(transaction: Transaction) -> None:
            for index in indexes:
                transaction.drop(index.oid)

        self._commit(after, change)

    def _drop(self, name: str) -> None:
        after = copied(self.done)
        del after[name]
        table = self._table(name)
        oids = [index.oid for index in self.storage.catalog.indexes_of(table.oid)]

        def change(transaction: Transaction) -> None:
            for oid in (*oids, table.oid):
                transaction.drop(oid)

        self._commit(after, change)

    # -- beside transactions

    def _next_value(self) -> None:
        self._keep(lambda: self.given.extend(self.storage.next_sequence_values(SEQUENCE, 3).tolist()))

    def _set_sequence(self) -> None:
        self.is_setting = True
        self._keep(lambda: self.storage.set_sequence(SEQUENCE.oid, 5000, True))
        self.is_setting, self.given = False, [5000]

    def _allocate_oid(self) -> int:
        oid = self.storage.allocate_oid()
        assert oid not in self.oids
        self.oids.add(oid)
        return oid

    # -- small steps

    def _table(self, name: str) -> Table:
        return next(table for table in self.storage.catalog.objects(Table) if table.name == name)

    def _row(self, name: str, key: int) -> tuple[Any, ...]:
        extra = ("as ever",) if len(self._table(name).live_columns()) > 3 else ()
        return (key, name_of(key), tuple(vector_of(key)), *extra)

    def _batch(self, table: Table, rows: list[tuple[Any, ...]]) -> Any:
        return columns_batch(table.columns, list(zip(*rows)))


def check_writable(storage: Storage, scenario: Scenario) -> None:
    """The recovered storage takes rows, knows its keys, and repeats no sequence value."""
    if scenario.given and not scenario.is_setting:
        fresh = int(storage.next_sequence_values(SEQUENCE, 1)[0])
        assert fresh not in scenario.given and (fresh > 5000) == (5000 in scenario.given)
    for table in list(storage.catalog.objects(Table)):
        with storage.begin() as transaction:
            for segment in transaction.table_view(table.oid).segments:
                buffers = segment.index_buffers(16000)
                assert buffers is None or buffers["a"].tolist() == INDEX_BUFFER
            known = [row[0] for row in rows_by_id(transaction, table).values()]
        row = (100_000, "new", (1.0, 2.0, 3.0, 4.0), "note")[: len(table.live_columns())]
        batch = columns_batch(table.columns, [[value] for value in row])
        with storage.begin() as transaction:
            transaction.insert(table.oid, batch)
            transaction.commit()
        for key in [100_000, *known[:1]]:
            repeated = columns_batch(table.columns, [[value] for value in (key, *row[1:])])
            with storage.begin() as transaction:
                try:
                    transaction.insert(table.oid, repeated)
                except QuiverError as error:
                    assert error.sqlstate == "23505"
                else:
                    raise AssertionError(f"key {key} is twice in {table.name}")
