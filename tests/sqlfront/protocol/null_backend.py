"""A session without SQL, storage or types, for tests of the wire protocol and the server.

It understands one-word commands with arguments, several in a script separated by `;`:

    select 1          one int4 row               rows N            N rows (id int4, name text)
    echo $1 $2 ...    its parameters back        insert N          no rows, tag INSERT 0 N
    copy in | copy out N                         notice TEXT       raises a notice
    error | crash | fatal                        sleep MS          waits, polling its cancel token
    begin | commit | rollback                    fail at commit    the implicit commit fails
    set NAME VALUE | show NAME                   listen C | notify C TEXT
    declare NAME rows N | deallocate NAME        terminate PID
"""

from __future__ import annotations

import itertools
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from foundation.cancel import CANCEL_SHUTDOWN, CancelToken
from foundation.errors import (
    AdminShutdown,
    DivisionByZero,
    InvalidTextRepresentation,
    QueryCanceled,
    QuiverError,
    SyntaxErrorInStatement,
    UndefinedDatabase,
    UniqueViolation,
)
from foundation.settings import SettingSource, SettingValues
from foundation.sqltypes import FLOAT8, INT4, INT8, TEXT, SqlType, arrow_type
from sqlfront.backend import (
    Authentication,
    CopyIn,
    CopyOut,
    Format,
    Notice,
    Notification,
    Portal,
    ResultColumn,
    StartupParameters,
    Statement,
    TransactionStatus,
)
from sqlfront.errors import TransactionAborted
from sqlfront.protocol import Codecs
from sqlfront.protocol.response import DataRow
from sqlfront.protocol.wire import message

BATCH_ROWS = 1000
_BINARY = {INT4.oid: struct.Struct("!i"), INT8.oid: struct.Struct("!q"), FLOAT8.oid: struct.Struct("!d")}


def decode_parameter(sql_type: SqlType, format: Format, data: bytes | None, settings: SettingValues) -> Any:
    """int4, int8, float8 and text only; one value at a time."""
    if data is None:
        return None
    if format is Format.BINARY and sql_type.oid in _BINARY:
        return _BINARY[sql_type.oid].unpack(data)[0]
    text = data.decode()
    return float(text) if sql_type == FLOAT8 else int(text) if sql_type.oid in _BINARY else text


def encode_data_rows(
    batch: pa.RecordBatch, columns: Sequence[ResultColumn], formats: Sequence[Format], settings: SettingValues
) -> bytes:
    """The obvious row-at-a-time encoder."""

    def encode(value: Any, column: ResultColumn, form: Format) -> bytes | None:
        if value is None:
            return None
        if form is Format.BINARY and column.type.oid in _BINARY:
            return _BINARY[column.type.oid].pack(value)
        return str(value).encode()

    rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
    return b"".join(DataRow(tuple(map(encode, row, columns, formats))).encode() for row in rows)


def decode_parameter_column(
    sql_type: SqlType, format: Format, cells: Sequence[bytes | None], settings: SettingValues
) -> pa.Array:
    """One value after the other."""
    return pa.array([decode_parameter(sql_type, format, cell, settings) for cell in cells])


CODECS = Codecs(decode_parameter, decode_parameter_column, encode_data_rows)


@dataclass
class NullStatement:
    text: str
    parameter_types: tuple[SqlType, ...]
    columns: tuple[ResultColumn, ...] | None
    runs_together: bool = False
    reads_directly: bool = False
    inserts_directly: bool = False


class NullCopyIn:
    """Counts lines; `bad` in a line is an error."""

    format = Format.TEXT
    column_count = 2

    def __init__(self) -> None:
        self.line_count = 0
        self.fed_bytes = 0
        self.failure: str | None = None

    def feed(self, data: bytes) -> None:
        if b"bad" in data:
            line = self.line_count + data[: data.index(b"bad")].count(b"\n") + 1
            raise InvalidTextRepresentation("bad line", context=f"COPY t, line {line}")
        self.fed_bytes += len(data)
        self.line_count += data.count(b"\n")

    def finish(self) -> str:
        return f"COPY {self.line_count}"

    def fail(self, message: str) -> None:
        self.failure = message
        raise QueryCanceled(f"COPY from stdin failed: {message}")


@dataclass
class NullCopyOut:
    row_count: int
    format: Format = Format.TEXT
    column_count: int = 2

    def frames(self) -> Iterator[bytes]:
        for start in range(0, self.row_count, BATCH_ROWS):
            rows = range(start, min(start + BATCH_ROWS, self.row_count))
            yield b"".join(message(b"d", b"%d\trow %d\n" % (row, row)) for row in rows)


_ROWS_COLUMNS = (ResultColumn("id", INT4, 4711, 1), ResultColumn("name", TEXT))


def result_columns(words: list[str], parameter_types: Sequence[SqlType]) -> tuple[ResultColumn, ...] | None:
    match words:
        case ["select", *_]:
            return (ResultColumn("?column?", INT4),)
        case ["rows" | "cursor", *_]:
            return _ROWS_COLUMNS
        case ["echo", *_]:
            return tuple(ResultColumn(f"c{i}", kind) for i, kind in enumerate(parameter_types, 1))
        case ["show", name]:
            return (ResultColumn(name, TEXT),)
    return None


class NullPortal:
    """Runs one command at its first pull."""

    def __init__(
        self, session: NullSession, text: str, parameters: Sequence[Any], types: Sequence[SqlType]
    ) -> None:
        self.session = session
        self.words = text.split()
        self.parameters = parameters
        self.types = types
        self.columns = result_columns(self.words, types)
        self.is_holdable = False
        self.is_short = False
        self.is_closed = False
        self._tag = ""
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._rest: pa.RecordBatch | None = None
        self._row_count = 0

    def joinable(self) -> None:
        return None

    def start(self) -> CopyIn | CopyOut | None:
        session = self.session
        session.check_runs(self.words)
        if self.words[:2] == ["copy", "in"]:
            session.copy_in = NullCopyIn()
            return session.copy_in
        if self.words[:2] == ["copy", "out"]:
            self._tag = f"COPY {self.words[2]}"
            return NullCopyOut(int(self.words[2]))
        return None

    def next_batch(self, rows_max: int) -> pa.RecordBatch | None:
        if self._batches is None:
            self._batches = self._run()
        batch = self._rest if self._rest is not None else next(self._batches, None)
        self._rest = None
        if batch is not None and rows_max and batch.num_rows > rows_max:
            batch, self._rest = batch.slice(0, rows_max), batch.slice(rows_max)
        self._row_count += 0 if batch is None else batch.num_rows
        return batch

    def _run(self) -> Iterator[pa.RecordBatch]:
        match self.words:
            case ["select", value]:
                yield self._batch([int(value)])
            case ["rows", count]:
                for start in range(0, int(count), BATCH_ROWS):
                    ids = range(start, min(start + BATCH_ROWS, int(count)))
                    yield self._batch(list(ids), [f"row {i}" for i in ids])
            case ["echo", *_]:
                yield self._batch(*([value] for value in self.parameters))
            case ["show", name]:
                yield self._batch([self.session.settings.show(name)])
            case words:
                self._tag = self.session.run_command(words)
        if self.columns is not None:
            self._tag = f"SELECT {self._row_count}"

    def _batch(self, *columns: list[Any]) -> pa.RecordBatch:
        assert self.columns is not None
        arrays = [pa.array(v, arrow_type(c.type)) for v, c in zip(columns, self.columns, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=[c.name for c in self.columns])

    def command_tag(self) -> str:
        return self._tag

    def close(self) -> None:
        self.is_closed = True


class NullSession:
    """One client."""

    def __init__(self, factory: NullFactory, process_id: int, startup: StartupParameters) -> None:
        self.factory = factory
        self.process_id = process_id
        self.secret_key = 1_000_000 + process_id
        self.is_sync_next = False
        self.may_block = True
        self.unfinished_commit = None
        self.startup = startup
        self.settings = SettingValues()
        self.settings.set_base("session_authorization", startup.user, SettingSource.OVERRIDE)
        for name, value in startup.settings.items():
            self.settings.set_base(name, value)
        self._reported = self.settings.reported()
        self.cancel_token = CancelToken()
        self.statements: dict[str, Statement] = {}
        self.portals: dict[str, Portal] = {}
        self.is_termination_requested = False
        self.wakeup: Callable[[], None] = lambda: None
        self.status = TransactionStatus.IDLE
        self.fails_at_commit = False
        self.notices: list[Notice] = []
        self.notifications: list[Notification] = []
        self.channels: set[str] = set()
        self.copy_in: NullCopyIn | None = None
        self.close_count = 0
        self.errors: list[BaseException] = []

    def set_wakeup(self, wakeup: Callable[[], None]) -> None:
        self.wakeup = wakeup

    def codec_context(self) -> SettingValues:
        return self.settings

    def transaction_status(self) -> TransactionStatus:
        return self.status

    def split_script(self, text: str) -> Sequence[str]:
        if "syntax" in text:
            raise SyntaxErrorInStatement(
                'syntax error at or near "syntax"', position=text.index("syntax") + 1
            )
        return [part.strip() for part in text.split(";") if part.strip()]

    def run_parsed(self, parsed: str, *, is_last: bool) -> Portal:
        return NullPortal(self, parsed.lower(), (), ())

    def prepare(self, text: str, parameter_oids: Sequence[int]) -> Statement:
        (parsed,) = self.split_script(text) or [""]
        words = parsed.lower().split()
        self.check_runs(words)
        count = max([int(word[1:]) for word in words if word.startswith("$")], default=0)
        oids = [*parameter_oids, *[0] * (count - len(parameter_oids))]
        types = tuple(SqlType(oid) if oid else TEXT for oid in oids)
        return NullStatement(parsed.lower(), types, result_columns(words, types))

    def bind(self, statement: Statement, parameters: Sequence[Any]) -> Portal:
        assert isinstance(statement, NullStatement)
        return NullPortal(self, statement.text, parameters, statement.parameter_types)

    def finish_commit(self) -> None:
        pass

    def read_directly(self, statement: Any, parameters: Any) -> None:
        return None

    def insert_directly(self, statement: Any, parameters: Any) -> None:
        return None

    def read_text_directly(self, text: str) -> None:
        return None

    def sync(self) -> None:
        if self.fails_at_commit:
            self.fails_at_commit = False
            raise UniqueViolation("duplicate key", detail="Key (id)=(1) already exists.", constraint="t_pkey")

    def statement_failed(self, error: BaseException) -> None:
        self.errors.append(error)
        if self.status is TransactionStatus.IN_TRANSACTION:
            self.status = TransactionStatus.FAILED

    def drain_notices(self) -> list[Notice]:
        notices, self.notices = self.notices, []
        return notices

    def drain_notifications(self) -> list[Notification]:
        if self.status is not TransactionStatus.IDLE:
            return []
        notifications, self.notifications = self.notifications, []
        return notifications

    def drain_parameter_changes(self) -> list[tuple[str, str]]:
        before, self._reported = self._reported, self.settings.reported()
        return [(name, value) for name, value in self._reported.items() if before[name] != value]

    def close(self) -> None:
        self.close_count += 1
        self.factory.sessions.pop(self.process_id, None)

    def check_runs(self, words: list[str]) -> None:
        if self.status is TransactionStatus.FAILED and words[:1] not in (["rollback"], ["commit"]):
            raise TransactionAborted()

    def run_command(self, words: list[str]) -> str:
        match words:
            case []:
                return ""
            case ["error"]:
                raise DivisionByZero("division by zero", hint="Divide by one.")
            case ["crash"]:
                raise RuntimeError("a bug")
            case ["fatal"]:
                raise AdminShutdown("terminating connection due to administrator command")
            case ["begin"]:
                self.status = TransactionStatus.IN_TRANSACTION
                return "BEGIN"
            case ["commit" | "rollback"]:
                is_commit = words == ["commit"] and self.status is not TransactionStatus.FAILED
                self.status = TransactionStatus.IDLE
                return "COMMIT" if is_commit else "ROLLBACK"
            case ["insert", count]:
                return f"INSERT 0 {count}"
            case ["fail", "at", "commit"]:
                self.fails_at_commit = True
                return "INSERT 0 1"
            case ["notice", *text]:
                self.notices.append(Notice(" ".join(text)))
                return "NOTICE"
            case ["set", name, value]:
                self.settings.set(name, value)
                return "SET"
            case ["sleep", duration_ms]:
                self._sleep(int(duration_ms) / 1000)
                return "SLEEP"
            case _:
                return self._run_shared(words)

    def _run_shared(self, words: list[str]) -> str:
        """Commands that reach other sessions or the shared names."""
        match words:
            case ["listen", channel]:
                self.channels.add(channel)
                return "LISTEN"
            case ["notify", channel, *text]:
                self.factory.notify(Notification(self.process_id, channel, " ".join(text)))
                return "NOTIFY"
            case ["declare", name, *rest]:
                self.portals[name] = NullPortal(self, " ".join(rest), (), ())
                return "DECLARE CURSOR"
            case ["deallocate", "all"]:
                self.statements.clear()
                return "DEALLOCATE ALL"
            case ["deallocate", name]:
                self.statements.pop(name)
                return "DEALLOCATE"
            case ["terminate", process_id]:
                self.factory.sessions[int(process_id)].terminate()
                return "TERMINATE"
        raise SyntaxErrorInStatement(f'syntax error at or near "{words[0][:40]}"', position=1)

    def terminate(self) -> None:
        self.is_termination_requested = True
        self.cancel_token.cancel(CANCEL_SHUTDOWN)
        self.wakeup()

    def _sleep(self, duration_s: float) -> None:
        deadline = time.monotonic() + duration_s
        self.factory.sleeping.set()
        while time.monotonic() < deadline:
            self.cancel_token.check()
            time.sleep(0.001)


@dataclass
class NullFactory:
    """Hands out sessions. `verifiers`: SCRAM verifier by user; a user `trusted` needs none when it is empty."""

    verifiers: dict[str, str] = field(default_factory=dict)
    sessions: dict[int, NullSession] = field(default_factory=dict)
    sleeping: threading.Event = field(default_factory=threading.Event)
    """Set when a session begins to sleep."""
    all_sessions: list[NullSession] = field(default_factory=list)
    keeps_sessions: bool = True
    _process_ids: Iterator[int] = field(default_factory=lambda: itertools.count(101))

    def authentication(self, startup: StartupParameters) -> Authentication:
        return Authentication(self.verifiers.get(startup.user) or self.verifiers.get("*"))

    def connect(self, startup: StartupParameters) -> NullSession:
        if startup.database == "missing":
            raise UndefinedDatabase('database "missing" does not exist')
        session = NullSession(self, next(self._process_ids), startup)
        self.sessions[session.process_id] = session
        if self.keeps_sessions:
            self.all_sessions.append(session)
        return session

    def cancel(self, process_id: int, secret_key: int) -> None:
        session = self.sessions.get(process_id)
        if session is not None and session.secret_key == secret_key:
            session.cancel_token.cancel()

    def notify(self, notification: Notification) -> None:
        for session in list(self.sessions.values()):
            if notification.channel in session.channels:
                session.notifications.append(notification)
                session.wakeup()


__all__ = ["CODECS", "NullFactory", "NullSession", "QuiverError"]
