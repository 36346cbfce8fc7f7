"""Plan nodes of the native executor: frozen, comparable, and free of segments, snapshots and settings.

A native plan is a chain: one source, then perhaps Sort, Limit or CountRows. Rows travel as `RowSelection`s,
never as values; only the plan's projection reads columns. What a node decides per execution (strategy, beam,
index) is in the execution's report, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from planner.bound import Expression, SortKey, TableScan


@dataclass(frozen=True, slots=True)
class Result:
    """One row without columns, or none when `filter` is not TRUE: SELECT without FROM."""

    filter: Expression | None = None


@dataclass(frozen=True, slots=True)
class SeqScan:
    """Visible rows of a table for which `filter` is TRUE, segment by segment."""

    scan: TableScan
    filter: Expression | None = None


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """Visible rows found through a unique index, then filtered. Takes a SeqScan's place at execution.

    `attnums` are the index's key columns and `keys` their values: one expression each, or for a single column
    one expression per candidate value (IN list); `array_key` is the array of `= ANY (array)` instead.
    `condition` is what the look-up answers, for EXPLAIN; `filter` is the rest of WHERE.
    """

    scan: TableScan
    index_oid: int
    attnums: tuple[int, ...]
    keys: tuple[tuple[Expression, ...], ...]
    condition: Expression
    array_key: Expression | None = None
    filter: Expression | None = None


@dataclass(frozen=True, slots=True)
class VectorOrder:
    """The first sort key of a top-k, understood: a distance of a vector column or expression to one query vector.

    `operand` is the column, then `attnum` its number, or an immutable expression over one row, then `attnum` is 0. Its type
    has a dimension. `metric` is that of the distance, `query` an expression without columns. The key grows
    with the distance, or falls with it and sorts descending; `is_falling` says which. `is_distance_itself`
    tells a bare distance from an expression over it. `column_first` is the order of the operands as written.
    """

    operand: Expression
    attnum: int
    metric: str
    query: Expression
    is_falling: bool
    nulls_first: bool
    is_distance_itself: bool
    column_first: bool


@dataclass(frozen=True, slots=True)
class VectorTopK:
    """The first `offset + limit` rows by `order`, ties by the further keys, then by row id, then cut.

    Input: visible rows of one table passing `filter`. Output in order. `sort_keys` are all ORDER BY items, the
    first being the distance.
    """

    scan: TableScan
    order: VectorOrder
    sort_keys: tuple[SortKey, ...]
    filter: Expression | None = None
    limit: Expression | None = None
    offset: Expression | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """All rows of `source` in the order of the keys; ties by row id."""

    source: SeqScan | KeyLookup
    keys: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """`limit` rows of `source` after `offset`; None or NULL = no limit."""

    source: SeqScan | KeyLookup | Sort | Result
    limit: Expression | None = None
    offset: Expression | None = None


@dataclass(frozen=True, slots=True)
class CountRows:
    """One row: how many rows `source` has, once per count(*) in the select list."""

    source: SeqScan | KeyLookup


Source: TypeAlias = Result | SeqScan | KeyLookup | VectorTopK
Node: TypeAlias = Source | Sort | Limit | CountRows
