"""Calls the kernels that search lists: bundles their arguments and lends them working memory."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet
from vecengine.exact import NO_STARTS, KernelSpace, Keys, Offsets, scan_block
from vecengine.ivf.codes import ListCodes
from vecengine.ivf.lists import ListArrays
from vecengine.metrics import Float32s, Metric

_QUERIES_AT_ONCE = 64
"""What queries are to codes may be hundreds of KiB each."""

_BLOCK_LANES = 32
"""Equal to kernels_blocks.BLOCK_LANES, which cannot be imported without numba."""

_ELEMENT_RANKED = 15
"""Equal to kernels_lists.ELEMENT_RANKED."""

NO_ROWS: Offsets = np.zeros(0, dtype=np.int64)


class RowCosts(NamedTuple):
    """Time that a row in a list takes, in distances of a sequential scan: one that is weighed, and one that the filter rejects."""

    weighed: float
    rejected: float = 0.03


NUMBER_COSTS = RowCosts(1.3)
BIT_COSTS = RowCosts(2.5, 1.0)
"""Measured with one thread and AVX-512 on 61,666 vectors of 384 float32, and on 60,000 strings of 64 to 1,024 bits: see DESIGN.md."""


class ListSpace(NamedTuple):
    """Vectors and the lists over them, as the kernel takes them; `centre_keys` (nq, l) float32 where centroids were weighed elsewhere."""

    space: KernelSpace
    centre_space: KernelSpace
    lists: tuple[npt.NDArray[np.generic], ...]
    list_count: int
    centre_keys: Float32s | None = None

    def centres(self, queries: slice) -> KernelSpace:
        """What ranks the lists of some of the queries: centroids, or their keys."""
        if self.centre_keys is None:
            return self.centre_space
        keys = np.ascontiguousarray(self.centre_keys[queries])
        metric, _, dimensions, count, _, _, _ = self.centre_space
        row_bytes = keys.itemsize * keys.shape[0]
        return (
            metric,
            _ELEMENT_RANKED,
            dimensions,
            count,
            row_bytes,
            keys.reshape(-1).view(np.uint8),
            NO_STARTS,
        )


class ListRequest(NamedTuple):
    """What to search: see `vecengine.kernels_types.Request`; `probes` is its `ef`."""

    queries: Float32s
    k: int
    probes: int
    allowed_bits: Bitset | None = None
    budget: int = 0


class ListAnswer(NamedTuple):
    """(nq, k) keys and row offsets, padded; `found` (nq,) rows, -1 for a query that was not finished; `visited` lists.

    `candidates` are the rows found by codes for the last query, ascending by codes.
    """

    status: int
    keys: Keys
    offsets: Offsets
    found: npt.NDArray[np.int64]
    distances: int
    visited: int
    reranked: int = 0
    candidates: Offsets = NO_ROWS


class _ScratchPool(threading.local):
    """Working memory of one thread, grown to the most lists it has searched."""

    def __init__(self) -> None:
        self.keys = np.empty(0, dtype=np.float64)
        self.lists = np.empty(0, dtype=np.int32)

    def lend(self, list_count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        if self.keys.size < list_count:
            self.keys = np.empty(list_count, dtype=np.float64)
            self.lists = np.empty(list_count, dtype=np.int32)
        return self.keys, self.lists


_scratch = _ScratchPool()


def list_space(space: KernelSpace, metric: Metric, lists: ListArrays) -> ListSpace:
    """Bundle once what every search of an index passes on; keeps all of it alive."""
    return ListSpace(space, lists.centre_space(metric), lists.bundle(), lists.list_count)


def probing_cost(list_count: int, listed_rows: float, selectivity: float, costs: RowCosts) -> float:
    """Time of a search that meets so many rows in its lists, in distances of a sequential scan."""
    per_row = costs.weighed * selectivity + (costs.rejected if selectivity < 1.0 else 0.0)
    return list_count + per_row * listed_rows


def run_search(
    compiled: KernelSet, target: ListSpace, request: ListRequest, cancel: CancelWord | None
) -> ListAnswer:
    """One call of the kernel for all queries. Raises nothing: the status says how it ended."""
    query_count = request.queries.shape[0]
    keys = np.empty((query_count, request.k), dtype=np.float64)
    offsets = np.empty((query_count, request.k), dtype=np.int64)
    found = np.empty(query_count, dtype=np.int64)
    counts = np.zeros(2, dtype=np.int64)
    allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
    status = compiled.search_lists(
        target.space,
        target.centres(slice(None)),
        target.lists,
        (request.queries, allowed, request.probes, request.budget),
        _scratch.lend(target.list_count),
        scan_block(query_count),
        (keys, offsets, found, counts),
        NO_CANCEL if cancel is None else cancel,
    )
    return ListAnswer(status, keys, offsets, found, int(counts[0]), int(counts[1]))


def run_coded_search(
    compiled: KernelSet,
    target: ListSpace,
    codes: ListCodes,
    request: ListRequest,
    pool_size: int,
    *,
    cancel: CancelWord | None,
) -> ListAnswer:
    """One search of all queries by codes, of which the `pool_size` nearest are reranked; at least k, unless k is 0.

    Raises nothing: the status says how it ended.
    """
    query_count = request.queries.shape[0]
    keys = np.empty((query_count, request.k), dtype=np.float64)
    offsets = np.empty((query_count, request.k), dtype=np.int64)
    found = np.full(query_count, -1, dtype=np.int64)
    counts = np.zeros(3, dtype=np.int64)
    pool = np.empty(pool_size, dtype=np.float64), np.empty(pool_size, dtype=np.int64)
    allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
    status = 0
    for begin in range(0, query_count if request.k else 0, _QUERIES_AT_ONCE):
        part = slice(begin, begin + _QUERIES_AT_ONCE)
        queries = request.queries[part]
        status = compiled.search_coded_lists(
            target.space,
            target.centres(part),
            target.lists,
            codes.bundle(queries),
            (queries, allowed, request.probes, request.budget),
            _scratch.lend(target.list_count),
            pool,
            np.empty(_BLOCK_LANES, dtype=np.float32),
            (keys[part], offsets[part], found[part], counts),
            NO_CANCEL if cancel is None else cancel,
        )
        if status:
            break
    candidates = pool[1][: min(pool_size, int(counts[2]))]
    return ListAnswer(
        status, keys, offsets, found, int(counts[0]), int(counts[1]), int(counts[2]), candidates
    )
