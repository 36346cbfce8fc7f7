"""Sub-queries and joins that say which rows of a searched table may be returned, as conditions on that table.

A filter over other tables (`EXISTS (... WHERE c.document_id = d.id)`, `JOIN documents d ON d.id = c.document_id WHERE
d.price > 10`) is a semi-join: it keeps the rows whose key is among the keys of the others. Written as `key = ANY (SELECT
...)` it is a sub-query that refers to nothing outside, runs once before the search, and becomes part of the bitset of
allowed rows. So the search of the nearest rows goes through the index, and is complete.

- `without_correlation`: EXISTS of a query that is tied to the outer row by one equality.
- `searched_first`: the searched table of a join is replaced by its nearest rows that the join keeps. Each of these
  is in the join's result at least once, so they are enough for the LIMIT.

What has another shape is left as it is, and answered by the relational engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from planner import bound
from planner.evaluate import is_hashed, is_native
from planner.evaluate.coverage import is_uncorrelated
from planner.evaluate.rewriting import rewrite
from planner.functions.signature import FunctionKind, Volatility
from planner.vector.recognise import resolved_key, vector_order

_ONE_ROW_EACH = (bound.JoinKind.INNER, bound.JoinKind.CROSS)


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
    if query.order_by or query.limit is not None or query.offset is not None:
        return None
    inside = _relation_ids(query)
    ties: list[bound.Expression] = []
    rest: list[bound.Expression] = []
    for conjunct in conjuncts(query.where):
        (rest if _references(conjunct) <= inside else ties).append(conjunct)
    tie = _equality(ties, inside)
    if tie is None:
        return None
    keys = replace(query, targets=(bound.Target(tie.inner, ""),), where=_all_of(rest))
    if not is_uncorrelated(keys):
        return None
    return bound.IsTruth(tie.member_of(keys), bound.TruthTest.TRUE)


def searched_first(query: bound.Query, is_island: Callable[[bound.Select], bool]) -> bound.Query:
    """The query with `search_before_join` done wherever a SELECT of it allows that."""
    next_id = max(_relation_ids(query), default=0)

    def change(node: Any) -> bound.Query | None:
        nonlocal next_id
        if not isinstance(node, bound.Select):
            return None
        changed = search_before_join(node, next_id + 1, is_island)
        if changed is None:
            return None
        next_id += 1
        return changed

    return rewrite(query, change)


def search_before_join(
    select: bound.Select, next_id: int, is_island: Callable[[bound.Select], bool]
) -> bound.Select | None:
    """The SELECT with its searched table replaced by a sub-query that finds the nearest rows the join keeps.

    Args:
        select: its first sort key is the distance of a column to something that reads no row.
        next_id: a relation id that the statement does not use yet.
        is_island: whether a sub-query is a search that runs natively.

    Returns:
        None where the join has another shape.
    """
    if not isinstance(select.from_, bound.Join) or not _is_plain(select) or select.limit is None:
        return None
    if not select.order_by:
        return None
    join = _flattened(select)
    searched = None if join is None else _searched(join, select)
    if join is None or searched is None:
        return None
    restriction = _restriction(join, searched)
    island = None if restriction is None else _island(select, searched, restriction, next_id)
    if island is None or not is_uncorrelated(island) or not is_island(island):
        return None
    scan = bound.SubqueryScan(searched.relation_id, island, searched.alias, searched.columns)
    return replace(select, from_=rewrite(select.from_, lambda node: scan if node is searched else None))


# -- one equality between two sides -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Tie:
    """`outer = inner`, by the overload `function` of two operands of one type."""

    outer: bound.Expression
    inner: bound.Expression
    equality: bound.Call

    def member_of(self, keys: bound.Query) -> bound.Expression:
        equality = self.equality
        return bound.Subquery(bound.SubqueryKind.ANY, keys, equality.type, self.outer, "=", equality.function)


def _equality(ties: Sequence[bound.Expression], inside: set[int]) -> _Tie | None:
    """The only condition between the two sides, if it is an equality of one side's value with the other's."""
    if len(ties) != 1:
        return None
    call = ties[0]
    if not isinstance(call, bound.Call) or call.operator != "=" or len(call.arguments) != 2:
        return None
    left, right = call.arguments
    if left.sql_type.oid != right.sql_type.oid or not is_hashed(left.sql_type.oid, right.sql_type.oid):
        return None
    for inner, outer in ((left, right), (right, left)):
        is_parted = _references(inner) <= inside and not _references(outer) & inside
        if is_parted and _references(inner) and is_native(inner) and is_native(outer):
            return _Tie(outer, inner, call)
    return None


# -- joins ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Join:
    """An inner join as the relations it joins and all its conditions, those of WHERE too.

    `optional` are the sides of outer joins that may be missing: they drop no row of what they are joined to.
    """

    relations: tuple[bound.Relation, ...]
    conditions: tuple[bound.Expression, ...]
    optional: tuple[bound.Relation, ...]


def _flattened(select: bound.Select) -> _Join | None:
    relations: list[bound.Relation] = []
    conditions = list(conjuncts(select.where))
    optional: list[bound.Relation] = []

    def add(relation: bound.Relation) -> None:
        if isinstance(relation, bound.Join) and relation.kind in _ONE_ROW_EACH:
            add(relation.left)
            add(relation.right)
            conditions.extend(conjuncts(relation.condition))
        elif isinstance(relation, bound.Join) and relation.kind is bound.JoinKind.LEFT:
            add(relation.left)
            optional.append(relation.right)
        elif isinstance(relation, bound.Join) and relation.kind is bound.JoinKind.RIGHT:
            add(relation.right)
            optional.append(relation.left)
        else:
            relations.append(relation)

    assert select.from_ is not None
    add(select.from_)
    dropped = {relation_id for relation in optional for relation_id in _relation_ids(relation)}
    if any(_references(condition) & dropped for condition in conditions):
        return None  # WHERE asks for something of a row that may be missing.
    if any(_is_lateral(node) for node in bound.walk(select.from_)):
        return None
    return _Join(tuple(relations), tuple(conditions), tuple(optional))


def _is_lateral(node: Any) -> bool:
    return isinstance(node, bound.FunctionScan) or (isinstance(node, bound.SubqueryScan) and node.is_lateral)


def _searched(join: _Join, select: bound.Select) -> bound.TableScan | None:
    """The table whose distance the first sort key is."""
    key = resolved_key(select.order_by[0], select)
    for relation in join.relations:
        if isinstance(relation, bound.TableScan) and vector_order(key, relation) is not None:
            return relation
    return None


def _restriction(join: _Join, searched: bound.TableScan) -> list[bound.Expression] | None:
    """Conditions on the searched table's rows that the join keeps; None where they cannot be told from it alone."""
    own: list[bound.Expression] = []
    others: list[bound.Expression] = []
    ties: list[bound.Expression] = []
    for condition in join.conditions:
        references = _references(condition)
        if references <= {searched.relation_id}:
            own.append(condition)
        elif searched.relation_id in references:
            ties.append(condition)
        else:
            others.append(condition)
    rest = [relation for relation in join.relations if relation is not searched]
    if not rest:
        return own
    inside = {relation_id for relation in rest for relation_id in _relation_ids(relation)}
    tie = _equality(ties, inside)
    if tie is None:
        return None
    from_ = rest[0]
    for relation in rest[1:]:
        from_ = bound.Join(bound.JoinKind.CROSS, from_, relation)
    keys = bound.Select((bound.Target(tie.inner, ""),), from_, _all_of(others))
    return [*own, tie.member_of(keys)] if is_uncorrelated(keys) else None


def _island(
    select: bound.Select, searched: bound.TableScan, restriction: list[bound.Expression], next_id: int
) -> bound.Select | None:
    """The nearest rows of the searched table, as many as LIMIT and OFFSET ask for."""
    keys = tuple(resolved_key(key, select) for key in select.order_by)
    if any(not _references(key.expression) <= {searched.relation_id} for key in keys):
        return None  # Rows of one distance would be chosen without knowing what orders them.
    limit = _row_count(select)
    if limit is None:
        return None

    def moved(node: Any) -> bound.Expression | None:
        if isinstance(node, bound.ColumnRef) and node.relation_id == searched.relation_id:
            return replace(node, relation_id=next_id)
        return None

    used = {
        node.position
        for node in bound.walk(select)
        if isinstance(node, bound.ColumnRef) and node.relation_id == searched.relation_id
    }
    targets = tuple(
        bound.Target(
            bound.ColumnRef(next_id, position, column.name, column.type)
            if position in used
            else bound.Constant(None, column.type),
            column.name,
        )
        for position, column in enumerate(searched.columns)
    )
    where = _all_of(restriction)
    return bound.Select(
        targets,
        replace(searched, relation_id=next_id),
        None if where is None else rewrite(where, moved),
        order_by=tuple(replace(key, expression=rewrite(key.expression, moved)) for key in keys),
        limit=limit,
    )


def _row_count(select: bound.Select) -> bound.Expression | None:
    """LIMIT and OFFSET together; None where they are not both known, or negative, which the query itself refuses."""
    limit, offset = select.limit, select.offset
    if offset is None or limit is None:
        return limit
    values = [part.value for part in (limit, offset) if isinstance(part, bound.Constant)]
    if len(values) < 2 or any(not isinstance(value, int) or value < 0 for value in values):
        return None
    return bound.Constant(sum(values), limit.sql_type)


# -- what may be moved ------------------------------------------------------------------------------------


def conjuncts(where: bound.Expression | None) -> Iterator[bound.Expression]:
    """The ANDed parts of a condition."""
    if isinstance(where, bound.BoolExpression) and where.operator is bound.BoolOperator.AND:
        for argument in where.arguments:
            yield from conjuncts(argument)
    elif where is not None:
        yield where


def _all_of(parts: Sequence[bound.Expression]) -> bound.Expression | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return bound.BoolExpression(bound.BoolOperator.AND, tuple(parts))


def _is_plain(select: bound.Select) -> bool:
    """Whether each row of the FROM that passes WHERE is one row of the result."""
    if select.group_by or select.having is not None or select.is_distinct or select.distinct_on:
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


def _references(node: Any) -> set[int]:
    """Ids of the relations whose columns an expression reads, those inside its sub-queries left out."""
    ids = {part.relation_id for part in bound.walk(node) if isinstance(part, bound.ColumnRef)}
    return ids - _relation_ids(node)


def _relation_ids(node: Any) -> set[int]:
    """Ids of the relations that are made below a node."""
    return {
        part.relation_id
        for part in bound.walk(node)
        if hasattr(part, "relation_id") and not isinstance(part, bound.ColumnRef)
    }
