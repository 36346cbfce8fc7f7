"""Goal: vector indexes on expressions and with predicates: defined, printed, refused and changed as by PostgreSQL, never
stale, complete in every form their rows take, and used exactly where they may be.

Method: the same statements on a real PostgreSQL with pgvector that scans; an instance whose background stands still, taken
through its steps by hand; files rewritten with valid checksums.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

import vecengine
from planner.vector import GraphKeeper
from planner.vector.growing_graphs import GROWING
from quiver.check import check
from quiver.instance import Instance
from storage.catalog import Index
from tests.quiver.shared_server import Database
from tests.sqlfront.session.driver import Client, opened
from tests.storage.block_surgery import array_of, rewrite

pytestmark = pytest.mark.slow

ROWS, DIMENSIONS = 2400, 8
RNG = np.random.default_rng(7)
VECTORS = RNG.normal(size=(ROWS, DIMENSIONS)).astype("f4")

Connections = tuple[psycopg.Connection[Any], psycopg.Connection[Any]]


def text(vector: Any) -> str:
    return "[" + ",".join(str(float(number)) for number in vector) + "]"


QUERY, SHORT = text(VECTORS[5] + 0.1), text(VECTORS[9][:3])
COLUMNS = f"id int PRIMARY KEY, cat int, e vector({DIMENSIONS}), u vector, doc jsonb, active boolean"


def row(number: int) -> str:
    vector = "\\N" if number % 17 == 3 else text(VECTORS[number])
    cat = "\\N" if number % 13 == 5 else str(number % 10)
    several = text(VECTORS[number][: 3 + number % 2])
    document = f'{{"v": "{text(VECTORS[number][:3])}"}}' if number % 5 else "\\N"
    return f"{number}\t{cat}\t{vector}\t{several}\t{document}\t{'t' if number % 3 else 'f'}\n"


LINES = "".join(map(row, range(ROWS))).encode()

DEFINITIONS = (
    f"hnsw ((e::halfvec({DIMENSIONS})) halfvec_l2_ops)",
    "hnsw ((subvector(e, 1, 4)::vector(4)) vector_cosine_ops)",
    f"hnsw ((l2_normalize(e)::vector({DIMENSIONS})) vector_ip_ops) WITH (m = 8)",
    "hnsw (((doc->>'v')::vector(3)) vector_l2_ops)",
    "ivfflat ((u::vector(4)) vector_l2_ops) WITH (lists = 5) WHERE (id % 2 = 1)",
    "ivfflat ((u::vector(3))) WHERE (id % 2 = 0)",
    "hnsw (e vector_l2_ops) WHERE (cat = 3)",
    f"hnsw ((e::halfvec({DIMENSIONS})) halfvec_cosine_ops) WHERE cat > 5 AND doc IS NOT NULL",
    "hnsw ((e) vector_l1_ops)",
    f"hnsw (((e + e)::vector({DIMENSIONS})) vector_l1_ops)",
    f"hnsw ((binary_quantize(e)::bit({DIMENSIONS})) bit_hamming_ops)",
    "ivfflat ((binary_quantize(u::vector(3))::bit(3)) bit_hamming_ops) WITH (lists = 5) WHERE (id % 2 = 0)",
)

REFUSED = (
    "hnsw ((l2_normalize(e)) vector_l2_ops)",
    "hnsw ((e::halfvec(9)) halfvec_l2_ops)",
    "hnsw (((random()::text)::vector(1)) vector_l2_ops)",
    "hnsw ((e::halfvec(8)) vector_l2_ops)",
    "hnsw ((e::halfvec(8)))",
    "hnsw ((u::vector(3)) vector_l2_ops)",
    "hnsw ((nothing::vector(3)) vector_l2_ops)",
    "hnsw (((SELECT '[1]'::vector(1))) vector_l2_ops)",
    "hnsw ((max(id)::text::vector(1)) vector_l2_ops)",
    "hnsw (e vector_l2_ops) WHERE random() > 0.5",
    "hnsw (e vector_l2_ops) WHERE cat",
)

SERVED = f"""
SELECT id FROM t ORDER BY e::halfvec({DIMENSIONS}) <-> $q LIMIT 7
SELECT id FROM t ORDER BY $q::halfvec({DIMENSIONS}) <-> e::halfvec({DIMENSIONS}) LIMIT 7
SELECT id, e::halfvec({DIMENSIONS}) <-> $q AS d FROM t WHERE id % 3 = 1 ORDER BY d LIMIT 7
SELECT id FROM t ORDER BY e::halfvec({DIMENSIONS}) <-> (SELECT e::halfvec({DIMENSIONS}) FROM t WHERE id = 7) LIMIT 7
SELECT id FROM t ORDER BY subvector(e, 1, 4)::vector(4) <=> subvector($q::vector, 1, 4) LIMIT 7
SELECT id FROM (SELECT * FROM t ORDER BY subvector(e, 1, 4)::vector(4) <=> subvector($q::vector, 1, 4) LIMIT 40) s ORDER BY e <=> $q LIMIT 5
SELECT id FROM t ORDER BY l2_normalize(e)::vector({DIMENSIONS}) <#> $q LIMIT 7
SELECT id FROM t ORDER BY (doc->>'v')::vector(3) <-> $s LIMIT 7
SELECT id FROM t WHERE id % 2 = 0 ORDER BY u::vector(3) <-> $s LIMIT 7
SELECT id FROM t WHERE id % 2 = 0 AND cat < 5 ORDER BY u::vector(3) <-> $s LIMIT 7
SELECT id FROM t WHERE cat = 3 ORDER BY e <-> $q LIMIT 7
SELECT id FROM t WHERE cat IN (3) AND active ORDER BY e <-> $q LIMIT 7
SELECT id FROM t WHERE cat > 6 AND doc IS NOT NULL ORDER BY e::halfvec({DIMENSIONS}) <=> $q LIMIT 7
SELECT id FROM t WHERE cat IN (7, 9) AND doc->>'v' <> '' AND e IS NOT NULL ORDER BY 1 - (e::halfvec({DIMENSIONS}) <=> $q) DESC LIMIT 7
SELECT t.id, o.id FROM t JOIN t o ON o.id = t.id + 1 ORDER BY t.e::halfvec({DIMENSIONS}) <-> $q LIMIT 5
SELECT id FROM t ORDER BY e <+> $q LIMIT 7
SELECT binary_quantize(e)::bit({DIMENSIONS}) <~> binary_quantize($q::vector)::bit({DIMENSIONS}) FROM t ORDER BY 1 LIMIT 400
SELECT binary_quantize(e)::bit({DIMENSIONS}) <~> binary_quantize($q::vector) AS d FROM t WHERE cat < 4 ORDER BY d LIMIT 90
SELECT id FROM (SELECT * FROM t WHERE e IS NOT NULL ORDER BY binary_quantize(e)::bit({DIMENSIONS}) <~> binary_quantize($q::vector) LIMIT 3000) s ORDER BY e <=> $q LIMIT 5
SELECT id FROM t WHERE e IS NOT NULL ORDER BY binary_quantize(e)::bit({DIMENSIONS}) <~> B'10110010', id LIMIT 25
SELECT binary_quantize(u::vector(3))::bit(3) <~> B'101' FROM t WHERE id % 2 = 0 ORDER BY 1 LIMIT 300
"""

NOT_SERVED = f"""
SELECT id FROM t ORDER BY e <-> $q LIMIT 7
SELECT id FROM t WHERE cat = 4 ORDER BY e <-> $q LIMIT 7
SELECT id FROM t WHERE cat = 3 OR cat = 4 ORDER BY e <-> $q LIMIT 7
SELECT id FROM t WHERE cat > 4 AND doc IS NOT NULL ORDER BY e::halfvec({DIMENSIONS}) <=> $q LIMIT 7
SELECT id FROM t ORDER BY subvector(e, 2, 4)::vector(4) <=> subvector($q::vector, 1, 4) LIMIT 7
SELECT id FROM t WHERE id % 4 = 0 ORDER BY u::vector(3) <-> $s LIMIT 7
SELECT id FROM t ORDER BY binary_quantize(e)::bit({DIMENSIONS}) <%> binary_quantize($q::vector), id LIMIT 7
"""


def statements(listed: str) -> list[str]:
    return [
        line.replace("$q", f"'{QUERY}'").replace("$s", f"'{SHORT}'") for line in listed.strip().splitlines()
    ]


def load(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS t")
    connection.execute(f"CREATE TABLE t ({COLUMNS})")
    with connection.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write(LINES)


def outcome(connection: psycopg.Connection[Any], statement: str) -> Any:
    """Rows with distances rounded, or SQLSTATE and message."""
    try:
        cursor = connection.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary
    if cursor.description is None:
        return cursor.statusmessage
    return [tuple(round(v, 5) if isinstance(v, float) else v for v in found) for found in cursor]


@pytest.fixture(scope="module")
def both(postgres_uri: str, own_database: Database) -> Iterator[Connections]:
    """PostgreSQL, which scans, and Quiver, which uses indexes wherever it can; both have all of `DEFINITIONS`."""
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            load(connection)
            for definition in DEFINITIONS:
                connection.execute(f"CREATE INDEX ON t USING {definition}")
        theirs.execute("SET enable_indexscan = off")
        ours.execute("SET enable_seqscan = off")
        ours.execute("SET hnsw.ef_search = 400")
        ours.execute("SET ivfflat.probes = 5")
        yield theirs, ours


@pytest.mark.parametrize("statement", statements(SERVED))
def test_an_index_serves(both: Connections, statement: str) -> None:
    theirs, ours = both
    assert outcome(ours, statement) == outcome(theirs, statement)
    plan = "\n".join(str(line[0]) for line in ours.execute(f"EXPLAIN {statement}"))
    assert "Index Scan using t_" in plan.replace("t_pkey", "")


@pytest.mark.parametrize("statement", statements(NOT_SERVED))
def test_no_index_serves(both: Connections, statement: str) -> None:
    theirs, ours = both
    assert outcome(ours, statement) == outcome(theirs, statement)
    plan = "\n".join(str(line[0]) for line in ours.execute(f"EXPLAIN {statement}"))
    assert "Index Scan using t_" not in plan.replace("t_pkey", "")


def test_parameters_decide_whether_a_partial_index_serves(both: Connections) -> None:
    theirs, ours = both
    statement = f"SELECT id FROM t WHERE cat = %s ORDER BY e <-> '{QUERY}' LIMIT 5"
    for cat in (3, 4, 3):
        assert (
            ours.execute(statement, (cat,), prepare=True).fetchall()
            == theirs.execute(statement, (cat,)).fetchall()
        )


_INDEXES = "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = 't'::regclass ORDER BY 1"
CATALOG = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 't' ORDER BY 1",
    f"SELECT c.relname, indkey::text, pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid) {_INDEXES}",
    f"SELECT c.relname, pg_get_indexdef(c.oid, 1, false) {_INDEXES}",
)


@pytest.mark.parametrize("statement", CATALOG)
def test_definitions_print_as_in_postgres(both: Connections, statement: str) -> None:
    theirs, ours = both
    assert outcome(ours, statement) == outcome(theirs, statement)


@pytest.mark.parametrize("definition", REFUSED)
def test_refused_definitions(both: Connections, definition: str) -> None:
    theirs, ours = both
    assert outcome(ours, f"CREATE INDEX ON t USING {definition}") == outcome(
        theirs, f"CREATE INDEX ON t USING {definition}"
    )


CHANGES = (
    """INSERT INTO t VALUES (9001, 1, NULL, NULL, '{"v": "[1,2]"}')""",
    """INSERT INTO t VALUES (9001, 1, NULL, NULL, '{"v": "x"}')""",
    """INSERT INTO t VALUES (9000, 1, NULL, '[1,2,3]', '{"v": "[1,2,3]"}'), (9001, 1, NULL, NULL, '{"v": "[]"}')""",
    "INSERT INTO t (id, u) VALUES (9001, '[1,2,3]')",
    "INSERT INTO t (id, u) VALUES (9002, '[1,2,3,4]')",
    "INSERT INTO t (id, u) VALUES (9002, '[1,2,3]')",
    """INSERT INTO t (id, doc) VALUES (4, '{"v": "[1,2]"}') ON CONFLICT DO NOTHING""",
    """INSERT INTO t (id, doc) VALUES (9004, '{"v": "[1,2]"}') ON CONFLICT DO NOTHING""",
    """INSERT INTO t (id, doc) VALUES (4, '{}') ON CONFLICT (id) DO UPDATE SET doc = '{"v": "[7,7]"}'""",
    """UPDATE t SET doc = '{"v": "[1,2,3,4]"}' WHERE id = 1""",
    """UPDATE t SET doc = '{"w": 1}' WHERE id = 1""",
    "UPDATE t SET cat = 3 WHERE id IN (10, 11)",
    "UPDATE t SET e = e + e WHERE id % 7 = 0",
    "UPDATE t SET cat = cat + 1 WHERE id % 2 = 0",
    "UPDATE t SET active = NOT active",
    "UPDATE t SET id = id + 1 WHERE id = 9002",
    "DELETE FROM t WHERE id % 11 = 0",
    "SELECT count(*), sum(id), sum(cat) FROM t",
)


def test_changes_have_the_same_outcome_and_nothing_gets_stale(both: Connections) -> None:
    theirs, ours = both
    for statement in CHANGES:
        assert outcome(ours, statement) == outcome(theirs, statement), statement
    for statement in statements(SERVED + NOT_SERVED):
        assert outcome(ours, statement) == outcome(theirs, statement), statement


def test_a_refused_copy_leaves_no_trace(both: Connections) -> None:
    results = []
    for connection in both:
        with pytest.raises(psycopg.Error) as error, connection.cursor().copy("COPY t FROM STDIN") as copy:
            copy.write('7001\t1\t\\N\t\\N\t{"v": "[1,2,3]"}\tt\n7002\t1\t\\N\t\\N\t{"v": "[1,2]"}\tt\n')
        count = connection.execute("SELECT count(*) FROM t WHERE id > 7000 AND id < 8000").fetchone()
        results.append((error.value.sqlstate, error.value.diag.message_primary, count))
    assert results[0] == results[1]


ALTERATIONS = (
    "ALTER TABLE t RENAME COLUMN e TO embedding",
    'ALTER TABLE t RENAME COLUMN cat TO "Category"',
    CATALOG[0],
    "ALTER TABLE t ALTER COLUMN u TYPE vector(3)",
    "ALTER TABLE t DROP COLUMN doc",
    CATALOG[0],
    CATALOG[1],
    f"SELECT id FROM t ORDER BY embedding::halfvec({DIMENSIONS}) <-> '{QUERY}' LIMIT 7",
    "ALTER TABLE t ALTER COLUMN embedding TYPE halfvec(8)",
    CATALOG[0],
    f"SELECT id FROM t ORDER BY embedding::halfvec({DIMENSIONS}) <-> '{QUERY}' LIMIT 7",
)


def test_alterations(postgres_uri: str, own_database: Database) -> None:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            load(connection)
            for definition in (DEFINITIONS[0], DEFINITIONS[3], DEFINITIONS[6]):
                connection.execute(f"CREATE INDEX ON t USING {definition}")
        theirs.execute("SET enable_indexscan = off")
        for statement in ALTERATIONS:
            assert outcome(ours, statement) == outcome(theirs, statement), statement


# -- the life of an index, by hand -------------------------------------------------------------------------


def table(instance: Instance) -> Client:
    client = Client(instance)
    client.script(f"CREATE TABLE t ({COLUMNS})")
    return client


def fill(client: Client) -> None:
    client.script("COPY t FROM STDIN", copy_data=[LINES])


HALF = f"SELECT id FROM t ORDER BY e::halfvec({DIMENSIONS}) <-> '{QUERY}' LIMIT 9"
PARTIAL = f"SELECT id FROM t WHERE cat = 3 ORDER BY e <-> '{QUERY}' LIMIT 9"


def answers(client: Client) -> list[Any]:
    """With the index, which must be used, and without one."""
    client.script("SET enable_seqscan = off; SET hnsw.ef_search = 400")
    served = [client.rows(statement) for statement in (HALF, PARTIAL)]
    client.script("SET enable_indexscan = off")
    assert served == [client.rows(statement) for statement in (HALF, PARTIAL)]
    client.script("SET enable_indexscan = on")
    return served


def strategies(client: Client) -> list[str]:
    plans = ["".join(line[0] for line in client.rows(f"EXPLAIN {sql}")) for sql in (HALF, PARTIAL)]
    return [plan.partition("Strategy: ")[2].partition(",")[0] for plan in plans]


def test_rows_in_memory_sealed_merged_and_recovered(tmp_path: Path) -> None:
    assert vecengine.warm_up()
    with opened(tmp_path) as instance:
        client = table(instance)
        for definition in (DEFINITIONS[0], DEFINITIONS[6]):
            client.script(f"CREATE INDEX ON t USING {definition}")
        fill(client)
        scanned = answers(client)
        assert strategies(client) == ["exact scan"] * 2
        keeper = GraphKeeper(instance.storage)
        for index in instance.storage.catalog.objects(Index):
            if index.metric is not None:
                keeper.grow(index)
        assert strategies(client) == ["growing graph"] * 2 and answers(client) == scanned
        served = client.rows("SELECT rows_served, rows_scanned FROM quiver_index_status ORDER BY index_name")
        visible = client.rows("SELECT count(*), count(*) FILTER (WHERE cat = 3) FROM t")[0]
        assert served == [(visible[0], 0), (visible[1], 0)]
        keeper.close()
        client.script("REINDEX TABLE t")
        assert strategies(client) == ["graph"] * 2 and answers(client) == scanned
        client.script("UPDATE t SET active = NOT active; DELETE FROM t WHERE id % 7 = 1")
        changed = answers(client)
        assert changed != scanned
    with opened(tmp_path) as instance:
        client = Client(instance)
        assert answers(client) == changed and strategies(client) == ["graph"] * 2
        client.script("UPDATE t SET cat = 3 WHERE id % 7 = 2; UPDATE t SET e = NULL WHERE id % 7 = 3")
        before = answers(client)
        client.script("VACUUM t")
        assert answers(client) == before
        client.script("REINDEX TABLE t")
        assert answers(client) == before
    assert not check(tmp_path).problems
    assert not GROWING._entries


def test_check_finds_values_that_are_not_those_of_the_rows(tmp_path: Path) -> None:
    with opened(tmp_path) as instance:
        client = table(instance)
        fill(client)
        client.script(f"CREATE INDEX ON t USING {DEFINITIONS[0]}")
        scanned = answers(client)
    (path,) = (tmp_path / "data").glob("*.index")
    values = array_of(path, "key_values").copy()
    values[100] += 1
    rewrite(path, arrays={"key_values": values})
    problems = [str(problem) for problem in check(tmp_path).problems]
    assert len(problems) == 1 and "the values of its expression are not those of its rows" in problems[0]
    rewrite(path, arrays={"key_values": values[:, :4].copy()})
    with opened(tmp_path) as instance:
        client = Client(instance)
        client.script("SET enable_seqscan = off")
        assert client.rows(HALF) == scanned[0], "the file is not used"
        assert client.rows("SELECT state FROM quiver_index_status") == [("damaged",)]
