"""Goal: quiver_recall tells what a search missed, and what index, table, role and session say of recall is obeyed in order.

Method: searches with a narrow and with a wide beam, counted by hand beside the report; every layer set and reset in turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS, DIM = 4000, 48
RNG = np.random.default_rng(5)
QUERY = "'[" + ",".join(f"{value:.3f}" for value in RNG.normal(size=DIM)) + "]'"
SEARCH = f"SELECT id FROM measured ORDER BY e <-> {QUERY} LIMIT 50"


@pytest.fixture(scope="module")
def connection(own_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(own_database.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE measured (id int PRIMARY KEY, n int, e vector({DIM}))".encode())
        with connection.cursor() as cursor, cursor.copy("COPY measured FROM STDIN") as copy:
            for i, row in enumerate(RNG.normal(size=(ROWS, DIM)).round(3)):
                copy.write_row((i, i % 10, f"[{','.join(map(str, row))}]"))
        connection.execute("CREATE INDEX measured_e ON measured USING hnsw (e vector_l2_ops) WITH (m = 6)")
        yield connection


@pytest.fixture(autouse=True)
def plain(connection: psycopg.Connection[Any]) -> Iterator[None]:
    yield
    for statement in (
        "RESET ALL",
        "ALTER INDEX measured_e RESET (target_recall, ef_search)",
        "ALTER TABLE measured RESET (target_recall)",
    ):
        connection.execute(statement.encode())


def report(connection: psycopg.Connection[Any], query: str) -> dict[str, Any]:
    cursor = connection.execute("SELECT * FROM quiver_recall(%s)", (query,))
    row = cursor.fetchone()
    assert row is not None and cursor.description is not None
    return dict(zip((column.name for column in cursor.description), row))


def beam(connection: psycopg.Connection[Any]) -> int:
    connection.execute("SET enable_seqscan = off")
    lines = [line for (line,) in connection.execute(f"EXPLAIN {SEARCH}".encode())]
    return int(next(line.split(": ")[1] for line in lines if "Beam: " in line))


def test_report_counts_what_is_missing(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET hnsw.ef_search = 50")
    found = {id_ for (id_,) in connection.execute(SEARCH.encode())}
    told = report(connection, SEARCH)
    connection.execute("SET enable_indexscan = off")
    wanted = {id_ for (id_,) in connection.execute(SEARCH.encode())}
    assert (told["returned"], told["expected"]) == (50, 50)
    assert told["missing"] == len(wanted - found) > 0
    assert told["recall"] == pytest.approx(len(wanted & found) / 50)
    assert 0 < told["distances"] < told["exact_distances"] == ROWS
    assert report(connection, SEARCH)["recall"] == 1.0


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM measured WHERE n = 3",
        f"SELECT id FROM measured WHERE n = 3 ORDER BY e <-> {QUERY} LIMIT 5",
        f"SELECT m.id, x.n FROM measured m JOIN (VALUES (3), (4)) x(n) USING (n) ORDER BY m.e <-> {QUERY} LIMIT 20",
        f"SELECT id FROM measured WHERE false ORDER BY e <-> {QUERY} LIMIT 5",
        f"SELECT id FROM measured ORDER BY 1 - (e <=> {QUERY}) DESC LIMIT 5",
        "VALUES (1), (1)",
    ],
)
def test_exact_queries_are_complete(connection: psycopg.Connection[Any], query: str) -> None:
    connection.execute("SET quiver.target_recall = 1")
    assert report(connection, query)["missing"] == 0


@pytest.mark.parametrize(
    "text",
    ["DELETE FROM measured", "SELECT 1; SELECT 2", "", "SET x.y = 1", "SELECT FROM measured FOR UPDATE"],
)
def test_only_one_query_is_measured(connection: psycopg.Connection[Any], text: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="measures one query"):
        report(connection, text)


def test_errors_of_the_query_are_its_own(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        report(connection, "SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.UndefinedParameter):
        report(connection, "SELECT $1::int")
    assert connection.execute("SELECT * FROM quiver_recall(NULL)").fetchall() == []


def test_layers_are_asked_in_order(connection: psycopg.Connection[Any]) -> None:
    usual = beam(connection)
    connection.execute("ALTER TABLE measured SET (target_recall = 0.6)")
    of_table = beam(connection)
    connection.execute("ALTER INDEX measured_e SET (target_recall = 0.98)")
    of_index = beam(connection)
    assert of_table < usual < of_index
    connection.execute("ALTER INDEX measured_e SET (ef_search = 77)")
    assert beam(connection) == 77
    connection.execute("SET quiver.target_recall = 0.6")
    assert beam(connection) == of_table
    connection.execute("SET hnsw.ef_search = 91")
    assert beam(connection) == 91
    connection.execute("RESET ALL")
    assert beam(connection) == 77
    connection.execute("ALTER INDEX measured_e RESET (target_recall, ef_search)")
    assert beam(connection) == of_table


def test_an_index_beats_a_role(connection: psycopg.Connection[Any], own_database: Database) -> None:
    connection.execute("ALTER ROLE postgres SET hnsw.ef_search = 61")
    try:
        with psycopg.connect(own_database.dsn, autocommit=True) as other:
            assert beam(other) == 61
            connection.execute("ALTER INDEX measured_e SET (ef_search = 77)")
            assert beam(other) == 77
    finally:
        connection.execute("ALTER ROLE postgres RESET hnsw.ef_search")


def test_a_prepared_search_follows_at_once(connection: psycopg.Connection[Any]) -> None:
    def distances() -> int:
        connection.execute(SEARCH.encode(), prepare=True)
        return int(report(connection, SEARCH)["distances"])

    for _ in range(8):
        before = distances()
    connection.execute("ALTER INDEX measured_e SET (ef_search = 60)")
    assert distances() < before / 2
    definition = connection.execute("SELECT pg_get_indexdef('measured_e'::regclass)").fetchone()
    assert definition is not None and "ef_search='60'" in definition[0] and "m='6'" in definition[0]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ALTER INDEX measured_e SET (target_recall = 2)", 'value 2 out of bounds for option "target_recall"'),
        ("ALTER TABLE measured SET (target_recall = high)", 'invalid value for floating point option "target_recall": high'),
        ("ALTER INDEX measured_e SET (ef_search = 0)", 'value 0 out of bounds for option "ef_search"'),
        ("ALTER INDEX measured_e SET (probes = 3)", 'unrecognized parameter "probes"'),
        ("ALTER TABLE measured SET (ef_search = 30)", 'unrecognized parameter "ef_search"'),
        ("CREATE INDEX ON measured USING hnsw (e vector_l2_ops) WITH (ef_search = x)", 'invalid value for integer option "ef_search": x'),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(connection: psycopg.Connection[Any], statement: str, message: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
        connection.execute(statement.encode())
    assert raised.value.diag.message_primary == message


def test_an_index_is_made_with_its_options(connection: psycopg.Connection[Any]) -> None:
    rows = "INSERT INTO made SELECT ARRAY[i, i % 7, i % 5]::vector FROM generate_series({}) i"
    connection.execute("CREATE TABLE made (e vector(3))")
    connection.execute("CREATE INDEX ON made USING hnsw (e vector_l2_ops) WITH (m = 8, ef_search = 99)")
    connection.execute(rows.format("1, 6000").encode())
    connection.execute(
        "CREATE INDEX ON made USING ivfflat (e vector_cosine_ops) WITH (lists = 5, probes = 4)"
    )
    connection.execute("VACUUM made")
    connection.execute("SET enable_seqscan = off")
    deadline = time.monotonic() + 60
    for operator, shown in (("<->", "Beam: 99"), ("<=>", "Probes: 4")):
        lines: list[str] = []
        while not any(shown in line for line in lines):
            # A segment without its index is scanned until the index is made.
            assert time.monotonic() < deadline, lines
            time.sleep(0.1)
            statement = f"EXPLAIN SELECT * FROM made ORDER BY e {operator} '[1,2,3]' LIMIT 5"
            lines = [line for (line,) in connection.execute(statement.encode())]
