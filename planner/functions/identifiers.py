"""parse_ident(): a qualified name taken apart, as PostgreSQL's scanner reads identifiers (misc.c)."""

from __future__ import annotations

import re

from foundation.errors import InvalidParameterValue

_BLANKS = " \t\n\r\f"
_PLAIN = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z_0-9$\x80-\U0010ffff]*")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def parse_identifier(text: str, is_strict: bool = True) -> list[str]:
    """The parts of `"Schema".name`, unquoted ones in lower case.

    Raises:
        InvalidParameterValue: 22023; with `is_strict` also for what follows the name.
    """
    error = InvalidParameterValue(f'string is not a valid identifier: "{text}"')
    parts: list[str] = []
    at = _skip_blanks(text, 0)
    is_after_dot = False
    while True:
        name, end = _part(text, at, error)
        if name is None:
            if text[at : at + 1] == ".":
                error.detail = 'No valid identifier before ".".'
            elif is_after_dot:
                error.detail = 'No valid identifier after ".".'
            raise error
        parts.append(name)
        at = _skip_blanks(text, end)
        if text[at : at + 1] != ".":
            break
        is_after_dot, at = True, _skip_blanks(text, at + 1)
    if at < len(text) and is_strict:
        raise error
    return parts


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _part(text: str, at: int, error: InvalidParameterValue) -> tuple[str | None, int]:
    if text[at : at + 1] == '"':
        match = _QUOTED.match(text, at)
        if match is None:
            error.detail = "String has unclosed double quotes."
            raise error
        if not match[1]:
            error.detail = "Quoted identifier must not be empty."
            raise error
        return match[1].replace('""', '"'), match.end()
    match = _PLAIN.match(text, at)
    if match is None:
        return None, at
    return "".join(c.lower() if c.isascii() else c for c in match[0]), match.end()
