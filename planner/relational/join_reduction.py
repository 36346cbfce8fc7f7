"""Semi-join reduction: before tables are joined, rows without a partner are left out of the larger ones.

`FROM lineitem JOIN part ON l_partkey = p_partkey WHERE p_name LIKE '%green%'` needs of lineitem only the rows whose part is green.
DuckDB sees Arrow tables without statistics, so neither its order of joins nor its scans know that these are few. Here the
rows that pass a table's own filter are known, and so are their keys:

1. Equalities between columns of the joined tables make classes of columns with one value (`a = b AND b = c`).
2. The table with fewest rows left, or the sub-query that is a vector search, gives its keys to the other tables of its classes, where these have many times as many
   rows: they keep the rows with such a key, through a btree index where there is one.
3. A table that became small gives its own keys in turn.
4. A sub-query's tables are reduced by those of the queries around it, whose rows are settled by then: an outer row that is not
   read asks for nothing.

The join itself stays: reduction only takes rows that cannot be in its result. Bernstein and Chiu, "Using semi-joins to solve
relational queries", JACM 28 (1), 1981.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

import pyarrow.compute as pc

from foundation.sqltypes import SqlType, array_type
from planner import bound
from planner.evaluate.zone_maps import conjuncts
from planner.functions.implementations_compare import is_hashed
from planner.functions.signature import Function
from planner.relational.scanned_rows import Column, ComputedRows, ScannedRows, scanned_rows
from planner.services import ExecutionContext

KEYS_SHARE = 2
"""A table is reduced by the keys of another that has at most one row for so many of its own."""
LEFT_SHARE = 2
"""A table gives its keys when at most one of so many of its rows is left: keys of all rows would take nothing away."""

TABLE_ROWS_MIN = 4096
"""Joins of smaller tables only take no time that could be saved."""


@dataclass(slots=True)
class EqualColumns:
    """Columns that have one value in every row of the join, and the function of their equality."""

    columns: dict[Column, SqlType]
    function: Function
    keys_type: SqlType


@dataclass(frozen=True, slots=True)
class JoinInputs:
    """What is known of the FROM of a SELECT before its tables are read.

    Attributes:
        where: what is to hold besides the filters.
        scans: stored tables that WHERE may take rows from, by relation id.
        filters: native conditions over one of them each, by relation id.
        computed: relations whose rows are known.
        outer: tables of the queries around it, whose rows are known.
    """

    from_: bound.Relation | None
    where: bound.Expression | None
    scans: Mapping[int, bound.TableScan]
    filters: Mapping[int, bound.Expression]
    computed: Mapping[int, ComputedRows]
    outer: Mapping[int, ScannedRows]


def reduce_by_joins(inputs: JoinInputs, context: ExecutionContext) -> dict[int, ScannedRows]:
    """The rows to read of the tables of a SELECT that have a filter of their own, or are reduced by the keys of others.

    Raises:
        QuiverError: what a filter raises for a visible row.
    """
    scans, filters = inputs.scans, inputs.filters
    known: dict[int, ScannedRows | ComputedRows] = {**inputs.outer, **inputs.computed}
    conditions = joined_conditions(inputs.from_, inputs.where)
    classes = equal_columns(conditions, scans.keys() | known.keys()) if scans else []
    joined = {relation_id for equal in classes for relation_id, _ in equal.columns}
    waiting = joined & (filters.keys() | known.keys())
    if not waiting:
        return {}
    scanned = {i: scanned_rows(scans[i], filters.get(i), context) for i in sorted(joined & scans.keys())}
    if all(rows.total < TABLE_ROWS_MIN for rows in scanned.values()):
        return scanned
    sources: Mapping[int, ScannedRows | ComputedRows] = {**known, **scanned}
    while waiting:
        source = min(waiting, key=lambda i: sources[i].count)
        waiting.discard(source)
        if sources[source].share * LEFT_SHARE <= 1:
            for equal in classes:
                waiting |= set(_reduced(equal, source, sources[source], scanned))
    return scanned


def _reduced(
    equal: EqualColumns, source: int, given: ScannedRows | ComputedRows, scanned: Mapping[int, ScannedRows]
) -> Iterator[int]:
    """Reduce the tables of a class by the keys that one of its relations has; yields those that were."""
    positions = [position for relation_id, position in equal.columns if relation_id == source]
    targets = [
        (relation_id, position)
        for relation_id, position in equal.columns
        if relation_id != source
        and relation_id in scanned
        and scanned[relation_id].count >= KEYS_SHARE * max(given.count, 1)
    ]
    if not positions or not targets:
        return
    keys = bound.QueryResult(pc.unique(given.column(positions[0])).drop_null(), equal.keys_type)
    for relation_id, position in targets:
        reduced = scanned[relation_id]
        name, sql_type = reduced.scan.columns[position].name, equal.columns[relation_id, position]
        column = bound.ColumnRef(relation_id, position, name, sql_type)
        membership = bound.QuantifiedArray(column, "=", equal.function, keys)
        reduced.restrict(position, (source, positions[0]), membership, given.share)
        yield relation_id


def joined_conditions(
    from_: bound.Relation | None, where: bound.Expression | None
) -> tuple[bound.Expression, ...]:
    """What every row of a FROM with a WHERE satisfies."""
    return (*conjuncts(where), *_inner_conditions(from_))


def equal_columns(conditions: Iterable[bound.Expression], relations: Set[int]) -> list[EqualColumns]:
    """Classes of columns of some relations that conditions say are equal."""
    classes: list[EqualColumns] = []
    for conjunct in conditions:
        pair = _column_pair(conjunct, relations)
        if pair is None:
            continue
        met = [equal for equal in classes if equal.columns.keys() & pair.columns.keys()]
        for equal in met:
            pair.columns.update(equal.columns)
            classes.remove(equal)
        classes.append(pair)
    return classes


def _column_pair(node: bound.Expression, relations: Set[int]) -> EqualColumns | None:
    if not isinstance(node, bound.Call) or node.operator != "=" or len(node.arguments) != 2:
        return None
    left, right = node.arguments
    if not isinstance(left, bound.ColumnRef) or not isinstance(right, bound.ColumnRef):
        return None
    met = {left.relation_id, right.relation_id}
    if (
        len(met) < 2
        or not met <= relations
        or left.type.oid != right.type.oid
        or not is_hashed(left.type.oid, right.type.oid)
    ):
        return None
    try:
        keys_type = array_type(left.type.without_typmod())
    except KeyError:
        return None
    columns = {(side.relation_id, side.position): side.type for side in (left, right)}
    return EqualColumns(columns, node.function, keys_type)


def _inner_conditions(relation: bound.Relation | None) -> Iterable[bound.Expression]:
    """What every row of the join satisfies: the conditions of inner joins that no outer join is around of."""
    if isinstance(relation, bound.Join) and relation.kind in (bound.JoinKind.INNER, bound.JoinKind.CROSS):
        yield from conjuncts(relation.condition)
        yield from _inner_conditions(relation.left)
        yield from _inner_conditions(relation.right)
