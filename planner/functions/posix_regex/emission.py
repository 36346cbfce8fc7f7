"""The tree of a regular expression as text for RE2 or Python's `re`, for what these do alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from planner.functions.posix_regex.characters import CharacterSet
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

_ASCII = tuple(map(chr, range(128)))
_NOTHING = "[^\\x00-\\x{10FFFF}]"
_NOTHING_IN_PYTHON = "[^\\x00-\\U0010FFFF]"


@dataclass(frozen=True, slots=True)
class Emitted:
    """`text` means the same as the tree; for ASCII texts only where a class of characters is in it."""

    text: str
    needs_ascii: bool


def emit(tree: Node, *, for_re2: bool) -> Emitted | None:
    """The tree as text; None where RE2 lacks what it needs (look-around, edges of words)."""
    emitter = _Emitter(for_re2)
    text = emitter.node(tree)
    if text is None:
        return None
    flags = "(?i)" if emitter.ignores_case else ""
    return Emitted(flags + text, emitter.needs_ascii)


def is_deterministic(tree: Node) -> bool:
    """Whether first-alternative matching finds the longest match: no choices, and at most one greedy part of variable length."""
    return _variable_parts(tree) <= 1


def _variable_parts(node: Node) -> int:
    if isinstance(node, Alternation):
        return 2
    if isinstance(node, Repetition):
        inner = _variable_parts(node.child)
        return inner if node.least == node.most else inner + (1 if node.is_greedy else 2)
    if isinstance(node, Concatenation):
        return sum(map(_variable_parts, node.items))
    return _variable_parts(node.child) if isinstance(node, Group) else 0


class _Emitter:
    def __init__(self, for_re2: bool) -> None:
        self.for_re2 = for_re2
        self.needs_ascii = self.ignores_case = False

    def node(self, node: Node) -> str | None:
        if isinstance(node, Characters):
            return self._characters(node.characters)
        if isinstance(node, Constraint):
            return self._constraint(node.place)
        if isinstance(node, Look):
            return self._look(node)
        if isinstance(node, Concatenation | Alternation):
            is_choice = isinstance(node, Alternation)
            parts = [self.node(child) for child in (node.branches if is_choice else node.items)]  # type: ignore[union-attr]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return "(?:" + "|".join(known) + ")" if is_choice else "".join(known)
        text = self.node(node.child)
        if text is None:
            return None
        if isinstance(node, Group):
            return f"({text})" if node.number else f"(?:{text})"
        most = "" if node.most is None else node.most
        return f"(?:{text}){{{node.least},{most}}}" + ("" if node.is_greedy else "?")

    def _look(self, node: Look) -> str | None:
        text = None if self.for_re2 else self.node(node.child)
        if text is None or not node.is_ahead:
            return None
        return f"(?{'!' if node.is_negative else '='}{text})"

    def _constraint(self, place: Place) -> str | None:
        if place in (Place.WORD_START, Place.WORD_END, Place.WORD_EDGE, Place.NO_WORD_EDGE):
            return None
        return {
            Place.TEXT_START: "\\A", Place.TEXT_END: "\\z" if self.for_re2 else "\\Z", Place.START: "(?m:^)",
            Place.END: "(?m:$)",
        }[place]  # fmt: skip

    def _characters(self, characters: CharacterSet) -> str:
        self.ignores_case |= characters.ignores_case
        if characters.classes:
            self.needs_ascii = True
            members = [(c, c) for c in _ASCII if characters.matches(c)]
            return self._set(members, is_negated=False)
        if (
            not characters.is_negated
            and len(characters.ranges) == 1
            and characters.ranges[0][0] == characters.ranges[0][1]
        ):
            return re.escape(characters.ranges[0][0])
        ranges = [*characters.ranges, *((c, c) for c in characters.excluded)]
        if not ranges and characters.is_negated:
            return "(?s:.)"
        return self._set(ranges, is_negated=characters.is_negated)

    def _set(self, ranges: list[tuple[str, str]], *, is_negated: bool) -> str:
        if not ranges:
            return _NOTHING if self.for_re2 else _NOTHING_IN_PYTHON
        shown = (
            re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
            for first, last in ranges
        )
        return f"[{'^' if is_negated else ''}{''.join(shown)}]"
