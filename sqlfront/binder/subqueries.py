"""Binding of queries inside expressions: scalar, EXISTS, ARRAY, IN, ANY and ALL."""

from __future__ import annotations

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement, UndefinedObject
from foundation.sqltypes import BOOL, SqlType, array_type, is_shaped, shaped_type
from planner.bound import Constant, Expression, Query, RowLiteral, Subquery, SubqueryKind, output_columns
from planner.functions.signatures import operator_function
from sqlfront.binder.array_shapes import widened
from sqlfront.binder.calls import check_boolean_result, choose_operator, concrete_types
from sqlfront.binder.coerce import coerce_argument
from sqlfront.binder.environment import (
    KEPT_CLAUSES,
    Clause,
    Environment,
    bind_node,
    binds,
)
from sqlfront.binder.queries import bind_nested_query, cast_columns
from sqlfront.binder.type_rules import is_array_type, type_name
from sqlfront.parser.nodes import ArraySubquery, position_of

_SINGULAR = {
    Clause.DEFAULT: "DEFAULT expression", Clause.CHECK: "check constraint", Clause.INDEX: "index expression",
    Clause.GENERATED: "column generation expression", Clause.TRANSFORM: "transform expression", Clause.PREDICATE: "index predicate", Clause.EXECUTE: "EXECUTE parameter",
    Clause.PARTITION_BOUND: "partition bound",
}  # fmt: skip
"""What one expression of a clause without sub-queries is called."""


def _query_of(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren) or (isinstance(node, exp.Subquery) and not node.args.get("with_")):
        node = node.this
    return node


def _bind(environment: Environment, node: exp.Expr) -> Query:
    if environment.clause in KEPT_CLAUSES:
        raise FeatureNotSupported(
            f"cannot use subquery in {_SINGULAR[environment.clause]}", position=position_of(node)
        )
    return bind_nested_query(environment, _query_of(node))


def _single_column(query: Query, position: int | None) -> SqlType:
    columns = output_columns(query)
    if len(columns) != 1:
        raise SyntaxErrorInStatement("subquery must return only one column", position=position)
    return columns[0].type


@binds(exp.Subquery, exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Values)
def bind_scalar_query(environment: Environment, node: exp.Expr) -> Expression:
    """(SELECT ...): its value, NULL without a row; 21000 at execution with several."""
    query = _bind(environment, node)
    return Subquery(SubqueryKind.SCALAR, query, _single_column(query, position_of(node)))


@binds(exp.Exists)
def bind_exists(environment: Environment, node: exp.Expr) -> Expression:
    return Subquery(SubqueryKind.EXISTS, _bind(environment, node.this), BOOL)


@binds(ArraySubquery)
def bind_array_query(environment: Environment, node: exp.Expr) -> Expression:
    """ARRAY(SELECT ...)."""
    query = _bind(environment, node.this)
    item = _single_column(query, position_of(node))
    if is_array_type(item.oid):
        arrays = shaped_type(item)
        return Subquery(SubqueryKind.ARRAY, cast_columns(environment, query, [arrays]), arrays)
    try:
        return Subquery(SubqueryKind.ARRAY, query, array_type(item))
    except KeyError:
        raise UndefinedObject(
            f"could not find array type for data type {type_name(item)}", position=position_of(node)
        ) from None


def bind_quantified_query(
    environment: Environment,
    node: exp.Expr,
    name: str,
    query_node: exp.Expr,
    *,
    is_all: bool,
    schema: str | None = None,
) -> Expression:
    """x IN (query), x op ANY (query), x op ALL (query).

    Raises:
        SyntaxErrorInStatement: 42601 `subquery has too many columns`, or too few.
        UndefinedFunction: 42883, no such operator between the types.
    """
    query = _bind(environment, query_node)
    left = bind_node(environment, node.this)
    if isinstance(left, RowLiteral):
        return _bind_row_query(environment, node, name, (left, query), is_all=is_all)
    columns = output_columns(query)
    if len(columns) != 1:
        many = "many" if columns else "few"
        raise SyntaxErrorInStatement(f"subquery has too {many} columns", position=position_of(node))
    probe = _probe(columns[0].type)
    chosen = choose_operator(
        environment.context, name, (left, probe), schema=schema, position=position_of(node)
    )
    actual = [left.sql_type.oid, columns[0].type.oid]
    types, result = concrete_types(actual, chosen.types, chosen.overload.result_type)
    function = operator_function(chosen.overload)
    check_boolean_result(function, SqlType(result), position_of(node))
    converted = coerce_argument(environment.context, left, types[0], position_of(node.this))
    side, target = _in_one_form(converted, SqlType(types[1]), columns[0].type)
    return Subquery(
        SubqueryKind.ALL if is_all else SubqueryKind.ANY,
        cast_columns(environment, query, [target]),
        BOOL,
        side,
        chosen.overload.name,
        function,
    )


def _bind_row_query(
    environment: Environment, node: exp.Expr, name: str, sides: tuple[Expression, Query], *, is_all: bool
) -> Expression:
    """(a, b) IN (query): an equality for each column. NOT IN is NOT of it; other operators are refused."""
    left, query = sides
    if name != "=" or is_all or not isinstance(left, RowLiteral):
        raise FeatureNotSupported(
            "comparison of a row with a sub-query other than by IN is not supported",
            position=position_of(node),
        )
    columns = output_columns(query)
    if len(columns) != len(left.items):
        word = "many" if len(columns) > len(left.items) else "few"
        raise SyntaxErrorInStatement(f"subquery has too {word} columns", position=position_of(node))
    items, targets = [], []
    for item, column in zip(left.items, columns):
        chosen = choose_operator(
            environment.context, "=", (item, _probe(column.type)), schema=None, position=position_of(node)
        )
        types, _ = concrete_types(
            [item.sql_type.oid, column.type.oid], chosen.types, chosen.overload.result_type
        )
        converted = coerce_argument(environment.context, item, types[0], position_of(node.this))
        side, target = _in_one_form(converted, SqlType(types[1]), column.type)
        items.append(side)
        targets.append(target)
    return Subquery(
        SubqueryKind.ANY,
        cast_columns(environment, query, targets),
        BOOL,
        RowLiteral(tuple(items), left.type),
        "=",
        operator_function(chosen.overload),
    )


def _in_one_form(left: Expression, target: SqlType, column: SqlType) -> tuple[Expression, SqlType]:
    """What is compared with a column, and the type that the column is converted to, in one form of arrays."""
    if is_array_type(target.oid) and (is_shaped(left.sql_type) or is_shaped(column)):
        return widened(left), shaped_type(target)
    return left, target


def _probe(sql_type: SqlType) -> Expression:
    return Constant(None, sql_type)
