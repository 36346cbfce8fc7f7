"""has_table_privilege() and its kin: what a role may do. https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-ACCESS-TABLE

Each takes [role,] object [, column] and privileges: of several, separated by commas, one is enough; WITH GRANT OPTION asks
whether it may be passed on. An OID of nothing gives NULL, a name of nothing an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foundation.errors import (
    InvalidParameterValue,
    UndefinedColumn,
    UndefinedDatabase,
    UndefinedFunction,
    UndefinedObject,
    UndefinedSchema,
    UndefinedTable,
    WrongObjectType,
)
from sqlfront.pg_catalog.cluster import TEMPLATE_DATABASES
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.functions import to_regnamespace, to_regproc, to_regtype
from sqlfront.pg_catalog.privileges import PRIVILEGES_BY_NAME
from sqlfront.pg_catalog.relations import builtin_by_oid, names_by_oid
from sqlfront.pg_catalog.role_views import role_oid_of
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.privileges.acl import options_in
from sqlfront.privileges.kinds import (
    COLUMNS,
    DATABASES,
    FUNCTIONS,
    LANGUAGES,
    SCHEMAS,
    SEQUENCES,
    TABLES,
    TYPES,
    PrivilegeKind,
    acl_of,
)
from sqlfront.privileges.rights import Rights
from sqlfront.privileges.system_relations import is_for_superusers
from sqlfront.session.names import split_qualified_name
from storage.acl import NO_PRIVILEGE, Privilege
from storage.catalog import CatalogObject, ColumnRelation, Sequence
from storage.role_objects import READ_ALL_DATA_OID

_Asked = list[tuple[Privilege, bool]]
"""Privileges, each with whether WITH GRANT OPTION was said."""


def _asked(words: str, kind: PrivilegeKind) -> _Asked:
    """Raises InvalidParameterValue (22023) `unrecognized privilege type: "x"`."""
    found: _Asked = []
    for part in words.split(","):
        word = part.strip()
        name, is_option = word.upper(), False
        if name.endswith(" WITH GRANT OPTION"):
            name, is_option = name.removesuffix(" WITH GRANT OPTION"), True
        privilege = PRIVILEGES_BY_NAME.get(name)
        if privilege is None or not privilege & kind.all:
            raise InvalidParameterValue(f'unrecognized privilege type: "{word}"')
        found.append((privilege, is_option))
    return found


def _rights(view: CatalogView, role: list[Any]) -> Rights:
    oid = role_oid_of(view, role[0]) if role else view.role_oid
    return Rights(view.catalog, view.database_oid, oid)


def _on_object(rights: Rights, obj: CatalogObject, asked: _Asked) -> bool:
    if rights.is_superuser:
        return True
    return any(
        bool(options_in(acl_of(obj), rights.roles, obj.owner_oid, privilege))
        if is_option
        else rights.may(obj, privilege)
        for privilege, is_option in asked
    )


def _on_built_in(rights: Rights, asked: _Asked, to_public: Privilege) -> bool:
    """What every database has: it is a superuser's, and everybody has what everybody has of its kind."""
    if rights.is_superuser:
        return True
    return any(privilege & to_public and not is_option for privilege, is_option in asked)


# -- relations ----------------------------------------------------------------------------------------------


def _relation_oid(view: CatalogView, relation: str | int) -> int:
    if isinstance(relation, int):
        return relation
    parts = split_qualified_name(relation)
    oid = view.find_relation_oid(parts)
    if oid is None:
        if len(parts) > 1 and to_regnamespace(view, parts[-2]) is None:
            raise UndefinedSchema(f'schema "{parts[-2]}" does not exist')
        raise UndefinedTable(f'relation "{relation}" does not exist')
    return oid


def _system_privileges(rights: Rights, oid: int) -> Privilege:
    """What everybody has on a system catalog."""
    name = names_by_oid()[oid][1]
    may_read = not is_for_superusers(name) or READ_ALL_DATA_OID in rights.roles
    return Privilege.SELECT if may_read else NO_PRIVILEGE


def _on_relation(view: CatalogView, kind: PrivilegeKind, arguments: tuple[Any, ...]) -> bool | None:
    *role, relation, words = arguments
    rights = _rights(view, role)
    oid = _relation_oid(view, relation)
    asked = _asked(words, kind)
    found = view.catalog.get(oid)
    if kind is SEQUENCES and not isinstance(found, Sequence):
        if found is None and oid not in names_by_oid():
            return None
        raise WrongObjectType(f'"{relation}" is not a sequence')
    if found is not None:
        return _on_object(rights, found, asked)
    return _on_built_in(rights, asked, _system_privileges(rights, oid)) if oid in names_by_oid() else None


@catalog_function("has_table_privilege")
def has_table_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_relation(view, TABLES, arguments)


@catalog_function("has_sequence_privilege")
def has_sequence_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_relation(view, SEQUENCES, arguments)


@catalog_function("has_any_column_privilege")
def has_any_column_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    *role, relation, words = arguments
    rights, asked = _rights(view, role), _asked(words, COLUMNS)
    oid = _relation_oid(view, relation)
    found = view.catalog.get(oid)
    if not isinstance(found, ColumnRelation):
        return _on_relation(view, COLUMNS, arguments)
    attnums = [column.attnum for column in found.live_columns()]
    return _on_object(rights, found, asked) or any(_on_column(rights, found, n, asked) for n in attnums)


@catalog_function("has_column_privilege")
def has_column_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    *role, relation, column, words = arguments
    rights, asked = _rights(view, role), _asked(words, COLUMNS)
    oid = _relation_oid(view, relation)
    found = view.catalog.get(oid)
    if not isinstance(found, ColumnRelation):
        return _on_relation(view, COLUMNS, (*role, relation, words))
    attnum = _attnum(found, relation, column)
    if attnum is None:
        return None
    return _on_object(rights, found, asked) or _on_column(rights, found, attnum, asked)


def _attnum(relation: ColumnRelation, shown: str | int, column: str | int) -> int | None:
    """Raises UndefinedColumn (42703) for a name; None for a number that is no column's."""
    if isinstance(column, int):
        is_there = any(c.attnum == column for c in relation.live_columns())
        return column if is_there else None
    found = relation.column(column)
    if found is None:
        raise UndefinedColumn(f'column "{column}" of relation "{relation.name}" does not exist')
    return found.attnum


def _on_column(rights: Rights, relation: ColumnRelation, attnum: int, asked: _Asked) -> bool:
    acl = relation.column_at(attnum).acl or ()
    return any(
        bool(options_in(acl, rights.roles, relation.owner_oid, privilege))
        if is_option
        else bool(privilege & rights.on_column(relation, attnum))
        for privilege, is_option in asked
    )


# -- other objects ------------------------------------------------------------------------------------------


def _on_other(
    view: CatalogView,
    arguments: tuple[Any, ...],
    kind: PrivilegeKind,
    find: Callable[[CatalogView, str], int],
    is_built_in: Callable[[int], bool],
) -> bool | None:
    *role, named, words = arguments
    rights = _rights(view, role)
    oid = named if isinstance(named, int) else find(view, named)
    asked = _asked(words, kind)
    found = view.catalog.get(oid)
    if found is not None:
        return _on_object(rights, found, asked)
    to_public = Privilege.USAGE if kind is SCHEMAS else kind.to_public
    return _on_built_in(rights, asked, to_public) if is_built_in(oid) else None


@catalog_function("has_schema_privilege")
def has_schema_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_other(view, arguments, SCHEMAS, _schema_oid, lambda oid: oid in view.schema_names)


def _schema_oid(view: CatalogView, name: str) -> int:
    oid = next((oid for oid, schema in view.schema_names.items() if schema == name), None)
    if oid is None:
        raise UndefinedSchema(f'schema "{name}" does not exist')
    return oid


@catalog_function("has_database_privilege")
def has_database_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_other(view, arguments, DATABASES, _database_oid, lambda oid: oid in TEMPLATE_DATABASES)


def _database_oid(view: CatalogView, name: str) -> int:
    database = view.catalog.find_database(name)
    template = next((oid for oid, shown in TEMPLATE_DATABASES.items() if shown == name), None)
    if template is not None:
        return template
    if database is None:
        raise UndefinedDatabase(f'database "{name}" does not exist')
    return database.oid


@catalog_function("has_function_privilege")
def has_function_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_other(view, arguments, FUNCTIONS, _function_oid, lambda oid: oid in builtin_by_oid("pg_proc"))


def _function_oid(view: CatalogView, name: str) -> int:
    oid = to_regproc(view, name)
    if oid is None:
        raise UndefinedFunction(f'function "{name}" does not exist')
    return oid


@catalog_function("has_type_privilege")
def has_type_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_other(view, arguments, TYPES, _type_oid, lambda oid: oid in builtin_by_oid("pg_type"))


def _type_oid(view: CatalogView, name: str) -> int:
    oid = to_regtype(view, name)
    if oid is None:
        raise UndefinedObject(f'type "{name}" does not exist')
    return oid


@catalog_function("has_language_privilege")
def has_language_privilege(view: CatalogView, *arguments: Any) -> bool | None:
    return _on_other(
        view, arguments, LANGUAGES, _language_oid, lambda oid: oid in builtin_by_oid("pg_language")
    )


def _language_oid(view: CatalogView, name: str) -> int:
    for oid, row in builtin_by_oid("pg_language").items():
        if row["lanname"] == name:
            return oid
    raise UndefinedObject(f'language "{name}" does not exist')


@catalog_function("has_tablespace_privilege", "has_parameter_privilege")
def has_privilege_of_superusers(view: CatalogView, *arguments: Any) -> bool:
    """Nobody was given a tablespace or a setting."""
    *role, _, _ = arguments
    return _rights(view, role).is_superuser
