"""Joins with a relation of one row, as the one with the query vector: its values take the row's place.

`SELECT ... FROM items, (SELECT embedding AS v FROM items WHERE id = 7) q ORDER BY items.embedding <-> q.v LIMIT 10` is a search
once q is known. Relations that the distance reads are asked for two rows; where there is exactly one, its values
replace the columns. Where there are none or more, the query stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from foundation.sqltypes import INT8
from planner import bound
from planner.evaluate import python_value
from planner.evaluate.coverage import is_uncorrelated, read_relations
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.relational.statement import is_volatile
from planner.services import ExecutionContext
from planner.vector.recognise import resolved_key, vector_order

_INNER = (bound.JoinKind.INNER, bound.JoinKind.CROSS)


def with_single_rows(query: bound.Select, context: ExecutionContext) -> bound.Select:
    """The query with the rows that its first sort key needs in place of the relations they are the only rows of."""
    if not query.order_by or query.limit is None or not isinstance(query.from_, bound.Join) or query.ctes:
        return query
    leaves, conditions = list(_leaves(query.from_)), list(_conditions(query.from_))
    if any(isinstance(leaf, bound.Join | bound.FunctionScan) or _is_lateral(leaf) for leaf in leaves):
        return query  # An outer join is one leaf.
    conditions += conjuncts(query.where)
    key = resolved_key(query.order_by[0], query)
    read = read_relations(key.expression)
    for scan in leaves:
        others = [leaf for leaf in leaves if leaf is not scan and leaf.relation_id in read]
        if not isinstance(scan, bound.TableScan) or len(others) != 1 or scan.relation_id not in read:
            continue
        (other,) = others
        if not _is_search(key, scan, other):
            continue
        values = _single_row(query, other, conditions, context)
        if values is not None:
            rest = [leaf for leaf in leaves if leaf is not other]
            return _replaced(query, rest, _not_over(other, conditions), _Values(other.relation_id, values))
    return query


class _Values:
    """The columns of a relation's only row, by position."""

    def __init__(self, relation_id: int, values: dict[int, bound.Expression]) -> None:
        self._relation_id = relation_id
        self._values = values

    def __call__(self, node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == self._relation_id:
            return self._values[node.position]
        return None


def _leaves(relation: bound.Relation) -> Iterator[Any]:
    if isinstance(relation, bound.Join) and relation.kind in _INNER:
        yield from _leaves(relation.left)
        yield from _leaves(relation.right)
    else:
        yield relation


def _conditions(relation: bound.Relation) -> Iterator[bound.Expression]:
    if isinstance(relation, bound.Join) and relation.kind in _INNER:
        yield from _conditions(relation.left)
        yield from _conditions(relation.right)
        yield from conjuncts(relation.condition)


def _is_lateral(relation: bound.Relation) -> bool:
    return isinstance(relation, bound.SubqueryScan) and relation.is_lateral


def _is_search(key: bound.SortKey, scan: bound.TableScan, other: Any) -> bool:
    def unknown(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == other.relation_id:
            return bound.Constant(None, node.type)
        return None

    return vector_order(rewrite(key, unknown), scan) is not None


def _over(other: Any, conditions: Sequence[bound.Expression]) -> list[bound.Expression]:
    return [c for c in conditions if read_relations(c) == {other.relation_id} and not is_volatile(c)]


def _not_over(other: Any, conditions: Sequence[bound.Expression]) -> list[bound.Expression]:
    own = _over(other, conditions)
    return [condition for condition in conditions if not any(condition is mine for mine in own)]


def _single_row(
    query: bound.Select, other: Any, conditions: Sequence[bound.Expression], context: ExecutionContext
) -> dict[int, bound.Expression] | None:
    """The values of the columns that the query reads of a relation, when it has exactly one row."""
    from planner.planning import plan_statement

    used = {
        node.position: node
        for node in bound.walk(query)
        if isinstance(node, bound.ColumnRef) and node.relation_id == other.relation_id
    }
    own = _over(other, conditions)
    where = conjunction(tuple(own)) if own else None
    rows = bound.Select(
        tuple(bound.Target(node, "") for node in used.values()),
        other,
        where,
        limit=bound.Constant(2, INT8),
    )
    if not is_uncorrelated(rows) or any(
        isinstance(node, bound.Call) and is_volatile(node) for node in bound.walk(other)
    ):
        return None
    batches = list(plan_statement(rows).execute(context).batches())
    if sum(batch.num_rows for batch in batches) != 1:
        return None
    (batch,) = batches
    return {
        position: bound.Constant(python_value(batch.column(index), node.type), node.type)
        for index, (position, node) in enumerate(used.items())
    }


def _replaced(
    query: bound.Select, rest: Sequence[Any], conditions: Sequence[bound.Expression], values: _Values
) -> bound.Select:
    from_ = rest[0]
    for leaf in rest[1:]:
        from_ = bound.Join(bound.JoinKind.CROSS, from_, leaf)
    where = conjunction(tuple(conditions)) if conditions else None
    return replace(rewrite(replace(query, from_=None, where=where), values), from_=from_)
