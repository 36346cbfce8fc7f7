"""Templates of to_char(), to_date() and to_timestamp() for dates and times, cut into patterns and literal text.

What stands before a pattern (`FM`, `TM`) and behind it (`TH`, `th`, `SP`) belongs to it; `SP` means nothing, as in PostgreSQL.
https://www.postgresql.org/docs/15/functions-formatting.html (table 9.27; formatting.c, parse_format)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_UPPER_ONLY = (
    "HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FX", "Y,YYY",
    "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I", "MM", "DDD", "DD", "D", "WW", "W", "CC",
    "J", "Q", "OF", "TZH", "TZM",
)  # fmt: skip
_BY_CASE = (
    "MONTH", "Month", "month", "MON", "Mon", "mon", "DAY", "Day", "day", "DY", "Dy", "dy", "RM", "rm", "TZ", "tz",
    "AM", "PM", "am", "pm", "A.M.", "P.M.", "a.m.", "p.m.", "AD", "BC", "ad", "bc", "A.D.", "B.C.", "a.d.", "b.c.",
)  # fmt: skip
_NAMES = sorted({*_UPPER_ONLY, *(n.lower() for n in _UPPER_ONLY), *_BY_CASE}, key=len, reverse=True)
_PIECE = re.compile(
    r"(?P<prefix>FM|fm|TM|tm)?(?:(?P<name>"
    + "|".join(map(re.escape, _NAMES))
    + r')(?P<suffix>TH|th|SP)?|"(?P<quoted>(?:[^"\\]|\\.)*)"?|\\(?P<escaped>")|(?P<other>.)|$)',
    re.DOTALL,
)
_WITHOUT_DIGITS = frozenset((
    "MONTH", "MON", "DAY", "DY", "RM", "TZ", "TZH", "OF", "FX", "AM", "PM", "A.M.", "P.M.", "AD", "BC", "A.D.", "B.C.",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A pattern, or one literal character when `name` is empty. `key` is the pattern's name in capitals."""

    text: str
    name: str = ""
    prefix: str = ""
    """FM, TM or nothing."""
    suffix: str = ""
    """TH, th or nothing."""
    is_quoted: bool = False

    @property
    def key(self) -> str:
        return self.name.upper()

    @property
    def is_filled(self) -> bool:
        """Whether blanks and leading zeros are written."""
        return self.prefix != "FM"

    @property
    def has_digits(self) -> bool:
        """Whether a number stands for the pattern."""
        return self.key not in _WITHOUT_DIGITS if self.name else self.text.isascii() and self.text.isdigit()

    @property
    def is_separator(self) -> bool:
        """Literal text that blanks and punctuation of the input stand for."""
        return not self.name and not self.is_quoted and (self.text.isspace() or is_punctuation(self.text))


def is_punctuation(character: str) -> bool:
    """An ASCII character that is printed and neither letter nor digit nor blank."""
    return " " < character < "\x7f" and not character.isalnum()


@lru_cache(maxsize=256)
def datetime_template(template: str) -> tuple[Piece, ...]:
    """The pieces of a template, in order."""
    pieces: list[Piece] = []
    for match in _PIECE.finditer(template):
        if match["name"]:
            suffix = "" if match["suffix"] in (None, "SP") else match["suffix"]
            pieces.append(Piece(match["name"], match["name"], (match["prefix"] or "").upper(), suffix))
        elif match["quoted"] is not None:
            quoted = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
            pieces += [Piece(character, is_quoted=True) for character in quoted]
        elif match["escaped"] or match["other"]:
            pieces.append(Piece(match["escaped"] or match["other"]))
    return tuple(pieces)
