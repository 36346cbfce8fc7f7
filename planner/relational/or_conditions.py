"""What an OR says beside itself: conjuncts that all of its arms share, and filters of single tables.

PostgreSQL does both: process_duplicate_ors in prepqual.c, extract_restriction_or_clauses in orclauses.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from planner import bound
from planner.evaluate.zone_maps import conjunction, conjuncts


def factored_conjuncts(condition: bound.Expression | None) -> Iterator[bound.Expression]:
    """The conjuncts of a condition, `(a AND b) OR (a AND c)` taken as `a AND (b OR c)`."""
    for conjunct in conjuncts(condition):
        arms = [list(conjuncts(arm)) for arm in _arms(conjunct)]
        shared = [part for part in arms[0] if all(part in arm for arm in arms[1:])] if len(arms) > 1 else []
        if not shared:
            yield conjunct
            continue
        yield from shared
        left = [tuple(part for part in arm if part not in shared) for arm in arms]
        if all(left):
            yield _any_of(conjunction(parts) for parts in left)


def implied_filters(
    condition: bound.Expression, relation_of: Callable[[bound.Expression], int | None]
) -> dict[int, bound.Expression]:
    """What an OR over several tables says of one, by relation id; the OR itself is still to be tested.

    `(a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4)` has `a.x = 1 OR a.x = 3`.

    Args:
        relation_of: the table that a condition is a filter of, None for another condition.
    """
    arms: list[dict[int, list[bound.Expression]]] = []
    for arm in _arms(condition):
        parts: dict[int, list[bound.Expression]] = {}
        for conjunct in conjuncts(arm):
            relation_id = relation_of(conjunct)
            if relation_id is not None:
                parts.setdefault(relation_id, []).append(conjunct)
        arms.append(parts)
    if len(arms) < 2:
        return {}
    shared = set(arms[0]).intersection(*arms[1:])
    return {i: _any_of(conjunction(tuple(arm[i])) for arm in arms) for i in sorted(shared)}


def _arms(condition: bound.Expression) -> tuple[bound.Expression, ...]:
    if isinstance(condition, bound.BoolExpression) and condition.operator is bound.BoolOperator.OR:
        return condition.arguments
    return (condition,)


def _any_of(arms: Iterable[bound.Expression]) -> bound.Expression:
    return bound.BoolExpression(bound.BoolOperator.OR, tuple(arms))
