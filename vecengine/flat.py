"""Index family `flat`: no structure, an exact scan of the covered rows. It is the oracle and always complete."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries, check_allowed, check_queries, check_vectors
from vecengine.buffers import (
    METADATA,
    check_matches,
    check_offsets,
    decode_metadata,
    encode_metadata,
    read_file,
    take_array,
    take_integer,
)
from vecengine.coverage import Coverage, CoveringIndex, Offsets, choose_rows
from vecengine.exact import pad_answer
from vecengine.family import BuildHooks, Family
from vecengine.index import EXACT, Buffers, SearchStats, StrategyEstimate, VectorIndex
from vecengine.metrics import BIT_METRICS, NUMBER_METRICS, Float32s, Metric, Vectors, parse_metric

FAMILY = "flat"


class FlatIndex(CoveringIndex):
    """See `vecengine.index.VectorIndex`."""

    family = FAMILY

    @property
    def size_bytes(self) -> int:
        return int(self._coverage.offsets.nbytes)

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
        found = self._scan_instead(words, width, bits, cancel, distance_budget, stats=stats)
        return pad_answer(self._metric, *found, k)

    def estimate(self, k: int, allowed_count: int, target_recall: float) -> tuple[StrategyEstimate, ...]:
        return (StrategyEstimate(EXACT, 0, float(allowed_count), 1.0),)

    def beam_for(self, k: int, target_recall: float) -> int:
        return 0

    def recall_of(self, ef_search: int, k: int, allowed_count: int) -> float:
        return 1.0

    def to_buffers(self) -> Buffers:
        metadata = encode_metadata(self.family, self.metric, self._vectors, rows=self.row_count)
        return {METADATA: metadata, "offsets": self._coverage.offsets}

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> FlatIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_flat(read_file(path), check_vectors(vectors))


def _build(
    vectors: Vectors, metric: Metric, offsets: Offsets | None, _checked: Mapping[str, int], hooks: BuildHooks
) -> FlatIndex:
    """Under cosine one pass over the vectors, else nothing to do."""
    coverage = choose_rows(metric, vectors, offsets, hooks.cancel)
    if hooks.progress is not None:
        hooks.progress(coverage.row_count, coverage.row_count)
    return FlatIndex(vectors, metric, coverage)


def _extend(
    source: VectorIndex, _moved_to: Offsets, vectors: Vectors, offsets: Offsets | None, hooks: BuildHooks
) -> FlatIndex:
    return _build(vectors, parse_metric(source.metric), offsets, {}, hooks)


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
    coverage = load_coverage(buffers, rows, vectors.shape[0])
    return FlatIndex(vectors, parse_metric(metadata["metric"]), coverage)


FLAT = Family(
    FAMILY,
    "Exact scan of the covered rows.",
    (),
    None,
    build=_build,
    extend=_extend,
    load=load_flat,
    numbers=NUMBER_METRICS,
    bits=BIT_METRICS,
    sparse=NUMBER_METRICS,
    rank=0,
    rows_min=None,
)
