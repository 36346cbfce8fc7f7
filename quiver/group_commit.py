"""One fsync for the commits of all connections that the event loop served in the same turn.

Connections whose commit is in the log wait here. At the end of the loop's turn the newest of their commits is waited
for, which makes the older ones durable too: on the loop itself while the disk answers faster than a change of threads
would take, else on a thread, and what comes meanwhile shares the next fsync.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor

from sqlfront.backend import UnfinishedCommit

_log = logging.getLogger(__name__)

_QUICK_S = 0.0005
_WEIGHT = 0.1
"""Of the newest fsync in the running mean."""


class GroupCommit:
    """Belongs to the event loop; none of its methods may be called from elsewhere."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Executor) -> None:
        self._loop = loop
        self._pool = pool
        self._waiting: list[tuple[UnfinishedCommit, asyncio.Future[None]]] = []
        self._is_scheduled = False
        self._mean_s = 0.0

    async def durable(self, commit: UnfinishedCommit, *, is_lone: bool = False) -> None:
        """Return when it is, or when waiting for it has failed, which finishing the commit tells.

        `is_lone`: no other commit can come in this turn of the loop.
        """
        if is_lone and not self._is_scheduled and self._mean_s < _QUICK_S:
            self._mean_s += _WEIGHT * (_seconds_to_wait(commit) - self._mean_s)
            return
        done = self._loop.create_future()
        self._waiting.append((commit, done))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._sync)
        await done

    def _sync(self) -> None:
        group, self._waiting = self._waiting, []
        newest = max((commit for commit, _ in group), key=lambda commit: commit.lsn)
        if self._mean_s < _QUICK_S:
            self._mean_s += _WEIGHT * (_seconds_to_wait(newest) - self._mean_s)
            self._release(group)
            return
        waited = self._loop.run_in_executor(self._pool, _seconds_to_wait, newest)
        waited.add_done_callback(lambda future: self._synced(future, group))

    def _synced(
        self, waited: asyncio.Future[float], group: list[tuple[UnfinishedCommit, asyncio.Future[None]]]
    ) -> None:
        if not waited.cancelled() and waited.exception() is None:
            self._mean_s += _WEIGHT * (waited.result() - self._mean_s)
        self._release(group)

    def _release(self, group: list[tuple[UnfinishedCommit, asyncio.Future[None]]]) -> None:
        for _, done in group:
            if not done.done():
                done.set_result(None)
        self._is_scheduled = bool(self._waiting)
        if self._waiting:
            self._loop.call_soon(self._sync)


def _seconds_to_wait(commit: UnfinishedCommit) -> float:
    started = time.perf_counter()
    try:
        commit.wait()
    except Exception as error:
        _log.debug("a commit that was waited for has failed: %s", error)
    return time.perf_counter() - started
