"""Making a table's rows those of a query by changing what differs, as REFRESH MATERIALIZED VIEW CONCURRENTLY does.

The rows of a unique index's key stand for each other. A row that is there already is left alone, and so are the graphs
over it; one of whose columns only scalar ones differ is updated in place; the rest is deleted and inserted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import offsets_from_bits
from foundation.sqltypes import is_of_vector_extension
from planner.dml.rows import RowIds, table_batch, take_rows
from planner.dml.same_values import same_values
from planner.services import ExecutionContext
from storage.catalog import Index, Table
from storage.idset import IdSet

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True)
class _Difference:
    """What is to be done; nothing is while the query runs."""

    matched: IdSet = field(default_factory=IdSet)
    kept: list[RowIds] = field(default_factory=list)
    changed: list[tuple[RowIds, pa.RecordBatch]] = field(default_factory=list)
    changed_attnums: set[int] = field(default_factory=set)
    added: list[pa.RecordBatch] = field(default_factory=list)
    size_bytes: int = 0


def replace_rows(
    table: Table,
    index: Index,
    batches: Iterable[pa.RecordBatch],
    context: ExecutionContext,
    *,
    bytes_max: int,
) -> bool:
    """Make the rows of a table, which nobody else changes meanwhile, those of a query.

    Args:
        index: a unique index of columns, without a predicate.
        batches: the query's rows, whose columns are the table's in order.
        bytes_max: how much of rows that differ is held in memory.

    Returns:
        False, with nothing done, when more than that differs.

    Raises:
        UniqueViolation: 23505, the query's rows do not have unique keys. QuiverError: what the query raises.
    """
    attnums = [column.attnum for column in table.live_columns()]
    difference = _Difference()
    for batch in batches:
        context.cancel_token.check()
        columns = dict(zip(attnums, batch.columns, strict=True))
        _compare(table, index, table_batch(table, columns, batch.num_rows), context, difference)
        if difference.size_bytes > bytes_max:
            return False
    _apply(table, context, difference)
    return True


def _compare(
    table: Table, index: Index, batch: pa.RecordBatch, context: ExecutionContext, difference: _Difference
) -> None:
    """Note what is to be done about the query's next rows."""
    row_ids = context.transaction.lookup_key(index.oid, batch.select([str(a) for a in index.key_attnums()]))
    # A key for the second time is to fail as an insertion.
    is_first = np.zeros(len(row_ids), dtype=np.bool_)
    is_first[np.unique(row_ids, return_index=True)[1]] = True
    is_matched = is_first & (row_ids != 0) & ~difference.matched.contains(row_ids)
    places = np.flatnonzero(is_matched)
    row_ids = row_ids[places]
    matched = batch.take(pa.array(places))
    is_same, is_patch = _compared(table, matched, row_ids, context, difference)
    difference.matched.add(row_ids)
    difference.kept.append(row_ids[is_same | is_patch])
    if is_patch.any():
        patch = matched.filter(pa.array(is_patch))
        difference.changed.append((row_ids[is_patch], patch))
        difference.size_bytes += patch.nbytes
    is_added = ~is_matched
    is_added[places[~(is_same | is_patch)]] = True
    if is_added.any():
        added = batch.filter(pa.array(is_added))
        difference.added.append(added)
        difference.size_bytes += added.nbytes


def _compared(
    table: Table, matched: pa.RecordBatch, row_ids: RowIds, context: ExecutionContext, difference: _Difference
) -> tuple[Mask, Mask]:
    """Rows that are there as they are, and rows that are there but for scalar columns."""
    is_same = np.ones(len(row_ids), dtype=np.bool_)
    has_vectors = is_same.copy()
    attnums = [column.attnum for column in table.live_columns()]
    stored = take_rows(context, table.oid, row_ids, attnums)
    differing: dict[int, Mask] = {}
    for column in table.live_columns():
        same = same_values(matched.column(str(column.attnum)), stored[column.attnum])
        if is_of_vector_extension(column.type):
            has_vectors &= same
        elif not same.all():
            differing[column.attnum] = ~same
        is_same &= same
    is_patch = has_vectors & ~is_same
    difference.changed_attnums |= {attnum for attnum, mask in differing.items() if (mask & is_patch).any()}
    return is_same, is_patch


def _apply(table: Table, context: ExecutionContext, difference: _Difference) -> None:
    """Deletions come first: a key may go from one row to another."""
    transaction = context.transaction
    segments = transaction.table_view(table.oid).segments
    stored = [s.row_ids[offsets_from_bits(s.visible_bits, s.row_count)] for s in segments]
    gone = np.setdiff1d(_joined(stored), _joined(difference.kept))
    if len(gone):
        transaction.delete(table.oid, gone)
    if difference.changed:
        row_ids = np.concatenate([ids for ids, _ in difference.changed])
        names = [str(attnum) for attnum in sorted(difference.changed_attnums)]
        rows = pa.Table.from_batches([batch.select(names) for _, batch in difference.changed])
        transaction.update(table.oid, row_ids, rows)
    for batch in difference.added:
        transaction.insert(table.oid, batch)
    added = sum(batch.num_rows for batch in difference.added)
    updated = sum(len(ids) for ids, _ in difference.changed)
    transaction.activity.count_changes(table.oid, inserted=added, updated=updated, deleted=len(gone))


def _joined(parts: list[RowIds]) -> RowIds:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)
