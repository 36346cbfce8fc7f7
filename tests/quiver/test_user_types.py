"""Goal: enums are types: they answer as PostgreSQL's do, in every form, for every client, and after a restart.

Method: `sql/user_types.sql` on a real PostgreSQL 16 and on a Quiver server, where OIDs of types are compared by name; COPY
in its formats and parameters over the wire; psycopg, asyncpg and SQLAlchemy with their own support of enums; labels
added in seeded random places against a Python list; transactions, crashes and two databases.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import asyncpg
import psycopg
import pytest
import sqlalchemy
from psycopg import errors, sql
from psycopg.types.enum import EnumInfo, register_enum

from tests.quiver.server_process import ServerProcess, serving
from tests.quiver.sql_outcomes import beside_postgresql, differences

pytestmark = pytest.mark.slow

Connection = psycopg.Connection[tuple[object, ...]]
LABELS = ["sad", "ok", "happy"]


class Mood(Enum):
    SAD = "sad"
    OK = "ok"
    HAPPY = "happy"


@pytest.fixture
def connection(server: ServerProcess) -> Iterator[Connection]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS t")
        connection.execute("DROP TYPE IF EXISTS mood")
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
        yield connection
        connection.execute("DROP TABLE IF EXISTS t")
        connection.execute("DROP TYPE mood")


def test_same_outcomes(postgres_uri: str, server: ServerProcess) -> None:
    with beside_postgresql(postgres_uri, server.dsn, "user_types") as (theirs, ours):
        found = differences("user_types.sql", theirs, ours)
    assert not found, "\n".join(found)


def test_dependents_in_detail_and_notice(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (id int, st mood, more mood[])")
    with pytest.raises(errors.DependentObjectsStillExist) as caught:
        connection.execute("DROP TYPE mood")
    assert caught.value.diag.message_detail == (
        "column st of table t depends on type mood\ncolumn more of table t depends on type mood[]"
    )
    notices: list[str | None] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_detail))
    connection.execute("DROP TYPE mood CASCADE")
    assert notices == ["drop cascades to column st of table t\ndrop cascades to column more of table t"]
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")


@pytest.mark.parametrize("options", ["FORMAT text", "FORMAT csv, HEADER", "FORMAT binary"])
def test_copy(connection: Connection, options: str) -> None:
    connection.execute("CREATE TABLE t (id int, m mood, ms mood[])")
    rows = [(1, "ok", ["sad", None]), (2, None, []), (3, "happy", None)]
    for row in rows:
        connection.execute("INSERT INTO t VALUES (%s, %s, %s::text[]::mood[])", row)
    with connection.cursor().copy(f"COPY t TO STDOUT ({options})".encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    connection.execute("TRUNCATE t")
    with connection.cursor().copy(f"COPY t FROM STDIN ({options})".encode()) as copy:
        copy.write(data)
    found = connection.execute("SELECT id, m, ms::text[] FROM t ORDER BY id").fetchall()
    assert found == rows


def test_copy_refuses_a_label_it_does_not_know(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (m mood)")
    message = 'invalid input value for enum mood: "bad"'
    with (
        pytest.raises(errors.InvalidTextRepresentation, match=message),
        connection.cursor().copy("COPY t FROM STDIN") as copy,
    ):
        copy.write("ok\nbad\n")
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_parameters_have_the_types_oid(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (id int PRIMARY KEY, m mood)")
    (oid,) = connection.execute("SELECT 'mood'::regtype::oid").fetchone() or (0,)
    pgconn = connection.pgconn
    pgconn.prepare(b"p", b"SELECT id FROM t WHERE m = $1 OR m = ANY ($2)")
    described = pgconn.describe_prepared(b"p")
    assert described.param_type(0) == oid
    for n, label in enumerate([*LABELS, "ok"] * 5):
        connection.execute("INSERT INTO t VALUES (%s, %s)", [n, label], prepare=True)
    query = "SELECT count(*) FROM t WHERE m > %s"
    assert [connection.execute(query, [label], prepare=True).fetchone() for label in LABELS] == [
        (15,),
        (5,),
        (0,),
    ]
    with pytest.raises(errors.InvalidTextRepresentation):
        connection.execute("INSERT INTO t VALUES (%s, %s)", [99, "bad"], prepare=True)
    for n in range(40, 44):
        connection.execute(f"INSERT INTO t VALUES ({n}, 'happy')".encode())
    with pytest.raises(errors.InvalidTextRepresentation):
        connection.execute("INSERT INTO t VALUES (44, 'hapy')")
    assert connection.execute("SELECT m, count(*) FROM t GROUP BY m ORDER BY m").fetchall() == [
        ("sad", 5),
        ("ok", 10),
        ("happy", 9),
    ]


def test_psycopg_enum(connection: Connection) -> None:
    info = EnumInfo.fetch(connection, "mood")
    assert info is not None and list(info.labels) == LABELS
    register_enum(info, connection, Mood, mapping={mood: mood.value for mood in Mood})
    connection.execute("CREATE TABLE t (m mood, ms mood[])")
    for is_binary in (False, True):
        cursor = connection.cursor(binary=is_binary)
        cursor.execute("INSERT INTO t VALUES (%s, %s)", [Mood.OK, [Mood.SAD, Mood.HAPPY]])
        found = cursor.execute("SELECT m, ms FROM t").fetchall()
        assert set(map(repr, found)) == {repr((Mood.OK, [Mood.SAD, Mood.HAPPY]))}


def test_asyncpg(server: ServerProcess, connection: Connection) -> None:
    connection.execute("CREATE TABLE t (m mood, ms mood[])")

    async def run() -> None:
        client = await asyncpg.connect(
            host=server.host, port=server.port, user="postgres", database="postgres"
        )
        try:
            await client.execute("INSERT INTO t VALUES ($1, $2)", "ok", ["sad", None])
            row = await client.fetchrow("SELECT m, ms FROM t WHERE m = $1", "ok")
            assert tuple(row) == ("ok", ["sad", None])
            await client.copy_records_to_table("t", records=[("happy", None)])
            assert await client.fetchval("SELECT max(m) FROM t") == "happy"
            with pytest.raises(asyncpg.InvalidTextRepresentationError):
                await client.execute("INSERT INTO t (m) VALUES ($1)", "bad")
        finally:
            await client.close()

    asyncio.run(run())


def test_sqlalchemy(server: ServerProcess, connection: Connection) -> None:
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://postgres@{server.host}:{server.port}/postgres")
    metadata = sqlalchemy.MetaData()
    kind = sqlalchemy.Enum(Mood, name="feeling", values_callable=lambda moods: [m.value for m in moods])
    table = sqlalchemy.Table(
        "felt", metadata, sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True), sqlalchemy.Column("m", kind)
    )  # fmt: skip
    metadata.create_all(engine)
    try:
        with engine.begin() as client:
            client.execute(
                table.insert(), [{"id": 1, "m": Mood.HAPPY}, {"id": 2, "m": None}, {"id": 3, "m": Mood.SAD}]
            )
            found = client.execute(sqlalchemy.select(table).order_by(table.c.m)).fetchall()
            assert [tuple(row) for row in found] == [(3, Mood.SAD), (1, Mood.HAPPY), (2, None)]
            assert client.scalar(sqlalchemy.select(table.c.id).where(table.c.m == Mood.SAD)) == 3
        column = sqlalchemy.inspect(engine).get_columns("felt")[1]
        assert isinstance(column["type"], sqlalchemy.Enum)
        assert (column["type"].name, column["type"].enums) == ("feeling", LABELS)
    finally:
        metadata.drop_all(engine)
        engine.dispose()
    assert connection.execute("SELECT to_regtype('feeling')").fetchall() == [(None,)]


def test_new_label_waits_for_commit(server: ServerProcess, connection: Connection) -> None:
    connection.execute("CREATE TABLE t (m mood)")
    with psycopg.connect(server.dsn) as other:
        other.execute("ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'")
        with pytest.raises(errors.UnsafeNewEnumValueUsage), other.transaction():
            other.execute("SELECT 'fine'::mood")
        with pytest.raises(errors.InvalidTextRepresentation):
            connection.execute("INSERT INTO t VALUES ('fine')")
        assert other.execute("SELECT count(*) FROM pg_enum WHERE enumlabel = 'fine'").fetchall() == [(1,)]
        other.rollback()
        with pytest.raises(errors.InvalidTextRepresentation):
            connection.execute("INSERT INTO t VALUES ('fine')")
        other.execute("CREATE TYPE own AS ENUM ('b')")
        other.execute("ALTER TYPE own ADD VALUE 'a' BEFORE 'b'")
        assert other.execute("SELECT 'a'::own < 'b'").fetchall() == [(True,)]
        other.rollback()
    with pytest.raises(errors.UndefinedObject):
        connection.execute("SELECT 'a'::own")


def test_a_label_in_a_kept_text_is_not_renamed(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (m mood DEFAULT 'ok', CHECK (m <> 'sad'))")
    for label in ("ok", "sad"):
        with pytest.raises(errors.FeatureNotSupported):
            connection.execute(sql.SQL("ALTER TYPE mood RENAME VALUE {} TO 'x'").format(label))
    connection.execute("INSERT INTO t VALUES ('happy')")
    connection.execute("ALTER TYPE mood RENAME VALUE 'happy' TO 'glad'")
    assert connection.execute("SELECT m FROM t").fetchall() == [("glad",)]


def test_drop_beside_a_new_column(server: ServerProcess, connection: Connection) -> None:
    """Two transactions that do not see each other: one of them fails, no column is left without its type."""
    with psycopg.connect(server.dsn) as other:
        other.execute("CREATE TYPE brief AS ENUM ('a')")
        other.commit()
        other.execute("CREATE TABLE user_of_brief (m brief)")
        connection.execute("DROP TYPE brief")
        with pytest.raises(errors.SerializationFailure):
            other.commit()


def test_views_keep_their_types(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (id int, m mood)")
    connection.execute("INSERT INTO t VALUES (1, 'happy'), (2, 'sad')")
    connection.execute("CREATE VIEW v AS SELECT m, 'ok'::mood < m AS is_better FROM t")
    try:
        assert connection.execute("SELECT * FROM v ORDER BY m").fetchall() == [
            ("sad", False),
            ("happy", True),
        ]
        with pytest.raises(errors.DependentObjectsStillExist):
            connection.execute("DROP TYPE mood")
        for command in ("DROP TYPE mood CASCADE", "ALTER TYPE mood RENAME VALUE 'ok' TO 'x'"):
            with pytest.raises(errors.FeatureNotSupported):
                connection.execute(command.encode())
    finally:
        connection.execute("DROP VIEW v")


@pytest.mark.parametrize("seed", range(3))
def test_order_with_labels_in_random_places(connection: Connection, seed: int) -> None:
    chance = random.Random(seed)
    connection.execute("CREATE TABLE t (m mood)")
    labels = list(LABELS)
    for n in range(40):
        label, neighbour = f"v{n}", chance.choice(labels)
        is_before = chance.random() < 0.5
        connection.execute(
            f"ALTER TYPE mood ADD VALUE '{label}' {'BEFORE' if is_before else 'AFTER'} '{neighbour}'".encode()
        )
        labels.insert(labels.index(neighbour) + (not is_before), label)
        connection.execute("INSERT INTO t VALUES (%s), (%s)", [label, chance.choice(labels)])
    found = [row[0] for row in connection.execute("SELECT m FROM t ORDER BY m").fetchall()]
    assert found == sorted(found, key=lambda label: labels.index(str(label)))
    assert connection.execute("SELECT enum_range(NULL::mood)::text[]").fetchone() == (labels,)
    for bound in chance.sample(labels, 5):
        counted = connection.execute("SELECT count(*) FROM t WHERE m < %s", [bound]).fetchone()
        assert counted == (sum(labels.index(str(label)) < labels.index(bound) for label in found),)


def test_no_room_between_two_labels(connection: Connection) -> None:
    with pytest.raises(errors.ProgramLimitExceeded):
        for n in range(40):
            connection.execute(f"ALTER TYPE mood ADD VALUE 'w{n}' BEFORE 'ok'".encode())


@pytest.mark.parametrize("is_crash", [False, True])
def test_after_a_restart(tmp_path: Path, is_crash: bool) -> None:
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')")
        connection.execute("CREATE TABLE t (m mood UNIQUE, ms mood[])")
        connection.execute("INSERT INTO t VALUES ('ok', '{sad}')")
        if is_crash:
            connection.execute("CHECKPOINT")
        connection.execute("ALTER TYPE mood ADD VALUE 'fine' AFTER 'ok'")
        connection.execute("INSERT INTO t VALUES ('fine', '{fine,ok}'), ('happy', NULL)")
        connection.execute("ALTER TYPE mood RENAME VALUE 'ok' TO 'fair'")
        if is_crash:
            server.kill()
    with serving(tmp_path) as server, psycopg.connect(server.dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT m, ms::text[] FROM t ORDER BY m").fetchall()
        assert rows == [("fair", ["sad"]), ("fine", ["fine", "fair"]), ("happy", None)]
        with pytest.raises(errors.UniqueViolation):
            connection.execute("INSERT INTO t VALUES ('fair')")


def test_two_databases(server: ServerProcess, connection: Connection) -> None:
    """Types of one name in two databases have nothing to do with each other."""
    connection.execute("CREATE DATABASE elsewhere")
    with psycopg.connect(server.dsn, dbname="elsewhere", autocommit=True) as other:
        with pytest.raises(errors.UndefinedObject):
            other.execute("SELECT 'ok'::mood")
        other.execute("CREATE TYPE mood AS ENUM ('happy', 'ok')")
        assert other.execute("SELECT 'ok'::mood > 'happy'").fetchall() == [(True,)]
        assert connection.execute("SELECT 'ok'::mood > 'happy'").fetchall() == [(False,)]
    connection.execute("DROP DATABASE elsewhere")


def test_kept_texts_mean_the_type_whatever_the_search_path(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA here",
            "CREATE SCHEMA elsewhere",
            "SET search_path = here",
            "CREATE TYPE tint AS ENUM ('red', 'blue')",
            "CREATE TABLE painted (id int PRIMARY KEY, t tint DEFAULT 'red', CHECK (t <> 'blue'))",
            "CREATE VIEW reds AS SELECT id FROM painted WHERE t = 'red' OR t = ANY (ARRAY['red'::tint])",
            "SET search_path = elsewhere",
            "CREATE TYPE tint AS ENUM ('blue', 'green', 'red')",
            "INSERT INTO here.painted (id) VALUES (1)",
        ):
            connection.execute(statement.encode())
        assert connection.execute("SELECT id FROM here.reds").fetchall() == [(1,)]
        assert connection.execute("SELECT t::text FROM here.painted").fetchall() == [("red",)]
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO here.painted VALUES (2, 'blue')")
        shown = connection.execute("SELECT pg_get_viewdef('here.reds'::regclass)").fetchone()
        assert shown is not None
        assert "'red'::here.tint" in shown[0]
        with pytest.raises(
            errors.FeatureNotSupported, match=r"changing a schema that view here\.reds may use"
        ):
            connection.execute("ALTER SCHEMA here RENAME TO there")
        assert connection.execute("SELECT id FROM here.reds").fetchall() == [(1,)]


def test_a_renamed_schema_takes_its_types_along(server: ServerProcess) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in (
            "CREATE SCHEMA early",
            "CREATE TYPE early.size AS ENUM ('s', 'm')",
            "CREATE TABLE shirts (id int, s early.size)",
            "ALTER SCHEMA early RENAME TO late",
            "ALTER TABLE shirts ALTER s SET DEFAULT 'm', ADD CHECK (s <> 's')",
            "INSERT INTO shirts (id) VALUES (1)",
        ):
            connection.execute(statement.encode())
        assert connection.execute("SELECT s::text, pg_typeof(s)::text FROM shirts").fetchall() == [
            ("m", "late.size")
        ]
        with pytest.raises(errors.CheckViolation):
            connection.execute("INSERT INTO shirts VALUES (2, 's')")
