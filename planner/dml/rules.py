"""What every new row goes through before it is stored: stored generated columns, then CHECK constraints.

Both work on whole batches of complete rows. Of several violations the one in the first row is reported, and in
one row a NULL in a NOT NULL column comes before a CHECK, as PostgreSQL checks row by row (ExecConstraints).
"""

from __future__ import annotations

from collections.abc import Iterator, Set

import numpy as np
import pyarrow as pa

from foundation.sqltypes import arrow_type
from planner import bound
from planner.dml.returning import Columns, returned_rows, table_columns
from planner.dml.rows import assigned
from planner.services import ExecutionContext
from storage.catalog import Table
from storage.constraints import check_violation, first_null

ALL_COLUMNS: Set[int] | None = None
"""As `changed`: the rows are new, every column is."""


def generated_attnums(rules: bound.TableRules | None) -> frozenset[int]:
    """The stored generated columns: any update may change them."""
    return frozenset(attnum for attnum, _ in rules.generated) if rules is not None else frozenset()


def with_generated(
    rules: bound.TableRules | None,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    changed: Set[int] | None = ALL_COLUMNS,
) -> pa.RecordBatch:
    """The batch with its generated columns computed.

    Args:
        rules: of the table; None = it has none.
        batch: (n) complete rows, columns named by str(attnum).
        changed: attnums that an UPDATE assigns; a column none of whose inputs is among them keeps its values.

    Raises:
        QuiverError: what an expression raises; 22001, 22003, 22000 where a value does not fit its column.
    """
    due = [] if rules is None else [
        (attnum, expression)
        for attnum, expression in rules.generated
        if changed is None or attnum in changed or not changed.isdisjoint(read_attnums(rules, expression))
    ]  # fmt: skip
    if rules is None or not due:
        return batch
    given = _rule_columns(rules, table, batch)
    arrays = {int(name): batch.column(name) for name in batch.schema.names}
    for attnum, expression in due:
        (values,) = _evaluated([expression], given, batch.num_rows, context)
        arrays[attnum] = assigned(values, expression.sql_type, table.column_at(attnum).type, context)
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=[str(attnum) for attnum in arrays])


def check_rows(
    rules: bound.TableRules | None, table: Table, batch: pa.RecordBatch, context: ExecutionContext
) -> None:
    """Check complete rows against NOT NULL and the CHECK constraints.

    Raises:
        CheckViolation: 23514, for the first row that violates a constraint, of several constraints the first
            in name order. A row with a forbidden NULL ends the check: storage refuses it (23502).
        QuiverError: what a condition raises.
    """
    if rules is None or not rules.checks:
        return
    null_row = first_null(table, batch)
    if null_row is not None:
        batch = batch.slice(0, null_row[0])
    found = first_violation(rules, table, batch, context)
    if found is not None:
        row, name = found
        raise check_violation(table, name, batch, row, context.storage.options.value_encoder)


def first_violation(
    rules: bound.TableRules, table: Table, batch: pa.RecordBatch, context: ExecutionContext
) -> tuple[int, str] | None:
    """The first row that violates a CHECK and the constraint's name; None when all rows pass."""
    if not batch.num_rows:
        return None
    columns = _rule_columns(rules, table, batch)
    conditions = [check.condition for check in rules.checks]
    worst: tuple[int, str] | None = None
    for check, passes in zip(rules.checks, _evaluated(conditions, columns, batch.num_rows, context)):
        context.cancel_token.check()
        if passes.false_count:
            fails = np.logical_not(passes.fill_null(True).to_numpy(zero_copy_only=False))
            row = int(np.argmax(fails))
            if worst is None or row < worst[0]:
                worst = (row, check.name)
    return worst


def row_values(
    rules: bound.TableRules,
    table: Table,
    batch: pa.RecordBatch,
    expression: bound.Expression,
    context: ExecutionContext,
) -> pa.Array:
    """(n,) values of an expression over n rows; `batch` has at least the columns it reads, named by str(attnum)."""
    columns = _rule_columns(rules, table, batch)
    (values,) = _evaluated([expression], columns, batch.num_rows, context)
    return values


def read_attnums(rules: bound.TableRules, expression: bound.Expression) -> frozenset[int]:
    """Attnums of the columns that a rule's expression reads."""
    return frozenset(
        rules.columns[node.position].attnum
        for node in bound.walk(expression)
        if isinstance(node, bound.ColumnRef) and node.relation_id == rules.relation_id
    )


def _rule_columns(rules: bound.TableRules, table: Table, batch: pa.RecordBatch) -> Columns:
    """The rows as the rules' expressions refer to them."""
    values = {int(name): batch.column(name) for name in batch.schema.names}
    no_ids = np.zeros(batch.num_rows, dtype=np.uint64)
    return table_columns(rules.relation_id, rules.columns, values, row_ids=no_ids, table_oid=table.oid)


def _evaluated(
    expressions: list[bound.Expression], columns: Columns, row_count: int, context: ExecutionContext
) -> Iterator[pa.Array]:
    """One (row_count,) array per expression, in order; each is computed when it is asked for."""
    for expression in expressions:
        batches = returned_rows((bound.Target(expression, "rule"),), columns, row_count, context)
        pieces = [batch.column(0) for batch in batches]
        yield pa.chunked_array(pieces, arrow_type(expression.sql_type)).combine_chunks()
