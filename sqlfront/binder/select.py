"""Binding of one SELECT: clause by clause in PostgreSQL's order (transformSelectStmt)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from foundation.errors import SyntaxErrorInStatement, WrongObjectType
from planner.bound import ColumnRef, Expression, OutputRef, Select, SortKey, Target
from sqlfront.binder.calls import check_groupable
from sqlfront.binder.coerce import coerce_to_boolean
from sqlfront.binder.columns import resolve_column
from sqlfront.binder.environment import Clause, Environment, bind_node, place_of
from sqlfront.binder.errors import InvalidColumnReference, TooManyTargets
from sqlfront.binder.grouping import bind_group_by, check_grouping
from sqlfront.binder.output_names import figure_name
from sqlfront.binder.relations import bind_from
from sqlfront.binder.row_locks import bind_row_locks
from sqlfront.binder.row_markers import with_row_markers
from sqlfront.binder.row_values import fields_of, is_row_value, known_shape
from sqlfront.binder.scope import NamespaceColumn, find_item, missing_item
from sqlfront.binder.sorting import (
    bind_limits,
    bind_order,
    bind_target_reference,
    output_reference,
    settled_target,
)
from sqlfront.binder.type_rules import type_name
from sqlfront.binder.with_ties import keep_ties
from sqlfront.parser.nodes import position_of

_TARGETS_MAX = 1664


def bind_select(environment: Environment, node: exp.Expr, *, settles: bool) -> Select:
    """Bind a SELECT in a fresh scope.

    Args:
        settles: whether output columns that are still UNKNOWN become text.

    Raises:
        GroupingError: 42803, an ungrouped column; SyntaxErrorInStatement: 42601, INTO; and whatever its clauses raise.
    """
    findings = environment.findings
    if node.args.get("into") is not None:
        # The first SELECT of a statement has lost it already: there it creates a table.
        position = node.args["into"].meta["name"].position
        raise SyntaxErrorInStatement("SELECT ... INTO is not allowed here", position=position)
    from_node = node.args.get("from_")
    from_ = bind_from(environment, from_node.expressions) if from_node is not None else None
    for window in node.args.get("windows") or ():
        findings.named_windows[str(window.this.this)] = window
    targets = bind_targets(environment, node.expressions, Clause.SELECT_LIST)
    where = bind_condition(environment, node.args.get("where"), Clause.WHERE)
    having = bind_condition(environment, node.args.get("having"), Clause.HAVING)
    order_by = bind_order(environment, node.args.get("order"), targets)
    group_by = bind_group_by(environment, node.args.get("group"), targets)
    is_distinct, distinct_on = _bind_distinct(environment, node.args.get("distinct"), targets, order_by)
    limit, offset = bind_limits(environment, node)
    if settles:
        targets = [settled_target(environment, target) for target in targets]
    from_ = with_row_markers(environment, from_)
    select = Select(
        tuple(targets), from_, where, group_by, having, is_distinct, distinct_on, order_by, limit, offset,
        locks=bind_row_locks(environment, node, from_),
    )  # fmt: skip
    if findings.has_aggregates or group_by or having is not None:
        check_grouping(environment, select)
    limit_node = node.args.get("limit")
    if limit_node is not None and limit_node.args.get("with_ties"):
        return keep_ties(environment, select, position_of(limit_node))
    return select


def bind_condition(environment: Environment, node: exp.Expr | None, clause: Clause) -> Expression | None:
    """WHERE or HAVING. Raises 42804 when it is no boolean."""
    if node is None:
        return None
    condition = node.this
    bound = bind_node(environment.at(clause), condition)
    return coerce_to_boolean(environment.context, bound, clause.value, place_of(condition))


# -- the select list ----------------------------------------------------------------------------------------


def bind_targets(environment: Environment, nodes: Sequence[exp.Expr], clause: Clause) -> list[Target]:
    """A select list or RETURNING list, with `*` spread out.

    Raises:
        SyntaxErrorInStatement: 42601 `SELECT * with no tables specified is not valid`.
    """
    inner = environment.at(clause)
    targets: list[Target] = []
    for node in nodes:
        if isinstance(node, exp.Star):
            targets += _all_columns(inner, node)
        elif isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            targets += _columns_of(inner, node)
        elif isinstance(node, exp.Dot) and isinstance(node.args["expression"], exp.Star):
            targets += _fields_of(inner, node)
        else:
            targets.append(_target(inner, node))
    if len(targets) > _TARGETS_MAX:
        raise TooManyTargets(f"target lists can have at most {_TARGETS_MAX} entries")
    return targets


def _all_columns(environment: Environment, node: exp.Expr) -> list[Target]:
    items = [item for item in environment.scope.items if item.is_open]
    if not items:
        raise SyntaxErrorInStatement(
            "SELECT * with no tables specified is not valid", position=position_of(node)
        )
    return [_column_target(environment, column, node) for item in items for column in item.visible_columns()]


def _columns_of(environment: Environment, node: exp.Expr) -> list[Target]:
    qualifier, schema = str(node.args["table"].this), node.args.get("db")
    position = position_of(node)
    item = find_item(environment.scope, str(schema.this) if schema is not None else None, qualifier, position)
    if item is None:
        raise missing_item(environment.scope, qualifier, position)
    return [_column_target(environment, column, node) for column in item.visible_columns()]


def _fields_of(environment: Environment, node: exp.Dot) -> list[Target]:
    """`(row).*`. Raises WrongObjectType (42809) for what is no row."""
    value = bind_node(environment, node.this)
    position = position_of(node.this)
    if not is_row_value(value):
        raise WrongObjectType(f"type {type_name(value.sql_type)} is not composite", position=position)
    names = known_shape(value.sql_type, position).names
    return [Target(field, name) for field, name in zip(fields_of(value), names, strict=True)]


def _column_target(environment: Environment, column: NamespaceColumn, node: exp.Expr) -> Target:
    expression = column.expression
    if isinstance(expression, ColumnRef):
        expression = replace(expression)
        environment.state.note_position(expression, position_of(node))
    return Target(expression, column.name, column.table_oid, column.attnum)


def _target(environment: Environment, node: exp.Expr) -> Target:
    name, value = figure_name(node), node
    if isinstance(node, exp.Alias):
        name, value = str(node.args["alias"].this), node.this
    expression = bind_node(environment, value)
    while isinstance(value, exp.Paren):
        value = value.this
    if isinstance(value, exp.Column) and isinstance(expression, ColumnRef):
        column = resolve_column(environment, value)
        return Target(expression, name, column.table_oid, column.attnum)
    return Target(expression, name)


# -- DISTINCT -----------------------------------------------------------------------------------------------


def _bind_distinct(
    environment: Environment,
    node: exp.Expr | None,
    targets: list[Target],
    order_by: tuple[SortKey, ...],
) -> tuple[bool, tuple[Expression, ...]]:
    if node is None:
        return False, ()
    on = node.args.get("on")
    if on is None:
        targets[:] = [settled_target(environment, target) for target in targets]
        for target in targets:
            check_groupable(target.expression.sql_type, environment.state.position_of(target.expression))
        for key in order_by:
            if not isinstance(key.expression, OutputRef):
                raise InvalidColumnReference(
                    "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                    position=environment.state.position_of(key.expression),
                )
        return True, ()
    expressions: list[Expression] = []
    for item in on.expressions:
        found = bind_target_reference(environment, item, targets, Clause.DISTINCT_ON)
        expression = output_reference(environment, targets, found) if isinstance(found, int) else found
        check_groupable(expression.sql_type, position_of(item))
        if expression not in expressions:
            expressions.append(expression)
    _check_distinct_order(expressions, order_by, position_of(on))
    return False, tuple(expressions)


def _check_distinct_order(
    expressions: Sequence[Expression], order_by: Sequence[SortKey], position: int | None
) -> None:
    """The first ORDER BY items must be the DISTINCT ON items, in any order."""
    remaining = list(expressions)
    skipped = False
    for key in order_by:
        if key.expression in expressions:
            if skipped:
                break
            if key.expression in remaining:
                remaining.remove(key.expression)
        else:
            skipped = True
    else:
        if not (skipped and remaining):
            return
    raise InvalidColumnReference(
        "SELECT DISTINCT ON expressions must match initial ORDER BY expressions", position=position
    )
