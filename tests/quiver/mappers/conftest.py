"""Fixtures of the mappers' tests: for each module an empty database of Quiver and one of a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.clients.twins import Address, Twins
from tests.quiver.server_process import ServerProcess


@pytest.fixture
def twins(shared_server: ServerProcess, postgres_uri: str, request: pytest.FixtureRequest) -> Iterator[Twins]:
    name = re.sub(r"\W", "_", request.node.name)[-60:]
    servers = (shared_server.dsn, postgres_uri)
    for server in servers:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    folder = str(conninfo_to_dict(postgres_uri)["host"])
    yield Twins(Address(shared_server.host, shared_server.port, name), Address(folder, 5432, name))
    for server in servers:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
