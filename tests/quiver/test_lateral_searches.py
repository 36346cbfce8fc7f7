"""Goal: LATERAL searches, which run as batches, have PostgreSQL's rows and errors whatever the left side holds.

Method: fixed shapes and seeded random compositions of them over all types of vectors, with NULL and zero vectors, duplicates
and deletions on both sides, compared byte by byte with a real PostgreSQL that scans. Coordinates are small integers, so
distances are exact, and an order always ends at the id or the distances alone are told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import Prober

pytestmark = pytest.mark.slow

ROWS, LEFT_ROWS, WIDTH = 700, 40, 6
Probers = tuple[Prober, Prober]
OPERATORS = {
    "v": ("<->", "<#>", "<=>", "<+>"),
    "h": ("<->", "<=>"),
    "s": ("<->", "<#>", "<=>"),
    "b": ("<~>", "<%>"),
}
SCHEMA = f"""
DROP TABLE IF EXISTS items, asked;
CREATE TABLE items (id int PRIMARY KEY, cat int, v vector({WIDTH}), h halfvec({WIDTH}), s sparsevec({WIDTH}), b bit({WIDTH}));
CREATE TABLE asked (n int PRIMARY KEY, cat int, v vector, h halfvec({WIDTH}), s sparsevec, b varbit)
"""

FIXED = """
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT 3) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q LEFT JOIN LATERAL (SELECT id FROM items WHERE cat = q.cat ORDER BY v <-> q.v, id LIMIT 2) i ON true ORDER BY 1, 2
SELECT q.n, i.id FROM asked q LEFT JOIN LATERAL (SELECT id FROM items WHERE cat > 99 ORDER BY v <-> q.v LIMIT 2) i ON true ORDER BY 1
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE id <> q.n AND v <> q.v ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT q.n) i WHERE q.n < 9 ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id OFFSET q.n LIMIT 2) i WHERE q.n < 9 ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT 5 - q.n) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT NULL) i WHERE q.n < 3 ORDER BY 1, 2
SELECT count(*) FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v LIMIT 0) i
SELECT count(*) FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> q.v LIMIT 3) i WHERE q.n > 99
SELECT count(*) FROM asked q, LATERAL (SELECT FROM items ORDER BY v <-> q.v LIMIT 3) i
SELECT count(*) FROM asked q, LATERAL (SELECT FROM items WHERE cat = q.cat ORDER BY v <-> q.v LIMIT 3) i
SELECT i.id FROM asked q LEFT JOIN LATERAL (SELECT id FROM items WHERE cat = q.cat + 1 ORDER BY v <-> q.v, id LIMIT 3) i ON true ORDER BY 1
SELECT v, n FROM unnest('{"[1,2]",NULL,"[3]"}'::vector[]) WITH ORDINALITY AS q(v, n) ORDER BY n
SELECT count(*) FROM unnest('{"[1,2]","[3,4]"}'::halfvec(2)[]) AS q(v), unnest(NULL::vector[]) AS r(v)
SELECT q.v, r.v FROM unnest('{"[1,2]","[3,4]"}'::halfvec(2)[]) AS q(v) LEFT JOIN unnest(ARRAY['[3,4]', '[5,6]']::vector[]) AS r(v) ON q.v::vector = r.v ORDER BY 1
SELECT q.n, i.id FROM unnest('{"[1,2,3,4,5,6]",NULL,"[0,0,0,0,0,0]","[1,2,3,4,5,6]"}'::vector[]) WITH ORDINALITY AS q(v, n), LATERAL (SELECT id FROM items ORDER BY v <=> q.v, id LIMIT 3) i ORDER BY 1, 2
SELECT q.n, i.id FROM unnest('{}'::vector[]) WITH ORDINALITY AS q(v, n), LATERAL (SELECT id FROM items ORDER BY v <=> q.v, id LIMIT 3) i
SELECT q.n, i.id FROM unnest('{"[1,2,3,4,5,6]","[1,2]"}'::vector[]) WITH ORDINALITY AS q(v, n), LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT 3) i
SELECT q.n, i.id FROM unnest('{"[1,2]"}'::vector[]) WITH ORDINALITY AS q(v, n), LATERAL (SELECT id FROM items WHERE cat > 99 ORDER BY v <-> q.v, id LIMIT 3) i
SELECT q.n, i.id FROM unnest('{"{1:2}/6","{1:2}/7"}'::sparsevec[]) WITH ORDINALITY AS q(s, n), LATERAL (SELECT id FROM items ORDER BY s <-> q.s, id LIMIT 3) i
SELECT q.n, i.id FROM (VALUES (1, B'101010'), (2, B'1010101')) AS q(n, b), LATERAL (SELECT id FROM items ORDER BY b <~> q.b, id LIMIT 3) i
SELECT q.n, i.id, i.w, i.t FROM asked q, LATERAL (SELECT id, id * q.cat AS w, upper('x' || q.n) AS t FROM items ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id, i.c FROM asked q, LATERAL (SELECT id, CASE WHEN v <-> q.v < 5 THEN 1 / (q.n - 3) END AS c FROM items ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE cat IN (SELECT cat FROM asked a WHERE a.n > q.n) ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> (SELECT v FROM asked a WHERE a.n = 39 - q.n), id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE cat = q.n % 4 AND id > q.n % 4 * 10 ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE cat > 99 AND id > 10 / (q.n - 3) ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE id > 10 / (q.n - 3) ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE cat::numeric < q.n % 2 + 0.50 AND b::text <> ('1' || q.b::varchar) ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE v <-> q.v < 9 ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items WHERE v <-> '[1,2,3,4,5,6]' < 9 ORDER BY v <-> q.v, id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.id FROM asked q, LATERAL (SELECT id FROM items ORDER BY v <-> l2_normalize(q.v), id LIMIT 2) i ORDER BY 1, 2
SELECT q.n, i.d FROM asked q, LATERAL (SELECT round((1 - (v <=> q.v))::numeric, 4) AS d FROM items ORDER BY 1 - (v <=> q.v) DESC LIMIT 30) i ORDER BY 1, 2
SELECT q.n, j.id FROM asked q, LATERAL (SELECT id, v FROM items ORDER BY v <-> q.v, id LIMIT 2) i, LATERAL (SELECT id FROM items ORDER BY v <+> i.v, id OFFSET 1 LIMIT 1) j ORDER BY 1, 2
SELECT a.n, count(*), sum(i.id) FROM asked a JOIN asked q ON a.cat = q.cat, LATERAL (SELECT id FROM items ORDER BY v <-> q.v, id LIMIT 2) i GROUP BY 1 ORDER BY 1
"""


def composed(chance: random.Random) -> str:
    column = chance.choice("vvvhsb")
    distance = f"i.{column} {chance.choice(OPERATORS[column])} q.{column}"
    where = chance.choice(
        ["", "", "WHERE cat = 3 ", "WHERE cat = q.cat ", "WHERE id % 5 <> q.n % 5 ", "WHERE cat < 0 "]
    )
    order = chance.choice(["", "", " NULLS FIRST"])
    limit = chance.choice(["LIMIT 1", "LIMIT 4", "LIMIT 4", "LIMIT 3 OFFSET 2", "LIMIT 400"])
    join = chance.choice(["CROSS JOIN LATERAL", "LEFT JOIN LATERAL"])
    condition = " ON true" if join.startswith("LEFT") else ""
    key, shown = chance.choice(
        [(f"{distance}{order}, id DESC", "id"), (f"{distance}{order}", f"round(({distance})::numeric, 3)")]
    )
    source = chance.choice(
        ["asked", "(SELECT * FROM asked WHERE n % 3 = 0)", "(TABLE asked UNION ALL TABLE asked)"]
    )
    search = f"SELECT {shown} AS x FROM items i {where}ORDER BY {key} {limit}"
    return f"SELECT q.n, near.x FROM {source} q {join} ({search}) near{condition} ORDER BY 1, 2"


CHANCE = random.Random(41)
RANDOM = [composed(CHANCE) for _ in range(40)]


def fill(connection: psycopg.Connection) -> None:
    rng = np.random.default_rng(8)
    connection.execute(SCHEMA.encode())

    def copied(table: str, count: int) -> None:
        with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for number in range(count):
                row = rng.integers(-4, 5, WIDTH) * (number % 13 > 0)
                numbers = ",".join(map(str, row))
                elements = ",".join(f"{i + 1}:{x}" for i, x in enumerate(row) if x)
                vectors = [
                    f"[{numbers}]",
                    f"[{numbers}]",
                    f"{{{elements}}}/{WIDTH}",
                    "".join("01"[int(x > 0)] for x in row),
                ]
                shown = [None if (number + i) % 17 == 5 else text for i, text in enumerate(vectors)]
                copy.write_row([number, None if number % 11 == 4 else number % 7, *shown])

    copied("items", ROWS)
    connection.execute("CHECKPOINT")
    connection.execute("DELETE FROM items WHERE id % 19 = 2")
    connection.execute("INSERT INTO items SELECT id + 1000, cat, v, h, s, b FROM items WHERE id < 60")
    copied("asked", LEFT_ROWS)


@pytest.fixture(scope="module")
def probers(postgres_uri: str, own_database: Database) -> Iterator[Probers]:
    for dsn in (postgres_uri, own_database.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            fill(connection)
    theirs, ours = Prober(postgres_uri), Prober(own_database.dsn)
    yield theirs, ours
    theirs.connection.close()
    ours.connection.close()


def plan_of(prober: Prober, statement: str, how: str = "COSTS OFF") -> str:
    rows = prober.connection.execute(f"EXPLAIN ({how}) {statement}".encode()).fetchall()
    return "\n".join(str(row[0]) for row in rows)


@pytest.mark.parametrize("statement", [*FIXED.strip().splitlines(), *RANDOM])
def test_rows_and_errors_are_those_of_postgres(probers: Probers, statement: str) -> None:
    theirs, ours = (prober.outcome(statement) for prober in probers)
    assert (ours.sqlstate, ours.message, ours.rows) == (theirs.sqlstate, theirs.message, theirs.rows)


NEAREST = FIXED.strip().splitlines()[0]


@pytest.mark.parametrize("column", ["v", "b"])
def test_own_rows_are_searched_before_commit(probers: Probers, column: str) -> None:
    statement = NEAREST.replace("v <-> q.v", f"{column} {OPERATORS[column][0]} q.{column}")
    outcomes = []
    for prober in probers:
        committed = prober.outcome(statement).rows
        with prober.connection.transaction(force_rollback=True):
            prober.connection.execute(
                "INSERT INTO items SELECT n + 5000, cat, v, h, s, b FROM asked WHERE n % 2 = 0; "
                "UPDATE items SET id = id + 7000 WHERE id % 5 = 0; DELETE FROM items WHERE id % 7 = 1"
            )
            own = prober.outcome(statement).rows
        assert prober.outcome(statement).rows == committed != own
        outcomes.append(own)
    assert outcomes[0] == outcomes[1]


def test_explain_tells_of_batches(probers: Probers) -> None:
    _, ours = probers
    search = "SELECT id {} FROM items WHERE {} ORDER BY v <-> q.v LIMIT 2"

    def plan(what: str, where: str, how: str) -> str:
        return plan_of(ours, f"SELECT 1 FROM asked q, LATERAL ({search.format(what, where)}) i", how)

    assert "Vector Island 1\n    Batched Search\n    ->  Limit" in plan("", "cat < 5", "COSTS OFF")
    assert f"    Batched Search: {LEFT_ROWS} queries\n" in plan("", "cat < 5", "ANALYZE")
    assert f"    Batched Search: {LEFT_ROWS} queries in 8 groups\n" in plan("", "cat = q.cat", "ANALYZE")
    assert f"    Batched Search: {LEFT_ROWS} queries in 3 groups\n" in plan("", "cat = q.n % 3", "ANALYZE")
    assert "Batched Search" not in plan("", "id <> q.n", "ANALYZE")
    assert "Batched Search" not in plan(", random()", "cat < 5", "ANALYZE")


def test_an_index_is_asked_many_queries(probers: Probers) -> None:
    """Beside the graph, whose beam is as wide as the table, there are rows that only a scan finds."""
    statement = (
        "SELECT q.n, i.d FROM asked q, LATERAL (SELECT round((v <-> q.v)::numeric, 3) AS d FROM indexed "
        "ORDER BY v <-> q.v LIMIT 7) i WHERE q.v IS NOT NULL ORDER BY 1, 2"
    )
    outcomes = []
    for prober in probers:
        prober.connection.execute(
            f"""DROP TABLE IF EXISTS indexed; CREATE TABLE indexed (id int, v vector({WIDTH}));
            INSERT INTO indexed SELECT id + 10000 * g, v FROM items, generate_series(1, 2) g WHERE v IS NOT NULL"""
        )
        prober.connection.execute("CHECKPOINT")
        prober.connection.execute("CREATE INDEX indexed_v ON indexed USING hnsw (v vector_l2_ops)")
        prober.connection.execute(
            "INSERT INTO indexed SELECT id, v FROM items WHERE v IS NOT NULL AND id < 99"
        )
        with prober.connection.transaction(force_rollback=True):
            prober.connection.execute("SET LOCAL hnsw.ef_search = 1000")
            is_ours = prober is probers[1]
            prober.connection.execute(
                f"SET LOCAL enable_{'seqscan' if is_ours else 'indexscan'} = off".encode()
            )
            outcomes.append(prober.outcome(statement).rows)
            plan = plan_of(prober, statement)
    assert outcomes[0] == outcomes[1]
    assert "Index Scan using indexed_v" in plan and "Batched Search" in plan and "graph" in plan


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_can_be_cancelled(probers: Probers, workers: int) -> None:
    _, ours = probers
    many = NEAREST.replace("asked q", "(SELECT n, v FROM asked, generate_series(1, 3000)) q")
    with ours.connection.transaction(force_rollback=True):
        ours.connection.execute(
            f"SET LOCAL max_parallel_workers_per_gather = {workers}; SET LOCAL statement_timeout = 150"
        )
        assert ours.outcome(many).sqlstate == "57014"
    assert ours.outcome(NEAREST).sqlstate == ""
