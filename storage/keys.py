"""Keys of PRIMARY KEY and UNIQUE indexes: normal form, 64-bit hash, and look-up structures over rows.

A key column is brought to a normal form in which SQL equality is byte equality (numeric 1.50 and 1.5, float
-0 and 0, NaN and NaN are equal keys). The hash of a row's key leads to candidate offsets, the normal forms
decide, except for a single integer or date, whose hash is a bijection. So a hash collision costs time, never a
wrong answer. A row with a NULL in any key column has no key: NULLs are distinct; nor has
one that the predicate of a partial index leaves out. In an index with NULLS NOT DISTINCT
it has one, in which NULL equals NULL; a look-up for SQL's `=` still finds no NULL (`key_batch(..., by_equality=True)`).

Immutable rows (sealed segments, spilled chunks) have a sorted array of hashes with their offsets, rows that
grow have a hash map that catches up with the appended rows when it is asked. Deleted rows stay in both; who
asks looks at the tombstones.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.bitset import RowOffsets
from foundation.ranges import SCALED, without_scales
from foundation.sqltypes import BF16VEC, NUMERIC, SqlType
from foundation.vector_elements import vector_numbers
from storage.growable import GrowableArray, dense_values
from storage.key_specs import KeySpec

Hashes = npt.NDArray[np.uint64]
_NONE: RowOffsets = np.empty(0, dtype=np.int64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STEP = np.uint64(0x100000001B3)
_NULL_HASH = np.uint64(0xD1B54A32D192ED03)
_MASK = (1 << 64) - 1
_HASHED_WIDTHS = (1, 2, 4, 8, 16)
"""Of values that are hashed as one or two integers."""
_ORDERED_PROBE_MIN = 256
"""Look-ups of so many keys at once are made in the order of their hashes."""


@dataclass(frozen=True, slots=True)
class KeyBatch:
    """Keys of n rows: their normal columns, (n,) uint64 hashes, and which rows have a key at all."""

    columns: tuple[pa.Array, ...]
    hashes: Hashes
    has_key: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes)


class KeyedRows(Protocol):
    """Rows that keys can be looked up in."""

    def probe_keys(self, spec: KeySpec, hashes: Hashes) -> tuple[RowOffsets, RowOffsets]:
        """Pairs (position in `hashes`, row offset) with equal hashes."""

    def take_column(self, attnum: int, offsets: RowOffsets) -> pa.Array: ...


def key_batch(
    spec: KeySpec, columns: Sequence[pa.Array], *, by_equality: bool = False, is_stored: bool = False
) -> KeyBatch:
    """Normalise and hash the key columns of some rows, given in the order of `spec.read_attnums`.

    Args:
        by_equality: the keys are looked up for SQL's `=`, to which a NULL is equal to nothing in any index.
        is_stored: the rows are in the table, see `RowPredicate.holds`.

    Raises:
        QuiverError: what the predicate of a partial index, or the expression of a key, raises for new rows.
    """
    row_count = len(columns[0])
    if row_count == 1 and spec.hash_is_exact and spec.predicate is None and not spec.expressions:
        return _exact_key(columns[0])
    hashes = np.full(row_count, _MIX, dtype=np.uint64)
    covered = _covered_rows(spec, columns, is_stored=is_stored)
    values = spec.key_columns(columns, is_stored=is_stored)
    has_key = covered & _rows_without_null(spec, values, by_equality=by_equality)
    normal = []
    for column, sql_type in zip(values, spec.types):
        array = _normal_form(column, sql_type)
        normal.append(array)
        column_hashes = _hash_column(array)
        if column.null_count and spec.nulls_not_distinct:
            is_null = column.is_null().to_numpy(zero_copy_only=False)
            column_hashes = np.where(is_null, _NULL_HASH, column_hashes)
        hashes = _mixed(hashes ^ column_hashes)
    return KeyBatch(tuple(normal), hashes, has_key)


def _exact_key(column: pa.Array) -> KeyBatch:
    """`key_batch` of one row for a key of one value of up to 64 bits: without the passes over arrays."""
    value = _MIX
    if not column.null_count:
        bits = _hash_column(column)
        value = np.uint64(_mixed_integer(int(_MIX ^ bits[0])))
    return KeyBatch((column,), np.array([value]), np.array([not column.null_count]))


def rows_with_key(
    spec: KeySpec, columns: Sequence[pa.Array], *, by_equality: bool = False, is_stored: bool = False
) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows that have a key in the index. Arguments and errors as those of `key_batch`."""
    values = spec.key_columns(columns, is_stored=is_stored)
    return _covered_rows(spec, columns, is_stored=is_stored) & _rows_without_null(
        spec, values, by_equality=by_equality
    )


def _covered_rows(spec: KeySpec, columns: Sequence[pa.Array], *, is_stored: bool) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows for which the predicate holds."""
    row_count = len(columns[0])
    if spec.predicate is None:
        return np.ones(row_count, dtype=np.bool_)
    return spec.predicate.holds(columns[len(spec.attnums) :], row_count, is_stored=is_stored)


def _rows_without_null(
    spec: KeySpec, values: Sequence[pa.Array], *, by_equality: bool
) -> npt.NDArray[np.bool_]:
    """(n,) bool: rows whose NULLs, if they have some, count as values of the key."""
    has_key = np.ones(len(values[0]), dtype=np.bool_)
    if by_equality or not spec.nulls_not_distinct:
        for column in values:
            if column.null_count:
                has_key &= column.is_valid().to_numpy(zero_copy_only=False)
    return has_key


def matching_rows(rows: KeyedRows, spec: KeySpec, keys: KeyBatch) -> tuple[RowOffsets, RowOffsets]:
    """Pairs (position in `keys`, row offset in `rows`) whose keys are equal. Ascending positions."""
    positions, offsets = rows.probe_keys(spec, keys.hashes)
    if not len(positions):
        return positions, offsets
    keep = keys.has_key[positions]
    positions, offsets = positions[keep], offsets[keep]
    if not len(positions) or spec.hash_is_exact:
        return positions, offsets
    # Rows without a key are in no look-up structure.
    plain = replace(spec, predicate=None)
    found = key_batch(plain, [rows.take_column(attnum, offsets) for attnum in spec.attnums], is_stored=True)
    equal = found.has_key & _equal_rows(found.columns, None, keys.columns, positions)
    return positions[equal], offsets[equal]


def first_equal(keys: KeyBatch, *, is_exact: bool) -> RowOffsets:
    """(n,) int64: the least position in the batch with the same key, the row's own for the first; -1 without a key.

    `is_exact`: equal hashes mean equal keys (`KeySpec.hash_is_exact`).
    """
    first = np.full(len(keys), -1, dtype=np.int64)
    candidates = np.flatnonzero(keys.has_key)
    order = candidates[np.argsort(keys.hashes[candidates], kind="stable")]
    hashes = keys.hashes[order]
    starts_run = np.ones(len(order), dtype=np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=starts_run[1:])
    heads = order[starts_run][np.cumsum(starts_run) - 1]
    first[order] = heads
    repeated = np.flatnonzero(heads != order)
    if is_exact or not len(repeated):
        return first
    equal = _equal_rows(keys.columns, heads[repeated], keys.columns, order[repeated])
    collided = order[repeated[~equal]]
    if len(collided):
        _part_collisions(keys, first, collided)
    return first


def _part_collisions(keys: KeyBatch, first: RowOffsets, collided: RowOffsets) -> None:
    """Give each row whose key only shares the hash of its run's head the first row of its own key.

    Per-row Python: two keys of one 64-bit hash are met by those who construct them.
    """
    heads: dict[int, list[int]] = {}
    for row in np.sort(collided).tolist():
        others = heads.setdefault(int(keys.hashes[row]), [])
        equal = _equal_rows(
            keys.columns, np.array(others, dtype=np.int64), keys.columns, np.full(len(others), row)
        )
        first[row] = others[int(np.argmax(equal))] if equal.any() else row
        if first[row] == row:
            others.append(row)


def first_duplicate(keys: KeyBatch) -> tuple[int, int] | None:
    """Positions (earlier, later) of two equal keys in one batch, those with the least later one; or None."""
    first = first_equal(keys, is_exact=False)
    later = np.flatnonzero((first >= 0) & (first != np.arange(len(first))))
    return (int(first[later[0]]), int(later[0])) if len(later) else None


class SortedKeys:
    """Hashes in ascending order with the offsets of their rows, over rows that never change."""

    def __init__(self, hashes: Hashes, offsets: npt.NDArray[np.uint32]) -> None:
        self.hashes = hashes
        self.offsets = offsets

    @classmethod
    def build(cls, keys: KeyBatch) -> SortedKeys:
        present = np.flatnonzero(keys.has_key)
        order = present[np.argsort(keys.hashes[present], kind="stable")]
        return cls(keys.hashes[order], order.astype(np.uint32))

    def probe(self, hashes: Hashes) -> tuple[RowOffsets, RowOffsets]:
        """Pairs (position in `hashes`, row offset) with equal hashes. Ascending positions."""
        if len(hashes) == 1:
            return self._probe_one(hashes)
        order = None
        if len(hashes) >= _ORDERED_PROBE_MIN:
            # In ascending order they walk through the array: a million in ten million take 0.3 s, in any order 3 s.
            order = np.argsort(hashes)
            hashes = hashes[order]
        first = np.searchsorted(self.hashes, hashes)
        found = np.flatnonzero(first < len(self.hashes))
        found = found[self.hashes[first[found]] == hashes[found]]
        if not len(found):
            return found, found
        first = first[found]
        counts = np.searchsorted(self.hashes, hashes[found], side="right") - first
        if order is not None:
            found = order[found]
            ascending = np.argsort(found)
            found, first, counts = found[ascending], first[ascending], counts[ascending]
        positions = np.repeat(found, counts)
        within = np.arange(len(positions), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
        return positions, self.offsets[np.repeat(first, counts) + within].astype(np.int64)

    def _probe_one(self, hashes: Hashes) -> tuple[RowOffsets, RowOffsets]:
        """`probe` of one hash, without the passes over arrays."""
        first = int(self.hashes.searchsorted(hashes)[0])
        if first == len(self.hashes) or self.hashes[first] != hashes[0]:
            return _NONE, _NONE
        stop = int(self.hashes.searchsorted(hashes, side="right")[0])
        return np.zeros(stop - first, dtype=np.int64), self.offsets[first:stop].astype(np.int64)


class GrowingKeys:
    """A hash map over rows that grow: hash -> latest offset, and for each row the one before with its hash."""

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}
        self._earlier = GrowableArray(np.int64)
        self._lock = threading.Lock()

    @property
    def row_count(self) -> int:
        return self._earlier.count

    def catch_up(self, keys: KeyBatch, first_offset: int) -> None:
        """Add the rows from `first_offset` on, of which another thread may have added some already.

        Per-row Python: 0.15 us a row, paid once for each row of a growing segment.
        """
        with self._lock:
            latest, skipped = self._latest, self.row_count - first_offset
            earlier = []
            pairs = zip(keys.hashes[skipped:].tolist(), keys.has_key[skipped:].tolist())
            for offset, (key_hash, has_key) in enumerate(pairs, self.row_count):
                earlier.append(latest.get(key_hash, -1) if has_key else -1)
                if has_key:
                    latest[key_hash] = offset
            self._earlier.append(np.array(earlier, dtype=np.int64))

    def probe(self, hashes: Hashes) -> tuple[RowOffsets, RowOffsets]:
        positions, offsets = [], []
        with self._lock:
            earlier = self._earlier.data
            for position, key_hash in enumerate(hashes.tolist()):
                offset = self._latest.get(key_hash, -1)
                while offset >= 0:
                    positions.append(position)
                    offsets.append(offset)
                    offset = int(earlier[offset])
        if not positions:
            return _NONE, _NONE
        return np.array(positions, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _normal_form(column: pa.Array, sql_type: SqlType) -> pa.Array:
    """The column in a form where equal SQL values are equal bytes; fixed width or binary."""
    arrow_type = column.type
    if sql_type.oid == NUMERIC.oid and pa.types.is_string(arrow_type):
        column = pc.replace_substring_regex(column, r"(\.[0-9]*?)0+$", r"\1")
        return pc.replace_substring_regex(column, r"\.$", "").cast(pa.binary())
    if sql_type.oid in SCALED:
        values = [None if value is None else without_scales(value) for value in column.to_pylist()]
        return pa.array(values, pa.binary())
    if pa.types.is_string(arrow_type) or (
        pa.types.is_fixed_size_binary(arrow_type) and arrow_type.byte_width not in _HASHED_WIDTHS
    ):
        return column.cast(pa.binary())
    if pa.types.is_floating(arrow_type):
        floats = np.asarray(column.fill_null(0))
        return pa.array(_normal_numbers(floats), mask=_null_mask(column))
    if pa.types.is_fixed_size_list(arrow_type):
        width = arrow_type.list_size
        matrix = _normal_numbers(vector_numbers(dense_values(column))).reshape(len(column), width)
        row_bytes = [row.tobytes() for row in matrix]
        return pa.array(row_bytes, type=pa.binary(), mask=_null_mask(column))
    if pa.types.is_nested(arrow_type) or arrow_type == pa.month_day_nano_interval():
        # Arrays and intervals are rare as keys: 1 us a row.
        lists = _vectors(column) if sql_type.oid == BF16VEC.oid else column.to_pylist()
        rows = [None if value is None else _row_text(value).encode() for value in lists]
        return pa.array(rows, type=pa.binary())
    return column


def _row_text(value: Any) -> str:
    if isinstance(value, pa.MonthDayNano):
        return str((value.months * 30 + value.days) * 86_400_000_000_000 + value.nanoseconds)
    if isinstance(value, dict):
        return repr(value["shape"]) + _row_text(value["items"])
    return repr([0.0 if item == 0 else item for item in value])


def _null_mask(column: pa.Array) -> npt.NDArray[np.bool_] | None:
    return column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None


def _vectors(column: pa.Array) -> list[list[float] | None]:
    """The numbers of vectors whose stored elements are bits."""
    return [vector_numbers(vector.values).tolist() if vector.is_valid else None for vector in column]


def _normal_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers with one zero and one NaN."""
    # Adding zero turns -0 into 0.
    normal: npt.NDArray[Any] = values + values.dtype.type(0)
    if normal.dtype != np.int8:
        normal[np.isnan(normal)] = np.nan
    return normal


def _hash_column(column: pa.Array) -> Hashes:
    """(n,) uint64; whatever for NULL rows."""
    if pa.types.is_binary(column.type):
        return _hash_binary(column)
    if pa.types.is_boolean(column.type):
        return _mixed(column.fill_null(False).to_numpy(zero_copy_only=False).astype(np.uint64))
    width, buffer = column.type.bit_width // 8, column.buffers()[1]
    if buffer is None:
        return np.zeros(len(column), dtype=np.uint64)
    count, start = len(column), column.offset * width
    if width == 16:
        halves = np.frombuffer(buffer, np.uint64, 2 * count, start).reshape(-1, 2)
        return _mixed(_mixed(halves[:, 0]) ^ halves[:, 1])
    return _mixed(np.frombuffer(buffer, f"u{width}", count, start).astype(np.uint64))


def _hash_binary(column: pa.Array) -> Hashes:
    """Polynomial hash of each value modulo 2**64: a prefix sum over all bytes, then a difference per row."""
    _, offset_buffer, data_buffer = column.buffers()
    if not len(column) or offset_buffer is None:
        return np.zeros(len(column), dtype=np.uint64)
    stored = np.frombuffer(offset_buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    start, end = int(stored[0]), int(stored[-1])
    offsets = stored.astype(np.int64) - start
    lengths = np.diff(offsets)
    if end == start:
        return _mixed(lengths.astype(np.uint64))
    data = np.frombuffer(data_buffer, dtype=np.uint8)[start:end].astype(np.uint64) + np.uint64(1)
    powers = np.cumprod(np.full(int(lengths.max()), _STEP, dtype=np.uint64))
    data *= powers[np.arange(end - start, dtype=np.int64) - np.repeat(offsets[:-1], lengths)]
    sums = np.zeros(end - start + 1, dtype=np.uint64)
    np.cumsum(data, out=sums[1:])
    return _mixed(sums[offsets[1:]] - sums[offsets[:-1]])


def _mixed(values: npt.NDArray[np.uint64]) -> Hashes:
    """The finaliser of splitmix64 (https://prng.di.unimi.it/splitmix64.c): spreads every bit over all."""
    if len(values) == 1:
        # The key of one row: Python's integers take 2 us, nine operations on arrays 10.
        return np.array([_mixed_integer(int(values[0]))], dtype=np.uint64)
    values = values + _MIX
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _mixed_integer(value: int) -> int:
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def _equal_rows(
    left: Sequence[pa.Array],
    left_rows: RowOffsets | None,
    right: Sequence[pa.Array],
    right_rows: RowOffsets,
) -> npt.NDArray[np.bool_]:
    """(m,) bool: whether row i of `left` (taken at left_rows) equals row i of `right` (at right_rows); NULL is NULL."""
    equal = np.ones(len(right_rows), dtype=np.bool_)
    for left_column, right_column in zip(left, right):
        taken = left_column if left_rows is None else left_column.take(pa.array(left_rows))
        other = right_column.take(pa.array(right_rows))
        if pa.types.is_floating(taken.type):
            # Arrow says NaN <> NaN; the bits of normal floats are equal when the values are.
            width = taken.type.bit_width // 8
            bits = pa.from_numpy_dtype(np.dtype(f"u{width}"))
            taken, other = taken.view(bits), other.view(bits)
        same = pc.equal(taken, other).fill_null(False)
        if taken.null_count and other.null_count:
            same = pc.or_(same, pc.and_(taken.is_null(), other.is_null()))
        equal &= same.to_numpy(zero_copy_only=False)
    return equal
