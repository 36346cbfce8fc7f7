"""Finding the rows an UPDATE or DELETE is about, with whatever values it computes for them.

One stored table and native expressions: segment by segment over Arrow columns. Otherwise one relational query
returns (row id, values ...); a row matched twice keeps its first values, as PostgreSQL leaves it open which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import INT8, SqlType, arrow_type
from planner import bound
from planner.evaluate import FilterSources, count_reads, evaluate, is_native, segment_frame, visible_rows
from planner.evaluate.system_columns import ROW_ID
from planner.relational.execution import run_query
from planner.services import ExecutionContext


@dataclass(frozen=True, slots=True)
class Matches:
    """Row ids (m,) uint64 ascending and unique, and one (m,) array per requested expression."""

    row_ids: npt.NDArray[np.uint64]
    values: list[pa.Array]

    def take(self, mask: npt.NDArray[np.bool_]) -> Matches:
        """Those under a mask (m,)."""
        keep = pa.array(mask)
        return Matches(self.row_ids[mask], [array.filter(keep) for array in self.values])


def merged_matches(left: Matches, right: Matches) -> Matches:
    """Two matches of different rows as one."""
    row_ids = np.concatenate([left.row_ids, right.row_ids])
    order = np.argsort(row_ids)
    values = [pa.concat_arrays([a, b]).take(pa.array(order)) for a, b in zip(left.values, right.values)]
    return Matches(row_ids[order], values)


def scan_with_row_id(scan: bound.TableScan) -> tuple[bound.TableScan, bound.ColumnRef]:
    """A scan with the row id (its 64 bits as int8) as its last column, and that column."""
    column = bound.ColumnRef(scan.relation_id, len(scan.columns), "row_id", INT8)
    return replace(scan, columns=(*scan.columns, bound.RelationColumn("row_id", INT8, ROW_ID))), column


def match_rows(
    target: bound.TableScan,
    others: bound.Relation | None,
    where: bound.Expression | None,
    values: Sequence[bound.Expression],
    *,
    ctes: tuple[bound.Cte, ...],
    context: ExecutionContext,
) -> Matches:
    """Rows of `target` for which `where` is TRUE (joined with `others`), and `values` computed for each."""
    expressions = [*values, *([where] if where is not None else [])]
    if others is None and not ctes and all(is_native(expression) for expression in expressions):
        return _match_natively(target, where, values, context)
    return _match_relationally(target, others, where, values, ctes=ctes, context=context)


def _match_natively(
    target: bound.TableScan,
    where: bound.Expression | None,
    values: Sequence[bound.Expression],
    context: ExecutionContext,
) -> Matches:
    ids: list[npt.NDArray[np.uint64]] = []
    columns: list[list[pa.Array]] = [[] for _ in values]
    view = context.scanned_table(target.table_oid)
    sources = FilterSources()
    for segment in view.segments:
        context.cancel_token.check()
        offsets = visible_rows(where, segment, target, context, sources).offsets()
        if not len(offsets):
            continue
        ids.append(segment.row_ids[offsets])
        frame = segment_frame(segment, target)
        if len(offsets) < segment.row_count:
            frame = frame.take(offsets)
        for column, expression in zip(columns, values, strict=True):
            context.cancel_token.check()
            column.append(evaluate(expression, frame, context))
    count_reads(sources, target.table_oid, view.row_count, context)
    return _merged(ids, columns, [expression.sql_type for expression in values])


def _merged(
    ids: Sequence[npt.NDArray[np.uint64]],
    columns: Sequence[Sequence[pa.Array]],
    types: Sequence[SqlType],
) -> Matches:
    """Matches of several pieces as one, by ascending row id, the first of equal ids kept."""
    row_ids = np.concatenate(ids) if ids else np.empty(0, dtype=np.uint64)
    arrays = [
        pa.chunked_array(list(chunks), arrow_type(sql_type)).combine_chunks()
        for chunks, sql_type in zip(columns, types, strict=True)
    ]
    unique, first = np.unique(row_ids, return_index=True)
    if len(unique) == len(row_ids) and np.array_equal(unique, row_ids):
        return Matches(row_ids, arrays)
    indices = pa.array(first, pa.int64())
    return Matches(unique, [array.take(indices) for array in arrays])


def _match_relationally(
    target: bound.TableScan,
    others: bound.Relation | None,
    where: bound.Expression | None,
    values: Sequence[bound.Expression],
    *,
    ctes: tuple[bound.Cte, ...],
    context: ExecutionContext,
) -> Matches:
    scan, row_id = scan_with_row_id(target)
    source: bound.Relation = scan
    if others is not None:
        source = bound.Join(bound.JoinKind.CROSS, scan, others)
    targets = [bound.Target(row_id, "row_id")]
    targets += [bound.Target(expression, f"value{i}") for i, expression in enumerate(values)]
    query = bound.Select(tuple(targets), source, where=where, ctes=ctes)
    ids: list[npt.NDArray[np.uint64]] = []
    columns: list[list[pa.Array]] = [[] for _ in values]
    for batch in run_query(query, context):
        ids.append(np.asarray(batch.column(0)).view(np.uint64))
        for index, column in enumerate(columns):
            column.append(batch.column(index + 1))
    return _merged(ids, columns, [expression.sql_type for expression in values])
