"""Why a text is no JSON, in PostgreSQL's words: DETAIL and CONTEXT of 22P02.

A second, slow reader that runs only on texts the fast one has refused, or that hold \\u escapes bound for jsonb.
It follows src/common/jsonapi.c of PostgreSQL: a lexer and a recursive-descent parser that stop at the first
error.
"""

from __future__ import annotations

import re

from foundation.errors import InvalidTextRepresentation, QuiverError, UntranslatableCharacter

_MESSAGE = "invalid input syntax for type json"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9_]|[^\x00-\x7f]")
_SIMPLE_ESCAPES = '"\\/bfnrt'
_CONTEXT_CHARACTERS_MAX = 50


class _Stop(Exception):
    """The first error: what DETAIL says and where the offending token ends."""

    def __init__(self, detail: str, end: int) -> None:
        self.detail = detail
        self.end = end


class _ZeroCharacter(Exception):
    def __init__(self, end: int) -> None:
        self.end = end


class _Reader:
    """Reads one text; `token` is the current token's text, '' at the end."""

    def __init__(self, text: str, is_jsonb: bool) -> None:
        self.text = text
        self.is_jsonb = is_jsonb
        self.start = self.end = 0
        self.kind = ""
        self.advance()

    @property
    def token(self) -> str:
        return self.text[self.start : self.end]

    def advance(self) -> None:
        """Lex the next token; `kind` is the character itself, or 'string', 'number', 'word', 'end'."""
        text, at = self.text, self.end
        while at < len(text) and text[at] in " \t\n\r":
            at += 1
        self.start = self.end = at
        if at == len(text):
            self.kind = "end"
        elif text[at] in "{}[],:":
            self.kind, self.end = text[at], at + 1
        elif text[at] == '"':
            self.kind = "string"
            self._lex_string()
        elif text[at] == "-" or text[at] in "0123456789":
            self.kind = "number"
            self._lex_number()
        else:
            self._lex_word()

    def _lex_number(self) -> None:
        match = _NUMBER.match(self.text, self.start)
        end = match.end() if match else self.start + 1
        while end < len(self.text) and _WORD.match(self.text, end):
            end += 1
            match = None
        self.end = end
        if match is None:
            raise _Stop(f'Token "{self.token}" is invalid.', end)

    def _lex_word(self) -> None:
        end = self.start
        while end < len(self.text) and re.match(r"[A-Za-z0-9_]|[^\x00-\x7f]", self.text[end]):
            end += 1
        self.end = max(end, self.start + 1)
        if self.token not in ("true", "false", "null"):
            raise _Stop(f'Token "{self.token}" is invalid.', self.end)
        self.kind = "word"

    def _lex_string(self) -> None:
        text, at = self.text, self.start + 1
        high_surrogate = False
        while True:
            if at >= len(text):
                self.end = len(text)
                raise _Stop(f'Token "{self.token}" is invalid.', at)
            character = text[at]
            if character == '"':
                break
            if character < " ":
                raise _Stop(f"Character with value 0x{ord(character):02x} must be escaped.", at)
            if character == "\\":
                at, high_surrogate = self._lex_escape(at, high_surrogate)
                continue
            if high_surrogate:
                raise _Stop("Unicode low surrogate must follow a high surrogate.", at + 1)
            at += 1
        if high_surrogate:
            raise _Stop("Unicode low surrogate must follow a high surrogate.", at + 1)
        self.end = at + 1

    def _lex_escape(self, at: int, high_surrogate: bool) -> tuple[int, bool]:
        """The position after the escape at `at`, and whether half a surrogate pair is open."""
        letter = self.text[at + 1 : at + 2]
        if letter == "u":
            digits = self.text[at + 2 : at + 6]
            for offset, digit in enumerate(digits):
                if digit not in "0123456789abcdefABCDEF":
                    raise _Stop('"\\u" must be followed by four hexadecimal digits.', at + 3 + offset)
            if len(digits) < 4:
                self.end = len(self.text)
                raise _Stop(f'Token "{self.token}" is invalid.', len(self.text))
            return at + 6, self._check_code(int(digits, 16), at + 6, high_surrogate)
        if not letter:
            self.end = len(self.text)
            raise _Stop(f'Token "{self.token}" is invalid.', len(self.text))
        if letter not in _SIMPLE_ESCAPES:
            raise _Stop(f'Escape sequence "\\{letter}" is invalid.', at + 2)
        if high_surrogate and self.is_jsonb:
            raise _Stop("Unicode low surrogate must follow a high surrogate.", at + 2)
        return at + 2, high_surrogate

    def _check_code(self, code: int, end: int, high_surrogate: bool) -> bool:
        if not self.is_jsonb:
            return False
        if 0xD800 <= code < 0xDC00:
            if high_surrogate:
                raise _Stop("Unicode high surrogate must not follow a high surrogate.", end)
            return True
        if 0xDC00 <= code < 0xE000:
            if not high_surrogate:
                raise _Stop("Unicode low surrogate must follow a high surrogate.", end)
            return False
        if high_surrogate:
            raise _Stop("Unicode low surrogate must follow a high surrogate.", end)
        if code == 0:
            raise _ZeroCharacter(end)
        return False

    def fail(self, expected: str) -> _Stop:
        if self.kind == "end":
            return _Stop("The input string ended unexpectedly.", self.end)
        return _Stop(f'Expected {expected}, but found "{self.token}".', self.end)

    def read_document(self) -> None:
        self.read_value("JSON value")
        if self.kind != "end":
            raise self.fail("end of input")

    def read_value(self, expected: str) -> None:
        if self.kind == "{":
            self.read_object()
        elif self.kind == "[":
            self.read_array()
        elif self.kind in ("string", "number", "word"):
            self.advance()
        else:
            raise self.fail(expected)

    def read_object(self) -> None:
        self.advance()
        if self.kind == "}":
            self.advance()
            return
        expected = 'string or "}"'
        while True:
            if self.kind != "string":
                raise self.fail(expected)
            self.advance()
            if self.kind != ":":
                raise self.fail('":"')
            self.advance()
            self.read_value("JSON value")
            if self.kind == "}":
                self.advance()
                return
            if self.kind != ",":
                raise self.fail('"," or "}"')
            self.advance()
            expected = "string"

    def read_array(self) -> None:
        self.advance()
        if self.kind == "]":
            self.advance()
            return
        while True:
            self.read_value("JSON value")
            if self.kind == "]":
                self.advance()
                return
            if self.kind != ",":
                raise self.fail('"," or "]"')
            self.advance()


def _context(text: str, end: int) -> str:
    """`JSON data, line 1: ...` up to the end of the offending token."""
    line_start = text.rfind("\n", 0, end) + 1
    line = text.count("\n", 0, line_start) + 1
    shown_start = line_start
    prefix = ""
    if end - shown_start >= _CONTEXT_CHARACTERS_MAX:
        shown_start = end - _CONTEXT_CHARACTERS_MAX + 1
        prefix = "..."
    suffix = "..." if end < len(text) and text[end] not in "\r\n" else ""
    return f"JSON data, line {line}: {prefix}{text[shown_start:end]}{suffix}"


def find_json_error(text: str, *, is_jsonb: bool) -> QuiverError | None:
    """What is wrong with a text, None when nothing is.

    Returns:
        InvalidTextRepresentation: 22P02. UntranslatableCharacter: 22P05, \\u0000 in jsonb.
    """
    try:
        _Reader(text, is_jsonb).read_document()
    except _Stop as stop:
        return InvalidTextRepresentation(_MESSAGE, detail=stop.detail, context=_context(text, stop.end))
    except _ZeroCharacter as zero:
        return UntranslatableCharacter(
            "unsupported Unicode escape sequence",
            detail="\\u0000 cannot be converted to text.",
            context=_context(text, zero.end),
        )
    return None


def json_error(text: str, *, is_jsonb: bool) -> QuiverError:
    """The error of a text that is no JSON."""
    return find_json_error(text, is_jsonb=is_jsonb) or InvalidTextRepresentation(_MESSAGE)
