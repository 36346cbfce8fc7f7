"""LATERAL searches: for each row of what stands before it, the nearest rows of a table.

`SELECT ... FROM queries q, LATERAL (SELECT id FROM items ORDER BY embedding <-> q.v LIMIT 3) n` would be a sort of the
product of both tables for DuckDB. Here the rows of `queries` are computed first; each is put into the sub-select, which is
a vector island then; and both together are one relation of the query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.sqltypes import BOOL, SqlType, arrow_type
from planner import bound
from planner.evaluate.coverage import is_uncorrelated, made_relations, read_relations
from planner.evaluate.rewriting import rewrite
from planner.evaluate.zone_maps import conjunction, conjuncts
from planner.relational.lateral_batches import Int64s, LeftRows, searched_in_batches
from planner.relational.statement import is_volatile
from planner.services import ExecutionContext
from planner.vector import IslandPlan, SearchBatch, try_island

_KINDS = (bound.JoinKind.INNER, bound.JoinKind.CROSS, bound.JoinKind.LEFT)


@dataclass(frozen=True, slots=True)
class LateralSearch:
    """A join whose right side is a search for each row of the left.

    `left_columns` are the columns of the left side that the query or the search reads, `shown_columns` those that the query
    reads beside the search.
    """

    join: bound.Join
    search: bound.Select
    relation_id: int
    left_columns: tuple[bound.ColumnRef, ...]
    shown_columns: tuple[bound.ColumnRef, ...]

    def island(self, values: Sequence[bound.Expression]) -> IslandPlan | None:
        """The search for one row of the left side, given by the values of `left_columns`."""
        known = {
            (c.relation_id, c.position): value for c, value in zip(self.left_columns, values, strict=True)
        }

        def change(node: Any) -> bound.Expression | None:
            return known.get((node.relation_id, node.position)) if isinstance(node, bound.ColumnRef) else None

        return try_island(rewrite(self.search, change))


def find_lateral_search(query: bound.Select) -> LateralSearch | None:
    """The first join of the FROM that is one."""
    for join in _joins(query.from_):
        right = join.right
        if join.kind not in _KINDS or not isinstance(right, bound.SubqueryScan) or not right.is_lateral:
            continue
        if not (join.condition is None or join.condition == bound.Constant(True, BOOL)):
            continue
        outer = made_relations(join.left)
        if not isinstance(right.query, bound.Select):
            continue
        read = read_relations(right.query)
        if not read or not read <= outer:
            continue
        if not is_uncorrelated(bound.Select((), join.left)) or any(map(is_volatile, _calls(join.left))):
            continue
        left, shown = (_columns_read(query, without, outer) for without in (join.left, join))
        # A relation without columns would not tell how many rows it has.
        found = LateralSearch(join, right.query, right.relation_id, left, shown or left[:1])
        if found.island([bound.Constant(None, column.type) for column in found.left_columns]) is not None:
            return found
    return None


def _columns_read(
    query: bound.Select, without: bound.Relation, outer: Set[int]
) -> tuple[bound.ColumnRef, ...]:
    """Columns of the relations `outer` that a query reads elsewhere than in one relation of its FROM."""
    nothing = bound.TableScan(0, 0, "", ())
    rest = rewrite(query, lambda node: nothing if node is without else None)
    columns = {
        (node.relation_id, node.position): node
        for node in bound.walk(rest)
        if isinstance(node, bound.ColumnRef) and node.relation_id in outer
    }
    return tuple(columns.values())


def _joins(relation: bound.Relation | None) -> Iterator[bound.Join]:
    """Joins whose rows nothing around them makes NULL, innermost first."""
    if isinstance(relation, bound.Join):
        if relation.kind in _KINDS:
            yield from _joins(relation.left)
        yield relation


def _calls(node: Any) -> Iterator[bound.Expression]:
    return (part for part in bound.walk(node) if isinstance(part, bound.Call))


def searched_rows(
    found: LateralSearch,
    where: bound.Expression | None,
    context: ExecutionContext,
    given: Mapping[int, pa.Table],
) -> tuple[pa.Table, IslandPlan | None]:
    """Rows of the join: columns c0, c1, ... are `shown_columns`, then those of the search.

    Args:
        where: the condition of the query; what of it reads the left side alone holds before the search.
        given: rows of relations that were computed before, by relation id.

    Returns:
        Also the search for the first row, None without a row.
    """
    from planner.planning import plan_statement
    from planner.relational.execution import run_query

    outer = made_relations(found.join.left)
    own = [c for c in conjuncts(where) if read_relations(c) <= outer and not is_volatile(c)]
    left = bound.Select(
        tuple(bound.Target(column, "") for column in found.left_columns),
        found.join.left,
        conjunction(tuple(own)) if own else None,
    )
    left_types = [column.type for column in found.left_columns]
    is_given = not given.keys().isdisjoint(outer)
    batches = run_query(left, context, given) if is_given else plan_statement(left).execute(context).batches()
    left_rows = LeftRows(found.left_columns, _table(batches, left_types).combine_chunks())
    types = [column.type for column in bound.output_columns(found.search)]
    if not left_rows.table.num_rows:
        return _joined(found, left_rows, _table(iter(()), types), np.zeros(0, dtype=np.int64)), None
    first = found.island(left_rows.values(0))
    assert first is not None, "it was one for unknown values"
    batched = searched_in_batches(found.island, left_rows, types, context)
    if batched is None:
        right, counts = _searched_one_by_one(found, left_rows, types, context)
        return _joined(found, left_rows, right, counts), first
    batch = SearchBatch(len(batched.counts), batched.group_count)
    shown = replace(first, batch=batch) if batch.group_count < batch.query_count else first
    return _joined(found, left_rows, batched.rows, batched.counts), shown


def _searched_one_by_one(
    found: LateralSearch, left: LeftRows, types: Sequence[SqlType], context: ExecutionContext
) -> tuple[pa.Table, Int64s]:
    """The rows of each search, run as a query of its own, and how many they are."""
    pieces, counts = [], np.zeros(left.table.num_rows, dtype=np.int64)
    for number in range(left.table.num_rows):
        context.cancel_token.check()
        island = found.island(left.values(number))
        assert island is not None, "it was one for unknown values"
        piece = _table(island.batches(context), types)
        counts[number] = piece.num_rows
        pieces.append(piece)
    return pa.concat_tables(pieces), counts


def _joined(found: LateralSearch, left: LeftRows, right: pa.Table, counts: Int64s) -> pa.Table:
    """Each left row beside its rows of the right side; a LEFT JOIN has NULLs there where there are none."""
    lengths = np.maximum(counts, 1) if found.join.kind is bound.JoinKind.LEFT else counts
    places = left.places()
    shown = left.table.select([places[c.relation_id, c.position] for c in found.shown_columns])
    repeated = shown.take(pa.array(np.repeat(np.arange(len(counts)), lengths)))
    if lengths is not counts and (counts == 0).any():
        is_missing = np.repeat(counts == 0, lengths)
        rows = np.cumsum(~is_missing) - 1
        right = right.combine_chunks().take(pa.array(rows, mask=is_missing))
    columns = [*repeated.columns, *right.columns]
    return pa.table(columns, names=[f"c{i}" for i in range(len(columns))])


def _table(batches: Iterator[pa.RecordBatch], types: Sequence[Any]) -> pa.Table:
    schema = pa.schema([(f"c{i}", arrow_type(sql_type)) for i, sql_type in enumerate(types)])
    return pa.Table.from_batches(list(batches), schema)


def with_searched_rows(query: bound.Select, found: LateralSearch, relation_id: int) -> bound.Select:
    """The query over the relation that `searched_rows` computes, in place of the join."""
    places = {(c.relation_id, c.position): i for i, c in enumerate(found.shown_columns)}
    right = bound.output_columns(found.search)
    width = len(found.shown_columns)
    columns = (
        *(bound.RelationColumn(column.name, column.type) for column in found.shown_columns),
        *(bound.RelationColumn(column.name, column.type) for column in right),
    )
    scan = bound.TableScan(relation_id, 0, "", columns)

    def change(node: Any) -> Any:
        if node is found.join:
            return scan
        if isinstance(node, bound.ColumnRef):
            place = places.get((node.relation_id, node.position))
            if node.relation_id == found.relation_id:
                place = width + node.position
            return None if place is None else replace(node, relation_id=relation_id, position=place)
        return None

    return rewrite(query, change)
