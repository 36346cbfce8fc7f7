"""Functions, operators and casts of int8vec and bf16vec: the rows of halfvec, with other names and OIDs.

PostgreSQL has neither type, so no server can be asked for their rows. Each row that speaks of halfvec is copied for each
of them, and an object's copy has its OID plus a fixed number; `sqlfront.pg_catalog.vector_rows` does the same
to the catalogs. The casts among the three are copies of those between vector and halfvec: implicit towards the type that
comes later in `NARROWING`, by assignment back.

int8vec differs: it has no l2_normalize, whose result has fractions; sums and averages are vectors; and its cast to
sparsevec is by assignment, or sparse functions would stand in for what it does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from foundation.sqltypes import (
    BF16VEC,
    HALFVEC,
    INT8VEC,
    SPARSEVEC,
    TYPES,
    VECTOR,
    SqlType,
    array_type,
)
from planner.functions.signatures_casts import CASTS
from planner.functions.signatures_functions import FUNCTIONS
from planner.functions.signatures_operators import OPERATORS

SignatureRow = tuple[Any, ...]

NARROWING = (HALFVEC, BF16VEC, INT8VEC)
"""Fewer digits from one to the next."""

INT8VEC_SUM = ("int8vec_sum", 18950)
"""Name and OID of the final function of int8vec's sum, which no other type has."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A copy of rows: what stands for vector and halfvec, and what becomes of the OIDs of other objects.

    `pair_base` is not 0 for the casts between two types: two functions and two casts, with OIDs from there on.
    """

    vector: SqlType
    halfvec: SqlType
    oid_shift: int = 0
    pair_base: int = 0

    def types(self) -> dict[int, int]:
        """OIDs of types -> those in the copy."""
        kinds = {VECTOR: self.vector, HALFVEC: self.halfvec}
        arrays = {array_type(kind).oid: array_type(copy).oid for kind, copy in kinds.items()}
        return {**{kind.oid: copy.oid for kind, copy in kinds.items()}, **arrays}

    def name(self, name: str) -> str:
        """A name with the types' names replaced."""
        copies = {"vector": TYPES[self.vector.oid].name, "halfvec": TYPES[self.halfvec.oid].name}
        return re.sub("vector|halfvec", lambda match: copies[match.group()], name)

    def is_dropped(self, function: str) -> bool:
        """Whether the copy's types have no function of this name."""
        return self.halfvec == INT8VEC and function == "l2_normalize"

    def result(self, function: str, oid: int) -> int:
        """The OID of the type that a copied function returns."""
        is_wider = self.halfvec == INT8VEC and function in ("sum", "avg", "int8vec_avg")
        return VECTOR.oid if is_wider else oid

    def context(self, source: int, target: int, context: str) -> str:
        """Who uses a copied cast, as pg_cast.castcontext says it."""
        return "a" if (source, target) == (INT8VEC.oid, SPARSEVEC.oid) else context


LIKENESSES = (Likeness(VECTOR, INT8VEC, oid_shift=1000), Likeness(VECTOR, BF16VEC, oid_shift=1500))
PAIRS = tuple(
    Likeness(*pair, pair_base=18900 + 4 * number) for number, pair in enumerate(combinations(NARROWING, 2))
)
PAIR_FUNCTIONS = ("vector_to_halfvec", "halfvec_to_vector")


def _speaks_of_halfvec(row: SignatureRow, types: tuple[int, ...]) -> bool:
    return HALFVEC.oid in types or "halfvec" in row[0]


def _copied_function(row: SignatureRow, like: Likeness, types: Mapping[int, int], oid: int) -> SignatureRow:
    name = like.name(row[0])
    result = like.result(name, types.get(row[2], row[2]))
    return (name, tuple(types.get(kind, kind) for kind in row[1]), result, *row[3:12], oid)


def vector_functions() -> Iterator[SignatureRow]:
    """In the form of `FUNCTIONS`, in OID order for each type."""
    own = [row for row in FUNCTIONS if _speaks_of_halfvec(row, (*row[1], row[2]))]
    for like in LIKENESSES:
        types = like.types()
        for row in own:
            if not like.is_dropped(row[0]):
                yield _copied_function(row, like, types, row[12] + like.oid_shift)
            if like.halfvec == INT8VEC and row[0] == "halfvec_avg":
                yield (INT8VEC_SUM[0], row[1], VECTOR.oid, *row[3:12], INT8VEC_SUM[1])
    for like in PAIRS:
        types = like.types()
        for number, name in enumerate(PAIR_FUNCTIONS):
            row = next(row for row in FUNCTIONS if row[0] == name)
            yield _copied_function(row, like, types, like.pair_base + number)


def vector_operators() -> Iterator[SignatureRow]:
    """In the form of `OPERATORS`."""
    for like in LIKENESSES:
        types = like.types()
        for name, left, right, result, function, schema, oid in OPERATORS:
            if HALFVEC.oid in (left, right):
                sides = (types.get(kind, kind) for kind in (left, right, result))
                yield (name, *sides, like.name(function), schema, oid + like.oid_shift)


def vector_casts() -> Iterator[SignatureRow]:
    """In the form of `CASTS`."""
    for like in (*LIKENESSES, *PAIRS):
        types = like.types()
        for source, target, context, method in CASTS:
            sides = {source, target}
            if sides == {VECTOR.oid, HALFVEC.oid} if like.pair_base else HALFVEC.oid in sides:
                copy = (types.get(source, source), types.get(target, target))
                yield (*copy, like.context(*copy, context), method)
