"""The first rows of a segment in the order of a column: ORDER BY column [, ...] LIMIT n without sorting the table.

The first n visible rows that pass the filter are taken from the order that an index keeps (where the filter tests the column
itself, as in `at < $1 ORDER BY at DESC`, from the span that is left), and all that equal the last of
them in this column: whatever further sort keys, or the order of the rows in the table, decide among equals is decided by
who sorts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foundation.bitset import RowOffsets
from planner import bound
from planner.btree.candidates import column_span
from planner.btree.column_order import ColumnOrder, Span
from planner.btree.indexed_columns import indexed_attnums, sorted_rows
from planner.evaluate.coverage import has_effects
from planner.evaluate.filters import true_offsets
from planner.evaluate.frame import segment_frame
from planner.evaluate.zone_maps import conjunction
from planner.services import ExecutionContext

if TYPE_CHECKING:
    from storage import SegmentView

LOOKED_AT_SHARE = 8
"""Beyond one row in so many of a segment all rows are sorted instead: the filter lets few pass, or many are equal."""

_LOOKED_AT_MIN = 64
_GROWTH = 4


def leading_index(
    key: bound.SortKey, scan: bound.TableScan, context: ExecutionContext
) -> tuple[int, int] | None:
    """(attnum, index OID) of a sort key that is a column and the index that keeps its order; None without one."""
    column = key.expression
    if not isinstance(column, bound.ColumnRef) or not context.settings.boolean("enable_indexscan"):
        return None
    attnum = scan.columns[column.position].attnum
    index_oid = indexed_attnums(context.transaction.catalog, scan.table_oid).get(attnum)
    return None if index_oid is None else (attnum, index_oid)


def leading_rows(
    segment: SegmentView,
    key: bound.SortKey,
    wanted: int,
    *,
    scan: bound.TableScan,
    predicate: bound.Expression | None,
    context: ExecutionContext,
) -> RowOffsets | None:
    """Rows of a segment among which its first `wanted` by a sort key are, and all that equal the last of these.

    Args:
        predicate: rows for which it is not TRUE do not count.

    Returns:
        (m,) ascending offsets of visible rows; None where all rows have to be looked at.

    Raises:
        QuiverError: what the filter raises for a row that is looked at.
    """
    found = leading_index(key, scan, context)
    if found is None or (predicate is not None and has_effects(predicate)):
        return None
    attnum, index_oid = found
    kept = sorted_rows(segment, attnum, index_oid)
    if kept is None:
        return None
    order = ColumnOrder(kept, segment.column(attnum), segment.table.column_at(attnum).type)
    span = (0, len(order.rows))
    if predicate is not None:
        tested = column_span(predicate, segment, scan, found, context)
        if tested is not None:
            span, rest = tested
            predicate = conjunction(rest) if rest else None
    count = max(_LOOKED_AT_MIN, 2 * wanted)
    while True:
        context.cancel_token.check()
        first = _first(order, span, key, count)
        if len(first) * LOOKED_AT_SHARE > segment.row_count:
            return None
        rows = _passing(np.sort(first).astype(np.int64), segment, scan, predicate, context)
        if len(rows) >= wanted or len(first) == span[1] - span[0]:
            return rows
        count = max(count * _GROWTH, len(first) + 1)


def _first(order: ColumnOrder, span: Span, key: bound.SortKey, count: int) -> npt.NDArray[np.uint32]:
    """At least the first `count` rows of a span by a sort key, and whatever equals the last of them.

    A span has all rows of a value or none.
    """
    first, past = min(span[0], order.value_count), min(span[1], order.value_count)
    nulls = order.rows[max(span[0], order.value_count) : max(span[1], order.value_count)]
    if key.nulls_first:
        count -= len(nulls)
    elif count <= past - first:
        nulls = nulls[:0]
    if count <= 0:
        past = first
    elif count < past - first:
        if key.is_descending:
            first = order.first_equal(past - count)
        else:
            past = order.past_equal(first + count - 1)
    return np.concatenate([nulls, order.rows[first:past]])


def _passing(
    offsets: RowOffsets,
    segment: SegmentView,
    scan: bound.TableScan,
    predicate: bound.Expression | None,
    context: ExecutionContext,
) -> RowOffsets:
    if segment.visible_bits is not None:
        offsets = offsets[segment.is_visible(offsets)]
    if predicate is None or not len(offsets):
        return offsets
    return offsets[true_offsets(predicate, segment_frame(segment, scan).take(offsets), context)]
