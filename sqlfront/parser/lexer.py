"""Splits SQL text into tokens by PostgreSQL's lexical rules.

One compiled expression finds each token; strings, quoted identifiers and nested comments are finished by hand.
Names come out folded to lower case and cut to 63 bytes, strings with their escapes resolved. Adjacent string
literals on different lines are one literal. https://www.postgresql.org/docs/15/sql-syntax-lexical.html
"""

from __future__ import annotations

import re

from foundation.errors import SyntaxErrorInStatement
from sqlfront.parser.errors import InvalidEscapeSequence
from sqlfront.parser.keywords import KEYWORDS

NAME_BYTES_MAX = 63

WORD = "word"
QUOTED = "quoted"
STRING = "string"
BITS = "bits"
INTEGER = "integer"
FLOAT = "float"
PARAMETER = "parameter"
OPERATOR = "operator"
PUNCTUATION = "punctuation"
END = "end"


class Token:
    """One token.

    `key` is what the grammar compares: the folded word, the operator or the punctuation mark; empty for
    quoted names, strings, numbers and parameters. `value` is the name, the string's content or the number's
    text. `category` is the keyword category, empty for other words. Offsets count characters; `end` is
    exclusive.
    """

    __slots__ = ("category", "end", "key", "kind", "start", "value")

    def __init__(self, kind: str, key: str, value: str, start: int, end: int) -> None:
        self.kind = kind
        self.key = key
        self.value = value
        self.category = KEYWORDS.get(key, "") if kind is WORD else ""
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"Token({self.kind}, {self.value!r}, {self.start}:{self.end})"


_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]')
    | (?P<unicode>[uU]&')
    | (?P<national>[nN]')
    | (?P<bits>[bBxX]')
    | (?P<unicode_name>[uU]&")
    | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
    | (?P<number>(?:\d+\.(?!\.)\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>')
    | (?P<name>")
    | (?P<parameter>\$\d+)
    | (?P<dollar>\$(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?\$)
    | (?P<punctuation>::|:=|\.\.|[()\[\],;:.])
    | (?P<operator>[~!@\#^&|`?+\-*/%<>=]+)
    """,
    re.VERBOSE,
)
_WORD_TAIL = re.compile(r"[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_PLAIN_END = re.compile(r"'")
_ESCAPED_PART = re.compile(
    r"[^\\']+|''|'|\\(?:x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.S
)
_CONTINUATION = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")
_UESCAPE = re.compile(r"[ \t\n\r\f\v]*uescape[ \t\n\r\f\v]*'(.)'", re.IGNORECASE)
_SIMPLE_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_FREE_OPERATOR_CHARS = frozenset("~!@#^&|`?%")


def tokenize(text: str) -> list[Token]:
    """All tokens of a script, with an END token last.

    Raises:
        SyntaxErrorInStatement: 42601, an unterminated or malformed token; `position` is a character position.
        InvalidEscapeSequence: 22025, a bad Unicode escape.
    """
    return _Lexer(text).run()


def fold_name(name: str) -> str:
    """An unquoted name's folded form: ASCII and other single-character lower case, at most 63 bytes."""
    return truncate_name(name.lower() if name.isascii() else "".join(map(_lower, name)))


def truncate_name(name: str) -> str:
    """A name cut to 63 bytes of UTF-8 at a character boundary."""
    if len(name) <= NAME_BYTES_MAX // 4:
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    return name if len(encoded) <= NAME_BYTES_MAX else encoded[:NAME_BYTES_MAX].decode("utf-8", "ignore")


def _lower(character: str) -> str:
    # Only ASCII is folded in a UTF-8 database with C collation.
    return character.lower() if character.isascii() else character


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []

    def run(self) -> list[Token]:
        text, position, match = self.text, 0, _TOKEN.match
        size = len(text)
        while position < size:
            found = match(text, position)
            if found is None:
                raise self._error("syntax error", position, position + 1)
            group = found.lastgroup
            assert group is not None
            if group == "space":
                position = found.end()
            elif group == "word":
                position = found.end()
                word = fold_name(found.group())
                self.tokens.append(Token(WORD, word, word, found.start(), position))
            elif group == "punctuation":
                position = found.end()
                self.tokens.append(Token(PUNCTUATION, found.group(), found.group(), found.start(), position))
            else:
                position = getattr(self, "_" + group)(found)
        self.tokens.append(Token(END, "", "", size, size))
        return self.tokens

    def _error(self, message: str, start: int, end: int) -> SyntaxErrorInStatement:
        return SyntaxErrorInStatement(f'{message} at or near "{self.text[start:end]}"', position=start + 1)

    def _add(self, kind: str, value: str, start: int, end: int) -> int:
        self.tokens.append(Token(kind, "", value, start, end))
        return end

    def _comment(self, found: re.Match[str]) -> int:
        depth, position = 1, found.end()
        while depth:
            mark = _COMMENT_MARK.search(self.text, position)
            if mark is None:
                raise self._error("unterminated /* comment", found.start(), len(self.text))
            depth += 1 if mark.group() == "/*" else -1
            position = mark.end()
        return position

    def _number(self, found: re.Match[str]) -> int:
        start, end, value = found.start(), found.end(), found.group()
        junk = _WORD_TAIL.match(self.text, end)
        if junk:
            raise self._error("trailing junk after numeric literal", start, junk.end())
        return self._add(INTEGER if value.isdigit() else FLOAT, value, start, end)

    def _parameter(self, found: re.Match[str]) -> int:
        junk = _WORD_TAIL.match(self.text, found.end())
        if junk:
            raise self._error("trailing junk after parameter", found.start(), junk.end())
        return self._add(PARAMETER, found.group()[1:], found.start(), found.end())

    def _operator(self, found: re.Match[str]) -> int:
        start, symbol = found.start(), found.group()
        # A comment ends an operator; trailing + and - belong to it only beside one of the free characters.
        for mark in ("--", "/*"):
            cut = symbol.find(mark)
            if cut >= 0:
                symbol = symbol[:cut]
        while len(symbol) > 1 and symbol[-1] in "+-" and not _FREE_OPERATOR_CHARS.intersection(symbol):
            symbol = symbol[:-1]
        end = start + len(symbol)
        key = "<>" if symbol == "!=" else symbol
        self.tokens.append(Token(OPERATOR, key, key, start, end))
        return end

    def _plain_body(self, start: int, position: int) -> tuple[str, int]:
        """Content and end of a '...' body that begins at `position`; `start` is where the literal began."""
        parts = []
        while True:
            found = _PLAIN_END.search(self.text, position)
            if found is None:
                raise self._error("unterminated quoted string", start, len(self.text))
            parts.append(self.text[position : found.start()])
            position = found.end()
            if self.text.startswith("'", position):
                parts.append("'")
                position += 1
                continue
            more = _CONTINUATION.match(self.text, position)
            if more is None:
                return "".join(parts), position
            position = more.end()

    def _string(self, found: re.Match[str]) -> int:
        value, end = self._plain_body(found.start(), found.end())
        return self._add(STRING, value, found.start(), end)

    _national = _string

    def _bits(self, found: re.Match[str]) -> int:
        value, end = self._plain_body(found.start(), found.end())
        return self._add(BITS, found.group()[0].lower() + value, found.start(), end)

    def _escaped(self, found: re.Match[str]) -> int:
        parts: list[bytes] = []
        start, position = found.start(), found.end()
        while True:
            part = _ESCAPED_PART.match(self.text, position)
            if part is None:
                raise self._error("unterminated quoted string", start, len(self.text))
            position, piece = part.end(), part.group()
            if piece == "'":
                more = _CONTINUATION.match(self.text, position)
                if more is None:
                    break
                position = more.end()
            else:
                parts.append(self._unescape(piece, part.start()))
        try:
            value = b"".join(parts).decode("utf-8", "surrogatepass")
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise InvalidEscapeSequence(
                'invalid byte sequence for encoding "UTF8" in escape string', position=start + 1
            ) from None
        return self._add(STRING, value, start, position)

    def _unescape(self, piece: str, offset: int) -> bytes:
        if piece == "''":
            return b"'"
        if piece[0] != "\\":
            return piece.encode("utf-8", "surrogatepass")
        mark = piece[1]
        if mark == "x" and len(piece) > 2:
            return bytes([int(piece[2:], 16)])
        if mark in "01234567":
            return bytes([int(piece[1:], 8) & 0xFF])
        if mark in "uU":
            code = int(piece[2:], 16) if len(piece) > 2 else -1
            if not 0 < code <= 0x10FFFF:
                raise InvalidEscapeSequence(
                    "invalid Unicode escape",
                    hint="Unicode escapes must be \\uXXXX or \\UXXXXXXXX.",
                    position=offset + 1,
                )
            return chr(code).encode("utf-8", "surrogatepass")
        return _SIMPLE_ESCAPES.get(mark, mark).encode("utf-8", "surrogatepass")

    def _unicode(self, found: re.Match[str]) -> int:
        raw, end = self._plain_body(found.start(), found.end())
        return self._finish_unicode(STRING, raw, found.start(), end)

    def _unicode_name(self, found: re.Match[str]) -> int:
        raw, end = self._name_body(found.start(), found.end())
        return self._finish_unicode(QUOTED, raw, found.start(), end)

    def _finish_unicode(self, kind: str, raw: str, start: int, end: int) -> int:
        escape = "\\"
        custom = _UESCAPE.match(self.text, end)
        if custom:
            escape, end = custom.group(1), custom.end()
        mark = re.escape(escape)
        pattern = re.compile(f"{mark}(?:{mark}|([0-9A-Fa-f]{{4}})|\\+([0-9A-Fa-f]{{6}})|())")

        def decode(part: re.Match[str]) -> str:
            digits = part.group(1) or part.group(2)
            if digits is None and part.group(3) is not None:
                raise InvalidEscapeSequence("invalid Unicode escape", position=start + 1)
            return chr(int(digits, 16)) if digits else escape

        # Two escapes may be the halves of one character; half of one alone is refused.
        encoded = pattern.sub(decode, raw).encode("utf-16", "surrogatepass")
        try:
            return self._add(kind, encoded.decode("utf-16"), start, end)
        except UnicodeDecodeError:
            raise self._error("invalid Unicode surrogate pair", start, end) from None

    def _dollar(self, found: re.Match[str]) -> int:
        mark = found.group()
        close = self.text.find(mark, found.end())
        if close < 0:
            raise self._error("unterminated dollar-quoted string", found.start(), len(self.text))
        return self._add(STRING, self.text[found.end() : close], found.start(), close + len(mark))

    def _name_body(self, start: int, position: int) -> tuple[str, int]:
        parts = []
        while True:
            close = self.text.find('"', position)
            if close < 0:
                raise self._error("unterminated quoted identifier", start, len(self.text))
            parts.append(self.text[position:close])
            position = close + 1
            if not self.text.startswith('"', position):
                break
            parts.append('"')
            position += 1
        name = "".join(parts)
        if not name:
            raise self._error("zero-length delimited identifier", start, position)
        return name, position

    def _name(self, found: re.Match[str]) -> int:
        name, end = self._name_body(found.start(), found.end())
        return self._add(QUOTED, truncate_name(name), found.start(), end)
