"""INSERT: source rows as columns, defaults filled in, one insert into the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner import bound
from planner.dml.conflict import resolve_conflicts
from planner.dml.result import DmlResult, atomically
from planner.dml.returning import Columns, RowIds, returned_after, table_columns
from planner.dml.routed_rows import insert_into_leaf, moved_by_conflict, routed
from planner.dml.rows import assigned, table_batch
from planner.dml.rules import check_rows, refused_by_view, with_generated
from planner.evaluate import Frame, evaluate
from planner.partitions.routing import MisplacedRow
from planner.relational.constant_rows import constant_column
from planner.relational.expressions import is_foldable
from planner.services import ExecutionContext
from storage.catalog import Table


def run_insert(
    statement: bound.Insert, context: ExecutionContext, *, is_constant: bool | None = None
) -> DmlResult:
    """Insert the source's rows.

    Args:
        is_constant: what `has_constant_source` says, where somebody has asked it already.

    Raises:
        QuiverError: what the source raises; 22001, 22003, 22000 for values that do not fit; 23502, 23505, 23514;
            with ON CONFLICT as `resolve_conflicts`. Nothing of the statement stays then.
    """
    if is_constant is None:
        is_constant = has_constant_source(statement)

    def insert() -> DmlResult:
        source, row_count = _source_columns(statement, is_constant, context)
        return insert_source(statement, source, row_count, context)

    result = atomically(context, insert)
    if context.transaction.catalog.table(statement.table_oid).partition_key is None:
        _count(statement.table_oid, result, context)
    return result


def _count(table_oid: int, result: DmlResult, context: ExecutionContext) -> None:
    inserted = result.row_count - result.updated_count
    context.transaction.activity.count_changes(table_oid, inserted=inserted, updated=result.updated_count)


def has_constant_source(statement: bound.Insert) -> bool:
    """Whether the source is a VALUES list that is evaluated here, without ORDER BY or LIMIT."""
    source = statement.source
    if not isinstance(source, bound.Values):
        return False
    if source.order_by or source.limit is not None or source.offset is not None or source.ctes:
        return False
    return all(is_foldable(item) for row in source.rows for item in row)


def insert_source(
    statement: bound.Insert, source: Sequence[pa.Array], row_count: int, context: ExecutionContext
) -> DmlResult:
    """Insert rows whose source columns are computed: (row_count,) arrays, one an entry of `attnums`."""
    table = context.transaction.catalog.table(statement.table_oid)
    values: dict[int, pa.Array] = {}
    types = [column.type for column in bound.output_columns(statement.source)]
    for attnum, array, sql_type in zip(statement.attnums, source, types, strict=True):
        values[attnum] = assigned(array, sql_type, table.column_at(attnum).type, context)
    _fill_defaults(statement.defaults, table, values, row_count, context)
    if table.partition_key is not None:
        return _insert_routed(statement, table, values, row_count, context)
    return _insert_values(statement, table, values, row_count, context)


def _insert_routed(
    statement: bound.Insert,
    table: Table,
    values: dict[int, pa.Array],
    row_count: int,
    context: ExecutionContext,
) -> DmlResult:
    """Insert rows of a partitioned table into its leaves; RETURNING keeps their order as far as all are returned."""
    parts = routed(table, values, row_count, context)
    results = []
    for part in parts:
        changed = insert_into_leaf(statement, table, part, context)
        try:
            results.append(
                _insert_values(changed, part.leaf, part.values(values), len(part.positions), context)
            )
            _count(part.leaf.oid, results[-1], context)
        except MisplacedRow as error:
            if statement.on_conflict is None:
                raise
            raise moved_by_conflict() from error
    if not parts:
        return _insert_values(statement, table, values, 0, context)
    row_total = sum(result.row_count for result in results)
    batches = [batch for result in results for batch in result.returning]
    if len(parts) > 1 and batches and row_total == row_count:
        order = np.argsort(np.concatenate([part.positions for part in parts]))
        batches = pa.Table.from_batches(batches).take(pa.array(order)).combine_chunks().to_batches()
    return DmlResult(row_total, batches, sum(result.updated_count for result in results))


def _insert_values(
    statement: bound.Insert,
    table: Table,
    values: dict[int, pa.Array],
    row_count: int,
    context: ExecutionContext,
) -> DmlResult:
    """Insert rows into a table that has rows itself. `values` are the columns that are neither NULL nor generated."""
    batch = with_generated(statement.rules, table, table_batch(table, values, row_count), context)
    check_rows(statement.rules, table, batch, context, is_proposed=statement.on_conflict is not None)
    if statement.on_conflict is not None:
        return resolve_conflicts(statement, statement.on_conflict, table, batch, context)
    refused = refused_by_view(statement.rules, table, batch, context)

    def columns_of(row_ids: RowIds) -> Columns:
        stored = {int(name): column for name, column in zip(batch.schema.names, batch.columns)}
        return table_columns(
            statement.relation_id,
            statement.columns,
            stored,
            row_ids=row_ids,
            table_oid=table.oid,
            read_by=statement.returning,
        )

    def write() -> RowIds:
        row_ids = context.transaction.insert(table.oid, batch)
        if refused is not None:
            raise refused
        return row_ids

    returning = returned_after(statement.returning, columns_of, write, row_count, context)
    return DmlResult(row_count, returning)


def insert_columns(
    table: Table,
    values: dict[int, pa.Array],
    row_count: int,
    defaults: Sequence[tuple[int, bound.Expression]],
    context: ExecutionContext,
    *,
    rules: bound.TableRules | None = None,
) -> None:
    """Insert rows that are columns already, as COPY has them.

    Args:
        values: (row_count,) arrays of the columns' Arrow types by attnum.
        defaults: bound defaults of the columns that `values` leaves out; the others become NULL.

    Raises:
        NotNullViolation: 23502. CheckViolation: 23514. UniqueViolation: 23505.
    """
    values = dict(values)
    _fill_defaults(defaults, table, values, row_count, context)
    if table.partition_key is not None:
        for part in routed(table, values, row_count, context):
            rules = context.session.table_rules(part.leaf.oid)
            leaf_values = part.values(values)
            insert_columns(part.leaf, leaf_values, len(part.positions), (), context, rules=rules)
        return
    batch = with_generated(rules, table, table_batch(table, values, row_count), context)
    check_rows(rules, table, batch, context)
    context.transaction.insert(table.oid, batch)
    context.transaction.activity.count_changes(table.oid, inserted=row_count)


def _fill_defaults(
    defaults: Sequence[tuple[int, bound.Expression]],
    table: Table,
    values: dict[int, pa.Array],
    row_count: int,
    context: ExecutionContext,
) -> None:
    """Compute the defaults of the columns that are not given, anew for every row."""
    frame = Frame(row_count)
    for attnum, expression in defaults:
        if attnum not in values:
            array = evaluate(expression, frame, context)
            values[attnum] = assigned(array, expression.sql_type, table.column_at(attnum).type, context)


def _source_columns(
    statement: bound.Insert, is_constant: bool, context: ExecutionContext
) -> tuple[Sequence[pa.Array], int]:
    """The source's columns, complete: rows inserted by this statement must not be seen by its own source."""
    source = statement.source
    types = [column.type for column in bound.output_columns(source)]
    if is_constant and isinstance(source, bound.Values):
        columns = [
            constant_column([row[i] for row in source.rows], sql_type, context)
            for i, sql_type in enumerate(types)
        ]
        return columns, len(source.rows)
    if statement.ctes:
        source = replace(source, ctes=(*statement.ctes, *source.ctes))
    batches = list(_query_batches(source, context))
    row_count = sum(batch.num_rows for batch in batches)
    if not batches:
        return [pa.nulls(0, arrow_type(sql_type)) for sql_type in types], 0
    merged = pa.Table.from_batches(batches).combine_chunks()
    return [merged.column(i).combine_chunks() for i in range(len(types))], row_count


def _query_batches(source: bound.Query, context: ExecutionContext) -> Sequence[pa.RecordBatch]:
    """Rows of INSERT ... SELECT, by whichever executor the planner chooses for the query."""
    from planner.planning import plan_statement

    return list(plan_statement(source).execute(context).batches())
