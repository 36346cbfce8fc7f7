"""CREATE and REFRESH MATERIALIZED VIEW: the rows of a view's query are stored in the transaction of the command.

A refresh truncates and fills in one transaction: others read the old rows until it commits, in a mode of locks that
lets them read meanwhile, and after a crash there are either all old rows or all new ones. CONCURRENTLY changes the rows
that differ, if they are not too many, so that the graphs of the view's indexes go on serving the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import CardinalityViolation, FeatureNotSupported, QuiverError, UniqueViolation
from foundation.sqltypes import SqlType
from planner.dml import replace_rows
from sqlfront.commands.context import CommandContext
from sqlfront.commands.create_table_as import is_skipped
from sqlfront.commands.filled_indexes import has_files
from sqlfront.commands.little_data import warn_of_little_data
from sqlfront.commands.materialized_views import (
    check_permanent,
    create_materialized_view,
    row_index,
    view_to_refresh,
)
from sqlfront.commands.table_locks import lock_tables
from sqlfront.parser import CreateMaterializedViewStatement, RefreshMaterializedViewStatement
from sqlfront.session.create_table_as import fill_table
from sqlfront.session.outcome import Outcome
from storage import Transaction
from storage.catalog import MaterializedView, replaced

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

DIFFERENCE_BYTES_MAX = 64 << 20
"""How much of rows that differ is held in memory."""

CREATE, REFRESH = "CREATE MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW"


def run_create_materialized_view(
    session: LocalSession,
    node: CreateMaterializedViewStatement,
    types: Sequence[SqlType],
    parameters: Sequence[Any],
) -> Outcome:
    """Create the view and, unless WITH NO DATA was said, fill it.

    Args:
        types: of the query's parameters, which it must not have.

    Returns:
        The tag `SELECT n`; `CREATE MATERIALIZED VIEW` where no rows were asked for, or the view is there (IF NOT EXISTS).

    Raises:
        DuplicateTable: 42P07. FeatureNotSupported: 0A000. QuiverError: what `create_materialized_view` and the query raise.
    """
    session.block.check_writable(CREATE)
    if types:
        raise FeatureNotSupported("materialized views may not be defined using bound parameters")
    check_permanent(node)
    transaction = session.block.open_transaction()
    context = session.command_context(transaction)
    if is_skipped(node, context):
        return Outcome(CREATE)
    view = create_materialized_view(context, node)
    return Outcome(f"SELECT {_fill(session, transaction, view)}" if node.with_data else CREATE)


def run_refresh(session: LocalSession, node: RefreshMaterializedViewStatement) -> Outcome:
    """Store the rows that the view's query has now, in place of those it had; WITH NO DATA leaves none.

    Raises:
        QuiverError: what `view_to_refresh` and the query raise. UniqueViolation: 23505, of the view's unique indexes.
        CardinalityViolation: 21000, CONCURRENTLY, and a row without NULL is there twice.
    """
    session.block.check_writable(REFRESH)
    transaction = session.block.open_transaction()
    context = session.command_context(transaction)
    lock_tables(node, context, session.block.retake_snapshot)
    view = view_to_refresh(context, node)
    try:
        if node.concurrently and _change_what_differs(session, context, view):
            return Outcome(REFRESH)
        transaction.truncate(view.oid)
        if node.with_data:
            _fill(session, transaction, view)
    except UniqueViolation as error:
        raise _not_unique(session, view, error, concurrently=node.concurrently) from None
    if view.is_populated and not node.with_data:
        transaction.put(replaced(view, is_populated=False))
    indexes = context.catalog.indexes_of(view.oid)
    if not node.concurrently:
        warn_of_little_data(context, indexes)
    filled = tuple(index.oid for index in indexes if has_files(view, index))
    session.pending_index_builds.add(filled, is_new=False)
    return Outcome(REFRESH)


def _change_what_differs(session: LocalSession, context: CommandContext, view: MaterializedView) -> bool:
    """Refresh a view by changing the rows that differ; False, with nothing done, where so many do that all may be written."""
    index = row_index(context, view)
    assert index is not None, "it was looked for"
    execution = session.execution_context(context.transaction)
    return replace_rows(view, index, _rows(session, view), execution, bytes_max=DIFFERENCE_BYTES_MAX)


def _fill(session: LocalSession, transaction: Transaction, view: MaterializedView) -> int:
    """Insert the rows of a view that has none; how many there are."""
    count = fill_table(session, transaction, view, _rows(session, view))
    if not view.is_populated:
        # Otherwise the catalog stays as it is, and all plans with it.
        transaction.put(replaced(view, is_populated=True))
    return count


def _rows(session: LocalSession, view: MaterializedView) -> Iterator[pa.RecordBatch]:
    session.is_reading_definition = True
    try:
        with session.roles.acting_as(view.owner_oid):
            return session.run_prepared(session.prepare_nested_text(view.definition_sql), ()).batches
    finally:
        session.is_reading_definition = False


# -- rows that a unique index does not allow ----------------------------------------------------------------


def _not_unique(
    session: LocalSession, view: MaterializedView, error: UniqueViolation, *, concurrently: bool
) -> QuiverError:
    """The error of a refresh. PostgreSQL builds indexes after the rows, and compares the rows first if CONCURRENTLY."""
    if not concurrently:
        return UniqueViolation(
            f'could not create unique index "{error.constraint}"',
            detail=(error.detail or "").replace(" already exists.", " is duplicated."),
            table=error.table,
            constraint=error.constraint,
        )
    row = _repeated_row(session, view)
    if row is None:
        return error
    return CardinalityViolation(
        f'new data for materialized view "{view.name}" contains duplicate rows without any null columns',
        detail=f"Row: ({','.join(map(_quoted_field, row))})",
    )


def _repeated_row(session: LocalSession, view: MaterializedView) -> tuple[str, ...] | None:
    """The first of the query's rows without NULL that is there again, as texts; None when there is none.

    It goes row by row: a refresh that has failed may take its time.
    """
    types = [column.type for column in view.columns]
    encode = session.shared.storage.options.value_encoder
    counts: Counter[tuple[str, ...]] = Counter()
    for batch in _rows(session, view):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if None not in values:
                counts[tuple(map(encode, types, values))] += 1
    return next((row for row, count in counts.items() if count > 1), None)


def _quoted_field(text: str) -> str:
    """A value inside the text of a row (record_out)."""
    if text and not re.search(r'[\s"\\(),]', text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
