"""A searchable HNSW graph over vectors it does not own."""

from __future__ import annotations

import os
from collections.abc import Mapping

from foundation.bitset import Bitset
from vecengine.arrays import CancelWord, Queries, check_allowed, check_vectors
from vecengine.buffers import (
    METADATA,
    Metadata,
    check_matches,
    decode_metadata,
    encode_metadata,
    read_file,
    take_integer,
    take_member,
)
from vecengine.compiled import kernels
from vecengine.coverage import Coverage
from vecengine.exact import kernel_space
from vecengine.flat import load_coverage
from vecengine.graph_index import BUDGET_LEAST, GraphIndex
from vecengine.hnsw.codes import GraphCodes, load_codes
from vecengine.hnsw.curve import RecallCurve, curve_from_json
from vecengine.hnsw.graph import GraphArrays, GraphShape, load_graph
from vecengine.hnsw.parameters import PQ_M, REFINE_K, HnswParameters, Provider, Quantizer
from vecengine.hnsw.repeated import RepeatedSearch
from vecengine.hnsw.search import GraphAnswer, GraphRequest, GraphSpace, run_search
from vecengine.hnsw.table_codes import load_table_codes
from vecengine.hnsw.walking import WalkedRows
from vecengine.index import Buffers
from vecengine.ivf.parameters import CODE_BITS
from vecengine.metrics import Metric, Vectors, parse_metric
from vecengine.nearest_rows import NearestRowsBase, Wanted

FAMILY = "hnsw"
_M_MAX = 100
_EF_CONSTRUCTION_MAX = 1000
_LEVEL_MAX = 64


class HnswIndex(GraphIndex):
    """See `vecengine.index.VectorIndex`."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        graph: GraphArrays,
        parameters: HnswParameters,
        *,
        curve: RecallCurve,
        codes: GraphCodes | None = None,
    ) -> None:
        super().__init__(vectors, metric, coverage, curve)
        self._graph = graph
        self._parameters = parameters
        self._codes = codes
        self._target = GraphSpace(kernel_space(metric, vectors), graph, coverage.offsets, codes)

    @property
    def size_bytes(self) -> int:
        codes = 0 if self._codes is None else self._codes.size_bytes
        return int(self._graph.size_bytes + self._coverage.offsets.nbytes + codes)

    @property
    def parameters(self) -> HnswParameters:
        return self._parameters

    @property
    def graph(self) -> GraphArrays:
        """Its links, to be read only."""
        return self._graph

    @property
    def codes(self) -> GraphCodes | None:
        """What it is walked by, None when that is the vectors themselves."""
        return self._codes

    @property
    def target(self) -> GraphSpace:
        """Graph and vectors as the search kernel takes them."""
        return self._target

    def repeated(self, k: int, allowed_bits: Bitset | None, ef_search: int) -> RepeatedSearch | None:
        """`search` for one query after the other, with the same rows allowed; None where it would scan them."""
        allowed_bits = check_allowed(allowed_bits, self._vectors.shape[0])
        _, allowed_count = self._coverage.narrow(allowed_bits)
        width = min(k, allowed_count)
        beam = max(ef_search, width, 1)
        if not width or kernels() is None or allowed_count <= self._walk_cost(beam, allowed_count):
            return None
        selectivity = allowed_count / self.row_count
        return RepeatedSearch(
            self,
            width,
            allowed_bits if selectivity < 1 else None,
            allowed_count=allowed_count,
            beam=beam,
            expected_distances=self.curve.distances_of(beam, selectivity),
        )

    def _nearest_rows(self, wanted: Wanted, query: Queries, ef_search: int) -> NearestRowsBase:
        compiled = kernels()
        assert compiled is not None
        return WalkedRows(
            wanted,
            compiled,
            self._target,
            ef_search=ef_search,
            allowed_bits=wanted.bits if wanted.allowed_count < self.row_count else None,
            budget=self._walk_budget(wanted.allowed_count),
        )

    def _walk_budget(self, allowed_count: int) -> int:
        """Distances after which a walk has cost about as much as the scan that would have given all rows."""
        cost = self._distance_cost(allowed_count / max(1, self.row_count))
        return BUDGET_LEAST + int(allowed_count / (1.0 + cost))

    def _numbers(self) -> Mapping[str, float]:
        graph = self._graph
        return {
            "levels": float(graph.level_max + 1),
            "mean_links": float((graph.links >= 0).sum() / max(1, self.row_count)),
        }

    def _run(self, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        compiled = kernels()
        assert compiled is not None
        return run_search(compiled, self._target, request, cancel)

    def _distance_cost(self, selectivity: float) -> float:
        return self._target.distance_cost(selectivity)

    def to_buffers(self) -> Buffers:
        graph = self._graph
        metadata = encode_metadata(
            self.family,
            self.metric,
            self._vectors,
            rows=self.row_count,
            m=self._parameters.m,
            ef_construction=self._parameters.ef_construction,
            upper_count=graph.upper_links.shape[0],
            entry=graph.entry,
            level_max=graph.level_max,
            curve=self.curve.to_json(),
            quantizer=self._parameters.quantizer.name.lower(),
            refine_k=self._parameters.refine_k,
            provider=self._parameters.provider.name.lower(),
            **self._piece_fields(),
            **({} if self._codes is None else self._codes.metadata()),
        )
        codes = {} if self._codes is None else self._codes.to_buffers()
        return {METADATA: metadata, "offsets": self._coverage.offsets, **graph.to_buffers(), **codes}

    def _piece_fields(self) -> Metadata:
        """What metadata says of product codes."""
        parameters = self._parameters
        if parameters.quantizer is not Quantizer.PQ:
            return {}
        return {PQ_M.name: parameters.pq_m, CODE_BITS.name: parameters.nbits}

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> HnswIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_hnsw(read_file(path), check_vectors(vectors))


def _pieces(metadata: Metadata, quantizer: Quantizer) -> tuple[int, int]:
    """Parameters `pq_m` and `nbits` of stored product codes; of other graphs the defaults. Raises DamagedIndex (XX002)."""
    if quantizer is not Quantizer.PQ:
        return PQ_M.default, CODE_BITS.default
    pieces = take_integer(metadata, PQ_M.name, PQ_M.minimum, PQ_M.maximum)
    return pieces, take_integer(metadata, CODE_BITS.name, CODE_BITS.minimum, CODE_BITS.maximum)


def load_hnsw(buffers: Buffers, vectors: Vectors) -> HnswIndex:
    """Take back the buffers of a graph. Reads every link once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    m = take_integer(metadata, "m", 2, _M_MAX)
    ef_construction = take_integer(metadata, "ef_construction", 2 * m, _EF_CONSTRUCTION_MAX)
    # Files from before there was a choice of these have none of them.
    quantizer = take_member(metadata, "quantizer", Quantizer.SQ8)
    parameters = HnswParameters(
        m,
        ef_construction,
        quantizer,
        0 if "refine_k" not in metadata else take_integer(metadata, "refine_k", 0, REFINE_K.maximum),
        take_member(metadata, "provider", Provider.OWN),
        *_pieces(metadata, quantizer),
    )
    coverage = load_coverage(buffers, rows, vectors.shape[0])
    codes: GraphCodes | None = load_table_codes(buffers, metadata, metric, coverage, parameters)
    if codes is None:
        codes = load_codes(buffers, metadata, metric, coverage, parameters.refined)
    shape = GraphShape(
        nodes=rows,
        m=m,
        upper_count=take_integer(metadata, "upper_count", 0, rows * _LEVEL_MAX),
        entry=take_integer(metadata, "entry", 0 if rows else -1, max(-1, rows - 1)),
        level_max=take_integer(metadata, "level_max", 0, _LEVEL_MAX),
        has_norms=metric is Metric.COSINE and (codes is None or codes.needs_norms),
    )
    graph = load_graph(buffers, shape)
    curve = curve_from_json(metadata.get("curve"))
    return HnswIndex(vectors, metric, coverage, graph, parameters, curve=curve, codes=codes)
