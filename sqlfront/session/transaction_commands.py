"""BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION.

https://www.postgresql.org/docs/15/sql-begin.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlfront.backend import TransactionStatus
from sqlfront.parser import (
    BeginStatement,
    CommitStatement,
    ReleaseStatement,
    RollbackStatement,
    RollbackToStatement,
    SavepointStatement,
    SetTransactionStatement,
    TransactionModes,
)
from sqlfront.session.outcome import Outcome
from sqlfront.session.transaction_block import TransactionBlock

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession

WARNING_ACTIVE = "25001"
WARNING_NOT_ACTIVE = "25P01"


def run_begin(session: LocalSession, node: BeginStatement) -> Outcome:
    if not session.block.begin():
        session.warn("there is already a transaction in progress", WARNING_ACTIVE)
    _set_modes(session.block, node.modes)
    return Outcome("START TRANSACTION" if node.is_start else "BEGIN")


def _set_modes(block: TransactionBlock, modes: TransactionModes) -> None:
    if modes.isolation is not None:
        block.set_mode("isolation", modes.isolation.value)
    if modes.read_only is not None:
        block.set_mode("read_only", "on" if modes.read_only else "off")
    if modes.deferrable is not None:
        block.set_mode("deferrable", "on" if modes.deferrable else "off")


def run_commit(session: LocalSession, node: CommitStatement) -> Outcome:
    block = session.block
    if not block.is_explicit:
        session.warn("there is no transaction in progress", WARNING_NOT_ACTIVE)
        block.end_implicit()
        return Outcome("COMMIT")
    if block.status is TransactionStatus.IN_TRANSACTION:
        _hold_cursors(session)
    committed = block.commit()
    session.run_pending_index_builds()
    if node.chain:
        block.begin()
    return Outcome("COMMIT" if committed else "ROLLBACK")


def _hold_cursors(session: LocalSession) -> None:
    """Read WITH HOLD cursors to their end; an error there is the transaction's end."""
    try:
        session.cursors.hold()
    except BaseException:
        session.block.rollback()
        raise


def run_rollback(session: LocalSession, node: RollbackStatement) -> Outcome:
    block = session.block
    if not block.is_explicit:
        session.warn("there is no transaction in progress", WARNING_NOT_ACTIVE)
    block.rollback()
    if node.chain:
        block.begin()
    return Outcome("ROLLBACK")


def run_savepoint(session: LocalSession, node: SavepointStatement) -> Outcome:
    session.block.savepoint(node.name)
    return Outcome("SAVEPOINT")


def run_release(session: LocalSession, node: ReleaseStatement) -> Outcome:
    session.block.release(node.name)
    return Outcome("RELEASE")


def run_rollback_to(session: LocalSession, node: RollbackToStatement) -> Outcome:
    session.block.rollback_to(node.name)
    return Outcome("ROLLBACK")


def run_set_transaction(session: LocalSession, node: SetTransactionStatement) -> Outcome:
    modes = node.modes
    if node.is_session:
        if modes.isolation is not None:
            session.settings.set("default_transaction_isolation", modes.isolation.value)
        if modes.read_only is not None:
            session.settings.set("default_transaction_read_only", "on" if modes.read_only else "off")
        if modes.deferrable is not None:
            session.settings.set("default_transaction_deferrable", "on" if modes.deferrable else "off")
    elif not session.block.is_explicit:
        session.warn("SET TRANSACTION can only be used in transaction blocks", WARNING_NOT_ACTIVE)
    else:
        _set_modes(session.block, modes)
    return Outcome("SET")
