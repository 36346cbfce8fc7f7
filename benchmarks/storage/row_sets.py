"""Transactions of 100 rows, and UPDATE, upsert and DELETE of 100,000 rows, and UPDATE of rows with vectors."""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.storage.contenders import Contender, compare, contenders
from benchmarks.storage.copy_in import binary_rows, copy_stream

_TABLE = "CREATE TABLE bench_sets (id bigint PRIMARY KEY, n int, body text)"
_FILL = "INSERT INTO bench_sets SELECT i, i % 1000, 'some text of a row' FROM generate_series(1, {}) AS g(i)"
_BATCH_ROWS = 100
_DIM = 384


def executemany_rows(contender: Contender, seconds: float) -> float:
    """Rows per second of transactions of one executemany, which psycopg sends as a pipeline."""
    contender.run("DROP TABLE IF EXISTS bench_sets", _TABLE)
    with contender.connect() as connection, connection.cursor() as cursor:
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            rows = [(done + i, i, "some text of a row") for i in range(_BATCH_ROWS)]
            with connection.transaction():
                cursor.executemany("INSERT INTO bench_sets VALUES (%s, %s, %s)", rows)
            done += _BATCH_ROWS
        return done / (time.perf_counter() - started)


def values_rows(contender: Contender, seconds: float) -> float:
    """Rows per second of transactions of one INSERT with a VALUES list of literals."""
    contender.run("DROP TABLE IF EXISTS bench_sets", _TABLE)
    with contender.connect() as connection:
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            rows = ", ".join(f"({done + i}, {i}, 'some text of a row')" for i in range(_BATCH_ROWS))
            connection.execute(f"INSERT INTO bench_sets VALUES {rows}".encode())
            done += _BATCH_ROWS
        return done / (time.perf_counter() - started)


def rows_changed(contender: Contender, statement: str, rows: int) -> float:
    """Rows per second of one statement that changes all `rows` rows of a table filled anew."""
    contender.run("DROP TABLE IF EXISTS bench_sets", _TABLE, _FILL.format(rows), "CHECKPOINT")
    with contender.connect() as connection:
        started = time.perf_counter()
        changed = connection.execute(statement.encode()).rowcount
        seconds = time.perf_counter() - started
        assert changed == rows, (contender.name, changed)
        return rows / seconds


def vector_rows_changed(contender: Contender, data: bytes, rows: int) -> float:
    """Rows per second of an UPDATE of a number in rows that hold vectors too, without a vector index."""
    contender.run(
        "DROP TABLE IF EXISTS bench_copy",
        f"CREATE TABLE bench_copy (id bigint PRIMARY KEY, v vector({_DIM}), n int DEFAULT 0)",
    )
    with contender.connect() as connection:
        copy_stream(connection, data, "WITH (FORMAT binary)", "(id, v)")
        connection.execute("CHECKPOINT")
        started = time.perf_counter()
        assert connection.execute("UPDATE bench_copy SET n = n + 1").rowcount == rows
        return rows / (time.perf_counter() - started)


def statements(rows: int) -> dict[str, str]:
    """The measured statements by what is printed for them."""
    keys = ", ".join(map(str, range(1, rows + 1)))
    on_conflict = " ON CONFLICT (id) DO UPDATE SET n = excluded.n + 1"
    shifted = _FILL.format(rows).replace("SELECT i,", f"SELECT i + {rows // 2},")
    return {
        "UPDATE of all rows": "UPDATE bench_sets SET n = n + 1",
        "UPDATE by a list of keys": f"UPDATE bench_sets SET n = n + 1 WHERE id = ANY ('{{{keys}}}'::bigint[])",
        "upsert of all rows": _FILL.format(rows) + on_conflict,
        "upsert, half of the rows new": shifted + on_conflict,
        "DELETE of all rows": "DELETE FROM bench_sets",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a figure's name")
    options = parser.parse_args()
    with contenders() as pair:
        for figure, take_batches in (("executemany", executemany_rows), ("VALUES list", values_rows)):
            name = f"transactions of {_BATCH_ROWS} rows, {figure}"
            if options.only in name:
                take = lambda contender, call=take_batches: call(contender, options.seconds)  # noqa: E731
                compare(name, "rows/s", pair, take, options.turns)
        for figure, statement in statements(options.rows).items():
            name = f"{figure}, {options.rows}"
            if options.only in name:
                take = lambda contender, sql=statement: rows_changed(contender, sql, options.rows)  # noqa: E731
                compare(name, "rows/s", pair, take, options.turns)
        name = f"UPDATE beside vectors of {_DIM} d, {options.rows}"
        if options.only in name:
            vectors = np.random.default_rng(1).standard_normal((options.rows, _DIM), dtype=np.float32)
            data = binary_rows(vectors)
            take = lambda contender: vector_rows_changed(contender, data, options.rows)  # noqa: E731
            compare(name, "rows/s", pair, take, options.turns)


if __name__ == "__main__":
    main()
