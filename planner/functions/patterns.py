"""LIKE patterns over text columns, and regular expressions for Python's `re`.

A constant LIKE pattern runs as one Arrow kernel (a plain prefix, suffix, substring or equality test where the
pattern is that simple, RE2 otherwise). PostgreSQL's `.` matches a newline, and `^` and `$` match only at the
ends of the string; the regular expressions of SQL are in `posix_regex`, which comes here for back-references.
https://www.postgresql.org/docs/15/functions-matching.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from planner.errors import InvalidEscapeSequence, InvalidRegularExpression
from planner.functions.datum import Datum, contiguous, row_count_of

_ESCAPE = "\\"
_BRACKET_CLASS = re.compile(r"\[:(\w+):\]")
_NEGATED_CLASS = re.compile(r"(?<!\\)\[\^\]?")
_REASONS = {
    "missing )": "parentheses () not balanced", "unbalanced parenthesis": "parentheses () not balanced",
    "unterminated character set": "brackets [] not balanced", "nothing to repeat": "quantifier operand invalid",
    "multiple repeat": "quantifier operand invalid", "bad escape": "invalid escape \\ sequence",
    "bad character range": "invalid character range", "min repeat": "invalid repetition count(s)",
    "invalid group reference": "invalid backreference number",
}  # fmt: skip
"""PostgreSQL's words for what Python's `re` complains of, by the start of its message."""
_PYTHON_CLASSES = {
    "alpha": "^\\W\\d_", "digit": "0-9", "alnum": "^\\W_", "space": "\\s", "upper": "A-Z", "lower": "a-z",
    "xdigit": "0-9A-Fa-f", "punct": "!-/:-@\\[-`{-~",
}  # fmt: skip


def split_like(pattern: str) -> list[tuple[bool, str]]:
    """A LIKE pattern as (is wildcard, text) pieces; neighbouring literal characters are joined.

    Raises:
        InvalidEscapeSequence: 22025, a trailing backslash.
    """
    pieces: list[tuple[bool, str]] = []
    literal: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character in "%_":
            if literal:
                pieces.append((False, "".join(literal)))
                literal = []
            pieces.append((True, character))
            continue
        if character == _ESCAPE:
            following = next(characters, None)
            if following is None:
                raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
            character = following
        literal.append(character)
    if literal:
        pieces.append((False, "".join(literal)))
    return pieces


@lru_cache(maxsize=512)
def like_regex(pattern: str) -> str:
    """The regular expression of a LIKE pattern, in the common syntax of RE2 and `re`."""
    parts = [
        (".*" if text == "%" else ".") if is_wildcard else re.escape(text)
        for is_wildcard, text in split_like(pattern)
    ]
    return "(?s)\\A(?:" + "".join(parts) + ")\\z"


def like(strings: Datum, pattern: Datum, *, ignore_case: bool = False, is_negated: bool = False) -> pa.Array:
    """(n,) bool: strings LIKE pattern, backslash as the escape character."""
    if pattern.is_constant:
        text = pattern.array[0].as_py()
        if text is None:
            return pa.nulls(row_count_of((strings,)), pa.bool_())
        result = _match_like(strings.array, text, ignore_case)
    else:
        flags = re.IGNORECASE if ignore_case else re.NOFLAG
        result = _row_by_row(
            strings, pattern, lambda p: re.compile(like_regex(p).replace("\\z", "\\Z"), flags)
        )
    return contiguous(pc.invert(result)) if is_negated else contiguous(result)


def _match_like(strings: pa.Array, pattern: str, ignore_case: bool) -> pa.Array:
    if _ends_in_escape(pattern):
        # PostgreSQL complains only when the matching gets as far as the backslash with text left.
        longer = _match_like(strings, pattern[:-1] + "_%", ignore_case)
        if pc.any(longer).as_py():
            raise InvalidEscapeSequence("LIKE pattern must not end with escape character")
        return longer
    pieces = split_like(pattern)
    shape = "".join(text if is_wildcard else "x" for is_wildcard, text in pieces)
    literal = next((text for is_wildcard, text in pieces if not is_wildcard), "")
    if shape == "x" and not ignore_case:
        return pc.equal(strings, literal)
    if shape == "":
        return pc.equal(strings, "")
    if shape == "%":
        return pc.equal(strings, strings)
    if shape == "x%":
        return pc.starts_with(strings, literal, ignore_case=ignore_case)
    if shape == "%x":
        return pc.ends_with(strings, literal, ignore_case=ignore_case)
    if shape == "%x%":
        return pc.match_substring(strings, literal, ignore_case=ignore_case)
    return pc.match_substring_regex(strings, like_regex(pattern), ignore_case=ignore_case)


def _ends_in_escape(pattern: str) -> bool:
    return (len(pattern) - len(pattern.rstrip(_ESCAPE))) % 2 == 1


def _row_by_row(strings: Datum, patterns: Datum, compiled: Callable[[str], re.Pattern[str]]) -> pa.Array:
    # Per row in Python: only for patterns that are not constant, or that RE2 cannot run.
    cached = lru_cache(maxsize=256)(compiled)
    row_count = row_count_of((strings, patterns))
    texts, expressions = strings.array.to_pylist(), patterns.array.to_pylist()
    if strings.is_constant:
        texts = texts * row_count
    if patterns.is_constant:
        expressions = expressions * row_count
    return pa.array(
        [None if t is None or p is None else bool(cached(p).search(t)) for t, p in zip(texts, expressions)],
        pa.bool_(),
    )


def like_escape(pattern: str, escape: str) -> str:
    """LIKE ... ESCAPE: the pattern with backslash as its escape character.

    Raises:
        InvalidEscapeSequence: 22025, the escape string is longer than one character.
    """
    if len(escape) > 1:
        raise InvalidEscapeSequence(
            "invalid escape string", hint="Escape string must be empty or one character."
        )
    if escape == _ESCAPE:
        return pattern
    result: list[str] = []
    after_escape = False
    for character in pattern:
        if character == escape and escape and not after_escape:
            result.append(_ESCAPE)
            after_escape = True
        elif character == _ESCAPE:
            result.append(_ESCAPE if after_escape else _ESCAPE * 2)
            after_escape = False
        else:
            result.append(character)
            after_escape = False
    return "".join(result)


@lru_cache(maxsize=512)
def python_regex(
    pattern: str, ignore_case: bool, *, newline_stops: bool = False, newline_anchors: bool = False
) -> re.Pattern[str]:
    """A PostgreSQL regular expression for Python's `re`.

    With `newline_stops` neither `.` nor a negated class matches a newline; with `newline_anchors` `^` and `$` match
    beside newlines too.

    Raises:
        InvalidRegularExpression: 2201B.
    """
    translated = pattern
    if translated.startswith("***="):
        translated = re.escape(translated[4:])
    elif translated.startswith("***:"):
        translated = translated[4:]
    translated = _BRACKET_CLASS.sub(lambda m: _PYTHON_CLASSES.get(m.group(1), m.group(0)), translated)
    for escape, meaning in (("\\y", "\\b"), ("\\Y", "\\B"), ("\\m", "\\b(?=\\w)"), ("\\M", "\\b(?<=\\w)")):
        translated = re.sub(r"(?<!\\)" + re.escape(escape), meaning.replace("\\", "\\\\"), translated)
    if newline_stops:
        translated = _NEGATED_CLASS.sub(lambda m: m.group(0) + "\\n", translated)
    if not newline_anchors:
        translated = re.sub(r"(?<!\\)\$(?![^\[]*\])", lambda _m: "\\Z", translated)
    flags = (re.IGNORECASE if ignore_case else 0) | (re.MULTILINE if newline_anchors else 0)
    try:
        return re.compile(translated, flags | (0 if newline_stops else re.DOTALL))
    except (re.error, OverflowError) as error:
        reason = next((text for start, text in _REASONS.items() if str(error).startswith(start)), str(error))
        raise InvalidRegularExpression(f"invalid regular expression: {reason}") from None
