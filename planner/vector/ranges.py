"""Conditions on the distance that a search orders by: `WHERE e <=> $1 < 0.3`, with ORDER BY the same distance or without.

As a filter such a condition costs the distance of every row. A search through an index needs no filter for it: the nearest
rows come first, so those within the range are a prefix of what it finds. Whether a row is within is always said by the
condition as it was written, evaluated for the rows found.

Understood are `<`, `<=`, `>`, `>=`, either way round, BETWEEN, and expressions that grow or fall with the distance, as in
`1 - (e <=> $1) > 0.7`. Vectors are compared by value, so that two parameters may hold the same one.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner import bound
from planner.evaluate import has_effects, is_row_free
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.implication import with_parameter_values
from planner.nodes import Limit, SeqScan, VectorOrder, VectorTopK
from planner.services import ExecutionContext
from planner.vector.recognise import Distance, find_distance, vector_order

_UPPER = ("<", "<=")
_LOWER = (">", ">=")


@dataclass(frozen=True, slots=True)
class DistanceRange:
    """A condition taken apart: what bounds the distance from above, what from below, and the rest."""

    whole: bound.Expression
    within: bound.Expression
    beyond: bound.Expression | None
    rest: bound.Expression | None

    @property
    def condition(self) -> bound.Expression:
        """All that compares the distance."""
        return self.within if self.beyond is None else conjunction((self.within, self.beyond))


def distance_range(
    condition: bound.Expression, order: VectorOrder, scan: bound.TableScan, context: ExecutionContext
) -> DistanceRange | None:
    """The range a condition sets for the distance of an order; None when it bounds it from above nowhere.

    Functions with effects see every row they would see otherwise: such a condition is not taken apart.
    """
    within: list[bound.Expression] = []
    beyond: list[bound.Expression] = []
    rest: list[bound.Expression] = []
    query = None
    for part in conjuncts(condition):
        found = compared_distance(part, scan)
        if found is None:
            rest.append(part)
            continue
        distance, is_upper, _ = found
        query = query or with_parameter_values(order.query, context.parameters)
        is_same = (
            distance.metric == order.metric
            and distance.operand == order.operand
            and with_parameter_values(distance.query, context.parameters) == query
        )
        (rest if not is_same else within if is_upper else beyond).append(part)
    if not within or has_effects(condition):
        return None
    return DistanceRange(
        condition,
        conjunction(tuple(within)),
        conjunction(tuple(beyond)) if beyond else None,
        conjunction(tuple(rest)) if rest else None,
    )


def topk_within(node: Limit) -> VectorTopK | None:
    """`WHERE d < r LIMIT k` without an order as the nearest k: any k rows in range will do, and these are found soonest."""
    source = node.source
    if not isinstance(source, SeqScan) or source.filter is None or node.limit is None:
        return None
    for part in conjuncts(source.filter):
        found = compared_distance(part, source.scan)
        if found is None or not found[1]:
            continue
        distance, _, side = found
        key = bound.SortKey(side, is_descending=distance.direction < 0)
        order = vector_order(key, source.scan)
        if order is not None:
            return VectorTopK(source.scan, order, (key,), source.filter, node.limit, node.offset)
    return None


def compared_distance(
    part: bound.Expression, scan: bound.TableScan
) -> tuple[Distance, bool, bound.Expression] | None:
    """(distance, whether it is bounded from above, the side it is on) of a comparison with a value free of the row."""
    if not isinstance(part, bound.Call) or part.operator not in (*_UPPER, *_LOWER):
        return None
    left, right = part.arguments
    for side, other, is_left in ((left, right, True), (right, left, False)):
        distance = find_distance(side, scan)
        if distance is not None and is_row_free(other):
            is_less = (part.operator in _UPPER) is is_left
            return distance, is_less is (distance.direction > 0), side
    return None
