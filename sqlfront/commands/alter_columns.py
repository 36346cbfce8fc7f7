"""The actions of ALTER TABLE that are about one column. https://www.postgresql.org/docs/15/sql-altertable.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from foundation.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidParameterValue,
    ObjectNotInPrerequisiteState,
    SyntaxErrorInStatement,
    UndefinedColumn,
)
from foundation.sqltypes import arrow_type
from planner.bound import Expression
from planner.dml import row_values
from planner.dml.rows import assigned
from planner.evaluate import Frame, evaluate
from sqlfront.binder import bound_default, bound_generation, rules_of
from sqlfront.commands.alter_type import alter_type
from sqlfront.commands.columns import (
    COLUMNS_MAX,
    INTEGER_OIDS,
    SYSTEM_COLUMNS,
    checked_default,
    is_volatile,
    missing_value,
    plan_column,
)
from sqlfront.commands.constraints import add_constraint
from sqlfront.commands.context import CommandContext
from sqlfront.commands.create_table import attach_sequence
from sqlfront.commands.dependencies import (
    drop_column,
    drop_dependents,
    notice_cascade,
    refuse_dependents,
    with_column,
)
from sqlfront.commands.domains import check_column_domain
from sqlfront.commands.errors import InvalidTableDefinition, TooManyColumns
from sqlfront.commands.foreign_keys import keys_using_column
from sqlfront.commands.generated_columns import generated_from, keep_generations
from sqlfront.commands.key_constraints import check_no_nulls
from sqlfront.commands.lookup import described, find_column
from sqlfront.commands.sequences import alter_sequence, create_owned_sequence, owned_sequences
from sqlfront.commands.stored_rows import ValuesOf, fill_column, has_rows, null_values
from sqlfront.commands.views import dependent_views
from sqlfront.parser import (
    AddColumn,
    AlterAction,
    AlterColumnType,
    ChangeIdentity,
    DropColumn,
    DropExpression,
    SequenceOptions,
    SetColumnStorage,
    SetDefault,
    SetIdentity,
    SetNotNull,
)
from storage.catalog import Column, Table, replaced


def _add_column(context: CommandContext, table: Table, action: AddColumn) -> None:
    specification = action.column
    if table.column(specification.name) is not None:
        if action.if_not_exists:
            context.notice(
                f'column "{specification.name}" of relation "{table.name}" already exists, skipping',
                sqlstate=DuplicateColumn.sqlstate,
            )
            return
        raise DuplicateColumn(f'column "{specification.name}" of relation "{table.name}" already exists')
    if len(table.live_columns()) >= COLUMNS_MAX:
        raise TooManyColumns(f"tables can have at most {COLUMNS_MAX} columns")
    planned = plan_column(context, table.name, specification, len(table.columns) + 1)
    column = planned.column
    is_filled = has_rows(context, table)
    default = None
    if not column.identity:
        default = bound_default(context.bind_context(), table, column)
        if is_filled and default is not None and not is_volatile(default):
            column = replace(column, missing_value=missing_value(context, default, column.type))
            default = None
    is_volatile_default = default is not None and is_volatile(default)
    if planned.sequence is not None or is_volatile_default or column.generated_sql is not None:
        context.rewritten_oids.add(table.oid)
    is_computed = planned.sequence is not None or default is not None or column.generated_sql is not None
    if is_filled and column.not_null and not is_computed and column.missing_value is None:
        raise null_values(table, column)
    table = replaced(table, columns=(*table.columns, column))
    context.transaction.put(table)
    table = attach_sequence(context, table, replace(planned, column=column))
    table = keep_generations(context, table, [specification])
    if is_filled and is_computed:
        column = table.column_at(column.attnum)
        fill_column(context, table, column, _values_of(context, table, column, default))
    check_column_domain(context, table, column.attnum)
    for constraint in specification.constraints:
        table = add_constraint(context, table, constraint)


def _values_of(context: CommandContext, table: Table, column: Column, default: Expression | None) -> ValuesOf:
    """What gives existing rows their values of a new column: a sequence, a generation expression or a default."""
    execution = context.execution_context()
    if column.generated_sql is not None:
        expression = bound_generation(context.bind_context(), table, column)
        rules = rules_of(table)
        return lambda batch: row_values(rules, table, batch, expression, execution)
    if default is not None:
        per_row = default
        return lambda batch: assigned(
            evaluate(per_row, Frame(batch.num_rows), execution), per_row.sql_type, column.type, execution
        )
    (sequence,) = owned_sequences(context, table.oid, column.attnum)
    return lambda batch: pa.array(context.storage.next_sequence_values(sequence, batch.num_rows)).cast(
        arrow_type(column.type)
    )


def _drop_column(context: CommandContext, table: Table, action: DropColumn) -> None:
    if action.name in SYSTEM_COLUMNS:
        raise FeatureNotSupported(f'cannot drop system column "{action.name}"')
    column = table.column(action.name)
    if column is None:
        if action.if_exists:
            context.notice(f'column "{action.name}" of relation "{table.name}" does not exist, skipping')
            return
        raise UndefinedColumn(f'column "{action.name}" of relation "{table.name}" does not exist')
    dependents = generated_from(context, table, column.attnum)
    if dependents:
        shown = [f"column {other.name} of {described(context, table)}" for other in dependents]
        if not action.cascade:
            raise refuse_dependents(f"column {column.name} of {described(context, table)}", shown)
        notice_cascade(context, shown)
    views = {
        view.oid: (view, part)
        for gone in (column, *dependents)
        for view, part in dependent_views(context, table, gone.attnum)
    }
    drop_dependents(
        context,
        f"column {column.name} of {described(context, table)}",
        [*keys_using_column(context, table, column), *views.values()],
        cascade=action.cascade,
    )
    for dropped in (*dependents, column):
        table = drop_column(context, table, dropped)


def _set_default(context: CommandContext, table: Table, action: SetDefault) -> None:
    column = find_column(table, action.column)
    if column.identity:
        raise _identity_error(table, column, is_drop=action.default is None)
    if column.generated_sql is not None:
        raise SyntaxErrorInStatement(
            f'column "{column.name}" of relation "{table.name}" is a generated column',
            hint="Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead."
            if action.default is None
            else None,
        )
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


def _change_identity(context: CommandContext, table: Table, action: ChangeIdentity) -> None:
    """SET GENERATED, SET with options of the sequence, RESTART. Raises 55000, the column is no identity."""
    column = find_column(table, action.column)
    if not column.identity:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{table.name}" is not an identity column'
        )
    if action.options != SequenceOptions():
        (sequence,) = owned_sequences(context, table.oid, column.attnum)
        alter_sequence(context, sequence, action.options)
    if action.identity is not None:
        context.transaction.put(with_column(table, replace(column, identity=action.identity)))


COLUMN_ACTIONS: dict[type[AlterAction], Callable[[CommandContext, Table, Any], None]] = {
    AddColumn: _add_column,
    DropColumn: _drop_column,
    SetDefault: _set_default,
    SetNotNull: _set_not_null,
    AlterColumnType: alter_type,
    SetColumnStorage: _set_storage,
    SetIdentity: _set_identity,
    ChangeIdentity: _change_identity,
    DropExpression: _drop_expression,
}
