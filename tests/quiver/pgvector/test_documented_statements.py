"""Goal: every statement of pgvector's own documentation does here what it does in PostgreSQL, in order and in one session.

Method: the examples of pgvector's README (read at 0.8.2; https://github.com/pgvector/pgvector), each with the table it speaks
of, on a real PostgreSQL with pgvector and on Quiver: tags, rows, notices and errors must be equal. What Quiver refuses it
refuses by name. Then the README's searches over a table large enough for an index, which EXPLAIN must show here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest

from tests.quiver.pgvector.messages import Listener, Said, listening
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

ITEMS = "CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3))"
TWO_ROWS = "INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]')"
NEAREST = "SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5"
UPSERT = (
    "INSERT INTO items (id, embedding) VALUES (1, '[1,2,3]'), (2, '[4,5,6]')"
    " ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding"
)
IN_CATEGORY = "SELECT * FROM items WHERE category_id = 123 ORDER BY embedding <-> '[3,1,2]' LIMIT 5"
RELAXED = (
    "WITH relaxed_results AS MATERIALIZED (SELECT id, embedding <-> '[1,2,3]' AS distance FROM items"
    " WHERE category_id = 123 ORDER BY distance LIMIT 5) SELECT * FROM relaxed_results ORDER BY distance + 0"
)
WITHIN_DISTANCE = (
    "WITH nearest_results AS MATERIALIZED (SELECT id, embedding <-> '[1,2,3]' AS distance FROM items"
    " ORDER BY distance LIMIT 5) SELECT * FROM nearest_results WHERE distance < 5 ORDER BY distance"
)
QUANTIZED = "binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]')"
QUANTIZED_VECTOR = "binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]'::vector)"
"""With the type that the documentation leaves out, and without which the function is not unique."""
BEGINNING = "subvector(embedding, 1, 2)::vector(2) <=> subvector('[1,2,3]'::vector, 1, 2)"
SUBVECTOR = "subvector(embedding, 1, 3)::vector(3) <=> subvector('[1,2,3,4,5]'::vector, 1, 3)"

STORING = (
    ITEMS, TWO_ROWS, NEAREST, "SELECT * FROM items ORDER BY embedding <#> '[3,1,2]' LIMIT 5",
    "SELECT * FROM items ORDER BY embedding <=> '[3,1,2]' LIMIT 5", "SELECT * FROM items ORDER BY embedding <+> '[3,1,2]' LIMIT 5",
    "DROP TABLE items", "CREATE TABLE items (id bigserial PRIMARY KEY)", "ALTER TABLE items ADD COLUMN embedding vector(3)",
    TWO_ROWS,
    UPSERT,
    "UPDATE items SET embedding = '[1,2,3]' WHERE id = 1", "DELETE FROM items WHERE id = 1",
    "INSERT INTO items (id, embedding) VALUES (1, '[1,2,3]')",
)  # fmt: skip
QUERYING = (
    NEAREST, "SELECT * FROM items WHERE id != 1 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 1) LIMIT 5",
    "SELECT * FROM items WHERE embedding <-> '[3,1,2]' < 5", "SELECT embedding <-> '[3,1,2]' AS distance FROM items",
    "SELECT (embedding <#> '[3,1,2]') * -1 AS inner_product FROM items",
    "SELECT 1 - (embedding <=> '[3,1,2]') AS cosine_similarity FROM items", "SELECT AVG(embedding) FROM items",
    "ALTER TABLE items ADD COLUMN category_id int DEFAULT 123", "ALTER TABLE items ADD COLUMN location_id int DEFAULT 7",
    "SELECT category_id, AVG(embedding) FROM items GROUP BY category_id",
)  # fmt: skip
INDEXING = (
    "CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)", "CREATE INDEX ON items USING hnsw (embedding vector_ip_ops)",
    "CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops)", "CREATE INDEX ON items USING hnsw (embedding vector_l1_ops)",
    "CREATE INDEX ON items USING hnsw (embedding bit_hamming_ops)", "CREATE INDEX ON items USING hnsw (embedding bit_jaccard_ops)",
    "CREATE INDEX ON items USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 64)",
    "SET hnsw.ef_search = 100", "BEGIN", "SET LOCAL hnsw.ef_search = 100", NEAREST, "COMMIT",
    "SET maintenance_work_mem = '8GB'", "SET max_parallel_maintenance_workers = 7", "SET max_parallel_workers = 16",
    'SELECT phase, round(100.0 * blocks_done / nullif(blocks_total, 0), 1) AS "%" FROM pg_stat_progress_create_index',
    "CREATE INDEX ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 100)",
    "CREATE INDEX ON items USING ivfflat (embedding vector_ip_ops) WITH (lists = 100)",
    "CREATE INDEX ON items USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100)",
    "CREATE INDEX ON items USING ivfflat (embedding bit_hamming_ops) WITH (lists = 100)",
    "SET ivfflat.probes = 10", "BEGIN", "SET LOCAL ivfflat.probes = 10", NEAREST, "COMMIT",
    'SELECT phase, round(100.0 * tuples_done / nullif(tuples_total, 0), 1) AS "%" FROM pg_stat_progress_create_index',
)  # fmt: skip
FILTERING = (
    IN_CATEGORY, "CREATE INDEX ON items (category_id)", "CREATE INDEX ON items (location_id, category_id)",
    "SET hnsw.ef_search = 200", "SET hnsw.iterative_scan = strict_order",
    "CREATE INDEX ON items USING hnsw (embedding vector_l2_ops) WHERE (category_id = 123)",
    "CREATE TABLE parted (embedding vector(3), category_id int) PARTITION BY LIST(category_id)",
    "SET hnsw.iterative_scan = relaxed_order", "SET ivfflat.iterative_scan = relaxed_order", RELAXED, WITHIN_DISTANCE,
    "SET hnsw.max_scan_tuples = 20000", "SET hnsw.scan_mem_multiplier = 2", "SET ivfflat.max_probes = 100",
)  # fmt: skip
OTHER_TYPES = (
    "CREATE TABLE halves (id bigserial PRIMARY KEY, embedding halfvec(3))",
    "CREATE INDEX ON items USING hnsw ((embedding::halfvec(3)) halfvec_l2_ops)",
    "SELECT * FROM items ORDER BY embedding::halfvec(3) <-> '[1,2,3]' LIMIT 5",
    "CREATE TABLE bits (id bigserial PRIMARY KEY, embedding bit(3))", "INSERT INTO bits (embedding) VALUES ('000'), ('111')",
    "SELECT * FROM bits ORDER BY embedding <~> '101' LIMIT 5", "SELECT * FROM bits ORDER BY embedding <%> '101' LIMIT 5",
    "CREATE INDEX ON bits USING hnsw (embedding bit_hamming_ops)", "CREATE INDEX ON bits USING hnsw (embedding bit_jaccard_ops)",
    "CREATE INDEX ON bits USING ivfflat (embedding bit_hamming_ops) WITH (lists = 100)",
    "SELECT * FROM bits ORDER BY embedding <~> '101' LIMIT 5",
    "CREATE INDEX ON items USING hnsw ((binary_quantize(embedding)::bit(3)) bit_hamming_ops)",
    f"SELECT * FROM items ORDER BY {QUANTIZED} LIMIT 5", f"SELECT * FROM items ORDER BY {QUANTIZED_VECTOR}, id LIMIT 5",
    f"SELECT * FROM (SELECT * FROM items ORDER BY {QUANTIZED_VECTOR} LIMIT 20) ORDER BY embedding <=> '[1,-2,3]' LIMIT 5",
    f"SELECT * FROM (SELECT * FROM items ORDER BY {QUANTIZED} LIMIT 20) ORDER BY embedding <=> '[1,-2,3]' LIMIT 5",
    "CREATE TABLE sparse (id bigserial PRIMARY KEY, embedding sparsevec(5))",
    "INSERT INTO sparse (embedding) VALUES ('{1:1,3:2,5:3}/5'), ('{1:4,3:5,5:6}/5')",
    "SELECT * FROM sparse ORDER BY embedding <-> '{1:3,3:1,5:2}/5' LIMIT 5",
    "CREATE INDEX ON sparse USING hnsw (embedding sparsevec_l2_ops)",
    "SELECT * FROM sparse ORDER BY embedding <-> '{1:3,3:1,5:2}/5' LIMIT 5",
    "CREATE TABLE longs (id bigserial PRIMARY KEY, embedding vector(5))",
    "INSERT INTO longs (embedding) VALUES ('[1,2,3,4,5]'), ('[3,1,2,9,8]')",
    "CREATE INDEX ON longs USING hnsw ((subvector(embedding, 1, 3)::vector(3)) vector_cosine_ops)",
    f"SELECT * FROM longs ORDER BY {SUBVECTOR} LIMIT 5",
    f"SELECT * FROM (SELECT * FROM longs ORDER BY {SUBVECTOR} LIMIT 20) ORDER BY embedding <=> '[1,2,3,4,5]' LIMIT 5",
)  # fmt: skip
HYBRID_SEARCH = (
    "CREATE TABLE texts (id bigserial PRIMARY KEY, content text, textsearch tsvector)",
    "INSERT INTO texts (content, textsearch) VALUES ('Hello, searchers', to_tsvector('Hello, searchers')), ('Bye', 'bye')",
    "SELECT id, content FROM texts, plainto_tsquery('hello search') query WHERE textsearch @@ query",
)  # fmt: skip
OPERATING = (
    "SHOW shared_buffers", "CREATE INDEX CONCURRENTLY named ON items USING hnsw (embedding vector_l2_ops)",
    "SET max_parallel_workers_per_gather = 4", "SELECT * FROM items ORDER BY embedding <#> '[3,1,2]' LIMIT 5",
    "CREATE INDEX ON items USING ivfflat (embedding vector_l2_ops) WITH (lists = 1000)",
    "REINDEX INDEX CONCURRENTLY named", "VACUUM items", "BEGIN", "SET LOCAL enable_indexscan = off", NEAREST, "COMMIT",
    "BEGIN", "SET LOCAL enable_seqscan = off", NEAREST, "COMMIT",
    "BEGIN", "SET LOCAL min_parallel_table_scan_size = 1", "SET LOCAL parallel_setup_cost = 1", NEAREST, "COMMIT",
    "SELECT id FROM items ORDER BY 1 - (embedding <=> '[3,1,2]') DESC LIMIT 5",
    "ALTER TABLE items ALTER COLUMN embedding SET STORAGE PLAIN", "SELECT pg_relation_size('named') >= 0", "DROP INDEX named",
)  # fmt: skip
QUESTIONS = (
    "CREATE TABLE embeddings (model_id bigint, item_id bigint, embedding vector, PRIMARY KEY (model_id, item_id))",
    "INSERT INTO embeddings VALUES (123, 1, '[1,2,3]'), (123, 2, '[3,1,1]'), (5, 1, '[1,2]')",
    "CREATE INDEX ON embeddings USING hnsw ((embedding::vector(3)) vector_l2_ops) WHERE (model_id = 123)",
    "SELECT * FROM embeddings WHERE model_id = 123 ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5",
    "CREATE TABLE precise (id bigserial PRIMARY KEY, embedding double precision[])",
    "INSERT INTO precise (embedding) VALUES ('{1,2,3}'), ('{4,5,6}')",
    "ALTER TABLE precise ADD CHECK (vector_dims(embedding::vector) = 3)", "INSERT INTO precise VALUES (9, '{1,2}')",
    "CREATE INDEX ON precise USING hnsw ((embedding::vector(3)) vector_l2_ops)",
    "SELECT * FROM precise ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5",
)  # fmt: skip
STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS vector", *STORING, *QUERYING, *INDEXING, *FILTERING, *OTHER_TYPES, *HYBRID_SEARCH,
    *OPERATING, *QUESTIONS,
)  # fmt: skip

ELSEWHERE = (
    ("SHOW config_file", "42704", "settings come from a TOML file that is named at the start"),
    ("CREATE EXTENSION pg_stat_statements", "0A000", "statements are not counted"),
)
"""(statement, SQLSTATE, why there is no such thing here)."""
SEARCHES = (
    ("USING hnsw (embedding vector_l2_ops)", NEAREST),
    ("USING hnsw (embedding vector_ip_ops)", "SELECT * FROM items ORDER BY embedding <#> '[3,1,2]' LIMIT 5"),
    ("USING hnsw (embedding vector_cosine_ops)", "SELECT * FROM items ORDER BY embedding <=> '[3,1,2]' LIMIT 5"),
    ("USING hnsw (embedding vector_l1_ops)", "SELECT * FROM items ORDER BY embedding <+> '[3,1,2]' LIMIT 5"),
    ("USING ivfflat (embedding vector_l2_ops) WITH (lists = 10)", NEAREST),
    ("USING ivfflat (embedding vector_ip_ops) WITH (lists = 10)", "SELECT * FROM items ORDER BY embedding <#> '[3,1,2]' LIMIT 5"),
    ("USING ivfflat (embedding vector_cosine_ops) WITH (lists = 10)", "SELECT * FROM items ORDER BY embedding <=> '[3,1,2]' LIMIT 5"),
    ("USING hnsw (half halfvec_l2_ops)", "SELECT * FROM items ORDER BY half <-> '[3,1,2]' LIMIT 5"),
    ("USING hnsw (bits bit_hamming_ops)", "SELECT * FROM items ORDER BY bits <~> '101' LIMIT 5"),
    ("USING hnsw (bits bit_jaccard_ops)", "SELECT * FROM items ORDER BY bits <%> '101' LIMIT 5"),
    ("USING ivfflat (bits bit_hamming_ops) WITH (lists = 2)", "SELECT * FROM items ORDER BY bits <~> '101' LIMIT 5"),
    ("USING hnsw (sparse sparsevec_l2_ops)", "SELECT * FROM items ORDER BY sparse <-> '{1:3,3:1}/3' LIMIT 5"),
    ("USING hnsw ((binary_quantize(embedding)::bit(3)) bit_hamming_ops)", f"SELECT * FROM items ORDER BY {QUANTIZED_VECTOR} LIMIT 5"),
    (
        "USING hnsw ((binary_quantize(embedding)::bit(3)) bit_hamming_ops)",
        f"SELECT * FROM (SELECT * FROM items ORDER BY {QUANTIZED_VECTOR} LIMIT 20) ORDER BY embedding <=> '[1,-2,3]' LIMIT 5",
    ),
    ("USING hnsw (embedding vector_l2_ops) WITH (m = 16, ef_construction = 64)", IN_CATEGORY),
    ("USING hnsw (embedding vector_l2_ops) WHERE (category_id = 123)", IN_CATEGORY),
    ("USING hnsw (embedding vector_l2_ops) WHERE (category_id = 123)", RELAXED),
    (
        "USING hnsw ((embedding::halfvec(3)) halfvec_l2_ops)",
        "SELECT * FROM items ORDER BY embedding::halfvec(3) <-> '[1,2,3]' LIMIT 5",
    ),
    (
        "USING hnsw ((subvector(embedding, 1, 2)::vector(2)) vector_cosine_ops)",
        f"SELECT * FROM items ORDER BY {BEGINNING} LIMIT 5",
    ),
    (
        "USING hnsw ((subvector(embedding, 1, 2)::vector(2)) vector_cosine_ops)",
        f"SELECT * FROM (SELECT * FROM items ORDER BY {BEGINNING} LIMIT 20) ORDER BY embedding <=> '[1,2,3]' LIMIT 5",
    ),
    (
        "USING hnsw ((loose::vector(3)) vector_l2_ops) WHERE (category_id = 123)",
        "SELECT * FROM items WHERE category_id = 123 ORDER BY loose::vector(3) <-> '[3,1,2]' LIMIT 5",
    ),
    (
        "USING hnsw ((precise::vector(3)) vector_l2_ops)",
        "SELECT * FROM items ORDER BY precise::vector(3) <-> '[3,1,2]' LIMIT 5",
    ),
    ("USING hnsw (embedding vector_l2_ops)", RELAXED),
    ("USING hnsw (embedding vector_l2_ops)", WITHIN_DISTANCE),
    (
        "USING hnsw (embedding vector_l2_ops)",
        "SELECT * FROM items WHERE id != 1 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 1) LIMIT 5",
    ),
    (
        "USING hnsw (embedding vector_cosine_ops)",
        "SELECT id FROM items ORDER BY 1 - (embedding <=> '[3,1,2]') DESC LIMIT 5",
    ),
)  # fmt: skip
"""(index, search that it must serve here)."""


@pytest.fixture(scope="module")
def listeners(postgres_uri: str, own_database: Database) -> Iterator[tuple[Listener, Listener]]:
    """Empty databases of the same name."""
    for dsn in (postgres_uri, own_database.dsn):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS documented")
            connection.execute("CREATE DATABASE documented")
    in_postgres = psycopg.conninfo.make_conninfo(postgres_uri, dbname="documented")
    with psycopg.connect(in_postgres, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    in_quiver = psycopg.conninfo.make_conninfo(own_database.dsn, dbname="documented")
    with listening(in_postgres) as theirs, listening(in_quiver) as ours:
        yield theirs, ours


def without_advice(said: Said) -> Said:
    """Quiver tells why an index does not serve a query; PostgreSQL does not."""
    return tuple(part for part in said if "cannot serve this query" not in str(part))


def test_statements_in_order(listeners: tuple[Listener, Listener]) -> None:
    theirs, ours = listeners
    differences = []
    for statement in STATEMENTS:
        expected, found = theirs.run(statement), without_advice(ours.run(statement))
        if expected != found:
            differences.append(f"{statement}\n  pgvector {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)


def test_bulk_loading(listeners: tuple[Listener, Listener]) -> None:
    vectors = np.random.default_rng(7).normal(size=(50, 3)).astype(">f4")
    seen = []
    for listener in listeners:
        listener.run("CREATE TABLE loaded (id bigserial PRIMARY KEY, embedding vector(3))")
        cursor = listener.connection.cursor()
        with cursor.copy("COPY loaded (embedding) FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.set_types(["bytea"])
            for vector in vectors:
                copy.write_row([(3).to_bytes(2, "big") + bytes(2) + vector.tobytes()])
        seen.append(
            (
                cursor.statusmessage,
                listener.run("SELECT id, embedding FROM loaded ORDER BY embedding <-> '[0,0,1]'"),
            )
        )
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("statement", "sqlstate", "reason"), ELSEWHERE)
def test_what_is_not_there(
    listeners: tuple[Listener, Listener], statement: str, sqlstate: str, reason: str
) -> None:
    (failure,) = listeners[1].run(statement)
    assert isinstance(failure, tuple) and failure[:2] == ("ERROR", sqlstate), reason


def test_plans_show_the_index(listeners: tuple[Listener, Listener]) -> None:
    ours = listeners[1]
    ours.run("DROP TABLE items")
    ours.run(
        "CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3), half halfvec(3), loose vector,"
        " bits bit(3), sparse sparsevec(3),"
        " precise double precision[], category_id int DEFAULT 123)"
    )
    vectors = "SELECT a::vector v, a FROM (SELECT ARRAY[i % 97, i * i % 101, i * 7 % 103] a FROM generate_series(1, 400) i) g"
    assert (
        ours.run(
            f"INSERT INTO items (embedding, half, loose, precise, bits, sparse) SELECT v, v, v, a, binary_quantize(v), v FROM ({vectors}) t"
        )[-2]
        == "INSERT 0 400"
    )
    ours.run("SET enable_seqscan = off")
    for definition, search in SEARCHES:
        ours.run(f"CREATE INDEX shown ON items {definition}")
        plan = str(ours.run(f"EXPLAIN (ANALYZE, BUFFERS) {search}"))
        assert "Index Scan using shown on items" in plan, (definition, search)
        ours.run("DROP INDEX shown")
