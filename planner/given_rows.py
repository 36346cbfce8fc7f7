"""Rows that are there already, as a query: what a part of a statement returned that ran before the rest of it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foundation.sqltypes import BOOL, arrow_type
from planner import bound
from planner.evaluate.constants import python_value
from planner.planning import plan_statement
from planner.services import ExecutionContext


def rows_as_query(query: bound.Query, context: ExecutionContext) -> bound.Query:
    """A query run; its rows as a VALUES list."""
    batches = list(plan_statement(query).execute(context).batches())
    return batches_as_query(batches, bound.output_columns(query))


def batches_as_query(
    batches: Sequence[pa.RecordBatch], columns: tuple[bound.RelationColumn, ...]
) -> bound.Query:
    """Rows as a VALUES list; a SELECT that returns nothing where there are none."""
    if not batches:
        targets = tuple(bound.Target(bound.Constant(None, c.type), c.name) for c in columns)
        return bound.Select(targets, where=bound.Constant(False, BOOL))
    arrays = [
        pa.concat_arrays([batch.column(i) for batch in batches]).cast(arrow_type(column.type))
        for i, column in enumerate(columns)
    ]
    rows = tuple(
        tuple(
            bound.Constant(python_value(array.slice(row, 1), column.type), column.type)
            for array, column in zip(arrays, columns)
        )
        for row in range(len(arrays[0]))
    )
    return bound.Values(rows, columns)
