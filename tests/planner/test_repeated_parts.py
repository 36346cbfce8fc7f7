"""Goal: few rows are compared as all rows are sorted. Method: brute force over seeded vectors, with ties and NaN."""

from __future__ import annotations

import numpy as np
import pytest

from planner.repeated_parts import ChosenRows

CANCEL = np.zeros(1, dtype=np.int32)


@pytest.mark.parametrize("metric", ["l2", "cosine", "ip", "l1"])
@pytest.mark.parametrize("count", [1, 3, 40, 400])
def test_the_nearest_rows_come_by_distance_then_by_offset(metric: str, count: int) -> None:
    chance = np.random.default_rng(count)
    vectors = chance.integers(1, 4, (count, 3)).astype(np.float32)
    rows = np.sort(chance.choice(10 * count, count, replace=False)).astype(np.int64)
    query = np.array([[1, 2, 3]], dtype=np.float32)
    segment = np.full((10 * count, 3), np.nan, dtype=np.float32)
    segment[rows] = vectors
    whole = ChosenRows(metric, vectors, rows, count, is_gathered=True).run(query, CANCEL)
    assert whole is not None
    distances = dict(zip(whole[1].tolist(), whole[0].tolist(), strict=True))
    expected = sorted(distances, key=lambda row: (distances[row], row))
    assert whole[1].tolist() == expected and set(expected) == set(rows.tolist())
    for width in {1, min(3, count), min(10, count), count}:
        for given, is_gathered in ((vectors, True), (segment, False)):
            found = ChosenRows(metric, given, rows, width, is_gathered=is_gathered).run(query, CANCEL)
            assert found is not None and found[1].tolist() == expected[:width]
            assert found[0].tolist() == [distances[row] for row in expected[:width]]


def test_rows_without_a_distance_are_not_for_it() -> None:
    vectors = np.array([[1, 0], [0, 0]], dtype=np.float32)
    chosen = ChosenRows("cosine", vectors, np.arange(2), 1, is_gathered=True)
    assert chosen.run(np.ones((1, 2), np.float32), CANCEL) is None
