"""Statements that real clients sent, replayed on a server in the order in which each client sent them.

`tests/data/client_statements` holds what 25 clients, drivers and tools sent to a PostgreSQL 15 with the schema of
`setup.sql`: text with its parameters filled in.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

FOLDER = Path(__file__).parents[1] / "data" / "client_statements"
MAINTENANCE_DATABASE = "postgres"
WITH_SCHEMA = ("lab", "lab_r", "lab_ai", "lab_alembic")
"""Databases that the capture began with the schema of setup.sql in."""
FIRST_USER_OID = 16384
_FINE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)
_CHANGING = (
    (re.compile(rb"\d{4}-\d\d-\d\d [\d:.]+(\+00)?"), b"<time>"),
    (re.compile(rb"\b(1[6-9]\d{3}|[2-9]\d{4}|\d{9,})\b"), b"<oid>"),
    (re.compile(rb"\d+ (kB|bytes|MB)"), b"<size>"),
    (re.compile(rb"PostgreSQL 1\d\..*"), b"<version>"),
    (re.compile(rb"\b0\.8\.\d\b"), b"<version>"),
    (
        re.compile(rb"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"),
        b"<random uuid>",
    ),
)
"""What differs from server to server in any row: times, OIDs of users' objects, process ids, sizes, versions, drawn UUIDs."""
_OURS = re.compile(
    rb"\b(flat|auto|annoy|scann|hnsw_[ps]q|diskann|sparse_inverted|ivf_\w+|bin_\w+|_?int8vec\w*|_?bf16vec\w*|\w*(tanimoto|structure)_\w+)\b"
)
"""Names of access methods, types, operator classes and functions that neither PostgreSQL nor pgvector has."""
_NESTED = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Captured:
    """A statement as a client sent it."""

    client: str
    database: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: SQLSTATE and message, or columns as (name, type OID, typmod) and rows as text."""

    sqlstate: str = ""
    message: str = ""
    columns: tuple[tuple[str, int, int], ...] = ()
    rows: tuple[tuple[bytes | None, ...], ...] = ()

    def described(self) -> tuple[tuple[str, int, int], ...]:
        """The columns; types that users or extensions made count as one, because their OIDs differ."""
        return tuple((name, min(oid, FIRST_USER_OID), typmod) for name, oid, typmod in self.columns)

    def lasting_rows(self) -> list[tuple[bytes | None, ...]]:
        """The rows without what always differs, and without those about what only we have."""
        known = (row for row in self.rows if not any(value and _OURS.search(value) for value in row))
        return [tuple(_lasting(value) for value in row) for row in known]

    def sorted_rows(self) -> list[tuple[bytes | None, ...]]:
        """`lasting_rows`, in an order of their own."""
        return sorted(self.lasting_rows(), key=repr)


def names_an_oid(text: str) -> bool:
    """Whether a statement has the OID of a user's object in it, which only the server of the capture gave out."""
    return re.search(r"\b1[6-9]\d{3}\b", text) is not None


def is_ordered(text: str) -> bool:
    """Whether a statement has an ORDER BY of its own, not only one inside parentheses."""
    text = re.sub(r"'[^']*'", "''", text)
    while (outside := _NESTED.sub("", text)) != text:
        text = outside
    return re.search(r"\border\s+by\b", text, re.IGNORECASE) is not None


def _lasting(value: bytes | None) -> bytes | None:
    if value is not None:
        for pattern, name in _CHANGING:
            value = pattern.sub(name, value)
    return value


def captured() -> list[Captured]:
    with gzip.open(FOLDER / "statements.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [Captured(record["client"], record["database"], record["text"]) for record in records]


def setup_statements() -> list[str]:
    """The statements of setup.sql; none has a semicolon inside but in quotes."""
    text = (FOLDER / "setup.sql").read_text(encoding="utf-8")
    return [part.strip() for part in re.findall(r"(?:'[^']*'|[^;'])+", text) if part.strip()]


def replay(dsn: str, statements: list[Captured]) -> Iterator[Answer]:
    """Make the databases, then send every statement on the connection of its client and database."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for database in sorted({s.database for s in statements} - {MAINTENANCE_DATABASE}):
            connection.execute(f"DROP DATABASE IF EXISTS {database}".encode())
            connection.execute(f"CREATE DATABASE {database}".encode())
            with psycopg.connect(_dsn(dsn, database), autocommit=True) as new:
                new.execute("CREATE EXTENSION IF NOT EXISTS vector")
                for text in setup_statements() if database in WITH_SCHEMA else ():
                    answer_of(new, text)
    connections: dict[tuple[str, str], psycopg.Connection] = {}
    try:
        for statement in statements:
            place = statement.client, statement.database
            if place not in connections or connections[place].closed:
                connections[place] = psycopg.connect(_dsn(dsn, statement.database), autocommit=True)
                connections[place].execute("SET statement_timeout = '20s'")
                connections[place].execute("SET lock_timeout = '3s'")
                connections[place].execute("SET TimeZone = 'UTC'")
            yield answer_of(connections[place], statement.text)
    finally:
        for opened in connections.values():
            opened.close()


def _dsn(dsn: str, database: str) -> str:
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)


def answer_of(connection: psycopg.Connection, text: str) -> Answer:
    """The answer to the last statement of a text, or the first error; COPY FROM is given nothing."""
    raw = connection.pgconn
    raw.send_query(text.encode())
    answer = Answer()
    while (result := raw.get_result()) is not None:
        if result.status == ExecStatus.COPY_IN:
            raw.put_copy_end(b"nothing to copy")
        elif result.status == ExecStatus.COPY_OUT:
            while raw.get_copy_data(0)[0] > 0:
                pass
        elif result.status in _FINE:
            columns = tuple(
                ((result.fname(i) or b"").decode(), result.ftype(i), result.fmod(i))
                for i in range(result.nfields)
            )
            rows = tuple(
                tuple(result.get_value(row, column) for column in range(result.nfields))
                for row in range(result.ntuples)
            )
            answer = Answer(columns=columns, rows=rows)
        elif not answer.sqlstate:
            fields = (DiagnosticField.SQLSTATE, DiagnosticField.MESSAGE_PRIMARY)
            sqlstate, message = ((result.error_field(field) or b"").decode() for field in fields)
            answer = Answer(sqlstate, message)
    return answer
