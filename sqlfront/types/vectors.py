"""vector and halfvec, text and binary exactly as pgvector reads and writes them; int8vec and bf16vec likewise.

Text is `[1,2.5,-3e-05]`. Binary is int16 dimensions, int16 zero, then big-endian float32 (halfvec: float16, int8vec:
int8, bf16vec: the upper halves of float32). A value is a 1-D array of the type's numbers (foundation/vector_elements.py);
a column without typmod is a list, any number of dimensions.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from foundation.errors import (
    DataException,
    InvalidBinaryRepresentation,
    NumericValueOutOfRange,
    ProgramLimitExceeded,
)
from foundation.sqltypes import DENSE_VECTOR_TYPES, SqlType
from foundation.vector_elements import (
    VECTOR_ELEMENTS,
    from_wire,
    stored_numbers,
    to_wire,
    vector_numbers,
)
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.columns import (
    Bytes,
    array_of_bytes,
    bytes_of,
    cells_matrix,
    cut_cells,
    fixed_cells,
    mask_of,
    validity_buffer,
)
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.float_text import float_text, float_texts
from sqlfront.types.floats import NUMBER_PREFIX, is_overflow, read_number

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

DIMENSIONS_MAX = 16000
_HEADER = struct.Struct("!hh")
_OPEN, _CLOSE, _COMMA, _SPACE = b"[], "


def list_parts(column: pa.Array) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Offsets (n + 1,) and values of a list or fixed_size_list column, both without the column's own offset.

    The offsets index the returned values. A NULL in a fixed-size list has values like any other row.
    """
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        values = column.values.slice(column.offset * size, len(column) * size)
        return np.arange(len(column) + 1, dtype=np.int64) * size, values
    offsets = column.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], column.values.slice(offsets[0], offsets[-1] - offsets[0])


def list_column(offsets: npt.NDArray[Any], values: pa.Array, valid: npt.NDArray[np.bool_] | None) -> pa.Array:
    """A list column from offsets (n + 1,), values and an (n,) mask."""
    return pa.Array.from_buffers(
        pa.list_(values.type),
        len(offsets) - 1,
        [validity_buffer(valid), pa.py_buffer(np.ascontiguousarray(offsets, np.int32))],
        children=[values],
    )


class VectorCodec(Codec):
    def __init__(self, sql_type: SqlType) -> None:
        super().__init__(sql_type)
        self.element = VECTOR_ELEMENTS[sql_type.oid]
        self.dtype = self.element.dtype
        self.wire_dtype = self.element.wire_dtype

    # -- one value

    def decode_text(self, text: str, context: CodecContext) -> npt.NDArray[Any]:
        values = self._parse_one(text)
        return self._parse(text) if values is None else values

    def encode_text(self, value: Any, context: CodecContext) -> str:
        numbers = np.asarray(value, self.dtype).astype(np.float32).tolist()
        return "[" + ",".join(float_text(number, 4, 1) for number in numbers) + "]"

    def decode_binary(self, data: bytes, context: CodecContext) -> npt.NDArray[Any]:
        if len(data) < _HEADER.size:
            raise InsufficientData("insufficient data left in message")
        dimensions, unused = _HEADER.unpack_from(data)
        self._check_header(dimensions, unused)
        expected = _HEADER.size + dimensions * self.dtype.itemsize
        if len(data) < expected:
            raise InsufficientData("insufficient data left in message")
        if len(data) > expected:
            raise InvalidBinaryRepresentation("incorrect binary data format")
        values = from_wire(np.frombuffer(data, self.wire_dtype, dimensions, _HEADER.size), self.dtype)
        self.check_finite(values)
        return values

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        values = np.asarray(value, self.dtype)
        return _HEADER.pack(len(values), 0) + to_wire(values).tobytes()

    # -- checks, in pgvector's words

    def _check_header(self, dimensions: int, unused: int) -> None:
        self.check_dimensions(dimensions)
        if unused != 0:
            raise DataException(f"expected unused to be 0, not {unused}")

    def check_dimensions(self, dimensions: int) -> None:
        """Raises 22000 below 1, 54000 above 16000."""
        if dimensions < 1:
            raise DataException(f"{self.type_name} must have at least 1 dimension")
        if dimensions > DIMENSIONS_MAX:
            raise ProgramLimitExceeded(f"{self.type_name} cannot have more than {DIMENSIONS_MAX} dimensions")

    def check_finite(self, values: npt.NDArray[Any]) -> None:
        """Raises 22000 for the first NaN or infinity."""
        if values.dtype == np.int8:
            return
        if values.ndim == 1 and np.isfinite(values).all():
            return
        with np.errstate(over="ignore", invalid="ignore"):
            # One pass that writes nothing.
            if np.isfinite(values.sum(dtype=np.float32)):
                return
        finite = np.isfinite(values)
        if not finite.all():
            first = values.reshape(-1)[np.argmin(finite)]
            kind = "NaN" if np.isnan(first) else "infinite value"
            raise DataException(f"{kind} not allowed in {self.type_name}")

    # -- text

    def _parse(self, text: str) -> npt.NDArray[Any]:
        """The text read token by token: every spelling strtof() knows, white space, and all errors."""
        position = _skip_space(text, 0)
        if text[position : position + 1] != "[":
            raise self.syntax_error(text, 'Vector contents must start with "[".')
        position = _skip_space(text, position + 1)
        if text[position : position + 1] == "]":
            raise DataException(f"{self.type_name} must have at least 1 dimension")
        numbers: list[float] = []
        while True:
            if len(numbers) == DIMENSIONS_MAX:
                self.check_dimensions(DIMENSIONS_MAX + 1)
            position = _skip_space(text, position)
            match = NUMBER_PREFIX.match(text, position)
            if match is None:
                raise self.syntax_error(text)
            numbers.append(self._element(match))
            position = _skip_space(text, match.end())
            separator = text[position : position + 1]
            position += 1
            if separator == "]":
                break
            if separator != ",":
                raise self.syntax_error(text)
        if _skip_space(text, position) != len(text):
            raise self.syntax_error(text, "Junk after closing right brace.")
        return self.element.narrowed(np.array(numbers))[0]

    def _element(self, match: Any) -> float:
        value = read_number(match, 4)
        (stored,), (is_lost,) = self.element.narrowed(np.array([value]))
        if is_lost or is_overflow(match, value if self.dtype == np.int8 else float(stored)):
            raise NumericValueOutOfRange(f'"{match.group()}" is out of range for type {self.type_name}')
        self.check_finite(np.array([value]))
        return value

    def _parse_one(self, text: str) -> npt.NDArray[Any] | None:
        """What `_parse_plain` reads, of one text; None = not so plain."""
        if text[:1] != "[" or text[-1:] != "]":
            return None
        pieces = text[1:-1].replace(", ", ",").split(",")
        values = self._cast(pa.array(pieces, pa.utf8())) if len(pieces) <= DIMENSIONS_MAX else None
        return None if values is None else vector_numbers(values)

    def _parse_plain(self, strings: pa.Array) -> pa.Array | None:
        """Numbers, commas, brackets and a space after a comma, all columns at once; None = not so plain.

        Nobody looks for other bytes: what belongs to no number makes its piece none.
        """
        data, offsets = bytes_of(strings)
        lengths = np.diff(offsets)
        valid = mask_of(strings)
        used = lengths > 0 if valid is None else valid
        if (lengths[used] < 3).any() or (lengths[~used] > 0).any() or (valid is None and not used.all()):
            return None
        text = data[offsets[0] : offsets[-1]]
        first, last = offsets[:-1][used] - offsets[0], offsets[1:][used] - offsets[0] - 1
        if (text[first] != _OPEN).any() or (text[last] != _CLOSE).any():
            return None
        borders = text == _COMMA
        borders[first] = True
        starts = np.flatnonzero(borders) + 1
        borders[first], borders[last] = False, True
        ends = np.flatnonzero(borders)
        spaces = np.flatnonzero(text == _SPACE)
        if len(spaces):
            before = text[spaces - 1]
            if not ((before == _COMMA) | (before == _OPEN)).all():
                return None
            starts += text[starts] == _SPACE
        values = self._cast(cut_cells(text, starts, ends).view(pa.utf8()))
        if values is None:
            return None
        counts = np.zeros(len(strings), np.int64)
        counts[used] = np.diff(np.searchsorted(ends, np.append(first, len(text))))
        if counts.max(initial=0) > DIMENSIONS_MAX:
            return None
        return list_column(np.concatenate(([0], np.cumsum(counts))), values, valid)

    def _cast(self, texts: pa.Array) -> pa.Array | None:
        """Texts -> numbers of the element type, None when one is no plain finite number."""
        try:
            values = pc.cast(texts, pa.float32()).to_numpy()
        except pa.ArrowInvalid:
            return None
        if not np.isfinite(values).all():
            return None
        elements, is_lost = self.element.narrowed(values)
        return None if is_lost.any() else stored_numbers(elements)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        offsets, values = list_parts(column)
        data, borders = bytes_of(float_texts(vector_numbers(values)))
        texts = array_of_bytes(data, borders)
        joined = pc.binary_join(list_column(offsets, texts, mask_of(column)), ",")
        return pc.binary_join_element_wise("[", joined, "]", "")

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        column = self._parse_plain(strings)
        return super().parse_text_column(strings, context) if column is None else column

    # -- binary

    def array(self, values: list[Any]) -> pa.Array:
        lengths = [0 if v is None else len(v) for v in values]
        present = [np.asarray(v, self.dtype) for v in values if v is not None]
        flat = np.concatenate(present) if present else np.empty(0, self.dtype)
        valid = None if len(present) == len(values) else np.array([v is not None for v in values])
        return list_column(
            np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))), stored_numbers(flat), valid
        )

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        offsets, values = list_parts(column)
        counts = np.diff(offsets)
        if len(counts) == 0 or counts[0] == 0 or (counts != counts[0]).any():
            return super().binary_column(column, context)
        width = int(counts[0]) * self.dtype.itemsize
        matrix = np.empty((len(counts), _HEADER.size + width), np.uint8)
        matrix[:, : _HEADER.size] = np.frombuffer(_HEADER.pack(int(counts[0]), 0), np.uint8)
        matrix[:, _HEADER.size :] = to_wire(vector_numbers(values)).view(np.uint8).reshape(-1, width)
        return fixed_cells(matrix, mask_of(column))

    def values(self, column: pa.Array) -> list[Any]:
        offsets, values = list_parts(column)
        numbers = vector_numbers(values)
        valid = column.is_valid().to_pylist()
        return [numbers[offsets[i] : offsets[i + 1]] if valid[i] else None for i in range(len(column))]

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        _, offsets = bytes_of(cells)
        valid = mask_of(cells)
        lengths = np.diff(offsets) if valid is None else np.diff(offsets)[valid]
        width = int(lengths[0]) if len(lengths) else 0
        matrix = cells_matrix(cells, width) if width >= _HEADER.size + self.dtype.itemsize else None
        values = None if matrix is None else self._numbers(matrix if valid is None else matrix[valid])
        if values is None:
            return super().parse_binary_column(cells, context)
        count = values.shape[1]
        kept = stored_numbers(values.reshape(-1))
        if valid is None:
            return list_column(np.arange(len(cells) + 1) * count, kept, None)
        return list_column(np.concatenate(([0], np.cumsum(valid * count))), kept, valid)

    def parse_binary_matrix(self, matrix: Bytes, context: CodecContext) -> pa.Array:
        values = self._numbers(matrix)
        if values is None:
            return super().parse_binary_matrix(matrix, context)
        return list_column(
            np.arange(len(matrix) + 1) * values.shape[1], stored_numbers(values.reshape(-1)), None
        )

    def _numbers(self, matrix: Bytes) -> npt.NDArray[Any] | None:
        """(n, d) numbers of (n, width) binary forms; None where they are not what their width says.

        The rows may lie apart, as in a stream: the only copy is the one that turns the bytes round.
        """
        count, rest = divmod(matrix.shape[1] - _HEADER.size, self.dtype.itemsize)
        if count < 1 or rest or count > DIMENSIONS_MAX:
            return None
        if (matrix[:, : _HEADER.size] != np.frombuffer(_HEADER.pack(count, 0), np.uint8)).any():
            return None
        values = from_wire(matrix[:, _HEADER.size :].view(self.wire_dtype), self.dtype)
        self.check_finite(values)
        return values


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in WHITESPACE:
        position += 1
    return position


def register(types: TypeRegistry) -> None:
    for sql_type in DENSE_VECTOR_TYPES:
        types.add(sql_type.oid, VectorCodec)
