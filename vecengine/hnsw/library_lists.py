"""The links of a graph as libraries give them, before its nodes have our numbers."""

from __future__ import annotations

from typing import NamedTuple

from vecengine.hnsw.graph import Int32s


class LibraryLists(NamedTuple):
    """Lists of p nodes in the order in which they were added; each ends at its first -1.

    Attributes:
        levels: (p,) highest level of each.
        ground: (p, 2m) links of level 0.
        upper: (u, m) links of the levels above, node after node, level after level.
        entry: a node of the highest level.
    """

    levels: Int32s
    ground: Int32s
    upper: Int32s
    entry: int
