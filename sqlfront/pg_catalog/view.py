"""The current database as its catalogs show it: names, owners, visibility.

One `CatalogView` serves one statement. It adds to the stored catalog what PostgreSQL has in every database:
the schemas pg_catalog and information_schema, and the template databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from typing import Any, Protocol, TypeVar

from foundation.settings import SettingValues
from sqlfront.session.acting_role import ActingRoles
from sqlfront.session.names import schema_called, with_system_catalog
from sqlfront.session.state import SessionIdentity
from storage import Storage, Transaction
from storage.catalog import (
    BOOTSTRAP_ROLE_OID,
    INFORMATION_SCHEMA_OID,
    PG_CATALOG_SCHEMA_OID,
    AnyView,
    Catalog,
    CatalogObject,
    Index,
    MaterializedView,
    Role,
    Schema,
    Sequence,
    Table,
    View,
)
from storage.state import DatabaseState

_T = TypeVar("_T", bound=CatalogObject)


SYSTEM_SCHEMAS = {
    PG_CATALOG_SCHEMA_OID: "pg_catalog", 99: "pg_toast", INFORMATION_SCHEMA_OID: "information_schema",
}  # fmt: skip
"""By OID. Nothing is in pg_toast here; clients look for it to leave it out."""


class SessionView(Protocol):
    """What the catalogs show of the session that asks."""

    identity: SessionIdentity
    roles: ActingRoles
    settings: SettingValues
    statements: Any
    cursors: Any

    @property
    def shared(self) -> Any: ...

    @property
    def registry(self) -> Any: ...

    def catalog(self) -> Catalog: ...

    def existing_search_path(self) -> tuple[str, ...]: ...


class Reach(Enum):
    """How far somebody looked who had the view: what the answer depends on."""

    CATALOG = 1
    ROWS = 2
    """Committed rows as well."""
    EVERYTHING = 3
    """The session, counters, locks, other sessions."""


class CatalogView:
    """Look-ups over the catalog a statement sees, restricted to its database.

    Without a transaction, for names alone: the catalog is the session's of now.
    """

    def __init__(self, session: SessionView, transaction: Transaction | None) -> None:
        self.reach = Reach.CATALOG
        self._session = session
        self._transaction = transaction
        self.catalog: Catalog = session.catalog() if transaction is None else transaction.catalog
        self.database_oid = session.identity.database_oid

    @property
    def session(self) -> SessionView:
        self.reach = Reach.EVERYTHING
        return self._session

    @property
    def role_oid(self) -> int:
        """The current user. What depends on it is the session's."""
        return self.session.roles.current.oid

    @property
    def transaction(self) -> Transaction:
        assert self._transaction is not None, "only names are looked up here"
        if self.reach is Reach.CATALOG:
            self.reach = Reach.ROWS
        return self._transaction

    @property
    def storage(self) -> Storage:
        storage: Storage = self.session.shared.storage
        return storage

    def unchanged_state(self) -> DatabaseState | None:
        """The state of the database that the transaction sees; None where it has changed something itself."""
        if self._transaction is None or self._transaction.has_writes:
            return None
        return self._transaction.snapshot

    @property
    def database_name(self) -> str:
        return self._session.identity.database_name

    def objects(self, cls: type[_T]) -> Iterator[_T]:
        return self.catalog.objects(cls, self.database_oid)

    def views(self) -> Iterator[AnyView]:
        return self.catalog.views(self.database_oid)

    def tables(self) -> Iterator[Table]:
        """Tables that are no materialized views."""
        return (table for table in self.objects(Table) if not isinstance(table, MaterializedView))

    @cached_property
    def schema_names(self) -> dict[int, str]:
        """Schema names by OID, the built-in ones included."""
        names = dict(SYSTEM_SCHEMAS)
        names.update((schema.oid, schema.name) for schema in self.objects(Schema))
        return names

    @cached_property
    def schema_owners(self) -> dict[int, int]:
        owners = dict.fromkeys(SYSTEM_SCHEMAS, BOOTSTRAP_ROLE_OID)
        owners.update((schema.oid, schema.owner_oid) for schema in self.objects(Schema))
        return owners

    @cached_property
    def search_path(self) -> tuple[str, ...]:
        """Schemas that are searched, pg_catalog before others unless it is named."""
        return with_system_catalog(self._session.existing_search_path())

    @cached_property
    def _first_found(self) -> dict[str, int]:
        """Relation names -> the OID a bare name finds."""
        from sqlfront.pg_catalog.relations import all_relations

        found: dict[str, int] = {}
        for schema_name in self.search_path:
            for (schema, name), relation in all_relations().items():
                if schema == schema_name:
                    found.setdefault(name, relation.oid)
            for stored in self.stored_relations():
                if self.schema_names.get(stored.schema_oid) == schema_name:
                    found.setdefault(stored.name, stored.oid)
        return found

    def stored_relations(self) -> Iterator[Table | View | Index | Sequence]:
        """Tables, views, indexes and sequences of the database."""
        yield from self.objects(Table)
        yield from self.objects(View)
        yield from self.objects(Index)
        yield from self.objects(Sequence)

    def is_visible(self, name: str, oid: int) -> bool:
        """Whether a bare name means this relation."""
        return self._first_found.get(name) == oid

    def relation_name(self, oid: int) -> tuple[str, str] | None:
        """(schema, name) of a stored or computed relation."""
        from sqlfront.pg_catalog.relations import names_by_oid

        stored = self.catalog.get(oid)
        if isinstance(stored, Table | View | Index | Sequence):
            return self.schema_names.get(stored.schema_oid, ""), stored.name
        return names_by_oid().get(oid)

    def find_relation_oid(self, parts: tuple[str, ...]) -> int | None:
        """The OID a one- to three-part relation name means."""
        from sqlfront.pg_catalog.relations import all_relations

        if len(parts) == 1:
            return self._first_found.get(parts[0])
        computed = all_relations().get((parts[-2], parts[-1]))
        if computed is not None:
            return computed.oid
        called = schema_called(parts[-2], self.search_path)
        schema = self.catalog.find_schema(self.database_oid, called)
        found = schema and self.catalog.find_relation(self.database_oid, schema.oid, parts[-1])
        return found.oid if found else None

    def role_name(self, oid: int) -> str | None:
        role = self.catalog.get(oid)
        return role.name if isinstance(role, Role) else None
