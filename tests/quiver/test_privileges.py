"""Goal: roles may do here what they may do in PostgreSQL, and are told the same where they may not.

Method: scripts of several roles on a real PostgreSQL 16 and on a Quiver server, each role in a session of its own, and everything
a client can see of each statement.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.quiver.role_sessions import RoleSessions, databases, without_roles
from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import FOLDER, described_outcome

pytestmark = pytest.mark.slow

FILES = ("roles.sql", "privileges.sql", "granted_objects.sql", "default_privileges.sql")


@pytest.fixture(scope="module")
def servers(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[str, str]]:
    """PostgreSQL, whose roles are removed again, and Quiver."""
    yield postgres_uri, server.dsn
    with without_roles((postgres_uri,)):
        pass


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


@pytest.mark.parametrize("file", FILES)
def test_same_outcomes(servers: tuple[str, str], file: str) -> None:
    with databases(servers, f"privileges_{file.removesuffix('.sql')}") as dsns:
        found = differences(dsns, file)
    assert not found, "\n".join(found)
