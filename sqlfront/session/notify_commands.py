"""LISTEN, UNLISTEN, NOTIFY: noted here, done at commit. https://www.postgresql.org/docs/15/sql-notify.html"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlfront.parser import ListenStatement, NotifyStatement, UnlistenStatement
from sqlfront.session.outcome import Outcome

if TYPE_CHECKING:
    from sqlfront.session.session import LocalSession


def run_listen(session: LocalSession, node: ListenStatement) -> Outcome:
    session.block.open_transaction(takes_snapshot=False)
    session.effects.listen(node.channel)
    return Outcome("LISTEN")


def run_unlisten(session: LocalSession, node: UnlistenStatement) -> Outcome:
    session.block.open_transaction(takes_snapshot=False)
    session.effects.unlisten(node.channel)
    return Outcome("UNLISTEN")


def run_notify(session: LocalSession, node: NotifyStatement) -> Outcome:
    session.block.open_transaction(takes_snapshot=False)
    session.effects.notify(session.process_id, node.channel, node.payload)
    return Outcome("NOTIFY")
