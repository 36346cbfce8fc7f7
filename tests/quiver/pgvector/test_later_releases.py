"""Goal: what pgvector's latest releases changed is here as in the release we claim to be; the differential tests run against 0.8.5.

Method: the changes, written down by hand with their source, each with what can be seen of it here.

  0.8.3  An index could be damaged by VACUUM beside INSERTs of hnsw (pgvector/pgvector#988): what VACUUM leaves is complete here.
  0.8.4  VACUUM no longer fails with "hnsw graph not repaired" (#993), nor an INSERT beside it; a build of ivfflat that would
         exceed maintenance_work_mem is refused (54000). Builds here are bounded by quiver.memory_limit and not refused.
  0.8.5  ivfflat over an empty or small table is no longer refused for the memory a full sample would take (#995).
  0.8.6  A buffer overflow of ivfflat on 32-bit systems (#1006, CVE-2026-18022), which have no address space for Quiver; less
         memory for builds. `sql/vector--0.8.5--0.8.6.sql` holds no statement: no object came, went or changed, so the
         inventory of 0.8.5 is that of 0.8.6.
  0.8.7  not released, so not claimed. `sql/vector--0.8.6--0.8.7.sql` adds comments on the three types. An `avg` of no rows,
         whose error it corrects, is NULL in both, by every way that leads there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest

from foundation.version import PGVECTOR_VERSION
from tests.quiver.pgvector.messages import listening
from tests.quiver.pgvector.outcomes import Session
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

CHURN_TURNS, CHURN_ROWS = 20, 100
ANSWERS = (
    ("SELECT extversion FROM pg_extension WHERE extname = 'vector'", PGVECTOR_VERSION),
    ("SELECT obj_description('vector'::regtype, 'pg_type')", None),
    ("SELECT avg(v) FROM (VALUES ('[1]'::vector)) t (v) WHERE false", None),
    ("SELECT avg(v) FROM (VALUES (NULL::halfvec)) t (v)", None),
    (
        "SELECT avg(v) OVER (ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM (VALUES ('[1]'::vector)) t (v)",
        None,
    ),
    ("SELECT vector_avg('{0}')", None),
    ("SELECT halfvec_avg('{0,1,2}')", None),
)


@pytest.fixture(scope="module")
def session(own_database: Database) -> Iterator[Session]:
    with Session(own_database.dsn) as session:
        yield session


def test_the_release_we_claim() -> None:
    assert PGVECTOR_VERSION == "0.8.6"


@pytest.mark.parametrize(("statement", "answer"), ANSWERS)
def test_answers(session: Session, statement: str, answer: str | None) -> None:
    assert session.run(statement).rows == ((answer,),)


@pytest.mark.parametrize("rows", [0, 1, 299])
def test_ivfflat_over_a_small_table(postgres_uri: str, own_database: Database, rows: int) -> None:
    statements = (
        "CREATE TABLE small (e vector(1536))",
        f"INSERT INTO small SELECT array_fill(i::real, ARRAY[1536])::vector FROM generate_series(1, {rows}) i",
        "CREATE INDEX ON small USING ivfflat (e vector_cosine_ops) WITH (lists = 300)",
        "DROP TABLE small",
    )
    with listening(postgres_uri) as theirs, listening(own_database.dsn) as ours:
        for statement in statements:
            assert ours.run(statement) == theirs.run(statement), statement


def test_ivfflat_with_more_lists_than_pgvector_has_memory_for(own_database: Database) -> None:
    with listening(own_database.dsn) as ours:
        ours.run("CREATE TABLE wide (e vector(2000))")
        notice, tag, _ = ours.run("CREATE INDEX ON wide USING ivfflat (e vector_l2_ops) WITH (lists = 32768)")
        assert "little data" in str(notice) and tag == "CREATE INDEX"
        ours.run("DROP TABLE wide")


def test_vacuum_beside_inserts_and_deletes(own_database: Database) -> None:
    failures: list[BaseException] = []

    def churn(worker: int) -> None:
        try:
            with psycopg.connect(own_database.dsn, autocommit=True) as connection:
                for turn in range(CHURN_TURNS):
                    first = (worker * CHURN_TURNS + turn) * CHURN_ROWS
                    rows = f"generate_series({first}, {first + CHURN_ROWS - 1}) i"
                    insert = (
                        f"INSERT INTO churned SELECT i, ARRAY[i % 89, i % 97, i % 101]::vector FROM {rows}"
                    )
                    connection.execute(insert.encode())
                    connection.execute(f"DELETE FROM churned WHERE id % 2 = 1 AND id >= {first}".encode())
        except BaseException as error:
            failures.append(error)

    with listening(own_database.dsn) as ours:
        ours.run("CREATE TABLE churned (id int PRIMARY KEY, e vector(3))")
        ours.run("CREATE INDEX churned_e ON churned USING hnsw (e vector_l2_ops)")
        workers = [threading.Thread(target=churn, args=(worker,)) for worker in range(2)]
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            assert ours.run("VACUUM churned")[-2] == "VACUUM"
        for worker in workers:
            worker.join()
        assert not failures
        ours.run("VACUUM churned")
        ours.run("SET enable_seqscan = off")
        kept = CHURN_TURNS * CHURN_ROWS
        by_index = ours.run("SELECT id FROM churned ORDER BY e <-> '[1,2,3]' LIMIT 100000")
        assert by_index[0] == f"SELECT {kept}"
        found = ours.run("SELECT count(*), count(DISTINCT id), min(id % 2), max(id % 2) FROM churned")[-1]
        assert found == [(str(kept), str(kept), "0", "0")]
        ours.run("DROP TABLE churned")
