"""Binding of the grammar's own functions: CASE, COALESCE, ARRAY, AT TIME ZONE, COLLATE, OVERLAPS."""

from __future__ import annotations

from sqlglot import exp

from foundation.errors import DatatypeMismatch, SyntaxErrorInStatement, UndefinedObject
from foundation.row_types import anonymous_record
from foundation.sqltypes import TYPES, UNKNOWN, SqlType, array_type
from planner.bound import (
    ArrayLiteral,
    Case,
    Constant,
    Expression,
    RowLiteral,
    Variadic,
    VariadicKind,
)
from sqlfront.binder.array_shapes import stacked
from sqlfront.binder.call_syntax import CallSyntax
from sqlfront.binder.calls import equality, operator_call
from sqlfront.binder.coerce import coerce_to_boolean, coerce_to_common, settle
from sqlfront.binder.environment import Environment, bind_node, binds, place_of
from sqlfront.binder.errors import IndeterminateType
from sqlfront.binder.functions import bind_call_syntax
from sqlfront.binder.type_rules import is_array_type, type_name
from sqlfront.parser.nodes import position_of

_COLLATIONS = frozenset(("default", "C", "POSIX", "C.UTF-8", "ucs_basic"))


@binds(exp.Case)
def bind_case(environment: Environment, node: exp.Expr) -> Expression:
    """CASE; the simple form compares its operand by `=`.

    Raises:
        DatatypeMismatch: 42804 `CASE types integer and text cannot be matched`.
    """
    inner = environment.within("CASE") if not environment.inside else environment
    context = environment.context
    operand = bind_node(inner, node.this) if node.this is not None else None
    operand = settle(context, operand) if operand is not None else None
    conditions, result_nodes = [], []
    for branch in node.args["ifs"]:
        condition = bind_node(inner, branch.this)
        if operand is not None:
            condition = equality(context, operand, condition, position_of(branch.this))
        conditions.append(coerce_to_boolean(context, condition, "CASE/WHEN", place_of(branch.this)))
        result_nodes.append(branch.args["true"])
    default = node.args.get("default")
    results = [bind_node(inner, result) for result in result_nodes]
    # PostgreSQL looks at ELSE first when it chooses the common type.
    otherwise: Expression = Constant(None, UNKNOWN) if default is None else bind_node(inner, default)
    parts, sql_type = coerce_to_common(
        context,
        [otherwise, *results],
        "CASE",
        [position_of(default), *(position_of(result) for result in result_nodes)],
        ["CASE/ELSE"] + ["CASE/WHEN"] * len(results),
    )
    branches = tuple(zip(conditions, parts[1:]))
    return Case(branches, None if default is None else parts[0], sql_type, operand is not None)


_VARIADIC_KINDS: dict[type[exp.Expr], VariadicKind] = {
    exp.Coalesce: VariadicKind.COALESCE, exp.Greatest: VariadicKind.GREATEST, exp.Least: VariadicKind.LEAST,
}  # fmt: skip


@binds(*_VARIADIC_KINDS)
def bind_variadic(environment: Environment, node: exp.Expr) -> Expression:
    """COALESCE, GREATEST, LEAST."""
    kind = _VARIADIC_KINDS[type(node)]
    inner = environment
    if kind is VariadicKind.COALESCE and not environment.inside:
        inner = environment.within("COALESCE")
    nodes = [node.this, *node.expressions]
    arguments, sql_type = coerce_to_common(
        environment.context,
        [bind_node(inner, argument) for argument in nodes],
        kind.value,
        [position_of(argument) for argument in nodes],
    )
    if kind is not VariadicKind.COALESCE:
        operator_call(environment.context, "<", (arguments[0], arguments[0]), position=position_of(node))
    return Variadic(kind, arguments, sql_type)


@binds(exp.Nullif)
def bind_nullif(environment: Environment, node: exp.Expr) -> Expression:
    """NULLIF(a, b): the type is that of the first argument as `=` takes it."""
    left, right = node.this, node.args["expression"]
    call = operator_call(
        environment.context,
        "=",
        (bind_node(environment, left), bind_node(environment, right)),
        position=position_of(node),
        operand_positions=(position_of(left), position_of(right)),
    )
    return Variadic(VariadicKind.NULLIF, call.arguments, call.arguments[0].sql_type)


@binds(exp.Array)
def bind_array(environment: Environment, node: exp.Expr) -> Expression:
    """ARRAY[...].

    Raises:
        IndeterminateType: 42P18, empty without a cast.
        UndefinedObject: 42704, there are no arrays of the type.
    """
    nodes = node.expressions
    if not nodes:
        raise IndeterminateType(
            "cannot determine type of empty array",
            hint="Explicitly cast to the desired type, for example ARRAY[]::integer[].",
            position=position_of(node),
        )
    items, item_type = coerce_to_common(
        environment.context,
        [bind_node(environment, item) for item in nodes],
        "ARRAY",
        [position_of(item) for item in nodes],
    )
    if is_array_type(item_type.oid):
        return stacked(items, item_type)
    try:
        return ArrayLiteral(items, array_type(item_type))
    except KeyError:
        raise UndefinedObject(
            f"could not find array type for data type {type_name(item_type)}", position=position_of(node)
        ) from None


@binds(exp.Tuple)
def bind_row(environment: Environment, node: exp.Expr) -> Expression:
    """ROW(...): a record, in which literals keep no type until it becomes a composite type's."""
    items = tuple(bind_node(environment, item) for item in node.expressions)
    return RowLiteral(items, anonymous_record(tuple(item.sql_type for item in items)))


@binds(exp.AtTimeZone)
def bind_at_time_zone(environment: Environment, node: exp.Expr) -> Expression:
    """x AT TIME ZONE z is timezone(z, x)."""
    syntax = CallSyntax("timezone", "pg_catalog", position_of(node), [node.args["zone"], node.this])
    return bind_call_syntax(environment, syntax)


@binds(exp.Overlaps)
def bind_overlaps(environment: Environment, node: exp.Expr) -> Expression:
    """(a, b) OVERLAPS (c, d)."""
    left, right = node.this, node.args["expression"]
    for side, name in ((left, "left"), (right, "right")):
        if not isinstance(side, exp.Tuple) or len(side.expressions) != 2:
            raise SyntaxErrorInStatement(
                f"wrong number of parameters on {name} side of OVERLAPS expression",
                position=position_of(node),
            )
    syntax = CallSyntax("overlaps", "pg_catalog", position_of(node), [*left.expressions, *right.expressions])
    return bind_call_syntax(environment, syntax)


@binds(exp.Collate)
def bind_collate(environment: Environment, node: exp.Expr) -> Expression:
    """COLLATE: the database has one order, C.UTF-8; its names are accepted and change nothing.

    Raises:
        DatatypeMismatch: 42804, the value is no text.
        UndefinedObject: 42704, another collation.
    """
    argument = bind_node(environment, node.this)
    if argument.sql_type != UNKNOWN and TYPES[argument.sql_type.oid].category != "S":
        raise DatatypeMismatch(
            f"collations are not supported by type {type_name(SqlType(argument.sql_type.oid))}",
            position=position_of(node),
        )
    named = node.args["expression"]
    name = str((named.args["expression"] if isinstance(named, exp.Dot) else named).this)
    if name not in _COLLATIONS:
        raise UndefinedObject(
            f'collation "{name}" for encoding "UTF8" does not exist', position=position_of(node)
        )
    return argument
