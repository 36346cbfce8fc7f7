"""FETCH FIRST n ROWS WITH TIES: the first rows and all that the order cannot tell from the last of them.

The query becomes a sub-select with two more columns: of the rows behind OFFSET those whose rank() is no greater than OFFSET + n
are kept, in the order of row_number(). https://www.postgresql.org/docs/15/sql-select.html#SQL-LIMIT
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement
from foundation.sqltypes import INT8
from planner.bound import (
    BoolExpression,
    BoolOperator,
    ColumnRef,
    Constant,
    Expression,
    OutputRef,
    Select,
    SortKey,
    SubqueryScan,
    Target,
    Variadic,
    VariadicKind,
    WindowCall,
    output_columns,
)
from planner.functions.signature import FunctionKind
from planner.functions.signatures import functions_named
from sqlfront.binder.calls import operator_call
from sqlfront.binder.environment import Environment


def keep_ties(environment: Environment, select: Select, position: int | None) -> Select:
    """The query with the ties of its last row.

    Raises:
        SyntaxErrorInStatement: 42601, no ORDER BY.
        FeatureNotSupported: 0A000, with DISTINCT, set-returning functions or row locks.
    """
    if not select.order_by:
        raise SyntaxErrorInStatement(
            "WITH TIES cannot be specified without ORDER BY clause", position=position
        )
    if select.is_distinct or select.distinct_on or select.locks or environment.findings.has_set_functions:
        raise FeatureNotSupported(
            "WITH TIES with DISTINCT, set-returning functions or FOR UPDATE is not supported",
            position=position,
        )
    if select.limit is None:
        return select
    context = environment.context
    keys = tuple(replace(key, expression=_resolved(key.expression, select)) for key in select.order_by)
    numbers = tuple(Target(_window(name, keys), name) for name in ("rank", "row_number"))
    inner = replace(select, targets=(*select.targets, *numbers), order_by=(), limit=None, offset=None)
    relation_id = environment.state.next_relation_id("with_ties")
    columns = output_columns(inner)
    references = [
        ColumnRef(relation_id, place, column.name, column.type) for place, column in enumerate(columns)
    ]
    *shown, rank, row_number = references
    skipped: Expression = Constant(0, INT8)
    if select.offset is not None:
        skipped = Variadic(VariadicKind.COALESCE, (select.offset, skipped), INT8)
    last = operator_call(context, "+", (skipped, select.limit))
    conditions = (
        operator_call(context, "<=", (rank, last)),
        operator_call(context, ">", (row_number, skipped)),
    )
    return Select(
        tuple(replace(target, expression=column) for target, column in zip(select.targets, shown)),
        SubqueryScan(relation_id, inner, "with_ties", columns),
        BoolExpression(BoolOperator.AND, conditions),
        order_by=(SortKey(row_number),),
    )


def _resolved(expression: Expression, select: Select) -> Expression:
    if isinstance(expression, OutputRef):
        return select.targets[expression.position].expression
    return expression


def _window(name: str, keys: tuple[SortKey, ...]) -> WindowCall:
    (function,) = (f for f in functions_named(name) if f.kind is FunctionKind.WINDOW)
    return WindowCall(function, (), INT8, order_by=keys)
