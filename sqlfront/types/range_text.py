"""Texts of ranges and multiranges taken apart: brackets, bounds without their quotes, ranges between braces.

`range_parse` of postgres/postgres:src/backend/utils/adt/rangetypes.c and `multirange_in` of multirangetypes.c beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from foundation.errors import InvalidTextRepresentation
from sqlfront.types.codec import WHITESPACE

_EMPTY = "empty"
_BOUND_END = ",)]"
_RANGE_PIECE = re.compile(rf'[^\\")\]]|\\[{WHITESPACE}]*.|"(?:[^"\\]|""|\\[{WHITESPACE}]*.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class RangeText:
    """A range that is not `empty`: the texts of its bounds, None for an infinite one, and whether they are in brackets."""

    lower: str | None
    upper: str | None
    has_lower: bool
    has_upper: bool


def _malformed(noun: str, text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed {noun} literal: "{text}"', detail=detail)


def read_range(text: str) -> RangeText | None:
    """The parts of a range, None for the empty one.

    Raises:
        InvalidTextRepresentation: 22P02, with PostgreSQL's DETAIL.
    """
    body = text.strip(WHITESPACE)
    if body[: len(_EMPTY)].lower() == _EMPTY:
        if len(body) > len(_EMPTY):
            raise _malformed("range", text, 'Junk after "empty" key word.')
        return None
    if body[:1] not in ("[", "("):
        raise _malformed("range", text, "Missing left parenthesis or bracket.")
    lower, at = _read_bound(text, body, 1)
    if body[at] != ",":
        raise _malformed("range", text, "Missing comma after lower bound.")
    upper, at = _read_bound(text, body, at + 1)
    if body[at] == ",":
        raise _malformed("range", text, "Too many commas.")
    if at + 1 < len(body):
        raise _malformed("range", text, "Junk after right parenthesis or bracket.")
    return RangeText(lower, upper, body[0] == "[", body[at] == "]")


def _read_bound(text: str, body: str, at: int) -> tuple[str | None, int]:
    """(the bound that begins at `at`, None for none, where the character behind it is)."""
    start, in_quotes = at, False
    letters: list[str] = []
    while at < len(body) and (in_quotes or body[at] not in _BOUND_END):
        letter = body[at]
        at += 1
        if letter == "\\":
            letters += body[at : at + 1]
            at += 1
        elif letter != '"':
            letters.append(letter)
        elif not in_quotes:
            in_quotes = True
        elif body[at : at + 1] == '"':
            letters.append('"')
            at += 1
        else:
            in_quotes = False
    if at >= len(body):
        raise _malformed("range", text, "Unexpected end of input.")
    return ("".join(letters) if at > start else None), at


def read_multirange(text: str) -> Iterator[str]:
    """The texts of a multirange's ranges, those that say `empty` left out. Raises as `read_range`."""
    body = text.strip(WHITESPACE)
    if body[:1] != "{":
        raise _malformed("multirange", text, "Missing left brace.")
    at, is_first = _past_blanks(text, body, 1), True
    while not (is_first and body[at] == "}"):
        if body[at] in "[(":
            past = _range_end(text, body, at)
            yield body[at:past]
        elif body[at : at + len(_EMPTY)].lower() == _EMPTY:
            past = at + len(_EMPTY)
        else:
            raise _malformed("multirange", text, "Expected range start.")
        at, is_first = _past_blanks(text, body, past), False
        if body[at] == "}":
            break
        if body[at] != ",":
            raise _malformed("multirange", text, "Expected comma or end of multirange.")
        at = _past_blanks(text, body, at + 1)
    if at + 1 < len(body):
        raise _malformed("multirange", text, "Junk after closing right brace.")


def _past_blanks(text: str, body: str, at: int) -> int:
    while at < len(body) and body[at] in WHITESPACE:
        at += 1
    if at == len(body):
        raise _malformed("multirange", text, "Unexpected end of input.")
    return at


def _range_end(text: str, body: str, at: int) -> int:
    """Where the range that begins at `at` ends: behind the first right bracket that is not quoted."""
    while body[at : at + 1] not in (")", "]"):
        match = _RANGE_PIECE.match(body, at)
        if match is None:
            raise _malformed("multirange", text, "Unexpected end of input.")
        at = match.end()
    return at + 1
