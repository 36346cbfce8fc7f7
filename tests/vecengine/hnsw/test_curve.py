"""Goal: a beam is read from measurements soundly. Method: hand-made curves, and a measured one against reality."""

from __future__ import annotations

import numpy as np
import pytest

import vecengine
from vecengine.errors import DamagedIndex
from vecengine.hnsw.curve import RecallCurve, curve_from_json, empty_curve
from vecengine.hnsw.index import HnswIndex


@pytest.fixture
def curve() -> RecallCurve:
    recall = np.array([[[0.8, 0.9, 1.0], [0.6, 0.8, 0.9], [0.1, 0.2, 0.8]], [[0.9, 0.9, 0.9]] * 3])
    distances = np.array([[100.0, 200.0, 400.0], [200.0, 400.0, 800.0]])
    return RecallCurve(np.array([10.0, 20.0, 40.0]), np.array([1.0, 0.1]), recall, distances)


def test_the_least_beam_that_reaches(curve: RecallCurve) -> None:
    assert curve.beam_for(10, 0.6) == 10
    assert curve.beam_for(10, 0.7) == 15
    assert curve.beam_for(10, 0.85) == 30
    assert curve.beam_for(10, 0.95) is None
    assert curve.beam_for(1, 0.95) == 30
    assert curve.beam_for(25, 0.5) is not None
    assert (curve.beam_for(100, 0.7) or 0) >= 100
    assert empty_curve().beam_for(10, 0.5) is None


def test_a_filter_never_counts_on_more_recall(curve: RecallCurve) -> None:
    assert curve.beam_for(10, 0.85, 0.1) == curve.beam_for(10, 0.85)
    assert curve.beam_for(1, 0.95, 0.1) is None
    assert curve.recall_of(20, 10, 0.1) == pytest.approx(0.8)


def test_distances_between_and_beyond(curve: RecallCurve) -> None:
    assert curve.distances_of(15) == pytest.approx(150)
    assert curve.distances_of(80) == pytest.approx(800)
    assert curve.distances_of(20, 0.1) == pytest.approx(400)
    assert 200 < curve.distances_of(20, 0.3) < 400
    assert curve.distances_of(20, 0.01) == pytest.approx(4000)


def test_round_trip_and_damage(curve: RecallCurve) -> None:
    again = curve_from_json(curve.to_json())
    np.testing.assert_allclose(again.recall, curve.recall)
    assert curve_from_json(empty_curve().to_json()).is_empty
    for name, value in (
        ("beams", [3, 2, 1]),
        ("distances", [[0] * 3] * 2),
        ("recall", "x"),
        ("selectivities", [1]),
    ):
        with pytest.raises(DamagedIndex):
            curve_from_json({**curve.to_json(), name: value})


@pytest.mark.slow
@pytest.mark.parametrize("metric", vecengine.metric_names())
def test_the_beam_for_a_recall_gives_it(metric: str) -> None:
    """Queries the index has never seen, from the distribution of its rows."""
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(12, 48))
    vectors = (rng.normal(size=(8000, 12)) @ mixing).astype(np.float32)
    queries = (rng.normal(size=(200, 12)) @ mixing).astype(np.float32)
    index = vecengine.build_index("hnsw", vectors, metric=metric)
    assert isinstance(index, HnswIndex)
    truth, _ = vecengine.exact_search(vectors, queries, 10, metric=metric)
    for target in (0.95, 0.97, 0.99):
        stats = vecengine.SearchStats()
        found, _ = index.search(queries, 10, ef_search=index.beam_for(10, target), stats=stats)
        assert (found <= truth[:, -1:]).mean() >= target - 0.01
        assert stats.strategy == "graph"
