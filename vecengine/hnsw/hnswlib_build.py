"""hnswlib as a builder of graphs; it is no dependency, and is imported where somebody asks for it.

What it pickles is what is read here (nmslib/hnswlib:python_bindings/bindings.cpp, `getAnnData`): `data_level0` has a record of
`size_data_per_element` bytes for each node, which begins with the number of its links (uint16, then two bytes of flags) and room
for 2m of them (uint32); `link_lists` has for each level above of each node, one after another, a list of the same form with
room for m.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.library_lists import LibraryLists
from vecengine.hnsw.parameters import HnswParameters
from vecengine.metrics import Float32s, Metric

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
_SEED = 20180406
_COUNT_BYTES = 4
_LINK_BYTES = 4


def is_installed() -> bool:
    return find_spec("hnswlib") is not None


class HnswlibGraph:
    """See `vecengine.hnsw.library_build.GraphLibrary`."""

    def __init__(self, dimensions: int, metric: Metric, parameters: HnswParameters, capacity: int) -> None:
        import hnswlib

        self._m = parameters.m
        # Rows are of length one under cosine.
        self._index = hnswlib.Index("ip" if metric is Metric.IP else "l2", dimensions)
        self._index.init_index(
            capacity, M=parameters.m, ef_construction=parameters.ef_construction, random_seed=_SEED
        )

    def add(self, rows: Float32s, threads: int) -> None:
        """With several threads it would be chance which row becomes which node: one adds them all."""
        self._index.add_items(rows, num_threads=1)

    def lists(self) -> LibraryLists:
        state: dict[str, Any] = self._index.__getstate__()[0]
        count, size = state["cur_element_count"], state["size_data_per_element"]
        records = state["data_level0"].view(np.uint8).reshape(-1, size)[:count]
        begin = state["offset_level0"]
        upper = state["link_lists"].view(np.uint8).reshape(-1, state["size_links_per_element"])
        return LibraryLists(
            state["element_levels"][:count].astype(np.int32),
            _links(records[:, begin:], 2 * self._m),
            _links(upper, self._m),
            int(state["enterpoint_node"]),
        )


def _links(records: npt.NDArray[np.uint8], width: int) -> Int32s:
    """(n, width) links of records that begin with their number, -1 behind the last."""
    counts = records[:, :2].copy().view(np.uint16)
    links = records[:, _COUNT_BYTES : _COUNT_BYTES + _LINK_BYTES * width].copy().view(np.int32)
    return np.where(np.arange(width) < counts, links, np.int32(-1))
