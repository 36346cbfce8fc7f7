"""Finding what a regular expression matches in one text, with the fastest matcher that gives PostgreSQL's answer.

Where there is nothing to choose Python's `re` finds the same; otherwise `matching` decides. A pattern with back-references
goes to `re` as far as longest and first match agree there, and is refused beyond.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from foundation.errors import FeatureNotSupported
from planner.functions.patterns import python_regex
from planner.functions.posix_regex.emission import Emitted, emit, is_deterministic
from planner.functions.posix_regex.matching import RegexMatch, find_matches
from planner.functions.posix_regex.options import RegexOptions, without_director
from planner.functions.posix_regex.parser import parse_regex

_CLASSES_AND_ESCAPES = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_NON_GREEDY = re.compile(r"(?:[*+?]|\{[\d,]+\})\?")
_GREEDY = re.compile(r"(?:[*+]|\{\d+,\d*\}|(?<![*+?}(])\?)(?!\?)")


class Regex:
    """A compiled pattern."""

    def __init__(self, pattern: str, options: RegexOptions) -> None:
        pattern, options = without_director(pattern, options)
        self._parsed = parse_regex(pattern, options)
        self._python: re.Pattern[str] | None = None
        self._needs_ascii = False
        if self._parsed is None:
            self._python = _with_back_references(pattern, options)
            self.group_count = self._python.groups
            return
        tree, self.group_count = self._parsed
        emitted: Emitted | None = emit(tree, for_re2=False) if is_deterministic(tree) else None
        if emitted is not None:
            self._python, self._needs_ascii = re.compile(emitted.text), emitted.needs_ascii

    def find(self, text: str, start: int = 0) -> Iterator[RegexMatch]:
        """The matches from a character of the text on, one behind the other."""
        if self._python is None or (self._needs_ascii and not text.isascii()):
            assert self._parsed is not None
            return find_matches(*self._parsed, text, start)
        return map(_as_match, self._python.finditer(text, start))

    def first(self, text: str, start: int = 0) -> RegexMatch | None:
        """The leftmost match, None without one."""
        return next(self.find(text, start), None)


def _as_match(match: re.Match[str]) -> RegexMatch:
    spans = (match.span(number) for number in range(match.re.groups + 1))
    return RegexMatch(tuple(None if span == (-1, -1) else span for span in spans))


def _with_back_references(pattern: str, options: RegexOptions) -> re.Pattern[str]:
    bare = _CLASSES_AND_ESCAPES.sub("x", pattern)
    if "|" in bare or (_NON_GREEDY.search(bare) and _GREEDY.search(bare)) or options.is_expanded:
        raise FeatureNotSupported("this regular expression with a back-reference is not supported")
    return python_regex(
        pattern,
        options.ignores_case,
        newline_stops=options.newline_stops,
        newline_anchors=options.newline_anchors,
    )


@lru_cache(maxsize=512)
def compiled_regex(pattern: str, options: RegexOptions) -> Regex:
    """A pattern as PostgreSQL reads it.

    Raises:
        InvalidRegularExpression: 2201B; FeatureNotSupported: 0A000, back-references beside choices.
    """
    return Regex(pattern, options)
