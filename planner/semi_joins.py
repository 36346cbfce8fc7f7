"""EXISTS as membership: a sub-query that is tied to the outer row by one equality, written so that it runs once.

`EXISTS (SELECT ... FROM documents d WHERE d.id = c.document_id AND d.price < 30)` keeps the rows whose key is among the keys
of others. As `c.document_id = ANY (SELECT d.id FROM documents d WHERE d.price < 30)` it is a sub-query that refers to
nothing outside: it runs before the search and becomes part of the bitset of allowed rows. So the search of the nearest
rows goes through the index, and is complete. What has another shape is left to the relational engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from planner import bound
from planner.evaluate import is_native
from planner.evaluate.coverage import is_uncorrelated, made_relations, read_relations
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.functions.implementations_compare import is_hashed
from planner.functions.signature import FunctionKind, Volatility


def without_correlation(where: bound.Expression) -> bound.Expression:
    """A condition in which `EXISTS (SELECT ... WHERE inner = outer AND rest)` is `outer = ANY (SELECT inner WHERE rest)`.

    It is TRUE, or FALSE where ANY is NULL, so NOT EXISTS stays right.
    """

    def change(node: Any) -> bound.Expression | None:
        if not isinstance(node, bound.Subquery):
            return None
        if node.kind is not bound.SubqueryKind.EXISTS or is_uncorrelated(node.query):
            return node
        return _as_membership(node.query) or node

    return rewrite(where, change)


def _as_membership(query: bound.Query) -> bound.Expression | None:
    if not isinstance(query, bound.Select) or query.from_ is None or not _is_plain(query):
        return None
    inside = made_relations(query)
    ties: list[bound.Expression] = []
    rest: list[bound.Expression] = []
    for conjunct in conjuncts(query.where):
        (rest if read_relations(conjunct) <= inside else ties).append(conjunct)
    if len(ties) != 1:
        return None
    return _membership(query, ties[0], rest, inside)


def _membership(
    query: bound.Select, tie: bound.Expression, rest: Sequence[bound.Expression], inside: set[int]
) -> bound.Expression | None:
    if not isinstance(tie, bound.Call) or tie.operator != "=" or len(tie.arguments) != 2:
        return None
    left, right = tie.arguments
    if left.sql_type.oid != right.sql_type.oid or not is_hashed(left.sql_type.oid, right.sql_type.oid):
        return None
    for inner, outer in ((left, right), (right, left)):
        is_parted = read_relations(inner) <= inside and not read_relations(outer) & inside
        if not is_parted or not read_relations(inner) or not is_native(outer):
            continue
        where = conjunction(tuple(rest)) if rest else None
        keys = bound.Select((bound.Target(inner, ""),), query.from_, where)
        if is_uncorrelated(keys):
            member = bound.Subquery(bound.SubqueryKind.ANY, keys, tie.type, outer, "=", tie.function)
            return bound.IsTruth(member, bound.TruthTest.TRUE)
    return None


def _is_plain(select: bound.Select) -> bool:
    """Whether the query has a row exactly when a row of its FROM passes WHERE."""
    if select.group_by or select.having is not None or select.limit is not None or select.offset is not None:
        return False
    return not select.ctes and not select.locks and not _changes_with_rows(select)


def _changes_with_rows(select: bound.Select) -> bool:
    """Whether an expression looks at more than one row, or makes several of one, or is volatile."""
    parts: list[Any] = [*select.targets, *select.order_by, select.where, *_join_conditions(select.from_)]
    for node in (node for part in parts if part is not None for node in _outside_subqueries(part)):
        if isinstance(node, bound.Aggregate | bound.WindowCall | bound.Grouping):
            return True
        if isinstance(node, bound.Call) and (
            node.function.kind is FunctionKind.SET or node.function.volatility is Volatility.VOLATILE
        ):
            return True
    return False


def _join_conditions(relation: bound.Relation | None) -> Iterator[bound.Expression | None]:
    if isinstance(relation, bound.Join):
        yield relation.condition
        yield from _join_conditions(relation.left)
        yield from _join_conditions(relation.right)


def _outside_subqueries(node: Any) -> Iterator[Any]:
    yield node
    for child in bound.child_nodes(node):
        if not isinstance(node, bound.Subquery) or child is node.left:
            yield from _outside_subqueries(child)
