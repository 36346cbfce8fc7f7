"""Statements over partitioned tables as statements over their partitions.

Wherever a query reads a partitioned table, the union of the partitions that its conditions leave takes the table's place, under
the table's relation id and with its columns in their places, so that nothing else of the statement changes:

    one partition     the partition itself: the statement runs as if it had named it
    several           (SELECT columns FROM p1 WHERE ... UNION ALL SELECT ...), the conditions inside
    none              no rows
    ORDER BY, LIMIT   each partition gives its first rows (a vector search each, where the order is a distance), the best of
                      all are kept

Conditions are those of WHERE that read the table alone. It is done when a statement runs, because parameters decide, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from foundation.sqltypes import BOOL, INT8
from planner import bound
from planner.dml.matching import scan_with_row_id
from planner.evaluate import is_native
from planner.evaluate.coverage import read_relations
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.functions.signature import FunctionKind
from planner.limits import row_range
from planner.partitions.partition_map import partition_map
from planner.partitions.pruning import remaining
from planner.pulled_up import pulled_up
from planner.relational.pushdown import Pushdown, filterable_scans, single_relation
from planner.relational.statement import is_volatile
from planner.services import ExecutionContext
from planner.vector.recognise import resolved_key
from storage.catalog import Table
from storage.partition_tree import attnums_below

_T = TypeVar("_T")
Conditions = Sequence[bound.Expression]


def reads_partitions(statement: Any) -> bool:
    """Whether a statement reads or changes a partitioned table by its partitions."""
    return any(isinstance(node, bound.TableScan) and node.reads_partitions for node in bound.walk(statement))


def over_partitions(node: _T, context: ExecutionContext) -> _T:
    """A query, or a relation of a data change, over the partitions themselves."""
    return _Expansion.of(context, node).expanded(node, node)


def remaining_scans(
    scan: bound.TableScan, conditions: Conditions, context: ExecutionContext
) -> list[bound.TableScan]:
    """Scans of the leaves of a partitioned table that may have rows for which all conditions are TRUE.

    Each has the relation id of the table's scan, and the columns in the same places.
    """
    catalog, decode = context.transaction.catalog, context.storage.options.missing_value_decoder
    table = catalog.table(scan.table_oid)
    if table.partition_key is None:
        return [replace(scan, reads_partitions=False)]
    divided = partition_map(catalog, table, decode)
    mask = remaining(divided, scan, conditions, context)
    found: list[bound.TableScan] = []
    for partition, is_left in zip(divided.partitions, mask, strict=True):
        if is_left:
            found += remaining_scans(scan_of_partition(scan, table, partition), conditions, context)
    return found


def rows_with_places(
    scan: bound.TableScan,
    leaves: Sequence[bound.TableScan],
    conditions: Conditions,
    statement: Any,
    context: ExecutionContext,
) -> tuple[bound.SubqueryScan, bound.ColumnRef, bound.ColumnRef]:
    """The rows of leaves as one relation in a table's place, with two more columns: the row id, and the place of the leaf.

    Args:
        leaves: what `remaining_scans` gives of the scan.
        statement: all that may read the columns.
    """
    expansion = _Expansion.of(context, statement)
    used = _used_positions(statement, scan.relation_id)
    branches: list[bound.Query] = []
    for place, leaf in enumerate(leaves):
        branch = expansion.branch(leaf, place + 1, conditions, used)
        own, row_id = scan_with_row_id(_scan_of(branch))
        here = bound.Target(bound.Constant(place, INT8), "leaf")
        targets = (*branch.targets, bound.Target(row_id, "row_id"), here)
        branches.append(replace(branch, targets=targets, from_=own))
    width = len(scan.columns)
    columns = (*scan.columns, bound.RelationColumn("row_id", INT8), bound.RelationColumn("leaf", INT8))
    query = _union(branches) if branches else _no_rows(columns)
    source = bound.SubqueryScan(scan.relation_id, query, scan.alias, columns)
    row_id = bound.ColumnRef(scan.relation_id, width, "row_id", INT8)
    return source, row_id, bound.ColumnRef(scan.relation_id, width + 1, "leaf", INT8)


def _scan_of(branch: bound.Select) -> bound.TableScan:
    assert isinstance(branch.from_, bound.TableScan), "a branch reads one leaf"
    return branch.from_


def scan_of_partition(scan: bound.TableScan, table: Table, partition: Table) -> bound.TableScan:
    """A table's scan as one of a table below it."""
    attnums = attnums_below(table, partition)
    columns = tuple(
        replace(column, attnum=attnums[column.attnum]) if column.attnum > 0 else column
        for column in scan.columns
    )
    return replace(scan, table_oid=partition.oid, columns=columns)


def own_conditions(where: bound.Expression | None, relation_id: int) -> list[bound.Expression]:
    """The conjuncts that read one relation alone and may be evaluated before all others."""
    return [
        part
        for part in conjuncts(where)
        if single_relation(part) == relation_id and is_native(part) and not is_volatile(part)
    ]


@dataclass(slots=True)
class _Expansion:
    context: ExecutionContext
    ids: Iterator[int]

    @classmethod
    def of(cls, context: ExecutionContext, statement: Any) -> _Expansion:
        """With relation ids that the statement does not have."""
        ids = (getattr(part, "relation_id", 0) for part in bound.walk(statement))
        return cls(context, itertools.count(max(ids, default=0) + 1))

    def expanded(self, node: _T, scope: Any) -> _T:
        """The node with its partitioned tables replaced; `scope` is all that may read the columns of one."""

        def change(part: Any) -> Any:
            if isinstance(part, bound.Select):
                # A plain sub-select or view stands between conditions and the table that they are about.
                select = part if part.locks or part.ctes else pulled_up(part)
                if _partitioned(select.from_):
                    return self._select(select)
            if isinstance(part, bound.TableScan) and part.reads_partitions:
                return self._relation(part, (), scope)
            return None

        return rewrite(node, change)

    def _select(self, select: bound.Select) -> bound.Select:
        sorted_ = self._first_rows(select)
        if sorted_ is not None:
            return self.expanded(sorted_, sorted_)
        scans = filterable_scans(select.from_, Pushdown())
        conditions = {
            scan.relation_id: own_conditions(select.where, scan.relation_id)
            for scan in _partitioned(select.from_)
            if scan.relation_id in scans
        }
        moved = {id(part) for parts in conditions.values() for part in parts}
        rest = tuple(part for part in conjuncts(select.where) if id(part) not in moved)
        select = replace(select, where=conjunction(rest) if rest else None)

        def change(part: Any) -> Any:
            if isinstance(part, bound.TableScan) and part.reads_partitions:
                return self._relation(part, conditions.get(part.relation_id, ()), select)
            return part if isinstance(part, bound.SubqueryScan) else None

        found = rewrite(select.from_, change)
        select = _with_single_filters(replace(select, from_=found), conditions)
        return self.expanded(self._with_locks(select), select)

    def _relation(
        self, scan: bound.TableScan, conditions: Conditions, scope: Any
    ) -> bound.TableScan | bound.SubqueryScan:
        scans = remaining_scans(scan, conditions, self.context)
        if len(scans) == 1:
            return scans[0]
        used = _used_positions(scope, scan.relation_id)
        branches: list[bound.Query] = [
            self.branch(leaf, number, conditions, used) for number, leaf in enumerate(scans, 1)
        ]
        query = _union(branches) if branches else _no_rows(scan.columns)
        return bound.SubqueryScan(scan.relation_id, query, scan.alias, scan.columns)

    def branch(
        self, scan: bound.TableScan, number: int, conditions: Conditions, used: set[int]
    ) -> bound.Select:
        """SELECT of one leaf: its columns as far as they are used, its rows as far as they pass the conditions."""
        leaf, moved = self._renumbered(scan, number)
        targets = tuple(
            bound.Target(
                bound.ColumnRef(leaf.relation_id, place, column.name, column.type)
                if place in used
                else bound.Constant(None, column.type),
                column.name,
            )
            for place, column in enumerate(leaf.columns)
        )
        where = tuple(moved(part) for part in conditions)
        return bound.Select(targets, leaf, where=conjunction(where) if where else None)

    def _renumbered(self, scan: bound.TableScan, number: int) -> tuple[bound.TableScan, Any]:
        """A scan under an id of its own, and what makes expressions over the old one read it."""
        relation_id = next(self.ids)

        def moved(node: Any) -> Any:
            return rewrite(node, change)

        def change(part: Any) -> Any:
            if isinstance(part, bound.ColumnRef) and part.relation_id == scan.relation_id:
                return replace(part, relation_id=relation_id)
            return None

        return replace(scan, relation_id=relation_id, alias=f"{scan.alias}_{number}"), moved

    # -- ORDER BY ... LIMIT

    def _first_rows(self, select: bound.Select) -> bound.Select | None:
        """The SELECT over the first rows of each partition; None where they would not be enough, or are not needed."""
        scan = select.from_
        if not isinstance(scan, bound.TableScan) or not _is_sorted_cut(select):
            return None
        keys = tuple(resolved_key(key, select) for key in select.order_by)
        where = own_conditions(select.where, scan.relation_id)
        if len(where) < len(conjuncts(select.where)) or not all(_reads_only(k, scan) for k in keys):
            return None
        scans = remaining_scans(scan, where, self.context)
        stop = row_range(select.limit, select.offset, self.context).stop
        if len(scans) < 2 or stop is None:
            return None
        places = {key.expression: len(scan.columns) + place for place, key in enumerate(keys)}

        def known(node: Any) -> Any:
            if isinstance(node, bound.Expression) and node in places:
                return bound.ColumnRef(scan.relation_id, places[node], "sort_key", node.sql_type)
            return None

        outer = rewrite(replace(select, from_=None, where=None, order_by=keys), known)
        used = _used_positions(outer, scan.relation_id)
        limit = bound.Constant(stop, INT8)
        branches: list[bound.Query] = [
            self._sorted_branch(leaf, number, (where, keys), used, limit)
            for number, leaf in enumerate(scans, 1)
        ]
        columns = (
            *scan.columns,
            *(bound.RelationColumn("sort_key", key.expression.sql_type) for key in keys),
        )
        return replace(
            outer, from_=bound.SubqueryScan(scan.relation_id, _union(branches), scan.alias, columns)
        )

    def _sorted_branch(
        self,
        scan: bound.TableScan,
        number: int,
        parts: tuple[Conditions, tuple[bound.SortKey, ...]],
        used: set[int],
        limit: bound.Expression,
    ) -> bound.Select:
        """SELECT * of a sub-select that sorts and cuts: where that is a vector search it runs as an island."""
        where, keys = parts
        plain = self.branch(scan, number, where, used)
        leaf = plain.from_
        assert isinstance(leaf, bound.TableScan)

        def change(part: Any) -> Any:
            if isinstance(part, bound.ColumnRef) and part.relation_id == scan.relation_id:
                return replace(part, relation_id=leaf.relation_id)
            return None

        moved = tuple(rewrite(key, change) for key in keys)
        targets = (*plain.targets, *(bound.Target(key.expression, "sort_key") for key in moved))
        search = replace(plain, targets=targets, order_by=moved, limit=limit)
        columns = bound.output_columns(search)
        outer_id = next(self.ids)
        shown = tuple(
            bound.Target(bound.ColumnRef(outer_id, place, column.name, column.type), column.name)
            for place, column in enumerate(columns)
        )
        return bound.Select(shown, bound.SubqueryScan(outer_id, search, leaf.alias, columns))

    # -- FOR UPDATE

    def _with_locks(self, select: bound.Select) -> bound.Select:
        """Locks of a partitioned table as one of each leaf: the union tells the row ids of each in a column of its own."""
        if not select.locks:
            return select
        relations = {relation.relation_id: relation for relation in _items(select.from_)}
        locks: list[bound.RowLock] = []
        widened: dict[int, bound.SubqueryScan] = {}
        for lock in select.locks:
            relation = relations.get(lock.relation_id)
            if isinstance(relation, bound.TableScan):
                locks.append(replace(lock, table_oid=relation.table_oid))
            elif isinstance(relation, bound.SubqueryScan):
                widened[lock.relation_id], own = _with_row_ids(relation, lock)
                locks += own

        def change(node: Any) -> Any:
            return widened.get(node.relation_id, node) if isinstance(node, bound.SubqueryScan) else None

        return replace(select, from_=rewrite(select.from_, change), locks=tuple(locks))


def _with_row_ids(
    relation: bound.SubqueryScan, lock: bound.RowLock
) -> tuple[bound.SubqueryScan, list[bound.RowLock]]:
    branches = _branches(relation.query)
    width = len(relation.columns)
    scans = [branch.from_ for branch in branches]
    widened: list[bound.Query] = []
    locks = []
    for place, (branch, scan) in enumerate(zip(branches, scans, strict=True)):
        if not isinstance(scan, bound.TableScan):
            return relation, []
        own, row_id = scan_with_row_id(scan)
        ids: list[bound.Expression] = [bound.Constant(None, INT8)] * len(scans)
        ids[place] = row_id
        targets = (*branch.targets, *(bound.Target(each, "row_id") for each in ids))
        widened.append(replace(branch, targets=targets, from_=own))
        here = bound.ColumnRef(relation.relation_id, width + place, "row_id", INT8)
        locks.append(replace(lock, table_oid=scan.table_oid, row_id=here))
    columns = (*relation.columns, *[bound.RelationColumn("row_id", INT8)] * len(scans))
    return replace(relation, query=_union(widened), columns=columns), locks


def _branches(query: bound.Query) -> list[bound.Select]:
    """The queries of a union that `_union` has made."""
    if isinstance(query, bound.SetOperation):
        return [*_branches(query.left), *_branches(query.right)]
    assert isinstance(query, bound.Select)
    return [query]


def _items(relation: bound.Relation | None) -> Iterator[Any]:
    if isinstance(relation, bound.Join):
        yield from _items(relation.left)
        yield from _items(relation.right)
    elif relation is not None:
        yield relation


def _partitioned(relation: bound.Relation | None) -> list[bound.TableScan]:
    return [r for r in _items(relation) if isinstance(r, bound.TableScan) and r.reads_partitions]


def _with_single_filters(select: bound.Select, conditions: dict[int, list[bound.Expression]]) -> bound.Select:
    """Conditions of a table of which one partition is left go back to WHERE, where a table's conditions are."""
    single = [r.relation_id for r in _items(select.from_) if isinstance(r, bound.TableScan)]
    parts = [part for relation_id in single for part in conditions.get(relation_id, ())]
    parts += conjuncts(select.where)
    return replace(select, where=conjunction(tuple(parts)) if parts else None)


def _used_positions(scope: Any, relation_id: int) -> set[int]:
    return {
        node.position
        for node in bound.walk(scope)
        if isinstance(node, bound.ColumnRef) and node.relation_id == relation_id
    }


def _union(branches: list[bound.Query]) -> bound.Query:
    """UNION ALL as a balanced tree, so that a thousand partitions nest ten deep."""
    if len(branches) == 1:
        return branches[0]
    middle = len(branches) // 2
    left, right = _union(branches[:middle]), _union(branches[middle:])
    return bound.SetOperation(bound.SetOperator.UNION, True, left, right)


def _no_rows(columns: Sequence[bound.RelationColumn]) -> bound.Select:
    targets = tuple(bound.Target(bound.Constant(None, column.type), column.name) for column in columns)
    return bound.Select(targets, where=bound.Constant(False, BOOL))


def _is_sorted_cut(select: bound.Select) -> bool:
    """ORDER BY and LIMIT over rows as they are: no groups, and each row of the table is one of the result."""
    if not select.order_by or select.limit is None or select.locks or select.ctes:
        return False
    if select.group_by or select.having is not None or select.is_distinct or select.distinct_on:
        return False
    for node in itertools.chain.from_iterable(map(bound.walk, select.targets)):
        if isinstance(node, bound.Aggregate | bound.WindowCall | bound.Subquery):
            return False
        if isinstance(node, bound.Call) and node.function.kind is FunctionKind.SET:
            return False
    return True


def _reads_only(key: bound.SortKey, scan: bound.TableScan) -> bool:
    expression = key.expression
    is_plain = is_native(expression) and not is_volatile(expression)
    return is_plain and read_relations(expression) == {scan.relation_id}
