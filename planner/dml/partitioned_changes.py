"""UPDATE and DELETE of a partitioned table: rows are found in all leaves, then changed leaf by leaf.

A row whose new key belongs to another partition is deleted here and inserted there. Nothing is written before every leaf has
been looked at, so no row is met again where it went. https://www.postgresql.org/docs/16/ddl-partitioning.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from foundation.bitset import BoolMask
from planner import bound
from planner.dml.delete import delete_found, find_deleted
from planner.dml.matching import Matches
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import RowIds, referenced_columns, returned_rows, scan_columns
from planner.dml.routed_rows import leaf_rules, routed
from planner.dml.rows import table_batch, take_rows
from planner.dml.rules import check_rows, refused_by_view, with_generated
from planner.dml.update import assigned_values, find_updated, no_rows, update_found
from planner.partitions.expansion import scan_of_partition
from planner.partitions.routing import LeafRows, key_attnums_above, misplaced_row
from planner.services import ExecutionContext
from storage.catalog import Table
from storage.partition_tree import ancestors


def run_delete(
    statement: bound.Delete, leaves: Sequence[bound.Delete], context: ExecutionContext
) -> DmlResult:
    """DELETE: `leaves` are the statement for each leaf that may have rows."""

    def change() -> DmlResult:
        found = [find_deleted(leaf, context) for leaf in leaves]
        return _joined(
            statement, [delete_found(*pair, context) for pair in zip(leaves, found, strict=True)], context
        )

    return atomically(context, change)


def run_update(
    statement: bound.Update, leaves: Sequence[bound.Update], context: ExecutionContext
) -> DmlResult:
    """UPDATE: `leaves` are the statement for each leaf that may have rows."""

    def change() -> DmlResult:
        catalog = context.transaction.catalog
        parts = []
        for leaf in leaves:
            table = catalog.table(leaf.target.table_oid)
            attnums = {
                column.attnum: below.attnum
                for column, below in zip(statement.target.columns, leaf.target.columns, strict=True)
                if column.attnum > 0
            }
            ruled = replace(leaf, rules=leaf_rules(statement.rules, table, attnums, context))
            matches = find_updated(ruled, context)
            parts.append(_LeafUpdate(statement, ruled, table, attnums, matches, context))
        moved = [part.moved() for part in parts]
        results = [part.update_kept() for part in parts]
        results += [result for part in moved for result in part.write()]
        return _joined(statement, results, context)

    return atomically(context, change)


def _joined(
    statement: bound.Update | bound.Delete, results: Sequence[DmlResult], context: ExecutionContext
) -> DmlResult:
    returning = [batch for result in results for batch in result.returning]
    if not results:
        returning = returned_rows(statement.returning, no_rows(statement), 0, context)
    return DmlResult(sum(result.row_count for result in results), returning)


@dataclass(slots=True)
class _LeafUpdate:
    """An UPDATE's rows in one leaf. `attnums` are the leaf's by those of the table that was named."""

    statement: bound.Update
    leaf: bound.Update
    table: Table
    attnums: dict[int, int]
    matches: Matches
    context: ExecutionContext
    keeps: BoolMask | None = None
    """(m,) which of the rows stay in the leaf, None = all."""

    def moved(self) -> _MovedRows:
        """The rows that belong elsewhere, with their new values; `update_kept` is for the others."""
        changed = {attnum for attnum, _ in self.leaf.assignments}
        row_ids, catalog = self.matches.row_ids, self.context.transaction.catalog
        nothing = _MovedRows(self, row_ids[:0], self.matches, [], {})
        if not len(row_ids) or key_attnums_above(catalog, self.table).isdisjoint(changed):
            return nothing
        live = [column.attnum for column in self.table.live_columns()]
        stored = take_rows(self.context, self.table.oid, row_ids, live)
        stored.update(assigned_values(self.leaf, self.matches, self.context))
        named = catalog.table(self.statement.target.table_oid)
        self._check_above(named, stored)
        values = {attnum: stored[below] for attnum, below in self.attnums.items()}
        parts = routed(named, values, len(row_ids), self.context)
        others = [part for part in parts if part.leaf.oid != self.table.oid]
        if not others:
            return nothing
        goes = np.zeros(len(row_ids), dtype=np.bool_)
        for part in others:
            goes[part.positions] = True
        self.keeps = ~goes
        return _MovedRows(self, row_ids[goes], self.matches, others, values)

    def _check_above(self, named: Table, stored: dict[int, pa.Array]) -> None:
        """Rows stay below the table that was named, which may be a partition itself."""
        if not named.parent_oid:
            return
        from planner.dml.rules import first_misplaced_row

        values = {attnum: stored[below] for attnum, below in self.attnums.items()}
        rows = table_batch(named, values, len(self.matches.row_ids))
        # What is above the named table only; routing below it is done next.
        row = first_misplaced_row(named, rows, self.context)
        if row is not None:
            raise misplaced_row(named, rows.slice(row, 1), self.context.storage.options)

    def update_kept(self) -> DmlResult:
        matches = self.matches if self.keeps is None else self.matches.take(self.keeps)
        return update_found(self.leaf, matches, self.context)


@dataclass(slots=True)
class _MovedRows:
    """Rows on their way from a leaf into others. `values` are all rows of the UPDATE, by the named table's attnums."""

    source: _LeafUpdate
    row_ids: RowIds
    matches: Matches
    parts: list[LeafRows]
    values: dict[int, pa.Array]

    def write(self) -> list[DmlResult]:
        if not len(self.row_ids):
            return []
        self.source.context.transaction.delete(self.source.table.oid, self.row_ids)
        return [self._insert(part) for part in self.parts]

    def _insert(self, part: LeafRows) -> DmlResult:
        source, context = self.source, self.source.context
        statement, leaf = source.statement, part.leaf
        rules = leaf_rules(statement.rules, leaf, part.attnums, context)
        batch = table_batch(leaf, part.values(self.values), len(part.positions))
        batch = with_generated(rules, leaf, batch, context)
        check_rows(rules, leaf, batch, context)
        refused = refused_by_view(rules, leaf, batch, context)
        row_ids = context.transaction.insert(leaf.oid, batch)
        if refused is not None:
            raise refused
        columns = {int(name): column for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        named = context.transaction.catalog.table(statement.target.table_oid)
        scan = _scan_below(statement.target, named, leaf, context)
        returned = scan_columns(scan, columns, row_ids, statement.returning)
        rows = pa.array(part.positions)
        assigned_count = len(statement.assignments)
        for place, column in enumerate(referenced_columns(statement.returning, scan.relation_id)):
            values = self.matches.values[assigned_count + place]
            returned[column.relation_id, column.position] = values.take(rows)
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
