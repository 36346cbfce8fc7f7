"""An index whose searches run on a device: `on_device` copies what it takes there, `DeviceIndex` answers as the index does.

The index stays what it is built, extended and stored as; the copy follows from it. Lists are visited on the device, of whole vectors or of the codes that
can be turned back into numbers. Where these do not fit, or have no form there, the device weighs the centroids, and the lists are searched on the CPU. An index of any other family over numbers is answered by a scan of its rows, which finds all that
its graph or trees would, and more. What a device cannot do, or does slower, the index does itself, and the log says once why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from foundation.bitset import Bitset, and_bits, popcount
from vecengine.arrays import CancelWord, Queries, check_allowed, check_queries
from vecengine.device.bounds import is_plain
from vecengine.device.copy import DeviceCopy
from vecengine.device.copying import Room, copied_index
from vecengine.device.lists import RankedCopy
from vecengine.device.places import AUTO, CPU, DeviceUnavailable, check_device, choose_device, find_device
from vecengine.device.request import Request
from vecengine.exact import Offsets, exact_search
from vecengine.index import EXACT, FILTERED_LISTS, LISTS, SearchStats, VectorIndex
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Float32s, Metric, parse_metric
from vecengine.ranges import Range, RangeAnswer, range_answer

_LOG = logging.getLogger("quiver.vecengine")

_TILE_BYTES_MIN, _TILE_BYTES_MAX = 1 << 12, 1 << 28
_SHRUNK_BYTES_MIN = 1 << 20
"""Where tiles of less do not fit, nothing will."""

_RANKED_AT_ONCE = 1024
"""Queries whose centroids are weighed before their lists are searched: keys of some MiB."""

Answer = TypeVar("Answer")


class DeviceIndex:
    """Searches of an index, on a device where that is possible and faster. For one thread at a time.

    Attributes:
        index: the index itself.
        reason: why searches stay with it, None where they do not.
    """

    def __init__(
        self,
        index: VectorIndex,
        copy: DeviceCopy | RankedCopy | None,
        *,
        reason: str | None,
        tile_bytes: int,
        is_auto: bool,
    ) -> None:
        self.index = index
        self.reason = reason
        self._copy = copy
        self._tile_bytes = tile_bytes
        self._is_auto = is_auto

    @property
    def device(self) -> str:
        """`cuda:N` or `torch-cpu`; `cpu` where searches stay with the index."""
        return CPU if self._copy is None else self._copy.device.name

    @property
    def resident_bytes(self) -> int:
        """Bytes of the device's memory that the copy holds."""
        return 0 if self._copy is None else self._copy.size_bytes

    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = 40,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, Offsets]:
        """As `vecengine.index.VectorIndex.search`. Where there is a `distance_budget`, the index answers itself.

        Raises:
            DimensionMismatch: 22000.
            QueryCanceled: 57014.
            DistanceBudgetSpent: 53400.
        """
        stats = SearchStats() if stats is None else stats
        words = check_queries(queries, self.index.vectors)

        def search_index(some: Queries) -> tuple[Float32s, Offsets]:
            return self.index.search(
                some, k, allowed_bits, ef_search, cancel=cancel, distance_budget=distance_budget, stats=stats
            )

        copy = self._copy
        if copy is None or distance_budget or not self._serves(words.shape[0], ef_search):
            return search_index(queries)
        allowed, allowed_count = self._allowed(allowed_bits)
        width = min(k, allowed_count)
        probes = self._probes(width, allowed_count, ef_search)
        if isinstance(copy, RankedCopy):
            if probes is None:
                return search_index(queries)
            return self._search_ranked(
                copy, words, k, allowed_bits, ef_search=ef_search, cancel=cancel, stats=stats
            )
        plain, others = _divided(parse_metric(self.index.metric), words)
        request = Request(words[plain], allowed, 0, cancel)
        found = self._run(request, lambda given: copy.search(given, width, probes), stats)
        if found is None:
            return search_index(queries)
        distances = np.full((words.shape[0], k), np.inf, dtype=np.float32)
        offsets: Offsets = np.full((words.shape[0], k), -1, dtype=np.int64)
        if others.size:
            distances[others], offsets[others] = search_index(words[others])
        with np.errstate(over="ignore"):
            distances[plain, :width] = found[0]
        offsets[plain, :width] = found[1]
        short = plain[(found[1] < 0).any(axis=1)]
        if short.size and probes is not None:
            stats.completed_exactly += short.size
            distances[short], offsets[short] = exact_search(
                self.index.vectors, words[short], k,
                metric=self.index.metric, allowed_bits=self._covered(allowed), cancel=cancel,
            )  # fmt: skip
        self._tell(stats, allowed_count, probes)
        return distances, offsets

    def _search_ranked(
        self,
        copy: RankedCopy,
        words: Float32s,
        k: int,
        allowed_bits: Bitset | None,
        *,
        ef_search: int,
        cancel: CancelWord | None,
        stats: SearchStats,
    ) -> tuple[Float32s, Offsets]:
        """Lists ranked on the device and searched on the CPU, some thousand queries at a time."""
        index = self.index
        assert isinstance(index, ListIndex)
        distances = np.full((words.shape[0], k), np.inf, dtype=np.float32)
        offsets: Offsets = np.full((words.shape[0], k), -1, dtype=np.int64)
        plain, others = _divided(index.metric_kind, words)

        def search(part: Offsets, keys: Float32s | None) -> None:
            distances[part], offsets[part] = index.search_ranked(
                words[part], k, keys, allowed_bits, ef_search, cancel=cancel, stats=stats
            )

        for part in np.split(plain, range(_RANKED_AT_ONCE, plain.size, _RANKED_AT_ONCE)):
            search(part, self._run(Request(words[part], None, 0, cancel), copy.centre_keys, stats))
        if others.size:
            search(others, None)
        return distances, offsets

    def range_search(
        self,
        queries: Queries,
        radius: float,
        *,
        inner: float | None = None,
        allowed_bits: Bitset | None = None,
        ef_search: int | None = None,
        cancel: CancelWord | None = None,
        stats: SearchStats | None = None,
    ) -> RangeAnswer:
        """As `vecengine.index.VectorIndex.range_search`; on a device exact. Of codes the index answers itself.

        Raises:
            DimensionMismatch: 22000.
            QueryCanceled: 57014.
        """
        stats = SearchStats() if stats is None else stats
        words = check_queries(queries, self.index.vectors)

        def search_index(some: Queries) -> RangeAnswer:
            return self.index.range_search(
                some, radius, inner=inner, allowed_bits=allowed_bits,
                ef_search=ef_search, cancel=cancel, stats=stats,
            )  # fmt: skip

        copy = self._copy
        if not isinstance(copy, DeviceCopy) or not copy.has_bounds or not self._serves(words.shape[0], None):
            return search_index(queries)
        allowed, allowed_count = self._allowed(allowed_bits)
        wanted = Range.between(inner, radius)
        plain, others = _divided(parse_metric(self.index.metric), words)
        request = Request(words[plain], allowed, 0, cancel)
        found = self._run(request, lambda given: copy.range_search(given, wanted), stats)
        if found is None:
            return search_index(queries)
        if others.size:
            found = _joined(found, plain, search_index(words[others]), others)
        self._tell(stats, allowed_count, None)
        return found

    def _serves(self, query_count: int, ef_search: int | None) -> bool:
        """Whether a copy was asked for by name, or is expected to be faster; None for `ef_search` where all rows are looked at."""
        copy, index = self._copy, self.index
        if copy is None or not self._is_auto:
            return copy is not None
        rows, stretches = index.row_count, 1
        if isinstance(copy, RankedCopy):
            rows = copy.ranked.list_count
        elif isinstance(index, ListIndex) and ef_search is not None:
            count = index.lists.list_count
            probes = min(max(ef_search, 1), count)
            rows, stretches = count + rows * probes // count, min(count, query_count * probes)
        is_resident = isinstance(copy, RankedCopy) or copy.rows.is_resident
        dimensions, is_reranked = int(index.vectors.shape[1]), isinstance(copy, DeviceCopy)
        chosen = choose_device(
            query_count, rows, dimensions, is_resident, stretches=stretches, is_reranked=is_reranked
        )
        return chosen != CPU

    def _allowed(self, allowed_bits: Bitset | None) -> tuple[Bitset | None, int]:
        """The rows that are covered and allowed, None for all that are covered, and how many they are."""
        row_count = self.index.vectors.shape[0]
        if allowed_bits is None:
            return None, self.index.row_count
        bits = self._covered(check_allowed(allowed_bits, row_count))
        return bits, popcount(bits, row_count)

    def _covered(self, allowed_bits: Bitset | None) -> Bitset | None:
        return and_bits(allowed_bits, self.index.covered_bits())

    def _probes(self, width: int, allowed_count: int, ef_search: int) -> int | None:
        """How many lists to visit; None to scan, where the index would."""
        index = self.index
        if not isinstance(index, ListIndex):
            return None
        probes = min(max(ef_search, 1), index.lists.list_count)
        return None if index.is_scan_cheaper(probes, width, allowed_count) else probes

    def _run(self, request: Request, work: Callable[[Request], Answer], stats: SearchStats) -> Answer | None:
        """What the device answers, with ever smaller tiles while memory is short; None where it stays so."""
        while (copy := self._copy) is not None:
            counts = SearchStats()
            try:
                answer = work(replace(request, budget_bytes=self._tile_bytes, stats=counts))
            except copy.device.out_of_memory:
                copy.device.release()
                self._tile_bytes //= 2
                if self._tile_bytes < _SHRUNK_BYTES_MIN:
                    self._copy, self.reason = None, f"the memory of {copy.device.name} is short"
                    _log_reason(self.index, self.reason, logging.WARNING)
            else:
                stats.distances += counts.distances
                stats.expansions += counts.expansions
                stats.reranked += counts.reranked
                return answer
        return None

    def _tell(self, stats: SearchStats, allowed_count: int, probes: int | None) -> None:
        stats.strategy, stats.ef_search, stats.allowed_count = EXACT, 0, allowed_count
        if probes is not None:
            is_filtered = allowed_count < self.index.row_count
            stats.strategy, stats.ef_search = (FILTERED_LISTS if is_filtered else LISTS), probes


def _divided(metric: Metric, queries: Float32s) -> tuple[Offsets, Offsets]:
    """The numbers of the queries that can be multiplied in float32 and have an order, and those of the others."""
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
    plain = is_plain(squares)
    if metric is Metric.COSINE:
        plain &= squares > 0
    return np.flatnonzero(plain), np.flatnonzero(~plain)


def _joined(
    first: RangeAnswer, first_numbers: Offsets, second: RangeAnswer, second_numbers: Offsets
) -> RangeAnswer:
    """One answer of two: of (a,) and (b,) queries with the numbers 0 to a + b - 1."""
    numbers = [
        np.repeat(queries, np.diff(answer.limits))
        for answer, queries in ((first, first_numbers), (second, second_numbers))
    ]
    return range_answer(
        np.concatenate(numbers),
        np.concatenate([first.distances, second.distances]).astype(np.float64),
        np.concatenate([first.offsets, second.offsets]),
        first_numbers.size + second_numbers.size,
    )


def _log_reason(index: VectorIndex, reason: str, level: int) -> None:
    _LOG.log(level, "searches of an index of family %s stay on the CPU: %s", index.family, reason)


def on_device(
    index: VectorIndex,
    device: str = AUTO,
    *,
    memory_bytes: int | None = None,
    ranks_only: bool = False,
    cancel: CancelWord | None = None,
) -> DeviceIndex:
    """Searches of an index on a device.

    Args:
        device: `cuda`, `cuda:N`, `cpu` for the index itself, or `auto`: the first card there is, for the searches that are expected to be faster there.
            `torch-cpu` is PyTorch on the CPU, for tests. Where there is no such device, searches stay with the index.
        memory_bytes: of the device, for the copy and for tiles; None for what is free. Rows that do not fit are brought over by each search; lists that do not are searched on the CPU.
        ranks_only: of an index of lists copy the centroids alone: they are weighed on the device, the lists searched on the CPU.
        cancel: (1,) int32 word, polled while rows are copied.

    Raises:
        UnknownDevice: 22023.
        QueryCanceled: 57014.
    """
    check_device(device)
    try:
        where = find_device(device)
        memory = where.free_bytes() if memory_bytes is None else memory_bytes
        try:
            copy = copied_index(index, Room(where, memory, cancel, ranks_only))
        except where.out_of_memory:
            where.release()
            copy = copied_index(index, Room(where, 0, cancel, ranks_only))
    except DeviceUnavailable as unavailable:
        is_expected = device in (AUTO, CPU)
        _log_reason(index, str(unavailable), logging.INFO if is_expected else logging.WARNING)
        return DeviceIndex(index, None, reason=str(unavailable), tile_bytes=0, is_auto=True)
    tile_bytes = min(_TILE_BYTES_MAX, max(_TILE_BYTES_MIN, memory - copy.size_bytes))
    return DeviceIndex(index, copy, reason=None, tile_bytes=tile_bytes, is_auto=device == AUTO)
