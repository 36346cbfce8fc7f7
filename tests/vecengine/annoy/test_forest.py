"""Goal: a forest finds what its curve promises, answers completely whatever the filter, and survives extension, storage and damage.

Method: brute force as oracle, with clusters, duplicates, NaN, zero vectors and tiny sets; every buffer damaged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from vecengine.annoy.forest import ForestArrays, join_trees
from vecengine.annoy.index import AnnoyIndex
from vecengine.checking import index_faults
from vecengine.compiled import warm_up
from vecengine.errors import BuildParameterError, DamagedIndex, UnsupportedByFamily

ROWS, DIMENSIONS, K = 3000, 24, 10
METRICS = ("l2", "ip", "cosine", "l1")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


def clustered(rows: int) -> Any:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(30, DIMENSIONS))
    return (centres[rng.integers(0, 30, rows)] + 0.4 * rng.normal(size=(rows, DIMENSIONS))).astype(np.float32)


VECTORS, QUERIES = clustered(ROWS + 100)[:ROWS], clustered(ROWS + 100)[ROWS:]


def built(vectors: Any = VECTORS, metric: str = "l2", **options: Any) -> AnnoyIndex:
    index = vecengine.build_index("annoy", vectors, metric=metric, **{"leaf_rows": 40, **options})
    assert isinstance(index, AnnoyIndex)
    return index


def walked(index: AnnoyIndex) -> AnnoyIndex:
    """The same forest with a cost that never prefers the scan."""
    index._walk_cost = lambda beam, allowed_count: 0.0  # type: ignore[method-assign]
    return index


def recall(index: AnnoyIndex, vectors: Any, search_k: int, allowed: Any = None) -> float:
    bits = None if allowed is None else bits_from_mask(allowed)
    found, rows = index.search(QUERIES, K, bits, search_k)
    truth, _ = vecengine.exact_search(vectors, QUERIES, K, metric=index.metric, allowed_bits=bits)
    assert (np.diff(found, axis=1) >= 0).all() and (rows >= 0).all()
    if allowed is not None:
        assert allowed[rows].all()
    exact = [vecengine.distances(index.metric, vectors[row], query) for row, query in zip(rows, QUERIES)]
    np.testing.assert_array_equal(found, np.asarray(exact, np.float32))
    return float((found <= truth[:, -1:]).mean())


def assert_whole(forest: ForestArrays, nodes: int) -> None:
    for tree in forest.trees():
        np.testing.assert_array_equal(np.sort(tree.leaf_nodes), np.arange(nodes))
    np.testing.assert_array_equal(forest.children, join_trees(forest.trees()).children)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "kind"), [*((metric, np.float32) for metric in METRICS), ("l2", np.float16)]
)
def test_recall_is_what_the_curve_promises(metric: str, kind: Any) -> None:
    vectors = VECTORS.astype(kind)
    index = walked(built(vectors, metric))
    assert_whole(index.forest, ROWS)
    for search_k in (200, 500, 1000):
        assert abs(recall(index, vectors, search_k) - index.recall_of(search_k, K, ROWS)) < 0.06
    assert recall(index, vectors, 1000) > 0.85
    assert recall(index, vectors, ROWS) == 1.0


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 1 / ROWS])
def test_filters(share: float) -> None:
    index = walked(built())
    allowed = np.random.default_rng(4).random(ROWS) < share
    allowed[17] = True
    bits = bits_from_mask(allowed)
    _, rows = index.search(QUERIES, K, bits, 100)
    assert ((rows >= 0).sum(axis=1) == min(K, allowed.sum())).all() and allowed[rows[rows >= 0]].all()
    if allowed.sum() >= K:
        assert recall(index, VECTORS, 300, allowed) > 0.6
    assert not (index.search(QUERIES, K, bits_from_mask(np.zeros(ROWS, dtype=bool)))[1] >= 0).any()


@pytest.mark.parametrize("metric", METRICS)
def test_planes_divide_as_the_formula_says(metric: str) -> None:
    """Every node lies in each leaf on the sides that its margins say."""
    index = built(VECTORS[:600], metric, trees=2)
    members = VECTORS[:600].astype(float)
    if metric == "ip":
        squares = (members**2).sum(axis=1)
        members = np.column_stack([members, np.sqrt(squares.max() - squares)])
    for tree in index.forest.trees():
        ends = np.repeat(np.arange(tree.leaf_starts.size - 1), np.diff(tree.leaf_starts))
        leaf_of = np.empty(600, dtype=int)
        leaf_of[tree.leaf_nodes] = ends
        margins = members @ tree.normals.T.astype(float) + tree.offsets
        np.testing.assert_allclose(np.linalg.norm(tree.normals, axis=1), 1, atol=1e-5)
        for node in range(600):
            split = 0
            while split >= 0:
                margin = margins[node, split]
                if abs(margin) < 1e-4:
                    break
                split = tree.children[split, int(margin > 0)]
            else:
                assert ~split == leaf_of[node]
        assert np.diff(tree.leaf_starts).max() <= 40


@pytest.mark.slow
def test_the_result_does_not_depend_on_threads() -> None:
    one, other = built().to_buffers(), built(threads=3).to_buffers()
    for name, buffer in one.items():
        np.testing.assert_array_equal(buffer, other[name], name)


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 41])
@pytest.mark.parametrize("metric", METRICS)
def test_few_rows(rows: int, metric: str) -> None:
    index = walked(built(VECTORS[:rows], metric, leaf_rows=2))
    assert_whole(index.forest, rows)
    _, found = index.search(QUERIES, 5, None, 1)
    assert ((found >= 0).sum(axis=1) == min(5, rows)).all()
    again = vecengine.load_index(index.to_buffers(), VECTORS[:rows])
    assert isinstance(again, AnnoyIndex)
    np.testing.assert_array_equal(walked(again).search(QUERIES, 5, None, 1)[1], found)


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((700, 8), np.float32),
        np.repeat(VECTORS[:5], 140, axis=0),
        VECTORS[:700, :1],
        VECTORS[:700] * np.float32(1e25),
        VECTORS[:700] * np.float32(1e-30),
        np.where(np.arange(700)[:, None] % 7, VECTORS[:700], np.float32(np.nan)),
        np.where(np.arange(700)[:, None] % 5, VECTORS[:700], np.float32(0)),
    ],
    ids=["equal", "five", "one dimension", "huge", "tiny", "nan", "zeros"],
)
@pytest.mark.parametrize("metric", METRICS)
def test_odd_rows(vectors: Any, metric: str) -> None:
    vectors = np.ascontiguousarray(vectors)
    index = walked(built(vectors, metric, trees=3))
    assert_whole(index.forest, index.row_count)
    assert_whole(vecengine.load_index(index.to_buffers(), vectors).forest, index.row_count)  # type: ignore[attr-defined]
    queries = QUERIES[:5, : vectors.shape[1]]
    found, rows = index.search(queries, 20, None, 700)
    truth, expected = vecengine.exact_search(
        vectors, queries, 20, metric=metric, allowed_bits=index.covered_bits()
    )
    np.testing.assert_array_equal(found, truth)
    np.testing.assert_array_equal(rows, expected)
    assert not (index.search(np.full_like(queries, np.nan), 3)[1] >= 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_an_extension_keeps_planes_and_divides_full_leaves(metric: str) -> None:
    source = built(VECTORS[:2600], metric)
    moved = np.arange(2600)
    moved[::20] = -1
    moved[moved >= 0] = np.arange((moved >= 0).sum())
    vectors = np.concatenate([VECTORS[:2600][np.arange(2600) % 20 != 0], VECTORS[2600:2850]])
    extended = vecengine.extend_index(source, moved, vectors)
    assert isinstance(extended, AnnoyIndex) and extended.training.changed_rows == 380
    assert_whole(extended.forest, len(vectors))
    first, grown = source.forest.trees()[0], extended.forest.trees()[0]
    np.testing.assert_array_equal(grown.normals[: len(first.normals)], first.normals)
    assert np.diff(grown.leaf_starts).max() <= 40
    assert recall(walked(extended), vectors, 1000) > 0.85
    same = vecengine.extend_index(source, moved, vectors, threads=3).to_buffers()
    for name, buffer in extended.to_buffers().items():
        np.testing.assert_array_equal(buffer, same[name], name)
    assert_whole(vecengine.load_index(same, vectors).forest, len(vectors))  # type: ignore[attr-defined]


@pytest.mark.slow
def test_an_extension_by_many_rows_grows_anew() -> None:
    source = built(VECTORS[:2000])
    extended = vecengine.extend_index(source, np.arange(2000), VECTORS)
    for name, buffer in built().to_buffers().items():
        np.testing.assert_array_equal(buffer, extended.to_buffers()[name], name)


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_some_of_the_rows(metric: str) -> None:
    vectors = VECTORS.copy()
    vectors[6] = 0
    mask = np.arange(ROWS) % 3 == 0
    index = built(vectors, metric, offsets=np.flatnonzero(mask))
    assert index.row_count == mask.sum() - (metric == "cosine")
    _, rows = walked(index).search(QUERIES, K, None, 600)
    assert mask[rows].all()
    again = vecengine.load_index(index.to_buffers(), vectors)
    np.testing.assert_array_equal(again.search(QUERIES, K, None, 600)[1], rows)
    assert index.size_bytes == again.size_bytes


def test_inner_products_of_rows_of_very_different_lengths() -> None:
    rng = np.random.default_rng(8)
    rows = (VECTORS * np.exp(0.7 * rng.standard_normal((ROWS, 1)))).astype(np.float32)
    index = walked(built(rows, "ip"))
    assert recall(index, rows, 500) > 0.9


def test_the_knob_is_chosen_by_recall_and_a_scan_where_it_is_cheaper() -> None:
    noise = np.random.default_rng(6).standard_normal((ROWS, DIMENSIONS)).astype(np.float32)
    index = built(noise, trees=4)
    few, many = index.beam_for(K, 0.2), index.beam_for(K, 0.6)
    assert K <= few < many < index.beam_for(K, 0.99999)
    cheap, dear = (index.estimate(K, ROWS, target)[0] for target in (0.2, 0.99999))
    assert (cheap.ef_search, dear.strategy) == (few, "exact")
    stats = vecengine.SearchStats()
    index.search(QUERIES, K, None, ROWS, stats=stats)
    assert stats.strategy == "exact"


def test_parameters_metrics_and_cancelling() -> None:
    for options in ({"trees": 0}, {"trees": 1001}, {"leaf_rows": 1}, {"m": 3}):
        with pytest.raises(BuildParameterError) as error:
            vecengine.build_index("annoy", VECTORS, metric="l2", **options)
        assert error.value.sqlstate == "22023"
    with pytest.raises(UnsupportedByFamily):
        vecengine.build_index("annoy", vecengine.BitVectors(np.zeros((3, 1), np.uint8), 8), metric="hamming")
    token = CancelToken()
    token.cancel()
    with pytest.raises(QueryCanceled):
        built(cancel=token.word)
    with pytest.raises(QueryCanceled):
        walked(built(VECTORS[:600])).search(QUERIES, K, None, 50, cancel=token.word)


def test_progress_reaches_the_end() -> None:
    told: list[tuple[int, int]] = []
    built(VECTORS[:900], progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (900, 900) and told == sorted(told)


def test_the_data_check() -> None:
    buffers = dict(built(VECTORS[:600], "cosine").to_buffers())

    def faults(trees: int) -> list[str]:
        wanted = {"trees": trees, "leaf_rows": 40}
        return list(
            index_faults(buffers, VECTORS[:600], None, family="annoy", metric="cosine", parameters=wanted)
        )

    assert faults(10) == []
    assert faults(5) == ["it was built with trees = 10, expected 5"]
    buffers["norms"] = buffers["norms"] * np.float32(1.1)
    assert faults(10) == ["its norms are not those of the vectors"]


@pytest.mark.parametrize("options", [{"trees": 1, "leaf_rows": 500}, {"trees": 30, "leaf_rows": 2}, {}])
def test_a_build_takes_no_more_memory_than_the_family_says(options: dict[str, int]) -> None:
    vectors = VECTORS[:800]
    checked = vecengine.check_build_params("annoy", options)
    shape = vecengine.BuildShape(*vectors.shape, vectors[0].nbytes)
    bound = vecengine.families()["annoy"].build_bytes(shape, checked)
    assert vecengine.build_index("annoy", vectors, metric="l2", **options).size_bytes <= bound


DAMAGES = [
    ("tree_splits", lambda a: a + 1),
    ("tree_splits", lambda a: a[:-1]),
    ("children", lambda a: np.where(a == 1, 0, a)),
    ("children", lambda a: a * 0),
    ("children", lambda a: a + 10_000),
    ("leaf_starts", lambda a: a[::-1]),
    ("leaf_starts", lambda a: np.where(a == a[1], a[-1], a)),
    ("leaf_nodes", lambda a: a * 0),
    ("leaf_nodes", lambda a: a + 1),
    ("leaf_nodes", lambda a: a.astype(np.int64)),
    ("normals", lambda a: a * np.float32(np.nan)),
    ("plane_offsets", lambda a: a + np.float32(np.inf)),
    ("norms", lambda a: np.ones(3, np.float32)),
    ("offsets", lambda a: np.ones(3, np.int64)),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damage(name: str, damage: Any) -> None:
    buffers = dict(built(VECTORS[:500], trees=3).to_buffers())
    whole = buffers[name]
    buffers[name] = np.ascontiguousarray(damage(whole))
    with pytest.raises(DamagedIndex) as error:
        vecengine.load_index(buffers, VECTORS[:500])
    assert error.value.sqlstate == "XX002"
    del buffers[name]
    with pytest.raises(DamagedIndex, match=f'"{name}" is missing'):
        vecengine.load_index(buffers, VECTORS[:500])
