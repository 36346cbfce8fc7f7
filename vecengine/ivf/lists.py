"""The lists of an `ivfflat` index: centroids, and the rows of each list, as arrays; their stored form and its check.

The kernel reads rows by the offsets that stand here, unchecked, so `load_lists` checks every one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vecengine.buffers import check_range, take_array
from vecengine.coverage import Coverage
from vecengine.errors import DamagedIndex
from vecengine.exact import KernelSpace, Offsets, kernel_space
from vecengine.index import Buffers
from vecengine.ivf.centroids import Centroids, Lists, ranking_metric
from vecengine.metrics import BIT_METRICS, Float32s, Metric
from vecengine.stored_vectors import BitVectors


@dataclass(frozen=True, eq=False)
class ListArrays:
    """See `vecengine.kernels_types.Lists`.

    Attributes:
        centroids: (l, d) float32, or bit strings, l >= 1.
        starts: (l + 1,) int64.
        rows: (n,) int64 row offsets, ascending in each list.
        norms: (n,) float32 squared norms of these rows under cosine, else (0,).
    """

    centroids: Centroids
    starts: npt.NDArray[np.int64]
    rows: Offsets
    norms: Float32s

    @property
    def list_count(self) -> int:
        return int(self.centroids.shape[0])

    @property
    def size_bytes(self) -> int:
        return int(self.centroids.nbytes + self.starts.nbytes + self.rows.nbytes + self.norms.nbytes)

    def sizes(self) -> npt.NDArray[np.int64]:
        """(l,) rows of each list."""
        return np.diff(self.starts)

    def assignment(self) -> tuple[Offsets, Lists]:
        """(n,) row offsets, and the list of each."""
        return self.rows, np.repeat(np.arange(self.list_count, dtype=np.int32), self.sizes())

    def centre_space(self, metric: Metric) -> KernelSpace:
        """The centroids as the kernel takes them, under the metric that ranks lists."""
        return kernel_space(ranking_metric(metric), self.centroids)

    def bundle(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.starts, self.rows, self.norms

    def to_buffers(self) -> Buffers:
        return {
            "centroids": self.centroids.bytes() if isinstance(self.centroids, BitVectors) else self.centroids,
            "list_starts": self.starts,
            "list_rows": self.rows,
            "norms": self.norms,
        }


def arranged_lists(
    centroids: Centroids, rows: Offsets, lists: Lists, row_norms: Float32s | None
) -> ListArrays:
    """The lists of an assignment of (n,) ascending rows; lists without rows are left out.

    Args:
        row_norms: (vectors,) squared norms of all rows under cosine, else None.
    """
    sizes = np.bincount(lists, minlength=centroids.shape[0])
    # One list stays where there are no rows at all.
    kept = np.flatnonzero(sizes) if rows.size else np.zeros(1, dtype=np.int64)
    ordered = rows[np.argsort(lists, kind="stable")]
    starts = np.zeros(kept.size + 1, dtype=np.int64)
    np.cumsum(sizes[kept], out=starts[1:])
    norms = np.zeros(0, dtype=np.float32) if row_norms is None else row_norms[ordered]
    return ListArrays(centroids[kept], starts, ordered, norms)


def load_lists(
    buffers: Buffers, shape: tuple[int, int, int], vector_rows: int, *, metric: Metric
) -> tuple[ListArrays, Coverage]:
    """Take the buffers of lists back, and say which rows of the vectors they hold.

    Args:
        shape: (rows, lists, dimensions).

    Raises:
        DamagedIndex: XX002.
    """
    row_count, list_count, dimensions = shape
    has_norms = metric is Metric.COSINE
    lists = ListArrays(
        _load_centroids(buffers, list_count, dimensions, metric),
        take_array(buffers, "list_starts", np.int64, (list_count + 1,)),
        take_array(buffers, "list_rows", np.int64, (row_count,)),
        take_array(buffers, "norms", np.float32, (row_count if has_norms else 0,)),
    )
    if lists.starts[0] != 0 or lists.starts[-1] != row_count or np.any(lists.sizes() < 0):
        raise DamagedIndex('index buffer "list_starts" does not divide the rows')
    check_range("list_rows", lists.rows, 0, vector_rows - 1)
    is_held = np.zeros(vector_rows, dtype=np.bool_)
    is_held[lists.rows] = True
    if np.count_nonzero(is_held) != row_count:
        raise DamagedIndex('index buffer "list_rows" names a row twice')
    offsets = None if row_count == vector_rows else np.flatnonzero(is_held).astype(np.int64, copy=False)
    return lists, Coverage(vector_rows, offsets)


def _load_centroids(buffers: Buffers, list_count: int, dimensions: int, metric: Metric) -> Centroids:
    if metric in BIT_METRICS:
        row_bytes = (dimensions + 7) >> 3
        return BitVectors(take_array(buffers, "centroids", np.uint8, (list_count, row_bytes)), dimensions)
    centroids = take_array(buffers, "centroids", np.float32, (list_count, dimensions))
    if not np.isfinite(centroids).all():
        raise DamagedIndex('index buffer "centroids" holds a number that is not finite')
    return centroids
