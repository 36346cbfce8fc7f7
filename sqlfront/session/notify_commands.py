"""LISTEN, UNLISTEN, NOTIFY. https://www.postgresql.org/docs/15/sql-notify.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlfront.parser import ListenStatement, NotifyStatement, UnlistenStatement
from sqlfront.session.outcome import Outcome

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_listen(session: LocalSession, node: ListenStatement) -> Outcome:
    session.shared.hub.listen(session.listener, node.channel)
    return Outcome("LISTEN")


def run_unlisten(session: LocalSession, node: UnlistenStatement) -> Outcome:
    session.shared.hub.unlisten(session.listener, node.channel)
    return Outcome("UNLISTEN")


def run_notify(session: LocalSession, node: NotifyStatement) -> Outcome:
    """Sent when the transaction commits, which for a statement of its own is at its end."""
    session.block.open_transaction()
    session.notify(node.channel, node.payload)
    return Outcome("NOTIFY")
