"""Which sessions are building a vector index and how far they are: what pg_stat_progress_create_index shows.

https://www.postgresql.org/docs/15/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING; the phases of vector indexes
are pgvector's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_BUILDING = "building index"


@dataclass(slots=True)
class BuildReport:
    """One build. Its fields are written by the thread that builds and read by any.

    Attributes:
        process_id: of the session.
        command: 'CREATE INDEX' or 'REINDEX'.
        phase: as the view shows it: 'initializing', then 'building index: ' and pgvector's word.
        rows_total, rows_done: rows of the segments being built for; 0 until the build comes to them.
    """

    process_id: int
    database_oid: int
    table_oid: int
    index_oid: int
    command: str
    phase: str = "initializing"
    rows_total: int = 0
    rows_done: int = 0

    def begin(self, phase: str) -> None:
        """A phase of the index family begins."""
        self.phase = f"{_BUILDING}: {phase}"

    def count(self, done: int, total: int) -> None:
        """So many rows are done."""
        self.rows_done, self.rows_total = done, total


class BuildReports:
    """The builds that are running; safe from any thread."""

    def __init__(self) -> None:
        self._running: list[BuildReport] = []
        self._lock = threading.Lock()

    @contextmanager
    def reporting(self, report: BuildReport) -> Iterator[BuildReport]:
        """Show a build while the block runs."""
        with self._lock:
            self._running.append(report)
        try:
            yield report
        finally:
            with self._lock:
                self._running = [running for running in self._running if running is not report]

    def running(self) -> tuple[BuildReport, ...]:
        """All builds that run now, the oldest first."""
        with self._lock:
            return tuple(self._running)
