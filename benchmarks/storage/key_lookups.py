"""Look-ups by an integer and by a text key in a large table: latency of point queries and of inserts with their key check,
after the load, after a merge of all segments, and the first one after a restart, by SIGTERM and by SIGKILL.

The table is loaded by transactions of a million rows, so it has as many segments as background compaction leaves.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psycopg

from tests.quiver.server_process import ServerProcess

_LOAD_ROWS = 1_000_000
_QUIET_SECONDS = 3.0
_KEYS = {"bigint": "{}", "text": "'customer ' || {}"}


def load(connection: psycopg.Connection, key_type: str, rows: int) -> float:
    """Fill the table with `rows` keys; rows per second."""
    connection.execute(f"CREATE TABLE customers (id {key_type} PRIMARY KEY, n int)".encode())
    started = time.perf_counter()
    for first in range(0, rows, _LOAD_ROWS):
        last = min(first + _LOAD_ROWS, rows) - 1
        key = _KEYS[key_type].format("i")
        sql = f"INSERT INTO customers SELECT {key}, i % 1000 FROM generate_series({first}, {last}) i"
        connection.execute(sql.encode())
    return rows / (time.perf_counter() - started)


def segment_count(directory: Path) -> int:
    return len(list((directory / "data").glob("*.rows")))


def wait_for_compaction(directory: Path) -> None:
    """Until the number of segment files has not changed for a while."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS:
        now = segment_count(directory)
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


def key_of(key_type: str, number: int) -> int | str:
    return number if key_type == "bigint" else f"customer {number}"


def median_ms(call: Callable[[int | str], object], keys: Sequence[int | str]) -> float:
    taken = []
    for key in keys:
        started = time.perf_counter()
        call(key)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def look_up(connection: psycopg.Connection, key: int | str) -> None:
    found = connection.execute("SELECT n FROM customers WHERE id = %s", (key,), prepare=True).fetchone()
    assert found is not None


def report(connection: psycopg.Connection, key_type: str, rows: int, next_key: int) -> int:
    """Print the latencies of now; the next unused key."""
    draw = np.random.default_rng(rows)
    keys = [key_of(key_type, int(n)) for n in draw.integers(0, rows, 1000)]
    point_ms = median_ms(lambda key: look_up(connection, key), keys)
    fresh = [key_of(key_type, next_key + i) for i in range(300)]
    insert = b"INSERT INTO customers VALUES (%s, 1)"
    one_ms = median_ms(lambda key: connection.execute(insert, (key,), prepare=True), fresh)
    next_key += 300
    key = _KEYS[key_type].format("(%s::bigint + i)")
    many = f"INSERT INTO customers SELECT {key}, 1 FROM generate_series(0, 999) i".encode()
    starts = [next_key + 1000 * i for i in range(20)]
    thousand_ms = median_ms(lambda first: connection.execute(many, (first,), prepare=True), starts)
    print(
        f"  point look-up {point_ms:.2f} ms, insert of 1 row {one_ms:.2f} ms, of 1,000 rows {thousand_ms:.2f} ms"
    )
    return next_key + 1000 * len(starts)


def first_look_up(directory: Path, key: int | str) -> tuple[float, float, ServerProcess]:
    """Seconds from the start of the process until it accepts, and until one row was found."""
    started = time.perf_counter()
    server = ServerProcess(directory)
    ready = time.perf_counter() - started
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        look_up(connection, key)
    return ready, time.perf_counter() - started, server


def measure(key_type: str, rows: int, directory: Path) -> None:
    server = ServerProcess(directory)
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            print(f"{rows} rows, {key_type} key: loaded at {load(connection, key_type, rows):,.0f} rows/s")
            wait_for_compaction(directory)
            print(
                f" as loaded: {segment_count(directory)} segments, {server.resident_bytes() >> 20} MiB resident"
            )
            next_key = report(connection, key_type, rows, rows)
            connection.execute("VACUUM FULL customers")
            print(f" merged: {segment_count(directory)} segments")
            next_key = report(connection, key_type, rows, next_key)
        for how in ("SIGTERM", "SIGKILL"):
            if how == "SIGTERM":
                server.stop()
            else:
                server.kill()
            ready, found, server = first_look_up(directory, key_of(key_type, rows // 3))
            print(f" after {how}: ready in {ready:.2f} s, first row found in {found:.2f} s", flush=True)
    finally:
        server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keys", nargs="+", choices=_KEYS, default=list(_KEYS))
    options = parser.parse_args()
    for key_type in options.keys:
        with tempfile.TemporaryDirectory() as directory:
            measure(key_type, options.rows, Path(directory) / "data")


if __name__ == "__main__":
    main()
