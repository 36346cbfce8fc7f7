"""tsvector as text and in its binary form, and the words that tsvector and tsquery share the spelling of.

Follows postgres/postgres:src/backend/utils/adt/tsvector_parser.c and tsvector.c.
https://www.postgresql.org/docs/16/datatype-textsearch.html
"""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from foundation.errors import InternalError, ProgramLimitExceeded, QuiverError, SyntaxErrorInStatement
from planner.text_search.tsvectors import (
    LEXEME_BYTES_MAX,
    PLACES_MAX,
    VECTOR_BYTES_MAX,
    WEIGHT_LETTERS,
    limited,
    merged_places,
    pack_vector,
    unpack_vector,
)

SPACES = " \t\n\r\v\f"
OPERATORS = "!&|()<"
_WEIGHTS = {"a": 3, "*": 3, "b": 2, "c": 1, "d": 0}
_POSITION = re.compile(r"[0-9]+")
_POSITION_BITS = 14
_POSITION_MASK = (1 << _POSITION_BITS) - 1


@dataclass(slots=True)
class WordReader:
    """Reads the words of a tsvector or tsquery one after the other.

    Attributes:
        text: what is read; `at` is the next character.
        is_query: words end before an operator or a colon, which are left to the caller.
        is_web: nothing is quoted or escaped, a quotation mark ends a word.
    """

    text: str
    at: int = 0
    is_query: bool = False
    is_web: bool = False

    def syntax_error(self) -> QuiverError:
        kind = "tsquery" if self.is_query else "tsvector"
        return SyntaxErrorInStatement(f'syntax error in {kind}: "{self.text}"')

    def peek(self) -> str:
        """The next character, "" at the end."""
        return self.text[self.at : self.at + 1]

    def skip_spaces(self) -> None:
        while self.at < len(self.text) and is_space(self.text[self.at]):
            self.at += 1

    def word(self) -> str | None:
        """The next word, None at the end. Raises SyntaxErrorInStatement (42601)."""
        self.skip_spaces()
        first = self.peek()
        if not first:
            return None
        if first == "'" and not self.is_web:
            self.at += 1
            return self._quoted()
        if self.is_query and first in OPERATORS:
            raise self.syntax_error()
        return self._bare()

    def _bare(self) -> str:
        letters: list[str] = []
        if self.is_web or self.peek() != "\\":
            letters.append(self.peek())
            self.at += 1
        while letter := self.peek():
            if letter == "\\" and not self.is_web:
                letters.append(self._escaped())
                continue
            if is_space(letter) or letter == ":" or self._ends_word(letter):
                break
            letters.append(letter)
            self.at += 1
        return "".join(letters)

    def _ends_word(self, letter: str) -> bool:
        if self.is_web and letter == '"':
            return True
        return self.is_query and letter in OPERATORS

    def _quoted(self) -> str:
        letters: list[str] = []
        while letter := self.peek():
            if letter == "\\":
                letters.append(self._escaped())
                continue
            self.at += 1
            if letter == "'":
                if self.peek() != "'":
                    break
                self.at += 1
            letters.append(letter)
        else:
            raise self.syntax_error()
        if not letters:
            raise self.syntax_error()
        return "".join(letters)

    def _escaped(self) -> str:
        escaped = self.text[self.at + 1 : self.at + 2]
        if not escaped:
            raise SyntaxErrorInStatement(f'there is no escaped character: "{self.text}"')
        self.at += 2
        return escaped

    def places(self) -> list[int]:
        """The places behind a word of a tsvector, in the order given. Raises SyntaxErrorInStatement (42601)."""
        places: list[int] = []
        if self.peek() != ":":
            return places
        while not places or self.peek() == ",":
            self.at += 1
            match = _POSITION.match(self.text, self.at)
            if match is None:
                raise self.syntax_error()
            self.at = match.end()
            position = limited(_as_int32(match[0])) & _POSITION_MASK
            if position == 0:
                raise SyntaxErrorInStatement(f'wrong position info in tsvector: "{self.text}"')
            places.append(position << 2 | self._weight())
        if self.peek() and not is_space(self.peek()):
            raise self.syntax_error()
        return places

    def _weight(self) -> int:
        weight = 0
        while (letter := self.peek().lower()) and (letter in _WEIGHTS or letter.isdecimal()):
            if letter in _WEIGHTS:
                if weight:
                    raise self.syntax_error()
                weight = _WEIGHTS[letter]
            self.at += 1
        return weight


def _as_int32(digits: str) -> int:
    """What atoi() makes of digits."""
    number = min(int(digits), (1 << 63) - 1) & 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def is_space(letter: str) -> bool:
    """Whether t_isspace() holds of a character."""
    return letter in SPACES or (letter >= "\x80" and letter.isspace() and letter not in "\xa0\u2007\u202f")


def parse_vector(text: str) -> bytes:
    """The stored form of a tsvector's text.

    Raises:
        SyntaxErrorInStatement: 42601. ProgramLimitExceeded: 54000, a word or the whole is too long.
    """
    reader = WordReader(text)
    found: dict[bytes, list[int]] = {}
    total_bytes = 0
    while (word := reader.word()) is not None:
        lexeme = word.encode()
        if len(lexeme) >= LEXEME_BYTES_MAX:
            raise ProgramLimitExceeded(
                f"word is too long ({len(lexeme)} bytes, max {LEXEME_BYTES_MAX - 1} bytes)"
            )
        if total_bytes > VECTOR_BYTES_MAX:
            raise ProgramLimitExceeded(
                f"string is too long for tsvector ({total_bytes} bytes, max {VECTOR_BYTES_MAX} bytes)"
            )
        total_bytes += len(lexeme)
        found.setdefault(lexeme, []).extend(reader.places())
    return pack_vector({lexeme: merged_places(places) for lexeme, places in found.items()})


def quoted_lexeme(lexeme: bytes) -> str:
    """A lexeme between apostrophes, as both types print it."""
    return "'" + lexeme.decode().replace("'", "''").replace("\\", "\\\\") + "'"


def print_vector(value: bytes) -> str:
    """What tsvector's output function prints of a stored value."""
    return " ".join(
        quoted_lexeme(lexeme) + (":" + ",".join(map(_place_text, places)) if places else "")
        for lexeme, places in unpack_vector(value).items()
    )


def _place_text(place: int) -> str:
    weight = place & 3
    return f"{place >> 2}{WEIGHT_LETTERS[weight] if weight else ''}"


def send_vector(value: bytes) -> bytes:
    """The binary form: the number of lexemes, and of each the lexeme, 00, the number of places, they as uint16."""
    lexemes = unpack_vector(value)
    pieces = [struct.pack("!I", len(lexemes))]
    for lexeme, places in lexemes.items():
        words = [(place & 3) << _POSITION_BITS | place >> 2 for place in places]
        pieces += (lexeme, b"\0", struct.pack(f"!H{len(words)}H", len(words), *words))
    return b"".join(pieces)


class BinaryReader:
    """Numbers and strings of a message, one after the other; `missing` is raised where one is not there.

    `check_text` raises where bytes are no text.
    """

    def __init__(self, data: bytes, missing: QuiverError, check_text: Callable[[bytes], object]) -> None:
        self.data, self.at, self._missing, self._check_text = data, 0, missing, check_text

    def number(self, size: int, *, signed: bool = False) -> int:
        piece = self.data[self.at : self.at + size]
        if len(piece) < size:
            raise self._missing
        self.at += size
        return int.from_bytes(piece, "big", signed=signed)

    def string(self) -> bytes:
        """Up to the next 00, which is skipped."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise self._missing
        piece = self.data[self.at : end]
        self._check_text(piece)
        self.at = end + 1
        return piece


def receive_vector(reader: BinaryReader) -> bytes:
    """The stored form of a tsvector's binary form.

    Raises:
        InternalError: XX000, with PostgreSQL's wording, for sizes and places that a tsvector cannot have.
    """
    count = reader.number(4, signed=True)
    if count < 0:
        raise InternalError("invalid size of tsvector")
    lexemes: dict[bytes, tuple[int, ...]] = {}
    total_bytes = 0
    for _ in range(count):
        lexeme, place_count = reader.string(), reader.number(2)
        if len(lexeme) > LEXEME_BYTES_MAX:
            raise InternalError("invalid tsvector: lexeme too long")
        if total_bytes > VECTOR_BYTES_MAX:
            raise InternalError("invalid tsvector: maximum total lexeme length exceeded")
        if place_count > PLACES_MAX:
            raise InternalError("unexpected number of tsvector positions")
        words = [reader.number(2) for _ in range(place_count)]
        places = tuple((word & _POSITION_MASK) << 2 | word >> _POSITION_BITS for word in words)
        if any(later >> 2 <= earlier >> 2 for earlier, later in itertools.pairwise(places)):
            raise InternalError("position information is misordered")
        total_bytes += len(lexeme) + 2 * place_count
        lexemes.setdefault(lexeme, places)
    return pack_vector(lexemes)
