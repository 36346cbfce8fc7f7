"""INSERTs of values that are transactions of their own: of one session, or of several as one change and one commit.

Such an INSERT needs no transaction block: it is inserted and logged at once, and nothing of it can be waited for or
rolled back later. Where anything is out of the ordinary nothing was done, and it is executed as all others are.

Storage may have those of several sessions, found waiting at the same moment, as one, because nobody can tell: an INSERT of
values reads nothing, and where anything goes wrong each session executes its own. What they share is most of what a
single-row INSERT costs: snapshot, locks, key checks, log record, fsync.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import QuiverError, SerializationFailure, WouldBlock
from foundation.settings import SettingValues
from planner import bound
from planner.dml import RowMaker, columns_of_rows, given_columns, has_pgvector_limits
from planner.relational.constant_rows import literal_column
from sqlfront.backend import Joinable
from sqlfront.session.plan_cache import QueryKind
from sqlfront.session.query_locks import take_locks
from sqlfront.session.services import evaluation_context
from sqlfront.session.transaction_block import BlockState, UnfinishedCommit
from storage import Transaction
from storage.direct_insert import DirectInsert
from storage.lock_spaces import LockGroup
from storage.locks import Waiting

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession


def is_joinable(statement: bound.BoundStatement) -> bool:
    """Whether executions of a short INSERT by several sessions can be one.

    Not where a sequence is asked: `currval` and `lastval` are a session's own.
    """
    calls = (node for node in bound.walk(statement) if isinstance(node, bound.Call))
    return all(call.function.name != "nextval" for call in calls)


def joinable_insert(
    session: LocalSession, statement: PreparedStatement, parameters: Sequence[Any]
) -> JoinableInsert | None:
    """An execution with nothing before and nothing behind it in its transaction; None where that is not so, or where
    it is to be treated in another way than other sessions' executions."""
    return JoinableInsert(session, statement, parameters) if _is_alone(session, statement) else None


def takes_columns(session: LocalSession, statement: PreparedStatement) -> bool:
    """Whether `ColumnInsert` would insert the rows of a statement, which is alone in its transaction, now."""
    if not _is_alone(session, statement) or not session.is_up_to_date(statement):
        return False
    return _row_maker(session, statement) is not None


def _is_alone(session: LocalSession, statement: PreparedStatement) -> bool:
    is_idle = session.block.state is BlockState.IDLE
    return statement.inserts_directly and is_idle and session.settings.derived(_is_usual)


def _row_maker(session: LocalSession, statement: PreparedStatement) -> RowMaker | None:
    """What makes the rows, where they need no more than to be stored."""
    entry = statement.cached
    if entry is None or entry.repeated_insert is None or session.settings.derived(has_pgvector_limits):
        return None
    return entry.repeated_insert.maker(session.catalog(), session.shared.storage.options.index_expressions)


def _is_usual(settings: SettingValues) -> bool:
    """Whether a transaction of now would be the kind of transaction that needs no block."""
    return (
        settings.get("transaction_isolation") == "read committed"
        and settings.get("transaction_read_only") == "off"
        and settings.get("synchronous_commit") != "off"
    )


@dataclass(slots=True)
class JoinableInsert(Joinable):
    """One session's execution."""

    session: LocalSession
    statement: PreparedStatement
    parameters: Sequence[Any]
    row_count: int = 1
    _commit: UnfinishedCommit | None = field(default=None, init=False)

    @property
    def key(self) -> object:
        """The plan: it stands for text, types, catalog, role, search path and the settings that values depend on.

        One that is like no other has a key of its own.
        """
        entry = self.statement.cached
        assert entry is not None
        return id(entry if entry.is_joinable else self)

    def run_with(self, others: Sequence[Joinable]) -> None:
        inserts = [self, *(other for other in others if isinstance(other, JoinableInsert))]
        with suppress(QuiverError, WouldBlock):
            self._run(inserts)

    def _run(self, inserts: Sequence[JoinableInsert]) -> None:
        """Insert and log the rows of all; nothing is done where that cannot be done at once. Raises what a row raises."""
        # A statement that is bound anew may be another one. It is asked again when the table is locked.
        if not all(insert.session.is_up_to_date(insert.statement) for insert in inserts):
            return
        maker = _row_maker(self.session, self.statement)
        commit = self._inserted_by_transaction(inserts) if maker is None else self._inserted(maker, inserts)
        for insert in inserts:
            insert._commit = commit

    def _inserted(self, maker: RowMaker, inserts: Sequence[JoinableInsert]) -> UnfinishedCommit | None:
        storage = self.session.shared.storage
        change, lsn = self._direct_insert(), None
        try:
            change.lock(maker.target)
            # Locked, so what was bound for the catalog of now stays right until the commit.
            if all(insert.session.is_up_to_date(insert.statement) for insert in inserts):
                lsn = change.log(maker.target, self._batch(maker, inserts))
        finally:
            if lsn is None:
                change.rollback()
        return None if lsn is None else UnfinishedCommit(storage, change, lsn)

    def _direct_insert(self) -> DirectInsert:
        session = self.session
        return DirectInsert(
            session.shared.storage, LockGroup(session.process_id), may_block=session.may_block
        )

    def _batch(self, maker: RowMaker, inserts: Sequence[JoinableInsert]) -> pa.RecordBatch:
        column = columns_of_rows([insert.parameters for insert in inserts])
        return maker.batch(column, len(inserts), evaluation_context(self.session))

    def _inserted_by_transaction(self, inserts: Sequence[JoinableInsert]) -> UnfinishedCommit | None:
        """As `_inserted`, for rows that are checked or computed further."""
        storage = self.session.shared.storage
        transaction, logged = storage.begin(lock_group=LockGroup(self.session.process_id)), None
        try:
            if self._insert(transaction, inserts):
                logged = transaction.start_commit(may_block=False)
        finally:
            if logged is None:
                transaction.rollback()
        return None if logged is None else UnfinishedCommit(storage, transaction, logged.durable_lsn)

    def _insert(self, transaction: Transaction, inserts: Sequence[JoinableInsert]) -> bool:
        rows = [insert.parameters for insert in inserts]
        entry = self.statement.cached
        assert entry is not None and entry.template is not None
        types = self.statement.parameter_types
        columns = [literal_column([row[i] for row in rows], sql_type) for i, sql_type in enumerate(types)]
        transaction.locks.waiting = Waiting(may_block=False)
        if take_locks(transaction, entry.locks):
            transaction.refresh_snapshot()
        if transaction.catalog is not self.session.catalog():
            return False
        if not all(insert.session.is_up_to_date(insert.statement) for insert in inserts):
            return False
        context = self.session.execution_context(transaction)
        if not entry.template.run(columns, len(rows), context):
            return False
        if transaction.pending.deferred:
            if len(inserts) > 1:
                return False
            self.session.before_commit(transaction)
        return True

    def take_tag(self) -> str | None:
        if self._commit is None:
            try:
                self._run((self,))
            except (SerializationFailure, WouldBlock):
                return None
        if self._commit is None:
            return None
        self.close()
        if self.session.may_block:
            self.session.finish_commit()
        return QueryKind.INSERT.command_tag(self.row_count)

    def close(self) -> None:
        commit, self._commit = self._commit, None
        if commit is not None:
            self.session.block.take_part(commit)


class ColumnInsert(JoinableInsert):
    """One session's execution of a statement for rows whose parameters are columns; nobody else joins it."""

    def __init__(
        self, session: LocalSession, statement: PreparedStatement, columns: Sequence[pa.Array], count: int
    ) -> None:
        super().__init__(session, statement, columns, count)

    @property
    def key(self) -> object:
        return id(self)

    def _batch(self, maker: RowMaker, inserts: Sequence[JoinableInsert]) -> pa.RecordBatch:
        return maker.batch(given_columns(self.parameters), self.row_count, evaluation_context(self.session))

    def _inserted_by_transaction(self, inserts: Sequence[JoinableInsert]) -> UnfinishedCommit | None:
        return None
