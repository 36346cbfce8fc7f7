"""The text of a number by a template, character by character as PostgreSQL writes it (NUM_processor in formatting.c).

A number comes as its digits, `Digits`, rounded to what the template shows; a sign that clings to the digits, blanks for
digits that are missing and zeros that may be dropped are settled while the pieces of the template are walked through.
"""

from __future__ import annotations

from dataclasses import dataclass

from foundation.errors import InvalidTextRepresentation
from planner.functions.number_templates import AnchoredSign, NumberTemplate

_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_ROMAN_WIDTH = 15
_END = "\0"


@dataclass(frozen=True, slots=True)
class Digits:
    """`text` is the number without its sign; `digits_before` and `digits_after` are what the template has room for."""

    text: str
    sign: str
    """`-` or `+`; empty for texts that no sign is written to."""
    blanks: int
    """How many more digits ahead of the decimal point the template has than the number."""
    digits_before: int
    digits_after: int


def ordinal_suffix(number: str, *, is_upper: bool) -> str:
    """th, st, nd or rd. Raises InvalidTextRepresentation (22P02) where the text does not end in a digit."""
    if not (number[-1:].isascii() and number[-1:].isdigit()):
        raise InvalidTextRepresentation(f'"{number}" is not a number')
    suffix = "th" if number[-2:-1] == "1" else _ORDINALS.get(number[-1], "th")
    return suffix.upper() if is_upper else suffix


def print_number(template: NumberTemplate, digits: Digits) -> str:
    """The number by the template. Raises InvalidTextRepresentation (22P02) for `TH` of what is no number."""
    if template.has("EEEE"):
        return digits.text
    printer = _RomanPrinter(template, digits) if template.has("RN") else _Printer(template, digits)
    for pattern, character in template.pieces:
        if pattern:
            printer.print_pattern(pattern)
        else:
            printer.out.append(character)
    # A float has fewer digits than the template may ask for; PostgreSQL's text ends where they do.
    return "".join(printer.out).partition(_END)[0]


class _Printer:
    """One number on its way: `at` counts its characters, `place` the patterns of digits and of the point."""

    def __init__(self, template: NumberTemplate, digits: Digits) -> None:
        self.template, self.digits = template, digits
        self.out: list[str] = []
        self.at = self.place = 0
        self.is_filled = not template.has("FM")
        self.first_zero = template.first_zero - 1 if template.first_zero else 0
        self.has_zero = template.has("ZERO")
        self.has_brackets = template.has("PR") and (digits.sign == "-" or self.is_filled)
        self.anchored = template.anchored_sign
        self.is_sign_written = self._needs_no_sign()
        clings_behind = digits.digits_before == template.digits_before_sign
        if clings_behind and self.anchored is AnchoredSign.BEFORE:
            self.anchored = AnchoredSign.BEHIND
        self.last_shown = self._last_shown() if not self.is_filled and template.has("DECIMAL") else None
        self.is_in_number = False
        self.place_count = digits.digits_before + digits.digits_after - 1
        if not self.is_sign_written and not digits.blanks:
            self.place_count += 1

    def _needs_no_sign(self) -> bool:
        if self.template.has("PL", "MI"):
            return self.template.has("MI")
        return self.digits.sign == "+" and not self.is_filled and not self.template.has("S")

    def _last_shown(self) -> int | None:
        """With FM: the place in the text of the last digit that is written; that of the point for a whole number."""
        text = self.digits.text
        point = text.find(".")
        if point < 0:
            return None
        shown = max(point, len(text.rstrip("0")) - 1)
        if self.template.last_zero > self.digits.blanks:
            shown = max(shown, min(len(text) - 1, self.template.last_zero - self.digits.blanks))
        return shown

    def _character(self) -> str:
        return self.digits.text[self.at] if self.at < len(self.digits.text) else _END

    def _is_bare_zero(self) -> bool:
        """The zero of 0.1, which `9` shows as a blank."""
        return (
            not self.has_zero and self.at == 0 and self._character() == "0" and self.digits.digits_after != 0
        )

    def _drops_point(self) -> bool:
        return self.last_shown is not None and self.digits.text[self.last_shown] == "."

    def print_pattern(self, pattern: str) -> None:
        """Write what a pattern stands for."""
        sign = self.digits.sign
        match pattern:
            case "9" | "0" | "." | "D":
                self._print_digit(pattern)
            case "," | "G":
                if self.is_in_number or self.is_filled:
                    self.out.append("," if self.is_in_number else " ")
            case "L":
                self.out.append(" ")
            case "TH" | "th":
                if self.digits.text[:1] != "#" and sign != "-" and not self.template.has("DECIMAL"):
                    self.out.append(ordinal_suffix(self.digits.text, is_upper=pattern == "TH"))
            case "MI" | "PL":
                if sign == {"MI": "-", "PL": "+"}[pattern]:
                    self.out.append(sign)
                elif self.is_filled:
                    self.out.append(" ")
            case "SG":
                self.out.append(sign or _END)

    def _print_digit(self, pattern: str) -> None:
        self.is_in_number = False
        has_begun = self.place >= self.digits.blanks
        is_zero_place = self.has_zero and self.first_zero <= self.place
        if not self.is_sign_written:
            starts_here = has_begun or (self.has_zero and self.first_zero == self.place)
            if starts_here and (not self._is_bare_zero() or self._drops_point()):
                self._print_sign()
        if not has_begun:
            if is_zero_place:
                self.out.append("0")
                self.is_in_number = True
            elif self.is_filled:
                self.out.append(" ")
        else:
            self._print_character(pattern)
            self.at += self.at < len(self.digits.text)
        if self.place + 1 == self._end():
            self._close()
        self.place += 1

    def _print_sign(self) -> None:
        sign = self.digits.sign
        if self.template.has("S"):
            if self.anchored is not AnchoredSign.BEFORE:
                return
            self.out.append(sign)
        elif self.has_brackets:
            self.out.append(" " if sign == "+" else "<")
        elif sign == "-" or self.is_filled:
            self.out.append("-" if sign == "-" else " ")
        self.is_sign_written = True

    def _print_character(self, pattern: str) -> None:
        character = self._character()
        if character == ".":
            if not self._drops_point() or not self.is_filled:
                self.out.append(".")
        elif self.last_shown is not None and self.at > self.last_shown and pattern != "0":
            pass
        elif self._is_bare_zero():
            if self.is_filled:
                self.out.append(" ")
            elif self._drops_point():
                self.out.append("0")
        else:
            self.out.append(character)
            self.is_in_number = True

    def _end(self) -> int:
        """The place behind the last digit, where what closes the number is written."""
        if self.last_shown is not None and self.last_shown == self.at:
            return self.place
        return self.place_count + bool(self.digits.blanks) + self.template.has("DECIMAL")

    def _close(self) -> None:
        sign = self.digits.sign
        if self.is_sign_written and self.has_brackets:
            self.out.append(" " if sign == "+" else ">")
        elif self.template.has("S") and self.anchored is AnchoredSign.BEHIND:
            self.out.append(sign)


class _RomanPrinter(_Printer):
    """A Roman number takes the place of `RN`; of the other patterns only blanks and separators are left."""

    def __init__(self, template: NumberTemplate, digits: Digits) -> None:
        super().__init__(template, Digits(digits.text, "", 0, 0, 0))

    def print_pattern(self, pattern: str) -> None:
        text = self.digits.text
        match pattern:
            case "RN" | "rn":
                shown = text if pattern == "RN" else text.lower()
                self.out.append(shown.rjust(_ROMAN_WIDTH) if self.is_filled else shown)
            case "MI" | "PL" | "," | "G":
                if self.is_filled:
                    self.out.append(" ")
            case "SG":
                self.out.append(_END)
            case "L":
                self.out.append(" ")
