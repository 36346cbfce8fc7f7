"""Goal: a condition on the distance, `WHERE e <-> $1 < r`, goes through the index where rows are ordered by that distance or
in no order and limited, and the answer is complete.

Method: the same statements on a real PostgreSQL with pgvector that scans, and here with indexes, over rows with NULL, equal
and zero vectors, deleted rows and rows in memory. Beams are so wide that graphs of this size are exact. Without an order any
rows in range are right: they are counted and looked at. EXPLAIN says whether the index served and whether the filter ran.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS = 3000, 4
RNG = np.random.default_rng(31)
Connection = psycopg.Connection[Any]
Both = tuple[Connection, Connection]


def text(vector: Any) -> str:
    return "[" + ",".join(f"{number:.3f}" for number in vector) + "]"


QUERY = f"'{text(RNG.normal(size=DIMENSIONS))}'"
OTHER = f"'{text(RNG.normal(size=DIMENSIONS))}'"

ORDERED = """
WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q <= 0.8 ORDER BY e <-> $q, id LIMIT 5 OFFSET 3
WHERE 0.8 > e <-> $q ORDER BY e <-> $q, id LIMIT 5
WHERE l2_distance($q, e) < 0.8 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q BETWEEN 0.4 AND 0.9 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q > 0.6 AND e <-> $q < 2 ORDER BY e <-> $q, id LIMIT 30
WHERE (e <-> $q) * 2 + 1 < 2.6 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q < (SELECT 0.4 + 0.4) ORDER BY e <-> $q, id LIMIT 5
WHERE e <=> $q < 0.1 ORDER BY e <=> $q, id LIMIT 5
WHERE 1 - (e <=> $q) > 0.9 ORDER BY e <=> $q, id LIMIT 5
WHERE 1 - (e <=> $q) >= 0.9 ORDER BY 1 - (e <=> $q) DESC NULLS LAST, id LIMIT 9
"""
"""With enough rows in range: the index alone answers."""

SHORT = """
WHERE e <-> $q < 0.8 AND n < 30 ORDER BY e <-> $q, id LIMIT 5
WHERE n % 2 = 0 AND e <-> $q < 0.9 AND e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q < 0.8 AND e <-> $o < 9 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q < NULL ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 500
WHERE e <-> $q < 0.5 AND n = 3 ORDER BY e <-> $q, id LIMIT 20
WHERE e <-> $q < 0 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q BETWEEN 0.4 AND 0.6 ORDER BY e <-> $q, id LIMIT 400
WHERE e <-> $q BETWEEN 1.2 AND 1.1 ORDER BY e <-> $q, id LIMIT 3
WHERE e <=> $q < 0.05 ORDER BY e <=> $q, id LIMIT 900
WHERE 1 - (e <=> $q) > 0.9 ORDER BY e <=> $q, id LIMIT 900
"""
"""With fewer in range than the LIMIT, or other filters: whatever the index finds, the answer has all of them."""

ELSE = """
WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id
WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 0
WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT NULL
WHERE e <-> $q > 4 ORDER BY e <-> $q, id LIMIT 5
WHERE e <-> $q < 0.8 OR n = 3 ORDER BY e <-> $q, id LIMIT 9
WHERE NOT e <-> $q >= 0.8 ORDER BY e <-> $q, id LIMIT 9
WHERE e <-> $q < n ORDER BY e <-> $q, id LIMIT 9
WHERE e <-> $o < 1.2 ORDER BY e <-> $q, id LIMIT 9
WHERE e <#> $q < 0.8 ORDER BY e <-> $q, id LIMIT 9
WHERE e <-> $q < 0.8 AND e <=> $q < 0.1 ORDER BY e <-> $q, id LIMIT 9
WHERE e <-> $q < 0.8 ORDER BY e <-> $q DESC, id LIMIT 9
WHERE e <-> $q < 0.8 ORDER BY id LIMIT 9
WHERE e <-> $q < 0.8 ORDER BY n, id
"""

WHOLE = """
SELECT count(*) FROM items WHERE e <-> $q < 0.8
SELECT count(*), min(n) FROM items WHERE e <-> $q BETWEEN 0.2 AND 0.8
SELECT n, count(*) FROM items WHERE e <=> $q < 0.2 GROUP BY n ORDER BY n
SELECT count(*) FROM (SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY e <-> $q LIMIT 5) s
SELECT array(SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 5)
SELECT count(*) FROM (SELECT id FROM items WHERE e <-> $q < 0.8 LIMIT 5) s
WITH near AS (SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY e <-> $q, id LIMIT 5) SELECT * FROM near ORDER BY id
WITH near AS MATERIALIZED (SELECT * FROM items WHERE e <-> $q < 0.8 LIMIT 5) SELECT count(*), bool_and(e <-> $q < 0.8) FROM near
WITH q AS (SELECT $q::vector AS v) SELECT id FROM items, q WHERE e <-> v < 0.8 ORDER BY e <-> v, id LIMIT 5
SELECT s.id FROM (SELECT id, e <-> $q AS d FROM items) s WHERE d < 0.8 ORDER BY d, id LIMIT 5
SELECT i.id, o.id FROM items o, LATERAL (SELECT id FROM items WHERE e <-> o.e < 0.9 ORDER BY e <-> o.e, id LIMIT 3) i WHERE o.n = 7 ORDER BY o.id, i.id
"""

UNORDERED = """
WHERE e <-> $q < 0.8 LIMIT 5
WHERE e <-> $q < 0.8 LIMIT 5 OFFSET 2
WHERE 1 - (e <=> $q) > 0.9 LIMIT 7
WHERE e <=> $q < 0.1 LIMIT 100000
WHERE e <-> $q BETWEEN 0.4 AND 0.6 LIMIT 4
WHERE e <-> $q < 0 LIMIT 4
"""


def listed(statements: str) -> list[str]:
    return [line.replace("$q", QUERY).replace("$o", OTHER) for line in statements.strip().splitlines()]


def load(connection: Connection) -> None:
    """Quiver has indexes, and beside rows that they cover some that came later."""
    connection.execute("DROP TABLE IF EXISTS items")
    connection.execute(f"CREATE TABLE items (id int PRIMARY KEY, n int, e vector({DIMENSIONS}))".encode())

    def copy(numbers: range) -> None:
        with connection.cursor().copy("COPY items FROM STDIN") as stream:
            for number in numbers:
                stream.write(f"{number}\t{number % 60}\t{value(number)}\n")

    def value(number: int) -> str:
        if number % 97 == 5:
            return "\\N"
        seed = number % 2000 if number % 50 else 0
        return "[0,0,0,0]" if number % 83 == 4 else text(np.random.default_rng(seed).normal(size=DIMENSIONS))

    copy(range(ROWS))
    for word in ("l2", "cosine") if is_quiver(connection) else ():
        connection.execute(f"CREATE INDEX items_{word} ON items USING hnsw (e vector_{word}_ops)".encode())
    connection.execute("DELETE FROM items WHERE id % 10 = 3")
    copy(range(ROWS, ROWS + 400))


def is_quiver(connection: Connection) -> bool:
    (version,) = connection.execute("SELECT version()").fetchone() or ("",)
    return "Quiver" in version


@pytest.fixture(scope="module")
def both(postgres_uri: str, own_database: Database) -> Iterator[Both]:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        load(theirs)
        load(ours)
        ours.execute("SET hnsw.ef_search = 200")
        yield theirs, ours
        theirs.execute("DROP TABLE items")


def plan_of(connection: Connection, statement: str, options: str = "COSTS OFF") -> str:
    return "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN ({options}) {statement}".encode()))


def rows_of(connection: Connection, statement: str, parameters: Any = None) -> list[Any]:
    return connection.execute(statement.encode(), parameters).fetchall()


@pytest.mark.parametrize("clauses", listed(ORDERED))
def test_the_nearest_in_range_come_from_the_index(both: Both, clauses: str) -> None:
    theirs, ours = both
    statement = f"SELECT id FROM items {clauses}"
    assert rows_of(ours, statement) == rows_of(theirs, statement)
    plan = plan_of(ours, statement, "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF")
    assert "Index Scan using items_" in plan and "Range: " in plan and "Range Completed" not in plan
    assert int(plan.partition("Candidates: ")[2].split()[0]) < 2 * ROWS


@pytest.mark.parametrize("clauses", listed(SHORT))
def test_an_answer_is_never_short(both: Both, clauses: str) -> None:
    theirs, ours = both
    statement = f"SELECT id FROM items {clauses}"
    for beam in (200, 1):
        ours.execute(f"SET hnsw.ef_search = {beam}".encode())
        assert rows_of(ours, statement) == rows_of(theirs, statement)
    ours.execute("SET hnsw.ef_search = 200")


def test_explain_says_when_the_filter_ran_after_all(both: Both) -> None:
    _, ours = both
    few = f"SELECT id FROM items WHERE e <-> {QUERY} < 0.3 ORDER BY e <-> {QUERY} LIMIT 10"
    assert "Range Completed" in plan_of(ours, few, "ANALYZE")
    assert "Range Completed" not in plan_of(ours, few)


@pytest.mark.parametrize("clauses", listed(ELSE))
def test_other_conditions_are_filters(both: Both, clauses: str) -> None:
    theirs, ours = both
    statement = f"SELECT id FROM items {clauses}"
    assert rows_of(ours, statement) == rows_of(theirs, statement)
    assert "Range: " not in plan_of(ours, statement)


@pytest.mark.parametrize("statement", listed(WHOLE))
def test_ranges_inside_other_queries(both: Both, statement: str) -> None:
    theirs, ours = both
    assert rows_of(ours, statement) == rows_of(theirs, statement)


@pytest.mark.parametrize("clauses", listed(UNORDERED))
def test_rows_in_no_order_are_as_many_and_in_range(both: Both, clauses: str) -> None:
    theirs, ours = both
    condition = clauses.partition(" LIMIT")[0].removeprefix("WHERE ")
    statement = f"SELECT ({condition}) AS is_right, id FROM items {clauses}"
    found = rows_of(ours, statement)
    assert len(found) == len({number for _, number in found}) == len(rows_of(theirs, statement))
    assert all(is_right for is_right, _ in found)
    plan = plan_of(ours, statement)
    assert "Index Scan using items_" in plan and "Range: " in plan and "Order By" not in plan


def test_without_an_index_a_limit_stops_the_scan_as_before(both: Both) -> None:
    _, ours = both
    ours.execute("SET enable_indexscan = off")
    plan = plan_of(ours, f"SELECT id FROM items WHERE e <-> {QUERY} < 0.8 LIMIT 5")
    ours.execute("RESET enable_indexscan")
    assert "Seq Scan on items" in plan and "Sort" not in plan and "Range" not in plan


@pytest.mark.parametrize("prepare", [False, True])
def test_parameters(both: Both, prepare: bool) -> None:
    """One parameter in both places, and two that hold the same vector now and another one next time."""
    theirs, ours = both
    same = (
        "SELECT id FROM items WHERE e <-> %(q)s::vector < %(r)s ORDER BY e <-> %(q)s::vector, id LIMIT %(k)s"
    )
    two = "SELECT e FROM items WHERE e <-> %s::vector < %s ORDER BY e <-> %s::vector LIMIT %s"
    for round_ in range(8):
        vector, other = (
            text(np.random.default_rng(seed).normal(size=DIMENSIONS)) for seed in (round_ // 2, 40)
        )
        named = {"q": vector, "r": 0.3 + 0.2 * round_, "k": 6}
        second = vector if round_ % 3 else other
        given = (vector, 0.9, second, 6)
        for sql, parameters in ((same, named), (two, given)):
            found = ours.execute(sql, parameters, prepare=prepare).fetchall()
            assert found == theirs.execute(sql, parameters).fetchall(), (sql, parameters)


def test_a_partial_index_and_lists_serve_ranges(both: Both) -> None:
    theirs, ours = both
    ours.execute(
        "DROP INDEX items_l2; CREATE INDEX items_lists ON items USING ivfflat (e vector_l2_ops) WITH (lists = 20)"
    )
    ours.execute("SET ivfflat.probes = 20")
    statement = f"SELECT id FROM items WHERE e <-> {QUERY} < 0.8 ORDER BY e <-> {QUERY}, id LIMIT 5"
    assert rows_of(ours, statement) == rows_of(theirs, statement)
    plan = plan_of(ours, statement)
    assert "Index Scan using items_lists" in plan and "Range: " in plan
    ours.execute("DROP INDEX items_lists")
    ours.execute("CREATE INDEX items_part ON items USING hnsw (e vector_l2_ops) WHERE (n < 55)")
    statement = statement.replace("WHERE", "WHERE n < 55 AND")
    assert rows_of(ours, statement) == rows_of(theirs, statement)
    plan = plan_of(ours, statement)
    assert "Index Scan using items_part" in plan and "Range: " in plan
