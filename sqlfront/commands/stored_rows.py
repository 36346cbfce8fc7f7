"""Values for a column of rows that exist already.

https://www.postgresql.org/docs/15/sql-altertable.html, Notes: a default that is the same for all rows costs
nothing (the column's missing value); anything else gives every row a value of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from foundation.bitset import offsets_from_bits
from foundation.errors import NotNullViolation
from sqlfront.commands.context import CommandContext
from storage.catalog import Column, Table
from storage.rows import RowIds

ValuesOf = Callable[[pa.RecordBatch], pa.Array]
"""(n) rows, columns named by str(attnum) -> (n,) values of the column at hand."""


def has_rows(context: CommandContext, table: Table) -> bool:
    """Whether the transaction sees any row of a table."""
    return context.transaction.table_view(table.oid).row_count > 0


def visible_rows(
    context: CommandContext, table: Table, attnums: list[int]
) -> Iterator[tuple[RowIds, pa.RecordBatch]]:
    """Row ids and columns of all visible rows, segment by segment, as the table was at the call."""
    for segment in context.transaction.table_view(table.oid).segments:
        offsets = offsets_from_bits(segment.visible_bits, segment.row_count)
        if len(offsets):
            yield segment.row_ids[offsets], segment.take(attnums, offsets)


def fill_column(context: CommandContext, table: Table, column: Column, values_of: ValuesOf) -> None:
    """Give every existing row a value of a column that has been added.

    Raises:
        NotNullViolation: 23502 `column "c" of relation "t" contains null values`. Whatever `values_of` raises.
    """
    context.transaction.expect_unchanged(table.oid)
    others = [other.attnum for other in table.live_columns() if other.attnum != column.attnum]
    for row_ids, batch in list(visible_rows(context, table, others)):
        values = values_of(batch)
        if column.not_null and values.null_count:
            raise null_values(table, column)
        filled = pa.RecordBatch.from_arrays([values], names=[str(column.attnum)])
        context.transaction.update(table.oid, row_ids, filled)


def null_values(table: Table, column: Column) -> NotNullViolation:
    """The error of NOT NULL over rows that have NULL there."""
    return NotNullViolation(
        f'column "{column.name}" of relation "{table.name}" contains null values',
        table=table.name,
        schema_oid=table.schema_oid,
        column=column.name,
    )
