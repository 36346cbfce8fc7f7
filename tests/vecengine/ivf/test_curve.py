"""Goal: the curve promises the recall that searches then have, with and without a filter, and survives storing.

Method: measure recall by brute force beside the curve's word; damage its stored form.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from tests.vecengine.ivf.test_build import built, clusters, probed
from vecengine.errors import DamagedIndex
from vecengine.ivf.curve import curve_from_json, empty_curve, measured_curve

VECTORS: Any = clusters(12_500, 16)
BASE, QUERIES = VECTORS[:12_000], np.ascontiguousarray(VECTORS[12_000:])


@pytest.fixture(scope="module")
def index() -> Any:
    return probed(built(BASE, lists=100))


@pytest.mark.parametrize("selectivity", [1.0, 0.3, 0.05])
@pytest.mark.parametrize("k", [1, 10, 100])
def test_the_promise_is_kept(index: Any, k: int, selectivity: float) -> None:
    bits = None
    if selectivity < 1.0:
        bits = bits_from_mask(np.less(np.random.default_rng(4).random(len(BASE)), selectivity))
    truth, _ = vecengine.exact_search(BASE, QUERIES, k, metric="l2", allowed_bits=bits)
    for target in (0.8, 0.97):
        probes = index.curve.probes_for(k, target, selectivity)
        found, _ = index.search(QUERIES, k, bits, ef_search=probes)
        recall = float((found <= truth[:, -1:]).mean())
        assert recall >= target - 0.02
        if selectivity == 1.0:
            assert abs(recall - index.curve.recall_of(probes, k, selectivity)) < 0.1


def test_ends_and_order(index: Any) -> None:
    curve = index.curve
    assert curve.probes[0] == 1 and curve.probes[-1] == index.lists.list_count
    assert curve.rows[-1] == len(BASE) and (curve.recall[:, -1] == 1).all()
    assert (np.diff(curve.recall, axis=1) >= 0).all()
    assert curve.recall_of(curve.probes_for(10, 1.0), 10) == 1.0
    assert curve.probes_for(1, 0.5) <= curve.probes_for(10, 0.97) <= curve.probes_for(1000, 0.97)
    assert curve.probes_for(10, 0.9, 1.0) <= curve.probes_for(10, 0.9, 0.01)
    assert curve.recall_of(50, len(BASE)) == pytest.approx(curve.rows_of(50) / len(BASE), abs=1e-4)
    assert empty_curve().probes_for(10, 0.9) is None


def test_what_an_exact_search_says() -> None:
    """Two lists; the first query has both neighbours in its nearest list, the second one in each."""
    curve = measured_curve(np.asarray([2, 2]), np.asarray([[0, 1], [1, 0]]), np.asarray([[0, 0], [1, 0]]))
    assert curve.probes.tolist() == [1, 2] and curve.rows.tolist() == [2, 4]
    assert curve.recall_at.tolist() == [1, 2, 4]
    less_error = 0.75 - 0.25 / 2**0.5
    np.testing.assert_allclose(curve.recall, [[1, 1], [less_error, 1], [0.5, 1]], atol=1e-5)


def test_lists_below_the_mean_size_are_visited_together() -> None:
    """With one probe the first query sees its list of three rows, the second one its list of one and the other."""
    order = np.asarray([[0, 1], [1, 0]])
    curve = measured_curve(np.asarray([3, 1]), order, np.asarray([[0, 0], [0, 0]]))
    assert curve.rows.tolist() == [3.5, 4]
    np.testing.assert_allclose(curve.recall, [[1, 1], [1, 1], [3.5 / 4, 1]])


def test_estimates_prefer_lists_only_where_they_are_cheaper() -> None:
    index = built(BASE, lists=100)
    best = index.estimate(10, len(BASE), 0.9)[0]
    assert best.strategy == "lists" and best.cost_distances < len(BASE) / 2
    assert index.beam_for(10, 0.9) == best.ef_search
    assert index.estimate(10, 40, 0.97)[0].strategy == "exact"
    assert index.estimate(len(BASE), len(BASE), 0.97)[0].strategy == "exact"


def test_damaged_text(index: Any) -> None:
    good = index.curve.to_json()
    assert curve_from_json(good).to_json() == good
    for wrong in (None, {}, {**good, "rows": good["rows"][1:]}, {**good, "recall": "x"},
                  {**good, "probes": good["probes"][::-1]}, {**good, "recall_at": []},
                  {**good, "rows": [float("nan")] * len(good["rows"])},
                  {**good, "rows": [-1] * len(good["rows"])}):  # fmt: skip
        with pytest.raises(DamagedIndex):
            curve_from_json(wrong)
