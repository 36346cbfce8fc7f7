"""What INSERT, UPDATE and DELETE share: the table they change, its columns, DEFAULT, RETURNING."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from foundation.errors import FeatureNotSupported, SyntaxErrorInStatement, UndefinedColumn
from planner.bound import BoundCheck, ColumnRef, Constant, Expression, TableRules, TableScan, Target
from sqlfront.binder.catalog_names import schema_name_of, writable_table
from sqlfront.binder.changed_views import table_behind
from sqlfront.binder.defaults import bound_default
from sqlfront.binder.environment import Clause, Environment
from sqlfront.binder.relations import scan_table, table_parts
from sqlfront.binder.rules import rules_of, table_rules
from sqlfront.binder.scope import NamespaceItem
from sqlfront.binder.select import bind_targets
from sqlfront.binder.sorting import settled_target
from sqlfront.parser.nodes import position_of
from storage.catalog import Column, Table, View


@dataclass(frozen=True, slots=True)
class ChangeTarget:
    """What a statement changes. `columns` are the table's as the statement names them: a view has names of its own.

    `condition` restricts which rows are there to be changed. `view` is the view that was named, `checks` what it and those
    below it ask of new rows.
    """

    table: Table
    scan: TableScan
    item: NamespaceItem
    columns: tuple[Column, ...]
    condition: Expression | None = None
    view: View | None = None
    checks: tuple[BoundCheck, ...] = ()


def change_target(environment: Environment, node: exp.Expr) -> ChangeTarget:
    """The table a statement changes, itself or through a view, with a new scan of it.

    Raises:
        UndefinedTable: 42P01. WrongObjectType: 42809. ObjectNotInPrerequisiteState: 55000, such a view is not changed.
    """
    found = writable_table(environment.context, table_parts(node), position_of(node))
    alias_node = node.args.get("alias")
    alias = str(alias_node.this.this) if alias_node is not None else found.name
    schema = "" if alias_node is not None else schema_name_of(environment.context, found.schema_oid)
    if isinstance(found, Table):
        scan, item = scan_table(environment, found, alias, schema, is_only=bool(node.args.get("only")))
        return ChangeTarget(found, scan, item, found.live_columns())
    behind = table_behind(environment, found, node)
    table = environment.context.catalog.table(behind.scan.table_oid)
    item = NamespaceItem(alias, behind.columns, schema, table_name=found.name)
    plain = (
        replace(table.column_at(behind.scan.columns[shown.expression.position].attnum), name=shown.name)
        for shown in behind.columns
        if isinstance(shown.expression, ColumnRef)
        and behind.scan.columns[shown.expression.position].attnum > 0
    )
    return ChangeTarget(table, behind.scan, item, tuple(plain), behind.condition, found, behind.checks)


def target_rules(environment: Environment, target: ChangeTarget) -> TableRules | None:
    """What the rows that a statement writes get and must satisfy; None for nothing."""
    rules = table_rules(environment.context, target.table)
    if not target.checks:
        return rules
    of_views = TableRules(target.scan.relation_id, target.scan.columns, checks=target.checks)
    return replace(rules or rules_of(target.table), of_views=of_views)


def find_target_column(target: ChangeTarget, node: exp.Expr) -> Column:
    """A target column by name, which may stand behind the brackets and fields of a part. Raises 42703; 0A000 for what a view computes."""
    named = node
    while not isinstance(named, exp.Identifier):
        named = named.this
    name = str(named.this)
    column = next((column for column in target.columns if column.name == name), None)
    relation = target.view or target.table
    if column is None and target.view is not None and target.view.column(name) is not None:
        raise FeatureNotSupported(
            f'cannot {"insert into" if node.find_ancestor(exp.Insert) else "update"} column "{name}" of view'
            f' "{relation.name}"',
            detail="View columns that are not columns of their base relation are not updatable.",
        )
    if column is None:
        raise UndefinedColumn(
            f'column "{name}" of relation "{relation.name}" does not exist', position=position_of(named)
        )
    return column


def default_or_null(environment: Environment, table: Table, column: Column) -> Expression:
    """What DEFAULT stands for."""
    default = bound_default(environment.context, table, column)
    return default if default is not None else Constant(None, column.type)


def bind_returning(environment: Environment, node: exp.Expr) -> tuple[Target, ...]:
    """The RETURNING list, () without one. Raises 42601 for the `*` of a table without columns."""
    returning = node.args.get("returning")
    if returning is None:
        return ()
    targets = bind_targets(environment, returning.expressions, Clause.RETURNING)
    if not targets:
        place = position_of(returning.expressions[0])
        raise SyntaxErrorInStatement("RETURNING must have at least one column", position=place)
    return tuple(settled_target(environment, target) for target in targets)
