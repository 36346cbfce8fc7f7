"""Goal: commits of one turn share one wait, on the loop while that is quick, and nobody waits for ever.

Method: made-up commits that count, sleep or fail when they are waited for.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from quiver.group_commit import GroupCommit


@dataclass
class Log:
    """What was waited for, and on which thread."""

    seconds: float = 0.0
    fails: bool = False
    waits: list[tuple[int, str]] = field(default_factory=list)

    def wait(self, lsn: int) -> None:
        self.waits.append((lsn, threading.current_thread().name.split("_")[0]))
        time.sleep(self.seconds)
        if self.fails:
            raise OSError("no disk")


@dataclass(frozen=True)
class Commit:
    log: Log
    lsn: int

    def wait(self) -> None:
        self.log.wait(self.lsn)


def run(scenario: Callable[[GroupCommit], Awaitable[None]]) -> None:
    async def whole() -> None:
        with ThreadPoolExecutor(2, "pool") as pool:
            await scenario(GroupCommit(asyncio.get_running_loop(), pool))

    asyncio.run(asyncio.wait_for(whole(), 10))


def test_one_turn_is_one_wait_for_the_newest() -> None:
    log = Log()

    async def scenario(group: GroupCommit) -> None:
        await asyncio.gather(*(group.durable(Commit(log, lsn)) for lsn in (3, 7, 5)))
        await group.durable(Commit(log, 8))

    run(scenario)
    # Where the machine is busy the first wait may have seemed slow: then a thread waits for the second.
    assert log.waits[0] == (7, "MainThread") and [lsn for lsn, _ in log.waits] == [7, 8]


def test_a_slow_disk_is_waited_for_on_a_thread_by_all_who_come_meanwhile() -> None:
    log = Log(seconds=0.05)

    async def client(group: GroupCommit, first: int) -> None:
        for turn in range(10):
            await group.durable(Commit(log, first + 10 * turn))

    async def scenario(group: GroupCommit) -> None:
        await asyncio.gather(*(client(group, number) for number in range(8)))

    run(scenario)
    names = [name for _, name in log.waits]
    assert names[0] == "MainThread" and set(names[2:]) == {"pool"}
    assert len(log.waits) <= 25


def test_who_is_alone_waits_for_no_turn_of_the_loop_while_the_disk_is_quick() -> None:
    quick, slow = Log(), Log(seconds=0.05)

    async def at_once(group: GroupCommit) -> None:
        # A coroutine that never gives the loop back ends at its first step.
        with pytest.raises(StopIteration):
            group.durable(Commit(quick, 1), is_lone=True).send(None)

    async def in_turn(group: GroupCommit) -> None:
        for lsn in range(4):
            await group.durable(Commit(slow, lsn), is_lone=True)

    run(at_once)
    assert quick.waits == [(1, "MainThread")]
    run(in_turn)
    assert [lsn for lsn, _ in slow.waits] == [0, 1, 2, 3] and slow.waits[-1][1] == "pool"


def test_failure_lets_everybody_go_on() -> None:
    log = Log(fails=True)

    async def scenario(group: GroupCommit) -> None:
        await asyncio.gather(*(group.durable(Commit(log, lsn)) for lsn in range(3)))
        log.seconds = 0.05
        for lsn in range(3, 6):
            await group.durable(Commit(log, lsn))

    run(scenario)
    assert [lsn for lsn, _ in log.waits] == [2, 3, 4, 5]


def test_a_connection_that_was_lost_holds_nobody_up() -> None:
    log = Log()

    async def scenario(group: GroupCommit) -> None:
        lost = asyncio.ensure_future(group.durable(Commit(log, 1)))
        await asyncio.sleep(0)
        lost.cancel()
        await group.durable(Commit(log, 2))

    run(scenario)
    assert log.waits[-1][0] == 2
