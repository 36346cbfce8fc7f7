"""CREATE SCHEMA, ALTER ... SET SCHEMA, and CREATE / ALTER EXTENSION.

https://www.postgresql.org/docs/15/sql-createschema.html
"""

from __future__ import annotations

from foundation.errors import (
    DuplicateObject,
    DuplicateSchema,
    DuplicateTable,
    FeatureNotSupported,
    InsufficientPrivilege,
    UndefinedObject,
    UndefinedTable,
)
from foundation.version import PGVECTOR_VERSION
from sqlfront.commands.columns import sequence_default
from sqlfront.commands.context import CommandContext, CommandResult
from sqlfront.commands.dependencies import move_defaults
from sqlfront.commands.errors import ReservedName
from sqlfront.commands.initial_acl import with_default_acl
from sqlfront.commands.lookup import (
    RELATION_CLASSES,
    Relation,
    check_may_create_in,
    check_new_owner,
    check_owner,
    creation_schema,
    current_database,
    current_role,
    find_role,
    find_schema,
    maybe_relation,
    of_kind,
    rights_of,
    schema_of,
)
from sqlfront.commands.sequences import owned_sequences
from sqlfront.commands.temporary_objects import check_movable
from sqlfront.commands.types import move_type
from sqlfront.commands.views import renaming
from sqlfront.parser import (
    AlterExtensionStatement,
    CreateExtensionStatement,
    CreateSchemaStatement,
    QualifiedName,
    SetSchemaStatement,
)
from storage.acl import Privilege
from storage.catalog import (
    CatalogObject,
    ColumnRelation,
    Extension,
    Index,
    Schema,
    Sequence,
    Table,
    replaced,
)

EXTENSION_VERSIONS = {
    "vector": PGVECTOR_VERSION, "plpgsql": "1.0", "uuid-ossp": "1.1", "pgcrypto": "1.3", "pg_trgm": "1.6",
    "citext": "1.6",
}  # fmt: skip
"""Extensions that may be created, with the version they report."""


def execute_create_schema(statement: CreateSchemaStatement, context: CommandContext) -> CommandResult:
    """CREATE SCHEMA. Raises DuplicateSchema (42P06), ReservedName (42939), InsufficientPrivilege (42501)."""
    result = CommandResult("CREATE SCHEMA")
    owner = find_role(context, statement.owner) if statement.owner else current_role(context)
    name = statement.name or owner.name
    check_may_create_schema(context)
    check_new_owner(context, owner)
    check_schema_name(name)
    if name in ("information_schema",) or context.catalog.find_schema(context.database_oid, name) is not None:
        if statement.if_not_exists:
            context.notice(f'schema "{name}" already exists, skipping', sqlstate=DuplicateSchema.sqlstate)
            return result
        raise DuplicateSchema(f'schema "{name}" already exists')
    schema = Schema(context.storage.allocate_oid(), name, context.database_oid, owner.oid)
    context.transaction.put(with_default_acl(context, schema))
    return result


def check_may_create_schema(context: CommandContext) -> None:
    """Raises InsufficientPrivilege (42501) without CREATE on the database."""
    rights_of(context).check(current_database(context), Privilege.CREATE)


def check_schema_name(name: str) -> None:
    if name.startswith("pg_"):
        raise ReservedName(
            f'unacceptable schema name "{name}"', detail='The prefix "pg_" is reserved for system schemas.'
        )


# -- moving between schemas


def execute_set_schema(statement: SetSchemaStatement, context: CommandContext) -> CommandResult:
    """ALTER TABLE / SEQUENCE ... SET SCHEMA: a table's indexes and sequences go with it."""
    result = CommandResult(f"ALTER {statement.kind}")
    if statement.kind in ("TYPE", "DOMAIN"):
        move_type(context, statement.kind, statement.name, statement.schema)
        return result
    found = maybe_relation(context, statement.name)
    if found is None:
        if statement.if_exists:
            context.notice(f'relation "{statement.name}" does not exist, skipping')
            return result
        raise UndefinedTable(f'relation "{statement.name}" does not exist')
    if statement.kind == "INDEX":
        raise FeatureNotSupported("ALTER INDEX ... SET SCHEMA is not supported")
    target: Relation
    if statement.kind == "TABLE" and isinstance(found, ColumnRelation | Sequence):
        target = found
    else:
        target = of_kind(found, RELATION_CLASSES[statement.kind])
    check_owner(context, target)
    schema = find_schema(context, statement.schema)
    check_may_create_in(context, schema)
    if isinstance(target, Sequence) and target.owned_by is not None:
        raise FeatureNotSupported("cannot move an owned sequence into another schema")
    if target.schema_oid == schema.oid:
        return result
    check_movable(schema_of(context, target.schema_oid), schema)
    parts: list[CatalogObject] = [target]
    if isinstance(target, Table):
        parts += [*context.catalog.indexes_of(target.oid), *owned_sequences(context, target.oid)]
    with renaming(context):
        for part in parts:
            _move(context, part, schema)
    return result


def _move(context: CommandContext, part: CatalogObject, schema: Schema) -> None:
    if context.catalog.find_relation(context.database_oid, schema.oid, part.name) is not None:
        raise DuplicateTable(f'relation "{part.name}" already exists in schema "{schema.name}"')
    if isinstance(part, Sequence):
        move_defaults(context, part, sequence_default(schema.name, part.name))
    current = context.catalog.get(part.oid)
    assert isinstance(current, ColumnRelation | Index | Sequence)
    context.transaction.put(replaced(current, schema_oid=schema.oid))


# -- extensions


def execute_create_extension(statement: CreateExtensionStatement, context: CommandContext) -> CommandResult:
    """CREATE EXTENSION. Raises DuplicateObject (42710), FeatureNotSupported (0A000), UndefinedObject (42704)."""
    result = CommandResult("CREATE EXTENSION")
    name = statement.name
    if context.catalog.find_extension(context.database_oid, name) is not None:
        if statement.if_not_exists:
            context.notice(f'extension "{name}" already exists, skipping', sqlstate=DuplicateObject.sqlstate)
            return result
        raise DuplicateObject(f'extension "{name}" already exists')
    version = EXTENSION_VERSIONS.get(name)
    if version is None:
        raise FeatureNotSupported(
            f'extension "{name}" is not available',
            hint="The extension must first be installed on the system where PostgreSQL is running.",
        )
    role = current_role(context)
    if not (role.is_superuser or current_database(context).owner_oid == role.oid):
        raise InsufficientPrivilege(f'permission denied to create extension "{name}"')
    if statement.version not in (None, version):
        raise UndefinedObject(f'extension "{name}" has no installation script nor update path for version'
                              f' "{statement.version}"')  # fmt: skip
    if statement.schema is not None:
        schema = find_schema(context, statement.schema)
    else:
        schema = creation_schema(context, QualifiedName(name))
    if name == "vector" and schema.name != "public":
        raise FeatureNotSupported('extension "vector" lives in schema "public"')
    oid = context.storage.allocate_oid()
    context.transaction.put(
        Extension(oid, name, context.database_oid, role.oid, schema_oid=schema.oid, version=version)
    )
    return result


def execute_alter_extension(statement: AlterExtensionStatement, context: CommandContext) -> CommandResult:
    """ALTER EXTENSION ... UPDATE: there is one version of each."""
    extension = context.catalog.find_extension(context.database_oid, statement.name)
    if extension is None:
        raise UndefinedObject(f'extension "{statement.name}" does not exist')
    check_owner(context, extension)
    if statement.version not in (None, extension.version):
        raise UndefinedObject(
            f'extension "{statement.name}" has no update path from version "{extension.version}" to version'
            f' "{statement.version}"'
        )
    context.notice(f'version "{extension.version}" of extension "{statement.name}" is already installed')
    return CommandResult("ALTER EXTENSION")
