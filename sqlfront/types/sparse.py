"""sparsevec, text and binary exactly as pgvector reads and writes it.

Text is `{1:1.5,3:-2}/5`, indexes from 1. A value is its binary form, as columns store it: `foundation.sparse`.
pgvector/pgvector:src/sparsevec.c is the source of every rule and message.
"""

from __future__ import annotations

import re
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
    QuiverError,
)
from foundation.sparse import (
    HEADER_WORDS,
    SPARSE_DIMENSIONS_MAX,
    SPARSE_ELEMENTS_MAX,
    SparseRows,
    pack_sparse,
    sparse_column,
    sparse_rows,
)
from foundation.sqltypes import SPARSEVEC
from sqlfront.types.codec import WHITESPACE, Codec
from sqlfront.types.columns import mask_of
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.float_text import float_texts
from sqlfront.types.floats import NUMBER_PREFIX, is_overflow, is_underflow, read_number
from sqlfront.types.vectors import list_column

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

_HEADER = struct.Struct("!iii")
_WORD_BYTES = 4
_LONG_TEXT = 400
"""Characters from which on reading a single text by columns is faster."""
_INT32_MAX = 2**31 - 1
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


class SparseCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> bytes:
        plain = _parse_plain(pa.array([text], pa.utf8())) if len(text) >= _LONG_TEXT else None
        if plain is None:
            return _Reader(self, text).read()
        value: bytes = sparse_column(plain)[0].as_py()
        return value

    def encode_text(self, value: Any, context: CodecContext) -> str:
        text: str = self.text_column(pa.array([value], pa.binary()), context)[0].as_py()
        return text

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        if len(data) < _HEADER.size:
            raise InsufficientData("insufficient data left in message")
        dimensions, count, unused = _HEADER.unpack_from(data)
        check_dimensions(dimensions)
        _check_count(count, dimensions)
        if unused != 0:
            raise DataException(f"expected unused to be 0, not {unused}")
        body = data[_HEADER.size :]
        indexes = np.frombuffer(body, ">i4", min(count, len(body) // _WORD_BYTES))
        check_indexes(indexes, dimensions)
        values = np.frombuffer(body[count * _WORD_BYTES :], ">f4", max(len(body) // _WORD_BYTES - count, 0))
        _check_values(values[:count])
        if len(indexes) < count or len(values) < count:
            raise InsufficientData("insufficient data left in message")
        if len(body) > 2 * count * _WORD_BYTES:
            raise InvalidBinaryRepresentation("incorrect binary data format")
        return bytes(data)

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return bytes(value)

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        rows = sparse_rows(column.drop_null())
        elements = pc.binary_join_element_wise(
            pa.array(rows.indexes.astype(np.int64) + 1).cast(pa.utf8()),
            float_texts(rows.values).cast(pa.utf8()),
            ":",
        )
        borders = np.concatenate(([0], np.cumsum(rows.counts)))
        joined = pc.binary_join(list_column(borders, elements, None), ",")
        texts = pc.binary_join_element_wise("{", joined, "}/", pa.array(rows.dimensions).cast(pa.utf8()), "")
        valid = mask_of(column)
        if valid is None:
            return texts
        return texts.take(pa.array(np.cumsum(valid) - 1, mask=~valid))

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        plain = _parse_plain(strings.drop_null())
        if plain is None:
            return super().parse_text_column(strings, context)
        return sparse_column(plain, mask_of(strings))

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column

    def parse_binary_column(self, cells: pa.Array, context: CodecContext) -> pa.Array:
        if _is_well_formed(cells.drop_null()):
            return cells.cast(pa.binary())
        return super().parse_binary_column(cells, context)


# -- checks, in pgvector's words


def check_dimensions(dimensions: int) -> None:
    """Raises 22000 below 1, 54000 above a thousand million."""
    if dimensions < 1:
        raise DataException("sparsevec must have at least 1 dimension")
    if dimensions > SPARSE_DIMENSIONS_MAX:
        raise ProgramLimitExceeded(f"sparsevec cannot have more than {SPARSE_DIMENSIONS_MAX} dimensions")


def _check_count(count: int, dimensions: int) -> None:
    if count < 0:
        raise DataException("sparsevec cannot have negative number of elements")
    if count > SPARSE_ELEMENTS_MAX:
        raise _too_many_elements()
    if count > dimensions:
        raise ProgramLimitExceeded("sparsevec cannot have more elements than dimensions")


def _too_many_elements() -> QuiverError:
    return ProgramLimitExceeded(f"sparsevec cannot have more than {SPARSE_ELEMENTS_MAX} non-zero elements")


def check_indexes(indexes: npt.NDArray[Any], dimensions: int) -> None:
    """Raises 22000 for the first index that is out of bounds, or not above the one before it."""
    steps = np.diff(indexes.astype(np.int64), prepend=-1)
    outside = (indexes < 0) | (indexes >= dimensions)
    wrong = outside | (steps <= 0)
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    if outside[first]:
        raise DataException("sparsevec index out of bounds")
    if steps[first] < 0:
        raise DataException("sparsevec indices must be in ascending order")
    raise DataException("sparsevec indices must not contain duplicates")


def _check_values(values: npt.NDArray[Any]) -> None:
    wrong = ~np.isfinite(values) | (values == 0)
    if not wrong.any():
        return
    first = values[int(np.argmax(wrong))]
    if first == 0:
        raise DataException("binary representation of sparsevec cannot contain zero values")
    raise DataException(f"{'NaN' if np.isnan(first) else 'infinite value'} not allowed in sparsevec")


# -- text


class _Reader:
    """Reads one text token by token: every spelling strtol() and strtof() know, white space, and all errors."""

    def __init__(self, codec: SparseCodec, text: str) -> None:
        self._codec = codec
        self._text = text
        self._position = 0

    def read(self) -> bytes:
        """The value; raises 22P02, 22003, 22000 or 54000."""
        if self._text.count(",") >= SPARSE_ELEMENTS_MAX:
            raise _too_many_elements()
        self._skip_space()
        if not self._take("{"):
            raise self._error('Vector contents must start with "{".')
        self._skip_space()
        elements = [] if self._take("}") else self._elements()
        self._skip_space()
        if not self._take("/"):
            raise self._error("Unexpected end of input.")
        dimensions = min(self._integer(), _INT32_MAX)
        self._skip_space()
        if self._position != len(self._text):
            raise self._error("Junk after closing.")
        check_dimensions(dimensions)
        elements.sort(key=lambda element: element[0])
        indexes = np.array([index for index, _ in elements], np.int64)
        check_indexes(indexes, dimensions)
        return pack_sparse(dimensions, indexes, [value for _, value in elements])

    def _elements(self) -> list[tuple[int, float]]:
        elements: list[tuple[int, float]] = []
        while True:
            # Out of int32's range an index is out of bounds, but only once the whole text was read.
            index = max(min(self._integer(), _INT32_MAX), -_INT32_MAX) - 1
            self._skip_space()
            if not self._take(":"):
                raise self._error()
            self._skip_space()
            value = self._value()
            if value != 0:
                elements.append((index, value))
            self._skip_space()
            if self._take("}"):
                return elements
            if not self._take(","):
                raise self._error()

    def _integer(self) -> int:
        self._skip_space()
        match = _INTEGER.match(self._text, self._position)
        if match is None:
            raise self._error()
        self._position = match.end()
        return int(match.group())

    def _value(self) -> float:
        match = NUMBER_PREFIX.match(self._text, self._position)
        if match is None:
            raise self._error()
        self._position = match.end()
        value = read_number(match, 4)
        if is_overflow(match, value) or (value == 0 and is_underflow(match, value)):
            raise NumericValueOutOfRange(f'"{match.group()}" is out of range for type sparsevec')
        if not np.isfinite(value):
            raise DataException(f"{'NaN' if np.isnan(value) else 'infinite value'} not allowed in sparsevec")
        return value

    def _skip_space(self) -> None:
        while self._position < len(self._text) and self._text[self._position] in WHITESPACE:
            self._position += 1

    def _take(self, character: str) -> bool:
        if self._text[self._position : self._position + 1] != character:
            return False
        self._position += 1
        return True

    def _error(self, detail: str | None = None) -> QuiverError:
        return self._codec.syntax_error(self._text, detail)


def _parse_plain(strings: pa.Array) -> SparseRows | None:
    """Texts as sparsevec_out() writes them, all at once; None when one of them is anything else."""
    if not len(strings):
        return None
    try:
        parts = pc.split_pattern(strings, "}/")
        if not pc.all(pc.equal(pc.list_value_length(parts), 2)).as_py():
            return None
        bodies, ends = parts.flatten()[::2], parts.flatten()[1::2]
        if not pc.all(pc.starts_with(bodies, "{")).as_py():
            return None
        dimensions = pc.cast(ends, pa.int32()).to_numpy()
        elements = pc.split_pattern(pc.utf8_slice_codeunits(bodies, 1), ",")
        filled = pc.greater(pc.binary_length(bodies), 1).to_numpy(zero_copy_only=False)
        counts = np.where(filled, pc.list_value_length(elements).to_numpy(), 0).astype(np.int64)
        texts = elements.flatten()
        pairs = pc.split_pattern(texts.filter(pc.not_equal(texts, "")), ":")
        if not pc.all(pc.equal(pc.list_value_length(pairs), 2)).as_py() or len(pairs) != counts.sum():
            return None
        flat = pairs.flatten()
        indexes = pc.cast(flat[::2], pa.int32()).to_numpy() - np.int32(1)
        values = pc.cast(flat[1::2], pa.float32()).to_numpy()
    except pa.ArrowInvalid:
        return None
    rows = SparseRows(dimensions, np.cumsum(counts) - counts, counts, indexes, values)
    return rows if _is_valid(rows) else None


def _is_valid(rows: SparseRows) -> bool:
    """Whether the rows obey every rule of the type."""
    owners = rows.owners()
    steps = np.diff(rows.indexes.astype(np.int64)) > 0
    is_ascending = (steps | (np.diff(owners) > 0)).all()
    is_inside = ((rows.indexes >= 0) & (rows.indexes < rows.dimensions[owners])).all()
    are_sizes_good = (
        (rows.dimensions >= 1).all()
        and (rows.dimensions <= SPARSE_DIMENSIONS_MAX).all()
        and rows.counts.max(initial=0) <= SPARSE_ELEMENTS_MAX
    )
    return bool(
        is_ascending
        and is_inside
        and are_sizes_good
        and np.isfinite(rows.values).all()
        and (rows.values != 0).all()
    )


def _is_well_formed(cells: pa.Array) -> bool:
    """Whether all cells are valid binary forms."""
    cells = cells.cast(pa.binary())
    lengths = pc.binary_length(cells).to_numpy(zero_copy_only=False)
    if not len(cells) or (lengths < _HEADER.size).any():
        return False
    heads = np.frombuffer(b"".join(pc.binary_slice(cells, 0, _HEADER.size).to_pylist()), ">i4").reshape(-1, 3)
    counts = heads[:, 1].astype(np.int64)
    sizes = _WORD_BYTES * (HEADER_WORDS + 2 * counts)
    if (counts < 0).any() or (sizes != lengths).any() or heads[:, 2].any():
        return False
    return _is_valid(sparse_rows(cells))


def register(types: TypeRegistry) -> None:
    types.add(SPARSEVEC.oid, SparseCodec)
