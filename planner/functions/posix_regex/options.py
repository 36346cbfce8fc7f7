"""Options of regular expressions: the letters of a `flags` argument and of `(?...)` at the start of a pattern.

https://www.postgresql.org/docs/15/functions-matching.html#POSIX-METASYNTAX
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from foundation.errors import FeatureNotSupported, InvalidParameterValue
from planner.errors import InvalidRegularExpression

_DIRECTOR = re.compile(r"\(\?([A-Za-z]+)\)")


@dataclass(frozen=True, slots=True)
class RegexOptions:
    """How a pattern is read and matched."""

    ignores_case: bool = False
    newline_stops: bool = False
    """Neither `.` nor a negated set matches a newline."""
    newline_anchors: bool = False
    """`^` and `$` match beside newlines, too."""
    is_expanded: bool = False
    """Blanks and comments in the pattern mean nothing."""
    is_literal: bool = False
    """The pattern is a plain string."""
    is_global: bool = False


def _with_letter(options: RegexOptions, letter: str) -> RegexOptions | None:
    match letter:
        case "i" | "c":
            return replace(options, ignores_case=letter == "i")
        case "m" | "n":
            return replace(options, newline_stops=True, newline_anchors=True)
        case "p":
            return replace(options, newline_stops=True, newline_anchors=False)
        case "w":
            return replace(options, newline_stops=False, newline_anchors=True)
        case "s":
            return replace(options, newline_stops=False, newline_anchors=False)
        case "q":
            return replace(options, is_literal=True)
        case "x" | "t":
            return replace(options, is_expanded=letter == "x")
        case "b" | "e":
            raise FeatureNotSupported(f'regular expression option "{letter}" is not supported')
    return None


def options_of(flags: str) -> RegexOptions:
    """The options of a `flags` argument.

    Raises:
        InvalidParameterValue: 22023, an unknown letter; FeatureNotSupported: 0A000, basic and extended syntax.
    """
    options = RegexOptions()
    for position, letter in enumerate(flags):
        changed = replace(options, is_global=True) if letter == "g" else _with_letter(options, letter)
        if changed is None:
            raise InvalidParameterValue(f'invalid regular expression option: "{flags[position]}"')
        options = changed
    return options


def without_director(pattern: str, options: RegexOptions) -> tuple[str, RegexOptions]:
    """A pattern without `***=`, `***:` and `(?...)` at its start, and the options with theirs.

    Raises:
        InvalidRegularExpression: 2201B; FeatureNotSupported: 0A000.
    """
    if options.is_literal:
        return pattern, options
    if pattern.startswith("***="):
        return pattern[4:], replace(options, is_literal=True)
    if pattern.startswith("***:"):
        pattern = pattern[4:]
    elif pattern.startswith("***"):
        raise InvalidRegularExpression("invalid regular expression: quantifier operand invalid")
    match = _DIRECTOR.match(pattern)
    if match is None:
        return pattern, options
    for letter in match[1]:
        changed = _with_letter(options, letter)
        if changed is None:
            raise InvalidRegularExpression("invalid regular expression: invalid embedded option")
        options = changed
    return pattern[match.end() :], options
