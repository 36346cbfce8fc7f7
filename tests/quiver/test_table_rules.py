"""Goal: CHECK, generated columns, defaults and ALTER TABLE act and speak as PostgreSQL's do, to the last error field.

Method: `sql/table_rules.sql` on a real PostgreSQL and on a Quiver server, statement by statement: tags, rows and
notices; of errors SQLSTATE, message, DETAIL, HINT, CONTEXT, position and the names of table, column and constraint.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import statements

pytestmark = pytest.mark.slow

COPY_ROWS = " <<< "


class Client:
    """One connection that tells everything its server says about a statement."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.notices: list[tuple[Any, ...]] = []
        self.connection.add_notice_handler(
            lambda d: self.notices.append((d.severity, d.message_primary, d.message_detail, d.message_hint))
        )

    def outcome(self, text: str) -> tuple[Any, ...]:
        self.notices = []
        try:
            return (*self._run(text), self.notices)
        except psycopg.Error as error:
            d = error.diag
            names = (d.table_name, d.column_name, d.constraint_name)
            said = (error.sqlstate, d.message_primary, d.message_detail, d.message_hint, d.context)
            return (*said, d.statement_position, *names, self.notices)

    def _run(self, text: str) -> tuple[Any, ...]:
        command, _, rows = text.partition(COPY_ROWS)
        cursor = self.connection.cursor()
        if rows:
            with cursor.copy(command.encode()) as copy:
                copy.write(rows.replace("\\n", "\n").replace("\\t", "\t") + "\n")
            return (cursor.statusmessage,)
        cursor.execute(command.encode())
        found = cursor.fetchall() if cursor.description else []
        return cursor.statusmessage, [tuple(map(str, row)) for row in found]


def test_same_outcomes(postgres_uri: str, own_database: Database) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS table_rules")
        connection.execute("CREATE DATABASE table_rules")
    theirs = Client(psycopg.conninfo.make_conninfo(postgres_uri, dbname="table_rules"))
    theirs.connection.execute("CREATE EXTENSION vector")
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE table_rules")
    ours = Client(psycopg.conninfo.make_conninfo(own_database.dsn, dbname="table_rules"))
    differences = []
    for statement in statements("table_rules.sql"):
        wanted, found = theirs.outcome(statement.text), ours.outcome(statement.text)
        if wanted != found:
            differences.append(f"{statement.text}\n  postgres {wanted}\n  quiver   {found}")
    theirs.connection.close()
    ours.connection.close()
    assert not differences, "\n".join(differences)
