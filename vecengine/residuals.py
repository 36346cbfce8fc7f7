"""What codes stand for: rows of length one under cosine, less the mean of all rows and less a centre of their own; books of such codes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from vecengine.arrays import CancelWord, check_cancel
from vecengine.build_threads import map_blocks
from vecengine.codes import centred_numbers
from vecengine.element_types import Numbers
from vecengine.metrics import Float32s, Float64s, Metric
from vecengine.stored_vectors import Offsets, StoredVectors

_SIZE_MIN, _SIZE_MAX = 1e-15, 1e15
"""Between these the largest number of a sample has to be, for its square to be a float32 and no subnormal one."""

_BLOCK_BYTES = 4 << 20

Data = npt.NDArray[np.uint8]
Codes = TypeVar("Codes", bound=StoredVectors)


@dataclass(frozen=True, eq=False)
class Centres:
    """What rows are coded relative to.

    Attributes:
        numbers: (l, d) float32, under cosine in the space of rows of length one.
        of_rows: (n,) which of them each row belongs to, in the order of the rows that are encoded.
    """

    numbers: Float32s
    of_rows: npt.NDArray[np.int32]

    def at(self, places: slice | Offsets) -> Centres:
        """The same of some of the rows."""
        return Centres(self.numbers, self.of_rows[places])


class Sample(NamedTuple):
    """What a book is trained with: (d,) float32 mean of all rows, zeros under ip; (s, d) float32 residuals."""

    mean: Float32s
    residuals: Float32s


def residuals_of(metric: Metric, numbers: Numbers, mean: Float32s, centres: Centres | None) -> Float32s:
    """(n, d) float32, what (n, d) numbers differ by from mean and centres."""
    centred = centred_numbers(metric, numbers, mean)
    if centres is not None:
        centred -= (centres.numbers - mean)[centres.of_rows]
    return centred


def draw_sample(
    metric: Metric,
    vectors: Numbers,
    rows: Offsets,
    centres: Centres | None,
    wanted: int,
    *,
    rng: np.random.Generator,
) -> Sample | None:
    """Residuals of at most `wanted` rows of (n, d) vectors; None where their numbers cannot be multiplied in float32.

    Args:
        rows: (m,) row offsets; under cosine none of them is a zero vector.
        centres: what each of the rows is coded relative to, None for nothing.
    """
    chosen = np.arange(rows.size)
    if rows.size > wanted:
        chosen = np.sort(rng.choice(rows.size, wanted, replace=False))
    numbers = vectors[rows[chosen]]
    mean = np.zeros(vectors.shape[1], dtype=np.float32)
    with np.errstate(all="ignore"):
        if metric is not Metric.IP and chosen.size:
            mean = centred_numbers(metric, numbers, mean).mean(axis=0, dtype=np.float64).astype(np.float32)
        found = residuals_of(metric, numbers, mean, None if centres is None else centres.at(chosen))
        found = found[np.isfinite(found).all(axis=1)]
    largest = float(np.abs(found).max(initial=0.0))
    if not (_SIZE_MIN < largest < _SIZE_MAX and np.isfinite(mean).all()):
        return None
    return Sample(mean, found)


class ResidualBook(ABC, Generic[Codes]):
    """How residuals become codes.

    Attributes:
        metric: l2, ip or cosine.
        mean: (d,) float32, taken away from rows and queries; zeros under ip.
    """

    metric: Metric
    mean: Float32s

    @property
    @abstractmethod
    def row_bytes(self) -> int:
        """Size of a row of codes."""

    @abstractmethod
    def wrap(self, data: Data) -> Codes:
        """(n, row_bytes) uint8 as vectors of codes of this book."""

    @abstractmethod
    def encoder(
        self, centres: Centres | None, cancel: CancelWord | None
    ) -> Callable[[Float32s, Centres | None], Data]:
        """A function of (n, d) residuals of some rows and their centres, some of these, to (n, row_bytes) uint8."""

    def encode(
        self,
        vectors: Numbers,
        rows: Offsets | None = None,
        *,
        centres: Centres | None = None,
        threads: int = 1,
        cancel: CancelWord | None = None,
    ) -> Codes:
        """Codes of rows of (n, d) vectors.

        Args:
            rows: (m,) row offsets, None for all.
            centres: what each of the rows is coded relative to, None for nothing.
            threads: that share the rows; the result does not depend on them.

        Raises:
            QueryCanceled: 57014.
        """
        count = vectors.shape[0] if rows is None else rows.size
        data = np.empty((count, self.row_bytes), dtype=np.uint8)
        coded = self.encoder(centres, cancel)

        def run(block: slice) -> None:
            check_cancel(cancel)
            numbers = vectors[block] if rows is None else vectors[rows[block]]
            of_block = None if centres is None else centres.at(block)
            with np.errstate(all="ignore"):
                data[block] = coded(residuals_of(self.metric, numbers, self.mean, of_block), of_block)

        map_blocks(run, count, max(1, _BLOCK_BYTES // (4 * vectors.shape[1])), threads)
        return self.wrap(data)

    def terms(self, decoded: Float32s, centres: Centres | None) -> Float32s:
        """(n,) float32: |r|^2 + 2 (centre - mean) . r under l2, r the (n, d) residuals that codes stand for."""
        if self.metric is Metric.IP:
            return np.zeros(decoded.shape[0], dtype=np.float32)
        found: Float64s = np.einsum("ij,ij->i", decoded, decoded, dtype=np.float64)
        if centres is not None:
            base = (centres.numbers - self.mean)[centres.of_rows]
            found += 2 * np.einsum("ij,ij->i", base, decoded, dtype=np.float64)
        return (found if self.metric is Metric.L2 else found / 2).astype(np.float32)
