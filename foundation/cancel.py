"""Cancellation: one machine word that kernels poll and any thread may set.

A statement owns a `CancelToken`. Its `word` is handed to every kernel as a one-element int32 array, so
compiled loops poll it without the GIL; Python code calls `check()` between batches.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from foundation.errors import AdminShutdown, QueryCanceled, QuiverError

CANCEL_NONE = 0
CANCEL_USER = 1
CANCEL_TIMEOUT = 2
CANCEL_SHUTDOWN = 3


class CancelToken:
    """The cancel word of one statement. `word` is (1,) int32: 0 = go on, else one of the CANCEL_* causes."""

    __slots__ = ("word",)

    def __init__(self) -> None:
        self.word: npt.NDArray[np.int32] = np.zeros(1, dtype=np.int32)

    def cancel(self, cause: int = CANCEL_USER) -> None:
        """Ask the statement to stop. Safe from any thread; the first cause wins."""
        if self.word[0] == CANCEL_NONE:
            self.word[0] = cause

    def reset(self) -> None:
        """Make the token ready for the session's next statement."""
        self.word[0] = CANCEL_NONE

    def is_cancelled(self) -> bool:
        return bool(self.word[0] != CANCEL_NONE)

    def check(self) -> None:
        """Raise the error of the cause if cancellation was asked for.

        Raises:
            QueryCanceled: 57014, by user request or statement timeout.
            AdminShutdown: 57P01, when the session is being terminated.
        """
        if self.word[0] != CANCEL_NONE:
            raise self.error()

    def error(self) -> QuiverError:
        cause = int(self.word[0])
        if cause == CANCEL_TIMEOUT:
            return QueryCanceled("canceling statement due to statement timeout")
        if cause == CANCEL_SHUTDOWN:
            return AdminShutdown("terminating connection due to administrator command")
        return QueryCanceled("canceling statement due to user request")
