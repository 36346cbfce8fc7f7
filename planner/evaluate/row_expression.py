"""The expression of an index key over columns of rows, without a table or a session.

The expression is immutable and native, so its value for a row never changes while the columns it reads do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from foundation.errors import QuiverError
from foundation.sqltypes import SqlType, arrow_type
from planner.bound import Expression, RelationColumn
from planner.evaluate.expressions import evaluate
from planner.evaluate.frame import Frame
from planner.services import EvaluationContext


@dataclass(frozen=True, slots=True)
class BoundRowExpression:
    """`expression` refers to the row as relation `relation_id` with the columns `columns`; `attnums` are those it reads."""

    expression: Expression
    relation_id: int
    columns: tuple[RelationColumn, ...]
    attnums: tuple[int, ...]
    context: EvaluationContext

    @property
    def type(self) -> SqlType:
        return self.expression.sql_type

    def values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """(row_count,) values; `columns` are one array per attnum. Raises what the expression raises."""
        positions = {column.attnum: position for position, column in enumerate(self.columns)}
        arrays = {
            (self.relation_id, positions[attnum]): column
            for attnum, column in zip(self.attnums, columns, strict=True)
        }
        return evaluate(self.expression, Frame(row_count, arrays), self.context)

    def stored_values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """As `values`, of rows in the table: NULL where the expression raises.

        Such a row was dead before there was an index whose expression it could fail.
        """
        try:
            return self.values(columns, row_count)
        except QuiverError:
            # Per-row Python, 20 us a row.
            parts = [self._value_or_null([c.slice(row, 1) for c in columns]) for row in range(row_count)]
            return pa.concat_arrays(parts)

    def _value_or_null(self, row: Sequence[pa.Array]) -> pa.Array:
        try:
            return self.values(row, 1)
        except QuiverError:
            return pa.nulls(1, arrow_type(self.type))
