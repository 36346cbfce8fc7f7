"""A searchable Vamana graph whose links and vectors are read from where they are mapped."""

from __future__ import annotations

import os
from dataclasses import asdict

import numpy as np

from vecengine.arrays import CancelWord, check_vectors
from vecengine.buffers import (
    METADATA,
    Metadata,
    check_matches,
    check_range,
    decode_metadata,
    encode_metadata,
    read_file,
    take_array,
    take_integer,
)
from vecengine.codes_product import ProductVectors, load_product_book, product_bytes
from vecengine.compiled import kernels
from vecengine.coverage import Coverage
from vecengine.diskann.parameters import PARAMETERS, DiskannParameters
from vecengine.diskann.search import LinkedNodes, PagedSpace, RowCodes
from vecengine.errors import DamagedIndex
from vecengine.flat import load_coverage
from vecengine.graph_index import GraphIndex
from vecengine.hnsw.curve import RecallCurve, curve_from_json
from vecengine.hnsw.search import GraphAnswer, GraphRequest
from vecengine.hnsw.strategy import graph_distance_cost
from vecengine.index import Buffers
from vecengine.metrics import Metric, Vectors, parse_metric

FAMILY = "diskann"
CODE_BITS = 8
METRICS = (Metric.L2, Metric.IP, Metric.COSINE)
"""Product codes are sums of products: absolute differences would need another book."""

_PIECE_NS = 1.0
"""What a code of a byte adds to a step: 20,000 rows of 384 dimensions at a beam of 320 took 108 ns a distance with 48, 155 with 96."""


class WalkedNodes:
    """A graph and what it is walked by."""

    def __init__(self, nodes: LinkedNodes, codes: RowCodes) -> None:
        self.nodes = nodes
        self.codes = codes

    def to_buffers(self) -> Buffers:
        return {
            "links": self.nodes.links,
            "linked": self.nodes.linked,
            "codes": self.codes.vectors.bytes(),
            **self.codes.book.to_buffers(),
        }


class DiskannIndex(GraphIndex):
    """See `vecengine.index.VectorIndex`. Without a graph, over few rows or such that have no codes, every search is a scan."""

    family = FAMILY

    def __init__(
        self,
        vectors: Vectors,
        metric: Metric,
        coverage: Coverage,
        parameters: DiskannParameters,
        walked: WalkedNodes | None,
        *,
        curve: RecallCurve,
    ) -> None:
        super().__init__(vectors, metric, coverage, curve)
        self._parameters = parameters
        self._walked = walked
        self._target = None
        if walked is not None:
            self._target = PagedSpace(
                metric,
                vectors,
                coverage.offsets,
                walked.nodes,
                walked.codes,
                width=parameters.beam_width,
                refine_k=parameters.refine_k,
            )

    @property
    def size_bytes(self) -> int:
        buffers = {} if self._walked is None else self._walked.to_buffers()
        return int(self._coverage.offsets.nbytes + sum(buffer.nbytes for buffer in buffers.values()))

    @property
    def parameters(self) -> DiskannParameters:
        return self._parameters

    @property
    def walked(self) -> WalkedNodes | None:
        """Its graph and codes, to be read only."""
        return self._walked

    def _run(self, request: GraphRequest, cancel: CancelWord | None) -> GraphAnswer:
        compiled = kernels()
        assert compiled is not None and self._target is not None
        return self._target.walk(compiled, request, cancel)

    def _distance_cost(self, selectivity: float) -> float:
        return walked_distance_cost(self._parameters, self.dimensions, selectivity)

    def to_buffers(self) -> Buffers:
        metadata = encode_metadata(
            FAMILY,
            self.metric,
            self._vectors,
            rows=self.row_count,
            nodes=0 if self._walked is None else self.row_count,
            entry=-1 if self._walked is None else self._walked.nodes.entry,
            parameters=asdict(self._parameters),
            curve=self.curve.to_json(),
        )
        walked = {} if self._walked is None else self._walked.to_buffers()
        return {METADATA: metadata, "offsets": self._coverage.offsets, **walked}

    @classmethod
    def load(cls, path: str | os.PathLike[str], vectors: Vectors) -> DiskannIndex:
        """Read a file written by `save`, for the vectors it was built on."""
        return load_diskann(read_file(path), check_vectors(vectors))


def walked_distance_cost(parameters: DiskannParameters, dimensions: int, selectivity: float) -> float:
    """Time of a distance by product codes in a walk over one in a scan, all pages in memory; see `vecengine.hnsw.strategy`."""
    return graph_distance_cost(
        selectivity, dimensions, _PIECE_NS * parameters.pieces(dimensions) / dimensions
    )


def load_diskann(buffers: Buffers, vectors: Vectors) -> DiskannIndex:
    """Take back the buffers of an index. Reads every link once, to check it.

    Raises:
        DamagedIndex: XX002.
    """
    metadata = decode_metadata(buffers)
    check_matches(metadata, vectors)
    metric = parse_metric(metadata["metric"])
    if metric not in METRICS:
        raise DamagedIndex(f'index family "{FAMILY}" does not serve metric "{metadata["metric"]}"')
    rows = take_integer(metadata, "rows", 0, vectors.shape[0])
    nodes = take_integer(metadata, "nodes", 0, rows)
    parameters = _take_parameters(metadata)
    coverage = load_coverage(buffers, rows, vectors.shape[0])
    curve = curve_from_json(metadata.get("curve"))
    if not nodes:
        return DiskannIndex(vectors, metric, coverage, parameters, None, curve=curve)
    take_integer(metadata, "nodes", rows, rows)
    walked = WalkedNodes(
        _take_nodes(buffers, metadata, nodes, parameters.max_degree),
        _take_codes(buffers, metric, nodes, vectors.shape[1], parameters),
    )
    return DiskannIndex(vectors, metric, coverage, parameters, walked, curve=curve)


def _take_parameters(metadata: Metadata) -> DiskannParameters:
    stored = metadata.get("parameters")
    values = stored if isinstance(stored, dict) else {}
    known = {info.name: take_integer(values, info.name, info.minimum, info.maximum) for info in PARAMETERS}
    return DiskannParameters(**known)


def _take_nodes(buffers: Buffers, metadata: Metadata, nodes: int, width: int) -> LinkedNodes:
    links = take_array(buffers, "links", np.int32, (nodes, width))
    linked = take_array(buffers, "linked", np.uint8, (nodes,))
    check_range("links", links, -1, nodes - 1)
    check_range("linked", linked, 0, width)
    return LinkedNodes(links, linked, take_integer(metadata, "entry", 0, nodes - 1))


def _take_codes(
    buffers: Buffers, metric: Metric, nodes: int, dimensions: int, parameters: DiskannParameters
) -> RowCodes:
    pieces = parameters.pieces(dimensions)
    book = load_product_book(buffers, metric, dimensions, pieces, CODE_BITS)
    data = take_array(buffers, "codes", np.uint8, (nodes, product_bytes(pieces, CODE_BITS)))
    return RowCodes(book, ProductVectors(data, pieces, CODE_BITS))
