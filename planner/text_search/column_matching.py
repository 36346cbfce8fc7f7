"""A column of stored tsvectors against one tsquery: substring searches first, trees only for rows they leave open.

Of an operand without weights a substring search knows exactly which rows have it. What is built of such operands by & | ! is
decided by them alone; of phrases and weights they say which rows cannot match, and the rest are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from planner.text_search.matching import matches
from planner.text_search.tsqueries import Kind, Node, Operand, Operator, left_spine, walk
from planner.text_search.tsvectors import lexeme_patterns

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """(n,) which rows match for certain, and which may."""

    certain: Bools
    possible: Bools


def match_column(vectors: pa.Array, query: Node | None) -> pa.Array:
    """(n,) binary stored tsvectors -> (n,) bool whether they match, NULL where the vector is."""
    if query is None:
        answers = np.zeros(len(vectors), np.bool_)
    else:
        bounds = _bounds(vectors, query)
        answers = bounds.certain.copy()
        for row in np.flatnonzero(bounds.possible & ~bounds.certain):
            value = vectors[int(row)].as_py()
            answers[row] = value is not None and matches(query, value)
    return pa.array(answers, mask=np.asarray(vectors.is_null()) if vectors.null_count else None)


def _bounds(vectors: pa.Array, node: Node) -> _Bounds:
    first, operators = left_spine(node)
    if isinstance(first, Operand):
        present = _present(vectors, first)
        bounds = _Bounds(present & False if first.weights else present, present)
    else:
        right = _bounds(vectors, first.right)
        bounds = _Bounds(~right.possible, ~right.certain)
    is_negative = isinstance(first, Operator)
    for operator in operators:
        right = _bounds(vectors, operator.right)
        is_negative = is_negative or any(_is_negation(part) for part in walk(operator.right))
        if operator.kind is Kind.OR:
            bounds = _Bounds(bounds.certain | right.certain, bounds.possible | right.possible)
        elif operator.kind is Kind.AND:
            bounds = _Bounds(bounds.certain & right.certain, bounds.possible & right.possible)
        else:
            # A phrase may hold where !x holds at one position although x is at another.
            possible = (bounds.possible & right.possible) | is_negative
            bounds = _Bounds(np.zeros_like(possible), possible)
    return bounds


def _is_negation(node: Node) -> bool:
    return isinstance(node, Operator) and node.left is None


def _present(vectors: pa.Array, operand: Operand) -> Bools:
    """(n,) whether the lexeme, or one that starts with it, is there.

    Its bytes are looked for first, which takes 0.2 ms a megabyte, and what makes them a lexeme where they are, which takes ten times
    as long.
    """
    near, exact = lexeme_patterns(operand.lexeme, is_prefix=operand.is_prefix)
    present: Bools = np.array(pc.match_substring_regex(vectors, near).fill_null(False))
    rows = np.flatnonzero(present)
    present[rows] = np.asarray(pc.match_substring_regex(vectors.take(pa.array(rows)), exact))
    return present
