"""Vectors of numbers as codes of 6 and of 4 bits a dimension, for lists: what rows differ by from their centre, in steps.

Unlike those of `vecengine.codes`, which a graph compares with each other, these are compared with queries alone, so every dimension has a
step of its own: a query is multiplied by the steps once. What the bytes of a row mean and what a key is made of stands in
`vecengine.kernels_short_codes`.

Keys order rows roughly: who searches by them reranks the best by the vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.buffers import Metadata, take_array
from vecengine.codes import LANES, centred_numbers
from vecengine.element_types import Numbers
from vecengine.errors import DamagedIndex
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Metric
from vecengine.residuals import Centres, ResidualBook, draw_sample
from vecengine.stored_vectors import ELEMENT_CODE_4, ELEMENT_CODE_6, Offsets, Rows, StoredVectors

BITS = (4, 6)
HEADER_BYTES = 4
_QUERY_HEADER = 2
_QUERY_LARGEST = 32767
"""Equal to those of `kernels_short_codes`, which cannot be imported without numba."""

_ELEMENTS = {4: ELEMENT_CODE_4, 6: ELEMENT_CODE_6}
_SAMPLE_ROWS_MIN = 4096
_SAMPLE_NUMBERS = 1 << 21
_SEED = 20180406
_CUTS = (0.9, 0.95, 0.98, 0.99, 0.997, 1.0)
"""Shares of a dimension's numbers that the integers reach; what lies beyond is cut."""

_STEP_LEAST = np.float32(1e-20)
"""Of a dimension whose residuals are all zero: its integers are, whatever the step."""

_NO_STARTS: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

Data = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int8]


class ShortCodeVectors(StoredVectors):
    """n rows of codes for d dimensions, one after another.

    Args:
        data: (n, row_bytes) uint8.
        dimensions: d.
        bits: of an integer.
    """

    def __init__(self, data: Data, dimensions: int, bits: int) -> None:
        row_bytes = short_code_bytes(dimensions, bits)
        if data.ndim != 2 or data.shape[1] != row_bytes:
            raise ValueError(f"codes of {dimensions} dimensions must be (n, {row_bytes}) uint8")
        data = np.ascontiguousarray(data)
        super().__init__((data.shape[0], dimensions), data.reshape(-1), _NO_STARTS, row_bytes)
        self.bits = bits
        self.element = _ELEMENTS[bits]

    def __getitem__(self, rows: Rows) -> ShortCodeVectors:
        return ShortCodeVectors(self.bytes()[rows], self.shape[1], self.bits)

    def bytes(self) -> Data:
        """(n, row_bytes) uint8."""
        return self.data.reshape(self.shape[0], self.row_bytes)

    def integers(self) -> Integers:
        """(n, d) int8."""
        return unpacked(self.bytes()[:, HEADER_BYTES:], self.shape[1], self.bits)

    def terms(self) -> Float32s:
        """(n,) float32."""
        return np.ascontiguousarray(self.bytes()[:, :HEADER_BYTES]).view(np.float32)[:, 0]

    @property
    def query_words(self) -> int:
        return short_query_words(self.shape[1])

    def queries(self) -> Float32s:
        raise TypeError("codes of few bits are compared with queries, not with each other")


def short_code_bytes(dimensions: int, bits: int) -> int:
    """Size of a row of codes."""
    return HEADER_BYTES + -(-dimensions // LANES) * LANES * bits // 8


def short_query_words(dimensions: int) -> int:
    """Width of a query that codes of so many dimensions are compared with, in float32 words."""
    return _QUERY_HEADER + -(-dimensions // LANES) * LANES // 2


def largest_integer(bits: int) -> int:
    """The largest of the integers of so many bits, and the size of the least."""
    return (1 << (bits - 1)) - 1


def packed(integers: Integers, bits: int) -> Data:
    """(n, d) int8 to (n, b) uint8, the bytes of each row's groups of `LANES`."""
    count, dimensions = integers.shape
    groups = -(-dimensions // LANES)
    raised = np.zeros((count, groups * LANES), dtype=np.uint8)
    raised[:, :dimensions] = (integers + (1 << (bits - 1))).astype(np.uint8)
    raised = raised.reshape(count, groups, LANES)
    low = raised & 15
    parts = [low[..., : LANES // 2] | low[..., LANES // 2 :] << 4]
    if bits == 6:
        high = (raised >> 4).reshape(count, groups, 4, LANES // 4)
        parts.append(np.bitwise_or.reduce(high << np.array([[0], [2], [4], [6]], dtype=np.uint8), axis=2))
    return np.concatenate(parts, axis=2).reshape(count, -1)


def unpacked(data: Data, dimensions: int, bits: int) -> Integers:
    """What `packed` was given: (n, b) uint8 to (n, d) int8."""
    groups = data.reshape(data.shape[0], -(-dimensions // LANES), LANES * bits // 8)
    both = groups[..., : LANES // 2]
    raised = np.concatenate([both & 15, both >> 4], axis=2)
    if bits == 6:
        high = groups[..., None, LANES // 2 :] >> np.array([[0], [2], [4], [6]], dtype=np.uint8) & 3
        raised |= high.reshape(raised.shape) << 4
    flat = raised.reshape(data.shape[0], groups.shape[1] * LANES)[:, :dimensions]
    return (flat.astype(np.int16) - (1 << (bits - 1))).astype(np.int8)


@dataclass(frozen=True)
class ShortBook(ResidualBook[ShortCodeVectors]):
    """How numbers become codes.

    Attributes:
        mean: (d,) float32, zeros under inner product.
        steps: (d,) float32, positive: what the integer 1 stands for in each dimension.
        bits: of an integer.
    """

    metric: Metric
    mean: Float32s
    steps: Float32s
    bits: int

    @property
    def row_bytes(self) -> int:
        return short_code_bytes(self.steps.size, self.bits)

    def wrap(self, data: Data) -> ShortCodeVectors:
        return ShortCodeVectors(data, self.steps.size, self.bits)

    def encoder(
        self, centres: Centres | None, cancel: CancelWord | None
    ) -> Callable[[Float32s, Centres | None], Data]:
        largest = largest_integer(self.bits)

        def coded(residuals: Float32s, of_rows: Centres | None) -> Data:
            # What is no number is far from every other, and may have any integer.
            integers = np.nan_to_num(np.rint(residuals / self.steps), posinf=largest, neginf=-largest)
            integers = np.clip(integers, -largest, largest).astype(np.int8)
            terms = self.terms(self.decode(integers), of_rows)
            return np.concatenate([terms[:, None].view(np.uint8), packed(integers, self.bits)], axis=1)

        return coded

    def decode(self, integers: Integers) -> Float32s:
        """(n, d) float32 that integers stand for: residuals where rows have centres, else rows less the mean."""
        return np.asarray(integers * self.steps)

    def query_tables(self, queries: Float32s) -> Float32s:
        """(nq, d) float32 queries as (nq, `short_query_words`) float32 that codes are compared with; the first word is what keys of
        codes without centres have besides.

        A query whose squares leave float32, and one without length under cosine, has keys of NaN.
        """
        dimensions = queries.shape[1]
        out = np.zeros((queries.shape[0], short_query_words(dimensions)), dtype=np.float32)
        width = (short_query_words(dimensions) - _QUERY_HEADER) * 2
        largest = min(_QUERY_LARGEST, (2**31 - 1) // (largest_integer(self.bits) * width))
        with np.errstate(all="ignore"):
            asked = centred_numbers(self.metric, queries, self.mean).astype(np.float64)
            squares = np.einsum("ij,ij->i", asked, asked)
            stepped = asked * self.steps
            sizes = np.abs(stepped).max(axis=1, initial=0.0)
            fineness = np.where(sizes > 0, largest / sizes, 1.0)
            is_usable = squares < np.finfo(np.float32).max
            integers = np.where(is_usable[:, None], np.rint(stepped * fineness[:, None]), 0.0)
            factor = np.where(is_usable, (2.0 if self.metric is Metric.L2 else 1.0) / fineness, np.nan)
            share = {Metric.L2: 1.0, Metric.COSINE: 0.5}.get(self.metric, 0.0)
            out[:, 0], out[:, 1] = share * squares, factor
        out[:, _QUERY_HEADER:].view(np.int16)[:, :dimensions] = integers
        return out

    def to_buffers(self) -> Buffers:
        """`code_steps` and `code_mean`."""
        return {"code_steps": self.steps, "code_mean": self.mean}

    def fields(self) -> Metadata:
        """Nothing: the bits are a build parameter."""
        return {}


def load_short_book(buffers: Buffers, metric: Metric, dimensions: int, bits: int) -> ShortBook:
    """The book that `to_buffers` gave.

    Raises:
        DamagedIndex: XX002.
    """
    steps = take_array(buffers, "code_steps", np.float32, (dimensions,))
    mean = take_array(buffers, "code_mean", np.float32, (dimensions,))
    if not (steps > 0).all() or not np.isfinite(steps).all() or not np.isfinite(mean).all():
        raise DamagedIndex(
            "the mean or the steps of codes hold numbers that are not finite, or steps of zero or less"
        )
    return ShortBook(metric, mean, steps, bits)


def train_short(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    bits: int,
    *,
    centres: Centres | None = None,
    cancel: CancelWord | None = None,
) -> ShortBook | None:
    """The steps for some rows of (n, d) vectors; None where their numbers cannot be multiplied in float32.

    Args:
        rows: (m,) row offsets that will be encoded; under cosine none of them is a zero vector.
        bits: 4 or 6.
        centres: what each of the rows is coded relative to, None for nothing.

    Raises:
        QueryCanceled: 57014.
    """
    wanted = max(_SAMPLE_ROWS_MIN, _SAMPLE_NUMBERS // vectors.shape[1])
    sample = draw_sample(metric, vectors, rows, centres, wanted, rng=np.random.default_rng(_SEED))
    if sample is None:
        return None
    return ShortBook(
        metric, sample.mean, _best_steps(np.abs(sample.residuals), largest_integer(bits), cancel), bits
    )


def _best_steps(sizes: Float32s, largest: int, cancel: CancelWord | None) -> Float32s:
    """(d,) the steps by which (n, d) absolute numbers are displaced least, dimension by dimension."""
    best = np.full(sizes.shape[1], _STEP_LEAST, dtype=np.float32)
    least = np.full(sizes.shape[1], np.inf)
    for reached in np.quantile(sizes, _CUTS, axis=0):
        check_cancel(cancel)
        steps = np.maximum(reached.astype(np.float32) / np.float32(largest), _STEP_LEAST)
        rounded = np.minimum(np.rint(sizes / steps), largest) * steps
        errors = np.square(rounded - sizes).sum(axis=0, dtype=np.float64)
        best = np.where(errors < least, steps, best)
        least = np.minimum(errors, least)
    return best
