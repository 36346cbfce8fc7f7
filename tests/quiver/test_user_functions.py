"""Goal: users' functions outlive the server, change for those who call them at once, and show in tools.

Method: a server that is killed, sessions that hold prepared statements, psql and pg_dump. What calls answer is compared with
PostgreSQL in `sql/user_functions.sql`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow


def test_functions_outlive_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION half(v numeric, w int DEFAULT 2) RETURNS numeric LANGUAGE sql AS 'SELECT v / w'"
        )
        connection.execute("CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("DROP FUNCTION gone()")
        connection.execute("COMMENT ON FUNCTION half IS 'divides'")
        server.kill()
    with serving(tmp_path / "data") as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert connection.execute("SELECT half(5)::text, half(9, 3)::text").fetchone() == (
            "2.5000000000000000", "3.0000000000000000",
        )  # fmt: skip
        comment = "SELECT obj_description('half'::regproc), to_regproc('gone')"
        assert connection.execute(comment).fetchone() == ("divides", None)


def test_prepared_statements_see_the_function_as_it_is(server: ServerProcess) -> None:
    with (
        psycopg.connect(server.dsn, autocommit=True) as one,
        psycopg.connect(server.dsn, autocommit=True) as other,
    ):
        one.execute("CREATE FUNCTION rate() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        query = "SELECT rate() + %s::int"
        for _ in range(3):
            assert one.execute(query, (1,), prepare=True).fetchone() == (2,)
        other.execute("CREATE OR REPLACE FUNCTION rate() RETURNS int LANGUAGE sql AS 'SELECT 10'")
        assert one.execute(query, (1,), prepare=True).fetchone() == (11,)
        other.execute("DROP FUNCTION rate()")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            one.execute(query, (1,), prepare=True)


def test_definitions_are_transactional(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn) as connection, psycopg.connect(server.dsn, autocommit=True) as other:
        connection.execute("CREATE FUNCTION seen() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        assert connection.execute("SELECT seen()").fetchone() == (1,)
        with pytest.raises(psycopg.errors.UndefinedFunction):
            other.execute("SELECT seen()")
        connection.rollback()
        with pytest.raises(psycopg.errors.UndefinedFunction):
            connection.execute("SELECT seen()")


def test_a_recursive_function_is_refused(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE FUNCTION down(n int) RETURNS int LANGUAGE sql AS 'SELECT 0'")
        connection.execute(
            "CREATE OR REPLACE FUNCTION down(n int) RETURNS int LANGUAGE sql"
            " AS 'SELECT CASE WHEN n = 0 THEN 0 ELSE down(n - 1) END'"
        )
        with pytest.raises(psycopg.errors.StatementTooComplex, match="stack depth limit exceeded"):
            connection.execute("SELECT down(3)")


def test_psql_and_pg_dump_show_functions(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE tools")
    dsn = psycopg.conninfo.make_conninfo(server.dsn, dbname="tools")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION near(v int, n int DEFAULT 3) RETURNS TABLE(a int, b text) LANGUAGE sql STABLE STRICT"
            " AS $$ SELECT i, 'it''s' FROM generate_series(v, v + n) i $$"
        )
    shown = subprocess.run(
        ["psql", "-X", "-At", "-d", dsn, "-c", r"\df"], capture_output=True, text=True, check=True
    )
    row = "public|near|TABLE(a integer, b text)|v integer, n integer DEFAULT 3|func"
    assert row in shown.stdout.splitlines()
    dump = subprocess.run(["pg_dump", "-s", "-d", dsn], capture_output=True, text=True, check=True).stdout
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP FUNCTION near")
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn],
        input=dump,
        text=True,
        check=True,
        capture_output=True,
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert connection.execute("SELECT * FROM public.near(7, 1)").fetchall() == [(7, "it's"), (8, "it's")]
