"""Goal: columns of a scalar type store, order, group, join and look up their values as PostgreSQL does.

Method: the valid texts that the codecs are tested with (`tests/sqlfront/types/samples.py`) go into a table of a real
PostgreSQL 16 and of a Quiver server by COPY, as text and as binary; both must give the same bytes back and the same
answers to questions about order and equality, from rows in memory, through indexes and from a sealed segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.quiver.server_process import ServerProcess
from tests.sqlfront.types.samples import VALID

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]
TYPES = (
    "timetz", "inet", "cidr", "macaddr", "macaddr8", "money", "int4range", "numrange", "tstzrange", "daterange",
    "nummultirange", "int8multirange", "tsvector", "tsquery",
)  # fmt: skip
WITH_EXTREMES = ("timetz", "inet", "money")
"""Types that PostgreSQL has min() and max() of."""
QUESTIONS = (
    "SELECT v::text, count(*) FROM s GROUP BY v ORDER BY v",
    "SELECT id FROM s ORDER BY v, id",
    "SELECT id FROM s ORDER BY v DESC NULLS LAST, id LIMIT 20",
    "SELECT count(*), count(DISTINCT v) FROM s",
    "SELECT a.id, count(*) FROM s a JOIN s b ON a.v < b.v GROUP BY a.id ORDER BY a.id",
    "SELECT a.id, b.id FROM s a JOIN s b ON a.v = b.v AND a.id < b.id ORDER BY 1, 2",
    "SELECT id FROM s WHERE v >= (SELECT v FROM s WHERE id = 5) ORDER BY id",
    "SELECT id FROM s WHERE v = ANY (SELECT v FROM s WHERE id % 7 = 0) ORDER BY id",
    "SELECT DISTINCT ON (v) v::text FROM s ORDER BY v",
    "SELECT id, rank() OVER (ORDER BY v) FROM s ORDER BY id",
    "SELECT array_agg(v ORDER BY v)::text FROM s WHERE id < 10",
    "SELECT v::text FROM s INTERSECT SELECT v::text FROM s WHERE id < 30 ORDER BY 1",
)


@pytest.fixture(scope="module")
def connections(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Connection, Connection]]:
    """PostgreSQL and Quiver."""
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(server.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("DROP TABLE IF EXISTS s, k")
        yield theirs, ours


def load(connection: Connection, spelled: str, texts: list[str]) -> None:
    connection.execute(sql.SQL("CREATE TABLE s (id int, v " + spelled + ")"))
    with connection.cursor().copy("COPY s FROM STDIN") as copy:
        for number, text in enumerate(texts):
            copy.write_row((number, text))
        copy.write_row((len(texts), None))


def copied(connection: Connection, statement: str) -> bytes:
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(piece) for piece in copy)


def answers(connection: Connection) -> list[object]:
    return [connection.execute(question).fetchall() for question in QUESTIONS]


@pytest.mark.parametrize("spelled", TYPES)
def test_columns(connections: tuple[Connection, Connection], spelled: str) -> None:
    theirs, ours = connections
    for connection in connections:
        load(connection, spelled, VALID[spelled])
    for form in ("text", "csv", "binary"):
        statement = f"COPY s TO STDOUT (FORMAT {form})"
        assert copied(ours, statement) == copied(theirs, statement)
    expected = answers(theirs)
    assert answers(ours) == expected
    if spelled in WITH_EXTREMES:
        extremes = "SELECT min(v)::text, max(v)::text FROM s WHERE id < 40"
        assert ours.execute(extremes).fetchall() == theirs.execute(extremes).fetchall()
    raw = copied(theirs, "COPY s TO STDOUT (FORMAT binary)")
    ours.execute("TRUNCATE s")
    with ours.cursor().copy("COPY s FROM STDIN (FORMAT binary)") as copy:
        copy.write(raw)
    assert answers(ours) == expected
    ours.execute("CREATE INDEX ON s (v)")
    ours.execute("CHECKPOINT")
    assert answers(ours) == expected
    for connection in connections:
        connection.execute("DROP TABLE s")


@pytest.mark.parametrize("spelled", TYPES)
def test_keys_and_parameters(connections: tuple[Connection, Connection], spelled: str) -> None:
    """Row by row with parameters: what is a duplicate there is one here, and every value is found again."""
    outcomes = []
    texts = VALID[spelled][:60] + VALID[spelled][-30:]
    for connection in connections:
        connection.execute(sql.SQL("CREATE TABLE k (v " + spelled + " PRIMARY KEY, n int)"))
        log: list[object] = []
        for number, text in enumerate(texts):
            insert = sql.SQL("INSERT INTO k VALUES (%s::text::" + spelled + ", %s)")
            found = sql.SQL("SELECT n, v::text FROM k WHERE v = %s::text::" + spelled)
            try:
                connection.execute(insert, (text, number))
                log.append("inserted")
            except psycopg.errors.UniqueViolation as error:
                log.append((error.diag.message_primary, error.diag.message_detail))
            log.append(connection.execute(found, (text,)).fetchall())
            cell = connection.execute("SELECT v FROM k WHERE n = 0").fetchone()
            log.append(repr(cell))
        update = "INSERT INTO k SELECT v, -1 FROM k ON CONFLICT (v) DO UPDATE SET n = k.n + 1000"
        connection.execute(update)
        log.append(connection.execute("SELECT n FROM k ORDER BY v").fetchall())
        connection.execute("DROP TABLE k")
        outcomes.append(log)
    assert outcomes[1] == outcomes[0]


@pytest.mark.parametrize(
    "expression",
    [
        "{} + '$0.01'", "-1 * {} - '$1'", "{} * 2", "2::bigint * {}", "{} * 1.5::float8", "{} / 0.5::real", "{} / 'NaN'::float8",
        "sum(x) FROM (VALUES ({}), ('1')) AS v(x)",
    ],
)  # fmt: skip
def test_money_does_not_wrap_around(connections: tuple[Connection, Connection], expression: str) -> None:
    """PostgreSQL 18 refuses these, 16 gives another amount: the oracle is what the manual says."""
    amount = expression.replace("{}", "'92233720368547758.07'::money")
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        connections[1].execute(f"SELECT {amount}".encode())
