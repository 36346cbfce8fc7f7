"""Build parameters of `diskann`: Milvus' names and defaults where it has them (milvus.io/docs/diskann.md)."""

from __future__ import annotations

from dataclasses import dataclass

from vecengine.errors import BuildParameterError
from vecengine.metrics import Metric
from vecengine.parameters import ParameterInfo

PARAMETERS = (
    ParameterInfo("max_degree", 48, 4, 250, "Links of a node."),
    ParameterInfo("search_list_size", 128, 4, 1000, "Size of the candidate list when a row is inserted."),
    ParameterInfo(
        "alpha_percent",
        120,
        100,
        200,
        "A node is linked though it is nearer to one that is linked, unless so many per cent of that distance are less.",
    ),
    ParameterInfo(
        "pq_bytes",
        0,
        0,
        2000,
        "Bytes of a row's code, which stays in memory; 0 is a byte for four dimensions.",
    ),
    ParameterInfo("beam_width", 4, 1, 64, "Nodes whose links are read together in a search."),
    ParameterInfo(
        "refine_k",
        4,
        1,
        100,
        "So many times the rows asked for are compared by their vectors, the nearest by codes.",
    ),
    ParameterInfo(
        "build_memory_mb",
        4096,
        16,
        1 << 20,
        "Memory that a build may use beside the index; more rows than fit are linked part by part.",
    ),
)

MEGABYTE = 1 << 20
_DIMENSIONS_PER_BYTE = 4


@dataclass(frozen=True)
class DiskannParameters:
    """Checked build parameters."""

    max_degree: int = 48
    search_list_size: int = 128
    alpha_percent: int = 120
    pq_bytes: int = 0
    beam_width: int = 4
    refine_k: int = 4
    build_memory_mb: int = 4096

    def __post_init__(self) -> None:
        if self.search_list_size < self.max_degree:
            raise BuildParameterError("search_list_size must be greater than or equal to max_degree")

    @property
    def build_bytes(self) -> int:
        """`build_memory_mb` in bytes."""
        return self.build_memory_mb * MEGABYTE

    def pieces(self, dimensions: int) -> int:
        """How many codes of a byte a row of so many dimensions has."""
        return min(dimensions, self.pq_bytes or -(-dimensions // _DIMENSIONS_PER_BYTE))

    def slack(self, metric: Metric) -> float:
        """What `vecengine.kernels_types.Pruning` calls so: alpha for keys, which under l2 and cosine are squares.

        Keys of the inner product are no distances that could be stretched.
        """
        return 1.0 if metric is Metric.IP else (self.alpha_percent / 100) ** 2
