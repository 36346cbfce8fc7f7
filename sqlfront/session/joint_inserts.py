"""INSERTs of several sessions, found waiting at the same moment, as one change and one commit.

To its client each is a transaction of its own. Storage may have them as one, because nobody can tell: an INSERT of
values reads nothing, and where anything goes wrong nothing is done and each session executes its own. What they share
is most of what a single-row INSERT costs: snapshot, locks, key checks, log record, fsync.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foundation.errors import QuiverError, WouldBlock
from planner import bound
from planner.dml import RowTemplate
from planner.relational.constant_rows import literal_column
from sqlfront.backend import Joinable
from sqlfront.session.outcome import Outcome
from sqlfront.session.query_locks import take_locks
from sqlfront.session.short_statements import is_short_query
from sqlfront.session.transaction_block import BlockState, UnfinishedCommit
from storage import Transaction
from storage.lock_spaces import LockGroup
from storage.locks import Waiting

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession


def is_joinable(statement: bound.BoundStatement) -> bool:
    """Whether executions of a planned statement by several sessions can be one.

    Not where a sequence is asked: `currval` and `lastval` are a session's own.
    """
    if not isinstance(statement, bound.Insert) or not is_short_query(statement):
        return False
    calls = (node for node in bound.walk(statement) if isinstance(node, bound.Call))
    return RowTemplate.of(statement) is not None and all(call.function.name != "nextval" for call in calls)


def joinable_insert(
    session: LocalSession, statement: PreparedStatement, parameters: Sequence[Any]
) -> JoinableInsert | None:
    """An execution with nothing before and nothing behind it in its transaction; None where that is not so, or where
    it is to be treated in another way than other sessions' executions."""
    entry = statement.cached
    if entry is None or not entry.is_joinable or session.block.state is not BlockState.IDLE:
        return None
    settings = session.settings
    is_usual = (
        settings.get("transaction_isolation") == "read committed"
        and settings.get("transaction_read_only") == "off"
        and settings.get("synchronous_commit") != "off"
    )
    return JoinableInsert(session, statement, parameters) if is_usual else None


@dataclass(slots=True)
class JoinableInsert(Joinable):
    """One session's execution."""

    session: LocalSession
    statement: PreparedStatement
    parameters: Sequence[Any]
    _commit: UnfinishedCommit | None = field(default=None, init=False)

    @property
    def key(self) -> object:
        """The plan: it stands for text, types, catalog, role, search path and the settings that values depend on."""
        return id(self.statement.cached)

    def run_with(self, others: Sequence[Joinable]) -> None:
        inserts = [self, *(other for other in others if isinstance(other, JoinableInsert))]
        storage = self.session.shared.storage
        transaction = storage.begin(lock_group=LockGroup(self.session.process_id))
        commit = None
        try:
            commit = self._insert(transaction, inserts)
        except (QuiverError, WouldBlock):
            return
        finally:
            if commit is None:
                transaction.rollback()
        for insert in inserts:
            insert._commit = commit

    def _insert(self, transaction: Transaction, inserts: Sequence[JoinableInsert]) -> UnfinishedCommit | None:
        """Insert and log the rows of all; None where it cannot be done at once. Raises what a row raises."""
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
        if not entry.template.run(columns, len(rows), context) or transaction.pending.deferred:
            return None
        logged = transaction.start_commit(may_block=False)
        assert logged is not None
        return UnfinishedCommit(self.session.shared.storage, transaction, logged.durable_lsn)

    def take_outcome(self) -> Outcome | None:
        """What the session tells its client, and whose commit it has to finish; None = it has to execute it itself."""
        commit, self._commit = self._commit, None
        if commit is None:
            return None
        self.session.block.take_part(commit)
        assert self.statement.cached is not None
        return Outcome(self.statement.cached.kind.command_tag(1))
