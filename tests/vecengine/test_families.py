"""Goal: families are found, refused and parametrised in PostgreSQL's words. Method: the table, and bad input."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

import vecengine
from vecengine.errors import BuildParameterError, UnknownFamily, UnsupportedByFamily

DEFAULTS = {
    "m": 16,
    "ef_construction": 64,
    "quantizer": 0,
    "pq_m": 0,
    "nbits": 8,
    "refine_k": 0,
    "provider": 0,
}


def test_the_table() -> None:
    families = vecengine.families()
    assert {"flat", "hnsw", "ivfflat", "ivf_flat", "ivf_sq8", "ivf_pq"} <= set(families)
    hnsw = {parameter.name: parameter for parameter in families["hnsw"].parameters}
    assert (hnsw["m"].default, hnsw["m"].minimum, hnsw["m"].maximum) == (16, 2, 100)
    construction = hnsw["ef_construction"]
    assert (construction.default, construction.minimum, construction.maximum) == (64, 4, 1000)
    assert families["hnsw"].search_parameter == "hnsw.ef_search"
    (lists,) = families["ivfflat"].parameters
    assert (lists.name, lists.default, lists.minimum, lists.maximum) == ("lists", 100, 1, 32768)
    assert families["ivfflat"].search_parameter == "ivfflat.probes"
    assert families["ivfflat"].metrics == ("l2", "ip", "cosine", "hamming")
    assert vecengine.metrics_of("ivfflat", np.ndarray) == ("l2", "ip", "cosine")
    assert vecengine.metrics_of("ivfflat", vecengine.BitVectors) == ("hamming",)
    assert vecengine.metrics_of("ivfflat", vecengine.SparseVectors) == ()
    assert vecengine.metrics_of("hnsw", vecengine.SparseVectors) == vecengine.metric_names()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, DEFAULTS),
        ({"m": "8"}, DEFAULTS | {"m": 8}),
        ({"m": " 0x10 ", "ef_construction": 100}, DEFAULTS | {"ef_construction": 100}),
        ({"m": "15.6"}, DEFAULTS),
        ({"quantizer": "None"}, DEFAULTS | {"quantizer": 1}),
        ({"quantizer": "pq", "pq_m": "12", "nbits": 6}, DEFAULTS | {"quantizer": 4, "pq_m": 12, "nbits": 6}),
    ],
)
def test_parameters_are_read_as_postgresql_reads_them(
    given: dict[str, Any], expected: dict[str, int]
) -> None:
    assert vecengine.check_build_params("hnsw", given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"m": "1"}, 'value 1 out of bounds for option "m"'),
        ({"m": "101"}, 'value 101 out of bounds for option "m"'),
        ({"ef_construction": 3}, 'value 3 out of bounds for option "ef_construction"'),
        ({"m": "many"}, 'invalid value for integer option "m": many'),
        ({"m": ""}, 'invalid value for integer option "m": '),
        ({"m": "1_6"}, 'invalid value for integer option "m": 1_6'),
        ({"m": "nan"}, 'invalid value for integer option "m": nan'),
        ({"lists": "5"}, 'unrecognized parameter "lists"'),
        ({"quantizer": "sq4"}, 'invalid value for enum option "quantizer": sq4'),
        ({"m": 40}, "ef_construction must be greater than or equal to 2 * m"),
        ({"quantizer": "pq", "nbits": 3}, 'value 3 out of bounds for option "nbits"'),
        ({"pq_m": 8}, 'options "pq_m" and "nbits" are of quantizer "pq"'),
        ({"quantizer": "rabitq", "nbits": 4}, 'options "pq_m" and "nbits" are of quantizer "pq"'),
    ],
)
def test_bad_parameters(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildParameterError) as error:
        vecengine.check_build_params("hnsw", given)
    assert error.value.message == message and error.value.sqlstate == "22023"
    if "out of bounds" in message:
        assert error.value.detail is not None and error.value.detail.startswith("Valid values are between")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lists": "0"}, 'value 0 out of bounds for option "lists"'),
        ({"lists": "32769"}, 'value 32769 out of bounds for option "lists"'),
        ({"lists": "abc"}, 'invalid value for integer option "lists": abc'),
        ({"m": "16"}, 'unrecognized parameter "m"'),
    ],
)
def test_bad_parameters_of_lists(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildParameterError) as error:
        vecengine.check_build_params("ivfflat", given)
    assert error.value.message == message and error.value.sqlstate == "22023"


def test_metrics_a_family_does_not_serve() -> None:
    with pytest.raises(UnsupportedByFamily, match='index family "ivfflat" does not serve metric "l1"'):
        vecengine.build_index("ivfflat", np.zeros((1, 1), dtype=np.float32), metric="l1")


def test_unknown_family() -> None:
    with pytest.raises(UnknownFamily, match='access method "ivf" does not exist'):
        vecengine.build_index("ivf", np.zeros((1, 1), dtype=np.float32), metric="l2")


def test_the_package_example() -> None:
    failures, tried = doctest.testmod(vecengine)
    assert failures == 0 and tried > 0


def test_public_names_are_sorted() -> None:
    assert vecengine.__all__ == sorted(vecengine.__all__)
    assert all(hasattr(vecengine, name) for name in vecengine.__all__)
