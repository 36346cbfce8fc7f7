"""Goal: a graph that is walked by numbers of 16 bits, float16 or bfloat16, answers as one that is walked by its vectors, whatever rows it covers.

Method: recall beside exact search for every metric, filters, some of the rows, extensions; vectors that such numbers cannot say;
stored forms and damage.
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
from vecengine.hnsw.codes import NumberCodes
from vecengine.hnsw.index import HnswIndex

ROWS, DIMENSIONS, K = 2500, 80, 10
BEAM = 60
METRICS = ("l2", "ip", "cosine", "l1")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


def clustered(rows: int) -> Any:
    rng = np.random.default_rng(1)
    basis = rng.standard_normal((12, DIMENSIONS))
    return (rng.standard_normal((rows, 12)) @ basis + 1).astype(np.float32)


VECTORS, QUERIES = clustered(ROWS + 60)[:ROWS], clustered(ROWS + 60)[ROWS:]


def built(
    vectors: Any = VECTORS, metric: str = "l2", *, quantizer: str = "fp16", **options: Any
) -> HnswIndex:
    index = vecengine.build_index("hnsw", vectors, metric=metric, m=12, quantizer=quantizer, **options)
    assert isinstance(index, HnswIndex)
    return index


def recall(index: Any, vectors: Any, allowed: Any = None) -> float:
    bits = None if allowed is None else bits_from_mask(allowed)
    stats = vecengine.SearchStats()
    found, rows = index.search(QUERIES, K, bits, BEAM, stats=stats)
    truth, _ = vecengine.exact_search(vectors, QUERIES, K, metric=index.metric, allowed_bits=bits)
    exact = [vecengine.distances(index.metric, vectors[row], query) for row, query in zip(rows, QUERIES)]
    np.testing.assert_array_equal(found, np.asarray(exact, np.float32), "distances are those of the vectors")
    reranked = min(index.parameters.refined * K, BEAM)
    assert stats.strategy == "exact" or stats.reranked == reranked * len(QUERIES)
    return float((found <= truth[:, -1:]).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("quantizer", "metric"), [*(("fp16", metric) for metric in METRICS), ("bf16", "l2"), ("bf16", "cosine")]
)
def test_recall(quantizer: str, metric: str) -> None:
    index = built(metric=metric, quantizer=quantizer)
    assert isinstance(index.codes, NumberCodes) and index.codes.size_bytes == VECTORS.nbytes // 2
    assert recall(index, VECTORS) >= 0.98
    assert recall(index, VECTORS, np.random.default_rng(2).random(ROWS) < 0.4) >= 0.96


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_some_of_the_rows_and_an_extension_over_others(metric: str) -> None:
    vectors = VECTORS.copy()
    vectors[7] = 0
    covered = np.arange(ROWS) % 3 != 1
    quantizer = "fp16" if metric == "l2" else "bf16"
    source = built(vectors, metric, offsets=np.flatnonzero(covered), quantizer=quantizer)
    is_in = covered & (np.arange(ROWS) != 7) if metric == "cosine" else covered
    assert isinstance(source.codes, NumberCodes) and len(source.codes.numbers) == is_in.sum()
    assert recall(source, vectors, is_in) >= 0.97
    extended = vecengine.extend_index(source, np.arange(ROWS), vectors)
    assert recall(extended, vectors) >= 0.97
    again = vecengine.load_index(source.to_buffers(), vectors)
    np.testing.assert_array_equal(again.search(QUERIES, K)[1], source.search(QUERIES, K)[1])
    assert again.size_bytes == source.size_bytes


@pytest.mark.parametrize(
    ("vectors", "why"),
    [
        (VECTORS[:400], "few rows"),
        (np.ascontiguousarray(VECTORS[:, :40]), "few dimensions"),
        (VECTORS.astype(np.float16), "as small already"),
        (VECTORS[:700] * np.float32(1e5), "beyond the largest"),
        (VECTORS[:700] * np.float32(1e-8), "below the smallest"),
        (VECTORS[:700] * np.float32(1e-3) + np.float32(100), "too far from zero"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_codes_where_they_would_not_serve(vectors: Any, why: str) -> None:
    assert built(vectors).codes is None, why


def test_queries_beyond_the_largest_number_and_without_direction() -> None:
    index = built(VECTORS[:1500], "cosine")
    large = QUERIES[:1] * np.float32(1e6)
    assert (index.search(large, K)[1] >= 0).all()
    assert (index.search(np.zeros_like(large), K)[1] == -1).all()


def test_refine_k_says_how_many_are_reranked() -> None:
    index = built(VECTORS[:1500], refine_k=3)
    stats = vecengine.SearchStats()
    index.search(QUERIES, K, None, 60, stats=stats)
    assert stats.strategy == "graph" and stats.reranked == 3 * K * len(QUERIES)
    loaded = vecengine.load_index(index.to_buffers(), VECTORS[:1500])
    loaded.search(QUERIES, K, None, 60, stats=stats)
    assert stats.reranked == 6 * K * len(QUERIES)


def test_the_data_check_and_damage() -> None:
    vectors = VECTORS[:800]
    buffers = dict(built(vectors).to_buffers())
    wanted = {"m": 12, "ef_construction": 64, "quantizer": 2, "refine_k": 0, "provider": 0}

    def faults() -> list[str]:
        return list(index_faults(buffers, vectors, None, family="hnsw", metric="l2", parameters=wanted))

    assert faults() == []
    codes = buffers["codes"].copy()
    codes[3, 5] += 1
    whole, buffers["codes"] = buffers["codes"], codes
    assert faults() == ["the codes of 1 rows are not those of their vectors"]
    buffers["codes"] = whole[:-1]
    with pytest.raises(DamagedIndex, match='"codes" is'):
        vecengine.load_index(buffers, vectors)
    del buffers["codes"]
    with pytest.raises(DamagedIndex, match='"codes" is missing'):
        vecengine.load_index(buffers, vectors)
