"""The actions of ALTER TABLE that are about one column. https://www.postgresql.org/docs/15/sql-altertable.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from foundation.bitset import offsets_from_bits
from foundation.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidParameterValue,
    NotNullViolation,
    ObjectNotInPrerequisiteState,
    SyntaxErrorInStatement,
    UndefinedColumn,
)
from foundation.sqltypes import arrow_type
from sqlfront.commands.columns import (
    COLUMNS_MAX,
    INTEGER_OIDS,
    SYSTEM_COLUMNS,
    PlannedColumn,
    checked_default,
    constant_default,
    plan_column,
)
from sqlfront.commands.constraints import add_constraint
from sqlfront.commands.context import CommandContext
from sqlfront.commands.create_table import attach_sequence
from sqlfront.commands.dependencies import drop_column, drop_dependent_keys, with_column
from sqlfront.commands.errors import InvalidTableDefinition, TooManyColumns
from sqlfront.commands.foreign_keys import keys_using_column
from sqlfront.commands.key_constraints import check_no_nulls
from sqlfront.commands.lookup import described, find_column
from sqlfront.commands.sequences import create_owned_sequence, owned_sequences
from sqlfront.parser import (
    AddColumn,
    AlterAction,
    AlterColumnType,
    DropColumn,
    DropExpression,
    SetColumnStorage,
    SetDefault,
    SetIdentity,
    SetNotNull,
)
from sqlfront.parser.typenames import resolve_type
from storage.catalog import Column, Table, replaced


def _add_column(context: CommandContext, table: Table, action: AddColumn) -> None:
    specification = action.column
    if table.column(specification.name) is not None:
        if action.if_not_exists:
            context.notice(
                f'column "{specification.name}" of relation "{table.name}" already exists, skipping'
            )
            return
        raise DuplicateColumn(f'column "{specification.name}" of relation "{table.name}" already exists')
    if len(table.live_columns()) >= COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {COLUMNS_MAX} columns")
    planned = plan_column(context, table.name, specification, len(table.columns) + 1)
    has_rows = context.transaction.table_view(table.oid).row_count > 0
    if has_rows and specification.default is not None and planned.sequence is None:
        missing = constant_default(context, planned.column, specification.default)
        planned = replace(planned, column=replace(planned.column, missing_value=missing))
    is_filled = planned.sequence is not None or planned.column.missing_value is not None
    if has_rows and planned.column.not_null and not is_filled:
        raise NotNullViolation(
            f'column "{specification.name}" of relation "{table.name}" contains null values',
            table=table.name,
            column=specification.name,
        )
    table = replaced(table, columns=(*table.columns, planned.column))
    context.transaction.put(table)
    table = attach_sequence(context, table, planned)
    if has_rows and planned.sequence is not None:
        _number_rows(context, table, planned)
    for constraint in specification.constraints:
        table = add_constraint(context, table, constraint)


def _number_rows(context: CommandContext, table: Table, planned: PlannedColumn) -> None:
    """Give existing rows the next values of a new serial or identity column: every row is written again."""
    attnum = planned.column.attnum
    (sequence,) = owned_sequences(context, table.oid, attnum)
    others = [column.attnum for column in table.live_columns() if column.attnum != attnum]
    batches = []
    for segment in context.transaction.table_view(table.oid).segments:
        offsets = offsets_from_bits(segment.visible_bits, segment.row_count)
        if len(offsets):
            batches.append((segment.row_ids[offsets], segment.take(others, offsets)))
    for row_ids, batch in batches:
        values = context.storage.next_sequence_values(sequence, len(row_ids))
        numbers = pa.array(values).cast(arrow_type(planned.column.type))
        columns = {str(other): batch.column(i) for i, other in enumerate(others)}
        filled = pa.RecordBatch.from_pydict({**columns, str(attnum): numbers})
        context.transaction.update(table.oid, row_ids, filled)


def _drop_column(context: CommandContext, table: Table, action: DropColumn) -> None:
    if action.name in SYSTEM_COLUMNS:
        raise FeatureNotSupported(f'cannot drop system column "{action.name}"')
    column = table.column(action.name)
    if column is None:
        if action.if_exists:
            context.notice(f'column "{action.name}" of relation "{table.name}" does not exist, skipping')
            return
        raise UndefinedColumn(f'column "{action.name}" of relation "{table.name}" does not exist')
    drop_dependent_keys(
        context,
        f"column {column.name} of {described(context, table)}",
        list(keys_using_column(context, table, column)),
        cascade=action.cascade,
    )
    drop_column(context, table, column)


def _set_default(context: CommandContext, table: Table, action: SetDefault) -> None:
    column = find_column(table, action.column)
    if column.identity:
        raise _identity_error(table, column, is_drop=action.default is None)
    default = None if action.default is None else checked_default(context, column, action.default)
    context.transaction.put(with_column(table, replace(column, default_sql=default)))


def _identity_error(table: Table, column: Column, *, is_drop: bool) -> SyntaxErrorInStatement:
    return SyntaxErrorInStatement(
        f'column "{column.name}" of relation "{table.name}" is an identity column',
        hint="Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead." if is_drop else None,
    )


def _drop_expression(context: CommandContext, table: Table, action: DropExpression) -> None:
    """The stored values stay; from now on the column takes what it is given."""
    column = find_column(table, action.column)
    if column.generated_sql is not None:
        context.transaction.put(with_column(table, replace(column, generated_sql=None)))
        return
    shown = f'column "{column.name}" of relation "{table.name}" is not a stored generated column'
    if not action.if_exists:
        raise ObjectNotInPrerequisiteState(shown)
    context.notice(f"{shown}, skipping")


def _set_not_null(context: CommandContext, table: Table, action: SetNotNull) -> None:
    column = find_column(table, action.column)
    if action.not_null:
        check_no_nulls(context, table, column.attnum)
    else:
        if column.identity:
            raise SyntaxErrorInStatement(
                f'column "{column.name}" of relation "{table.name}" is an identity column'
            )
        primary = context.catalog.primary_key_of(table.oid)
        if primary is not None and column.attnum in primary.key_attnums():
            raise InvalidTableDefinition(f'column "{column.name}" is in a primary key')
    context.transaction.put(with_column(table, replace(column, not_null=action.not_null)))


def _alter_type(context: CommandContext, table: Table, action: AlterColumnType) -> None:
    column = find_column(table, action.column)
    if action.using is not None or resolve_type(action.type) != column.type:
        raise FeatureNotSupported("ALTER COLUMN TYPE is not supported")


def _set_storage(context: CommandContext, table: Table, action: SetColumnStorage) -> None:
    """Accepted: how a column is stored is not the client's choice here."""
    find_column(table, action.column)
    if action.what == "storage" and action.value.upper() not in (
        "PLAIN",
        "EXTERNAL",
        "EXTENDED",
        "MAIN",
        "DEFAULT",
    ):
        raise InvalidParameterValue(f'invalid storage type "{action.value}"')


def _set_identity(context: CommandContext, table: Table, action: SetIdentity) -> None:
    column = find_column(table, action.column)
    shown = f'column "{column.name}" of relation "{table.name}"'
    if not action.identity:
        if not column.identity:
            if action.if_exists:
                context.notice(f"{shown} is not an identity column, skipping")
                return
            raise ObjectNotInPrerequisiteState(f"{shown} is not an identity column")
        context.transaction.put(with_column(table, replace(column, identity="")))
        for sequence in owned_sequences(context, table.oid, column.attnum):
            context.transaction.drop(sequence.oid)
        return
    if column.type.oid not in INTEGER_OIDS:
        raise InvalidParameterValue("identity column type must be smallint, integer, or bigint")
    if not column.not_null:
        raise ObjectNotInPrerequisiteState(f"{shown} must be declared NOT NULL before identity can be added")
    if column.identity:
        raise ObjectNotInPrerequisiteState(f"{shown} is already an identity column")
    if column.default_sql is not None:
        raise ObjectNotInPrerequisiteState(f"{shown} already has a default value")
    create_owned_sequence(context, table, column, action.options)
    context.transaction.put(with_column(table, replace(column, identity=action.identity)))


COLUMN_ACTIONS: dict[type[AlterAction], Callable[[CommandContext, Table, Any], None]] = {
    AddColumn: _add_column,
    DropColumn: _drop_column,
    SetDefault: _set_default,
    SetNotNull: _set_not_null,
    AlterColumnType: _alter_type,
    SetColumnStorage: _set_storage,
    SetIdentity: _set_identity,
    DropExpression: _drop_expression,
}
