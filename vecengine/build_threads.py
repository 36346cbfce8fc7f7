"""Threads that build indexes: they give way to those that answer."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_NICENESS = 5
"""More than the caller's. Linux gives such a thread a third of the time of one that has none, where both want all of it, and a
search that arrives takes its processor at once."""


def build_threads(count: int, name: str) -> ThreadPoolExecutor:
    """A pool of so many threads of lower priority than the caller's, where the system knows priorities of threads."""
    return ThreadPoolExecutor(count, name, initializer=_give_way)


def map_blocks(run: Callable[[slice], None], count: int, step: int, threads: int) -> None:
    """Call `run` with every slice of `step` of so many rows, on that many threads; the first error is raised."""
    blocks = [slice(begin, min(begin + step, count)) for begin in range(0, count, step)]
    if threads <= 1:
        for block in blocks:
            run(block)
        return
    with build_threads(threads, "quiver-codes") as pool:
        list(pool.map(run, blocks))


def _give_way() -> None:
    # Elsewhere this would lower the whole process.
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS)
