"""Searches and look-ups that need no portal, and outside a block no transaction: one state is read, nothing written or deferred.

A prepared search or look-up outside a block reads the newest state and is over. What a statement otherwise goes through, a storage
transaction with its locks, an execution context, a portal and the commit at Sync, takes many times as long as a search
by a graph. So where a statement's plan can be repeated (`planner.repeated_reads`) its rows are asked for at once.

In a block its transaction goes on, so snapshot and lock are taken as ever, and only execution context and portal are spared; the
block must have changed nothing and be READ COMMITTED.

Whatever is out of the ordinary is answered by None, with nothing done: the statement is then executed as all others are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from planner.repeated_reads import NotPrepared, Read, RepeatedRead, TakesLong
from sqlfront.session.query_locks import take_locks
from sqlfront.session.transaction_block import BlockState
from storage import Transaction
from storage.isolation import Isolation

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession

SHORT_MS = 2.0
"""What a search may take where others wait for it."""


def read_directly(
    session: LocalSession, statement: PreparedStatement, parameters: Sequence[Any]
) -> pa.RecordBatch | None:
    """All rows of a read that is a transaction of its own, or part of one that has changed nothing; or None.

    Raises:
        WouldBlock: the session may not block, and the read would take long, or its preparation.
        QueryCanceled: 57014. AdminShutdown: 57P01.
    """
    rows = _rows(session, statement, parameters)
    if rows is not None and session.block.state is BlockState.IDLE:
        session.block.commit_count += 1
    return rows


def _rows(
    session: LocalSession, statement: PreparedStatement, parameters: Sequence[Any]
) -> pa.RecordBatch | None:
    repeated, read, transaction = statement.repeated, None, None
    if repeated is None:
        return None
    if session.block.state is BlockState.IDLE:
        read = _read(session, statement, repeated, parameters)
    elif session.block.state is BlockState.EXPLICIT:
        transaction = _reading_transaction(session, statement)
        if transaction is not None:
            read = _read_in(session, transaction, repeated, parameters)
    if read is None:
        return None
    time_ms = None if session.may_block else SHORT_MS
    try:
        return repeated.run(read, time_ms=time_ms)
    except NotPrepared:
        pass
    except TakesLong:
        raise WouldBlock from None
    if time_ms is not None:
        time_ms -= repeated.preparation_ms(read)
        if time_ms <= 0:
            raise WouldBlock
    if not _prepare(session, read, transaction, repeated):
        return None
    try:
        return repeated.run(read, time_ms=time_ms)
    except TakesLong:
        raise WouldBlock from None
    except NotPrepared:
        return None  # So many others have prepared theirs meanwhile that this one is forgotten.


def _read(
    session: LocalSession, statement: PreparedStatement, repeated: RepeatedRead, parameters: Sequence[Any]
) -> Read | None:
    """The newest state, if the statement was planned for its catalog and nobody has a table for himself."""
    storage = session.shared.storage
    state = storage.published
    catalog = state.catalog
    if not session.is_up_to_date(statement) or session.catalog() is not catalog:
        return None
    if storage.locks.may_block_readers():
        return None
    view = state.table_state(repeated.table_oid).view(
        catalog.table(repeated.table_oid), storage.missing_column
    )
    return Read(view, catalog, session.settings, parameters, session.cancel_token, storage.activity)


def _reading_transaction(session: LocalSession, statement: PreparedStatement) -> Transaction | None:
    """That of a block, with a snapshot for the statement and its table locked, as the statement would have it anyway.

    None for one that has changed something, which its statements have to see; for one whose snapshot is an old one; and where
    somebody might have to be waited for.
    """
    block = session.block
    transaction = block.current()
    if transaction is not None and transaction.has_writes:
        return None
    if block.isolation is not Isolation.READ_COMMITTED or session.shared.storage.locks.may_block_readers():
        return None
    transaction = block.open_transaction()
    if not session.is_up_to_date(statement):
        return None
    if take_locks(transaction, statement.locks):
        block.retake_snapshot()
    return transaction if session.is_up_to_date(statement) else None


def _read_in(
    session: LocalSession, transaction: Transaction, repeated: RepeatedRead, parameters: Sequence[Any]
) -> Read:
    view = transaction.table_view(repeated.table_oid)
    return Read(
        view, transaction.catalog, session.settings, parameters, session.cancel_token, transaction.activity
    )


def _prepare(
    session: LocalSession, read: Read, transaction: Transaction | None, repeated: RepeatedRead
) -> bool:
    """Whether the search is prepared for the view it was to read: in a block's transaction, or one of its own."""
    if transaction is not None:
        return _prepare_in(session, transaction, read, repeated)
    with session.shared.storage.begin(read_only=True) as own:
        if own.table_view(repeated.table_oid) is not read.view:
            return False
        return _prepare_in(session, own, read, repeated)


def _prepare_in(session: LocalSession, transaction: Transaction, read: Read, repeated: RepeatedRead) -> bool:
    try:
        return repeated.prepare(session.execution_context(transaction, read.parameters))
    except (QueryCanceled, AdminShutdown):
        raise
    except QuiverError:
        return False  # It comes again when the statement is executed, after what precedes it.
