"""The codes of a graph's nodes: made, carried over to a larger graph, stored, and handed to kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vecengine.arrays import CancelWord
from vecengine.buffers import Metadata, take_array
from vecengine.codes import Codebook, CodeVectors, code_bytes, train_codebook
from vecengine.coverage import Coverage
from vecengine.errors import DamagedIndex
from vecengine.exact import kernel_space
from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.parameters import HnswParameters, Quantizer
from vecengine.index import Buffers
from vecengine.metrics import Metric, Vectors
from vecengine.stored_vectors import ELEMENT_CODE, StoredVectors

ROWS_MIN = 500
"""Fewer rows are scanned, which reads no codes."""

DIMENSIONS_MIN = 64
"""Of vectors with fewer dimensions a walk reads its nodes and links, hardly the numbers: codes save less than a tenth."""

_METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
_SCALE_DRIFT = 1.25
_MEAN_DRIFT = 16
"""By how much, in scales, the mean may move before rows are encoded anew: an eighth of what integers reach."""

_EMPTY_SPACE = (
    int(Metric.L2),
    ELEMENT_CODE,
    0,
    0,
    0,
    np.zeros(0, dtype=np.uint8),
    np.zeros(0, dtype=np.int64),
)
NO_CODES: tuple[object, ...] = (_EMPTY_SPACE, np.zeros(0, dtype=np.float32), 0.0)
"""What kernels take for "the graph has no codes"."""


@dataclass(frozen=True)
class GraphCodes:
    """Codes of n nodes in the order of the nodes, and the codebook by which a query becomes one."""

    book: Codebook
    vectors: CodeVectors

    def bundle(self) -> tuple[object, ...]:
        """As kernels take it: `vecengine.kernels_types.Codes`."""
        return (kernel_space(Metric.L2, self.vectors), self.book.mean, self.book.scale)

    def to_buffers(self) -> Buffers:
        return {"codes": self.vectors.bytes(), "code_mean": self.book.mean}


def encode_nodes(
    metric: Metric,
    vectors: Vectors,
    coverage: Coverage,
    parameters: HnswParameters,
    *,
    source: GraphCodes | None = None,
    renamed: Int32s | None = None,
    cancel: CancelWord | None = None,
) -> GraphCodes | None:
    """Codes of the covered rows; None where the parameters want none or the vectors have no use for them.

    Args:
        source: codes of a graph that some of the rows come from. They are kept while its codebook suits all rows.
        renamed: (nodes of that graph,) which node each has become, -1 for one that is gone.

    Raises:
        QueryCanceled: 57014.
    """
    if (
        parameters.quantizer is not Quantizer.SQ8
        or isinstance(vectors, StoredVectors)
        or metric not in _METRICS
        or coverage.row_count < ROWS_MIN
        or vectors.shape[1] < DIMENSIONS_MIN
    ):
        return None
    rows = coverage.row_offsets()
    book = train_codebook(metric, vectors, rows, cancel)
    if book is None:
        return None
    if source is None or renamed is None or not _is_near(source.book, book):
        return GraphCodes(book, book.encode(vectors, None if coverage.bits is None else rows, cancel))
    is_missing = np.ones(rows.size, dtype=np.bool_)
    alive = renamed >= 0
    is_missing[renamed[alive]] = False
    data = np.empty((rows.size, code_bytes(vectors.shape[1])), dtype=np.uint8)
    data[renamed[alive]] = source.vectors.bytes()[alive]
    data[is_missing] = source.book.encode(vectors, rows[is_missing], cancel).bytes()
    return GraphCodes(source.book, CodeVectors(data, vectors.shape[1]))


def _is_near(book: Codebook, other: Codebook) -> bool:
    """Whether codes of one serve where the other would be trained."""
    ratio = book.scale / other.scale
    shift = float(np.abs(book.mean - other.mean).max())
    return 1 / _SCALE_DRIFT < ratio < _SCALE_DRIFT and shift < _MEAN_DRIFT * book.scale


def load_codes(buffers: Buffers, metadata: Metadata, metric: Metric, nodes: int) -> GraphCodes | None:
    """Take the codes of a stored graph of so many nodes; None when it has none.

    Raises:
        DamagedIndex: XX002.
    """
    scale = metadata.get("code_scale")
    if scale is None:
        return None
    if not isinstance(scale, float) or not 0 < scale < np.inf:
        raise DamagedIndex(f'index metadata field "code_scale" is {scale!r}, expected a positive number')
    dimensions = int(metadata["dimensions"])
    mean = take_array(buffers, "code_mean", np.float32, (dimensions,))
    if not np.isfinite(mean).all():
        raise DamagedIndex('index buffer "code_mean" holds numbers that are not finite')
    data = take_array(buffers, "codes", np.uint8, (nodes, code_bytes(dimensions)))
    return GraphCodes(Codebook(metric, mean, scale), CodeVectors(data, dimensions))
