"""Goal: scripts split into statements with their own text and positions; limits and refusals are errors.

Method: hand-written scripts, random bytes, and deep nesting.
"""

from __future__ import annotations

import random

import pytest
from sqlglot import exp

from foundation.errors import QuiverError
from foundation.sqltypes import SqlType
from sqlfront import parser
from sqlfront.parser import parse_expression, parse_script, parse_type
from sqlfront.parser.nodes import position_of
from sqlfront.parser.typenames import resolve_type


def test_texts_and_offsets() -> None:
    script = "  begin;; select 'a;b' ; -- ;\n commit"
    found = parse_script(script)
    assert [(p.text, p.position_in_script) for p in found] == [
        ("begin", 2), ("select 'a;b'", 10), ("commit", 31),
    ]  # fmt: skip
    assert parse_script(" ; -- nothing\n") == ()


def test_positions_count_from_the_scripts_start() -> None:
    (_, second) = parse_script("select 1; select é, nosuch from t")
    assert isinstance(second.node, parser.QueryStatement)
    column = second.node.expression.expressions[1]
    assert isinstance(column, exp.Column)
    assert position_of(column) == 21


def test_long_chains_are_balanced() -> None:
    query = "select 1 where " + " or ".join(f"a = {i}" for i in range(2000))
    (parsed,) = parse_script(query)
    assert isinstance(parsed.node, parser.QueryStatement)
    assert parsed.node.expression.args["where"].this.depth <= 20


@pytest.mark.parametrize(
    "open_, close", [("(", ")"), ("(select ", ")"), ("array[", "]"), ("- ", ""), ("case when ", "")]
)
def test_deep_nesting_is_an_error(open_: str, close: str) -> None:
    with pytest.raises(QuiverError) as raised:
        parse_script("select " + open_ * 5000 + "1" + close * 5000)
    assert raised.value.sqlstate == "54001"
    assert raised.value.message == "stack depth limit exceeded"


def test_any_text_gives_statements_or_an_error() -> None:
    rng = random.Random(3)
    alphabet = "select from where (),;'\"$1[]::<->\\\x00é+-*/ \n\U0001f600 e' in not null $$"
    for _ in range(400):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randrange(60)))
        try:
            parse_script(text)
        except QuiverError as error:
            assert error.position is None or 1 <= error.position <= len(text) + 1


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create or replace procedure f() as 'x'", "CREATE PROCEDURE is not supported"),
        ("do 'x'", "DO is not supported"),
        ("copy t from '/etc/passwd'", "COPY of a server file is not supported"),
        ("drop operator family f using btree", "DROP OPERATOR FAMILY is not supported"),
    ],
)
def test_refusals_have_names(sql: str, message: str) -> None:
    with pytest.raises(QuiverError) as raised:
        parse_script(sql)
    assert (raised.value.sqlstate, raised.value.message) == ("0A000", message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", SqlType(23)), ("double precision", SqlType(701)), ("vector(3)", SqlType(16385, 3)),
        ("varchar(10)", SqlType(1043, 14)), ("char", SqlType(1042, 5)), ('"char"', SqlType(18)),
        ("numeric(10,2)", SqlType(1700, ((10 << 16) | 2) + 4)), ("timestamp(3) with time zone", SqlType(1184, 3)),
        ("pg_catalog.int4[]", SqlType(1007)), ("bit", SqlType(1560, 1)), ("float(24)", SqlType(700)),
        ("halfvec", SqlType(16387)), ("oid[]", SqlType(1028)), ("time", SqlType(1083)),
    ],
)  # fmt: skip
def test_types(text: str, expected: SqlType) -> None:
    assert resolve_type(parse_type(text)) == expected


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("nosuch", "42704"),
        ("polygon", "0A000"),
        ("int(3)", "42601"),
        ("vector(0)", "22023"),
        ("varchar(0)", "22023"),
    ],
)
def test_bad_types(text: str, sqlstate: str) -> None:
    with pytest.raises(QuiverError) as raised:
        resolve_type(parse_type(text))
    assert raised.value.sqlstate == sqlstate


def test_a_lone_expression() -> None:
    assert parse_expression("a + 1").sql == "a + 1"
    with pytest.raises(QuiverError):
        parse_expression("a + 1 b")


def test_settings() -> None:
    def one(sql: str) -> parser.Statement:
        return parse_script(sql)[0].node

    assert one('SET "hnsw.ef_search" = "100"') == parser.SetStatement("hnsw.ef_search", ("100",))
    assert one("SET LOCAL x.y TO default") == parser.SetStatement("x.y", None, True)
    assert one("set time zone interval '+00:00' hour to minute") == parser.SetStatement("timezone", ("UTC",))
    assert one("show transaction isolation level") == parser.ShowStatement("transaction_isolation")
    assert one("fetch backward all in c") == parser.FetchStatement("c", parser.FetchDirection.BACKWARD, None)
    assert one("rollback to s") == parser.RollbackToStatement("s")


@pytest.mark.parametrize(
    "default", ["(not true)", "(now() at time zone 'utc')", "coalesce(null is null, a in (1))"]
)
def test_inside_the_brackets_of_a_default_everything_is_allowed(default: str) -> None:
    (statement,) = parse_script(f"CREATE TABLE t (a timestamptz DEFAULT {default} NOT NULL)")
    assert default in statement.text
    with pytest.raises(QuiverError):
        parse_script("CREATE TABLE t (a bool DEFAULT not true)")
