"""Goal: every kind of window frame sees the rows that PostgreSQL's sees.

Method: random frames (mode, bounds, exclusion, direction, partition) and functions over one table with ties and NULLs, on a
real PostgreSQL and on a server, row by row.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

FRAMES = 150
ROWS = (
    "CREATE TABLE framed AS SELECT g AS id, g % 3 AS part, CASE WHEN g % 8 = 0 THEN NULL ELSE g * 7 % 12 END AS n, "
    "date '2024-02-25' + g * 5 % 9 AS d, (g * 3 % 10) / 4.0 AS x FROM generate_series(1, 36) g"
)
OFFSETS = {
    "id": ("0", "1", "5"),
    "n": ("0", "2", "3"),
    "d": ("'1 day'", "'0'", "'1 month'"),
    "x": ("0.25", "1"),
}


@pytest.fixture(scope="module")
def servers(
    postgres_uri: str, own_database: Database
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    with psycopg.connect(postgres_uri) as theirs, psycopg.connect(own_database.dsn) as ours:
        for connection in (theirs, ours):
            connection.execute(ROWS)
        yield theirs, ours
        theirs.rollback()


def random_bound(choose: random.Random, offsets: tuple[str, ...]) -> tuple[int, str]:
    """(place in the order of bounds, text)."""
    offset = choose.choice(offsets)
    bounds = (
        "UNBOUNDED PRECEDING",
        f"{offset} PRECEDING",
        "CURRENT ROW",
        f"{offset} FOLLOWING",
        "UNBOUNDED FOLLOWING",
    )
    return choose.choice(list(enumerate(bounds)))


def random_frame(choose: random.Random, key: str) -> str:
    mode = choose.choice(("ROWS", "RANGE", "GROUPS"))
    offsets = OFFSETS[key] if mode == "RANGE" else ("0", "1", "2", "4")
    start, end = sorted((random_bound(choose, offsets), random_bound(choose, offsets)), key=lambda b: b[0])
    if start[0] == 4:
        start = (2, "CURRENT ROW")
    if end[0] == 0:
        end = (2, "CURRENT ROW")
    exclusion = choose.choice(("", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"))
    return f"{mode} BETWEEN {start[1]} AND {end[1]}{exclusion}"


def random_query(choose: random.Random) -> str:
    key = choose.choice(list(OFFSETS))
    frame = random_frame(choose, key)
    # ROWS counts among ties, whose order is nobody's business.
    order = f"{key}{choose.choice(('', ' DESC', ' NULLS FIRST'))}" + (
        ", id" if frame.startswith("ROWS") else ""
    )
    partition = choose.choice(("", "PARTITION BY part "))
    call = choose.choice(("sum(id)", "count(*)", "min(id)", "max(n)", "count(n) FILTER (WHERE id > 9)"))
    return f"SELECT id, {call} OVER ({partition}ORDER BY {order} {frame}) FROM framed ORDER BY id"


@pytest.mark.parametrize("seed", range(3))
def test_random_frames(servers: tuple[psycopg.Connection, psycopg.Connection], seed: int) -> None:
    choose = random.Random(seed)
    for _ in range(FRAMES // 3):
        query = random_query(choose)
        theirs, ours = (connection.execute(query.encode()).fetchall() for connection in servers)
        assert ours == theirs, query
