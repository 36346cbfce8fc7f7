"""Counters of what happened to each table and index since the storage was opened.

They feed pg_stat_user_tables and its kin and decide nothing. A statement counts once when it ends, never per
row; what a rolled back transaction did stays counted, as in PostgreSQL. Entries of dropped objects stay until
the storage is closed: a few hundred bytes each.
https://www.postgresql.org/docs/15/monitoring-stats.html#MONITORING-PG-STAT-ALL-TABLES-VIEW
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace


@dataclass(slots=True)
class TableActivity:
    """One table's counters; times are microseconds since 1970, None = never."""

    rows_inserted: int = 0
    rows_updated: int = 0
    rows_deleted: int = 0
    scans: int = 0
    """Statements that looked at the rows without an index."""

    rows_scanned: int = 0
    changes_since_analyze: int = 0
    vacuums: int = 0
    last_vacuum_us: int | None = None
    analyzes: int = 0
    last_analyze_us: int | None = None


@dataclass(slots=True)
class IndexActivity:
    """One index's counters: searches, and rows that they returned."""

    scans: int = 0
    rows_returned: int = 0


class ActivityCounters:
    """Thread-safe. A count costs one uncontended lock, under a microsecond."""

    def __init__(self) -> None:
        self._tables: dict[int, TableActivity] = {}
        self._indexes: dict[int, IndexActivity] = {}
        self._lock = threading.Lock()

    def table(self, table_oid: int) -> TableActivity:
        """A copy of a table's counters, zero where nothing happened yet."""
        with self._lock:
            return replace(self._tables.get(table_oid, TableActivity()))

    def index(self, index_oid: int) -> IndexActivity:
        """A copy of an index's counters."""
        with self._lock:
            return replace(self._indexes.get(index_oid, IndexActivity()))

    def count_changes(self, table_oid: int, *, inserted: int = 0, updated: int = 0, deleted: int = 0) -> None:
        with self._lock:
            activity = self._tables.setdefault(table_oid, TableActivity())
            activity.rows_inserted += inserted
            activity.rows_updated += updated
            activity.rows_deleted += deleted
            activity.changes_since_analyze += inserted + updated + deleted

    def count_scan(self, table_oid: int, rows: int) -> None:
        """A statement looked at `rows` rows of the table without an index."""
        with self._lock:
            activity = self._tables.setdefault(table_oid, TableActivity())
            activity.scans += 1
            activity.rows_scanned += rows

    def count_index_scan(self, index_oid: int, rows: int) -> None:
        """A statement got `rows` rows through an index."""
        with self._lock:
            activity = self._indexes.setdefault(index_oid, IndexActivity())
            activity.scans += 1
            activity.rows_returned += rows

    def count_vacuum(self, table_oid: int) -> None:
        with self._lock:
            activity = self._tables.setdefault(table_oid, TableActivity())
            activity.vacuums += 1
            activity.last_vacuum_us = time.time_ns() // 1000

    def count_analyze(self, table_oid: int) -> None:
        with self._lock:
            activity = self._tables.setdefault(table_oid, TableActivity())
            activity.analyzes += 1
            activity.last_analyze_us = time.time_ns() // 1000
            activity.changes_since_analyze = 0
