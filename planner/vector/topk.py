"""Top-k by distance over the segments of one table: prepare (filters, strategies), search, merge.

1. Per segment: allowed = visible AND filter. A segment without an index file, growing rows that no graph covers yet
   and the transaction's own rows are scanned exactly; the others as `choose_strategy` says.
2. Each segment gives its k nearest; distances are computed again exactly for what an index returned.
3. Merge: nearest first, ties by further sort keys, then by row id. Rows without an order (NULL vector or query:
   NULL distance; zero vector under cosine: NaN) take the place PostgreSQL's sort order gives them. Only with
   enable_seqscan = off and a usable index they are left out, whatever segment they are in.

A condition on the distance itself (`ranges.py`) is no filter where an index is searched: the nearest rows are found first,
those out of range cut off. When fewer than k remain, an index cannot tell whether it missed some: then the condition is
a filter after all, which computes every distance.

The answer always has min(k, matching) rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

import vecengine
from foundation.bitset import (
    Bitset,
    RowOffsets,
    all_bits,
    and_bits,
    offsets_from_bits,
    popcount,
)
from planner import bound
from planner.evaluate import (
    FilterSources,
    evaluate,
    evaluate_constant,
    filter_bits,
    sort_offsets,
    true_offsets,
)
from planner.evaluate.ordering import SortColumn
from planner.limits import RowRange, row_range
from planner.nodes import VectorTopK
from planner.row_selection import RowSelection
from planner.services import ExecutionContext
from planner.vector.exact import Nearest, fixed_count, nearest_rows
from planner.vector.index_cache import INDEXES
from planner.vector.indexed_vectors import VectorRows, indexed_vectors, ordered_vectors
from planner.vector.key_columns import (
    Vectors,
    as_queries,
    dimension_mismatch,
    has_direction,
    is_in_bytes,
    query_vector,
)
from planner.vector.ranges import DistanceRange, distance_range
from planner.vector.search_options import search_knobs
from planner.vector.strategy import EXACT_SCAN, Strategy, choose_strategy, is_filter, usable_index
from storage.catalog import Index
from vecengine.index import EXACT

if TYPE_CHECKING:
    from storage import SegmentView

_COSINE = "cosine"
_COUNTED = vecengine.bit_metric_names()
"""Metrics with few values: many rows are as far as the last one."""

_RANGE_GROWTH = 4
_RANGE_SHARE_MAX = 8
"""A range with a lower bound is searched for ever more rows, up to an eighth of those allowed."""


@dataclass(slots=True)
class SegmentSearch:
    """One segment's part of a top-k; the last four fields are filled by the search."""

    segment: SegmentView
    allowed_bits: Bitset | None
    allowed_count: int
    strategy: Strategy = EXACT_SCAN
    index: vecengine.VectorIndex | None = None
    considered: Sequence[Strategy] = ()
    """What the strategy was chosen from, cheapest first; empty where there was no choice."""
    distance_count: int = 0
    reranked_count: int = 0
    visited_count: int = 0
    beam_used: int = 0

    def count(self, stats: vecengine.SearchStats) -> None:
        """Take in what a search of the index has counted."""
        self.distance_count += stats.distances
        self.reranked_count += stats.reranked
        self.visited_count += stats.expansions
        self.beam_used = stats.ef_search

    @property
    def shown_strategy(self) -> str:
        """As EXPLAIN names it: a growing graph serves rows in memory."""
        is_growing = isinstance(self.index, vecengine.GrowingIndex) and self.strategy.name != EXACT
        return f"growing {self.strategy}" if is_growing else str(self.strategy)

    def expected_recall(self, k: int) -> float:
        """What EXPLAIN shows for the k nearest of the segment."""
        if self.index is None or self.strategy.name == EXACT:
            return 1.0
        return self.index.recall_of(self.strategy.beam, min(k, self.allowed_count), self.allowed_count)

    @property
    def rows_behind_graph(self) -> int:
        """Rows of the segment that its growing graph does not cover yet."""
        if isinstance(self.index, vecengine.GrowingIndex) and self.strategy.name != EXACT:
            return self.index.scanned_rows
        return 0


@dataclass(slots=True)
class PreparedTopK:
    """A top-k with everything decided that does not need distances; EXPLAIN prints it."""

    node: VectorTopK
    context: ExecutionContext
    rows: RowRange
    query: Vectors | None
    index: Index | None
    is_unorderable: bool
    """Whether every distance is NULL (no query vector) or NaN (no direction under cosine)."""
    searches: list[SegmentSearch] = field(default_factory=list)
    visible_count: int = 0
    filter_sources: FilterSources = field(default_factory=FilterSources)
    range: DistanceRange | None = None
    """What is cut off the rows found. `node` has no such condition then."""
    is_range_completed: bool = False
    """Whether the search found too few rows in range, so that every distance was computed."""

    @property
    def allowed_count(self) -> int:
        return sum(search.allowed_count for search in self.searches)

    @property
    def leaves_out_unordered(self) -> bool:
        """pgvector's index scan has no rows without an order; settings and catalog decide, never a segment."""
        return self.index is not None and not self.context.settings.boolean("enable_seqscan")


def prepare_topk(node: VectorTopK, context: ExecutionContext) -> PreparedTopK:
    """Run the filter, count, and choose a strategy for each segment. Sub-queries have been resolved.

    Raises:
        DataException: 22000, the query's dimension is not the column's and there is a row to compare.
    """
    return prepare_range(node, context) or _prepared(node, context)


def prepare_range(node: VectorTopK, context: ExecutionContext) -> PreparedTopK | None:
    """The search through an index whose rows are cut at the range that the filter sets; None where there is no such."""
    if node.filter is None or node.limit is None:
        return None
    found = distance_range(node.filter, node.order, node.scan, context)
    if found is None or usable_index(node.order, node.scan, found.rest, context) is None:
        return None
    prepared = _prepared(replace(node, filter=found.rest), context)
    if not prepared.rows.stop or all(search.strategy.name == EXACT for search in prepared.searches):
        return None
    prepared.range = found
    return prepared


def _prepared(node: VectorTopK, context: ExecutionContext) -> PreparedTopK:
    query = _query_vector(node.order.query, context)
    predicate = node.filter
    prepared = PreparedTopK(
        node,
        context,
        row_range(node.limit, node.offset, context),
        query,
        usable_index(node.order, node.scan, predicate, context),
        _is_unorderable(node.order.metric, query),
    )
    for segment in context.scanned_table(node.scan.table_oid).segments:
        visible = segment.visible_bits
        prepared.visible_count += popcount(visible, segment.row_count)
        allowed = visible
        if predicate is not None:
            allowed = and_bits(
                visible, filter_bits(predicate, segment, node.scan, context, prepared.filter_sources)
            )
        count = popcount(allowed, segment.row_count)
        if count:
            search = SegmentSearch(segment, allowed if count < segment.row_count else None, count)
            prepared.searches.append(search)
    _check_dimension(prepared)
    wanted = prepared.rows.stop if prepared.rows.stop is not None else prepared.allowed_count
    for search in prepared.searches:
        _choose(prepared, search, wanted)
    return prepared


def with_query(prepared: PreparedTopK, node: VectorTopK, query: Vectors | None) -> PreparedTopK:
    """The search for another query vector: nothing that was decided depends on it, unless it has no order.

    Args:
        prepared: without a range, for a query that has an order, or one that has none as this one.
        node: that of `prepared`, with the values of this search in its sort keys.
        query: (d,) float32, one of the column's kind, or None for NULL.

    Raises:
        DataException: 22000, as `prepare_topk`.
    """
    is_unorderable = _is_unorderable(node.order.metric, query)
    changed = replace(prepared, node=node, query=query, is_unorderable=is_unorderable)
    _check_dimension(changed)
    return changed


def _is_unorderable(metric: str, query: Vectors | None) -> bool:
    return query is None or (metric == _COSINE and not has_direction(as_queries(query)).any())


def _query_vector(expression: bound.Expression, context: ExecutionContext) -> Vectors | None:
    """(d,) float32 or one vector of the column's kind, None for NULL. Numbers are taken as they are."""
    kind = expression.sql_type
    if is_in_bytes(kind):
        array = evaluate_constant(expression, context)
        return None if array.null_count else query_vector(array, kind)
    if isinstance(expression, bound.Constant | bound.Parameter):
        if isinstance(expression, bound.Constant):
            value = expression.value
        else:
            value = context.parameters[expression.index]
        return None if value is None else np.asarray(value, dtype=np.float32)
    array = evaluate_constant(expression, context)
    return None if array.null_count else query_vector(array, kind)


def _check_dimension(prepared: PreparedTopK) -> None:
    """Raises DataException (22000) when there are rows to compare with a query of another dimension."""
    if prepared.query is None or not prepared.searches:
        return
    order = prepared.node.order
    given, stored = as_queries(prepared.query).shape[1], order.operand.sql_type.typmod
    if given != stored:
        left, right = (stored, given) if order.column_first else (given, stored)
        raise dimension_mismatch(order.operand.sql_type, left, right)


def _choose(prepared: PreparedTopK, search: SegmentSearch, k: int) -> None:
    if prepared.index is None or prepared.is_unorderable or k == 0:
        return
    context = prepared.context
    search.index = INDEXES.get(search.segment, prepared.index, context.memory)
    if search.index is None:
        return
    if len(prepared.node.sort_keys) > 1 and prepared.index.metric in _COUNTED:
        return  # Further keys choose among rows of one distance, of which an index knows some.
    covered = search.index.covered_bits()
    count = search.allowed_count
    if covered is not None:
        count = popcount(and_bits(search.allowed_bits, covered), search.segment.row_count)
    search.strategy, search.considered = choose_strategy(
        search.index,
        k,
        count,
        is_filtered=is_filter(prepared.index, prepared.node.scan, prepared.node.filter, context),
        knobs=search_knobs(
            prepared.index, context.transaction.catalog.table(prepared.node.scan.table_oid), context.settings
        ),
        settings=context.settings,
    )


@dataclass(slots=True)
class _Part:
    """What one segment contributes: ordered rows, then those with NaN and with NULL distance."""

    nearest: Nearest
    null_rows: RowOffsets


def search_topk(prepared: PreparedTopK) -> RowSelection:
    """The rows of the answer, in order.

    Raises:
        QueryCanceled: 57014.
    """
    if prepared.range is not None:
        return _search_range(prepared, prepared.range)
    total = prepared.allowed_count
    stop = prepared.rows.stop
    k = total if stop is None else min(stop, total)
    has_more_keys = len(prepared.node.sort_keys) > 1
    parts = [
        _search_segment(prepared, search, k, keep_ties=has_more_keys and stop is not None)
        for search in prepared.searches
    ]
    segments = [search.segment for search in prepared.searches]
    ranked, nan_rows, null_rows = _merged(segments, parts)
    if prepared.leaves_out_unordered and not prepared.is_unorderable:
        nan_rows, null_rows = nan_rows.slice(0, 0), null_rows.slice(0, 0)
    if has_more_keys:
        rows = _by_all_keys(prepared, (ranked, nan_rows, null_rows), k)
    else:
        rows = _arranged(prepared.node, ranked, nan_rows, null_rows)
    return rows.slice(prepared.rows.offset, len(rows) if stop is None else stop)


def _search_range(prepared: PreparedTopK, wanted: DistanceRange) -> RowSelection:
    """As many of the nearest rows as it takes to have those in range."""
    node, context, stop = prepared.node, prepared.context, prepared.rows.stop
    assert stop is not None
    k = stop
    while True:
        attempt = replace(prepared, rows=RowRange(0, k), range=None)
        rows = search_topk(attempt)
        found = rows.take(true_offsets(wanted.condition, rows.frame(node.scan), context))
        if len(found) >= stop or len(rows) < k:
            return found.slice(prepared.rows.offset, stop)
        farthest = rows.slice(k - 1, k).frame(node.scan)
        k *= _RANGE_GROWTH
        is_past = wanted.beyond is None or not len(true_offsets(wanted.within, farthest, context))
        if is_past or k * _RANGE_SHARE_MAX > prepared.allowed_count:
            break
        for search in prepared.searches:
            _choose(prepared, search, k)
    prepared.is_range_completed = True
    whole = _prepared(replace(node, filter=wanted.whole), context)
    rows = search_topk(whole)
    prepared.searches = [*prepared.searches, *whole.searches]
    return rows


def _search_segment(prepared: PreparedTopK, search: SegmentSearch, k: int, *, keep_ties: bool) -> _Part:
    segment, order = search.segment, prepared.node.order
    vectors, valid_bits = compared_vectors(prepared, search)
    comparable = and_bits(search.allowed_bits, valid_bits)
    if prepared.is_unorderable:
        return _unorderable_part(prepared, search, vectors, comparable, valid_bits)
    assert prepared.query is not None
    null_rows = rows_without(search.allowed_bits, valid_bits, segment.row_count)
    index = search.index
    if index is None or search.strategy.name == EXACT:
        count = popcount(comparable, segment.row_count)
        search.distance_count += count
        if not keep_ties and not order.is_falling and k < count:
            found = fixed_count(
                order.metric, vectors, prepared.query, comparable, k=k, cancel=prepared.context.cancel_token
            )
            if len(found.offsets) == k:
                return _Part(found, null_rows)
        nearest = nearest_rows(
            order.metric, vectors, prepared.query, comparable, k=k, keep_ties=keep_ties,
            cancel=prepared.context.cancel_token,
        )  # fmt: skip
        return _Part(nearest, null_rows)
    nearest = _search_index(prepared, search, index, vectors, k)
    covered = index.covered_bits()
    if covered is not None and (len(nearest.offsets) < k or order.is_falling):
        # What the graph leaves out has no order: zero vectors under cosine.
        nearest.unordered = rows_without(comparable, covered, segment.row_count)
    return _Part(nearest, null_rows)


def compared_vectors(prepared: PreparedTopK, search: SegmentSearch) -> VectorRows:
    """The vectors to compare, and the bitset of those allowed rows that have one.

    A partial index lacks rows, but no allowed one: it is used where the filter implies its predicate.
    """
    order = prepared.node.order
    if search.index is not None and not order.attnum:
        assert prepared.index is not None
        return indexed_vectors(search.segment, prepared.index)
    return ordered_vectors(search.segment, order, search.allowed_bits, prepared.node.scan, prepared.context)


def _search_index(
    prepared: PreparedTopK,
    search: SegmentSearch,
    index: vecengine.VectorIndex,
    vectors: Vectors,
    k: int,
) -> Nearest:
    assert prepared.query is not None
    stats = vecengine.SearchStats()
    _, found = index.search(
        as_queries(prepared.query),
        k,
        search.allowed_bits,
        max(search.strategy.beam, 1),
        cancel=prepared.context.cancel_token.word,
        stats=stats,
    )
    search.count(stats)
    offsets = found[0][found[0] >= 0]
    distances = vecengine.distances(index.metric, vectors[offsets], prepared.query)
    order = np.lexsort((offsets, distances))
    return Nearest(offsets[order], distances[order])


def _unorderable_part(
    prepared: PreparedTopK,
    search: SegmentSearch,
    vectors: Vectors,
    comparable: Bitset | None,
    valid_bits: Bitset | None,
) -> _Part:
    """Every distance is NULL (NULL query) or NaN (zero query under cosine); only indexable rows may be wanted."""
    row_count = search.segment.row_count
    rows = offsets_from_bits(comparable, row_count)
    nulls = rows_without(search.allowed_bits, valid_bits, row_count)
    if prepared.leaves_out_unordered:
        nulls = nulls[:0]
        if prepared.node.order.metric == _COSINE:
            rows = rows[has_direction(vectors[rows])]
    if prepared.query is None:
        return _Part(Nearest(), np.sort(np.concatenate([rows, nulls])))
    return _Part(Nearest(unordered=rows), nulls)


def rows_without(bits: Bitset | None, excluded: Bitset | None, row_count: int) -> RowOffsets:
    """Rows in the first bitset and not in the second; `None` is all rows in both."""
    if excluded is None:
        return np.zeros(0, dtype=np.int64)
    all_rows = all_bits(row_count) if bits is None else bits
    return offsets_from_bits(np.bitwise_and(all_rows, np.bitwise_not(excluded)), row_count)


def _merged(
    segments: Sequence[SegmentView], parts: Sequence[_Part]
) -> tuple[RowSelection, RowSelection, RowSelection]:
    """All segments' rows: ordered by (distance, row id), NaN by row id, NULL by row id."""
    ranked = RowSelection.of_parts(segments, [part.nearest.offsets for part in parts])
    if len(parts) > 1:
        distances = np.concatenate([part.nearest.distances for part in parts])
        ranked = ranked.take(np.lexsort((ranked.row_ids(), distances)))
    nan_rows = RowSelection.of_parts(segments, [np.sort(part.nearest.unordered) for part in parts])
    null_rows = RowSelection.of_parts(segments, [part.null_rows for part in parts])
    return ranked, _by_row_id(nan_rows, len(parts)), _by_row_id(null_rows, len(parts))


def _by_row_id(rows: RowSelection, part_count: int) -> RowSelection:
    return rows if part_count < 2 or len(rows) < 2 else rows.take(np.argsort(rows.row_ids(), kind="stable"))


def _joined(selections: Sequence[RowSelection]) -> RowSelection:
    return RowSelection(
        selections[0].segments,
        np.concatenate([rows.segment_numbers for rows in selections]),
        np.concatenate([rows.offsets for rows in selections]),
    )


def _arranged(
    node: VectorTopK, ranked: RowSelection, nan_rows: RowSelection, null_rows: RowSelection
) -> RowSelection:
    """One sort key: NaN is the greatest number, NULL where the key says."""
    middle = (nan_rows, ranked) if node.order.is_falling else (ranked, nan_rows)
    groups = (null_rows, *middle) if node.order.nulls_first else (*middle, null_rows)
    return _joined([group for group in groups if len(group)] or [ranked])


def _by_all_keys(
    prepared: PreparedTopK, groups: tuple[RowSelection, RowSelection, RowSelection], k: int
) -> RowSelection:
    """Several sort keys: evaluate them for the candidates and sort."""
    ranked, nan_rows, null_rows = groups
    order = prepared.node.order
    needs_unordered = len(ranked) < k or order.is_falling or order.nulls_first
    rows = _joined([ranked, nan_rows, null_rows] if needs_unordered else [ranked])
    if not len(rows):
        return rows
    rows = rows.take(np.argsort(rows.row_ids(), kind="stable"))
    keys = sort_columns(prepared.node.sort_keys, rows, prepared.node.scan, prepared.context)
    return rows.take(sort_offsets(keys, len(rows)))


def sort_columns(
    keys: Sequence[bound.SortKey], rows: RowSelection, scan: bound.TableScan, context: ExecutionContext
) -> list[SortColumn]:
    """The sort keys' values for the rows."""
    frame = rows.frame(scan)
    return [
        SortColumn(
            evaluate(key.expression, frame, context),
            key.expression.sql_type,
            key.is_descending,
            key.nulls_first,
        )
        for key in keys
    ]
