"""Goal: constraints and indexes are described as PostgreSQL describes them, with and without its pretty printing, which psql
asks for.

Method: the same conditions and index keys on a real PostgreSQL with pgvector and here, and what the catalog functions say of
them. Left out are CASE, which PostgreSQL breaks into lines, and casts of operators through text, around which its pretty form
has more parentheses than it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

TABLE = (
    "CREATE TABLE described (n int, price numeric, t text, v varchar(10), d date, arr int[], j jsonb, e vector(3), b bool,"
    " ts timestamptz)"
)

CHECKS = """
price > 0
price > 0 AND n < 5
price > 0 OR n < 5 AND n > 1
(price > 0 OR n < 5) AND n > 1
NOT (n > 1)
NOT n > 1 AND price > 1
n IS NULL
n + 1 > 2
n + 1 * 2 > 3
(n + 1) * 2 > 3
n - (1 - 2) > 0
n - 1 - 2 > 0
lower(t || 'x') = 'y'
t IN ('a','b')
t IN ('a','b') AND n > 1
v IN ('a','b')
t LIKE 'a%'
n BETWEEN 1 AND 5
n = 1 OR n = 2 OR n = 3
coalesce(n, 1) > 0
(n::text) = '1'
char_length(v) > 2
v = 'x'
d > '2020-01-01'
n > -1
-n > 1
(n > 1) IS TRUE
n IS DISTINCT FROM 3
NOT (n > 1 OR n < 0)
arr[1] > 0
n = ANY (arr)
t ~ '^a'
(n > 1) = (price > 2)
j ->> 'a' = 'b'
(j ->> 'a') IS NOT NULL
abs(n - 3) > 1
length(t) > n + 1
n % 2 = 0
e <-> '[1,2,3]' < 1
vector_dims(e) = 3
price::int > 3
n & 1 = 1
b
NOT b
b AND n > 1
greatest(n, 3) > 2
now() > ts
extract(year from d) > 2000
t NOT IN ('a', 'b') OR NOT b
"""

INDEXES = """
((e::halfvec(3)) halfvec_l2_ops)
((subvector(e,1,2)::vector(2)) vector_cosine_ops)
((l2_normalize(e)::vector(3)) vector_l2_ops)
(e vector_l2_ops) WHERE (n = 1)
(e vector_l2_ops) WHERE n = 1 AND t = 'x'
(e vector_l2_ops) WHERE t IN ('a','b') OR n IS NULL
(((e + '[1,2,3]')::vector(3)) vector_l2_ops)
"""

CHECK_FORMS = (
    "SELECT pg_get_constraintdef(oid), pg_get_constraintdef(oid, true), pg_get_expr(conbin, conrelid, true)"
    " FROM pg_constraint WHERE conname = 'described_check'"
)
INDEX_FORMS = (
    "SELECT pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 0, true), pg_get_indexdef(indexrelid, 1, true),"
    " pg_get_indexdef(indexrelid, 1, false), pg_get_expr(indpred, indrelid, true)"
    " FROM pg_index WHERE indexrelid = 'described_index'::regclass"
)

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def connections(postgres_uri: str, own_database: Database) -> Iterator[tuple[Connection, Connection]]:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        for connection in (theirs, ours):
            connection.execute("DROP TABLE IF EXISTS described")
            connection.execute(TABLE)
        yield theirs, ours


@pytest.mark.parametrize("condition", CHECKS.strip().splitlines())
def test_a_check_is_described_alike(connections: tuple[Connection, Connection], condition: str) -> None:
    forms = []
    for connection in connections:
        connection.execute(
            f"ALTER TABLE described ADD CONSTRAINT described_check CHECK ({condition})".encode()
        )
        forms.append(connection.execute(CHECK_FORMS).fetchone())
        connection.execute("ALTER TABLE described DROP CONSTRAINT described_check")
    assert forms[1] == forms[0]


@pytest.mark.parametrize("key", INDEXES.strip().splitlines())
def test_an_index_is_described_alike(connections: tuple[Connection, Connection], key: str) -> None:
    forms = []
    for connection in connections:
        connection.execute(f"CREATE INDEX described_index ON described USING hnsw {key}".encode())
        forms.append(connection.execute(INDEX_FORMS).fetchone())
        connection.execute("DROP INDEX described_index")
    assert forms[1] == forms[0]
