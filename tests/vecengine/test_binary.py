"""Goal: bit strings are scanned as they are counted one by one, and families of bit strings are those of all vectors.

Method: widths around every step of the counting kernel, rows one after another and anywhere, filters, several queries,
against NumPy; each binary family beside the one whose code it has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from tests.vecengine.test_stored_vectors import bit_vectors
from vecengine.errors import BuildParameterError, DamagedIndex, UnsupportedByFamily
from vecengine.formulas import formula_keys
from vecengine.index import SearchStats
from vecengine.metrics import distances_from_keys, parse_metric

BASES = {"bin_flat": "flat", "bin_hnsw": "hnsw"}
SERVED = [
    (family, metric) for family in BASES for metric in vecengine.metrics_of(family, vecengine.BitVectors)
]


def bits(rows: int, dimensions: int, seed: int = 1) -> Any:
    """(rows, dimensions) booleans of different densities: none, few, half, all, and each tenth row as the one before."""
    rng = np.random.default_rng(seed)
    mask = rng.random((rows, dimensions)) < rng.choice([0, 0.02, 0.3, 0.5, 1], size=(rows, 1))
    mask[10::10] = mask[9:-1:10]
    return mask


@pytest.mark.parametrize("dimensions", [1, 7, 8, 63, 64, 65, 255, 256, 257, 512, 1000, 1024, 4096])
@pytest.mark.parametrize("metric", vecengine.bit_metric_names())
@pytest.mark.parametrize("is_scattered", [False, True])
def test_scans_of_every_width(metric: str, dimensions: int, is_scattered: bool) -> None:
    kind = parse_metric(metric)
    vectors = bit_vectors(bits(150, dimensions), is_scattered=is_scattered)
    queries = bit_vectors(np.concatenate([bits(5, dimensions, seed=2), bits(2, dimensions)]))
    allowed = np.random.default_rng(3).random(150) < 0.5
    keys = np.stack([formula_keys(kind, vectors, query) for query in queries.queries()])
    for mask, given in ((np.ones(150, dtype=bool), None), (allowed, bits_from_mask(allowed))):
        rows = np.flatnonzero(mask)
        order = rows[np.argsort(keys[:, rows], axis=1, kind="stable")]
        expected = distances_from_keys(kind, np.take_along_axis(keys, order, axis=1)).astype(np.float32)
        for k in (1, 10, 200):
            found, offsets = vecengine.exact_search(vectors, queries, k, metric=metric, allowed_bits=given)
            np.testing.assert_array_equal(offsets[:, : rows.size], order[:, :k])
            np.testing.assert_array_equal(found[:, : rows.size], expected[:, :k])
            assert (offsets[:, rows.size :] == -1).all()


@pytest.mark.parametrize(("family", "metric"), SERVED)
def test_a_binary_family_is_its_base_for_bit_strings(family: str, metric: str, tmp_path: Path) -> None:
    vectors, queries = bit_vectors(bits(600, 64)), bit_vectors(bits(5, 64, seed=2))
    offsets = np.arange(0, 600, 2)
    index, base = (
        vecengine.build_index(name, vectors, metric=metric, offsets=offsets)
        for name in (family, BASES[family])
    )
    assert (index.family, base.family) == (family, BASES[family])
    buffers = index.to_buffers()
    for name, buffer in base.to_buffers().items():
        assert name == "metadata" or np.array_equal(buffer, buffers[name])
    loaded = vecengine.load_index(buffers, vectors)
    extended = vecengine.extend_index(loaded, np.arange(600), vectors)
    assert loaded.family == extended.family == family and extended.row_count == 600
    assert bytes(loaded.to_buffers()["metadata"]) == bytes(buffers["metadata"])
    for again in (index, loaded):
        np.testing.assert_array_equal(again.search(queries, 7), base.search(queries, 7))
    faults = vecengine.index_faults(
        buffers, vectors, offsets, family=family, metric=metric, parameters=vecengine.check_build_params(family, {})
    )  # fmt: skip
    assert list(faults) == []
    with pytest.raises(DamagedIndex):
        vecengine.load_index({**buffers, "offsets": offsets[:-1]}, vectors)


@pytest.mark.slow
def test_rows_in_memory_join_a_binary_graph() -> None:
    """What grows has the family's name, finds the nearest, and is built on by the family itself."""
    rng = np.random.default_rng(1)
    mask = (rng.random((10, 96)) < 0.3)[rng.integers(0, 10, 3020)] ^ (rng.random((3020, 96)) < 0.1)
    vectors, queries = bit_vectors(mask[:3000]), bit_vectors(mask[3000:])
    growing = vecengine.families()["bin_hnsw"].growing
    assert growing is not None and vecengine.families()["bin_flat"].growing is None
    graph = growing("jaccard", {"m": 8, "ef_construction": "40"})
    for count in (1500, 2504):
        graph.extend(vectors[:count])
    index, stats = graph.index(vectors), SearchStats()
    assert index is not None and (index.family, index.scanned_rows) == ("bin_hnsw", 496)
    found, _ = index.search(queries, 10, ef_search=60, stats=stats)
    exact, _ = vecengine.exact_search(vectors, queries, 10, metric="jaccard")
    assert stats.strategy == "graph" and (found <= exact[:, -1:]).mean() > 0.95
    covered = graph.covered
    assert covered is not None and covered.family == "bin_hnsw"
    extended = vecengine.extend_index(covered, np.arange(2504), vectors)
    assert (extended.family, extended.row_count) == ("bin_hnsw", 3000)
    with pytest.raises(BuildParameterError):
        growing("jaccard", {"m": 1000})


@pytest.mark.parametrize("family", BASES)
def test_what_binary_families_refuse(family: str) -> None:
    assert vecengine.metrics_of(family, np.ndarray) == ()
    assert vecengine.metrics_of(family, vecengine.BitVectors) == vecengine.metrics_of(
        BASES[family], vecengine.BitVectors
    )
    with pytest.raises(UnsupportedByFamily, match=f'index family "{family}" does not serve metric "l2"'):
        vecengine.build_index(family, np.ones((2, 2), dtype=np.float32), metric="l2")
    with pytest.raises(BuildParameterError, match='unrecognized parameter "quantizer"'):
        vecengine.check_build_params(family, {"quantizer": "none"})


def test_parameters_of_a_graph_go_together() -> None:
    assert vecengine.check_build_params("bin_hnsw", {}) == {"m": 16, "ef_construction": 64}
    with pytest.raises(BuildParameterError, match="ef_construction must be greater"):
        vecengine.check_build_params("bin_hnsw", {"m": 40})
