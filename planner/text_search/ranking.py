"""How well a tsvector matches a tsquery: ts_rank() by how often words are there and how near, ts_rank_cd() by the density of covers.

Follows postgres/postgres:src/backend/utils/adt/tsrank.c step by step, float4 where it computes in float4, so that ranks are equal
bit by bit. Cover density ranking is that of Clarke, Cormack and Tudhope, "Relevance Ranking for One to Three Term Queries".
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from foundation.errors import ArraySubscriptError, InvalidParameterValue, NullValueNotAllowed
from planner.text_search.matching import Answer, Located, holds
from planner.text_search.tsqueries import Kind, Node, Operand, Operator, operands
from planner.text_search.tsvectors import POSITION_END, Lexemes, Places

Weights: TypeAlias = tuple[np.float32, ...]
"""Of D, C, B and A."""

DEFAULT_WEIGHTS: Weights = tuple(map(np.float32, (0.1, 0.2, 0.4, 1.0)))
_LOG_LENGTH, _LENGTH, _EXTENT_DISTANCE, _UNIQUE, _LOG_UNIQUE, _FRACTION = 1, 2, 4, 8, 16, 32
_NOWHERE = (0,)
_LAST_PLACE = ((POSITION_END - 1) << 2,)
_FAR = 100
_ZETA_2 = 1.64493406685
"""What the sum of 1 / i² tends to, with the digits that PostgreSQL has of it."""


def checked_weights(given: Sequence[float | None]) -> Weights:
    """The weights of an array; a negative one stands for the default.

    Raises:
        ArraySubscriptError: 2202E, fewer than four. NullValueNotAllowed: 22004. InvalidParameterValue: 22023, more than 1.
    """
    if not given:
        raise ArraySubscriptError("array of weight must be one-dimensional")
    if len(given) < len(DEFAULT_WEIGHTS):
        raise ArraySubscriptError("array of weight is too short")
    weights = []
    if None in given:
        raise NullValueNotAllowed("array of weight must not contain nulls")
    for number, default in zip(given, DEFAULT_WEIGHTS):
        assert number is not None
        weights.append(np.float32(number) if number >= 0 else default)
        if weights[-1] > 1:
            raise InvalidParameterValue("weight out of range")
    return tuple(weights)


def _found(lexemes: Lexemes, operand: Operand) -> list[Places]:
    """The places of the lexemes that an operand stands for, whatever their weights."""
    if not operand.is_prefix:
        return [lexemes[operand.lexeme]] if operand.lexeme in lexemes else []
    return [places for lexeme, places in lexemes.items() if operand.matches(lexeme)]


def _word_count(lexemes: Lexemes) -> int:
    return sum(len(places) or 1 for places in lexemes.values())


# ---------------------------------------------------------------------------------------------------------
# ts_rank


def rank(weights: Weights, lexemes: Lexemes, query: Node | None, method: int) -> float:
    """ts_rank(): a float4."""
    if not lexemes or query is None:
        return 0.0
    unique = {operand.lexeme: operand for operand in reversed(operands(query))}
    terms = [unique[lexeme] for lexeme in sorted(unique)]
    is_joint = isinstance(query, Operator) and query.kind in (Kind.AND, Kind.PHRASE) and len(terms) > 1
    result = _joint_rank(weights, lexemes, terms) if is_joint else _single_rank(weights, lexemes, terms)
    if result < 0:
        result = np.float32(1e-20)
    if method & _LOG_LENGTH:
        result = np.float32(float(result) / (math.log(_word_count(lexemes) + 1) / math.log(2.0)))
    if method & _LENGTH:
        result = result / np.float32(_word_count(lexemes))
    if method & _UNIQUE:
        result = result / np.float32(len(lexemes))
    if method & _LOG_UNIQUE:
        result = np.float32(float(result) / (math.log(len(lexemes) + 1) / math.log(2.0)))
    if method & _FRACTION:
        result = result / (result + np.float32(1))
    return float(result)


def _single_rank(weights: Weights, lexemes: Lexemes, terms: Sequence[Operand]) -> np.float32:
    result = np.float32(0)
    for term in terms:
        for places in _found(lexemes, term):
            total, greatest, at = np.float32(0), np.float32(-1), 0
            for number, place in enumerate(places or _NOWHERE):
                weight = weights[place & 3]
                total = total + weight / np.float32((number + 1) ** 2)
                if weight > greatest:
                    greatest, at = weight, number
            share = greatest + total - greatest / np.float32((at + 1) ** 2)
            result = np.float32(float(result) + float(share) / _ZETA_2)
    return result / np.float32(len(terms)) if terms else result


def _joint_rank(weights: Weights, lexemes: Lexemes, terms: Sequence[Operand]) -> np.float32:
    """By the distances of each pair of words; below zero where no two are there."""
    result = np.float32(-1)
    before: list[Places] = []
    for term in terms:
        last: Places = ()
        for places in _found(lexemes, term):
            last = places or _LAST_PLACE
            for other in before:
                result = _with_pairs(result, weights, (last, other), is_loose=not places)
        if last:
            before.append(last)
    return result


def _with_pairs(
    result: np.float32, weights: Weights, pair: tuple[Places, Places], *, is_loose: bool
) -> np.float32:
    is_loose = is_loose or pair[1] is _LAST_PLACE
    for place in pair[0]:
        for other in pair[1]:
            distance = abs((place >> 2) - (other >> 2))
            if not distance and not is_loose:
                continue
            product = weights[place & 3] * weights[other & 3] * _nearness(distance or POSITION_END)
            share = np.float32(math.sqrt(product))
            joined = 1.0 - (1.0 - float(result)) * (1.0 - float(share))
            result = share if result < 0 else np.float32(joined)
    return result


def _nearness(distance: int) -> np.float32:
    if distance > _FAR:
        return np.float32(1e-30)
    return np.float32(1.0 / (1.005 + 0.05 * math.exp(float(np.float32(distance)) / 1.5 - 2)))


# ---------------------------------------------------------------------------------------------------------
# ts_rank_cd


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the document that the query asks for, at a place, and the operands that it serves."""

    place: int
    operands: tuple[Operand, ...]

    @property
    def position(self) -> int:
        return self.place >> 2


@dataclass(slots=True)
class _Seen:
    """Words seen so far."""

    positions: dict[Operand, set[int]] = field(default_factory=dict)

    def add(self, word: _Word) -> None:
        for operand in word.operands:
            self.positions.setdefault(operand, set()).add(word.position)

    def has(self, operand: Operand) -> bool:
        return operand in self.positions

    def locate(self, operand: Operand) -> Located:
        found = self.positions.get(operand)
        return Located(Answer.NO) if found is None else Located(Answer.YES, tuple(sorted(found)))


def _document(lexemes: Lexemes, query: Node) -> list[_Word]:
    """The words that a query asks for, in the order of their places."""
    serving: dict[tuple[int, bytes], list[Operand]] = {}
    for operand in operands(query):
        for lexeme, places in lexemes.items():
            if operand.matches(lexeme):
                for place in filter(operand.allows, places):
                    serving.setdefault((place, lexeme), []).append(operand)
    return [_Word(place, tuple(serving[place, lexeme])) for place, lexeme in sorted(serving)]


def _covers(document: Sequence[_Word], query: Node) -> Iterator[tuple[int, int]]:
    """(first, last) of the shortest stretches of words that the query holds for, one after the other."""
    start = 0
    while start < len(document):
        last = _reached(document, query, range(start, len(document)))
        if last is None:
            return
        first = _reached(document, query, range(last, start - 1, -1))
        if first is None or document[first].position > document[last].position:
            start += 1
            continue
        yield first, last
        start = first + 1


def _reached(document: Sequence[_Word], query: Node, numbers: range) -> int | None:
    """The first of the words with which, and those before it, the query holds."""
    seen = _Seen()
    for number in numbers:
        seen.add(document[number])
        if holds(query, seen.has, seen.locate):
            return number
    return None


def rank_by_covers(weights: Weights, lexemes: Lexemes, query: Node | None, method: int) -> float:
    """ts_rank_cd(): a float4."""
    document = _document(lexemes, query) if query is not None else []
    if query is None or not document:
        return 0.0
    inverse = [1.0 / float(weight) if weight else math.inf for weight in weights]
    result = distances = previous = 0.0
    count = 0
    for first, last in _covers(document, query):
        words = document[first : last + 1]
        density = len(words) / sum(inverse[word.place & 3] for word in words)
        span = words[-1].position - words[0].position
        noise = span - (last - first)
        result += density / (1 + (noise if noise >= 0 else (last - first) // 2))
        middle = (words[-1].position + words[0].position) / 2.0
        if count and middle > previous:
            distances += 1.0 / (middle - previous)
        previous = middle
        count += 1
    if method & _LOG_LENGTH:
        result /= math.log(_word_count(lexemes) + 1)
    if method & _LENGTH:
        result /= _word_count(lexemes)
    if method & _EXTENT_DISTANCE and count and distances > 0:
        result /= count / distances
    if method & _UNIQUE:
        result /= len(lexemes)
    if method & _LOG_UNIQUE:
        result /= math.log(len(lexemes) + 1) / math.log(2.0)
    if method & _FRACTION:
        result /= result + 1
    return float(np.float32(result))
