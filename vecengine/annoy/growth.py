"""Grows trees: divides parts until they are leaves, and takes more nodes into trees that stand.

A tree is divided by a seed of its own, so trees may grow on any number of threads with one result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.annoy.forest import TreeArrays, join_trees, normal_width
from vecengine.arrays import NO_CANCEL, CancelWord
from vecengine.compiled import KernelSet
from vecengine.coverage import Offsets
from vecengine.exact import kernel_space, raise_for_status
from vecengine.hnsw.graph import Int32s
from vecengine.metrics import Float32s, Metric, Vectors

_SEED = 20180406
_SEED_BITS = 62


@dataclass(frozen=True, eq=False)
class Grower:
    """Divides nodes of (n, d) vectors.

    Attributes:
        rows: (n,) row offset of each node, (0,) when they are the same.
        norms: (n,) squared norms under cosine and, of rows with their lifts, under inner product, else (0,).
        lifts: (n,) see `vecengine.kernels_forest.Forest`.
        leaf_rows: most nodes of a leaf.
    """

    compiled: KernelSet
    vectors: Vectors
    metric: Metric
    rows: Offsets
    norms: Float32s
    lifts: Float32s
    leaf_rows: int
    cancel: CancelWord | None

    @property
    def _word(self) -> CancelWord:
        return NO_CANCEL if self.cancel is None else self.cancel

    def grow(self, tree: TreeArrays, number: int) -> TreeArrays:
        """Divide the leaves of a tree that are too large.

        Args:
            number: of the tree in its forest, which seeds it.

        Raises:
            QueryCanceled: 57014.
        """
        rng = np.random.default_rng([_SEED, number])
        spaces = kernel_space(self.metric, self.vectors), kernel_space(Metric.IP, self.vectors)
        members = (self.rows, self.norms, self.lifts)
        width = normal_width(self.metric, int(self.vectors.shape[1]))
        normal, offset = np.empty((1, width), np.float32), np.empty(1, np.float32)
        first_count = np.empty(1, np.int64)
        plane = (normal, offset, first_count, np.empty((3, width), np.float32))
        parts = _Parts(tree)
        while parts.waiting:
            begin, end, link = parts.waiting.pop()
            if end - begin <= self.leaf_rows:
                parts.keep(begin, link)
                continue
            nodes = parts.nodes[begin:end]
            seed = int(rng.integers(1 << _SEED_BITS))
            status = self.compiled.split_nodes(*spaces, members, nodes, seed, plane, self._word)
            raise_for_status(status, self._word)
            parts.divide((begin, begin + int(first_count[0]), end), link, normal[0].copy(), offset[0])
        return parts.tree()

    def lead(self, tree: TreeArrays, nodes: Int32s) -> Int32s:
        """The leaf that each of (m,) nodes belongs to.

        Raises:
            QueryCanceled: 57014.
        """
        leaves = np.empty(nodes.size, dtype=np.int32)
        bundle = join_trees([tree]).bundle(self.rows, self.norms, self.lifts)
        root = 0 if tree.offsets.size else -1
        space = kernel_space(Metric.IP, self.vectors)
        raise_for_status(self.compiled.lead_nodes(space, bundle, root, nodes, leaves, self._word), self._word)
        return leaves


Link = tuple[int, int]
"""A split and a side, where a part hangs; (-1, 0) of the root."""


class _Parts:
    """A tree while it is divided: `waiting` are (begin, end, link) of parts, the first on top."""

    def __init__(self, tree: TreeArrays) -> None:
        self.nodes = tree.leaf_nodes.copy()
        self._normals = [tree.normals]
        self._offsets = tree.offsets.tolist()
        self._children: list[list[int]] = tree.children.tolist()
        self._starts: list[int] = []
        links: dict[int, Link] = {-1: (-1, 0)}
        for split, side in np.argwhere(tree.children < 0).tolist():
            links[self._children[split][side]] = (split, side)
        bounds = tree.leaf_starts.tolist()
        self.waiting = [
            (bounds[leaf], bounds[leaf + 1], links[~leaf]) for leaf in range(len(bounds) - 2, -1, -1)
        ]

    def keep(self, begin: int, link: Link) -> None:
        """A part is a leaf: the next, as parts are met in the order of their nodes."""
        self._lead(link, ~len(self._starts))
        self._starts.append(begin)

    def divide(self, bounds: tuple[int, int, int], link: Link, normal: Float32s, offset: np.float32) -> None:
        split = len(self._children)
        self._lead(link, split)
        self._children.append([0, 0])
        self._normals.append(normal[None])
        self._offsets.append(offset)
        begin, middle, end = bounds
        self.waiting += [(middle, end, (split, 1)), (begin, middle, (split, 0))]

    def _lead(self, link: Link, part: int) -> None:
        if link[0] >= 0:
            self._children[link[0]][link[1]] = part

    def tree(self) -> TreeArrays:
        children: npt.NDArray[np.int32] = np.array(self._children, dtype=np.int32).reshape(-1, 2)
        return TreeArrays(
            np.concatenate(self._normals),
            np.array(self._offsets, dtype=np.float32),
            children,
            np.array([*self._starts, self.nodes.size], dtype=np.int64),
            self.nodes,
        )
