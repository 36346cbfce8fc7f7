"""Tiles of rows and queries, small enough for a budget of memory, and what is kept of each: the least keys, or those below a limit.

A search is a list of *stretches*: chosen positions, and the queries that meet them. A scan is one stretch with all queries, a visit of
lists one for each list. A stretch is cut into tiles of rows, each made once and weighed by one part of its queries after another. The least keys
of a query so far wait on the device, and each tile's are merged with them.

Expectation: of a tile of m rows and n queries 4 m d bytes are read and 2 m n d operations done; n m keys are written and read about four times, which
is what a large batch waits for where d is small. The cancel word is polled before each tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vecengine.arrays import CancelWord, check_cancel
from vecengine.device.bounds import Asked, BoundedKeys
from vecengine.device.places import Device
from vecengine.device.rows import Chosen, DeviceRows
from vecengine.exact import Offsets
from vecengine.metrics import Float32s

if TYPE_CHECKING:
    import torch

_KEY_BYTES = 24
"""Of a pair of row and query: a key, what the choice of the least needs besides, and what is kept of it."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Positions low to high of the chosen, and the (m,) numbers of the queries that meet them, None for all."""

    low: int
    high: int
    queries: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Least:
    """(nq, w) the positions with the least keys, -1 padded, and (nq,) float32 the key beyond which others may be; inf if there are none."""

    positions: Offsets
    cuts: Float32s


@dataclass(eq=False)
class Tiles:
    """Weighs the stretches of one search.

    Attributes:
        budget_bytes: of a tile and what is made of it.
        weighed: pairs so far.
    """

    device: Device
    rows: DeviceRows
    chosen: Chosen
    budget_bytes: int
    cancel: CancelWord | None
    weighed: int = 0

    def least(self, stretches: list[Stretch], keys: BoundedKeys, asked: Asked, width: int) -> Least:
        """The `width` rows of the least keys of each query; all it meets where these are fewer."""
        torch = self.device.module
        count = asked.numbers.shape[0]
        best = torch.full((count, width), np.inf, dtype=torch.float32, device=self.device.handle)
        positions = torch.full((count, width), -1, dtype=torch.int64, device=self.device.handle)
        for low, found, part in self._keys(stretches, keys, asked):
            near, places = found.topk(min(width, found.shape[1]), dim=1, largest=False, sorted=False)
            near = torch.cat([best[part], near], dim=1)
            places = torch.cat([positions[part], places + low], dim=1)
            near, kept = near.topk(width, dim=1, largest=False, sorted=False)
            best[part], positions[part] = near, places.gather(1, kept)
        on_host: Offsets = positions.cpu().numpy()
        cuts: Float32s = np.full(count, np.inf, dtype=np.float32)
        if 0 < width < self.chosen.count:
            cuts = best.amax(dim=1).cpu().numpy()
        return Least(on_host, cuts)

    def within(
        self, stretches: list[Stretch], keys: BoundedKeys, asked: Asked, limits: Float32s
    ) -> Iterator[tuple[Offsets, Offsets]]:
        """All pairs whose keys are at most the (nq,) limit of the query: numbers of queries and positions, tile by tile."""
        bounds = self.device.tensor(limits)
        everyone = self.device.module.arange(limits.size, device=self.device.handle)
        for low, found, part in self._keys(stretches, keys, asked):
            numbers, places = (found <= bounds[part][:, None]).nonzero(as_tuple=True)
            yield everyone[part][numbers].cpu().numpy(), (places + low).cpu().numpy()

    def _keys(
        self, stretches: list[Stretch], keys: BoundedKeys, asked: Asked
    ) -> Iterator[tuple[int, torch.Tensor, torch.Tensor | slice]]:
        """For each tile its first position, (n, m) keys, and which queries these are of."""
        for stretch in stretches:
            count = asked.numbers.shape[0] if stretch.queries is None else stretch.queries.shape[0]
            row_step, query_step = self._steps(stretch.high - stretch.low, count, asked.numbers.shape[1])
            for low in range(stretch.low, stretch.high, row_step):
                tile = self.rows.tile(self.chosen, low, min(low + row_step, stretch.high))
                for begin in range(0, count, query_step):
                    check_cancel(self.cancel)
                    part: torch.Tensor | slice = slice(begin, begin + query_step)
                    if stretch.queries is not None:
                        part = stretch.queries[part]
                    found = keys.keys(tile, asked.at(part))
                    self.weighed += found.numel()
                    yield low, found, part

    def _steps(self, rows: int, queries: int, dimensions: int) -> tuple[int, int]:
        """How many rows and queries a tile has: half of the budget for its rows, half for its keys."""
        half = self.budget_bytes // 2
        row_step = max(1, min(rows, half // (self.rows.number_bytes * dimensions)))
        return row_step, max(1, min(queries, half // (_KEY_BYTES * row_step)))
