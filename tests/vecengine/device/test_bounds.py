"""Goal: no key of a device is above the exact one, and no row at most as far as a limit is above its limit.

Method: keys against those of the CPU's kernels and of float64, over metrics, precisions of products and data on which rounding shows: far from
the origin, wide, tiny, large, equal rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from vecengine.device.bounds import BoundedKeys, RowTile, is_plain
from vecengine.device.places import find_device
from vecengine.exact import distances_at
from vecengine.metrics import NUMBER_METRICS, Float32s, Float64s, Metric

torch = pytest.importorskip("torch")
DEVICE = find_device("torch-cpu")

DATA = {
    "plain": (1.0, 0.0, 33),
    "far": (0.01, 100.0, 64),
    "wide": (1.0, 0.0, 1500),
    "one": (1.0, 0.0, 1),
    "tiny": (1e-13, 0.0, 20),
    "large": (1e13, 1e13, 20),
}


@pytest.fixture(params=["highest", "high", "medium"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(request.param)
    yield request.param
    torch.set_float32_matmul_precision(before)


def data(name: str) -> tuple[Float32s, Float32s]:
    spread, origin, dimensions = DATA[name]
    rng = np.random.default_rng(3)
    rows = (origin + spread * rng.normal(size=(300, dimensions))).astype(np.float32)
    queries = (origin + spread * rng.normal(size=(20, dimensions))).astype(np.float32)
    queries[:5] = rows[:5]
    queries[5:10] = rows[5:10] * np.float32(1 + 1e-6)
    return rows, queries


def device_keys(metric: Metric, rows: Float32s, queries: Float32s) -> tuple[BoundedKeys, Float64s]:
    keys = BoundedKeys.over(DEVICE, metric, rows.shape[1])
    numbers = DEVICE.tensor(rows)
    tile = RowTile(numbers, (numbers.double() ** 2).sum(dim=1))
    return keys, keys.keys(tile, keys.asked(DEVICE, queries)).numpy().astype(np.float64)


def exact_keys(metric: Metric, rows: Float32s, queries: Float32s) -> Float64s:
    distances = distances_at(metric, rows, queries, np.arange(rows.shape[0]))
    return distances**2 if metric is Metric.L2 else distances


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("metric", NUMBER_METRICS)
def test_rows_within_a_limit_have_keys_within_it(metric: Metric, name: str, precision: str) -> None:
    rows, queries = data(name)
    keys, found = device_keys(metric, rows, queries)
    exact = exact_keys(metric, rows, queries)
    limits = keys.limits(exact.reshape(-1)).reshape(exact.shape)
    assert (found <= limits).all()
    # Bounds that say nothing would be true, too: they are off by what the formula allows.
    scale = np.abs(exact).max() + (rows.astype(np.float64) ** 2).sum(axis=1).max() + 1.0
    assert (exact - found).max() <= 8 * keys.gamma * scale


def test_products_in_less_than_float32_widen_the_bounds(precision: str) -> None:
    gamma = BoundedKeys.over(DEVICE, Metric.L2, 100).gamma
    assert {"highest": 1e-6, "high": 5e-4, "medium": 5e-3}[precision] < gamma
    assert gamma < {"highest": 1e-4, "high": 2e-3, "medium": 2e-2}[precision]


def test_limits_are_rounded_up_and_keep_infinities() -> None:
    keys = BoundedKeys(torch, Metric.IP, 0.0)
    values = np.array([0.1, -0.1, np.inf, -np.inf, 1e300, 0.0])
    limits = keys.limits(values)
    assert limits.dtype == np.float32
    assert (limits.astype(np.float64) >= values).all()
    assert limits[2] == np.inf and limits[3] < -1e38
    assert np.isnan(keys.limits(np.array([np.nan]))[0])


def test_plain_rows_are_those_whose_squares_stay_inside_float32() -> None:
    squares = np.array([0.0, 1.0, 1e-30, 1e-20, 1e31, 1e20, np.inf, np.nan])
    assert is_plain(squares).tolist() == [True, True, False, True, False, True, False, False]
