"""What every new row goes through: stored generated columns, domains, CHECKs, index expressions, CHECK OPTION of views.

All work on whole batches. Of several violations the one in the first row is reported, and in
one row a NULL in a NOT NULL column comes before a CHECK, as PostgreSQL checks row by row (ExecConstraints).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set

import numpy as np
import pyarrow as pa

from foundation.errors import QuiverError
from foundation.sqltypes import arrow_type
from planner import bound
from planner.dml.index_limits import check_sparse_elements, limited_attnums
from planner.dml.returning import Columns, returned_rows, table_columns
from planner.dml.rows import RowIds, assigned, take_rows
from planner.errors import WithCheckOptionViolation
from planner.evaluate.domains import DomainFailure, domain_failure
from planner.partitions.routing import first_misplaced, key_attnums_above, misplaced_row
from planner.services import ExecutionContext
from storage.catalog import Table
from storage.constraints import check_violation, failing_row, first_null
from storage.revisions import completed

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
        batch: (n) rows with the columns that expressions read, named by str(attnum).
        changed: attnums that an UPDATE assigns; a column none of whose inputs is among them keeps its values.

    Raises:
        QuiverError: what an expression raises; 22001, 22003, 22000 where a value does not fit its column.
    """
    due = _due_columns(rules, changed)
    if rules is None or not due:
        return batch
    given = _rule_columns(rules, table, batch, [expression for _, expression in due])
    arrays = {int(name): batch.column(name) for name in batch.schema.names}
    for attnum, expression in due:
        (values,) = _evaluated([expression], given, batch.num_rows, context)
        arrays[attnum] = assigned(values, expression.sql_type, table.column_at(attnum).type, context)
    return pa.RecordBatch.from_arrays(list(arrays.values()), names=[str(attnum) for attnum in arrays])


def _due_columns(
    rules: bound.TableRules | None, changed: Set[int] | None
) -> list[tuple[int, bound.Expression]]:
    """The generated columns that have to be computed when the columns `changed` get new values."""
    return [] if rules is None else [
        (attnum, expression)
        for attnum, expression in rules.generated
        if changed is None or attnum in changed or not changed.isdisjoint(read_attnums(rules, expression))
    ]  # fmt: skip


def updated_rows(
    rules: bound.TableRules | None,
    table: Table,
    row_ids: RowIds,
    values: Mapping[int, pa.Array],
    context: ExecutionContext,
    *,
    returned: Set[int] = frozenset(),
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """What an update makes of stored rows, checked; columns that nothing reads are not touched.

    Args:
        rules: of the table; None = it has none.
        table: the table.
        row_ids: (n,) uint64 visible rows.
        values: (n,) new values of the assigned columns by attnum.
        returned: attnums that RETURNING reads.

    Returns:
        The columns that change, generated ones included, and these with the columns of `returned`.

    Raises:
        As `with_generated` and `check_rows`.
    """
    assigned_attnums = frozenset(values)
    read = {attnum for attnum in returned if attnum > 0}
    if rules is not None:
        expressions = [expression for _, expression in _due_columns(rules, assigned_attnums)]
        expressions += [check.condition for check in rules.checks]
        read.update(attnum for expression in expressions for attnum in read_attnums(rules, expression))
        if rules.of_views is not None:
            for check in rules.of_views.checks:
                read |= read_attnums(rules.of_views, check.condition)
        keys = [key_attnums(rules, key) for key in rules.index_keys]
        changed_attnums = assigned_attnums | {attnum for attnum, _ in _due_columns(rules, assigned_attnums)}
        read.update(attnum for key in keys if not key.isdisjoint(changed_attnums) for attnum in key)
    keys_above = key_attnums_above(context.transaction.catalog, table)
    if not keys_above.isdisjoint(assigned_attnums):
        read |= keys_above
    kept = [c.attnum for c in table.live_columns() if c.attnum in read and c.attnum not in values]
    columns = {**values, **take_rows(context, table.oid, row_ids, kept)}
    given = pa.RecordBatch.from_arrays(list(columns.values()), names=list(map(str, columns)))
    batch = with_generated(rules, table, given, context, assigned_attnums)

    def whole_row(row: int) -> pa.RecordBatch:
        return completed(context.transaction.table_view(table.oid), row_ids, batch, np.array([row]))

    computed = {attnum for attnum, _ in _due_columns(rules, assigned_attnums)}
    check_rows(rules, table, batch, context, whole_row, changed=assigned_attnums | computed)
    changed = [name for name in batch.schema.names if int(name) in values or int(name) in computed]
    return batch.select(changed), batch


def check_rows(
    rules: bound.TableRules | None,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    whole_row: Callable[[int], pa.RecordBatch] | None = None,
    *,
    is_proposed: bool = False,
    changed: Set[int] | None = ALL_COLUMNS,
) -> None:
    """Check rows against their columns' domains, NOT NULL and the CHECK constraints.

    Args:
        batch: (n) rows with at least the columns that the constraints read, named by str(attnum).
        whole_row: gives all columns of one of them, for the error; None = the batch has all.
        is_proposed: ON CONFLICT decides which of them are stored; the others need no value in an index.
        changed: attnums whose values are new; a value that was stored before is not asked of its domain again.

    Raises:
        CheckViolation: 23514, for the first row that violates a constraint, of several constraints the first
            in name order. A row with a forbidden NULL ends the check: storage refuses it (23502).
        NotNullViolation: 23502, a NULL that a domain does not allow.
        ProgramLimitExceeded: 54000, a sparse vector that pgvector could not index, `quiver.pgvector_limits` being on.
        QuiverError: what a condition raises, or the expression of an index: a row without a value there is no row.
    """
    indexes = context.transaction.catalog.indexes_of(table.oid)
    check_sparse_elements(batch, limited_attnums(context.settings, table, indexes))
    if table.parent_oid:
        _check_partition_rows(
            rules, table, batch, context, whole_row, is_proposed=is_proposed, changed=changed
        )
        return
    _check_rows(rules, table, batch, context, whole_row, is_proposed=is_proposed, changed=changed)


def _check_rows(
    rules: bound.TableRules | None,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    whole_row: Callable[[int], pa.RecordBatch] | None,
    *,
    is_proposed: bool,
    changed: Set[int] | None,
) -> None:
    if rules is None or not (rules.checks or rules.index_keys or rules.domains):
        return
    failure = first_domain_failure(rules, batch, context, changed)
    if failure is not None:
        batch = batch.slice(0, failure.offset)
    null_row = first_null(table, batch)
    if null_row is not None:
        batch = batch.slice(0, null_row[0])
    found = first_violation(rules, table, batch, context) if rules.checks else None
    if not is_proposed:
        evaluate_index_keys(rules, table, batch if found is None else batch.slice(0, found[0]), context)
    if found is not None:
        row, name = found
        failing = batch.slice(row, 1) if whole_row is None else whole_row(row)
        raise check_violation(table, name, failing, 0, context.storage.options.value_encoder)
    if failure is not None and null_row is None:
        raise failure.error


def _check_partition_rows(
    rules: bound.TableRules | None,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    whole_row: Callable[[int], pa.RecordBatch] | None,
    *,
    is_proposed: bool,
    changed: Set[int] | None,
) -> None:
    """As `_check_rows` for a partition: a row's own constraints come before the question whether it belongs here."""
    row = first_misplaced_row(table, batch, context, changed)
    checked = batch if row is None else batch.slice(0, row + 1)
    _check_rows(rules, table, checked, context, whole_row, is_proposed=is_proposed, changed=changed)
    null_row = first_null(table, checked)
    if row is not None and null_row is None:
        failing = batch.slice(row, 1) if whole_row is None else whole_row(row)
        raise misplaced_row(table, failing, context.storage.options)


def first_misplaced_row(
    table: Table, batch: pa.RecordBatch, context: ExecutionContext, changed: Set[int] | None = ALL_COLUMNS
) -> int | None:
    """The first row of a batch that does not belong into a partition; None when all do, or their keys do not change."""
    catalog = context.transaction.catalog
    attnums = key_attnums_above(catalog, table)
    if changed is not None and attnums.isdisjoint(changed):
        return None
    values = {attnum: batch.column(str(attnum)) for attnum in attnums}
    return first_misplaced(
        catalog, table, values, batch.num_rows, context.storage.options.missing_value_decoder
    )


def refused_by_view(
    rules: bound.TableRules | None,
    table: Table,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    whole_row: Callable[[int], pa.RecordBatch] | None = None,
) -> QuiverError | None:
    """The error (44000) of the first row that is none of a view's it is written through; None when all are.

    It is to be raised after the write, since keys come first; the sub-queries of a view see the tables as they are before.

    Args:
        batch: (n) rows with at least the columns that the views' conditions read, named by str(attnum).
        whole_row: gives all columns of one of them; None = the batch has all.
    """
    if rules is None or rules.of_views is None:
        return None
    found = first_violation(rules.of_views, table, batch, context)
    if found is None:
        return None
    row, name = found
    failing = batch.slice(row, 1) if whole_row is None else whole_row(row)
    return WithCheckOptionViolation(
        f'new row violates check option for view "{name}"',
        detail=failing_row(table, failing, 0, context.storage.options.value_encoder),
    )


def first_domain_failure(
    rules: bound.TableRules,
    batch: pa.RecordBatch,
    context: ExecutionContext,
    changed: Set[int] | None = ALL_COLUMNS,
) -> DomainFailure | None:
    """The first row with a value that its column's domain does not allow, of several columns the first."""
    found: DomainFailure | None = None
    for attnum, domain in rules.domains:
        place = batch.schema.get_field_index(str(attnum))
        if place < 0 or (changed is not None and attnum not in changed):
            continue
        values = batch.column(place)
        failure = domain_failure(domain, values if found is None else values.slice(0, found.offset), context)
        found = failure or found
    return found


def first_violation(
    rules: bound.TableRules, table: Table, batch: pa.RecordBatch, context: ExecutionContext
) -> tuple[int, str] | None:
    """The first row that violates a CHECK and the constraint's name; None when all rows pass."""
    if not batch.num_rows:
        return None
    conditions = [check.condition for check in rules.checks]
    columns = _rule_columns(rules, table, batch, conditions)
    worst: tuple[int, str] | None = None
    for check, passes in zip(rules.checks, _evaluated(conditions, columns, batch.num_rows, context)):
        context.cancel_token.check()
        if passes.false_count:
            fails = np.logical_not(passes.fill_null(True).to_numpy(zero_copy_only=False))
            row = int(np.argmax(fails))
            if worst is None or row < worst[0]:
                worst = (row, check.name)
    return worst


def evaluate_index_keys(
    rules: bound.TableRules | None, table: Table, batch: pa.RecordBatch, context: ExecutionContext
) -> None:
    """Compute the expressions of the table's indexes that read columns of the batch. Raises what they raise."""
    if rules is None:
        return
    given = {int(name) for name in batch.schema.names}
    for key in rules.index_keys:
        if not key_attnums(rules, key) <= given or not batch.num_rows:
            continue  # An update that leaves the columns alone.
        rows = batch
        if key.predicate is not None:
            rows = batch.filter(row_values(rules, table, batch, key.predicate, context))
        if rows.num_rows:
            row_values(rules, table, rows, key.expression, context)


def key_attnums(rules: bound.TableRules, key: bound.BoundIndexKey) -> frozenset[int]:
    """Attnums of the columns that an index key and the index's predicate read."""
    read = read_attnums(rules, key.expression)
    return read if key.predicate is None else read | read_attnums(rules, key.predicate)


def row_values(
    rules: bound.TableRules,
    table: Table,
    batch: pa.RecordBatch,
    expression: bound.Expression,
    context: ExecutionContext,
) -> pa.Array:
    """(n,) values of an expression over n rows; `batch` has at least the columns it reads, named by str(attnum)."""
    columns = _rule_columns(rules, table, batch, [expression])
    (values,) = _evaluated([expression], columns, batch.num_rows, context)
    return values


def read_attnums(rules: bound.TableRules, expression: bound.Expression) -> frozenset[int]:
    """Attnums of the columns that a rule's expression reads."""
    return frozenset(
        rules.columns[node.position].attnum
        for node in bound.walk(expression)
        if isinstance(node, bound.ColumnRef) and node.relation_id == rules.relation_id
    )


def _rule_columns(
    rules: bound.TableRules, table: Table, batch: pa.RecordBatch, read_by: Sequence[bound.Expression]
) -> Columns:
    """The rows as the rules' expressions refer to them."""
    values = {int(name): batch.column(name) for name in batch.schema.names}
    no_ids = np.zeros(batch.num_rows, dtype=np.uint64)
    return table_columns(
        rules.relation_id, rules.columns, values, row_ids=no_ids, table_oid=table.oid, read_by=read_by
    )


def _evaluated(
    expressions: list[bound.Expression], columns: Columns, row_count: int, context: ExecutionContext
) -> Iterator[pa.Array]:
    """One (row_count,) array per expression, in order; each is computed when it is asked for."""
    for expression in expressions:
        batches = returned_rows((bound.Target(expression, "rule"),), columns, row_count, context)
        pieces = [batch.column(0) for batch in batches]
        yield pa.chunked_array(pieces, arrow_type(expression.sql_type)).combine_chunks()
