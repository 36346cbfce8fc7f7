"""What the wire protocol needs of a session: the boundary between messages and statements.

`sqlfront.protocol` speaks only to these Protocols, so it runs in tests on a null backend; `sqlfront.session`
implements them. Everything here is synchronous; one connection calls one session from one thread at a time,
except `cancel`, which may come from any thread.

Values cross as Arrow: results are RecordBatches whose columns have `arrow_type()` of the column's SqlType,
parameters are Python values as `sqlfront.types` decodes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from foundation.cancel import CancelToken
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType


class Format(Enum):
    """Wire format of a parameter, a result column or a COPY stream."""

    TEXT = 0
    BINARY = 1


class TransactionStatus(Enum):
    """The status byte of ReadyForQuery."""

    IDLE = b"I"
    IN_TRANSACTION = b"T"
    FAILED = b"E"


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One field of a RowDescription; `table_oid` and `attnum` are 0 for expressions."""

    name: str
    type: SqlType
    table_oid: int = 0
    attnum: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A NoticeResponse. `severity` is WARNING, NOTICE, INFO, LOG or DEBUG."""

    message: str
    severity: str = "NOTICE"
    sqlstate: str = "00000"
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A NotificationResponse of LISTEN / NOTIFY."""

    process_id: int
    channel: str
    payload: str


@runtime_checkable
@runtime_checkable
class CopyIn(Protocol):
    """The receiving end of COPY ... FROM STDIN. Memory stays bounded however long the stream is."""

    format: Format
    column_count: int

    def feed(self, data: bytes) -> None:
        """Take the payload of one CopyData message; rows may start and end anywhere."""

    def finish(self) -> str:
        """CopyDone: the command tag (`COPY 61666`). Nothing of a failed COPY stays."""

    def fail(self, message: str) -> None:
        """CopyFail or a broken connection. Raises QueryCanceled (57014) with PostgreSQL's wording."""


@runtime_checkable
@runtime_checkable
class CopyOut(Protocol):
    """The sending end of COPY ... TO STDOUT."""

    format: Format
    column_count: int

    def frames(self) -> Iterator[bytes]:
        """Runs of complete CopyData messages, one message a row, each run of bounded size."""


class Portal(Protocol):
    """A bound statement that is being executed. Rows are pulled; nothing runs before the first pull."""

    columns: tuple[ResultColumn, ...] | None
    """None when the statement returns no rows."""
    is_short: bool
    """The work is bounded by the size of the message: it delays nobody much, wherever it is done."""
    is_holdable: bool
    """WITH HOLD: outlives its transaction. The conversation closes all other portals when it goes idle."""

    def joinable(self) -> Joinable | None:
        """Asked before `start`, where the session may not block; None = it is executed by itself."""

    def start(self) -> CopyIn | CopyOut | None:
        """Begin execution, at the first Execute. COPY returns its stream; all others None."""

    def next_batch(self, rows_max: int) -> pa.RecordBatch | None:
        """At most `rows_max` further rows (0 = as many as come); None when there are no more."""

    def command_tag(self) -> str:
        """For CommandComplete, after the last batch: `SELECT 3`, `INSERT 0 1`, `BEGIN`; '' = EmptyQueryResponse."""

    def close(self) -> None:
        """Give up snapshots and cursors. Idempotent."""


class Statement(Protocol):
    """A prepared statement."""

    parameter_types: tuple[SqlType, ...]
    columns: tuple[ResultColumn, ...] | None

    @property
    def runs_together(self) -> bool:
        """Whether executions with different parameters can be one change; see `Session.run_together`."""

    @property
    def reads_directly(self) -> bool:
        """Whether `Session.read_directly` may have its rows."""

    @property
    def inserts_directly(self) -> bool:
        """Whether `Session.insert_directly` may execute it."""


class Joinable(ABC):
    """An execution that can be one with those of other sessions, where all of them must not wait.

    Who has it executes it in any case, or takes what it has become: `Portal.start`, or `take_tag`.
    """

    @property
    @abstractmethod
    def key(self) -> object:
        """Executions with equal keys can be executed together."""

    @abstractmethod
    def run_with(self, others: Sequence[Joinable]) -> None:
        """Execute this and others with its key. Never raises: what fails is left to each that has one."""

    @abstractmethod
    def take_tag(self) -> str | None:
        """The command tag; executed by itself where nobody has done it.

        The session's commit is unfinished where it may not block.

        None, with nothing done, where it is to be executed by a portal after all. Raises what the execution raises.
        """

    @abstractmethod
    def close(self) -> None:
        """Whoever had it ends: what was executed and not taken is the session's to finish. Idempotent."""


class UnfinishedCommit(Protocol):
    """A commit that is in the log; it is done when the log is durable up to `lsn`."""

    @property
    def lsn(self) -> int: ...

    def wait(self) -> None:
        """Return when it is, for this commit and all with smaller LSNs. Raises as the commit will."""


class Session(Protocol):
    """One client's session, as the protocol drives it.

    An error raised by any method must be reported by calling `statement_failed`; the session then knows that
    its transaction is aborted (explicit) or rolled back (implicit).
    """

    process_id: int
    secret_key: int
    settings: SettingValues
    cancel_token: CancelToken
    statements: dict[str, Statement]
    """Prepared statements by name, '' = the unnamed one. Parse messages and SQL's PREPARE share the names, so
    DEALLOCATE removes what a driver prepared by message."""
    portals: dict[str, Portal]
    """Open portals by name. Bind messages and DECLARE CURSOR share the names: drivers describe and execute a
    declared cursor by message. A portal that is removed must be closed."""
    is_termination_requested: bool
    """Set from any thread (pg_terminate_backend), followed by the wake-up call: the conversation ends with
    57P01 as soon as no statement runs; a running one is stopped through the cancel token (CANCEL_SHUTDOWN)."""

    is_sync_next: bool
    """Set before an Execute without a row limit: whether the next message is a Sync. Nothing can then join the
    statement's implicit transaction any more, so it may end with the statement."""

    may_block: bool
    """False while the session is driven where nobody may wait. Every method then raises WouldBlock, with nothing done,
    where it would have to wait, and leaves commits unfinished."""

    @property
    def unfinished_commit(self) -> UnfinishedCommit | None:
        """What must be durable before the client hears of what it asked for."""

    def finish_commit(self) -> None:
        """End an unfinished commit, durably; without one, nothing. Raises IoFailure (58030)."""

    def set_wakeup(self, wakeup: Callable[[], None]) -> None:
        """What to call, from any thread, when a notification arrives or termination is requested, so that an
        idle client hears of it. It returns at once and may be called too often."""

    def codec_context(self) -> Any:
        """What the value codecs are given: how this client wants values to print and parse."""

    def transaction_status(self) -> TransactionStatus: ...

    def split_script(self, text: str) -> Sequence[Any]:
        """Parse a simple query's text into parsed statements; an empty text gives none. Raises 42601."""

    def run_parsed(self, parsed: Any, *, is_last: bool) -> Portal:
        """A portal over one statement of a simple query, inside the script's implicit transaction."""

    def prepare(self, text: str, parameter_oids: Sequence[int]) -> Statement:
        """Parse message. OID 0 = to be inferred. Raises 42601, 42P01, 42P18, ..., 25P02 in a failed transaction."""

    def retyped(self, statement: Statement, parameter_types: Sequence[SqlType]) -> Statement:
        """The statement bound anew, for parameters in other forms of their types."""

    def bind(self, statement: Statement, parameters: Sequence[Any]) -> Portal:
        """Bind message; `parameters` are decoded Python values in the order of `parameter_types`."""

    def run_together(self, statement: Statement, parameters: Sequence[pa.Array], count: int) -> str | None:
        """Execute a statement that `runs_together` for `count` sets of parameters, given as columns.

        Returns:
            The command tag of each execution; None where they must be executed one by one after all.

        Raises:
            QuiverError: whatever an execution raises. Nothing of any of them stays, and the transaction goes on.
        """

    def read_directly(self, statement: Statement, parameters: Sequence[Any]) -> pa.RecordBatch | None:
        """All rows of a query that is a transaction of its own, or in a block that has changed nothing: Bind, Execute and
        Sync in one. No portal is left.

        Returns:
            None where it is to be executed by a portal after all; nothing was done then but what that would begin with.

        Raises:
            QueryCanceled: 57014. AdminShutdown: 57P01.
        """

    def read_text_directly(self, text: str) -> tuple[pa.RecordBatch, tuple[ResultColumn, ...]] | None:
        """`read_directly` of a simple query that is nothing else; its columns, too."""

    def insert_directly(self, statement: Statement, parameters: Sequence[Any]) -> Joinable | None:
        """An INSERT that is a transaction of its own: Bind, Execute and Sync in one. It is executed by who takes its tag.

        Returns:
            None where it is to be executed by a portal.

        Raises:
            AdminShutdown: 57P01.
        """

    def sync(self) -> None:
        """Sync message or the end of a simple query: commits the implicit transaction, if any."""

    def statement_failed(self, error: BaseException) -> None: ...

    def drain_notices(self) -> list[Notice]: ...

    def drain_notifications(self) -> list[Notification]:
        """Notifications to deliver now; empty inside a transaction block."""

    def drain_parameter_changes(self) -> list[tuple[str, str]]:
        """Reported settings whose value changed since the last call."""

    def close(self) -> None:
        """The connection ended: roll back and release everything. Idempotent."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The two ends of a connection: '' and None over a Unix socket and inside one process."""

    peer_host: str = ""
    peer_port: int | None = None
    server_host: str = ""
    server_port: int | None = None


@dataclass(frozen=True, slots=True)
class StartupParameters:
    """What the start-up packet said. `settings` includes those of `options=-c name=value`."""

    user: str
    database: str
    settings: dict[str, str] = field(default_factory=dict)
    endpoints: Endpoints = field(default_factory=Endpoints)
    is_tls: bool = False


@dataclass(frozen=True, slots=True)
class Authentication:
    """How a client must authenticate. `scram_verifier` is None for trust.

    An unknown role gets a made-up verifier, so that its failure looks like a wrong password.
    """

    scram_verifier: str | None


class SessionFactory(Protocol):
    """The server side that hands out sessions."""

    def authentication(self, startup: StartupParameters) -> Authentication:
        """Raises 28000 when the client may not connect at all."""

    def connect(self, startup: StartupParameters) -> Session:
        """Raises 3D000 unknown database, 28000 role, 53300 too many connections, 22023 bad setting."""

    def cancel(self, process_id: int, secret_key: int) -> None:
        """CancelRequest; silently does nothing when the pair is unknown."""
