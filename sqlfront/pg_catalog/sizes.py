"""Sizes of tables, indexes and databases: their files, and what of them is in memory still.

A table's size is its segments', an index's that of the files beside them; a unique index has no file for rows
in memory. There is one fork, `main`. https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE
"""

from __future__ import annotations

from foundation.errors import InvalidParameterValue, UndefinedDatabase
from sqlfront.pg_catalog.cluster import DEFAULT_TABLESPACE_OID, TEMPLATE_DATABASES
from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Database, Index, Table

PAGE_BYTES = 8192
"""PostgreSQL's block size: what pg_class.relpages counts in."""

_OTHER_FORKS = ("fsm", "vm", "init")


@catalog_function("pg_relation_size")
def pg_relation_size(view: CatalogView, oid: int, fork: str = "main") -> int | None:
    """Bytes of one relation alone; NULL for an OID that is no relation.

    Raises:
        InvalidParameterValue: 22023, an unknown fork.
    """
    if fork != "main" and fork not in _OTHER_FORKS:
        raise InvalidParameterValue(
            "invalid fork name", hint='Valid fork names are "main", "fsm", "vm", and "init".'
        )
    relation = view.catalog.get(oid)
    if isinstance(relation, Index):
        size_bytes = index_size_bytes(view, relation)
    elif isinstance(relation, Table):
        size_bytes = table_size_bytes(view, relation)
    else:
        return None if view.relation_name(oid) is None else 0
    return size_bytes if fork == "main" else 0


@catalog_function("pg_table_size")
def pg_table_size(view: CatalogView, oid: int) -> int | None:
    """As pg_relation_size: no TOAST table, no maps of free space stand beside a table."""
    return pg_relation_size(view, oid)


@catalog_function("pg_indexes_size")
def pg_indexes_size(view: CatalogView, oid: int) -> int | None:
    if view.relation_name(oid) is None:
        return None
    return sum(index_size_bytes(view, index) for index in view.catalog.indexes_of(oid))


@catalog_function("pg_total_relation_size")
def pg_total_relation_size(view: CatalogView, oid: int) -> int | None:
    own, indexes = pg_relation_size(view, oid), pg_indexes_size(view, oid)
    return None if own is None or indexes is None else own + indexes


@catalog_function("pg_database_size")
def pg_database_size(view: CatalogView, database: str | int) -> int | None:
    """Bytes of all tables and indexes of a database, by name or OID; NULL for an unknown OID.

    Raises:
        UndefinedDatabase: 3D000 for an unknown name.
    """
    if database in (*TEMPLATE_DATABASES, *TEMPLATE_DATABASES.values()):
        return 0
    found = [d for d in view.catalog.objects(Database) if database in (d.oid, d.name)]
    if not found:
        if isinstance(database, str):
            raise UndefinedDatabase(f'database "{database}" does not exist')
        return None
    tables = view.catalog.objects(Table, found[0].oid)
    return sum(pg_total_relation_size(view, table.oid) or 0 for table in tables)


@catalog_function("pg_tablespace_size")
def pg_tablespace_size(view: CatalogView, tablespace: str | int) -> int:
    """Everything is in the default tablespace."""
    if tablespace not in ("pg_default", DEFAULT_TABLESPACE_OID):
        return 0
    return sum(pg_total_relation_size(view, table.oid) or 0 for table in view.catalog.objects(Table))


def table_size_bytes(view: CatalogView, table: Table) -> int:
    """Bytes of a table's segment files and of its rows in memory."""
    return view.transaction.peek(table.oid).size_bytes


def index_size_bytes(view: CatalogView, index: Index) -> int:
    """Bytes of the files that an index has beside the table's segments."""
    segments = view.transaction.peek(index.table_oid).segments
    return sum(segment.index_size_bytes(index.oid) for segment in segments)


def page_count(size_bytes: int) -> int:
    """A size as pg_class.relpages says it."""
    return -(-size_bytes // PAGE_BYTES)
