"""Which function runs which statement.

Commands that change the session itself (transactions, cursors, prepared statements, notifications, COPY,
EXPLAIN) are this package's; all others are `sqlfront.commands`', which know only the storage transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from foundation.sqltypes import SqlType
from planner.dml import check_statement
from sqlfront import parser
from sqlfront.commands import CommandResult, execute_command, runs_outside_transactions
from sqlfront.commands.table_locks import lock_tables
from sqlfront.parser import ParsedStatement
from sqlfront.session.constraint_timing import run_set_constraints
from sqlfront.session.copy_command import run_copy
from sqlfront.session.create_table_as import run_create_table_as
from sqlfront.session.cursor_commands import run_close, run_declare, run_fetch, run_move
from sqlfront.session.errors import ActiveTransaction, NoActiveTransaction
from sqlfront.session.explain_command import run_explain
from sqlfront.session.materialized_views import run_create_materialized_view, run_refresh
from sqlfront.session.notify_commands import run_listen, run_notify, run_unlisten
from sqlfront.session.outcome import Outcome
from sqlfront.session.prepare_commands import run_deallocate, run_discard, run_execute, run_prepare
from sqlfront.session.transaction_commands import (
    WARNING_NOT_ACTIVE,
    run_begin,
    run_commit,
    run_release,
    run_rollback,
    run_rollback_to,
    run_savepoint,
    run_set_transaction,
)

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

Handler = Callable[["LocalSession", Any], Outcome]

HANDLERS: dict[type[parser.Statement], Handler] = {
    parser.BeginStatement: run_begin,
    parser.CommitStatement: run_commit,
    parser.RollbackStatement: run_rollback,
    parser.SavepointStatement: run_savepoint,
    parser.ReleaseStatement: run_release,
    parser.RollbackToStatement: run_rollback_to,
    parser.SetConstraintsStatement: run_set_constraints,
    parser.SetTransactionStatement: run_set_transaction,
    parser.FetchStatement: run_fetch,
    parser.MoveStatement: run_move,
    parser.CloseStatement: run_close,
    parser.PrepareStatement: run_prepare,
    parser.ExecuteStatement: run_execute,
    parser.DeallocateStatement: run_deallocate,
    parser.DiscardStatement: run_discard,
    parser.ListenStatement: run_listen,
    parser.UnlistenStatement: run_unlisten,
    parser.NotifyStatement: run_notify,
    parser.CopyStatement: run_copy,
    parser.RefreshMaterializedViewStatement: run_refresh,
}

AROUND_QUERY: dict[type[parser.Statement], Callable[..., Outcome]] = {
    parser.ExplainStatement: run_explain,
    parser.DeclareCursorStatement: run_declare,
    parser.CreateTableAsStatement: run_create_table_as,
    parser.CreateMaterializedViewStatement: run_create_materialized_view,
}
"""Commands about a query; they are given its parameters' types and values."""

SETTING_STATEMENTS = (parser.SetStatement, parser.ShowStatement, parser.ResetStatement)


def is_data_definition(node: parser.Statement) -> bool:
    """Whether a command changes catalog or rows on the storage transaction, and so may meet 40001."""
    if isinstance(node, parser.CreateTableAsStatement | parser.RefreshMaterializedViewStatement):
        return True
    return type(node) not in (*HANDLERS, *AROUND_QUERY, *SETTING_STATEMENTS)


def run_command(
    session: LocalSession, parsed: ParsedStatement, types: Sequence[SqlType], parameters: Sequence[Any]
) -> Outcome:
    """Run a statement that is no query. Only commands about a query have parameters."""
    around_query = AROUND_QUERY.get(type(parsed.node))
    if around_query is not None:
        return around_query(session, parsed.node, types, parameters)
    handler = HANDLERS.get(type(parsed.node))
    if handler is not None:
        return handler(session, parsed.node)
    return _run_on_transaction(session, parsed)


def _run_on_transaction(session: LocalSession, parsed: ParsedStatement) -> Outcome:
    """DDL, settings, maintenance: `sqlfront.commands` on the current transaction."""
    block = session.block
    if runs_outside_transactions(parsed.node) and block.is_explicit:
        raise ActiveTransaction(f"{_command_name(parsed.text)} cannot run inside a transaction block")
    is_lock = isinstance(parsed.node, parser.LockStatement)
    if is_lock and not block.is_explicit:
        raise NoActiveTransaction("LOCK TABLE can only be used in transaction blocks")
    is_in_block = block.is_explicit or session.is_in_script
    if isinstance(parsed.node, parser.SetStatement) and parsed.node.is_local and not is_in_block:
        session.warn("SET LOCAL can only be used in transaction blocks", WARNING_NOT_ACTIVE)
    is_setting = isinstance(parsed.node, SETTING_STATEMENTS)
    transaction = block.open_transaction(takes_snapshot=not (is_setting or is_lock))
    context = session.command_context(transaction)
    lock_tables(parsed.node, context, block.retake_snapshot)
    result: CommandResult = execute_command(parsed.node, context)
    if transaction.pending.changes:
        # ALTER TABLE wrote rows again.
        check_statement(session.execution_context(transaction))
    is_new = isinstance(parsed.node, parser.CreateIndexStatement)
    session.pending_index_builds.add(result.indexes_to_build, is_new=is_new)
    batches = iter(()) if result.batch is None else iter((result.batch,))
    return Outcome(result.tag, result.columns, batches)


def _command_name(text: str) -> str:
    """The first two words of a statement, as PostgreSQL names commands."""
    return " ".join(text.split()[:2]).upper()
