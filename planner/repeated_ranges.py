"""Searches that come again with a bound on the distance they order by: `WHERE e <-> $1 < $2 ORDER BY e <-> $1 LIMIT 100`.

The rules are those of `planner.vector.ranges`: the nearest rows are found first and cut at the radius; where fewer than
wanted are within it, an index may have missed some, and every distance is computed. Only a bound that no row without an
order can satisfy is for this: the distance itself, less than a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import vecengine
from foundation.bitset import Bitset, mask_from_bits, offsets_from_bits, popcount
from foundation.sqltypes import FLOAT8, INT2, INT4, INT8, NUMERIC
from planner import bound
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.nodes import VectorTopK
from planner.repeated_parts import Found
from planner.vector.key_columns import Vectors
from planner.vector.ranges import compared_distance

_GATHER_FRACTION = 4
"""Vectors are gathered when fewer than one in four is allowed, as `planner.vector.exact` does."""
_NUMBERS = frozenset(kind.oid for kind in (FLOAT8, INT2, INT4, INT8, NUMERIC))


@dataclass(frozen=True, slots=True)
class UpperBound:
    """`distance < radius` or `<=`. `query` is the vector of that distance, which must be the one ordered by."""

    value: bound.Constant | bound.Parameter
    query: bound.Parameter
    is_inclusive: bool

    def radius(self, parameters: Sequence[Any]) -> float | None:
        """None for NULL, and for numbers that have no distance below them, or all: NaN, infinity, zero."""
        given = self.value
        value = parameters[given.index] if isinstance(given, bound.Parameter) else given.value
        number = None if value is None else float(value)
        return number if number and np.isfinite(number) else None

    def has_query(self, given: npt.NDArray[np.float32], parameters: Sequence[Any]) -> bool:
        """Whether the vector is the query: drivers send it twice."""
        other = parameters[self.query.index]
        return other is given or (other is not None and np.array_equal(other, given))

    def count(self, distances: npt.NDArray[np.float64], radius: float) -> int:
        """How many of some ascending distances are within."""
        return int(np.searchsorted(distances, radius, side="right" if self.is_inclusive else "left"))


def without_bound(node: VectorTopK) -> tuple[VectorTopK, UpperBound | None]:
    """A search taken apart: without the bound on its distance, and that; the search itself if there is none."""
    parts = conjuncts(node.filter)
    found = [(part, bounding) for part in parts if (bounding := _upper_bound(part, node)) is not None]
    if len(found) != 1:
        return node, None
    ((bounding_part, bounding),) = found
    rest = tuple(part for part in parts if part is not bounding_part)
    return replace(node, filter=conjunction(rest) if rest else None), bounding


def _upper_bound(part: bound.Expression, node: VectorTopK) -> UpperBound | None:
    found = compared_distance(part, node.scan)
    if found is None or not isinstance(part, bound.Call):
        return None
    distance, is_upper, side = found
    order, query = node.order, distance.query
    is_same = distance.metric == order.metric and distance.operand == order.operand
    if not (is_same and is_upper and distance.is_distance_itself):
        return None
    if not isinstance(query, bound.Parameter) or query.type.oid != order.query.sql_type.oid:
        return None
    value = part.arguments[1] if part.arguments[0] is side else part.arguments[0]
    if (
        isinstance(value, bound.CastExpression)
        and value.type == FLOAT8
        and value.argument.sql_type.oid in _NUMBERS
    ):
        value = value.argument
    if not isinstance(value, bound.Constant | bound.Parameter) or value.sql_type.oid not in _NUMBERS:
        return None
    return UpperBound(value, query, part.operator in ("<=", ">="))


@dataclass(frozen=True, slots=True)
class Within:
    """The rows of a segment within a radius, by the distances of all allowed ones."""

    metric: str
    vectors: Vectors
    bits: Bitset | None

    @property
    def expected_distances(self) -> float:
        return float(len(self.vectors))

    def run(
        self,
        query: npt.NDArray[np.float32],
        bounding: UpperBound,
        radius: float,
        cancel: npt.NDArray[np.int32],
    ) -> Found:
        """All of them, ascending by (distance, offset); of a (1, d) query. Raises QueryCanceled (57014)."""
        row_count = len(self.vectors)
        rows, vectors = None, self.vectors
        if popcount(self.bits, row_count) * _GATHER_FRACTION < row_count:
            rows = offsets_from_bits(self.bits, row_count)
            vectors = vectors[rows]
        distances = vecengine.distances(self.metric, vectors, query[0], cancel=cancel)
        is_near = distances <= radius if bounding.is_inclusive else distances < radius
        if rows is None and self.bits is not None:
            is_near &= mask_from_bits(self.bits, row_count)
        near = np.flatnonzero(is_near)
        distances, offsets = distances[near], near if rows is None else rows[near]
        order = np.argsort(distances, kind="stable")
        return distances[order], offsets[order]
