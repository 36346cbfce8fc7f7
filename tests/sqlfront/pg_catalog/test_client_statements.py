"""Goal: the catalog queries that clients are known to send run on a server.

Method: the captured statements of tests/sqlfront/parser/client_statements.jsonl.gz that only read are sent one by one
to a server that holds a schema of the kind they were captured on; those with parameters are prepared and described.
A statement that names a table of the capture which is not in this schema (an ORM's, a view) counts as neither. The
floors may only go up.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

from tests.quiver.catalog_schema import SCHEMA_SQL
from tests.quiver.server_process import serving

CAPTURED = Path(__file__).parents[1] / "parser" / "client_statements.jsonl.gz"
READS = re.compile(r"\s*(select|with|values|table|show)\b", re.IGNORECASE)
UNDEFINED_OBJECTS = ("42P01", "42703", "42883")
"""SQLSTATEs of a missing table, column or function: objects of the capture that this schema does not have."""

FLOORS = {
    "adbc": 1.0, "alembic": 1.0, "asyncpg": 1.0, "django": 1.0, "drizzle-orm": 1.0, "langchain-postgres": 0.75,
    "node-postgres": 1.0, "pandas": 1.0, "pgcli": 1.0, "pgjdbc": 0.82, "pgvector-psycopg2": 1.0, "postgres.js": 1.0,
    "psql": 1.0, "psql-tab": 1.0, "psycopg2": 1.0, "psycopg3": 1.0, "sqlalchemy-asyncpg": 1.0,
    "sqlalchemy-psycopg": 1.0, "sqlalchemy-psycopg2": 1.0,
}  # fmt: skip
"""Share of each client's statements that must run."""


def captured() -> dict[str, list[str]]:
    """Reading statements by client."""
    found: dict[str, list[str]] = defaultdict(list)
    with gzip.open(CAPTURED, "rt", encoding="utf-8") as lines:
        for line in lines:
            client, statement = json.loads(line)
            if READS.match(statement):
                found[client].append(statement)
    return found


STATEMENTS = captured()


@pytest.fixture(scope="module")
def connection(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with (
        serving(tmp_path_factory.mktemp("data")) as server,
        psycopg.connect(server.dsn, autocommit=True) as opened,
    ):
        opened.execute(SCHEMA_SQL)
        yield opened


def answer(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> tuple[str | None, str]:
    """(SQLSTATE or None, message) of one statement."""
    raw = connection.pgconn
    result = raw.prepare(b"", statement.encode()) if "$1" in statement else raw.exec_(statement.encode())
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return None, ""
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    return state.decode() if state else "?", result.error_message.decode().partition("\n")[0]


@pytest.mark.slow
@pytest.mark.parametrize("client", FLOORS)
def test_reading_statements_run(connection: psycopg.Connection[tuple[object, ...]], client: str) -> None:
    failures, run = [], 0
    for statement in STATEMENTS[client]:
        state, message = answer(connection, statement)
        if state in UNDEFINED_OBJECTS:
            continue
        run += 1
        if state is not None:
            failures.append(f"{message}\n    {statement[:200]}")
    assert run, "nothing ran"
    assert (run - len(failures)) / run >= FLOORS[client], "\n".join(failures)
