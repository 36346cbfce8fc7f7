"""Rows that a device weighs: resident in its memory, brought over tile by tile, or as the codes of lists.

A row has a *place*, 0 to n - 1, in the order of the lists, or of row offsets where there are none; `offsets` says which row of the vectors
it is. A search chooses the places that may be found, and everything behind it counts *positions* among the chosen, so that rows a
filter leaves out are neither read nor multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vecengine.arrays import CancelWord, check_cancel
from vecengine.device.bounds import Asked, BoundedKeys, RowTile
from vecengine.device.places import Device
from vecengine.element_types import Numbers
from vecengine.exact import Offsets
from vecengine.metrics import Float32s, Float64s, Metric

if TYPE_CHECKING:
    import torch

_COPIED_BYTES = 1 << 26
_WIDE_BYTES = 8
_TILE_NUMBER_BYTES = 8
"""Of float32, and of what it is widened from."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The places that may be found.

    Attributes:
        places: (m,) int64 ascending, None for all.
        on_device: the same where the device reads them.
        starts: (l + 1,) where each list begins among them, and m; one list where there are none.
    """

    places: Offsets | None
    on_device: torch.Tensor | None
    starts: Offsets

    @property
    def count(self) -> int:
        return int(self.starts[-1])

    def place_of(self, positions: Offsets) -> Offsets:
        """The places of (m,) positions."""
        return positions if self.places is None else self.places[positions]

    def on_device_at(self, low: int, high: int) -> torch.Tensor | slice:
        """The places of positions low to high, as an index of tensors."""
        return slice(low, high) if self.on_device is None else self.on_device[low:high]


class DeviceRows(Protocol):
    """What tiles are cut from."""

    @property
    def is_resident(self) -> bool:
        """Whether nothing comes over the bus for a search."""

    @property
    def size_bytes(self) -> int:
        """What is held of the device's memory."""

    @property
    def number_bytes(self) -> int:
        """What a number of a tile takes while the tile is made."""

    def tile(self, chosen: Chosen, low: int, high: int) -> RowTile:
        """The rows of positions low to high."""

    def keys_for(self, metric: Metric, dimensions: int) -> BoundedKeys:
        """The keys that order them."""

    def asked(self, keys: BoundedKeys, queries: Float32s) -> Asked:
        """Queries (nq, d) as they are compared with these rows."""


@dataclass(frozen=True, eq=False)
class WholeRows:
    """Rows as they are: their keys are bounds of exact ones.

    Attributes:
        numbers: (n, d) in the order of places, of the vectors' element type; None where tiles come from the vectors.
        squares: (n,) float64.
        offsets: (n,) row offset of each place.
    """

    device: Device
    vectors: Numbers
    numbers: torch.Tensor | None
    squares: torch.Tensor
    offsets: Offsets

    @property
    def is_resident(self) -> bool:
        return self.numbers is not None

    @property
    def size_bytes(self) -> int:
        held = 0 if self.numbers is None else self.numbers.numel() * self.numbers.element_size()
        return int(held + self.squares.numel() * _WIDE_BYTES)

    @property
    def number_bytes(self) -> int:
        return _TILE_NUMBER_BYTES

    def tile(self, chosen: Chosen, low: int, high: int) -> RowTile:
        where = chosen.on_device_at(low, high)
        if self.numbers is None:
            positions = np.arange(low, high) if chosen.places is None else chosen.places[low:high]
            numbers = self.device.tensor(self.vectors[self.offsets[positions]])
        else:
            numbers = self.numbers[where]
        return RowTile(numbers.float(), self.squares[where])

    def keys_for(self, metric: Metric, dimensions: int) -> BoundedKeys:
        return BoundedKeys.over(self.device, metric, dimensions)

    def asked(self, keys: BoundedKeys, queries: Float32s) -> Asked:
        return keys.asked(self.device, queries)


def copied_rows(
    device: Device, vectors: Numbers, offsets: Offsets, *, is_resident: bool, cancel: CancelWord | None
) -> tuple[WholeRows, Float64s]:
    """Rows of (n, d) vectors at (m,) offsets on the device, by blocks of some MiB; and their (m,) squares.

    Args:
        is_resident: keep them there, else only their squares.

    Raises:
        QueryCanceled: 57014.
    """
    kept = None
    squares = device.module.empty(offsets.size, dtype=device.module.float64, device=device.handle)
    step = max(1, _COPIED_BYTES // max(1, _WIDE_BYTES * vectors.shape[1]))
    for begin in range(0, offsets.size, step):
        check_cancel(cancel)
        part = slice(begin, begin + step)
        block = device.tensor(vectors[offsets[part]])
        if is_resident and kept is None:
            kept = block.new_empty((offsets.size, vectors.shape[1]))
        if kept is not None:
            kept[part] = block
        wide = block.double()
        squares[part] = (wide * wide).sum(dim=1)
    if is_resident and kept is None:
        kept = device.tensor(vectors[:0])
    on_host: Float64s = squares.cpu().numpy()
    return WholeRows(device, vectors, kept, squares, offsets), on_host
