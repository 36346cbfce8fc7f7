"""The kinds of tokens that PostgreSQL's default parser finds, by their numbers (ts_token_type('default'))."""

from __future__ import annotations

from enum import IntEnum


class TokenType(IntEnum):
    ASCIIWORD = 1
    WORD = 2
    NUMWORD = 3
    EMAIL = 4
    URL = 5
    HOST = 6
    SFLOAT = 7
    VERSION = 8
    HWORD_NUMPART = 9
    HWORD_PART = 10
    HWORD_ASCIIPART = 11
    BLANK = 12
    TAG = 13
    PROTOCOL = 14
    NUMHWORD = 15
    ASCIIHWORD = 16
    HWORD = 17
    URL_PATH = 18
    FILE = 19
    FLOAT = 20
    INT = 21
    UINT = 22
    ENTITY = 23

    @property
    def alias(self) -> str:
        """The name in SQL."""
        return self.name.lower()


DESCRIPTIONS: dict[TokenType, str] = {
    TokenType.ASCIIWORD: "Word, all ASCII", TokenType.WORD: "Word, all letters",
    TokenType.NUMWORD: "Word, letters and digits", TokenType.EMAIL: "Email address", TokenType.URL: "URL",
    TokenType.HOST: "Host", TokenType.SFLOAT: "Scientific notation", TokenType.VERSION: "Version number",
    TokenType.HWORD_NUMPART: "Hyphenated word part, letters and digits",
    TokenType.HWORD_PART: "Hyphenated word part, all letters",
    TokenType.HWORD_ASCIIPART: "Hyphenated word part, all ASCII", TokenType.BLANK: "Space symbols",
    TokenType.TAG: "XML tag", TokenType.PROTOCOL: "Protocol head",
    TokenType.NUMHWORD: "Hyphenated word, letters and digits", TokenType.ASCIIHWORD: "Hyphenated word, all ASCII",
    TokenType.HWORD: "Hyphenated word, all letters", TokenType.URL_PATH: "URL path",
    TokenType.FILE: "File or path name", TokenType.FLOAT: "Decimal notation", TokenType.INT: "Signed integer",
    TokenType.UINT: "Unsigned integer", TokenType.ENTITY: "XML entity",
}  # fmt: skip
