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

from foundation.errors import QuiverError, SerializationFailure, WouldBlock
from foundation.settings import SettingValues
from planner import bound
from planner.relational.constant_rows import literal_column
from sqlfront.backend import Joinable
from sqlfront.session.plan_cache import QueryKind
from sqlfront.session.query_locks import take_locks
from sqlfront.session.transaction_block import BlockState, UnfinishedCommit
from storage import Transaction
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
    if not statement.inserts_directly or session.block.state is not BlockState.IDLE:
        return None
    is_usual = session.settings.derived(_is_usual)
    return JoinableInsert(session, statement, parameters) if is_usual else None


def _is_usual(settings: SettingValues) -> bool:
    """Whether a transaction of now would be the kind of transaction that needs no block."""
    return (
        settings.get("transaction_isolation") == "read committed"
        and settings.get("transaction_read_only") == "off"
        and settings.get("synchronous_commit") != "off"
    )


_TAG = QueryKind.INSERT.command_tag(1)


@dataclass(slots=True)
class JoinableInsert(Joinable):
    """One session's execution."""

    session: LocalSession
    statement: PreparedStatement
    parameters: Sequence[Any]
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
        transaction = self.session.shared.storage.begin(lock_group=LockGroup(self.session.process_id))
        commit = None
        try:
            commit = self._insert(transaction, inserts)
        finally:
            if commit is None:
                transaction.rollback()
        for insert in inserts:
            insert._commit = commit

    def _insert(self, transaction: Transaction, inserts: Sequence[JoinableInsert]) -> UnfinishedCommit | None:
        rows = [insert.parameters for insert in inserts]
        entry = self.statement.cached
        assert entry is not None and entry.template is not None
        types = self.statement.parameter_types
        columns = [literal_column([row[i] for row in rows], sql_type) for i, sql_type in enumerate(types)]
        transaction.locks.waiting = Waiting(may_block=False)
        if take_locks(transaction, entry.locks):
            transaction.refresh_snapshot()
        # Locked, so what was bound for the catalog of now stays right until the commit.
        if transaction.catalog is not self.session.catalog():
            return None
        if not all(insert.session.is_up_to_date(insert.statement) for insert in inserts):
            return None
        context = self.session.execution_context(transaction)
        if not entry.template.run(columns, len(rows), context):
            return None
        if transaction.pending.deferred:
            if len(inserts) > 1:
                return None
            self.session.before_commit(transaction)
        logged = transaction.start_commit(may_block=False)
        assert logged is not None
        return UnfinishedCommit(self.session.shared.storage, transaction, logged.durable_lsn)

    def take_tag(self) -> str | None:
        if self._commit is None:
            try:
                self._run((self,))
            except (SerializationFailure, WouldBlock):
                return None
        if self._commit is None:
            return None
        self.close()
        return _TAG

    def close(self) -> None:
        commit, self._commit = self._commit, None
        if commit is not None:
            self.session.block.take_part(commit)
