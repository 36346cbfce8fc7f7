"""Goal: FOREIGN KEY, DEFERRABLE keys and SET CONSTRAINTS do what PostgreSQL's do, error for error.

Method: `sql/foreign_keys.sql` and `sql/deferrable.sql` on a real PostgreSQL 16 and on a Quiver server, statement by
statement: rows, command tags, notices, and of errors SQLSTATE, message, detail, hint, table and constraint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import is_ordered, statements

pytestmark = pytest.mark.slow


class Client:
    """One connection in autocommit; what the server says to a statement, as a value."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self._notices: list[tuple[str | None, ...]] = []
        self.connection.add_notice_handler(self._take_notice)

    def _take_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        self._notices.append(
            (notice.severity, notice.sqlstate, notice.message_primary, notice.message_detail)
        )

    def outcome(self, text: str) -> tuple[Any, ...]:
        self._notices.clear()
        try:
            cursor = self.connection.execute(text.encode())
        except psycopg.Error as error:
            d = error.diag
            shown = (d.sqlstate, d.message_primary, d.message_detail, d.message_hint)
            return (*shown, d.table_name, d.constraint_name)
        rows = cursor.fetchall() if cursor.description else []
        shown_rows = rows if is_ordered(text) else sorted(rows, key=repr)
        return (cursor.statusmessage, shown_rows, list(self._notices))


@pytest.fixture
def clients(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Client, Client]]:
    """PostgreSQL and Quiver, each in an empty database of its own."""
    dsns = []
    for dsn in (postgres_uri, server.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS constraint_differential")
            connection.execute("CREATE DATABASE constraint_differential")
        dsns.append(psycopg.conninfo.make_conninfo(dsn, dbname="constraint_differential"))
    theirs, ours = (Client(dsn) for dsn in dsns)
    yield theirs, ours
    theirs.connection.close()
    ours.connection.close()


@pytest.mark.parametrize("file", ["foreign_keys.sql", "deferrable.sql"])
def test_same_outcomes(clients: tuple[Client, Client], file: str) -> None:
    theirs, ours = clients
    differences = []
    for statement in statements(file):
        expected, found = theirs.outcome(statement.text), ours.outcome(statement.text)
        if expected != found:
            differences.append(f"{statement.text}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, f"{len(differences)}\n" + "\n".join(differences)
