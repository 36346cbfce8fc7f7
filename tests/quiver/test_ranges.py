"""Goal: operators and functions of ranges and multiranges give what PostgreSQL gives, for every kind of bounds.

Method: random ranges of each type, close to each other so that they touch and overlap, in a table of a real PostgreSQL 16
and of a Quiver server; every operator and function over all pairs, rows compared in their binary form.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

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
