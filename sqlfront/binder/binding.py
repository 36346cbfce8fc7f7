"""Entry points: a syntax tree and a `BindContext` in, a bound tree out."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from foundation.errors import DatatypeMismatch
from foundation.sqltypes import UNKNOWN, SqlType, format_type
from planner.bound import BoundStatement, ColumnRef, Expression, Parameter, walk
from planner.functions.quoting import quote_ident
from sqlfront.binder.changes import bind_delete, bind_update
from sqlfront.binder.changes_in_with import check_changes
from sqlfront.binder.coerce import coerce_assignment, coerce_default, coerce_to_boolean, settle
from sqlfront.binder.context import BindContext
from sqlfront.binder.environment import (
    Clause,
    Environment,
    QueryFindings,
    StatementState,
    bind_node,
    place_of,
    too_deep,
)
from sqlfront.binder.errors import AmbiguousParameter, InvalidObjectDefinition
from sqlfront.binder.immutability import is_immutable
from sqlfront.binder.inserts import bind_insert
from sqlfront.binder.merges import bind_merge
from sqlfront.binder.queries import bind_query_node
from sqlfront.binder.relations import scan_table
from sqlfront.binder.scope import Scope
from sqlfront.parser import parse_expression
from sqlfront.parser.nodes import position_of
from storage.catalog import Column, Table


def bind_query(expression: exp.Expr, context: BindContext) -> BoundStatement:
    """Bind a query or a data change.

    Every name is resolved, every node typed, parameters get their types in `context`.

    Raises:
        QuiverError: PostgreSQL's errors of parse analysis: 42P01, 42703, 42702, 42883, 42725, 42804, 42803,
            42P10, 42P18, 42601, ... with the position in the statement where the parser kept it.
        FeatureNotSupported: 0A000, naming what is not supported.
        StatementTooComplex: 54001, nested too deeply.
    """
    try:
        return _bind_statement(expression, context)
    except RecursionError:
        raise too_deep() from None


def _bind_statement(expression: exp.Expr, context: BindContext) -> BoundStatement:
    environment = _fresh_environment(context, Clause.SELECT_LIST)
    environment.state.top_with = expression.args.get("with_")
    bound: BoundStatement
    if isinstance(expression, exp.Insert):
        bound = bind_insert(environment, expression)
    elif isinstance(expression, exp.Update):
        bound = bind_update(environment, expression)
    elif isinstance(expression, exp.Delete):
        bound = bind_delete(environment, expression)
    elif isinstance(expression, exp.Merge):
        bound = bind_merge(environment, expression)
    else:
        bound = bind_query_node(environment, expression)
    _check_parameters(bound, environment.state)
    check_changes(context.catalog, bound)
    return bound


def _check_parameters(bound: BoundStatement, state: StatementState) -> None:
    """No parameter's type may be open, nowhere in the tree.

    Raises:
        IndeterminateType: 42P18, nothing gave the parameter a type.
        AmbiguousParameter: 42P08, something did, but not where it is used.
    """
    if not state.context.parameter_types():
        return
    for node in walk(bound):
        if isinstance(node, Parameter) and node.type == UNKNOWN:
            raise AmbiguousParameter(
                f"could not determine data type of parameter ${node.index + 1}",
                position=state.position_of(node),
            )


def bind_expression(
    expression: exp.Expr | str,
    context: BindContext,
    target: SqlType | None = None,
    *,
    clause: Clause = Clause.DEFAULT,
    column_name: str = "",
) -> Expression:
    """Bind an expression of constants and functions alone: a default, an argument of a utility statement.

    Args:
        expression: syntax tree or SQL text.
        target: the type to convert to by assignment; without it an UNKNOWN result becomes text.
        column_name: for the message when it cannot be converted.

    Raises:
        QuiverError: as `bind_query`; FeatureNotSupported for columns and sub-queries.
    """
    node, context = _parsed(expression, context)
    is_kept = clause in (Clause.DEFAULT, Clause.PARTITION_BOUND)
    kept = replace(context, allows_parameters=False, is_kept=True) if is_kept else context
    bound = bind_node(_fresh_environment(kept, clause), node)
    if target is None:
        return settle(kept, bound)
    if clause is Clause.DEFAULT:
        return coerce_default(kept, bound, target, column_name, place_of(node))
    return coerce_assignment(kept, bound, target, column_name, position_of(node))


def bind_table_expression(
    expression: exp.Expr | str, context: BindContext, table: Table, clause: Clause
) -> Expression:
    """Bind an expression over one row of a table: a CHECK, an index key, a partial index's predicate.

    The row's columns are those of relation 1, as in a TableScan. CHECK and predicates become boolean.
    """
    node, context = _parsed(expression, context)
    environment = _fresh_environment(replace(context, allows_parameters=False, is_kept=True), clause)
    _, item = scan_table(environment, table, table.name, "")
    environment.scope.add(item)
    bound = bind_node(environment, node)
    if clause in (Clause.CHECK, Clause.PREDICATE):
        word = "CHECK" if clause is Clause.CHECK else "WHERE"
        return coerce_to_boolean(context, bound, word, place_of(node))
    return settle(context, bound)


def bind_generation(
    expression: exp.Expr | str, context: BindContext, table: Table, column: Column
) -> Expression:
    """Bind the expression of a stored generated column, over one row of relation 1, cast to the column's type.

    Raises:
        InvalidObjectDefinition: 42P17, it reads a generated column or is not immutable.
        DatatypeMismatch: 42804.
    """
    node, context = _parsed(expression, context)
    kept = replace(context, allows_parameters=False, is_kept=True)
    environment = _fresh_environment(kept, Clause.GENERATED)
    scan, item = scan_table(environment, table, table.name, "")
    environment.scope.add(item)
    bound = bind_node(environment, node)
    for part in walk(bound):
        if isinstance(part, ColumnRef):
            source = scan.columns[part.position]
            if source.attnum > 0 and table.column_at(source.attnum).generated_sql is not None:
                raise InvalidObjectDefinition(
                    f'cannot use generated column "{source.name}" in column generation expression',
                    detail="A generated column cannot reference another generated column.",
                    position=environment.state.position_of(part),
                )
    if not is_immutable(bound):
        raise InvalidObjectDefinition("generation expression is not immutable")
    return coerce_default(kept, bound, column.type, column.name, place_of(node))


def _parsed(expression: exp.Expr | str, context: BindContext) -> tuple[exp.Expr, BindContext]:
    """A syntax tree with its surroundings; a text is a definition's."""
    if isinstance(expression, str):
        return parse_expression(expression).tree, context.for_kept_text()
    return expression, context


def bind_conversion(
    context: BindContext, table: Table, column: Column, target: SqlType, using: exp.Expr | None
) -> Expression:
    """What ALTER COLUMN TYPE makes of a row, over relation 1: USING, or the column itself, as the new type.

    Raises:
        DatatypeMismatch: 42804, with PostgreSQL's hint.
    """
    environment = _fresh_environment(replace(context, allows_parameters=False), Clause.TRANSFORM)
    _, item = scan_table(environment, table, table.name, "")
    environment.scope.add(item)
    node = using if using is not None else exp.column(exp.to_identifier(column.name, quoted=True))
    bound = bind_node(environment, node)
    try:
        return coerce_default(context, bound, target, column.name)
    except DatatypeMismatch:
        shown = format_type(target)
        if using is not None:
            raise DatatypeMismatch(
                f'result of USING clause for column "{column.name}" cannot be cast automatically to type {shown}',
                hint="You might need to add an explicit cast.",
            ) from None
        cast = f"{quote_ident(column.name)}::{shown}"
        raise DatatypeMismatch(
            f'column "{column.name}" cannot be cast automatically to type {shown}',
            hint=f'You might need to specify "USING {cast}".',
        ) from None


def _fresh_environment(context: BindContext, clause: Clause) -> Environment:
    return Environment(StatementState(context), Scope(), clause, QueryFindings())
