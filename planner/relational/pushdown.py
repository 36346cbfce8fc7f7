"""Work done on Arrow columns before DuckDB sees a table: native filters and vector expressions.

A conjunct of WHERE that reads one stored table, and that the native evaluator understands, becomes a bitset. An
expression over one table's vector columns becomes an extra column, so that DuckDB never touches the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from foundation.sqltypes import is_vector
from planner import bound
from planner.evaluate import is_native
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.relational.or_conditions import factored_conjuncts, implied_filters
from planner.relational.registration import ComputedColumn
from planner.relational.statement import is_volatile

COMPUTED_POSITION = 100_000
"""Positions of computed columns start here, above those of any table."""


@dataclass(slots=True)
class ComputedColumns:
    """The computed columns of one scan. `hidden_positions` are its columns that nothing else reads."""

    columns: list[ComputedColumn] = field(default_factory=list)
    hidden_positions: frozenset[int] = frozenset()

    def by_position(self) -> Iterator[tuple[int, bound.Expression]]:
        for column in self.columns:
            yield column.position, column.expression


@dataclass(slots=True)
class Pushdown:
    """What has been taken out of the queries of one statement, by relation id."""

    untouched: frozenset[int] = frozenset()
    """Scans whose rows do not come from storage."""
    filters: dict[int, bound.Expression] = field(default_factory=dict)
    computed: dict[int, ComputedColumns] = field(default_factory=dict)

    def add_filter(self, relation_id: int, condition: bound.Expression) -> None:
        known = self.filters.get(relation_id)
        self.filters[relation_id] = condition if known is None else _and(known, condition)

    def take(self, other: Pushdown) -> None:
        """Add what was taken out of one more query."""
        for relation_id, condition in other.filters.items():
            self.add_filter(relation_id, condition)
        self.computed |= other.computed

    def computed_of(self, relation_id: int) -> ComputedColumns:
        return self.computed.get(relation_id, _NONE)


_NONE = ComputedColumns()


@dataclass(frozen=True, slots=True)
class LoweredSelect:
    """A SELECT without what its scans do.

    Attributes:
        select: the query with the conditions of joins that are left. Its WHERE is as it was.
        where: what is left of that, None for none.
        taken: what the scans do.
        used: the columns that are still mentioned of tables that do something, by relation id.
    """

    select: bound.Select
    where: bound.Expression | None
    taken: Pushdown
    used: dict[int, list[int]]


def lowered_select(query: bound.Select, untouched: frozenset[int]) -> LoweredSelect:
    """Take from a SELECT what its scans can do, but for those that are not to be touched."""
    taken = Pushdown(untouched)
    from_ = None if query.from_ is None else with_lowered_conditions(query.from_, taken)
    lowered = query if from_ is query.from_ else replace(query, from_=from_)
    where = push_down(lowered, taken)
    used: dict[int, list[int]] = {}
    if taken.filters:
        left = used_positions(replace(lowered, where=where))
        used = {relation_id: left.get(relation_id, []) for relation_id in taken.filters}
    return LoweredSelect(lowered, where, taken, used)


def used_positions(root: Any) -> dict[int, list[int]]:
    """Relation id -> ascending positions of its columns that the statement mentions."""
    used: dict[int, set[int]] = {}
    for node in bound.walk(root):
        if isinstance(node, bound.ColumnRef):
            used.setdefault(node.relation_id, set()).add(node.position)
    return {relation_id: sorted(positions) for relation_id, positions in used.items()}


def push_down(query: bound.Select, pushdown: Pushdown) -> bound.Expression | None:
    """Take from a SELECT what its scans can do; returns the WHERE that is left, None for none."""
    scans = filterable_scans(query.from_, pushdown)
    if not scans:
        return query.where
    rest = []
    for conjunct in factored_conjuncts(query.where):
        relation_id = _pushed_to(conjunct, scans)
        if relation_id is not None:
            pushdown.add_filter(relation_id, conjunct)
            continue
        rest.append(conjunct)
        for implied_id, implied in implied_filters(conjunct, lambda part: _pushed_to(part, scans)).items():
            pushdown.add_filter(implied_id, implied)
    _compute_vector_expressions(query, rest, scans, pushdown)
    return None if not rest else rest[0] if len(rest) == 1 else _and(*rest)


def with_lowered_conditions(relation: bound.Relation, pushdown: Pushdown) -> bound.Relation:
    """A FROM whose joins are without the conditions that are filters of one table, which these become.

    What ON says of the side that an outer join extends with NULLs holds for the rows that are joined; what it says of the other
    side stays, because rows for which it is not TRUE are kept.
    """
    if not isinstance(relation, bound.Join):
        return relation
    sides = [with_lowered_conditions(side, pushdown) for side in (relation.left, relation.right)]
    scans = _joined_scans(relation, pushdown) if relation.condition is not None else {}
    rest = []
    for conjunct in factored_conjuncts(relation.condition):
        relation_id = _pushed_to(conjunct, scans)
        if relation_id is None:
            rest.append(conjunct)
        else:
            pushdown.add_filter(relation_id, conjunct)
    is_same = sides[0] is relation.left and sides[1] is relation.right
    if is_same and len(rest) == len(conjuncts(relation.condition)):
        return relation
    return replace(
        relation, left=sides[0], right=sides[1], condition=conjunction(tuple(rest)) if rest else None
    )


def _joined_scans(join: bound.Join, pushdown: Pushdown) -> dict[int, bound.TableScan]:
    """The tables of a join whose rows its condition may drop before it."""
    is_inner = join.kind in (bound.JoinKind.INNER, bound.JoinKind.CROSS)
    left = filterable_scans(join.left, pushdown) if is_inner or join.kind is bound.JoinKind.RIGHT else {}
    right = filterable_scans(join.right, pushdown) if is_inner or join.kind is bound.JoinKind.LEFT else {}
    return left | right


def filterable_scans(relation: bound.Relation | None, pushdown: Pushdown) -> dict[int, bound.TableScan]:
    """Stored tables of a FROM whose rows WHERE may drop before the join, by relation id."""
    scans = {scan.relation_id: scan for scan in _filterable_scans(relation)}
    return {relation_id: scan for relation_id, scan in scans.items() if relation_id not in pushdown.untouched}


def single_relation(node: bound.Expression) -> int | None:
    """The one relation whose columns an expression reads; None for none or several."""
    ids = {part.relation_id for part in bound.walk(node) if isinstance(part, bound.ColumnRef)}
    return ids.pop() if len(ids) == 1 else None


def _pushed_to(node: bound.Expression, scans: Mapping[int, bound.TableScan]) -> int | None:
    """The scan that a condition is a filter of."""
    relation_id = single_relation(node)
    return relation_id if relation_id in scans and _is_pushable(node) else None


def _is_pushable(node: bound.Expression) -> bool:
    return not is_volatile(node) and is_native(node)


def _and(*parts: bound.Expression) -> bound.Expression:
    return bound.BoolExpression(bound.BoolOperator.AND, parts)


def _filterable_scans(relation: bound.Relation | None) -> Iterator[bound.TableScan]:
    """Stored tables whose rows WHERE may drop before the join: those no outer join extends with NULLs."""
    if isinstance(relation, bound.TableScan):
        yield relation
    elif isinstance(relation, bound.Join):
        if relation.kind in (bound.JoinKind.INNER, bound.JoinKind.CROSS, bound.JoinKind.LEFT):
            yield from _filterable_scans(relation.left)
        if relation.kind in (bound.JoinKind.INNER, bound.JoinKind.CROSS, bound.JoinKind.RIGHT):
            yield from _filterable_scans(relation.right)


def _compute_vector_expressions(
    query: bound.Select,
    rest: list[bound.Expression],
    scans: dict[int, bound.TableScan],
    pushdown: Pushdown,
) -> None:
    """Find the largest expressions over one scan that read vectors and yield none."""
    found: dict[int, dict[bound.Expression, None]] = {}
    elsewhere: dict[int, set[int]] = {}

    def visit(node: Any) -> None:
        if isinstance(node, bound.ColumnRef):
            elsewhere.setdefault(node.relation_id, set()).add(node.position)
            return
        if isinstance(node, bound.Expression) and _is_vector_work(node):
            relation_id = single_relation(node)
            if relation_id is not None and relation_id in scans and _is_pushable(node):
                found.setdefault(relation_id, {})[node] = None
                return
        for child in bound.child_nodes(node):
            visit(child)

    remaining = (query.targets, query.group_by, query.having, query.order_by, query.distinct_on, query.from_)
    for part in remaining:
        for item in part if isinstance(part, tuple) else (part,):
            if item is not None:
                visit(item)
    for conjunct in rest:
        visit(conjunct)
    for relation_id, scan in scans.items():
        expressions = found.get(relation_id, {})
        columns = [ComputedColumn(COMPUTED_POSITION + i, node) for i, node in enumerate(expressions)]
        vectors = {i for i, column in enumerate(scan.columns) if is_vector(column.type)}
        hidden = frozenset(vectors - elsewhere.get(relation_id, set()))
        pushdown.computed[relation_id] = ComputedColumns(columns, hidden)


def _is_vector_work(node: bound.Expression) -> bool:
    return (
        isinstance(node, bound.Call)
        and not is_vector(node.sql_type)
        and any(is_vector(argument.sql_type) for argument in node.arguments)
    )
