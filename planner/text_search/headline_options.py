"""The options of ts_headline(): `MaxWords=10, StartSel="<em>", ...`.

The list is read as `deserialize_deflist` of postgres/postgres:src/backend/commands/tsearchcmds.c reads it.
https://www.postgresql.org/docs/16/textsearch-controls.html#TEXTSEARCH-HEADLINE
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from foundation.errors import (
    InvalidParameterValue,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    SyntaxErrorInStatement,
)

_PAIR = re.compile(
    r"""[\s,]* (?: "(?P<quoted_key>(?:[^"]|"")*)" | (?P<key>[^\s="][^\s=]*) ) \s* = \s*
    (?: [eE]?'(?P<single>(?:[^']|'')*)' | "(?P<double>(?:[^"]|"")*)" | (?P<plain>[^\s"'][^\s,]*) )""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_TRUE = ("1", "on", "true", "t", "y", "yes")
_INT32_MAX = 2**31 - 1


@dataclass(slots=True)
class HeadlineOptions:
    """What a headline looks like, with PostgreSQL's defaults."""

    words_min: int = 15
    words_max: int = 35
    short_word_bytes: int = 3
    fragments_max: int = 0
    shows_all: bool = False
    start: str = "<b>"
    stop: str = "</b>"
    delimiter: str = " ... "


_NUMBERS = {
    "maxwords": "words_max", "minwords": "words_min", "shortword": "short_word_bytes", "maxfragments": "fragments_max",
}  # fmt: skip
_TEXTS = {"startsel": "start", "stopsel": "stop", "fragmentdelimiter": "delimiter"}


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip(" \t\n\r\v\f,"):
        match = _PAIR.match(text, at)
        if match is None:
            raise SyntaxErrorInStatement(f'invalid parameter list format: "{text}"')
        at = match.end()
        key = match["key"] or match["quoted_key"].replace('""', '"')
        if match["plain"] is not None:
            yield key, match["plain"]
        elif match["double"] is not None:
            yield key, match["double"].replace('""', '"')
        else:
            yield key, match["single"].replace("''", "'").replace("\\\\", "\\")


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise InvalidTextRepresentation(f'invalid input syntax for type integer: "{text}"')
    if not -_INT32_MAX - 1 <= int(text) <= _INT32_MAX:
        raise NumericValueOutOfRange(f'value "{text}" is out of range for type integer')
    return int(text)


def parse_options(text: str) -> HeadlineOptions:
    """The options of a list.

    Raises:
        SyntaxErrorInStatement: 42601, the list. InvalidParameterValue: 22023. InvalidTextRepresentation: 22P02.
        NumericValueOutOfRange: 22003.
    """
    options = HeadlineOptions()
    for key, value in _pairs(text):
        name = key.lower()
        if name in _NUMBERS:
            setattr(options, _NUMBERS[name], _integer(value))
        elif name in _TEXTS:
            setattr(options, _TEXTS[name], value)
        elif name == "highlightall":
            options.shows_all = value.lower() in _TRUE
        else:
            raise InvalidParameterValue(f'unrecognized headline parameter: "{key}"')
    if not options.shows_all:
        _check(options)
    return options


def _check(options: HeadlineOptions) -> None:
    wrong = None
    if options.words_min >= options.words_max:
        wrong = "MinWords should be less than MaxWords"
    elif options.words_min <= 0:
        wrong = "MinWords should be positive"
    elif options.short_word_bytes < 0:
        wrong = "ShortWord should be >= 0"
    elif options.fragments_max < 0:
        wrong = "MaxFragments should be >= 0"
    if wrong is not None:
        raise InvalidParameterValue(wrong)
