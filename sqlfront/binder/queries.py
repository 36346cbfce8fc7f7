"""Binding of whole queries: WITH, set operations, VALUES; SELECT itself is in `select`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from foundation.errors import CannotCoerce, DatatypeMismatch, SyntaxErrorInStatement
from foundation.sqltypes import UNKNOWN, SqlType, is_shaped, shaped_type
from planner.bound import (
    Call,
    ColumnRef,
    Constant,
    Expression,
    OutputRef,
    Query,
    RelationColumn,
    Select,
    SetOperation,
    SetOperator,
    SubqueryScan,
    Target,
    Values,
    output_columns,
    walk,
)
from planner.functions.signature import FunctionKind
from sqlfront.binder.calls import check_groupable
from sqlfront.binder.coerce import coerce, coerce_to_common
from sqlfront.binder.ctes import bind_with
from sqlfront.binder.environment import Clause, Environment, QueryFindings, bind_node, unsupported
from sqlfront.binder.row_locks import refuse_row_locks
from sqlfront.binder.scope import Scope
from sqlfront.binder.select import bind_select
from sqlfront.binder.sorting import (
    bind_limits,
    bind_output_order,
    settled_target,
)
from sqlfront.binder.type_rules import can_convert, common_type, mismatched_pair, type_name
from sqlfront.parser.nodes import Default, position_of

_SET_OPERATORS: dict[type[exp.Expr], SetOperator] = {
    exp.Union: SetOperator.UNION, exp.Intersect: SetOperator.INTERSECT, exp.Except: SetOperator.EXCEPT,
}  # fmt: skip


def bind_nested_query(environment: Environment, node: exp.Expr) -> Query:
    """A sub-query: it sees the names around it as outer ones."""
    inner = replace(
        environment,
        scope=Scope(parent=environment.scope),
        clause=Clause.SELECT_LIST,
        findings=QueryFindings(),
        inside="",
    )
    return bind_query_node(inner, node)


def bind_query_node(environment: Environment, node: exp.Expr, *, settles: bool = True) -> Query:
    """Bind a query in a fresh scope.

    Args:
        environment: its scope is the query's own, still empty.
        settles: whether output columns that are still UNKNOWN become text; the sides of a set operation and
            the source of an INSERT keep them open.
    """
    with_ = node.args.get("with_")
    if with_ is not None:
        environment, ctes = bind_with(environment, with_)
        query = _bind_body(environment, node, settles)
        return replace(query, ctes=ctes + query.ctes)
    return _bind_body(environment, node, settles)


def _bind_body(environment: Environment, node: exp.Expr, settles: bool) -> Query:
    while isinstance(node, exp.Subquery | exp.Paren):
        node = node.this
        if node.args.get("with_") is not None:
            return bind_query_node(environment, node, settles=settles)
    if isinstance(node, exp.Select):
        return bind_select(environment, node, settles=settles)
    if isinstance(node, exp.Values):
        return bind_values(environment, node)
    if type(node) in _SET_OPERATORS:
        return _bind_set_operation(environment, node, settles)
    raise unsupported(node)


def query_origins(query: Query) -> tuple[tuple[int, int], ...]:
    """(table OID, attnum) of each output column, (0, 0) for computed ones."""
    if isinstance(query, Select):
        return tuple((target.table_oid, target.attnum) for target in query.targets)
    return ((0, 0),) * len(output_columns(query))


# -- VALUES -------------------------------------------------------------------------------------------------


def bind_values(environment: Environment, node: exp.Expr) -> Values:
    """VALUES as a query.

    Raises:
        SyntaxErrorInStatement: 42601, rows of different lengths, DEFAULT.
        DatatypeMismatch: 42804, a column's types do not match.
    """
    refuse_row_locks(node, "cannot be applied to VALUES")
    inner = environment.at(Clause.VALUES)
    rows = [row.expressions for row in node.expressions]
    bound = []
    for row in rows:
        bound.append([_bind_value(inner, item) for item in row])
        if len(row) != len(rows[0]):
            raise SyntaxErrorInStatement(
                "VALUES lists must all be the same length", position=position_of(row[0])
            )
    columns, types = [], []
    for index in range(len(rows[0])):
        items = [row[index] for row in bound]
        converted, sql_type = coerce_to_common(
            environment.context, items, "VALUES", [position_of(row[index]) for row in rows]
        )
        columns.append(converted)
        types.append(sql_type)
    values = Values(
        tuple(zip(*columns)),
        tuple(RelationColumn(f"column{i + 1}", sql_type) for i, sql_type in enumerate(types)),
    )
    order = bind_output_order(environment, node, values.columns, is_set_operation=False)
    limit, offset = bind_limits(environment, node)
    return replace(values, order_by=order, limit=limit, offset=offset)


def _bind_value(environment: Environment, node: exp.Expr) -> Expression:
    if isinstance(node, Default):
        raise SyntaxErrorInStatement("DEFAULT is not allowed in this context", position=position_of(node))
    return bind_node(environment, node)


# -- set operations -----------------------------------------------------------------------------------------


def _bind_set_operation(environment: Environment, node: exp.Expr, settles: bool) -> Query:
    """UNION, INTERSECT, EXCEPT with their columns brought to common types.

    Raises:
        SyntaxErrorInStatement: 42601 `each UNION query must have the same number of columns`.
        DatatypeMismatch: 42804 `UNION types integer and text cannot be matched`.
    """
    operator = _SET_OPERATORS[type(node)]
    is_all = not node.args.get("distinct")
    left = _bind_side(environment, node.this)
    right = _bind_side(environment, node.args["expression"])
    left, right = unify(environment, operator.value, (left, right))
    columns = output_columns(left)
    if not is_all:
        for column in columns:
            check_groupable(column.type, column_position(environment, left, columns.index(column)))
    refuse_row_locks(node, "is not allowed with UNION/INTERSECT/EXCEPT")
    operation = SetOperation(operator, is_all, left, right)
    order = bind_output_order(environment, node, columns, is_set_operation=True)
    limit, offset = bind_limits(environment, node)
    return replace(operation, order_by=order, limit=limit, offset=offset)


def _bind_side(environment: Environment, node: exp.Expr) -> Query:
    inner = replace(environment, scope=Scope(parent=environment.scope.parent), findings=QueryFindings())
    return bind_query_node(inner, node, settles=False)


def unify(environment: Environment, word: str, sides: tuple[Query, Query]) -> tuple[Query, Query]:
    """Both sides with columns of common types."""
    left, right = sides
    left_columns, right_columns = output_columns(left), output_columns(right)
    if len(left_columns) != len(right_columns):
        raise SyntaxErrorInStatement(
            f"each {word} query must have the same number of columns",
            position=column_position(environment, right, 0),
        )
    types = []
    for index, (a, b) in enumerate(zip(left_columns, right_columns)):
        oids = [a.type.oid, b.type.oid]
        oid = common_type(oids)
        if oid is None:
            first, second = mismatched_pair(oids)
            raise DatatypeMismatch(
                f"{word} types {type_name(SqlType(first))} and {type_name(SqlType(second))} cannot be matched",
                position=column_position(environment, right, index),
            )
        for query, column in ((left, a), (right, b)):
            if not can_convert(column.type.oid, oid):
                raise CannotCoerce(
                    f"{word} could not convert type {type_name(column.type)} to {type_name(SqlType(oid))}",
                    position=column_position(environment, query, index),
                )
        shared = shaped_type(SqlType(oid)) if is_shaped(a.type) or is_shaped(b.type) else SqlType(oid)
        types.append(a.type if a.type == b.type and a.type != UNKNOWN else shared)
    return cast_columns(environment, left, types), cast_columns(environment, right, types)


def cast_columns(environment: Environment, query: Query, types: Sequence[SqlType]) -> Query:
    """The query with its output columns converted implicitly; unchanged when they have these types already."""
    if [column.type for column in output_columns(query)] == list(types):
        return query
    if isinstance(query, Values) and not query.order_by:
        rows = tuple(
            tuple(_convert(environment, item, sql_type) for item, sql_type in zip(row, types))
            for row in query.rows
        )
        columns = tuple(replace(c, type=sql_type) for c, sql_type in zip(query.columns, types))
        return replace(query, rows=rows, columns=columns)
    if not isinstance(query, Select) or not can_convert_in_place(query):
        query = wrap_query(environment, query)
    converted = [_convert(environment, t.expression, sql_type) for t, sql_type in zip(query.targets, types)]
    return with_converted_targets(query, converted)


def can_convert_in_place(select: Select) -> bool:
    """Whether the select list can be changed without changing which rows come in which order."""
    return not (
        select.is_distinct
        or select.distinct_on
        or any(
            isinstance(node, Call) and node.function.kind is FunctionKind.SET
            for target in select.targets
            for node in walk(target.expression)
        )
    )


def with_converted_targets(select: Select, converted: Sequence[Expression]) -> Select:
    """The SELECT with its targets replaced; ORDER BY goes on sorting by what they were before."""
    order_by = tuple(
        replace(key, expression=select.targets[key.expression.position].expression)
        if isinstance(key.expression, OutputRef)
        else key
        for key in select.order_by
    )
    targets = tuple(replace(t, expression=e) for t, e in zip(select.targets, converted))
    return replace(select, targets=targets, order_by=order_by)


def wrap_query(environment: Environment, query: Query) -> Select:
    """SELECT of all columns FROM the query."""
    query = settle_query(environment, query)
    relation_id = environment.state.next_relation_id("*SELECT*")
    columns = output_columns(query)
    targets = tuple(
        Target(ColumnRef(relation_id, index, column.name, column.type), column.name, *origin)
        for index, (column, origin) in enumerate(zip(columns, query_origins(query)))
    )
    return Select(targets, SubqueryScan(relation_id, query, "*SELECT*", columns))


def _convert(environment: Environment, expression: Expression, target: SqlType) -> Expression:
    if isinstance(expression, Constant) and expression.value is None:
        return Constant(None, target)
    position = environment.state.position_of(expression)
    return coerce(environment.context, expression, target, position=position)


def column_position(environment: Environment, query: Query, index: int) -> int | None:
    """Where an output column of a query is written, as far as that was noted."""
    while isinstance(query, SetOperation):
        query = query.left
    if isinstance(query, Select) and index < len(query.targets):
        return environment.state.position_of(query.targets[index].expression)
    return None


def settle_query(environment: Environment, query: Query) -> Query:
    """Output columns that are still UNKNOWN become text."""
    if not isinstance(query, Select):
        return query
    return replace(query, targets=tuple(settled_target(environment, target) for target in query.targets))
