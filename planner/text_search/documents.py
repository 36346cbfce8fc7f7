"""Texts and JSON values as tsvectors: the lexemes of a configuration at the positions of their words.

Follows `parsetext` and `make_tsvector` of postgres/postgres:src/backend/tsearch/ts_parse.c and to_tsany.c.
"""

from __future__ import annotations

from collections.abc import Iterable

from planner.text_search.configurations import Configuration
from planner.text_search.parser import parse_tokens
from planner.text_search.tsvectors import LEXEME_BYTES_MAX, PLACES_MAX, POSITION_END, limited, pack_sorted

_SURELY_SHORT = LEXEME_BYTES_MAX // 4
"""Characters, which have four bytes at most."""


def lexemes_of(configuration: Configuration, text: str) -> list[bytes]:
    """The lexeme at each position of a text, the first being 1; STOP_WORD at those of stop words."""
    dictionaries = configuration.loaded()
    lexemes = []
    for kind, token in parse_tokens(text):
        dictionary = dictionaries[kind]
        if dictionary is not None and (len(token) < _SURELY_SHORT or len(token.encode()) < LEXEME_BYTES_MAX):
            lexemes.append(dictionary.lexeme(token))
    return lexemes


def text_vector(configuration: Configuration, text: str) -> bytes:
    """The stored tsvector of a text. Raises ProgramLimitExceeded (54000)."""
    return texts_vector(configuration, (text,))


def texts_vector(configuration: Configuration, texts: Iterable[str]) -> bytes:
    """The stored tsvector of several texts; a position is left free behind each that has a lexeme."""
    found: dict[bytes, list[int]] = {}
    position = 0
    for text in texts:
        lexemes = lexemes_of(configuration, text)
        for lexeme in lexemes:
            position += 1
            if lexeme:
                found.setdefault(lexeme, []).append(position)
        position += any(lexemes)
    return pack_sorted((lexeme, _places(found[lexeme])) for lexeme in sorted(found))


def _places(positions: list[int]) -> tuple[int, ...]:
    """Places without weights: no position twice, at most 255, none behind the last that there is."""
    if len(positions) == 1:
        return (limited(positions[0]) << 2,)
    kept = [limited(positions[0])]
    for position in map(limited, positions[1:]):
        if len(kept) >= PLACES_MAX - 1 or kept[-1] == POSITION_END - 1:
            break
        if position != kept[-1]:
            kept.append(position)
    return tuple(position << 2 for position in kept)
