"""Goal: a vector index serves every shape of query that asks for nearest rows, and the rows are PostgreSQL's.

Method: one list of statements over the same random tables on a Quiver server with indexes and on a real PostgreSQL with
pgvector that scans. Rows are compared, and EXPLAIN must name the index. Beams are so wide that graphs of this size are
exact. `SCANNED` are statements that no vector index serves: their rows are compared all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS, QUERIES = 2400, 4, 7
RNG = np.random.default_rng(20)


def text(vector: object) -> str:
    return "[" + ",".join(str(float(number)) for number in np.asarray(vector)) + "]"


QUERY = text(RNG.normal(size=DIMENSIONS).astype("f4"))
ITEMS = [text(row) for row in RNG.normal(size=(ROWS, DIMENSIONS)).astype("f4")]
OTHERS = [text(row) for row in RNG.normal(size=(QUERIES, DIMENSIONS)).astype("f4")]

SERVED = """
SELECT id FROM items ORDER BY e <-> $q LIMIT 5
SELECT id FROM items ORDER BY $q <-> e LIMIT 5
SELECT id FROM items ORDER BY 1 - (e <=> $q) DESC LIMIT 5
SELECT id, 1 - (e <=> $q) AS s FROM items ORDER BY s DESC LIMIT 5
SELECT id FROM items ORDER BY cosine_distance(e, $q) LIMIT 5
SELECT id FROM items ORDER BY l2_distance($q, e) LIMIT 5
SELECT id, (e <#> $q) * -1 AS ip FROM items ORDER BY e <#> $q LIMIT 5
SELECT id FROM items ORDER BY inner_product(e, $q) DESC LIMIT 5
SELECT id FROM items ORDER BY (e <-> $q) + 0 LIMIT 5
SELECT id FROM items ORDER BY e <-> $q, id LIMIT 5
SELECT id FROM items ORDER BY e <-> $q OFFSET 5 LIMIT 5
SELECT id FROM items ORDER BY e <-> $q FETCH FIRST 5 ROWS ONLY
SELECT id FROM items ORDER BY e <-> ARRAY[0.1, 0.2, 0.3, 0.4]::vector LIMIT 5
SELECT id FROM items ORDER BY e <-> (SELECT e FROM items WHERE id = 7) LIMIT 5
SELECT id FROM items WHERE id <> 7 ORDER BY e <-> (SELECT e FROM items WHERE id = 7) LIMIT 5
SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY e <-> $q LIMIT 5
SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY e <-> $q
SELECT id FROM items WHERE cat IN (SELECT id FROM cats WHERE name < 'c3') ORDER BY e <-> $q LIMIT 5
SELECT id, CASE WHEN e <-> $q < 1 THEN 'near' ELSE 'far' END FROM items ORDER BY e <-> $q LIMIT 5
SELECT array(SELECT id FROM items ORDER BY e <-> $q LIMIT 5)
SELECT id FROM items WHERE id = ANY(ARRAY(SELECT id FROM items ORDER BY e <-> $q LIMIT 5)) ORDER BY id
SELECT id FROM (SELECT id, e <-> $q AS d FROM items ORDER BY d LIMIT 20) s WHERE d < 1.0 ORDER BY d
WITH near AS MATERIALIZED (SELECT id, e <-> $q AS d FROM items ORDER BY d LIMIT 20) SELECT id FROM near WHERE d < 1 ORDER BY d
SELECT count(*), min(id) FROM (SELECT id FROM items ORDER BY e <-> $q LIMIT 10) s
SELECT string_agg(id::text, ',') FROM (SELECT id FROM items ORDER BY e <-> $q LIMIT 5) s
(SELECT id FROM items ORDER BY e <-> $q LIMIT 5) UNION ALL (SELECT id FROM items ORDER BY e <#> $q LIMIT 5) ORDER BY 1
SELECT id FROM (SELECT id, e FROM items ORDER BY e <-> $q LIMIT 20) s ORDER BY e <=> $q LIMIT 5
SELECT i.id, c.name FROM items i JOIN cats c ON c.id = i.cat ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, c.name FROM cats c, items i WHERE c.id = i.cat AND i.id % 2 = 0 ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, c.name FROM items i JOIN cats c ON c.id = i.cat WHERE c.name = 'c3' ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, c.name FROM items i JOIN cats c ON c.id = i.cat AND c.name > 'c5' ORDER BY 1 - (i.e <=> $q) DESC OFFSET 2 LIMIT 3
SELECT i.id, c.name FROM items i LEFT JOIN cats c ON c.id = i.cat + 5 ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, c.id FROM items i JOIN cats c ON c.name = 'c' || i.cat JOIN queries q ON q.id = i.cat ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, c.name, q.id FROM items i JOIN cats c ON c.id = i.cat JOIN queries q ON q.id = c.id ORDER BY i.e <-> $q LIMIT 5
SELECT i.id, q.id FROM items i, queries q WHERE q.id = 3 ORDER BY i.e <-> $q, i.id LIMIT 7
SELECT i.id FROM items i, queries q WHERE q.id = 99 ORDER BY i.e <-> $q, i.id LIMIT 7
SELECT i.id, (SELECT name FROM cats c WHERE c.id = i.cat) FROM items i ORDER BY i.e <-> $q LIMIT 5
SELECT id, row_number() OVER (ORDER BY e <-> $q) FROM items ORDER BY e <-> $q LIMIT 5
SELECT id, rank() OVER (ORDER BY e <-> $q), dense_rank() OVER (ORDER BY e <-> $q) FROM items WHERE cat < 4 ORDER BY e <-> $q LIMIT 5
WITH a AS (SELECT id, rank() OVER (ORDER BY e <-> $q) AS r FROM items ORDER BY e <-> $q LIMIT 20), \
b AS (SELECT id, rank() OVER (ORDER BY n DESC) AS r FROM items WHERE cat = 3 ORDER BY n DESC LIMIT 20) \
SELECT coalesce(a.id, b.id), coalesce(1.0 / (60 + a.r), 0) + coalesce(1.0 / (60 + b.r), 0) AS s \
FROM a FULL JOIN b ON a.id = b.id ORDER BY s DESC, 1 LIMIT 8
SELECT id FROM (SELECT id, e <-> $q AS d FROM items) s ORDER BY d LIMIT 5
SELECT id, d * 2 FROM (SELECT id, cat, e <-> $q AS d FROM (SELECT * FROM items WHERE n > 100) i) s WHERE cat < 5 AND d < 3 ORDER BY d LIMIT 5
WITH q AS (SELECT $q::vector AS v) SELECT id FROM items ORDER BY e <-> (SELECT v FROM q) LIMIT 5
WITH q AS (SELECT e AS v FROM items WHERE id = 7) SELECT id FROM items ORDER BY e <-> (SELECT v FROM q) LIMIT 5
WITH q AS (SELECT $q::vector AS v) SELECT id FROM items, q ORDER BY e <-> q.v LIMIT 5
WITH q AS (SELECT $q::vector AS v) SELECT id, e <-> q.v AS d FROM items CROSS JOIN q ORDER BY d LIMIT 5
WITH s AS (SELECT id, e <-> $q AS d FROM items WHERE cat < 7) SELECT id FROM s ORDER BY d LIMIT 5
SELECT id FROM items, (SELECT $q::vector AS v) q ORDER BY e <-> q.v LIMIT 5
SELECT a.id FROM items a, items b WHERE b.id = 7 ORDER BY a.e <-> b.e LIMIT 5
SELECT a.id, b.cat FROM items a JOIN items b ON b.id = 7 WHERE a.id <> b.id AND a.cat < b.cat + 1 ORDER BY b.e <-> a.e LIMIT 5
SELECT a.id, c.name FROM items a JOIN cats c ON c.id = a.cat, queries q WHERE q.id = 3 ORDER BY a.e <-> q.v LIMIT 5
SELECT q.id, n.id FROM queries q, LATERAL (SELECT id FROM items ORDER BY e <-> q.v LIMIT 3) n ORDER BY 1, 2
SELECT q.id, n.id, n.d FROM queries q CROSS JOIN LATERAL (SELECT id, e <-> q.v AS d FROM items ORDER BY e <-> q.v LIMIT 1) n ORDER BY 1
SELECT q.id, n.id FROM queries q LEFT JOIN LATERAL (SELECT id FROM items WHERE cat = q.id * 3 ORDER BY e <-> q.v LIMIT 1) n ON true ORDER BY 1
SELECT q.id, n.id, c.name FROM queries q JOIN LATERAL (SELECT id, cat FROM items WHERE n > q.id * 100 ORDER BY e <-> q.v LIMIT 4) n ON true \
JOIN cats c ON c.id = n.cat WHERE q.id > 2 AND c.name > 'c1' ORDER BY 1, 2
SELECT q.id, count(n.id), min(m.id) FROM queries q CROSS JOIN LATERAL (SELECT id, e FROM items ORDER BY e <-> q.v LIMIT 4) n \
CROSS JOIN LATERAL (SELECT id FROM items ORDER BY e <=> n.e OFFSET 1 LIMIT 2) m GROUP BY 1 ORDER BY 1
"""

SCANNED = """
SELECT id FROM items WHERE e <-> $q < 0.8 ORDER BY id
SELECT count(*) FROM items WHERE e <-> $q < 0.8
SELECT min(e <-> $q) FROM items
SELECT cat, min(e <-> $q) FROM items GROUP BY cat ORDER BY 2 LIMIT 3
SELECT id FROM items ORDER BY e <-> $q DESC LIMIT 5
SELECT i.id FROM items i RIGHT JOIN cats c ON c.id = i.cat + 3 ORDER BY i.e <-> $q LIMIT 5
SELECT id, count(*) OVER (ORDER BY e <-> $q) FROM items ORDER BY e <-> $q LIMIT 5
SELECT id, rank() OVER (PARTITION BY cat ORDER BY e <-> $q) FROM items ORDER BY e <-> $q LIMIT 5
SELECT DISTINCT cat FROM (SELECT cat, e FROM items) s ORDER BY 1 LIMIT 5
SELECT i.id, q.id FROM items i JOIN queries q ON q.id < i.cat ORDER BY i.e <-> $q, q.id LIMIT 7
SELECT id, unnest(ARRAY[1, 2]) FROM items ORDER BY e <-> $q, 2 LIMIT 5
SELECT i.id, q.id FROM items i, queries q WHERE q.id < 2 ORDER BY i.e <-> q.v LIMIT 5
SELECT i.id, q.id FROM items i, queries q WHERE q.id > 90 ORDER BY i.e <-> q.v LIMIT 5
SELECT q.id, n.id FROM queries q, LATERAL (SELECT id FROM items WHERE id < q.id ORDER BY id LIMIT 3) n ORDER BY 1, 2
WITH q AS (SELECT v FROM queries) SELECT count(*) FROM q a, q b
"""


def statements(listed: str) -> list[str]:
    return [line.replace("$q", f"'{QUERY}'") for line in listed.replace("\\\n", "").strip().splitlines()]


def load(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for statement in (
        "DROP TABLE IF EXISTS items, queries, cats",
        f"CREATE TABLE items (id int PRIMARY KEY, cat int, n int, e vector({DIMENSIONS}))",
        f"CREATE TABLE queries (id int PRIMARY KEY, v vector({DIMENSIONS}))",
        "CREATE TABLE cats (id int PRIMARY KEY, name text)",
        "INSERT INTO cats SELECT i, 'c' || i FROM generate_series(0, 9) i",
    ):
        connection.execute(statement)
    with connection.cursor().copy("COPY items FROM STDIN") as copy:
        for i, vector in enumerate(ITEMS):
            cat = "\\N" if i % 11 == 0 else str(i % 12)
            copy.write(f"{i}\t{cat}\t{i * 7919 % ROWS}\t{vector}\n")
    with connection.cursor().copy("COPY queries FROM STDIN") as copy:
        for i, vector in enumerate(OTHERS):
            copy.write(f"{i}\t{vector}\n")


@pytest.fixture(scope="module")
def both(
    postgres_uri: str, own_database: Database
) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]], psycopg.Connection[tuple[object, ...]]]]:
    """PostgreSQL, which scans, and Quiver, which uses indexes wherever it can."""
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        load(theirs)
        load(ours)
        theirs.execute("SET enable_indexscan = off")
        for word in ("l2", "cosine", "ip"):
            ours.execute(f"CREATE INDEX items_{word} ON items USING hnsw (e vector_{word}_ops)")
        ours.execute("SET enable_seqscan = off")
        ours.execute("SET hnsw.ef_search = 400")
        yield theirs, ours


def plan_of(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> str:
    return "\n".join(str(row[0]) for row in connection.execute(f"EXPLAIN {statement}"))


def rounded(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Distances add up in another order here and there."""
    return [tuple(round(v, 5) if isinstance(v, float) else v for v in row) for row in rows]


def difference(
    theirs: psycopg.Connection[tuple[object, ...]],
    ours: psycopg.Connection[tuple[object, ...]],
    statement: str,
) -> str:
    expected, found = (rounded(connection.execute(statement).fetchall()) for connection in (theirs, ours))
    return "" if expected == found else f"{statement}\n  postgres {expected}\n  quiver   {found}"


@pytest.mark.parametrize("statement", statements(SERVED))
def test_an_index_serves_the_shape(
    both: tuple[psycopg.Connection, psycopg.Connection], statement: str
) -> None:
    theirs, ours = both
    assert not difference(theirs, ours, statement)
    assert "Index Scan using items_" in plan_of(ours, statement).replace("items_pkey", "")


@pytest.mark.parametrize("statement", statements(SCANNED))
def test_no_index_serves_the_shape(
    both: tuple[psycopg.Connection, psycopg.Connection], statement: str
) -> None:
    theirs, ours = both
    assert not difference(theirs, ours, statement)
    assert "Index Scan using items_" not in plan_of(ours, statement).replace("items_pkey", "")
