"""Which vectors an index orders in a segment, and which the order of a top-k reads.

Whoever builds, loads, extends or checks an index asks here, so that all mean the same rows. An index of a column holds
no vectors: it works on the segment's. The values of an expression are nowhere in the segment:

- the index file of a sealed segment carries them beside the index's own buffers, with the bitset of covered rows;
- those of rows in memory are computed once, as the rows come, and kept as long as the rows;
- a segment without a file has them computed by who needs them.

No patch touches a column that an index's expression or predicate reads (`storage/revisions.py`), so a value that was
computed stays true.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

import vecengine
from foundation.bitset import (
    Bitset,
    all_bits,
    and_bits,
    bits_from_mask,
    byte_length,
    offsets_from_bits,
)
from foundation.sqltypes import HALFVEC, SqlType
from planner.bound import TableScan
from planner.evaluate import evaluate, segment_frame
from planner.evaluate.row_expression import BoundRowExpression
from planner.evaluate.row_predicate import BoundPredicate
from planner.nodes import VectorOrder
from planner.services import ExecutionContext
from planner.vector.index_rules import IndexRules, rules_of
from storage.catalog import Index
from storage.growable import GrowableArray, dense_values

if TYPE_CHECKING:
    from storage import SegmentView
    from storage.rows import StoredRows

Vectors = npt.NDArray[Any]
VectorRows = tuple[Vectors, Bitset | None]

VALUES = "key_values"
"""Buffer of an index file: (n, d) float32 or float16, the values of the key's expression in all rows."""
COVERED = "key_rows"
"""Buffer of an index file: bitset of the rows whose value is not NULL and for which the predicate holds."""

_BLOCK_ROWS = 1 << 14


def indexed_vectors(segment: SegmentView, index: Index) -> VectorRows:
    """The values of a vector index's key in all rows of a segment.

    Returns:
        (n, d) float32 or float16, read-only; and the bitset of the rows that the index takes in: those whose value is
        not NULL and for which its predicate holds (None = all). Rows it does not take in hold zeros or anything.

    Raises:
        DamagedIndex: XX002, the file's values are not those of this segment.
    """
    if index.keys[0].attnum:
        return _column_vectors(segment, index)
    if segment.segment_id == 0:
        return _growing_values(segment, index).prefix(segment, index)
    buffers = segment.index_buffers(index.oid) if segment.has_index(index.oid) else None
    if buffers is None:
        return computed_vectors(segment, index)
    return _stored_vectors(segment, index, buffers)


def computed_vectors(segment: SegmentView, index: Index) -> VectorRows:
    """As `indexed_vectors`, made of the segment's columns whatever an index file says."""
    if index.keys[0].attnum:
        return _column_vectors(segment, index)
    rules = rules_of(segment.table, index)
    assert rules.expression is not None
    kind = rules.expression.type
    values = np.zeros((segment.row_count, kind.typmod), dtype=_dtype(kind))
    mask = np.zeros(segment.row_count, dtype=np.bool_)
    for start in range(0, segment.row_count, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, segment.row_count)
        values[start:stop], mask[start:stop] = _values_between(segment, rules, start, stop)
    return values, None if mask.all() else bits_from_mask(mask)


def _column_vectors(segment: SegmentView, index: Index) -> VectorRows:
    vectors, valid_bits = segment.vectors(index.keys[0].attnum)
    return vectors, and_bits(valid_bits, member_bits(segment, index))


def member_bits(segment: SegmentView, index: Index) -> Bitset | None:
    """The bitset of the rows, visible or not, for which an index's predicate holds; None = all."""
    if index.predicate_sql is None:
        return None
    predicate = rules_of(segment.table, index).predicate
    assert predicate is not None
    return bits_from_mask(_holds(predicate, segment, 0, segment.row_count))


def key_shape(segment: SegmentView, index: Index) -> tuple[int, int]:
    """Dimensions of a vector index's key, and the bytes that an index file adds for each row of the segment."""
    expression = rules_of(segment.table, index).expression
    if expression is None:
        return segment.vectors(index.keys[0].attnum)[0].shape[1], 0
    dimensions = expression.type.typmod
    return dimensions, dimensions * np.dtype(_dtype(expression.type)).itemsize


def with_values(buffers: vecengine.Buffers, index: Index, rows: VectorRows) -> vecengine.Buffers:
    """The buffers of an index file: those of the index, and the values that only the file has."""
    if index.keys[0].attnum:
        return buffers
    vectors, bits = rows
    return {**buffers, VALUES: vectors, COVERED: all_bits(len(vectors)) if bits is None else bits}


def without_values(buffers: vecengine.Buffers) -> vecengine.Buffers:
    """The buffers of the index alone."""
    return {name: buffer for name, buffer in buffers.items() if name not in (VALUES, COVERED)}


def value_faults(segment: SegmentView, index: Index, buffers: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """What is wrong with the values in an index file, one sentence each. Raises DamagedIndex (XX002)."""
    if index.keys[0].attnum:
        return []
    stored, stored_bits = _stored_vectors(segment, index, buffers)
    values, bits = computed_vectors(segment, index)
    covered = offsets_from_bits(bits, segment.row_count)
    if not np.array_equal(covered, offsets_from_bits(stored_bits, segment.row_count)):
        return ["it covers other rows than those that its expression and predicate take in"]
    if not np.array_equal(stored[covered], values[covered], equal_nan=True):
        return ["the values of its expression are not those of its rows"]
    return []


def _stored_vectors(
    segment: SegmentView, index: Index, buffers: Mapping[str, npt.NDArray[Any]]
) -> VectorRows:
    expression = rules_of(segment.table, index).expression
    assert expression is not None
    values, bits = buffers.get(VALUES), buffers.get(COVERED)
    shape, dtype = (segment.row_count, expression.type.typmod), _dtype(expression.type)
    if values is None or values.shape != shape or values.dtype != dtype:
        raise vecengine.DamagedIndex(f"index file holds no {shape} values of its expression")
    if bits is None or bits.shape != (byte_length(segment.row_count),) or bits.dtype != np.uint8:
        raise vecengine.DamagedIndex("index file does not say which rows it covers")
    return values, bits


def ordered_vectors(
    segment: SegmentView,
    order: VectorOrder,
    allowed_bits: Bitset | None,
    scan: TableScan,
    context: ExecutionContext,
) -> VectorRows:
    """The vectors whose distances an order compares.

    Returns:
        (n, d) float32 or float16; and the bitset of the rows that have one (None = all). Of an expression only the
        allowed rows are computed, the others count as NULL.

    Raises:
        QuiverError: what the expression raises for an allowed row.
    """
    if order.attnum:
        return segment.vectors(order.attnum)
    kind = order.operand.sql_type
    rows = offsets_from_bits(allowed_bits, segment.row_count)
    values = np.zeros((segment.row_count, kind.typmod), dtype=_dtype(kind))
    mask = np.zeros(segment.row_count, dtype=np.bool_)
    frame = segment_frame(segment, scan)
    for start in range(0, len(rows), _BLOCK_ROWS):
        context.cancel_token.check()
        block = rows[start : start + _BLOCK_ROWS]
        values[block], mask[block] = _matrix(evaluate(order.operand, frame.take(block), context), kind)
    return values, bits_from_mask(mask)


def _values_between(
    segment: SegmentView, rules: IndexRules, start: int, stop: int
) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """Values of the rows from `start` to `stop`, and which of them the index takes in."""
    expression = rules.expression
    assert expression is not None
    columns = [segment.column(attnum).slice(start, stop - start) for attnum in expression.attnums]
    if rules.predicate is None:
        return _matrix(expression.stored_values(columns, stop - start), expression.type)
    mask = _holds(rules.predicate, segment, start, stop)
    members = np.flatnonzero(mask)
    values = np.zeros((stop - start, expression.type.typmod), dtype=_dtype(expression.type))
    taken = [column.take(pa.array(members)) for column in columns]
    found = _matrix(expression.stored_values(taken, len(members)), expression.type)
    values[members], mask[members] = found
    return values, mask


def _holds(predicate: BoundPredicate, segment: SegmentView, start: int, stop: int) -> npt.NDArray[np.bool_]:
    columns = [segment.column(attnum).slice(start, stop - start) for attnum in predicate.attnums]
    return np.array(predicate.holds(columns, stop - start, is_stored=True), dtype=np.bool_)


def _matrix(column: pa.Array, kind: SqlType) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """A column of vectors with a dimension as (n, d), and which are not NULL."""
    mask: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    dense = dense_values(column).to_numpy(zero_copy_only=False)
    return np.asarray(dense, dtype=_dtype(kind)).reshape(len(column), kind.typmod), mask


def _dtype(kind: SqlType) -> type[np.floating[Any]]:
    return np.float16 if kind.oid == HALFVEC.oid else np.float32


class _GrowingValues:
    """Values of one index's expression over rows in memory, which only grow at the end."""

    def __init__(self, expression: BoundRowExpression) -> None:
        self._dimensions = expression.type.typmod
        self._values = GrowableArray(_dtype(expression.type))
        self._mask = GrowableArray(np.bool_)
        self._lock = threading.Lock()

    def prefix(self, segment: SegmentView, index: Index) -> VectorRows:
        """What the rows of the segment, a prefix of all, have; those not looked at yet are computed now."""
        count = segment.row_count
        with self._lock:
            first = self._mask.count
            if first < count:
                rules = rules_of(segment.table, index)
                for start in range(first, count, _BLOCK_ROWS):
                    stop = min(start + _BLOCK_ROWS, count)
                    values, mask = _values_between(segment, rules, start, stop)
                    self._values.append(values.reshape(-1))
                    self._mask.append(mask)
            values, mask = self._values.data[: count * self._dimensions], self._mask.data[:count]
        bits = None if mask.all() else bits_from_mask(mask)
        return values.reshape(count, self._dimensions), bits


_known_growing: weakref.WeakKeyDictionary[StoredRows, dict[int, _GrowingValues]] = weakref.WeakKeyDictionary()
_growing_lock = threading.Lock()


def _growing_values(segment: SegmentView, index: Index) -> _GrowingValues:
    with _growing_lock:
        by_index = _known_growing.setdefault(segment.stored_rows, {})
        found = by_index.get(index.oid)
        if found is None:
            expression = rules_of(segment.table, index).expression
            assert expression is not None
            found = by_index[index.oid] = _GrowingValues(expression)
        return found
