"""The searches of a LATERAL join as batches: one for all rows of the left side, or one for each group of them.

Of the left columns that a sub-select reads, those in its WHERE, LIMIT, OFFSET, further sort keys or sub-queries decide what is
searched, and so do expressions over left columns alone in its WHERE. Rows that have the same values there are a group, whose filter
runs once and whose search is prepared once; a row of its own is searched as a query of its own. The other columns, read by the query vector and the select list, are columns beside the rows that are found.

    SELECT ... FROM queries q, LATERAL (SELECT id, e <-> q.v FROM items WHERE cat = q.cat ORDER BY e <-> q.v LIMIT 3) n

has a batch for each `q.cat`. A NULL, a vector of zeros under cosine and one of another dimension are searched by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import QueryCanceled, QuiverError
from foundation.sqltypes import SqlType, arrow_type
from planner import bound
from planner.evaluate import Frame, evaluate, is_native, python_value
from planner.evaluate.constants import python_values
from planner.evaluate.rewriting import rewrite
from planner.execution import BATCH_ROWS, count_topk, project
from planner.nodes import VectorTopK
from planner.relational.statement import is_volatile
from planner.row_selection import RowSelection
from planner.services import ExecutionContext
from planner.subqueries import has_subqueries, resolve_subqueries
from planner.vector import IslandPlan
from planner.vector.key_columns import has_direction, query_vector, query_vectors
from planner.vector.notices import warn_of_unused_indexes
from planner.vector.search_batch import BatchQueries, batch_threads, search_batch
from planner.vector.topk import PreparedTopK, prepare_topk, with_query

_COSINE = "cosine"
_PLACE_FIRST = 1 << 30
"""Parameters from here on stand for left columns, in the order of the columns."""

_COMPUTED_ID = -1
"""Relation of columns that are computed of left columns."""

_T = TypeVar("_T")
Int64s = npt.NDArray[np.int64]
MakeIsland = Callable[[Sequence[bound.Expression]], IslandPlan | None]
"""The search with expressions in place of the left columns."""


@dataclass(frozen=True, slots=True)
class LateralBatches:
    """The rows of all searches, those of left row 0 first, and how many each left row has, (n,) int64."""

    rows: pa.Table
    counts: Int64s
    group_count: int


@dataclass(frozen=True, slots=True)
class LeftRows:
    """The rows before a LATERAL search: `table` has a column c0, c1, ... for each of `columns`."""

    columns: tuple[bound.ColumnRef, ...]
    table: pa.Table

    def places(self) -> dict[tuple[int, int], int]:
        """Where the columns stand in the table, by relation and position."""
        return {(column.relation_id, column.position): i for i, column in enumerate(self.columns)}

    def values(self, row: int) -> list[bound.Expression]:
        """One row's values."""
        return [self.value(row, position) for position in range(len(self.columns))]

    def value(self, row: int, position: int) -> bound.Constant:
        column, kind = self.table.column(position), self.columns[position].type
        return bound.Constant(python_value(column.slice(row, 1).combine_chunks(), kind), kind)

    def frame(self, rows: Int64s) -> Frame:
        """Some of the rows, by relation and position of the columns."""
        places = self.places()
        taken = pa.array(rows)

        def load(relation_id: int, position: int) -> pa.Array:
            return _array(self.table.column(places[relation_id, position]).take(taken))

        return Frame(len(rows), load=load)


def searched_in_batches(
    make_island: MakeIsland, left: LeftRows, types: Sequence[SqlType], context: ExecutionContext
) -> LateralBatches | None:
    """The rows of the searches for all left rows; None where each has to be searched as a query of its own.

    Args:
        types: of the columns of the search.

    Raises:
        DataException: 22000, a query vector has another dimension than the rows.
        QueryCanceled: 57014.
    """
    template = make_island([_place(number, column.type) for number, column in enumerate(left.columns)])
    if template is None or any(
        is_volatile(part) for part in bound.walk(template) if isinstance(part, bound.Call)
    ):
        return None
    template, left = _with_computed_places(template, left, context)
    deciding = _deciding_places(template)
    groups = _groups(left, deciding)
    pieces, numbers = [], []
    for rows in groups:
        context.cancel_token.check()
        found: _GroupRows | None
        if len(rows) == 1:
            found = _search_one(template, left, int(rows[0]), context)
        else:
            found = _search_group(_with_values(template, left, int(rows[0]), deciding), left, rows, context)
        if found is None:
            return None
        pieces += found.batches
        numbers.append(np.repeat(rows, found.counts))
    schema = pa.schema([(f"c{i}", arrow_type(sql_type)) for i, sql_type in enumerate(types)])
    table = pa.Table.from_batches(pieces, schema)
    owners = np.concatenate(numbers)
    if len(groups) > 1:
        table = table.take(pa.array(np.argsort(owners, kind="stable")))
    return LateralBatches(table, np.bincount(owners, minlength=left.table.num_rows), len(groups))


def _place(number: int, kind: SqlType) -> bound.Parameter:
    """What stands for a left column."""
    return bound.Parameter(_PLACE_FIRST + number, kind)


def _is_place(node: Any) -> bool:
    return isinstance(node, bound.Parameter) and node.index >= _PLACE_FIRST


def _with_values(node: _T, left: LeftRows, row: int, which: Set[int] | None = None) -> _T:
    """A plan with the values of a left row in the places of some columns, or of all."""

    def change(part: Any) -> bound.Expression | None:
        number = part.index - _PLACE_FIRST if _is_place(part) else None
        return (
            None if number is None or (which is not None and number not in which) else left.value(row, number)
        )

    return rewrite(node, change)


def _with_computed_places(
    island: IslandPlan, left: LeftRows, context: ExecutionContext
) -> tuple[IslandPlan, LeftRows]:
    """The plan with places for what WHERE computes of left columns alone: `q.n % 10` makes ten groups of many rows.

    What fails for some row is left to the search, which may not need it.
    """
    node = island.node
    found: dict[bound.Expression, bound.Parameter] = {}
    columns: list[pa.Array] = []
    every_row = np.arange(left.table.num_rows)

    def change(part: Any) -> bound.Expression | None:
        if not isinstance(part, bound.Call | bound.CastExpression) or not _reads_places_alone(part):
            return None
        if part in found:
            return found[part]
        try:
            columns.append(evaluate(_over_columns(part, left), left.frame(every_row), context))
        except QueryCanceled:
            raise
        except QuiverError:
            return part
        found[part] = _place(len(left.columns) + len(found), part.sql_type)
        return found[part]

    if node.filter is None:
        return island, left
    island = replace(island, node=replace(node, filter=rewrite(node.filter, change)))
    table, references = left.table, left.columns
    for number, (expression, column) in enumerate(zip(found, columns, strict=True)):
        references += (bound.ColumnRef(_COMPUTED_ID, number, "", expression.sql_type),)
        table = table.append_column(f"c{len(references) - 1}", column)
    return island, LeftRows(references, table)


def _reads_places_alone(expression: bound.Expression) -> bool:
    parts = list(bound.walk(expression))
    if any(isinstance(part, bound.ColumnRef | bound.Subquery) for part in parts) or not is_native(expression):
        return False
    return any(map(_is_place, parts))


def _deciding_places(island: IslandPlan) -> frozenset[int]:
    """The left columns that are read where more than the query vector and the select list is decided."""
    node = island.node
    parts: list[bound.Expression | None] = [node.filter, node.limit, node.offset, node.order.operand]
    parts += [key.expression for key in node.sort_keys[1:]]
    for expression in (node.order.query, *island.targets):
        parts += [part for part in bound.walk(expression) if isinstance(part, bound.Subquery)]
    return frozenset(
        part.index - _PLACE_FIRST
        for expression in parts
        if expression is not None
        for part in bound.walk(expression)
        if _is_place(part)
    )


def _over_columns(expression: bound.Expression, left: LeftRows) -> bound.Expression:
    """The expression with left columns where places stand for them."""

    def change(node: Any) -> bound.Expression | None:
        return left.columns[node.index - _PLACE_FIRST] if _is_place(node) else None

    return rewrite(expression, change)


def _groups(left: LeftRows, deciding: frozenset[int]) -> list[Int64s]:
    """Ascending rows of each group, by first row."""
    if not deciding:
        return [np.arange(left.table.num_rows)]
    columns = [
        [
            _text(value)
            for value in python_values(_array(left.table.column(number)), left.columns[number].type)
        ]
        for number in sorted(deciding)
    ]
    groups: dict[tuple[str | bytes, ...], list[int]] = {}
    for row, key in enumerate(zip(*columns, strict=True)):
        groups.setdefault(key, []).append(row)
    return [np.array(rows) for rows in groups.values()]


def _text(value: Any) -> str | bytes:
    """Tells apart all values that an expression can: 0.0 and -0.0, too."""
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value)


@dataclass(frozen=True, slots=True)
class _GroupRows:
    """The rows found for a group of left rows, and how many for each of these, (m,) int64."""

    batches: list[pa.RecordBatch]
    counts: Int64s


def _search_one(template: IslandPlan, left: LeftRows, row: int, context: ExecutionContext) -> _GroupRows:
    """The rows of the search for one left row."""
    batches = list(_with_values(template, left, row).batches(context))
    return _GroupRows(batches, np.array([sum(batch.num_rows for batch in batches)]))


def _search_group(
    island: IslandPlan, left: LeftRows, rows: Int64s, context: ExecutionContext
) -> _GroupRows | None:
    """The rows that the searches of the left rows `rows` find; None where a condition on the distance is cut off."""
    if has_subqueries(island):
        island = resolve_subqueries(island, context)
    searches = _GroupSearches(island.node, left, rows, context)
    prepared = searches.prepared()
    if prepared.range is not None:
        return None
    if prepared.index is None and prepared.node.limit is not None:
        warn_of_unused_indexes(prepared.node.sort_keys[0], prepared.node.scan, context)
    threads = batch_threads(context.settings)
    found = search_batch(prepared, searches.queries, lambda i: searches.alone(prepared, i), threads=threads)
    for count in found.counts:
        count_topk(prepared, int(count))
    targets = [_over_columns(target, left) for target in island.targets]
    frames = _frames(found.rows, np.repeat(rows, found.counts), island.node.scan, left)
    return _GroupRows(list(project(frames, targets, context)), found.counts)


class _GroupSearches:
    """The searches of a group of left rows, which differ in nothing but the query vector."""

    def __init__(self, node: VectorTopK, left: LeftRows, rows: Int64s, context: ExecutionContext) -> None:
        self._node = node
        self._left = left
        self._rows = rows
        self._context = context
        query = _over_columns(node.order.query, left)
        self._column = evaluate(query, left.frame(rows), context)
        self._kind = SqlType(query.sql_type.oid, node.order.operand.sql_type.typmod)
        vectors, places = query_vectors(self._column, self._kind)
        if node.order.metric == _COSINE:
            ordered = np.flatnonzero(has_direction(vectors))
            vectors, places = vectors[ordered], places[ordered]
        self.queries = BatchQueries(len(rows), vectors, places)

    def prepared(self) -> PreparedTopK:
        """One of the searches, of those whose query has an order where there are such."""
        places = self.queries.places
        return prepare_topk(self._node_for(int(places[0]) if len(places) else 0), self._context)

    def alone(self, prepared: PreparedTopK, number: int) -> PreparedTopK:
        """The search for one of the rows."""
        node = self._node_for(number) if len(self._node.sort_keys) > 1 else prepared.node
        value = self._column.slice(number, 1)
        return with_query(prepared, node, None if value.null_count else query_vector(value, self._kind))

    def _node_for(self, number: int) -> VectorTopK:
        return _with_values(self._node, self._left, int(self._rows[number]))


def _frames(found: RowSelection, owners: Int64s, scan: bound.TableScan, left: LeftRows) -> Iterator[Frame]:
    """The rows found beside the left rows they were found for, in frames of at most `BATCH_ROWS`."""
    for start in range(0, len(found), BATCH_ROWS):
        stop = min(start + BATCH_ROWS, len(found))
        yield _frame(found.slice(start, stop), left.frame(owners[start:stop]), scan)


def _frame(found: RowSelection, beside: Frame, scan: bound.TableScan) -> Frame:
    def load(relation_id: int, position: int) -> pa.Array:
        if relation_id == scan.relation_id:
            return found.column(scan, position)
        return beside.column(relation_id, position)

    return Frame(len(found), load=load)


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
