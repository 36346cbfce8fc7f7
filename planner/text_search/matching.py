"""Whether a tsvector matches a tsquery, and where.

Above phrases an operand is there or not; below, its positions count. A lexeme without positions makes a phrase uncertain, which
is no match in the end. Follows `TS_execute` of postgres/postgres:src/backend/utils/adt/tsvector_op.c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from planner.text_search.tsqueries import Kind, Node, Operand, Operator, left_spine
from planner.text_search.tsvectors import Places, places_of, unpack_vector


class Answer(Enum):
    NO = 0
    YES = 1
    MAYBE = 2


@dataclass(frozen=True, slots=True)
class Located:
    """Where something matches.

    Attributes:
        positions: ascending; of a phrase the last word's.
        is_negated: it matches everywhere but there.
        width: how many positions before the last word the first one is.
    """

    answer: Answer
    positions: tuple[int, ...] = ()
    is_negated: bool = False
    width: int = 0


Locate: TypeAlias = Callable[[Operand], Located]
"""Where an operand is: YES with positions, MAYBE where it is without any, NO."""
Presence: TypeAlias = Callable[[Operand], bool]

_NOWHERE = Located(Answer.NO)
_UNCERTAIN = Located(Answer.MAYBE)


def matches(node: Node, value: bytes) -> bool:
    """Whether a stored tsvector matches a query."""
    document = _StoredVector(value)
    return holds(node, document.has, document.locate)


def holds(node: Node, has: Presence, locate: Locate) -> bool:
    """Whether a query holds of what the two functions say of its operands."""
    first, operators = left_spine(node)
    phrases = [number for number, operator in enumerate(operators) if operator.kind is Kind.PHRASE]
    if phrases:
        answer = located(operators[phrases[-1]], locate).answer is Answer.YES
        operators = operators[phrases[-1] + 1 :]
    elif isinstance(first, Operand):
        answer = has(first)
    else:
        answer = not holds(first.right, has, locate)
    for operator in operators:
        if answer is (operator.kind is Kind.AND):
            answer = holds(operator.right, has, locate)
    return answer


@dataclass(frozen=True, slots=True)
class _StoredVector:
    """A tsvector as what queries ask."""

    value: bytes

    def _found(self, operand: Operand) -> list[Places]:
        if operand.is_prefix:
            lexemes = unpack_vector(self.value).items()
            return [places for lexeme, places in lexemes if operand.matches(lexeme)]
        places = places_of(self.value, operand.lexeme)
        return [] if places is None else [places]

    def has(self, operand: Operand) -> bool:
        """Whether one of the lexemes has a weight that the operand allows; without positions it has any."""
        found = self._found(operand)
        if not operand.weights:
            return bool(found)
        return any(not places or any(map(operand.allows, places)) for places in found)

    def locate(self, operand: Operand) -> Located:
        positions: set[int] = set()
        for places in self._found(operand):
            if not places:
                return _UNCERTAIN
            positions.update(place >> 2 for place in places if operand.allows(place))
        return Located(Answer.YES, tuple(sorted(positions))) if positions else _NOWHERE


# ---------------------------------------------------------------------------------------------------------
# Phrases


def located(node: Node, locate: Locate) -> Located:
    """Where a part of a phrase matches."""
    first, operators = left_spine(node)
    found = locate(first) if isinstance(first, Operand) else _inverted(located(first.right, locate))
    for operator in operators:
        if operator.kind is Kind.OR:
            found = _either(found, located(operator.right, locate))
        elif found.answer is not Answer.NO:
            found = _both(operator, found, located(operator.right, locate))
    return found


def _inverted(found: Located) -> Located:
    if found.answer is Answer.MAYBE:
        return found
    if found.answer is Answer.YES and found.is_negated and not found.positions:
        return _NOWHERE
    return Located(Answer.YES, found.positions, not found.is_negated, found.width)


def _both(node: Operator, left: Located, right: Located) -> Located:
    if right.answer is Answer.NO:
        return _NOWHERE
    if Answer.MAYBE in (left.answer, right.answer):
        return _UNCERTAIN
    if node.kind is Kind.PHRASE:
        width = node.distance + left.width + right.width
        a, b = _moved(left, node.distance + right.width), set(right.positions)
    else:
        width = max(left.width, right.width)
        a, b = _moved(left, width - left.width), _moved(right, width - right.width)
    if left.is_negated and right.is_negated:
        return Located(Answer.YES, tuple(sorted(a | b)), True, width)
    positions = b - a if left.is_negated else a - b if right.is_negated else a & b
    return _at(positions, width)


def _either(left: Located, right: Located) -> Located:
    if left.answer is Answer.NO and right.answer is Answer.NO:
        return _NOWHERE
    if Answer.MAYBE in (left.answer, right.answer):
        return _UNCERTAIN
    left_width = left.width if left.answer is Answer.YES else 0
    right_width = right.width if right.answer is Answer.YES else 0
    width = max(left_width, right_width)
    a, b = _moved(left, width - left_width), _moved(right, width - right_width)
    if left.is_negated or right.is_negated:
        excluded = a & b if left.is_negated and right.is_negated else a - b if left.is_negated else b - a
        return Located(Answer.YES, tuple(sorted(excluded)), True, width)
    return _at(a | b, width)


def _moved(found: Located, offset: int) -> set[int]:
    return {position + offset for position in found.positions}


def _at(positions: set[int], width: int) -> Located:
    positions.discard(0)
    return Located(Answer.YES, tuple(sorted(positions)), False, width) if positions else _NOWHERE
