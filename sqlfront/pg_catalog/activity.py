"""Rows of the statistics views over tables and indexes: live and dead rows, changes, scans, maintenance, builds.

Rows are counted at the statement's snapshot; the counters are `storage.activity`'s, since the server started.
https://www.postgresql.org/docs/15/monitoring-stats.html
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlfront.pg_catalog.relations import Row, rows_of
from sqlfront.pg_catalog.view import CatalogView
from storage.catalog import Database, Index, Table


@rows_of("pg_stat_user_tables", "pg_stat_all_tables")
def pg_stat_user_tables(view: CatalogView) -> Iterator[Row]:
    counters = view.storage.activity
    for table in view.objects(Table):
        activity = counters.table(table.oid)
        segments = view.transaction.peek(table.oid).segments
        live = sum(segment.visible_count for segment in segments)
        indexes = [counters.index(index.oid) for index in view.catalog.indexes_of(table.oid)]
        yield {
            "relid": table.oid, "schemaname": view.schema_names.get(table.schema_oid), "relname": table.name,
            "seq_scan": activity.scans, "seq_tup_read": activity.rows_scanned,
            "idx_scan": sum(index.scans for index in indexes) if indexes else None,
            "idx_tup_fetch": sum(index.rows_returned for index in indexes) if indexes else None,
            "n_tup_ins": activity.rows_inserted, "n_tup_upd": activity.rows_updated,
            "n_tup_del": activity.rows_deleted, "n_tup_hot_upd": 0, "n_live_tup": live,
            "n_dead_tup": sum(segment.row_count for segment in segments) - live,
            "n_mod_since_analyze": activity.changes_since_analyze, "n_ins_since_vacuum": 0,
            "last_vacuum": activity.last_vacuum_us, "vacuum_count": activity.vacuums,
            "last_analyze": activity.last_analyze_us, "analyze_count": activity.analyzes,
            "autovacuum_count": 0, "autoanalyze_count": 0,
        }  # fmt: skip


@rows_of("pg_stat_user_indexes", "pg_stat_all_indexes")
def pg_stat_user_indexes(view: CatalogView) -> Iterator[Row]:
    for index in view.objects(Index):
        activity = view.storage.activity.index(index.oid)
        yield {
            "relid": index.table_oid, "indexrelid": index.oid,
            "schemaname": view.schema_names.get(index.schema_oid),
            "relname": view.catalog.table(index.table_oid).name, "indexrelname": index.name,
            "idx_scan": activity.scans, "idx_tup_read": activity.rows_returned,
            "idx_tup_fetch": activity.rows_returned,
        }  # fmt: skip


@rows_of("pg_stat_progress_create_index")
def pg_stat_progress_create_index(view: CatalogView) -> Iterator[Row]:
    """Vector indexes that sessions are building. There are no pages: a block is a row here."""
    names = {database.oid: database.name for database in view.catalog.objects(Database)}
    for report in view.session.shared.build_reports.running():
        yield {
            "pid": report.process_id, "datid": report.database_oid, "datname": names.get(report.database_oid),
            "relid": report.table_oid, "index_relid": report.index_oid, "command": report.command,
            "phase": report.phase, "lockers_total": 0, "lockers_done": 0, "current_locker_pid": 0,
            "blocks_total": report.rows_total, "blocks_done": report.rows_done,
            "tuples_total": report.rows_total, "tuples_done": report.rows_done,
            "partitions_total": 0, "partitions_done": 0,
        }  # fmt: skip
