"""Top-k searches executed over and over: what a table's rows, the settings and the filter decide is decided once.

A prepared search differs between its executions in the query vector alone, as long as the table is as it was. So
index, strategy, beam and allowed rows of each segment are kept for a view of the table, which stands for one state of it:
the next commit brings a new view, with which nothing is known yet. The catalog's version, settings, the filter's
parameters and LIMIT are part of what an entry is found by. What is kept goes with its view; the indexes themselves stay the caches' to drop.

A search without a filter is not decided anew for every row that somebody inserts: what was decided for a sealed segment is
kept with that segment's view too, which all states share until rows of it are deleted or changed. A view of such segments and
some rows in memory, few enough to be compared, has its entry made of these.

A bound on the distance itself, `WHERE e <-> $1 < $2`, is no filter: see `planner.repeated_ranges`.

The answer is that of `search_topk`, or none: whatever is out of the ordinary (NULL and zero queries, rows without an
order, an answer that falls short) is left to it.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa

import vecengine
from foundation.bitset import and_bits, popcount
from foundation.settings import SettingValues
from foundation.sqltypes import VECTOR
from planner import bound
from planner.evaluate import is_immutable
from planner.nodes import VectorTopK
from planner.planning import NativePlan, Plan
from planner.repeated_costs import preparation_ms, row_nanoseconds
from planner.repeated_entries import Attempt, Entry, nearest, nearest_within
from planner.repeated_parts import (
    ChosenRows,
    Column,
    Found,
    Part,
    Scan,
    Searched,
    chosen_rows,
    merged_column,
)
from planner.repeated_ranges import UpperBound, Within, without_bound
from planner.repeated_reads import NotPrepared, Read, TakesLong
from planner.services import ExecutionContext
from planner.vector.growing_graphs import GROWING, SCANNED_ROWS_MAX
from planner.vector.index_cache import INDEXES
from planner.vector.indexed_vectors import ordered_vectors, stored_column
from planner.vector.search_options import KNOBS
from planner.vector.topk import PreparedTopK, SegmentSearch, prepare_topk
from vecengine.index import EXACT

if TYPE_CHECKING:
    from storage import SegmentView, TableView
    from storage.catalog import Catalog

_ENTRIES_MAX = 64
_GATHER_FRACTION = 16
_NANOSECONDS_PER_DISTANCE = 60.0
_BYTES_PER_NANOSECOND = 10.0


_Key: TypeAlias = tuple[Any, ...]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was decided for one sealed segment, and for the whole search with it."""

    index_oid: int
    offset: int
    stop: int
    part: Part
    columns: tuple[Column | None, ...]
    within: Within | None

    @property
    def decision(self) -> tuple[int, int, int]:
        return self.index_oid, self.offset, self.stop


_kept: weakref.WeakKeyDictionary[SegmentView, OrderedDict[_Key, _Kept]] = weakref.WeakKeyDictionary()
_known: weakref.WeakKeyDictionary[TableView, OrderedDict[_Key, Entry]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class RepeatedTopK:
    """The executions of one plan: a `RepeatedRead`."""

    def __init__(
        self, plan: NativePlan, node: VectorTopK, query: bound.Parameter, bounding: UpperBound | None
    ) -> None:
        self._node = node
        self._bounding = bounding
        self._query_index = query.index
        self._dimensions = node.order.operand.sql_type.typmod
        self._is_cosine = node.order.metric == "cosine"
        self._positions = tuple(
            target.expression.position if isinstance(target.expression, bound.ColumnRef) else None
            for target in plan.targets
        )
        self._names = [f"c{i}" for i in range(len(plan.targets))]
        self._parameters = _deciding_parameters(node)
        nanoseconds = _NANOSECONDS_PER_DISTANCE + 4 * self._dimensions / _BYTES_PER_NANOSECOND
        self._distances_per_ms = 1e6 / nanoseconds
        self._filter_ns = row_nanoseconds(node.filter)
        self._prepared_rows = frozenset[Hashable]()
        """The sealed segments for which it was prepared last: their columns have been read."""

    @property
    def table_oid(self) -> int:
        return self._node.scan.table_oid

    @classmethod
    def of(cls, plan: Plan) -> RepeatedTopK | None:
        """None for a plan whose executions differ in more than the query vector and a filter's parameters."""
        if not isinstance(plan, NativePlan) or plan.has_subqueries or not isinstance(plan.node, VectorTopK):
            return None
        node, bounding = without_bound(plan.node)
        order, query = node.order, node.order.query
        is_plain = len(node.sort_keys) == 1 and order.attnum > 0 and not order.is_falling
        if (
            not is_plain
            or order.nulls_first
            or node.limit is None
            or order.operand.sql_type.oid != VECTOR.oid
        ):
            return None
        query = _without_casts(query, order.operand.sql_type.typmod)
        if not isinstance(query, bound.Parameter) or query.type.oid != VECTOR.oid:
            return None
        if any(parameter.index == query.index for parameter in _deciding_parameters(node)):
            return None
        if not all(map(_is_plain_count, (node.limit, node.offset))):
            return None
        if node.filter is not None and not is_immutable(node.filter):
            return None
        if not all(_is_plain_target(target.expression, node) for target in plan.targets) or not plan.targets:
            return None
        return cls(plan, node, query, bounding)

    def run(
        self,
        read: Read,
        *,
        time_ms: float | None = None,
    ) -> pa.RecordBatch | None:
        """See `RepeatedRead`; None where `search_topk` has to find the rows."""
        given = read.parameters[self._query_index]
        if given is None or len(given) != self._dimensions:
            return None
        if self._is_cosine and not given.any():
            return None
        radius = None
        if self._bounding is not None:
            radius = self._bounding.radius(read.parameters)
            if radius is None or not self._bounding.has_query(given, read.parameters):
                return None
        entry = self._entry(read.view, self._key(read.catalog, read.settings, read.parameters))
        if entry is None:
            raise NotPrepared
        budget = 0
        if time_ms is not None:
            budget = int(time_ms * self._distances_per_ms)
            if entry.expected_distances > budget:
                raise TakesLong
        query = np.ascontiguousarray(given, dtype=np.float32).reshape(1, -1)
        attempt = Attempt(entry, query, read.cancel.word, budget)
        if self._bounding is None or radius is None:
            found = nearest(attempt)
        else:
            found = nearest_within(attempt, self._bounding, radius)
        if found is None:
            return None
        batch = self._batch(entry, found)
        if entry.index_oid:
            read.activity.count_index_scan(entry.index_oid, batch.num_rows)
        else:
            read.activity.count_scan(self.table_oid, entry.visible_count)
        return batch

    def preparation_ms(self, read: Read) -> float:
        """See `RepeatedRead`; known for what has been prepared before, with another filter's value or before a commit."""
        segments = [segment for segment in read.view.segments if segment.row_count]
        if math.isinf(self._filter_ns) or not self._prepared_rows.issuperset(_sealed_rows(segments)):
            return math.inf
        for index in read.catalog.indexes_of(self.table_oid):
            if index.metric is None:
                continue
            is_partial = index.predicate_sql is not None
            if is_partial or not all(INDEXES.is_loaded(segment, index.oid) for segment in segments):
                return math.inf
        counts = [segment.row_count for segment in segments]
        gathered = sum(min(count, SCANNED_ROWS_MAX) for count in counts) * 4 * self._dimensions
        return preparation_ms(self._filter_ns, counts, gathered, is_filtered=self._node.filter is not None)

    def prepare(self, context: ExecutionContext) -> bool:
        """Filters, index, strategies, beams. See `RepeatedRead`."""
        prepared = prepare_topk(self._node, context)
        entry = self._made(prepared)
        if entry is None:
            return False
        view = context.scanned_table(self.table_oid)
        self._prepared_rows = frozenset(_sealed_rows(view.segments))
        key = self._key(context.transaction.catalog, context.settings, context.parameters)
        with _lock:
            _put(_known.setdefault(view, OrderedDict()), key, entry)
            if self._node.filter is None and entry.stop == prepared.rows.stop:
                of_segments = zip(entry.segments, entry.parts, entry.columns, entry.withins, strict=True)
                for segment, part, columns, within in of_segments:
                    if segment.segment_id:
                        kept = _Kept(entry.index_oid, entry.offset, entry.stop, part, columns, within)
                        _put(_kept.setdefault(segment, OrderedDict()), key, kept)
        return True

    def _entry(self, view: TableView, key: _Key) -> Entry | None:
        with _lock:
            entries = _known.get(view)
            entry = None if entries is None else entries.get(key)
        if entry is not None and not all(part.is_alive for part in entry.parts):
            entry = None
        if entry is None and self._node.filter is None:
            entry = self._followed(view, key)
            if entry is not None:
                with _lock:
                    _put(_known.setdefault(view, OrderedDict()), key, entry)
        return entry

    def _followed(self, view: TableView, key: _Key) -> Entry | None:
        """An entry made of what is kept of sealed segments, and of rows in memory that are compared."""
        with _lock:
            kept_of = [_kept.get(segment) for segment in view.segments]
            found = [None if kept is None else kept.get(key) for kept in kept_of]
        found = [kept if kept is not None and kept.part.is_alive else None for kept in found]
        known = [kept for kept in found if kept is not None]
        if not known or any(kept.decision != known[0].decision for kept in known):
            return None
        parts, columns = list[Part](), []
        for segment, kept in zip(view.segments, found):
            part = self._fresh(segment, known[0].stop) if kept is None else kept.part
            if part is None:
                return None
            parts.append(part)
            columns.append(self._columns(segment) if kept is None else kept.columns)
        index_oid, offset, stop = known[0].decision
        withins = tuple(None if kept is None else kept.within for kept in found)
        return Entry(
            index_oid, view.row_count, view.segments, tuple(parts), tuple(columns), offset, stop, withins
        )

    def _fresh(self, segment: SegmentView, stop: int) -> Part | None:
        """Rows in memory, compared one by one; None for too many, for none, and for a segment that is not known."""
        if segment.segment_id or segment.row_count > SCANNED_ROWS_MAX:
            return None
        vectors, valid_bits = stored_column(segment, self._node.order.attnum)
        bits = and_bits(segment.visible_bits, valid_bits)
        width = min(stop, popcount(bits, segment.row_count))
        return chosen_rows(self._node.order.metric, vectors, bits, width) if width else None

    def _key(self, catalog: Catalog, settings: SettingValues, given: Sequence[Any]) -> _Key:
        values = tuple(bound.Constant(given[p.index], p.type) for p in self._parameters)
        return (self, catalog.version, settings.derived(_deciding_settings), values)

    def _made(self, prepared: PreparedTopK) -> Entry | None:
        """What is kept of a prepared search. Nothing of its transaction."""
        stop = prepared.rows.stop
        if prepared.index is None or prepared.is_unorderable or stop is None or not prepared.searches:
            return None
        if prepared.range is not None:
            return None  # The filter's vector is the query's by chance: the next one may be another.
        wanted = min(stop, prepared.allowed_count)
        if wanted <= prepared.rows.offset:
            return None
        parts = [self._part(prepared, search, wanted) for search in prepared.searches]
        segments = tuple(search.segment for search in prepared.searches)
        columns = tuple(self._columns(segment) for segment in segments)
        kept = tuple(part for part in parts if part is not None)
        if len(kept) < len(parts):
            return None
        is_scan = all(isinstance(part, Scan | ChosenRows) for part in kept)
        return Entry(
            0 if is_scan else prepared.index.oid,
            prepared.visible_count,
            segments,
            kept,
            columns,
            prepared.rows.offset,
            wanted,
            tuple(self._within_of(prepared, search, part) for search, part in zip(prepared.searches, kept)),
        )

    def _within_of(self, prepared: PreparedTopK, search: SegmentSearch, part: Part) -> Within | None:
        if self._bounding is None or isinstance(part, Scan | ChosenRows):
            return None
        vectors, valid_bits = ordered_vectors(
            search.segment, self._node.order, search.allowed_bits, self._node.scan, prepared.context
        )
        return Within(self._node.order.metric, vectors, and_bits(search.allowed_bits, valid_bits))

    def _part(self, prepared: PreparedTopK, search: SegmentSearch, wanted: int) -> Part | None:
        index, segment, strategy = search.index, search.segment, search.strategy
        if isinstance(index, vecengine.HnswIndex) and strategy.name != EXACT:
            repeated = index.repeated(wanted, search.allowed_bits, strategy.beam)
            if repeated is not None or not vecengine.kernels_ready():
                return repeated  # Without kernels it scans, which is not to be kept.
        vectors, valid_bits = ordered_vectors(
            segment, self._node.order, search.allowed_bits, self._node.scan, prepared.context
        )
        bits = and_bits(search.allowed_bits, valid_bits)
        count = popcount(bits, segment.row_count)
        width = min(wanted, count)
        if index is not None and strategy.name != EXACT and not isinstance(index, vecengine.HnswIndex):
            assert prepared.index is not None
            return Searched(
                weakref.ref(index),
                vectors,
                bits,
                width,
                strategy.beam,
                expected_distances=float(count),
                is_current=_growth_of(segment, prepared.index.oid),
            )
        if index is None and segment.segment_id == 0 and segment.row_count > SCANNED_ROWS_MAX:
            return None  # A graph over these rows may come at any moment.
        if count <= SCANNED_ROWS_MAX or count * _GATHER_FRACTION < segment.row_count:
            return chosen_rows(self._node.order.metric, vectors, bits, width)
        return Scan(self._node.order.metric, vectors, bits, width, float(count))

    def _columns(self, segment: SegmentView) -> tuple[Column | None, ...]:
        scan = self._node.scan
        return tuple(
            None if position is None else Column.of(segment.column(scan.columns[position].attnum))
            for position in self._positions
        )

    def _batch(self, entry: Entry, found: Sequence[Found]) -> pa.RecordBatch:
        """The select list of the nearest rows of all segments."""
        if len(found) > 1:
            return self._merged(entry, found)
        distances, offsets = found[0]
        if entry.offset or len(offsets) > entry.stop:
            distances, offsets = (
                distances[entry.offset : entry.stop],
                offsets[entry.offset : entry.stop],
            )
        arrays = [
            pa.array(distances) if column is None else column.take(offsets) for column in entry.columns[0]
        ]
        return pa.RecordBatch.from_arrays(arrays, names=self._names)

    def _merged(self, entry: Entry, found: Sequence[Found]) -> pa.RecordBatch:
        distances = np.concatenate([part[0] for part in found])
        row_ids = np.concatenate([segment.row_ids[part[1]] for segment, part in zip(entry.segments, found)])
        order = np.lexsort((row_ids, distances))[entry.offset : entry.stop]
        arrays = []
        for position in range(len(self._names)):
            if entry.columns[0][position] is None:
                arrays.append(pa.array(distances[order]))
                continue
            of_segments = [columns[position] for columns in entry.columns]
            arrays.append(merged_column(of_segments, [part[1] for part in found], order))
        return pa.RecordBatch.from_arrays(arrays, names=self._names)


def _sealed_rows(segments: Sequence[SegmentView]) -> list[Hashable]:
    return [segment.stored_version for segment in segments if segment.segment_id]


def _put(entries: OrderedDict[_Key, _T], key: _Key, entry: _T) -> None:
    entries[key] = entry
    if len(entries) > _ENTRIES_MAX:
        entries.popitem(last=False)


def _deciding_parameters(node: VectorTopK) -> tuple[bound.Parameter, ...]:
    """The parameters of the filter, of LIMIT and of OFFSET."""
    clauses = [clause for clause in (node.filter, node.limit, node.offset) if clause is not None]
    found = {p for clause in clauses for p in bound.walk(clause) if isinstance(p, bound.Parameter)}
    return tuple(sorted(found, key=lambda parameter: parameter.index))


def _without_casts(query: bound.Expression, dimensions: int) -> bound.Expression:
    """A query vector without casts that leave vectors of the column's dimensions as they are: `$1::vector(384)`."""
    while isinstance(query, bound.CastExpression) and query.type.oid == VECTOR.oid:
        if query.type.typmod not in (-1, dimensions):
            break
        query = query.argument
    return query


def _is_plain_count(clause: bound.Expression | None) -> bool:
    """A LIMIT or OFFSET of a constant or a parameter, cast perhaps."""
    while isinstance(clause, bound.CastExpression):
        clause = clause.argument
    return clause is None or isinstance(clause, bound.Constant | bound.Parameter)


def _is_plain_target(expression: bound.Expression, node: VectorTopK) -> bool:
    """A column of the table, or the distance that is ordered by."""
    if isinstance(expression, bound.ColumnRef):
        return node.scan.columns[expression.position].attnum > 0
    return node.order.is_distance_itself and expression == node.sort_keys[0].expression


def _growth_of(segment: SegmentView, index_oid: int) -> Callable[[], bool]:
    """Tells whether the graph over rows in memory has not grown since; of rows on disk always."""
    if segment.segment_id != 0:
        return lambda: True
    rows = GROWING.covered_rows(segment, index_oid)
    return lambda: GROWING.covered_rows(segment, index_oid) == rows


def _deciding_settings(settings: SettingValues) -> tuple[Any, ...]:
    """Everything that the choice of index, strategy and beam reads of a session."""
    knobs = (*(knob for knob in KNOBS.values() if knob is not None), "quiver.target_recall")
    switches = ("enable_indexscan", "enable_seqscan")
    return (
        *((settings.get(name), settings.source(name)) for name in knobs),
        *(settings.get(name) for name in switches),
    )
