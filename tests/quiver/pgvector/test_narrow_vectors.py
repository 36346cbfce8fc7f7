"""Goal: int8vec and bf16vec do what halfvec does.

Method: PostgreSQL has neither type, but halfvec. The statements of three files run there with halfvec and here with each
of the types in its place, over numbers that all of them hold: column names, types and typmods, rows as text and as binary, command
tags, SQLSTATE and message must be the same but for the type's name. What differs by design has tests of its own in
`test_int8vec_bf16vec.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.quiver.shared_server import Database
from tests.quiver.sql_outcomes import Outcome, Prober, is_ordered, statements

pytestmark = pytest.mark.slow

FILES = ("narrow_vectors.sql", "narrow_vector_values.sql")
CASES = [(file, name) for file in FILES for name in ("int8vec", "bf16vec")] + [
    ("narrow_fractions.sql", "bf16vec")
]


@pytest.fixture
def probers(postgres_uri: str, own_database: Database) -> Iterator[tuple[Prober, Prober]]:
    """PostgreSQL and Quiver, each with an empty schema that is searched first."""
    theirs, ours = Prober(postgres_uri), Prober(own_database.dsn)
    for prober in (theirs, ours):
        prober.connection.execute("DROP SCHEMA IF EXISTS narrow CASCADE")
        prober.connection.execute("CREATE SCHEMA narrow")
        prober.connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        prober.connection.execute("SET search_path = narrow, public")
    yield theirs, ours
    for prober in (theirs, ours):
        prober.connection.execute("DROP SCHEMA narrow CASCADE")
        prober.close()


def _as_halfvec(outcome: Outcome, name: str) -> Outcome:
    """An outcome with the type's name, wherever it is told, replaced."""
    columns = tuple(
        (column.replace(name, "halfvec"), kind.replace(name, "halfvec"), typmod)
        for column, kind, typmod in outcome.columns
    )
    rows = tuple(
        tuple(cell and cell.replace(name.encode(), b"halfvec") for cell in row) for row in outcome.rows
    )
    return replace(outcome, message=outcome.message.replace(name, "halfvec"), columns=columns, rows=rows)


@pytest.mark.parametrize(("file", "name"), CASES)
def test_same_as_halfvec(probers: tuple[Prober, Prober], file: str, name: str) -> None:
    theirs, ours = probers
    differences = []
    for statement in statements(file):
        expected = theirs.outcome(statement.text)
        found = _as_halfvec(ours.outcome(statement.text.replace("halfvec", name)), name)
        if not is_ordered(statement.text):
            expected, found = expected.unordered(), found.unordered()
        if expected != found:
            differences.append(f"{statement.text}\n  postgres {expected}\n  quiver   {found}")
    assert not differences, "\n".join(differences)
