"""Expressions of indexes over columns of rows, without a table or a session: keys, and predicates of partial indexes.

They are immutable and native, so the value for a row never changes while the columns they read do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import QuiverError
from foundation.sqltypes import SqlType, arrow_type
from planner.bound import Expression, RelationColumn
from planner.evaluate.expressions import evaluate, evaluate_condition
from planner.evaluate.frame import Frame
from planner.services import EvaluationContext

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _OverRow:
    """`expression` refers to the row as relation `relation_id` with the columns `columns`; `attnums` are those it reads."""

    expression: Expression
    relation_id: int
    columns: tuple[RelationColumn, ...]
    attnums: tuple[int, ...]
    context: EvaluationContext

    def frame(self, columns: Sequence[pa.Array], row_count: int) -> Frame:
        """The rows, of which `columns` are one array per attnum."""
        positions = {column.attnum: position for position, column in enumerate(self.columns)}
        arrays = {
            (self.relation_id, positions[attnum]): column
            for attnum, column in zip(self.attnums, columns, strict=True)
        }
        return Frame(row_count, arrays)


def _single_rows(columns: Sequence[pa.Array], row_count: int) -> list[list[pa.Array]]:
    return [[column.slice(row, 1) for column in columns] for row in range(row_count)]


@dataclass(frozen=True, slots=True)
class BoundRowExpression(_OverRow):
    """An index key. Implements `storage.key_specs.RowExpression`; `text` is how messages print it."""

    text: str = ""

    @property
    def type(self) -> SqlType:
        return self.expression.sql_type

    def values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """(row_count,) values; `columns` are one array per attnum. Raises what the expression raises."""
        return evaluate(self.expression, self.frame(columns, row_count), self.context)

    def stored_values(self, columns: Sequence[pa.Array], row_count: int) -> pa.Array:
        """As `values`, of rows in the table: NULL where the expression raises.

        Such a row was dead before there was an index whose expression it could fail.
        """
        try:
            return self.values(columns, row_count)
        except QuiverError:
            # Per-row Python, 20 us a row.
            return pa.concat_arrays([self._value_or_null(row) for row in _single_rows(columns, row_count)])

    def _value_or_null(self, row: Sequence[pa.Array]) -> pa.Array:
        try:
            return self.values(row, 1)
        except QuiverError:
            return pa.nulls(1, arrow_type(self.type))


@dataclass(frozen=True, slots=True)
class BoundPredicate(_OverRow):
    """The condition of a partial index. Implements `storage.key_specs.RowPredicate`."""

    def holds(self, columns: Sequence[pa.Array], row_count: int, *, is_stored: bool) -> Mask:
        try:
            return self._holds(columns, row_count)
        except QuiverError:
            if not is_stored:
                raise
        # Per-row Python, 20 us a row: only where a dead row is one that the predicate has no value for.
        rows = _single_rows(columns, row_count)
        return np.array([self._holds_or_fails(row) for row in rows], dtype=np.bool_)

    def _holds_or_fails(self, row: Sequence[pa.Array]) -> bool:
        try:
            return bool(self._holds(row, 1)[0])
        except QuiverError:
            return False

    def _holds(self, columns: Sequence[pa.Array], row_count: int) -> Mask:
        value = evaluate_condition(self.expression, self.frame(columns, row_count), self.context)
        mask: Mask = value.spread(row_count).fill_null(False).to_numpy(zero_copy_only=False)
        return mask
