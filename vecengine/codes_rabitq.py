"""Vectors of numbers as codes of one bit a dimension: the signs of a randomly rotated row, and two numbers.

Gao and Long, "RaBitQ" (SIGMOD 2024); what the bytes of a row mean and what a key is made of stands in `vecengine.kernels_rabitq`. The
rotation is not a matrix, which would be larger than many an index, but four rounds of random signs and Hadamard transforms.

Keys order rows roughly: who searches by them reranks the best by the vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.buffers import Metadata, take_array
from vecengine.codes import centred_numbers
from vecengine.compiled import kernels
from vecengine.element_types import Numbers
from vecengine.errors import DamagedIndex
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Float64s, Metric
from vecengine.residuals import Centres, ResidualBook, draw_sample
from vecengine.stored_vectors import ELEMENT_RABITQ, Offsets, Rows, StoredVectors

HEADER_BYTES = 8
QUERY_HEADER = 4
PLANES = 8
"""As in `kernels_rabitq`, which cannot be imported without numba."""

_WORD_BITS = 64
_ROUNDS = 4
_LARGEST = 127
_SAMPLE_ROWS = 10_000
_SEED = 20240521
FACTORS = {Metric.L2: (1.0, -4.0), Metric.COSINE: (0.5, -2.0), Metric.IP: (0.0, -2.0)}
"""What a key has of the squares of a query, and of its product with a row whose bits are 0 and 1."""

_NO_STARTS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

Data = npt.NDArray[np.uint8]


class RabitqVectors(StoredVectors):
    """n rows of d' bits, one after another; `shape` is (n, d').

    Args:
        data: (n, row_bytes) uint8.
        width: d', a multiple of 64.
    """

    element = ELEMENT_RABITQ

    def __init__(self, data: Data, width: int) -> None:
        row_bytes = HEADER_BYTES + width // 8
        if width % _WORD_BITS or data.ndim != 2 or data.shape[1] != row_bytes:
            raise ValueError(f"codes of {width} bits must be (n, {row_bytes}) uint8")
        data = np.ascontiguousarray(data)
        super().__init__((data.shape[0], width), data.reshape(-1), _NO_STARTS, row_bytes)

    def __getitem__(self, rows: Rows) -> RabitqVectors:
        return RabitqVectors(self.bytes()[rows], self.shape[1])

    def bytes(self) -> Data:
        """(n, row_bytes) uint8."""
        return self.data.reshape(self.shape[0], self.row_bytes)

    def signs(self) -> npt.NDArray[np.int8]:
        """(n, d') int8, 1 or -1."""
        bits = np.unpackbits(self.bytes()[:, HEADER_BYTES:], axis=1, bitorder="little")
        return (2 * bits.astype(np.int8) - 1).astype(np.int8)

    def headers(self) -> Float32s:
        """(n, 2) float32: terms and factors."""
        return np.ascontiguousarray(self.bytes()[:, :HEADER_BYTES]).view(np.float32)

    @property
    def query_words(self) -> int:
        return query_words(self.shape[1])

    def queries(self) -> Float32s:
        """No row of codes is compared with another: `RabitqBook.query_tables` makes what they are compared with."""
        raise TypeError("codes of signs are compared with planes of queries")


def padded_width(dimensions: int) -> int:
    """d', how many bits a row of so many dimensions has."""
    return -(-dimensions // _WORD_BITS) * _WORD_BITS


def query_words(width: int) -> int:
    """Width of a query that codes of d' bits are compared with, in float32 words."""
    return QUERY_HEADER + width * PLANES // 32


@dataclass(frozen=True, eq=False)
class RabitqBook(ResidualBook[RabitqVectors]):
    """How numbers become signs, and queries planes.

    Attributes:
        metric: l2, ip or cosine.
        mean: (d,) float32, taken away from rows and queries; zeros under ip.
        sign_bits: (rounds, d' / 8) uint8, the signs of the rotation.
    """

    metric: Metric
    mean: Float32s
    sign_bits: Data

    @property
    def width(self) -> int:
        """d'."""
        return padded_width(self.mean.size)

    @property
    def row_bytes(self) -> int:
        return HEADER_BYTES + self.width // 8

    @cached_property
    def signs(self) -> Float32s:
        """(rounds, d') float32, 1 or -1."""
        bits = np.unpackbits(self.sign_bits, axis=1).astype(np.float32)
        return np.ascontiguousarray(2 * bits - 1)

    def wrap(self, data: Data) -> RabitqVectors:
        return RabitqVectors(data, self.width)

    def rotate(self, numbers: Float32s) -> Float32s:
        """(n, d) numbers as (n, d'), rotated: products between rows stay what they are."""
        padded = np.zeros((numbers.shape[0], self.width), dtype=np.float32)
        padded[:, : numbers.shape[1]] = numbers
        compiled = kernels()
        if compiled is None:
            return rotated_by_formula(padded, self.signs)
        compiled.rotate_rows(padded, self.signs)
        return padded

    def encoder(
        self, centres: Centres | None, cancel: CancelWord | None
    ) -> Callable[[Float32s, Centres | None], Data]:
        turned = None if centres is None else self.rotate(centres.numbers - self.mean)

        def coded(residuals: Float32s, of_rows: Centres | None) -> Data:
            rotated = self.rotate(residuals)
            base = None if of_rows is None or turned is None else turned[of_rows.of_rows]
            signs = np.packbits(rotated > 0, axis=1, bitorder="little")
            return np.concatenate([self._headers(rotated, base).view(np.uint8), signs], axis=1)

        return coded

    def _headers(self, residuals: Float32s, base: Float32s | None) -> Float32s:
        """(n, 2) float32 terms and factors of rotated residuals, and of rotated centres less the mean."""
        wide = residuals.astype(np.float64)
        squares = np.einsum("ij,ij->i", wide, wide)
        sizes = np.abs(wide).sum(axis=1)
        factors: Float64s = np.where(sizes > 0, squares / np.where(sizes > 0, sizes, 1.0), 0.0)
        terms: Float64s = np.zeros(squares.size) if self.metric is Metric.IP else squares
        if base is not None:
            estimates = factors * np.einsum("ij,ij->i", np.where(wide > 0, 1.0, -1.0), base)
            if self.metric is Metric.IP:
                terms = estimates - np.einsum("ij,ij->i", wide, base)
            else:
                terms = terms + 2 * estimates
        if self.metric is Metric.COSINE:
            terms = terms / 2
        return np.stack([terms, factors], axis=1).astype(np.float32)

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, d) float32 queries as (nq, `query_words`) float32 that codes without centres are compared with.

        A query whose squares leave float32, and one without length under cosine, has keys of NaN.
        """
        with np.errstate(all="ignore"):
            asked = centred_numbers(self.metric, queries, self.mean)
            squares = np.einsum("ij,ij->i", asked, asked, dtype=np.float64)
            turned = self.rotate(asked)
        out = np.empty((queries.shape[0], query_words(self.width)), dtype=np.float32)
        compiled = kernels()
        if compiled is None:
            tables_by_formula(turned, squares, *FACTORS[self.metric], out)
        else:
            compiled.sign_tables(turned, squares, *FACTORS[self.metric], out, out.view(np.int64))
        return out

    def to_buffers(self) -> Buffers:
        """`code_signs` and `code_mean`."""
        return {"code_signs": self.sign_bits, "code_mean": self.mean}

    def fields(self) -> Metadata:
        """Nothing."""
        return {}


def tables_by_formula(turned: Float32s, squares: Float64s, bias: float, slope: float, out: Float32s) -> None:
    """What (nq, d') rotated queries are to codes, into (nq, w) `out`, as the kernel does it: its oracle, and the answer until it is ready."""
    usable = squares < np.finfo(np.float32).max
    turned = np.where(usable[:, None], turned, np.float32(0))
    steps = np.abs(turned).max(axis=1, initial=0.0).astype(np.float64) / _LARGEST
    integers = np.rint(turned / np.where(steps > 0, steps, 1.0)[:, None]).astype(np.int8)
    slopes = np.where(usable, slope * steps, np.nan)
    out[:, 0] = np.where(usable, bias * squares, np.nan)
    out[:, 1], out[:, 2] = slopes, slopes * integers.sum(axis=1, dtype=np.int64) / -2
    out[:, 3] = 0
    out[:, QUERY_HEADER:] = _planes(integers).view(np.float32)


def _planes(integers: npt.NDArray[np.int8]) -> Data:
    """(nq, d') integers as (nq, d') bytes: for each 64 dimensions 8 planes of 64 bits, the lowest first."""
    count, width = integers.shape
    words = integers.view(np.uint8).reshape(count, width // _WORD_BITS, _WORD_BITS, 1)
    bits = np.unpackbits(words, axis=3, bitorder="little")
    planes = np.packbits(bits.transpose(0, 1, 3, 2), axis=3, bitorder="little")
    return np.ascontiguousarray(planes).reshape(count, width)


def rotated_by_formula(numbers: Float32s, signs: Float32s) -> Float32s:
    """(n, d') rows rotated, as the kernel does it: its oracle, and the answer until it is ready."""
    width = numbers.shape[1]
    size = 1 << width.bit_length() - 1
    rows = numbers.copy()
    for turn, flips in enumerate(signs):
        rows *= flips
        begin = 0 if turn % 2 == 0 else width - size
        part, step = rows[:, begin : begin + size], 1
        while step < size:
            pairs = part.reshape(-1, size // (2 * step), 2, step)
            part = np.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], axis=2)
            part = part.reshape(-1, size)
            step *= 2
        rows[:, begin : begin + size] = part * np.float32(1 / np.sqrt(size))
        if size < width:
            left, right = rows[:, : width // 2].copy(), rows[:, width // 2 :].copy()
            rows[:, : width // 2] = (left + right) * np.float32(np.sqrt(0.5))
            rows[:, width // 2 :] = (left - right) * np.float32(np.sqrt(0.5))
    return rows


def train_rabitq(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    *,
    centres: Centres | None = None,
    cancel: CancelWord | None = None,
) -> RabitqBook | None:
    """A book of some rows of (n, d) vectors; None where their numbers cannot be multiplied in float32.

    Args:
        rows: (m,) row offsets that will be encoded; under cosine none of them is a zero vector.
        centres: what each of the rows is coded relative to, None for nothing.

    Raises:
        QueryCanceled: 57014.
    """
    check_cancel(cancel)
    rng = np.random.default_rng(_SEED)
    sample = draw_sample(metric, vectors, rows, centres, _SAMPLE_ROWS, rng=rng)
    if sample is None:
        return None
    width = padded_width(vectors.shape[1])
    return RabitqBook(metric, sample.mean, rng.integers(0, 256, (_ROUNDS, width // 8)).astype(np.uint8))


def load_rabitq_book(buffers: Buffers, metric: Metric, dimensions: int) -> RabitqBook:
    """The book that `to_buffers` gave.

    Raises:
        DamagedIndex: XX002.
    """
    shape = _ROUNDS, padded_width(dimensions) // 8
    sign_bits = take_array(buffers, "code_signs", np.uint8, shape)
    mean = take_array(buffers, "code_mean", np.float32, (dimensions,))
    if not np.isfinite(mean).all():
        raise DamagedIndex('index buffer "code_mean" holds numbers that are not finite')
    return RabitqBook(metric, mean, sign_bits)
