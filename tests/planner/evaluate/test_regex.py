"""Goal: what a regular expression matches is PostgreSQL's answer, in whichever matcher finds it.

Method: patterns for which leftmost-longest and first-alternative matching differ, with PostgreSQL's answers (more of them,
beside a server, in tests/quiver/sql/regular_expressions.sql); both matchers over patterns for which they agree.
"""

from __future__ import annotations

import itertools
import re

import pytest

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from planner.errors import InvalidRegularExpression
from planner.functions.posix_regex.emission import emit, is_deterministic
from planner.functions.posix_regex.matching import find_matches
from planner.functions.posix_regex.options import RegexOptions, options_of
from planner.functions.posix_regex.parser import parse_regex
from planner.functions.posix_regex.search import compiled_regex


@pytest.mark.parametrize("pattern, text, wanted", [
    ("foo|foobar", "foobar", ["foobar"]),
    ("x(?:a|ab)", "xabc", ["xab"]),
    ("(a|ab)(c|bcd)(d*)", "abcd", ["abcd", "ab", "c", "d"]),
    ("(a+|ab)(.*)", "aab", ["aab", "aa", "b"]),
    ("(.*?)-(.*)", "a-b-c", ["a-", "a", ""]),
    ("a+", "caat", ["aa"]),
    ("a+?", "caat", ["a"]),
    ("[|]x", "a|x", ["|x"]),
    (r"\|", "a|b", ["|"]),
    ("(a?)+", "aa", ["aa", ""]),
    (r"(a)\1", "caat", ["aa", "a"]),
])  # fmt: skip
def test_longest_of_the_leftmost(pattern: str, text: str, wanted: list[str]) -> None:
    match = compiled_regex(pattern, RegexOptions()).first(text)
    assert match is not None
    assert [text[slice(*span)] for span in match.spans if span] == wanted


@pytest.mark.parametrize(
    "pattern", ["a+", "ab*c", "[^a]b", "(a)(b)c{2}", "^ab", "b$", "a(?=b)b", "(?:ab){1,2}"]
)
def test_both_matchers_agree(pattern: str) -> None:
    parsed = parse_regex(pattern, RegexOptions())
    assert parsed is not None and is_deterministic(parsed[0])
    emitted = emit(parsed[0], for_re2=False)
    assert emitted is not None
    for text in map("".join, itertools.product("abc", repeat=5)):
        spans = [match.spans for match in find_matches(*parsed, text)]
        groups = range(parsed[1] + 1)
        assert spans == [tuple(m.span(group) for group in groups) for m in re.finditer(emitted.text, text)]


def test_no_pattern_takes_exponential_time() -> None:
    assert compiled_regex("(a*)*(a|aa)+b", RegexOptions()).first("a" * 200) is None


def test_flags_and_errors() -> None:
    assert compiled_regex("B", options_of("i")).first("abc")
    assert compiled_regex("a b", options_of("x")).first("ab")
    with pytest.raises(FeatureNotSupported, match='option "e"'):
        options_of("e")
    with pytest.raises(InvalidParameterValue, match='option: "z"'):
        options_of("z")
    with pytest.raises(InvalidRegularExpression, match="parentheses"):
        compiled_regex("(a", RegexOptions())
    with pytest.raises(FeatureNotSupported, match="back-reference"):
        compiled_regex(r"(a|ab)\1", RegexOptions())
