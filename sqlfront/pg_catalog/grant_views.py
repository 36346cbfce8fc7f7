"""Rows of information_schema about privileges, which show the grants that concern the current user.

The views of `role_..._grants` leave out what everybody was granted.
https://www.postgresql.org/docs/15/infoschema-table-privileges.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.information_schema import location
from sqlfront.pg_catalog.privileges import PRIVILEGE_NAMES, explode
from sqlfront.pg_catalog.relations import Row, builtin_rows, rows_of
from sqlfront.pg_catalog.user_functions import specific_name
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.privileges.kinds import COLUMNS, TABLES, TYPES, acl_of, default_acl
from sqlfront.privileges.roles import has_privileges_of
from storage.acl import PUBLIC, Acl, Privilege
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    ColumnRelation,
    MaterializedView,
    Sequence,
)
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, DomainType

PUBLIC_NAME = "PUBLIC"
UTF8_AND_ANY = (6, -1)
"""pg_collation.collencoding of the collations that a database of UTF-8 has."""

_Grants = Iterator[Row]


def _is_own(view: CatalogView, role_oid: int) -> bool:
    """Whether the current user has a role's privileges."""
    return has_privileges_of(view.catalog, view.role_oid, role_oid, view.database_oid)


def _grants(
    view: CatalogView, acl: Acl, owner_oid: int, privileges: Privilege, *, to_all: bool = True
) -> _Grants:
    """The items of an access list that the current user may see: grants by or to its roles, and `to_all` those to everybody."""
    names = {PRIVILEGE_NAMES[privilege] for privilege in Privilege if privilege & privileges}
    for grantor_oid, grantee_oid, privilege, passes in explode(acl):
        is_public = grantee_oid == PUBLIC
        is_seen = _is_own(view, grantor_oid) or (to_all if is_public else _is_own(view, grantee_oid))
        if privilege in names and is_seen:
            has_all = not is_public and has_privileges_of(
                view.catalog, grantee_oid, owner_oid, view.database_oid
            )
            yield {
                "grantor": view.role_name(grantor_oid),
                "grantee": PUBLIC_NAME if is_public else view.role_name(grantee_oid),
                "privilege_type": privilege, "is_grantable": "YES" if passes or has_all else "NO",
            }  # fmt: skip


def _relations(view: CatalogView) -> Iterator[ColumnRelation]:
    """What the standard calls tables; it has no materialized views."""
    for relation in view.objects(ColumnRelation):
        if not isinstance(relation, MaterializedView):
            yield relation


def _table_rows(view: CatalogView, *, to_all: bool) -> Iterator[Row]:
    for relation in _relations(view):
        where = location(view, "table", relation.schema_oid, relation.name)
        for grant in _grants(view, acl_of(relation), relation.owner_oid, TABLES.all, to_all=to_all):
            yield {**grant, **where, "with_hierarchy": "YES" if grant["privilege_type"] == "SELECT" else "NO"}


@rows_of("table_privileges", schema="information_schema")
def table_privileges(view: CatalogView) -> Iterator[Row]:
    return _table_rows(view, to_all=True)


@rows_of("role_table_grants", schema="information_schema")
def role_table_grants(view: CatalogView) -> Iterator[Row]:
    return _table_rows(view, to_all=False)


def _column_rows(view: CatalogView, *, to_all: bool) -> Iterator[Row]:
    """What is granted on columns, and on all of them by a grant on their table."""
    for relation in _relations(view):
        where = location(view, "table", relation.schema_oid, relation.name)
        for column in relation.live_columns():
            acl = (*acl_of(relation), *(column.acl or ()))
            seen = []
            for grant in _grants(view, acl, relation.owner_oid, COLUMNS.all, to_all=to_all):
                if grant not in seen:
                    seen.append(grant)
                    yield {**grant, **where, "column_name": column.name}


@rows_of("column_privileges", schema="information_schema")
def column_privileges(view: CatalogView) -> Iterator[Row]:
    return _column_rows(view, to_all=True)


@rows_of("role_column_grants", schema="information_schema")
def role_column_grants(view: CatalogView) -> Iterator[Row]:
    return _column_rows(view, to_all=False)


def _usage_rows(view: CatalogView, *, to_all: bool) -> Iterator[Row]:
    """Of domains and sequences. An owner's own USAGE of a sequence is there once something was granted, as in PostgreSQL."""
    found: list[tuple[str, DomainType | Sequence]] = [("DOMAIN", d) for d in view.objects(DomainType)]
    found += [("SEQUENCE", sequence) for sequence in view.objects(Sequence) if sequence.acl is not None]
    for kind, obj in found:
        where = location(view, "object", obj.schema_oid, obj.name)
        for grant in _grants(view, acl_of(obj), obj.owner_oid, Privilege.USAGE, to_all=to_all):
            yield {**grant, **where, "object_type": kind}


@rows_of("role_usage_grants", schema="information_schema")
def role_usage_grants(view: CatalogView) -> Iterator[Row]:
    return _usage_rows(view, to_all=False)


@rows_of("usage_privileges", schema="information_schema")
def usage_privileges(view: CatalogView) -> Iterator[Row]:
    yield from _usage_rows(view, to_all=True)
    for name in _collation_names():
        yield {
            "grantor": view.role_name(BOOTSTRAP_ROLE_OID), "grantee": PUBLIC_NAME, "privilege_type": "USAGE",
            "is_grantable": "NO", "object_type": "COLLATION", "object_catalog": view.database_name,
            "object_schema": "pg_catalog", "object_name": name,
        }  # fmt: skip


def _type_rows(view: CatalogView, *, to_all: bool) -> Iterator[Row]:
    """Of composite types, those of the rows of tables and views included."""
    owned: list[CompositeType | ColumnRelation] = [
        *view.objects(CompositeType),
        *view.objects(ColumnRelation),
    ]
    for found in owned:
        acl = acl_of(found) if isinstance(found, CompositeType) else default_acl(TYPES, found.owner_oid)
        for grant in _grants(view, acl, found.owner_oid, Privilege.USAGE, to_all=to_all):
            where = location(view, "udt", found.schema_oid, found.name)
            yield {**grant, **where, "privilege_type": "TYPE USAGE"}


@rows_of("udt_privileges", schema="information_schema")
def udt_privileges(view: CatalogView) -> Iterator[Row]:
    return _type_rows(view, to_all=True)


@rows_of("role_udt_grants", schema="information_schema")
def role_udt_grants(view: CatalogView) -> Iterator[Row]:
    return _type_rows(view, to_all=False)


def _routine_rows(view: CatalogView, *, to_all: bool) -> Iterator[Row]:
    for function in view.objects(UserFunction):
        for grant in _grants(view, acl_of(function), function.owner_oid, Privilege.EXECUTE, to_all=to_all):
            yield {**grant, **_routine_location(view, function)}


@rows_of("routine_privileges", schema="information_schema")
def routine_privileges(view: CatalogView) -> Iterator[Row]:
    return _routine_rows(view, to_all=True)


@rows_of("role_routine_grants", schema="information_schema")
def role_routine_grants(view: CatalogView) -> Iterator[Row]:
    return _routine_rows(view, to_all=False)


def _routine_location(view: CatalogView, function: UserFunction) -> Row:
    return {
        **location(view, "specific", function.schema_oid, specific_name(function)),
        **location(view, "routine", function.schema_oid, function.name),
    }


@rows_of("information_schema_catalog_name", schema="information_schema")
def information_schema_catalog_name(view: CatalogView) -> Iterator[Row]:
    yield {"catalog_name": view.database_name}


def _collation_names() -> Iterator[str]:
    rows = builtin_rows("pg_collation")
    for name, encoding in zip(rows["collname"].to_pylist(), rows["collencoding"].to_pylist(), strict=True):
        if encoding in UTF8_AND_ANY:
            yield name


def _collation_location(view: CatalogView, name: str) -> Row:
    return {
        "collation_catalog": view.database_name, "collation_schema": "pg_catalog",
        "collation_name": name,
    }  # fmt: skip


@rows_of("collations", schema="information_schema")
def collations(view: CatalogView) -> Iterator[Row]:
    for name in _collation_names():
        yield {**_collation_location(view, name), "pad_attribute": "NO PAD"}


@rows_of("collation_character_set_applicability", schema="information_schema")
def collation_character_set_applicability(view: CatalogView) -> Iterator[Row]:
    for name in _collation_names():
        yield {**_collation_location(view, name), "character_set_name": "UTF8"}


@rows_of("character_sets", schema="information_schema")
def character_sets(view: CatalogView) -> Iterator[Row]:
    """The one that the database is encoded in."""
    yield {"character_set_name": "UTF8", "character_repertoire": "UCS", "form_of_use": "UTF8"}
