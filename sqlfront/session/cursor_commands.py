"""DECLARE, FETCH, MOVE, CLOSE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from foundation.errors import FeatureNotSupported
from foundation.sqltypes import SqlType
from sqlfront.parser import (
    CloseStatement,
    DeclareCursorStatement,
    FetchDirection,
    FetchStatement,
    MoveStatement,
    ParsedStatement,
)
from sqlfront.session.cursors import Cursor, Direction, FetchRequest
from sqlfront.session.errors import NoActiveTransaction
from sqlfront.session.outcome import Outcome
from storage.lock_modes import TableMode

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_declare(
    session: LocalSession, node: DeclareCursorStatement, types: Sequence[SqlType], parameters: Sequence[Any]
) -> Outcome:
    """DECLARE: the query runs as far as its first rows, at the snapshot of now.

    Args:
        types: of the query's parameters, as they were told to the client.

    Raises:
        NoActiveTransaction: 25P01, a cursor without HOLD outside a block would be gone at once.
        DuplicatePortal: 42P03. FeatureNotSupported: 0A000, a query that changes tables.
    """
    if not node.hold and not session.block.is_explicit:
        raise NoActiveTransaction("DECLARE CURSOR can only be used in transaction blocks")
    query = ParsedStatement(node.query_text, 0, node.query)
    statement = session.prepare_nested(query, [sql_type.oid for sql_type in types] or None)
    if any(mode >= TableMode.ROW_EXCLUSIVE for _, mode in statement.locks):
        raise FeatureNotSupported("DECLARE CURSOR must not contain data-modifying statements in WITH")
    outcome = session.run_prepared(statement, parameters)
    cursor = Cursor(
        node.name, outcome, is_scroll=node.scroll is True, is_hold=node.hold, is_binary=node.binary,
        made_by=session.current_query,
    )  # fmt: skip
    session.cursors.add(cursor)
    if node.hold and not session.block.is_explicit:
        cursor.materialise()
    return Outcome("DECLARE CURSOR")


def run_fetch(session: LocalSession, node: FetchStatement) -> Outcome:
    cursor = session.cursors.get(node.cursor)
    batches = cursor.fetch(_request(node))
    return Outcome(f"FETCH {sum(batch.num_rows for batch in batches)}", cursor.columns, iter(batches))


def run_move(session: LocalSession, node: MoveStatement) -> Outcome:
    batches = session.cursors.get(node.cursor).fetch(_request(node))
    return Outcome(f"MOVE {sum(batch.num_rows for batch in batches)}")


def _request(node: FetchStatement | MoveStatement) -> FetchRequest:
    match node.direction:
        case FetchDirection.BACKWARD:
            if node.count is None:
                return FetchRequest(Direction.FORWARD, None, is_backward_all=True)
            return FetchRequest(Direction.FORWARD, -node.count)
        case FetchDirection.ABSOLUTE:
            return FetchRequest(Direction.ABSOLUTE, node.count)
        case FetchDirection.RELATIVE:
            return FetchRequest(Direction.RELATIVE, node.count)
        case FetchDirection.FORWARD:
            return FetchRequest(Direction.FORWARD, node.count)


def run_close(session: LocalSession, node: CloseStatement) -> Outcome:
    if node.cursor is None:
        session.cursors.close_all()
        return Outcome("CLOSE CURSOR ALL")
    session.cursors.close(node.cursor)
    return Outcome("CLOSE CURSOR")
