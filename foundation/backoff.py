"""How long to leave work alone that failed: twice as long after each failure in a row, up to a minute.

For background work whose failure harms nobody at once (a full disk, too many open files): it is tried again, is logged
once per run of failures, and does not fill the log or the disk meanwhile. Thread-safe as far as it needs to be:
a race costs one attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0


class Backoff:
    """`is_due` before the work, `failed` or `succeeded` after it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.delay_s = 0.0
        """How long to wait from the last failure on; 0 when the last attempt succeeded."""
        self._clock = clock
        self._due_at = 0.0

    def is_due(self) -> bool:
        return not self.delay_s or self._clock() >= self._due_at

    def failed(self) -> bool:
        """Wait longer; whether this is the first failure in a row, the one to log."""
        is_first = not self.delay_s
        self.delay_s = FIRST_DELAY_S if is_first else min(2 * self.delay_s, LONGEST_DELAY_S)
        self._due_at = self._clock() + self.delay_s
        return is_first

    def succeeded(self) -> bool:
        """Work at once again; whether a failure came before."""
        had_failed = self.delay_s > 0
        self.delay_s = 0.0
        return had_failed
