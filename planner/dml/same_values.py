"""Which values of two columns are the same, to the last bit: what need not be written again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]

_AS_BITS = {
    pa.float16(): pa.int16(),
    pa.float32(): pa.int32(),
    pa.float64(): pa.int64(),
    pa.month_day_nano_interval(): pa.binary(16),
}
"""Types that are compared by their bits: a NaN is itself, and 0 is not -0."""


def same_values(left: pa.Array, right: pa.Array) -> Mask:
    """(n,) bool: where two (n,) arrays of one type hold the same value; NULL is the same as NULL.

    Values that are equal but written differently, as the numerics 1.0 and 1.00, are not the same.
    """
    if pa.types.is_list(left.type) or pa.types.is_fixed_size_list(left.type):
        return _same_lists(left, right)
    if pa.types.is_struct(left.type):
        pairs = zip(left.flatten(), right.flatten(), strict=True)
        same_fields: Mask = np.logical_and.reduce([same_values(*pair) for pair in pairs])
        return same_fields
    bits = _AS_BITS.get(left.type)
    if bits is not None:
        left, right = left.view(bits), right.view(bits)
    same = _mask(pc.fill_null(pc.equal(left, right), False))
    return np.where(_mask(left.is_null()) & _mask(right.is_null()), True, same)


def _same_lists(left: pa.Array, right: pa.Array) -> Mask:
    """Lists of one length whose elements are the same, one by one."""
    lengths, others = _lengths(left), _lengths(right)
    same: Mask = lengths == others
    filled = np.flatnonzero(same & (lengths > 0))
    if len(filled):
        elements = same_values(_elements(left, filled), _elements(right, filled))
        starts = np.concatenate(([0], np.cumsum(lengths[filled])[:-1]))
        same[filled] = np.logical_and.reduceat(elements, starts)
    return same


def _lengths(lists: pa.Array) -> npt.NDArray[np.int64]:
    """(n,) int64, -1 for NULL."""
    lengths: npt.NDArray[np.int64] = pc.fill_null(pc.list_value_length(lists), -1).to_numpy().astype(np.int64)
    return lengths


def _elements(lists: pa.Array, rows: npt.NDArray[np.int64]) -> pa.Array:
    return lists.take(pa.array(rows)).flatten()


def _mask(array: pa.Array) -> Mask:
    mask: Mask = array.to_numpy(zero_copy_only=False)
    return mask
