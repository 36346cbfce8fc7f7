"""Recognises the SELECTs that run natively: one stored table or none, native expressions, no grouping.

Vector islands, filtered scans with ORDER BY and LIMIT, key look-ups, count(*) and SELECT without FROM. What
does not fit returns None and becomes relational.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.sqltypes import BOOL, TEXT, VARCHAR, plain_oid
from planner import bound
from planner.evaluate import is_native, is_row_free
from planner.evaluate.zone_maps import conjuncts
from planner.functions.signature import FunctionKind
from planner.nodes import CountRows, Limit, Node, Result, SeqScan, Sort, VectorTopK
from planner.semi_joins import without_correlation
from planner.subqueries import without_subqueries
from planner.vector.recognise import resolved_key, vector_order

_UNSORTABLE = frozenset((114, 199, 194, 2249, 2287, 1186, 1187))
"""json, pg_node_tree, record, interval and their arrays: no native order."""

_TEXTS = (TEXT.oid, VARCHAR.oid)

_ALWAYS = bound.Constant(True, BOOL)
"""WHERE true, as query builders write when there is no filter."""


def native_node(select: bound.Select) -> Node | None:
    """The native plan of a SELECT, None when it needs the relational engine."""
    if select.ctes or select.group_by or select.having is not None or select.locks:
        return None
    if select.is_distinct or select.distinct_on:
        return None
    for clause in (select.limit, select.offset):
        if clause is not None and not _is_plain(clause):
            return None
    if select.from_ is None:
        return _result(select)
    if not isinstance(select.from_, bound.TableScan):
        return None
    scan = select.from_
    if select.where == _ALWAYS:
        select = replace(select, where=None)
    if select.where is not None:
        select = replace(select, where=without_correlation(select.where))
    if select.where is not None:
        if not _reads_only(select.where, scan):
            return None
        select = replace(select, where=cheapest_first(select.where))
    source = SeqScan(scan, select.where)
    if _is_row_count(select):
        return CountRows(source)
    if not all(_reads_only(target.expression, scan) for target in select.targets):
        return None
    return _ordered(select, scan, source)


def _ordered(select: bound.Select, scan: bound.TableScan, source: SeqScan) -> Node | None:
    keys = tuple(resolved_key(key, select) for key in select.order_by)
    if not all(_reads_only(key.expression, scan) for key in keys):
        return None
    if any(plain_oid(key.expression.sql_type.oid) in _UNSORTABLE for key in keys):
        return None
    if keys:
        order = vector_order(keys[0], scan)
        if order is not None:
            return VectorTopK(scan, order, keys, select.where, select.limit, select.offset)
    node: SeqScan | Sort = Sort(source, keys) if keys else source
    if select.limit is None and select.offset is None:
        return node
    return Limit(node, select.limit, select.offset)


def _result(select: bound.Select) -> Node | None:
    if select.order_by:
        return None
    expressions = [target.expression for target in select.targets]
    if select.where is not None:
        expressions.append(select.where)
    if not all(_is_native(expression) and not _has_columns(expression) for expression in expressions):
        return None
    result = Result(select.where)
    if select.limit is None and select.offset is None:
        return result
    return Limit(result, select.limit, select.offset)


def cheapest_first(where: bound.Expression) -> bound.Expression:
    """The condition with its conjuncts in PostgreSQL's order of evaluation: by cost, then as written.

    A row that an earlier conjunct rejects raises no error from a later one, so the order can be seen.
    """
    parts = conjuncts(where)
    ordered = tuple(sorted(parts, key=_cost))
    if len(parts) < 2 or ordered == parts:
        return where
    return bound.BoolExpression(bound.BoolOperator.AND, ordered)


def _cost(expression: bound.Expression) -> float:
    """Calls in the expression, as cost_qual_eval counts them (src/backend/optimizer/path/costsize.c)."""
    if isinstance(expression, bound.Subquery):
        return 0.0  # runs once, before the scan
    if isinstance(expression, bound.Constant | bound.Parameter | bound.ColumnRef):
        return 0.0
    own = 0.0
    if isinstance(expression, bound.Call | bound.IsDistinct) or _is_computed_cast(expression):
        own = 1.0
    elif isinstance(expression, bound.InList):
        own = len(expression.items) / 2
    elif isinstance(expression, bound.QuantifiedArray):
        own = 5.0  # half of the ten elements an unknown array is assumed to have
    children = (c for c in bound.child_nodes(expression) if isinstance(c, bound.Expression))
    return own + sum(_cost(child) for child in children)


def _is_computed_cast(expression: bound.Expression) -> bool:
    """A cast that calls a function for each row: not one of a constant, nor one that only renames the type."""
    if not isinstance(expression, bound.CastExpression):
        return False
    argument = expression.argument
    is_renamed = argument.sql_type.oid in _TEXTS and expression.type.oid in _TEXTS
    return not is_renamed and not isinstance(argument, bound.Constant | bound.Parameter)


def _is_native(expression: bound.Expression) -> bool:
    return is_native(without_subqueries(expression))


def _is_plain(expression: bound.Expression) -> bool:
    """A row-free clause such as LIMIT's."""
    rest = without_subqueries(expression)
    return is_native(rest) and is_row_free(rest)


def _has_columns(expression: bound.Expression) -> bool:
    return any(isinstance(node, bound.ColumnRef) for node in bound.walk(without_subqueries(expression)))


def _reads_only(expression: bound.Expression, scan: bound.TableScan) -> bool:
    """Native, and every column outside sub-queries is the scan's."""
    rest = without_subqueries(expression)
    if not is_native(rest):
        return False
    return all(
        node.relation_id == scan.relation_id for node in bound.walk(rest) if isinstance(node, bound.ColumnRef)
    )


def _is_row_count(select: bound.Select) -> bool:
    """Whether the select list is nothing but count(*)."""
    if select.order_by or select.limit is not None or select.offset is not None or not select.targets:
        return False
    return all(_is_count_star(target.expression) for target in select.targets)


def _is_count_star(expression: bound.Expression) -> bool:
    return (
        isinstance(expression, bound.Aggregate)
        and expression.function.name == "count"
        and expression.function.kind is FunctionKind.AGGREGATE
        and not expression.arguments
        and not expression.is_distinct
        and expression.filter is None
    )
