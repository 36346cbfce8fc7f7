"""Goal: INSERTs of literals leave the rows and give the errors that PostgreSQL's leave and give, however they are read.

Method: for every column type literals that fit, that are cast, rounded or refused, alone and among rows that fit, by
simple query on Quiver and on PostgreSQL beside it; then statements that are close to a list of literals.
"""

from __future__ import annotations

import random

import psycopg
import pytest

from tests.quiver.shared_server import Database

STRINGS = (
    "'1'",
    "''",
    "'abc'",
    "'  7 '",
    "'1.5'",
    "'t'",
    "'NaN'",
    "'-0'",
    "'1e3'",
    "'2026-02-29'",
    "'2026-01-01 10:00+02'",
)
STRINGS += (
    "'{1,2}'",
    "'{\"a\": 1}'",
    "'[1,2]'",
    "'[1,2,3]'",
    "'it''s'",
    "'\\x41'",
    "'\u00e4\U0001f600'",
    "'infinity'",
    "'null'",
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "-0",
    "-0.0",
    "2.5",
    "-3.5",
    "1e3",
    "1.50",
    "32768",
    "2147483648",
    "9223372036854775808",
)
NUMBERS += ("0.1", "1e-400", "1e400", "123456.789", "9007199254740993")
OTHERS = ("NULL", "TRUE", "false")

TYPES = (
    "smallint",
    "int",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "numeric(5,2)",
    "text",
    "varchar(3)",
)
TYPES += (
    "char(3)",
    "bool",
    "date",
    "timestamptz",
    "int[]",
    "jsonb",
    "uuid",
    "bytea",
    "interval",
    "vector(2)",
)

NOT_SUPPORTED = {"numeric(5,2)": ("'NaN'",), "int[]": ("'[1,2]'", "'[1,2,3]'")}
"""0A000: a NaN where the precision is given, array bounds."""

STATEMENTS = (
    "INSERT INTO made VALUES (1, 'a'), (2, 'b'),",
    "INSERT INTO made VALUES (1, 'a', 3)",
    "INSERT INTO made (id) VALUES (1, 'a')",
    "INSERT INTO made (id, nothing) VALUES (1, 'a')",
    "INSERT INTO made (id, id) VALUES (1, 2)",
    "INSERT INTO nowhere VALUES (1)",
    "INSERT INTO made VALUES (1, 'a'), (1, 'b')",
    "INSERT INTO made VALUES (3, NULL), (4, 'd')",
    "INSERT INTO made (note) VALUES ('only a note')",
    "INSERT INTO made VALUES (5, 'a') RETURNING id",
    "INSERT INTO made VALUES (6, 'a'); SELECT count(*) FROM made",
    "INSERT INTO made AS m VALUES (7, 'a')",
    "INSERT INTO public.made (note, id) VALUES ('x', 8), ('y', 9);",
    "INSERT INTO made VALUES (10, 'a'), (-1, 'b')",
    "INSERT INTO made VALUES ('11', 'a'), (12, 'b')",
    "INSERT INTO made VALUES (13, 'long note that does not fit')",
    "INSERT INTO summed VALUES (1)",
)


def outcome(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> tuple[object, ...]:
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return (
            error.sqlstate,
            error.diag.message_primary,
            error.diag.message_detail,
            error.diag.statement_position,
        )
    return (cursor.statusmessage,)


COLUMNS = {"literal": "v::text, w", "made": "id, note", "summed": "a, b", "keyed": "id"}


def rows(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[tuple[object, ...]]:
    found = connection.execute(f"SELECT {COLUMNS[table]} FROM {table}".encode()).fetchall()
    return sorted(found, key=repr)


@pytest.fixture
def pair(own_database: Database, postgres_uri: str) -> object:
    with (
        psycopg.connect(own_database.dsn, autocommit=True) as ours,
        psycopg.connect(postgres_uri, autocommit=True) as theirs,
    ):
        theirs.execute("CREATE EXTENSION IF NOT EXISTS vector")
        for connection in (ours, theirs):
            connection.execute("SET TimeZone = 'UTC'")
        yield ours, theirs


@pytest.mark.parametrize("sql_type", TYPES)
def test_literals_of_every_kind_in_every_type(
    pair: tuple[psycopg.Connection, psycopg.Connection], sql_type: str
) -> None:
    for connection in pair:
        connection.execute("DROP TABLE IF EXISTS literal")
        connection.execute(f"CREATE TABLE literal (v {sql_type}, w int)".encode())
    chance = random.Random(sql_type)
    literals = [
        literal for literal in (*STRINGS, *NUMBERS, *OTHERS) if literal not in NOT_SUPPORTED.get(sql_type, ())
    ]
    statements = [f"INSERT INTO literal VALUES ({literal}, 1)" for literal in literals]
    good = [literals[i] for i, s in enumerate(statements) if outcome(pair[1], s)[0] == "INSERT 0 1"]
    pair[1].execute("TRUNCATE literal")
    for _ in range(12):
        some = chance.choices(good or ["NULL"], k=5) + chance.choices(literals, k=chance.randrange(2))
        statements.append(
            "INSERT INTO literal VALUES " + ", ".join(f"({literal}, {i})" for i, literal in enumerate(some))
        )
    for statement in statements:
        ours, theirs = (outcome(connection, statement) for connection in pair)
        assert ours == theirs, statement
    assert rows(pair[0], "literal") == rows(pair[1], "literal")


def test_statements_around_a_list_of_literals(pair: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    for connection in pair:
        connection.execute("DROP TABLE IF EXISTS made, summed")
        connection.execute(
            "CREATE TABLE made (id int DEFAULT 100 CHECK (id > 0) UNIQUE, note varchar(12) NOT NULL)"
        )
        connection.execute("CREATE TABLE summed (a int, b int GENERATED ALWAYS AS (a * 2) STORED)")
    for statement in STATEMENTS:
        ours, theirs = (outcome(connection, statement) for connection in pair)
        assert ours[:2] == theirs[:2], statement
        for table in ("made", "summed"):
            assert rows(pair[0], table) == rows(pair[1], table), statement


def test_a_block_that_failed_refuses_them(pair: tuple[psycopg.Connection, psycopg.Connection]) -> None:
    for connection in pair:
        connection.execute("DROP TABLE IF EXISTS keyed")
        connection.execute("CREATE TABLE keyed (id int PRIMARY KEY)")
        connection.execute("BEGIN")
        assert outcome(connection, "INSERT INTO keyed VALUES (1), (1)")[0] == "23505"
        assert outcome(connection, "INSERT INTO keyed VALUES (2)")[0] == "25P02"
        connection.execute("ROLLBACK")
        assert rows(connection, "keyed") == []
