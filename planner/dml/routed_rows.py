"""Statements of a partitioned table as statements of one of its leaves: what the leaf's columns, rules and keys are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from foundation.errors import FeatureNotSupported, InternalError
from foundation.sqltypes import arrow_type
from planner import bound
from planner.partitions.routing import LeafRows, leaf_rows
from planner.services import ExecutionContext
from storage.catalog import Catalog, Index, Table


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


def moved_by_conflict() -> FeatureNotSupported:
    """PostgreSQL's refusal of ON CONFLICT DO UPDATE that gives a row to another partition."""
    return FeatureNotSupported(
        "invalid ON UPDATE specification",
        detail="The result tuple would appear in a different partition than the original tuple.",
    )
