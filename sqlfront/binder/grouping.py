"""GROUP BY, grouping sets, and the check that nothing ungrouped is used (42803).

A column may be used outside aggregates when it is grouped, or when the primary key of its table is: then it
depends on the group. https://www.postgresql.org/docs/15/queries-table-expressions.html#QUERIES-GROUP
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from sqlglot import exp

from foundation.errors import StatementTooComplex
from planner.bound import (
    Aggregate,
    ColumnRef,
    Expression,
    Grouping,
    GroupingSet,
    Join,
    OutputRef,
    Relation,
    Select,
    Subquery,
    TableScan,
    Target,
    child_nodes,
)
from sqlfront.binder.calls import check_groupable
from sqlfront.binder.coerce import settle
from sqlfront.binder.environment import Clause, Environment
from sqlfront.binder.errors import GroupingError
from sqlfront.binder.sorting import (
    bind_target_reference,
    settled_target,
)
from sqlfront.parser.nodes import position_of

GROUPING_SETS_MAX = 4096

Sets = list[tuple[Expression, ...]]


def bind_group_by(
    environment: Environment, node: exp.Expr | None, targets: list[Target]
) -> tuple[GroupingSet, ...]:
    """GROUP BY as grouping sets; a plain one is a single set, none is ().

    Raises:
        InvalidColumnReference: 42P10, a position outside the select list.
        UndefinedFunction: 42883, a type without equality.
    """
    if node is None:
        return ()
    parts = [_item_sets(environment, item, targets) for item in node.expressions]
    count = 1
    for part in parts:
        count *= len(part)
    if count > GROUPING_SETS_MAX:
        raise StatementTooComplex(f"too many grouping sets present (maximum {GROUPING_SETS_MAX})")
    combined = [_without_repeats([e for part in choice for e in part]) for choice in product(*parts)]
    if node.args.get("distinct"):
        combined = list(dict.fromkeys(combined))
    return tuple(GroupingSet(expressions) for expressions in combined)


def _without_repeats(expressions: Sequence[Expression]) -> tuple[Expression, ...]:
    kept: list[Expression] = []
    for expression in expressions:
        if expression not in kept:
            kept.append(expression)
    return tuple(kept)


def _item_sets(environment: Environment, node: exp.Expr, targets: list[Target]) -> Sets:
    """The grouping sets one item of GROUP BY stands for."""
    if isinstance(node, exp.GroupingSets):
        return [s for item in node.expressions for s in _item_sets(environment, item, targets)]
    if isinstance(node, exp.Rollup | exp.Cube):
        parts = [_group(environment, item, targets) for item in node.expressions]
        if isinstance(node, exp.Rollup):
            return [_joined(parts[:length]) for length in range(len(parts), -1, -1)]
        masks = range(2 ** len(parts) - 1, -1, -1)
        size = len(parts)
        return [_joined([p for i, p in enumerate(parts) if mask >> (size - 1 - i) & 1]) for mask in masks]
    return [_group(environment, node, targets)]


def _joined(parts: Sequence[tuple[Expression, ...]]) -> tuple[Expression, ...]:
    return tuple(expression for part in parts for expression in part)


def _group(environment: Environment, node: exp.Expr, targets: list[Target]) -> tuple[Expression, ...]:
    """One expression, or the several of (a, b)."""
    items = node.expressions if isinstance(node, exp.Tuple) else [node]
    bound = []
    for item in items:
        found = bind_target_reference(environment, item, targets, Clause.GROUP_BY)
        if isinstance(found, int):
            targets[found] = settled_target(environment, targets[found])
        expression = targets[found].expression if isinstance(found, int) else found
        expression = settle(environment.context, expression)
        if _contains_aggregate(expression):
            raise GroupingError(
                "aggregate functions are not allowed in GROUP BY",
                position=environment.state.position_of(expression),
            )
        check_groupable(expression.sql_type, position_of(item))
        bound.append(expression)
    return tuple(bound)


def _contains_aggregate(node: object) -> bool:
    if isinstance(node, Aggregate):
        return True
    return not isinstance(node, Subquery) and any(_contains_aggregate(child) for child in child_nodes(node))


# -- the check ----------------------------------------------------------------------------------------------


class _Check:
    """Walks a grouped query's expressions."""

    def __init__(self, environment: Environment, select: Select) -> None:
        self._environment = environment
        self._own = environment.scope.relation_ids()
        sets = [set(s.expressions) for s in select.group_by]
        self._grouped = set().union(*sets) if sets else set()
        single = select.group_by[0].expressions if len(select.group_by) == 1 else ()
        self._dependent = _key_dependent(environment, select.from_, single)

    def check(self, node: object, *, in_query: bool = False) -> None:
        if isinstance(node, Expression) and node in self._grouped:
            return
        if isinstance(node, Aggregate):
            if not node.within_group:
                return
            for argument in node.arguments:
                self.check(argument, in_query=in_query)
            return
        if isinstance(node, Grouping):
            self._check_grouping_call(node)
            return
        if isinstance(node, ColumnRef):
            self._check_column(node, in_query)
            return
        if isinstance(node, OutputRef):
            return
        for child in child_nodes(node):
            self.check(child, in_query=in_query or isinstance(node, Subquery))

    def _check_grouping_call(self, node: Grouping) -> None:
        for argument in node.arguments:
            if argument not in self._grouped:
                raise GroupingError(
                    "arguments to GROUPING must be grouping expressions of the associated query level",
                    position=self._environment.state.position_of(argument),
                )

    def _check_column(self, node: ColumnRef, in_query: bool) -> None:
        if node.relation_id not in self._own or node.relation_id in self._dependent:
            return
        state = self._environment.state
        shown = f"{state.alias_of[node.relation_id]}.{node.name}"
        position = state.position_of(node)
        if in_query:
            raise GroupingError(
                f'subquery uses ungrouped column "{shown}" from outer query', position=position
            )
        raise GroupingError(
            f'column "{shown}" must appear in the GROUP BY clause or be used in an aggregate function',
            position=position,
        )


def check_grouping(environment: Environment, select: Select) -> None:
    """Raises GroupingError (42803) when a grouped query uses an ungrouped column."""
    check = _Check(environment, select)
    for target in select.targets:
        check.check(target.expression)
    for key in select.order_by:
        check.check(key.expression)
    for expression in select.distinct_on:
        check.check(expression)
    if select.having is not None:
        check.check(select.having)


def _key_dependent(
    environment: Environment, from_: Relation | None, grouped: Sequence[Expression]
) -> frozenset[int]:
    """Relations whose primary key is among the grouped columns."""
    catalog = environment.context.catalog
    positions: dict[int, set[int]] = {}
    for expression in grouped:
        if isinstance(expression, ColumnRef):
            positions.setdefault(expression.relation_id, set()).add(expression.position)
    dependent = set()
    for scan in _scans(from_):
        primary = catalog.primary_key_of(scan.table_oid)
        if primary is None:
            continue
        attnums = {scan.columns[p].attnum for p in positions.get(scan.relation_id, ())}
        if set(primary.key_attnums()) <= attnums:
            dependent.add(scan.relation_id)
    return frozenset(dependent)


def _scans(relation: Relation | None) -> list[TableScan]:
    if isinstance(relation, Join):
        return _scans(relation.left) + _scans(relation.right)
    return [relation] if isinstance(relation, TableScan) else []
