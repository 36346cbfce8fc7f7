"""The tree of a regular expression: PostgreSQL's advanced regular expressions (AREs).

Every node knows its preference, for the longest or the shortest match or none, as the manual's matching rules define it.
https://www.postgresql.org/docs/15/functions-matching.html#POSIX-SYNTAX-DETAILS
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from planner.functions.posix_regex.characters import CharacterSet


class Preference(Enum):
    NONE = 0
    LONGER = 1
    SHORTER = 2


class Place(Enum):
    """Constraints: what has to be at a position, without taking any of the text."""

    START = "^"
    END = "$"
    TEXT_START = "A"
    TEXT_END = "Z"
    WORD_START = "m"
    WORD_END = "M"
    WORD_EDGE = "y"
    NO_WORD_EDGE = "Y"


@dataclass(frozen=True, slots=True)
class Characters:
    characters: CharacterSet


@dataclass(frozen=True, slots=True)
class Constraint:
    place: Place


@dataclass(frozen=True, slots=True)
class Look:
    """(?=re), (?!re), (?<=re), (?<!re)."""

    child: Node
    is_ahead: bool
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Group:
    """(re): `number` counts opening parentheses from 1; 0 does not capture."""

    child: Node
    number: int


@dataclass(frozen=True, slots=True)
class Concatenation:
    """One item after the other; none is the empty match."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    child: Node
    least: int
    most: int | None
    is_greedy: bool
    is_exact: bool = False
    """Written {m}, which leaves the preference to the child; {m,m} does not."""


Node: TypeAlias = Characters | Constraint | Look | Group | Concatenation | Alternation | Repetition


def preference_of(node: Node) -> Preference:
    """Whether a node takes the longest or the shortest text that it can."""
    if isinstance(node, Repetition):
        if node.is_exact:
            return preference_of(node.child)
        return Preference.LONGER if node.is_greedy else Preference.SHORTER
    if isinstance(node, Alternation):
        return Preference.LONGER
    if isinstance(node, Group):
        return preference_of(node.child)
    if isinstance(node, Concatenation):
        known = (preference_of(item) for item in node.items)
        return next(
            (preference for preference in known if preference is not Preference.NONE), Preference.NONE
        )
    return Preference.NONE


def group_numbers(node: Node) -> frozenset[int]:
    """The capturing groups in a node."""
    if isinstance(node, Group):
        own = {node.number} if node.number else set()
        return group_numbers(node.child) | own
    if isinstance(node, Repetition):
        return group_numbers(node.child)
    children = (
        node.items
        if isinstance(node, Concatenation)
        else node.branches
        if isinstance(node, Alternation)
        else ()
    )
    return frozenset().union(*(group_numbers(child) for child in children))
