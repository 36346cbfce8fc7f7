"""Rows of information_schema about privileges and roles.

There is no GRANT yet: each owner has every privilege on what is theirs and may pass it on, and everybody may use types,
domains, collations and functions. https://www.postgresql.org/docs/15/infoschema-table-privileges.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.information_schema import location
from sqlfront.pg_catalog.relations import Row, builtin_rows, rows_of
from sqlfront.pg_catalog.user_functions import specific_name
from sqlfront.pg_catalog.view import CatalogView
from sqlfront.privileges.roles import has_privileges_of
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    ColumnRelation,
    MaterializedView,
)
from storage.function_objects import UserFunction
from storage.type_objects import CompositeType, DomainType

TABLE_PRIVILEGES = ("INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
COLUMN_PRIVILEGES = ("INSERT", "SELECT", "UPDATE", "REFERENCES")
PUBLIC = "PUBLIC"
UTF8_AND_ANY = (6, -1)
"""pg_collation.collencoding of the collations that a database of UTF-8 has."""


def _relations(view: CatalogView) -> Iterator[ColumnRelation]:
    """What the standard calls tables; it has no materialized views."""
    for relation in view.objects(ColumnRelation):
        if not isinstance(relation, MaterializedView) and _is_own(view, relation.owner_oid):
            yield relation


def _is_own(view: CatalogView, owner_oid: int) -> bool:
    """Whether the current user has the owner's privileges."""
    return has_privileges_of(view.catalog, view.role_oid, owner_oid, view.database_oid)


def _granted(view: CatalogView, owner_oid: int, privilege: str, grantee: str | None = None) -> Row:
    """A privilege that an owner has given to themself, or to a grantee who may not pass it on."""
    owner = view.role_name(owner_oid)
    return {
        "grantor": owner, "grantee": grantee or owner, "privilege_type": privilege,
        "is_grantable": "NO" if grantee else "YES",
    }  # fmt: skip


@rows_of("table_privileges", "role_table_grants", schema="information_schema")
def table_privileges(view: CatalogView) -> Iterator[Row]:
    for relation in _relations(view):
        for privilege in TABLE_PRIVILEGES:
            yield {
                **_granted(view, relation.owner_oid, privilege),
                **location(view, "table", relation.schema_oid, relation.name),
                "with_hierarchy": "YES" if privilege == "SELECT" else "NO",
            }


@rows_of("column_privileges", "role_column_grants", schema="information_schema")
def column_privileges(view: CatalogView) -> Iterator[Row]:
    for relation in _relations(view):
        for column in relation.live_columns():
            for privilege in COLUMN_PRIVILEGES:
                yield {
                    **_granted(view, relation.owner_oid, privilege),
                    **location(view, "table", relation.schema_oid, relation.name), "column_name": column.name,
                }  # fmt: skip


@rows_of("role_usage_grants", schema="information_schema")
def role_usage_grants(view: CatalogView) -> Iterator[Row]:
    """Of domains. Sequences have no USAGE there unless it was granted, as in PostgreSQL."""
    for domain in view.objects(DomainType):
        for grant in _granted_to_all(view, domain.owner_oid, "USAGE"):
            where = location(view, "object", domain.schema_oid, domain.name)
            yield {**grant, **where, "object_type": "DOMAIN"}


@rows_of("usage_privileges", schema="information_schema")
def usage_privileges(view: CatalogView) -> Iterator[Row]:
    yield from role_usage_grants(view)
    for name in _collation_names():
        yield {
            **_granted(view, BOOTSTRAP_ROLE_OID, "USAGE", PUBLIC), "object_type": "COLLATION",
            "object_catalog": view.database_name, "object_schema": "pg_catalog", "object_name": name,
        }  # fmt: skip


@rows_of("udt_privileges", "role_udt_grants", schema="information_schema")
def udt_privileges(view: CatalogView) -> Iterator[Row]:
    """Of composite types, those of the rows of tables and views included."""
    owned: list[CompositeType | ColumnRelation] = [
        *view.objects(CompositeType),
        *view.objects(ColumnRelation),
    ]
    for found in owned:
        for grant in _granted_to_all(view, found.owner_oid, "TYPE USAGE"):
            yield {**grant, **location(view, "udt", found.schema_oid, found.name)}


@rows_of("routine_privileges", "role_routine_grants", schema="information_schema")
def routine_privileges(view: CatalogView) -> Iterator[Row]:
    for function in view.objects(UserFunction):
        for grant in _granted_to_all(view, function.owner_oid, "EXECUTE"):
            yield {**grant, **_routine_location(view, function)}


def _granted_to_all(view: CatalogView, owner_oid: int, privilege: str) -> Iterator[Row]:
    """What an owner has, and has given to everybody."""
    if _is_own(view, owner_oid):
        yield _granted(view, owner_oid, privilege)
    yield _granted(view, owner_oid, privilege, PUBLIC)


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
