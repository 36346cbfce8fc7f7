"""Statements as messages ask for them: part of a transaction, or alone in one and committed with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from foundation.cancel import CANCEL_SHUTDOWN
from foundation.errors import SerializationFailure, WouldBlock
from sqlfront.backend import TransactionStatus
from sqlfront.parser import ExecuteStatement
from sqlfront.session.dispatch import is_data_definition
from sqlfront.session.outcome import Outcome
from sqlfront.session.plan_cache import QueryKind
from sqlfront.session.retry import attempt, run_alone

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession


def run_top(
    session: LocalSession, run: Callable[[], Outcome], is_change: Callable[[], bool], *, is_alone: bool
) -> Outcome:
    """Run a statement; a change that is alone in its transaction is committed, and run again where it lost.

    Args:
        run: executes it.
        is_change: whether it changes rows or the catalog.
        is_alone: nothing else can join its implicit transaction.

    Raises:
        WouldBlock: the session may not block, and would have to. Nothing of the statement stays.
    """
    block = session.block
    if not (is_alone and block.status is TransactionStatus.IDLE and is_change()):
        return run()
    if block.current() is not None or session.settings.get("transaction_isolation") != "read committed":
        return run()
    notice_mark = session.notice_mark()

    def undo() -> None:
        block.fail()
        session.forget_notices(notice_mark)

    if session.may_block:
        outcome = _run_alone(session, run, undo)
    else:
        try:
            outcome = attempt(run, session.finish_implicit)
        except (SerializationFailure, WouldBlock) as error:
            undo()
            raise WouldBlock from error
    if session.cancel_token.word[0] != CANCEL_SHUTDOWN:
        # It came too late: the statement is committed and must not be reported as cancelled.
        session.cancel_token.reset()
    return outcome


def _run_alone(session: LocalSession, run: Callable[[], Outcome], undo: Callable[[], None]) -> Outcome:
    shared = session.shared

    def undo_and_catch_up() -> None:
        undo()
        shared.storage.catch_up()

    return run_alone(
        run, session.finish_implicit, undo_and_catch_up, shared.retry_turns, session.cancel_token
    )


def is_change(session: LocalSession, statement: PreparedStatement) -> bool:
    """Whether a statement changes rows or the catalog. Raises UndefinedPreparedStatement (26000), for EXECUTE."""
    if statement.cached is not None:
        return statement.cached.kind is not QueryKind.SELECT
    if statement.parsed is None:
        return False
    if isinstance(statement.parsed.node, ExecuteStatement):
        return is_change(session, session.prepared_statement(statement.parsed.node.name))
    return is_data_definition(statement.parsed.node)
