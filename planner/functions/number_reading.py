"""to_number(): the number that a text says by a template, as lenient as PostgreSQL (NUM_processor in formatting.c).

A digit pattern takes a digit, a sign or the point, whatever is there; separators are skipped where they match, other
patterns and literal characters skip a character whether it matches or not.
"""

from __future__ import annotations

from foundation.errors import FeatureNotSupported
from planner.functions.number_templates import AnchoredSign, NumberTemplate

_DATA = frozenset("0123456789.,+-")
"""Characters that patterns without digits leave to the others."""
_DIGITS = frozenset("0123456789")


class NumberReader:
    """One text read by one template. `sign` and `number` are what was found, `read_after` its digits after the point."""

    def __init__(self, template: NumberTemplate, text: str) -> None:
        self.template, self.text = template, text
        self.at = 0
        self.sign = " "
        self.number = ""
        self.read_before = self.read_after = 0
        self.has_point = False

    def read(self) -> str:
        """The number as text of a numeric, blank where there is none.

        Raises:
            FeatureNotSupported: 0A000, a pattern that only to_char() has.
        """
        for pattern in ("EEEE", "RN"):
            if self.template.has(pattern):
                raise FeatureNotSupported(f'"{pattern}" not supported for input')
        for pattern, _ in self.template.pieces:
            if self.at >= len(self.text):
                break
            if pattern:
                self._read_pattern(pattern)
            else:
                self.at += 1
        return self.sign + self.number.removesuffix(".")

    def _peek(self, offset: int = 0) -> str:
        return self.text[self.at + offset : self.at + offset + 1]

    def _read_pattern(self, pattern: str) -> None:
        match pattern:
            case "9" | "0" | "." | "D":
                self._read_digit(pattern)
                self.at += 1
            case "," | "G":
                if not self.template.has("FM") and self._peek() == ",":
                    self.at += 1
            case "L":
                self._skip_other(1)
            case "TH" | "th":
                if self.sign != "-" and not self.template.has("DECIMAL"):
                    self._skip_other(2)
            case "MI" | "PL" | "SG":
                if self._peek() in {"MI": ("-",), "PL": ("+",), "SG": ("+", "-")}[pattern]:
                    self.sign = self._peek()
                    self.at += 1
                else:
                    self._skip_other(1)

    def _skip_other(self, count: int) -> None:
        while count and self._peek() and self._peek() not in _DATA:
            self.at += 1
            count -= 1

    def _read_digit(self, pattern: str) -> None:
        """Leaves `at` on the last character that was taken."""
        if self._peek() == " ":
            self.at += 1
        if self._peek() and self.sign == " " and pattern in "90" and not (self.read_before + self.read_after):
            self._read_sign_before()
        if not self._peek():
            return
        is_read = False
        if self._peek() in _DIGITS:
            if self.has_point and self.read_after == self.template.digits_after:
                return
            self.number += self._peek()
            self.read_after += self.has_point
            self.read_before += not self.has_point
            is_read = True
        elif self.template.has("DECIMAL") and not self.has_point and self._peek() == ".":
            self.number += "."
            self.has_point = is_read = True
        if self.sign == " " and self.read_before + self.read_after:
            self._read_sign_behind(is_read)

    def _read_sign_before(self) -> None:
        found = self._peek()
        if self.template.anchored_sign is AnchoredSign.BEFORE:
            is_sign = found in "+-"
        else:
            is_sign = found in "+-" or (found == "<" and self.template.has("PR"))
        if is_sign:
            self.sign = "+" if found == "+" else "-"
            self.at += 1

    def _read_sign_behind(self, is_read: bool) -> None:
        """The sign of `S` clings to the last digit; that of MI, PL, SG may come earlier than the template says."""
        if self.template.has("S"):
            following = self._peek(1)
            if is_read and following and following in "+-":
                self.sign = following
                self.at += 1
        elif not is_read and self.template.has("PL", "MI") and self._peek() in "+-":
            self.sign = self._peek()
