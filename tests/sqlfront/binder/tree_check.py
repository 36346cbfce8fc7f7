"""What must hold of every bound tree, whatever the statement: the planner relies on it.

Types are concrete everywhere, arguments have the types their overload declares, every column reference points
at a column of that name and type in its own query or in one around it.
"""

from __future__ import annotations

from typing import Any

from foundation.sqltypes import BOOL, TYPES, UNKNOWN
from planner.bound import (
    Aggregate,
    ArrayLiteral,
    BoolExpression,
    Call,
    Case,
    ColumnRef,
    CteScan,
    Delete,
    Expression,
    FunctionScan,
    InList,
    Insert,
    Join,
    OutputRef,
    Select,
    SetOperation,
    SubqueryScan,
    TableScan,
    Update,
    Values,
    Variadic,
    VirtualScan,
    WindowCall,
    child_nodes,
    output_columns,
    walk,
)
from planner.functions.signature import ANY, POLYMORPHIC_TYPES

_SCANS = (TableScan, VirtualScan, FunctionScan, SubqueryScan, CteScan)


def check_tree(bound: Any) -> None:
    """Raises AssertionError where the tree breaks a rule."""
    _check(bound, {})
    for node in walk(bound):
        if isinstance(node, Expression):
            _check_expression(node)


def _check(node: Any, visible: dict[int, Any]) -> None:
    """Walk down with the relations in scope: those of the enclosing queries and of the query itself."""
    if isinstance(node, ColumnRef):
        relation = visible[node.relation_id]
        column = relation.columns[node.position]
        assert column.type == node.type, (node, column)
    if isinstance(node, Select):
        visible = {**visible, **_relations(node.from_)}
        for key in node.order_by:
            _check_output(key.expression, node)
        for expression in node.distinct_on:
            _check_output(expression, node)
    elif isinstance(node, SetOperation):
        left, right = ([c.type for c in output_columns(side)] for side in (node.left, node.right))
        assert [t.oid for t in left] == [t.oid for t in right]
    elif isinstance(node, Values):
        for row in node.rows:
            assert [e.sql_type.oid for e in row] == [c.type.oid for c in node.columns]
    elif isinstance(node, Update):
        visible = {**visible, **_relations(node.target), **_relations(node.from_)}
    elif isinstance(node, Delete):
        visible = {**visible, **_relations(node.target), **_relations(node.using)}
    elif isinstance(node, Insert):
        _check_insert(node)
        visible = {**visible, node.relation_id: node}
        if node.on_conflict is not None:
            visible[node.on_conflict.excluded_id] = node
    for child in child_nodes(node):
        _check(child, visible)


def _check_insert(node: Insert) -> None:
    by_attnum = {column.attnum: column.type for column in node.columns}
    assert [c.type for c in output_columns(node.source)] == [by_attnum[n] for n in node.attnums]
    for attnum, default in node.defaults:
        assert attnum not in node.attnums
        assert default.sql_type == by_attnum[attnum]
    if node.on_conflict is not None:
        for attnum, value in node.on_conflict.assignments or ():
            assert value.sql_type.oid == by_attnum[attnum].oid


def _relations(relation: Any) -> dict[int, Any]:
    if relation is None:
        return {}
    if isinstance(relation, Join):
        return {**_relations(relation.left), **_relations(relation.right)}
    assert isinstance(relation, _SCANS)
    return {relation.relation_id: relation}


def _check_output(expression: Expression, select: Select) -> None:
    if isinstance(expression, OutputRef):
        assert expression.type == select.targets[expression.position].expression.sql_type


def _check_expression(node: Expression) -> None:
    oid = node.sql_type.oid
    assert node.sql_type != UNKNOWN, node
    assert oid in TYPES and oid not in POLYMORPHIC_TYPES, node
    if isinstance(node, Call | WindowCall):
        _check_arguments(node.function, node.arguments)
    elif isinstance(node, Aggregate):
        keys = tuple(key.expression for key in node.within_group)
        _check_arguments(node.function, node.arguments + keys)
    elif isinstance(node, BoolExpression):
        assert len(node.arguments) >= 2
        assert all(argument.sql_type == BOOL for argument in node.arguments)
    elif isinstance(node, Case):
        assert all(condition.sql_type == BOOL for condition, _ in node.branches)
        results = [result for _, result in node.branches] + ([node.default] if node.default else [])
        assert {result.sql_type.oid for result in results} == {oid}
    elif isinstance(node, InList):
        assert {item.sql_type.oid for item in node.items} == {node.left.sql_type.oid}
    elif isinstance(node, Variadic):
        assert node.arguments[0].sql_type.oid == oid
    elif isinstance(node, ArrayLiteral):
        assert {item.sql_type.oid for item in node.items} <= {TYPES[oid].element_oid}


def _check_arguments(function: Any, arguments: tuple[Expression, ...]) -> None:
    declared = function.argument_types
    assert len(arguments) >= len(declared) if function.is_variadic else len(arguments) == len(declared), (
        function
    )
    spread = declared + (declared[-1:] * (len(arguments) - len(declared)))
    for argument, wanted in zip(arguments, spread):
        if wanted != ANY and wanted not in POLYMORPHIC_TYPES:
            assert argument.sql_type.oid == wanted, (function, argument)
