"""ORDER BY distance LIMIT over joins and windows: the nearest rows of one table are found first, then joined.

`SELECT ... FROM items i JOIN sections s ON s.id = i.section WHERE s.name = 'python' ORDER BY i.embedding <-> $1 LIMIT 10`
needs no distance of a row that is not among the ten nearest with a partner: each of the ten gives at least one row of
the join. So the scan of `items` is replaced by a vector island over the rows that have partners,

    SELECT * FROM items i WHERE i.section IN (SELECT s.id FROM sections s WHERE s.name = 'python')
    ORDER BY i.embedding <-> $1 LIMIT 10

and the query stays as it is around it. Where a foreign key leads to the partners and nothing else is asked of them, IS NOT
NULL says enough. An outer join that keeps the rows of `items` asks for no partner. row_number, rank and
dense_rank over the query's own order have the same values over its first rows as over all. What does not fit, or joins
a table so large that its keys are better hashed by DuckDB, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from foundation.sqltypes import BOOL
from planner import bound
from planner.evaluate.coverage import read_relations
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.functions.implementations_compare import is_hashed
from planner.functions.signature import FunctionKind
from planner.relational.statement import is_volatile
from planner.services import ExecutionContext
from planner.vector import try_island
from planner.vector.recognise import resolved_key, vector_order
from storage.catalog import Catalog, ForeignKey

PARTNER_ROWS_MAX = 200_000
"""Rows of the joined tables up to which their keys are listed."""

_PREFIX_WINDOWS = frozenset(("row_number", "rank", "dense_rank"))


class _DoesNotFitError(Exception):
    """The query has another shape."""


@dataclass(slots=True)
class _Partners:
    """A part of FROM that rows of the ordered table must have a partner in."""

    relation: bound.Relation
    conditions: list[bound.Expression] = field(default_factory=list)
    links: list[bound.Call] = field(default_factory=list)

    @property
    def relation_ids(self) -> frozenset[int]:
        return frozenset(_scan_ids(self.relation))


def with_early_topk(query: bound.Select, context: ExecutionContext) -> bound.Select:
    """The query over a vector island in place of the table it orders by; itself where that is not the same."""
    if not query.order_by or not _is_plain(query):
        return query
    limit = _island_limit(query)
    keys = tuple(resolved_key(key, query) for key in query.order_by)
    scan = _ordered_scan(query.from_, keys[0])
    if limit is None or scan is None or not _fits(query, keys, scan):
        return query
    try:
        where = _island_condition(query, scan, context)
    except _DoesNotFitError:
        return query
    island = bound.Select(_used_targets(query, scan), scan, where, order_by=keys, limit=limit)
    if try_island(island) is None:
        return query
    found = bound.SubqueryScan(scan.relation_id, island, scan.alias, scan.columns)
    return replace(query, from_=_replaced(query.from_, scan, found))


def _is_plain(query: bound.Select) -> bool:
    grouped = query.group_by or query.having is not None
    return not (grouped or query.is_distinct or query.distinct_on or query.locks)


def _island_limit(query: bound.Select) -> bound.Expression | None:
    """LIMIT and OFFSET together; None where they are not known beforehand."""
    limit, offset = query.limit, query.offset
    if isinstance(limit, bound.CastExpression):
        limit = limit.argument
    if limit is None or not isinstance(limit, bound.Constant | bound.Parameter):
        return None
    if offset is None:
        return query.limit
    if not isinstance(limit, bound.Constant) or not isinstance(offset, bound.Constant):
        return None
    values = (limit.value, offset.value)
    return bound.Constant(sum(values), limit.type) if all(isinstance(v, int) for v in values) else None


def _ordered_scan(relation: bound.Relation | None, key: bound.SortKey) -> bound.TableScan | None:
    ids = {part.relation_id for part in bound.walk(key.expression) if isinstance(part, bound.ColumnRef)}
    return next(
        (
            scan
            for scan in _scans(relation)
            if isinstance(scan, bound.TableScan) and scan.relation_id in ids and vector_order(key, scan)
        ),
        None,
    )


def _fits(query: bound.Select, keys: Sequence[bound.SortKey], scan: bound.TableScan) -> bool:
    """Whether the order reads the scan alone, and what is selected is the same over the first rows."""
    if not all(read_relations(key.expression) <= {scan.relation_id} for key in keys):
        return False
    for target in query.targets:
        for node in _outside_subqueries(target.expression):
            if isinstance(node, bound.Aggregate | bound.Grouping):
                return False
            if isinstance(node, bound.Call) and node.function.kind is FunctionKind.SET:
                return False
            if isinstance(node, bound.WindowCall) and not _is_prefix_window(node, keys):
                return False
    return True


def _is_prefix_window(call: bound.WindowCall, keys: Sequence[bound.SortKey]) -> bool:
    is_same_order = call.order_by == tuple(keys) and not call.partition_by and call.filter is None
    return is_same_order and call.function.name in _PREFIX_WINDOWS


def _island_condition(
    query: bound.Select, scan: bound.TableScan, context: ExecutionContext
) -> bound.Expression | None:
    """What makes a row of the scan one that the FROM and WHERE keep."""
    partners: list[_Partners] = []
    conditions = list(conjuncts(query.where))
    _collect(query.from_, scan, partners, conditions)
    kept: list[bound.Expression] = []
    for condition in conditions:
        if is_volatile(condition):
            raise _DoesNotFitError
        ids = read_relations(condition)
        if not ids <= {scan.relation_id, *(i for part in partners for i in part.relation_ids)}:
            raise _DoesNotFitError  # an outer query's column, or one that an outer join may make NULL
        others = ids - {scan.relation_id}
        if not others:
            kept.append(condition)
            continue
        part = _merged(partners, others)
        if scan.relation_id not in ids:
            part.conditions.append(condition)
        elif isinstance(condition, bound.Call) and condition.operator == "=":
            part.links.append(condition)
        else:
            raise _DoesNotFitError
    kept += [_has_partner(part, scan, context) for part in partners]
    return conjunction(tuple(kept)) if kept else None


def _collect(
    relation: bound.Relation | None,
    scan: bound.TableScan,
    partners: list[_Partners],
    conditions: list[bound.Expression],
) -> None:
    """Walk down to the scan: what is joined on the way, and under which conditions."""
    if relation == scan:
        return
    if not isinstance(relation, bound.Join):
        raise _DoesNotFitError
    is_left = scan.relation_id in _scan_ids(relation.left)
    inside, other = (relation.left, relation.right) if is_left else (relation.right, relation.left)
    if relation.kind in (bound.JoinKind.INNER, bound.JoinKind.CROSS):
        if any(getattr(part, "is_lateral", False) for part in _scans(other)) or any(
            isinstance(part, bound.FunctionScan) for part in _scans(other)
        ):
            raise _DoesNotFitError
        partners.append(_Partners(other))
        conditions += conjuncts(relation.condition)
    elif relation.kind is not (bound.JoinKind.LEFT if is_left else bound.JoinKind.RIGHT):
        raise _DoesNotFitError
    _collect(inside, scan, partners, conditions)


def _merged(partners: list[_Partners], ids: set[int]) -> _Partners:
    """The partners that a condition reads, as one."""
    first, *others = [part for part in partners if part.relation_ids & ids]
    for part in others:
        partners.remove(part)
        first.relation = bound.Join(bound.JoinKind.CROSS, first.relation, part.relation)
        first.conditions += part.conditions
        first.links += part.links
    return first


def _has_partner(part: _Partners, scan: bound.TableScan, context: ExecutionContext) -> bound.Expression:
    where = conjunction(tuple(part.conditions)) if part.conditions else None
    if not part.links:
        always = bound.Select((bound.Target(bound.Constant(True, BOOL), ""),), part.relation, where)
        return bound.Subquery(bound.SubqueryKind.EXISTS, always, BOOL)
    if len(part.links) > 1:
        raise _DoesNotFitError
    (link,) = part.links
    mine, theirs = link.arguments
    if read_relations(theirs) == {scan.relation_id}:
        mine, theirs = theirs, mine
    is_clean = read_relations(mine) == {scan.relation_id} and read_relations(theirs) <= part.relation_ids
    if not is_clean or not is_hashed(mine.sql_type.oid, theirs.sql_type.oid):
        raise _DoesNotFitError
    catalog, view = context.transaction.catalog, context.transaction.table_view
    if where is None and _is_foreign_key(catalog, scan, mine, part.relation, theirs):
        return bound.IsNull(mine, is_negated=True)
    tables = [table for table in _scans(part.relation) if isinstance(table, bound.TableScan)]
    if sum(view(table.table_oid).row_count for table in tables) > PARTNER_ROWS_MAX:
        raise _DoesNotFitError
    keys = bound.Select((bound.Target(theirs, "key"),), part.relation, where)
    return bound.Subquery(bound.SubqueryKind.ANY, keys, BOOL, mine, "=", link.function)


def _is_foreign_key(
    catalog: Catalog,
    scan: bound.TableScan,
    mine: bound.Expression,
    relation: bound.Relation,
    theirs: bound.Expression,
) -> bool:
    """Whether a constraint says that every row of the scan with a value has a partner."""
    if not isinstance(relation, bound.TableScan):
        return False
    if not isinstance(mine, bound.ColumnRef) or not isinstance(theirs, bound.ColumnRef):
        return False
    pair = ((scan.columns[mine.position].attnum,), (relation.columns[theirs.position].attnum,))
    return any(
        isinstance(key, ForeignKey)
        and (key.attnums, key.referenced_attnums) == pair
        and key.referenced_oid == relation.table_oid
        and key.is_validated
        and not key.is_deferrable
        for key in catalog.constraints_of(scan.table_oid)
    )


def _used_targets(query: bound.Select, scan: bound.TableScan) -> tuple[bound.Target, ...]:
    """Every column of the scan in its place; those nobody reads as NULL."""
    used = {
        node.position
        for node in bound.walk(query)
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id
    }
    return tuple(
        bound.Target(
            bound.ColumnRef(scan.relation_id, position, column.name, column.type)
            if position in used
            else bound.Constant(None, column.type),
            column.name,
        )
        for position, column in enumerate(scan.columns)
    )


def _replaced(
    relation: bound.Relation | None, scan: bound.TableScan, found: bound.SubqueryScan
) -> bound.Relation:
    if isinstance(relation, bound.Join):
        return replace(
            relation,
            left=_replaced(relation.left, scan, found),
            right=_replaced(relation.right, scan, found),
        )
    assert relation is not None
    return found if relation == scan else relation


def _scans(relation: bound.Relation | None) -> Iterator[Any]:
    if isinstance(relation, bound.Join):
        yield from _scans(relation.left)
        yield from _scans(relation.right)
    elif relation is not None:
        yield relation


def _scan_ids(relation: bound.Relation | None) -> set[int]:
    return {scan.relation_id for scan in _scans(relation)}


def _outside_subqueries(node: Any) -> Iterator[Any]:
    yield node
    if not isinstance(node, bound.Subquery):
        for child in bound.child_nodes(node):
            yield from _outside_subqueries(child)
