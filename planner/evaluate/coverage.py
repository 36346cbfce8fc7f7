"""Which expressions the planner evaluates itself, and what an expression depends on."""

from __future__ import annotations

from typing import Any

from foundation.sqltypes import DATE, TEXT, TIMESTAMP, TIMESTAMPTZ, TIMETZ, SqlType
from planner import bound
from planner.evaluate.casts import is_castable
from planner.functions.implementations import is_session_function, is_variadic_text, kernel_of
from planner.functions.implementations_array import element_oid
from planner.functions.signature import Volatility

_NEVER = (
    bound.Subquery, bound.Aggregate, bound.WindowCall, bound.Grouping, bound.OutputRef, bound.Default,
)  # fmt: skip
_LEAVES = (bound.Constant, bound.QueryResult, bound.Parameter, bound.ColumnRef)
_ORDERLESS = (114, 194, 2249)
"""json, pg_node_tree, record: no comparison here."""


def is_native(expression: bound.Expression) -> bool:
    """Whether `evaluate` can compute the expression: no sub-query, aggregate or window, every function known."""
    if isinstance(expression, _LEAVES):
        return True
    if isinstance(expression, _NEVER):
        return False
    if isinstance(expression, bound.Call) and not _is_native_call(expression):
        return False
    if isinstance(expression, bound.CastExpression) and not is_castable(
        expression.argument.sql_type, expression.type
    ):
        return False
    if isinstance(expression, bound.QuantifiedArray) and kernel_of(expression.function) is None:
        return False
    if isinstance(expression, bound.IsNull) and isinstance(expression.argument, bound.RowLiteral):
        return False
    if isinstance(expression, bound.InList | bound.IsDistinct) and expression.left.sql_type.oid in _ORDERLESS:
        return False
    return all(
        is_native(child) for child in bound.child_nodes(expression) if isinstance(child, bound.Expression)
    )


def _is_native_call(call: bound.Call) -> bool:
    function = call.function
    if kernel_of(function) is not None:
        return True
    if is_variadic_text(function):
        return all(is_castable(argument.sql_type, TEXT) for argument in call.arguments)
    return is_session_function(function)


def columns_of(expression: bound.Expression) -> set[tuple[int, int]]:
    """(relation id, position) of every column below, sub-queries included."""
    return {
        (node.relation_id, node.position)
        for node in bound.walk(expression)
        if isinstance(node, bound.ColumnRef)
    }


def is_row_free(expression: bound.Expression) -> bool:
    """Whether the value is the same for all rows: no column, nothing volatile.

    A sub-query that looks at nothing outside itself is run once, so it is row-free whatever it reads.
    """
    if isinstance(expression, _LEAVES):
        return not isinstance(expression, bound.ColumnRef)
    if isinstance(expression, bound.Call) and expression.function.volatility is Volatility.VOLATILE:
        return False
    if isinstance(expression, bound.Subquery):
        left = expression.left
        return is_uncorrelated(expression.query) and (left is None or is_row_free(left))
    return all(
        is_row_free(child) for child in bound.child_nodes(expression) if isinstance(child, bound.Expression)
    )


def has_effects(expression: bound.Expression) -> bool:
    """Whether evaluation changes something: takes a lock, draws from a sequence. It is done for no row in vain."""
    return any(
        node.function.volatility is Volatility.VOLATILE and is_session_function(node.function)
        for node in bound.walk(expression)
        if isinstance(node, bound.Call)
    )


def made_relations(node: Any) -> set[int]:
    """Ids of the relations that stand below a node: in its own FROM, or in that of a sub-query."""
    return {
        part.relation_id
        for part in bound.walk(node)
        if hasattr(part, "relation_id") and not isinstance(part, bound.ColumnRef)
    }


def read_relations(node: Any) -> set[int]:
    """Ids of the relations whose columns a node reads, those that it makes itself left out."""
    ids = {part.relation_id for part in bound.walk(node) if isinstance(part, bound.ColumnRef)}
    return ids - made_relations(node)


def is_uncorrelated(query: bound.Query) -> bool:
    """Whether a query refers to nothing outside itself."""
    relations, references, ctes, cte_uses = set(), set(), set(), set()
    for node in bound.walk(query):
        if isinstance(node, bound.ColumnRef):
            references.add(node.relation_id)
        elif isinstance(node, bound.Cte):
            ctes.add(node.cte_id)
        elif isinstance(node, bound.CteScan):
            cte_uses.add(node.cte_id)
            relations.add(node.relation_id)
        elif hasattr(node, "relation_id"):
            relations.add(node.relation_id)
    return references <= relations and cte_uses <= ctes


def is_immutable(expression: bound.Expression) -> bool:
    """Whether the value depends on nothing but columns and parameters: not on clock, session or TimeZone."""
    return all(_is_immutable_node(node) for node in bound.walk(expression))


def _is_immutable_node(node: Any) -> bool:
    if isinstance(node, bound.Call):
        return node.function.volatility is Volatility.IMMUTABLE
    if isinstance(node, bound.CastExpression):
        return not _depends_on_settings(node.argument.sql_type, node.type)
    return not isinstance(node, bound.Subquery | bound.QueryResult)


def _depends_on_settings(source: SqlType, target: SqlType) -> bool:
    kinds = {_element(source), _element(target)}
    if TIMESTAMPTZ.oid in kinds:
        return len(kinds) > 1
    if TIMETZ.oid in kinds:
        return kinds != {TIMETZ.oid}
    # Reading a date understands DateStyle's order and words such as 'today'.
    return (
        bool(kinds & {DATE.oid, TIMESTAMP.oid}) and len(kinds) > 1 and not kinds <= {DATE.oid, TIMESTAMP.oid}
    )


def _element(sql_type: SqlType) -> int:
    oid = element_oid(sql_type.oid)
    return sql_type.oid if oid == TEXT.oid else oid
