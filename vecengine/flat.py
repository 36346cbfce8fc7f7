"""Index family `flat`: no structure, a scan of the covered rows.

Without codes, the default, it is exact: the oracle of the others. With `quantizer = sq8` the codes of the rows are scanned in place of their
vectors, of which the nearest by codes are reranked: see `vecengine.coded_scan`. Ranges are scanned exactly in either case.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import (
    CancelWord,
    Queries,
    check_allowed,
    check_cancel,
    check_queries,
    check_vectors,
)
from vecengine.buffers import (
    METADATA,
    check_matches,
    check_offsets,
    decode_metadata,
    encode_metadata,
    read_file,
    take_array,
    take_integer,
    take_member,
)
from vecengine.coded_scan import CodedRows, ScanRequest, encode_rows, load_rows
from vecengine.compiled import KernelSet, await_kernels, kernels
from vecengine.coverage import Coverage, CoveringIndex, Offsets, choose_rows
from vecengine.exact import Keys, pad_answer
from vecengine.family import LOADING, BuildHooks, BuildShape, Family
from vecengine.hnsw.parameters import REFINE_K
from vecengine.index import CODES, EXACT, FILTERED_CODES, Buffers, SearchStats, StrategyEstimate, VectorIndex
from vecengine.metrics import BIT_METRICS, NUMBER_METRICS, Float32s, Metric, Vectors, parse_metric
from vecengine.parameters import choice

FAMILY = "flat"
ROWS_MIN = 1000
"""Fewer rows are scanned as fast without codes."""


class FlatQuantizer(IntEnum):
    """What is scanned; the lower-case name is what options say."""

    NONE = 0
    SQ8 = 1


PARAMETERS = (
    choice(
        "quantizer",
        FlatQuantizer,
        FlatQuantizer.NONE,
        "What is scanned: the vectors (none), or codes of 8 bits (sq8), whose nearest are reranked by their vectors.",
    ),
    REFINE_K,
)


@dataclass(frozen=True, slots=True)
class FlatParameters:
    """Checked build parameters."""

    quantizer: FlatQuantizer = FlatQuantizer.NONE
    refine_k: int = 0


_AS_VECTORS = FlatParameters()


class FlatIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`. Codes are scanned exactly where `ef_search` asks for all rows."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        parameters: FlatParameters = _AS_VECTORS,
        coded: CodedRows | None = None,
    ) -> None:
        super().__init__(vectors, metric, coverage)
        self.parameters = parameters
        self.coded = coded

    @property
    def size_bytes(self) -> int:
        return int(self._coverage.offsets.nbytes) + (0 if self.coded is None else self.coded.size_bytes)

    def search(
        self,
        queries: Queries,
        k: int,
        allowed_bits: Bitset | None = None,
        ef_search: int = 40,
        *,
        cancel: CancelWord | None = None,
        distance_budget: int = 0,
        stats: SearchStats | None = None,
    ) -> tuple[Float32s, npt.NDArray[np.int64]]:
        words = check_queries(queries, self._vectors)
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        stats = SearchStats() if stats is None else stats
        bits, stats.allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, stats.allowed_count)
        compiled = kernels()
        is_coded = width > 0 and compiled is not None and ef_search < max(1, self.row_count)
        if (
            self.coded is None
            or not is_coded
            or stats.allowed_count <= self.coded.cost(width, stats.allowed_count)
        ):
            found = self._scan_instead(words, width, bits, cancel, distance_budget, stats=stats)
            return pad_answer(self._metric, *found, k)
        assert compiled is not None
        is_filtered = stats.allowed_count < self.row_count
        stats.strategy = FILTERED_CODES if is_filtered else CODES
        pool = min(self.coded.refined * width, stats.allowed_count)
        request = ScanRequest(words, width, pool, bits if is_filtered else None, distance_budget)
        return pad_answer(self._metric, *self._by_codes(compiled, request, cancel, stats), k)

    def _by_codes(
        self, compiled: KernelSet, request: ScanRequest, cancel: CancelWord | None, stats: SearchStats
    ) -> tuple[Keys, Offsets]:
        assert self.coded is not None
        answer = self.coded.search(compiled, self._metric, self._vectors, request, cancel)
        stats.distances += answer.distances
        stats.reranked += answer.reranked
        short = np.flatnonzero(answer.found < request.k)
        if short.size:
            stats.completed_exactly += short.size
            remaining = max(1, request.budget - answer.distances) if request.budget else 0
            bits = self._coverage.bits if request.allowed_bits is None else request.allowed_bits
            answer.keys[short], answer.offsets[short] = self._scan(
                request.queries[short], request.k, bits, cancel, remaining, stats=stats
            )
        return answer.keys, answer.offsets

    def _scans_ranges(self, allowed_count: int) -> bool:
        return True

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        allowed_count = min(allowed_count, self.row_count)
        estimates = [StrategyEstimate(EXACT, 0, float(allowed_count), 1.0)]
        width = min(k, allowed_count)
        recall = self.recall_of(0, width, allowed_count)
        if self.coded is not None and width and recall >= target_recall:
            name = CODES if allowed_count == self.row_count else FILTERED_CODES
            estimates.append(StrategyEstimate(name, 0, self.coded.cost(width, allowed_count), recall))
        return tuple(sorted(estimates, key=lambda estimate: estimate.cost_distances))

    def beam_for(self, k: int, target_recall: float) -> int:
        return 0

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        return 1.0 if self.coded is None else self.coded.recall_of(k, allowed_count)

    def to_buffers(self) -> Buffers:
        coded = {} if self.coded is None else self.coded.metadata()
        metadata = encode_metadata(
            self.family,
            self.metric,
            self._vectors,
            rows=self.row_count,
            quantizer=self.parameters.quantizer.name.lower(),
            refine_k=self.parameters.refine_k,
            **coded,
        )
        buffers = {} if self.coded is None else self.coded.to_buffers()
        return {METADATA: metadata, "offsets": self._coverage.offsets, **buffers}

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> FlatIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_flat(read_file(path), check_vectors(vectors))


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, checked: Mapping[str, int], hooks: BuildHooks
) -> FlatIndex:
    """Under cosine one pass over the vectors, else nothing to do where there are no codes."""
    parameters = FlatParameters(FlatQuantizer(checked["quantizer"]), checked["refine_k"])
    return _made(vectors, metric, offsets, parameters, hooks)


def _extend(
    source: VectorIndex, moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> FlatIndex:
    assert isinstance(source, FlatIndex)
    metric = parse_metric(source.metric)
    return _made(vectors, metric, offsets, source.parameters, hooks, source=source, moved_to=moved_to)


def _made(
    vectors: Vectors,
    metric: Metric,
    offsets: Offsets | None,
    parameters: FlatParameters,
    hooks: BuildHooks,
    *,
    source: FlatIndex | None = None,
    moved_to: Offsets | None = None,
) -> FlatIndex:
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    coded = None
    if parameters.quantizer is FlatQuantizer.SQ8:
        hooks.begin(LOADING)
        await_kernels(hooks.cancel)
        check_cancel(hooks.cancel)
        carried = None
        if source is not None and moved_to is not None:
            places = np.full(vectors.shape[0] + 1, -1, dtype=np.int32)
            places[coverage.row_offsets()] = np.arange(coverage.row_count, dtype=np.int32)
            # The last place is that of rows that are gone.
            carried = source.coded, places[moved_to[source.coverage.row_offsets()]]
        coded = encode_rows(
            metric, vectors, coverage, parameters.refine_k, source=carried, cancel=hooks.cancel
        )
    if hooks.progress is not None:
        hooks.progress(coverage.row_count, coverage.row_count)
    return FlatIndex(vectors, metric, coverage, parameters, coded)


def load_coverage(buffers: Buffers, row_count: int, vector_rows: int) -> Coverage:
    """The coverage stored in buffer `offsets`.

    Raises:
        DamagedIndex: XX002.
    """
    covers_all = row_count == vector_rows
    offsets = take_array(buffers, "offsets", np.int64, (0,) if covers_all else (row_count,))
    check_offsets(offsets, vector_rows)
    return Coverage(vector_rows, None if covers_all else offsets)


def load_flat(buffers: Buffers, vectors: Vectors) -> FlatIndex:
    """Take back the buffers of a flat index.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    metric, coverage = parse_metric(metadata["metric"]), load_coverage(buffers, rows, vectors.shape[0])
    # Files from before there was a choice of these have none of them.
    parameters = FlatParameters(
        take_member(metadata, "quantizer", FlatQuantizer.NONE),
        0 if "refine_k" not in metadata else take_integer(metadata, "refine_k", 0, REFINE_K.maximum),
    )
    coded = None
    if parameters.quantizer is FlatQuantizer.SQ8:
        coded = load_rows(buffers, metadata, metric, coverage, parameters.refine_k)
    return FlatIndex(vectors, metric, coverage, parameters, coded)


_ROW_BYTES = 64
"""Of its offset, and of what is not counted singly."""


def _has_codes(checked: Mapping[str, int]) -> bool:
    """Whether the parameters ask for codes; those of bit strings alone cannot."""
    return checked.get("quantizer") == FlatQuantizer.SQ8


def _code_bytes(shape: BuildShape, checked: Mapping[str, int]) -> int:
    """A byte a dimension; row offsets, and what is measured, are little beside it."""
    codes = shape.dimensions + _ROW_BYTES if _has_codes(checked) else 0
    return shape.rows * (codes + _ROW_BYTES)


FLAT = Family(
    FAMILY,
    "Scan of the covered rows, exact or by codes.",
    PARAMETERS,
    None,
    build=_build,
    extend=_extend,
    load=load_flat,
    numbers=NUMBER_METRICS,
    bits=BIT_METRICS,
    sparse=NUMBER_METRICS,
    rank=-1,
    rows_min=None,
    build_bytes=_code_bytes,
    variant=lambda checked: _by_codes() if _has_codes(checked) else None,
)


def _by_codes() -> Family:
    """What the family is to who plans searches and keeps files where there are codes: before an exact scan, behind all that read fewer rows."""
    return replace(FLAT, rank=0, rows_min=ROWS_MIN)
