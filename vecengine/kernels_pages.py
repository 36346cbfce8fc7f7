"""Beam search in a graph whose links and vectors may lie on disk, behind memory maps; only codes are taken to be in memory.

Subramanya et al., "DiskANN" (NeurIPS 2019), section 3.3: the walk compares codes, follows the links of several of the
nearest nodes together, and the best of what it found are compared by their vectors in the end. Before the lists of
these nodes, or the vectors, are read, the system is asked for all of their pages at once (`madvise`, MADV_WILLNEED): it
reads them beside each other, and nothing around them. What is allowed, and the two hops, are those of `kernels_graph`.

Expectation: 37 us a page of 4 KiB from a virtual disk when four are asked for together, 73 us one by one, 115 us and whatever the
system reads around a page without asking; 1 us a page that is in memory, so the caller asks only while pages come from disk.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"
from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from vecengine.kernels_graph import (
    gather,
    is_allowed,
    is_sparse,
    node_key,
    rerank,
    row_of,
    visit,
    weigh_batch,
)
from vecengine.kernels_heap import drop_nearest, push_nearest, push_worst, replace_worst, sort_ascending
from vecengine.kernels_key import query_norm, row_start
from vecengine.kernels_memory import byte_address, read_word
from vecengine.kernels_types import (
    CANCEL,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    COUNT_RERANKED,
    GRAPH,
    OUTPUT,
    QUERIES,
    REQUEST,
    SCRATCH,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

COUNT_PAGES = 3
_PAGE_BITS = 12
_WILL_NEED = 3
_LINK_BYTES = 4
_COSINE = int(Metric.COSINE)


class Paging(NamedTuple):
    """How pages are read.

    Attributes:
        asks: whether the system is asked for pages before they are read, 0 or 1.
        reranked: how many of the nearest by codes are compared by their vectors.
        front: (w,) int32 working memory: the nodes whose links are followed together.
        seen: a bit for each page that the links touch, cleared for each query.
    """

    asks: int
    reranked: int
    front: npt.NDArray[np.int32]
    seen: npt.NDArray[np.uint8]


PAGING = types.NamedTuple(
    (
        types.int64,
        types.int64,
        types.Array(types.int32, 1, "C", readonly=False, aligned=True),
        types.Array(types.uint8, 1, "C", readonly=False, aligned=True),
    ),
    Paging,
)

if sys.platform == "win32":

    @compile_function
    def ask_for(start, end):
        """There is no such call here."""

else:
    _madvise: Any = types.ExternalFunction("madvise", types.int32(types.intp, types.intp, types.int32))

    @compile_function
    def ask_for(start, end):
        """Ask the system to read the pages of these addresses. It may refuse: then they are read when they are touched."""
        first = (start >> _PAGE_BITS) << _PAGE_BITS
        _madvise(first, end - first, _WILL_NEED)


@compile_function
def touch_list(graph, paging, node, counts):
    """Count the pages of a node's list that the query has not touched yet, and ask for them."""
    size = graph.links.shape[1] * _LINK_BYTES
    start = byte_address(graph.links, node * size)
    base = byte_address(graph.links, 0) >> _PAGE_BITS
    is_new = False
    for page in range((start >> _PAGE_BITS) - base, ((start + size - 1) >> _PAGE_BITS) - base + 1):
        if visit(paging.seen, page):
            counts[COUNT_PAGES] += 1
            is_new = True
    if is_new and paging.asks:
        ask_for(start, start + size)


@compile_function
def touch_second_lists(graph, request, paging, scratch, node, counts):
    """`touch_list` for all lists that `gather` reads behind the node's links."""
    links = graph.links[node]
    if request.allowed.shape[0] == 0 or not is_sparse(graph, request, links):
        return
    for position in range(links.shape[0]):
        neighbour = np.int64(links[position])
        if neighbour < 0:
            break
        is_visited = (scratch.visited[neighbour >> 3] >> (neighbour & 7)) & 1 != 0
        if not is_visited and not is_allowed(graph, request.allowed, neighbour):
            touch_list(graph, paging, neighbour, counts)


@compile_function
def take_front(graph, request, paging, scratch, waiting, found, counts):
    """Take the nearest waiting candidates, as many as `front` holds and the results leave room for; (taken, still waiting)."""
    taken = 0
    while taken < paging.front.shape[0] and waiting > 0:
        if found == request.ef and scratch.candidate_keys[0] > scratch.result_keys[0]:
            break
        node = np.int64(scratch.candidate_nodes[0])
        drop_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting)
        waiting -= 1
        paging.front[taken] = node
        taken += 1
        touch_list(graph, paging, node, counts)
    return taken, waiting


@compile_function
def weigh_links(walked, graph, request, paging, scratch, node, waiting, found, counts):
    """Follow the links of one node; (waiting candidates, results)."""
    touch_second_lists(graph, request, paging, scratch, node, counts)
    size = gather(graph, request, scratch, node, found == request.ef)
    counts[COUNT_EXPANSIONS] += 1
    counts[COUNT_DISTANCES] += size
    weigh_batch(walked, graph, scratch, np.float32(0), size)
    for position in range(size):
        neighbour = np.int64(scratch.batch[position])
        key = scratch.batch_keys[position]
        if found == request.ef and not key < scratch.result_keys[0]:
            continue
        push_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting, key, neighbour)
        waiting += 1
        if key == key and is_allowed(graph, request.allowed, neighbour):
            row = row_of(graph, neighbour)
            if found < request.ef:
                push_worst(scratch.result_keys, scratch.result_nodes, found, key, row)
                found += 1
            else:
                replace_worst(scratch.result_keys, scratch.result_nodes, found, key, row)
    return waiting, found


@compile_function
def walk_pages(walked, graph, request, paging, scratch, output, cancel):
    """Walk by codes for `scratch.query`; the results stay a max-heap in `scratch`. Returns (status, results)."""
    counts = output.counts
    scratch.visited[:] = 0
    paging.seen[:] = 0
    node = np.int64(graph.entry)
    key = node_key(walked, graph, scratch, np.float32(0), node)
    counts[COUNT_DISTANCES] += 1
    visit(scratch.visited, node)
    push_nearest(scratch.candidate_keys, scratch.candidate_nodes, 0, key, node)
    waiting, found = 1, 0
    if is_allowed(graph, request.allowed, node) and key == key:
        push_worst(scratch.result_keys, scratch.result_nodes, 0, key, row_of(graph, node))
        found = 1
    while True:
        taken, waiting = take_front(graph, request, paging, scratch, waiting, found, counts)
        if taken == 0:
            return STATUS_DONE, found
        for place in range(taken):
            if read_word(cancel) != 0:
                return STATUS_CANCELLED, found
            if request.budget > 0 and counts[COUNT_DISTANCES] >= request.budget:
                return STATUS_BUDGET_SPENT, found
            front = np.int64(paging.front[place])
            waiting, found = weigh_links(
                walked, graph, request, paging, scratch, front, waiting, found, counts
            )


@compile_function
def touch_rows(space, paging, scratch, size, counts):
    """Count the pages of the first rows' vectors, and ask for them."""
    for rank in range(size):
        start = byte_address(space.rows, row_start(space, np.int64(scratch.result_nodes[rank])))
        end = start + space.row_bytes
        counts[COUNT_PAGES] += ((end - 1) >> _PAGE_BITS) - (start >> _PAGE_BITS) + 1
        if paging.asks:
            ask_for(start, end)


def search_pages(space, graph, walked, asked, request, paging, scratch, output, cancel):
    """Search every query in turn; a spent budget leaves `found` of the remaining queries at -1.

    Row q of `asked` is what query q is to the codes of `walked`, which lie in the order of the nodes.
    """
    output.found[:] = -1
    for query in range(request.queries.shape[0]):
        norm = query_norm(space, request.queries, query)
        found = 0
        if space.metric != _COSINE or norm > 0:
            for place in range(asked.shape[1]):
                scratch.query[0, place] = asked[query, place]
            status, found = walk_pages(walked, graph, request, paging, scratch, output, cancel)
            if status != STATUS_DONE:
                return status
            sort_ascending(scratch.result_keys, scratch.result_nodes, found)
            found = min(found, paging.reranked)
            touch_rows(space, paging, scratch, found, output.counts)
            found = rerank(space, request, scratch, query, norm, found, found)
            output.counts[COUNT_RERANKED] += found
            sort_ascending(scratch.result_keys, scratch.result_nodes, found)
        found = min(found, output.keys.shape[1])
        output.found[query] = found
        for rank in range(found):
            output.keys[query, rank] = scratch.result_keys[rank]
            output.offsets[query, rank] = scratch.result_nodes[rank]
        output.keys[query, found:] = np.inf
        output.offsets[query, found:] = -1
    return STATUS_DONE


KERNELS = {
    "search_pages": (
        search_pages,
        types.int64(SPACE, GRAPH, SPACE, QUERIES, REQUEST, PAGING, SCRATCH, OUTPUT, CANCEL),
    ),
}
