"""Durable single-row inserts per second, each its own transaction, from 1 and from 16 client processes."""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import multiprocessing.synchronize
import time

import asyncpg
import psycopg

from benchmarks.storage.contenders import Contender, compare, contenders

_TABLE = "CREATE TABLE {} (id bigint PRIMARY KEY, n int, body text)"
_ROW_SHARE = 10_000_000
"""Distance of the keys of two clients, so that they never meet."""


def _insert_asyncpg(contender: Contender, table: str, first: int, seconds: float, ready: object) -> int:
    return asyncio.run(_insert_async(contender, table, first, seconds, ready))


async def _insert_async(contender: Contender, table: str, first: int, seconds: float, ready: object) -> int:
    connection = await asyncpg.connect(contender.dsn)
    statement = await connection.prepare(f"INSERT INTO {table} VALUES ($1, $2, $3)")
    await statement.fetch(first, 0, "warm")
    _wait(ready)
    done = 0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        done += 1
        await statement.fetch(first + done, done, "some text of a row")
    await connection.close()
    return done


def _insert_psycopg(contender: Contender, table: str, first: int, seconds: float, ready: object) -> int:
    with contender.connect() as connection:
        sql = f"INSERT INTO {table} VALUES (%s, %s, %s)".encode()
        connection.execute(sql, (first, 0, "warm"), prepare=True)
        _wait(ready)
        done = 0
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            done += 1
            connection.execute(sql, (first + done, done, "some text of a row"), prepare=True)
        return done


def _insert_literals(contender: Contender, table: str, first: int, seconds: float, ready: object) -> int:
    """Values inlined in the text, as psycopg2 and Django send them."""
    with contender.connect() as connection, psycopg.ClientCursor(connection) as cursor:
        sql = f"INSERT INTO {table} VALUES (%s, %s, %s)".encode()
        cursor.execute(sql, (first, 0, "warm"))
        _wait(ready)
        done = 0
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            done += 1
            cursor.execute(sql, (first + done, done, "some text of a row"))
        return done


CLIENTS = {"asyncpg": _insert_asyncpg, "psycopg": _insert_psycopg, "literals": _insert_literals}


def _wait(ready: object) -> None:
    assert isinstance(ready, multiprocessing.synchronize.Barrier)
    ready.wait()


def _client(
    driver: str, contender: Contender, number: int, seconds: float, ready: object, counts: object
) -> None:
    counts.put(CLIENTS[driver](contender, "bench_rows", number * _ROW_SHARE, seconds, ready))  # type: ignore[attr-defined]


def rows_per_second(contender: Contender, driver: str, clients: int, seconds: float) -> float:
    """Rows that `clients` processes committed together in a second."""
    contender.run("DROP TABLE IF EXISTS bench_rows", _TABLE.format("bench_rows"))
    context = multiprocessing.get_context("spawn")
    ready, counts = context.Barrier(clients), context.Queue()
    processes = [
        context.Process(target=_client, args=(driver, contender, number, seconds, ready, counts))
        for number in range(clients)
    ]
    for process in processes:
        process.start()
    total = sum(counts.get() for _ in processes)
    for process in processes:
        process.join()
    return total / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--drivers", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    options = parser.parse_args()
    with contenders() as pair:
        for clients in options.clients:
            for driver in options.drivers:

                def take(contender: Contender, driver: str = driver, clients: int = clients) -> float:
                    return rows_per_second(contender, driver, clients, options.seconds)

                compare(f"single rows, {clients} clients, {driver}", "rows/s", pair, take, options.turns)


if __name__ == "__main__":
    main()
