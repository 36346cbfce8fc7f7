"""Vectors that are no matrix of numbers: bit strings and sparse vectors, read where their column stores them.

Both are used like an (n, d) array: they have a `shape`, and a slice or row offsets pick rows, without a copy. What they
are compared with, the `queries` of searches, are vectors of the same kind; for the kernels these become a matrix of
words, each row as wide as the widest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from foundation.sparse import HEADER_WORDS, SparseWords

ELEMENT_FLOAT32 = 0
ELEMENT_FLOAT16 = 1
ELEMENT_BFLOAT16 = 2
ELEMENT_INT8 = 3
ELEMENT_BIT = 4
ELEMENT_SPARSE = 5
ELEMENT_CODE = 6
ELEMENT_PRODUCT = 7
ELEMENT_RABITQ = 8
ELEMENT_CODE_6 = 9
ELEMENT_CODE_4 = 10
"""Equal to kernels_types, which cannot be imported without numba."""

WORD_BYTES = 4

Float32s = npt.NDArray[np.float32]
Offsets = npt.NDArray[np.int64]
Rows = slice | Offsets | npt.NDArray[np.int32]
"""Which vectors: a slice or row offsets."""
Bytes = npt.NDArray[np.uint8]

_NO_STARTS: Offsets = np.zeros(0, dtype=np.int64)


class StoredVectors(ABC):
    """n vectors of d dimensions in a buffer of bytes, which may be a read-only memory map.

    Attributes:
        shape: (n, d).
        data: (b,) uint8.
        starts: (n,) int64 first byte of each; (0,) when they follow one another from the first byte.
        row_bytes: size of one; of sparse ones the mean.
    """

    element: int

    def __init__(self, shape: tuple[int, int], data: Bytes, starts: Offsets, row_bytes: int) -> None:
        self.shape = shape
        self.data = data
        self.starts = starts
        self.row_bytes = row_bytes

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of the vectors, about."""
        return self.shape[0] * self.row_bytes

    @abstractmethod
    def __getitem__(self, rows: Rows) -> Self:
        """Some of the vectors; nothing is copied."""

    @abstractmethod
    def queries(self) -> Float32s:
        """The vectors as kernels take queries: (n, w) float32, whose bytes are those of the stored form."""

    @property
    @abstractmethod
    def query_words(self) -> int:
        """Width of `queries()`."""


class BitVectors(StoredVectors):
    """n bit strings of d bits: ceil(d / 8) bytes each, the first bit the highest of its byte, zeros behind the last.

    Args:
        data: (b,) uint8, or (n, ceil(d / 8)) uint8 of bit strings that follow one another.
        dimensions: d.
        starts: (n,) int64 first byte of each, None when `data` has two axes. Rows of NULL may start anywhere in data.
    """

    element = ELEMENT_BIT

    def __init__(self, data: Bytes, dimensions: int, starts: Offsets | None = None) -> None:
        row_bytes = (dimensions + 7) >> 3
        if starts is None:
            if data.ndim != 2 or data.shape[1] != row_bytes:
                raise ValueError(f"bit strings of {dimensions} bits must be (n, {row_bytes}) uint8")
            data = np.ascontiguousarray(data)
            super().__init__((data.shape[0], dimensions), data.reshape(-1), _NO_STARTS, row_bytes)
        else:
            if starts.size and (starts.min() < 0 or starts.max() + row_bytes > data.size):
                raise ValueError("a bit string ends behind the data")
            super().__init__((starts.size, dimensions), data, starts, row_bytes)

    def __getitem__(self, rows: Rows) -> BitVectors:
        if self.starts.size:
            return BitVectors(self.data, self.shape[1], self.starts[rows])
        return BitVectors(self.bytes()[rows], self.shape[1])

    def bytes(self) -> Bytes:
        """(n, ceil(d / 8)) uint8; a copy where they do not follow one another."""
        if self.starts.size or not self.shape[0]:
            places = self.starts[:, None] + np.arange(self.row_bytes)
            return np.asarray(self.data[places], dtype=np.uint8)
        return self.data.reshape(self.shape[0], self.row_bytes)

    def bits(self) -> npt.NDArray[np.uint8]:
        """(n, d) uint8 of zeros and ones."""
        return np.unpackbits(self.bytes(), axis=1, count=self.shape[1])

    @property
    def query_words(self) -> int:
        return -(-self.row_bytes // WORD_BYTES)

    def queries(self) -> Float32s:
        words = np.zeros((self.shape[0], self.query_words * WORD_BYTES), dtype=np.uint8)
        words[:, : self.row_bytes] = self.bytes()
        return words.view(np.float32)


class SparseVectors(StoredVectors):
    """n sparse vectors of d dimensions in their stored form: see `foundation.sparse`.

    Args:
        words: where they are stored; all have d dimensions, and heads of NULL rows point at any vector.
        dimensions: d.
        row_bytes: mean size of a vector, None to look at all of them.
    """

    element = ELEMENT_SPARSE

    def __init__(self, words: SparseWords, dimensions: int, row_bytes: int | None = None) -> None:
        self.words = words
        self._widest: int | None = None
        if row_bytes is None:
            counts = self.element_counts()
            self._widest = _size_words(int(counts.max(initial=0)))
            row_bytes = int(WORD_BYTES * _size_words(counts.mean() if counts.size else 0))
        starts = words.heads * WORD_BYTES
        super().__init__((len(words), dimensions), words.words.view(np.uint8), starts, row_bytes)

    def __getitem__(self, rows: Rows) -> SparseVectors:
        some = SparseWords(self.words.words, self.words.heads[rows])
        return SparseVectors(some, self.shape[1], self.row_bytes)

    @property
    def query_words(self) -> int:
        if self._widest is None:
            self._widest = _size_words(int(self.element_counts().max(initial=0)))
        return self._widest

    def queries(self) -> Float32s:
        sizes = _size_words(self.element_counts())
        out = np.zeros((self.shape[0], self.query_words), dtype=np.uint32)
        ends = np.cumsum(sizes)
        places = np.arange(int(sizes.sum())) + np.repeat(self.words.heads - (ends - sizes), sizes)
        out[np.arange(self.query_words) < sizes[:, None]] = self.words.words[places]
        return out.view(np.float32)

    def element_counts(self) -> Offsets:
        """(n,) elements of each."""
        return self.words.words[self.words.heads + 1].byteswap().astype(np.int64)


def _size_words(count: Any) -> Any:
    """Words of a sparse vector, or of each, with so many elements."""
    return HEADER_WORDS + 2 * count
