"""Goal: executions of one turn and key are run together, and everybody goes on whatever happens. Method: made-up ones."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from quiver.joining import Joining
from sqlfront.backend import Joinable


class Execution(Joinable):
    def __init__(self, key: str, runs: list[list[Execution]], *, fails: bool = False) -> None:
        self._key = key
        self._runs = runs
        self._fails = fails

    @property
    def key(self) -> object:
        return self._key

    def run_with(self, others: Sequence[Joinable]) -> None:
        self._runs.append([self, *(other for other in others if isinstance(other, Execution))])
        if self._fails:
            raise ValueError("a bug")

    def take_tag(self) -> str | None:
        raise AssertionError("what was executed together is not taken here")

    def close(self) -> None:
        raise AssertionError("whoever has it closes it")


def run(scenario: Callable[[Joining], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scenario(Joining(asyncio.get_running_loop()))

    asyncio.run(asyncio.wait_for(whole(), 10))


def test_one_turn_one_run_for_each_key() -> None:
    runs: list[list[Execution]] = []
    executions = [Execution(key, runs) for key in "abacab"]

    async def scenario(joining: Joining) -> None:
        await asyncio.gather(*map(joining.joined, executions))
        await joining.joined(executions[0])

    run(scenario)
    assert runs == [[executions[0], executions[2], executions[4]], [executions[1], executions[5]]]


def test_a_run_that_fails_and_one_that_is_cancelled_hold_nobody_up() -> None:
    runs: list[list[Execution]] = []
    executions = [Execution("a", runs, fails=True) for _ in range(3)]

    async def scenario(joining: Joining) -> None:
        tasks = [asyncio.ensure_future(joining.joined(execution)) for execution in executions]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(tasks[0], tasks[2])

    run(scenario)
    assert len(runs) == 1 and runs[0][0] is executions[0]


def test_many_are_run_in_parts() -> None:
    runs: list[list[Execution]] = []
    executions = [Execution("a", runs) for _ in range(150)]

    async def scenario(joining: Joining) -> None:
        await asyncio.gather(*map(joining.joined, executions))

    run(scenario)
    assert [len(members) for members in runs] == [64, 64, 22]
