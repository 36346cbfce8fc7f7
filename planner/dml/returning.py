"""RETURNING: expressions over the rows a statement wrote or removed.

The rows are Arrow columns keyed by (relation id, position). Native expressions are evaluated on them; anything
else (sub-queries) becomes a relational query over the same columns as one registered table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import INT8, SqlType, arrow_type
from planner import bound
from planner.evaluate import Frame, evaluate, is_native
from planner.evaluate.system_columns import CTID, TABLEOID, XMAX, XMIN, ctid_text, no_xmax, xmin_values
from planner.functions.signature import Function
from planner.relational.execution import record_batch, run_query
from planner.services import ExecutionContext

_RETURNED_RELATION = 1_000_000
_ORDER_RELATION = 1_000_001
"""Above every relation id of a bound statement."""

Columns = Mapping[tuple[int, int], pa.Array]
RowIds = npt.NDArray[np.uint64]


def table_columns(
    relation_id: int,
    columns: Sequence[bound.RelationColumn],
    values: Mapping[int, pa.Array],
    *,
    row_ids: RowIds,
    table_oid: int,
    read_by: Sequence[Any],
) -> dict[tuple[int, int], pa.Array]:
    """The columns of a table that expressions read, from arrays by attnum and the rows' ids.

    Args:
        relation_id: what the table is called in the expressions, `columns` its columns there.
        read_by: the expressions, or nodes around them. Making a ctid costs more than all else of a small statement.
    """
    positions = {
        node.position
        for part in read_by
        for node in bound.walk(part)
        if isinstance(node, bound.ColumnRef) and node.relation_id == relation_id
    }
    found: dict[tuple[int, int], pa.Array] = {}
    for position in positions:
        column = columns[position]
        if column.attnum == CTID:
            array = ctid_text(row_ids)
        elif column.attnum == XMIN:
            array = xmin_values(row_ids)
        elif column.attnum == TABLEOID:
            array = pa.array(np.full(len(row_ids), table_oid, dtype=np.uint32))
        elif column.attnum in values:
            array = values[column.attnum]
        elif column.attnum == XMAX:
            array = no_xmax(len(row_ids))
        else:
            continue
        found[relation_id, position] = array
    return found


def scan_columns(
    scan: bound.TableScan, values: Mapping[int, pa.Array], row_ids: RowIds, read_by: Sequence[Any]
) -> dict[tuple[int, int], pa.Array]:
    """`table_columns` of the table that an UPDATE or DELETE is about."""
    return table_columns(
        scan.relation_id, scan.columns, values, row_ids=row_ids, table_oid=scan.table_oid, read_by=read_by
    )


def referenced_columns(targets: Sequence[bound.Target], relation_id: int) -> list[bound.ColumnRef]:
    """Distinct columns of relations other than the target's that RETURNING reads."""
    inner = {
        node.relation_id for target in targets for node in bound.walk(target) if hasattr(node, "relation_id")
        and not isinstance(node, bound.ColumnRef)
    }  # fmt: skip
    found: dict[tuple[int, int], bound.ColumnRef] = {}
    for target in targets:
        for node in bound.walk(target):
            if isinstance(node, bound.ColumnRef) and node.relation_id not in inner | {relation_id}:
                found.setdefault((node.relation_id, node.position), node)
    return list(found.values())


def read_columns(targets: Sequence[bound.Target], scan: bound.TableScan) -> frozenset[int]:
    """Attnums of the target table's columns that RETURNING reads."""
    return frozenset(
        scan.columns[node.position].attnum
        for target in targets
        for node in bound.walk(target)
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id
    )


def returned_after(
    targets: Sequence[bound.Target],
    columns_of: Callable[[RowIds], Columns],
    write: Callable[[], RowIds],
    row_count: int,
    context: ExecutionContext,
) -> list[pa.RecordBatch]:
    """Write rows and evaluate RETURNING over them.

    A sub-query in RETURNING sees the table as it was before the statement, so it is evaluated before the write;
    the new rows' system columns are not known then and read as row id 0.
    """
    if all(is_native(target.expression) for target in targets):
        row_ids = write()
        return returned_rows(targets, columns_of(row_ids) if targets else {}, row_count, context)
    before = columns_of(np.zeros(row_count, dtype=np.uint64))
    returning = returned_rows(targets, before, row_count, context)
    write()
    return returning


def returned_rows(
    targets: Sequence[bound.Target], columns: Columns, row_count: int, context: ExecutionContext
) -> list[pa.RecordBatch]:
    """Evaluate RETURNING over `row_count` rows; columns c0, c1, ... of the targets' types."""
    if not targets:
        return []
    types = [target.expression.sql_type for target in targets]
    schema = pa.schema([(f"c{i}", arrow_type(sql_type)) for i, sql_type in enumerate(types)])
    if all(is_native(target.expression) for target in targets):
        frame = Frame(row_count, dict(columns))
        arrays = [evaluate(target.expression, frame, context) for target in targets]
        return [record_batch(arrays, schema, row_count)]
    query, given = _as_query(targets, columns, row_count)
    return list(run_query(query, context, given))


def row_by_row(
    expressions: Sequence[bound.Expression],
    columns: Columns,
    row_count: int,
    context: ExecutionContext,
    *,
    ctes: tuple[bound.Cte, ...] = (),
) -> list[pa.Array]:
    """One (row_count,) array per expression over the given rows, in their order; sub-queries see the snapshot."""
    if not row_count:
        return [pa.nulls(0, arrow_type(expression.sql_type)) for expression in expressions]
    if not ctes and all(is_native(expression) for expression in expressions):
        frame = Frame(row_count, dict(columns))
        return [evaluate(expression, frame, context) for expression in expressions]
    # A join with a sub-query keeps no order, so each row carries its place.
    place = bound.ColumnRef(_ORDER_RELATION, 0, "place", INT8)
    ordered = {**columns, (_ORDER_RELATION, 0): pa.array(np.arange(row_count, dtype=np.int64))}
    targets = [bound.Target(place, "place"), *(bound.Target(e, "value") for e in expressions)]
    query, given = _as_query(targets, ordered, row_count)
    table = pa.Table.from_batches(run_query(replace(query, ctes=ctes), context, given)).combine_chunks()
    order = pa.array(np.argsort(table.column(0).to_numpy()), pa.int64())
    return [table.column(i + 1).take(order).combine_chunks() for i in range(len(expressions))]


def _as_query(
    targets: Sequence[bound.Target], columns: Columns, row_count: int
) -> tuple[bound.Select, dict[int, pa.Table]]:
    """RETURNING as a SELECT over the rows as one given table."""
    used: dict[tuple[int, int], tuple[int, bound.ColumnRef]] = {}
    for target in targets:
        for node in bound.walk(target):
            if isinstance(node, bound.ColumnRef) and (node.relation_id, node.position) in columns:
                used.setdefault((node.relation_id, node.position), (len(used), node))

    def renamed(node: bound.ColumnRef) -> bound.ColumnRef:
        known = used.get((node.relation_id, node.position))
        return node if known is None else replace(node, relation_id=_RETURNED_RELATION, position=known[0])

    scan_columns = tuple(bound.RelationColumn(node.name, node.type) for _, node in used.values())
    scan = bound.TableScan(_RETURNED_RELATION, 0, "returned", scan_columns)
    query = bound.Select(tuple(replace_columns(target, renamed) for target in targets), scan)
    arrays = [columns[key] for key in used] or [pa.nulls(row_count)]
    table = pa.Table.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])
    return query, {_RETURNED_RELATION: table}


def replace_columns(node: Any, change: Any) -> Any:
    """A copy of a tree with every ColumnRef replaced by `change(reference)`."""
    if isinstance(node, bound.ColumnRef):
        return change(node)
    if isinstance(node, tuple):
        return tuple(replace_columns(item, change) for item in node)
    if not is_dataclass(node) or isinstance(node, SqlType | Function | type):
        return node
    values = {spec.name: getattr(node, spec.name) for spec in fields(node)}
    changed = {name: replace_columns(value, change) for name, value in values.items()}
    return replace(node, **changed)
