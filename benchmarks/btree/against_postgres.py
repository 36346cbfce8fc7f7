"""Point and range conditions through a btree index, beside PostgreSQL's: latencies of the first and of repeated use.

A table of a million rows with an index on each of six columns, the same on both servers, in turns. `repeated` is a prepared
statement with another value each time; `first` is one with a connection of its own, from the text of the query to its rows;
`scan` is Quiver's repeated use with `enable_indexscan = off`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from benchmarks.storage.contenders import Contender, contenders

COLUMNS = ("user_id", "number", "name", "at", "price", "uid")
_TABLE = """
CREATE TABLE bench_btree (
    id int PRIMARY KEY, user_id int, number bigint, name text, at timestamptz, price numeric, uid uuid, kind int
)"""
_FILL = """
INSERT INTO bench_btree SELECT i, i * 7919::bigint % {users}, i * 104729::bigint % {rows}, 'name ' || lpad((i * 31::bigint % {rows})::text, 8, '0'),
    timestamptz '2026-01-01 00:00:00+00' + (i * 613::bigint % {rows}) * interval '1 second', (i * 37::bigint % {rows}) / 100.0,
    md5(i::text)::uuid, i % 7
FROM generate_series(1, {rows}) AS g(i)"""
_START = np.datetime64("2026-01-01T00:00:00")


@dataclass(frozen=True, slots=True)
class Question:
    """A condition with parameters; `values` makes them of a random number below the rows."""

    name: str
    sql: str
    values: Callable[[int], tuple[Any, ...]]


def questions(rows: int) -> list[Question]:
    def seconds(number: int) -> str:
        return f"{_START + np.timedelta64(number, 's')}Z"

    several = rows // 1000
    found = "SELECT id, kind FROM bench_btree WHERE "
    count = "SELECT count(*) FROM bench_btree WHERE "
    return [
        Question("int, 10 rows", found + "user_id = %s", lambda n: (n // 10,)),
        Question("int, 10 rows, and kind = 3", found + "user_id = %s AND kind = 3", lambda n: (n // 10,)),
        Question("text, 1 row", found + "name = %s", lambda n: (f"name {n:08}",)),
        Question("uuid, 1 row", found + "uid = %s", lambda n: (UUID(md5(str(n).encode()).hexdigest()),)),
        Question("numeric, 1 row", found + "price = %s::numeric", lambda n: (f"{n / 100:.2f}",)),
        Question("bigint, 10 of a list", found + "number = ANY (%s)", lambda n: ([n + i for i in range(10)],)),
        Question("text LIKE, 100 rows", found + "name LIKE %s", lambda n: (f"name {n // 100:06}%",)),
        Question("timestamptz, 1/1000 counted", count + "at >= %s AND at < %s",
                 lambda n: (seconds(n), seconds(n + several))),
        Question("bigint, 1/1000 of rows", found + "number BETWEEN %s AND %s", lambda n: (n, n + several - 1)),
        Question("bigint, 1/20 counted", count + "number BETWEEN %s AND %s", lambda n: (n, n + rows // 20)),
        Question("int, first 10 by id", found + "user_id BETWEEN %s AND %s ORDER BY id LIMIT 10",
                 lambda n: (n // 10, n // 10 + 20)),
        Question("latest 10", found + "at <= %s ORDER BY at DESC LIMIT 10", lambda n: (seconds(n),)),
        Question("or of two columns", found + "user_id = %s OR name = %s", lambda n: (n // 10, f"name {n:08}")),
    ]  # fmt: skip


def median_us(call: Callable[[int], object], numbers: np.ndarray[Any, Any]) -> float:
    taken = []
    for number in numbers.tolist():
        started = time.perf_counter()
        call(number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def repeated(connection: psycopg.Connection, question: Question, numbers: np.ndarray[Any, Any]) -> float:
    sql = question.sql.encode()
    for number in numbers[:7].tolist():
        connection.execute(sql, question.values(number), prepare=True).fetchall()
    return median_us(
        lambda number: connection.execute(sql, question.values(number), prepare=True).fetchall(), numbers
    )


def first(contender: Contender, question: Question, numbers: np.ndarray[Any, Any]) -> float:
    taken = []
    for number in numbers.tolist():
        with contender.connect() as connection:
            started = time.perf_counter()
            connection.execute(question.sql.encode(), question.values(number)).fetchall()
            taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def same_rows(pair: tuple[Contender, Contender], question: Question, number: int) -> None:
    """Both servers answer alike, or the figures mean nothing."""
    answers = []
    for contender in pair:
        with contender.connect() as connection:
            rows = connection.execute(question.sql.encode(), question.values(number)).fetchall()
            answers.append(sorted(rows))
    assert answers[0] == answers[1], question.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--executions", type=int, default=100)
    options = parser.parse_args()
    draw = np.random.default_rng(1)
    with contenders(over_socket=True) as pair:
        for contender in pair:
            contender.run(_TABLE, _FILL.format(rows=options.rows, users=options.rows // 10))
            contender.run(*(f"CREATE INDEX ON bench_btree ({column})" for column in COLUMNS))
            contender.run("VACUUM ANALYZE bench_btree")
        print("| condition | PostgreSQL | Quiver | ratio | first, PostgreSQL | first, Quiver | scan |")
        print("|---|---|---|---|---|---|---|")
        for question in questions(options.rows):
            same_rows(pair, question, options.rows // 3)
            taken: dict[str, list[float]] = {}
            with pair[0].connect() as theirs, pair[1].connect() as ours, pair[1].connect() as scanning:
                scanning.execute("SET enable_indexscan = off")
                for _ in range(options.turns):
                    numbers = draw.integers(1, options.rows * 9 // 10, options.executions)
                    for name, connection in (("postgres", theirs), ("quiver", ours)):
                        taken.setdefault(name, []).append(repeated(connection, question, numbers))
                    taken.setdefault("scan", []).append(repeated(scanning, question, numbers[:10]))
                    for contender in pair:
                        name = f"first {contender.name}"
                        taken.setdefault(name, []).append(first(contender, question, numbers[:5]))
            median = {name: statistics.median(values) for name, values in taken.items()}
            ratio = median["postgres"] / median["quiver"]
            print(
                f"| {question.name} | {median['postgres']:.0f} | {median['quiver']:.0f} | {ratio:.2f} | "
                f"{median['first postgres']:.0f} | {median['first quiver']:.0f} | {median['scan']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
