"""Clients that keep connections busy: each sends its next statement when it has the answer to the last one.

Vectors are encoded beforehand, so that little but the driver and the server is measured.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt
import psycopg2

from benchmarks.storage.contenders import Contender
from benchmarks.wire.processes import processor_seconds


@dataclass(slots=True)
class Run:
    """What clients saw: seconds of each answer, and the first column of every answer with its query's number."""

    seconds: float = 0.0
    server_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    answers: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Writes:
    """A statement that takes the place of every `every`-th query, with the next row of `rows` each time."""

    statement: str
    rows: Sequence[tuple[Any, ...]]
    every: int


@dataclass(frozen=True, slots=True)
class Load:
    """A statement with parameters of which query n gets `parameters[n]`, after some settings.

    `seconds` is how long it goes on, at least once through the `at_least` first queries; 0 seconds are these alone.
    `warm_up` queries of each connection come before the clock starts; no writes do.
    """

    statement: str
    parameters: Sequence[tuple[Any, ...]]
    settings: Sequence[str] = ()
    connections: int = 1
    seconds: float = 2.0
    at_least: int = 0
    warm_up: int = 20
    writes: Writes | None = None


def vector_bytes(vector: npt.NDArray[np.float32]) -> bytes:
    """pgvector's binary form."""
    return len(vector).to_bytes(2, "big") + b"\0\0" + vector.astype(">f4").tobytes()


def run_prepared(contender: Contender, load: Load) -> Run:
    """asyncpg: prepared statements, binary parameters and results, all connections in this process."""
    return asyncio.run(_run_prepared(contender, load))


async def _run_prepared(contender: Contender, load: Load) -> Run:
    connections = [await _connect(contender, load.settings) for _ in range(load.connections)]
    try:
        asks = [await _prepared(connection, load) for connection in connections]
        for number in range(load.warm_up):
            await asyncio.gather(*(ask(number, is_warm_up=True) for ask in asks))
        run, numbers = Run(), itertools.count()
        processor, started = processor_seconds(contender.process_id), time.perf_counter()

        async def keep_busy(ask: Callable[..., Any]) -> None:
            for number in numbers:
                if number >= load.at_least and time.perf_counter() - started >= load.seconds:
                    break
                sent = time.perf_counter()
                rows = await ask(number)
                run.latencies.append(time.perf_counter() - sent)
                if rows is not None:
                    run.answers.append((number % len(load.parameters), tuple(row[0] for row in rows)))

        await asyncio.gather(*map(keep_busy, asks))
        run.seconds = time.perf_counter() - started
        run.server_seconds = processor_seconds(contender.process_id) - processor
        return run
    finally:
        for connection in connections:
            await connection.close()


async def _prepared(connection: Any, load: Load) -> Callable[..., Any]:
    """Ask query `number`: its rows, None for a write."""
    query = await connection.prepare(load.statement)
    writes = load.writes
    write: Any = await connection.prepare(writes.statement) if writes is not None else None

    async def ask(number: int, *, is_warm_up: bool = False) -> Any:
        if writes is not None and not is_warm_up and number % writes.every == 0:
            await write.fetch(*writes.rows[number // writes.every])
            return None
        return await query.fetch(*load.parameters[number % len(load.parameters)])

    return ask


async def _connect(contender: Contender, settings: Sequence[str]) -> Any:
    connection = await asyncpg.connect(contender.dsn)
    schema = await connection.fetchval(
        "SELECT n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'vector'"
    )
    await connection.set_type_codec("vector", schema=schema, encoder=_same, decoder=_same, format="binary")
    for setting in settings:
        await connection.execute(setting)
    return connection


def _same(data: bytes) -> bytes:
    return data


def run_inlined(contender: Contender, load: Load) -> Run:
    """psycopg2: values stand in the text of a simple query. One connection."""
    connection = psycopg2.connect(contender.dsn)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for setting in load.settings:
                cursor.execute(setting)

            def ask(number: int) -> tuple[Any, ...]:
                cursor.execute(load.statement, load.parameters[number])
                return tuple(row[0] for row in cursor.fetchall())

            return _run_in_turn(contender, load, ask)
    finally:
        connection.close()


def _run_in_turn(contender: Contender, load: Load, ask: Callable[[int], tuple[Any, ...]]) -> Run:
    for number in range(load.warm_up):
        ask(number)
    run = Run()
    processor, started = processor_seconds(contender.process_id), time.perf_counter()
    for count in itertools.count():
        if time.perf_counter() - started >= load.seconds and count >= load.at_least:
            break
        number = count % len(load.parameters)
        sent = time.perf_counter()
        answer = ask(number)
        run.latencies.append(time.perf_counter() - sent)
        run.answers.append((number, answer))
    run.seconds = time.perf_counter() - started
    run.server_seconds = processor_seconds(contender.process_id) - processor
    return run
