"""Keys as a device computes them, each made so small that no rounding can put it above the exact one.

A matrix product rounds, in an order that is the library's own, and l2 as a difference of squares loses digits. So keys of a device cannot be the answer,
but they can be bounds: with u the unit roundoff of float32 and d dimensions, a sum of d products of rows x and queries q, in whatever order, is
off by at most gamma * |x| |q|, gamma = d u / (1 - d u) (Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, section 3.1). Some u more
cover the few roundings around it. What is subtracted from each key is

    l2      gamma (|x|^2 + |q|^2)
    ip      2 gamma |x| |q|, because the CPU's product is rounded, too
    cosine  3 gamma, the same with the two norms that the CPU rounds
    l1      gamma times the key

A sum of terms that are not negative, as the CPU computes l2 and l1, is at most a share gamma below the truth: `limits` allows for that.
So: a row whose exact key is at most t has a key of at most `limits(t)` on the device, and rows above it need no look.

Where PyTorch was told to multiply in less than float32 (`set_float32_matmul_precision`), each factor is rounded first, and gamma grows by that.
This holds while squares and their sums stay far inside float32: `is_plain` tells which rows and queries these are.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vecengine.device.places import Device
from vecengine.metrics import Float32s, Float64s, Metric

if TYPE_CHECKING:
    import torch

_UNIT_ROUNDOFF = 2.0**-24
_ROUNDINGS_AROUND = 16
_FACTOR_ROUNDOFF = {"highest": 0.0, "high": 2.0**-11, "medium": 2.0**-8}
"""Of TF32 and bfloat16, by PyTorch's names of precisions."""
_BOTH_FACTORS = 2.01
_SQUARES_MIN, _SQUARES_MAX = 2.0**-90, 2.0**100
_TINY = 1e-12
"""More than float64 rounds in a few operations."""


@dataclass(frozen=True, eq=False)
class RowTile:
    """Some rows on the device: (m, d) float32, and (m,) squares, float64."""

    numbers: torch.Tensor
    squares: torch.Tensor


@dataclass(frozen=True, eq=False)
class Asked:
    """Queries on the device: (nq, d) float32, of length one under cosine, and (nq,) terms."""

    numbers: torch.Tensor
    terms: torch.Tensor

    def at(self, numbers: torch.Tensor | slice) -> Asked:
        """Some of them."""
        return Asked(self.numbers[numbers], self.terms[numbers])


@dataclass(frozen=True)
class BoundedKeys:
    """Lower bounds of keys under one metric of numbers.

    Attributes:
        module: PyTorch itself.
        gamma: the largest share by which a sum may be off; 0 for keys that are no bounds.
    """

    module: ModuleType
    metric: Metric
    gamma: float

    @classmethod
    def over(cls, device: Device, metric: Metric, dimensions: int) -> BoundedKeys:
        """Bounds of exact keys for the precision that PyTorch has been told."""
        precision = device.module.get_float32_matmul_precision()
        sums = (dimensions + _ROUNDINGS_AROUND) * _UNIT_ROUNDOFF
        factors = _BOTH_FACTORS * _FACTOR_ROUNDOFF.get(precision, max(_FACTOR_ROUNDOFF.values()))
        return cls(device.module, metric, sums / (1 - sums) + factors)

    def terms(self, squares: torch.Tensor) -> torch.Tensor:
        """(m,) float32 of rows or queries, from their squares in float64: squares under l2, lengths under ip, one by lengths under cosine."""
        if self.metric is Metric.IP:
            squares = squares.sqrt()
        elif self.metric is Metric.COSINE:
            squares = squares.rsqrt()
        return squares.float()

    def asked(self, device: Device, queries: Float32s) -> Asked:
        """Queries (nq, d) as they are compared."""
        wide = device.tensor(queries).double()
        squares = (wide * wide).sum(dim=1)
        if self.metric is Metric.COSINE:
            wide = wide * squares.rsqrt()[:, None]
        return Asked(wide.float(), self.terms(squares))

    def keys(self, tile: RowTile, asked: Asked) -> torch.Tensor:
        """(nq, m) float32, none above the exact key of the same row and query."""
        if self.metric is Metric.L1:
            sums: torch.Tensor = self.module.cdist(asked.numbers, tile.numbers, p=1.0)
            return sums.mul_(1 - self.gamma)
        terms = self.terms(tile.squares)
        products = asked.numbers @ tile.numbers.T
        if self.metric is Metric.L2:
            near = 1 - self.gamma
            return products.mul_(-2).add_(terms * near).add_((asked.terms * near)[:, None])
        if self.metric is Metric.IP:
            return products.neg_().addr_(asked.terms, terms, alpha=-2 * self.gamma)
        return products.mul_(terms).neg_().add_(1 - 3 * self.gamma)

    def limits(self, keys: Float64s) -> Float32s:
        """(n,) what keys of the device may be at most where exact keys are at most (n,) `keys`; infinities stay."""
        if self.metric in (Metric.L2, Metric.L1):
            keys = keys * ((1 + _TINY) / (1 - self.gamma))
        with np.errstate(over="ignore"):
            narrow = keys.astype(np.float32)
        return np.where(narrow < keys, np.nextafter(narrow, np.float32(np.inf)), narrow)


def is_plain(squares: Float64s) -> npt.NDArray[np.bool_]:
    """(n,) whether rows or queries of these (n,) squares can be multiplied in float32 without leaving it."""
    return np.asarray((squares == 0) | ((squares >= _SQUARES_MIN) & (squares <= _SQUARES_MAX)))
