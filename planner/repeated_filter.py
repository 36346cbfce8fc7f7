"""Queries of the few rows that btree indexes find, executed over and over with other values.

`SELECT columns FROM t WHERE user_id = $1 [AND ...] [ORDER BY columns] [LIMIT n]`, or count(*) of them. The plan says which tests
of columns are made; an execution is some binary searches for each segment (`planner.btree`), the rest of the filter for
the rows found, and their columns. Rows in memory are scanned while they are few.

Only conditions whose evaluation asks nothing of a session run here: tests of columns against parameters and constants, under
AND and OR. Whatever else, and whatever an index does not serve or finds many rows for, is left to the plan.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from foundation.bitset import RowOffsets, offsets_from_bits
from foundation.errors import AdminShutdown, InternalError, QueryCanceled, QuiverError
from foundation.memory import MemoryBudget
from planner import bound
from planner.access_paths import key_path
from planner.btree.candidates import Candidates, indexed_candidates
from planner.btree.conditions import column_test
from planner.btree.indexed_columns import indexed_attnums
from planner.evaluate import SortColumn, sort_offsets
from planner.evaluate.filters import FilterSources, candidates_in, is_counted, true_offsets
from planner.evaluate.frame import segment_frame
from planner.limits import row_range
from planner.nodes import CountRows, KeyLookup, Limit, Node, SeqScan, Sort
from planner.planning import NativePlan, Plan
from planner.repeated_reads import Read, TakesLong
from planner.row_selection import RowSelection
from planner.services import EvaluationContext, ExecutionContext

if TYPE_CHECKING:
    from storage import SegmentView
    from storage.catalog import Catalog

ROWS_MAX = 4096
"""More rows than this are many: the plan streams them."""

SHORT_ROWS_MAX = 512
"""Rows that are read, filtered and sorted in about a millisecond, while others wait."""

SCANNED_ROWS_MAX = 16_384
"""Rows of a segment without an index file that are compared one after the other."""

_SCANNED_PER_READ = 32
"""So many of these take as long as a row that an index finds."""


class _Nobody:
    """In place of codecs, session and memory budget: what runs here asks nothing of them."""

    def __getattr__(self, name: str) -> Any:
        raise InternalError(f"a repeated filter asked for {name}")


_NOBODY: Any = _Nobody()


class RepeatedFilter:
    """The executions of one plan: a `RepeatedRead`."""

    def __init__(self, plan: NativePlan, source: SeqScan, limit: Limit | None, sort: Sort | None) -> None:
        assert source.filter is not None
        self.table_oid = source.scan.table_oid
        self._source = source
        self._filter = source.filter
        self._limit = limit
        self._keys = () if sort is None else sort.keys
        self._is_count = isinstance(plan.node, CountRows)
        self._positions = [
            t.expression.position for t in plan.targets if isinstance(t.expression, bound.ColumnRef)
        ]
        self._names = [f"c{i}" for i in range(len(plan.targets))]
        self._indexed: tuple[Catalog, dict[int, int]] | None = None
        self._read = frozenset[Hashable]()
        """The sealed segments whose columns have been read, and so verified."""

    @classmethod
    def of(cls, plan: Plan) -> RepeatedFilter | None:
        """None for a plan that does more than test, order by and show columns of a table."""
        if not isinstance(plan, NativePlan) or plan.has_subqueries:
            return None
        node: Node = plan.node
        limit = node if isinstance(node, Limit) else None
        node = node if limit is None else limit.source
        sort = node if isinstance(node, Sort) else None
        source = node.source if isinstance(node, Sort | CountRows) else node
        if not isinstance(source, SeqScan) or source.filter is None or not _is_plain(source.filter):
            return None
        shown = [] if isinstance(plan.node, CountRows) else [t.expression for t in plan.targets]
        keys = [] if sort is None else [key.expression for key in sort.keys]
        clauses = [] if limit is None else [c for c in (limit.limit, limit.offset) if c is not None]
        if not all(_is_column(expression, source.scan) for expression in (*shown, *keys)):
            return None
        if not plan.targets or not all(isinstance(c, bound.Constant | bound.Parameter) for c in clauses):
            return None
        return cls(plan, source, limit, sort)

    def run(self, read: Read, *, time_ms: float | None = None) -> pa.RecordBatch | None:
        """See `RepeatedRead`."""
        indexed = self._served(read.catalog)
        if not indexed or not read.settings.boolean("enable_indexscan"):
            return None
        segments = sorted((s for s in read.view.segments if s.row_count), key=_first_row_id)
        sealed = frozenset(segment.rows_uid for segment in segments if segment.segment_id > 0)
        if time_ms is not None and not sealed <= self._read:
            raise TakesLong
        try:
            context = _context(read)
            found = [
                indexed_candidates(self._filter, segment, self._source.scan, indexed, context)
                for segment in segments
            ]
            row_count = self._rows_to_read(segments, found)
            if row_count > ROWS_MAX or not any(found):
                return None
            if time_ms is not None and row_count > SHORT_ROWS_MAX:
                raise TakesLong
            if self._is_count:
                batch = self._counted(segments, found, context)
            else:
                parts = [self._rows(*each, context) for each in zip(segments, found, strict=True)]
                batch = self._shown(segments, parts, context)
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            return None  # It comes again when the plan is executed.
        self._read = sealed
        sources = FilterSources()
        for candidates in found:
            if candidates is not None:
                sources.count_candidates(candidates)
        for index_oid, rows in sources.index_rows.items():
            read.activity.count_index_scan(index_oid, rows)
        return batch

    def preparation_ms(self, read: Read) -> float:
        return 0.0

    def prepare(self, context: ExecutionContext) -> bool:
        """Nothing needs to be."""
        return True

    def _served(self, catalog: Catalog) -> dict[int, int]:
        """The indexed columns of the table; none where the filter pins a unique key, which finds a row sooner."""
        found = self._indexed
        if found is None or found[0] is not catalog:
            has_key = isinstance(key_path(self._source, catalog), KeyLookup)
            found = (catalog, {} if has_key else indexed_attnums(catalog, self.table_oid))
            self._indexed = found
        return found[1]

    def _rows_to_read(self, segments: Sequence[SegmentView], found: Sequence[Candidates | None]) -> float:
        """How many rows are looked at singly; infinity where a long scan is needed. Rows in memory count a little."""
        rows = 0.0
        for segment, candidates in zip(segments, found, strict=True):
            if candidates is None:
                is_short = segment.row_count <= SCANNED_ROWS_MAX
                rows += segment.row_count / _SCANNED_PER_READ if is_short else math.inf
            elif not (self._is_count and is_counted(candidates, segment)):
                rows += candidates.count
        return rows

    def _rows(
        self, segment: SegmentView, candidates: Candidates | None, context: EvaluationContext
    ) -> RowOffsets:
        """The visible rows of a segment for which the filter is TRUE."""
        context.cancel_token.check()
        if candidates is not None:
            return candidates_in(candidates, segment, self._source.scan, context)
        visible = offsets_from_bits(segment.visible_bits, segment.row_count)
        frame = segment_frame(segment, self._source.scan)
        if len(visible) < segment.row_count:
            frame = frame.take(visible)
        return visible[true_offsets(self._filter, frame, context)]

    def _counted(
        self,
        segments: Sequence[SegmentView],
        found: Sequence[Candidates | None],
        context: EvaluationContext,
    ) -> pa.RecordBatch:
        total = 0
        for segment, candidates in zip(segments, found, strict=True):
            if candidates is not None and is_counted(candidates, segment):
                total += candidates.count
            else:
                total += len(self._rows(segment, candidates, context))
        counts = [pa.array([total], pa.int64())] * len(self._names)
        return pa.RecordBatch.from_arrays(counts, names=self._names)

    def _shown(
        self, segments: Sequence[SegmentView], parts: list[RowOffsets], context: EvaluationContext
    ) -> pa.RecordBatch:
        used = [i for i, part in enumerate(parts) if len(part)]
        rows = RowSelection.of_parts([segments[i] for i in used], [parts[i] for i in used])
        scan = self._source.scan
        if self._keys and len(rows) > 1:
            rows = rows.take(sort_offsets([_sort_column(key, rows, scan) for key in self._keys], len(rows)))
        if self._limit is not None:
            wanted = row_range(self._limit.limit, self._limit.offset, context)
            rows = rows.slice(wanted.offset, len(rows) if wanted.stop is None else wanted.stop)
        columns = [rows.column(scan, position) for position in self._positions]
        return pa.RecordBatch.from_arrays(columns, names=self._names)


def _context(read: Read) -> EvaluationContext:
    return EvaluationContext(
        settings=read.settings,
        cancel_token=read.cancel,
        memory=cast(MemoryBudget, _NOBODY),
        codecs=_NOBODY,
        session=_NOBODY,
        parameters=read.parameters,
    )


def _first_row_id(segment: SegmentView) -> int:
    """Segments in the order in which the plan reads them."""
    return int(segment.row_ids[0])


def _sort_column(key: bound.SortKey, rows: RowSelection, scan: bound.TableScan) -> SortColumn:
    assert isinstance(key.expression, bound.ColumnRef)
    values = rows.column(scan, key.expression.position)
    return SortColumn(values, key.expression.type, key.is_descending, key.nulls_first)


def _is_plain(node: bound.Expression) -> bool:
    """Tests of columns against parameters and constants, under AND and OR."""
    if isinstance(node, bound.BoolExpression):
        return all(map(_is_plain, node.arguments))
    test = column_test(node)
    return test is not None and all(isinstance(o, bound.Constant | bound.Parameter) for o in test.operand)


def _is_column(expression: bound.Expression, scan: bound.TableScan) -> bool:
    """A column of the table itself, no system column."""
    if not isinstance(expression, bound.ColumnRef) or expression.relation_id != scan.relation_id:
        return False
    return scan.columns[expression.position].attnum > 0
