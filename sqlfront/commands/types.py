"""What all users' types have in common: finding one, ALTER TYPE and ALTER DOMAIN of name, schema and owner, DROP.

https://www.postgresql.org/docs/15/sql-altertype.html, https://www.postgresql.org/docs/15/sql-droptype.html
"""

from __future__ import annotations

from collections.abc import Iterator

from foundation.errors import (
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    UndefinedObject,
    UndefinedSchema,
    WrongObjectType,
)
from foundation.sqltypes import TYPES_BY_NAME
from sqlfront.binder.domains import shown_type as shown_in
from sqlfront.binder.type_names import find_type_object
from sqlfront.commands.context import CommandContext
from sqlfront.commands.dependencies import drop_column, notice_cascade, refuse_dependents
from sqlfront.commands.kept_types import check_not_kept, naming_type
from sqlfront.commands.lookup import (
    check_database_part,
    check_may_create_in,
    check_new_owner,
    check_owner,
    described,
    find_role,
    find_schema,
    schema_of,
)
from sqlfront.commands.ownership import change_owner
from sqlfront.commands.views import dependent_views
from sqlfront.parser import DropStatement, QualifiedName
from sqlfront.parser.typenames import TypeName
from storage.catalog import Column, MaterializedView, Schema, Table, replaced
from storage.type_objects import CompositeType, DomainType, EnumType, UserType
from storage.user_types import type_oids


def rename_type(context: CommandContext, kind: str, name: QualifiedName, new_name: str) -> None:
    """ALTER TYPE or DOMAIN ... RENAME TO. Raises DuplicateObject (42710), FeatureNotSupported (0A000)."""
    found = owned_type(context, kind, name)
    check_type_name_free(context, schema_of(context, found.schema_oid), new_name)
    check_not_kept(context, naming_type(context, found), "name")
    context.transaction.put(replaced(found, name=new_name))


def move_type(context: CommandContext, kind: str, name: QualifiedName, schema_name: str) -> None:
    """ALTER TYPE or DOMAIN ... SET SCHEMA."""
    found = owned_type(context, kind, name)
    schema = find_schema(context, schema_name)
    check_may_create_in(context, schema)
    if schema.oid == found.schema_oid:
        return
    if context.catalog.find_type(context.database_oid, schema.oid, found.name) is not None:
        raise DuplicateObject(f'type "{found.name}" already exists in schema "{schema.name}"')
    check_not_kept(context, naming_type(context, found), "schema")
    context.transaction.put(replaced(found, schema_oid=schema.oid))


def give_type(context: CommandContext, kind: str, name: QualifiedName, role_name: str) -> None:
    """ALTER TYPE or DOMAIN ... OWNER TO."""
    found = owned_type(context, kind, name)
    role = find_role(context, role_name)
    check_new_owner(context, role)
    change_owner(context, found, role.oid)


def drop_type(context: CommandContext, name: QualifiedName, statement: DropStatement) -> None:
    """DROP TYPE or DOMAIN. Raises UndefinedObject (42704), DependentObjectsStillExist (2BP01), WrongObjectType (42809)."""
    found = maybe_type(context, name)
    if found is None:
        if name.schema is None and name.name in TYPES_BY_NAME and statement.kind == "TYPE":
            shown = TYPES_BY_NAME[name.name].sql_name
            raise DependentObjectsStillExist(
                f"cannot drop type {shown} because it is required by the database system"
            )
        if name.schema is None and name.name in TYPES_BY_NAME:
            raise WrongObjectType(f'"{name}" is not a domain')
        if not statement.if_exists:
            raise _missing(context, name, statement.kind)
        is_schema_missing = (
            name.schema and context.catalog.find_schema(context.database_oid, name.schema) is None
        )
        missing = f'schema "{name.schema}"' if is_schema_missing else f'type "{name}"'
        context.notice(f"{missing} does not exist, skipping")
        return
    _check_kind(found, statement.kind, f'"{name}"')
    check_owner(context, found, "type")
    domains, uses = type_users(context, found)
    composites = _composites_with(context, found, domains)
    if (uses or domains or composites) and not statement.cascade:
        lines = [*_dependent_domains(context, found, domains), *_dependent_columns(context, found)]
        lines += [f"{user} depends on type {shown_type(context, found)}" for user in composites]
        raise refuse_dependents(f"type {shown_type(context, found)}", lines, is_complete=True)
    _check_no_view(context, found, [(table, column.attnum) for table, column in uses], statement)
    if composites:
        raise FeatureNotSupported(
            f"DROP {statement.kind} CASCADE of a type that {composites[0]} has is not supported"
        )
    users = [f"type {shown_type(context, domain)}" for domain in domains]
    users += [f"column {column.name} of {described(context, table)}" for table, column in uses]
    notice_cascade(context, users)
    drop_with_users(context, found)


def type_users(
    context: CommandContext, found: UserType
) -> tuple[list[DomainType], list[tuple[Table, Column]]]:
    """What cannot be without a type: the domains over it, and the columns of all of them."""
    domains = _domains_over(context, found)
    return domains, [use for used in (found, *domains) for use in columns_of_type(context, used)]


def drop_with_users(context: CommandContext, found: UserType) -> None:
    """Drop a type with what cannot be without it. Raises FeatureNotSupported (0A000) where a view or a kept text needs it."""
    domains, uses = type_users(context, found)
    for table, column in uses:
        for view, part in dependent_views(context, table, column.attnum):
            raise FeatureNotSupported(
                f"dropping {part} that {described(context, view)} needs is not supported"
            )
    for table, column in uses:
        drop_column(context, context.catalog.table(table.oid), column)
    for dropped in (*domains, found):
        context.transaction.drop(dropped.oid)
    for dropped in (*domains, found):
        check_not_kept(context, naming_type(context, dropped), "type")


def _composites_with(context: CommandContext, found: UserType, domains: list[DomainType]) -> list[str]:
    """Attributes that have a type or a domain over it, as they are named."""
    oids = {oid for used in (found, *domains) for oid in (used.oid, used.array_oid)}
    return [
        f"column {attribute.name} of composite type {shown_type(context, composite)}"
        for composite in context.catalog.objects(CompositeType, context.database_oid)
        for attribute in composite.attributes
        if not oids.isdisjoint(type_oids(attribute.type))
    ]


def types_over(context: CommandContext, found: UserType) -> list[UserType]:
    """Domains over a type, and composite types with an attribute of it."""
    composites = [
        composite
        for composite in context.catalog.objects(CompositeType, context.database_oid)
        if any(found.oid in type_oids(attribute.type) for attribute in composite.attributes)
    ]
    return [*_domains_over(context, found), *composites]


def _dependent_domains(context: CommandContext, found: UserType, domains: list[DomainType]) -> list[str]:
    return [
        f"type {shown_type(context, domain)} depends on type {shown_type(context, found)}"
        for domain in domains
    ]


def _dependent_columns(context: CommandContext, found: UserType) -> list[str]:
    shown = shown_type(context, found)
    return [
        f"column {column.name} of {described(context, table)} depends on type"
        f" {shown}{'[]' if column.type.oid == found.array_oid else ''}"
        for table, column in columns_of_type(context, found)
    ]


def _check_no_view(
    context: CommandContext, found: UserType, uses: list[tuple[Table, int]], statement: DropStatement
) -> None:
    """Raises DependentObjectsStillExist (2BP01), or FeatureNotSupported (0A000) for CASCADE, where a view needs the type."""
    views = [view for table, attnum in uses for view, _ in dependent_views(context, table, attnum)]
    for view in context.catalog.views(context.database_oid):
        is_shown = any(
            oid in (found.oid, found.array_oid) for column in view.columns for oid in type_oids(column.type)
        )
        if is_shown or naming_type(context, found).search(view.definition_sql):
            views.append(view)
    if not views:
        return
    what = f"type {shown_type(context, found)}"
    if statement.cascade:
        raise FeatureNotSupported(
            f"DROP {statement.kind} CASCADE of a type that {described(context, views[0])} uses is not supported"
        )
    raise refuse_dependents(what, list(dict.fromkeys(described(context, view) for view in views)))


# -- finding types


def maybe_type(context: CommandContext, name: QualifiedName) -> UserType | None:
    check_database_part(context, name)
    return find_type_object(
        context.catalog, context.database_oid, context.search_path, TypeName(name.name, name.schema)
    )


def find_type(
    context: CommandContext, kind: str, name: QualifiedName, *, shown: str | None = None
) -> UserType:
    """The user's type of a name.

    Args:
        kind: TYPE, or DOMAIN for a domain.
        shown: what the message about a type that is no domain calls it.

    Raises:
        UndefinedObject: 42704. WrongObjectType: 42809.
    """
    found = maybe_type(context, name)
    if found is None:
        raise _missing(context, name, kind)
    _check_kind(found, kind, shown or shown_type(context, found))
    return found


def owned_type(context: CommandContext, kind: str, name: QualifiedName) -> UserType:
    """As `find_type`, of its owner. Raises InsufficientPrivilege (42501)."""
    found = find_type(context, kind, name)
    check_owner(context, found, "type")
    return found


def find_enum(context: CommandContext, name: QualifiedName) -> EnumType:
    """The enum of a name. Raises UndefinedObject (42704), WrongObjectType (42809)."""
    found = find_type(context, "TYPE", name)
    if not isinstance(found, EnumType):
        raise WrongObjectType(f"{shown_type(context, found)} is not an enum")
    return found


def _check_kind(found: UserType, kind: str, shown: str) -> None:
    if kind == "DOMAIN" and not isinstance(found, DomainType):
        raise WrongObjectType(f"{shown} is not a domain")


def _missing(context: CommandContext, name: QualifiedName, kind: str) -> Exception:
    if name.schema in (None, "pg_catalog", "public") and name.name in TYPES_BY_NAME:
        what = "a domain" if kind == "DOMAIN" else "an enum"
        return WrongObjectType(f"{TYPES_BY_NAME[name.name].sql_name} is not {what}")
    if name.schema and context.catalog.find_schema(context.database_oid, name.schema) is None:
        return UndefinedSchema(f'schema "{name.schema}" does not exist')
    return UndefinedObject(f'type "{name}" does not exist')


def shown_type(context: CommandContext, found: UserType) -> str:
    """The type as messages name it: with its schema when the search path does not find it."""
    return shown_in(context.bind_context(), found)


def columns_of_type(context: CommandContext, found: UserType) -> Iterator[tuple[Table, Column]]:
    """The columns that were declared with the type or its array type; a materialized view's were not."""
    for table in context.catalog.objects(Table, context.database_oid):
        if isinstance(table, MaterializedView):
            continue
        for column in table.live_columns():
            own = column.type.domain_oid or column.type.oid
            if own in (found.oid, found.array_oid):
                yield table, column


def _domains_over(context: CommandContext, found: UserType) -> list[DomainType]:
    """Domains over a type, over those, and so on."""
    domains: list[DomainType] = []
    for domain in context.catalog.objects(DomainType, context.database_oid):
        if (domain.base.domain_oid or domain.base.oid) == found.oid:
            domains += [domain, *_domains_over(context, domain)]
    return domains


def check_type_name_free(context: CommandContext, schema: Schema, name: str) -> None:
    """Raises DuplicateObject (42710)."""
    catalog, database_oid = context.catalog, context.database_oid
    relation = catalog.find_relation(database_oid, schema.oid, name)
    if catalog.find_type(database_oid, schema.oid, name) is not None or isinstance(relation, Table):
        raise DuplicateObject(f'type "{name}" already exists')
