"""Goal: damaged buffers of lists are refused by name before a search trusts them. Method: damage each in turn."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vecengine
from tests.vecengine.ivf.test_build import built, clusters
from vecengine.errors import DamagedIndex, IndexFormatNotSupported
from vecengine.metrics import Metric

VECTORS: Any = clusters(300, 4)
INDEX = built(VECTORS, Metric.COSINE, 10)


def damaged(name: str, position: Any, value: Any) -> dict[str, Any]:
    buffers = dict(INDEX.to_buffers())
    array = buffers[name].copy()
    array[position] = value
    return {**buffers, name: array}


def with_metadata(**fields: Any) -> dict[str, Any]:
    buffers = dict(INDEX.to_buffers())
    metadata = {**json.loads(buffers["metadata"].tobytes()), **fields}
    return {**buffers, "metadata": np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)}


def test_the_undamaged_loads() -> None:
    assert vecengine.load_index(INDEX.to_buffers(), VECTORS).row_count == 300


@pytest.mark.parametrize(
    ("buffers", "message"),
    [
        (damaged("list_rows", 3, 300), '"list_rows" holds'),
        (damaged("list_rows", 3, -1), '"list_rows" holds'),
        (damaged("list_rows", 3, INDEX.lists.rows[4]), "names a row twice"),
        (damaged("list_starts", 1, 301), "does not divide the rows"),
        (damaged("list_starts", 0, 1), "does not divide the rows"),
        (damaged("list_starts", -1, 299), "does not divide the rows"),
        (damaged("centroids", (0, 0), np.nan), "not finite"),
        ({**INDEX.to_buffers(), "norms": np.zeros(5, np.float32)}, '"norms" is'),
        ({k: v for k, v in INDEX.to_buffers().items() if k != "centroids"}, '"centroids" is missing'),
        (with_metadata(list_count=0), '"list_count" is 0'),
        (with_metadata(list_count=11), '"list_count" is 11'),
        (with_metadata(lists=40000), '"lists" is 40000'),
        (with_metadata(rows=299), '"list_rows" is'),
        (with_metadata(metric="l1"), 'names metric "l1"'),
        (with_metadata(curve=7), "curve"),
        (with_metadata(family="ivf"), 'unknown family "ivf"'),
    ],
)
def test_damage(buffers: dict[str, Any], message: str) -> None:
    with pytest.raises(DamagedIndex, match=message):
        vecengine.load_index(buffers, VECTORS)


def test_other_formats_are_not_read() -> None:
    with pytest.raises(IndexFormatNotSupported):
        vecengine.load_index(with_metadata(format=2), VECTORS)
