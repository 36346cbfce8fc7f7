"""What a server says to a statement, in a form that can be compared between two servers.

`Outcome` holds everything a client can see: column names and types, rows as the bytes on the wire, the command tag, or
SQLSTATE and message. Statements come from the files in `sql/`: one a line, `--` starts a comment line, and
`-- refused: why` says that the next statement is refused by name (0A000) where PostgreSQL answers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

FOLDER = Path(__file__).parent / "sql"
BUILT_IN_OIDS_END = 16384
VECTOR_TYPES = {"vector": "v", "halfvec": "h", "_vector": "av", "_halfvec": "ah"}


@dataclass(frozen=True)
class Statement:
    text: str
    refusal: str = ""
    """Why it is refused here; empty when it must do what PostgreSQL does."""


@dataclass(frozen=True)
class Outcome:
    sqlstate: str = ""
    message: str = ""
    tag: str = ""
    columns: tuple[tuple[str, str, int], ...] = ()
    """(name, type, typmod)."""
    rows: tuple[tuple[bytes | None, ...], ...] = ()

    def unordered(self) -> Outcome:
        return replace(self, rows=tuple(sorted(self.rows, key=repr)))


def statements(file: str) -> list[Statement]:
    """The statements of a file of `sql/`, in order."""
    found, refusal = [], ""
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-- refused:"):
            refusal = line.removeprefix("-- refused:").strip()
        elif line.strip() and not line.startswith("--"):
            found.append(Statement(line.rstrip(), refusal))
            refusal = ""
    return found


class Prober:
    """One connection; runs statements through Parse, Bind and Execute."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        for setting in ("TimeZone = 'UTC'", "extra_float_digits = 1", "client_min_messages = error"):
            self.connection.execute(f"SET {setting}".encode())
        self._type_names: dict[int, str] = {}

    def close(self) -> None:
        self.connection.close()

    def load(self, file: str) -> None:
        """Run a file's statements for their effect."""
        for statement in statements(file):
            self.connection.execute(statement.text.encode())

    def outcome(self, text: str, *, is_binary: bool = False) -> Outcome:
        result = self.connection.pgconn.exec_params(text.encode(), [], result_format=int(is_binary))
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            message = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b""
            sqlstate = result.error_field(DiagnosticField.SQLSTATE) or b""
            return Outcome(sqlstate.decode(), message.decode())
        columns = tuple(
            ((result.fname(i) or b"").decode(), self._type_name(result.ftype(i)), result.fmod(i))
            for i in range(result.nfields)
        )
        rows = tuple(
            tuple(result.get_value(row, column) for column in range(result.nfields))
            for row in range(result.ntuples)
        )
        return Outcome("", "", (result.command_status or b"").decode(), columns, rows)

    def _type_name(self, oid: int) -> str:
        """A built-in type by its OID; an extension's, whose OID differs from server to server, by its name."""
        if oid < BUILT_IN_OIDS_END:
            return str(oid)
        if oid not in self._type_names:
            row = self.connection.execute("SELECT typname FROM pg_type WHERE oid = %s", [oid]).fetchone()
            self._type_names[oid] = str(row[0]) if row else "?"
        return self._type_names[oid]


def described_outcome(connection: psycopg.Connection[Any], text: str) -> Any:
    """Rows or tag, or SQLSTATE with message, DETAIL and HINT; and the notices."""
    notices: list[tuple[str | None, ...]] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        notices.append((diagnostic.sqlstate, diagnostic.message_primary, diagnostic.message_detail))

    connection.add_notice_handler(note)
    try:
        cursor = connection.execute(text.encode())
        return cursor.fetchall() if cursor.description else cursor.statusmessage, notices
    except psycopg.Error as error:
        diagnostic = error.diag
        return error.sqlstate, diagnostic.message_primary, diagnostic.message_detail, diagnostic.message_hint
    finally:
        connection.remove_notice_handler(note)


def is_ordered(text: str) -> bool:
    return re.search(r"\border\s+by\b", text, re.IGNORECASE) is not None


class NamedTypes:
    """Replaces OIDs of users' types in binary rows by the types' names."""

    def __init__(self, prober: Prober) -> None:
        self.prober = prober
        self.names: dict[bytes, bytes] = {}

    def outcome(self, statement: Statement) -> Outcome:
        query = "SELECT oid, typname FROM pg_type WHERE oid >= 16384 AND typname <> ''"
        for oid, name in self.prober.connection.execute(query).fetchall():
            self.names[struct.pack("!I", oid)] = f"<{name}>".encode()
        found = self.prober.outcome(statement.text, is_binary=True)
        return replace(found, rows=tuple(tuple(map(self._named, row)) for row in found.rows))

    def _named(self, cell: bytes | None) -> bytes | None:
        for oid, name in self.names.items():
            cell = None if cell is None else cell.replace(oid, name)
        return cell


def differences(file: str, theirs: Prober, ours: Prober) -> list[str]:
    """What two servers say differently, in text and binary, of statements that make types of their own."""
    named = [NamedTypes(prober) for prober in (theirs, ours)]
    found = []
    for statement in statements(file):
        expected, other = theirs.outcome(statement.text), ours.outcome(statement.text)
        if statement.refusal:
            if (other.sqlstate, other.message) != ("0A000", statement.refusal):
                found.append(f"{statement.text}\n  is not refused: {other}")
            continue
        pairs = [(expected, other)]
        if expected.tag.startswith("SELECT") and other.tag == expected.tag:
            pairs.append((named[0].outcome(statement), named[1].outcome(statement)))
        for one, another in pairs:
            if not is_ordered(statement.text):
                one, another = one.unordered(), another.unordered()
            if one != another:
                found.append(f"{statement.text}\n  postgres {one}\n  quiver   {another}")
    return found


@contextmanager
def beside_postgresql(postgres_dsn: str, dsn: str, database: str) -> Iterator[tuple[Prober, Prober]]:
    """Probers of a new database of that name on a real server and on ours."""
    probers = []
    for place in (postgres_dsn, dsn):
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database}".encode())
            connection.execute(f"CREATE DATABASE {database}".encode())
        probers.append(Prober(psycopg.conninfo.make_conninfo(place, dbname=database)))
    yield probers[0], probers[1]
    for prober in probers:
        prober.close()
