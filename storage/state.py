"""The committed state at one LSN: catalog, tables as lists of segments, counters. All immutable.

A commit makes a new `DatabaseState` that shares everything it did not change. A snapshot is a reference to
one: insert visibility is the segments' row counts, delete visibility their tombstone counts. Columns and
tombstones behind it only ever grow, so a state never sees what was committed after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from storage.catalog import Catalog, Table
from storage.rows import GrowingRows, StoredRows
from storage.view import Attachment, MissingColumn, SegmentView, TableView

_NO_ATTACHMENTS: Mapping[int, Attachment] = {}


@dataclass(slots=True)
class _Cached:
    """The last view built from a state, with the table definition it was built for.

    Both are set by one assignment, so that threads with different definitions never mix them.
    """

    segment: tuple[Table, SegmentView] | None = None
    whole: tuple[Table, TableView] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SegmentState:
    """How much of a segment's rows and tombstones belongs to a state, and the files beside it."""

    rows: StoredRows
    row_count: int
    tombstone_count: int
    attachments: Mapping[int, Attachment] = field(default_factory=lambda: _NO_ATTACHMENTS)
    """By index OID."""
    _cached: _Cached = field(default_factory=_Cached, repr=False, init=False)

    def view(self, table: Table, missing: MissingColumn) -> SegmentView:
        cached = self._cached.segment
        if cached is not None and cached[0] is table:
            return cached[1]
        segment = SegmentView(
            self.rows,
            self.row_count,
            self.rows.tombstones.visible_bits(self.row_count, self.tombstone_count),
            table=table,
            missing=missing,
            attachments=self.attachments,
        )
        self._cached.segment = (table, segment)
        return segment

    def changed(
        self, *, tombstone_count: int | None = None, attachments: Mapping[int, Attachment] | None = None
    ) -> SegmentState:
        return SegmentState(
            self.rows,
            self.row_count,
            self.tombstone_count if tombstone_count is None else tombstone_count,
            self.attachments if attachments is None else attachments,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TableState:
    """A table's sealed segments, and its rows in memory: frozen ones on their way to disk, one that grows."""

    sealed: tuple[SegmentState, ...] = ()
    frozen: tuple[SegmentState, ...] = ()
    growing: SegmentState | None = None
    _cached: _Cached = field(default_factory=_Cached, repr=False, init=False)

    def segments(self) -> Iterator[SegmentState]:
        yield from self.sealed
        yield from self.frozen
        if self.growing is not None:
            yield self.growing

    def in_memory(self) -> tuple[SegmentState, ...]:
        """Frozen and growing segments, in row id order."""
        return self.frozen if self.growing is None else (*self.frozen, self.growing)

    def view(self, table: Table, missing: MissingColumn) -> TableView:
        cached = self._cached.whole
        if cached is not None and cached[0] is table:
            return cached[1]
        whole = TableView(table, tuple(s.view(table, missing) for s in self.segments() if s.row_count))
        self._cached.whole = (table, whole)
        return whole

    def memory_bytes(self) -> int:
        """Bytes of the rows in memory."""
        return sum(s.rows.size_bytes for s in self.in_memory() if isinstance(s.rows, GrowingRows))


@dataclass(frozen=True, slots=True, eq=False)
class DatabaseState:
    """Everything committed up to `lsn`. Counters are what the next commit will use."""

    lsn: int
    catalog: Catalog
    tables: Mapping[int, TableState]
    next_row_id: int

    def table_state(self, table_oid: int) -> TableState:
        return self.tables.get(table_oid, _EMPTY_TABLE)

    def with_tables(self, changed: Mapping[int, TableState]) -> DatabaseState:
        return replace(self, tables={**self.tables, **changed})


_EMPTY_TABLE = TableState()
