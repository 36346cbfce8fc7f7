"""COPY in binary format, both directions.

Layout: an 11-byte signature, int32 flags, int32 length of an extension and the extension; then per row an int16
field count and per field an int32 length (-1 = NULL) and the bytes; then an int16 -1.
https://www.postgresql.org/docs/16/sql-copy.html#id-1.9.3.55.9.4
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.errors import QuiverError
from sqlfront.backend import Format
from sqlfront.copy.options import CopyColumn
from sqlfront.copy.reader import CopyReader, bad_format
from sqlfront.types.columns import Bytes, cut_cells
from sqlfront.types.context import CodecSettings, context_of
from sqlfront.types.conversion import parse_binary_array, parse_binary_matrix
from sqlfront.types.rows import encode_cells, frame_rows

SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_HEADER = struct.Struct("!ii")
_COUNT = struct.Struct("!h")
_LENGTH = struct.Struct("!i")
_CRITICAL_FLAGS = 0x7FFF0000
_OIDS_FLAG = 1 << 16
_TRAILER = _COUNT.pack(-1)
_FEW_ALIKE = 8
_ROWS_UNTIL_TRY = 50
"""Rows that are walked one by one after one that had fewer than `_FEW_ALIKE` like it behind it."""


class CopyBinaryReader(CopyReader):
    """Binary format.

        Where a field lies is known only when the one before it has been read, so a Python loop walks the lengths:
        about 0.2 us a field, a million rows of five fields a second. Rows whose lengths are those of the row before them,
        as of numbers and vectors, are found many at a time. The values are then cut and decoded by the column, or decoded where
    they lie when all rows of a batch are alike.
    """

    def __init__(self, relation: str, columns: Sequence[CopyColumn], settings: CodecSettings) -> None:
        super().__init__(relation, columns, settings)
        self._line_number = 0
        self._awaits_header = True
        self._is_over = False

    def _parse(self, data: bytes, *, is_last: bool) -> tuple[pa.RecordBatch | None, int]:
        position = 0
        if self._awaits_header:
            header_bytes = self._read_header(data, is_last)
            if header_bytes is None:
                return None, 0
            self._awaits_header = False
            position = header_bytes
        starts, sizes, position = self._walk(data, position, is_last)
        count = len(starts) // len(self.columns) if self.columns else 0
        if count == 0:
            return None, position
        batch = self._rows(data, starts, sizes, count)
        self._line_number += count
        return batch, position

    def _read_header(self, data: bytes, is_last: bool) -> int | None:
        """Bytes of the header; None = more input is needed."""
        head_bytes = len(SIGNATURE) + _HEADER.size
        if data[: len(SIGNATURE)] != SIGNATURE[: len(data)] or (is_last and len(data) < len(SIGNATURE)):
            raise bad_format("COPY file signature not recognized")
        if len(data) < head_bytes:
            if is_last:
                missing = "flags" if len(data) < len(SIGNATURE) + 4 else "length"
                raise bad_format(f"invalid COPY file header (missing {missing})")
            return None
        flags, extension_bytes = _HEADER.unpack_from(data, len(SIGNATURE))
        if flags & _OIDS_FLAG:
            raise bad_format("invalid COPY file header (WITH OIDS)")
        if flags & _CRITICAL_FLAGS or flags < 0:
            raise bad_format("unrecognized critical flags in COPY file header")
        if extension_bytes < 0:
            raise bad_format("invalid COPY file header (missing length)")
        if len(data) < head_bytes + extension_bytes:
            if is_last:
                raise bad_format("invalid COPY file header (wrong length)")
            return None
        return head_bytes + int(extension_bytes)

    def _context(self, row: int, field: int | None = None) -> str:
        column = "" if field is None else f", column {self.columns[field].name}"
        return f"COPY {self.relation}, line {row}{column}"

    def _walk(self, data: bytes, position: int, is_last: bool) -> tuple[list[int], list[int], int]:
        """Starts and sizes of the fields of all complete rows, and the position after them."""
        starts: list[int] = []
        sizes: list[int] = []
        end = len(data)
        read_length = _LENGTH.unpack_from
        fields = range(len(self.columns))
        row = next_try = self._line_number
        if self._is_over and position < end:
            raise bad_format("received copy data after EOF marker", context=self._context(row + 1))
        while position + _COUNT.size <= end:
            row += 1
            if self._is_trailer(data, position, row):
                return starts, sizes, end
            at = position + _COUNT.size
            kept = len(starts)
            field = 0
            for field in fields:
                if at + 4 > end:
                    at = end + 1
                    break
                size = read_length(data, at)[0]
                at += 4
                starts.append(at)
                sizes.append(size)
                if size > 0:
                    at += size
                    if at > end:
                        break
                elif size < -1:
                    raise bad_format("invalid field size", context=self._context(row, field))
            if at > end:
                del starts[kept:], sizes[kept:]
                if is_last:
                    raise bad_format("unexpected EOF in COPY data", context=self._context(row, field))
                return starts, sizes, position
            alike = 0
            if row > next_try and self.columns:
                alike = _rows_alike(data, position, at, starts[kept:])
                _repeat_row(starts, sizes, len(self.columns), at - position, alike)
                row += alike
                next_try = row + (0 if alike >= _FEW_ALIKE else _ROWS_UNTIL_TRY)
            position = at + alike * (at - position)
        # Half a field count at the end is taken for the end, as PostgreSQL does.
        return starts, sizes, end if is_last else position

    def _is_trailer(self, data: bytes, position: int, row: int) -> bool:
        """Whether the row that starts at `position` is the trailer; checks its field count."""
        count = _COUNT.unpack_from(data, position)[0]
        if count == len(self.columns):
            return False
        if count != -1:
            message = f"row field count is {count}, expected {len(self.columns)}"
            raise bad_format(message, context=self._context(row))
        self._is_over = True
        if position + _COUNT.size < len(data):
            raise bad_format("received copy data after EOF marker", context=self._context(row))
        return True

    def _rows(self, data: bytes, starts: list[int], sizes: list[int], count: int) -> pa.RecordBatch:
        view = np.frombuffer(data, np.uint8)
        start_matrix = np.array(starts, np.int64).reshape(count, -1)
        size_matrix = np.array(sizes, np.int64).reshape(count, -1)
        batch = self._alike(view, start_matrix, size_matrix)
        if batch is not None:
            return batch
        valid_matrix = size_matrix >= 0
        end_matrix = start_matrix + np.maximum(size_matrix, 0)
        cells = []
        for j in range(len(self.columns)):
            valid = None if valid_matrix[:, j].all() else valid_matrix[:, j]
            cells.append(cut_cells(view, start_matrix[:, j], end_matrix[:, j], valid))

        def decode(column: pa.Array, spec: CopyColumn) -> pa.Array:
            return parse_binary_array(column, spec.type, self.context)

        def error_context(row: int, position: int, error: QuiverError) -> str:
            return self._context(self._line_number + row + 1, position)

        return self._batch(self._decode_columns(cells, decode, error_context))

    def _alike(
        self, data: Bytes, starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
    ) -> pa.RecordBatch | None:
        """Rows whose sizes are all those of the first, read where they lie; None when they are not, or a value is bad."""
        if not self.columns or (sizes != sizes[0]).any() or (sizes[0] < 0).any():
            return None
        count = len(starts)
        row_bytes = int(starts[1, 0] - starts[0, 0]) if count > 1 else 0
        arrays = []
        for j, column in enumerate(self.columns):
            first = data[starts[0, j] :]
            matrix = np.lib.stride_tricks.as_strided(
                first, (count, int(sizes[0, j])), (row_bytes, 1), writeable=False
            )
            try:
                arrays.append(parse_binary_matrix(matrix, column.type, self.context))
            except QuiverError:
                # Which value of which row it is, the other way tells.
                return None
        return self._batch(arrays)


def _rows_alike(data: bytes, first: int, end: int, starts: Sequence[int]) -> int:
    """How many whole rows behind the one at `first`..`end` have its field count and field sizes.

    Where all rows before it are alike, a row's counts and lengths lie a multiple of the first one's size further on.

    Args:
        starts: where the values of the fields of the first row start.
    """
    row_bytes = end - first
    heads = np.array([0, 1, *(start - first - back for start in starts for back in (4, 3, 2, 1))])
    expected = np.frombuffer(data, np.uint8, row_bytes, first)[heads]
    found, wanted, present = 0, 4 * _FEW_ALIKE, (len(data) - end) // row_bytes
    while found < present:
        count = min(wanted, present - found)
        rows = np.frombuffer(data, np.uint8, count * row_bytes, end + found * row_bytes).reshape(
            count, row_bytes
        )
        is_alike = (rows[:, heads] == expected).all(axis=1)
        if not is_alike.all():
            return found + int(np.argmin(is_alike))
        found, wanted = found + count, 8 * wanted
    return found


def _repeat_row(starts: list[int], sizes: list[int], width: int, row_bytes: int, count: int) -> None:
    """Add `count` rows like the last one, which has `width` fields, one behind the other."""
    if count:
        shifts = np.arange(1, count + 1, dtype=np.int64)[:, np.newaxis] * row_bytes
        starts += (np.array(starts[-width:], np.int64) + shifts).ravel().tolist()
        sizes += sizes[-width:] * count


class CopyBinaryWriter:
    """Rows as CopyData messages of binary format, cut as PostgreSQL cuts them.

    The stream's header has no message of its own: it begins that of the first row, or of the trailer where no row is.
    ADBC's driver reads a row from every message, and would look for one behind a lone header.
    """

    def __init__(self, columns: Sequence[CopyColumn], settings: CodecSettings) -> None:
        self.columns = tuple(columns)
        self.context = context_of(settings)
        self._unsent_header = SIGNATURE + _HEADER.pack(0, 0)

    def header(self) -> bytes:
        """No message: see the class."""
        return b""

    def frames(self, batch: pa.RecordBatch) -> bytes:
        """One message a row."""
        cells = [
            encode_cells(batch.column(i), column.type, Format.BINARY, self.context)
            for i, column in enumerate(self.columns)
        ]
        return self._with_header(frame_rows(b"d", cells, batch.num_rows))

    def trailer(self) -> bytes:
        """The message after the last row."""
        return self._with_header(_message(_TRAILER))

    def _with_header(self, messages: bytes) -> bytes:
        if not self._unsent_header or not messages:
            return messages
        end = 1 + _LENGTH.unpack_from(messages, 1)[0]
        first = _message(self._unsent_header + messages[5:end])
        self._unsent_header = b""
        return first + messages[end:]


def _message(body: bytes) -> bytes:
    return b"d" + _LENGTH.pack(len(body) + 4) + body
