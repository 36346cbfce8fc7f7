"""Calls the kernel of graphs on disk: bundles its arguments, makes tables of queries, and learns whether pages come from disk."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord
from vecengine.codes_product import ProductBook, ProductVectors
from vecengine.compiled import KernelSet
from vecengine.exact import Offsets, kernel_space
from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.search import GraphAnswer, GraphRequest, lend_scratch
from vecengine.metrics import Metric, Vectors

if sys.platform == "linux":
    from resource import RUSAGE_THREAD, getrusage

PAGE_BYTES = 4096
QUIET_QUERIES = 64
"""After so many queries without a page from disk none is asked for. One that meets disk then reads what the system likes around
each page: where 8 MiB are read ahead, a file of 12 MiB at a time."""

_TABLE_BYTES_MAX = 4 << 20
_STATUS_DONE = 0
_NO_NODES: Int32s = np.zeros(0, dtype=np.int32)
_NO_LISTS: Int32s = np.zeros((0, 1), dtype=np.int32)
_NO_NORMS: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class RowCodes:
    """Product codes of n nodes in their order, and the book by which a query becomes tables."""

    book: ProductBook
    vectors: ProductVectors


@dataclass(frozen=True, eq=False)
class LinkedNodes:
    """A graph of one level.

    Attributes:
        links: (n, w) int32, possibly a memory map: each list ends at its first -1, links and then the reserve.
        linked: (n,) uint8, how many links a list has.
        entry: where a walk begins.
    """

    links: Int32s
    linked: npt.NDArray[np.uint8]
    entry: int


def blocks_read() -> int:
    """Blocks that this thread has had to read from disk; 0 where the system does not say."""
    return getrusage(RUSAGE_THREAD).ru_inblock if sys.platform == "linux" else 0


class PagedSpace:
    """A graph over (n, d) vectors and its codes, bundled once as the kernel takes them; keeps all of it alive.

    Pages are asked for ahead until `QUIET_QUERIES` found all in memory, where asking takes half as long as the search.

    Args:
        offsets: row offset of each node, empty when all rows are nodes.
        width: nodes whose links are read together.
        refine_k: times the rows asked for that are compared by their vectors.
    """

    def __init__(
        self,
        metric: Metric,
        vectors: Vectors,
        offsets: Offsets,
        nodes: LinkedNodes,
        codes: RowCodes,
        *,
        width: int,
        refine_k: int,
    ) -> None:
        self._space = kernel_space(metric, vectors)
        self._walked = kernel_space(metric, codes.vectors)
        self._codes = codes
        self._graph = (nodes.links, _NO_NODES, _NO_LISTS, offsets, _NO_NORMS, nodes.entry, 0)
        self._nodes = nodes
        self._width = width
        self._refine_k = refine_k
        self._quiet = 0

    def walk(self, compiled: KernelSet, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        """Search for all queries. Raises nothing: the status says how it ended."""
        count, degree = request.queries.shape[0], self._nodes.links.shape[1]
        keys = np.empty((count, request.k), dtype=np.float64)
        offsets = np.empty((count, request.k), dtype=np.int64)
        found = np.full(count, -1, dtype=np.int64)
        counts = np.zeros(4, dtype=np.int64)
        words = self._codes.vectors.query_words
        scratch = lend_scratch(len(self._nodes.links), request.ef, degree * (degree + 2), words)
        paging = (
            int(self._quiet < QUIET_QUERIES),
            self._refine_k * request.k,
            np.empty(self._width, dtype=np.int32),
            np.empty((self._nodes.links.nbytes // PAGE_BYTES + 9) // 8, dtype=np.uint8),
        )
        allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
        step = max(1, _TABLE_BYTES_MAX // (4 * words))
        before, status = blocks_read(), _STATUS_DONE
        for begin in range(0, count, step):
            block = slice(begin, begin + step)
            queries = request.queries[block]
            status = compiled.search_pages(
                self._space,
                self._graph,
                self._walked,
                self._codes.book.query_tables(queries),
                (queries, allowed, request.ef, request.budget),
                paging,
                scratch,
                (keys[block], offsets[block], found[block], counts),
                NO_CANCEL if cancel is None else cancel,
            )
            if status != _STATUS_DONE:
                break
        self._quiet = 0 if blocks_read() != before else self._quiet + count
        return GraphAnswer(status, keys, offsets, found, *counts.tolist())
