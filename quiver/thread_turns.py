"""Turns of the threads that wait for the interpreter while the event loop has work without end.

The loop gives the interpreter up at each system call and takes it back before a waiting thread has woken. So now and then it
sleeps for no time at all, which lets one run. The operating system makes some 75 us of that where timers are coarse
(a sleep of zero seconds, Linux, virtual machine), so it is not done after every message.
"""

from __future__ import annotations

import time

_EVERY_S = 0.002


class ThreadTurns:
    """Belongs to the event loop."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def give(self) -> None:
        """Let a waiting thread run, if none was let for a while."""
        if time.monotonic() >= self._next_s:
            time.sleep(0)
            self._next_s = time.monotonic() + _EVERY_S
