"""Binding of literals, parameters and casts."""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from foundation.sqltypes import (
    BIT,
    BOOL,
    DATE,
    NAME,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UNKNOWN,
    SqlType,
    element_type,
    is_shaped,
    plain_type,
)
from planner.bound import ArrayLiteral, Call, CastExpression, Constant, Expression, Parameter
from planner.functions.signature import CastContext
from planner.functions.signatures import functions_named
from sqlfront.binder.array_shapes import stacked, widened
from sqlfront.binder.coerce import coerce
from sqlfront.binder.environment import Environment, bind_node, binds, unsupported
from sqlfront.binder.literals import number_constant, typed_constant, unknown_constant
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.binder.type_rules import element_oid, is_array_type
from sqlfront.parser.nodes import ValueFunction, position_of, type_name_of


@binds(exp.Literal)
def bind_literal(environment: Environment, node: exp.Expr) -> Expression:
    """A string stays UNKNOWN; a number is int4, int8 or numeric."""
    text = str(node.this)
    if node.args["is_string"]:
        return unknown_constant(text)
    return number_constant(environment.context, text)


@binds(exp.Null)
def bind_null(environment: Environment, node: exp.Expr) -> Expression:
    return unknown_constant(None)


@binds(exp.Boolean)
def bind_boolean(environment: Environment, node: exp.Expr) -> Expression:
    return Constant(bool(node.this), BOOL)


@binds(exp.BitString)
def bind_bit_string(environment: Environment, node: exp.Expr) -> Expression:
    return typed_constant(
        environment.context, "b" + str(node.this), BIT, explicit=True, position=position_of(node)
    )


@binds(exp.HexString)
def bind_hex_string(environment: Environment, node: exp.Expr) -> Expression:
    return typed_constant(
        environment.context, "x" + str(node.this), BIT, explicit=True, position=position_of(node)
    )


@binds(exp.Parameter)
def bind_parameter(environment: Environment, node: exp.Expr) -> Expression:
    index = int(node.this.this) - 1
    return Parameter(index, environment.context.parameter(index, position_of(node)))


@binds(exp.Paren)
def bind_parentheses(environment: Environment, node: exp.Expr) -> Expression:
    return bind_node(environment, node.this)


@binds(exp.Cast)
def bind_cast(environment: Environment, node: exp.Expr) -> Expression:
    """`x::type`, `CAST (x AS type)`, `type 'x'`.

    Raises:
        CannotCoerce: 42846.
        InvalidTextRepresentation: 22P02 and its kin, a literal that the type cannot read.
    """
    target = resolve_type_name(environment.context, type_name_of(cast(exp.DataType, node.args["to"])))
    return bind_as_type(environment, node.this, target, position_of(node))


def bind_as_type(
    environment: Environment, node: exp.Expr, target: SqlType, position: int | None
) -> Expression:
    """An expression under an explicit cast. The items of ARRAY[...] are cast one by one."""
    inner = node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    if isinstance(inner, exp.Array) and is_array_type(target.oid):
        literal = _cast_array(environment, inner, plain_type(target), position)
        return widened(literal) if is_shaped(target) else literal
    argument = bind_node(environment, node)
    if argument.sql_type == UNKNOWN:
        position = position_of(inner)
    return coerce(environment.context, argument, target, how=CastContext.EXPLICIT, position=position)


def _cast_array(
    environment: Environment, node: exp.Array, target: SqlType, position: int | None
) -> Expression:
    """ARRAY[...] under a cast: its items are cast to the element type, or, where they are arrays, to the array type."""
    item_type = element_type(target)
    assert item_type is not None
    is_nested = any(isinstance(item, exp.Array) for item in node.expressions)
    items = [
        bind_as_type(environment, item, target, position) if is_nested else bind_node(environment, item)
        for item in node.expressions
    ]
    if any(element_oid(item.sql_type.oid) for item in items):
        item_type = target
    cast_items = tuple(
        coerce(
            environment.context,
            item,
            item_type,
            how=CastContext.EXPLICIT,
            position=_place(item, written, position),
        )
        for item, written in zip(items, node.expressions, strict=True)
    )
    return stacked(cast_items, target) if item_type is target else ArrayLiteral(cast_items, target)


def _place(item: Expression, written: exp.Expr, position: int | None) -> int | None:
    """Where an item of ARRAY[...] under a cast is wrong: a literal where it stands, others at the cast."""
    return position_of(written) if item.sql_type == UNKNOWN else position


_USER_FUNCTIONS = {
    "current_role": "current_user", "current_user": "current_user", "user": "current_user",
    "session_user": "session_user", "current_catalog": "current_database", "current_schema": "current_schema",
}  # fmt: skip
_TIME_TYPES = {
    "current_date": DATE, "localtime": TIME, "current_time": TIMETZ, "current_timestamp": TIMESTAMPTZ, "localtimestamp": TIMESTAMP,
}  # fmt: skip


@binds(ValueFunction)
def bind_value_function(environment: Environment, node: exp.Expr) -> Expression:
    """current_user and its kin are calls; current_date and its kin are now() cast to their type."""
    name = str(node.this)
    if name in _USER_FUNCTIONS:
        (function,) = (f for f in functions_named(_USER_FUNCTIONS[name]) if not f.argument_types)
        return Call(function, (), NAME)
    if name not in _TIME_TYPES:
        raise unsupported(node, name.upper())
    (now,) = functions_named("now")
    precision = node.args.get("expression")
    target = SqlType(_TIME_TYPES[name].oid, -1 if precision is None else min(int(precision.this), 6))
    call = Call(now, (), TIMESTAMPTZ)
    return call if target == TIMESTAMPTZ else CastExpression(call, target)
