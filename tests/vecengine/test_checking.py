"""Goal: an index that a check passes is the one that was asked for, over the rows it was asked for.

Method: graphs and lists over some or all rows, checked against what they were built with and against something else each time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from vecengine.buffers import METADATA

ROWS, DIMENSIONS = 300, 4
VECTORS = np.random.default_rng(5).standard_normal((ROWS, DIMENSIONS)).astype(np.float32)
VECTORS[7] = 0
OFFSETS = np.arange(0, ROWS, 3, dtype=np.int64)
WANTED = {"m": 4, "ef_construction": 16}


def built(metric: str, offsets: Any = None) -> vecengine.Buffers:
    index = vecengine.build_index("hnsw", VECTORS, metric=metric, offsets=offsets, **WANTED)
    return dict(index.to_buffers())


def faults(buffers: vecengine.Buffers, offsets: Any = None, **changes: Any) -> list[str]:
    expected: dict[str, Any] = {"family": "hnsw", "metric": "l2", "parameters": WANTED, **changes}
    return list(vecengine.index_faults(buffers, VECTORS, offsets, **expected))


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine", "l1"])
@pytest.mark.parametrize("offsets", [None, OFFSETS])
def test_a_sound_index(metric: str, offsets: Any) -> None:
    assert faults(built(metric, offsets), offsets, metric=metric) == []


def listed(metric: str, offsets: Any = None) -> vecengine.Buffers:
    index = vecengine.build_index("ivfflat", VECTORS, metric=metric, offsets=offsets, lists=9)
    return dict(index.to_buffers())


def faults_of_lists(buffers: vecengine.Buffers, offsets: Any = None, metric: str = "l2") -> list[str]:
    return faults(buffers, offsets, family="ivfflat", metric=metric, parameters={"lists": 9})


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine"])
@pytest.mark.parametrize("offsets", [None, OFFSETS])
def test_sound_lists(metric: str, offsets: Any) -> None:
    assert faults_of_lists(listed(metric, offsets), offsets, metric) == []


def test_lists_of_other_rows_parameters_norms_and_centroids() -> None:
    assert faults_of_lists(listed("l2", OFFSETS)) == ["it covers 100 rows, which are not the 300 it should"]
    assert faults(listed("l2"), family="ivfflat", parameters={"lists": 8}) == [
        "it was built with lists = 9, expected 8"
    ]
    buffers = listed("cosine")
    norms = buffers["norms"] * np.float32(1.5)
    assert faults_of_lists({**buffers, "norms": norms}, metric="cosine") == [
        "its norms are not those of the vectors"
    ]
    shifted = np.roll(buffers["centroids"], 1, axis=0)
    (fault,) = faults_of_lists({**buffers, "centroids": shifted}, metric="cosine")
    assert fault.endswith("rows are not in the list of their nearest centroid")


def test_a_flat_index_says_nothing_to_check() -> None:
    flat = vecengine.build_index("flat", VECTORS, metric="l2")
    assert faults(dict(flat.to_buffers()), family="flat", parameters={}) == []


def test_another_metric_or_family() -> None:
    assert faults(built("ip")) == ["it is a hnsw index for ip, expected hnsw for l2"]


def test_other_parameters() -> None:
    assert faults(built("l2"), parameters={"m": 5, "ef_construction": 16}) == [
        "it was built with m = 4, expected 5"
    ]


def test_other_rows() -> None:
    assert faults(built("l2", OFFSETS)) == ["it covers 100 rows, which are not the 300 it should"]
    assert faults(built("l2"), OFFSETS) == ["it covers 300 rows, which are not the 100 it should"]


def test_norms_of_other_vectors() -> None:
    buffers = built("cosine")
    norms = buffers["norms"].copy()
    norms[50] *= np.float32(1.5)
    assert faults({**buffers, "norms": norms}, metric="cosine") == ["its norms are not those of the vectors"]


@pytest.mark.parametrize("name", ["links", "upper_links", "upper_rows"])
def test_links_out_of_the_graph_are_refused(name: str) -> None:
    buffers = built("l2")
    array = buffers[name].copy()
    array.reshape(-1)[0] = ROWS
    with pytest.raises(vecengine.DamagedIndex, match=name):
        faults({**buffers, name: array})


def test_metadata_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(vecengine.DamagedIndex, match="metadata"):
        faults({**built("l2"), METADATA: np.frombuffer(b"{", dtype=np.uint8)})
