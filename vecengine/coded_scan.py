"""Rows as codes of 8 bits to scan in place of their vectors: made, carried over to an extension, searched and measured.

Codes are those of a graph of `hnsw` (`vecengine.hnsw.codes`), in the order of the covered rows; so are their limits: l2, ip and cosine, from
500 rows and 64 dimensions on, and where they tell neighbours apart. A search weighs all allowed rows by codes
(`vecengine.kernels_coded_scan`), reranks the best `refine_k` times k by their vectors, and scans for a query that this leaves short.

Measured on 61,666 vectors of 384 float32, one thread with AVX-512 VNNI: recall at 1, 10 and 100 is 1.000 with twice k reranked and 0.994 without; a
search takes half of the time of a scan of the vectors where memory is the limit, and with 100 queries in a call a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from foundation.bitset import Bitset, bits_from_mask
from vecengine.arrays import NO_BITS, NO_CANCEL, CancelWord, queries_from
from vecengine.buffers import Metadata
from vecengine.compiled import KernelSet, kernels
from vecengine.coverage import Coverage, Offsets
from vecengine.errors import DamagedIndex
from vecengine.exact import (
    BLOCK_ROWS,
    Keys,
    exact_keys,
    kernel_space,
    raise_for_status,
)
from vecengine.hnsw.codes import IntegerCodes, encode_nodes, load_codes
from vecengine.hnsw.graph import Int32s
from vecengine.hnsw.parameters import HnswParameters
from vecengine.index import Buffers
from vecengine.ivf.curve import RECALL_AT, ProbeCurve, curve_from_json, empty_curve
from vecengine.metrics import Float32s, Metric, Vectors

_ROW_COST = 0.45
_RERANKED_COST = 3.0
"""In distances of a sequential scan: what weighing a row by codes takes, and reading a vector far from cache."""

SEARCH_NS = 30_000.0
_SCANNED_NS, _SCANNED_DIMENSION_NS = 14.0, 0.07
"""What a search by codes takes besides, and a scanned row. At 384 dimensions codes are faster from 1,400 rows on, at 64 from 3,000."""

_QUERIES_AT_ONCE = 64
_MEASURED_QUERIES = 64
_SEED = 20180406
_TILE_ROWS_MAX = 8
_TILE_QUERIES_MAX = 4
"""Equal to those of `kernels_tiles`, which cannot be imported without numba."""


class ScanAnswer(NamedTuple):
    """(nq, k) keys and row offsets, padded; (nq,) rows found; distances and rows reranked of all queries.

    Attributes:
        candidates: (nq, p) what codes found, ascending by codes.
    """

    keys: Keys
    offsets: Offsets
    found: Offsets
    distances: int
    reranked: int
    candidates: Offsets


class ScanRequest(NamedTuple):
    """What to search: `k` at least 1 and at most the allowed rows, `pool` of the nearest by codes to be reranked."""

    queries: Float32s
    k: int
    pool: int
    allowed_bits: Bitset | None
    budget: int = 0


@dataclass(frozen=True, eq=False)
class CodedRows:
    """Codes of the covered rows, in their order, and what they find of the nearest.

    Attributes:
        curve: recall of one visit to all rows.
    """

    codes: IntegerCodes
    coverage: Coverage
    curve: ProbeCurve

    @property
    def size_bytes(self) -> int:
        return self.codes.size_bytes + self.codes.book.mean.nbytes

    @property
    def refined(self) -> int:
        return self.codes.refined

    def cost(self, k: int, allowed_count: int) -> float:
        """Expected time of a search, in distances of a sequential scan."""
        reranked = min(allowed_count, self.refined * k)
        scanned_ns = _SCANNED_NS + _SCANNED_DIMENSION_NS * self.codes.dimensions
        return SEARCH_NS / scanned_ns + _ROW_COST * allowed_count + _RERANKED_COST * reranked

    def recall_of(self, k: int, allowed_count: int) -> float:
        """Expected recall at k where so many of the rows are allowed; 0 where nothing was measured."""
        if self.curve.is_empty or not allowed_count:
            return 0.0
        return self.curve.recall_of(1, k, min(1.0, allowed_count / self.coverage.row_count))

    def to_buffers(self) -> Buffers:
        return self.codes.to_buffers()

    def metadata(self) -> Metadata:
        return {**self.codes.metadata(), "curve": self.curve.to_json()}

    def search(
        self,
        compiled: KernelSet,
        metric: Metric,
        vectors: Vectors,
        request: ScanRequest,
        cancel: CancelWord | None,
    ) -> ScanAnswer:
        """The nearest by their vectors of the nearest by codes of every query.

        Raises:
            QueryCanceled: 57014.
            DistanceBudgetSpent: 53400.
        """
        query_count = request.queries.shape[0]
        keys = np.empty((query_count, request.k), dtype=np.float64)
        offsets = np.empty((query_count, request.k), dtype=np.int64)
        found = np.empty(query_count, dtype=np.int64)
        candidates = np.empty((query_count, request.pool), dtype=np.int64)
        counts = np.zeros(3, dtype=np.int64)
        allowed = NO_BITS if request.allowed_bits is None else request.allowed_bits
        word = NO_CANCEL if cancel is None else cancel
        space, code_space = kernel_space(metric, vectors), kernel_space(Metric.L2, self.codes.vectors)
        for begin in range(0, query_count, _QUERIES_AT_ONCE):
            part = slice(begin, begin + _QUERIES_AT_ONCE)
            queries = request.queries[part]
            scratch = _scratch(queries.shape[0], candidates[part])
            status = compiled.scan_codes(
                space,
                (code_space, self.coverage.offsets, *self.codes.book.encode_short_queries(queries)),
                (queries, allowed, 0, request.budget),
                scratch,
                (keys[part], offsets[part], found[part], counts),
                word,
            )
            raise_for_status(status, word)
        return ScanAnswer(keys, offsets, found, int(counts[0]), int(counts[2]), candidates)


def _scratch(query_count: int, pool_rows: Offsets) -> tuple[np.ndarray, ...]:
    """Working memory: see `vecengine.kernels_coded_scan.ScanScratch`."""
    places = BLOCK_ROWS + _TILE_ROWS_MAX
    return (
        np.empty(places, dtype=np.int64),
        np.empty(places, dtype=np.int64),
        np.empty(BLOCK_ROWS, dtype=np.float64),
        np.empty(BLOCK_ROWS, dtype=np.float64),
        np.empty((_TILE_QUERIES_MAX, places), dtype=np.int32),
        np.empty(query_count, dtype=np.int64),
        np.empty(query_count, dtype=np.int64),
        np.empty(pool_rows.shape, dtype=np.float64),
        pool_rows,
    )


def encode_rows(
    metric: Metric,
    vectors: Vectors,
    coverage: Coverage,
    refine_k: int,
    *,
    source: tuple[CodedRows | None, Int32s] | None = None,
    cancel: CancelWord | None = None,
) -> CodedRows | None:
    """Codes of the covered rows, and how good they are; None where the vectors have no use for codes.

    Args:
        source: coded rows that some of these come from, and which of them each has become, -1 for one that is gone.

    Raises:
        QueryCanceled: 57014.
    """
    old, renamed = (None, None) if source is None else source
    codes = encode_nodes(
        metric,
        vectors,
        coverage,
        HnswParameters(refine_k=refine_k),
        source=None if old is None else old.codes,
        renamed=renamed,
        cancel=cancel,
    )
    if codes is None:
        return None
    rows = CodedRows(codes, coverage, empty_curve())
    return CodedRows(codes, coverage, _measured(rows, metric, vectors, cancel))


def _measured(rows: CodedRows, metric: Metric, vectors: Vectors, cancel: CancelWord | None) -> ProbeCurve:
    """Recall at each k, less a standard error, with some of the rows as queries that see only the others."""
    compiled = kernels()
    if compiled is None:
        return empty_curve()
    offsets = rows.coverage.row_offsets()
    asked = np.random.default_rng(_SEED).choice(offsets, _MEASURED_QUERIES, replace=False)
    others = np.zeros(rows.coverage.vector_rows, dtype=np.bool_)
    others[offsets] = True
    others[asked] = False
    allowed, count = bits_from_mask(others), offsets.size - asked.size
    width = min(max(RECALL_AT), count)
    queries = queries_from(vectors[np.sort(asked)])
    _, neighbours, _ = exact_keys(metric, vectors, queries, width, allowed, cancel=cancel)
    request = ScanRequest(queries, width, min(count, rows.refined * width), allowed)
    near = rows.search(compiled, metric, vectors, request, cancel).candidates
    recall_at = [k for k in RECALL_AT if k <= width and k < offsets.size]
    recall = [_recall(neighbours[:, :k], near[:, : rows.refined * k]) for k in recall_at]
    # Whoever asks for all rows gets all rows.
    return ProbeCurve(
        np.ones(1),
        np.asarray([*recall_at, offsets.size], dtype=np.float64),
        np.asarray([*recall, 1.0])[:, None],
        np.asarray([float(offsets.size)]),
    )


def _recall(neighbours: Offsets, candidates: Offsets) -> float:
    found = np.array([np.isin(row, near).mean() for row, near in zip(neighbours, candidates, strict=True)])
    # Rounded to what was measured, so that the curve is the same once stored as text.
    return round(float(found.mean() - found.std() / np.sqrt(found.size)), 5)


def load_rows(
    buffers: Buffers, metadata: Metadata, metric: Metric, coverage: Coverage, refine_k: int
) -> CodedRows | None:
    """Take back the codes of an index; None when it has none.

    Raises:
        DamagedIndex: XX002.
    """
    codes = load_codes(buffers, metadata, metric, coverage, HnswParameters(refine_k=refine_k).refined)
    if codes is None:
        return None
    if not isinstance(codes, IntegerCodes):
        raise DamagedIndex("index metadata names codes that are no integers")
    return CodedRows(codes, coverage, curve_from_json(metadata.get("curve")))
