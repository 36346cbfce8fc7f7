"""What ALTER TABLE may do to a partition, and what of it a partitioned table's partitions take part in.

https://www.postgresql.org/docs/16/sql-altertable.html; the ATPrep and ATExec functions of src/backend/commands/tablecmds.c.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.errors import FeatureNotSupported, WrongObjectType
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidTableDefinition
from sqlfront.commands.table_options import partitioned_without_options
from sqlfront.parser import (
    AddColumn,
    AddConstraint,
    AlterAction,
    AlterColumnType,
    ConstraintKind,
    DropColumn,
    DropConstraint,
    DropExpression,
    SetColumnStorage,
    SetDefault,
    SetNotNull,
    SetOptions,
    parse_expression,
)
from sqlfront.parser.typenames import SERIAL_TYPES
from storage.catalog import CheckConstraint, Table
from storage.partition_tree import children

_CASCADING = (
    AlterColumnType, DropColumn, DropExpression, SetColumnStorage, SetDefault, SetNotNull,
)  # fmt: skip


def check_of_partition(context: CommandContext, table: Table, action: AlterAction) -> None:
    """Refuse what only the parent of a partition may have done.

    Raises:
        WrongObjectType: 42809. InvalidTableDefinition: 42P16.
    """
    if table.parent_oid:
        _check_of_part(context, table, action)
    if table.partition_key is not None:
        _check_of_partitioned(table, action)


def _check_of_part(context: CommandContext, table: Table, action: AlterAction) -> None:
    match action:
        case AddColumn():
            raise WrongObjectType("cannot add column to a partition")
        case DropColumn(name=name) if table.column(name) is not None:
            raise InvalidTableDefinition(f'cannot drop inherited column "{name}"')
        case AlterColumnType(column=name) if table.column(name) is not None:
            raise InvalidTableDefinition(f'cannot alter inherited column "{name}"')
        case SetNotNull(column=name, not_null=False):
            above = context.catalog.table(table.parent_oid).column(name)
            if above is not None and above.not_null:
                raise InvalidTableDefinition(f'column "{name}" is marked NOT NULL in parent table')
        case DropConstraint(name=name):
            _check_not_inherited(context, table, name)


def _check_not_inherited(context: CommandContext, table: Table, name: str) -> None:
    checks = context.catalog.constraints_of(table.oid)
    is_part = any(
        c.name == name and (c.is_inherited if isinstance(c, CheckConstraint) else c.parent_oid)
        for c in checks
    )
    indexes = context.catalog.indexes_of(table.oid)
    is_part |= any(i.constraint_oid and i.name == name and i.parent_oid for i in indexes)
    if is_part:
        raise InvalidTableDefinition(f'cannot drop inherited constraint "{name}" of relation "{table.name}"')


def _check_of_partitioned(table: Table, action: AlterAction) -> None:
    assert table.partition_key is not None
    match action:
        case DropColumn(name=name) | AlterColumnType(column=name):
            column = table.column(name)
            word = "drop" if isinstance(action, DropColumn) else "alter"
            if column is not None and column.attnum in table.partition_key.attnums:
                raise InvalidTableDefinition(
                    f'cannot {word} column "{name}" because it is part of the partition key of relation "{table.name}"'
                )
        case SetOptions(is_reset=False, options=options) if options:
            raise partitioned_without_options()
        case AddConstraint(constraint=constraint) if constraint.using_index is not None:
            raise FeatureNotSupported(
                "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables"
            )
        case AddConstraint(constraint=constraint):
            if constraint.kind is ConstraintKind.FOREIGN_KEY and constraint.is_not_valid:
                raise FeatureNotSupported(
                    f'cannot add NOT VALID foreign key on partitioned table "{table.name}" referencing relation'
                    f' "{constraint.references}"',
                    detail="This feature is not yet supported on partitioned tables.",
                )


def check_only(context: CommandContext, table: Table, action: AlterAction) -> None:
    """Refuse ALTER TABLE ONLY of a partitioned table that would make its partitions differ. Raises InvalidTableDefinition (42P16)."""
    if not children(context.catalog, table):
        return
    match action:
        case AddColumn():
            raise InvalidTableDefinition("column must be added to child tables too")
        case DropColumn():
            raise InvalidTableDefinition(
                "cannot drop column from only the partitioned table when partitions exist",
                hint="Do not specify the ONLY keyword.",
            )
        case AlterColumnType(column=name):
            raise InvalidTableDefinition(
                f'type of inherited column "{name}" must be changed in child tables too'
            )
        case SetNotNull(not_null=False):
            raise InvalidTableDefinition(
                "cannot remove constraint from only the partitioned table when partitions exist",
                hint="Do not specify the ONLY keyword.",
            )
        case SetNotNull():
            raise InvalidTableDefinition(
                "constraint must be added to child tables too", hint="Do not specify the ONLY keyword."
            )
        case AddConstraint(constraint=constraint) if constraint.kind is ConstraintKind.CHECK:
            raise InvalidTableDefinition("constraint must be added to child tables too")
        case AddConstraint(constraint=constraint) if constraint.kind is ConstraintKind.FOREIGN_KEY:
            raise WrongObjectType(
                "cannot use ONLY for foreign key on partitioned table"
                f' "{table.name}" referencing relation "{constraint.references}"'
            )


def action_below(table: Table, action: AlterAction) -> AlterAction | None:
    """What an action on a partitioned table, already done there, is on its partitions; None for nothing.

    Constraints are not among them: `partition_parts` gives partitions theirs.
    """
    if isinstance(action, DropColumn):
        return replace(action, if_exists=True)
    if isinstance(action, _CASCADING):
        return action
    if not isinstance(action, AddColumn):
        return None
    column = table.column(action.column.name)
    assert column is not None, "it has been added to the parent"
    if column.identity:
        raise FeatureNotSupported(
            "an identity column that is added to a table with partitions is not supported"
        )
    type_name = action.column.type
    if type_name.schema is None and type_name.name in SERIAL_TYPES:
        type_name = replace(type_name, name=SERIAL_TYPES[type_name.name])
    default = None if column.default_sql is None else parse_expression(column.default_sql)
    specification = replace(
        action.column, type=type_name, not_null=column.not_null or None, default=default, constraints=()
    )
    return replace(action, column=specification)
