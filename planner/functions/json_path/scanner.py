"""Text of a jsonpath to tokens, by the rules of PostgreSQL's flex scanner: the longest match, the first rule of equals.

A token knows what the scanner stood on when it was recognised (`shown`), because PostgreSQL's errors print that: for a
word it is the character that ended it, which is nothing at all before an operator. Works on the bytes of the text, one
character each, as flex does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from foundation.errors import InvalidTextRepresentation, SyntaxErrorInStatement, UntranslatableCharacter

_OTHER = r"[^?%$.\[\]{}()|&!=<>@#,*:\-+/\\\" \t\n\r\f]"
_BLANK = " \t\n\r\f"
_INTEGER = r"(?:0|[1-9](?:_?[0-9])*)"
_DIGITS = r"[0-9](?:_?[0-9])*"
_DECIMAL = rf"(?:{_INTEGER}\.(?:{_DIGITS})?|\.{_DIGITS})"
_REAL = rf"(?:{_DECIMAL}|{_INTEGER})[Ee][-+]?{_DIGITS}"
_HEX = "[0-9A-Fa-f]"
_UNICODE = rf"\\u(?:{_HEX}{{4}}|\{{{_HEX}{{1,6}}\}})"
_JUNK = "trailing junk after numeric literal"


def _rules(*rules: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.DOTALL), name) for pattern, name in rules)


_START_RULES = _rules(
    (r"&&|\|\||\*\*|<=|==|<>|!=|>=", "operator"),
    (rf"\${_OTHER}+", "variable"),
    (r"\$\"", "quoted variable"),
    (r"[?%$.\[\]{}()|&!=<>@#,*:\-+/]", "operator"),
    (rf"[{_BLANK}]+", "blank"),
    (r"/\*", "comment"),
    (_REAL, "number"),
    (_DECIMAL, "number"),
    (_INTEGER, "integer"),
    (rf"0[xX]{_HEX}(?:_?{_HEX})*|0[oO][0-7](?:_?[0-7])*|0[bB][01](?:_?[01])*", "integer"),
    (rf"(?:{_DECIMAL}|{_INTEGER})[Ee][-+]", "error invalid numeric literal"),
    (rf"(?:{_REAL}|{_DECIMAL}|{_INTEGER}){_OTHER}", f"error {_JUNK}"),
    (r"\"", "string"),
    (rf"{_OTHER}+|(?=\\)", "word"),
)
_ESCAPE_RULES = _rules(
    (r"\\[bfnrtv]", "control"),
    (rf"(?:{_UNICODE})+", "unicode"),
    (rf"\\x{_HEX}{{2}}", "hexadecimal"),
    (rf"(?:{_UNICODE})*\\u(?:\{{{_HEX}{{0,6}}|{_HEX}{{0,3}})", "error invalid Unicode escape sequence"),
    (rf"\\x{_HEX}?", "error invalid hexadecimal character sequence"),
    (r"\\[^\n]", "itself"),
    (r"\\", "error unexpected end after backslash"),
)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WORD_PIECE = re.compile(rf"{_OTHER}+")
_QUOTED_PIECE = re.compile(r'[^\\"]+')
_COMMENT = re.compile(r"(?:[^*]+|\*(?!/))*(\*/)?", re.DOTALL)
_UNICODE_DIGITS = re.compile(r"\\u\{?([0-9A-Fa-f]+)")

KEYWORDS = frozenset((
    "is", "to", "abs", "lax", "flag", "last", "null", "size", "true", "type", "with", "false", "floor", "double",
    "exists", "starts", "strict", "ceiling", "unknown", "datetime", "keyvalue", "like_regex",
))  # fmt: skip
_LOWER_CASE_ONLY = frozenset(("null", "true", "false"))
END = "end"
KEYWORD_LENGTH_MAX = max(map(len, KEYWORDS))


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is an operator or keyword itself, else integer, number, string, variable, identifier or end."""

    kind: str
    text: str
    shown: str


def _bytes_as_text(data: str) -> str:
    """Text of the bytes that the scanner's characters stand for."""
    return data.encode("latin-1").decode("utf-8", "replace")


def syntax_error(message: str, shown: str) -> SyntaxErrorInStatement:
    """42601 in the words of jsonpath_yyerror()."""
    where = f'at or near "{_bytes_as_text(shown)}"' if shown else "at end"
    return SyntaxErrorInStatement(f"{message} {where} of jsonpath input")


class Scanner:
    """Hands out one token after the other, so that an error of the parser in front of a bad token comes first."""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8").decode("latin-1")
        self._position = 0

    def next_token(self) -> Token:
        """The next token; END after the last.

        Raises:
            SyntaxErrorInStatement: 42601. InvalidTextRepresentation: 22P02, half of a surrogate pair.
            UntranslatableCharacter: 22P05, a zero character.
        """
        while self._position < len(self._data):
            matched, name = self._longest(_START_RULES)
            start, self._position = self._position, self._position + len(matched)
            if name == "blank":
                continue
            if name == "comment":
                self._skip_comment()
                continue
            if name.startswith("error "):
                raise syntax_error(name.removeprefix("error "), matched)
            if name in ("string", "quoted variable"):
                return Token(name.split()[-1], _bytes_as_text(self._quoted()), '"')
            if name == "variable":
                return Token("variable", _bytes_as_text(matched[1:]), matched)
            if name == "word":
                self._position = start
                word = self._word()
                if word is None:
                    continue
                return word
            return Token(matched if name == "operator" else name, matched, matched)
        return Token(END, "", "")

    def _longest(self, rules: tuple[tuple[re.Pattern[str], str], ...]) -> tuple[str, str]:
        best, best_name = "", ""
        for pattern, name in rules:
            match = pattern.match(self._data, self._position)
            if match is not None and (len(match.group()) > len(best) or not best_name):
                best, best_name = match.group(), name
        return best, best_name

    def _skip_comment(self) -> None:
        match = _COMMENT.match(self._data, self._position)
        if match is None or match.group(1) is None:
            raise syntax_error("unexpected end of comment", "")
        self._position = match.end()

    def _word(self) -> Token | None:
        """A keyword or identifier; None when a comment follows at once, in which PostgreSQL loses the word."""
        pieces: list[str] = []
        while True:
            if self._position == len(self._data):
                return _word_token("".join(pieces), "")
            match = _WORD_PIECE.match(self._data, self._position)
            if match is not None:
                pieces.append(match.group())
                self._position = match.end()
            elif self._data[self._position] == "\\":
                pieces.append(self._escaped())
            elif self._data[self._position] in _BLANK:
                blanks = self._longest(_START_RULES)[0]
                self._position += len(blanks)
                return _word_token("".join(pieces), blanks)
            elif self._data.startswith("/*", self._position):
                self._position += 2
                self._skip_comment()
                return None
            else:
                return _word_token("".join(pieces), "")

    def _quoted(self) -> str:
        pieces: list[str] = []
        while self._position < len(self._data):
            match = _QUOTED_PIECE.match(self._data, self._position)
            if match is not None:
                pieces.append(match.group())
                self._position = match.end()
            elif self._data[self._position] == "\\":
                pieces.append(self._escaped())
            else:
                self._position += 1
                return "".join(pieces)
        raise syntax_error("unterminated quoted string", "")

    def _escaped(self) -> str:
        matched, name = self._longest(_ESCAPE_RULES)
        self._position += len(matched)
        if name.startswith("error "):
            raise syntax_error(name.removeprefix("error "), matched)
        if name == "control":
            return _CONTROLS[matched[1]]
        if name == "itself":
            return matched[1]
        return _characters([int(matched[2:], 16)] if name == "hexadecimal" else _code_units(matched))


def _word_token(word: str, shown: str) -> Token:
    lower = word.lower() if len(word) <= KEYWORD_LENGTH_MAX else ""
    if lower in KEYWORDS and (word == lower or lower not in _LOWER_CASE_ONLY):
        return Token(lower, word, shown)
    return Token("identifier", _bytes_as_text(word), shown)


def _code_units(escapes: str) -> list[int]:
    return [int(digits, 16) for digits in _UNICODE_DIGITS.findall(escapes)]


def _characters(code_units: list[int]) -> str:
    """The characters of code points and surrogate pairs, as the scanner's one character a byte."""
    characters: list[str] = []
    high = 0
    for code in code_units:
        if 0xD800 <= code < 0xDC00:
            if high:
                raise _bad_surrogate("Unicode high surrogate must not follow a high surrogate.")
            high = code
            continue
        is_low = 0xDC00 <= code < 0xE000
        if is_low != bool(high):
            raise _bad_surrogate("Unicode low surrogate must follow a high surrogate.")
        if is_low:
            code, high = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00, 0
        if code == 0:
            raise UntranslatableCharacter(
                "unsupported Unicode escape sequence", detail="\\u0000 cannot be converted to text."
            )
        if code > 0x10FFFF:
            raise SyntaxErrorInStatement("invalid Unicode code point")
        characters.append(chr(code))
    if high:
        raise _bad_surrogate("Unicode low surrogate must follow a high surrogate.")
    return "".join(characters).encode("utf-8").decode("latin-1")


def _bad_surrogate(detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation("invalid input syntax for type jsonpath", detail=detail)
