"""A session: executes statements for one client, with no socket in sight.

The server, the embedded API and the tests all drive this object. It orchestrates and contains no rules of its
own: parsing is `sqlfront.parser`, names and types `sqlfront.binder`, commands `sqlfront.commands`, execution
`planner`, data `storage`. One thread at a time uses a session; only `cancel_token` and `terminate` may be
touched from others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from foundation.cancel import CANCEL_SHUTDOWN, CancelToken
from foundation.errors import AdminShutdown, QuiverError
from foundation.settings import SettingValues
from foundation.sqltypes import SqlType
from planner import ExecutionContext
from planner.dml import check_deferred
from sqlfront.backend import Notice, Notification, Portal, ResultColumn, Statement, TransactionStatus
from sqlfront.binder import BindContext
from sqlfront.commands import CommandContext
from sqlfront.commands.temporary_objects import end_transaction
from sqlfront.errors import UndefinedPreparedStatement
from sqlfront.parser import ParsedStatement
from sqlfront.session.acting_role import ActingRoles
from sqlfront.session.advisory_locks import SessionAdvisoryLocks
from sqlfront.session.clock import now_us
from sqlfront.session.cursors import CursorTable
from sqlfront.session.database_peers import DatabasePeers
from sqlfront.session.direct_reads import read_directly
from sqlfront.session.dispatch import run_command
from sqlfront.session.errors import WrongParameterCount
from sqlfront.session.index_builds import PendingBuilds
from sqlfront.session.joint_inserts import JoinableInsert, joinable_insert
from sqlfront.session.lifted_texts import LiftedTexts, Unparsed
from sqlfront.session.names import existing_schemas, searched_schemas, split_search_path
from sqlfront.session.notifications import Listener
from sqlfront.session.outcome import Outcome
from sqlfront.session.portal import LazyPortal
from sqlfront.session.prepared import PreparedStatement, StatementPlanner
from sqlfront.session.random_numbers import RandomNumbers
from sqlfront.session.services import IdleCodecs, StatementServices
from sqlfront.session.short_statements import is_short_command
from sqlfront.session.state import PreparedText, SessionIdentity, SessionState
from sqlfront.session.temporary import drop_own_temporary, has_temporary
from sqlfront.session.top_level import is_change, run_top
from sqlfront.session.transaction_block import BlockState, TransactionBlock, UnfinishedCommit
from sqlfront.session.transaction_effects import TransactionEffects
from sqlfront.types import CodecContext
from sqlfront.types.postgres_codecs import PostgresCodecs
from storage import Transaction
from storage.catalog import Catalog
from storage.catalog import Sequence as StoredSequence
from storage.lock_spaces import LockGroup

if TYPE_CHECKING:
    from sqlfront.session.factory import Shared

_log = logging.getLogger("quiver.session")

SEVERITY_ORDER = (
    "debug5", "debug4", "debug3", "debug2", "debug1", "log", "info", "notice", "warning", "error",
)  # fmt: skip


class Registry(Protocol):
    """What a session needs of the factory that made it."""

    def sessions(self) -> Any: ...

    def signal(self, process_id: int, *, terminate: bool) -> bool: ...

    def forget(self, session: Any) -> None: ...


class LocalSession:
    """Implements `sqlfront.backend.Session` over a `Storage` in this process."""

    def __init__(
        self, shared: Shared, identity: SessionIdentity, settings: SettingValues, registry: Registry
    ) -> None:
        self.shared = shared
        self.identity = identity
        self.process_id, self.secret_key = identity.process_id, identity.secret_key
        self.settings = settings
        self.roles = ActingRoles(self)
        self.registry = registry
        self.cancel_token = CancelToken()
        self.lock_group = LockGroup(identity.process_id)
        self.block = TransactionBlock(shared.storage, settings, self, self.cancel_token, self.lock_group)
        self.advisory_locks = SessionAdvisoryLocks(shared.storage.locks, self.lock_group)
        self.portals: dict[str, Portal] = {}
        self.cursors = CursorTable(self.portals)
        self.statements: dict[str, Statement] = {}
        self.is_termination_requested = False
        self.is_sync_next = False
        self.listener = Listener(identity.database_oid, identity.process_id)
        self.effects = TransactionEffects()
        self.sequence_values: dict[int, int] = {}
        self.last_sequence_oid: int | None = None
        self.random_numbers = RandomNumbers()
        self.current_query = ""
        self.query_start_us = now_us()
        self.transaction_start_us = now_us()
        self.session_start_us = now_us()
        self.pending_index_builds = PendingBuilds(shared.build_claims)
        self._planner = StatementPlanner(self)
        self._idle_codecs = IdleCodecs(self)
        self._lifted = LiftedTexts(self, self._planner)
        self._notices: list[Notice] = []
        self._reported = settings.reported()
        self._is_script_of_one = False
        self.is_in_script = False
        """The statement that runs is one of several of a simple query, which are a transaction together."""
        self._is_closed = False
        self.is_reading_definition = False

    # -- what the protocol calls --------------------------------------------------------------------------

    def set_wakeup(self, wakeup: Callable[[], None]) -> None:
        self.listener.on_arrival = wakeup

    def transaction_status(self) -> TransactionStatus:
        return self.block.status

    def split_script(self, text: str) -> Sequence[ParsedStatement | Unparsed]:
        self._begin_statement(text)
        unparsed = self._lifted.unparsed(text)
        script = self.shared.known_texts.parsed(text) if unparsed is None else (unparsed,)
        self._is_script_of_one = len(script) == 1
        return script

    def run_parsed(self, parsed: ParsedStatement | Unparsed, *, is_last: bool) -> LazyPortal:
        finish = self.finish_implicit if is_last else _nothing
        is_alone = self._is_script_of_one
        if not isinstance(parsed, ParsedStatement):
            portal = self._lifted.portal(parsed, finish)
            if portal is not None:
                return portal
            statement = self._planner.prepare_message(parsed.text)
        else:
            statement = self._planner.prepare_parsed(parsed, (), allows_parameters=False)

        def run() -> Outcome:
            self.is_in_script = not is_alone
            try:
                return self._run_top(statement, (), is_alone=is_alone)
            finally:
                self.is_in_script = False

        return LazyPortal(statement.columns, run, finish, is_short=self._is_short(statement))

    def prepare(self, text: str, parameter_oids: Sequence[int]) -> PreparedStatement:
        self._begin_statement(text)
        return self._planner.prepare_text(text, tuple(parameter_oids))

    def retyped(self, statement: Statement, parameter_types: Sequence[SqlType]) -> PreparedStatement:
        assert isinstance(statement, PreparedStatement), "a statement of another session"
        return self._planner.prepare_text(statement.text, tuple(kind.oid for kind in parameter_types))

    def bind(self, statement: Statement, parameters: Sequence[Any]) -> LazyPortal:
        assert isinstance(statement, PreparedStatement), "a statement of another session"
        expected = len(statement.parameter_types)
        if len(parameters) != expected:
            raise WrongParameterCount(
                f"bind message supplies {len(parameters)} parameters, but prepared statement requires {expected}"
            )
        self._begin_statement(statement.text)

        def run() -> Outcome:
            return self._run_top(statement, parameters, is_alone=self.is_sync_next)

        def join() -> JoinableInsert | None:
            return joinable_insert(self, statement, parameters) if self.is_sync_next else None

        return LazyPortal(statement.columns, run, _nothing, is_short=self._is_short(statement), join=join)

    def read_directly(self, statement: Statement, parameters: Sequence[Any]) -> pa.RecordBatch | None:
        assert isinstance(statement, PreparedStatement), "a statement of another session"
        self._begin_statement(statement.text)
        return read_directly(self, statement, parameters)

    def read_text_directly(self, text: str) -> tuple[pa.RecordBatch, tuple[ResultColumn, ...]] | None:
        self._begin_statement(text)
        return self._lifted.read(text)

    def insert_directly(self, statement: Statement, parameters: Sequence[Any]) -> JoinableInsert | None:
        assert isinstance(statement, PreparedStatement), "a statement of another session"
        self._begin_statement(statement.text)
        return joinable_insert(self, statement, parameters)

    def _is_short(self, statement: PreparedStatement) -> bool:
        if statement.cached is not None:
            return statement.cached.is_short
        return statement.parsed is None or is_short_command(self, statement.parsed.node)

    def run_together(self, statement: Statement, parameters: Sequence[pa.Array], count: int) -> str | None:
        assert isinstance(statement, PreparedStatement), "a statement of another session"
        self._begin_statement(statement.text)
        return self.run_rows(statement, parameters, count, tag_count=1)

    def run_rows(
        self, statement: PreparedStatement, parameters: Sequence[pa.Array], count: int, *, tag_count: int
    ) -> str | None:
        """`run_together` inside the statement that runs; the tag is that of `tag_count` rows."""
        return self._planner.run_rows(statement, parameters, count, tag_count=tag_count)

    def sync(self) -> None:
        self.finish_implicit()

    def statement_failed(self, error: BaseException) -> None:
        if isinstance(error, QuiverError) and error.schema_oid:
            schema = self.catalog().get(error.schema_oid)
            error.schema = schema.name if schema is not None else None
        self.block.fail()

    def notice_mark(self) -> int:
        """What `forget_notices` goes back to."""
        return len(self._notices)

    def forget_notices(self, mark: int) -> None:
        del self._notices[mark:]

    def drain_notices(self) -> list[Notice]:
        drained, self._notices = self._notices, []
        return drained

    def drain_notifications(self) -> list[Notification]:
        return [] if self.block.is_explicit else self.listener.drain()

    def drain_parameter_changes(self) -> list[tuple[str, str]]:
        reported = self.settings.reported()
        if reported is self._reported:
            return []
        changes = [(name, value) for name, value in reported.items() if self._reported.get(name) != value]
        self._reported = reported
        return changes

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            for portal in list(self.portals.values()):
                portal.close()
            self.portals.clear()
            self.block.rollback()
            drop_own_temporary(self)
        finally:
            self.advisory_locks.unlock_all()
            self.shared.hub.unlisten(self.listener, None)
            self.registry.forget(self)

    # -- where nobody may wait ----------------------------------------------------------------------------

    @property
    def may_block(self) -> bool:
        return self.block.may_block

    @may_block.setter
    def may_block(self, may_block: bool) -> None:
        self.block.may_block = may_block

    @property
    def unfinished_commit(self) -> UnfinishedCommit | None:
        return self.block.unfinished

    def finish_commit(self) -> None:
        if self.block.unfinished is not None:
            self.block.finish_commit()

    # -- running ------------------------------------------------------------------------------------------

    def _begin_statement(self, text: str) -> None:
        if self.cancel_token.word[0] == CANCEL_SHUTDOWN:
            raise AdminShutdown("terminating connection due to administrator command")
        self.cancel_token.reset()
        self.current_query = text
        self.query_start_us = now_us()
        if self.block.state is BlockState.IDLE:
            self.transaction_start_us = self.query_start_us

    def _run_top(self, statement: PreparedStatement, parameters: Sequence[Any], *, is_alone: bool) -> Outcome:
        run = partial(self._run, statement, parameters)
        return run_top(self, run, lambda: is_change(self, statement), is_alone=is_alone)

    def _run(self, statement: PreparedStatement, parameters: Sequence[Any]) -> Outcome:
        if statement.is_query:
            return self._planner.run_query(statement, parameters)
        if statement.parsed is None:
            return Outcome()
        return run_command(self, statement.parsed, statement.parameter_types, parameters)

    def run_prepared(self, statement: PreparedStatement, parameters: Sequence[Any]) -> Outcome:
        """EXECUTE and DECLARE: run a statement inside the one that is running."""
        return self._run(statement, parameters)

    def is_up_to_date(self, statement: PreparedStatement) -> bool:
        """Whether the statement's plan is the one it would get now."""
        return self._planner.is_up_to_date(statement)

    def open_transaction_for(self, statement: PreparedStatement) -> Transaction:
        """EXPLAIN: the transaction a query runs in, with its tables locked."""
        return self._planner.open_transaction(statement)

    def prepared_statement(self, name: str) -> PreparedStatement:
        """A statement of PREPARE or of a named Parse message. Raises UndefinedPreparedStatement (26000)."""
        statement = self.statements.get(name)
        if not isinstance(statement, PreparedStatement):
            raise UndefinedPreparedStatement(f'prepared statement "{name}" does not exist')
        return statement

    def prepare_nested(
        self, parsed: ParsedStatement, parameter_oids: Sequence[int] | None = None
    ) -> PreparedStatement:
        """Prepare a statement that stands inside another (EXPLAIN, DECLARE, PREPARE, COPY (query)).

        `parameter_oids` None = it has no parameters.
        """
        return self._planner.prepare_parsed(
            parsed, tuple(parameter_oids or ()), allows_parameters=parameter_oids is not None
        )

    def prepare_nested_text(self, text: str, parameter_oids: tuple[int, ...] = ()) -> PreparedStatement:
        """Prepare a text whose parameters the session itself has values for."""
        return self._planner.prepare_text(text, parameter_oids)

    def codec_context(self) -> CodecContext:
        """How values print and parse for this client, names of catalog objects included."""
        transaction = self.block.current()
        return (
            self._idle_codecs.context()
            if transaction is None
            else StatementServices(self, transaction).codec_context()
        )

    def command_context(self, transaction: Transaction) -> CommandContext:
        """What `sqlfront.commands` works with."""
        return CommandContext(
            storage=self.shared.storage,
            transaction=transaction,
            settings=self.settings,
            database_oid=self.identity.database_oid,
            role_oid=self.roles.current.oid,
            roles=self.roles,
            search_path=self.search_path(),
            temporary_schema=self.identity.temporary_schema,
            notice=self.notice,
            bind_context=self.bind_context,
            execution_context=lambda: self.execution_context(transaction),
            restart_sequence=self._restart_sequence,
            peers=DatabasePeers(self),
        )

    def _restart_sequence(self, sequence: StoredSequence, value: int) -> None:
        storage = self.shared.storage
        before = storage.sequence_state(sequence.oid)

        def undo() -> None:
            # A sequence that was made in the transaction goes with it.
            if storage.catalog.get(sequence.oid) is None:
                return
            try:
                storage.set_sequence(sequence.oid, *before)
            except QuiverError as error:
                # The rollback must not fail; the log has, or the disk is full.
                _log.warning("sequence %s stays restarted: %s", sequence.name, error)

        storage.set_sequence(sequence.oid, value, False)
        self.effects.restarted(undo)

    def bind_context(self) -> BindContext:
        """Names and types as this session sees them now."""
        return self._planner.bind_context()

    def finish_implicit(self) -> None:
        self.block.end_implicit()
        self.run_pending_index_builds()

    def run_pending_index_builds(self) -> None:
        """Build the indexes a committed transaction created; inside a block they wait for its COMMIT."""
        if not self.block.is_explicit:
            self.pending_index_builds.run(self)

    def execution_context(self, transaction: Transaction, parameters: Sequence[Any] = ()) -> ExecutionContext:
        """What a plan runs with, for one statement."""
        services = StatementServices(self, transaction)
        return ExecutionContext(
            storage=self.shared.storage,
            transaction=transaction,
            settings=self.settings,
            cancel_token=self.cancel_token,
            memory=self.shared.memory,
            codecs=PostgresCodecs(services.codec_context()),
            session=services,
            parameters=parameters,
            statement_time_us=self.query_start_us,
            transaction_time_us=self.transaction_start_us,
        )

    # -- names --------------------------------------------------------------------------------------------

    def catalog(self) -> Catalog:
        """The catalog the current statement sees."""
        transaction = self.block.current()
        return transaction.catalog if transaction is not None else self.shared.storage.catalog

    def search_path(self) -> tuple[str, ...]:
        """Where names are looked for: schemas that may be looked into, the session's own temporary one included."""
        listed = split_search_path(self.settings.get("search_path"), self.roles.current.name)
        own, reads_text = self.identity.temporary_schema, self.is_reading_definition
        path = searched_schemas(listed, own, exists=has_temporary(self), for_definition=reads_text)
        return path if reads_text else self.roles.rights.usable_schemas(path)

    def existing_search_path(self) -> tuple[str, ...]:
        """The schemas of the search path that exist, in order."""
        return existing_schemas(self.search_path(), self.catalog(), self.identity.database_oid)

    # -- messages -----------------------------------------------------------------------------------------

    def notice(
        self, message: str, *, detail: str | None = None, hint: str | None = None, sqlstate: str = "00000",
        severity: str = "NOTICE",
    ) -> None:  # fmt: skip
        least = SEVERITY_ORDER.index(self.settings.get("client_min_messages"))
        if SEVERITY_ORDER.index(severity.lower()) >= least:
            self._notices.append(Notice(message, severity, sqlstate, detail, hint))

    def warn(self, message: str, sqlstate: str = "01000") -> None:
        self.notice(message, sqlstate=sqlstate, severity="WARNING")

    def forget_sequences(self) -> None:
        self.sequence_values, self.last_sequence_oid = {}, None

    def remember_sequence_value(self, sequence_oid: int, value: int) -> None:
        self.sequence_values[sequence_oid], self.last_sequence_oid = value, sequence_oid

    # -- other sessions -----------------------------------------------------------------------------------

    def signal_peer(self, process_id: int, *, terminate: bool) -> bool:
        return self.registry.signal(process_id, terminate=terminate)

    def terminate(self) -> None:
        """End this session from another thread: its statement stops, its next message is refused."""
        self.is_termination_requested = True
        self.cancel_token.cancel(CANCEL_SHUTDOWN)
        if self.listener.on_arrival is not None:
            self.listener.on_arrival()

    # -- state --------------------------------------------------------------------------------------------

    def export_state(self) -> SessionState:
        """The session as data, for another process to take over. Only outside a transaction."""
        assert not self.block.is_explicit, "a session inside a transaction cannot move"
        prepared = tuple(
            PreparedText(name, s.text, tuple(t.oid for t in s.parameter_types))
            for name, s in self.statements.items()
            if isinstance(s, PreparedStatement)
        )
        return SessionState(
            identity=self.identity,
            settings=self.settings.export(),
            prepared=prepared,
            channels=tuple(sorted(self.listener.channels)),
            last_sequence_values=tuple(self.sequence_values.items()),
        )

    # -- what the transaction block tells ------------------------------------------------------------------

    def before_commit(self, transaction: Transaction) -> None:
        if transaction.pending.deferred:
            check_deferred(self.execution_context(transaction))
        if has_temporary(self):
            end_transaction(self.command_context(transaction))

    def transaction_ended(self, committed: bool) -> None:
        self.cursors.transaction_ended(committed)
        if committed:
            self.effects.commit(self.shared.hub, self.listener)
        else:
            self.effects.rollback()
            self.pending_index_builds.forget()

    def savepoint_mark(self) -> object:
        return self.effects.mark(), self.cursors.mark()

    def rolled_back_to(self, mark: object) -> None:
        assert isinstance(mark, tuple)
        effects_mark, cursors_mark = mark
        self.effects.rollback_to(effects_mark)
        self.cursors.rollback_to(cursors_mark)


def _nothing() -> None:
    return None
