"""INSERT ... ON CONFLICT: proposed rows are split into new ones and those whose key is there already.

All rows of the statement are proposed at once, with their defaults and generated columns, and have passed NOT NULL
and CHECK. Storage says which of them meet a row (`storage.arbiters`). DO NOTHING inserts the others. DO UPDATE
evaluates WHERE and SET over pairs (existing row, EXCLUDED) as columns, then updates and inserts. The rows that are
there are those committed now, whatever the snapshot; one that the snapshot does not have makes the statement take
a newer one under READ COMMITTED and fails under REPEATABLE READ (40001).

PostgreSQL proposes one row after the other. The difference shows only where an update changes the arbiter's key, or
whether a partial arbiter covers the row, so that a later row meets it under its new key or no longer under the old one:
then rows are proposed one by one here too. Other unique keys are judged over all rows of the statement, as those of UPDATE are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import CardinalityViolation, FeatureNotSupported
from planner import bound
from planner.dml.result import DmlResult
from planner.dml.returning import (
    Columns,
    RowIds,
    returned_after,
    returned_rows,
    row_by_row,
    table_columns,
)
from planner.dml.rows import assigned, table_batch
from planner.dml.rules import (
    check_rows,
    evaluate_index_keys,
    generated_attnums,
    read_attnums,
    refused_by_view,
    with_generated,
)
from planner.evaluate.system_columns import XMAX, xmax_of_updates
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries
from storage import Isolation
from storage.arbiters import Arbitration, arbiter_indexes, arbitrate, next_own_id
from storage.catalog import Index, Table
from storage.constraints import check_not_null
from storage.key_checks import update_strength


@dataclass(frozen=True, slots=True)
class _Written:
    """(m) complete rows in the order in which they were proposed, and the (m,) ids of the rows they replace.

    The id is 0 for a row that is new.
    """

    batch: pa.RecordBatch
    old_ids: RowIds


def resolve_conflicts(
    statement: bound.Insert,
    clause: bound.OnConflict,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
) -> DmlResult:
    """Insert or update by the proposed rows.

    Args:
        batch: (n) complete rows, columns named by str(attnum), that passed `check_rows`.

    Raises:
        NotNullViolation: 23502, of a proposed row, also of one that would not be inserted.
        CardinalityViolation: 21000, DO UPDATE would change a row that this statement wrote.
        ObjectNotInPrerequisiteState: 55000, a deferrable arbiter.
        SerializationFailure: 40001, under REPEATABLE READ when a row is there that the snapshot does not have.
        FeatureNotSupported: 0A000, a sub-query beside a change of the arbiter's key.
        QuiverError: what SET, WHERE and the rules of the table raise; 23505 of another key.
    """
    check_not_null(table, batch, context.storage.options.value_encoder)
    indexes: list[Index] = []
    if batch.num_rows:
        indexes = arbiter_indexes(context.transaction.catalog, table.oid, clause.index_oids)
    change = _Change(statement, clause, table, indexes, context)
    is_sequential = change.moves_arbiter_keys() or (change.may_leave_index() and change.keys_repeat(batch))
    return change.run_row_by_row(batch) if is_sequential else change.run_at_once(batch)


@dataclass(frozen=True, slots=True)
class _Change:
    """One execution of an INSERT ... ON CONFLICT."""

    statement: bound.Insert
    clause: bound.OnConflict
    table: Table
    indexes: list[Index]
    """The arbiters."""
    context: ExecutionContext

    def moves_arbiter_keys(self) -> bool:
        """Whether an update may give a row another key of an arbiter; SET key = EXCLUDED.key does not."""
        changed = {
            attnum for attnum, value in self.clause.assignments or () if not self._keeps(attnum, value)
        }
        changed |= self._computed_from(changed)
        return any(not changed.isdisjoint(index.read_attnums()) for index in self.indexes)

    def may_leave_index(self) -> bool:
        """Whether an update may take a row out of a partial arbiter, so that a later row no longer meets it."""
        assigned_attnums = {attnum for attnum, _ in self.clause.assignments or ()}
        assigned_attnums |= self._computed_from(assigned_attnums)
        expressions = self.context.storage.options.index_expressions
        return any(
            index.predicate_sql is not None
            and not assigned_attnums.isdisjoint(expressions.predicate(self.table, index).attnums)
            for index in self.indexes
        )

    def keys_repeat(self, batch: pa.RecordBatch) -> bool:
        """Whether two of the proposed rows have one key."""
        found = self._arbitrated(batch)
        met = found.existing_ids[found.meets_row]
        return len(np.unique(met)) < len(met) or not bool((found.meets_row | found.is_first).all())

    def _arbitrated(self, batch: pa.RecordBatch) -> Arbitration:
        """Which of the proposed rows meet a row; those that DO UPDATE may change are locked."""
        transaction, strength = self.context.transaction, None
        if self.clause.assignments is not None:
            strength = update_strength(transaction.catalog, self.table.oid, self._changed())
        return arbitrate(transaction, self.table.oid, self.indexes, batch, strength)

    def _keeps(self, attnum: int, value: bound.Expression) -> bool:
        sides = (self.clause.excluded_id, self.statement.relation_id)
        return (
            isinstance(value, bound.ColumnRef)
            and value.relation_id in sides
            and self.statement.columns[value.position].attnum == attnum
        )

    def _computed_from(self, changed: set[int]) -> set[int]:
        rules = self.statement.rules
        if rules is None:
            return set()
        return {a for a, value in rules.generated if not changed.isdisjoint(read_attnums(rules, value))}

    def _assigned(self) -> frozenset[int]:
        return frozenset(attnum for attnum, _ in self.clause.assignments or ())

    def _changed(self) -> frozenset[int]:
        """Columns that DO UPDATE may give other values."""
        return self._assigned() | generated_attnums(self.statement.rules)

    def run_at_once(self, batch: pa.RecordBatch) -> DmlResult:
        written = self._written(batch, next_own_id(self.context.transaction, self.table.oid))

        def columns_of(row_ids: RowIds) -> Columns:
            return self._target_columns(written.batch, row_ids, written.old_ids)

        row_count = written.batch.num_rows
        returning = returned_after(
            self.statement.returning, columns_of, lambda: self._write(written), row_count, self.context
        )
        return DmlResult(row_count, returning, int(np.count_nonzero(written.old_ids)))

    def run_row_by_row(self, batch: pa.RecordBatch) -> DmlResult:
        """As `run_at_once`, each row seeing the keys that those before it left. 1 ms a row."""
        if any(has_subqueries(part) for part in (self.clause, *self.statement.returning)):
            raise FeatureNotSupported(
                "a sub-query beside a change of the columns of the conflict target is not supported"
            )
        first_own_id = next_own_id(self.context.transaction, self.table.oid)
        parts: list[_Written] = []
        row_ids: list[RowIds] = []
        for row in range(batch.num_rows):
            self.context.cancel_token.check()
            parts.append(self._written(batch.slice(row, 1), first_own_id))
            row_ids.append(self._write(parts[-1]))
        whole = pa.Table.from_batches([part.batch for part in parts], batch.schema).combine_chunks()
        columns = {int(name): whole.column(name).combine_chunks() for name in batch.schema.names}
        rows = table_batch(self.table, columns, whole.num_rows)
        old_ids = np.concatenate([part.old_ids for part in parts])
        targets = self._target_columns(rows, np.concatenate(row_ids), old_ids)
        returning = returned_rows(self.statement.returning, targets, rows.num_rows, self.context)
        return DmlResult(rows.num_rows, returning, int(np.count_nonzero(old_ids)))

    def _written(self, batch: pa.RecordBatch, first_own_id: int) -> _Written:
        """What the proposed rows become; the statement's own rows have ids from `first_own_id` on."""
        transaction = self.context.transaction
        found = self._arbitrated(batch)
        if self.clause.assignments is None:
            if transaction.isolation is not Isolation.READ_COMMITTED:
                transaction.see_rows(self.table.oid, np.unique(found.existing_ids[found.meets_row]))
            fresh = batch.filter(pa.array(found.is_first))
            return _Written(fresh, np.zeros(fresh.num_rows, dtype=np.uint64))
        meets_own = found.existing_ids >= np.uint64(first_own_id)
        if (meets_own | ~(found.meets_row | found.is_first)).any():
            raise _affected_twice()
        if found.is_first.all():
            return _Written(batch, found.existing_ids)
        transaction.see_rows(self.table.oid, np.unique(found.existing_ids[found.meets_row]))
        updated, positions = self._updated(batch, found)
        inserted = np.flatnonzero(found.is_first)
        if not len(inserted):
            return _Written(updated, found.existing_ids[positions])
        merged = pa.Table.from_batches([updated, batch.filter(pa.array(found.is_first))])
        order = np.argsort(np.concatenate([positions, inserted]), kind="stable")
        old_ids = np.concatenate([found.existing_ids[positions], np.zeros(len(inserted), dtype=np.uint64)])
        columns = {
            int(n): merged.column(n).take(pa.array(order)).combine_chunks() for n in batch.schema.names
        }
        return _Written(table_batch(self.table, columns, len(order)), old_ids[order])

    def _updated(self, batch: pa.RecordBatch, found: Arbitration) -> tuple[pa.RecordBatch, RowOffsets]:
        """(m) new versions of the rows that WHERE lets pass, and the (m,) proposed rows that they come from."""
        positions = np.flatnonzero(found.meets_row)
        stored = found.view.take(found.existing_ids[positions], [c.attnum for c in self.table.live_columns()])
        columns = self._pairs(batch, found.existing_ids, positions, stored)
        passes = self._passing(columns, len(positions))
        _check_affected_once(found.existing_ids[positions], passes)
        if not passes.all():
            kept = pa.array(np.flatnonzero(passes))
            positions = positions[passes]
            columns = {key: array.take(kept) for key, array in columns.items()}
            stored = {attnum: array.take(kept) for attnum, array in stored.items()}
        assignments = self.clause.assignments or ()
        arrays = self._evaluated([expression for _, expression in assignments], columns, len(positions))
        for (attnum, expression), array in zip(assignments, arrays, strict=True):
            wanted = self.table.column_at(attnum).type
            stored[attnum] = assigned(array, expression.sql_type, wanted, self.context)
        rows = table_batch(self.table, stored, len(positions))
        rows = with_generated(self.statement.rules, self.table, rows, self.context, self._assigned())
        changed = self._changed()
        check_rows(self.statement.rules, self.table, rows, self.context, changed=changed)
        return rows, positions

    def _passing(self, columns: Columns, row_count: int) -> npt.NDArray[np.bool_]:
        """(row_count,) bool: the pairs for which WHERE is TRUE."""
        if self.clause.where is None:
            return np.ones(row_count, dtype=np.bool_)
        (condition,) = self._evaluated([self.clause.where], columns, row_count)
        return np.asarray(condition.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _pairs(
        self,
        batch: pa.RecordBatch,
        existing_ids: RowIds,
        positions: RowOffsets,
        stored: Mapping[int, pa.Array],
    ) -> dict[tuple[int, int], pa.Array]:
        """Existing rows and EXCLUDED side by side, as WHERE and SET refer to them."""
        proposed = batch.take(pa.array(positions))
        excluded = {int(name): proposed.column(name) for name in proposed.schema.names}
        sides = ((self.statement.relation_id, stored), (self.clause.excluded_id, excluded))
        pairs: dict[tuple[int, int], pa.Array] = {}
        for relation_id, values in sides:
            pairs |= table_columns(
                relation_id,
                self.statement.columns,
                values,
                row_ids=existing_ids[positions],
                table_oid=self.table.oid,
                read_by=(self.clause,),
            )
        return pairs

    def _evaluated(
        self, expressions: Sequence[bound.Expression], columns: Columns, row_count: int
    ) -> list[pa.Array]:
        return row_by_row(expressions, columns, row_count, self.context, ctes=self.statement.ctes)

    def _target_columns(self, batch: pa.RecordBatch, row_ids: RowIds, old_ids: RowIds) -> Columns:
        """The written rows as RETURNING refers to them."""
        stored = {int(name): batch.column(name) for name in batch.schema.names}
        stored[XMAX] = xmax_of_updates(old_ids)
        statement = self.statement
        return table_columns(
            statement.relation_id,
            statement.columns,
            stored,
            row_ids=row_ids,
            table_oid=self.table.oid,
            read_by=statement.returning,
        )

    def _write(self, written: _Written) -> RowIds:
        """Update and insert; (m,) ids of the new row versions."""
        transaction, batch = self.context.transaction, written.batch
        refused = refused_by_view(self.statement.rules, self.table, batch, self.context)
        is_update = written.old_ids != 0
        row_ids = np.zeros(batch.num_rows, dtype=np.uint64)
        if is_update.any():
            rows = batch if is_update.all() else batch.filter(pa.array(is_update))
            row_ids[is_update] = transaction.update(
                self.table.oid, written.old_ids[is_update], rows, changed=self._changed()
            )
        if not is_update.all():
            rows = batch.filter(pa.array(~is_update)) if is_update.any() else batch
            evaluate_index_keys(self.statement.rules, self.table, rows, self.context)
            row_ids[~is_update] = transaction.insert(self.table.oid, rows)
        if refused is not None:
            raise refused
        return row_ids


def _check_affected_once(row_ids: RowIds, passes: npt.NDArray[np.bool_]) -> None:
    """Raises CardinalityViolation (21000) when a row is met again after it was updated.

    Args:
        row_ids: (n,) existing rows in the order of the proposed rows that met them.
        passes: (n,) bool, whether WHERE let the update happen.
    """
    unique, group = np.unique(row_ids, return_inverse=True)
    if len(unique) == len(row_ids):
        return
    order = np.arange(len(row_ids))
    first_update = np.full(len(unique), len(row_ids))
    np.minimum.at(first_update, group[passes], order[passes])
    if (order > first_update[group]).any():
        raise _affected_twice()


def _affected_twice() -> CardinalityViolation:
    """PostgreSQL's error for a row that DO UPDATE would change after the statement wrote it."""
    return CardinalityViolation(
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
        hint="Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )
