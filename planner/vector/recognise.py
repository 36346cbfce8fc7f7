"""Recognises a vector distance in a sort key, however it was written.

Understood: `v <-> q`, `q <-> v`, `l2_distance(v, q)` and the other distances; casts of the query, casts of the
column that change nothing; the two distances of bit strings that are not symmetric, where the query comes first as each other; an immutable expression with a dimension in the column's place, as an index may have; an output column's alias; and expressions that fall when the distance grows, sorted
descending: `1 - (v <=> q) DESC`, `-(v <-> q) DESC`, `(v <#> q) * -1 DESC`, `inner_product(v, q) DESC`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from planner import bound
from planner.evaluate import is_immutable, is_native, is_row_free
from planner.functions.implementations_vector import METRIC_OF_FUNCTION
from planner.nodes import VectorOrder
from planner.subqueries import without_subqueries
from planner.vector.key_columns import is_indexable, may_be_expression

_MIRRORED = {"superstructure": "substructure", "substructure": "superstructure"}
"""The metric of a row and its query where the query is the first argument, of the two that are not symmetric."""


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance expression: column or expression over the row, query, and whether the value grows (+1) or falls (-1)
    with the distance."""

    operand: bound.Expression
    query: bound.Expression
    metric: str
    direction: int
    is_distance_itself: bool
    column_first: bool


def resolved_key(key: bound.SortKey, select: bound.Select) -> bound.SortKey:
    """The key with a reference to an output column replaced by the target's expression."""
    if isinstance(key.expression, bound.OutputRef):
        expression = select.targets[key.expression.position].expression
        return bound.SortKey(expression, key.is_descending, key.nulls_first)
    return key


def find_distance(expression: bound.Expression, scan: bound.TableScan) -> Distance | None:
    """The distance an expression is, or is a monotone function of; None when it is neither."""
    if not isinstance(expression, bound.Call):
        return None
    name = expression.function.name
    if name in METRIC_OF_FUNCTION:
        return _distance_call(expression, METRIC_OF_FUNCTION[name], 1, scan)
    if name == "inner_product":
        found = _distance_call(expression, "ip", -1, scan)
        return found and Distance(found.operand, found.query, "ip", -1, False, found.column_first)
    inner, factor = _monotone_step(expression)
    found = find_distance(inner, scan) if inner is not None else None
    if found is None:
        return None
    return Distance(
        found.operand, found.query, found.metric, found.direction * factor, False, found.column_first
    )


def vector_order(key: bound.SortKey, scan: bound.TableScan) -> VectorOrder | None:
    """The sort key as nearest-first order over a column or expression with a dimension; None for any other order."""
    found = find_distance(key.expression, scan)
    if found is None or found.operand.sql_type.typmod <= 0:
        return None
    if (found.direction > 0) == key.is_descending:
        return None  # farthest first
    if not is_row_free(found.query) or not is_native(without_subqueries(found.query)):
        return None
    operand = found.operand
    return VectorOrder(
        operand=operand,
        attnum=scan.columns[operand.position].attnum if isinstance(operand, bound.ColumnRef) else 0,
        metric=found.metric,
        query=found.query,
        is_falling=found.direction < 0,
        nulls_first=key.nulls_first,
        is_distance_itself=found.is_distance_itself,
        column_first=found.column_first,
    )


def _distance_call(call: bound.Call, metric: str, direction: int, scan: bound.TableScan) -> Distance | None:
    left, right = call.arguments
    for operand, query, first in ((left, right, True), (right, left, False)):
        found = _plain_column(operand, scan) or _row_expression(operand, scan)
        if found is not None and not _reads(query, scan):
            ordered = metric if first else _MIRRORED.get(metric, metric)
            return Distance(found, query, ordered, direction, True, first)
    return None


def _plain_column(expression: bound.Expression, scan: bound.TableScan) -> bound.ColumnRef | None:
    """The column under casts that keep its type and dimension."""
    while isinstance(expression, bound.CastExpression):
        inner = expression.argument
        same = expression.type.oid == inner.sql_type.oid and expression.type.typmod in (
            -1,
            inner.sql_type.typmod,
        )
        if not same:
            return None
        expression = inner
    if not isinstance(expression, bound.ColumnRef) or expression.relation_id != scan.relation_id:
        return None
    return expression if is_indexable(expression.type) else None


def _row_expression(expression: bound.Expression, scan: bound.TableScan) -> bound.Expression | None:
    """An expression that an index may have for its key: over the row's columns alone, immutable, of a fixed dimension."""
    kind = expression.sql_type
    if not may_be_expression(kind) or kind.typmod <= 0 or not is_native(expression):
        return None
    nodes = list(bound.walk(expression))
    relations = {node.relation_id for node in nodes if isinstance(node, bound.ColumnRef)}
    if relations != {scan.relation_id} or any(isinstance(node, bound.Parameter) for node in nodes):
        return None
    return expression if is_immutable(expression) else None


def _reads(expression: bound.Expression, scan: bound.TableScan) -> bool:
    return any(
        isinstance(node, bound.ColumnRef) and node.relation_id == scan.relation_id
        for node in bound.walk(expression)
    )


def _monotone_step(call: bound.Call) -> tuple[bound.Expression | None, int]:
    """One layer of `c - x`, `x - c`, `x + c`, `x * c`, `x / c`, `-x`: (x, +1 rising or -1 falling)."""
    if len(call.arguments) == 1:
        falling = call.operator == "-"
        return (call.arguments[0], -1) if falling else (None, 0)
    if len(call.arguments) != 2 or call.operator not in ("+", "-", "*", "/"):
        return None, 0
    left, right = call.arguments
    left_value, right_value = _number(left), _number(right)
    if right_value is not None:
        if call.operator in ("+", "-"):
            return left, 1
        return (left, 1 if right_value > 0 else -1) if right_value else (None, 0)
    if left_value is not None and call.operator != "/":
        if call.operator == "*":
            return (right, 1 if left_value > 0 else -1) if left_value else (None, 0)
        return right, 1 if call.operator == "+" else -1
    return None, 0


def _number(expression: bound.Expression) -> float | None:
    while isinstance(expression, bound.CastExpression):
        expression = expression.argument
    if isinstance(expression, bound.Call) and expression.operator == "-" and len(expression.arguments) == 1:
        inner = _number(expression.arguments[0])
        return None if inner is None else -inner
    value: Any = expression.value if isinstance(expression, bound.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
