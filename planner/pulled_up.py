"""Queries around a query, taken away: what a SELECT means without a WITH item or a sub-select that only names things.

`WITH q AS (SELECT ...) SELECT ... FROM items ORDER BY embedding <-> (SELECT v FROM q)` and `SELECT id FROM (SELECT id,
embedding <-> $1 AS d FROM items) s ORDER BY d LIMIT 10` are searches of one table like any other once that is done, as
PostgreSQL's pull_up_subqueries() does it (src/backend/optimizer/prep/prepjointree.c).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner import bound
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjunction
from planner.functions.signature import FunctionKind, Volatility


def without_single_ctes(query: bound.Query) -> bound.Query:
    """The query with each WITH item that is used once standing where it is used.

    Recursive and volatile items stay, and those that MATERIALIZED keeps apart.
    """
    uses: dict[int, int] = {}
    for node in bound.walk(query):
        if isinstance(node, bound.CteScan):
            uses[node.cte_id] = uses.get(node.cte_id, 0) + 1
    for cte in query.ctes:
        is_kept = cte.is_recursive or cte.is_materialized or _is_volatile(cte.query)
        if uses.get(cte.cte_id) == 1 and not is_kept:
            query = _with_cte_inside(query, cte.cte_id)
    return query


def _with_cte_inside(query: bound.Query, cte_id: int) -> bound.Query:
    (cte,) = (cte for cte in query.ctes if cte.cte_id == cte_id)

    def change(node: Any) -> bound.Relation | None:
        if isinstance(node, bound.CteScan) and node.cte_id == cte_id:
            return bound.SubqueryScan(node.relation_id, cte.query, node.alias, node.columns)
        return None

    rest = tuple(other for other in query.ctes if other.cte_id != cte_id)
    return rewrite(replace(query, ctes=rest), change)


def pulled_up(select: bound.Select) -> bound.Select:
    """The SELECT over what its sub-select reads, where that is a plain SELECT ... FROM ... WHERE; else itself."""
    scan = select.from_
    if (
        not isinstance(scan, bound.SubqueryScan)
        or scan.is_lateral
        or not isinstance(scan.query, bound.Select)
    ):
        return select
    inner = scan.query
    if not isinstance(inner.from_, bound.TableScan | bound.SubqueryScan) or not is_plain(inner):
        return select

    def change(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id:
            return inner.targets[node.position].expression
        return None

    parts = [part for part in (inner.where, select.where) if part is not None]
    where = conjunction(tuple(parts)) if parts else None
    outer = rewrite(replace(select, from_=None, where=where), change)
    return pulled_up(replace(outer, from_=inner.from_))


def is_plain(select: bound.Select) -> bool:
    """Whether each row of the FROM that passes WHERE is one row, whose values depend on it alone."""
    if select.group_by or select.having is not None or select.is_distinct or select.distinct_on:
        return False
    if (
        select.order_by
        or select.limit is not None
        or select.offset is not None
        or select.ctes
        or select.locks
    ):
        return False
    nodes = [node for target in select.targets for node in bound.walk(target.expression)]
    if any(isinstance(node, bound.Aggregate | bound.WindowCall | bound.Subquery) for node in nodes):
        return False
    return not any(
        isinstance(node, bound.Call) and node.function.kind is FunctionKind.SET for node in nodes
    ) and not _is_volatile(select)


def _is_volatile(query: bound.Query) -> bool:
    return any(
        isinstance(node, bound.Call) and node.function.volatility is Volatility.VOLATILE
        for node in bound.walk(query)
    )
