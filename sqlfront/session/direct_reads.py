"""Searches and look-ups that need no transaction: one published state is read, and nothing is locked, written or deferred.

A prepared search or look-up outside a block reads the newest state and is over. What a statement otherwise goes through, a storage
transaction with its locks, an execution context, a portal and the commit at Sync, takes many times as long as a search
by a graph. So where a statement's plan can be repeated (`planner.repeated_reads`) its rows are asked for at once.

Whatever is out of the ordinary is answered by None, with nothing done: the statement is then executed as all others are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError, WouldBlock
from planner.repeated_reads import NotPrepared, Read, RepeatedRead, TakesLong
from sqlfront.session.transaction_block import BlockState

if TYPE_CHECKING:
    from sqlfront.session.prepared import PreparedStatement
    from sqlfront.session.session import LocalSession

SHORT_MS = 2.0
"""What a search may take where others wait for it."""


def read_directly(
    session: LocalSession, statement: PreparedStatement, parameters: Sequence[Any]
) -> pa.RecordBatch | None:
    """All rows of a read that is a transaction of its own, or None.

    Raises:
        WouldBlock: the session may not block, and the read would take long, or its preparation.
        QueryCanceled: 57014. AdminShutdown: 57P01.
    """
    repeated = statement.repeated
    if repeated is None or session.block.state is not BlockState.IDLE:
        return None
    read = _read(session, statement, repeated, parameters)
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
    if not _prepare(session, read, repeated, parameters):
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


def _prepare(session: LocalSession, read: Read, repeated: RepeatedRead, parameters: Sequence[Any]) -> bool:
    """Whether the search is prepared for the view it was to read."""
    with session.shared.storage.begin(read_only=True) as transaction:
        if transaction.table_view(repeated.table_oid) is not read.view:
            return False
        try:
            return repeated.prepare(session.execution_context(transaction, parameters))
        except (QueryCanceled, AdminShutdown):
            raise
        except QuiverError:
            return False  # It comes again when the statement is executed, after what precedes it.
