"""DELETE: find rows, keep what RETURNING reads of them, set their tombstones."""

from __future__ import annotations

from planner import bound
from planner.dml.matching import Matches, match_rows
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import referenced_columns, returned_rows, scan_columns
from planner.dml.row_locks import locked_matches
from planner.dml.rows import take_rows
from planner.dml.update import no_rows
from planner.services import ExecutionContext
from storage.lock_modes import RowStrength


def run_delete(statement: bound.Delete, context: ExecutionContext) -> DmlResult:
    """Delete the matching rows.

    Raises:
        QuiverError: what the condition raises; 40001 when a row was changed by another transaction.
    """
    result = atomically(context, lambda: _delete(statement, context))
    context.transaction.activity.count_changes(statement.target.table_oid, deleted=result.row_count)
    return result


def _delete(statement: bound.Delete, context: ExecutionContext) -> DmlResult:
    return delete_found(statement, find_deleted(statement, context), context)


def find_deleted(statement: bound.Delete, context: ExecutionContext) -> Matches:
    """The rows to delete, locked; the values are those that RETURNING borrows."""
    target = statement.target
    borrowed = referenced_columns(statement.returning, target.relation_id)

    def find(context: ExecutionContext) -> Matches:
        return match_rows(
            target, statement.using, statement.where, borrowed, ctes=statement.ctes, context=context
        )

    return locked_matches(find, target.table_oid, RowStrength.UPDATE, context)


def delete_found(statement: bound.Delete, matches: Matches, context: ExecutionContext) -> DmlResult:
    """Delete the rows that `find_deleted` has found."""
    target = statement.target
    row_count = len(matches.row_ids)
    if not row_count:
        return DmlResult(0, returned_rows(statement.returning, no_rows(statement), 0, context))
    columns = {}
    if statement.returning:
        borrowed = referenced_columns(statement.returning, target.relation_id)
        attnums = [column.attnum for column in target.columns if column.attnum > 0]
        stored = take_rows(context, target.table_oid, matches.row_ids, attnums)
        columns = scan_columns(target, stored, matches.row_ids, statement.returning)
        columns |= {(c.relation_id, c.position): matches.values[i] for i, c in enumerate(borrowed)}
    returning = returned_rows(statement.returning, columns, row_count, context)
    return DmlResult(context.transaction.delete(target.table_oid, matches.row_ids), returning)
