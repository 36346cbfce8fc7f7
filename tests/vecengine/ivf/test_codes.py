"""Goal: lists of codes find what their codes say, rerank it, and are complete, kept by extensions and checked when loaded.

Method: the order of the kernel's candidates against float64 keys of decoded rows; recall against brute force; hostile numbers.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from tests.vecengine.ivf.test_build import clusters, moved, probed, recall
from vecengine.codes import CodeVectors
from vecengine.codes_blocks import BlockBook
from vecengine.codes_product import ProductBook
from vecengine.codes_short import ShortBook
from vecengine.errors import BuildParameterError, DamagedIndex, DistanceBudgetSpent
from vecengine.ivf.index import ListIndex
from vecengine.ivf.kinds import ScalarBook

METRICS = ("l2", "ip", "cosine")
KINDS: dict[str, dict[str, Any]] = {
    "ivf_sq8": {},
    "ivf_sq8 of 6 bits": {"nbits": 6},
    "ivf_sq8 of 4 bits": {"nbits": 4},
    "ivf_pq": {},
    "ivf_pq of few bits": {"m": 24, "nbits": 5},
    "ivf_rabitq": {},
    "scann": {},
    "scann of few pieces": {"m": 5},
}
ROWS = 2000
CODED = [(kind, metric) for kind in KINDS for metric in METRICS]


def coded(kind: str, vectors: Any, metric: str, **others: Any) -> ListIndex:
    parameters = {"lists": 20, **KINDS[kind], **others}
    index = vecengine.build_index(kind.split()[0], vectors, metric=metric, **parameters)
    assert isinstance(index, ListIndex)
    return probed(index)


@pytest.fixture(scope="module")
def built() -> dict[tuple[str, str], ListIndex]:
    vectors = clusters(ROWS, 24)
    return {(kind, metric): coded(kind, vectors, metric) for kind, metric in CODED}


def decoded(index: ListIndex) -> Any:
    """(n, d) float64 that codes stand for, in the order of the lists; under cosine about of length one."""
    codes = index.codes
    assert codes is not None
    if isinstance(codes.book, ScalarBook):
        assert isinstance(codes.vectors, CodeVectors)
        return codes.book.book.decode(codes.vectors).astype(np.float64)
    _, lists = index.lists.assignment()
    centres: Any = index.lists.centroids
    if isinstance(codes.book, ShortBook):
        relative = codes.book.decode(codes.book.wrap(codes.data()).integers())
    else:
        assert isinstance(codes.book, ProductBook)
        relative = codes.book.decode(codes.book.wrap(codes.data()).codes())
    return relative.astype(np.float64) + (centres * codes.scales[:, None])[lists]


def expected_keys(metric: str, query: Any, rows: Any) -> Any:
    query = query.astype(np.float64)
    if metric == "ip":
        return -rows @ query
    if metric == "cosine":
        query = query / np.linalg.norm(query)
    squares = ((rows - query) ** 2).sum(axis=1)
    return squares if metric == "l2" else squares / 2


def rounding(index: ListIndex, query: Any) -> float:
    """By how much two keys may change places because the tables of a query are rounded to bytes, half a step a piece each."""
    assert index.codes is not None
    book = index.codes.book
    if not isinstance(book, BlockBook):
        return 0.0
    step = book.query_tables(query[None].astype(np.float32))[0, 2]
    return float(step * book.pieces)


@pytest.mark.parametrize(("kind", "metric"), [one for one in CODED if one[0] != "ivf_rabitq"])
def test_candidates_are_the_nearest_of_the_decoded_rows(
    built: dict[tuple[str, str], ListIndex], kind: str, metric: str
) -> None:
    index = built[kind, metric]
    allowed = np.random.default_rng(1).random(ROWS) < 0.5
    rows = decoded(index)
    for query in clusters(5, 24, seed=3):
        found = index.nearest_by_codes(query[None], 10, bits_from_mask(allowed), None).candidates
        keys = np.full(ROWS, np.inf)
        keys[index.lists.rows] = expected_keys(metric, query, rows)
        keys[~allowed] = np.inf
        assert found.size == 10 * index.parameters.refine_k
        near = 1e-3 + rounding(index, query)
        np.testing.assert_allclose(keys[found], np.sort(keys)[: found.size], rtol=1e-3, atol=near)


@pytest.mark.parametrize(("kind", "metric"), CODED)
def test_recall_and_exact_distances(built: dict[tuple[str, str], ListIndex], kind: str, metric: str) -> None:
    vectors, queries = clusters(ROWS, 24), clusters(100, 24, seed=4)
    index = built[kind, metric]
    assert recall(index, vectors, queries, 20) > 0.97
    stats = vecengine.SearchStats()
    found, offsets = index.search(queries, 10, ef_search=4, stats=stats)
    for query, values, rows in zip(queries, found, offsets, strict=True):
        exact = vecengine.distances(metric, vectors, query)[rows]
        np.testing.assert_array_equal(values, exact.astype(np.float32))
    assert stats.strategy == "lists" and stats.expansions >= 400 and stats.completed_exactly == 0
    assert stats.reranked == 100 * 10 * index.parameters.refine_k


@pytest.mark.parametrize(("kind", "metric"), CODED)
def test_answers_are_complete(built: dict[tuple[str, str], ListIndex], kind: str, metric: str) -> None:
    index, queries = built[kind, metric], clusters(3, 24, seed=5)
    mask = np.random.default_rng(6).random(ROWS) < 0.02
    allowed = int(mask.sum())
    for bits, rows in ((None, ROWS), (bits_from_mask(mask), allowed), (bits_from_mask(mask & False), 0)):
        for k in (0, 1, allowed - 1, allowed, ROWS + 5):
            _, offsets = index.search(queries, k, bits, ef_search=1)
            assert ((offsets >= 0).sum(axis=1) == min(k, rows)).all()
            assert all(len(set(row.tolist())) == row.size for row in (row[row >= 0] for row in offsets))


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_nothing(kind: str) -> None:
    vectors = clusters(ROWS, 24)
    alone, together = (coded(kind, vectors, "cosine", threads=count).to_buffers() for count in (1, 3))
    for name, buffer in alone.items():
        np.testing.assert_array_equal(buffer, together[name], name)


@pytest.mark.parametrize(("kind", "metric"), CODED)
def test_extensions_keep_the_codes_of_rows_that_stay(kind: str, metric: str) -> None:
    vectors = clusters(ROWS, 24)
    source = coded(kind, vectors, metric)
    kept, moved_to = moved(vectors, np.random.default_rng(7).choice(ROWS, 150, replace=False))
    both = np.concatenate([kept, clusters(150, 24, seed=8)])
    extended: Any = vecengine.extend_index(source, moved_to, both)
    assert (
        source.codes is not None and extended.codes is not None and extended.codes.book is source.codes.book
    )
    before = dict(zip(moved_to[source.lists.rows].tolist(), source.codes.data().tolist(), strict=True))
    after = dict(zip(extended.lists.rows.tolist(), extended.codes.data().tolist(), strict=True))
    assert all(after[row] == before[row] for row in range(len(kept)))
    # Encoded together or apart, rows have the same codes.
    whole = extended.codes.book.encode(both, extended.lists.rows, centres=_centres_of(extended))
    np.testing.assert_array_equal(whole.data, extended.codes.data().reshape(-1))
    assert recall(probed(extended), both, clusters(100, 24, seed=9), 20) > 0.97
    anew: Any = vecengine.extend_index(source, moved_to, np.concatenate([both, clusters(ROWS, 24, seed=10)]))
    assert anew.codes.book is not source.codes.book and anew.row_count == 2 * ROWS


def _centres_of(index: ListIndex) -> Any:
    from vecengine.residuals import Centres

    assert index.codes is not None
    centroids: Any = index.lists.centroids
    if not index.codes.scales.size:
        return None
    return Centres(centroids * index.codes.scales[:, None], index.lists.assignment()[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
def test_numbers_that_codes_cannot_hold(kind: str, metric: str) -> None:
    vectors = clusters(800, 24)
    vectors[3], vectors[5] = np.float32(1e25), 0
    index = coded(kind, vectors, metric)
    queries = np.concatenate([vectors[10:13], np.zeros((1, 24), np.float32), vectors[3:4]])
    found, offsets = index.search(queries, 800, ef_search=3)
    truth, rows = vecengine.exact_search(vectors, queries, 800, metric=metric)
    np.testing.assert_array_equal(found, truth)
    np.testing.assert_array_equal(offsets, rows)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0, 1e25, 1e-25])
def test_rows_without_a_use_for_codes_are_lists_of_vectors(kind: str, factor: float) -> None:
    vectors = clusters(800, 24) * np.float32(factor)
    index = coded(kind, vectors, "l2")
    assert index.codes is None
    loaded: Any = vecengine.load_index(index.to_buffers(), vectors)
    assert loaded.codes is None and (loaded.search(vectors[:2], 800)[1] >= 0).all()


def test_equal_rows() -> None:
    vectors = np.tile(clusters(5, 6), (200, 1))
    for kind in KINDS:
        index = coded(kind, vectors, "l2", **({"m": 3} if "m" in KINDS[kind] else {}))
        found, offsets = index.search(vectors[:5], 250, ef_search=1)
        truth, _ = vecengine.exact_search(vectors, vectors[:5], 250, metric="l2")
        assert (offsets >= 0).all()
        np.testing.assert_array_equal(found[:, :200], truth[:, :200])


@pytest.mark.parametrize("kind", KINDS)
def test_the_curve_knows_what_codes_lose(kind: str) -> None:
    vectors = clusters(ROWS, 24)
    exact = coded(kind, vectors, "l2", refine_k=30).curve
    coarse = coded(kind, vectors, "l2", refine_k=1)
    assert (coarse.curve.recall <= exact.recall + 1e-9).all()
    queries = clusters(300, 24, seed=11)
    promised = coarse.recall_of(20, 10, ROWS)
    assert abs(recall(coarse, vectors, queries, 20) - promised) < 0.06
    strategies = [estimate.strategy for estimate in coarse.estimate(10, ROWS, 0.9999)]
    assert strategies == ["exact"] or promised > 0.998


@pytest.mark.parametrize("kind", KINDS)
def test_cancel_and_budget(built: dict[tuple[str, str], ListIndex], kind: str) -> None:
    index, token = built[kind, "l2"], CancelToken()
    token.cancel()
    queries = clusters(2, 24, seed=12)
    with pytest.raises(QueryCanceled):
        index.search(queries, 10, cancel=token.word)
    with pytest.raises(DistanceBudgetSpent):
        index.search(queries, 10, ef_search=20, distance_budget=100)
    with pytest.raises(QueryCanceled):
        coded(kind, clusters(ROWS, 24), "l2", cancel=token.word)


def with_metadata(index: ListIndex, **fields: Any) -> dict[str, Any]:
    buffers = dict(index.to_buffers())
    metadata = {**json.loads(buffers["metadata"].tobytes()), **fields}
    return {**buffers, "metadata": np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)}


@pytest.mark.parametrize("kind", KINDS)
def test_damage(built: dict[tuple[str, str], ListIndex], kind: str) -> None:
    index, vectors = built[kind, "l2"], clusters(ROWS, 24)
    buffers = index.to_buffers()
    book = next(name for name in buffers if name in ("code_mean", "code_words"))
    damages = [
        ({**buffers, "codes": buffers["codes"][:-1]}, '"codes" is'),
        ({**buffers, book: buffers[book] * np.float32(np.nan)}, "not finite"),
        ({**buffers, "code_scales": np.zeros(7, np.float32)}, '"code_scales" is'),
        ({name: buffer for name, buffer in buffers.items() if name != "codes"}, "missing"),
        (with_metadata(index, is_coded=1), '"is_coded" is 1'),
        (with_metadata(index, refine_k=0), '"refine_k" is 0'),
    ]
    for damaged, message in damages:
        with pytest.raises(DamagedIndex, match=message):
            vecengine.load_index(damaged, vectors)


def test_more_pieces_than_dimensions() -> None:
    with pytest.raises(BuildParameterError, match='value 25 out of bounds for option "m"'):
        coded("ivf_pq", clusters(ROWS, 24), "l2", m=25)
