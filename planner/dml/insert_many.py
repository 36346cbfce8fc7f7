"""INSERT ... VALUES of one row of parameters, executed for many sets of parameters as one change.

The parameters come as columns; the row's expressions, in which each $n has become a column, are evaluated over them
once. What a row gets does not depend on how many are inserted with it, so the outcome is that of executing the
statement once for every set: volatile functions and defaults are evaluated for each row, and a failure undoes all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from planner import bound
from planner.dml.insert import insert_source
from planner.dml.result import atomically
from planner.evaluate import Frame, evaluate, is_native
from planner.evaluate.rewriting import rewrite
from planner.services import ExecutionContext

PARAMETERS = -2
"""The relation that the columns of parameters are in the rewritten expressions."""


@dataclass(frozen=True, slots=True)
class RowTemplate:
    """The row of an INSERT over columns of parameters."""

    statement: bound.Insert
    row: tuple[bound.Expression, ...]

    @classmethod
    def of(cls, statement: bound.Insert) -> RowTemplate | None:
        """None for what has to be executed set by set: rows that are told or may conflict, sub-queries."""
        source = statement.source
        if not isinstance(source, bound.Values) or len(source.rows) != 1:
            return None
        if source.order_by or source.limit is not None or source.offset is not None or source.ctes:
            return None
        if statement.returning or statement.on_conflict is not None or statement.ctes:
            return None
        if not all(is_native(item) for item in source.rows[0]):
            return None
        return cls(statement, tuple(rewrite(item, _column_of_parameter) for item in source.rows[0]))

    def run(self, parameters: Sequence[pa.Array], count: int, context: ExecutionContext) -> bool:
        """Insert `count` rows.

        Args:
            parameters: (count,) columns of the parameters' Arrow types, in $n order.

        Returns:
            False, with nothing done, where a row may refer to another one: then it matters that the rows before it
            are there, and those behind it are not.

        Raises:
            As `run_insert`, for any of the rows. Nothing is inserted then.
        """
        if self._refers_to_itself(context):
            return False
        frame = Frame(count, {(PARAMETERS, number): column for number, column in enumerate(parameters)})

        def insert() -> int:
            columns = [evaluate(expression, frame, context) for expression in self.row]
            return insert_source(self.statement, columns, count, context).row_count

        inserted = atomically(context, insert)
        context.transaction.activity.count_changes(self.statement.table_oid, inserted=inserted)
        return True

    def _refers_to_itself(self, context: ExecutionContext) -> bool:
        table_oid = self.statement.table_oid
        keys = context.transaction.catalog.foreign_keys_to(table_oid)
        return any(key.table_oid == table_oid for key in keys)


def _column_of_parameter(node: object) -> bound.ColumnRef | None:
    if not isinstance(node, bound.Parameter):
        return None
    return bound.ColumnRef(PARAMETERS, node.index, f"${node.index + 1}", node.type)
