"""Filters: a predicate over a segment becomes a bitset of the rows for which it is TRUE.

Deleted rows are evaluated too, because a bitset that does not depend on visibility can be cached; only when
one of them raises an error is the predicate evaluated again without them, and where it has effects from the start. Zone maps answer a comparison that
no row, or every row, of a sealed segment can satisfy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from foundation.bitset import (
    Bitset,
    RowOffsets,
    all_bits,
    bits_from_mask,
    bits_from_offsets,
    byte_length,
    no_bits,
    offsets_from_bits,
    popcount,
)
from foundation.errors import AdminShutdown, QueryCanceled, QuiverError
from planner import bound
from planner.evaluate.bitset_cache import BITSETS
from planner.evaluate.expressions import evaluate_condition
from planner.evaluate.frame import Frame, segment_frame
from planner.evaluate.predicate_keys import PREDICATES
from planner.evaluate.zone_maps import can_match
from planner.services import EvaluationContext

if TYPE_CHECKING:
    from storage import SegmentView


@dataclass(slots=True)
class FilterSources:
    """Of how many segments a filter's bitset was in the cache, followed from the bounds, or was computed."""

    cached: int = 0
    pruned: int = 0
    computed: int = 0


def filter_bits(
    predicate: bound.Expression,
    segment: SegmentView,
    scan: bound.TableScan,
    context: EvaluationContext,
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
    sources.computed += 1
    if known.has_effects:
        return _visible_true_bits(predicate, segment, scan, context)
    try:
        bits = true_bits(predicate, segment_frame(segment, scan), context)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        if segment.visible_bits is None:
            raise
        return _visible_true_bits(predicate, segment, scan, context)
    if key is not None:
        BITSETS.put(key, bits, segment.row_count, context.memory)
    return _none_if_full(bits, segment.row_count)


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
