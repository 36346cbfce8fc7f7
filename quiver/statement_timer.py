"""statement_timeout of one connection, by one timer of the event loop."""

from __future__ import annotations

import asyncio
import threading
import time

from foundation.cancel import CANCEL_TIMEOUT, CancelToken

_NEVER_S = float("inf")


class StatementTimer:
    """statement_timeout: armed and disarmed by the worker thread, fires on the event loop.

    At most one loop timer is pending per connection. It is not cancelled at disarm but looks at the deadline
    when it fires, so a statement costs no call into the loop while a timer of an earlier one is pending.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._token: CancelToken | None = None
        self._deadline_s = 0.0
        self._fires_at_s = _NEVER_S
        self._handle: asyncio.TimerHandle | None = None

    def arm(self, token: CancelToken, timeout_ms: int) -> None:
        """Start the clock unless it runs already; 0 = no limit."""
        if timeout_ms <= 0 or self._token is not None:
            return
        with self._lock:
            self._token = token
            self._deadline_s = time.monotonic() + timeout_ms / 1000
            is_later_than_timer = self._deadline_s >= self._fires_at_s
            if not is_later_than_timer:
                self._fires_at_s = self._deadline_s
        if not is_later_than_timer:
            self._loop.call_soon_threadsafe(self._schedule)

    def disarm(self) -> None:
        if self._token is not None:
            with self._lock:
                self._token = None

    def close(self) -> None:
        """Forget the loop timer; called on the event loop when the connection has ended."""
        if self._handle is not None:
            self._handle.cancel()

    def _schedule(self) -> None:
        self.close()
        fires_at_s = self._fires_at_s
        # Infinite when the timer of an earlier statement fired meanwhile and served this deadline too.
        if fires_at_s != _NEVER_S:
            self._handle = self._loop.call_later(max(0.0, fires_at_s - time.monotonic()), self._fire)

    def _fire(self) -> None:
        with self._lock:
            self._fires_at_s = _NEVER_S
            if self._token is None:
                return
            if self._deadline_s <= time.monotonic():
                # Under the lock, so that the token cannot meanwhile belong to the next statement.
                self._token.cancel(CANCEL_TIMEOUT)
                return
            self._fires_at_s = self._deadline_s
        self._schedule()
