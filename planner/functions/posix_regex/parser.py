"""Reads the text of a regular expression into its tree. Back-references are left to another matcher: None stands for them.

Errors are those of PostgreSQL (src/backend/regex/regerrs.h), SQLSTATE 2201B.
"""

from __future__ import annotations

import re
from functools import lru_cache

from planner.errors import InvalidRegularExpression
from planner.functions.posix_regex.characters import CLASSES, CharacterSet
from planner.functions.posix_regex.options import RegexOptions
from planner.functions.posix_regex.syntax import (
    Alternation,
    Characters,
    Concatenation,
    Constraint,
    Group,
    Look,
    Node,
    Place,
    Repetition,
)

_REPEATS_MAX = 255
_BOUND = re.compile(r"\{(\d+)(?:(,)(\d+)?)?\}", re.ASCII)
_ESCAPED = {
    "a": "\a",
    "b": "\b",
    "B": "\\",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_CLASS_ESCAPES = {"d": "digit", "s": "space", "w": "word"}
_PLACES = {place.value: place for place in Place if place.value not in "^$"}
_CODES = (
    re.compile(r"u([0-9A-Fa-f]{4})"), re.compile(r"U([0-9A-Fa-f]{8})"), re.compile(r"x([0-9A-Fa-f]+)"),
)  # fmt: skip
_OCTAL = re.compile(r"0[0-7]{0,2}")
_LOOKS = {"=": (True, False), "!": (True, True), "<=": (False, False), "<!": (False, True)}
_COLLATING = {"space": " ", "hyphen": "-", "period": ".", "slash": "/", "comma": ",", "underscore": "_"}


class BackReference(Exception):
    """The pattern refers to what a group matched, which no finite automaton knows."""


def _invalid(reason: str) -> InvalidRegularExpression:
    return InvalidRegularExpression(f"invalid regular expression: {reason}")


@lru_cache(maxsize=512)
def parse_regex(pattern: str, options: RegexOptions) -> tuple[Node, int] | None:
    """(tree, number of capturing groups); None for a pattern with back-references.

    Raises:
        InvalidRegularExpression: 2201B.
    """
    if options.is_literal:
        reader = _Parser("", options)
        return Concatenation(tuple(reader.literal(c) for c in pattern)), 0
    reader = _Parser(pattern, options)
    try:
        tree = reader.alternation()
    except BackReference:
        return None
    if reader.at < len(pattern):
        raise _invalid("parentheses () not balanced")
    return tree, reader.group_count


class _Parser:
    """Recursive descent over one pattern; `at` is the next character."""

    def __init__(self, pattern: str, options: RegexOptions) -> None:
        self.pattern, self.options = pattern, options
        self.at = 0
        self.group_count = 0

    def literal(self, character: str) -> Node:
        return self._set((character,))

    def _set(self, characters: tuple[str, ...] = (), classes: tuple[tuple[str, bool], ...] = ()) -> Node:
        ranges = tuple((c, c) for c in characters)
        return Characters(CharacterSet(ranges, classes, False, self.options.ignores_case))

    def _peek(self, count: int = 1) -> str:
        return self.pattern[self.at : self.at + count]

    def _accept(self, text: str) -> bool:
        if self.pattern.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def alternation(self) -> Node:
        branches = [self._branch()]
        while self._accept("|"):
            branches.append(self._branch())
        return branches[0] if len(branches) == 1 else Alternation(tuple(branches))

    def _branch(self) -> Node:
        items: list[Node] = []
        self._skip_ignored()
        while self._peek() not in ("", "|", ")"):
            items.append(self._quantified(self._atom()))
            self._skip_ignored()
        return items[0] if len(items) == 1 else Concatenation(tuple(items))

    def _skip_ignored(self) -> None:
        while True:
            if self._accept("(?#"):
                end = self.pattern.find(")", self.at)
                self.at = len(self.pattern) if end < 0 else end + 1
            elif self.options.is_expanded and self._peek().isspace():
                self.at += 1
            elif self.options.is_expanded and self._peek() == "#":
                end = self.pattern.find("\n", self.at)
                self.at = len(self.pattern) if end < 0 else end
            else:
                return

    def _quantified(self, atom: Node) -> Node:
        self._skip_ignored()
        bounds = self._bounds()
        is_exact = (
            bounds is not None
            and self.pattern[self.at - 1] == "}"
            and bounds[0] == bounds[1]
            and ("," not in self.pattern[self.pattern.rindex("{", 0, self.at) : self.at])
        )
        if bounds is None:
            return atom
        if isinstance(atom, Constraint | Look):
            raise _invalid("quantifier operand invalid")
        is_greedy = not self._accept("?")
        self._skip_ignored()
        if self._peek() in ("*", "+", "?") or _BOUND.match(self.pattern, self.at):
            raise _invalid("quantifier operand invalid")
        return Repetition(atom, *bounds, is_greedy, is_exact)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._accept(sign):
                return bounds
        if self._peek() != "{" or not self._peek(2)[1:].isdigit():
            return None
        match = _BOUND.match(self.pattern, self.at)
        if match is None:
            closes = "}" in self.pattern[self.at :]
            raise _invalid("invalid repetition count(s)" if closes else "braces {} not balanced")
        self.at = match.end()
        least = int(match[1])
        most = least if match[2] is None else None if match[3] is None else int(match[3])
        if max(least, most or 0) > _REPEATS_MAX or (most is not None and least > most):
            raise _invalid("invalid repetition count(s)")
        return least, most

    def _atom(self) -> Node:
        character = self._peek()
        self.at += 1
        match character:
            case "(":
                return self._group()
            case "[":
                return self._bracket()
            case "\\":
                return self._escape()
            case ".":
                excluded = "\n" if self.options.newline_stops else ""
                return Characters(CharacterSet(is_negated=True, excluded=excluded))
            case "^":
                return Constraint(Place.START if self.options.newline_anchors else Place.TEXT_START)
            case "$":
                return Constraint(Place.END if self.options.newline_anchors else Place.TEXT_END)
            case "*" | "+" | "?":
                raise _invalid("quantifier operand invalid")
            case "{" if self._peek().isdigit():
                raise _invalid("quantifier operand invalid")
        return self.literal(character)

    def _group(self) -> Node:
        if self._accept("?:"):
            return self._closed(Group(self.alternation(), 0))
        for sign, (is_ahead, is_negative) in sorted(_LOOKS.items(), key=lambda item: -len(item[0])):
            if self._accept("?" + sign):
                return self._closed(Look(self.alternation(), is_ahead, is_negative))
        if self._peek() == "?":
            raise _invalid("quantifier operand invalid")
        self.group_count += 1
        number = self.group_count
        return self._closed(Group(self.alternation(), number))

    def _closed(self, node: Node) -> Node:
        if not self._accept(")"):
            raise _invalid("parentheses () not balanced")
        return node

    # -- escapes

    def _escape(self) -> Node:
        letter = self._peek()
        if not letter:
            raise _invalid("invalid escape \\ sequence")
        if letter.lower() in _CLASS_ESCAPES:
            self.at += 1
            return self._set((), ((_CLASS_ESCAPES[letter.lower()], letter.islower()),))
        if letter in _PLACES:
            self.at += 1
            return Constraint(_PLACES[letter])
        if letter in "123456789":
            raise BackReference
        return self.literal(self._escaped_character())

    def _escaped_character(self) -> str:
        letter = self._peek()
        for pattern in _CODES:
            match = pattern.match(self.pattern, self.at)
            if match is not None:
                self.at = match.end()
                return self._character_of(int(match[1], 16))
        match = _OCTAL.match(self.pattern, self.at)
        if match is not None:
            self.at = match.end()
            return chr(int(match[0], 8))
        self.at += 1
        if letter == "c" and self._peek():
            self.at += 1
            return chr(ord(self.pattern[self.at - 1]) & 31)
        if letter in _ESCAPED:
            return _ESCAPED[letter]
        if letter.isascii() and letter.isalnum():
            raise _invalid("invalid escape \\ sequence")
        return letter

    def _character_of(self, code: int) -> str:
        if code > 0x10FFFF:
            raise _invalid("invalid escape \\ sequence")
        return chr(code)

    # -- [...]

    def _bracket(self) -> Node:
        is_negated = self._accept("^")
        ranges: list[tuple[str, str]] = []
        classes: list[tuple[str, bool]] = []
        is_first = True
        while is_first or self._peek() != "]":
            if not self._peek():
                raise _invalid("brackets [] not balanced")
            is_first = False
            member = self._member()
            if isinstance(member, tuple):
                classes.append(member)
            elif self._peek() == "-" and self._peek(2)[1:] not in ("]", ""):
                self.at += 1
                last = self._member()
                if isinstance(last, tuple) or last < member:
                    raise _invalid("invalid character range")
                ranges.append((member, last))
            else:
                ranges.append((member, member))
        self.at += 1
        excluded = "\n" if is_negated and self.options.newline_stops else ""
        found = CharacterSet(tuple(ranges), tuple(classes), is_negated, self.options.ignores_case, excluded)
        return Characters(found)

    def _member(self) -> str | tuple[str, bool]:
        """A character, or (class, whether its members match)."""
        for sign in ":.=":
            if self._accept("[" + sign):
                end = self.pattern.find(sign + "]", self.at)
                if end < 0:
                    raise _invalid("brackets [] not balanced")
                name, self.at = self.pattern[self.at : end], end + 2
                return self._named(sign, name)
        character = self._peek()
        if not character:
            raise _invalid("brackets [] not balanced")
        self.at += 1
        if character != "\\":
            return character
        letter = self._peek()
        if letter and letter.lower() in _CLASS_ESCAPES:
            self.at += 1
            return _CLASS_ESCAPES[letter.lower()], letter.islower()
        if not letter or letter in _PLACES or letter in "123456789":
            raise _invalid("invalid escape \\ sequence")
        return self._escaped_character()

    def _named(self, sign: str, name: str) -> str | tuple[str, bool]:
        if sign == ":":
            if name not in CLASSES:
                raise _invalid("invalid character class")
            ignores_case = self.options.ignores_case and name in ("upper", "lower")
            return ("alpha" if ignores_case else name), True
        if len(name) == 1:
            return name
        if name not in _COLLATING:
            raise _invalid("invalid collating element")
        return _COLLATING[name]
