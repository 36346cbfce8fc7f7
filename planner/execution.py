"""Execution of native plans: a chain of nodes becomes rows of segments, rows become batches of the targets.

Streaming where nothing has to be sorted: a scan yields batch after batch, so LIMIT stops it early and a slow
reader holds nothing but the snapshot. Sub-queries have been run and replaced before a node gets here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from foundation.bitset import and_bits, offsets_from_bits
from planner import bound
from planner.access_paths import access_path, looked_up_rows
from planner.evaluate import (
    FilterSources,
    Frame,
    count_reads,
    count_visible,
    evaluate,
    filter_bits,
    has_effects,
    segment_frame,
    sort_offsets,
    true_offsets,
    visible_rows,
)
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.leading_selection import leading_selection
from planner.limits import RowRange, row_range
from planner.nodes import CountRows, KeyLookup, Limit, Node, Result, SeqScan, Sort, VectorTopK
from planner.row_selection import RowSelection, segments_in_order
from planner.services import ExecutionContext
from planner.vector.notices import warn_of_unused_indexes
from planner.vector.ranges import topk_within
from planner.vector.topk import PreparedTopK, prepare_range, prepare_topk, search_topk, sort_columns
from storage import SegmentView

BATCH_ROWS = 8192
"""Rows per batch: small enough to keep a batch of wide vectors near 100 MB at 16,000 dimensions."""


class Execution:
    """One run of a plan. `batches()` is called once; `row_count` is right when it is exhausted."""

    def __init__(self, batches: Iterator[pa.RecordBatch], row_count: int = 0) -> None:
        self.row_count = row_count
        self._batches = batches

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The result's batches, columns c0, c1, ...; none of them empty."""
        for batch in self._batches:
            if batch.num_rows:
                self.row_count += batch.num_rows
                yield batch


def run_native(
    node: Node, targets: Sequence[bound.Expression], context: ExecutionContext
) -> Iterator[pa.RecordBatch]:
    """Rows of a native plan, projected to the targets. Sub-queries have been resolved."""
    context.cancel_token.check()
    if isinstance(node, CountRows):
        total = count_rows(node, context)
        yield _named([pa.array([total], pa.int64()) for _ in targets], 1)
        return
    yield from project(frames(node, context), targets, context)


def project(
    source: Iterator[Frame], targets: Sequence[bound.Expression], context: ExecutionContext
) -> Iterator[pa.RecordBatch]:
    """The targets' values for every frame."""
    for frame in source:
        context.cancel_token.check()
        yield _named([evaluate(target, frame, context) for target in targets], frame.row_count)


def _named(columns: list[pa.Array], row_count: int) -> pa.RecordBatch:
    if not columns:
        # A select list without columns still has rows.
        return pa.RecordBatch.from_arrays([pa.nulls(row_count)], names=["row"]).select([])
    return pa.RecordBatch.from_arrays(columns, names=[f"c{i}" for i in range(len(columns))])


def frames(node: Node, context: ExecutionContext) -> Iterator[Frame]:
    """The node's rows in frames of at most `BATCH_ROWS`."""
    nearest = topk_within(node) if isinstance(node, Limit) else None
    prepared = None if nearest is None else prepare_range(nearest, context)
    if prepared is not None:
        yield from selection_frames(counted_topk(prepared), prepared.node.scan)
        return
    if isinstance(node, Limit) and not isinstance(node.source, Sort | Result):
        wanted = row_range(node.limit, node.offset, context)
        yield from _cut(scan_frames(node.source, context, may_stop=True), wanted)
    elif isinstance(node, SeqScan | KeyLookup):
        yield from scan_frames(node, context)
    elif isinstance(node, Result) or (isinstance(node, Limit) and isinstance(node.source, Result)):
        yield from _result_frames(node, context)
    else:
        rows, scan = ordered_rows(node, context)
        yield from selection_frames(rows, scan)


def selection_frames(rows: RowSelection, scan: bound.TableScan) -> Iterator[Frame]:
    """Selected rows in frames of at most `BATCH_ROWS`."""
    for start in range(0, len(rows), BATCH_ROWS):
        yield rows.slice(start, start + BATCH_ROWS).frame(scan)


def _result_frames(node: Node, context: ExecutionContext) -> Iterator[Frame]:
    wanted = RowRange(0, None)
    if isinstance(node, Limit):
        wanted = row_range(node.limit, node.offset, context)
        node = node.source
    assert isinstance(node, Result)
    passes = True
    if node.filter is not None:
        condition = evaluate(node.filter, Frame(1), context)
        passes = condition[0].as_py() is True
    if passes and wanted.offset == 0 and wanted.limit != 0:
        yield Frame(1)


def _cut(source: Iterator[Frame], wanted: RowRange) -> Iterator[Frame]:
    skipped, returned = 0, 0
    if wanted.limit == 0:
        return
    for frame in source:
        start = min(wanted.offset - skipped, frame.row_count)
        skipped += start
        length = frame.row_count - start
        if wanted.limit is not None:
            length = min(length, wanted.limit - returned)
        if length:
            yield frame if length == frame.row_count else frame.slice(start, length)
        returned += length
        if wanted.limit is not None and returned >= wanted.limit:
            return


def scan_frames(
    source: SeqScan | KeyLookup, context: ExecutionContext, *, may_stop: bool = False
) -> Iterator[Frame]:
    """Rows of a scan or look-up, streamed.

    `may_stop`: the caller stops when it has enough, so a filter with effects is evaluated for one row at a time:
    `WHERE pg_try_advisory_lock(id) LIMIT 1` locks one.
    """
    if isinstance(source, SeqScan):
        source = access_path(source, context)
    if isinstance(source, KeyLookup):
        rows = _filtered_lookup(source, context)
        if len(rows):
            yield rows.frame(source.scan)
        return
    scanned = 0
    sources = FilterSources()
    is_one_by_one = may_stop and source.filter is not None and has_effects(source.filter)
    try:
        for segment in segments_in_order(source.scan.table_oid, context):
            scanned += segment.visible_count
            if is_one_by_one:
                yield from _single_row_frames(segment, source, context)
            else:
                yield from _segment_frames(segment, source, context, sources)
    finally:
        # A LIMIT may end the scan early; it counts as far as it went.
        count_reads(sources, source.scan.table_oid, scanned, context)


def _segment_frames(
    segment: SegmentView, source: SeqScan, context: ExecutionContext, sources: FilterSources
) -> Iterator[Frame]:
    frame = segment_frame(segment, source.scan)
    rows = visible_rows(source.filter, segment, source.scan, context, sources)
    if rows.count == segment.row_count:
        for start in range(0, segment.row_count, BATCH_ROWS):
            yield frame.slice(start, min(BATCH_ROWS, segment.row_count - start))
        return
    offsets = rows.offsets()
    for start in range(0, len(offsets), BATCH_ROWS):
        yield frame.take(offsets[start : start + BATCH_ROWS])


def _single_row_frames(segment: SegmentView, source: SeqScan, context: ExecutionContext) -> Iterator[Frame]:
    """Conjuncts before the first with effects are evaluated for the segment, the rest row by row."""
    assert source.filter is not None
    parts = conjuncts(source.filter)
    first = next(i for i, part in enumerate(parts) if has_effects(part))
    bits = segment.visible_bits
    if first:
        before = conjunction(parts[:first])
        bits = and_bits(bits, filter_bits(before, segment, source.scan, context))
    frame = segment_frame(segment, source.scan)
    for offset in offsets_from_bits(bits, segment.row_count):
        context.cancel_token.check()
        row = frame.take(np.array([offset]))
        if all(evaluate(part, row, context)[0].as_py() for part in parts[first:]):
            yield row


def matching_rows(source: SeqScan | KeyLookup, context: ExecutionContext) -> RowSelection:
    """All rows of a scan or look-up, as (segment, offset) pairs, ascending by row id."""
    if isinstance(source, SeqScan):
        source = access_path(source, context)
    if isinstance(source, KeyLookup):
        return _filtered_lookup(source, context)
    segments = segments_in_order(source.scan.table_oid, context)
    sources = FilterSources()
    parts = [
        visible_rows(source.filter, segment, source.scan, context, sources).offsets() for segment in segments
    ]
    view = context.scanned_table(source.scan.table_oid)
    count_reads(sources, source.scan.table_oid, view.row_count, context)
    return RowSelection.of_parts(segments, parts)


def rows_to_sort(node: Sort, stop: int | None, context: ExecutionContext) -> RowSelection:
    """The source's rows, or those among which the first `stop` are, in the order that ties keep."""
    leading = leading_selection(node, stop, context)
    if leading is None:
        return matching_rows(node.source, context)
    table_oid = node.source.scan.table_oid
    count_reads(leading.sources, table_oid, leading.scanned_rows, context)
    return leading.rows


def _filtered_lookup(source: KeyLookup, context: ExecutionContext) -> RowSelection:
    rows = looked_up_rows(source, context)
    if source.filter is not None and len(rows):
        rows = rows.take(true_offsets(source.filter, rows.frame(source.scan), context))
    context.transaction.activity.count_index_scan(source.index_oid, len(rows))
    return rows


def count_rows(node: CountRows, context: ExecutionContext) -> int:
    """How many rows the source has; no column is read beyond what the filter needs."""
    source = node.source
    if isinstance(source, SeqScan):
        source = access_path(source, context)
    if isinstance(source, KeyLookup):
        return len(_filtered_lookup(source, context))
    sources = FilterSources()
    view = context.scanned_table(source.scan.table_oid)
    total = sum(
        count_visible(source.filter, segment, source.scan, context, sources) for segment in view.segments
    )
    count_reads(sources, source.scan.table_oid, view.row_count, context)
    return total


def counted_topk(prepared: PreparedTopK) -> RowSelection:
    """The rows of a top-k; the statistics hear of it."""
    rows = search_topk(prepared)
    count_topk(prepared, len(rows))
    return rows


def count_topk(prepared: PreparedTopK, row_count: int) -> None:
    """Tell the statistics of a top-k that returned so many rows."""
    activity = prepared.context.transaction.activity
    for index_oid, rows in prepared.filter_sources.index_rows.items():
        activity.count_index_scan(index_oid, rows)
    if any(search.index is not None for search in prepared.searches) and prepared.index is not None:
        activity.count_index_scan(prepared.index.oid, row_count)
    else:
        activity.count_scan(prepared.node.scan.table_oid, prepared.visible_count)


def ordered_rows(node: Node, context: ExecutionContext) -> tuple[RowSelection, bound.TableScan]:
    """The rows of a top-k or a sort, in order and cut to LIMIT and OFFSET."""
    if isinstance(node, VectorTopK):
        prepared = prepare_topk(node, context)
        if prepared.index is None and node.limit is not None:
            warn_of_unused_indexes(node.sort_keys[0], node.scan, context)
        return counted_topk(prepared), node.scan
    wanted = RowRange(0, None)
    if isinstance(node, Limit):
        wanted = row_range(node.limit, node.offset, context)
        node = node.source
        if isinstance(node, Sort):
            warn_of_unused_indexes(node.keys[0], node.source.scan, context)
    assert isinstance(node, Sort)
    scan = node.source.scan
    rows = rows_to_sort(node, wanted.stop, context)
    if len(rows):
        keys = sort_columns(node.keys, rows, scan, context)
        rows = rows.take(sort_offsets(keys, len(rows)))
    return rows.slice(wanted.offset, len(rows) if wanted.stop is None else wanted.stop), scan
