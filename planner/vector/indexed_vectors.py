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
from foundation.sqltypes import SqlType
from foundation.vector_elements import vector_numbers
from planner.bound import TableScan
from planner.evaluate import evaluate, segment_frame
from planner.evaluate.row_expressions import BoundPredicate, BoundRowExpression
from planner.nodes import VectorOrder
from planner.services import ExecutionContext
from planner.vector.index_rules import IndexRules, rules_of
from planner.vector.key_columns import (
    Values,
    Vectors,
    byte_vectors,
    empty_values,
    from_values,
    is_in_bytes,
    to_values,
    validity,
)
from storage.catalog import Index
from storage.growable import GrowableArray, dense_values

if TYPE_CHECKING:
    from storage import SegmentView
    from storage.rows import StoredRows

VectorRows = tuple[Vectors, Bitset | None]

VALUES = "key_values"
"""Buffer of an index file: the values of the key's expression in all rows, (n, d) numbers, or
(n, ceil(d / 8)) uint8 of bit strings."""
COVERED = "key_rows"
"""Buffer of an index file: bitset of the rows whose value is not NULL and for which the predicate holds."""

_BLOCK_ROWS = 1 << 14
_byte_columns: weakref.WeakKeyDictionary[SegmentView, dict[int, VectorRows]] = weakref.WeakKeyDictionary()
"""What was made of the columns of segments that somebody still has: a search asks several times."""


def indexed_vectors(segment: SegmentView, index: Index) -> VectorRows:
    """The values of a vector index's key in all rows of a segment.

    Returns:
        (n, d) numbers, read-only, bit strings or sparse vectors; and the bitset of the rows that the index
        takes in: those whose value is not NULL and for which its predicate holds (None = all). Rows it does not take in
        hold zeros or anything.

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
    values = empty_values(kind, segment.row_count)
    mask = np.zeros(segment.row_count, dtype=np.bool_)
    for start in range(0, segment.row_count, _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, segment.row_count)
        values[start:stop], mask[start:stop] = _values_between(segment, rules, start, stop)
    return from_values(values, kind), None if mask.all() else bits_from_mask(mask)


def _column_vectors(segment: SegmentView, index: Index) -> VectorRows:
    vectors, valid_bits = stored_column(segment, index.keys[0].attnum)
    return vectors, and_bits(valid_bits, member_bits(segment, index))


def stored_column(segment: SegmentView, attnum: int) -> VectorRows:
    """A column in all rows of a segment, and the bitset of those that are not NULL."""
    sql_type = segment.table.column_at(attnum).type
    if not is_in_bytes(sql_type):
        return segment.vectors(attnum)
    known = _byte_columns.setdefault(segment, {})
    found = known.get(attnum)
    if found is None:
        column = segment.column(attnum)
        found = known[attnum] = byte_vectors(column, sql_type), validity(column)
    return found


def member_bits(segment: SegmentView, index: Index) -> Bitset | None:
    """The bitset of the rows, visible or not, for which an index's predicate holds; None = all."""
    if index.predicate_sql is None:
        return None
    predicate = rules_of(segment.table, index).predicate
    assert predicate is not None
    return bits_from_mask(_holds(predicate, segment, 0, segment.row_count))


def key_shape(segment: SegmentView, index: Index) -> tuple[int, int, int]:
    """Dimensions of a vector index's key, bytes of a value, and those that an index file adds for each row."""
    expression = rules_of(segment.table, index).expression
    if expression is None:
        vectors, _ = stored_column(segment, index.keys[0].attnum)
        return int(vectors.shape[1]), int(vectors.nbytes) // max(1, segment.row_count), 0
    row_bytes = empty_values(expression.type, 1).nbytes
    return expression.type.typmod, row_bytes, row_bytes


def with_values(buffers: vecengine.Buffers, index: Index, rows: VectorRows) -> vecengine.Buffers:
    """The buffers of an index file: those of the index, and the values that only the file has."""
    if index.keys[0].attnum:
        return buffers
    vectors, bits = rows
    return {**buffers, VALUES: to_values(vectors), COVERED: all_bits(len(vectors)) if bits is None else bits}


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
    if not np.array_equal(to_values(stored[covered]), to_values(values[covered]), equal_nan=True):
        return ["the values of its expression are not those of its rows"]
    return []


def _stored_vectors(
    segment: SegmentView, index: Index, buffers: Mapping[str, npt.NDArray[Any]]
) -> VectorRows:
    expression = rules_of(segment.table, index).expression
    assert expression is not None
    values, bits = buffers.get(VALUES), buffers.get(COVERED)
    like = empty_values(expression.type, 0)
    shape = (segment.row_count, like.shape[1])
    if values is None or values.shape != shape or values.dtype != like.dtype:
        raise vecengine.DamagedIndex(f"index file holds no {shape} values of its expression")
    if bits is None or bits.shape != (byte_length(segment.row_count),) or bits.dtype != np.uint8:
        raise vecengine.DamagedIndex("index file does not say which rows it covers")
    return from_values(values, expression.type), bits


def ordered_vectors(
    segment: SegmentView,
    order: VectorOrder,
    allowed_bits: Bitset | None,
    scan: TableScan,
    context: ExecutionContext,
) -> VectorRows:
    """The vectors whose distances an order compares.

    Returns:
        (n, d) numbers, bit strings or sparse vectors; and the bitset of the rows that have one (None = all). Of an expression only the
        allowed rows are computed, the others count as NULL.

    Raises:
        QuiverError: what the expression raises for an allowed row.
    """
    if order.attnum:
        return stored_column(segment, order.attnum)
    kind = order.operand.sql_type
    rows = offsets_from_bits(allowed_bits, segment.row_count)
    values = empty_values(kind, segment.row_count)
    mask = np.zeros(segment.row_count, dtype=np.bool_)
    frame = segment_frame(segment, scan)
    for start in range(0, len(rows), _BLOCK_ROWS):
        context.cancel_token.check()
        block = rows[start : start + _BLOCK_ROWS]
        values[block], mask[block] = _matrix(evaluate(order.operand, frame.take(block), context), kind)
    return from_values(values, kind), bits_from_mask(mask)


def _values_between(
    segment: SegmentView, rules: IndexRules, start: int, stop: int
) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Values of the rows from `start` to `stop`, and which of them the index takes in."""
    expression = rules.expression
    assert expression is not None
    columns = [segment.column(attnum).slice(start, stop - start) for attnum in expression.attnums]
    if rules.predicate is None:
        return _matrix(expression.stored_values(columns, stop - start), expression.type)
    mask = _holds(rules.predicate, segment, start, stop)
    members = np.flatnonzero(mask)
    values = empty_values(expression.type, stop - start)
    taken = [column.take(pa.array(members)) for column in columns]
    found = _matrix(expression.stored_values(taken, len(members)), expression.type)
    values[members], mask[members] = found
    return values, mask


def _holds(predicate: BoundPredicate, segment: SegmentView, start: int, stop: int) -> npt.NDArray[np.bool_]:
    columns = [segment.column(attnum).slice(start, stop - start) for attnum in predicate.attnums]
    return np.array(predicate.holds(columns, stop - start, is_stored=True), dtype=np.bool_)


def _matrix(column: pa.Array, kind: SqlType) -> tuple[Values, npt.NDArray[np.bool_]]:
    """A column of vectors with a dimension as rows of one width, and which are not NULL."""
    mask: npt.NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    if is_in_bytes(kind):
        return to_values(byte_vectors(column, kind)), mask
    like = empty_values(kind, 0)
    dense = vector_numbers(dense_values(column))
    return np.asarray(dense, dtype=like.dtype).reshape(len(column), like.shape[1]), mask


class _GrowingValues:
    """Values of one index's expression over rows in memory, which only grow at the end."""

    def __init__(self, expression: BoundRowExpression) -> None:
        like = empty_values(expression.type, 0)
        self._type = expression.type
        self._width = like.shape[1]
        self._values = GrowableArray(like.dtype)
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
            values, mask = self._values.data[: count * self._width], self._mask.data[:count]
        bits = None if mask.all() else bits_from_mask(mask)
        return from_values(values.reshape(count, self._width), self._type), bits


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
