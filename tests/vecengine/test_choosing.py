"""Goal: `auto` builds an index of a family that suits the vectors, which stays one. Method: every kind and metric, few rows and many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import vecengine
from tests.vecengine.contract_cases import kinds, make_vectors
from vecengine.choosing import SCANNED_ROWS_MAX, choose_family
from vecengine.errors import BuildParameterError, UnsupportedByFamily


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_and_metric_has_a_family(kind: str) -> None:
    few, many = make_vectors(kind, 30), make_vectors(kind, 1)
    for metric in vecengine.metrics_of("flat", type(few)):
        index = vecengine.build_index("auto", few, metric=metric)
        assert index.family == "flat"
        served_by = [name for name in vecengine.families() if metric in vecengine.metrics_of(name, type(few))]
        assert choose_family(type(many), SCANNED_ROWS_MAX + 1, served_by) in served_by


def test_many_rows_have_a_graph_or_what_is_made_for_them() -> None:
    chosen: dict[str, Any] = {kind: make_vectors(kind, 1) for kind in ("float32", "bits", "sparse")}
    every = ("flat", "hnsw", "bin_hnsw", "sparse_inverted")
    names = {kind: choose_family(type(vectors), 10_000, every) for kind, vectors in chosen.items()}
    assert names == {"float32": "hnsw", "bits": "bin_hnsw", "sparse": "sparse_inverted"}
    assert choose_family(type(chosen["sparse"]), None, ("flat", "hnsw")) == "hnsw"
    assert choose_family(type(chosen["bits"]), 10_000, ("flat",)) == "flat"


def test_the_index_is_of_the_chosen_family() -> None:
    vectors = make_vectors("float32", SCANNED_ROWS_MAX + 100)
    index = vecengine.build_index("auto", vectors, metric="l2")
    assert index.family == "hnsw" and vecengine.load_index(index.to_buffers(), vectors).family == "hnsw"
    moved_to = np.arange(len(vectors), dtype=np.int64)
    part = np.arange(500, dtype=np.int64)
    assert vecengine.extend_index(index, moved_to, vectors, offsets=part).family == "hnsw"
    assert vecengine.build_index("auto", vectors, metric="l2", offsets=part).family == "flat"


def test_what_auto_refuses() -> None:
    vectors = make_vectors("float32", 30)
    with pytest.raises(BuildParameterError, match='unrecognized parameter "m"'):
        vecengine.build_index("auto", vectors, metric="l2", m=8)
    with pytest.raises(UnsupportedByFamily):
        vecengine.build_index("auto", vectors, metric="hamming")
