"""CREATE TYPE ... AS ENUM, ALTER TYPE, DROP TYPE. https://www.postgresql.org/docs/15/sql-createtype.html

A label that ALTER TYPE adds or renames is known to readers and writers of values once the transaction is committed;
in the type's own first transaction at once. Texts that the catalog keeps (defaults, checks, index expressions) name
labels and types as they were written, so a name they contain cannot be changed under them: 0A000.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from foundation.enum_types import first_positions, position_between
from foundation.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    InvalidName,
    InvalidParameterValue,
    UndefinedObject,
    UndefinedSchema,
    UniqueViolation,
    WrongObjectType,
)
from foundation.sqltypes import TYPES_BY_NAME
from sqlfront.binder.type_names import find_enum
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.dependencies import drop_column, notice_cascade, refuse_dependents
from sqlfront.commands.lookup import (
    check_database_part,
    check_may_create_in,
    check_new_owner,
    check_owner,
    creation_schema,
    described,
    find_role,
    find_schema,
    schema_of,
)
from sqlfront.commands.views import dependent_views
from sqlfront.parser import (
    AddEnumLabelStatement,
    CreateEnumStatement,
    DropStatement,
    QualifiedName,
    RenameEnumLabelStatement,
)
from sqlfront.parser.typenames import TypeName
from storage.catalog import CheckConstraint, Column, EnumLabel, EnumType, Schema, Table, replaced
from storage.user_types import unused_type_oids

LABEL_BYTES_MAX = 63


def execute_create_enum(statement: CreateEnumStatement, context: CommandContext) -> CommandResult:
    """CREATE TYPE name AS ENUM.

    Raises:
        DuplicateObject: 42710, the name is taken. UniqueViolation: 23505, a label is given twice. InvalidName: 42602.
    """
    schema = creation_schema(context, statement.name)
    name = statement.name.name
    _check_free(context, schema, name)
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
    context.transaction.put(
        EnumType(
            oid, name, context.database_oid, context.role_oid, schema_oid=schema.oid, array_oid=array_oid,
            labels=labels,
        )
    )  # fmt: skip
    return CommandResult("CREATE TYPE")


def execute_add_label(statement: AddEnumLabelStatement, context: CommandContext) -> CommandResult:
    """ALTER TYPE ... ADD VALUE.

    Raises:
        DuplicateObject: 42710. InvalidParameterValue: 22023, the neighbour is no label.
        ProgramLimitExceeded: 54000, no room between two labels is left.
    """
    enum = find_type(context, statement.name)
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
    enum = find_type(context, statement.name)
    check_owner(context, enum, "type")
    _check_label(statement.new_label)
    texts = [label.text for label in enum.labels]
    if statement.label not in texts:
        raise InvalidParameterValue(f'"{statement.label}" is not an existing enum label')
    if statement.new_label in texts:
        raise DuplicateObject(f'enum label "{statement.new_label}" already exists')
    check_not_kept(context, enum, statement.label, "label")
    labels = tuple(
        replace(label, text=statement.new_label) if label.text == statement.label else label
        for label in enum.labels
    )
    context.transaction.put(replaced(enum, labels=labels))
    return CommandResult("ALTER TYPE")


def rename_type(context: CommandContext, name: QualifiedName, new_name: str) -> None:
    """ALTER TYPE ... RENAME TO. Raises DuplicateObject (42710), FeatureNotSupported (0A000)."""
    enum = find_type(context, name)
    check_owner(context, enum, "type")
    _check_free(context, schema_of(context, enum.schema_oid), new_name)
    check_not_kept(context, enum, enum.name, "name")
    context.transaction.put(replaced(enum, name=new_name))


def move_type(context: CommandContext, name: QualifiedName, schema_name: str) -> None:
    """ALTER TYPE ... SET SCHEMA."""
    enum = find_type(context, name)
    check_owner(context, enum, "type")
    schema = find_schema(context, schema_name)
    check_may_create_in(context, schema)
    if schema.oid == enum.schema_oid:
        return
    if context.catalog.find_type(context.database_oid, schema.oid, enum.name) is not None:
        raise DuplicateObject(f'type "{enum.name}" already exists in schema "{schema.name}"')
    check_not_kept(context, enum, enum.name, "schema")
    context.transaction.put(replaced(enum, schema_oid=schema.oid))


def give_type(context: CommandContext, name: QualifiedName, role_name: str) -> None:
    """ALTER TYPE ... OWNER TO."""
    enum = find_type(context, name)
    check_owner(context, enum, "type")
    role = find_role(context, role_name)
    check_new_owner(context, role)
    context.transaction.put(replaced(enum, owner_oid=role.oid))


def drop_type(context: CommandContext, name: QualifiedName, statement: DropStatement) -> None:
    """DROP TYPE. Raises UndefinedObject (42704), DependentObjectsStillExist (2BP01), WrongObjectType (42809)."""
    enum = maybe_type(context, name)
    if enum is None:
        if name.schema is None and name.name in TYPES_BY_NAME:
            shown = TYPES_BY_NAME[name.name].sql_name
            raise DependentObjectsStillExist(
                f"cannot drop type {shown} because it is required by the database system"
            )
        if not statement.if_exists:
            raise _missing(context, name)
        is_schema_missing = (
            name.schema and context.catalog.find_schema(context.database_oid, name.schema) is None
        )
        missing = f'schema "{name.schema}"' if is_schema_missing else f'type "{name}"'
        context.notice(f"{missing} does not exist, skipping")
        return
    check_owner(context, enum, "type")
    uses = list(columns_of_type(context, enum))
    users = [f"column {column.name} of {described(context, table)}" for table, column in uses]
    what = f"type {shown_type(context, enum)}"
    if uses and not statement.cascade:
        lines = [
            f"{line} depends on type {shown_type(context, enum)}{'[]' if column.type.oid == enum.array_oid else ''}"
            for line, (_, column) in zip(users, uses, strict=True)
        ]
        raise refuse_dependents(what, lines, is_complete=True)
    _check_no_view(context, enum, [(table, column.attnum) for table, column in uses], statement)
    notice_cascade(context, users)
    for table, column in uses:
        drop_column(context, context.catalog.table(table.oid), column)
    context.transaction.drop(enum.oid)


def _check_no_view(
    context: CommandContext, enum: EnumType, uses: list[tuple[Table, int]], statement: DropStatement
) -> None:
    """Raises DependentObjectsStillExist (2BP01), or FeatureNotSupported (0A000) for CASCADE, where a view needs the type."""
    views = [view for table, attnum in uses for view, _ in dependent_views(context, table, attnum)]
    for view in context.catalog.views(context.database_oid):
        is_shown = any(column.type.oid in (enum.oid, enum.array_oid) for column in view.columns)
        if is_shown or _named(enum.name).search(view.definition_sql):
            views.append(view)
    if not views:
        return
    what = f"type {shown_type(context, enum)}"
    if statement.cascade:
        raise FeatureNotSupported(
            f"DROP TYPE CASCADE of a type that {described(context, views[0])} uses is not supported"
        )
    raise refuse_dependents(what, list(dict.fromkeys(described(context, view) for view in views)))


def _named(word: str) -> re.Pattern[str]:
    """Finds a word in kept SQL text."""
    return re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])")


def maybe_type(context: CommandContext, name: QualifiedName) -> EnumType | None:
    check_database_part(context, name)
    return find_enum(
        context.catalog, context.database_oid, context.search_path, TypeName(name.name, name.schema)
    )


def find_type(context: CommandContext, name: QualifiedName) -> EnumType:
    """The user's type of a name. Raises UndefinedObject (42704), WrongObjectType (42809)."""
    enum = maybe_type(context, name)
    if enum is None:
        raise _missing(context, name)
    return enum


def _missing(context: CommandContext, name: QualifiedName) -> Exception:
    if name.schema in (None, "pg_catalog", "public") and name.name in TYPES_BY_NAME:
        return WrongObjectType(f"{TYPES_BY_NAME[name.name].sql_name} is not an enum")
    if name.schema and context.catalog.find_schema(context.database_oid, name.schema) is None:
        return UndefinedSchema(f'schema "{name.schema}" does not exist')
    return UndefinedObject(f'type "{name}" does not exist')


def shown_type(context: CommandContext, enum: EnumType) -> str:
    """The type as messages name it: with its schema when the search path does not find it."""
    if maybe_type(context, QualifiedName(enum.name)) is enum:
        return enum.name
    return f"{schema_of(context, enum.schema_oid).name}.{enum.name}"


def columns_of_type(context: CommandContext, enum: EnumType) -> Iterator[tuple[Table, Column]]:
    """The columns that have the type or its array type."""
    for table in context.catalog.objects(Table, context.database_oid):
        for column in table.live_columns():
            if column.type.oid in (enum.oid, enum.array_oid):
                yield table, column


def _check_free(context: CommandContext, schema: Schema, name: str) -> None:
    catalog, database_oid = context.catalog, context.database_oid
    relation = catalog.find_relation(database_oid, schema.oid, name)
    if catalog.find_type(database_oid, schema.oid, name) is not None or isinstance(relation, Table):
        raise DuplicateObject(f'type "{name}" already exists')


def _check_label(label: str) -> None:
    if len(label.encode("utf-8")) > LABEL_BYTES_MAX:
        raise InvalidName(
            f'invalid enum label "{label}"', detail=f"Labels must be {LABEL_BYTES_MAX} bytes or less."
        )


def check_not_kept(context: CommandContext, enum: EnumType, word: str, what: str) -> None:
    """Raises FeatureNotSupported (0A000) when a text of the catalog may mean what is to be called otherwise."""
    pattern = _named(word)
    for view in context.catalog.views(context.database_oid):
        if pattern.search(view.definition_sql):
            raise FeatureNotSupported(
                f"changing a {what} that {described(context, view)} may use is not supported"
            )
    for table in context.catalog.objects(Table, context.database_oid):
        if any(pattern.search(text) for text in _kept_texts(context, table)):
            raise FeatureNotSupported(
                f"changing a {what} that an expression or default of {described(context, table)} may use is not supported"
            )


def _kept_texts(context: CommandContext, table: Table) -> Iterator[str]:
    for column in table.live_columns():
        yield from filter(None, (column.default_sql, column.missing_value, column.generated_sql))
    for constraint in context.catalog.constraints_of(table.oid):
        if isinstance(constraint, CheckConstraint):
            yield constraint.expression_sql
    for index in context.catalog.indexes_of(table.oid):
        yield from filter(None, (index.predicate_sql, *(key.expression_sql for key in index.keys)))
