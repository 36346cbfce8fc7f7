"""What codes stand for: rows of length one under cosine, less the mean of all rows and less a centre of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecengine.codes import centred_numbers
from vecengine.element_types import Numbers
from vecengine.metrics import Float32s, Metric
from vecengine.stored_vectors import Offsets

_SIZE_MIN, _SIZE_MAX = 1e-15, 1e15
"""Between these the largest number of a sample has to be, for its square to be a float32 and no subnormal one."""


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
