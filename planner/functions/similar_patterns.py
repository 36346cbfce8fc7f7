"""SIMILAR TO: SQL's patterns as regular expressions (similar_escape_internal in PostgreSQL's regexp.c).

`%` and `_` are wildcards, `|*+?{}()[]` mean what they mean in regular expressions. Two escaped double quotes cut the pattern in
three: the first part takes as little as it can, the second, which substring() returns, as much.
"""

from __future__ import annotations

from planner.errors import InvalidEscapeSequence, InvalidUseOfEscapeCharacter

_PLAIN_IN_REGEX = frozenset("\\.^$")
_WILDCARDS = {"%": ".*", "_": ".", "(": "(?:"}


def similar_regex(pattern: str, escape: str = "\\") -> str:
    """The regular expression of a pattern.

    Raises:
        InvalidEscapeSequence: 22025, an escape string of several characters.
        InvalidUseOfEscapeCharacter: 2200C, more than two escaped double quotes.
    """
    if len(escape) > 1:
        raise InvalidEscapeSequence(
            "invalid escape string", hint="Escape string must be empty or one character."
        )
    parts = ["^(?:"]
    quotes = 0
    is_escaped = in_set = False
    for character in pattern:
        if is_escaped:
            if character == '"' and not in_set:
                parts.append(_separator(quotes))
                quotes += 1
            else:
                # A letter behind the escape character stays an escape of the regular expression.
                parts.append("\\" + character)
            is_escaped = False
        elif escape and character == escape:
            is_escaped = True
        elif in_set:
            parts.append("\\\\" if character == "\\" else character)
            in_set = character != "]"
        else:
            in_set = character == "["
            literal = "\\" + character if character in _PLAIN_IN_REGEX else character
            parts.append(_WILDCARDS.get(character, literal))
    return "".join([*parts, ")$"])


def _separator(quotes: int) -> str:
    if quotes > 1:
        raise InvalidUseOfEscapeCharacter(
            "SQL regular expression may not contain more than two escape-double-quote separators"
        )
    # Repetitions of once give the parts their preference for the shortest and the longest match.
    return ")" + "{1,1}?(" if not quotes else "){1,1}(?:"
