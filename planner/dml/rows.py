"""Rows on their way into a table: complete batches of live columns, and rows looked up by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import SqlType, arrow_type
from planner.services import EvaluationContext, ExecutionContext
from storage.catalog import Table

RowIds = npt.NDArray[np.uint64]


def table_batch(table: Table, columns: Mapping[int, pa.Array], row_count: int) -> pa.RecordBatch:
    """A batch of all live columns named by str(attnum); columns not given are NULL."""
    live = table.live_columns()
    arrays = []
    for column in live:
        array = columns.get(column.attnum)
        arrays.append(pa.nulls(row_count, arrow_type(column.type)) if array is None else array)
    if not arrays:
        return pa.RecordBatch.from_arrays([pa.nulls(row_count)], names=["row"]).select([])
    return pa.RecordBatch.from_arrays(arrays, names=[str(column.attnum) for column in live])


def assigned(array: pa.Array, source: SqlType, target: SqlType, context: EvaluationContext) -> pa.Array:
    """A value column as the target column stores it: length rules of an assignment applied.

    Raises:
        QuiverError: 22001, 22003, 22000 where the value does not fit the column's typmod.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if source.oid == target.oid and source.typmod != target.typmod and target.typmod >= 0:
        array = context.codecs.coerce_typmod(array, source, target, explicit=False)
    wanted = arrow_type(target)
    return array if array.type == wanted else array.cast(wanted)


def take_rows(
    context: ExecutionContext, table_oid: int, row_ids: RowIds, attnums: Sequence[int]
) -> dict[int, pa.Array]:
    """Columns of visible rows by id, in the order of `row_ids` (every id must exist)."""
    return context.transaction.table_view(table_oid).take(row_ids, attnums)
