"""Batches of complete rows on their way into a table's write set."""

from __future__ import annotations

import pyarrow as pa

from foundation.errors import InternalError
from foundation.sqltypes import arrow_type
from storage.catalog import Table


def checked_batch(table: Table, batch: pa.RecordBatch | pa.Table) -> pa.RecordBatch:
    """One RecordBatch with exactly the live columns, in attnum order.

    A wrong column set or type is a mistake of the layer above: InternalError (XX000).
    """
    if isinstance(batch, pa.Table):
        pieces = batch.combine_chunks().to_batches()
        batch = pieces[0] if pieces else pa.RecordBatch.from_pylist([], schema=batch.schema)
    live = table.live_columns()
    if batch.schema.names == [str(column.attnum) for column in live] and all(
        given == arrow_type(column.type) for given, column in zip(batch.schema.types, live)
    ):
        return batch
    columns = []
    for column in live:
        position = batch.schema.get_field_index(str(column.attnum))
        expected = arrow_type(column.type)
        if position < 0:
            raise InternalError(f'column "{column.name}" of "{table.name}" is missing in a batch of rows')
        if not batch.column(position).type.equals(expected):
            actual = batch.column(position).type
            raise InternalError(
                f'column "{column.name}" of "{table.name}" is {actual} in place of {expected}'
            )
        columns.append(batch.column(position))
    if batch.num_columns != len(live):
        raise InternalError(
            f'a batch of rows of "{table.name}" has {batch.num_columns} columns, not {len(live)}'
        )
    return pa.RecordBatch.from_arrays(columns, names=[str(column.attnum) for column in live])
