"""NOT NULL and unique keys: set-wise checks with PostgreSQL's words; the words of a failed CHECK too.

CHECK conditions are expressions, so the planner evaluates them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.bitset import RowOffsets, offsets_from_bits
from foundation.errors import CheckViolation, NotNullViolation, SerializationFailure, UniqueViolation
from foundation.sqltypes import SqlType
from storage.catalog import Index, Table
from storage.keys import KeyBatch, KeySpec, first_duplicate, key_batch
from storage.rows import RowIds
from storage.state import TableState
from storage.view import SegmentView
from storage.writeset import TableWrites

ValueEncoder = Callable[[SqlType, Any], str]
_FAILING_VALUE_CHARACTERS_MAX = 64


def first_null(table: Table, batch: pa.RecordBatch) -> tuple[int, str] | None:
    """The first row with a NULL in a NOT NULL column, and that column's name; None when there is none."""
    worst: tuple[int, str] | None = None
    for column in table.live_columns():
        if not column.not_null:
            continue
        values = batch.column(batch.schema.get_field_index(str(column.attnum)))
        if values.null_count:
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
        column=name,
    )


def check_violation(
    table: Table, constraint: str, batch: pa.RecordBatch, row: int, encode: ValueEncoder
) -> CheckViolation:
    """The error of a new row that a CHECK constraint refuses."""
    return CheckViolation(
        f'new row for relation "{table.name}" violates check constraint "{constraint}"',
        detail=f"Failing row contains ({_row_text(table, batch, row, encode)}).",
        table=table.name,
        constraint=constraint,
    )


def _row_text(table: Table, batch: pa.RecordBatch, row: int, encode: ValueEncoder) -> str:
    """All values of a row as PostgreSQL shows them in DETAIL: long ones cut."""
    texts = []
    for column in table.live_columns():
        value = batch.column(batch.schema.get_field_index(str(column.attnum)))[row].as_py()
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
        detail=f"Key {_key_text(table, spec, values, encode)} already exists.",
        table=table.name,
        constraint=index.name,
    )


def _key_text(table: Table, spec: KeySpec, values: Sequence[Any], encode: ValueEncoder) -> str:
    names = ", ".join(table.column_at(attnum).name for attnum in spec.attnums)
    pairs = zip(spec.types, values)
    texts = ", ".join("null" if value is None else encode(sql_type, value) for sql_type, value in pairs)
    return f"({names})=({texts})"


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
    values = [column[pair[1]].as_py() for column in columns]
    raise UniqueViolation(
        f'could not create unique index "{index.name}"',
        detail=f"Key {_key_text(table, spec, values, encode)} is duplicated.",
        table=table.name,
        constraint=index.name,
    )


def _rows_of(segment: SegmentView, attnum: int, offsets: RowOffsets) -> pa.Array:
    if len(offsets) == segment.row_count:
        return segment.column(attnum)
    return segment.take_column(attnum, offsets)


def first_conflict(
    spec: KeySpec,
    keys: KeyBatch,
    segments: Sequence[SegmentView],
    is_gone: Callable[[SegmentView, RowOffsets], np.ndarray[Any, np.dtype[np.bool_]]],
) -> int | None:
    """The least position in `keys` whose key a live row has already; None when there is none.

    `is_gone(segment, offsets)` says which visible rows the transaction itself has deleted.
    """
    least: int | None = None
    for segment in segments:
        positions, offsets = segment.visible_matches(spec, keys)
        if len(positions):
            positions = positions[~is_gone(segment, offsets)]
        if len(positions) and (least is None or positions[0] < least):
            least = int(positions[0])
    return least


def first_key_conflict(
    writes: TableWrites, keys: KeyBatch, spec: KeySpec, segments: Sequence[SegmentView]
) -> int | None:
    """The first of `keys` that occurs twice or that a live row of `segments` has; None when all are new."""
    deleted = writes.deleted_ids()

    def is_gone(segment: SegmentView, offsets: RowOffsets) -> np.ndarray[Any, np.dtype[np.bool_]]:
        if not len(deleted) or segment.segment_id < 0:
            return np.zeros(len(offsets), dtype=np.bool_)
        return np.isin(segment.row_ids[offsets], deleted)

    pair = first_duplicate(keys) if len(keys) > 1 else None
    conflict = first_conflict(spec, keys, segments, is_gone)
    candidates = [c for c in (conflict, pair[1] if pair else None) if c is not None]
    return min(candidates, default=None)


def check_rows_current(table: TableState, row_ids: RowIds) -> None:
    """Raises SerializationFailure (40001) unless all rows are there and have no tombstone."""
    missing = row_ids
    if not len(missing):
        return
    for segment in table.segments():
        offsets = segment.rows.find(missing, segment.row_count)
        found = offsets >= 0
        if segment.rows.tombstones.is_deleted(offsets[found]).any():
            break
        missing = missing[~found]
        if not len(missing):
            return
    raise SerializationFailure("could not serialize access due to concurrent update")
