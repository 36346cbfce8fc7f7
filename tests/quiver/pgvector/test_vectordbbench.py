"""Goal: what VectorDBBench's pgvector client sends is accepted unchanged, and its searches find the true neighbours.

Method: the client's statements (vectordb-bench 2.0.0, quoted and spaced as it composes them) over psycopg 3 with pgvector's
adapters, for every index that it can make, on a real PostgreSQL with pgvector and on Quiver: nothing may be refused, settings
must read the same, and Quiver's answers have the distances of a comparison with every row. As the client does, a
connection leaves its transaction open while it searches, prepared and in binary format, with a smallint for the LIMIT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pgvector.psycopg
import psycopg
import pytest

from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

TABLE = "vdbbench_table_test"
ROWS, DIMENSIONS, K = 400, 64, 10
REPEATED = 8
"""psycopg prepares at once; the server may decide anew after some executions."""

Vectors: TypeAlias = npt.NDArray[np.float32]
Distance: TypeAlias = Callable[[Vectors, Vectors], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Indexing:
    """A way to index and search: the texts that the client composes, and the distance that it is ordered by."""

    method: str
    key: str
    order: str
    distance: Distance
    column: str = "vector"
    with_options: str = '"m" = "16", "ef_construction" = "128"'
    sets: tuple[str, ...] = (
        'SET "hnsw.ef_search" = "100";',
        'SET "hnsw.iterative_scan" = "relaxed_order";',
    )


def cosine(rows: Vectors, query: Vectors) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return np.asarray(1 - (rows @ query) / lengths, dtype=np.float64)


def euclidean(rows: Vectors, query: Vectors) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm(rows - query, axis=1), dtype=np.float64)


def inner_product(rows: Vectors, query: Vectors) -> npt.NDArray[np.float64]:
    return np.asarray(-(rows @ query), dtype=np.float64)


def hamming(rows: Vectors, query: Vectors) -> npt.NDArray[np.float64]:
    return np.asarray(((rows > 0) != (query > 0)).sum(axis=1), dtype=np.float64)


_HALF, _BIT = f"halfvec({DIMENSIONS})", f"bit({DIMENSIONS})"
_BITS = f'binary_quantize("embedding")::{_BIT} <~> binary_quantize(%s)::{_BIT} LIMIT'
_IVF: Any = {
    "with_options": '"lists" = "4"',
    "sets": ('SET "ivfflat.probes" = "4";', 'SET "ivfflat.iterative_scan" = "relaxed_order";'),
}
INDEXINGS = {
    "cosine": Indexing(
        "hnsw", '(embedding "vector_cosine_ops" )', '"embedding"<=> %s::vector(64) LIMIT', cosine
    ),
    "l2": Indexing("hnsw", '(embedding "vector_l2_ops" )', '"embedding"<-> %s::vector(64) LIMIT', euclidean),
    "ip": Indexing(
        "hnsw", '(embedding "vector_ip_ops" )', '"embedding"<#> %s::vector(64) LIMIT', inner_product
    ),
    "halfvec": Indexing(
        "hnsw",
        f'(( "embedding" :: halfvec ( {DIMENSIONS} )) "halfvec_cosine_ops" )',
        f"embedding::{_HALF} <=>  %s::{_HALF} LIMIT",
        cosine,
    ),
    "bit of vector": Indexing(
        "hnsw",
        f'(( binary_quantize("embedding") :: bit ( {DIMENSIONS} )) "bit_hamming_ops" )',
        _BITS,
        hamming,
    ),
    "bit": Indexing(
        "hnsw",
        '(embedding "bit_hamming_ops" )',
        f'"embedding"<~> binary_quantize(%s)::{_BIT} LIMIT',
        hamming,
        column="bit",
    ),
    "ivfflat": Indexing(
        "ivfflat",
        '(embedding "vector_cosine_ops" )',
        '"embedding"<=> %s::vector(64) LIMIT',
        cosine,
        **_IVF,
    ),
}
FILTERS: tuple[tuple[str, Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]], ...] = (
    ("", lambda ids: ids >= 0),
    ("WHERE id >= 4", lambda ids: ids >= 4),
    ("WHERE id >= 200", lambda ids: ids >= 200),
    ("WHERE label = 'label_2p'", lambda ids: ids % 3 == 2),
)


@contextmanager
def connected(dsn: str) -> Iterator[psycopg.Cursor[Any]]:
    """As the client connects: adapters first, then no autocommit. Roles get back the settings that it gives them."""
    with psycopg.connect(dsn) as connection:
        pgvector.psycopg.register_vector(connection)
        connection.commit()
        cursor = connection.cursor()
        yield cursor
        connection.rollback()
        for name in ("maintenance_work_mem", "max_parallel_maintenance_workers", "max_parallel_workers"):
            cursor.execute(f'ALTER USER "{connection.info.user}" RESET {name}'.encode())


def load(cursor: psycopg.Cursor[Any], indexing: Indexing, vectors: Vectors) -> list[tuple[object, ...]]:
    """Table, rows and index; what SHOW says of the settings of the build."""
    connection = cursor.connection
    for text in (
        "CREATE EXTENSION IF NOT EXISTS vector",
        'DROP INDEX IF EXISTS "pgvector_index"',
        f'DROP TABLE IF EXISTS public."{TABLE}"',
        f"""
        CREATE TABLE IF NOT EXISTS public."{TABLE}"
        ("id" BIGINT PRIMARY KEY, embedding {indexing.column}({DIMENSIONS}), "label" VARCHAR(64));
        """,
        f'ALTER TABLE public."{TABLE}" ALTER COLUMN embedding SET STORAGE PLAIN;',
    ):
        cursor.execute(text.encode())
    connection.commit()
    for start in range(0, ROWS, ROWS // 2):
        copy_in(cursor, indexing, vectors, range(start, start + ROWS // 2))
        connection.commit()
    role = connection.info.user
    for text in (
        "SET maintenance_work_mem TO '64MB';",
        f"ALTER USER \"{role}\" SET maintenance_work_mem TO '64MB';",
        "SET max_parallel_maintenance_workers TO '2';",
        f"ALTER USER \"{role}\" SET max_parallel_maintenance_workers TO '2';",
        "SET max_parallel_workers TO '2';",
        f"ALTER USER \"{role}\" SET max_parallel_workers TO '2';",
        f'ALTER TABLE "{TABLE}" SET (parallel_workers = 2);',
    ):
        cursor.execute(text.encode())
    connection.commit()
    shown: list[tuple[object, ...]] = []
    for name in ("max_parallel_maintenance_workers", "max_parallel_workers", "maintenance_work_mem"):
        shown += cursor.execute(f"SHOW {name};".encode()).fetchall()
    # The client joins the pieces of this statement with blanks.
    cursor.execute(
        f'CREATE INDEX IF NOT EXISTS "pgvector_index" ON public. "{TABLE}" USING "{indexing.method}"'
        f" {indexing.key} WITH ( {indexing.with_options} );".encode()
    )
    connection.commit()
    return shown


def copy_in(cursor: psycopg.Cursor[Any], indexing: Indexing, vectors: Vectors, ids: range) -> None:
    """Bits in text, vectors in binary."""
    if indexing.column == "bit":
        with cursor.copy(f'COPY public."{TABLE}" FROM STDIN (FORMAT TEXT)'.encode()) as copy:
            for number in ids:
                bits = "".join("1" if value > 0 else "0" for value in vectors[number])
                copy.write_row((str(number), bits, f"label_{number % 3}p"))
        return
    with cursor.copy(f'COPY public."{TABLE}" FROM STDIN (FORMAT BINARY)'.encode()) as copy:
        for number in ids:
            copy.set_types(["bigint", "vector", "varchar"])
            copy.write_row((np.int64(number), vectors[number].astype(np.float64), f"label_{number % 3}p"))


def search(cursor: psycopg.Cursor[Any], indexing: Indexing, where: str, queries: Vectors) -> list[list[int]]:
    """The ids that every query finds, each in the same prepared statement and the same transaction."""
    text = f'SELECT "id" FROM public."{TABLE}" {where} ORDER BY {indexing.order} %s::int'
    found = []
    for query in queries:
        values = (query.astype(np.float64), K)
        rows = cursor.execute(text.encode(), values, prepare=True, binary=True).fetchall()
        found.append([int(row[0]) for row in rows])
    return found


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return np.random.default_rng(5).standard_normal((ROWS + REPEATED, DIMENSIONS)).astype(np.float32)


@pytest.mark.parametrize("name", INDEXINGS)
def test_every_statement_is_accepted_and_every_search_is_exact(
    own_database: Database, postgres_uri: str, vectors: Vectors, name: str
) -> None:
    indexing = INDEXINGS[name]
    rows, queries, ids = vectors[:ROWS], vectors[ROWS:], np.arange(ROWS)
    found = {}
    for dsn in (own_database.dsn, postgres_uri):
        with connected(dsn) as cursor:
            shown = load(cursor, indexing, rows)
            for text in indexing.sets:
                cursor.execute(text.encode())
            cursor.connection.commit()
            answers = [search(cursor, indexing, where, queries) for where, _ in FILTERS]
            cursor.connection.rollback()
            cursor.execute(f'DROP TABLE "{TABLE}"'.encode())
            cursor.connection.commit()
        found[dsn] = shown, answers
    (ours, answers), (theirs, their_answers) = found.values()
    assert ours == theirs
    for (where, passes), of_queries, of_theirs in zip(FILTERS, answers, their_answers, strict=True):
        assert all(len(answer) == K for answer in of_theirs)
        for query, answer in zip(queries, of_queries, strict=True):
            distances = indexing.distance(rows, query)
            assert passes(np.array(answer)).all(), where
            best = np.sort(distances[passes(ids)])[:K]
            np.testing.assert_allclose(distances[answer], best, atol=2e-3, err_msg=where)


def test_reranking_orders_the_candidates_of_the_quantised_search(
    own_database: Database, vectors: Vectors
) -> None:
    """The subquery's 100 rows nearest by their bits, ordered by the vectors' own distance."""
    rows, queries = vectors[:ROWS], vectors[ROWS:]
    text = f"""
        SELECT i.id
        FROM (
            SELECT "id", "embedding" <=> %s::vector AS distance
            FROM public."{TABLE}" WHERE id >= 4
            ORDER BY {_BITS} {ROWS}
        ) i
        ORDER BY i.distance
        LIMIT %s::int
        """
    with connected(own_database.dsn) as cursor:
        load(cursor, INDEXINGS["bit of vector"], rows)
        for query in queries.astype(np.float64):
            values = (query, query, K)
            answer = cursor.execute(text.encode(), values, prepare=True, binary=True).fetchall()
            # Every row is a candidate here, so that the answer is exact.
            expected = 4 + np.argsort(cosine(rows[4:], query.astype(np.float32)), kind="stable")[:K]
            assert [row[0] for row in answer] == expected.tolist()
