"""Goal: operators and functions of ranges and multiranges give what PostgreSQL gives, for every kind of bounds.

Method: random ranges of each type, close to each other so that they touch and overlap, in a table of a real PostgreSQL 16
and of a Quiver server; every operator and function over all pairs, rows compared in their binary form. Ranges of
psycopg and asyncpg go in and out of both.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

import asyncpg
import psycopg
import pytest
from psycopg import sql
from psycopg.types.multirange import Multirange
from psycopg.types.range import DateRange, Range

from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import Prober

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]

BOUNDS = {
    "int4": ["1", "2", "3", "4", "7"],
    "int8": ["-9223372036854775808", "0", "1", "2"],
    "num": ["1", "1.0", "1.50", "2", "NaN", "-0.5", "Infinity"],
    "ts": ["2024-01-01", "2024-01-02", "2024-01-02 00:00:00.000001", "infinity", "-infinity"],
    "tstz": ["2024-01-01", "2024-01-02", "2024-01-03", "infinity"],
    "date": ["2024-01-01", "2024-01-02", "2024-01-04", "infinity", "-infinity"],
}
TESTS = ("=", "<>", "<", "<=", ">", ">=", "@>", "<@", "&&", "<<", ">>", "&<", "&>", "-|-")
OF_ONE = ("lower", "upper", "isempty", "lower_inc", "upper_inc", "lower_inf", "upper_inf")
MULTIRANGE_PAIRS = ("a.m", "b.m"), ("a.m", "b.r"), ("a.r", "b.m")
MULTIRANGE_TESTS = ("@>", "<@", "&&", "<<", ">>", "&<", "&>", "-|-")


@pytest.fixture(scope="module")
def probers(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Prober, Prober]]:
    """PostgreSQL and Quiver."""
    theirs, ours = Prober(postgres_uri), Prober(server.dsn)
    for prober in (theirs, ours):
        prober.connection.execute("DROP TABLE IF EXISTS pairs")
    yield theirs, ours
    theirs.close()
    ours.close()


def load(connection: Connection, name: str, rows: list[tuple[int, str, str]]) -> None:
    columns = f"CREATE TABLE pairs (id int PRIMARY KEY, r {name}range, m {name}multirange)"
    connection.execute(columns.encode())
    with connection.cursor().copy("COPY pairs FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def drawn(oracle: Connection, name: str, count: int) -> list[tuple[int, str, str]]:
    """(number, range, multirange) of random bounds that PostgreSQL takes."""
    rng = random.Random(f"ranges of {name}")
    ranges = ["empty", "(,)"]
    while len(ranges) < 4 * count:
        lower, upper = (rng.choice(["", *BOUNDS[name]]) for _ in range(2))
        text = f"{rng.choice('[(')}{lower},{upper}{rng.choice(')]')}"
        try:
            oracle.execute(sql.SQL("SELECT {}::" + name + "range").format(sql.Literal(text)))
        except psycopg.errors.DataError:
            continue
        ranges.append(text)
    multiranges = ["{" + ",".join(rng.choices(ranges, k=rng.randrange(4))) + "}" for _ in range(count)]
    return list(zip(range(count), ranges[:count], multiranges))


def questions() -> list[str]:
    tests = [f"a.r {operator} b.r" for operator in TESTS]
    tests += [f"{a} {operator} {b}" for a, b in MULTIRANGE_PAIRS for operator in MULTIRANGE_TESTS]
    tests += [f"a.m {operator} b.m" for operator in TESTS[:6]]
    values = [
        "a.r * b.r", "range_merge(a.r, b.r)", "CASE WHEN a.r && b.r OR a.r -|- b.r OR isempty(a.r) OR isempty(b.r) THEN a.r + b.r END",
        "CASE WHEN a.r &< b.r OR a.r &> b.r THEN a.r - b.r END",
        "a.m + b.m", "a.m - b.m", "a.m * b.m",
        "a.r @> lower(b.r)", "upper(b.r) <@ a.r", "a.m @> upper(b.r)", "lower(b.m) <@ a.m",
    ]  # fmt: skip
    pairs = f"SELECT a.id, b.id, {', '.join(tests + values)} FROM pairs a, pairs b ORDER BY 1, 2"
    ones = [f"{function}({column})" for function in OF_ONE for column in ("r", "m")]
    ones += ["range_merge(m)", "multirange(r)", "r::text", "m::text"]
    return [
        pairs,
        f"SELECT id, {', '.join(ones)} FROM pairs ORDER BY id",
        "SELECT id FROM pairs ORDER BY r, id",
        "SELECT id FROM pairs ORDER BY m DESC, id",
        "SELECT r, count(*), min(id) FROM pairs GROUP BY r ORDER BY r, 3",
        "SELECT id, u FROM pairs, unnest(m) AS u ORDER BY id, u",
        "SELECT range_agg(r), range_agg(m), range_intersect_agg(r), range_intersect_agg(m) FROM pairs WHERE id > 3",
        "SELECT id % 5, range_agg(r), range_intersect_agg(m) FROM pairs GROUP BY 1 ORDER BY 1",
    ]


@pytest.mark.parametrize("name", BOUNDS)
def test_all_pairs(probers: tuple[Prober, Prober], name: str) -> None:
    theirs, ours = probers
    rows = drawn(theirs.connection, name, 40)
    for prober in probers:
        load(prober.connection, name, rows)
    for question in questions():
        expected = theirs.outcome(question, is_binary=True)
        assert not expected.sqlstate
        assert ours.outcome(question, is_binary=True) == expected
    for prober in probers:
        prober.connection.execute("DROP TABLE pairs")


MOMENT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
COLUMNS = "i int4range, n numrange, t tstzrange, d daterange, m int4multirange"


@pytest.mark.parametrize("placeholder", ["%t", "%b"])
def test_psycopg_ranges(probers: tuple[Prober, Prober], placeholder: str) -> None:
    values = (
        Range(1, 5, "[]"), Range(Decimal("1.50"), None), Range(MOMENT, None), Range(dt.date(2024, 1, 1), dt.date(2024, 1, 5)),
        Multirange([Range(1, 3), Range(7, 9)]),
    )  # fmt: skip
    seen = []
    for prober in probers:
        cursor = prober.connection.cursor(binary=placeholder == "%b")
        cursor.execute(f"CREATE TEMPORARY TABLE p ({COLUMNS})".encode())
        cursor.execute(f"INSERT INTO p VALUES ({', '.join([placeholder] * 5)})".encode(), values)
        answers: list[object] = cursor.execute("SELECT * FROM p").fetchall()
        found = (
            "SELECT count(*), %s::int8range FROM p WHERE i @> %s::int AND d && %s AND t @> %s::timestamptz"
        )
        answers += cursor.execute(found, (Range(1, 2), 3, DateRange(dt.date(2024, 1, 2)), MOMENT)).fetchall()
        cursor.execute("DROP TABLE p")
        seen.append(answers)
    assert seen[1] == seen[0]


async def asyncpg_answers(**place: str | int) -> list[object]:
    connection = await asyncpg.connect(**place)
    days = asyncpg.Range(dt.date(2024, 1, 1), dt.date(2024, 1, 5), upper_inc=True)
    multirange = [asyncpg.Range(1, 3), asyncpg.Range(7, 9)]
    values = (asyncpg.Range(1, 5), asyncpg.Range(Decimal("1.50")), asyncpg.Range(MOMENT), days, multirange)
    await connection.execute(f"CREATE TEMPORARY TABLE p ({COLUMNS})")
    await connection.execute("INSERT INTO p VALUES ($1, $2, $3, $4, $5)", *values)
    answers = [tuple(row) for row in await connection.fetch("SELECT * FROM p")]
    answers.append(
        await connection.fetchval("SELECT i * $1 FROM p WHERE i @> $2::int", asyncpg.Range(2, 9), 3)
    )
    answers.append(await connection.fetchval("SELECT $1::int4range[]", [asyncpg.Range(empty=True), None]))
    await connection.close()
    return answers


def test_asyncpg_ranges(postgres_uri: str, server: ServerProcess) -> None:
    theirs, ours = (psycopg.conninfo.conninfo_to_dict(dsn) for dsn in (postgres_uri, server.dsn))
    places = [
        {"host": str(place["host"]), "port": int(place.get("port") or 5432), "user": str(place["user"]), "database": str(place["dbname"])}
        for place in (theirs, ours)
    ]  # fmt: skip
    expected, found = (asyncio.run(asyncpg_answers(**place)) for place in places)
    assert found == expected
