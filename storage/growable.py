"""Columns that grow: appends are amortised O(rows added), a prefix of any length is an Arrow array for free.

A growing segment and a transaction's own rows are made of these. One thread appends (under its owner's
lock); readers ask for a prefix that was complete when they learned its length. Elements of a prefix are never
written again, and when a buffer moves to a larger one the old one stays alive as long as a reader's array.

`append` takes an Arrow array of the column's type, `prefix(n)` returns one, without copying.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.layout import BLOCK_ALIGNMENT

_CAPACITY_MIN = 64


def aligned_empty(element_count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialised (element_count,) array whose first byte is 64-byte aligned."""
    dtype = np.dtype(dtype)
    raw = np.empty(element_count * dtype.itemsize + BLOCK_ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % BLOCK_ALIGNMENT
    return raw[start : start + element_count * dtype.itemsize].view(dtype)


class GrowableArray:
    """A NumPy array that grows at its end by doubling."""

    __slots__ = ("count", "data")

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.data: npt.NDArray[Any] = np.empty(0, dtype)
        self.count = 0

    def append(self, values: npt.NDArray[Any]) -> None:
        needed = self.count + len(values)
        if needed > len(self.data):
            grown = aligned_empty(max(needed, 2 * len(self.data), _CAPACITY_MIN), self.data.dtype)
            grown[: self.count] = self.data[: self.count]
            self.data = grown
        self.data[self.count : needed] = values
        self.count = needed

    def truncate(self, count: int) -> None:
        """Forget the elements from `count` on. Only for owners without concurrent readers."""
        if count < self.count:
            self.move()
            self.count = count

    def move(self) -> None:
        """Go on in a copy: readers inside the owner may hold prefixes whose end will be written again."""
        kept = aligned_empty(len(self.data), self.data.dtype)
        kept[: self.count] = self.data[: self.count]
        self.data = kept


class GrowableBits:
    """Bits, least-significant first, that grow at the end."""

    __slots__ = ("_flags", "packed")

    def __init__(self) -> None:
        self._flags = GrowableArray(np.bool_)
        self.packed = GrowableArray(np.uint8)

    def append(self, flags: npt.NDArray[np.bool_]) -> None:
        first_byte = self._flags.count >> 3
        self._flags.append(flags)
        tail = np.packbits(self._flags.data[first_byte << 3 : self._flags.count], bitorder="little")
        shared = self.packed.count - first_byte
        if shared:
            # The last byte gains bits beyond every reader's prefix; the bits readers look at stay the same.
            self.packed.data[first_byte] = tail[0]
        self.packed.append(tail[shared:])

    def truncate(self, count: int) -> None:
        if count < self._flags.count:
            # The last byte stays but loses bits, which the next append writes again.
            self.packed.move()
            self._flags.truncate(count)
            self.packed.count = (count + 7) >> 3


def _flags_of(array: pa.Array) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return flags


class GrowableColumn(Protocol):
    """What the column kinds below have in common."""

    def append(self, array: pa.Array) -> None: ...

    def prefix(self, count: int) -> pa.Array: ...

    def truncate(self, count: int) -> None: ...


class _Validity:
    """Validity of a column; no bitmap exists until the first NULL."""

    __slots__ = ("_bits", "_count")

    def __init__(self) -> None:
        self._bits: GrowableBits | None = None
        self._count = 0

    def append(self, array: pa.Array) -> None:
        if array.null_count and self._bits is None:
            bits = GrowableBits()
            bits.append(np.ones(self._count, dtype=np.bool_))
            bits.append(_flags_of(array))
            self._bits = bits
        elif self._bits is not None:
            self._bits.append(_flags_of(array))
        self._count += len(array)

    def buffer(self, count: int) -> pa.Buffer | None:
        if self._bits is None:
            return None
        return pa.py_buffer(self._bits.packed.data[: (count + 7) >> 3])

    def truncate(self, count: int) -> None:
        self._count = count
        if self._bits is not None:
            self._bits.truncate(count)


class FixedWidthColumn:
    """Numbers, dates, decimal128, uuid: any type of whole bytes per value."""

    def __init__(self, arrow_type: pa.DataType) -> None:
        self._type = arrow_type
        self._width = arrow_type.bit_width // 8
        is_integer = self._width in (1, 2, 4, 8)
        self._dtype = np.dtype(f"u{self._width}" if is_integer else (np.void, self._width))
        self._values = GrowableArray(self._dtype)
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        data = array.buffers()[1]
        if data is None or not len(array):
            self._values.append(np.zeros(len(array), dtype=self._dtype))
            return
        values = np.frombuffer(data, dtype=np.uint8)[array.offset * self._width :]
        self._values.append(values[: len(array) * self._width].view(self._dtype))

    def prefix(self, count: int) -> pa.Array:
        values = pa.py_buffer(self._values.data[:count].view(np.uint8))
        return pa.Array.from_buffers(self._type, count, [self._validity.buffer(count), values])

    def truncate(self, count: int) -> None:
        self._values.truncate(count)
        self._validity.truncate(count)


class BoolColumn:
    def __init__(self) -> None:
        self._bits = GrowableBits()
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        self._bits.append(array.fill_null(False).to_numpy(zero_copy_only=False))

    def prefix(self, count: int) -> pa.Array:
        bits = pa.py_buffer(self._bits.packed.data[: (count + 7) >> 3])
        return pa.Array.from_buffers(pa.bool_(), count, [self._validity.buffer(count), bits])

    def truncate(self, count: int) -> None:
        self._bits.truncate(count)
        self._validity.truncate(count)


class _Offsets:
    """int32 offsets of a variable-length column; entry 0 is always there."""

    def __init__(self) -> None:
        self.array = GrowableArray(np.int32)
        self.array.append(np.zeros(1, dtype=np.int32))

    def append(self, array: pa.Array) -> tuple[int, int]:
        """Add the array's rows; the (start, end) of its values in its own data."""
        data = array.buffers()[1]
        if not len(array) or data is None:
            self.array.append(np.full(len(array), self.array.data[self.array.count - 1], dtype=np.int32))
            return 0, 0
        offsets = np.frombuffer(data, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
        self.array.append(offsets[1:] - offsets[0] + self.array.data[self.array.count - 1])
        return int(offsets[0]), int(offsets[-1])

    def end(self, count: int) -> int:
        return int(self.array.data[count])

    def buffer(self, count: int) -> pa.Buffer:
        return pa.py_buffer(self.array.data[: count + 1])


class BytesColumn:
    """utf8 and binary."""

    def __init__(self, arrow_type: pa.DataType) -> None:
        self._type = arrow_type
        self._offsets = _Offsets()
        self._bytes = GrowableArray(np.uint8)
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        start, end = self._offsets.append(array)
        if end > start:
            self._bytes.append(np.frombuffer(array.buffers()[2], dtype=np.uint8)[start:end])

    def prefix(self, count: int) -> pa.Array:
        data = pa.py_buffer(self._bytes.data[: self._offsets.end(count)])
        buffers = [self._validity.buffer(count), self._offsets.buffer(count), data]
        return pa.Array.from_buffers(self._type, count, buffers)

    def truncate(self, count: int) -> None:
        self._bytes.truncate(self._offsets.end(count))
        self._offsets.array.truncate(count + 1)
        self._validity.truncate(count)


class ListColumn:
    """list<element>: SQL arrays and vectors without a dimension."""

    def __init__(self, arrow_type: pa.ListType) -> None:
        self._type = arrow_type
        self._offsets = _Offsets()
        self._values = growable_column(arrow_type.value_type)
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        start, end = self._offsets.append(array)
        self._values.append(array.values.slice(start, end - start))

    def prefix(self, count: int) -> pa.Array:
        values = self._values.prefix(self._offsets.end(count))
        buffers = [self._validity.buffer(count), self._offsets.buffer(count)]
        return pa.Array.from_buffers(self._type, count, buffers, children=[values])

    def truncate(self, count: int) -> None:
        self._values.truncate(self._offsets.end(count))
        self._offsets.array.truncate(count + 1)
        self._validity.truncate(count)


class StructColumn:
    """struct of columns: arrays of any shape. A NULL row has NULLs in them."""

    def __init__(self, arrow_type: pa.StructType) -> None:
        self._type = arrow_type
        self._fields = [growable_column(field.type) for field in arrow_type]
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        for position, column in enumerate(self._fields):
            column.append(pc.struct_field(array, position))

    def prefix(self, count: int) -> pa.Array:
        fields = [column.prefix(count) for column in self._fields]
        return pa.Array.from_buffers(self._type, count, [self._validity.buffer(count)], children=fields)

    def truncate(self, count: int) -> None:
        for column in self._fields:
            column.truncate(count)
        self._validity.truncate(count)


class FixedListColumn:
    """fixed_size_list<element>[n]: vectors. A NULL row takes n zeros, so the child is one (rows, n) matrix."""

    def __init__(self, arrow_type: pa.FixedSizeListType) -> None:
        self._type = arrow_type
        self._size = arrow_type.list_size
        self._values = growable_column(arrow_type.value_type)
        self._validity = _Validity()

    def append(self, array: pa.Array) -> None:
        self._validity.append(array)
        self._values.append(dense_values(array))

    def prefix(self, count: int) -> pa.Array:
        values = self._values.prefix(count * self._size)
        return pa.Array.from_buffers(self._type, count, [self._validity.buffer(count)], children=[values])

    def truncate(self, count: int) -> None:
        self._values.truncate(count * self._size)
        self._validity.truncate(count)


def dense_values(array: pa.FixedSizeListArray) -> pa.Array:
    """The (len * size) child values of a fixed-size list array, without NULLs: those of a NULL row are zero."""
    size = array.type.list_size
    values = array.values.slice(array.offset * size, len(array) * size)
    if not array.null_count:
        return values
    dtype = values.type.to_pandas_dtype()
    matrix = np.frombuffer(values.buffers()[1], dtype=dtype)[values.offset :][: len(values)].copy()
    matrix.reshape(len(array), size)[~_flags_of(array)] = 0
    return pa.array(matrix, type=values.type)


def without_null_values(column: pa.Array) -> pa.Array:
    """A vector column whose child has no NULLs and no offset; any other column as it is.

    Arrow lets the child of a NULL vector be NULL; then the child would carry a bitmap of its own to disk.
    """
    if not pa.types.is_fixed_size_list(column.type) or not column.null_count:
        return column
    validity = pa.py_buffer(np.packbits(_flags_of(column), bitorder="little"))
    return pa.Array.from_buffers(column.type, len(column), [validity], children=[dense_values(column)])


def growable_column(arrow_type: pa.DataType) -> GrowableColumn:
    """An empty column of an Arrow type that `foundation.sqltypes.arrow_type` can return."""
    if pa.types.is_boolean(arrow_type):
        return BoolColumn()
    if pa.types.is_fixed_size_list(arrow_type):
        return FixedListColumn(arrow_type)
    if pa.types.is_list(arrow_type):
        return ListColumn(arrow_type)
    if pa.types.is_struct(arrow_type):
        return StructColumn(arrow_type)
    if pa.types.is_string(arrow_type) or pa.types.is_binary(arrow_type):
        return BytesColumn(arrow_type)
    return FixedWidthColumn(arrow_type)
