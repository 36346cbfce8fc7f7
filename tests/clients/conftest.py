"""Fixtures of the client tests: an empty database of a Quiver server and one of a real PostgreSQL for each module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.clients.twins import Address, Twins, forwarding
from tests.quiver.server_process import ServerProcess, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder is run by `make test-clients`."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="session")
def quiver_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with serving(tmp_path_factory.mktemp("data")) as process:
        yield process


@pytest.fixture(scope="session")
def postgres_port(postgres_uri: str) -> Iterator[int]:
    """A real PostgreSQL's TCP port; the server of `postgres_uri` listens on a Unix socket alone."""
    folder = conninfo_to_dict(postgres_uri)["host"]
    with forwarding(f"{folder}/.s.PGSQL.5432") as port:
        yield port


@contextmanager
def _empty(quiver: ServerProcess, postgres_uri: str, port: int, name: str) -> Iterator[Twins]:
    name = re.sub(r"\W+", "_", name.lower())[-60:].strip("_")
    for server in (quiver.dsn, postgres_uri):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(make_conninfo(postgres_uri, dbname=name), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    yield Twins(Address(quiver.host, quiver.port, name), Address("127.0.0.1", port, name))
    for server in (quiver.dsn, postgres_uri):
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name}".encode())


@pytest.fixture
def twins(
    quiver_server: ServerProcess, postgres_uri: str, postgres_port: int, request: pytest.FixtureRequest
) -> Iterator[Twins]:
    """Empty databases for one test."""
    with _empty(quiver_server, postgres_uri, postgres_port, request.node.name) as made:
        yield made


@pytest.fixture(scope="module")
def module_twins(
    quiver_server: ServerProcess, postgres_uri: str, postgres_port: int, request: pytest.FixtureRequest
) -> Iterator[Twins]:
    """Databases that the tests of a module share."""
    with _empty(quiver_server, postgres_uri, postgres_port, request.module.__name__) as made:
        yield made
