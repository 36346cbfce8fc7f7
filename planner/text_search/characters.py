"""Classes of characters as PostgreSQL's default parser sees them in a UTF-8 database of locale C.UTF-8.

The C library's letters are all letters, and the digits and vowel signs of other scripts besides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

_URL_REFUSED = frozenset('"<>\\^`{|}')
_ENCLOSED = (range(0x24B6, 0x24EA), range(0x1F130, 0x1F14A), range(0x1F150, 0x1F16A), range(0x1F170, 0x1F18A))
_LETTERS = ("L", "Nl", "Mc")


@lru_cache(1 << 14)
def is_letter(letter: str) -> bool:
    """iswalpha()."""
    if letter.isascii():
        return letter.isalpha()
    category = unicodedata.category(letter)
    return (
        category.startswith(_LETTERS) or category == "Nd" or any(ord(letter) in block for block in _ENCLOSED)
    )


def is_alnum(letter: str) -> bool:
    return is_letter(letter) or is_digit(letter)


def is_digit(letter: str) -> bool:
    return "0" <= letter <= "9"


def is_ascii_letter(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def is_space(letter: str) -> bool:
    return letter.isspace() and letter not in "\x1c\x1d\x1e\x1f\x85\xa0\u2007\u202f"


@lru_cache(1 << 14)
def is_special(letter: str) -> bool:
    """Signs that take no room of their own, which do not break a word but begin none."""
    return not letter.isascii() and unicodedata.category(letter) in ("Mn", "Me", "Mc", "Cf")


def is_url_character(letter: str) -> bool:
    return "\x20" < letter < "\x7f" and letter not in _URL_REFUSED


CLASSES: dict[str, Callable[[str], bool]] = {
    "any": lambda letter: True,
    "alnum": is_alnum,
    "notalnum": lambda letter: not is_alnum(letter),
    "alpha": is_letter,
    "asclet": is_ascii_letter,
    "digit": is_digit,
    "space": is_space,
    "special": is_special,
    "urlchar": is_url_character,
    "xdigit": lambda letter: letter.isascii() and letter in "0123456789abcdefABCDEF",
}
"""Tests of one character by name."""


def lowered(text: str) -> str:
    """Letter by letter in lower case, as towlower() has it."""
    return text.lower() if text.isascii() else "".join(letter.lower()[0] for letter in text)
