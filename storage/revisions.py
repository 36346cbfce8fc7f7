"""Revised rows: new versions, of an open transaction, that keep most columns of the stored rows they replace.

An update whose columns can be patched (`overlay.py`) holds only those; all others are read from the replaced rows, so
vectors are not copied. To the transaction they are own rows like any, with provisional ids; the commit logs them as
patches. Which updates are worth it:

1. the table has vectors, and neither a vector nor a column of a unique index changes: what is built over the stored
   rows (graphs, sorted keys) then holds for the new versions too;
2. of a sealed segment at least one row in `SEGMENT_ROWS_PER_PATCHED` changes: a patch copies whole columns, some
   nanoseconds a row, where a new version costs its vector's bytes and a graph insertion, some hundred microseconds;
3. the values fit in memory. What does not goes the way of new rows, which can spill.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets
from foundation.sqltypes import is_vector
from storage.catalog import Catalog, Table
from storage.constraints import check_not_null, first_null
from storage.key_specs import unique_specs
from storage.options import StorageOptions
from storage.overlay import can_hold
from storage.rows import KnownKeys, RowIds, dense_ids, find_dense, next_uid
from storage.tombstones import Tombstones

if TYPE_CHECKING:
    from storage.view import SegmentView, TableView

SEGMENT_ROWS_PER_PATCHED = 256
CHUNKS_MAX = 64
"""More sets of own rows than this are slow to look through: further updates make ordinary rows."""


class RevisedRows:
    """`storage.rows.StoredRows`: own rows with dense provisional ids that read unchanged columns from `source`."""

    def __init__(
        self, source: SegmentView, offsets: RowOffsets, changed: pa.RecordBatch, first_row_id: int
    ) -> None:
        """
        Args:
            source: a sealed segment as the update saw it.
            offsets: (m,) its rows that are replaced.
            changed: (m) values of the changed columns, named by str(attnum).
            first_row_id: the provisional id of the first row.
        """
        self.uid = next_uid()
        self.segment_id = -1
        self.tombstones = Tombstones()
        self.sorted_keys: dict[int, KnownKeys] = {}
        self.source = source
        self.offsets = offsets
        self.changed = changed
        self.replaced_ids: RowIds = source.row_ids[offsets]
        self._first_row_id = first_row_id

    def row_ids(self, count: int) -> RowIds:
        return dense_ids(self._first_row_id, count)

    def find(self, row_ids: RowIds, count: int) -> RowOffsets:
        return find_dense(self._first_row_id, row_ids, count)

    def stored_column(self, attnum: int, count: int) -> pa.Array | None:
        position = self.changed.schema.get_field_index(str(attnum))
        if position >= 0:
            return self.changed.column(position).slice(0, count)
        if not self.source.has_column(attnum):
            return None
        whole = self.source.column(attnum)
        if count == len(whole) and (self.offsets[1:] > self.offsets[:-1]).all():
            return whole
        return whole.take(pa.array(self.offsets[:count]))


@dataclass(frozen=True, slots=True)
class Revision:
    """Rows of one sealed segment that an update can revise.

    `positions` (m,) say which rows of the update they are, `offsets` (m,) where they are in `source`; `changed` (m)
    are their columns that are not as they are there.
    """

    positions: RowOffsets
    source: SegmentView
    offsets: RowOffsets
    changed: pa.RecordBatch


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What becomes of an update's rows: `whole` (r) are those at the positions `rest` (r,), which become new rows."""

    revisions: list[Revision]
    rest: RowOffsets
    whole: pa.RecordBatch


def plan_update(
    view: TableView, row_ids: RowIds, batch: pa.RecordBatch, catalog: Catalog, options: StorageOptions
) -> UpdatePlan:
    """Check NOT NULL, and see which rows of an update can be revised.

    Args:
        view: the table as the transaction sees it.
        row_ids: (m,) uint64 rows to replace, without repetition.
        batch: (m) new values of the columns that change.
        catalog: the transaction's.
        options: codecs, and the most that revised values may take.

    Raises:
        NotNullViolation: 23502.
    """
    null = first_null(view.table, batch)
    if null is not None:
        failing = completed(view, row_ids, batch, np.array([null[0]]))
        check_not_null(view.table, failing, options.value_encoder)
    revisions = []
    if batch.nbytes <= options.revised_bytes_max and _is_patchable(view.table, catalog, batch, options):
        revisions = _revisions(view, row_ids, batch)
    is_left = np.ones(len(row_ids), dtype=np.bool_)
    for revision in revisions:
        is_left[revision.positions] = False
    rest = np.flatnonzero(is_left)
    return UpdatePlan(revisions, rest, completed(view, row_ids, batch, rest))


def _revisions(view: TableView, row_ids: RowIds, batch: pa.RecordBatch) -> list[Revision]:
    own_chunks = sum(segment.segment_id < 0 for segment in view.segments)
    found: list[Revision] = []
    for segment in view.segments:
        earlier = segment.stored_rows if isinstance(segment.stored_rows, RevisedRows) else None
        if segment.segment_id <= 0 and earlier is None:
            continue
        offsets = segment.find(row_ids)
        positions = np.flatnonzero(offsets >= 0)
        if len(positions) and own_chunks + len(found) < CHUNKS_MAX:
            revision = _revision(segment, earlier, positions, offsets[positions], batch)
            if _is_worth_it(revision):
                found.append(revision)
    return found


def attnums_of(batch: pa.RecordBatch) -> frozenset[int]:
    """The columns a batch of rows has."""
    return frozenset(map(int, batch.schema.names))


def _is_patchable(table: Table, catalog: Catalog, batch: pa.RecordBatch, options: StorageOptions) -> bool:
    changed = attnums_of(batch)
    vectors = {column.attnum for column in table.live_columns() if is_vector(column.type)}
    if not vectors or not changed.isdisjoint(vectors):
        return False
    return changed.isdisjoint(key_attnums(catalog, table, options))


def key_attnums(catalog: Catalog, table: Table, options: StorageOptions) -> set[int]:
    """Columns that keys of unique indexes, and expressions and predicates of vector indexes, are made of.

    They are never patched: sorted keys, the values in index files, and graphs over bit strings stay true.
    """
    indexes = catalog.indexes_of(table.oid)
    specs = unique_specs(table, indexes, options.index_expressions)
    vector_indexes = (index for index in indexes if index.metric is not None)
    return {
        *itertools.chain.from_iterable(spec.read_attnums for spec in specs),
        *itertools.chain.from_iterable((*i.read_attnums(), *i.predicate_attnums) for i in vector_indexes),
    }


def _revision(
    segment: SegmentView,
    earlier: RevisedRows | None,
    positions: RowOffsets,
    offsets: RowOffsets,
    batch: pa.RecordBatch,
) -> Revision:
    changed = batch if len(positions) == len(batch) else batch.take(pa.array(positions))
    if earlier is None:
        return Revision(positions, segment, offsets, changed)
    columns = dict(zip(changed.schema.names, changed.columns, strict=True))
    for name in earlier.changed.schema.names:
        if name not in columns:
            columns[name] = segment.take_column(int(name), offsets)
    merged = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    return Revision(positions, earlier.source, earlier.offsets[offsets], merged)


def _is_worth_it(revision: Revision) -> bool:
    source, changed = revision.source, revision.changed
    if len(revision.positions) * SEGMENT_ROWS_PER_PATCHED < source.row_count:
        return False
    named = zip(changed.schema.names, changed.columns, strict=True)
    return all(
        not source.has_column(int(n)) or can_hold(source.column(int(n)), values) for n, values in named
    )


def completed(
    view: TableView, row_ids: RowIds, batch: pa.RecordBatch, positions: RowOffsets
) -> pa.RecordBatch:
    """Whole new versions of some rows of an update: its columns, and the others as they are in `view`."""
    live = [column.attnum for column in view.table.live_columns()]
    if len(positions) != len(batch):
        batch = batch.take(pa.array(positions))
    given = dict(zip(map(int, batch.schema.names), batch.columns, strict=True))
    kept = [attnum for attnum in live if attnum not in given]
    columns = given | view.take(row_ids[positions], kept)
    return pa.RecordBatch.from_arrays([columns[attnum] for attnum in live], names=list(map(str, live)))
