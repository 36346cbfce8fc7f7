"""UPDATE and DELETE of a partitioned table: rows are found in all leaves, then changed leaf by leaf.

A row whose new key belongs to another partition is deleted here and inserted there. Nothing is written before every leaf has
been looked at, so no row is met again where it went. https://www.postgresql.org/docs/16/ddl-partitioning.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from planner import bound
from planner.dml.delete import delete_found, find_deleted
from planner.dml.matching import Matches
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import referenced_columns, returned_rows, scan_columns
from planner.dml.routed_rows import Leaf, LeavingRows, arriving_rows, leaf_rules, leaving_rows
from planner.dml.rules import refused_by_view
from planner.dml.update import assigned_values, find_updated, no_rows, update_found
from planner.partitions.expansion import scan_of_partition
from planner.partitions.routing import LeafRows
from planner.services import ExecutionContext
from storage.catalog import Table
from storage.moved_rows import delete_moved
from storage.partition_tree import ancestors


def run_delete(
    statement: bound.Delete, leaves: Sequence[bound.Delete], context: ExecutionContext
) -> DmlResult:
    """DELETE: `leaves` are the statement for each leaf that may have rows."""

    def change() -> DmlResult:
        found = [find_deleted(leaf, context) for leaf in leaves]
        results = []
        for leaf, matches in zip(leaves, found, strict=True):
            results.append(delete_found(leaf, matches, context))
            count = results[-1].row_count
            context.transaction.activity.count_changes(leaf.target.table_oid, deleted=count)
        return _joined(statement, results, context)

    return atomically(context, change)


def run_update(
    statement: bound.Update, leaves: Sequence[bound.Update], context: ExecutionContext
) -> DmlResult:
    """UPDATE: `leaves` are the statement for each leaf that may have rows."""

    def change() -> DmlResult:
        parts = [_LeafUpdate.of(statement, leaf, context) for leaf in leaves]
        for part in parts:
            part.remove_leaving()
        results = [part.update_staying() for part in parts]
        results += [result for part in parts for result in part.insert_leaving()]
        return _joined(statement, results, context)

    return atomically(context, change)


def _joined(
    statement: bound.Update | bound.Delete, results: Sequence[DmlResult], context: ExecutionContext
) -> DmlResult:
    returning = [batch for result in results for batch in result.returning]
    if not results:
        returning = returned_rows(statement.returning, no_rows(statement), 0, context)
    return DmlResult(sum(result.row_count for result in results), returning)


@dataclass(frozen=True, slots=True)
class _LeafUpdate:
    """An UPDATE's rows in one leaf, found and with their new values."""

    statement: bound.Update
    changed: bound.Update
    matches: Matches
    leaving: LeavingRows | None
    context: ExecutionContext

    @classmethod
    def of(cls, statement: bound.Update, changed: bound.Update, context: ExecutionContext) -> _LeafUpdate:
        leaf = Leaf.of(statement.target, changed.target, context)
        rules = leaf_rules(statement.rules, leaf.table, leaf.attnums, context)
        changed = replace(changed, rules=rules)
        matches = find_updated(changed, context)
        named = context.transaction.catalog.table(statement.target.table_oid)
        values = assigned_values(changed, matches, context)
        leaving = leaving_rows(named, leaf, matches.row_ids, values, context)
        return cls(statement, changed, matches, leaving, context)

    def update_staying(self) -> DmlResult:
        matches = self.matches if self.leaving is None else self.matches.take(~self.leaving.goes)
        result = update_found(self.changed, matches, self.context)
        oid = self.changed.target.table_oid
        self.context.transaction.activity.count_changes(oid, updated=result.row_count)
        return result

    def remove_leaving(self) -> None:
        if self.leaving is not None:
            row_ids, oid = self.matches.row_ids[self.leaving.goes], self.changed.target.table_oid
            delete_moved(self.context.transaction, oid, row_ids)
            self.context.transaction.activity.count_changes(oid, deleted=len(row_ids))

    def insert_leaving(self) -> list[DmlResult]:
        if self.leaving is None:
            return []
        return [self._insert(part, self.leaving.values) for part in self.leaving.parts]

    def _insert(self, part: LeafRows, values: dict[int, pa.Array]) -> DmlResult:
        statement, context = self.statement, self.context
        rules, batch = arriving_rows(statement.rules, part, values, context)
        refused = refused_by_view(rules, part.leaf, batch, context)
        row_ids = context.transaction.insert(part.leaf.oid, batch)
        if refused is not None:
            raise refused
        context.transaction.activity.count_changes(part.leaf.oid, inserted=len(row_ids))
        columns = {int(name): column for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        named = context.transaction.catalog.table(statement.target.table_oid)
        scan = _scan_below(statement.target, named, part.leaf, context)
        returned = scan_columns(scan, columns, row_ids, statement.returning)
        rows = pa.array(part.positions)
        for place, column in enumerate(referenced_columns(statement.returning, scan.relation_id)):
            borrowed = self.matches.values[len(statement.assignments) + place]
            returned[column.relation_id, column.position] = borrowed.take(rows)
        batches = returned_rows(statement.returning, returned, len(row_ids), context)
        return DmlResult(len(row_ids), batches)


def _scan_below(
    scan: bound.TableScan, table: Table, leaf: Table, context: ExecutionContext
) -> bound.TableScan:
    """The scan of a partitioned table as one of a leaf."""
    path = [leaf]
    for above in ancestors(context.transaction.catalog, leaf):
        if above.oid == table.oid:
            break
        path.append(above)
    for below in reversed(path):
        scan, table = scan_of_partition(scan, table, below), below
    return scan
