"""Goal: roles may do here what they may do in PostgreSQL, and are told the same where they may not.

Method: scripts of several roles on a real PostgreSQL 16 and on a Quiver server, each role in a session of its own, and everything
a client can see of each statement.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import FOLDER, described_outcome

pytestmark = pytest.mark.slow

DATABASE = "privileges"


@pytest.fixture(scope="module")
def dsns(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[str, str]]:
    """PostgreSQL and Quiver, each with an empty database."""
    found = (postgres_uri, server.dsn)
    for dsn in found:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    yield tuple(psycopg.conninfo.make_conninfo(dsn, dbname=DATABASE) for dsn in found)  # type: ignore[misc]
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)".encode())
        for (role,) in connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall():
            connection.execute(f"DROP ROLE {role}".encode())


class RoleSessions:
    """Sessions of roles, opened when they are first asked for."""

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


def differences(dsns: tuple[str, str], file: str) -> list[str]:
    """What is answered differently to the statements of a file; `-- as role` says whose session runs what follows.

    `-- only in 15: reason` before a statement: PostgreSQL 16 answers in another way than the version that Quiver is.
    """
    theirs, ours = map(RoleSessions, dsns)
    found, role, is_told = [], "postgres", True
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("-- as "):
            role = line.removeprefix("-- as ")
        elif line.startswith("-- only in 15"):
            is_told = False
        elif line and not line.startswith("--"):
            expected, seen = (described_outcome(sessions.of(role), line) for sessions in (theirs, ours))
            if expected != seen and is_told:
                found.append(f"[{role}] {line}\n  postgres {expected}\n  quiver   {seen}")
            is_told = True
    theirs.close()
    ours.close()
    return found


@pytest.mark.parametrize("file", ["roles.sql"])
def test_same_outcomes(dsns: tuple[str, str], file: str) -> None:
    found = differences(dsns, file)
    assert not found, "\n".join(found)
