"""Templates of to_char() and to_number() for numbers: cutting the text into patterns, and what they say together.

A template is a sequence of patterns (`9`, `0`, `.`, `MI`, ...) and literal characters. Which digits, signs and separators
come where depends on all of them, so they are read once into a `NumberTemplate`, which is kept and never changed.
https://www.postgresql.org/docs/15/functions-formatting.html (table 9.29; formatting.c)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from foundation.errors import SyntaxErrorInStatement

_PATTERNS = (
    ",", ".", "0", "9", "B", "D", "EEEE", "FM", "G", "L", "MI", "PL", "PR", "RN", "SG", "SP", "S", "TH", "V",
)  # fmt: skip
_PIECE = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*)"?|\\(?P<escaped>")|(?P<pattern>'
    + "|".join(re.escape(p) for p in (*_PATTERNS, *(p.lower() for p in _PATTERNS if p.isalpha())))
    + r")|(?P<other>.)",
    re.DOTALL,
)
_KEEPS_CASE = frozenset(("rn", "th"))
"""Patterns whose lower-case form means lower-case output."""


class AnchoredSign(Enum):
    """Where the sign of `S` is written: it clings to the first or the last digit, not to its place."""

    NONE = 0
    BEFORE = 1
    BEHIND = 2


@dataclass(slots=True)
class NumberTemplate:
    """`pieces` are (pattern, "") or ("", literal character); the rest sums up what the patterns say."""

    pieces: list[tuple[str, str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    """Of `9`'s companions: ZERO, DECIMAL, FM, S, MI, PL, PR, RN, V, EEEE, B."""
    anchored_sign: AnchoredSign = AnchoredSign.NONE
    digits_before: int = 0
    digits_after: int = 0
    digits_before_sign: int = 0
    """Digits of the template ahead of `S`."""
    shifted_digits: int = 0
    """Digits behind `V`: the number is multiplied by ten to this power."""
    first_zero: int = 0
    """1 + place of the first `0` ahead of the decimal point; 0 without one."""
    last_zero: int = 0
    """1 + place of the last `0`."""

    def has(self, *flags: str) -> bool:
        """Whether any of the flags is set."""
        return not self.flags.isdisjoint(flags)


@lru_cache(maxsize=256)
def number_template(text: str) -> NumberTemplate:
    """Read a template.

    Raises:
        SyntaxErrorInStatement: 42601, patterns that exclude each other.
    """
    template = NumberTemplate()
    for match in _PIECE.finditer(text):
        if match["pattern"] is not None:
            pattern = match["pattern"]
            name = pattern if pattern in _KEEPS_CASE else pattern.upper()
            _add(template, name)
            template.pieces.append((name, ""))
        elif match["quoted"] is not None:
            template.pieces += [("", c) for c in re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)]
        else:
            template.pieces.append(("", match["escaped"] or match["other"]))
    return template


def _add(template: NumberTemplate, name: str) -> None:
    if template.has("EEEE") and name != "EEEE":
        raise SyntaxErrorInStatement('"EEEE" must be the last pattern used')
    match name:
        case "9" | "0":
            _add_digit(template, name)
        case "B":
            if not (template.digits_before or template.digits_after or template.has("ZERO")):
                template.flags.add("B")
        case "D" | ".":
            if template.has("DECIMAL"):
                raise SyntaxErrorInStatement("multiple decimal points")
            _exclude_shift(template, "V")
            template.flags.add("DECIMAL")
        case "V":
            _exclude_shift(template, "DECIMAL")
            template.flags.add("V")
        case "S" | "MI" | "PL" | "SG" | "PR":
            _add_sign(template, name)
        case "RN" | "rn":
            template.flags.add("RN")
        case "EEEE":
            _add_exponent(template)
        case "FM":
            template.flags.add("FM")


def _add_digit(template: NumberTemplate, name: str) -> None:
    if template.has("PR"):
        raise SyntaxErrorInStatement(f'"{name}" must be ahead of "PR"')
    if name == "9" and template.has("V"):
        template.shifted_digits += 1
        return
    is_after = template.has("DECIMAL")
    if name == "0" and not is_after and not template.has("ZERO"):
        template.flags.add("ZERO")
        template.first_zero = template.digits_before + 1
    if is_after:
        template.digits_after += 1
    else:
        template.digits_before += 1
    if name == "0":
        template.last_zero = template.digits_before + template.digits_after


def _exclude_shift(template: NumberTemplate, other: str) -> None:
    if template.has(other):
        raise SyntaxErrorInStatement('cannot use "V" and decimal point together')


def _add_sign(template: NumberTemplate, name: str) -> None:
    if name == "S":
        if template.has("S"):
            raise SyntaxErrorInStatement('cannot use "S" twice')
        if template.has("PL", "MI", "PR"):
            raise SyntaxErrorInStatement('cannot use "S" and "PL"/"MI"/"SG"/"PR" together')
        is_before = not template.has("DECIMAL")
        template.anchored_sign = AnchoredSign.BEFORE if is_before else AnchoredSign.BEHIND
        template.digits_before_sign = template.digits_before if is_before else 0
        template.flags.add("S")
    elif name == "PR":
        if template.has("S", "PL", "MI"):
            raise SyntaxErrorInStatement('cannot use "PR" and "S"/"PL"/"MI"/"SG" together')
        template.flags.add("PR")
    else:
        if template.has("S"):
            raise SyntaxErrorInStatement(f'cannot use "S" and "{name}" together')
        template.flags |= {"MI", "PL"} if name == "SG" else {name}


def _add_exponent(template: NumberTemplate) -> None:
    if template.has("EEEE"):
        raise SyntaxErrorInStatement('cannot use "EEEE" twice')
    if template.has("B", "FM", "S", "PR", "MI", "PL", "RN", "V"):
        raise SyntaxErrorInStatement(
            '"EEEE" is incompatible with other formats',
            detail='"EEEE" may only be used together with digit and decimal point patterns.',
        )
    template.flags.add("EEEE")
