"""Sessions of several roles on the same database of two servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg


class RoleSessions:
    """Sessions of roles on one server, opened when they are first asked for."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._sessions: dict[str, psycopg.Connection[tuple[object, ...]]] = {}

    def of(self, role: str) -> psycopg.Connection[tuple[object, ...]]:
        if role not in self._sessions:
            dsn = psycopg.conninfo.make_conninfo(self._dsn, user=role)
            self._sessions[role] = psycopg.connect(dsn, autocommit=True)
        return self._sessions[role]

    def close(self) -> None:
        for session in self._sessions.values():
            session.close()


@contextmanager
def databases(servers: tuple[str, str], name: str) -> Iterator[tuple[str, str]]:
    """An empty database of that name on each server."""
    for dsn in servers:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
    theirs, ours = (psycopg.conninfo.make_conninfo(dsn, dbname=name) for dsn in servers)
    try:
        yield theirs, ours
    finally:
        for dsn in servers:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def without_roles(servers: tuple[str, str], roles: Iterable[str] = ()) -> Iterator[None]:
    """Afterwards these roles are gone, or all that are not PostgreSQL's own; the database they have something in is dropped before."""
    try:
        yield
    finally:
        for dsn in servers:
            with psycopg.connect(dsn, autocommit=True) as connection:
                found = connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall()
                for role in list(roles) or [name for (name,) in found]:
                    connection.execute(f"DROP ROLE {role}".encode())
