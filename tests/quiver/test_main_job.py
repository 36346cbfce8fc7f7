"""Goal: 61,666 real embeddings go in by COPY and are found again: exact, indexed, filtered, after a restart.

Method: load through psycopg's binary COPY and asyncpg's copy_records_to_table, compare rows with the source, compute the
exact answers of real queries with NumPy and count how many the server returns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import numpy.typing as npt
import pgvector.asyncpg
import pgvector.psycopg
import psycopg
import pyarrow.parquet as pq
import pytest

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow

QUERIES = 200
FILTERED_QUERIES = 60
K = 10
COLUMNS = "id, name, section, priority, installed_kib, n_depends, tags, summary, embedding"
DDL = (
    "CREATE TABLE packages (id int PRIMARY KEY, name text, section text, priority text, installed_kib bigint,"
    " n_depends int, tags text[], summary text, embedding vector(384))"
)
FILTERS = (
    "section = 'python'",
    "section = 'rust' AND installed_kib > 1000",
    "n_depends BETWEEN 3 AND 5",
    "name LIKE 'lib%'",
    "section = 'metapackages' OR priority = 'required'",
    "id IN (17, 4711, 60000)",
    "section = 'no such section'",
)


@dataclass
class Packages:
    """The data set and a server that holds it, loaded through psycopg."""

    table: Any
    vectors: npt.NDArray[np.float32]
    queries: npt.NDArray[np.float32]
    server: ServerProcess

    def allowed(self, where: str) -> npt.NDArray[np.bool_]:
        """The filter, evaluated by NumPy."""
        column = {name: np.array(self.table[name].to_pylist(), object) for name in COLUMNS.split(", ")[:6]}
        kib = self.table["installed_kib"].to_numpy(zero_copy_only=False)
        depends = self.table["n_depends"].to_numpy(zero_copy_only=False)
        masks = (
            column["section"] == "python",
            (column["section"] == "rust") & (kib > 1000),
            (depends >= 3) & (depends <= 5),
            np.array([name.startswith("lib") for name in column["name"]]),
            (column["section"] == "metapackages") | (column["priority"] == "required"),
            np.isin(self.table["id"].to_numpy(), [17, 4711, 60000]),
            column["section"] == "no such section",
        )
        return np.asarray(masks[FILTERS.index(where)], dtype=np.bool_)

    def exact(self, allowed: npt.NDArray[np.bool_] | None, queries: int) -> list[set[int]]:
        """Ids of the true nearest by cosine distance, a set a query."""
        ids = self.table["id"].to_numpy()
        vectors = self.vectors if allowed is None else self.vectors[allowed]
        ids = ids if allowed is None else ids[allowed]
        similarity = self.queries[:queries] @ vectors.T
        return [set(ids[np.argsort(-row, kind="stable")[:K]].tolist()) for row in similarity]

    def search(self, queries: int, where: str = "true", settings: str = "") -> list[list[int]]:
        """Ids the server returns, a list a query."""
        with psycopg.connect(self.server.dsn, autocommit=True) as connection:
            pgvector.psycopg.register_vector(connection)
            if settings:
                connection.execute(settings.encode())
            sql = search_sql(where)
            return [
                [r[0] for r in connection.execute(sql, (query,)).fetchall()]
                for query in self.queries[:queries]
            ]


def search_sql(where: str) -> bytes:
    """The search with a filter, for psycopg, which wants its own percent signs doubled."""
    return f"SELECT id FROM packages WHERE {where.replace('%', '%%')} ORDER BY embedding <=> %s LIMIT {K}".encode()


def recall(found: list[list[int]], exact: list[set[int]]) -> float:
    hits = sum(len(set(f) & e) for f, e in zip(found, exact))
    return hits / max(1, sum(len(e) for e in exact))


def unit(column: Any) -> npt.NDArray[np.float32]:
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return values.reshape(len(column), -1)


@pytest.fixture(scope="module")
def packages(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    table = pq.read_table(real_data / "debian_packages.parquet")
    queries = unit(pq.read_table(real_data / "debian_queries.parquet")["embedding"])
    vectors = unit(table["embedding"])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with serving(tmp_path_factory.mktemp("packages")) as server:
        loaded = Packages(table, vectors, queries, server)
        load_with_psycopg(loaded)
        yield loaded


def rows_of(packages: Packages) -> Iterator[tuple[Any, ...]]:
    columns = [packages.table[name].to_pylist() for name in COLUMNS.split(", ")[:-1]]
    yield from zip(*columns, packages.vectors)


def load_with_psycopg(packages: Packages) -> None:
    with psycopg.connect(packages.server.dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        connection.execute(DDL)
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY packages ({COLUMNS}) FROM STDIN WITH (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types(["int4", "text", "text", "text", "int8", "int4", "text[]", "text", "vector"])
            for row in rows_of(packages):
                copy.write_row(row)


def test_loaded_rows_equal_the_source(packages: Packages) -> None:
    chosen = np.random.default_rng(3).integers(1, 61666, 10).tolist()
    with psycopg.connect(packages.server.dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        assert connection.execute("SELECT count(*) FROM packages").fetchone() == (61666,)
        sql = f"SELECT {COLUMNS} FROM packages WHERE id = %s".encode()
        for number in chosen:
            row = connection.execute(sql, (number,)).fetchone()
            assert row is not None
            source = packages.table.slice(number - 1, 1).to_pylist()[0]
            assert list(row[:-1]) == [source[name] for name in COLUMNS.split(", ")[:-1]]
            vector = row[-1].to_numpy() if hasattr(row[-1], "to_numpy") else np.asarray(row[-1])
            assert np.array_equal(vector, packages.vectors[number - 1])


def test_asyncpg_copy_loads_the_same(packages: Packages) -> None:
    async def load() -> int:
        server = packages.server
        connection = await asyncpg.connect(
            host=server.host, port=server.port, user="postgres", database="postgres"
        )
        await pgvector.asyncpg.register_vector(connection)
        await connection.execute(DDL.replace("packages", "packages_asyncpg"))
        await connection.copy_records_to_table(
            "packages_asyncpg", records=list(rows_of(packages)), columns=COLUMNS.split(", ")
        )
        different = await connection.fetchval(
            "SELECT count(*) FROM packages p JOIN packages_asyncpg a USING (id)"
            " WHERE p.name <> a.name OR p.summary <> a.summary OR p.installed_kib <> a.installed_kib"
        )
        assert different == 0
        count = await connection.fetchval("SELECT count(*) FROM packages_asyncpg")
        await connection.execute("DROP TABLE packages_asyncpg")
        await connection.close()
        return int(count)

    assert asyncio.run(load()) == 61666


def test_exact_search_is_exact(packages: Packages) -> None:
    assert recall(packages.search(50), packages.exact(None, 50)) >= 0.999


@pytest.fixture(scope="module")
def indexed(packages: Packages) -> Packages:
    with psycopg.connect(packages.server.dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE INDEX packages_embedding ON packages USING hnsw (embedding vector_cosine_ops)"
            " WITH (m = 16, ef_construction = 128)"
        )
    return packages


def test_indexed_search(indexed: Packages) -> None:
    exact = indexed.exact(None, QUERIES)
    assert recall(indexed.search(QUERIES, settings="SET hnsw.ef_search = 40"), exact) >= 0.965
    assert recall(indexed.search(QUERIES), exact) >= 0.96
    with psycopg.connect(indexed.server.dsn, autocommit=True) as connection:
        plan = "\n".join(
            row[0]
            for row in connection.execute(
                "EXPLAIN SELECT id FROM packages ORDER BY embedding <=> (SELECT embedding FROM packages WHERE id = 1) LIMIT 10"
            )
        )
        assert "Index Scan using packages_embedding on packages" in plan
        status = connection.execute("SELECT rows_served, rows_scanned FROM quiver_index_status").fetchall()
        assert status == [(61666, 0)]


@pytest.mark.parametrize("where", FILTERS)
def test_filtered_search_is_complete_and_good(indexed: Packages, where: str) -> None:
    allowed = indexed.allowed(where)
    exact = indexed.exact(allowed, FILTERED_QUERIES)
    found = indexed.search(FILTERED_QUERIES, where)
    assert {len(rows) for rows in found} == {min(K, int(allowed.sum()))}
    if allowed.any():
        assert recall(found, exact) >= 0.96


def test_a_restart_changes_no_answer(indexed: Packages) -> None:
    before = indexed.search(20), indexed.search(20, FILTERS[0])
    directory = indexed.server.directory
    assert indexed.server.stop() == 0
    indexed.server = ServerProcess(directory)
    try:
        # On a busy machine the kernels may still be loaded, and rows be compared one by one: then nothing is missed.
        deadline = time.monotonic() + 30
        after = indexed.search(20), indexed.search(20, FILTERS[0])
        while after != before and time.monotonic() < deadline:
            time.sleep(0.5)
            after = indexed.search(20), indexed.search(20, FILTERS[0])
        assert after == before
    finally:
        indexed.server.stop()
