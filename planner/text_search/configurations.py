"""The text search configurations of a new PostgreSQL 16.

A configuration has a dictionary for each kind of token; kinds without one are left out of a tsvector.
https://www.postgresql.org/docs/16/textsearch-configuration.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foundation.errors import UndefinedObject
from foundation.text_search_names import CONFIGURATION_NAMES, configuration_oid
from planner.text_search.dictionaries import Dictionary, dictionary
from planner.text_search.token_types import TokenType

_ASCII_WORDS = (TokenType.ASCIIWORD, TokenType.HWORD_ASCIIPART, TokenType.ASCIIHWORD)
_WORDS = (*_ASCII_WORDS, TokenType.WORD, TokenType.HWORD_PART, TokenType.HWORD)
_LEFT_OUT = (TokenType.BLANK, TokenType.TAG, TokenType.PROTOCOL, TokenType.ENTITY)
_ENGLISH_FOR_ASCII = ("hindi", "russian")


@dataclass(frozen=True, slots=True)
class Configuration:
    """`dictionaries` has the name of a dictionary for each kind of token that counts."""

    oid: int
    name: str
    dictionaries: Mapping[TokenType, str]
    _loaded: list[Dictionary | None] = field(default_factory=list, compare=False, repr=False)

    def loaded(self) -> Sequence[Dictionary | None]:
        """The dictionary of each kind of token by its number; stemmers are loaded by the first that asks."""
        if not self._loaded:
            chosen = {int(kind): dictionary(name) for kind, name in self.dictionaries.items()}
            self._loaded[:] = [chosen.get(number) for number in range(max(TokenType) + 1)]
        return self._loaded


def _dictionaries(language: str) -> dict[TokenType, str]:
    chosen = dict.fromkeys((kind for kind in TokenType if kind not in _LEFT_OUT), "simple")
    if language == "simple":
        return chosen
    chosen |= dict.fromkeys(_WORDS, f"{language}_stem")
    if language in _ENGLISH_FOR_ASCII:
        chosen |= dict.fromkeys(_ASCII_WORDS, "english_stem")
    return chosen


CONFIGURATIONS: dict[int, Configuration] = {
    oid: Configuration(oid, name, _dictionaries(name)) for oid, name in CONFIGURATION_NAMES.items()
}
"""By OID."""


def configuration(oid: int) -> Configuration:
    """A configuration by its OID. Raises UndefinedObject (XX000 in PostgreSQL) for one that there is not."""
    found = CONFIGURATIONS.get(oid)
    if found is None:
        raise UndefinedObject(f"text search configuration with OID {oid} does not exist")
    return found


def configuration_set(name: str) -> Configuration:
    """The configuration that default_text_search_config names, `pg_catalog.english`."""
    oid = configuration_oid(name.rpartition(".")[2])
    assert oid is not None, name
    return CONFIGURATIONS[oid]
