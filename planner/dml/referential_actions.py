"""CASCADE, SET NULL and SET DEFAULT: what happens to the rows that reference a key that is removed.

The rows are found in the current state and changed as a statement would change them: generated columns are computed
again, NOT NULL, CHECK and keys hold, and the change is noted so that it is checked and cascades in turn.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foundation.errors import NumericValueOutOfRange
from foundation.sqltypes import SqlType, arrow_type, format_type
from planner.dml.foreign_keys import KeySides, Positions, key_columns, locked_referencing_rows
from planner.dml.key_types import converted
from planner.dml.rows import assigned
from planner.dml.rules import updated_rows
from planner.evaluate import Frame, evaluate
from planner.services import ExecutionContext
from storage.catalog import ReferentialAction
from storage.changes import RowChange
from storage.lock_modes import RowStrength, TableMode
from storage.rows import RowIds


def run_action(
    action: ReferentialAction, sides: KeySides, removed: RowChange, context: ExecutionContext
) -> None:
    """Change or delete the rows that reference the keys `removed` had before."""
    context.transaction.locks.lock_table(sides.referencing, TableMode.ROW_EXCLUSIVE)
    positions, row_ids = _found_rows(sides, removed, context)
    if not len(row_ids):
        return
    if action is ReferentialAction.CASCADE and removed.new_ids is None:
        context.transaction.delete(sides.referencing.oid, row_ids)
        return
    if action is ReferentialAction.CASCADE:
        values = _cascaded(sides, removed, positions, context)
    else:
        attnums = sides.foreign_key.attnums
        if removed.new_ids is None and sides.foreign_key.set_attnums:
            attnums = sides.foreign_key.set_attnums
        values = _nulls_or_defaults(action, sides, attnums, len(row_ids), context)
    _rewrite(sides, row_ids, values, context)


def _found_rows(sides: KeySides, removed: RowChange, context: ExecutionContext) -> tuple[Positions, RowIds]:
    """(position in `removed`, referencing row id) of each row once, by ascending id, locked to be changed."""
    columns = key_columns(removed.before, sides.foreign_key.referenced_attnums)
    positions, row_ids = locked_referencing_rows(sides, columns, RowStrength.UPDATE, context)
    unique, first = np.unique(row_ids, return_index=True)
    context.transaction.see_rows(sides.referencing.oid, unique)
    return positions[first], unique


def _cascaded(
    sides: KeySides, removed: RowChange, positions: Positions, context: ExecutionContext
) -> dict[int, pa.Array]:
    """The referenced rows' new keys, as the referencing columns store them."""
    key = sides.foreign_key
    indices = pa.array(positions)
    columns = [column.take(indices) for column in key_columns(removed.after, key.referenced_attnums)]
    values = {}
    for attnum, source, column in zip(key.attnums, sides.referenced_types, columns, strict=True):
        target = sides.referencing.column_at(attnum).type
        values[attnum] = _assigned_key(column, source, target, context)
    return values


def _assigned_key(column: pa.Array, source: SqlType, target: SqlType, context: ExecutionContext) -> pa.Array:
    """New keys in the referencing column's type. Raises 22001, 22003 where they do not fit."""
    there = converted(column, source, target)
    if there.null_count > column.null_count:
        raise NumericValueOutOfRange(f"{format_type(target.without_typmod())} out of range")
    return assigned(there, target.without_typmod(), target, context)


def _nulls_or_defaults(
    action: ReferentialAction,
    sides: KeySides,
    attnums: tuple[int, ...],
    row_count: int,
    context: ExecutionContext,
) -> dict[int, pa.Array]:
    table = sides.referencing
    values = {attnum: pa.nulls(row_count, arrow_type(table.column_at(attnum).type)) for attnum in attnums}
    if action is ReferentialAction.SET_DEFAULT:
        for attnum, expression in context.session.column_defaults(table.oid):
            if attnum in values:
                array = evaluate(expression, Frame(row_count), context)
                values[attnum] = assigned(array, expression.sql_type, table.column_at(attnum).type, context)
    return values


def _rewrite(
    sides: KeySides, row_ids: RowIds, values: dict[int, pa.Array], context: ExecutionContext
) -> None:
    table = sides.referencing
    changed, _ = updated_rows(context.session.table_rules(table.oid), table, row_ids, values, context)
    context.transaction.update(table.oid, row_ids, changed)
