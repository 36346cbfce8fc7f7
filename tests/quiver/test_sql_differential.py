"""Goal: statements of users of pgvector and of analysts do here what they do in PostgreSQL with pgvector.

Method: the files of `tests/quiver/sql` on a real PostgreSQL 16 and on a Quiver server, statement by statement over the
same schema: column names, types and typmods, rows as text and as binary, command tags, SQLSTATE and message. Without
ORDER BY rows are compared as a bag. What is refused by name is marked so in the files, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess
from tests.quiver.sql_outcomes import Outcome, Prober, Statement, is_ordered, statements

pytestmark = pytest.mark.slow

FILES = (
    "functions.sql",
    "expressions.sql",
    "formatting.sql",
    "numbers.sql",
    "texts.sql",
    "regular_expressions.sql",
    "json.sql",
    "json_paths.sql",
    "queries.sql",
    "query_forms.sql",
    "decided_keys.sql",
    "aggregates.sql",
    "pgvector.sql",
    "temporary_tables.sql",
    "changes.sql",
    "sequences.sql",
    "table_as.sql",
    "table_like.sql",
    "merge.sql",
    "client_requests.sql",
    "row_locks.sql",
    "zoned_times.sql",
    "network_addresses.sql",
    "money.sql",
    "ranges.sql",
    "exclusion_constraints.sql",
    "windows.sql",
    "tables_without_columns.sql",
    "indexes.sql",
    "search_path.sql",
    "variadic_calls.sql",
    "user_functions.sql",
    "changes_in_with.sql",
    "table_samples.sql",
    "outer_joined_rows.sql",
    "described_objects.sql",
    "arrays.sql",
    "text_search.sql",
    "parts.sql",
    "session_zones.sql",
    "keys_from_indexes.sql",
)
FEATURE_NOT_SUPPORTED = "0A000"


@pytest.fixture(scope="module")
def probers(postgres_uri: str, server: ServerProcess) -> Iterator[tuple[Prober, Prober]]:
    """PostgreSQL and Quiver, each with the schema loaded into an empty database."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS sql_differential")
        connection.execute("CREATE DATABASE sql_differential")
    theirs = Prober(psycopg.conninfo.make_conninfo(postgres_uri, dbname="sql_differential"))
    ours = Prober(server.dsn)
    for prober in (theirs, ours):
        prober.connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        prober.load("schema.sql")
    yield theirs, ours
    theirs.close()
    ours.close()


def difference(statement: Statement, theirs: Outcome, ours: Outcome) -> str:
    """What differs between the outcomes of a statement; '' when nothing does."""
    if statement.refusal:
        is_refused = (ours.sqlstate, ours.message) == (FEATURE_NOT_SUPPORTED, statement.refusal)
        return "" if is_refused else f"{statement.text}\n  is not refused as noted: {ours}"
    if not is_ordered(statement.text):
        theirs, ours = theirs.unordered(), ours.unordered()
    return "" if theirs == ours else f"{statement.text}\n  postgres {theirs}\n  quiver   {ours}"


@pytest.mark.parametrize("file", FILES)
def test_same_outcomes(probers: tuple[Prober, Prober], file: str) -> None:
    theirs, ours = probers
    differences = []
    for statement in statements(file):
        expected = theirs.outcome(statement.text)
        found = difference(statement, expected, ours.outcome(statement.text))
        if not found and expected.tag.startswith("SELECT") and not statement.refusal:
            binary = [prober.outcome(statement.text, is_binary=True) for prober in (theirs, ours)]
            found = difference(statement, *binary)
        differences.append(found)
    assert not [text for text in differences if text], "\n".join(text for text in differences if text)


def test_nothing_was_an_internal_error(server: ServerProcess) -> None:
    """After the files above have run: the server logs a traceback for every XX000."""
    assert not [line for line in server.log if "internal error" in line]
