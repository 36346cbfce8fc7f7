"""Goal: PostgreSQL's lexical rules, and errors that point at the right character.

Method: token lists and errors for hand-picked texts, each rule once.
"""

from __future__ import annotations

import pytest

from foundation.errors import QuiverError
from sqlfront.parser.lexer import tokenize


def values(text: str) -> list[str]:
    return [token.value for token in tokenize(text)[:-1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<->b", ["a", "<->", "b"]),
        ("a<=>-1", ["a", "<=>", "-", "1"]),
        ("a@-5", ["a", "@-", "5"]),
        ("a*-5", ["a", "*", "-", "5"]),
        ("a--b", ["a"]),
        ("a/*b*/c", ["a", "c"]),
        ("a/* /* b */ */c", ["a", "c"]),
        ("a!=b", ["a", "<>", "b"]),
        ("x::int", ["x", "::", "int"]),
        ("1..2", ["1", "..", "2"]),
        ("1.5e-3 .5 1.", ["1.5e-3", ".5", "1."]),
        ('ABC "ABC" Äb', ["abc", "ABC", "Äb"]),
        ("'a''b'", ["a'b"]),
        ("'a'  \n 'b' 'c'", ["ab", "c"]),
        (r"e'\n\x41\101\u00e9\\'", ["\nAA\u00e9\\"]),
        (r"U&'d\0061t\+01F600'", ["dat\U0001f600"]),
        ("U&'d!0061' uescape '!'", ["da"]),
        ("$$a$b$$ $t$x$$y$t$", ["a$b", "x$$y"]),
        ("$1 $23", ["1", "23"]),
        ("b'101' X'1F'", ["b101", "x1F"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_names_are_cut_to_63_bytes() -> None:
    assert values("A" * 80) == ["a" * 63]
    assert values('"' + "é" * 40 + '"') == ["é" * 31]


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("select 'abc", 'unterminated quoted string at or near "\'abc"', 8),
        ('select é, "abc', 'unterminated quoted identifier at or near ""abc"', 11),
        ("a /* b", 'unterminated /* comment at or near "/* b"', 3),
        ("$a$ b", 'unterminated dollar-quoted string at or near "$a$ b"', 1),
        ('""', 'zero-length delimited identifier at or near """"', 1),
        ("12ab", 'trailing junk after numeric literal at or near "12ab"', 1),
        ("é \\", 'syntax error at or near "\\"', 3),
    ],
)
def test_errors(text: str, message: str, position: int) -> None:
    with pytest.raises(QuiverError) as raised:
        tokenize(text)
    assert (raised.value.sqlstate, raised.value.message, raised.value.position) == (
        "42601",
        message,
        position,
    )


@pytest.mark.parametrize("text", [r"e'\u12'", r"U&'\00'", r"e'\xff'"])
def test_bad_escapes(text: str) -> None:
    with pytest.raises(QuiverError) as raised:
        tokenize(text)
    assert raised.value.sqlstate == "22025"
