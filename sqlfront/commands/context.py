"""What a command works with and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from foundation.settings import SettingValues
from planner import ExecutionContext
from planner.vector.search_options import check_index_options
from sqlfront.backend import ResultColumn
from sqlfront.binder import BindContext
from storage import Catalog, Storage, Transaction
from storage.catalog import Sequence


class NoticeCallback(Protocol):
    """Sends a NOTICE to the client, or a WARNING."""

    def __call__(
        self,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        sqlstate: str = "00000",
        severity: str = "NOTICE",
    ) -> None: ...


class Peers(Protocol):
    """The other sessions of a database."""

    def end(self, database_oid: int) -> None:
        """Ask all of them to end."""

    def remaining(self, database_oid: int) -> int:
        """How many there are, once those that are about to leave had the time to."""


class RoleName(Protocol):
    """A role by OID and name."""

    @property
    def oid(self) -> int: ...

    @property
    def name(self) -> str: ...


class Roles(Protocol):
    """Who the session is, and the commands that change it."""

    @property
    def session_user(self) -> RoleName: ...

    def set(self, setting: str, name: str | None, *, is_local: bool = False) -> None: ...


@dataclass(slots=True)
class CommandContext:
    """The session's side of a command.

    `search_path` are schema names, "$user" replaced; those that do not exist are skipped. `temporary_schema` is the name of the
    session's own, which is made for its first temporary object. `bind_context` and
    `execution_context` are for binding and evaluating expressions, with the transaction's catalog as it is at the
    call. `role_oid` is the current user, `roles` are all that the session is. `peers` are the other sessions. `restart_sequence` gives a sequence the value
    that comes next, until the transaction or its savepoint is rolled back. `rewritten_oids` are the tables that PostgreSQL
    would write anew for this command, whether that is done here or not.
    """

    storage: Storage
    transaction: Transaction
    settings: SettingValues
    database_oid: int
    role_oid: int
    search_path: tuple[str, ...]
    temporary_schema: str
    notice: NoticeCallback
    bind_context: Callable[[], BindContext]
    execution_context: Callable[[], ExecutionContext]
    restart_sequence: Callable[[Sequence, int], None]
    roles: Roles
    peers: Peers | None = None
    check_build_params: Callable[[str, Mapping[str, str]], dict[str, int]] = check_index_options
    rewritten_oids: set[int] = field(default_factory=set)
    indexes_to_build: list[int] = field(default_factory=list)
    """Indexes of partitions that ALTER TABLE has made, for the session to fill after the commit."""

    @property
    def catalog(self) -> Catalog:
        return self.transaction.catalog


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command tag; rows for SHOW; OIDs of vector indexes that the session fills after the commit."""

    tag: str
    columns: tuple[ResultColumn, ...] | None = None
    batch: pa.RecordBatch | None = None
    indexes_to_build: tuple[int, ...] = field(default=())
