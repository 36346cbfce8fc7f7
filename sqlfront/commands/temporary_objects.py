"""Temporary tables, views and sequences: what the end of a transaction and of a session does to them.

They are ordinary objects in a schema `pg_temp_<process id>` that the session's first one makes. Nobody else's names find
them. They go when the session ends, or at the next start of the server.
https://www.postgresql.org/docs/15/sql-createtable.html#SQL-CREATETABLE-PARMS-TEMPORARY
"""

from __future__ import annotations

from collections.abc import Iterable

from foundation.errors import FeatureNotSupported
from sqlfront.commands.context import CommandContext
from sqlfront.commands.dependencies import drop_member, drop_table, schema_members
from sqlfront.commands.views import dependent_views
from storage import Storage, Transaction
from storage.catalog import (
    TEMPORARY_SCHEMA_PREFIX,
    Catalog,
    Index,
    OnCommit,
    Schema,
    Sequence,
    Table,
    View,
)


def check_movable(source: Schema, target: Schema) -> None:
    """Raises FeatureNotSupported (0A000): nothing becomes temporary, or stops being so."""
    if any(schema.name.startswith(TEMPORARY_SCHEMA_PREFIX) for schema in (source, target)):
        raise FeatureNotSupported("cannot move objects into or out of temporary schemas")


def end_transaction(context: CommandContext) -> None:
    """Before a commit: ON COMMIT DELETE ROWS and DROP of the session's tables.

    Raises:
        FeatureNotSupported: 0A000, a foreign key to rows that are deleted from rows that stay.
    """
    schema = context.catalog.find_schema(context.database_oid, context.temporary_schema)
    if schema is None:
        return
    tables = [t for t in context.catalog.objects(Table, context.database_oid) if t.schema_oid == schema.oid]
    for table in tables:
        if table.on_commit is OnCommit.DROP:
            for view, _ in dependent_views(context, table):
                drop_member(context, view)
            drop_table(context, table)
        elif table.on_commit is OnCommit.DELETE_ROWS and table.oid in context.transaction.writes:
            _delete_rows(context, table)


def _delete_rows(context: CommandContext, table: Table) -> None:
    for key in context.catalog.foreign_keys_to(table.oid):
        other = context.catalog.table(key.table_oid)
        if other.on_commit is OnCommit.PRESERVE_ROWS:
            raise FeatureNotSupported(
                "unsupported ON COMMIT and foreign key combination",
                detail=f'Table "{other.name}" references "{table.name}",'
                " but they do not have the same ON COMMIT setting.",
            )
    context.transaction.truncate(table.oid)


def discard_temporary(context: CommandContext) -> None:
    """DISCARD TEMP: drop what the session has created; its schema stays."""
    schema = context.catalog.find_schema(context.database_oid, context.temporary_schema)
    for member in schema_members(context, schema.oid) if schema is not None else ():
        drop_member(context, member)


def temporary_schemas(catalog: Catalog) -> list[Schema]:
    """Those of all sessions there were."""
    return [s for s in catalog.objects(Schema) if s.name.startswith(TEMPORARY_SCHEMA_PREFIX)]


def drop_schemas(storage: Storage, schemas: Iterable[Schema]) -> None:
    """Drop temporary schemas with everything in them: their sessions are no more. Raises IoFailure (58030)."""
    oids = {schema.oid for schema in schemas}
    if not oids:
        return
    with storage.begin() as transaction:
        for oid in (*sorted(_members(transaction, oids)), *sorted(oids)):
            transaction.drop(oid)
        transaction.commit()


def _members(transaction: Transaction, schema_oids: set[int]) -> set[int]:
    catalog = transaction.catalog
    found = {t.oid for t in catalog.objects(Table) if t.schema_oid in schema_oids}
    found |= {i.oid for i in catalog.objects(Index) if i.schema_oid in schema_oids}
    found |= {s.oid for s in catalog.objects(Sequence) if s.schema_oid in schema_oids}
    found |= {v.oid for v in catalog.objects(View) if v.schema_oid in schema_oids}
    for oid in tuple(found):
        found |= {constraint.oid for constraint in catalog.constraints_of(oid)}
    return found
