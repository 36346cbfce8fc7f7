"""UPDATE: find rows and new values, compute what depends on them, replace the row versions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner import bound
from planner.dml.matching import Matches, match_rows
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import (
    Columns,
    RowIds,
    read_columns,
    referenced_columns,
    returned_after,
    returned_rows,
    scan_columns,
)
from planner.dml.row_locks import locked_matches
from planner.dml.rows import assigned
from planner.dml.rules import generated_attnums, refused_by_view, updated_rows
from planner.services import ExecutionContext
from storage.key_checks import update_strength
from storage.revisions import completed


def run_update(statement: bound.Update, context: ExecutionContext) -> DmlResult:
    """Update the matching rows; a row that FROM matches several times is updated once.

    Raises:
        QuiverError: as `run_insert`, and 40001 when a row was changed by another transaction.
    """
    result = atomically(context, lambda: _update(statement, context))
    context.transaction.activity.count_changes(statement.target.table_oid, updated=result.row_count)
    return result


def _update(statement: bound.Update, context: ExecutionContext) -> DmlResult:
    return update_found(statement, find_updated(statement, context), context)


def find_updated(statement: bound.Update, context: ExecutionContext) -> Matches:
    """The rows to update, locked; the values are those of the assignments and then of what RETURNING borrows."""
    target = statement.target
    borrowed = referenced_columns(statement.returning, target.relation_id)
    expressions = [expression for _, expression in statement.assignments]
    changed = frozenset(attnum for attnum, _ in statement.assignments) | generated_attnums(statement.rules)

    def find(context: ExecutionContext) -> Matches:
        return match_rows(
            target,
            statement.from_,
            statement.where,
            [*expressions, *borrowed],
            ctes=statement.ctes,
            context=context,
        )

    strength = update_strength(context.transaction.catalog, target.table_oid, changed)
    return locked_matches(find, target.table_oid, strength, context)


def assigned_values(
    statement: bound.Update, matches: Matches, context: ExecutionContext
) -> dict[int, pa.Array]:
    """The new values of the assigned columns, as they are stored. Raises 22001, 22003, 22000."""
    table = context.transaction.catalog.table(statement.target.table_oid)
    values: dict[int, pa.Array] = {}
    for (attnum, expression), array in zip(statement.assignments, matches.values, strict=False):
        context.cancel_token.check()
        values[attnum] = assigned(array, expression.sql_type, table.column_at(attnum).type, context)
    return values


def update_found(statement: bound.Update, matches: Matches, context: ExecutionContext) -> DmlResult:
    """Update the rows that `find_updated` has found."""
    target = statement.target
    table = context.transaction.catalog.table(target.table_oid)
    row_count = len(matches.row_ids)
    if not row_count:
        return DmlResult(0, returned_rows(statement.returning, no_rows(statement), 0, context))
    values = assigned_values(statement, matches, context)
    returned = read_columns(statement.returning, target)
    changes, rows = updated_rows(statement.rules, table, matches.row_ids, values, context, returned=returned)
    context.cancel_token.check()
    stored = {int(name): rows.column(name) for name in rows.schema.names}
    borrowed = referenced_columns(statement.returning, target.relation_id)
    joined = {
        (c.relation_id, c.position): matches.values[len(statement.assignments) + i]
        for i, c in enumerate(borrowed)
    }

    def columns_of(row_ids: RowIds) -> Columns:
        return scan_columns(target, stored, row_ids, statement.returning) | joined

    def whole_row(row: int) -> pa.RecordBatch:
        return completed(context.transaction.table_view(table.oid), matches.row_ids, rows, np.array([row]))

    refused = refused_by_view(statement.rules, table, rows, context, whole_row)

    def write() -> RowIds:
        row_ids = context.transaction.update(table.oid, matches.row_ids, changes)
        if refused is not None:
            raise refused
        return row_ids

    returning = returned_after(statement.returning, columns_of, write, row_count, context)
    return DmlResult(row_count, returning)


def no_rows(statement: bound.Update | bound.Delete) -> dict[tuple[int, int], pa.Array]:
    """Empty columns for whatever RETURNING reads, so that it yields a batch of its types without rows."""
    return {
        (node.relation_id, node.position): pa.nulls(0, arrow_type(node.type))
        for target in statement.returning
        for node in bound.walk(target)
        if isinstance(node, bound.ColumnRef)
    }
