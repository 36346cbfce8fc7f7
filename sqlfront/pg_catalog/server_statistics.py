"""Rows of the statistics views over databases, and of those over blocks read, which nothing here is divided into.

Transactions and sessions are counted since the server started, rows by the counters of `storage.activity`. Blocks, times of
reading and writing and buffers are 0: data comes through the operating system's cache.
https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.function_registry import catalog_function
from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Database, Index, Sequence, Table

_NOTHING_COUNTED = {
    "blks_read": 0, "blks_hit": 0, "conflicts": 0, "temp_files": 0, "temp_bytes": 0, "blk_read_time": 0.0,
    "blk_write_time": 0.0,
}  # fmt: skip


@rows_of("pg_stat_database")
def pg_stat_database(view: CatalogView) -> Iterator[Row]:
    registry, activity = view.session.registry, view.storage.activity
    transactions = registry.transaction_counts()
    connected = [session.identity.database_oid for session in registry.sessions()]
    for database in view.catalog.objects(Database):
        tables = [activity.table(table.oid) for table in view.catalog.objects(Table, database.oid)]
        indexes = [activity.index(index.oid) for index in view.catalog.objects(Index, database.oid)]
        fetched = sum(index.rows_returned for index in indexes)
        yield {
            "datid": database.oid, "datname": database.name, "numbackends": connected.count(database.oid),
            "xact_commit": transactions[database.oid, True], "xact_rollback": transactions[database.oid, False],
            "tup_returned": sum(table.rows_scanned for table in tables) + fetched, "tup_fetched": fetched,
            "tup_inserted": sum(table.rows_inserted for table in tables),
            "tup_updated": sum(table.rows_updated for table in tables),
            "tup_deleted": sum(table.rows_deleted for table in tables),
            "stats_reset": view.session.shared.start_time_us, **_NOTHING_COUNTED,
        }  # fmt: skip


@rows_of("pg_stat_archiver")
def pg_stat_archiver(view: CatalogView) -> Iterator[Row]:
    """Nothing is archived."""
    yield {"archived_count": 0, "failed_count": 0, "stats_reset": view.session.shared.start_time_us}


@rows_of("pg_statio_user_tables", "pg_statio_all_tables")
def pg_statio_user_tables(view: CatalogView) -> Iterator[Row]:
    for table in view.objects(Table):
        has_indexes = bool(view.catalog.indexes_of(table.oid))
        yield {
            "relid": table.oid, "schemaname": view.schema_names.get(table.schema_oid), "relname": table.name,
            "heap_blks_read": 0, "heap_blks_hit": 0, "idx_blks_read": 0 if has_indexes else None,
            "idx_blks_hit": 0 if has_indexes else None,
        }  # fmt: skip


@rows_of("pg_statio_user_indexes", "pg_statio_all_indexes")
def pg_statio_user_indexes(view: CatalogView) -> Iterator[Row]:
    for index in view.objects(Index):
        yield {
            "relid": index.table_oid, "indexrelid": index.oid, "relname": view.catalog.table(index.table_oid).name,
            "schemaname": view.schema_names.get(index.schema_oid), "indexrelname": index.name, "idx_blks_read": 0,
            "idx_blks_hit": 0,
        }  # fmt: skip


@rows_of("pg_statio_user_sequences", "pg_statio_all_sequences")
def pg_statio_user_sequences(view: CatalogView) -> Iterator[Row]:
    for sequence in view.objects(Sequence):
        yield {
            "relid": sequence.oid, "schemaname": view.schema_names.get(sequence.schema_oid),
            "relname": sequence.name, "blks_read": 0, "blks_hit": 0,
        }  # fmt: skip


@catalog_function("row_security_active")
def row_security_active(view: CatalogView, relation: str | int) -> bool:
    """There are no row security policies."""
    return False


@catalog_function("pg_relation_filepath", "pg_relation_filenode")
def no_file_of_its_own(view: CatalogView, oid: int) -> None:
    """A table is many files, as its log and its segments are, so that none can be named."""
