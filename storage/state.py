"""The committed state at one LSN: catalog, tables as lists of segments, counters. All immutable.

A commit makes a new `DatabaseState` that shares everything it did not change. A snapshot is a reference to
one: insert visibility is the segments' row counts, delete visibility their tombstone counts. Columns and
tombstones behind it only ever grow, so a state never sees what was committed after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from foundation.bitset import RowOffsets
from storage.catalog import Catalog, Table
from storage.overlay import Overlay
from storage.rows import GrowingRows, RowIds, StoredRows
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
    overlay: Overlay | None = None
    """The patches of a sealed segment that belong to the state."""
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
            overlay=self.overlay,
        )
        self._cached.segment = (table, segment)
        return segment

    def row_ids(self) -> RowIds:
        """(n,) uint64, ascending unless rows were patched."""
        return self.rows.row_ids(self.row_count) if self.overlay is None else self.overlay.row_ids

    def find(self, row_ids: RowIds) -> RowOffsets:
        """(m,) offsets of row ids, -1 for those that are not in this state of the segment."""
        if self.overlay is not None:
            return self.overlay.find(row_ids)
        return self.rows.find(row_ids, self.row_count)

    def changed(
        self,
        *,
        tombstone_count: int | None = None,
        attachments: Mapping[int, Attachment] | None = None,
        overlay: Overlay | None = None,
    ) -> SegmentState:
        return SegmentState(
            self.rows,
            self.row_count,
            self.tombstone_count if tombstone_count is None else tombstone_count,
            self.attachments if attachments is None else attachments,
            self.overlay if overlay is None else overlay,
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

    def overlay_bytes(self) -> int:
        """Bytes of patches in memory."""
        return sum(s.overlay.memory_bytes for s in self.sealed if s.overlay is not None)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class DatabaseState:
    """Everything committed up to `lsn`. Counters are what the next commit will use."""

    lsn: int
    catalog: Catalog
    tables: Mapping[int, TableState]
    next_row_id: int

    def table_state(self, table_oid: int) -> TableState:
        return self.tables.get(table_oid, _EMPTY_TABLE)

    def memory_bytes(self) -> int:
        """Bytes of rows and patches in memory."""
        return sum(table.memory_bytes() + table.overlay_bytes() for table in self.tables.values())

    def with_tables(self, changed: Mapping[int, TableState]) -> DatabaseState:
        return replace(self, tables={**self.tables, **changed})


_EMPTY_TABLE = TableState()
