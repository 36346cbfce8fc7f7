"""What is known of a command before it runs: its result columns, and whether a failed block accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foundation.setting_definitions import SETTINGS
from foundation.sqltypes import JSON, TEXT
from sqlfront.backend import ResultColumn
from sqlfront.parser import (
    CommitStatement,
    CreateTableAsStatement,
    DeclareCursorStatement,
    ExecuteStatement,
    ExplainStatement,
    FetchStatement,
    ParsedStatement,
    QueryStatement,
    RollbackStatement,
    RollbackToStatement,
    ShowStatement,
    Statement,
)

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

SHOW_ALL_COLUMNS = tuple(ResultColumn(name, TEXT) for name in ("name", "setting", "description"))


def is_allowed_in_failed_block(node: Statement) -> bool:
    """ROLLBACK, COMMIT and ROLLBACK TO are how a client leaves a failed block."""
    return isinstance(node, CommitStatement | RollbackStatement | RollbackToStatement)


def explained_columns(format: str) -> tuple[ResultColumn, ...]:
    """What EXPLAIN answers with."""
    return (ResultColumn("QUERY PLAN", JSON if format == "json" else TEXT),)


def query_inside(node: Statement) -> ParsedStatement | None:
    """The query that a command is about and whose parameters it has, None where it is about no query."""
    match node:
        case ExplainStatement(inner=QueryStatement() as query):
            return ParsedStatement(node.inner_text, 0, query)
        case ExplainStatement(inner=CreateTableAsStatement() as inner):
            return query_inside(inner)
        case CreateTableAsStatement(source=QueryStatement() as query):
            return ParsedStatement(node.source_text, 0, query)
        case DeclareCursorStatement():
            return ParsedStatement(node.query_text, 0, node.query)
        case _:
            return None


def command_columns(session: LocalSession, node: Statement) -> tuple[ResultColumn, ...] | None:
    """Result columns of a command, None when it returns no rows.

    Raises:
        UndefinedPortal: 34000, FETCH from a cursor that is not open.
        UndefinedPreparedStatement: 26000, EXECUTE of a statement that is not prepared.
    """
    match node:
        case ShowStatement(name="all"):
            return SHOW_ALL_COLUMNS
        case ShowStatement(name=name):
            return (ResultColumn(shown_setting_name(name), TEXT),)
        case ExplainStatement():
            return explained_columns(node.format)
        case FetchStatement(cursor=cursor):
            return session.cursors.get(cursor).columns
        case ExecuteStatement(name=name):
            return session.prepared_statement(name).columns
        case _:
            return None


def shown_setting_name(name: str) -> str:
    """The column name of SHOW: the setting's own spelling."""
    setting = SETTINGS.get(name.lower())
    return setting.name if setting is not None else name
