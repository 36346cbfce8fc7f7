"""MERGE: source rows paired with the target's, a clause chosen for each pair, then one delete, updates and inserts.

The pairs come from one relational query: the row id of the target row and the columns that clauses read. Conditions and
values are evaluated over the rows that get to them and over no others, all before anything is written, so sub-queries see
the table as it was. Under READ COMMITTED rows that others have replaced are waited for, and then everything is paired anew.
https://www.postgresql.org/docs/15/sql-merge.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.errors import CardinalityViolation
from foundation.sqltypes import arrow_type
from planner import bound
from planner.bound import MergeAction
from planner.dml.matching import scan_with_row_id
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import Columns, referenced_columns, row_by_row
from planner.dml.row_locks import locked_newest
from planner.dml.rows import RowIds, assigned, table_batch
from planner.dml.rules import check_rows, generated_attnums, updated_rows, with_generated
from planner.relational.execution import run_query
from planner.services import ExecutionContext
from storage import Isolation
from storage.key_checks import update_strength
from storage.lock_modes import RowStrength

_NO_RELATION = -1
_CHANGES_ROW = (MergeAction.UPDATE, MergeAction.DELETE)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """(n) pairs: the target's (n,) row ids, 0 where there is none, and the columns that clauses read."""

    row_ids: RowIds
    columns: dict[tuple[int, int], pa.Array]

    def at(self, positions: RowOffsets) -> Columns:
        indices = pa.array(positions)
        return {key: array.take(indices) for key, array in self.columns.items()}


@dataclass(slots=True)
class _Writes:
    """What is to be written, computed and checked."""

    deleted: list[RowIds] = field(default_factory=list)
    updated: list[tuple[RowIds, pa.RecordBatch]] = field(default_factory=list)
    inserted: list[pa.RecordBatch] = field(default_factory=list)


def run_merge(statement: bound.Merge, context: ExecutionContext) -> DmlResult:
    """Merge the source into the target; counted are the rows that were inserted, updated and deleted.

    Raises:
        CardinalityViolation: 21000, a row of the target would be changed twice.
        QuiverError: as `run_insert` and `run_update`. Nothing of the statement stays then.
    """
    writes = atomically(context, lambda: _merge(statement, context))
    inserted = sum(batch.num_rows for batch in writes.inserted)
    updated = sum(len(row_ids) for row_ids, _ in writes.updated)
    deleted = sum(map(len, writes.deleted))
    activity = context.transaction.activity
    activity.count_changes(statement.target.table_oid, inserted=inserted, updated=updated, deleted=deleted)
    return DmlResult(inserted + updated + deleted)


def _merge(statement: bound.Merge, context: ExecutionContext) -> _Writes:
    while True:
        pairs = _paired(statement, context)
        chosen = _chosen(statement, pairs, context)
        if _lock(statement, pairs, chosen, context):
            break
    _check_changed_once(statement, pairs, chosen)
    writes = _computed(statement, pairs, chosen, context)
    transaction, oid = context.transaction, statement.target.table_oid
    for row_ids in writes.deleted:
        transaction.delete(oid, row_ids)
    for row_ids, changes in writes.updated:
        transaction.update(oid, row_ids, changes)
    for batch in writes.inserted:
        transaction.insert(oid, batch)
    return writes


# -- pairs and clauses


def _paired(statement: bound.Merge, context: ExecutionContext) -> _Pairs:
    read = [
        bound.Target(expression, "read")
        for clause in statement.clauses
        for expression in (clause.condition, *(value for _, value in clause.values))
        if expression is not None
    ]
    columns = referenced_columns(read, _NO_RELATION)
    scan, row_id = scan_with_row_id(statement.target)
    keeps_all = any(not clause.is_matched for clause in statement.clauses)
    kind = bound.JoinKind.LEFT if keeps_all else bound.JoinKind.INNER
    targets = (bound.Target(row_id, "row_id"), *(bound.Target(column, "value") for column in columns))
    joined = bound.Join(kind, statement.source, scan, statement.on)
    ids: list[RowIds] = []
    pieces: list[list[pa.Array]] = [[] for _ in columns]
    for batch in run_query(bound.Select(targets, joined, ctes=statement.ctes), context):
        context.cancel_token.check()
        ids.append(np.asarray(batch.column(0).fill_null(0)).view(np.uint64))
        for index, piece in enumerate(pieces):
            piece.append(batch.column(index + 1))
    arrays = {
        (column.relation_id, column.position): pa.chunked_array(
            piece, arrow_type(column.type)
        ).combine_chunks()
        for column, piece in zip(columns, pieces, strict=True)
    }
    return _Pairs(np.concatenate(ids) if ids else np.empty(0, dtype=np.uint64), arrays)


def _chosen(statement: bound.Merge, pairs: _Pairs, context: ExecutionContext) -> list[RowOffsets]:
    """For each clause the pairs that take it, ascending."""
    is_left = np.ones(len(pairs.row_ids), dtype=np.bool_)
    is_matched = pairs.row_ids != 0
    chosen = []
    for clause in statement.clauses:
        positions = np.flatnonzero(is_left & (is_matched == clause.is_matched))
        if clause.condition is not None and len(positions):
            positions = positions[_passing(clause.condition, statement, pairs, positions, context)]
        is_left[positions] = False
        chosen.append(positions)
    return chosen


def _passing(
    condition: bound.Expression,
    statement: bound.Merge,
    pairs: _Pairs,
    positions: RowOffsets,
    context: ExecutionContext,
) -> npt.NDArray[np.bool_]:
    """(len(positions),) bool: the pairs for which a condition is TRUE."""
    columns = pairs.at(positions)
    (passes,) = row_by_row([condition], columns, len(positions), context, ctes=statement.ctes)
    return np.asarray(passes.fill_null(False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _lock(
    statement: bound.Merge, pairs: _Pairs, chosen: Sequence[RowOffsets], context: ExecutionContext
) -> bool:
    """Lock the rows that are to be changed; False where some are no longer what the snapshot shows.

    Then the newest versions are locked and the snapshot is a newer one.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ instead.
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014, while waiting.
    """
    transaction, oid = context.transaction, statement.target.table_oid
    is_current = True
    for clause, positions in zip(statement.clauses, chosen, strict=True):
        if clause.action not in _CHANGES_ROW or not len(positions):
            continue
        strength = RowStrength.UPDATE
        if clause.action is MergeAction.UPDATE:
            changed = frozenset(attnum for attnum, _ in clause.values) | generated_attnums(statement.rules)
            strength = update_strength(transaction.catalog, oid, changed)
        row_ids = np.unique(pairs.row_ids[positions])
        replaced = transaction.lock_rows(oid, row_ids, strength).is_replaced
        if replaced.any():
            if transaction.isolation is not Isolation.READ_COMMITTED:
                transaction.check_not_replaced(oid, row_ids[replaced])
            locked_newest(oid, row_ids[replaced], strength, transaction)
            is_current = False
    if not is_current:
        transaction.catch_up()
    return is_current


def _check_changed_once(statement: bound.Merge, pairs: _Pairs, chosen: Sequence[RowOffsets]) -> None:
    changing = [
        pairs.row_ids[positions]
        for clause, positions in zip(statement.clauses, chosen, strict=True)
        if clause.action in _CHANGES_ROW
    ]
    row_ids = np.concatenate(changing) if changing else pairs.row_ids[:0]
    if len(np.unique(row_ids)) < len(row_ids):
        raise CardinalityViolation(
            "MERGE command cannot affect row a second time",
            hint="Ensure that not more than one source row matches any one target row.",
        )


# -- new rows


def _computed(
    statement: bound.Merge, pairs: _Pairs, chosen: Sequence[RowOffsets], context: ExecutionContext
) -> _Writes:
    table = context.transaction.catalog.table(statement.target.table_oid)
    writes = _Writes()
    for clause, positions in zip(statement.clauses, chosen, strict=True):
        if not len(positions):
            continue
        context.cancel_token.check()
        positions = positions[np.argsort(pairs.row_ids[positions], kind="stable")]
        row_ids = pairs.row_ids[positions]
        match clause.action:
            case MergeAction.DELETE:
                writes.deleted.append(row_ids)
            case MergeAction.UPDATE:
                values = _values(clause, statement, pairs, positions, context)
                changes, _ = updated_rows(statement.rules, table, row_ids, values, context)
                writes.updated.append((row_ids, changes))
            case MergeAction.INSERT:
                values = _values(clause, statement, pairs, positions, context)
                batch = table_batch(table, values, len(positions))
                batch = with_generated(statement.rules, table, batch, context)
                check_rows(statement.rules, table, batch, context)
                writes.inserted.append(batch)
            case MergeAction.NOTHING:
                pass
    return writes


def _values(
    clause: bound.MergeClause,
    statement: bound.Merge,
    pairs: _Pairs,
    positions: RowOffsets,
    context: ExecutionContext,
) -> dict[int, pa.Array]:
    """(len(positions),) values by attnum as the table stores them."""
    table = context.transaction.catalog.table(statement.target.table_oid)
    expressions = [expression for _, expression in clause.values]
    columns = pairs.at(positions)
    arrays = row_by_row(expressions, columns, len(positions), context, ctes=statement.ctes)
    return {
        attnum: assigned(array, expression.sql_type, table.column_at(attnum).type, context)
        for (attnum, expression), array in zip(clause.values, arrays, strict=True)
    }
