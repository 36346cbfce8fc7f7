"""Grouping keys that other keys decide, so that rows are not grouped by them: as PostgreSQL leaves them out.

`GROUP BY c_custkey, c_name, c_comment` of a table with the primary key c_custkey makes the groups that c_custkey makes, and
long texts cost more than all else. A primary key decides the columns of its table, and a column decides those that WHERE
or an inner join says it is equal to: with `c_nationkey = n_nationkey` the name of the nation is decided, too. PostgreSQL's
remove_useless_groupby_columns() (src/backend/optimizer/plan/planner.c) knows the first of these.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner import bound
from planner.relational.join_reduction import EqualColumns, equal_columns, joined_conditions
from planner.relational.scanned_rows import Column
from storage.catalog import Catalog


def decided_keys(
    query: bound.Select,
    where: bound.Expression | None,
    scans: Iterable[bound.TableScan],
    catalog: Catalog,
) -> frozenset[bound.Expression]:
    """Keys of a GROUP BY that have one value in each group of the other keys.

    Args:
        where: the conditions of the query that were not taken out of it as filters.
        scans: the tables of its FROM whose rows are those of storage.
    """
    keys = _plain_keys(query)
    identities = [
        (frozenset(identity), scan) for scan in scans if (identity := _primary_key(scan, catalog)) is not None
    ]
    if len(keys) < 2 or not identities:
        return frozenset()
    scanned = frozenset(scan.relation_id for _, scan in identities)
    equal = equal_columns(joined_conditions(query.from_, where), scanned)
    decided: set[bound.Expression] = set()
    left = dict.fromkeys(keys)
    for column, node in reversed(keys.items()):
        others = left.keys() - {column}
        if column in _closure(others, identities, equal):
            decided.add(node)
            del left[column]
    return frozenset(decided)


def _plain_keys(query: bound.Select) -> dict[Column, bound.ColumnRef]:
    """The keys that are columns, those that may decide others first; {} where each of them has to be printed as a key."""
    if len(query.group_by) != 1:
        return {}
    shown = (query.targets, query.having, query.order_by, query.distinct_on)
    kept = bound.Subquery | bound.WindowCall | bound.Grouping
    for part in shown:
        for item in part if isinstance(part, tuple) else (part,):
            if item is not None and any(isinstance(node, kept) for node in bound.walk(item)):
                return {}
    columns = [key for key in query.group_by[0].expressions if isinstance(key, bound.ColumnRef)]
    return {(key.relation_id, key.position): key for key in columns}


def _primary_key(scan: bound.TableScan, catalog: Catalog) -> list[Column] | None:
    """The columns of a key that is never checked late, as those of the scan."""
    primary = catalog.primary_key_of(scan.table_oid)
    if primary is None or primary.is_deferrable:
        return None
    positions = {column.attnum: position for position, column in enumerate(scan.columns)}
    return [(scan.relation_id, positions[attnum]) for attnum in primary.key_attnums()]


def _closure(
    columns: Iterable[Column],
    identities: list[tuple[frozenset[Column], bound.TableScan]],
    equal: list[EqualColumns],
) -> set[Column]:
    """The columns that some columns decide (Armstrong's axioms)."""
    decided = set(columns)
    while True:
        count = len(decided)
        for same in equal:
            if not decided.isdisjoint(same.columns):
                decided |= same.columns.keys()
        for identity, scan in identities:
            if identity <= decided:
                decided |= {(scan.relation_id, position) for position in range(len(scan.columns))}
        if len(decided) == count:
            return decided
