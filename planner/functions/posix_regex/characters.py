"""Sets of characters in regular expressions: classes as the C library has them under C.UTF-8, ranges, negation.

Beyond ASCII `alpha` holds letters, digits of other scripts, letter-like numbers and the marks that are part of words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_SPACES = frozenset(
    "\t\n\v\f\r \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"
)
_ALPHABETIC = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"))
_UNBREAKABLE = "\u00a0\u2007\u202f"
"""Spaces at which no line ends: the C library counts them among punctuation."""
_INVISIBLE = frozenset(("Cc", "Cn", "Cs", "Zs", "Zl", "Zp"))


def _is_alpha(character: str) -> bool:
    if character.isascii():
        return character.isalpha()
    category = unicodedata.category(character)
    if category in _ALPHABETIC:
        return True
    if category in ("Mn", "Mc"):
        # Vowel signs of Indic scripts belong to words, accents that stand above a letter do not.
        return unicodedata.combining(character) == 0 and not "\ufe00" <= character <= "\ufe0f"
    return category == "So" and "\u24b6" <= character <= "\u24e9"


def _is_alnum(character: str) -> bool:
    return _is_alpha(character) or (character.isascii() and character.isdigit())


def _is_punctuation(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    if character in _UNBREAKABLE:
        return True
    return not _is_alpha(character) and unicodedata.category(character) not in _INVISIBLE


CLASSES: dict[str, Callable[[str], bool]] = {
    "alpha": _is_alpha,
    "alnum": _is_alnum,
    "digit": lambda c: "0" <= c <= "9",
    "space": _SPACES.__contains__,
    "upper": lambda c: c.isupper() or unicodedata.category(c) == "Lt",
    "lower": str.islower,
    "punct": _is_punctuation,
    "xdigit": lambda c: c.isascii() and c in "0123456789abcdefABCDEF",
    "blank": lambda c: c in " \t" or (c in _SPACES and unicodedata.category(c) == "Zs"),
    "cntrl": lambda c: unicodedata.category(c) in ("Cc", "Zl", "Zp"),
    "graph": lambda c: _is_alnum(c) or _is_punctuation(c),
    "print": lambda c: _is_alnum(c) or _is_punctuation(c) or c == " ",
    "word": lambda c: c == "_" or _is_alnum(c),
    "ascii": str.isascii,
}
"""Membership by the name in `[:name:]`."""


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """Which characters one place of a pattern matches."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[tuple[str, bool], ...] = ()
    """(name, whether its members match or all others)."""
    is_negated: bool = False
    ignores_case: bool = False
    excluded: str = ""
    """Characters that never match: the newline under options n and p."""

    def matches(self, character: str) -> bool:
        """Whether a character is in the set."""
        return _matches(self, character)


@lru_cache(maxsize=65536)
def _matches(characters: CharacterSet, character: str) -> bool:
    if character in characters.excluded:
        return False
    forms = {character}
    if characters.ignores_case:
        forms |= {form for form in (character.lower(), character.upper()) if len(form) == 1}
    found = any(
        any(first <= form <= last for first, last in characters.ranges)
        or any(CLASSES[name](form) is is_member for name, is_member in characters.classes)
        for form in forms
    )
    return found is not characters.is_negated
