"""Building vector indexes over sealed segments, and telling what they serve.

Steps of a build, per sealed segment that lacks the index's file:
1. read the segment's mapped vectors; NULL rows are left out through the index's offsets map;
2. build in memory (deterministic with one thread), polling the cancel word;
3. hand the buffers to storage, which writes them beside the segment with checksum and fsync and logs the file.
A crash or cancellation before step 3 leaves nothing; after it the file is complete. Rows of segments without a
file are scanned, so an index is never wrong, only absent. Rows deleted since stay in the graph and are masked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import vecengine
from foundation.bitset import Bitset, and_bits, byte_length, offsets_from_bits, popcount
from foundation.errors import UndefinedObject
from planner.vector.graph_keeper import GraphKeeper, GraphSource, is_worth_building
from planner.vector.growing_graphs import GROWING
from planner.vector.index_cache import INDEXES
from planner.vector.indexed_vectors import (
    VectorRows,
    computed_vectors,
    key_shape,
    member_bits,
    with_values,
)
from planner.vector.search_options import build_options, check_index_options
from storage.catalog import Index

if TYPE_CHECKING:
    from storage import SegmentView, Storage, Transaction

_HOLDER = "index builds"

_log = logging.getLogger("quiver.planner")

Progress = Callable[[int, int], None]
CancelWord = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """A row of quiver_index_status.

    `rows_served` are rows of segments with an index file and rows in memory that a growing graph covers,
    `rows_scanned` all other visible rows; a partial index counts only those for which its predicate holds. `state` is 'ready', 'scan' (exact scans by design: a flat index, or no segment
    large enough for an index), 'building' (a segment waits for its graph) or 'damaged' (a file was found damaged and is
    to be built again). `is_valid` is pg_index.indisvalid: False while a file is damaged, and while none of the segments
    that should have a graph has one. Answers are complete in every state.
    """

    index_oid: int
    rows_served: int
    rows_scanned: int
    segments: int
    segments_scanned: int
    size_bytes: int
    state: str
    is_valid: bool = True


def build_table_index(
    storage: Storage,
    index_oid: int,
    *,
    progress: Progress | None = None,
    on_phase: Callable[[str], None] | None = None,
    cancel: CancelWord | None = None,
    threads: int = 1,
    rebuild: bool = False,
    keeper: GraphKeeper | None = None,
) -> int:
    """Build a vector index for every sealed segment that lacks it.

    The caller flushes and merges the table before, so that there are few segments to build for.

    Args:
        progress: called with (rows done, rows in total) over all segments.
        on_phase: called with the name of each phase as it begins, for every segment anew.
        cancel: (1,) int32 cancel word of the statement.
        threads: threads the build may use; one gives a deterministic graph.
        rebuild: build also where there is a file; the new one takes its place when it is complete.
        keeper: knows graphs of rows that were sealed or merged meanwhile, which are extended instead.

    Returns:
        How many segments have been built.

    Raises:
        UndefinedObject: 42704, no vector index of that OID is committed.
        QueryCanceled: 57014; what has been installed before stays.
        OutOfMemory: 53200.
    """
    transaction = storage.begin(read_only=True)
    try:
        index = transaction.catalog.get(index_oid)
        if not isinstance(index, Index) or index.metric is None:
            raise UndefinedObject(f"vector index with OID {index_oid} does not exist")
        view = transaction.table_view(index.table_oid)
        pending = [s for s in view.segments if is_worth_building(s, index)]
        if not rebuild:
            pending = [s for s in pending if not s.has_index(index_oid)]
        total = sum(segment.row_count for segment in pending)
        done = 0
        for segment in pending:
            if segment.is_index_damaged(index_oid):
                _log.warning("index %d of segment %d is built again", index_oid, segment.segment_id)
            report = _shifted(progress, done, total)
            source = None if keeper is None or rebuild else keeper.source_for(segment, index)
            _build_segment(
                storage,
                index,
                segment,
                source,
                progress=report,
                on_phase=on_phase,
                cancel=cancel,
                threads=threads,
            )
            done += segment.row_count
        if rebuild:
            INDEXES.forget(index_oid)
        if keeper is not None:
            keeper.remember(index, view.segments, is_complete=not pending)
    finally:
        transaction.rollback()
    return len(pending)


def _shifted(progress: Progress | None, done_before: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _of: progress(done_before + done, total)


def _build_segment(
    storage: Storage,
    index: Index,
    segment: SegmentView,
    source: GraphSource | None,
    *,
    progress: Progress | None,
    on_phase: Callable[[str], None] | None,
    cancel: CancelWord | None,
    threads: int,
) -> None:
    with _reserved(storage, index, segment):
        rows = computed_vectors(segment, index)
        built = _built(
            index, rows, source, progress=progress, on_phase=on_phase, cancel=cancel, threads=threads
        )
        buffers = with_values(built.to_buffers(), index, rows)
        storage.install_index(index.oid, segment.segment_id, dict(buffers))


def inherited_indexes(
    storage: Storage,
    keeper: GraphKeeper,
    table_oid: int,
    segment: SegmentView,
    sources: Sequence[SegmentView],
    *,
    threads: int = 1,
    cancel: CancelWord | None = None,
) -> dict[int, vecengine.Buffers]:
    """Indexes that a segment, not published yet, gets from the graphs of the `sources` it replaces; see `IndexHeir`.

    Args:
        threads: threads the work may use.

    Raises:
        QueryCanceled: 57014. OutOfMemory: 53200.
    """
    found: dict[int, vecengine.Buffers] = {}
    for index in storage.catalog.indexes_of(table_oid):
        if index.metric is None or not is_worth_building(segment, index):
            continue
        keeper.note_replaced(index, sources)
        source = keeper.source_for(segment, index)
        if source is not None:
            with _reserved(storage, index, segment):
                rows = computed_vectors(segment, index)
                built = _built(index, rows, source, progress=None, cancel=cancel, threads=threads)
                found[index.oid] = with_values(built.to_buffers(), index, rows)
    return found


@contextmanager
def _reserved(storage: Storage, index: Index, segment: SegmentView) -> Iterator[None]:
    dimensions, row_bytes, value_bytes = key_shape(segment, index)
    parameters = check_index_options(index.family, dict(index.options))
    shape = vecengine.BuildShape(segment.row_count, dimensions, row_bytes)
    reserved = vecengine.families()[index.family].build_bytes(shape, parameters)
    reserved += segment.row_count * value_bytes
    storage.memory.reserve(_HOLDER, reserved)
    try:
        yield
    finally:
        storage.memory.release(_HOLDER, reserved)


def _built(
    index: Index,
    rows: VectorRows,
    source: GraphSource | None,
    *,
    progress: Progress | None,
    on_phase: Callable[[str], None] | None = None,
    cancel: CancelWord | None,
    threads: int,
) -> vecengine.VectorIndex:
    """The index of a segment's rows: an inherited graph extended, or one built from nothing."""
    assert index.metric is not None
    vectors, covered_bits = rows
    offsets = None if covered_bits is None else offsets_from_bits(covered_bits, len(vectors))
    if source is not None:
        return vecengine.extend_index(
            source.index, source.moved_to, vectors, offsets=offsets, threads=threads, cancel=cancel,
            progress=progress,
        )  # fmt: skip
    parameters: dict[str, Any] = build_options(index)
    return vecengine.build_index(
        index.family, vectors, metric=index.metric, offsets=offsets, threads=threads, cancel=cancel,
        progress=progress, on_phase=on_phase, **parameters,
    )  # fmt: skip


def index_status(storage: Storage, transaction: Transaction) -> Iterator[IndexStatus]:
    """One row per vector index that the transaction sees, in OID order."""
    for index in transaction.catalog.objects(Index):
        if index.metric is not None:
            yield _status(index, transaction)


def is_index_valid(transaction: Transaction, index: Index) -> bool:
    """pg_index.indisvalid; see `IndexStatus`. A btree index is valid unless a file of it is damaged."""
    if index.metric is not None:
        return _status(index, transaction).is_valid
    segments = transaction.table_view(index.table_oid).segments
    return not any(segment.is_index_damaged(index.oid) for segment in segments)


def _count_among(bits: Bitset | None, segment: SegmentView, row_count: int) -> int:
    """How many of the first `row_count` rows, a multiple of 8 or all, are in a bitset."""
    return row_count if bits is None else popcount(bits[: byte_length(row_count)], row_count)


def _status(index: Index, transaction: Transaction) -> IndexStatus:
    served = scanned = served_segments = scanned_segments = size_bytes = 0
    is_waiting = is_damaged = has_file = False
    for segment in transaction.table_view(index.table_oid).segments:
        if not segment.row_count:
            continue
        members = and_bits(segment.visible_bits, member_bits(segment, index))
        if segment.has_index(index.oid):
            served += popcount(members, segment.row_count)
            served_segments += 1
            size_bytes += segment.index_size_bytes(index.oid)
            has_file = True
            continue
        is_damaged = is_damaged or segment.is_index_damaged(index.oid)
        growing = GROWING.covered_rows(segment, index.oid) if segment.segment_id == 0 else 0
        if growing:
            has_graph = _count_among(members, segment, growing)
            served += has_graph
            scanned += popcount(members, segment.row_count) - has_graph
            served_segments += 1
            size_bytes += GROWING.size_bytes(segment, index.oid)
            continue
        scanned += popcount(members, segment.row_count)
        scanned_segments += 1
        is_waiting = is_waiting or is_worth_building(segment, index)
    state = "building" if is_waiting else "ready" if served_segments else "scan"
    return IndexStatus(
        index.oid, served, scanned, served_segments, scanned_segments, size_bytes,
        state="damaged" if is_damaged else state, is_valid=not is_damaged and (has_file or not is_waiting),
    )  # fmt: skip
