"""A connection that runs statements by the simple query protocol and keeps everything the server says, notices included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

Message = tuple[str | None, ...]
"""Severity, SQLSTATE, message, DETAIL, HINT."""
Said = tuple[object, ...]
"""Notices, then the error, or the command tag and the rows as text."""
_OURS = re.compile("(Operator classes|Parameters) of |[a-z]+ has no operator class for ")
"""Begin of a DETAIL or HINT that names what is valid where PostgreSQL gives none."""
_FIELDS = (
    DiagnosticField.SEVERITY_NONLOCALIZED, DiagnosticField.SQLSTATE, DiagnosticField.MESSAGE_PRIMARY,
    DiagnosticField.MESSAGE_DETAIL, DiagnosticField.MESSAGE_HINT,
)  # fmt: skip


class Listener:
    """`connection` in autocommit mode."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self.connection = connection
        self._notices: list[Message] = []
        connection.add_notice_handler(self._hear)

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        self._notices.append(
            (
                notice.severity_nonlocalized,
                notice.sqlstate,
                notice.message_primary,
                notice.message_detail,
                notice.message_hint,
            )
        )

    def run(self, text: str) -> Said:
        """What the server says to one statement, but for what only ours says."""
        self._notices.clear()
        result = self.connection.pgconn.exec_(text.encode())
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            fields = (result.error_field(field) for field in _FIELDS)
            said = (field.decode() if field else None for field in fields)
            return (*self._notices, tuple(None if text and _OURS.match(text) else text for text in said))
        rows = [
            tuple(
                None if (value := result.get_value(row, column)) is None else value.decode()
                for column in range(result.nfields)
            )
            for row in range(result.ntuples)
        ]
        return (*self._notices, (result.command_status or b"").decode(), rows)


@contextmanager
def listening(dsn: str, **parameters: str) -> Iterator[Listener]:
    with psycopg.connect(dsn, autocommit=True, **parameters) as connection:  # type: ignore[arg-type]
        yield Listener(connection)
