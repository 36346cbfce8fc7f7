"""The arguments of the search kernels, bundled: NamedTuples that numba unpacks into registers.

Every field that holds vectors is bytes, so one compiled kernel serves every element type and takes read-only
memory maps. Nothing here owns memory: the caller keeps the arrays alive during the call.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""Of every kernel and kernel function. Without numba's runtime nothing can be allocated and no array is reference
counted: the atomic counting of arguments took a quarter of a graph search."""

compile_function: Any = njit(**OPTIONS)
"""Decorator of the functions kernels call; they are compiled with the kernel that uses them."""


def compile_outlined(result: types.Type, arguments: tuple[types.Type, ...]) -> Callable[[Any], Any]:
    """Decorator of a function that LLVM must not inline, because it would crowd hot loops that do not call it.

    Kernels call it with one tuple of the arguments. It is compiled with the first kernel that is not in the cache.

    Args:
        result, arguments: their types.
    """

    def decorate(function: Any) -> Any:
        @cache
        def compiled() -> Any:
            return njit([result(*arguments)], **OPTIONS)(function)

        @intrinsic
        def outlined(typing_context: Any, values: Any) -> Any:
            def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                found = compiled().overloads[arguments]
                context.active_code_library.add_linking_library(found.library)
                callee = context.declare_function(builder.module, found.fndesc)
                unpacked = cgutils.unpack_tuple(builder, values[0])
                _, value = context.call_conv.call_function(
                    builder, callee, result, arguments, unpacked, attrs=("noinline",)
                )
                return value

            return result(types.Tuple(arguments)), generate

        return outlined

    return decorate


ELEMENT_FLOAT32 = 0
ELEMENT_FLOAT16 = 1
ELEMENT_BFLOAT16 = 2
ELEMENT_INT8 = 3
ELEMENT_BIT = 4
ELEMENT_SPARSE = 5
ELEMENT_CODE = 6
ELEMENT_PRODUCT = 7
ELEMENT_RABITQ = 8
ELEMENT_CODE_6 = 9
ELEMENT_CODE_4 = 10
"""Equal to the codes in `vecengine.stored_vectors`, which cannot import numba."""

BLOCK_ROWS = 64
"""Rows a scan takes at a time: the cancel word is read once a block, and a block stays in cache for all queries."""

STATUS_DONE = 0
STATUS_CANCELLED = 1
STATUS_BUDGET_SPENT = 2

WALK_WAITING = 0
WALK_FOUND = 1
WALK_RESTING = 2
WALK_BEGUN = 3
WALK_BY_VECTORS = 1
WALK_BY_CODES = 2

COUNT_DISTANCES = 0
COUNT_EXPANSIONS = 1
COUNT_RERANKED = 2


class Space(NamedTuple):
    """The vectors: bytes of the element type that `element` says.

    Attributes:
        row_count: n.
        row_bytes: size of a row; of a sparse one the mean.
        rows: (b,) uint8 all rows.
        starts: (n,) int64 first byte of each row; (0,) when they follow one another from the first byte.
    """

    metric: int
    element: int
    dimensions: int
    row_count: int
    row_bytes: int
    rows: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]


class SparseSide(NamedTuple):
    """Sparse vectors as `foundation.sparse.SparseWords` has them: (w,) uint32 big-endian words, (n,) int64 first words."""

    words: npt.NDArray[np.uint32]
    heads: npt.NDArray[np.int64]


class Graph(NamedTuple):
    """Links of n nodes. Lists end at the first -1; level 0 has width 2m, the levels above m.

    Attributes:
        links: (n, 2m) int32 of level 0.
        upper_rows: (n,) int32, row of `upper_links` with the node's level-1 list, -1 for nodes of level 0.
        upper_links: (u, m) int32; level l of a node is at `upper_rows[node] + l - 1`.
        offsets: (n,) int64 row offset of each node, ascending; (0,) when node and row offset are the same.
        norms: (n,) float32 squared norms under cosine, else (0,).
    """

    links: npt.NDArray[np.int32]
    upper_rows: npt.NDArray[np.int32]
    upper_links: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]
    entry: int
    level_max: int


class ListParts(NamedTuple):
    """What the lists of level 0 consist of: links, then the reserve, the nearest nodes that are no links, ascending by key.

    Searches follow both, insertions the links alone.

    Attributes:
        linked: (n,) uint8, how many links each list has, from the first: chosen for the node, or back from one that chose it.
        diverse: (n,) uint8, how many of these, from the first, are known to be nearer to the node than to all before
            them.
        keys: (n, 2m) float32, of the nodes in reserve, at their places in the list.
    """

    linked: npt.NDArray[np.uint8]
    diverse: npt.NDArray[np.uint8]
    keys: npt.NDArray[np.float32]


class Growth(NamedTuple):
    """Nodes that join a graph together.

    Attributes:
        nodes: (b,) int32 node of each.
        levels: (b,) int32 highest level of each.
        queries: (b, w) float32 their vectors as queries.
        chosen: (b, levels, 2m) int32, links chosen for each node and level, on level 0 followed by the reserve, ended
            by -1.
        kept: (b,) int32, where the reserve begins.
        keys: (b, 2m) float32, of the reserve, at its places.
        entry: node of the highest level so far, -1 in an empty graph.
        level_max: its level.
        ef: candidates kept while links are sought.
    """

    nodes: npt.NDArray[np.int32]
    levels: npt.NDArray[np.int32]
    queries: npt.NDArray[np.float32]
    chosen: npt.NDArray[np.int32]
    kept: npt.NDArray[np.int32]
    keys: npt.NDArray[np.float32]
    entry: int
    level_max: int
    ef: int


class Pruning(NamedTuple):
    """Working memory to choose links: candidates as a heap or list, and (2m + 1, w) of rows to compare with, as queries.

    Attributes:
        slack: a candidate is passed over where its key to a kept one, times this, is below its key to the node; 1 keeps the
            fewest links.
        tie: added to the latter, so small that it counts beside a key of 0 alone: where it is not 0 either, equal rows are
            passed over for one of them, and cannot fill each other's lists.
    """

    keys: npt.NDArray[np.float64]
    nodes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float32]
    slack: float
    tie: float


class Codes(NamedTuple):
    """The rows of a graph as codes in the order of its nodes, or as shorter numbers.

    Attributes:
        space: the codes as vectors; without rows when the graph has none. Numbers are found by their row offset.
        mean: (d,) float32, what is taken away before numbers become integers.
        scale: of the integers.
        refined: so many times k of the nearest by codes are reranked by their vectors.
        tables: (nq, w) float32, what the queries are to product codes and codes of one bit; (0, 0) of others. A query whose first word is NaN
            is compared with the vectors.
    """

    space: Space
    mean: npt.NDArray[np.float32]
    scale: float
    refined: int
    tables: npt.NDArray[np.float32]


class Request(NamedTuple):
    """What to search.

    Attributes:
        queries: (nq, w) float32: numbers, or the bytes of bit strings or of sparse vectors as they are stored.
        allowed: bits over row offsets, (0,) when all rows are allowed.
        ef: results kept in the beam, at least the width of the output.
        budget: distances after which to stop, 0 = no limit.
    """

    queries: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.uint8]
    ef: int
    budget: int


class Scratch(NamedTuple):
    """Working memory of one search: `visited` a bit per node, heaps, the nodes met in one expansion, and the query.

    Attributes:
        query: (1, w) float32, what the nodes are compared with: the query, or what it is to codes.
    """

    visited: npt.NDArray[np.uint8]
    candidate_keys: npt.NDArray[np.float64]
    candidate_nodes: npt.NDArray[np.int32]
    result_keys: npt.NDArray[np.float64]
    result_nodes: npt.NDArray[np.int64]
    batch: npt.NDArray[np.int32]
    batch_keys: npt.NDArray[np.float64]
    query: npt.NDArray[np.float32]


class Walk(NamedTuple):
    """What a walk that can be gone on with keeps beside its scratch.

    Attributes:
        keys, rows: (n,) float64 and int64: results that the beam has no room for, as a min-heap.
        state: (4,) int64: candidates that wait, results in the beam, results beside it, and 0 before the walk has begun or
            by what it compares nodes with the query.
        counts: (3,) int64 of all calls.
    """

    keys: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


class Lists(NamedTuple):
    """Rows in the order of the lists they belong to.

    Attributes:
        starts: (l + 1,) int64, where each list begins in `rows`, and the number of rows.
        rows: (n,) int64 row offsets, ascending in each list.
        norms: (n,) float32 squared norms of these rows under cosine, else (0,).
    """

    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]


class ListScratch(NamedTuple):
    """Working memory of a search of lists: (l,) keys and numbers of the lists that wait, as a min-heap."""

    keys: npt.NDArray[np.float64]
    lists: npt.NDArray[np.int32]


class Postings(NamedTuple):
    """Inverted lists of n sparse vectors: for each block of rows a segment of the list of each dimension its rows have.

    Attributes:
        row_count: n. A row's position among them tells its block, and its place in that.
        block_rows: rows of a block; the last may have fewer.
        elements_mean, elements_max: elements of a row, at least 1.
        is_whole: 0 where lists lack weights of the rows or of the queries looked up.
        block_segments: (b + 1,) int64 first segment of each block, and the number of segments.
        segment_dims: (s,) int32 dimension of each, ascending in a block.
        segment_starts: (s + 1,) int64 where each begins in `rows` and `weights`, and their length.
        highs, lows: (s,) float32 the largest weight of each or 0, the smallest or 0.
        rows: (p,) uint16 places in the block, ascending in a segment.
        weights: (p,) float32.
        offsets: (n,) int64 row offsets, ascending; (0,) when position and row offset are the same.
        norms: (n,) float32 squared norms; (0,) under ip.
        factors: (n,) float32, what makes a score of an inner product: under cosine the inverse of the norm, under l2
            half of the squared norm; (0,) under ip.
        block_factors: (b,) float32 the best factor of each block.
    """

    row_count: int
    block_rows: int
    elements_mean: int
    elements_max: int
    is_whole: int
    block_segments: npt.NDArray[np.int64]
    segment_dims: npt.NDArray[np.int32]
    segment_starts: npt.NDArray[np.int64]
    highs: npt.NDArray[np.float32]
    lows: npt.NDArray[np.float32]
    rows: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]
    factors: npt.NDArray[np.float32]
    block_factors: npt.NDArray[np.float32]


class PostingScratch(NamedTuple):
    """Working memory of a search of postings: (block rows,) inner products and scores, (query elements,) segments and
    weights of the terms found in a block, and (ef,) keys and rows found, as a max-heap."""

    sums: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    segments: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    found_keys: npt.NDArray[np.float64]
    found_rows: npt.NDArray[np.int64]


class CodedLists(NamedTuple):
    """Rows of lists as codes.

    Attributes:
        codes: in the order of the lists, as vectors.
        queries: (nq, w) float32, what queries are to codes.
        scales: (l,) float32, the multiple of its centroid that codes of a list are relative to; (0,) where they are to none.
    """

    codes: Space
    queries: npt.NDArray[np.float32]
    scales: npt.NDArray[np.float32]


class Pool(NamedTuple):
    """Working memory: (p,) keys and row offsets of the nearest by codes."""

    keys: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]


class Block(NamedTuple):
    """Working memory of a scan: (BLOCK_ROWS,) allowed rows of a block, their norms and keys, and (nq,) query norms."""

    rows: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]
    keys: npt.NDArray[np.float64]
    query_norms: npt.NDArray[np.float32]


class Matches(NamedTuple):
    """Rows in range as a scan meets them.

    Attributes:
        queries: (c,) int64, the query each is in range of.
        distances: (c,) float64 operator values.
        offsets: (c,) int64 row offsets.
        state: (3,) int64: the row the scan goes on with, a multiple of BLOCK_ROWS, how many matches are written, and distances computed.
    """

    queries: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]


class Output(NamedTuple):
    """(nq, k) keys ascending, +inf padded; (nq, k) row offsets, -1 padded; (nq,) rows found; counters."""

    keys: npt.NDArray[np.float64]
    offsets: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


def _read_only(dtype: types.Type, dimensions: int) -> types.Array:
    return types.Array(dtype, dimensions, "C", readonly=True, aligned=True)


def _writable(dtype: types.Type, dimensions: int) -> types.Array:
    return types.Array(dtype, dimensions, "C", readonly=False, aligned=True)


QUERIES = _read_only(types.float32, 2)
FLOAT64_OUT = _writable(types.float64, 1)
FLOAT64_ROWS_OUT = _writable(types.float64, 2)
OFFSETS = _read_only(types.int64, 1)
CANCEL = _read_only(types.int32, 1)

SPACE = types.NamedTuple(
    (
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        _read_only(types.uint8, 1),
        _read_only(types.int64, 1),
    ),
    Space,
)
CODES = types.NamedTuple((SPACE, _read_only(types.float32, 1), types.float64, types.int64, QUERIES), Codes)
SPARSE_SIDE = types.NamedTuple((_read_only(types.uint32, 1), _read_only(types.int64, 1)), SparseSide)
GRAPH = types.NamedTuple(
    (
        _read_only(types.int32, 2),
        _read_only(types.int32, 1),
        _read_only(types.int32, 2),
        _read_only(types.int64, 1),
        _read_only(types.float32, 1),
        types.int64,
        types.int64,
    ),
    Graph,
)
GROWING_GRAPH = types.NamedTuple(
    (
        _writable(types.int32, 2),
        _read_only(types.int32, 1),
        _writable(types.int32, 2),
        _read_only(types.int64, 1),
        _read_only(types.float32, 1),
        types.int64,
        types.int64,
    ),
    Graph,
)
LIST_PARTS = types.NamedTuple(
    (_writable(types.uint8, 1), _writable(types.uint8, 1), _writable(types.float32, 2)), ListParts
)
GROWTH = types.NamedTuple(
    (
        _read_only(types.int32, 1),
        _read_only(types.int32, 1),
        QUERIES,
        _writable(types.int32, 3),
        _writable(types.int32, 1),
        _writable(types.float32, 2),
        types.int64,
        types.int64,
        types.int64,
    ),
    Growth,
)
PRUNING = types.NamedTuple(
    (
        _writable(types.float64, 1),
        _writable(types.int64, 1),
        _writable(types.float32, 2),
        types.float64,
        types.float64,
    ),
    Pruning,
)
REQUEST = types.NamedTuple((QUERIES, _read_only(types.uint8, 1), types.int64, types.int64), Request)
SCRATCH = types.NamedTuple(
    (
        _writable(types.uint8, 1),
        _writable(types.float64, 1),
        _writable(types.int32, 1),
        _writable(types.float64, 1),
        _writable(types.int64, 1),
        _writable(types.int32, 1),
        _writable(types.float64, 1),
        _writable(types.float32, 2),
    ),
    Scratch,
)
WALK = types.NamedTuple(
    (
        _writable(types.float64, 1),
        _writable(types.int64, 1),
        _writable(types.int64, 1),
        _writable(types.int64, 1),
    ),
    Walk,
)
LISTS = types.NamedTuple(
    (_read_only(types.int64, 1), _read_only(types.int64, 1), _read_only(types.float32, 1)), Lists
)
LIST_SCRATCH = types.NamedTuple((_writable(types.float64, 1), _writable(types.int32, 1)), ListScratch)
POSTINGS = types.NamedTuple(
    (
        *[types.int64] * 5,
        _read_only(types.int64, 1),
        _read_only(types.int32, 1),
        _read_only(types.int64, 1),
        _read_only(types.float32, 1),
        _read_only(types.float32, 1),
        _read_only(types.uint16, 1),
        _read_only(types.float32, 1),
        _read_only(types.int64, 1),
        *[_read_only(types.float32, 1)] * 3,
    ),
    Postings,
)
POSTING_SCRATCH = types.NamedTuple(
    (
        _writable(types.float32, 1),
        _writable(types.float32, 1),
        _writable(types.int64, 1),
        _writable(types.float32, 1),
        _writable(types.float64, 1),
        _writable(types.int64, 1),
    ),
    PostingScratch,
)
CODED_LISTS = types.NamedTuple((SPACE, QUERIES, _read_only(types.float32, 1)), CodedLists)
POOL = types.NamedTuple((_writable(types.float64, 1), _writable(types.int64, 1)), Pool)
BLOCK = types.NamedTuple(
    (
        _writable(types.int64, 1),
        _writable(types.float32, 1),
        _writable(types.float64, 1),
        _writable(types.float32, 1),
    ),
    Block,
)
MATCHES = types.NamedTuple(
    (
        _writable(types.int64, 1),
        _writable(types.float64, 1),
        _writable(types.int64, 1),
        _writable(types.int64, 1),
    ),
    Matches,
)
OUTPUT = types.NamedTuple(
    (
        _writable(types.float64, 2),
        _writable(types.int64, 2),
        _writable(types.int64, 1),
        _writable(types.int64, 1),
    ),
    Output,
)
