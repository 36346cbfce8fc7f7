"""Goal: only literals that stand where a parameter could are taken out, and the text can be put together again.

Method: statements with what is expected of them; a text whose words are not understood has no shape.
"""

from __future__ import annotations

import pytest

from sqlfront.parser import lift_literals

I4, I8, NUMERIC = 23, 20, 1700


@pytest.mark.parametrize(
    ("text", "shape", "oids", "texts"),
    [
        ("SELECT a FROM t WHERE id = 4711", "SELECT a FROM t WHERE id = $1", (I4,), ("4711",)),
        ("DELETE FROM t WHERE id=3000000000;", "DELETE FROM t WHERE id=$1;", (I8,), ("3000000000",)),
        (
            "SELECT 1, 'x' FROM t WHERE a IN (1, -2.5) AND n <> 'it''s' ORDER BY 2 LIMIT 10 OFFSET 5",
            "SELECT 1, 'x' FROM t WHERE a IN ($1, $2) AND n <> $3 ORDER BY 2 LIMIT $4 OFFSET $5",
            (I4, NUMERIC, 0, 0, 0),
            ("1", "-2.5", "it's", "10", "5"),
        ),
        (
            'UPDATE "t 5" SET a = 9223372036854775808, b = c + 1 WHERE d BETWEEN 1e3 AND .5',
            'UPDATE "t 5" SET a = $1, b = c + 1 WHERE d BETWEEN $2 AND $3',
            (NUMERIC, NUMERIC, NUMERIC),
            ("9223372036854775808", "1e3", ".5"),
        ),
        (
            "INSERT INTO t (a, b) VALUES (1, 'x'), (f(2), 'y') RETURNING a",
            "INSERT INTO t (a, b) VALUES ($1, $2), (f(2), $3) RETURNING a",
            (I4, 0, 0),
            ("1", "x", "y"),
        ),
        (
            "SELECT a -- = 'x\nFROM t /* = 5 */ WHERE e <-> '[1,2]' < 3 ORDER BY e <-> '[1,2]' LIMIT 1",
            "SELECT a -- = 'x\nFROM t /* = 5 */ WHERE e <-> $1 < $2 ORDER BY e <-> $1 LIMIT $3",
            (0, I4, 0),
            ("[1,2]", "3", "1"),
        ),
        ("select a from t where b = - 5", "select a from t where b = $1", (I4,), ("-5",)),
        (
            "select a from t where b = 5 + 1 and c = '5'::int and d > -2147483648 and e = 7",
            "select a from t where b = 5 + 1 and c = '5'::int and d > -2147483648 and e = $1",
            (I4,),
            ("7",),
        ),
        (
            "select a from t where d = date '2020-01-01' and e like 'x%' and f in (select 1, 2) and g = 7",
            "select a from t where d = date '2020-01-01' and e like 'x%' and f in (select 1, 2) and g = $1",
            (I4,),
            ("7",),
        ),
    ],
)
def test_shapes(text: str, shape: str, oids: tuple[int, ...], texts: tuple[str, ...]) -> None:
    assert lift_literals(text) == (shape, oids, texts)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1, 'a'",
        "SELECT a FROM t WHERE b = $1 AND c = 5",
        "SELECT a FROM t WHERE b = $$x$$ AND c = 5",
        "SELECT a FROM t WHERE b = E'x' AND c = 5",
        "SELECT a FROM t WHERE b = U&'x' AND c = 5",
        "SELECT a FROM t WHERE b = 'x'\n'y' AND c = 5",
        "SELECT a FROM t WHERE b = 'x",
        'SELECT a FROM t WHERE b = 5 AND c = "x',
        "SELECT a FROM t WHERE b = 5; SELECT 2",
        "SELECT a FROM t WHERE b = 5 /* a /* b */ c */",
        "SELECT a FROM t WHERE b = 5 AND c = 1_000",
        "SELECT a FROM t WHERE b = 5 AND c = 0x10",
        "EXPLAIN SELECT a FROM t WHERE b = 5",
        "SET a = 5",
        "SELECT a FROM t WHERE b IN (" + ", ".join(map(str, range(100))) + ")",
        "",
    ],
)
def test_texts_without_a_shape(text: str) -> None:
    assert lift_literals(text) is None


def test_long_texts_take_no_long_time() -> None:
    """Quotes, comments and digits without end are gone through once."""
    for piece in ("'", "''", "'a'", "/*", "/* */", "--\n", '"', "1", "1 ", "$", "- ", "( "):
        lift_literals("SELECT a FROM t WHERE b = 5 AND c = " + piece * 100_000)
