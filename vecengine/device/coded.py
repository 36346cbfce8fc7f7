"""The codes of lists as rows of a device: kept as codes, turned back into numbers a tile at a time, and multiplied with all queries of the tile.

On a CPU a table of the query is read for each code; here a tile is decoded once for the batch, and the rest is the same matrix product as for whole
rows: of what the codes stand for, with the mean or the centre that was taken away, and the query, under cosine of length one, by l2; under ip by the product.
So the order is that of the codes' keys up to rounding, and the best are reranked by the vectors as the CPU does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vecengine.codes import CodeVectors
from vecengine.codes_product import ProductBook
from vecengine.device.bounds import Asked, BoundedKeys, RowTile
from vecengine.device.places import Device
from vecengine.device.rows import Chosen
from vecengine.ivf.codes import ListCodes
from vecengine.ivf.kinds import ScalarBook
from vecengine.ivf.lists import ListArrays
from vecengine.metrics import Float32s, Metric

if TYPE_CHECKING:
    import torch

_TILE_NUMBER_BYTES = 24
"""An index of eight bytes a number, and the number before and after its centre is added."""


@dataclass(frozen=True, eq=False)
class DeviceCodes(ABC):
    """Codes in the order of lists.

    Attributes:
        metric: of the index.
        codes: (n, d) int8 or (n, m) uint8.
    """

    device: Device
    metric: Metric
    codes: torch.Tensor

    @property
    def is_resident(self) -> bool:
        return True

    @property
    def size_bytes(self) -> int:
        return int(self.codes.numel())

    @property
    def number_bytes(self) -> int:
        return _TILE_NUMBER_BYTES

    def tile(self, chosen: Chosen, low: int, high: int) -> RowTile:
        numbers = self._numbers(chosen.on_device_at(low, high))
        return RowTile(numbers, (numbers * numbers).sum(dim=1))

    @abstractmethod
    def _numbers(self, places: torch.Tensor | slice) -> torch.Tensor:
        """(m, d) float32 that the codes at some places stand for."""

    def keys_for(self, metric: Metric, dimensions: int) -> BoundedKeys:
        return BoundedKeys(self.device.module, Metric.IP if metric is Metric.IP else Metric.L2, 0.0)

    def asked(self, keys: BoundedKeys, queries: Float32s) -> Asked:
        if self.metric is not Metric.COSINE:
            return keys.asked(self.device, queries)
        wide = queries.astype(np.float64)
        wide /= np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        return keys.asked(self.device, wide.astype(np.float32))


@dataclass(frozen=True, eq=False)
class ScalarRows(DeviceCodes):
    """Integers of 8 bits.

    Attributes:
        mean: (d,) float32, of all rows.
        scale: the number that 1 stands for.
    """

    mean: torch.Tensor
    scale: float

    def _numbers(self, places: torch.Tensor | slice) -> torch.Tensor:
        return self.codes[places].float() * self.scale + self.mean


@dataclass(frozen=True, eq=False)
class ProductRows(DeviceCodes):
    """Product codes, one a byte.

    Attributes:
        words: (d, 2 ** bits) float32.
        piece_of: (d,) int64, the piece of each dimension.
        centres: (l, d) float32, the multiples of centroids that codes are relative to.
        list_of: (n,) int32, the list of each place.
    """

    words: torch.Tensor
    piece_of: torch.Tensor
    centres: torch.Tensor
    list_of: torch.Tensor

    @property
    def size_bytes(self) -> int:
        others = (self.words, self.piece_of, self.centres, self.list_of)
        return super().size_bytes + int(sum(held.numel() * held.element_size() for held in others))

    def _numbers(self, places: torch.Tensor | slice) -> torch.Tensor:
        spread = self.codes[places][:, self.piece_of].long()
        return self.words.gather(1, spread.T).T + self.centres[self.list_of[places].long()]


def coded_rows(device: Device, metric: Metric, codes: ListCodes, lists: ListArrays) -> DeviceCodes | None:
    """The codes on the device; None for those that are not turned back into numbers: codes of one bit."""
    book = codes.book
    if isinstance(book, ScalarBook):
        assert isinstance(codes.vectors, CodeVectors)
        integers = device.tensor(codes.vectors.integers())
        return ScalarRows(device, metric, integers, device.tensor(book.book.mean), book.book.scale)
    if not isinstance(book, ProductBook):
        return None
    assert isinstance(lists.centroids, np.ndarray)
    return ProductRows(
        device,
        metric,
        device.tensor(book.wrap(codes.data()).codes()),
        device.tensor(book.words),
        device.tensor(np.repeat(np.arange(book.pieces), np.diff(book.starts))),
        device.tensor(lists.centroids * codes.scales[:, None]),
        device.tensor(lists.assignment()[1]),
    )
