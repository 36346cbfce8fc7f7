"""Goal: temporary tables are their session's alone and end with it, however it ends.

Method: a server with several connections: same names with other columns and the same texts, prepared and not; sessions that
are closed, terminated and cut off; a server that is killed; psycopg, SQLAlchemy and pandas as they use such tables. That one
session sees what PostgreSQL shows is `sql/temporary_tables.sql`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.quiver.server_process import ServerProcess, serving

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[Any, ...]]
TEMPORARY = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"


@pytest.fixture
def one(server: ServerProcess) -> Iterator[Connection]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def other(server: ServerProcess) -> Iterator[Connection]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        yield connection


def wait_until_none_is_left(server: ServerProcess, seconds: float = 10) -> None:
    """A session that was cut off ends soon, not at once."""
    end = time.monotonic() + seconds
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        while connection.execute(TEMPORARY).fetchone() != (0,):
            assert time.monotonic() < end, "temporary objects outlived their session"
            # A statement is the interval: nothing sleeps.
            connection.execute("SELECT count(*) FROM generate_series(1, 10000)")


def test_the_same_name_and_text_in_two_sessions(one: Connection, other: Connection) -> None:
    one.execute("CREATE TEMP TABLE same (id int PRIMARY KEY, a int)")
    other.execute("CREATE TEMP TABLE same (id int PRIMARY KEY, a text)")
    for _ in range(7):  # psycopg prepares on the fifth time
        one.execute("INSERT INTO same VALUES (%s, 5) ON CONFLICT (id) DO NOTHING", [1])
        other.execute("INSERT INTO same VALUES (%s, 'five') ON CONFLICT (id) DO NOTHING", [1])
        assert one.execute("SELECT a FROM same WHERE id = %s", [1]).fetchall() == [(5,)]
        assert other.execute("SELECT a FROM same WHERE id = %s", [1]).fetchall() == [("five",)]
        assert one.execute("SELECT a FROM same WHERE id = 1").fetchall() == [(5,)]
        assert other.execute("SELECT a FROM same WHERE id = 1").fetchall() == [("five",)]


def test_it_hides_a_permanent_table_for_its_session_only(one: Connection, other: Connection) -> None:
    one.execute("DROP TABLE IF EXISTS hidden")
    one.execute("CREATE TABLE hidden AS SELECT 1 AS a")
    query = "SELECT a FROM hidden WHERE a > %s"
    for _ in range(6):
        assert one.execute(query, [0]).fetchall() == [(1,)]
    one.execute("CREATE TEMP TABLE hidden AS SELECT 2 AS a")
    for _ in range(6):
        assert one.execute(query, [0]).fetchall() == [(2,)]
        assert other.execute(query, [0]).fetchall() == [(1,)]
    one.execute("DROP TABLE hidden")
    assert one.execute(query, [0]).fetchall() == [(1,)]
    one.execute("DROP TABLE hidden")


def test_others_find_it_by_no_name(one: Connection, other: Connection) -> None:
    one.execute("CREATE TEMP TABLE mine (a int)")
    row = one.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()").fetchone()
    assert row is not None
    schema = row[0]
    for name in ("mine", "pg_temp.mine"):
        with pytest.raises(errors.UndefinedTable):
            other.execute(f"SELECT * FROM {name}".encode())
    for statement in ("SELECT * FROM {}.mine", "INSERT INTO {}.mine VALUES (1)", "ALTER TABLE {}.mine ADD b int",
                      "DROP TABLE {}.mine", "COPY {}.mine TO STDOUT"):  # fmt: skip
        with pytest.raises(errors.FeatureNotSupported, match="temporary tables of other sessions"):
            other.execute(statement.format(schema).encode())
    with pytest.raises(errors.InvalidTableDefinition, match="temporary schemas of other sessions"):
        other.execute(f"CREATE TABLE {schema}.theirs (a int)".encode())
    other.execute(f"SET search_path = {schema}, public".encode())
    with pytest.raises(errors.UndefinedTable):
        other.execute("SELECT * FROM mine")
    assert other.execute("SELECT pg_is_other_temp_schema(%s::regnamespace)", [schema]).fetchone() == (True,)


@pytest.mark.parametrize("end", ["close", "terminate", "cut off", "cut off in a block"])
def test_it_ends_with_its_session(server: ServerProcess, one: Connection, end: str) -> None:
    session = psycopg.connect(server.dsn, autocommit=True)
    session.execute("CREATE TEMP TABLE ending (id serial PRIMARY KEY, v vector(2))")
    session.execute("INSERT INTO ending (v) VALUES ('[1,2]')")
    session.execute("CREATE INDEX ON ending USING hnsw (v vector_l2_ops)")
    session.execute("CREATE TEMP SEQUENCE counting")
    if end == "terminate":
        one.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
    elif end.startswith("cut off"):
        if end.endswith("block"):
            session.execute("BEGIN; INSERT INTO ending (v) VALUES ('[3,4]')")

        os.dup2(os.open(os.devnull, os.O_RDWR), session.fileno())
    session.close()
    wait_until_none_is_left(server)


def test_nothing_is_left_after_a_crash(tmp_path: Path) -> None:
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("CREATE TEMP TABLE lost (id int PRIMARY KEY, v vector(3))")
        connection.execute("INSERT INTO lost SELECT g, '[1,2,3]' FROM generate_series(1, 2000) g")
        connection.execute("CREATE INDEX ON lost USING hnsw (v vector_l2_ops)")
        connection.execute("CHECKPOINT")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("UPDATE lost SET v = '[4,5,6]' WHERE id < 1000")
        server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        assert connection.execute(TEMPORARY).fetchone() == (0,)
        assert connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pg_temp%'"
        ).fetchone() == (0,)
        assert connection.execute("SELECT a FROM kept").fetchall() == [(1,)]
        connection.execute("CREATE TEMP TABLE lost (a int)")


def test_on_commit_delete_rows_has_no_short_way(one: Connection) -> None:
    one.execute("CREATE TEMP TABLE emptied (a int, b text) ON COMMIT DELETE ROWS")
    for _ in range(8):
        one.execute("INSERT INTO emptied VALUES (%s, %s)", [1, "x"])
        one.execute("INSERT INTO emptied VALUES (1, 'x'), (2, 'y')")
        assert one.execute("SELECT count(*) FROM emptied").fetchone() == (0,)
    with one.transaction(), one.cursor() as cursor, cursor.copy("COPY emptied FROM STDIN") as copy:
        copy.write_row((1, "x"))
    with one.transaction():
        one.execute("INSERT INTO emptied VALUES (3, 'z')")
        assert one.execute("SELECT * FROM emptied").fetchall() == [(3, "z")]
    assert one.execute("SELECT count(*) FROM emptied").fetchone() == (0,)


def test_a_key_from_rows_that_stay_is_refused_at_commit(one: Connection) -> None:
    one.execute("CREATE TEMP TABLE parents (id int PRIMARY KEY) ON COMMIT DELETE ROWS")
    one.execute("CREATE TEMP TABLE children (id int REFERENCES parents)")
    with pytest.raises(errors.FeatureNotSupported, match="unsupported ON COMMIT and foreign key combination"):
        one.execute("INSERT INTO parents VALUES (1)")


def test_search_in_a_temporary_table(one: Connection) -> None:
    one.execute("CREATE TEMP TABLE found (id int, v vector(4))")
    one.execute(
        "INSERT INTO found SELECT g, ARRAY[g, g % 3, 1, 0]::vector(4) FROM generate_series(1, 3000) g"
    )
    one.execute("CREATE INDEX found_v ON found USING hnsw (v vector_l2_ops)")
    nearest = one.execute(
        "SELECT id FROM found ORDER BY v <-> %s::vector LIMIT 3", ["[100,1,1,0]"]
    ).fetchall()
    assert nearest[0] == (100,)
    plan = one.execute("EXPLAIN SELECT id FROM found ORDER BY v <-> '[100,1,1,0]' LIMIT 3").fetchall()
    assert any("found_v" in line for (line,) in plan)


def test_sqlalchemy(server: ServerProcess) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(server.dsn))
    with engine.connect() as connection:
        metadata = sqlalchemy.MetaData()
        table = sqlalchemy.Table(
            "staged", metadata, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True),
            sqlalchemy.Column("name", sqlalchemy.Text), prefixes=["TEMPORARY"], postgresql_on_commit="PRESERVE ROWS",
        )  # fmt: skip
        metadata.create_all(connection)
        connection.execute(table.insert(), [{"id": i, "name": name} for i, name in enumerate("abc")])
        connection.commit()
        rows = connection.execute(sqlalchemy.select(table).order_by(table.c.id)).fetchall()
        assert [tuple(row) for row in rows] == [(0, "a"), (1, "b"), (2, "c")]
        assert sqlalchemy.inspect(connection).get_temp_table_names() == ["staged"]
    engine.dispose()


def test_a_frame_goes_to_a_temporary_table(server: ServerProcess) -> None:
    """As pandas' to_sql appends: it asks whether the table is there, then inserts."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    pandas = pytest.importorskip("pandas")
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(server.dsn))
    frame = pandas.DataFrame({"id": [1, 2, 3], "name": ["a", "b", None]})
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE TEMP TABLE framed (id int, name text)"))
        frame.to_sql("framed", connection, if_exists="append", index=False)
        rows = connection.execute(sqlalchemy.text("SELECT * FROM framed ORDER BY id")).fetchall()
        assert [tuple(row) for row in rows] == [(1, "a"), (2, "b"), (3, None)]
    engine.dispose()


def test_temporary_views_end_with_their_session(server: ServerProcess) -> None:
    with (
        psycopg.connect(server.dsn, autocommit=True) as one,
        psycopg.connect(server.dsn, autocommit=True) as other,
    ):
        notices: list[str | None] = []
        one.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary))
        one.execute("CREATE TEMP VIEW passing AS SELECT 1 AS a")
        one.execute("CREATE TEMP TABLE gone (a int) ON COMMIT PRESERVE ROWS")
        one.execute("INSERT INTO gone VALUES (7)")
        one.execute("CREATE VIEW beside AS SELECT a FROM gone")
        assert notices == ['view "beside" will be a temporary view']
        assert one.execute("SELECT * FROM beside, passing").fetchall() == [(7, 1)]
        kinds = one.execute(
            "SELECT relname, relpersistence FROM pg_class WHERE relkind = 'v' AND relpersistence = 't'"
        )
        assert sorted(kinds) == [("beside", "t"), ("passing", "t")]
        with pytest.raises(psycopg.errors.UndefinedTable):
            other.execute("SELECT * FROM passing")
        one.execute("CREATE OR REPLACE TEMPORARY VIEW passing AS SELECT 2 AS a")
        assert one.execute("SELECT a FROM pg_temp.passing").fetchall() == [(2,)]
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            one.execute("DROP TABLE gone")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="views cannot be unlogged"):
            one.execute("CREATE UNLOGGED VIEW v AS SELECT 1")
        one.execute("DISCARD TEMP")
        with pytest.raises(psycopg.errors.UndefinedTable):
            one.execute("SELECT * FROM beside")
        with one.transaction():
            one.execute("CREATE TEMP TABLE short (a int) ON COMMIT DROP")
            one.execute("CREATE VIEW over_short AS SELECT a FROM short")
        one.execute("CREATE TEMP VIEW over_short AS SELECT 3 AS a")
    wait_until_none_is_left(server)
