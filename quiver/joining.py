"""Executions of several connections that are found in one turn of the event loop, run as one.

A connection whose next execution can be joined waits here until the turn ends, if there is anybody who could join.
"""

from __future__ import annotations

import asyncio
import logging

from sqlfront.backend import Joinable

_log = logging.getLogger(__name__)

_MEMBERS_MAX = 64
"""Of one joint execution: what one of them does wrong, all have to do again."""


class Joining:
    """Belongs to the event loop; none of its methods may be called from elsewhere."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Joinable, asyncio.Future[None]]] = []

    async def joined(self, execution: Joinable) -> None:
        """Return when the execution was run with others, or nobody has come."""
        done = self._loop.create_future()
        self._waiting.append((execution, done))
        if len(self._waiting) == 1:
            self._loop.call_soon(self._run)
        await done

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        by_key: dict[object, list[Joinable]] = {}
        for execution, done in waiting:
            if not done.done():
                by_key.setdefault(execution.key, []).append(execution)
        for members in by_key.values():
            for start in range(0, len(members), _MEMBERS_MAX):
                first, *others = members[start : start + _MEMBERS_MAX]
                if others:
                    _run_together(first, others)
        for _, done in waiting:
            if not done.done():
                done.set_result(None)


def _run_together(first: Joinable, others: list[Joinable]) -> None:
    try:
        first.run_with(others)
    except Exception:
        # Each is then executed by itself, and tells what is wrong with it.
        _log.exception("internal error in a joint execution")
