"""NumPy views of Arrow columns and back: the plumbing all vectorised codecs share.

Nothing here knows an SQL type. Views ignore validity: the values under NULLs are whatever the buffer holds,
and `mask_of` says where they are.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes: TypeAlias = npt.NDArray[np.uint8]
Offsets: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_LARGE = (pa.large_utf8(), pa.large_binary())


def mask_of(column: pa.Array) -> Mask | None:
    """(n,) bool, True = not NULL; None when nothing is NULL."""
    if column.null_count == 0:
        return None
    mask: Mask = column.is_valid().to_numpy(zero_copy_only=False)
    return mask


def validity_buffer(valid: Mask | None) -> pa.Buffer | None:
    """An Arrow validity bitmap of an (n,) mask."""
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))


def numbers_of(column: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Zero-copy (n,) view of a fixed-width column."""
    dtype = np.dtype(dtype)
    if len(column) == 0:
        return np.empty(0, dtype)
    buffer = column.buffers()[1]
    return np.frombuffer(buffer, dtype, len(column), column.offset * dtype.itemsize)


def array_of_numbers(
    values: npt.NDArray[Any], arrow_type: pa.DataType, valid: Mask | None = None
) -> pa.Array:
    """A fixed-width column over an (n,) array of the same width; no copy when contiguous."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(arrow_type, len(values), [validity_buffer(valid), pa.py_buffer(values)])


def bytes_of(column: pa.Array) -> tuple[Bytes, Offsets]:
    """The data buffer of a binary or utf8 column, and its (n + 1,) int64 offsets into it."""
    count = len(column)
    if count == 0:
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    width = np.int64 if column.type in _LARGE else np.int32
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, width, count + 1, column.offset * np.dtype(width).itemsize)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    return data, offsets.astype(np.int64, copy=False)


def used_bytes(column: pa.Array) -> Bytes:
    """The bytes of all values of a binary or utf8 column, in order, including those under NULLs."""
    data, offsets = bytes_of(column)
    return data[offsets[0] : offsets[-1]]


def array_of_bytes(
    data: Bytes, offsets: npt.NDArray[Any], valid: Mask | None = None, arrow_type: pa.DataType | None = None
) -> pa.Array:
    """A utf8 (or binary) column over a byte array and (n + 1,) offsets. The bytes must be valid for the type."""
    return pa.Array.from_buffers(
        arrow_type or pa.utf8(),
        len(offsets) - 1,
        [
            validity_buffer(valid),
            pa.py_buffer(offsets.astype(np.int32, copy=False)),
            pa.py_buffer(np.ascontiguousarray(data)),
        ],
    )


def array_of_matrix(
    matrix: Bytes,
    lengths: Offsets | None = None,
    valid: Mask | None = None,
    arrow_type: pa.DataType | None = None,
) -> pa.Array:
    """A utf8 column whose row i is the first `lengths[i]` bytes of row i of an (n, width) matrix."""
    count, width = matrix.shape
    if lengths is None:
        return array_of_bytes(matrix.reshape(-1), np.arange(count + 1) * width, valid, arrow_type)
    data = matrix[np.arange(width) < lengths[:, None]]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return array_of_bytes(data, offsets, valid, arrow_type)


def fixed_cells(matrix: Bytes, valid: Mask | None) -> pa.Array:
    """A fixed_size_binary(width) column over an (n, width) byte matrix."""
    count, width = matrix.shape
    buffers = [validity_buffer(valid), pa.py_buffer(np.ascontiguousarray(matrix))]
    return pa.Array.from_buffers(pa.binary(width), count, buffers)


def cut_cells(data: Bytes, starts: Offsets, ends: Offsets, valid: Mask | None = None) -> pa.Array:
    """A binary column of the pieces `data[starts[i]:ends[i]]`, which must ascend and not overlap.

    The pieces and the gaps between them are one Arrow array over the same bytes, of which every second
    element is taken, so the copying is one pass of C++.
    """
    count = len(starts)
    borders = np.empty(2 * count + 1, np.int32)
    borders[0:-1:2] = starts
    borders[1::2] = ends
    borders[-1] = ends[-1] if count else 0
    pieces = pa.Array.from_buffers(pa.binary(), 2 * count, [None, pa.py_buffer(borders), pa.py_buffer(data)])
    index = np.arange(0, 2 * count, 2)
    if valid is None:
        return pieces.take(pa.array(index))
    return pieces.take(pa.array(index, mask=~valid))


def cells_matrix(cells: pa.Array, width: int) -> Bytes | None:
    """(n, width) view or copy of a binary column whose non-NULL values all have `width` bytes, else None.

    Rows under NULLs are zero.
    """
    data, offsets = bytes_of(cells)
    lengths = np.diff(offsets)
    count = len(cells)
    if cells.null_count == 0:
        if not (lengths == width).all():
            return None
        return data[offsets[0] : offsets[0] + count * width].reshape(count, width)
    valid = mask_of(cells)
    assert valid is not None
    if not (lengths[valid] == width).all():
        return None
    matrix = np.zeros((count, width), np.uint8)
    if valid.any():
        windows = np.lib.stride_tricks.sliding_window_view(data, width)
        matrix[valid] = windows[offsets[:-1][valid]]
    return matrix


def only_bytes(column: pa.Array, allowed: Mask) -> bool:
    """Whether all values of a utf8 column are made of allowed bytes; `allowed` is a (256,) mask."""
    return bool(allowed[used_bytes(column)].all())


def byte_set(characters: bytes) -> Mask:
    """A (256,) mask for `only_bytes`."""
    mask = np.zeros(256, np.bool_)
    mask[np.frombuffer(characters, np.uint8)] = True
    return mask


def concat_cells(*parts: pa.Array | bytes) -> pa.Array:
    """Row-wise concatenation of binary columns and constants; NULL where any part is NULL."""
    items = [pa.scalar(p, pa.binary()) if isinstance(p, bytes) else p.cast(pa.binary()) for p in parts]
    return pc.binary_join_element_wise(*items, pa.scalar(b"", pa.binary()))
