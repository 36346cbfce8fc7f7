"""ALTER TABLE, and the same actions of ALTER INDEX and ALTER SEQUENCE.

https://www.postgresql.org/docs/15/sql-altertable.html. Several actions run in PostgreSQL's passes; all or none stay,
since a failed statement ends its transaction or goes back to its savepoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from foundation.errors import (
    FeatureNotSupported,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from sqlfront.binder import bind_view
from sqlfront.commands.absent_objects import alter_nothing, switch_triggers
from sqlfront.commands.alter_columns import COLUMN_ACTIONS
from sqlfront.commands.alter_kinds import check_action
from sqlfront.commands.check_constraints import validate_check
from sqlfront.commands.constraints import add_constraint, find_constraint
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.dependencies import drop_dependents
from sqlfront.commands.foreign_keys import keys_using_index, validate_foreign_key
from sqlfront.commands.index_options import check_index_options
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.lookup import (
    RELATION_CLASSES,
    check_new_owner,
    check_owner,
    described,
    find_role,
    maybe_relation,
    of_kind,
)
from sqlfront.commands.ownership import change_owner
from sqlfront.commands.partition_alterations import action_below, check_of_partition, check_only
from sqlfront.commands.partition_parts import drop_with_parts, inherit_parts, parts_of_foreign_key
from sqlfront.commands.table_options import (
    checked_table_options,
    merged_options,
)
from sqlfront.commands.views import broken_views, check_updatable, checked_view_options
from sqlfront.parser import (
    AddColumn,
    AddConstraint,
    AlterAction,
    AlterColumnType,
    AlterConstraint,
    AlterNothing,
    AlterTableStatement,
    ConstraintDefinition,
    ConstraintKind,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetDefault,
    SetIdentity,
    SetNotNull,
    SetOptions,
    SetOwner,
    SwitchTriggers,
    ValidateConstraint,
)
from storage.catalog import CatalogObject, ForeignKey, Index, Table, View, replaced
from storage.partition_tree import children


def execute_alter_table(statement: AlterTableStatement, context: CommandContext) -> CommandResult:
    """Run the actions.

    Raises:
        UndefinedTable: 42P01. UndefinedColumn: 42703. UndefinedObject: 42704. DuplicateColumn: 42701.
        InvalidTableDefinition: 42P16. NotNullViolation: 23502. UniqueViolation: 23505. FeatureNotSupported: 0A000.
    """
    result = CommandResult(f"ALTER {statement.kind}")
    found = maybe_relation(context, statement.name)
    if found is None:
        if statement.if_exists:
            context.notice(f'relation "{statement.name}" does not exist, skipping')
            return result
        raise UndefinedTable(f'relation "{statement.name}" does not exist')
    target = found if statement.kind == "TABLE" else of_kind(found, RELATION_CLASSES[statement.kind])
    check_owner(context, target)
    if statement.kind in ("TABLE", "MATERIALIZED VIEW"):
        for action in statement.actions:
            check_action(target, action)
    for action in sorted(statement.actions, key=_pass):
        _run(context, target.oid, action, is_only=statement.is_only)
    for oid in context.rewritten_oids:
        warn_of_little_data(context, context.catalog.indexes_of(oid))
    return replace(result, indexes_to_build=tuple(context.indexes_to_build))


def _pass(action: AlterAction) -> int:
    """When an action runs: PostgreSQL goes through a statement's actions in passes (AT_PASS_* in tablecmds.c)."""
    match action:
        case DropColumn() | DropConstraint() | DropExpression():
            return 0
        case SetDefault(default=None) | SetNotNull(not_null=False) | SetIdentity(identity=""):
            return 0
        case AlterColumnType():
            return 1
        case AddColumn():
            return 2
        case SetNotNull():
            return 3
        case AddConstraint(constraint=ConstraintDefinition(kind=kind)):
            is_key = kind in (ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUDE)
            return 4 if is_key else 5
        case SetDefault() | SetIdentity():
            return 5
        case _:
            return 6


def _run(context: CommandContext, oid: int, action: AlterAction, *, is_only: bool) -> None:
    target = context.catalog.get(oid)
    if isinstance(target, Table):
        check_of_partition(context, target, action)
        if is_only and target.partition_key is not None:
            check_only(context, target, action)
    if isinstance(action, SetOwner):
        _set_owner(context, target, action)
    elif isinstance(action, SetOptions):
        _set_options(context, target, action)
    elif isinstance(target, Table):
        _ACTIONS[type(action)](context, target, action)
        if target.partition_key is not None and not is_only:
            _run_below(context, context.catalog.table(oid), action)
    else:
        raise FeatureNotSupported("this form of ALTER is not supported")


def _run_below(context: CommandContext, table: Table, action: AlterAction) -> None:
    """Let the partitions of a table, and those below them, have what was done to it."""
    below = action_below(table, action)
    for partition in children(context.catalog, table):
        if below is not None:
            _ACTIONS[type(below)](context, partition, below)
            _run_below(context, context.catalog.table(partition.oid), below)
        if isinstance(action, AddColumn | AddConstraint):
            current = context.catalog.table(partition.oid)
            context.indexes_to_build += inherit_parts(context, table, current)


# -- constraints


def _add_constraint(context: CommandContext, table: Table, action: AddConstraint) -> None:
    add_constraint(context, table, action.constraint)


def _drop_constraint(context: CommandContext, table: Table, action: DropConstraint) -> None:
    constraint = find_constraint(context, table, action.name)
    if constraint is not None:
        if isinstance(constraint, Index):
            drop_dependents(
                context,
                f"constraint {constraint.name} on {described(context, table)}",
                list(keys_using_index(context, constraint)),
                cascade=action.cascade,
            )
        drop_with_parts(context, table, constraint)
        if isinstance(constraint, Index) and constraint.is_primary:
            what = f"constraint {constraint.name} on {described(context, table)}"
            users = [(view, what) for view in broken_views(context, table)]
            drop_dependents(context, what, users, cascade=action.cascade)
        return
    shown = f'constraint "{action.name}" of relation "{table.name}" does not exist'
    if not action.if_exists:
        raise UndefinedObject(shown)
    context.notice(f"{shown}, skipping")


def _validate_constraint(context: CommandContext, table: Table, action: ValidateConstraint) -> None:
    constraint = find_constraint(context, table, action.name)
    if constraint is None:
        raise UndefinedObject(f'constraint "{action.name}" of relation "{table.name}" does not exist')
    if isinstance(constraint, Index):
        raise WrongObjectType(
            f'constraint "{action.name}" of relation "{table.name}" is not a foreign key or check constraint'
        )
    if isinstance(constraint, ForeignKey):
        validate_foreign_key(context, constraint)
        return
    validate_check(context, table, constraint)
    for partition in children(context.catalog, table):
        _validate_constraint(context, partition, action)


def _alter_constraint(context: CommandContext, table: Table, action: AlterConstraint) -> None:
    constraint = find_constraint(context, table, action.constraint.name or "")
    shown = f'constraint "{action.constraint.name}" of relation "{table.name}"'
    if constraint is None:
        raise UndefinedObject(f"{shown} does not exist")
    if not isinstance(constraint, ForeignKey):
        raise WrongObjectType(f"{shown} is not a foreign key constraint")
    if constraint.parent_oid:
        raise FeatureNotSupported(
            f'cannot alter constraint "{constraint.name}" on relation "{table.name}"',
            hint="You may alter the constraint it derives from instead.",
        )
    for part in (constraint, *parts_of_foreign_key(context, constraint)):
        changed = replaced(
            part,
            is_deferrable=bool(action.constraint.is_deferrable),
            is_initially_deferred=action.constraint.is_initially_deferred,
        )
        context.transaction.put(changed)


# -- options, owner


def _set_options(context: CommandContext, target: CatalogObject | None, action: SetOptions) -> None:
    removed = tuple(option.name for option in action.options) if action.is_reset else ()
    if isinstance(target, Table):
        changed = () if action.is_reset else checked_table_options(action.options)
        options = merged_options(target.options, changed, removed)
        context.transaction.put(replaced(target, options=options))
    elif isinstance(target, View):
        changed = () if action.is_reset else checked_view_options(action.options)
        options = merged_options(target.options, changed, removed)
        check_updatable(context, options, bind_view(context.bind_context(), target))
        context.transaction.put(replaced(target, options=options))
    elif isinstance(target, Index):
        given = {} if action.is_reset else {o.name: o.value or "true" for o in action.options}
        merged = merged_options(target.options, tuple(given.items()), removed)
        check_index_options(context, target.family, dict(merged))
        context.transaction.put(replaced(target, options=merged))
    else:
        raise FeatureNotSupported("options of a sequence are not supported")


def _set_owner(context: CommandContext, target: CatalogObject | None, action: SetOwner) -> None:
    assert target is not None
    role = find_role(context, action.role)
    check_new_owner(context, role)
    change_owner(context, target, role.oid)


_ACTIONS: dict[type[AlterAction], Callable[[CommandContext, Table, Any], None]] = {
    **COLUMN_ACTIONS,
    AddConstraint: _add_constraint,
    DropConstraint: _drop_constraint,
    ValidateConstraint: _validate_constraint,
    AlterConstraint: _alter_constraint,
    SwitchTriggers: switch_triggers,
    AlterNothing: alter_nothing,
}
