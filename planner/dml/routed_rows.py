"""Statements of a partitioned table as statements of one of its leaves: what the leaf's columns, rules and keys are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from foundation.bitset import BoolMask
from foundation.errors import FeatureNotSupported, InternalError
from foundation.sqltypes import arrow_type
from planner import bound
from planner.dml.rows import RowIds, table_batch, take_rows
from planner.dml.rules import check_rows, first_misplaced_row, with_generated
from planner.partitions.routing import LeafRows, key_attnums_above, leaf_rows, misplaced_row
from planner.services import ExecutionContext
from storage.catalog import Catalog, Index, ReferentialAction, Table
from storage.partition_tree import foreign_keys_at

_WITHOUT_ACTION = {ReferentialAction.NO_ACTION, ReferentialAction.RESTRICT}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf below the table that a statement names, its attnums by those of that table, and what scans it."""

    table: Table
    attnums: dict[int, int]
    scan: bound.TableScan

    @classmethod
    def of(cls, named: bound.TableScan, scan: bound.TableScan, context: ExecutionContext) -> Leaf:
        """By its scan, whose columns are in the places of the named table's."""
        attnums = {
            column.attnum: own.attnum
            for column, own in zip(named.columns, scan.columns, strict=True)
            if column.attnum > 0
        }
        return cls(context.transaction.catalog.table(scan.table_oid), attnums, scan)


def routed(
    table: Table, values: Mapping[int, pa.Array], row_count: int, context: ExecutionContext
) -> list[LeafRows]:
    """Which leaf each of (row_count,) rows belongs to. Raises CheckViolation (23514) for a row of none."""
    complete = {**values}
    for column in table.live_columns():
        if column.attnum not in complete:
            complete[column.attnum] = pa.nulls(row_count, arrow_type(column.type))
    decode = context.storage.options.missing_value_decoder
    catalog = context.transaction.catalog
    return leaf_rows(catalog, table, complete, row_count, decode=decode, codecs=context.codecs)


def insert_into_leaf(
    statement: bound.Insert, table: Table, part: LeafRows, context: ExecutionContext
) -> bound.Insert:
    """An INSERT of a partitioned table as one of a leaf."""
    leaf = part.leaf
    columns = tuple(
        replace(column, attnum=part.attnums[column.attnum]) if column.attnum > 0 else column
        for column in statement.columns
    )
    conflict = statement.on_conflict
    if conflict is not None:
        catalog = context.transaction.catalog
        assignments = conflict.assignments
        if assignments is not None:
            assignments = tuple((part.attnums[attnum], value) for attnum, value in assignments)
        oids = tuple(leaf_index(catalog, oid, leaf.oid) for oid in conflict.index_oids)
        conflict = replace(conflict, index_oids=oids, assignments=assignments)
    return replace(
        statement,
        table_oid=leaf.oid,
        columns=columns,
        attnums=tuple(part.attnums[attnum] for attnum in statement.attnums),
        rules=leaf_rules(statement.rules, leaf, part.attnums, context),
        on_conflict=conflict,
    )


def leaf_rules(
    rules: bound.TableRules | None, leaf: Table, attnums: Mapping[int, int], context: ExecutionContext
) -> bound.TableRules | None:
    """The rules of a leaf, with what the views ask for through which the partitioned table was named."""
    own = context.session.table_rules(leaf.oid)
    if rules is None or rules.of_views is None:
        return own
    columns = tuple(
        replace(column, attnum=attnums[column.attnum]) if column.attnum > 0 else column
        for column in rules.of_views.columns
    )
    of_views = replace(rules.of_views, columns=columns)
    return replace(own or bound.TableRules(of_views.relation_id, columns), of_views=of_views)


def leaf_index(catalog: Catalog, index_oid: int, leaf_oid: int) -> int:
    """The part that an index of a partitioned table has in a leaf."""
    for index in catalog.indexes_of(leaf_oid):
        found: Index = index
        while found.parent_oid:
            if found.parent_oid == index_oid:
                return index.oid
            above = catalog.get(found.parent_oid)
            assert isinstance(above, Index), "an index is part of an index"
            found = above
    raise InternalError(f"index {index_oid} has no part in table {leaf_oid}")


@dataclass(frozen=True, slots=True)
class LeavingRows:
    """The rows of an update of one leaf that belong elsewhere with their new values.

    `goes` says which of the (n,) rows they are; `parts` are the leaves that they go to, and `values` all rows by the attnums of
    the table that the statement names.
    """

    goes: BoolMask
    parts: list[LeafRows]
    values: dict[int, pa.Array]


def leaving_rows(
    named: Table,
    below: Leaf,
    row_ids: RowIds,
    assigned_values: Mapping[int, pa.Array],
    context: ExecutionContext,
) -> LeavingRows | None:
    """Which rows of a leaf an update gives to other leaves; None for none.

    Args:
        named: the partitioned table that the statement is about.
        row_ids: (n,) rows of the leaf.
        assigned_values: their new values by the leaf's attnums.

    Raises:
        CheckViolation: 23514, a row belongs nowhere below the named table.
    """
    catalog = context.transaction.catalog
    changed = key_attnums_above(catalog, below.table)
    if not len(row_ids) or changed.isdisjoint(assigned_values):
        return None
    live = [column.attnum for column in below.table.live_columns()]
    stored = {**take_rows(context, below.table.oid, row_ids, live), **assigned_values}
    values = {attnum: stored[own] for attnum, own in below.attnums.items()}
    if named.parent_oid:
        rows = table_batch(named, values, len(row_ids))
        row = first_misplaced_row(named, rows, context)
        if row is not None:
            raise misplaced_row(named, rows.slice(row, 1), context.storage.options)
    parts = [
        part for part in routed(named, values, len(row_ids), context) if part.leaf.oid != below.table.oid
    ]
    goes = np.zeros(len(row_ids), dtype=np.bool_)
    for part in parts:
        goes[part.positions] = True
    if not parts:
        return None
    _check_not_acted_upon(catalog, below.table)
    return LeavingRows(goes, parts, values)


def _check_not_acted_upon(catalog: Catalog, leaf: Table) -> None:
    """A row that moves is deleted and inserted, which is no update to what references it by a table above."""
    for key in foreign_keys_at(catalog, leaf.oid):
        declared = catalog.get(key.oid)
        if declared != key and not {key.on_delete, key.on_update} <= _WITHOUT_ACTION:
            raise FeatureNotSupported(
                f'moving rows to another partition is not supported where foreign key "{key.name}" with an action'
                " references them"
            )


def arriving_rows(
    rules: bound.TableRules | None, part: LeafRows, values: Mapping[int, pa.Array], context: ExecutionContext
) -> tuple[bound.TableRules | None, pa.RecordBatch]:
    """Rows as a leaf stores them, checked, and the leaf's rules. Raises what its rules raise."""
    own = leaf_rules(rules, part.leaf, part.attnums, context)
    batch = table_batch(part.leaf, part.values(values), len(part.positions))
    batch = with_generated(own, part.leaf, batch, context)
    check_rows(own, part.leaf, batch, context)
    return own, batch


def moved_by_conflict() -> FeatureNotSupported:
    """PostgreSQL's refusal of ON CONFLICT DO UPDATE that gives a row to another partition."""
    return FeatureNotSupported(
        "invalid ON UPDATE specification",
        detail="The result tuple would appear in a different partition than the original tuple.",
    )
