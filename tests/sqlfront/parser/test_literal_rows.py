"""Goal: a statement is read as columns of literals only where the grammar reads the same literals at the same places.

Method: random INSERTs, many of them with something that is no plain literal; the grammar's tree is the oracle.
"""

from __future__ import annotations

import random

import pytest
from sqlglot import exp

from foundation.errors import QuiverError
from sqlfront.parser import LiteralKind, QueryStatement, literal_rows, parse_script

PLAIN = (
    "1",
    "-2",
    "007",
    "1.50",
    "-0.25e-3",
    "2E+10",
    "'a'",
    "''",
    "'it''s'",
    "'(1), (2)'",
    "'a,b'",
    "NULL",
    "true",
)
OTHER = (
    "DEFAULT",
    "1 + 1",
    "E'a'",
    "'a'::text",
    "'a' 'b'",
    "now()",
    "$1",
    "- 1",
    ".5",
    "5.",
    "nullif(1, 1)",
    "(1)",
)


def cell(node: exp.Expression) -> str | None:
    """The text of a literal as `LiteralColumn` has it."""
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    if isinstance(node, exp.Neg):
        return f"-{node.this.this}"
    assert isinstance(node, exp.Literal), node
    return str(node.this)


def by_grammar(text: str) -> list[list[str | None]]:
    (statement,) = parse_script(text)
    assert isinstance(statement.node, QueryStatement)
    values = statement.node.expression.expression
    assert isinstance(values, exp.Values)
    return [[cell(item) for item in row.expressions] for row in values.expressions]


def random_text(chance: random.Random) -> str:
    width, rows = chance.randrange(1, 4), chance.randrange(1, 5)
    columns = [[chance.choice(PLAIN) for _ in range(rows)] for _ in range(width)]
    if chance.random() < 0.3:
        columns[chance.randrange(width)][chance.randrange(rows)] = chance.choice(OTHER)
    gap = chance.choice(("", " ", "\n\t"))
    lists = [f"({gap}{f'{gap},{gap}'.join(column[row] for column in columns)}{gap})" for row in range(rows)]
    if chance.random() < 0.1:
        lists[-1] = "(1, 2, 3, 4)"
    head = chance.choice(
        ("INSERT INTO t VALUES ", "insert into a.b (x, y)\nvalues", 'INSERT INTO "T" ("x") VALUES ')
    )
    tail = chance.choice(("", ";", " ; ", " RETURNING 1", "; SELECT 1", " ON CONFLICT DO NOTHING", " -- end"))
    return head + f"{gap},{gap}".join(lists) + tail


def test_same_literals_as_the_grammar() -> None:
    chance = random.Random(11)
    read = 0
    for _ in range(4000):
        text = random_text(chance)
        rows = literal_rows(text)
        if rows is None:
            continue
        read += 1
        found = [list(row) for row in zip(*(column.cells for column in rows.columns), strict=True)]
        wanted = by_grammar(text)
        assert [[None if c is None else c.lower() for c in row] for row in found] == [
            [None if c is None else c.lower() for c in row] for row in wanted
        ], text
        assert rows.count == len(wanted)
        (template,) = parse_script(rows.template)
        assert isinstance(template.node, QueryStatement)
    assert read > 400


@pytest.mark.parametrize("item", OTHER)
def test_what_is_no_plain_literal_is_left_to_the_grammar(item: str) -> None:
    assert literal_rows(f"INSERT INTO t VALUES (1, 'a'), ({item}, 'b')") is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "INSERT INTO t SELECT 1",
        "INSERT INTO t VALUES (1), (2, 3)",
        "INSERT INTO t VALUES (1), ('a')",
        "INSERT INTO t VALUES (1) (2)",
        "INSERT INTO t VALUES (1,)",
        "INSERT INTO t VALUES ()",
        "INSERT INTO t VALUES (1abc)",
        "INSERT INTO t VALUES (0x1F)",
        "INSERT INTO t VALUES (1_000)",
        "INSERT INTO t VALUES ('open",
        "INSERT INTO t /* c */ VALUES (1)",
        "WITH x AS (SELECT 1) INSERT INTO t VALUES (1)",
    ],
)
def test_texts_that_are_something_else(text: str) -> None:
    assert literal_rows(text) is None


def test_kinds_of_columns() -> None:
    rows = literal_rows("INSERT INTO t VALUES (1, 'a', NULL, true, NULL), (NULL, NULL, NULL, FALSE, '')")
    assert rows is not None
    kinds = [
        LiteralKind.NUMBER,
        LiteralKind.STRING,
        LiteralKind.ONLY_NULL,
        LiteralKind.BOOLEAN,
        LiteralKind.STRING,
    ]
    assert [column.kind for column in rows.columns] == kinds
    assert rows.template == "INSERT INTO t VALUES ($1, $2, $3, $4, $5)"


@pytest.mark.parametrize("text", ["('" * 20000, "(1, " * 20000, "(1)," * 20000, "('" + "''" * 20000])
def test_long_texts_that_end_badly_are_refused_quickly(text: str) -> None:
    """No catastrophic backtracking: the grammar's error comes in any case."""
    statement = f"INSERT INTO t VALUES {text}"
    assert literal_rows(statement) is None
    with pytest.raises(QuiverError):
        parse_script(statement)
