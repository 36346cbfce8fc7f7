"""Goal: lists may be ranked by keys that somebody else computed, and are then searched as ever.

Method: keys by NumPy must give the index's own answers, keys of a wrong order those of other lists, keys of a wrong shape an error.
"""

from __future__ import annotations

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from tests.vecengine.ivf.test_build import clusters, probed
from vecengine import kernels_lists
from vecengine.ivf import search
from vecengine.ivf.index import ListIndex
from vecengine.metrics import Float32s, Metric, keys_by_formula

VECTORS: Float32s = clusters(1500, 24)
QUERIES: Float32s = clusters(150, 24, seed=8)


def listed(family: str, metric: str) -> ListIndex:
    index = vecengine.build_index(family, VECTORS, metric=metric, lists=15)
    assert isinstance(index, ListIndex)
    return probed(index)


def centre_keys(index: ListIndex) -> Float32s:
    metric = Metric.L2 if index.metric == "l2" else Metric.IP
    centroids = index.lists.centroids
    assert isinstance(centroids, np.ndarray)
    keys = [keys_by_formula(metric, centroids, query) for query in QUERIES]
    return np.stack(keys).astype(np.float32)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("family", ["ivfflat", "ivf_sq8", "ivf_pq", "ivf_rabitq", "scann"])
def test_keys_from_elsewhere_rank_lists(family: str, metric: str) -> None:
    index = listed(family, metric)
    keys = centre_keys(index)
    bits = bits_from_mask(np.random.default_rng(3).random(1500) < 0.4)
    # Any numbers do, wherever they lie.
    keys = np.asfortranarray(keys.astype(np.float64))
    for allowed_bits, probes in ((None, 2), (bits, 5)):
        stats, expected = vecengine.SearchStats(), vecengine.SearchStats()
        found = index.search_ranked(QUERIES, 10, keys, allowed_bits, probes, stats=stats)
        own = index.search(QUERIES, 10, allowed_bits, probes, stats=expected)
        np.testing.assert_array_equal(found[1], own[1])
        np.testing.assert_array_equal(found[0], own[0])
        assert stats == expected


def test_the_order_of_the_keys_is_the_order_of_the_lists() -> None:
    index = listed("ivfflat", "l2")
    _, farthest = index.search_ranked(QUERIES, 1, -centre_keys(index), None, 1)
    list_of = dict(zip(*index.lists.assignment()))
    last = centre_keys(index).argmax(axis=1)
    sizes = index.lists.sizes()
    # More than one small list is visited.
    is_alone = sizes[last] >= sizes.mean()
    assert is_alone.any()
    assert [list_of[row] for row in farthest[is_alone, 0]] == last[is_alone].tolist()


def test_keys_of_another_shape_are_refused() -> None:
    index = listed("ivfflat", "l2")
    for keys in (centre_keys(index)[:-1], centre_keys(index)[:, 1:]):
        with pytest.raises(ValueError, match="keys of 15 centroids"):
            index.search_ranked(QUERIES, 1, keys)


def test_lists_of_bit_strings_may_be_ranked_elsewhere() -> None:
    strings = vecengine.BitVectors(np.random.default_rng(4).integers(0, 256, (800, 5), dtype=np.uint8), 40)
    index = vecengine.build_index("bin_ivf_flat", strings, metric="hamming", lists=10)
    assert isinstance(index, ListIndex)
    index = probed(index)
    keys = np.stack(
        [
            vecengine.distances("hamming", index.lists.centroids, strings[number : number + 1])
            for number in range(20)
        ]
    )
    # Without ties, whose order is chance.
    keys += np.arange(index.lists.list_count) / 1000
    found = index.search_ranked(strings[:20], 800, keys, None, 1)
    np.testing.assert_array_equal(found[1], index.search(strings[:20], 800, None, 1)[1])
    nearest, _ = index.search_ranked(strings[:20], 1, keys, None, 1)
    assert (nearest == 0).mean() > 0.9


def test_the_kernel_and_its_caller_agree_on_the_mark() -> None:
    assert kernels_lists.ELEMENT_RANKED == search._ELEMENT_RANKED
