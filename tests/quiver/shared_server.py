"""One server for many test modules, each in a database of its own, so that the server starts once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.quiver.server_process import ServerProcess


@dataclass(frozen=True, slots=True)
class Database:
    """A database that a module has to itself; settings of roles, the log and the process belong to others, too."""

    dsn: str


@contextmanager
def database_of(server: ServerProcess, module: str) -> Iterator[Database]:
    """A new database, which is dropped with whatever a module left in it."""
    name = re.sub(r"\W", "_", module)[-60:]
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield Database(psycopg.conninfo.make_conninfo(server.dsn, dbname=name))
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}".encode())
