"""Goal: no damaged graph is searched. Method: damage every buffer and field of a real one, and load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from vecengine.errors import DamagedIndex, IndexFormatNotSupported
from vecengine.hnsw.index import HnswIndex

VECTORS = np.random.default_rng(1).normal(size=(800, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def buffers() -> dict[str, Any]:
    index = vecengine.build_index("hnsw", VECTORS, metric="cosine", m=4, ef_construction=20)
    return index.to_buffers()


def with_metadata(buffers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    metadata = json.loads(buffers["metadata"].tobytes())
    metadata.update(fields)
    text = json.dumps(metadata).encode()
    return {**buffers, "metadata": np.frombuffer(text, dtype=np.uint8)}


def with_value(buffers: dict[str, Any], name: str, place: Any, value: Any) -> dict[str, Any]:
    changed = buffers[name].copy()
    changed[place] = value
    return {**buffers, name: changed}


def test_untouched_buffers_load(buffers: dict[str, Any]) -> None:
    assert vecengine.load_index(buffers, VECTORS).row_count == 800


@pytest.mark.parametrize("name", ["metadata", "links", "upper_rows", "upper_links", "offsets", "norms"])
def test_a_buffer_missing_or_of_another_shape(buffers: dict[str, Any], name: str) -> None:
    with pytest.raises(DamagedIndex) as error:
        vecengine.load_index({key: value for key, value in buffers.items() if key != name}, VECTORS)
    assert error.value.sqlstate == "XX002"
    wrong = np.zeros(3, dtype=np.int16)
    with pytest.raises(DamagedIndex):
        vecengine.load_index({**buffers, name: wrong}, VECTORS)


def test_counts_of_links_are_checked(buffers: dict[str, Any]) -> None:
    with pytest.raises(DamagedIndex, match="linked"):
        vecengine.load_index({**buffers, "linked": np.zeros(3, dtype=np.uint8)}, VECTORS)
    with pytest.raises(DamagedIndex, match="linked"):
        vecengine.load_index(with_value(buffers, "linked", 5, 9), VECTORS)


@pytest.mark.parametrize("value", [800, -2, 2**31 - 1])
@pytest.mark.parametrize("name", ["links", "upper_links", "upper_rows"])
def test_values_out_of_range(buffers: dict[str, Any], name: str, value: int) -> None:
    place = (0, 0) if buffers[name].ndim == 2 else 0
    with pytest.raises(DamagedIndex):
        vecengine.load_index(with_value(buffers, name, place, value), VECTORS)


def test_links_above_the_level_of_their_node(buffers: dict[str, Any]) -> None:
    ground = int(np.flatnonzero(buffers["upper_rows"] < 0)[0])
    with pytest.raises(DamagedIndex, match="below its level"):
        vecengine.load_index(with_value(buffers, "upper_links", (0, 0), ground), VECTORS)
    upper = np.flatnonzero(buffers["upper_rows"] >= 0)
    swapped = with_value(buffers, "upper_rows", upper[:2], buffers["upper_rows"][upper[:2]][::-1])
    with pytest.raises(DamagedIndex, match="order of the nodes"):
        vecengine.load_index(swapped, VECTORS)


@pytest.mark.parametrize(
    "fields",
    [
        {"rows": 799},
        {"rows": -1},
        {"rows": "800"},
        {"dimensions": 9},
        {"vector_rows": 900},
        {"m": 1},
        {"m": 5},
        {"entry": 800},
        {"entry": -1},
        {"level_max": 63},
        {"level_max": True},
        {"upper_count": 0},
        {"metric": "hamming"},
        {"family": 5},
        {"family": "ivf"},
        {"curve": None},
        {"curve": {"beams": [1], "selectivities": [1], "recall": [[1]], "distances": [[1]]}},
        {"ef_construction": 3},
    ],
)
def test_damaged_metadata(buffers: dict[str, Any], fields: dict[str, Any]) -> None:
    with pytest.raises(DamagedIndex):
        vecengine.load_index(with_metadata(buffers, **fields), VECTORS)


def test_other_formats_and_other_vectors(buffers: dict[str, Any]) -> None:
    with pytest.raises(IndexFormatNotSupported) as error:
        vecengine.load_index(with_metadata(buffers, format=2), VECTORS)
    assert error.value.sqlstate == "0A000"
    with pytest.raises(DamagedIndex):
        vecengine.load_index(buffers, VECTORS[:700])
    with pytest.raises(DamagedIndex):
        vecengine.load_index({**buffers, "metadata": np.zeros(9, dtype=np.uint8)}, VECTORS)


def test_offsets_that_do_not_ascend() -> None:
    index = vecengine.build_index("hnsw", VECTORS, metric="l2", offsets=np.arange(0, 800, 3))
    buffers = index.to_buffers()
    for value in (-1, 800, 3):
        with pytest.raises(DamagedIndex):
            vecengine.load_index(with_value(buffers, "offsets", 5, value), VECTORS)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "index"
    with pytest.raises(FileNotFoundError):
        HnswIndex.load(path, VECTORS)
    for content in (b"", b"something else", b"PK\x03\x04 cut short"):
        path.write_bytes(content)
        with pytest.raises(DamagedIndex, match="is not an index file"):
            HnswIndex.load(path, VECTORS)


def test_random_damage_never_reaches_a_search(buffers: dict[str, Any]) -> None:
    """Whatever bytes change, loading refuses or searching stays inside the arrays and ends."""
    rng = np.random.default_rng(4)
    query = VECTORS[:1]
    for _ in range(150):
        name = rng.choice(["links", "upper_rows", "upper_links", "norms", "metadata"])
        raw = bytearray(buffers[name].tobytes())
        raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
        changed = np.frombuffer(bytes(raw), dtype=buffers[name].dtype).reshape(buffers[name].shape)
        try:
            index = vecengine.load_index({**buffers, name: changed}, VECTORS)
        except (DamagedIndex, IndexFormatNotSupported):
            continue
        assert (index.search(query, 20, ef_search=20)[1] >= 0).all()
