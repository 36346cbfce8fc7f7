"""What of an index lies on a device, and the search of it: candidates by bounded keys, exact distances, and the proof that none is missing.

1. Of the rows that the query meets, the `k + slack` of the least bounded keys are candidates. Their distances are computed from the vectors.
2. Every row that is no candidate has a key above the greatest of theirs. If that is more than the exact key of the k-th can be on the device
   (`BoundedKeys.limits`), the answer is proven.
3. Else all rows whose keys may be as small are candidates, which is a range search with the k-th distance.

Rows that cannot be multiplied in float32 (`is_plain`) are candidates of every query. So an answer is that of a scan of the same rows to the last bit, whatever
the library's products round. Rows by codes have no such proof, on the CPU neither: of these the `refine_k` times k best are reranked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset, mask_from_bits
from vecengine.device.bounds import Asked, BoundedKeys
from vecengine.device.candidates import Pairs, every_pair, exact_distances, nearest_pairs
from vecengine.device.lists import RankedLists, Visit, stretches_of
from vecengine.device.places import Device
from vecengine.device.request import Request
from vecengine.device.rows import Chosen, DeviceRows
from vecengine.device.tiles import Stretch, Tiles
from vecengine.element_types import Numbers
from vecengine.exact import Offsets
from vecengine.metrics import Float32s, Float64s, Metric
from vecengine.ranges import Range, RangeAnswer, range_answer

_QUERIES_AT_ONCE = 4096
_SLACK_LEAST = 32
_SLACK_SHARE = 4
"""Candidates besides k: at least so many, and a k-th part of k."""
_MATCHES_AT_ONCE = 1 << 22

Visited = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DeviceCopy:
    """The rows of an index on a device.

    Attributes:
        vectors: (n, d), for exact distances.
        offsets: (m,) row offset of each place.
        odd_places: places of rows that cannot be multiplied there, ascending.
        starts: (l + 1,) where each list begins, (2,) without lists.
        ranked: the centroids, None without lists.
        refine_k: how many times k rows by codes are reranked; 0 of whole rows, whose keys are bounds.
    """

    device: Device
    metric: Metric
    vectors: Numbers
    rows: DeviceRows
    offsets: Offsets
    odd_places: Offsets
    starts: Offsets
    ranked: RankedLists | None = None
    refine_k: int = 0

    @property
    def has_bounds(self) -> bool:
        """Whether keys are bounds of exact ones, so that nothing can be missed."""
        return not self.refine_k

    @property
    def size_bytes(self) -> int:
        """Bytes of the device's memory that it holds."""
        return self.rows.size_bytes + (0 if self.ranked is None else self.ranked.size_bytes)

    def search(self, request: Request, k: int, probes: int | None) -> tuple[Float64s, Offsets]:
        """The k nearest allowed rows, k being at most their number.

        Args:
            probes: how many lists each query visits at least; None to scan.

        Returns:
            (nq, k) float64 operator values, +inf padded, and (nq, k) int64 row offsets, -1 padded: lists of rows without an order may
            leave an answer short.

        Raises:
            QueryCanceled: 57014.
        """
        chosen, odd, counts = self._choose(request.allowed_bits)
        answers = []
        for begin in range(0, request.queries.shape[0], _QUERIES_AT_ONCE):
            part = request.of(slice(begin, begin + _QUERIES_AT_ONCE))
            is_visited = None
            if probes is not None and self.ranked is not None:
                visit = Visit(k, probes, probes * self.offsets.size // (self.starts.size - 1))
                sizes = np.diff(self.starts)
                is_visited = self.ranked.visited(
                    part.queries, visit, (sizes, counts), part.budget_bytes, part.cancel
                )
                request.stats.expansions += int(np.count_nonzero(is_visited))
                request.stats.distances += is_visited.size
            answers.append(_Searching(self, part, chosen, odd).nearest(k, is_visited))
        near = [np.zeros((0, k)), *(distances for distances, _ in answers)]
        rows = [np.zeros((0, k), dtype=np.int64), *(offsets for _, offsets in answers)]
        return np.concatenate(near), np.concatenate(rows)

    def range_search(self, request: Request, wanted: Range) -> RangeAnswer:
        """All allowed rows in range, of whole rows.

        Raises:
            QueryCanceled: 57014.
        """
        chosen, odd, _ = self._choose(request.allowed_bits)
        found = [(Pairs.none(), np.zeros(0))]
        for begin in range(0, request.queries.shape[0], _QUERIES_AT_ONCE):
            part = request.of(slice(begin, begin + _QUERIES_AT_ONCE))
            for pairs, distances in _Searching(self, part, chosen, odd).in_range(wanted):
                found.append((Pairs(pairs.numbers + begin, pairs.offsets), distances))
        pairs = found[0][0].joined(*(pairs for pairs, _ in found[1:]))
        distances = np.concatenate([distances for _, distances in found])
        return range_answer(pairs.numbers, distances, pairs.offsets, request.queries.shape[0])

    def _choose(self, allowed_bits: Bitset | None) -> tuple[Chosen, Offsets, Offsets]:
        """The allowed places that are multiplied, the row offsets of the allowed others, and (l,) allowed rows of each list."""
        count = self.offsets.size
        if allowed_bits is None and not self.odd_places.size:
            return Chosen(None, None, self.starts), self.odd_places, np.diff(self.starts)
        is_allowed = np.ones(count, dtype=np.bool_)
        if allowed_bits is not None:
            is_allowed = mask_from_bits(allowed_bits, self.vectors.shape[0])[self.offsets]
        running = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(is_allowed, out=running[1:])
        odd = self.odd_places[is_allowed[self.odd_places]]
        is_allowed[odd] = False
        places = np.flatnonzero(is_allowed)
        starts = np.searchsorted(places, self.starts)
        chosen = Chosen(places, self.device.tensor(places), starts)
        return chosen, self.offsets[odd], np.diff(running[self.starts])


@dataclass(frozen=True, eq=False)
class _Searching:
    """One block of queries over chosen rows; `odd` (o,) row offsets are candidates of every query."""

    copy: DeviceCopy
    request: Request
    chosen: Chosen
    odd: Offsets

    def nearest(self, k: int, is_visited: Visited | None) -> tuple[Float64s, Offsets]:
        """See `DeviceCopy.search`; (nq, l) which lists each query visits, None for a scan."""
        copy, count = self.copy, self.request.queries.shape[0]
        keys, asked = self._keys()
        width = k + max(_SLACK_LEAST, k // _SLACK_SHARE) if copy.has_bounds else copy.refine_k * k
        width = min(width, self.chosen.count)
        tiles = self._tiles()
        least = tiles.least(self._stretches(is_visited), keys, asked, width)
        self.request.stats.distances += tiles.weighed
        numbers, columns = np.nonzero(least.positions >= 0)
        found = Pairs(numbers, self._offsets(least.positions[numbers, columns]))
        near, rows = self._ordered(found.joined(every_pair(np.arange(count), self.odd)), count, k)
        if not copy.has_bounds or not k:
            return near, rows
        limits = keys.limits(near[:, -1] ** 2 if copy.metric is Metric.L2 else near[:, -1])
        open_queries = np.flatnonzero((least.cuts <= limits) & ~np.isinf(least.cuts))
        step = max(1, _MATCHES_AT_ONCE // max(1, self.chosen.count))
        for begin in range(0, open_queries.size, step):
            part = open_queries[begin : begin + step]
            near[part], rows[part] = self._proven(part, limits[part], k, is_visited)
        return near, rows

    def _proven(
        self, part: Offsets, limits: Float32s, k: int, is_visited: Visited | None
    ) -> tuple[Float64s, Offsets]:
        """The answers of some of the queries, from all rows that may be as near as the limits say."""
        some = _Searching(self.copy, self.request.of(part), self.chosen, self.odd)
        found = some.matches(limits, None if is_visited is None else is_visited[part])
        pairs = every_pair(np.arange(part.size), self.odd).joined(*found)
        return some._ordered(pairs, part.size, k)

    def in_range(self, wanted: Range) -> list[tuple[Pairs, Float64s]]:
        """Pairs in range, and their distances, tile by tile."""
        keys, _ = self._keys()
        count = self.request.queries.shape[0]
        radius = wanted.radius
        if self.copy.metric is Metric.L2:
            radius = max(radius, 0.0) ** 2
        limits = keys.limits(np.full(count, radius))
        answers = []
        for pairs in (every_pair(np.arange(count), self.odd), *self.matches(limits, None)):
            distances = self._distances(pairs)
            is_held = wanted.holds(distances)
            held = Pairs(pairs.numbers[is_held], pairs.offsets[is_held])
            answers.append((held, distances[is_held]))
        return answers

    def matches(self, limits: Float32s, is_visited: Visited | None) -> list[Pairs]:
        """All pairs of chosen rows whose keys are at most (nq,) limits, tile by tile."""
        keys, asked = self._keys()
        tiles = self._tiles()
        found = [
            Pairs(numbers, self._offsets(positions))
            for numbers, positions in tiles.within(self._stretches(is_visited), keys, asked, limits)
        ]
        self.request.stats.distances += tiles.weighed
        return found

    def _keys(self) -> tuple[BoundedKeys, Asked]:
        keys = self.copy.rows.keys_for(self.copy.metric, self.request.queries.shape[1])
        return keys, self.copy.rows.asked(keys, self.request.queries)

    def _tiles(self) -> Tiles:
        request = self.request
        return Tiles(self.copy.device, self.copy.rows, self.chosen, request.budget_bytes, request.cancel)

    def _stretches(self, is_visited: Visited | None) -> list[Stretch]:
        if is_visited is None:
            return [Stretch(0, self.chosen.count)]
        return stretches_of(self.copy.device, self.chosen, is_visited)

    def _offsets(self, positions: Offsets) -> Offsets:
        return self.copy.offsets[self.chosen.place_of(positions)]

    def _ordered(self, pairs: Pairs, count: int, k: int) -> tuple[Float64s, Offsets]:
        return nearest_pairs(pairs, self._distances(pairs), count, k)

    def _distances(self, pairs: Pairs) -> Float64s:
        stats = self.request.stats
        stats.distances += pairs.numbers.size
        stats.reranked += pairs.numbers.size
        return exact_distances(
            self.copy.metric, self.copy.vectors, self.request.queries, pairs, self.request.cancel
        )
