"""Finding catalog objects by the names of a statement, and the right to change them.

https://www.postgresql.org/docs/15/ddl-schemas.html#DDL-SCHEMAS-PATH. An object is changed by who has its owner's privileges,
looked up in a schema with USAGE on it and made in one with CREATE.
"""

from __future__ import annotations

from typing import TypeVar

from foundation.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedObject,
    UndefinedSchema,
    UndefinedTable,
    WrongObjectType,
)
from foundation.sqltypes import SqlType, element_type, format_type
from sqlfront.binder.catalog_names import find_relation as find_named
from sqlfront.binder.context import VirtualRelation
from sqlfront.binder.type_names import resolve_type_name
from sqlfront.commands.context import CommandContext
from sqlfront.commands.errors import InvalidSchemaName
from sqlfront.parser import QualifiedName
from sqlfront.parser.typenames import TypeName
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.roles import has_privileges_of, is_member
from sqlfront.session.names import is_of_other_session, schema_called
from storage.acl import Privilege
from storage.catalog import (
    INFORMATION_SCHEMA_OID,
    PG_CATALOG_SCHEMA_OID,
    TEMPORARY_SCHEMA_PREFIX,
    CatalogObject,
    Column,
    ColumnRelation,
    Database,
    Index,
    MaterializedView,
    Role,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, DomainType, EnumType, UserType

BUILTIN_SCHEMAS = {"pg_catalog": PG_CATALOG_SCHEMA_OID, "information_schema": INFORMATION_SCHEMA_OID}

Relation = ColumnRelation | Index | Sequence
RELATION_CLASSES: dict[str, type[Relation]] = {
    cls.kind.upper(): cls for cls in (Table, View, MaterializedView, Index, Sequence)
}
"""Classes by their names in statements."""

KIND_WORDS: dict[type[CatalogObject], str] = {EnumType: "type", DomainType: "type", CompositeType: "type"}
"""What messages call objects, where it is not their kind."""

_R = TypeVar("_R", bound=Relation)


def current_role(context: CommandContext) -> Role:
    """The role whose privileges count. Raises UndefinedObject (42704) when it was dropped meanwhile."""
    role = context.catalog.get(context.role_oid)
    if not isinstance(role, Role):
        raise UndefinedObject(f"invalid role OID: {context.role_oid}")
    return role


def current_database(context: CommandContext) -> Database:
    database = context.catalog.get(context.database_oid)
    assert isinstance(database, Database)
    return database


# -- schemas


def find_schema(context: CommandContext, name: str) -> Schema:
    """The schema of that name in the current database. Raises UndefinedSchema (3F000)."""
    called = schema_called(name, context.search_path)
    schema = context.catalog.find_schema(context.database_oid, called)
    if schema is None:
        raise UndefinedSchema(f'schema "{name}" does not exist')
    return schema


def creation_schema(context: CommandContext, name: QualifiedName) -> Schema:
    """The schema a new object of that name goes to, with the right to create in it checked.

    Raises:
        InvalidSchemaName: 3F000, no schema of the search path exists.
        UndefinedSchema: 3F000. InsufficientPrivilege: 42501. FeatureNotSupported: 0A000, another database.
    """
    check_database_part(context, name)
    if name.schema in BUILTIN_SCHEMAS:
        raise InsufficientPrivilege(
            f'permission denied to create "{name.schema}.{name.name}"',
            detail="System catalog modifications are currently disallowed.",
        )
    schema = find_schema(context, name.schema) if name.schema else _first_existing_schema(context)
    if schema is None:
        raise InvalidSchemaName("no schema has been selected to create in", position=name.position)
    check_may_create_in(context, schema)
    return schema


def _first_existing_schema(context: CommandContext) -> Schema | None:
    """Temporary objects are created where they are asked for, see `temporary_objects`."""
    for name in context.search_path:
        if name.startswith(TEMPORARY_SCHEMA_PREFIX):
            continue
        schema = context.catalog.find_schema(context.database_oid, name)
        if schema is not None:
            return schema
    return None


def check_may_create_in(context: CommandContext, schema: Schema) -> None:
    """Raises InsufficientPrivilege (42501)."""
    rights_of(context).check(schema, Privilege.CREATE)


def check_database_part(context: CommandContext, name: QualifiedName) -> None:
    """Raises FeatureNotSupported (0A000) for a name in another database."""
    if name.database is not None and name.database != current_database(context).name:
        raise FeatureNotSupported(
            f'cross-database references are not implemented: "{name}"', position=name.position
        )


# -- relations


def maybe_relation(context: CommandContext, name: QualifiedName) -> CatalogObject | None:
    """The table, view, index or sequence a name means, None when there is none."""
    check_database_part(context, name)
    if name.schema in BUILTIN_SCHEMAS:
        return None
    if name.schema and is_of_other_session(name.schema, context.search_path):
        raise FeatureNotSupported("cannot access temporary tables of other sessions", position=name.position)
    names = (schema_called(name.schema, context.search_path),) if name.schema else context.search_path
    if name.schema:
        rights_of(context).check_schema(names[0])
    for schema_name in names:
        schema = context.catalog.find_schema(context.database_oid, schema_name)
        if schema is not None:
            found = context.catalog.find_relation(context.database_oid, schema.oid, name.name)
            if found is not None:
                return found
    return None


def computed_relation(context: CommandContext, name: QualifiedName) -> VirtualRelation | None:
    """The system catalog or other computed relation a name means."""
    parts = (name.name,) if name.schema is None else (name.schema, name.name)
    found = find_named(context.bind_context(), parts)
    return found if isinstance(found, VirtualRelation) else None


def find_relation(context: CommandContext, name: QualifiedName) -> CatalogObject:
    """As `maybe_relation`. Raises UndefinedTable (42P01) `relation "t" does not exist`."""
    if name.schema in BUILTIN_SCHEMAS and computed_relation(context, name) is not None:
        raise InsufficientPrivilege(f'permission denied: "{name.name}" is a system catalog')
    found = maybe_relation(context, name)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist')
    return found


def find_table(context: CommandContext, name: QualifiedName) -> Table:
    """A table. Raises UndefinedTable (42P01), WrongObjectType (42809)."""
    return of_kind(find_relation(context, name), Table)


def find_stored(context: CommandContext, name: QualifiedName, what: str) -> Table:
    """A table or materialized view. Raises UndefinedTable (42P01), WrongObjectType (42809) for what has no rows."""
    found = find_relation(context, name)
    if not isinstance(found, Table):
        raise not_supported_for(what, found)
    return found


def of_kind(found: CatalogObject, cls: type[_R], *, hint: bool = False) -> _R:
    """The object, if it is of that class and no other. Raises WrongObjectType (42809) `"x" is not a table`."""
    if isinstance(found, cls) and type(found) is cls:
        return found
    word = found.kind
    hints = f"Use DROP {word.upper()} to remove {_with_article(word)}." if hint else None
    raise WrongObjectType(f'"{found.name}" is not {_with_article(cls.kind)}', hint=hints)


def not_supported_for(what: str, found: CatalogObject) -> WrongObjectType:
    """42809 for an operation on a relation of a kind that does not have it: `cannot lock relation "x"`."""
    plural = f"{found.kind}es" if isinstance(found, Index) else f"{found.kind}s"
    return WrongObjectType(
        f'{what} relation "{found.name}"', detail=f"This operation is not supported for {plural}."
    )


def _with_article(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def find_column(table: ColumnRelation, name: str) -> Column:
    """A live column. Raises UndefinedColumn (42703)."""
    column = table.column(name)
    if column is None:
        raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
    return column


# -- roles and ownership


def rights_of(context: CommandContext) -> Rights:
    """What the current user may do."""
    return Rights(context.catalog, context.database_oid, context.role_oid)


def find_role(context: CommandContext, name: str) -> Role:
    """A role by name, or by current_user and its kin. Raises UndefinedObject (42704)."""
    if name in ("current_user", "current_role"):
        return current_role(context)
    if name == "session_user":
        name = context.roles.session_user.name
    role = context.catalog.find_role(name)
    if role is None:
        raise UndefinedObject(f'role "{name}" does not exist')
    return role


def is_owner(context: CommandContext, obj: CatalogObject) -> bool:
    """Whether the current role may change an object: it has the owner's privileges."""
    return has_privileges_of(context.catalog, context.role_oid, obj.owner_oid, context.database_oid)


def usable_type(context: CommandContext, name: TypeName) -> SqlType:
    """The type that something new is declared with. Raises InsufficientPrivilege (42501) without USAGE, and as the look-up."""
    found = resolve_type_name(context.bind_context(), name)
    stored = context.catalog.get(found.domain_oid or (element_type(found) or found).oid)
    if isinstance(stored, UserType):
        rights_of(context).check(stored, Privilege.USAGE)
    return found


def check_owner(context: CommandContext, obj: CatalogObject, word: str | None = None) -> None:
    """Raises InsufficientPrivilege (42501) `must be owner of table t` for neither owner nor superuser."""
    if not is_owner(context, obj):
        word = word or KIND_WORDS.get(type(obj), obj.kind)
        raise InsufficientPrivilege(f"must be owner of {word} {obj.name}")


def check_new_owner(context: CommandContext, role: Role) -> None:
    """Raises InsufficientPrivilege (42501): an object is given to a role that one is a member of."""
    if not is_member(context.catalog, context.role_oid, role.oid, context.database_oid):
        raise InsufficientPrivilege(f'must be member of role "{role.name}"')


def schema_of(context: CommandContext, oid: int) -> Schema:
    schema = context.catalog.get(oid)
    assert isinstance(schema, Schema)
    return schema


def described(context: CommandContext, obj: CatalogObject) -> str:
    """`table t` or `table s.t` when the search path does not find it, as PostgreSQL's messages say it."""
    word = KIND_WORDS.get(type(obj), obj.kind)
    if isinstance(obj, UserFunction):
        return f"{word} {obj.name}({','.join(format_type(parameter.type) for parameter in obj.inputs)})"
    if not isinstance(obj, ColumnRelation | Index | Sequence):
        return f"{word} {obj.name}"
    found = maybe_relation(context, QualifiedName(obj.name))
    if found is not None and found.oid == obj.oid:
        return f"{word} {obj.name}"
    return f"{word} {schema_of(context, obj.schema_oid).name}.{obj.name}"
