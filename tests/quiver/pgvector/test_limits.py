"""Goal: with `quiver.pgvector_limits` on, what pgvector cannot index is refused in its words; without, it is indexed.

Method: the same statements to a real PostgreSQL with pgvector and to Quiver; tags and errors must be equal.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.quiver.pgvector.messages import listening
from tests.quiver.server_process import serving
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

FAMILIES = ("hnsw", "ivfflat")
SETUP = (
    "CREATE TABLE limited (v vector(2001), w vector(2000), h halfvec(4001), g halfvec(4000), n vector, b bit(64001), c bit(64000))",
    "CREATE TABLE limited_later (s vector(3))",
    "CREATE INDEX limited_s ON limited_later USING hnsw (s vector_l2_ops)",
)
TOO_MANY = (
    "(v vector_l2_ops)",
    "(v vector_ip_ops)",
    "(h halfvec_l2_ops)",
    "(b bit_hamming_ops)",
    "((w::halfvec(4001)) halfvec_l2_ops)",
)
OTHERS = (
    "(w vector_cosine_ops)",
    "(g halfvec_ip_ops)",
    "(n vector_l2_ops)",
    "((n::vector(5)) vector_l2_ops)",
    "((n::vector(2001)) vector_l2_ops)",
    "(c bit_hamming_ops)",
    "((binary_quantize(w)::bit(64001)) bit_hamming_ops)",
)
RETYPED = (
    "ALTER TABLE limited_later ALTER s TYPE vector(2001)", "ALTER TABLE limited_later ALTER s TYPE vector(2000)", "DROP TABLE limited, limited_later",
)  # fmt: skip

SPARSE = "SELECT ('{{' || string_agg(i || ':1', ',' ORDER BY i) || '}}/3000')::sparsevec FROM generate_series(1, {count}) i"
ELEMENTS = (
    "CREATE TABLE elements (id int PRIMARY KEY DEFAULT 1, s sparsevec(3000))", f"INSERT INTO elements (s) {SPARSE.format(count=1001)}",
    "CREATE INDEX ON elements USING hnsw (s sparsevec_l2_ops)", "TRUNCATE elements",
    "CREATE INDEX ON elements USING hnsw (s sparsevec_l2_ops)", f"INSERT INTO elements (s) {SPARSE.format(count=1001)}",
    f"INSERT INTO elements (s) {SPARSE.format(count=1000)}", f"UPDATE elements SET s = ({SPARSE.format(count=1001)})",
    "INSERT INTO elements VALUES (2, NULL)", f"UPDATE elements SET s = ({SPARSE.format(count=999)}) WHERE id = 2",
    f"INSERT INTO elements {SPARSE.format(count=1001).replace('SELECT', 'SELECT 1,')} ON CONFLICT (id) DO UPDATE SET s = EXCLUDED.s",
    "SELECT count(*) FROM elements", "DROP TABLE elements",
)  # fmt: skip


def test_elements_of_sparse_vectors(postgres_uri: str, own_database: Database) -> None:
    with listening(postgres_uri) as theirs, listening(own_database.dsn) as ours:
        ours.run("SET quiver.pgvector_limits = on")
        for statement in ELEMENTS:
            assert ours.run(statement) == theirs.run(statement), statement


def test_copy_of_sparse_vectors(own_database: Database) -> None:
    text = "{" + ",".join(f"{number}:1" for number in range(1, 1002)) + "}/3000"
    with listening(own_database.dsn) as ours:
        ours.run("CREATE TABLE copied (s sparsevec(3000))")
        ours.run("CREATE INDEX ON copied USING hnsw (s sparsevec_l2_ops)")
        for value, expected in (("on", "0"), ("off", "1")):
            ours.run(f"SET quiver.pgvector_limits = {value}")
            try:
                with ours.connection.cursor().copy("COPY copied FROM STDIN") as copy:
                    copy.write(text + "\n")
            except psycopg.errors.ProgramLimitExceeded as error:
                assert "more than 1000 non-zero elements" in str(error)
            assert ours.run("SELECT count(*) FROM copied") == ("SELECT 1", [(expected,)])
        ours.run("DROP TABLE copied")


def test_limits_by_set(postgres_uri: str, own_database: Database) -> None:
    created = [
        f"CREATE INDEX ON limited USING {family} {key}" for family in FAMILIES for key in (*TOO_MANY, *OTHERS)
    ]
    with listening(postgres_uri) as theirs, listening(own_database.dsn) as ours:
        ours.run("SET quiver.pgvector_limits = on")
        for statement in (*SETUP, *created, *RETYPED):
            assert ours.run(statement) == theirs.run(statement), statement


def test_no_limits_by_default(own_database: Database) -> None:
    with listening(own_database.dsn) as ours:
        for statement in SETUP:
            ours.run(statement)
        for family in FAMILIES:
            for key in TOO_MANY:
                assert ours.run(f"CREATE INDEX ON limited USING {family} {key}")[-2] == "CREATE INDEX"
        assert ours.run(f"CREATE INDEX ON limited USING flat {TOO_MANY[0]}")[-2] == "CREATE INDEX"
        assert ours.run(RETYPED[0])[-2] == "ALTER TABLE"
        ours.run(RETYPED[-1])


def test_limits_of_a_server(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data", ["--set", "quiver.pgvector_limits=on"]) as server,
        listening(server.dsn) as ours,
    ):
        ours.run(SETUP[0])
        refusal = "column cannot have more than 2000 dimensions for hnsw index"
        statement = f"CREATE INDEX ON limited USING hnsw {TOO_MANY[0]}"
        assert ours.run(statement) == (("ERROR", "54000", refusal, None, None),)
        ours.run("SET quiver.pgvector_limits = off")
        assert ours.run(statement)[-2] == "CREATE INDEX"
