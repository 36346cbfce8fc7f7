"""Binding of SET: the new values of UPDATE and of ON CONFLICT DO UPDATE.

https://www.postgresql.org/docs/15/sql-update.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from foundation.errors import SyntaxErrorInStatement
from planner.bound import ColumnRef, Constant, Expression, Select, Subquery, SubqueryKind, output_columns
from sqlfront.binder.coerce import coerce_assignment
from sqlfront.binder.dml_targets import ChangeTarget, default_or_null, find_target_column
from sqlfront.binder.environment import QUERY_NODES, Clause, Environment, bind_node, place_of, unsupported
from sqlfront.binder.errors import GeneratedAlways
from sqlfront.binder.part_assignments import AssignedPart, is_part, with_part
from sqlfront.binder.queries import bind_nested_query
from sqlfront.parser.nodes import Assignment, Default, position_of
from storage.catalog import Column


@dataclass(frozen=True, slots=True)
class _NewValue:
    """What one column is set to; `value` is None for DEFAULT."""

    column_node: exp.Expr
    value: Expression | None
    position: int | None


def bind_assignments(
    environment: Environment, target: ChangeTarget, nodes: Sequence[Assignment]
) -> tuple[tuple[int, Expression], ...]:
    """The SET list as (attnum, expression cast to the column's type), over the names in scope.

    Raises:
        UndefinedColumn: 42703; DatatypeMismatch: 42804; GeneratedAlways: 428C9.
        SyntaxErrorInStatement: 42601, a column assigned twice or a row of the wrong width.
    """
    inner = environment.at(Clause.UPDATE)
    values = [value for node in nodes for value in _new_values(inner, node)]
    assignments: dict[int, Expression] = {}
    whole: set[int] = set()
    for value in values:
        column = find_target_column(target, value.column_node)
        attnum, so_far = column.attnum, assignments.get(column.attnum)
        if so_far is not None and (attnum in whole or not is_part(value.column_node)):
            raise SyntaxErrorInStatement(f'multiple assignments to same column "{column.name}"')
        if is_part(value.column_node):
            base = _old_value(target, column) if so_far is None else so_far
            part = AssignedPart(value.value, value.position, column.name)
            _check_not_generated(column)
            assignments[attnum] = with_part(inner, base, value.column_node, part)
        else:
            whole.add(attnum)
            assignments[attnum] = _assign(inner, target, column, value)
    return tuple(assignments.items())


def _old_value(target: ChangeTarget, column: Column) -> Expression:
    """What a column holds before the change."""
    scan = target.scan
    position = next(i for i, known in enumerate(scan.columns) if known.attnum == column.attnum)
    return ColumnRef(scan.relation_id, position, column.name, column.type)


def _new_values(environment: Environment, node: Assignment) -> list[_NewValue]:
    """SET a = x, or SET (a, b) = (x, y) or = (SELECT ...)."""
    names, value = node.this, node.args["expression"]
    bare = value
    while isinstance(bare, exp.Paren):
        bare = bare.this
    if not node.meta.get("is_list") or (len(names) == 1 and not isinstance(bare, exp.Tuple)):
        return [_new_value(environment, names[0], value)]
    if isinstance(bare, exp.Tuple):
        _check_count(len(names), len(bare.expressions), value)
        return [_new_value(environment, name, item) for name, item in zip(names, bare.expressions)]
    while isinstance(bare, exp.Subquery) and bare.args.get("with_") is None:
        bare = bare.this
    if isinstance(bare, QUERY_NODES):
        return _from_query(environment, names, bare)
    raise SyntaxErrorInStatement(
        "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
        position=place_of(value),
    )


def _new_value(environment: Environment, name: exp.Expr, node: exp.Expr) -> _NewValue:
    value = None if isinstance(node, Default) else bind_node(environment, node)
    return _NewValue(name, value, place_of(node))


def _check_count(names: int, values: int, node: exp.Expr) -> None:
    if names != values:
        raise SyntaxErrorInStatement(
            "number of columns does not match number of values", position=position_of(node)
        )


def _from_query(environment: Environment, names: list[exp.Expr], node: exp.Expr) -> list[_NewValue]:
    """Each column gets a scalar sub-query of its own, bound anew so that relation ids stay unique."""
    values = []
    for index, name in enumerate(names):
        query = bind_nested_query(environment, node)
        _check_count(len(names), len(output_columns(query)), node)
        if not isinstance(query, Select) or query.is_distinct or query.distinct_on or query.order_by:
            raise unsupported(node, "a multiple-column UPDATE from a query that is not a plain SELECT")
        target = query.targets[index]
        single = replace(query, targets=(target,))
        value = Subquery(SubqueryKind.SCALAR, single, target.expression.sql_type)
        values.append(_NewValue(name, value, position_of(node)))
    return values


def _assign(environment: Environment, target: ChangeTarget, column: Column, new: _NewValue) -> Expression:
    if new.value is None and target.view is not None:
        # The default is the view's own, which has none.
        return Constant(None, column.type)
    if new.value is None:
        return default_or_null(environment, target.table, column)
    _check_not_generated(column)
    return coerce_assignment(environment.context, new.value, column.type, column.name, new.position)


def _check_not_generated(column: Column) -> None:
    """Raises GeneratedAlways (428C9)."""
    if column.generated_sql is not None:
        raise GeneratedAlways(
            f'column "{column.name}" can only be updated to DEFAULT',
            detail=f'Column "{column.name}" is a generated column.',
        )
    if column.identity == "a":
        raise GeneratedAlways(
            f'column "{column.name}" can only be updated to DEFAULT',
            detail=f'Column "{column.name}" is an identity column defined as GENERATED ALWAYS.',
        )
