"""Goal: a graph that is walked by codes answers as one that is walked by vectors, and keeps its codes through everything.

Method: recall beside exact search and beside the graph without codes; extensions, stored forms and damage.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from vecengine.checking import index_faults
from vecengine.compiled import warm_up
from vecengine.errors import DamagedIndex
from vecengine.hnsw.index import HnswIndex

ROWS, DIMENSIONS, K = 3000, 96, 10
METRICS = ("l2", "ip", "cosine")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


def clustered(seed: int, rows: int = ROWS, dimensions: int = DIMENSIONS) -> Any:
    rng = np.random.default_rng(seed)
    basis = rng.standard_normal((12, dimensions))
    return (
        rng.standard_normal((rows, 12)) @ basis + 0.3 * rng.standard_normal((rows, dimensions)) + 1
    ).astype(np.float32)


VECTORS = clustered(1)
QUERIES = clustered(1, ROWS + 100)[ROWS:]


def built(vectors: Any = VECTORS, metric: str = "l2", **options: Any) -> HnswIndex:
    index = vecengine.build_index("hnsw", vectors, metric=metric, m=12, ef_construction=64, **options)
    assert isinstance(index, HnswIndex)
    return index


def recall(index: HnswIndex, vectors: Any, metric: str, ef: int = 60, allowed: Any = None) -> float:
    bits = None if allowed is None else bits_from_mask(allowed)
    found, rows = index.search(QUERIES, K, bits, ef)
    truth, _ = vecengine.exact_search(vectors, QUERIES, K, metric=metric, allowed_bits=bits)
    assert (rows >= 0).all() and (np.diff(found, axis=1) >= 0).all()
    exact = [vecengine.distances(metric, vectors[row], query) for row, query in zip(rows, QUERIES)]
    np.testing.assert_array_equal(found, np.asarray(exact, np.float32), "distances are those of the vectors")
    return float((found <= truth[:, -1:]).mean())


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_recall_is_that_of_a_graph_without_codes(metric: str, kind: Any) -> None:
    vectors = VECTORS.astype(kind)
    coded, plain = built(vectors, metric), built(vectors, metric, quantizer="none")
    assert coded.codes is not None and plain.codes is None
    assert recall(coded, vectors, metric) >= recall(plain, vectors, metric) - 0.01
    allowed = np.random.default_rng(2).random(ROWS) < 0.4
    assert recall(coded, vectors, metric, allowed=allowed) >= 0.95


@pytest.mark.parametrize("metric", METRICS)
def test_some_of_the_rows(metric: str) -> None:
    offsets = np.flatnonzero(np.arange(ROWS) % 3 != 1)
    index = built(VECTORS, metric, offsets=offsets)
    assert index.codes is not None and index.codes.vectors.shape[0] == offsets.size
    mask = np.zeros(ROWS, dtype=bool)
    mask[offsets] = True
    assert recall(index, VECTORS, metric, allowed=mask) >= 0.97


def test_codes_are_for_many_rows_of_many_numbers_under_metrics_of_products() -> None:
    assert built(VECTORS[:400]).codes is None
    assert built(np.ascontiguousarray(VECTORS[:, :48])).codes is None
    assert built(VECTORS, "l1").codes is None
    assert built(np.ones((800, 64), np.float32)).codes is None


def test_the_result_does_not_depend_on_threads() -> None:
    one, two = built(threads=1).to_buffers(), built(threads=3).to_buffers()
    assert one.keys() == two.keys() and {"codes", "code_mean"} <= one.keys()
    for name, buffer in one.items():
        np.testing.assert_array_equal(buffer, two[name], err_msg=name)


@pytest.mark.parametrize("query", [np.full(DIMENSIONS, 1e25, np.float32), np.zeros(DIMENSIONS, np.float32)])
@pytest.mark.parametrize("metric", METRICS)
def test_queries_that_have_no_code(metric: str, query: Any) -> None:
    index = built(VECTORS, metric)
    found, rows = index.search(query[None], K, None, 400)
    truth, expected = vecengine.exact_search(VECTORS, query[None], K, metric=metric)
    if metric == "cosine" and not query.any():
        assert (rows == -1).all() and (expected == -1).all()
    else:
        assert (rows >= 0).all()
        assert np.isinf(truth).all() or (found <= truth[:, -1:]).mean() > 0.8


@pytest.mark.parametrize("metric", METRICS)
def test_an_extension_keeps_the_codebook_while_it_suits(metric: str) -> None:
    source = built(VECTORS, metric)
    moved = np.arange(ROWS)
    moved[::10] = -1
    moved[moved >= 0] = np.arange(np.count_nonzero(moved >= 0))
    vectors = np.concatenate([VECTORS[moved >= 0], clustered(1, ROWS + 900)[ROWS:]])
    extended = vecengine.extend_index(source, moved, vectors)
    assert isinstance(extended, HnswIndex) and extended.codes is not None and source.codes is not None
    assert extended.codes.book is source.codes.book
    np.testing.assert_array_equal(
        extended.codes.vectors.bytes(), source.codes.book.encode(vectors).bytes(), "old and new alike"
    )
    assert recall(extended, vectors, metric) >= 0.97


def test_an_extension_by_rows_that_reach_farther_encodes_all_anew() -> None:
    source = built()
    vectors = np.concatenate([VECTORS, 5 * clustered(7)])
    extended = vecengine.extend_index(source, np.arange(ROWS), vectors)
    assert isinstance(extended, HnswIndex) and extended.codes is not None and source.codes is not None
    assert extended.codes.book.scale > 2 * source.codes.book.scale
    assert recall(extended, vectors, "l2") >= 0.97


def test_extensions_of_graphs_without_codes_gain_them() -> None:
    growing = vecengine.GrowingHnsw("l2", m=12, ef_construction=64)
    growing.extend(VECTORS)
    source = growing.covered
    assert source is not None and source.codes is None
    extended = vecengine.extend_index(source, np.arange(ROWS), VECTORS)
    assert isinstance(extended, HnswIndex) and extended.codes is not None
    assert recall(extended, VECTORS, "l2") >= 0.97


@pytest.mark.parametrize("metric", METRICS)
def test_the_stored_form_brings_back_the_same_answers(metric: str) -> None:
    index = built(VECTORS, metric)
    loaded = vecengine.load_index(index.to_buffers(), VECTORS)
    for ours, theirs in zip(index.search(QUERIES, K), loaded.search(QUERIES, K)):
        np.testing.assert_array_equal(ours, theirs)
    assert loaded.size_bytes == index.size_bytes
    wanted = {"m": 12, "ef_construction": 64, "quantizer": 0}
    assert not list(
        index_faults(index.to_buffers(), VECTORS, None, family="hnsw", metric=metric, parameters=wanted)
    )


def test_codes_of_other_rows_are_found_out() -> None:
    buffers = dict(built().to_buffers())
    codes = buffers["codes"].copy()
    codes[5], codes[6] = buffers["codes"][6], buffers["codes"][5]
    codes[9, -1] ^= 4
    codes[11, 3] ^= 64
    buffers["codes"] = codes
    wanted = {"m": 12, "ef_construction": 64, "quantizer": 0}
    faults = list(index_faults(buffers, VECTORS, None, family="hnsw", metric="l2", parameters=wanted))
    assert faults == ["the codes of 4 rows are not those of their vectors"]


@pytest.mark.parametrize("name", ["codes", "code_mean"])
def test_damage(name: str) -> None:
    buffers = dict(built().to_buffers())
    del buffers[name]
    with pytest.raises(DamagedIndex, match=f'"{name}" is missing'):
        vecengine.load_index(buffers, VECTORS)
    buffers = dict(built().to_buffers())
    buffers[name] = buffers[name][:-1]
    with pytest.raises(DamagedIndex, match=f'"{name}" is'):
        vecengine.load_index(buffers, VECTORS)
