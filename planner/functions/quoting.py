"""Text as part of an SQL statement: quote_ident(), quote_literal(), quote_nullable(), format().

https://www.postgresql.org/docs/15/functions-string.html#FUNCTIONS-STRING-FORMAT
"""

from __future__ import annotations

import re

from foundation.errors import InvalidParameterValue, NullValueNotAllowed, NumericValueOutOfRange
from planner.functions.keywords import QUOTED_KEYWORDS

_POSITION = re.compile(r"(\d+)\$", re.ASCII)
_FLAGS = re.compile(r"-*")
_INT4_MAX = 2**31 - 1


def quote_ident(text: str) -> str:
    """An identifier as SQL text: in double quotes unless it is lower-case and plain."""
    plain = text and (text[0].isalpha() or text[0] == "_") and text == text.lower()
    if (
        plain
        and all(c.isalnum() or c in "_$" for c in text)
        and text.isascii()
        and text not in QUOTED_KEYWORDS
    ):
        return text
    return '"' + text.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A string as SQL text; with backslashes in the form E'...'."""
    quoted = "'" + text.replace("'", "''").replace("\\", "\\\\") + "'"
    return "E" + quoted if "\\" in text else quoted


def quote_nullable(text: str | None) -> str:
    """A string as SQL text, NULL as the word."""
    return "NULL" if text is None else quote_literal(text)


def format_text(template: str | None, *values: str | None) -> str | None:
    """format(): %s, %I, %L and %%, with position, minus sign and width, which may be an argument itself.

    Raises:
        InvalidParameterValue: 22023; NullValueNotAllowed: 22004, %I of NULL.
    """
    return None if template is None else _Formatter(template, values).formatted()


class _Formatter:
    """One template on its way; `at` is the next character, `index` the argument that comes next."""

    def __init__(self, template: str, values: tuple[str | None, ...]) -> None:
        self.template, self.values = template, values
        self.at = self.index = 0

    def formatted(self) -> str:
        result: list[str] = []
        while self.at < len(self.template):
            start = self.template.find("%", self.at)
            if start < 0:
                result.append(self.template[self.at :])
                break
            result.append(self.template[self.at : start])
            self.at = start + 1
            self._check_more()
            if self.template[self.at] == "%":
                result.append("%")
                self.at += 1
            else:
                result.append(self._specifier())
        return "".join(result)

    def _check_more(self) -> None:
        if self.at >= len(self.template):
            raise InvalidParameterValue(
                "unterminated format() type specifier", hint='For a single "%" use "%%".'
            )

    def _number(self) -> int | None:
        start = self.at
        while self.template[self.at : self.at + 1].isdigit():
            self.at += 1
        if start == self.at:
            return None
        number = int(self.template[start : self.at])
        if number > _INT4_MAX:
            raise NumericValueOutOfRange("number is out of range")
        self._check_more()
        return number

    def _position(self) -> int | None:
        """`n$`, if that is next."""
        match = _POSITION.match(self.template, self.at)
        if match is None:
            return None
        self.at = match.end()
        if int(match[1]) == 0:
            raise InvalidParameterValue("format specifies argument 0, but arguments are numbered from 1")
        self._check_more()
        return int(match[1])

    def _take(self, position: int | None) -> str | None:
        index = self.index if position is None else position - 1
        if index >= len(self.values):
            raise InvalidParameterValue("too few arguments for format()")
        self.index = index + 1
        return self.values[index]

    def _specifier(self) -> str:
        position = self._position()
        flags = _FLAGS.match(self.template, self.at)
        is_left = bool(flags and flags.group())
        self.at += len(flags.group()) if flags else 0
        self._check_more()
        width = self._width()
        kind = self.template[self.at]
        self.at += 1
        if kind not in "sIL":
            raise InvalidParameterValue(
                f'unrecognized format() type specifier "{kind}"', hint='For a single "%" use "%%".'
            )
        text = _formatted(kind, self._take(position))
        return text.ljust(abs(width)) if is_left or width < 0 else text.rjust(width)

    def _width(self) -> int:
        if self.template[self.at] != "*":
            return self._number() or 0
        self.at += 1
        self._check_more()
        value = self._take(self._position())
        return 0 if value is None else int(value)


def _formatted(kind: str, value: str | None) -> str:
    if kind == "L":
        return quote_nullable(value)
    if kind == "s":
        return value or ""
    if value is None:
        raise NullValueNotAllowed("null values cannot be formatted as an SQL identifier")
    return quote_ident(value)
