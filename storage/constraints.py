"""NOT NULL and unique keys: set-wise checks with PostgreSQL's words; the words of a failed CHECK too.

CHECK conditions are expressions, so the planner evaluates them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.bitset import RowOffsets, offsets_from_bits
from foundation.errors import (
    CheckViolation,
    InternalError,
    NotNullViolation,
    SerializationFailure,
    UniqueViolation,
)
from foundation.sqltypes import CIDR, INET, SqlType, arrow_type
from foundation.vector_elements import python_value
from storage.catalog import Index, Table
from storage.key_specs import KeySpec
from storage.keys import KeyBatch, first_duplicate, key_batch
from storage.rows import RowIds
from storage.state import TableState
from storage.view import SegmentView

ValueEncoder = Callable[[SqlType, Any], str]
_FAILING_VALUE_CHARACTERS_MAX = 64


def first_null(table: Table, batch: pa.RecordBatch) -> tuple[int, str] | None:
    """The first row with a NULL in a NOT NULL column that the batch has, and that column's name; None without one."""
    worst: tuple[int, str] | None = None
    for column in table.live_columns():
        if not column.not_null:
            continue
        position = batch.schema.get_field_index(str(column.attnum))
        values = batch.column(position) if position >= 0 else None
        if values is not None and values.null_count:
            row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
            if worst is None or row < worst[0]:
                worst = (row, column.name)
    return worst


def check_not_null(table: Table, batch: pa.RecordBatch, encode: ValueEncoder) -> None:
    """Raises NotNullViolation (23502) for the first row with a NULL in a NOT NULL column."""
    worst = first_null(table, batch)
    if worst is None:
        return
    row, name = worst
    raise NotNullViolation(
        f'null value in column "{name}" of relation "{table.name}" violates not-null constraint',
        detail=f"Failing row contains ({_row_text(table, batch, row, encode)}).",
        table=table.name,
        schema_oid=table.schema_oid,
        column=name,
    )


def check_violation(
    table: Table, constraint: str, batch: pa.RecordBatch, row: int, encode: ValueEncoder
) -> CheckViolation:
    """The error of a new row that a CHECK constraint refuses."""
    return CheckViolation(
        f'new row for relation "{table.name}" violates check constraint "{constraint}"',
        detail=failing_row(table, batch, row, encode),
        table=table.name,
        schema_oid=table.schema_oid,
        constraint=constraint,
    )


def failing_row(table: Table, batch: pa.RecordBatch, row: int, encode: ValueEncoder) -> str:
    """DETAIL of the error of a row that is refused."""
    return f"Failing row contains ({_row_text(table, batch, row, encode)})."


def _row_text(table: Table, batch: pa.RecordBatch, row: int, encode: ValueEncoder) -> str:
    """All values of a row as PostgreSQL shows them in DETAIL: long ones cut."""
    texts = []
    for column in table.live_columns():
        value = python_value(batch.column(batch.schema.get_field_index(str(column.attnum)))[row])
        text = "null" if value is None else encode(column.type, value)
        if len(text) > _FAILING_VALUE_CHARACTERS_MAX:
            text = text[:_FAILING_VALUE_CHARACTERS_MAX] + "..."
        texts.append(text)
    return ", ".join(texts)


def violation(
    table: Table, index: Index, spec: KeySpec, values: Sequence[Any], encode: ValueEncoder
) -> UniqueViolation:
    """The error of an insert or update whose key exists."""
    return UniqueViolation(
        f'duplicate key value violates unique constraint "{index.name}"',
        detail=f"Key {key_text(table, spec, values, encode)} already exists.",
        table=table.name,
        schema_oid=table.schema_oid,
        constraint=index.name,
    )


def key_text(table: Table, spec: KeySpec, values: Sequence[Any], encode: ValueEncoder) -> str:
    """`(a, b)=(1, x)`, as DETAIL names a row's key."""
    # A key is shown as the type that its operator class compares, which is inet for cidr.
    pairs = zip((INET if sql_type == CIDR else sql_type for sql_type in spec.types), values)
    texts = ", ".join("null" if value is None else encode(sql_type, value) for sql_type, value in pairs)
    return f"({spec.key_names(table)})=({texts})"


def check_buildable(
    table: Table, index: Index, spec: KeySpec, segments: Sequence[SegmentView], encode: ValueEncoder
) -> None:
    """Raises UniqueViolation (23505) when the visible rows do not have unique keys: CREATE UNIQUE INDEX."""
    parts = [(segment, offsets_from_bits(segment.visible_bits, segment.row_count)) for segment in segments]
    parts = [(segment, offsets) for segment, offsets in parts if len(offsets)]
    if not parts:
        return
    columns = [
        pa.concat_arrays([_rows_of(segment, attnum, offsets) for segment, offsets in parts])
        for attnum in spec.read_attnums
    ]
    pair = first_duplicate(key_batch(spec, columns))
    if pair is None:
        return
    values = spec.values_at(columns, pair[1])
    raise UniqueViolation(
        f'could not create unique index "{index.name}"',
        detail=f"Key {key_text(table, spec, values, encode)} is duplicated.",
        table=table.name,
        schema_oid=table.schema_oid,
        constraint=index.name,
    )


def _rows_of(segment: SegmentView, attnum: int, offsets: RowOffsets) -> pa.Array:
    if len(offsets) == segment.row_count:
        return segment.column(attnum)
    return segment.take_column(attnum, offsets)


@dataclass(frozen=True, slots=True)
class KeyConflict:
    """A key at `position` that a row has already; `row_id` 0: an earlier row of the same batch."""

    position: int
    row_id: int


def first_conflict(
    spec: KeySpec, keys: KeyBatch, segments: Sequence[SegmentView], deleted: RowIds
) -> KeyConflict | None:
    """The least position in `keys` whose key a live row has already; None when there is none.

    `deleted`: (m,) uint64 ascending ids of committed rows that the transaction itself has deleted.
    """
    least: KeyConflict | None = None
    for segment in segments:
        positions, offsets = segment.visible_matches(spec, keys)
        if len(deleted) and len(positions):
            is_live = ~np.isin(segment.row_ids[offsets], deleted)
            positions, offsets = positions[is_live], offsets[is_live]
        if len(positions) and (least is None or positions[0] < least.position):
            least = KeyConflict(int(positions[0]), int(segment.row_ids[offsets[0]]))
    return least


def current_mask(table: TableState, row_ids: RowIds) -> npt.NDArray[np.bool_]:
    """(n,) bool: which committed rows are there and have no tombstone."""
    is_current = np.zeros(len(row_ids), dtype=np.bool_)
    left = np.arange(len(row_ids))
    for segment in table.segments():
        if not len(left):
            break
        offsets = segment.find(row_ids[left])
        found = offsets >= 0
        is_current[left[found]] = ~segment.rows.tombstones.is_deleted(offsets[found])
        left = left[~found]
    return is_current


def check_rows_current(table: TableState, row_ids: RowIds) -> None:
    """Raises SerializationFailure (40001) unless all rows are there and have no tombstone."""
    if not current_mask(table, row_ids).all():
        raise SerializationFailure("could not serialize access due to concurrent update")


def check_stored_types(before: Table, after: Table) -> None:
    """Stored rows keep their types: changing one takes a truncation and new rows in the same transaction."""
    for old, new in zip(before.columns, after.columns):
        if arrow_type(old.type) != arrow_type(new.type) and not new.is_dropped:
            raise InternalError(f'column "{new.name}" of "{after.name}" changes its type over stored rows')
