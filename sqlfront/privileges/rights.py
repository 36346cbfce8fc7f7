"""What a role may do with the objects of a catalog: memberships and access lists together.

As the aclmask() family in src/backend/catalog/aclchk.c of PostgreSQL 15. A superuser may do everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from foundation.errors import InsufficientPrivilege
from sqlfront.privileges.acl import privileges_in
from sqlfront.privileges.kinds import acl_of, message_word
from sqlfront.privileges.roles import is_superuser, roles_of
from storage.acl import NO_PRIVILEGE, Privilege
from storage.catalog import (
    TEMPORARY_SCHEMA_PREFIX,
    Catalog,
    CatalogObject,
    Column,
    ColumnRelation,
    Database,
    Schema,
    Sequence,
)
from storage.role_objects import READ_ALL_DATA_OID, WRITE_ALL_DATA_OID

ALL = ~NO_PRIVILEGE
_WRITES = Privilege.INSERT | Privilege.UPDATE | Privilege.DELETE


class Rights:
    """The rights of one role in one database, as one catalog has them."""

    def __init__(self, catalog: Catalog, database_oid: int, role_oid: int) -> None:
        self.catalog = catalog
        self.database_oid = database_oid
        self.role_oid = role_oid
        self.is_superuser = is_superuser(catalog, role_oid)

    @cached_property
    def roles(self) -> frozenset[int]:
        """The roles whose privileges the role has."""
        return roles_of(self.catalog, self.role_oid, self.database_oid, inherited_only=True)

    def owns(self, obj: CatalogObject) -> bool:
        return self.is_superuser or obj.owner_oid in self.roles

    def on(self, obj: CatalogObject) -> Privilege:
        """What the role has on an object as a whole."""
        if self.is_superuser:
            return ALL
        found = privileges_in(acl_of(obj), self.roles)
        if isinstance(obj, ColumnRelation | Sequence):
            if READ_ALL_DATA_OID in self.roles:
                found |= Privilege.SELECT
            if WRITE_ALL_DATA_OID in self.roles:
                found |= _WRITES
        elif isinstance(obj, Schema):
            if self.roles & {READ_ALL_DATA_OID, WRITE_ALL_DATA_OID}:
                found |= Privilege.USAGE
            if obj.name.startswith(TEMPORARY_SCHEMA_PREFIX):
                found |= Privilege.USAGE | Privilege.CREATE
        return found

    def on_column(self, relation: ColumnRelation, attnum: int) -> Privilege:
        """What the role has on a column by itself; what it has on the relation holds besides."""
        if self.is_superuser:
            return ALL
        column = relation.column_at(attnum) if attnum > 0 else None
        return NO_PRIVILEGE if column is None or column.acl is None else privileges_in(column.acl, self.roles)

    def may(self, obj: CatalogObject, wanted: Privilege) -> bool:
        """Whether the role has all of the wanted privileges on an object as a whole."""
        return not wanted & ~self.on(obj)

    def may_on_columns(self, relation: ColumnRelation, wanted: Privilege, attnums: Iterable[int]) -> bool:
        """Whether the role has a privilege on each column, of the column or of the relation; on any column where none is named."""
        if self.may(relation, wanted):
            return True
        named = list(attnums)
        if not named:
            return any(wanted & self.on_column(relation, c.attnum) for c in relation.live_columns())
        return all(wanted & self.on_column(relation, attnum) for attnum in named)

    def check(self, obj: CatalogObject, wanted: Privilege) -> None:
        """Raises InsufficientPrivilege (42501) for an object on which the role lacks one of the wanted privileges."""
        if not self.may(obj, wanted):
            raise denied(obj)

    def check_any(self, obj: CatalogObject, wanted: Privilege) -> None:
        """Raises InsufficientPrivilege (42501) for an object on which the role has none of the wanted privileges."""
        if not wanted & self.on(obj):
            raise denied(obj)

    def may_use_schema(self, name: str) -> bool:
        """Whether the role may look for names in a schema; in one that is not there, and in a built-in one, it may."""
        schema = self.catalog.find_schema(self.database_oid, name)
        return schema is None or self.may(schema, Privilege.USAGE)

    def usable_schemas(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Those of a path's schemas that the role may look into."""
        return names if self.is_superuser else tuple(filter(self.may_use_schema, names))

    def check_schema(self, name: str) -> None:
        """Raises InsufficientPrivilege (42501) `permission denied for schema s`."""
        if not self.may_use_schema(name):
            raise InsufficientPrivilege(f"permission denied for schema {name}")

    def on_database(self) -> Privilege:
        database = self.catalog.get(self.database_oid)
        return self.on(database) if isinstance(database, Database) else NO_PRIVILEGE


def denied(obj: CatalogObject, word: str | None = None) -> InsufficientPrivilege:
    """The 42501 error for an object, which is called `word` or by its kind."""
    return InsufficientPrivilege(f"permission denied for {word or message_word(obj)} {obj.name}")


def denied_column(relation: CatalogObject, column: Column) -> InsufficientPrivilege:
    """The 42501 error for a column."""
    return InsufficientPrivilege(
        f'permission denied for column "{column.name}" of relation "{relation.name}"'
    )
