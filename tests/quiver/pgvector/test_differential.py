"""Goal: every function, operator, cast and aggregate of pgvector answers or fails here as pgvector 0.8.5 does.

Method: the statements that `statements` generates from the real extension's catalog, one after another over a connection to
a real PostgreSQL with pgvector and one to a Quiver server: types, text of every value, SQLSTATE, message, DETAIL and HINT.
Whole numbers must be equal to the last digit, others within a relative 1e-6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.quiver.pgvector.inventory import read_inventory
from tests.quiver.pgvector.outcomes import Answer, Session, is_same
from tests.quiver.pgvector.statements import SETUP, all_statements
from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow

STATEMENTS_MIN = 5_000
COSINE_TOLERANCE = 2.5e-7
"""Two units in the last place of float32 at 1, of which a cosine distance is the complement."""


@dataclass(frozen=True)
class Difference:
    statements: str
    """Regular expression of the statements."""
    reason: str


DIFFERENCES = (
    Difference(
        r"^SELECT sparsevec_in\('\{(9:1|1:1,1:1)\}/2', 0, -?\d+\)$",
        "a text with two faults: pgvector names the dimensions first, we name the indexes",
    ),
)
REFUSED = (
    (
        "SELECT vector_accum('{{1,2},{1,3}}', '[1,2]')",
        "a state has one dimension; pgvector says 'expected state array'",
    ),
    (
        "SELECT vector_typmod_in('{{1,2}}')",
        "the same; PostgreSQL says 'typmod array must be one-dimensional'",
    ),
)
"""Statements that are refused by name (0A000) for what they use besides pgvector. (statement, why)."""
OPEN_SUMS = (
    "SELECT '[3e38,3e38,-3e38]'::vector <#> '[1,2,3]'",
    "SELECT '[3e38,3e38,-3e38]'::vector <#> '[0.1,0.2,0.3]'",
)
"""Sums whose terms overflow (NaN or an infinity) or cancel (0 or a rest): the result depends on the order of additions and on
where products are fused with them, which differs between builds of pgvector (OPTFLAGS, CPU dispatch). Not compared."""


@pytest.fixture(scope="module")
def sessions(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Session, Session]]:
    """PostgreSQL and Quiver, each with `SETUP` in an empty database."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS pgvector_differential")
        connection.execute("CREATE DATABASE pgvector_differential")
    with (
        Session(psycopg.conninfo.make_conninfo(postgres_uri, dbname="pgvector_differential")) as theirs,
        Session(server.dsn) as ours,
    ):
        theirs.connection.execute("CREATE EXTENSION vector")
        for statement in SETUP:
            assert theirs.run(statement) == ours.run(statement), statement
        yield theirs, ours


def is_excused(statement: str) -> bool:
    return any(re.search(difference.statements, statement) for difference in DIFFERENCES)


def described(statement: str, theirs: Answer, ours: Answer) -> str:
    return f"{statement[:500]}\n  pgvector {str(theirs)[:1000]}\n  quiver   {str(ours)[:1000]}"


def test_same_answers(sessions: tuple[Session, Session], server: ServerProcess) -> None:
    theirs, ours = sessions
    statements = all_statements(read_inventory(theirs.connection))
    assert len(statements) >= STATEMENTS_MIN
    differences = []
    answers = zip(statements, theirs.run_all(statements), ours.run_all(statements), strict=True)
    for statement, expected, found in answers:
        absolute = COSINE_TOLERANCE if re.search("<=>|cosine_distance", statement) else 0.0
        if not is_same(expected, found, absolute=absolute) and not is_excused(statement):
            differences.append(described(statement, expected, found))
    assert not differences, f"{len(differences)} of {len(statements)}\n" + "\n".join(differences[:40])
    assert not [line for line in server.log if "internal error" in line]


@pytest.mark.parametrize("statement", OPEN_SUMS)
def test_open_sums(sessions: tuple[Session, Session], statement: str) -> None:
    theirs, ours = (session.run(statement) for session in sessions)
    assert theirs.columns == ours.columns and len(theirs.rows) == len(ours.rows) == 1


@pytest.mark.parametrize(("statement", "reason"), REFUSED)
def test_refused_by_name(sessions: tuple[Session, Session], statement: str, reason: str) -> None:
    theirs, ours = (session.run(statement) for session in sessions)
    assert theirs.failure[:1] != ("0A000",)
    assert ours.failure[0] == "0A000" and "not supported" in ours.failure[1], reason
