"""The graph as flat arrays: what is built, searched, stored and mapped.

Buffers (node = position among the covered rows, n of them; m from the metadata):

    links        (n, 2m) int32   level 0, each list ended by -1: links, then the reserve, near nodes that are no links
    linked       (n,)    uint8   how many links a list has; in files written before there was a reserve it is missing
    upper_rows   (n,)    int32   first row of a node in upper_links, -1 for a node of level 0 only
    upper_links  (u, m)  int32   level l of a node at row upper_rows[node] + l - 1
    offsets      (n,)    int64   row offset of a node, or (0,) when node and row offset are the same
    norms        (n,)    float32 squared norms under cosine, else (0,)

Rows of upper_links follow the nodes in order, so the number of a node's rows is its level. At load every link is
checked, since the kernel follows them unchecked: it is inside the graph and leads to a node of that level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.buffers import check_range, take_array
from vecengine.errors import DamagedIndex
from vecengine.index import Buffers
from vecengine.metrics import Float32s

Int32s = npt.NDArray[np.int32]


@dataclass(frozen=True)
class GraphArrays:
    """Links of n nodes; `entry` is a node of the highest level, `level_max`; -1 and 0 in an empty graph."""

    links: Int32s
    linked: npt.NDArray[np.uint8]
    upper_rows: Int32s
    upper_links: Int32s
    norms: Float32s
    entry: int
    level_max: int

    @property
    def node_count(self) -> int:
        return int(self.links.shape[0])

    @property
    def size_bytes(self) -> int:
        arrays = (self.links, self.linked, self.upper_rows, self.upper_links, self.norms)
        return sum(array.nbytes for array in arrays)

    def levels(self) -> Int32s:
        """(n,) highest level of each node."""
        return node_levels(self.upper_rows, self.upper_links.shape[0])

    def to_buffers(self) -> Buffers:
        return {
            "links": self.links,
            "linked": self.linked,
            "upper_rows": self.upper_rows,
            "upper_links": self.upper_links,
            "norms": self.norms,
        }


def link_counts(links: Int32s) -> npt.NDArray[np.uint8]:
    """(n,) length of each list of level 0: for graphs without a reserve."""
    counts: npt.NDArray[np.int64] = np.sum(links >= 0, axis=1)
    return counts.astype(np.uint8)


def node_levels(upper_rows: Int32s, upper_count: int) -> Int32s:
    """(n,) level of each node: the distance from its first upper row to the next node's."""
    levels = np.zeros(upper_rows.shape[0], dtype=np.int32)
    nodes = np.flatnonzero(upper_rows >= 0)
    levels[nodes] = np.diff(upper_rows[nodes], append=np.int32(upper_count))
    return levels


def empty_graph(m: int) -> GraphArrays:
    return GraphArrays(
        links=np.zeros((0, 2 * m), dtype=np.int32),
        linked=np.zeros(0, dtype=np.uint8),
        upper_rows=np.zeros(0, dtype=np.int32),
        upper_links=np.zeros((0, m), dtype=np.int32),
        norms=np.zeros(0, dtype=np.float32),
        entry=-1,
        level_max=0,
    )


@dataclass(frozen=True)
class GraphShape:
    """What the metadata says about a stored graph."""

    nodes: int
    m: int
    upper_count: int
    entry: int
    level_max: int
    has_norms: bool


def load_graph(buffers: Buffers, shape: GraphShape) -> GraphArrays:
    """Take a graph from its buffers and check that no search can leave it.

    Raises:
        DamagedIndex: XX002.
    """
    nodes = shape.nodes
    links = take_array(buffers, "links", np.int32, (nodes, 2 * shape.m))
    graph = GraphArrays(
        links=links,
        linked=take_array(buffers, "linked", np.uint8, (nodes,))
        if "linked" in buffers
        else link_counts(links),
        upper_rows=take_array(buffers, "upper_rows", np.int32, (nodes,)),
        upper_links=take_array(buffers, "upper_links", np.int32, (shape.upper_count, shape.m)),
        norms=take_array(buffers, "norms", np.float32, (nodes if shape.has_norms else 0,)),
        entry=shape.entry,
        level_max=shape.level_max,
    )
    check_range("links", graph.links, -1, nodes - 1)
    check_range("linked", graph.linked, 0, 2 * shape.m)
    check_range("upper_links", graph.upper_links, -1, nodes - 1)
    check_range("upper_rows", graph.upper_rows, -1, shape.upper_count - 1)
    _check_levels(graph)
    return graph


def _check_levels(graph: GraphArrays) -> None:
    if graph.node_count == 0:
        return
    nodes = np.flatnonzero(graph.upper_rows >= 0)
    starts = graph.upper_rows[nodes]
    if graph.upper_links.shape[0] and (nodes.size == 0 or starts[0] != 0 or np.any(np.diff(starts) <= 0)):
        raise DamagedIndex('index buffer "upper_rows" does not follow the order of the nodes')
    levels = graph.levels()
    if not 0 <= graph.entry < graph.node_count or levels[graph.entry] != graph.level_max:
        raise DamagedIndex(f"index entry {graph.entry} is no node of level {graph.level_max}")
    # Level of each upper row: 1 for the first row of a node, 2 for the next, ...
    row_level = np.arange(graph.upper_links.shape[0]) - np.repeat(starts, levels[nodes]) + 1
    linked_level = np.where(graph.upper_links < 0, np.iinfo(np.int32).max, levels[graph.upper_links])
    if np.any(linked_level < row_level[:, None]):
        raise DamagedIndex('index buffer "upper_links" leads to a node below its level')
