"""Join conditions and what a join shows to names: ON, USING, NATURAL and merged columns."""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import DatatypeMismatch, UndefinedColumn
from foundation.sqltypes import SqlType
from planner.bound import BoolOperator, Expression, JoinKind, Variadic, VariadicKind
from sqlfront.binder.array_shapes import in_one_form
from sqlfront.binder.calls import conjunction, operator_call
from sqlfront.binder.coerce import coerce_argument, coerce_to_boolean
from sqlfront.binder.environment import Clause, Environment, bind_node
from sqlfront.binder.errors import AmbiguousColumn
from sqlfront.binder.scope import NamespaceColumn, NamespaceItem, Scope
from sqlfront.binder.type_rules import common_type, type_name
from sqlfront.parser.nodes import JoinTree, position_of

Sides = tuple[list[NamespaceItem], list[NamespaceItem]]


def join_namespace(
    environment: Environment, node: JoinTree, kind: JoinKind, sides: Sides
) -> tuple[Expression | None, list[NamespaceItem], tuple[str, ...]]:
    """The join's condition, its namespace items and the columns of USING or NATURAL.

    Raises:
        UndefinedColumn, AmbiguousColumn: 42703, 42702, a USING column is missing or double on a side.
        DatatypeMismatch: 42804, ON is no boolean.
    """
    items = [*sides[0], *sides[1]]
    on, using = node.args.get("on"), node.args.get("using")
    if node.args.get("natural"):
        names = _shared_names(sides)
    elif using:
        names = [str(name.this) for name in using]
    else:
        condition = None
        if on is not None:
            inner = replace(environment.at(Clause.JOIN), scope=Scope(items, parent=environment.scope.parent))
            condition = coerce_to_boolean(
                environment.context, bind_node(inner, on), "JOIN/ON", position_of(on)
            )
        return condition, items, ()
    return *_merge(environment, kind, sides, names), tuple(names)


def _shared_names(sides: Sides) -> list[str]:
    right = {column.name for item in sides[1] if item.is_open for column in item.visible_columns()}
    left = [column.name for item in sides[0] if item.is_open for column in item.visible_columns()]
    return [name for name in left if name in right]


def _merge(
    environment: Environment, kind: JoinKind, sides: Sides, names: list[str]
) -> tuple[Expression | None, list[NamespaceItem]]:
    merged, conditions = [], []
    for name in names:
        left = _side_column(sides[0], name, "left")
        right = _side_column(sides[1], name, "right")
        pair = (left.expression, right.expression)
        conditions.append(operator_call(environment.context, "=", pair))
        merged.append(_merged_column(environment, kind, left, right))
    taken = set(names)
    rest = [
        column
        for item in (*sides[0], *sides[1])
        if item.is_open
        for column in item.visible_columns()
        if column.name not in taken
    ]
    for item in (*sides[0], *sides[1]):
        item.is_open = False
    joined = NamespaceItem("", (*merged, *rest), is_named=False)
    condition = conjunction(BoolOperator.AND, conditions) if conditions else None
    return condition, [*sides[0], *sides[1], joined]


def _side_column(items: list[NamespaceItem], name: str, side: str) -> NamespaceColumn:
    found = [c for item in items if item.is_open for c in item.named(name) if not c.is_system]
    if not found:
        raise UndefinedColumn(f'column "{name}" specified in USING clause does not exist in {side} table')
    if len(found) > 1:
        raise AmbiguousColumn(f'common column name "{name}" appears more than once in {side} table')
    return found[0]


def _merged_column(
    environment: Environment, kind: JoinKind, left: NamespaceColumn, right: NamespaceColumn
) -> NamespaceColumn:
    """The surviving side's column; for FULL joins COALESCE of both."""
    types = (left.expression.sql_type, right.expression.sql_type)
    oid = common_type([types[0].oid, types[1].oid])
    if oid is None:
        raise DatatypeMismatch(
            f"JOIN/USING types {type_name(types[0])} and {type_name(types[1])} cannot be matched"
        )
    sides = [coerce_argument(environment.context, column.expression, oid) for column in (left, right)]
    first, second = in_one_form(sides)
    if kind is JoinKind.FULL:
        typmod = types[0].typmod if types[0] == types[1] else -1
        both = Variadic(VariadicKind.COALESCE, (first, second), SqlType(first.sql_type.oid, typmod))
        return NamespaceColumn(left.name, both)
    survivor, column = (second, right) if kind is JoinKind.RIGHT else (first, left)
    if survivor is column.expression:
        return column
    return NamespaceColumn(left.name, survivor)
