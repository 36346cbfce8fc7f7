"""Rows of a segment among which all are that satisfy a filter, found through btree indexes instead of by a scan.

1. AND: the tests on one column have a span of its order in common (`a >= 1 AND a < 9`); of the columns with an index
   the one with fewest rows is taken, and the other conjuncts are left for these rows.
2. OR: every arm needs an index; the rows of all arms together.
3. Used where it pays: the number of rows is known before any of them is touched. A scan of a million rows takes 0.55 ms
   (integers, times), 2.5 (floats), 3 (text), 4.5 (uuid), 74 (numeric); an index that finds one row 0.05 ms, every eighth 0.55
   to 0.8, every second 1.7 to 1.9 (`benchmarks/btree/crossover.py`). From this the shares below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from foundation.bitset import BoolMask, RowOffsets
from foundation.sqltypes import (
    BOOL,
    DATE,
    INT2,
    INT4,
    INT8,
    MONEY,
    OID,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
)
from planner import bound
from planner.btree.column_order import ColumnOrder, Span, common_spans
from planner.btree.conditions import ColumnTest, column_test, column_values, search_count, spans_of
from planner.btree.indexed_columns import ROWS_MIN, indexed_attnums, sorted_rows
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.services import EvaluationContext, ExecutionContext

if TYPE_CHECKING:
    from storage import SegmentView

SHARE_MAX_INTEGERS = 1 / 8
"""Of the rows of a segment, for columns that are compared as integers: with more of them the scan is faster."""

SHARE_MAX = 1 / 2
"""For columns of other types, whose scan takes four times as long and more."""

SCANNED_ROWS_PER_SEARCH = 2048
"""A binary search costs as much as a scan of so many rows of text; an IN list must not make more than pay."""

_SORTED_SHARE = 64
"""Fewer rows than one in so many are sorted in less time than a mask of all rows is read."""

SEARCHES_MIN = 8
"""So many are made of any segment: beside the rest of a statement they take no time."""

_INTEGERS = frozenset(t.oid for t in (BOOL, DATE, INT2, INT4, INT8, MONEY, OID, TIME, TIMESTAMP, TIMESTAMPTZ))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows found through indexes.

    Attributes:
        runs: row offsets in pieces.
        count: how many these are.
        is_disjoint: whether no row is in two of them: a row may satisfy several arms of an OR.
        conditions: the conjuncts that all of the rows satisfy, or with a LIKE may satisfy.
        rest: the conjuncts that are to be evaluated for them, in the order they had.
        index_oids: the indexes used.
        share_max: of a segment's rows, if these are more a scan is faster.
    """

    runs: tuple[npt.NDArray[np.uint32], ...]
    count: int
    is_disjoint: bool
    conditions: tuple[bound.Expression, ...]
    rest: tuple[bound.Expression, ...]
    index_oids: tuple[int, ...]
    share_max: float

    def mask(self, row_count: int) -> BoolMask:
        """(row_count,) bool: which rows these are."""
        mask = np.zeros(row_count, dtype=np.bool_)
        for run in self.runs:
            mask[run] = True
        return mask

    def offsets(self, row_count: int) -> RowOffsets:
        """(m,) int64, ascending, each row once."""
        if self.count * _SORTED_SHARE > row_count:
            return np.flatnonzero(self.mask(row_count))
        if len(self.runs) == 1:
            return np.sort(self.runs[0]).astype(np.int64)
        whole = np.concatenate(self.runs) if self.runs else np.zeros(0, dtype=np.uint32)
        return np.unique(whole).astype(np.int64)


@dataclass(slots=True)
class _Lookup:
    """One segment's orders, opened as they are needed, and how many searches may still be made."""

    segment: SegmentView
    scan: bound.TableScan
    context: EvaluationContext
    indexed: Mapping[int, int]
    searches_left: int
    _orders: dict[int, ColumnOrder | None] = field(default_factory=dict)

    def order(self, attnum: int) -> ColumnOrder | None:
        if attnum not in self._orders:
            kept = sorted_rows(self.segment, attnum, self.indexed[attnum])
            column_type = self.segment.table.column_at(attnum).type
            self._orders[attnum] = (
                None if kept is None else ColumnOrder(kept, self.segment.column(attnum), column_type)
            )
        return self._orders[attnum]

    def attnum(self, test: ColumnTest) -> int:
        """The tested column if it has an index, else 0."""
        if test.column.relation_id != self.scan.relation_id:
            return 0
        attnum = self.scan.columns[test.column.position].attnum
        return attnum if attnum in self.indexed else 0


def candidate_rows(
    predicate: bound.Expression, segment: SegmentView, scan: bound.TableScan, context: ExecutionContext
) -> Candidates | None:
    """The rows to look at for a filter; None where the segment is to be scanned.

    A segment has no candidates while it is in memory, small, without its index file, or patched in the column. With
    `enable_indexscan` off none has; with `enable_seqscan` off the number of rows does not matter.
    """
    if segment.segment_id <= 0 or segment.row_count < ROWS_MIN:
        return None
    indexed = indexed_attnums(context.transaction.catalog, scan.table_oid)
    if not indexed or not context.settings.boolean("enable_indexscan"):
        return None
    return indexed_candidates(predicate, segment, scan, indexed, context)


def indexed_candidates(
    predicate: bound.Expression,
    segment: SegmentView,
    scan: bound.TableScan,
    indexed: Mapping[int, int],
    context: EvaluationContext,
) -> Candidates | None:
    """`candidate_rows` by given indexes: column -> OID, as `indexed_attnums` has them."""
    if segment.segment_id <= 0 or segment.row_count < ROWS_MIN:
        return None
    searches = max(SEARCHES_MIN, segment.row_count // SCANNED_ROWS_PER_SEARCH)
    found = _candidates(predicate, _Lookup(segment, scan, context, indexed, searches))
    if found is None:
        return None
    is_few = found.count <= segment.row_count * found.share_max
    return found if is_few or not context.settings.boolean("enable_seqscan") else None


def _candidates(predicate: bound.Expression, lookup: _Lookup) -> Candidates | None:
    if isinstance(predicate, bound.BoolExpression) and predicate.operator is bound.BoolOperator.OR:
        return _disjunction(predicate, lookup)
    parts = conjuncts(predicate)
    found = [*_by_column(parts, lookup), *_nested(parts, lookup)]
    return min(found, key=lambda candidates: candidates.count, default=None)


@dataclass(slots=True)
class _ColumnSpans:
    """What the tests on one column have in common, and the positions of these tests among the conjuncts."""

    spans: tuple[Span, ...]
    used: list[int]
    loose: list[int]

    def rest(self, parts: tuple[bound.Expression, ...]) -> tuple[bound.Expression, ...]:
        """The conjuncts that the spans do not answer, or not exactly."""
        return tuple(part for i, part in enumerate(parts) if i not in self.used or i in self.loose)


def column_span(
    predicate: bound.Expression,
    segment: SegmentView,
    scan: bound.TableScan,
    indexed: tuple[int, int],
    context: EvaluationContext,
) -> tuple[Span, tuple[bound.Expression, ...]] | None:
    """The one span of a column's order that has all rows of a filter, and the conjuncts left to evaluate for them.

    Args:
        indexed: the column and the OID of its index.

    Returns:
        None where no conjunct tests the column, or several spans are left.
    """
    parts = conjuncts(predicate)
    lookup = _Lookup(segment, scan, context, dict([indexed]), SEARCHES_MIN)
    found = _tested_columns(parts, lookup).get(indexed[0])
    if found is None or len(found.spans) > 1:
        return None
    return found.spans[0] if found.spans else (0, 0), found.rest(parts)


def _tested_columns(parts: tuple[bound.Expression, ...], lookup: _Lookup) -> dict[int, _ColumnSpans]:
    """The indexed columns that conjuncts test, by attnum."""
    columns: dict[int, _ColumnSpans] = {}
    for position, part in enumerate(parts):
        test = column_test(part)
        attnum = 0 if test is None else lookup.attnum(test)
        order = lookup.order(attnum) if attnum else None
        if test is None or order is None:
            continue
        values = column_values(test, lookup.context)
        if values is None or search_count(test, values) > lookup.searches_left:
            continue
        lookup.searches_left -= search_count(test, values)
        found = spans_of(test, values, order)
        if found is None:
            continue
        known = columns.setdefault(attnum, _ColumnSpans(((0, len(order.rows)),), [], []))
        known.spans = common_spans(known.spans, found.spans)
        known.used.append(position)
        if not found.is_exact:
            known.loose.append(position)
    return columns


def _by_column(parts: tuple[bound.Expression, ...], lookup: _Lookup) -> Iterator[Candidates]:
    """The candidates of each indexed column that conjuncts test."""
    for attnum, column in _tested_columns(parts, lookup).items():
        order = lookup.order(attnum)
        assert order is not None
        yield Candidates(
            tuple(order.rows[first:past] for first, past in column.spans),
            sum(past - first for first, past in column.spans),
            True,
            tuple(parts[i] for i in column.used),
            column.rest(parts),
            (lookup.indexed[attnum],),
            SHARE_MAX_INTEGERS if lookup.segment.table.column_at(attnum).type.oid in _INTEGERS else SHARE_MAX,
        )


def _nested(parts: tuple[bound.Expression, ...], lookup: _Lookup) -> Iterator[Candidates]:
    """The candidates of each conjunct that is an OR."""
    for position, part in enumerate(parts):
        if not isinstance(part, bound.BoolExpression) or part.operator is not bound.BoolOperator.OR:
            continue
        found = _disjunction(part, lookup)
        if found is not None:
            others = (*parts[:position], *found.rest, *parts[position + 1 :])
            yield replace(found, rest=others)


def _disjunction(node: bound.BoolExpression, lookup: _Lookup) -> Candidates | None:
    arms: list[Candidates] = []
    for argument in node.arguments:
        arm = _candidates(argument, lookup)
        if arm is None:
            return None
        arms.append(arm)
    is_exact = not any(arm.rest for arm in arms)
    shown = tuple(conjunction(arm.conditions) for arm in arms)
    return Candidates(
        tuple(run for arm in arms for run in arm.runs),
        sum(arm.count for arm in arms),
        False,
        (node if is_exact else bound.BoolExpression(bound.BoolOperator.OR, shown),),
        () if is_exact else (node,),
        tuple(dict.fromkeys(oid for arm in arms for oid in arm.index_oids)),
        min(arm.share_max for arm in arms),
    )
