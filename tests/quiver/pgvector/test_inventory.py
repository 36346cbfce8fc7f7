"""Goal: what pgvector 0.8.5 adds to PostgreSQL's catalogs is in ours, row by row: types, functions, operators, casts, aggregates.

Method: but for what pgvector lacks: one query per catalog on a real PostgreSQL with pgvector and on a Quiver server; then every function is called with
its own number of NULLs on both, which shows that each works or is refused as there.
"""

from __future__ import annotations

import re

import psycopg
import pytest

from tests.quiver.pgvector.inventory import QUERIES, functions_of, read_inventory
from tests.quiver.pgvector.outcomes import Session
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

OURS = re.compile("int8vec|bf16vec|tanimoto|structure")
"""What names objects that pgvector lacks."""
COUNTS = {"types": 3, "functions": 118, "operators": 40, "casts": 23, "aggregates": 4}
"""What pgvector 0.8.5 has: 114 functions, index handlers and support among them, and 4 aggregates."""


@pytest.mark.parametrize("kind", QUERIES)
def test_same_catalog_rows(postgres_uri: str, own_database: Database, kind: str) -> None:
    with (
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
    ):
        expected, found = read_inventory(theirs)[kind], read_inventory(ours)[kind]
    assert len(expected) == COUNTS[kind]
    found = [row for row in found if not OURS.search(repr(row))]
    assert [row for row in found if row not in expected] == []
    assert [row for row in expected if row not in found] == []


def test_every_function_answers_nulls_alike(postgres_uri: str, own_database: Database) -> None:
    with psycopg.connect(postgres_uri, autocommit=True) as theirs:
        functions = functions_of(read_inventory(theirs))
    with Session(postgres_uri) as theirs_session, Session(own_database.dsn) as ours_session:
        for function in functions:
            nulls = ", ".join(
                "NULL" if argument == "internal" else f"NULL::{argument}" for argument in function.arguments
            )
            statement = f"SELECT {function.name}({nulls})"
            assert ours_session.run(statement) == theirs_session.run(statement), statement
