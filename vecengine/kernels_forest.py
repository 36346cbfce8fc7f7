"""The kernels of a forest of hyperplane trees: a part of a tree is split in two, rows are led to leaves, a forest is searched.

Bernhardsson's Annoy (spotify/annoy:src/annoylib.h, `two_means`, `create_split`, `_get_all_nns`). A plane is a normal of length
one and an offset; the margin of a row is how far on one side of it the row lies. A normal of zeros stands for a part that no
plane divides, whose halves are chance. The types of the arguments stand here and not in `kernels_types`, which all kernels are
compiled from.

Expectation: a split reads some 200 rows to find its plane and then each of its rows once, 100 ns a row of 384 float32 far from
cache; a search computes a product for each split it passes and a distance for each row it has not met.
"""

# mypy sees numba's kernels as untyped: their types are the signatures in KERNELS.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, assignment"
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

from vecengine.kernels_heap import (
    drop_nearest,
    is_worse,
    push_nearest,
    push_worst,
    replace_worst,
    sort_ascending,
)
from vecengine.kernels_key import prefetch_row, query_norm, row_key, unpack_row
from vecengine.kernels_memory import read_word
from vecengine.kernels_reduce import cosine_key, dot_32, norm_32
from vecengine.kernels_types import (
    CANCEL,
    COUNT_DISTANCES,
    COUNT_EXPANSIONS,
    OUTPUT,
    REQUEST,
    SPACE,
    STATUS_BUDGET_SPENT,
    STATUS_CANCELLED,
    STATUS_DONE,
    compile_function,
)
from vecengine.metrics import Metric

_COSINE = int(Metric.COSINE)
_ROWS_AHEAD = 4
_WORD_BYTES = 4
_MEANS_STEPS = 200
_ATTEMPTS = 3
_IMBALANCE_MAX = 0.95
"""Annoy's: so many rows are drawn for two means, so often a plane is sought that leaves both sides a twentieth of the rows."""

_POLLED_ROWS = 4096


class Forest(NamedTuple):
    """Trees over n nodes. A child is a split's number, or ~leaf; splits lead to later splits only.

    Attributes:
        normals: (s, d) float32 of length one, or zeros; (s, d + 1) where nodes have a lift.
        offsets: (s,) float32; a row's margin is its product with the normal plus the offset.
        children: (s, 2) int32: where margins are not positive, and where they are.
        roots: (t,) int32.
        leaf_starts: (l + 1,) int64, where each leaf begins in `leaf_nodes`.
        leaf_nodes: (t * n,) int32.
        rows: (n,) int64 row offset of each node; (0,) when node and row offset are the same.
        norms: (n,) float32 squared norms under cosine, else (0,).
        lifts: (n,) float32, under inner product: one more dimension, by which all rows are equally long; else (0,).
    """

    normals: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float32]
    children: npt.NDArray[np.int32]
    roots: npt.NDArray[np.int32]
    leaf_starts: npt.NDArray[np.int64]
    leaf_nodes: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]
    lifts: npt.NDArray[np.float32]


class Members(NamedTuple):
    """The nodes of a forest that grows: `rows` and `lifts` as in `Forest`, `norms` of the rows with their lifts, (0,) under l2 and l1."""

    rows: npt.NDArray[np.int64]
    norms: npt.NDArray[np.float32]
    lifts: npt.NDArray[np.float32]


class ForestScratch(NamedTuple):
    """Working memory of a search: a bit for each node, and a min-heap of (l + s,) negative margins and children."""

    visited: npt.NDArray[np.uint8]
    keys: npt.NDArray[np.float64]
    children: npt.NDArray[np.int32]


class Plane(NamedTuple):
    """What a split writes: (1, w) the normal, (1,) the offset, (1,) rows on the first side; (3, w) working memory.

    w is d, or d + 1 where nodes have a lift.
    """

    normal: npt.NDArray[np.float32]
    offset: npt.NDArray[np.float32]
    first_count: npt.NDArray[np.int64]
    means: npt.NDArray[np.float32]


@compile_function
def row_of_node(rows, node):
    return np.int64(node) if rows.shape[0] == 0 else rows[node]


@compile_function
def drawn(state, count):
    """(next state, number below count) of a linear congruential generator with Knuth's constants."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    return state, np.int64((state >> np.uint64(33)) % np.uint64(count))


@compile_function
def unpack_member(space, members, node, means, place):
    """Write a node's row and lift to row `place` of `means`."""
    unpack_row(space, row_of_node(members.rows, node), means, place)
    if members.lifts.shape[0]:
        means[place, space.dimensions] = members.lifts[node]


@compile_function
def product_of(margin_space, row, lifts, node, planes, place):
    """The product of a row, with its lift, and row `place` of `planes`."""
    zero = np.float32(0)
    product = -row_key(margin_space, row, planes, place, zero, zero)
    if lifts.shape[0]:
        product += np.float64(lifts[node]) * planes[place, margin_space.dimensions]
    return product


@compile_function
def mean_key(space, margin_space, members, node, means, side):
    """How far a node is from a mean: by the angle between them where nodes have norms."""
    row = row_of_node(members.rows, node)
    if members.norms.shape[0] == 0:
        return row_key(space, row, means, side, np.float32(0), np.float32(0))
    product = product_of(margin_space, row, members.lifts, node, means, side)
    other_norm = norm_32(means, side * means.shape[1] * _WORD_BYTES, means.shape[1])
    return cosine_key(product, members.norms[node], other_norm)


@compile_function
def move_mean(space, members, node, means, side, count):
    """Add a node to the mean of `count` nodes, by its direction where nodes have norms; row 2 of `means` lends room."""
    unpack_member(space, members, node, means, 2)
    length = np.sqrt(np.float64(members.norms[node])) if members.norms.shape[0] else 1.0
    for place in range(means.shape[1]):
        before = means[side, place] * count if count else 0.0
        means[side, place] = (before + means[2, place] / length) / (count + 1)


@compile_function
def find_means(space, margin_space, members, nodes, means, state):
    """Two means of rows drawn at random, each nearer to one of them; the state of the generator."""
    state, first = drawn(state, nodes.shape[0])
    state, second = drawn(state, nodes.shape[0] - 1)
    second += second >= first
    move_mean(space, members, nodes[first], means, 0, 0)
    move_mean(space, members, nodes[second], means, 1, 0)
    count, other_count = 1, 1
    for _ in range(_MEANS_STEPS):
        state, place = drawn(state, nodes.shape[0])
        node = nodes[place]
        key = count * mean_key(space, margin_space, members, node, means, 0)
        other_key = other_count * mean_key(space, margin_space, members, node, means, 1)
        if key < other_key:
            move_mean(space, members, node, means, 0, count)
            count += 1
        elif other_key < key:
            move_mean(space, members, node, means, 1, other_count)
            other_count += 1
    return state


@compile_function
def set_plane(plane, is_angular):
    """The plane between the two means, in the middle, through the origin if it is of angles; whether there is one."""
    means = plane.means
    width = means.shape[1]
    length, other_length = np.float64(1), np.float64(1)
    if is_angular:
        length = np.sqrt(np.float64(norm_32(means, 0, width)))
        other_length = np.sqrt(np.float64(norm_32(means, width * _WORD_BYTES, width)))
    square = 0.0
    for place in range(width):
        gap = np.float64(means[0, place]) / length - np.float64(means[1, place]) / other_length
        square += gap * gap
    size = np.sqrt(square)
    if not (size > 0 and size < np.inf):
        return False
    offset = 0.0
    for place in range(width):
        gap = np.float64(means[0, place]) / length - np.float64(means[1, place]) / other_length
        plane.normal[0, place] = gap / size
        offset -= gap / size * (np.float64(means[0, place]) + np.float64(means[1, place])) / 2
    plane.offset[0] = 0.0 if is_angular else offset
    return offset == offset and abs(plane.offset[0]) < np.inf


@compile_function
def part_nodes(margin_space, members, nodes, plane, cancel):
    """Bring the nodes whose margin is not positive to the front; how many they are, -1 when cancelled."""
    first, last = 0, nodes.shape[0] - 1
    while first <= last:
        if (last - first) % _POLLED_ROWS == 0 and read_word(cancel) != 0:
            return -1
        node = nodes[first]
        row = row_of_node(members.rows, node)
        if product_of(margin_space, row, members.lifts, node, plane.normal, 0) + plane.offset[0] > 0:
            nodes[first] = nodes[last]
            nodes[last] = node
            last -= 1
        else:
            first += 1
    return first


def split_nodes(space, margin_space, members, nodes, seed, plane, cancel):
    """Divide (m,) int32 nodes, m >= 2, by a plane: they change places, and `plane` says where the second side begins.

    `space` says how means are compared with rows that have no norms; `margin_space` is the same rows under the inner product.
    """
    count = nodes.shape[0]
    state = np.uint64(seed)
    for _ in range(_ATTEMPTS):
        state = find_means(space, margin_space, members, nodes, plane.means, state)
        if not set_plane(plane, members.norms.shape[0] > 0):
            continue
        first = part_nodes(margin_space, members, nodes, plane, cancel)
        if first < 0:
            return STATUS_CANCELLED
        if max(first, count - first) <= _IMBALANCE_MAX * count:
            plane.first_count[0] = first
            return STATUS_DONE
    plane.normal[:] = 0
    plane.offset[0] = 0
    for place in range(count - 1):
        state, other = drawn(state, count - place)
        nodes[place], nodes[place + other] = nodes[place + other], nodes[place]
    plane.first_count[0] = count // 2
    return STATUS_DONE


def lead_nodes(margin_space, forest, root, nodes, leaves, cancel):
    """The leaf of the tree of a root that each of (m,) int32 nodes belongs to, into (m,) int32 leaves."""
    for place in range(nodes.shape[0]):
        if place % _POLLED_ROWS == 0 and read_word(cancel) != 0:
            return STATUS_CANCELLED
        row = row_of_node(forest.rows, nodes[place])
        child = np.int64(root)
        # Where no plane divides, nodes take sides by the bits of their numbers.
        bits = np.int64(nodes[place])
        while child >= 0:
            product = product_of(margin_space, row, forest.lifts, nodes[place], forest.normals, child)
            margin = product + forest.offsets[child]
            side = margin > 0
            if margin == 0:
                side = bits & 1 == 1
                bits >>= 1
            child = np.int64(forest.children[child, 1 if side else 0])
        leaves[place] = ~child
    return STATUS_DONE


@compile_function
def weigh_leaf(space, forest, request, scratch, output, query, norm, leaf, found):
    """Take the nodes of a leaf that are allowed and new into the results of a query; how many results there are."""
    k = output.keys.shape[1]
    keys, rows = output.keys[query], output.offsets[query]
    allowed = request.allowed
    end = forest.leaf_starts[leaf + 1]
    for place in range(forest.leaf_starts[leaf], end):
        if place + _ROWS_AHEAD < end:
            prefetch_row(space, row_of_node(forest.rows, forest.leaf_nodes[place + _ROWS_AHEAD]))
        node = np.int64(forest.leaf_nodes[place])
        bit = 1 << (node & 7)
        if scratch.visited[node >> 3] & bit:
            continue
        scratch.visited[node >> 3] |= bit
        row = row_of_node(forest.rows, node)
        if allowed.shape[0] > 0 and not (allowed[row >> 3] >> (row & 7)) & 1:
            continue
        node_norm = forest.norms[node] if forest.norms.shape[0] else np.float32(0)
        key = row_key(space, row, request.queries, query, node_norm, norm)
        output.counts[COUNT_DISTANCES] += 1
        if key != key:
            continue
        if found < k:
            push_worst(keys, rows, found, key, row)
            found += 1
        elif is_worse(keys[0], rows[0], key, row):
            replace_worst(keys, rows, k, key, row)
    return found


def search_forest(space, forest, request, scratch, output, cancel):
    """The k best allowed rows of the leaves that a query is deepest inside, of all trees together, into `output`.

    Leaves are visited until `ef` allowed rows were weighed and the answer is full. Of the request it reads queries, allowed, ef and
    budget. Rows with a NaN key are no match; `found` of the queries that a spent budget leaves is -1.
    """
    output.found[:] = -1
    counts = output.counts
    for query in range(request.queries.shape[0]):
        norm = query_norm(space, request.queries, query)
        scratch.visited[:] = 0
        waiting, found, weighed = 0, 0, 0
        query_start = query * request.queries.shape[1]
        if space.metric != _COSINE or norm > 0:
            for tree in range(forest.roots.shape[0]):
                push_nearest(scratch.keys, scratch.children, waiting, -np.inf, forest.roots[tree])
                waiting += 1
        while waiting > 0 and (weighed < request.ef or found < output.keys.shape[1]):
            if read_word(cancel) != 0:
                return STATUS_CANCELLED
            depth, child = scratch.keys[0], np.int64(scratch.children[0])
            drop_nearest(scratch.keys, scratch.children, waiting)
            waiting -= 1
            counts[COUNT_EXPANSIONS] += 1
            before = counts[COUNT_DISTANCES]
            if child < 0:
                found = weigh_leaf(space, forest, request, scratch, output, query, norm, ~child, found)
                weighed += counts[COUNT_DISTANCES] - before
            else:
                start = child * forest.normals.shape[1] * _WORD_BYTES
                product = dot_32(forest.normals, start, request.queries, query_start, space.dimensions)
                margin = np.float64(product) + forest.offsets[child]
                # A query without an order, NaN for example, is in the middle of everything.
                margin = margin if margin == margin else 0.0
                counts[COUNT_DISTANCES] += 1
                for side in range(2):
                    inside = -margin if side == 1 else margin
                    key = max(depth, inside)
                    push_nearest(scratch.keys, scratch.children, waiting, key, forest.children[child, side])
                    waiting += 1
            if request.budget > 0 and counts[COUNT_DISTANCES] > request.budget:
                return STATUS_BUDGET_SPENT
        sort_ascending(output.keys[query], output.offsets[query], found)
        output.keys[query, found:] = np.inf
        output.offsets[query, found:] = -1
        output.found[query] = found
    return STATUS_DONE


def _array(dtype, dimensions, readonly=True):
    return types.Array(dtype, dimensions, "C", readonly=readonly, aligned=True)


_FOREST = types.NamedTuple(
    (
        _array(types.float32, 2),
        _array(types.float32, 1),
        _array(types.int32, 2),
        _array(types.int32, 1),
        _array(types.int64, 1),
        _array(types.int32, 1),
        _array(types.int64, 1),
        _array(types.float32, 1),
        _array(types.float32, 1),
    ),
    Forest,
)
_MEMBERS = types.NamedTuple(
    (_array(types.int64, 1), _array(types.float32, 1), _array(types.float32, 1)), Members
)
_SCRATCH = types.NamedTuple(
    (_array(types.uint8, 1, False), _array(types.float64, 1, False), _array(types.int32, 1, False)),
    ForestScratch,
)
_PLANE = types.NamedTuple(
    (
        _array(types.float32, 2, False),
        _array(types.float32, 1, False),
        _array(types.int64, 1, False),
        _array(types.float32, 2, False),
    ),
    Plane,
)
_NODES = _array(types.int32, 1, False)

KERNELS = {
    "split_nodes": (
        split_nodes,
        types.int64(SPACE, SPACE, _MEMBERS, _NODES, types.int64, _PLANE, CANCEL),
    ),
    "lead_nodes": (
        lead_nodes,
        types.int64(SPACE, _FOREST, types.int64, _array(types.int32, 1), _NODES, CANCEL),
    ),
    "search_forest": (
        search_forest,
        types.int64(SPACE, _FOREST, REQUEST, _SCRATCH, OUTPUT, CANCEL),
    ),
}
