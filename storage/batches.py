"""Batches of rows on their way into a table's write set."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foundation.errors import InternalError
from foundation.sqltypes import arrow_type
from storage.catalog import Column, Table

ROW_MARK = 0
"""The attnum under which rows of a table without columns are kept; no table has a column of this number."""


def marked_rows(row_count: int) -> pa.RecordBatch:
    """Rows of a table without columns: they have a mark, since Arrow keeps no number of rows where there are no columns."""
    return pa.RecordBatch.from_arrays([pa.nulls(row_count, pa.bool_())], names=[str(ROW_MARK)])


def checked_batch(table: Table, batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    """One RecordBatch with exactly the live columns, in attnum order.

    A wrong column set or type is a mistake of the layer above: InternalError (XX000).
    """
    batch = _one_batch(batch)
    live = table.live_columns()
    if not live:
        return marked_rows(len(batch))
    if batch.schema.names == [str(column.attnum) for column in live] and all(
        given == arrow_type(column.type) for given, column in zip(batch.schema.types, live)
    ):
        return batch
    missing = [column for column in live if str(column.attnum) not in batch.schema.names]
    if missing:
        raise InternalError(f'column "{missing[0].name}" of "{table.name}" is missing in a batch of rows')
    if batch.num_columns != len(live):
        raise InternalError(
            f'a batch of rows of "{table.name}" has {batch.num_columns} columns, not {len(live)}'
        )
    return _checked_columns(table, batch, live)


def checked_changes(
    table: Table, batch: pa.RecordBatch | pa.Table, changed: frozenset[int] | None
) -> pa.RecordBatch:
    """One RecordBatch with the columns of `changed` that the batch has (None = all it has), in attnum order."""
    batch = _one_batch(batch)
    wanted = [
        column
        for column in table.live_columns()
        if str(column.attnum) in batch.schema.names and (changed is None or column.attnum in changed)
    ]
    return _checked_columns(table, batch, wanted)


def _one_batch(batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    if not isinstance(batch, pa.Table):
        return batch
    pieces = batch.combine_chunks().to_batches()
    return pieces[0] if pieces else pa.RecordBatch.from_pylist([], schema=batch.schema)


def _checked_columns(table: Table, batch: pa.RecordBatch, wanted: Sequence[Column]) -> pa.RecordBatch:
    arrays = []
    for column in wanted:
        array, expected = batch.column(str(column.attnum)), arrow_type(column.type)
        if not array.type.equals(expected):
            raise InternalError(
                f'column "{column.name}" of "{table.name}" is {array.type} in place of {expected}'
            )
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=[str(column.attnum) for column in wanted])
