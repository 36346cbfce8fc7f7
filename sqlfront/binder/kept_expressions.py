"""Expressions that a table keeps as SQL text: what is bound once is written down as PostgreSQL would print it.

The text is read back whenever the table is used, so it must mean the same: it is bound again, and where the
result is another tree the text as it was written is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlglot import exp

from foundation.errors import QuiverError
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from planner import bound
from planner.dml.returning import replace_columns
from planner.expression_text import ExpressionPrinter
from planner.implication import comparable
from sqlfront.binder.binding import bind_expression, bind_generation, bind_table_expression
from sqlfront.binder.context import BindContext
from sqlfront.binder.domains import bind_domain_condition, value_table
from sqlfront.binder.environment import Clause
from sqlfront.binder.relations import table_columns
from sqlfront.parser import SqlExpression
from sqlfront.parser.nodes import ValueFunction
from sqlfront.types.context import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage.catalog import Column, Table
from storage.type_objects import DomainType


@dataclass(frozen=True, slots=True)
class KeptExpression:
    """SQL text, without parentheses around it, and the attnums of the columns it reads, ascending."""

    sql: str
    attnums: tuple[int, ...]


def keep_condition(
    context: BindContext, table: Table, expression: SqlExpression, clause: Clause
) -> KeptExpression:
    """The condition of a CHECK constraint or a partial index, or the expression of an index key. Raises what `bind_table_expression` raises."""
    return _kept(table, expression, lambda source: bind_table_expression(source, context, table, clause))


def keep_generation(
    context: BindContext, table: Table, column: Column, expression: SqlExpression
) -> KeptExpression:
    """The expression of a generated column. Raises what `bind_generation` raises."""
    return _kept(table, expression, lambda source: bind_generation(source, context, table, column))


def keep_default(context: BindContext, column: Column, expression: SqlExpression) -> str:
    """A column's default as text: constants, 'now' among them, have the value that they have today.

    A number keeps its own type, a string has the column's without its length. Raises what `bind_expression` raises.
    """

    def bind(source: exp.Expr | str, target: SqlType | None = column.type) -> bound.Expression:
        return bind_expression(source, context, target, column_name=column.name)

    node, found = expression.tree, bind(expression.tree)
    if isinstance(node, ValueFunction):
        return expression.sql.upper()
    if any(node.find_all(ValueFunction, exp.AtTimeZone, exp.Case)):
        return expression.sql
    if isinstance(node, exp.Literal):
        return definition_text(
            bind(node, column.type.without_domain().without_typmod() if node.is_string else None)
        )
    return _lasting_text(expression, found, bind)


def _kept(
    table: Table, expression: SqlExpression, bind: Callable[[exp.Expr | str], bound.Expression]
) -> KeptExpression:
    tree = bind(expression.tree)
    return KeptExpression(_lasting_text(expression, tree, bind), _attnums(table, tree))


def _lasting_text(
    expression: SqlExpression, tree: bound.Expression, bind: Callable[[exp.Expr | str], bound.Expression]
) -> str:
    text = definition_text(tree)
    try:
        is_same = comparable(bind(text)) == comparable(tree)
    except QuiverError:
        is_same = False
    return text if is_same else expression.sql


def keep_domain_condition(context: BindContext, domain: DomainType, expression: SqlExpression) -> str:
    """The text of a domain's CHECK. Raises what `bind_domain_condition` raises."""
    tree = bind_domain_condition(context, domain, expression)
    text = _ValuePrinter(_lasting_codecs(), is_folded=False).print(_without_assignment(tree))
    try:
        is_same = comparable(bind_domain_condition(context, domain, text)) == comparable(tree)
    except QuiverError:
        is_same = False
    return text if is_same else expression.sql


class _ValuePrinter(ExpressionPrinter):
    """Prints the only column there is as VALUE."""

    def print(self, expression: bound.Expression) -> str:
        return "VALUE" if isinstance(expression, bound.ColumnRef) else super().print(expression)


def _attnums(table: Table, tree: bound.Expression) -> tuple[int, ...]:
    columns = table_columns(table)
    read = {columns[node.position].attnum for node in bound.walk(tree) if isinstance(node, bound.ColumnRef)}
    return tuple(sorted(attnum for attnum in read if attnum > 0))


def generation_inputs(context: BindContext, table: Table, column: Column) -> tuple[int, ...]:
    """Attnums of the columns that a generated column is computed from, ascending."""
    assert column.generated_sql is not None, "not a generated column"
    return _attnums(table, bind_generation(column.generated_sql, context, table, column))


def renamed_condition(context: BindContext, table: Table, renamed: Table, sql: str, clause: Clause) -> str:
    """The text of a CHECK, an index key's expression or an index's predicate over the same columns as `renamed` calls them."""
    return _renamed(bind_table_expression(sql, context, table, clause), renamed)


def shown_condition(context: BindContext, owner: Table | DomainType, sql: str) -> str:
    """A kept expression in which what the search path does not find is qualified, as pg_get_expr shows it."""
    table = owner if isinstance(owner, Table) else value_table(owner)
    tree = bind_table_expression(sql, context, table, Clause.INDEX)
    printer = ExpressionPrinter if isinstance(owner, Table) else _ValuePrinter
    shown = printer(_lasting_codecs(), is_folded=False, searched=context.schemas_searched())
    return shown.print(_without_assignment(tree))


def renamed_generation(context: BindContext, table: Table, renamed: Table, column: Column) -> str:
    """A generated column's text over the same columns as `renamed` calls them."""
    assert column.generated_sql is not None, "not a generated column"
    return _renamed(bind_generation(column.generated_sql, context, table, column), renamed)


def _renamed(tree: bound.Expression, renamed: Table) -> str:
    names = [column.name for column in table_columns(renamed)]
    return definition_text(replace_columns(tree, lambda node: replace(node, name=names[node.position])))


def definition_text(expression: bound.Expression) -> str:
    """An expression as pg_get_expr prints it; constants do not depend on the session's settings."""
    return ExpressionPrinter(_lasting_codecs(), is_folded=False).print(_without_assignment(expression))


def _lasting_codecs() -> PostgresCodecs:
    return PostgresCodecs(CodecContext.of(SettingValues()))


def _without_assignment(expression: bound.Expression) -> bound.Expression:
    """PostgreSQL prints no cast that it applies by itself."""
    if isinstance(expression, bound.CastExpression) and not expression.is_explicit:
        return expression.argument
    return expression
