"""What INSERT, UPDATE and DELETE share: the table they change, its columns, DEFAULT, RETURNING."""

from __future__ import annotations

from sqlglot import exp

from foundation.errors import UndefinedColumn
from planner.bound import Constant, Expression, Target
from sqlfront.binder.catalog_names import schema_name_of, writable_table
from sqlfront.binder.changed_views import view_change_error
from sqlfront.binder.defaults import bound_default
from sqlfront.binder.environment import Clause, Environment, unsupported
from sqlfront.binder.relations import table_parts
from sqlfront.binder.select import bind_targets
from sqlfront.binder.sorting import settled_target
from sqlfront.parser.nodes import position_of
from storage.catalog import Column, Table, View


def target_table(environment: Environment, node: exp.Expr) -> tuple[Table, str, str]:
    """The table a statement changes, its alias, and its schema's name for qualified references.

    Raises:
        UndefinedTable: 42P01. WrongObjectType: 42809. ObjectNotInPrerequisiteState: 55000, FeatureNotSupported: 0A000, a view.
    """
    parts = table_parts(node)
    table = writable_table(environment.context, parts, position_of(node))
    if isinstance(table, View):
        raise view_change_error(environment, table, node)
    alias = node.args.get("alias")
    if alias is not None:
        return table, str(alias.this.this), ""
    return table, table.name, schema_name_of(environment.context, table.schema_oid)


def find_target_column(table: Table, node: exp.Expr) -> Column:
    """A target column by name. Raises 42703, 0A000 for parts of a column."""
    named = node
    while not isinstance(named, exp.Identifier):
        named = named.this
    column = table.column(str(named.this))
    if column is None:
        raise UndefinedColumn(
            f'column "{named.this}" of relation "{table.name}" does not exist', position=position_of(named)
        )
    if named is not node:
        raise unsupported(node, "assignment to part of a column")
    return column


def default_or_null(environment: Environment, table: Table, column: Column) -> Expression:
    """What DEFAULT stands for."""
    default = bound_default(environment.context, table, column)
    return default if default is not None else Constant(None, column.type)


def bind_returning(environment: Environment, node: exp.Expr) -> tuple[Target, ...]:
    """The RETURNING list, () without one."""
    returning = node.args.get("returning")
    if returning is None:
        return ()
    targets = bind_targets(environment, returning.expressions, Clause.RETURNING)
    return tuple(settled_target(environment, target) for target in targets)
