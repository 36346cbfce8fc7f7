"""Goal: pgcli and pg8000 see on Quiver what they see on PostgreSQL.

Method: the same calls on a database of each server with the same schema. pgcli: what its completer asks of the
catalogs, and backslash commands of its library pgspecial. pg8000: values of all types, both ways, and errors.
"""

from __future__ import annotations

import datetime
import decimal
import ipaddress
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pg8000.dbapi
import pg8000.native
import psycopg
import pytest
from pgcli.pgexecute import PGExecute
from pgspecial.main import PGSpecial
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.quiver.catalog_schema import SCHEMA_SQL
from tests.quiver.shared_server import Database

pytestmark = pytest.mark.slow

COMMANDS = (
    r"\d", r"\d packages", r"\d+ authors", r"\dt", r"\dt+ app.*", r"\di", r"\ds", r"\dv", r"\dm", r"\dT mood", r"\dD",
 r"\d priced", r"\d packages_pkey", r"\d app.sq", r"\dE",
)  # fmt: skip
# Sizes on disk, and how far a sequence is.
PASSING = re.compile(r"\d+ (?:kB|bytes)")


@pytest.fixture(scope="module")
def databases(own_database: Database, postgres_uri: str) -> Iterator[tuple[str, str]]:
    """Conninfos of Quiver and PostgreSQL."""
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("CREATE DATABASE pip_clients")
    theirs = make_conninfo(postgres_uri, dbname="pip_clients")
    for dsn in (own_database.dsn, theirs):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute(SCHEMA_SQL.encode())
            connection.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
            connection.execute("ALTER TABLE packages ADD FOREIGN KEY (author_id) REFERENCES authors")
    yield own_database.dsn, theirs
    with psycopg.connect(postgres_uri, autocommit=True) as connection:
        connection.execute("DROP DATABASE pip_clients")


def own(rows: Any) -> list[Any]:
    """Rows about what is in no schema of PostgreSQL's own, in order."""
    return sorted(row for row in rows if row[0] not in ("pg_catalog", "information_schema"))


def completions(executor: PGExecute) -> dict[str, Any]:
    """What pgcli completes names from."""
    return {
        "search path": executor.search_path(),
        "schemata": sorted(set(executor.schemata()) - {"pg_toast"}),
        "tables": sorted(executor.tables()),
        "columns": own(executor.table_columns()),
        "views": own(executor.views()),
        "view columns": own(executor.view_columns()),
        "foreign keys": sorted(executor.foreignkeys()),
        "types": [row for row in own(executor.datatypes()) if row[1] not in ("bf16vec", "int8vec")],
    }


def run(executor: PGExecute, statement: str) -> list[Any]:
    special = PGSpecial()
    return [
        (
            title,
            headers,
            rows if rows is None else [tuple(row) for row in rows],
            PASSING.sub("size", str(status)),
        )
        for title, rows, headers, status, *_ in executor.run(statement, special)
    ]


def test_pgcli(databases: tuple[str, str]) -> None:
    ours, theirs = (PGExecute(dsn=dsn) for dsn in databases)
    with ours.conn, theirs.conn:
        for executor in (ours, theirs):
            executor.set_timezone("UTC")
        assert completions(ours) == completions(theirs)
        assert ours.view_definition("priced") == theirs.view_definition("priced")
        assert "vector_dims" in {function.func_name for function in ours.functions()}
        assert "postgres" in ours.databases()
        for command in (
            *COMMANDS,
            "SELECT id, title, embedding FROM packages ORDER BY id",
            "SELECT 1; SELECT 2",
        ):
            assert run(ours, command) == run(theirs, command), command


VALUES = (
    ("int4", 41), ("int8", 2**40), ("text", "näme"), ("numeric", decimal.Decimal("12.340")), ("bool", True), ("float8", 0.1),
    ("bytea", b"\x00\xff"), ("date", datetime.date(2024, 2, 29)), ("timestamp", datetime.datetime(2024, 2, 29, 1, 2, 3, 4)),
    ("timestamptz", datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC)), ("time", datetime.time(1, 2, 3)),
    ("uuid", uuid.UUID(int=42)), ("jsonb", '{"a": [1, null]}'), ("inet", ipaddress.IPv4Address("10.0.0.1")), ("int4[]", [1, None, 3]),
    ("text[]", ["a,b", None, 'q"']), ("float8[]", [1.5, 2.5]), ("vector", "[1,2,3]"), ("interval", datetime.timedelta(days=1, seconds=2)),
    ("mood", "glad"),
)  # fmt: skip


def pg8000_arguments(dsn: str) -> dict[str, Any]:
    parts = conninfo_to_dict(dsn)
    named = {"user": "postgres", "database": parts["dbname"]}
    host = str(parts["host"])
    if host.startswith("/"):
        return {**named, "unix_sock": f"{host}/.s.PGSQL.5432"}
    return {**named, "host": host, "port": int(parts["port"])}


def pg8000_answers(dsn: str) -> list[Any]:
    answers: list[Any] = []
    connection = pg8000.native.Connection(**pg8000_arguments(dsn))
    for name, value in VALUES:
        answers.append((name, connection.run(f"SELECT CAST(:value AS {name}) AS v", value=value)))
        assert connection.columns is not None
        answers.append([column["name"] for column in connection.columns])
    connection.run("CREATE TABLE tried (id serial PRIMARY KEY, t text UNIQUE, v vector(2))")
    answers.append(connection.run("INSERT INTO tried (t, v) VALUES (:t, :v) RETURNING *", t="a", v="[1,2]"))
    statement = connection.prepare("SELECT t, v <-> :q AS d FROM tried WHERE id = :id")
    answers += [statement.run(id=n, q="[0,0]") for n in (1, 2)]
    statement.close()
    for failing in ("SELEC 1", "INSERT INTO tried (t) VALUES ('a')", "SELECT * FROM missing", "SELECT 1 / 0"):
        with pytest.raises(pg8000.native.DatabaseError) as caught:
            connection.run(failing)
        answers.append({key: caught.value.args[0].get(key) for key in "SCMDPtcn"})
    connection.run("START TRANSACTION")
    connection.run("DELETE FROM tried")
    connection.run("ROLLBACK")
    connection.close()
    with pg8000.dbapi.connect(**pg8000_arguments(dsn)) as classic:
        cursor = classic.cursor()
        cursor.executemany("INSERT INTO tried (t) VALUES (%s)", [("b",), ("c",)])
        cursor.execute("SELECT id, t FROM tried WHERE t <> %s ORDER BY id", ("c",))
        answers += [cursor.fetchall(), cursor.rowcount, [column[0] for column in cursor.description]]
        classic.rollback()
        cursor.execute("SELECT count(*) FROM tried")
        answers.append(cursor.fetchone())
    return answers


def test_pg8000(databases: tuple[str, str]) -> None:
    ours, theirs = (pg8000_answers(dsn) for dsn in databases)
    assert ours == theirs
