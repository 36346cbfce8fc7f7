"""statement_timeout, as the messages of a statement start and stop its clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from foundation.settings import SettingValues
from sqlfront.backend import Session
from sqlfront.protocol.options import StatementWatch

T = TypeVar("T")


def arm(watch: StatementWatch, session: Session) -> None:
    """Start the clock of a session's statement, unless it runs already."""
    timeout_ms = session.settings.derived(_statement_timeout_ms)
    if timeout_ms:
        watch.arm(session.cancel_token, timeout_ms)


def timed(watch: StatementWatch, session: Session, call: Callable[[], T]) -> T:
    """Call something with the clock running, where there is a limit."""
    timeout_ms = session.settings.derived(_statement_timeout_ms)
    if not timeout_ms:
        return call()
    watch.arm(session.cancel_token, timeout_ms)
    try:
        return call()
    finally:
        watch.disarm()


def _statement_timeout_ms(settings: SettingValues) -> int:
    return settings.integer("statement_timeout")
