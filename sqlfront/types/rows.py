"""DataRow messages and rows of binary COPY: whole batches at a time, one memory copy a cell.

Both are a type byte, an int32 length, an int16 field count, and per field an int32 length (-1 = NULL) and the
bytes. Fixed-width fields without NULLs, their lengths included, become columns of one byte matrix; whatever is
left is joined to it row by row in C++.
Expectation: memory speed for wide rows, about 30 ns a piece for narrow ones.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import FLOAT4, FLOAT8, INT2, INT4, INT8, SqlType
from sqlfront.backend import Format, ResultColumn
from sqlfront.types.columns import Bytes, bytes_of, mask_of, numbers_of
from sqlfront.types.context import CodecContext, CodecSettings, context_of
from sqlfront.types.registry import codec_for

_HEADER = struct.Struct("!ciH")
_LENGTH = struct.Struct("!i")
_FRAME_BYTES_MAX = 1 << 30
_TEXTS = (pa.utf8(), pa.large_utf8())
_SMALL_CELLS = 64
"""Up to so many cells, joining Python bytes is faster than setting up the columns."""

_FEW_ROWS = 1000
"""Beyond this, columns of any type take no longer."""

_NUMBERS = {INT2.oid: "i2", INT4.oid: "i4", INT8.oid: "i8", FLOAT4.oid: "f4", FLOAT8.oid: "f8"}

_NULL = _LENGTH.pack(-1)


def encode_data_rows(
    batch: pa.RecordBatch, columns: Sequence[ResultColumn], formats: Sequence[Format], settings: CodecSettings
) -> bytes:
    """Complete DataRow messages of all rows of a batch, whose columns have `arrow_type(column.type)`."""
    if batch.num_rows <= _FEW_ROWS and Format.TEXT not in formats:
        layout = _fixed_layout(tuple([column.type.oid for column in columns]))
        rows = None if layout is None else layout.encode(batch)
        if rows is not None:
            return rows
    context = context_of(settings)
    cells = [
        encode_cells(batch.column(i), column.type, formats[i], context) for i, column in enumerate(columns)
    ]
    return frame_rows(b"D", cells, batch.num_rows)


@dataclass(frozen=True, slots=True)
class _FixedLayout:
    """Rows of numbers in binary format: all of one size, so that a batch is one structured array.

    Attributes:
        template: (1,) a row whose values are zero.
        numbers: for each column the type of its numbers in Arrow's memory.
    """

    template: npt.NDArray[Any]
    numbers: tuple[npt.DTypeLike, ...]

    def encode(self, batch: pa.RecordBatch) -> bytes | None:
        """None where a value is NULL."""
        rows = self.template.repeat(batch.num_rows)
        for position, dtype in enumerate(self.numbers):
            column = batch.column(position)
            if column.null_count:
                return None
            rows[f"value{position}"] = numbers_of(column, dtype)
        return rows.tobytes()


@lru_cache(256)
def _fixed_layout(oids: tuple[int, ...]) -> _FixedLayout | None:
    """None where there is no column, or one of them is no number."""
    if not oids or not all(oid in _NUMBERS for oid in oids):
        return None
    numbers = [np.dtype(_NUMBERS[oid]) for oid in oids]
    fields: list[tuple[str, str]] = [("kind", "u1"), ("bytes", ">i4"), ("count", ">u2")]
    for position, dtype in enumerate(numbers):
        fields += [(f"bytes{position}", ">i4"), (f"value{position}", dtype.newbyteorder(">").str)]
    template = np.zeros(1, dtype=fields)
    template["kind"], template["bytes"], template["count"] = ord("D"), template.itemsize - 1, len(oids)
    for position, dtype in enumerate(numbers):
        template[f"bytes{position}"] = dtype.itemsize
    return _FixedLayout(template, tuple(numbers))


def encode_cells(column: pa.Array, sql_type: SqlType, format: Format, context: CodecContext) -> pa.Array:
    """A column in its wire format: utf8, binary or fixed_size_binary."""
    codec = codec_for(sql_type)
    if format is Format.TEXT:
        return codec.text_column(column, context)
    return codec.binary_column(column, context)


def frame_rows(kind: bytes, cells: Sequence[pa.Array], row_count: int) -> bytes:
    """Messages of type `kind`, one a row, from the encoded columns."""
    if row_count * len(cells) <= _SMALL_CELLS:
        return _frame_few(kind, cells, row_count)
    lengths = [_cell_lengths(column) for column in cells]
    row_bytes = np.full(row_count, 6 + 4 * len(cells), np.int64)
    for column_lengths in lengths:
        row_bytes += np.maximum(column_lengths, 0)
    if row_bytes.sum() + row_count > _FRAME_BYTES_MAX and row_count > 1:
        half = row_count // 2
        return frame_rows(kind, [c.slice(0, half) for c in cells], half) + frame_rows(
            kind, [c.slice(half) for c in cells], row_count - half
        )
    header = np.empty((row_count, _HEADER.size), np.uint8)
    header[:, 0] = kind[0]
    header[:, 1:5] = _big_endian(row_bytes)
    header[:, 5:] = np.frombuffer(struct.pack("!H", len(cells)), np.uint8)
    return _join_pieces(header, cells, lengths)


def _join_pieces(header: Bytes, cells: Sequence[pa.Array], lengths: Sequence[npt.NDArray[Any]]) -> bytes:
    """Rows out of their headers and cells; runs of fixed-width bytes are gathered into one matrix each."""
    pieces: list[pa.Array] = []
    run = [header]
    for column, column_lengths in zip(cells, lengths, strict=True):
        run.append(_big_endian(column_lengths))
        if pa.types.is_fixed_size_binary(column.type) and column.null_count == 0:
            run.append(_fixed_bytes(column))
        else:
            pieces.append(_matrix_column(run))
            pieces.append(column.cast(pa.binary()))
            run = []
    if not pieces:
        return np.hstack(run).tobytes()
    if run:
        pieces.append(_matrix_column(run))
    joined = pc.binary_join_element_wise(
        *pieces, pa.scalar(b"", pa.binary()), null_handling="replace", null_replacement=b""
    )
    data, offsets = bytes_of(joined)
    return data[offsets[0] : offsets[-1]].tobytes()


def _frame_few(kind: bytes, cells: Sequence[pa.Array], row_count: int) -> bytes:
    if not cells:
        return _HEADER.pack(kind, 6, 0) * row_count
    columns = [_few_cells(column) for column in cells]
    bodies = [b"".join(row) for row in zip(*columns)]
    return b"".join([_HEADER.pack(kind, len(body) + 6, len(columns)) + body for body in bodies])


def _few_cells(column: pa.Array) -> list[bytes]:
    """Each cell with its length."""
    values = column.to_pylist()
    if column.type in _TEXTS:
        values = [None if value is None else value.encode("utf-8") for value in values]
    return [_NULL if raw is None else _LENGTH.pack(len(raw)) + raw for raw in values]


def _cell_lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    """(n,) byte lengths, -1 for NULL."""
    if pa.types.is_fixed_size_binary(column.type):
        lengths = np.full(len(column), column.type.byte_width, np.int64)
    else:
        lengths = np.diff(bytes_of(column)[1])
    valid = mask_of(column)
    if valid is not None:
        lengths[~valid] = -1
    return lengths


def _big_endian(values: npt.NDArray[np.int64]) -> Bytes:
    """(n, 4) bytes of (n,) int32."""
    return values.astype(">i4").view(np.uint8).reshape(-1, 4)


def _fixed_bytes(column: pa.Array) -> Bytes:
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], np.uint8, len(column) * width, column.offset * width)
    return data.reshape(len(column), width)


def _matrix_column(parts: Sequence[Bytes]) -> pa.Array:
    """Byte matrices side by side, as a binary column."""
    matrix = parts[0] if len(parts) == 1 else np.hstack(parts)
    count, width = matrix.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(matrix))]
    return pa.Array.from_buffers(pa.binary(), count, buffers)
