"""Binding of column references, subscripts and field selection."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
    ProgramLimitExceeded,
    UndefinedColumn,
    WrongObjectType,
)
from foundation.shaped_arrays import DIMENSIONS_MAX
from foundation.sqltypes import (
    CHAR,
    INT4,
    JSONB,
    NAME,
    TEXT,
    element_type,
    is_shaped,
    plain_type,
)
from planner.bound import Call, CastExpression, ColumnRef, Constant, Expression, Subscript
from planner.functions.shaped_functions import ARRAY_ITEM, ARRAY_SLICE
from planner.functions.signatures import functions_named
from sqlfront.binder.array_shapes import widened
from sqlfront.binder.calls import operator_call
from sqlfront.binder.coerce import coerce
from sqlfront.binder.environment import Clause, Environment, bind_node, binds, unsupported
from sqlfront.binder.errors import InvalidColumnReference
from sqlfront.binder.row_values import is_row_value, selected_field, whole_row
from sqlfront.binder.scope import NamespaceColumn, find_column, find_item, find_qualified, missing_item
from sqlfront.binder.subscripts import array_slice, subscript
from sqlfront.binder.type_rules import is_array_type, type_name
from sqlfront.parser.nodes import position_of


@binds(exp.Column)
def bind_column(environment: Environment, node: exp.Expr) -> Expression:
    """A column by its name, qualified or not.

    Raises:
        UndefinedColumn: 42703; UndefinedTable: 42P01; AmbiguousColumn: 42702.
        FeatureNotSupported: 0A000, a whole row of what may be without one.
    """
    position = position_of(node)
    if isinstance(node.this, exp.Star):
        return _named_row(environment, node, position)
    column = resolve_column(environment, node)
    if column.is_system and environment.clause in (Clause.CHECK, Clause.GENERATED):
        _check_system_column(environment, column, position)
    expression = column.expression
    if isinstance(expression, ColumnRef):
        expression = replace(expression)
        environment.state.note_position(expression, position)
    return expression


def _named_row(environment: Environment, node: exp.Expr, position: int | None) -> Expression:
    """`t.*` as one value."""
    alias, schema = str(node.args["table"].this), node.args.get("db")
    item = find_item(environment.scope, None if schema is None else str(schema.this), alias, position)
    if item is None:
        raise missing_item(environment.scope, alias, position)
    return whole_row(environment, item, position)


def _check_system_column(environment: Environment, column: NamespaceColumn, position: int | None) -> None:
    """What a table keeps may not depend on where a row is. Raises InvalidColumnReference (42P10)."""
    if column.name == "tableoid":
        return
    if environment.clause is Clause.CHECK:
        message = f'system column "{column.name}" reference in check constraint is invalid'
    else:
        message = f'cannot use system column "{column.name}" in column generation expression'
    raise InvalidColumnReference(message, position=position)


def bind_field(environment: Environment, node: exp.Expr) -> Expression:
    """(t).column, where t is a FROM item, is t.column; of any other value of a row type its field.

    Raises:
        UndefinedColumn: 42703; WrongObjectType: 42809, the value is no row.
    """
    value, selected = node.this, node.args["expression"]
    while isinstance(value, exp.Paren):
        value = value.this
    if (
        isinstance(value, exp.Column)
        and value.args.get("table") is None
        and isinstance(selected, exp.Identifier)
    ):
        alias = str(value.this.this)
        item = find_item(environment.scope, None, alias, position_of(value))
        if item is not None and not item.is_scalar:
            return bind_column(environment, exp.Column(this=selected, table=value.this))
    bound = bind_node(environment, node.this)
    name, position = str(getattr(selected, "this", "*")), position_of(node.this)
    if isinstance(selected, exp.Star):
        raise unsupported(node, "row expansion via * here")
    if not is_row_value(bound):
        raise WrongObjectType(
            f"column notation .{name} applied to type {type_name(bound.sql_type)}, which is not a composite type",
            position=position,
        )
    return selected_field(bound, name, position)


def resolve_column(environment: Environment, node: exp.Expr) -> NamespaceColumn:
    """What a Column node means, with where it comes from."""
    name, qualifier = str(node.this.this), node.args.get("table")
    position = position_of(node)
    if environment.clause is Clause.DEFAULT:
        raise FeatureNotSupported("cannot use column reference in DEFAULT expression", position=position)
    if environment.clause is Clause.PARTITION_BOUND:
        raise FeatureNotSupported(
            "cannot use column reference in partition bound expression", position=position
        )
    if qualifier is None:
        return _bare_column(environment, name, position)
    schema = node.args.get("db")
    _check_database(environment, node)
    return find_qualified(
        environment.scope,
        str(schema.this) if schema is not None else None,
        str(qualifier.this),
        name,
        position,
    )


def _check_database(environment: Environment, node: exp.Expr) -> None:
    catalog_name = node.args.get("catalog")
    if catalog_name is None:
        return
    database = environment.context.catalog.get(environment.context.database_oid)
    if database is None or database.name != catalog_name.this:
        parts = ".".join(str(node.args[key].this) for key in ("catalog", "db", "table", "this"))
        raise FeatureNotSupported(
            f"cross-database references are not implemented: {parts}", position=position_of(node)
        )


def _bare_column(environment: Environment, name: str, position: int | None) -> NamespaceColumn:
    try:
        return find_column(environment.scope, name, position)
    except UndefinedColumn:
        item = find_item(environment.scope, None, name, position)
        if item is None:
            raise
        if len(item.columns) == 1 and item.is_scalar:
            return item.columns[0]
        return NamespaceColumn(name, whole_row(environment, item, position))


@binds(exp.Bracket)
def bind_subscript(environment: Environment, node: exp.Expr) -> Expression:
    """`array[1]`, `array[1:2]`, `array[1][2]`, `jsonb['key']`.

    Raises:
        DatatypeMismatch: 42804, the type takes no subscripts or the subscript is no integer.
        ProgramLimitExceeded: 54000, more subscripts than an array can have dimensions.
    """
    base, subscripts = _subscripts_of(node)
    value = bind_node(environment, base)
    if is_shaped(value.sql_type) or (len(subscripts) > 1 and is_array_type(value.sql_type.oid)):
        return _shaped_subscript(environment, widened(value), subscripts)
    for written in subscripts:
        value = _subscripted(environment, value, written)
    return value


def _subscripts_of(node: exp.Expr) -> tuple[exp.Expr, list[exp.Bracket]]:
    """What is subscripted, and the brackets behind it, the first one first."""
    brackets: list[exp.Bracket] = []
    while isinstance(node, exp.Bracket):
        brackets.append(node)
        node = node.this
    return node, brackets[::-1]


def _shaped_subscript(environment: Environment, value: Expression, brackets: list[exp.Bracket]) -> Expression:
    """An element or a slice of an array of any shape."""
    indexes = [index for bracket in brackets for index in bracket.expressions]
    if len(indexes) > DIMENSIONS_MAX:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({len(indexes)}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        )
    if any(isinstance(index, exp.Slice) for index in indexes):
        given, bounds = array_slice(environment, indexes)
        return Call(ARRAY_SLICE, (value, Constant(given, TEXT), *bounds), value.sql_type)
    item_type = element_type(plain_type(value.sql_type))
    assert item_type is not None
    return Call(ARRAY_ITEM, (value, *(subscript(environment, index) for index in indexes)), item_type)


def _subscripted(environment: Environment, value: Expression, node: exp.Bracket) -> Expression:
    """A value behind one pair of brackets."""
    if value.sql_type.oid == JSONB.oid:
        for index in node.expressions:
            operand = bind_node(environment, index)
            value = operator_call(environment.context, "->", (value, operand), position=position_of(node))
        return value
    if value.sql_type.oid == NAME.oid and len(node.expressions) == 1:
        return _character_of_name(environment, value, node.expressions[0])
    item_type = element_type(value.sql_type)
    if item_type is None:
        raise DatatypeMismatch(
            f"cannot subscript type {type_name(value.sql_type)} because it does not support subscripting",
            position=position_of(node.this),
        )
    (index,) = node.expressions
    if not isinstance(index, exp.Slice):
        return Subscript(value, subscript(environment, index), item_type)
    lower = subscript(environment, index.this) if index.this is not None else None
    upper = index.args.get("expression")
    return Subscript(
        value,
        lower,
        value.sql_type,
        upper=subscript(environment, upper) if upper is not None else None,
        is_slice=True,
    )


def _character_of_name(environment: Environment, value: Expression, node: exp.Expr) -> Expression:
    """name[i], counted from 0, is a "char"."""
    context = environment.context
    text = coerce(context, value, TEXT)
    start = operator_call(context, "+", (subscript(environment, node), Constant(1, INT4)))
    (substr,) = (f for f in functions_named("substr") if f.argument_types == (TEXT.oid, INT4.oid, INT4.oid))
    return CastExpression(Call(substr, (text, start, Constant(1, INT4)), TEXT), CHAR)
