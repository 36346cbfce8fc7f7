"""The trees of an `annoy` index as arrays; their stored form and its check.

Kernels follow children and nodes unchecked, so `load_forest` checks every one: a split leads to later splits and to leaves of its
tree, something leads to each of them once, so a walk ends; and every node is in each tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecengine.buffers import check_range, take_array
from vecengine.coverage import Offsets
from vecengine.errors import DamagedIndex
from vecengine.hnsw.graph import Int32s
from vecengine.index import Buffers
from vecengine.metrics import Float32s, Metric

NO_LIFTS: Float32s = np.zeros(0, dtype=np.float32)


class TreeArrays(NamedTuple):
    """One tree of s splits, the first of which is its root, and s + 1 leaves; a node is a place among the covered rows.

    Attributes:
        normals: (s, w) float32 of length one, or zeros where nodes were divided by chance; w is `normal_width`.
        offsets: (s,) float32; a row's margin is its product with the normal plus the offset.
        children: (s, 2) int32, a later split or ~leaf: where margins are not positive, and where they are.
        leaf_starts: (s + 2,) int64, where each leaf begins in `leaf_nodes`, and its length.
        leaf_nodes: (n,) int32, each node once.
    """

    normals: Float32s
    offsets: Float32s
    children: Int32s
    leaf_starts: npt.NDArray[np.int64]
    leaf_nodes: Int32s


def normal_width(metric: Metric, dimensions: int) -> int:
    """Under inner product rows have one more dimension, which makes them equally long, and are divided by their angles."""
    return dimensions + (metric is Metric.IP)


def single_leaf(nodes: int, width: int) -> TreeArrays:
    """A tree that is not divided."""
    return TreeArrays(
        np.zeros((0, width), np.float32),
        np.zeros(0, np.float32),
        np.zeros((0, 2), np.int32),
        np.array([0, nodes], np.int64),
        np.arange(nodes, dtype=np.int32),
    )


@dataclass(frozen=True, eq=False)
class ForestArrays:
    """Trees one after another, numbered through; see `vecengine.kernels_forest.Forest`.

    Attributes:
        splits: (t,) int32, how many splits each tree has.
        normals, offsets, children, leaf_starts, leaf_nodes: as in `TreeArrays`, of all trees.
    """

    splits: Int32s
    normals: Float32s
    offsets: Float32s
    children: Int32s
    leaf_starts: npt.NDArray[np.int64]
    leaf_nodes: Int32s

    @property
    def size_bytes(self) -> int:
        return sum(array.nbytes for array in self.to_buffers().values())

    @property
    def node_count(self) -> int:
        return self.leaf_nodes.size // self.splits.size

    @property
    def part_count(self) -> int:
        """Splits and leaves."""
        return int(self.offsets.size + self.leaf_starts.size - 1)

    def bundle(self, rows: Offsets, norms: Float32s, lifts: Float32s = NO_LIFTS) -> tuple[object, ...]:
        """As kernels take it; searches need no lifts."""
        first_splits = np.cumsum(self.splits) - self.splits
        first_leaves = first_splits + np.arange(self.splits.size)
        roots = np.where(self.splits > 0, first_splits, ~first_leaves).astype(np.int32)
        return (
            self.normals,
            self.offsets,
            self.children,
            roots,
            self.leaf_starts,
            self.leaf_nodes,
            rows,
            norms,
            lifts,
        )

    def to_buffers(self) -> Buffers:
        return {
            "tree_splits": self.splits,
            "normals": self.normals,
            "plane_offsets": self.offsets,
            "children": self.children,
            "leaf_starts": self.leaf_starts,
            "leaf_nodes": self.leaf_nodes,
        }

    def trees(self) -> list[TreeArrays]:
        """Its trees, with numbers of their own for splits and leaves."""
        trees, split, leaf = [], 0, 0
        for count in self.splits.tolist():
            splits, leaf_end = slice(split, split + count), leaf + count + 1
            begin, end = self.leaf_starts[leaf], self.leaf_starts[leaf_end]
            children = self.children[splits]
            trees.append(
                TreeArrays(
                    self.normals[splits],
                    self.offsets[splits],
                    np.where(children >= 0, children - split, children + leaf).astype(np.int32),
                    self.leaf_starts[leaf : leaf_end + 1] - begin,
                    self.leaf_nodes[begin:end],
                )
            )
            split, leaf = split + count, leaf_end
        return trees


def join_trees(trees: list[TreeArrays]) -> ForestArrays:
    """The trees one after another, at least one."""
    counts = np.array([tree.offsets.size for tree in trees], dtype=np.int32)
    first_splits = np.cumsum(counts) - counts
    places = np.cumsum([0, *(tree.leaf_nodes.size for tree in trees)], dtype=np.int64)
    children = [
        np.where(tree.children >= 0, tree.children + split, tree.children - (split + number))
        for number, (tree, split) in enumerate(zip(trees, first_splits.tolist()))
    ]
    starts = [tree.leaf_starts[:-1] + place for tree, place in zip(trees, places)]
    return ForestArrays(
        counts,
        np.concatenate([tree.normals for tree in trees]),
        np.concatenate([tree.offsets for tree in trees]),
        np.concatenate(children).astype(np.int32),
        np.concatenate([*starts, places[-1:]]),
        np.concatenate([tree.leaf_nodes for tree in trees]),
    )


def load_forest(buffers: Buffers, nodes: int, width: int, *, trees: int, splits: int) -> ForestArrays:
    """Take a forest of so many trees and splits from its buffers, and check that no search can leave it or miss a node.

    Raises:
        DamagedIndex: XX002.
    """
    forest = ForestArrays(
        take_array(buffers, "tree_splits", np.int32, (trees,)),
        take_array(buffers, "normals", np.float32, (splits, width)),
        take_array(buffers, "plane_offsets", np.float32, (splits,)),
        take_array(buffers, "children", np.int32, (splits, 2)),
        take_array(buffers, "leaf_starts", np.int64, (splits + trees + 1,)),
        take_array(buffers, "leaf_nodes", np.int32, (trees * nodes,)),
    )
    if np.any(forest.splits < 0) or int(forest.splits.sum(dtype=np.int64)) != splits:
        raise DamagedIndex('index buffer "tree_splits" does not divide the splits')
    starts = forest.leaf_starts
    if starts[0] != 0 or starts[-1] != trees * nodes or np.any(np.diff(starts) < 0):
        raise DamagedIndex('index buffer "leaf_starts" does not divide the nodes')
    check_range("leaf_nodes", forest.leaf_nodes, 0, nodes - 1)
    if not (np.isfinite(forest.normals).all() and np.isfinite(forest.offsets).all()):
        raise DamagedIndex('index buffers "normals" and "plane_offsets" hold numbers that are not finite')
    for tree in forest.trees():
        _check_tree(tree, nodes)
    return forest


def _check_tree(tree: TreeArrays, nodes: int) -> None:
    splits = tree.offsets.size
    # Whatever is no child of a split is the root, which is the first split, or the one leaf of a tree without splits.
    led_to = np.append(tree.children.reshape(-1), 0 if splits else -1)
    is_whole = np.array_equal(np.sort(led_to), np.arange(-splits - 1, splits))
    if not is_whole or np.any((tree.children >= 0) & (tree.children <= np.arange(splits)[:, None])):
        raise DamagedIndex('index buffer "children" is no tree')
    if tree.leaf_nodes.size != nodes or np.any(np.bincount(tree.leaf_nodes, minlength=nodes) != 1):
        raise DamagedIndex('index buffer "leaf_nodes" does not have every node in every tree')
