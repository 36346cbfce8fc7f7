"""The objects that a GRANT names."""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import FeatureNotSupported, UndefinedObject, UndefinedTable, WrongObjectType
from foundation.sqltypes import TYPES_BY_NAME
from sqlfront.commands.context import CommandContext
from sqlfront.commands.databases import find_database
from sqlfront.commands.functions import find_function
from sqlfront.commands.lookup import BUILTIN_SCHEMAS, computed_relation, find_schema, maybe_relation
from sqlfront.commands.types import maybe_type
from sqlfront.parser import GrantTarget, QualifiedName
from sqlfront.privileges.kinds import (
    DATABASES,
    FUNCTIONS,
    LANGUAGES,
    SCHEMAS,
    SEQUENCES,
    TABLES,
    TYPES,
    PrivilegeKind,
)
from sqlfront.privileges.rights import Rights
from storage.catalog import CatalogObject, ColumnRelation, Index, Schema, Sequence
from storage.function_objects import UserFunction
from storage.type_objects import DomainType

GRANT_KINDS: dict[str, PrivilegeKind] = {
    "TABLE": TABLES, "SEQUENCE": SEQUENCES, "SCHEMA": SCHEMAS, "DATABASE": DATABASES, "FUNCTION": FUNCTIONS,
    "PROCEDURE": FUNCTIONS, "ROUTINE": FUNCTIONS, "TYPE": TYPES, "DOMAIN": TYPES, "LANGUAGE": LANGUAGES,
}  # fmt: skip

_IN_SCHEMA: dict[str, type[ColumnRelation | Sequence | UserFunction]] = {
    "TABLE": ColumnRelation, "SEQUENCE": Sequence, "FUNCTION": UserFunction, "ROUTINE": UserFunction,
}  # fmt: skip


def granted_objects(context: CommandContext, target: GrantTarget) -> list[CatalogObject]:
    """The objects, as they are in the catalog now.

    Raises:
        UndefinedTable: 42P01. UndefinedSchema: 3F000. UndefinedDatabase: 3D000. UndefinedFunction: 42883. UndefinedObject: 42704.
        WrongObjectType: 42809. InsufficientPrivilege: 42501, a schema that the role may not look into.
        FeatureNotSupported: 0A000, what every database has.
    """
    if target.is_all_in:
        return [obj for name in target.names for obj in _all_in(context, target.kind, name.name)]
    match target.kind:
        case "FUNCTION" | "ROUTINE" | "PROCEDURE":
            if target.kind == "PROCEDURE":
                raise FeatureNotSupported("procedures are not supported")
            return [find_function(context, named) for named in target.functions]
        case "TABLE" | "SEQUENCE":
            return [_relation(context, target.kind, name) for name in target.names]
        case "TYPE" | "DOMAIN":
            return [_type(context, target.kind, name) for name in target.names]
        case "SCHEMA":
            return [_schema(context, name.name) for name in target.names]
        case "DATABASE":
            return [find_database(context, name.name) for name in target.names]
        case _:
            raise FeatureNotSupported(f"GRANT ON {target.kind} is not supported")


def _all_in(context: CommandContext, kind: str, schema_name: str) -> Iterator[CatalogObject]:
    schema = _schema(context, schema_name)
    Rights(context.catalog, context.database_oid, context.role_oid).check_schema(schema.name)
    cls = _IN_SCHEMA.get(kind)
    if cls is not None:
        yield from (
            o for o in list(context.catalog.objects(cls, context.database_oid)) if o.schema_oid == schema.oid
        )


def _schema(context: CommandContext, name: str) -> Schema:
    if name in BUILTIN_SCHEMAS:
        raise FeatureNotSupported(f"GRANT ON SCHEMA {name} is not supported")
    return find_schema(context, name)


def _relation(context: CommandContext, kind: str, name: QualifiedName) -> CatalogObject:
    found = maybe_relation(context, name)
    if found is None and computed_relation(context, name) is not None:
        raise FeatureNotSupported("GRANT on a system catalog is not supported", position=name.position)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist')
    if isinstance(found, Index):
        raise WrongObjectType(f'"{found.name}" is an index')
    if kind == "SEQUENCE" and not isinstance(found, Sequence):
        raise WrongObjectType(f'"{found.name}" is not a sequence')
    return found


def _type(context: CommandContext, kind: str, name: QualifiedName) -> CatalogObject:
    found = maybe_type(context, name)
    if found is None:
        if name.name in TYPES_BY_NAME and name.schema in (None, "pg_catalog"):
            raise FeatureNotSupported(f'GRANT ON TYPE of the built-in type "{name}" is not supported')
        raise UndefinedObject(f'type "{name}" does not exist')
    if kind == "DOMAIN" and not isinstance(found, DomainType):
        raise WrongObjectType(f'"{found.name}" is not a domain')
    return found
