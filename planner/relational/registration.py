"""Stored and computed relations as Arrow tables that DuckDB may read.

Only the columns a statement uses are registered, named by relation and position (`column_name`). Tombstoned rows are kept out
by a mask column; without tombstones there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.bitset import BoolMask, mask_from_bits
from foundation.sqltypes import NUMERIC, SqlType, arrow_type
from planner import bound
from planner.evaluate import Frame, VisibleRows, evaluate
from planner.evaluate.frame import segment_column
from planner.relational.carriers import decimal_form, to_carrier
from planner.relational.printed import DECIMAL_DIGITS_MAX, DecimalForm, column_name, mask_name
from planner.relational.scanned_rows import TAKEN_SHARE, ScannedRows
from planner.relational.statement import RelationalStatement

if TYPE_CHECKING:
    from storage import SegmentView


@dataclass(frozen=True, slots=True)
class RegisteredColumn:
    """A column of a relation, by its position there, as `name` in the registered table."""

    position: int
    name: str
    type: SqlType
    form: DecimalForm | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """`sql` is what stands in FROM before the alias; `columns` are the ones the table has."""

    sql: str
    columns: tuple[RegisteredColumn, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Columns of `row_count` rows each; `mask` says which are visible, None = all."""

    columns: list[Any]
    mask: BoolMask | None
    row_count: int


@dataclass(frozen=True, slots=True)
class ComputedColumn:
    """An expression over one relation's own columns that is evaluated before DuckDB sees the table."""

    position: int
    expression: bound.Expression


def register_scan(
    statement: RelationalStatement,
    scanned: ScannedRows,
    positions: Sequence[int],
    computed: Sequence[ComputedColumn] = (),
) -> Registered:
    """Register rows of a stored table with the columns at `positions`, and computed ones."""
    scan = scanned.scan
    batches = [
        _segment_batch(statement, scan, segment, rows, positions=positions, computed=computed)
        for segment, rows in scanned.segments
    ]
    scanned.count_read()
    types = [scan.columns[position].type for position in positions]
    types += [item.expression.sql_type for item in computed]
    names = [*positions, *(item.position for item in computed)]
    return _register_batches(statement, scan.relation_id, list(zip(names, types, strict=True)), batches)


def _segment_batch(
    statement: RelationalStatement,
    scan: bound.TableScan,
    segment: SegmentView,
    rows: VisibleRows,
    *,
    positions: Sequence[int],
    computed: Sequence[ComputedColumn],
) -> _Batch:
    """The wanted columns of a segment: masked when most rows are kept, copied out when few are."""
    frame = Frame(
        segment.row_count,
        load=lambda _, position: segment_column(segment, scan.columns[position], scan.table_oid),
    )
    mask: BoolMask | None = None
    if rows.count * TAKEN_SHARE < segment.row_count:
        frame = frame.take(rows.offsets())
    elif rows.bits is not None:
        mask = mask_from_bits(rows.bits, segment.row_count)
    columns = [frame.column(scan.relation_id, position) for position in positions]
    columns += [evaluate(item.expression, frame, statement.context) for item in computed]
    return _Batch(columns, mask, frame.row_count)


def register_rows(
    statement: RelationalStatement,
    relation_id: int,
    table: pa.Table,
    types: Sequence[SqlType],
    positions: Iterable[int],
) -> Registered:
    """Register columns of an Arrow table whose column i has `arrow_type(types[i])`, as those of a relation."""
    names = [(position, types[position]) for position in positions]
    columns = [as_arrow(table.column(position), sql_type) for position, sql_type in names]
    if not columns:
        return _register_batches(statement, relation_id, [], [_Batch([], None, table.num_rows)])
    batches = [_Batch(columns, None, table.num_rows)] if table.num_rows else []
    return _register_batches(statement, relation_id, names, batches)


def as_arrow(column: Any, sql_type: SqlType) -> pa.Array:
    """One contiguous array of `arrow_type(sql_type)`."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    wanted = arrow_type(sql_type)
    return column if column.type == wanted else column.cast(wanted)


def _register_batches(
    statement: RelationalStatement,
    relation_id: int,
    names: Sequence[tuple[int, SqlType]],
    batches: Sequence[_Batch],
) -> Registered:
    """Batches of columns with their visibility masks (None = all visible) -> one registered table."""
    arrays: dict[str, pa.ChunkedArray] = {}
    columns = []
    for index, (position, sql_type) in enumerate(names):
        chunks = [batch.columns[index] for batch in batches]
        column = pa.chunked_array(chunks, arrow_type(sql_type))
        form = decimal_form(sql_type)
        if sql_type.oid == NUMERIC.oid and form is None:
            form, column = _uniform_decimal(column)
        name = column_name(relation_id, position)
        arrays[name] = to_carrier(column, sql_type)
        columns.append(RegisteredColumn(position, name, sql_type, form))
    has_mask = any(batch.mask is not None for batch in batches) or not names
    if has_mask:
        masks = [
            pa.array(np.ones(batch.row_count, dtype=np.bool_) if batch.mask is None else batch.mask)
            for batch in batches
        ]
        arrays[mask_name(relation_id)] = pa.chunked_array(masks, pa.bool_())
    table = statement.register_table(pa.table(arrays))
    sql = f"(SELECT * FROM {table} WHERE {mask_name(relation_id)})" if has_mask else table
    return Registered(sql, tuple(columns))


def _uniform_decimal(column: pa.ChunkedArray) -> tuple[DecimalForm | None, pa.ChunkedArray]:
    """The decimal form and column of unconstrained numerics that share one scale, else (None, column)."""
    first = next(
        (chunk.drop_null()[0].as_py() for chunk in column.chunks if len(chunk) > chunk.null_count), None
    )
    if first is None:
        return DecimalForm(1, 0), pa.chunked_array([pa.nulls(len(column), pa.decimal128(1, 0))])
    scale = len(first.partition(".")[2])
    fraction = rf"\.\d{{{scale}}}" if scale else ""
    pattern = rf"^-?\d{{1,{DECIMAL_DIGITS_MAX - scale}}}{fraction}$"
    if scale >= DECIMAL_DIGITS_MAX or pc.all(pc.match_substring_regex(column, pattern)).as_py() is not True:
        return None, column
    digits = pc.max(pc.utf8_length(pc.replace_substring_regex(column, r"[-.]", ""))).as_py()
    form = DecimalForm(max(digits, scale + 1), scale)
    return form, column.cast(pa.decimal128(form.precision, form.scale))
