"""Sub-queries that do not look at the outer row: run once, before the statement, their result a constant.

PostgreSQL calls them InitPlans. `without_subqueries` is the plan-time stand-in, `resolve_subqueries` runs them.
"""

from __future__ import annotations

from typing import Any, TypeVar

import pyarrow as pa

from foundation.errors import CardinalityViolation
from foundation.sqltypes import SqlType, array_type, arrow_type, element_type, is_shaped, is_vector
from planner import bound
from planner.evaluate.constants import python_value, python_values
from planner.evaluate.coverage import is_uncorrelated
from planner.evaluate.rewriting import rewrite
from planner.functions.implementations_shaped import accumulated
from planner.services import ExecutionContext

_T = TypeVar("_T")


def is_resolvable(node: bound.Subquery) -> bool:
    """Whether the sub-query can be replaced by a constant before execution."""
    columns = bound.output_columns(node.query)
    if not is_uncorrelated(node.query):
        return False
    return len(columns) == 1 or node.kind is bound.SubqueryKind.EXISTS


def without_subqueries(expression: bound.Expression) -> bound.Expression:
    """The expression with every resolvable sub-query replaced by a NULL of its type, to ask what else it needs."""

    def change(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.Subquery) and is_resolvable(node):
            return _replacement(node, None)
        return None

    return rewrite(expression, change)


def has_subqueries(node: Any) -> bool:
    """Whether a plan node, target or expression contains a sub-query."""
    return any(isinstance(part, bound.Subquery) for part in bound.walk(node))


def resolve_subqueries(node: _T, context: ExecutionContext) -> _T:
    """A plan node, target or expression with its sub-queries run, each once, and replaced by their results.

    Raises:
        CardinalityViolation: 21000, a scalar sub-query returned several rows.
    """
    results: dict[bound.Subquery, bound.Expression] = {}

    def change(part: Any) -> bound.Expression | None:
        if not isinstance(part, bound.Subquery):
            return None
        if part not in results:
            results[part] = resolved_subquery(part, context)
        return results[part]

    return rewrite(node, change)


def resolved_subquery(node: bound.Subquery, context: ExecutionContext) -> bound.Expression:
    """Run a sub-query; its result as an expression. Raises CardinalityViolation (21000)."""
    return _replacement(node, _run(node, context))


def _replacement(node: bound.Subquery, value: Any) -> bound.Expression:
    if node.kind not in (bound.SubqueryKind.ANY, bound.SubqueryKind.ALL):
        return bound.Constant(value, node.type)
    assert node.left is not None and node.function is not None
    element = bound.output_columns(node.query)[0].type
    try:
        items_type = array_type(element.without_typmod())
    except KeyError:
        return node  # no array type: stays a sub-query, which is not native
    is_column = isinstance(value, pa.Array)
    items = bound.QueryResult(value, items_type) if is_column else bound.Constant(value, items_type)
    return bound.QuantifiedArray(
        node.left, node.operator or "=", node.function, items, node.kind is bound.SubqueryKind.ALL
    )


def _run(node: bound.Subquery, context: ExecutionContext) -> Any:
    from planner.planning import plan_statement

    batches = list(plan_statement(node.query).execute(context).batches())
    row_count = sum(batch.num_rows for batch in batches)
    if node.kind is bound.SubqueryKind.EXISTS:
        return row_count > 0
    element = bound.output_columns(node.query)[0].type
    column = _one_column(batches, element)
    is_quantified = node.kind in (bound.SubqueryKind.ANY, bound.SubqueryKind.ALL)
    if is_quantified and not is_vector(element) and not _is_array(element):
        return column
    if node.kind is bound.SubqueryKind.SCALAR:
        if row_count > 1:
            raise CardinalityViolation("more than one row returned by a subquery used as an expression")
        return python_value(column, element) if row_count else None
    values = python_values(column, element)
    return accumulated(values) if is_shaped(node.type) else values


def _is_array(sql_type: SqlType) -> bool:
    return element_type(sql_type) is not None or is_shaped(sql_type)


def _one_column(batches: list[pa.RecordBatch], sql_type: SqlType) -> pa.Array:
    arrays = [batch.column(0) for batch in batches]
    return pa.concat_arrays(arrays) if arrays else pa.nulls(0, arrow_type(sql_type))
