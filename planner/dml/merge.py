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
from foundation.sqltypes import INT8, arrow_type
from planner import bound
from planner.bound import MergeAction
from planner.dml.matching import scan_with_row_id
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import Columns, referenced_columns, row_by_row
from planner.dml.routed_rows import Leaf, arriving_rows, leaf_rules, leaving_rows, routed
from planner.dml.row_locks import locked_newest
from planner.dml.rows import RowIds, assigned, table_batch
from planner.dml.rules import check_rows, generated_attnums, updated_rows, with_generated
from planner.relational.execution import run_query
from planner.services import ExecutionContext
from storage import Isolation
from storage.key_checks import update_strength
from storage.lock_modes import RowStrength
from storage.moved_rows import delete_moved

_NO_RELATION = -1
_CHANGES_ROW = (MergeAction.UPDATE, MergeAction.DELETE)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """(n) pairs: the target's (n,) row ids, 0 where there is none, and the columns that clauses read.

    `places` says which of the target's leaves each row is in; all are in the first of a table that is not partitioned.
    """

    row_ids: RowIds
    places: RowOffsets
    columns: dict[tuple[int, int], pa.Array]

    def in_leaf(self, positions: RowOffsets, place: int) -> RowOffsets:
        """Those of the positions whose row is in a leaf."""
        found: RowOffsets = positions[self.places[positions] == place]
        return found

    def at(self, positions: RowOffsets) -> Columns:
        indices = pa.array(positions)
        return {key: array.take(indices) for key, array in self.columns.items()}


@dataclass(slots=True)
class _Writes:
    """What is to be written, by the OID of the table, computed and checked. Rows of `moved` are among `inserted`."""

    deleted: list[tuple[int, RowIds]] = field(default_factory=list)
    updated: list[tuple[int, RowIds, pa.RecordBatch]] = field(default_factory=list)
    inserted: list[tuple[int, pa.RecordBatch]] = field(default_factory=list)
    moved: list[tuple[int, RowIds]] = field(default_factory=list)


def run_merge(
    statement: bound.Merge, context: ExecutionContext, scans: Sequence[bound.TableScan] | None = None
) -> DmlResult:
    """Merge the source into the target; counted are the rows that were inserted, updated and deleted.

    Args:
        scans: of the leaves of a partitioned target that may have rows which are met.

    Raises:
        CardinalityViolation: 21000, a row of the target would be changed twice.
        QuiverError: as `run_insert` and `run_update`. Nothing of the statement stays then.
    """
    found = (statement.target,) if scans is None else scans
    leaves = [Leaf.of(statement.target, scan, context) for scan in found]
    writes = atomically(context, lambda: _merge(statement, leaves, context))
    moved = sum(len(row_ids) for _, row_ids in writes.moved)
    inserted = sum(batch.num_rows for _, batch in writes.inserted) - moved
    updated = sum(len(row_ids) for _, row_ids, _ in writes.updated) + moved
    deleted = sum(len(row_ids) for _, row_ids in writes.deleted)
    activity = context.transaction.activity
    activity.count_changes(statement.target.table_oid, inserted=inserted, updated=updated, deleted=deleted)
    return DmlResult(inserted + updated + deleted)


def _merge(statement: bound.Merge, leaves: Sequence[Leaf], context: ExecutionContext) -> _Writes:
    while True:
        pairs = _paired(statement, leaves, context)
        chosen = _chosen(statement, pairs, context)
        if _lock(statement, leaves, pairs, chosen, context):
            break
    _check_changed_once(statement, pairs, chosen)
    writes = _computed(statement, leaves, pairs, chosen, context)
    transaction = context.transaction
    for oid, row_ids in writes.deleted:
        transaction.delete(oid, row_ids)
    for oid, row_ids in writes.moved:
        delete_moved(transaction, oid, row_ids)
    for oid, row_ids, changes in writes.updated:
        transaction.update(oid, row_ids, changes)
    for oid, batch in writes.inserted:
        transaction.insert(oid, batch)
    return writes


# -- pairs and clauses


def _paired(statement: bound.Merge, leaves: Sequence[Leaf], context: ExecutionContext) -> _Pairs:
    read = [
        bound.Target(expression, "read")
        for clause in statement.clauses
        for expression in (clause.condition, *(value for _, value in clause.values))
        if expression is not None
    ]
    columns = referenced_columns(read, _NO_RELATION)
    target, row_id, place = _target_rows(statement, leaves, context)
    keeps_all = any(not clause.is_matched for clause in statement.clauses)
    kind = bound.JoinKind.LEFT if keeps_all else bound.JoinKind.INNER
    found = (bound.Target(row_id, "row_id"), bound.Target(place, "leaf"))
    targets = (*found, *(bound.Target(column, "value") for column in columns))
    joined = bound.Join(kind, statement.source, target, statement.on)
    ids: list[RowIds] = []
    places: list[RowOffsets] = []
    pieces: list[list[pa.Array]] = [[] for _ in columns]
    for batch in run_query(bound.Select(targets, joined, ctes=statement.ctes), context):
        context.cancel_token.check()
        ids.append(np.asarray(batch.column(0).fill_null(0)).view(np.uint64))
        places.append(np.asarray(batch.column(1).fill_null(0)))
        for index, piece in enumerate(pieces):
            piece.append(batch.column(index + 2))
    arrays = {
        (column.relation_id, column.position): pa.chunked_array(
            piece, arrow_type(column.type)
        ).combine_chunks()
        for column, piece in zip(columns, pieces, strict=True)
    }
    if not ids:
        return _Pairs(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), arrays)
    return _Pairs(np.concatenate(ids), np.concatenate(places), arrays)


def _target_rows(
    statement: bound.Merge, leaves: Sequence[Leaf], context: ExecutionContext
) -> tuple[bound.Relation, bound.Expression, bound.Expression]:
    """The target's rows as a relation, their ids, and the places of their leaves."""
    if not statement.target.reads_partitions:
        scan, row_id = scan_with_row_id(statement.target)
        return scan, row_id, bound.Constant(0, INT8)
    from planner.partitions.expansion import own_conditions, rows_with_places

    conditions = own_conditions(statement.on, statement.target.relation_id)
    scans = [leaf.scan for leaf in leaves]
    return rows_with_places(statement.target, scans, conditions, statement, context)


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
    statement: bound.Merge,
    leaves: Sequence[Leaf],
    pairs: _Pairs,
    chosen: Sequence[RowOffsets],
    context: ExecutionContext,
) -> bool:
    """Lock the rows that are to be changed; False where some are no longer what the snapshot shows.

    Then the newest versions are locked and the snapshot is a newer one.

    Raises:
        SerializationFailure: 40001, under REPEATABLE READ instead.
        LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014, while waiting.
    """
    transaction = context.transaction
    is_current = True
    for clause, positions in zip(statement.clauses, chosen, strict=True):
        if clause.action not in _CHANGES_ROW or not len(positions):
            continue
        changed = frozenset(attnum for attnum, _ in clause.values) | generated_attnums(statement.rules)
        for place, leaf in enumerate(leaves):
            oid, strength = leaf.table.oid, RowStrength.UPDATE
            if clause.action is MergeAction.UPDATE:
                strength = update_strength(
                    transaction.catalog, oid, frozenset(map(leaf.attnums.__getitem__, changed))
                )
            row_ids = np.unique(pairs.row_ids[pairs.in_leaf(positions, place)])
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
    for place in np.unique(pairs.places):
        changing = [
            pairs.row_ids[pairs.in_leaf(positions, place)]
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
    statement: bound.Merge,
    leaves: Sequence[Leaf],
    pairs: _Pairs,
    chosen: Sequence[RowOffsets],
    context: ExecutionContext,
) -> _Writes:
    writes = _Writes()
    for clause, positions in zip(statement.clauses, chosen, strict=True):
        if not len(positions):
            continue
        context.cancel_token.check()
        positions = positions[np.argsort(pairs.row_ids[positions], kind="stable")]
        if clause.action is MergeAction.INSERT:
            values = _values(clause, statement, pairs, positions, context)
            writes.inserted += _new_rows(statement, values, len(positions), context)
        if clause.action not in _CHANGES_ROW:
            continue
        for place, leaf in enumerate(leaves):
            here = pairs.in_leaf(positions, place)
            if not len(here):
                continue
            if clause.action is MergeAction.DELETE:
                writes.deleted.append((leaf.table.oid, pairs.row_ids[here]))
                continue
            values = _values(clause, statement, pairs, here, context)
            own = {leaf.attnums[attnum]: column for attnum, column in values.items()}
            _update(statement, leaf, pairs.row_ids[here], own, writes=writes, context=context)
    return writes


def _new_rows(
    statement: bound.Merge, values: dict[int, pa.Array], row_count: int, context: ExecutionContext
) -> list[tuple[int, pa.RecordBatch]]:
    """Rows of INSERT, checked, by the table that they go to."""
    table = context.transaction.catalog.table(statement.target.table_oid)
    if table.partition_key is None:
        batch = table_batch(table, values, row_count)
        batch = with_generated(statement.rules, table, batch, context)
        check_rows(statement.rules, table, batch, context)
        return [(table.oid, batch)]
    parts = routed(table, values, row_count, context)
    return [(part.leaf.oid, arriving_rows(statement.rules, part, values, context)[1]) for part in parts]


def _update(
    statement: bound.Merge,
    leaf: Leaf,
    row_ids: RowIds,
    values: dict[int, pa.Array],
    *,
    writes: _Writes,
    context: ExecutionContext,
) -> None:
    """Rows of UPDATE in one leaf, checked; those that belong elsewhere now are deleted and inserted."""
    rules, leaving = statement.rules, None
    if statement.target.reads_partitions:
        named = context.transaction.catalog.table(statement.target.table_oid)
        rules = leaf_rules(statement.rules, leaf.table, leaf.attnums, context)
        leaving = leaving_rows(named, leaf, row_ids, values, context)
    if leaving is not None:
        writes.moved.append((leaf.table.oid, row_ids[leaving.goes]))
        for part in leaving.parts:
            batch = arriving_rows(statement.rules, part, leaving.values, context)[1]
            writes.inserted.append((part.leaf.oid, batch))
        stays = pa.array(~leaving.goes)
        row_ids = row_ids[~leaving.goes]
        values = {attnum: column.filter(stays) for attnum, column in values.items()}
    if len(row_ids):
        changes, _ = updated_rows(rules, leaf.table, row_ids, values, context)
        writes.updated.append((leaf.table.oid, row_ids, changes))


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
