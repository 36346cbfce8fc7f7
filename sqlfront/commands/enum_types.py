"""CREATE TYPE ... AS ENUM and what ALTER TYPE does to labels. https://www.postgresql.org/docs/15/sql-createtype.html

A label that ALTER TYPE adds or renames is known to readers and writers of values once the transaction is committed;
in the type's own first transaction at once. Texts that the catalog keeps (defaults, checks, index expressions) name
labels and types as they were written, so a name they contain cannot be changed under them: 0A000.
"""

from __future__ import annotations

from dataclasses import replace

from foundation.enum_types import first_positions, position_between
from foundation.errors import DuplicateObject, InvalidName, InvalidParameterValue, UniqueViolation
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.kept_types import check_not_kept, named
from sqlfront.commands.lookup import check_owner, creation_schema
from sqlfront.commands.types import check_type_name_free, find_enum
from sqlfront.parser import AddEnumLabelStatement, CreateEnumStatement, RenameEnumLabelStatement
from storage.catalog import replaced
from storage.type_objects import EnumLabel, EnumType
from storage.user_types import unused_type_oids

LABEL_BYTES_MAX = 63


def execute_create_enum(statement: CreateEnumStatement, context: CommandContext) -> CommandResult:
    """CREATE TYPE name AS ENUM.

    Raises:
        DuplicateObject: 42710, the name is taken. UniqueViolation: 23505, a label is given twice. InvalidName: 42602.
    """
    schema = creation_schema(context, statement.name)
    name = statement.name.name
    check_type_name_free(context, schema, name)
    for label in statement.labels:
        _check_label(label)
    duplicate = next(
        (text for at, text in enumerate(statement.labels) if text in statement.labels[:at]), None
    )
    if duplicate is not None:
        raise UniqueViolation('duplicate key value violates unique constraint "pg_enum_typid_label_index"')
    oid, array_oid, *label_oids = unused_type_oids(context.catalog, 2 + len(statement.labels))
    positions = first_positions(len(statement.labels))
    labels = tuple(map(EnumLabel, label_oids, positions, statement.labels))
    created = EnumType(
        oid, name, context.database_oid, context.role_oid, schema_oid=schema.oid, array_oid=array_oid,
        labels=labels,
    )  # fmt: skip
    context.transaction.put(with_default_acl(context, created))
    return CommandResult("CREATE TYPE")


def execute_add_label(statement: AddEnumLabelStatement, context: CommandContext) -> CommandResult:
    """ALTER TYPE ... ADD VALUE.

    Raises:
        DuplicateObject: 42710. InvalidParameterValue: 22023, the neighbour is no label.
        ProgramLimitExceeded: 54000, no room between two labels is left.
    """
    enum = find_enum(context, statement.name)
    check_owner(context, enum, "type")
    _check_label(statement.label)
    result = CommandResult("ALTER TYPE")
    if any(label.text == statement.label for label in enum.labels):
        if statement.if_not_exists:
            context.notice(
                f'enum label "{statement.label}" already exists, skipping', sqlstate=DuplicateObject.sqlstate
            )
            return result
        raise DuplicateObject(f'enum label "{statement.label}" already exists')
    place = _place(enum, statement)
    before = enum.labels[place - 1].position if place else None
    after = enum.labels[place].position if place < len(enum.labels) else None
    (oid,) = unused_type_oids(context.catalog, 1)
    added = EnumLabel(oid, position_between(before, after), statement.label)
    labels = (*enum.labels[:place], added, *enum.labels[place:])
    context.transaction.put(replaced(enum, labels=labels))
    return result


def _place(enum: EnumType, statement: AddEnumLabelStatement) -> int:
    """How many labels stand before the added one."""
    if statement.neighbour is None:
        return len(enum.labels)
    for at, label in enumerate(enum.labels):
        if label.text == statement.neighbour:
            return at if statement.is_before else at + 1
    raise InvalidParameterValue(f'"{statement.neighbour}" is not an existing enum label')


def execute_rename_label(statement: RenameEnumLabelStatement, context: CommandContext) -> CommandResult:
    """ALTER TYPE ... RENAME VALUE: no row changes. Raises 22023, 42710, and 0A000 for a label in a kept text."""
    enum = find_enum(context, statement.name)
    check_owner(context, enum, "type")
    _check_label(statement.new_label)
    texts = [label.text for label in enum.labels]
    if statement.label not in texts:
        raise InvalidParameterValue(f'"{statement.label}" is not an existing enum label')
    if statement.new_label in texts:
        raise DuplicateObject(f'enum label "{statement.new_label}" already exists')
    check_not_kept(context, named(statement.label), "label")
    labels = tuple(
        replace(label, text=statement.new_label) if label.text == statement.label else label
        for label in enum.labels
    )
    context.transaction.put(replaced(enum, labels=labels))
    return CommandResult("ALTER TYPE")


def _check_label(label: str) -> None:
    if len(label.encode("utf-8")) > LABEL_BYTES_MAX:
        raise InvalidName(
            f'invalid enum label "{label}"', detail=f"Labels must be {LABEL_BYTES_MAX} bytes or less."
        )
