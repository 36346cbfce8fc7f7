"""What becomes of a token: nothing (a stop word), or a lexeme, by the dictionary `simple` or by a language's stemmer.

The stemmers are those of the Snowball project in the version that PostgreSQL 16 has (snowballstemmer 2). `stop_words.json` has the
stop words of fifteen languages, lists of the Snowball project (BSD licence) as PostgreSQL distributes them (PostgreSQL licence) in
postgres/postgres:src/backend/snowball/stopwords.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module, resources
from typing import Protocol

from foundation.errors import FeatureNotSupported
from planner.text_search.characters import lowered

_STEMMED_BYTES_MAX = 1000
_KNOWN_MAX = 1 << 18

STOP_WORD = b""
"""In place of a lexeme. A stemmer that leaves nothing of a word says the same."""


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802


class Dictionary:
    """Lexemes of tokens, which are remembered: texts repeat their words. Safe from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def lexeme(self, token: str) -> bytes:
        """The lexeme of a token, or STOP_WORD."""
        known = self._known.get(token)
        if known is None:
            known = self._lexeme(token)
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[token] = known
        return known

    def _lexeme(self, token: str) -> bytes:
        return lowered(token).encode()


@dataclass
class SnowballDictionary(Dictionary):
    """A language's stop words and stemmer."""

    language: str
    _stemmer: _Stemmer = field(init=False)
    _turn: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        super().__init__()
        try:
            module = import_module(f"snowballstemmer.{self.language}_stemmer")
        except ModuleNotFoundError:
            raise FeatureNotSupported(
                "text search without the package snowballstemmer is not supported"
            ) from None
        self._stemmer = getattr(module, f"{self.language.capitalize()}Stemmer")()
        self._stop_words = stop_words().get(self.language, frozenset())

    def _lexeme(self, token: str) -> bytes:
        word = lowered(token)
        if word in self._stop_words:
            return STOP_WORD
        if len(word.encode()) > _STEMMED_BYTES_MAX:
            return word.encode()
        # A stemmer keeps the word that it works on.
        with self._turn:
            return self._stemmer.stemWord(word).encode()


@cache
def stop_words() -> dict[str, frozenset[str]]:
    """Language -> its stop words."""
    text = resources.files(__package__).joinpath("stop_words.json").read_text(encoding="utf-8")
    return {language: frozenset(words.split()) for language, words in json.loads(text).items()}


@cache
def dictionary(name: str) -> Dictionary:
    """The dictionary `simple`, or that of a language, `english_stem`."""
    return Dictionary() if name == "simple" else SnowballDictionary(name.removesuffix("_stem"))
