"""Beam search in a hierarchical graph, aware of the allowed rows.

Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
World graphs" (2018), algorithms 2 and 5, with a filter inside: only allowed nodes enter the results, and the beam
ends when its nearest candidate is farther than the worst of `ef` *allowed* results. Where few of a node's links
are allowed, those of its disallowed neighbours are followed in their place (Patel et al., "ACORN", 2024, section
5), up to as many nodes as a node has links. The choice is made node by node, because filters know something about
vectors: `section = 'python'` allows all neighbours in one region and none in the next. Inspecting the links of links is most of the work
then, so what a filter allows is counted without branches, and lists are asked for ahead: three quarters of the time where one row in ten is allowed by chance.

A graph may grow while it is searched: links to nodes at or beyond `graph.links.shape[0]`, which the caller does not
show yet, are passed over. A list that is being rewritten may show some links twice or not at all, never a wrong one.

Expectation: the time of reading the vectors of the nodes it weighs, about 100 ns for 384 float32 far from cache.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, arg-type"
from __future__ import annotations

import numpy as np
from numba import types

from vecengine.kernels_codes import encode_query
from vecengine.kernels_heap import (
    drop_nearest,
    push_nearest,
    push_worst,
    replace_worst,
    sort_ascending,
)
from vecengine.kernels_key import prefetch_row, query_norm, row_key, row_norm
from vecengine.kernels_memory import byte_address, copy_bytes, prefetch, read_word
from vecengine.kernels_types import (
    CANCEL,
    CODES,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    COUNT_RERANKED,
    ELEMENT_CODE,
    GRAPH,
    OUTPUT,
    REQUEST,
    SCRATCH,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_COSINE = int(Metric.COSINE)
_WORD_BYTES = 4
_LOOK_AHEAD = 3
_LOOK_AHEAD_MAX = 12
_AHEAD_BYTES = 1600
_LISTS_AHEAD = 4
_FEW_ALLOWED = 8
_LINK_BYTES = 4
_LINE_BYTES = 64
_SPARSE_BELOW = 4


@compile_function
def row_of(graph, node):
    """Row offset of a node."""
    return np.int64(node) if graph.offsets.shape[0] == 0 else graph.offsets[node]


@compile_function
def is_allowed(graph, allowed, node):
    if allowed.shape[0] == 0:
        return True
    row = row_of(graph, node)
    return (allowed[row >> 3] >> (row & 7)) & 1 != 0


@compile_function
def allowed_bit(graph, allowed, node):
    """1 where a filter allows a node, else 0: without a branch, because no machine guesses what a filter allows."""
    row = np.uint64(row_of(graph, node))
    return np.int64((allowed[row >> np.uint64(3)] >> (row & np.uint64(7))) & 1)


@compile_function
def place_of(space, graph, node):
    """Row of the space that has a node's vector: codes lie in the order of the nodes."""
    return np.int64(node) if space.element >= ELEMENT_CODE else row_of(graph, node)


@compile_function
def node_key(space, graph, scratch, norm, node):
    node_norm = graph.norms[node] if graph.norms.shape[0] else np.float32(0)
    return row_key(space, place_of(space, graph, node), scratch.query, 0, node_norm, norm)


@compile_function
def prefetch_node(space, graph, node):
    prefetch_row(space, place_of(space, graph, node))


@compile_function
def visit(visited, node):
    """Mark a node; whether it was new."""
    byte = visited[node >> 3]
    bit = 1 << (node & 7)
    if byte & bit:
        return False
    visited[node >> 3] = byte | bit
    return True


@compile_function
def descend(space, graph, scratch, norm, counts):
    """Algorithm 5, lines 1-5: the node of level 0 to start from, and its key."""
    node = np.int64(graph.entry)
    key = node_key(space, graph, scratch, norm, node)
    counts[COUNT_DISTANCES] += 1
    for level in range(graph.level_max, 0, -1):
        moved = True
        while moved:
            moved = False
            links = graph.upper_links[graph.upper_rows[node] + level - 1]
            for position in range(links.shape[0]):
                neighbour = np.int64(links[position])
                if neighbour < 0:
                    break
                if neighbour >= graph.links.shape[0]:
                    continue
                neighbour_key = node_key(space, graph, scratch, norm, neighbour)
                counts[COUNT_DISTANCES] += 1
                if neighbour_key < key:
                    key = neighbour_key
                    node = neighbour
                    moved = True
    return node, key


@compile_function
def is_sparse(graph, request, links):
    """Whether less than a quarter of a node's links are allowed: a filter may be narrow here and wide elsewhere."""
    linked = 0
    allowed = 0
    for position in range(links.shape[0]):
        neighbour = np.int64(links[position])
        if neighbour < 0:
            break
        if neighbour >= graph.links.shape[0]:
            continue
        linked += 1
        allowed += allowed_bit(graph, request.allowed, neighbour)
    return allowed * _SPARSE_BELOW < linked


@compile_function
def gather(graph, request, scratch, node, full):
    """Unvisited nodes to weigh when `node` is expanded, into `scratch.batch`; returns how many."""
    links = graph.links[node]
    if request.allowed.shape[0] != 0 and is_sparse(graph, request, links):
        return gather_beyond(graph, request, scratch, links, full)
    size = 0
    for position in range(links.shape[0]):
        neighbour = np.int64(links[position])
        if neighbour < 0:
            break
        if neighbour < graph.links.shape[0] and visit(scratch.visited, neighbour):
            scratch.batch[size] = neighbour
            size += 1
    return size


@compile_function
def gather_beyond(graph, request, scratch, links, full):
    """As `gather`: allowed nodes of the links and of the links of disallowed ones; while the results are not full and these lead to
    hardly any, the disallowed ones, too, which wait behind the room that the others need.
    """
    size = 0
    aside = 2 * links.shape[0]
    for position in range(min(_LISTS_AHEAD, links.shape[0])):
        prefetch_links(graph, links[position])
    for position in range(links.shape[0]):
        if position + _LISTS_AHEAD < links.shape[0]:
            prefetch_links(graph, links[position + _LISTS_AHEAD])
        neighbour = np.int64(links[position])
        if neighbour < 0:
            break
        if neighbour >= graph.links.shape[0] or not visit(scratch.visited, neighbour):
            continue
        if is_allowed(graph, request.allowed, neighbour):
            scratch.batch[size] = neighbour
            size += 1
            continue
        if not full:
            scratch.batch[aside] = neighbour
            aside += 1
        if size < links.shape[0]:
            end = copy_allowed(graph, request.allowed, graph.links[neighbour], scratch.batch, size)
            for place in range(size, end):
                if size < links.shape[0] and visit(scratch.visited, scratch.batch[place]):
                    scratch.batch[size] = scratch.batch[place]
                    size += 1
    if size < _FEW_ALLOWED:
        for place in range(2 * links.shape[0], aside):
            scratch.batch[size] = scratch.batch[place]
            size += 1
    return size


@compile_function
def copy_allowed(graph, allowed, links, out, begin):
    """Write the allowed nodes among links to `out`, from place `begin` on, and return where they end."""
    end = begin
    for position in range(links.shape[0]):
        node = np.int64(links[position])
        if node < 0:
            break
        if node >= graph.links.shape[0]:
            continue
        out[end] = node
        end += allowed_bit(graph, allowed, node)
    return end


@compile_function
def prefetch_links(graph, node):
    """Ask for the cache lines of a node's links of level 0; of no node's it does nothing."""
    if 0 <= node < graph.links.shape[0]:
        row_bytes = graph.links.shape[1] * _LINK_BYTES
        start = np.int64(node) * row_bytes
        for byte in range(start, start + row_bytes, _LINE_BYTES):
            prefetch(graph.links, byte)


@compile_function
def weigh_batch(space, graph, scratch, norm, size):
    """Keys of the gathered nodes. Apart from the heaps, whose unpredictable branches would stall the loads."""
    ahead = max(_LOOK_AHEAD, min(_LOOK_AHEAD_MAX, _AHEAD_BYTES // space.row_bytes))
    for position in range(min(ahead, size)):
        prefetch_node(space, graph, scratch.batch[position])
    for position in range(size):
        if position + ahead < size:
            prefetch_node(space, graph, scratch.batch[position + ahead])
        node = np.int64(scratch.batch[position])
        scratch.batch_keys[position] = node_key(space, graph, scratch, norm, node)


@compile_function
def search_one(space, graph, request, scratch, output, norm, cancel):
    """Algorithm 2 on level 0 for `scratch.query`; the results stay a max-heap in `scratch`. Returns (status, results)."""
    counts = output.counts
    scratch.visited[:] = 0
    node, key = descend(space, graph, scratch, norm, counts)
    visit(scratch.visited, node)
    push_nearest(scratch.candidate_keys, scratch.candidate_nodes, 0, key, node)
    waiting = 1
    found = 0
    if is_allowed(graph, request.allowed, node) and key == key:
        push_worst(scratch.result_keys, scratch.result_nodes, 0, key, row_of(graph, node))
        found = 1
    while waiting > 0:
        key = scratch.candidate_keys[0]
        node = np.int64(scratch.candidate_nodes[0])
        if found == request.ef and key > scratch.result_keys[0]:
            break
        if read_word(cancel) != 0:
            return STATUS_CANCELLED, found
        if request.budget > 0 and counts[COUNT_DISTANCES] >= request.budget:
            return STATUS_BUDGET_SPENT, found
        drop_nearest(scratch.candidate_keys, scratch.candidate_nodes, waiting)
        waiting -= 1
        size = gather(graph, request, scratch, node, found == request.ef)
        counts[COUNT_EXPANSIONS] += 1
        counts[COUNT_DISTANCES] += size
        if waiting > 0:
            prefetch_links(graph, scratch.candidate_nodes[0])
        weigh_batch(space, graph, scratch, norm, size)
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
    return STATUS_DONE, found


@compile_function
def rerank(space, request, scratch, query, norm, found, size):
    """Of `found` rows, ascending by the keys of their codes, the `size` first as a max-heap by their vectors' keys."""
    rows = scratch.result_nodes
    size = min(found, size)
    for rank in range(min(_LOOK_AHEAD, size)):
        prefetch_row(space, rows[rank])
    for rank in range(size):
        if rank + _LOOK_AHEAD < size:
            prefetch_row(space, rows[rank + _LOOK_AHEAD])
        row = rows[rank]
        row_squares = row_norm(space, row) if space.metric == _COSINE else np.float32(0)
        key = row_key(space, row, request.queries, query, row_squares, norm)
        push_worst(scratch.result_keys, rows, rank, key if key == key else np.inf, row)
    return size


@compile_function
def code_query(metric, codes, queries, query, out):
    """Write a query to row 0 of `out` as nodes are compared with it; whether that is by their codes."""
    has_codes = codes.space.row_count > 0
    element = codes.space.element
    if has_codes and element == ELEMENT_CODE and encode_query(metric, codes, queries, query, out):
        return True
    words = codes.tables.shape[1]
    if words > 0 and codes.tables[query, 0] == codes.tables[query, 0]:
        table = byte_address(codes.tables, query * words * _WORD_BYTES)
        copy_bytes(table, byte_address(out, 0), words * _WORD_BYTES)
        return True
    for place in range(queries.shape[1]):
        out[0, place] = queries[query, place]
    return has_codes and element < ELEMENT_CODE


def search_graph(space, graph, codes, request, scratch, output, cancel):
    """Search every query in turn; a spent budget leaves `found` of the remaining queries at -1.

    With codes the walk compares these, and the nearest of its results are reranked by their vectors.
    """
    output.found[:] = -1
    k = output.keys.shape[1]
    for query in range(request.queries.shape[0]):
        norm = query_norm(space, request.queries, query)
        found = 0
        if space.metric != _COSINE or norm > 0:
            is_coded = code_query(space.metric, codes, request.queries, query, scratch.query)
            walked = codes.space if is_coded else space
            status, found = search_one(walked, graph, request, scratch, output, norm, cancel)
            if status != STATUS_DONE:
                return status
            sort_ascending(scratch.result_keys, scratch.result_nodes, found)
            if is_coded:
                found = rerank(space, request, scratch, query, norm, found, codes.refined * k)
                output.counts[COUNT_RERANKED] += found
                sort_ascending(scratch.result_keys, scratch.result_nodes, found)
        found = min(found, k)
        output.found[query] = found
        for rank in range(found):
            output.keys[query, rank] = scratch.result_keys[rank]
            output.offsets[query, rank] = scratch.result_nodes[rank]
        output.keys[query, found:] = np.inf
        output.offsets[query, found:] = -1
    return STATUS_DONE


KERNELS = {
    "search_graph": (search_graph, types.int64(SPACE, GRAPH, CODES, REQUEST, SCRATCH, OUTPUT, CANCEL)),
}
