"""Filters: a predicate over a segment becomes a bitset of the rows for which it is TRUE.

Deleted rows are evaluated too, because a bitset that does not depend on visibility can be cached; only when
one of them raises an error is the predicate evaluated again without them, and where it has effects from the start. Zone maps answer a comparison that
no row, or every row, of a sealed segment can satisfy. Where btree indexes find few enough rows (`planner.btree`), these
alone are evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foundation.bitset import (
    Bitset,
    RowOffsets,
    all_bits,
    and_bits,
    bits_from_mask,
    bits_from_offsets,
    byte_length,
    no_bits,
    offsets_from_bits,
    popcount,
)
from foundation.errors import AdminShutdown, QueryCanceled, QuiverError
from planner import bound
from planner.btree.candidates import Candidates, candidate_rows
from planner.evaluate.bitset_cache import BITSETS
from planner.evaluate.coverage import has_effects
from planner.evaluate.expressions import evaluate_condition
from planner.evaluate.frame import Frame, segment_frame
from planner.evaluate.predicate_keys import PREDICATES
from planner.evaluate.zone_maps import can_match, conjunction
from planner.services import EvaluationContext, ExecutionContext

if TYPE_CHECKING:
    from storage import SegmentView


FEW_ROWS_SHARE = 64
"""Up to one row in so many stays row offsets: an index finds them again in less time than a bitset is read."""


@dataclass(slots=True)
class FilterSources:
    """Of how many segments a filter's rows were in the cache, followed from the bounds, came from an index or a scan.

    `index_rows` counts the rows that each index gave, by its OID.
    """

    cached: int = 0
    pruned: int = 0
    indexed: int = 0
    computed: int = 0
    index_rows: dict[int, int] = field(default_factory=dict)

    def count_candidates(self, candidates: Candidates) -> None:
        """A segment's rows came from indexes."""
        self.indexed += 1
        for oid in candidates.index_oids:
            self.index_rows[oid] = self.index_rows.get(oid, 0) + candidates.count


def count_reads(sources: FilterSources, table_oid: int, scanned_rows: int, context: ExecutionContext) -> None:
    """Tell the statistics of a statement that read a table: through indexes, or else by a scan of so many rows."""
    activity = context.transaction.activity
    for index_oid, rows in sources.index_rows.items():
        activity.count_index_scan(index_oid, rows)
    if not sources.index_rows:
        activity.count_scan(table_oid, scanned_rows)


def filter_bits(
    predicate: bound.Expression,
    segment: SegmentView,
    scan: bound.TableScan,
    context: ExecutionContext,
    sources: FilterSources | None = None,
) -> Bitset | None:
    """Rows of a segment, visible or not, for which the predicate is TRUE; None when it is for all.

    `sources` is told where the answer comes from.

    Raises:
        QuiverError: what evaluation raises for a visible row.
    """
    context.cancel_token.check()
    if not segment.row_count:
        return None
    sources = sources or FilterSources()
    known = PREDICATES.get(predicate, scan)
    key = known.cache_key(segment.version, context) if known.is_immutable else None
    if key is not None:
        found = BITSETS.get(key)
        if found is not None:
            sources.cached += 1
            return _none_if_full(found, segment.row_count)
    if not can_match(predicate, segment, scan, context):
        sources.pruned += 1
        return no_bits(segment.row_count)
    candidates = None if known.has_effects else candidate_rows(predicate, segment, scan, context)
    if candidates is None:
        sources.computed += 1
    else:
        sources.count_candidates(candidates)
    if known.has_effects:
        return _visible_true_bits(predicate, segment, scan, context)
    try:
        if candidates is None:
            bits = true_bits(predicate, segment_frame(segment, scan), context)
        else:
            bits = _candidate_bits(candidates, segment, scan, context)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        if segment.visible_bits is None:
            raise
        if candidates is None:
            return _visible_true_bits(predicate, segment, scan, context)
        return bits_from_offsets(candidates_in(candidates, segment, scan, context), segment.row_count)
    if key is not None:
        BITSETS.put(key, bits, segment.row_count, context.memory)
    return _none_if_full(bits, segment.row_count)


@dataclass(frozen=True, slots=True)
class VisibleRows:
    """Rows of a segment that a statement may return: `few` (m,) ascending offsets, or else those in `bits` (None = all)."""

    row_count: int
    bits: Bitset | None
    few: RowOffsets | None = None

    @property
    def count(self) -> int:
        return popcount(self.bits, self.row_count) if self.few is None else len(self.few)

    def offsets(self) -> RowOffsets:
        """(m,) int64, ascending."""
        return offsets_from_bits(self.bits, self.row_count) if self.few is None else self.few


def visible_rows(
    predicate: bound.Expression | None,
    segment: SegmentView,
    scan: bound.TableScan,
    context: ExecutionContext,
    sources: FilterSources,
) -> VisibleRows:
    """The visible rows of a segment for which the predicate is TRUE; None is TRUE for all.

    Few rows that an index finds never become a bitset of the whole segment. `sources` is told where the rows come from.

    Raises:
        QuiverError: what evaluation raises for a visible row.
    """
    if predicate is None:
        return VisibleRows(segment.row_count, segment.visible_bits)
    few = few_rows(predicate, segment, scan, context, sources)
    if few is not None:
        return VisibleRows(segment.row_count, None, few)
    bits = and_bits(segment.visible_bits, filter_bits(predicate, segment, scan, context, sources))
    return VisibleRows(segment.row_count, bits)


def count_visible(
    predicate: bound.Expression | None,
    segment: SegmentView,
    scan: bound.TableScan,
    context: ExecutionContext,
    sources: FilterSources,
) -> int:
    """How many rows `visible_rows` has. Where an index knows it no row is read.

    Raises:
        QuiverError: what evaluation raises for a visible row.
    """
    if predicate is not None and not has_effects(predicate):
        candidates = candidate_rows(predicate, segment, scan, context)
        if candidates is not None and is_counted(candidates, segment):
            sources.count_candidates(candidates)
            return candidates.count
    return visible_rows(predicate, segment, scan, context, sources).count


def is_counted(candidates: Candidates, segment: SegmentView) -> bool:
    """Whether the candidates are the visible rows for which the filter is TRUE, each listed once."""
    return candidates.is_disjoint and not candidates.rest and segment.visible_bits is None


def few_rows(
    predicate: bound.Expression,
    segment: SegmentView,
    scan: bound.TableScan,
    context: ExecutionContext,
    sources: FilterSources,
) -> RowOffsets | None:
    """Visible rows for which the predicate is TRUE, where indexes find few: ascending (m,) int64 offsets, else None."""
    candidates = candidate_rows(predicate, segment, scan, context)
    if candidates is None or candidates.count * FEW_ROWS_SHARE > segment.row_count or has_effects(predicate):
        return None
    context.cancel_token.check()
    sources.count_candidates(candidates)
    return candidates_in(candidates, segment, scan, context)


def candidates_in(
    candidates: Candidates, segment: SegmentView, scan: bound.TableScan, context: EvaluationContext
) -> RowOffsets:
    """The visible candidates for which the rest of the filter is TRUE, too: ascending (m,) int64 offsets."""
    offsets = candidates.offsets(segment.row_count)
    if segment.visible_bits is not None:
        offsets = offsets[segment.is_visible(offsets)]
    return _true_among(candidates, offsets, segment, scan, context)


def _candidate_bits(
    candidates: Candidates, segment: SegmentView, scan: bound.TableScan, context: ExecutionContext
) -> Bitset:
    """The candidates for which the rest of the filter is TRUE, visible or not."""
    if not candidates.rest:
        return bits_from_mask(candidates.mask(segment.row_count))
    offsets = candidates.offsets(segment.row_count)
    return bits_from_offsets(_true_among(candidates, offsets, segment, scan, context), segment.row_count)


def _true_among(
    candidates: Candidates,
    offsets: RowOffsets,
    segment: SegmentView,
    scan: bound.TableScan,
    context: EvaluationContext,
) -> RowOffsets:
    if not candidates.rest or not len(offsets):
        return offsets
    frame = segment_frame(segment, scan).take(offsets)
    return offsets[true_offsets(conjunction(candidates.rest), frame, context)]


def true_bits(predicate: bound.Expression, frame: Frame, context: EvaluationContext) -> Bitset:
    """Bitset of the frame's rows for which the predicate is TRUE."""
    datum = evaluate_condition(predicate, frame, context)
    if datum.is_constant:
        is_true = datum.array[0].as_py() is True
        return all_bits(frame.row_count) if is_true else no_bits(frame.row_count)
    return bits_of_booleans(datum.array)


def true_offsets(predicate: bound.Expression, frame: Frame, context: EvaluationContext) -> RowOffsets:
    """Ascending (m,) int64 offsets of the frame's rows for which the predicate is TRUE."""
    return offsets_from_bits(true_bits(predicate, frame, context), frame.row_count)


def bits_of_booleans(array: pa.Array) -> Bitset:
    """TRUE values of a boolean column; Arrow keeps them in the bitset's own order, so this is an AND."""
    count = len(array)
    validity, values = array.buffers()
    if array.offset % 8 or values is None:
        return bits_from_mask(np.asarray(array.fill_null(False)))
    first, size = array.offset // 8, byte_length(count)
    bits = np.frombuffer(values, dtype=np.uint8)[first : first + size].copy()
    if array.null_count and validity is not None:
        bits &= np.frombuffer(validity, dtype=np.uint8)[first : first + size]
    if count & 7:
        bits[-1] &= (1 << (count & 7)) - 1
    return bits


def _visible_true_bits(
    predicate: bound.Expression, segment: SegmentView, scan: bound.TableScan, context: EvaluationContext
) -> Bitset:
    visible = offsets_from_bits(segment.visible_bits, segment.row_count)
    matching = true_offsets(predicate, segment_frame(segment, scan).take(visible), context)
    return bits_from_offsets(visible[matching], segment.row_count)


def _none_if_full(bits: Bitset, row_count: int) -> Bitset | None:
    return None if popcount(bits, row_count) == row_count else bits
