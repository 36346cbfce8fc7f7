"""Goal: what a regular expression matches is PostgreSQL's answer or a refusal, never another answer.

Method: patterns for which leftmost-longest and first-alternative matching differ.
"""

from __future__ import annotations

import pytest

from foundation.errors import FeatureNotSupported
from planner.errors import InvalidRegularExpression
from planner.functions.implementations_regex import extracting_regex


@pytest.mark.parametrize("pattern, text, wanted", [
    ("foo|foobar", "foobar", "foobar"),
    ("x(?:a|ab)", "xabc", "xab"),
    ("(a|ab)", "abc", "ab"),
    ("a+", "caat", "aa"),
    ("a+?", "caat", "a"),
    ("[|]x", "a|x", "|x"),
    (r"\|", "a|b", "|"),
])  # fmt: skip
def test_longest_of_the_leftmost(pattern: str, text: str, wanted: str) -> None:
    match = extracting_regex(pattern).search(text)
    assert match is not None and match.group() == wanted


@pytest.mark.parametrize("pattern", ["a+|ab", "(?:x|y+)z", r"\d+|\w+", "a.*?b.*", "a??b+"])
def test_refused(pattern: str) -> None:
    with pytest.raises(FeatureNotSupported):
        extracting_regex(pattern)


def test_flags_and_errors() -> None:
    assert extracting_regex("B", "i").search("abc")
    with pytest.raises(FeatureNotSupported, match='option "x"'):
        extracting_regex("a", "x")
    with pytest.raises(InvalidRegularExpression, match="parentheses"):
        extracting_regex("(a")
