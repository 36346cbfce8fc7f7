"""Functions that return what a regular expression matches: regexp_split_to_array, regexp_substr, substring, ...

PostgreSQL takes the longest of the leftmost matches, Python's `re` the first alternative that fits. They agree
unless a pattern has alternatives, of which the longest literal is put first, or mixes greedy and non-greedy
quantifiers; what is left of these is refused, not answered differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from planner.functions.datum import Kernel
from planner.functions.patterns import python_regex
from planner.functions.rowwise import row_kernel

_LITERAL_CHOICES = re.compile(r"(?<=\()((?:\?:)?)([^()\[\]{}*+?.\\^$|]*(?:\|[^()\[\]{}*+?.\\^$|]*)+)(?=\))")
_PLAIN_CHOICES = re.compile(r"[^()\[\]{}*+?.\\^$|]*(?:\|[^()\[\]{}*+?.\\^$|]*)+")
_CLASSES_AND_ESCAPES = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_NON_GREEDY = re.compile(r"(?:[*+?]|\{[\d,]+\})\?")
_GREEDY = re.compile(r"(?:[*+]|\{\d+,\d*\}|(?<![*+?}(])\?)(?!\?)")


@lru_cache(maxsize=512)
def extracting_regex(pattern: str, flags: str = "") -> re.Pattern[str]:
    """A PostgreSQL regular expression whose matches are the same in Python's `re`.

    Raises:
        FeatureNotSupported: 0A000, the two may disagree on what is matched, or a flag is unknown.
        InvalidRegularExpression: 2201B.
    """
    unknown = set(flags) - set("gic")
    if unknown:
        raise FeatureNotSupported(f'regular expression option "{min(unknown)}" is not supported')
    if _PLAIN_CHOICES.fullmatch(pattern):
        pattern = _longest_first(pattern)
    elif "|" in pattern:
        pattern = _LITERAL_CHOICES.sub(lambda m: m.group(1) + _longest_first(m.group(2)), pattern)
        rest = _LITERAL_CHOICES.sub("", _CLASSES_AND_ESCAPES.sub("x", pattern))
        if "|" in rest:
            raise FeatureNotSupported(
                "alternatives of variable length are not supported in this regular expression"
            )
    bare = _CLASSES_AND_ESCAPES.sub("x", pattern)
    if _NON_GREEDY.search(bare) and _GREEDY.search(bare):
        raise FeatureNotSupported(
            "mixed greedy and non-greedy quantifiers are not supported in this regular expression"
        )
    return python_regex(pattern, "i" in flags)


def _longest_first(alternatives: str) -> str:
    return "|".join(sorted(alternatives.split("|"), key=len, reverse=True))


def _substring(text: str, pattern: str) -> str | None:
    match = extracting_regex(pattern).search(text)
    if match is None:
        return None
    return match.group(1) if match.re.groups else match.group()


def _split(text: str, pattern: str, flags: str = "") -> list[str]:
    """A match of nothing at the ends or right after a match does not split."""
    parts, start = [], 0
    for match in extracting_regex(pattern, flags).finditer(text):
        if match.end() == match.start() and match.start() in (start, len(text)):
            continue
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def _from(text: str, start: int) -> str:
    if start < 1:
        raise InvalidParameterValue(f'invalid value for parameter "start": {start}')
    return text[start - 1 :]


def _count(text: str, pattern: str, start: int = 1, flags: str = "") -> int:
    return sum(1 for _ in extracting_regex(pattern, flags).finditer(_from(text, start)))


def _like(text: str, pattern: str, flags: str = "") -> bool:
    return extracting_regex(pattern, flags).search(text) is not None


def _substr(text: str, pattern: str, start: int = 1, number: int = 1) -> str | None:
    if number < 1:
        raise InvalidParameterValue(f'invalid value for parameter "n": {number}')
    matches = list(extracting_regex(pattern).finditer(_from(text, start)))
    return matches[number - 1].group() if number <= len(matches) else None


def regex_kernels() -> dict[str, Kernel]:
    """Kernels by pg_proc name and argument types."""
    functions: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
        "substring": (_substring, ("25,25",)), "textregexsubstr": (_substring, ("25,25",)),
        "regexp_split_to_array": (_split, ("25,25", "25,25,25")), "regexp_like": (_like, ("25,25", "25,25,25")),
        "regexp_count": (_count, ("25,25", "25,25,23", "25,25,23,25")),
        "regexp_substr": (_substr, ("25,25", "25,25,23", "25,25,23,23")),
    }  # fmt: skip
    return {
        f"{name}({types})": row_kernel(function)
        for name, (function, overloads) in functions.items()
        for types in overloads
    }
