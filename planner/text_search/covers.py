"""Covers: the shortest stretches of a text that a query holds for, for headlines.

Follows `hlCover` of postgres/postgres:src/backend/tsearch/wparser_def.c and `TS_execute_locations` of
postgres/postgres:src/backend/utils/adt/tsvector_op.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from planner.text_search.matching import Answer, Located, holds, located
from planner.text_search.tsqueries import Kind, Node, Operand, left_spine


class Word(Protocol):
    """A piece of a text: the operand that it is a word of, and its position among the words."""

    @property
    def operand(self) -> Operand | None: ...

    @property
    def position(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Words:
    """Words as what queries ask."""

    words: Sequence[Word]

    def has(self, operand: Operand) -> bool:
        return any(word.operand == operand for word in self.words)

    def locate(self, operand: Operand) -> Located:
        positions = tuple(sorted({word.position for word in self.words if word.operand == operand}))
        return Located(Answer.YES, positions) if positions else Located(Answer.NO)


def find_covers(words: Sequence[Word], query: Node | None) -> Iterator[tuple[int, int]]:
    """(first, last) of the covers, from the left, as numbers of words."""
    if query is None:
        return
    locations = _locations(query, _Words(words)) or []
    start = 0
    while (span := _span(locations, start)) is not None:
        first, last = max(span[0], start), span[1]
        start = first + 1
        numbers = [
            number
            for number, word in enumerate(words)
            if word.operand is not None and first <= word.position <= last
        ]
        if not numbers:
            continue
        inside = _Words(words[numbers[0] : numbers[-1] + 1])
        if holds(query, inside.has, inside.locate):
            yield numbers[0], numbers[-1]


def _span(locations: Sequence[Located], start: int) -> tuple[int, int] | None:
    """From the last beginning to the first end of each location from a position on; None when one has no more."""
    ends = [
        next((position for position in found.positions if position >= start), None) for found in locations
    ]
    if not ends or None in ends:
        return None
    end = max(position for position in ends if position is not None)
    begins = [
        next((at for at in (p - found.width for p in reversed(found.positions)) if at <= end), -1)
        for found in locations
    ]
    return min(begins), end


def _locations(node: Node, words: _Words) -> list[Located] | None:
    """Where each part is that has to be there; None when the query does not hold. What must not be has no place."""
    first, operators = left_spine(node)
    phrases = [number for number, operator in enumerate(operators) if operator.kind is Kind.PHRASE]
    found: list[Located] | None
    if phrases or isinstance(first, Operand):
        place = located(operators[phrases[-1]] if phrases else first, words.locate)
        found = None if place.answer is not Answer.YES else [] if place.is_negated else [place]
        operators = operators[phrases[-1] + 1 :] if phrases else operators
    else:
        found = [] if _locations(first.right, words) is None else None
    for operator in operators:
        right = _locations(operator.right, words)
        found = _both(found, right) if operator.kind is Kind.AND else _one(found, right)
    return found


def _both(left: list[Located] | None, right: list[Located] | None) -> list[Located] | None:
    return None if left is None or right is None else left + right


def _one(left: list[Located] | None, right: list[Located] | None) -> list[Located] | None:
    if left is None and right is None:
        return None
    if not left or not right:
        return left or right or []
    return [_either(a, b) for a in left for b in right]


def _either(left: Located, right: Located) -> Located:
    positions = tuple(sorted({*left.positions, *right.positions}))
    return Located(Answer.YES, positions, False, max(left.width, right.width))
