"""Which index serves a top-k, how each segment is searched, and why an index cannot serve.

`vecengine` estimates cost and recall per strategy; this module only compares. A size of the search that somebody chose
(hnsw.ef_search, ivfflat.probes, or the index's option) is used as it is without a filter and is a floor under one,
enable_indexscan = off means no index, enable_seqscan = off means the index wherever there is one.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

import vecengine
from foundation.settings import SettingValues
from planner.bound import Expression, TableScan
from planner.implication import is_implied, over_attnums, with_parameter_values
from planner.nodes import VectorOrder
from planner.services import ExecutionContext
from planner.vector.index_rules import IndexRules, rules_of
from planner.vector.search_options import SearchKnobs, family_of
from storage.catalog import Catalog, Index
from vecengine.index import EXACT

METRIC_OPERATORS = {
    "l2": "<->",
    "ip": "<#>",
    "cosine": "<=>",
    "l1": "<+>",
    "hamming": "<~>",
    "jaccard": "<%>",
}

_FAMILIES = vecengine.families()


@dataclass(frozen=True, slots=True)
class Strategy:
    """How one segment is searched; `beam` is that of a graph, the lists to visit or the like, 0 for an exact scan."""

    name: str
    beam: int = 0
    cost_distances: float = 0.0
    """Expected time, in distances of a sequential scan."""
    walked: str = ""
    """What an index of its family walks, as EXPLAIN says it."""

    def __str__(self) -> str:
        if self.name == EXACT:
            return "exact scan"
        return f"filtered {self.walked}" if self.name.startswith("filtered_") else self.walked


EXACT_SCAN = Strategy(EXACT)


def vector_indexes(catalog: Catalog, table_oid: int, attnums: Set[int]) -> tuple[Index, ...]:
    """Vector indexes over one of the columns, or over an expression that reads one."""
    return tuple(
        index
        for index in catalog.indexes_of(table_oid)
        if index.metric is not None and not attnums.isdisjoint(index.read_attnums())
    )


def usable_index(
    order: VectorOrder, scan: TableScan, condition: Expression | None, context: ExecutionContext
) -> Index | None:
    """The index that serves an order of the rows that satisfy a condition.

    The family of the highest rank, one of fewer rows before one of all, then the youngest.
    """
    if not context.settings.boolean("enable_indexscan"):
        return None
    found = [
        index
        for index in context.transaction.catalog.indexes_of(scan.table_oid)
        if index.metric == order.metric
        and has_key(index, order, scan, context)
        and has_all_rows(index, scan, condition, context)
    ]
    return max(
        found,
        key=lambda index: (family_of(index).rank, index.predicate_sql is not None, index.oid),
        default=None,
    )


def has_key(index: Index, order: VectorOrder, scan: TableScan, context: ExecutionContext) -> bool:
    """Whether a vector index's key is the column or the expression that an order compares."""
    (key,) = index.keys
    if key.attnum or order.attnum:
        return key.attnum == order.attnum
    expression = _rules(index, scan, context).expression
    return expression is not None and over_attnums(expression.expression, expression.columns) == over_attnums(
        order.operand, scan.columns
    )


def has_all_rows(
    index: Index, scan: TableScan, condition: Expression | None, context: ExecutionContext
) -> bool:
    """Whether an index has every row that satisfies a condition."""
    if index.predicate_sql is None:
        return True
    return condition is not None and not _conjuncts_outside(index, scan, condition, context)[0]


def is_filter(index: Index, scan: TableScan, condition: Expression | None, context: ExecutionContext) -> bool:
    """Whether a condition leaves out rows that the index has, as far as its conjuncts tell."""
    if condition is None or index.predicate_sql is None:
        return condition is not None
    return _conjuncts_outside(index, scan, condition, context)[1]


def _conjuncts_outside(
    index: Index, scan: TableScan, condition: Expression, context: ExecutionContext
) -> tuple[bool, bool]:
    """Whether the condition fails to imply the index's predicate, and whether it says more than the predicate."""
    bound_predicate = _rules(index, scan, context).predicate
    assert bound_predicate is not None
    predicate = over_attnums(bound_predicate.expression, bound_predicate.columns)
    given = over_attnums(with_parameter_values(condition, context.parameters), scan.columns)
    if not is_implied(predicate, given):
        return True, True
    return False, not is_implied(given, predicate)


def _rules(index: Index, scan: TableScan, context: ExecutionContext) -> IndexRules:
    return rules_of(context.transaction.catalog.table(scan.table_oid), index)


def choose_strategy(
    index: vecengine.VectorIndex,
    k: int,
    allowed_count: int,
    *,
    is_filtered: bool,
    knobs: SearchKnobs,
    settings: SettingValues,
) -> tuple[Strategy, Sequence[Strategy]]:
    """How to search one segment's index for the k nearest of `allowed_count` allowed rows, and what it was chosen from."""
    explicit = knobs.size
    estimates = _estimates(index, k, allowed_count, knobs.target_recall)
    if not settings.boolean("enable_seqscan"):
        estimates = [e for e in estimates if e.name != EXACT] or estimates
    best = estimates[0]
    if explicit is None:
        return best, estimates
    if not is_filtered:
        traversal = _FAMILIES[index.family].traversal
        return Strategy(traversal.strategy, max(explicit, 1), walked=traversal.word), ()
    return best if best.name == EXACT else replace(best, beam=max(best.beam, explicit)), estimates


_known_estimates: weakref.WeakKeyDictionary[
    vecengine.VectorIndex, dict[tuple[int, int, float], list[Strategy]]
] = weakref.WeakKeyDictionary()
_ESTIMATES_MAX = 256


def _estimates(index: vecengine.VectorIndex, k: int, allowed_count: int, target: float) -> list[Strategy]:
    """vecengine's strategies, cheapest first; the same few questions come again and again."""
    known = _known_estimates.setdefault(index, {})
    key = (k, allowed_count, target)
    found = known.get(key)
    if found is None:
        if len(known) >= _ESTIMATES_MAX:
            known.clear()
        estimates = index.estimate(k, allowed_count, target)
        word = _FAMILIES[index.family].traversal.word
        found = known[key] = [Strategy(e.strategy, e.ef_search, e.cost_distances, word) for e in estimates]
    return found


def _shown_metric(metric: str) -> str:
    return METRIC_OPERATORS.get(metric, f"{metric}_distance()")


def unused_index_notices(
    indexes: Iterable[Index],
    order: VectorOrder | None,
    scan: TableScan,
    context: ExecutionContext,
    *,
    is_farthest_first: bool,
) -> list[tuple[str, str | None]]:
    """(message, hint) for each vector index of the ordered columns, none of which can serve the query."""
    notices = []
    for index in indexes:
        hint = None
        if is_farthest_first:
            reason = "it returns the nearest rows first and the query asks for the farthest"
        elif order is None:
            reason = "the query does not order by the distance of the column to one vector"
        elif index.metric != order.metric:
            wanted, has = _shown_metric(order.metric), _shown_metric(index.metric or "l2")
            reason = f"it orders by {has} and the query by {wanted}"
            kind = index.keys[0].operator_class.partition("_")[0]
            hint = f"Create an index with operator class {kind}_{order.metric}_ops, or order by {has}."
        elif not has_key(index, order, scan, context):
            shown = index.keys[0].expression_sql or "a column"
            reason = f"it orders by the distance of {shown}"
        else:
            reason = "it covers only the rows of its WHERE clause"
        notices.append((f'index "{index.name}" cannot serve this query: {reason}', hint))
    return notices
