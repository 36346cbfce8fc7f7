"""Cache keys of predicates: equal for predicates that select the same rows of the same column content.

Columns are named by attnum, so that relation ids and aliases do not matter; parameters are part of the key by
value. What does not change between executions of a plan is computed once per predicate object.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from planner import bound
from planner.evaluate.coverage import has_effects, is_immutable
from planner.evaluate.rewriting import rewrite
from planner.services import EvaluationContext

_PREDICATES_MAX = 1024


class PredicateKey:
    """A normalised predicate with its hash taken once; trees are slow to hash."""

    __slots__ = ("_hash", "predicate")

    def __init__(self, predicate: bound.Expression) -> None:
        self.predicate = predicate
        self._hash = hash(predicate)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, PredicateKey)
            and self._hash == other._hash
            and self.predicate == other.predicate
        )


@dataclass(frozen=True, slots=True)
class KnownPredicate:
    """What is remembered of a predicate object; `predicate` keeps the object alive while it is remembered."""

    predicate: bound.Expression
    scan: bound.TableScan
    key: PredicateKey
    is_immutable: bool
    has_effects: bool
    parameters: tuple[bound.Parameter, ...]

    def cache_key(self, version: Hashable, context: EvaluationContext) -> Hashable:
        """(segment version, predicate, parameter values)."""
        if not self.parameters:
            return (version, self.key)
        values = tuple(bound.Constant(context.parameters[p.index], p.type) for p in self.parameters)
        return (version, self.key, values)


class PredicateKeys:
    """The most recently used predicates by identity. Safe from any thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, KnownPredicate] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, predicate: bound.Expression, scan: bound.TableScan) -> KnownPredicate:
        with self._lock:
            known = self._known.get(id(predicate))
            if known is not None and known.predicate is predicate and known.scan is scan:
                self._known.move_to_end(id(predicate))
                return known
        known = _describe(predicate, scan)
        if any(isinstance(node, bound.QueryResult) for node in bound.walk(predicate)):
            return known  # Made for one execution; its rows would be kept in memory for nothing.
        with self._lock:
            self._known[id(predicate)] = known
            if len(self._known) > _PREDICATES_MAX:
                self._known.popitem(last=False)
        return known


def _describe(predicate: bound.Expression, scan: bound.TableScan) -> KnownPredicate:
    parameters = {node for node in bound.walk(predicate) if isinstance(node, bound.Parameter)}
    return KnownPredicate(
        predicate,
        scan,
        PredicateKey(normalised(predicate, scan)),
        is_immutable(predicate),
        has_effects(predicate),
        tuple(sorted(parameters, key=lambda parameter: parameter.index)),
    )


def normalised(predicate: bound.Expression, scan: bound.TableScan) -> bound.Expression:
    """The predicate with columns named by attnum."""

    def change(node: object) -> object | None:
        if isinstance(node, bound.ColumnRef):
            attnum = scan.columns[node.position].attnum
            # Row ids and the table's OID are not column content: they must not meet another table's.
            relation = 0 if attnum > 0 else scan.table_oid
            return bound.ColumnRef(relation, attnum, "", node.type)
        return None

    return rewrite(predicate, change)


PREDICATES = PredicateKeys()
"""The process's predicates."""
