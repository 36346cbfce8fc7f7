"""INSERT ... VALUES of literals: the plan of its template, its rows as columns.

A string literal is read by the input function of its column's type, as PostgreSQL reads a literal of unknown type; a
number only where its column is a number, too, because elsewhere it is a value of its own type that is cast. Where that
does not apply, or anything fails, the statement is parsed, bound and run as it is written, which also finds the words
and the position of an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError
from foundation.sqltypes import BOOL, FLOAT4, FLOAT8, INT2, INT4, INT8, NUMERIC, SqlType
from sqlfront.parser import LiteralColumn, LiteralKind, LiteralRows, parse_script
from sqlfront.session.joint_inserts import ColumnInsert, JoinableInsert, joinable_insert, takes_columns
from sqlfront.session.outcome import Outcome
from sqlfront.session.portal import LazyPortal
from sqlfront.session.prepared import PreparedStatement
from sqlfront.session.top_level import run_top
from sqlfront.types import decode_text, parse_text_array

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

_NUMBERS = frozenset(sql_type.oid for sql_type in (INT2, INT4, INT8, FLOAT4, FLOAT8, NUMERIC))
_FLOATS = frozenset({FLOAT4.oid, FLOAT8.oid})
_SHORT_ROWS_MAX = 8


def literal_portal(session: LocalSession, rows: LiteralRows, finish: Callable[[], None]) -> LazyPortal | None:
    """A portal over the statement; None where it has to be bound as it is written. `finish` as of `LazyPortal`."""
    statement = _prepared(session, rows)
    if statement is None:
        return None

    def run() -> Outcome:
        return run_top(session, lambda: _run(session, statement, rows), lambda: True, is_alone=True)

    def join() -> JoinableInsert | None:
        return _direct(session, statement, rows)

    is_short = statement.cached is not None and statement.cached.is_short and rows.count <= _SHORT_ROWS_MAX
    return LazyPortal(None, run, finish, is_short=is_short, join=join)


def _prepared(session: LocalSession, rows: LiteralRows) -> PreparedStatement | None:
    """The template, if its rows can be given as columns of its parameters' types."""
    try:
        statement = session.prepare_nested_text(rows.template)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        return None
    types = statement.parameter_types
    if not statement.runs_together or len(types) != len(rows.columns):
        return None
    return statement if all(map(_can_be_read, rows.columns, types)) else None


def _can_be_read(column: LiteralColumn, sql_type: SqlType) -> bool:
    match column.kind:
        case LiteralKind.BOOLEAN:
            return sql_type.oid == BOOL.oid
        case LiteralKind.NUMBER if sql_type.oid in _FLOATS:
            # The number -0 has no sign, the text does.
            return not any(cell is not None and cell.startswith("-0") for cell in column.cells)
        case LiteralKind.NUMBER:
            return sql_type.oid in _NUMBERS
    return True


def _run(session: LocalSession, statement: PreparedStatement, rows: LiteralRows) -> Outcome:
    try:
        tag = _insert_columns(session, statement, rows)
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        tag = None
    if tag is not None:
        return Outcome(tag)
    (parsed,) = parse_script(rows.text)
    return session.run_prepared(session.prepare_nested(parsed), ())


def _insert_columns(session: LocalSession, statement: PreparedStatement, rows: LiteralRows) -> str | None:
    """The tag; None, with nothing done, where the statement has to be bound as it is written."""
    bound = statement.cached
    session.open_transaction_for(statement)
    if statement.cached is not bound:
        # The table was changed meanwhile: the literals may be of other types now, which the parameters are not.
        return None
    columns = _columns(session, statement, rows)
    return session.run_rows(statement, columns, rows.count, tag_count=rows.count)


def _columns(session: LocalSession, statement: PreparedStatement, rows: LiteralRows) -> list[pa.Array]:
    context = session.codec_context()
    return [
        parse_text_array(pa.array(column.cells, pa.utf8()), sql_type, context)
        for column, sql_type in zip(rows.columns, statement.parameter_types, strict=True)
    ]


def _direct(session: LocalSession, statement: PreparedStatement, rows: LiteralRows) -> JoinableInsert | None:
    """The statement in one step; None where it is not alone, or where it has to be read as it is written."""
    context = session.codec_context()
    try:
        if rows.count > 1:
            if not takes_columns(session, statement):
                return None
            return ColumnInsert(session, statement, _columns(session, statement, rows), rows.count)
        values = [
            None if column.cells[0] is None else decode_text(sql_type, column.cells[0], context)
            for column, sql_type in zip(rows.columns, statement.parameter_types, strict=True)
        ]
    except QuiverError:
        return None
    return joinable_insert(session, statement, values)
