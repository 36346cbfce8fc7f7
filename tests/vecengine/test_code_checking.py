"""Goal: a check finds codes, lists and links that are not those of the vectors, and nothing wrong with what a build or extension made.

Method: indexes of every family with codes over clustered numbers, sound and with a copy damaged in one place: a byte of a
code, its header, two rows exchanged, a word of the book, a row in another list, a link.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import vecengine
from vecengine import compiled

ROWS, DIMENSIONS = 1500, 32
METRICS = ("l2", "ip", "cosine")
PARAMETERS: dict[str, dict[str, int]] = {
    "ivf_sq8": {"lists": 12},
    "ivf_pq": {"lists": 12, "nbits": 6},
    "ivf_rabitq": {"lists": 12},
    "scann": {"lists": 12},
    "diskann": {"max_degree": 16, "search_list_size": 40},
}
LISTED = [family for family in PARAMETERS if family != "diskann"]
HEADERS = {"ivf_sq8": 8, "ivf_pq": 4, "ivf_rabitq": 8, "diskann": 4}


@cache
def numbers(rows: int = ROWS, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(20, DIMENSIONS)) * 2
    return (centres[rng.integers(0, 20, rows)] + 0.5 * rng.normal(size=(rows, DIMENSIONS))).astype(np.float32)


@cache
def stored(family: str, metric: str) -> vecengine.Buffers:
    index = vecengine.build_index(family, numbers(), metric=metric, **PARAMETERS[family])  # type: ignore[arg-type]
    return dict(index.to_buffers())


def faults(family: str, buffers: vecengine.Buffers, metric: str = "l2", vectors: Any = None) -> list[str]:
    checked = vecengine.check_build_params(family, PARAMETERS[family])
    vectors = numbers() if vectors is None else vectors
    found = vecengine.index_faults(buffers, vectors, None, family=family, metric=metric, parameters=checked)
    return list(found)


def damaged(family: str, name: str, metric: str = "l2") -> tuple[vecengine.Buffers, Any]:
    """Buffers with a copy of one of them, and the copy."""
    buffers = stored(family, metric)
    copy = buffers[name].copy()
    damaged_buffers = {**buffers, name: copy}
    return damaged_buffers, copy.reshape(ROWS, -1) if name == "codes" and family in HEADERS else copy


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", PARAMETERS)
def test_builds_and_extensions_are_sound(family: str, metric: str) -> None:
    buffers = stored(family, metric)
    assert "codes" in buffers and faults(family, buffers, metric) == []
    source = vecengine.load_index(buffers, numbers())
    kept = np.setdiff1d(np.arange(ROWS), np.arange(0, ROWS, 20))
    moved_to = np.full(ROWS, -1)
    moved_to[kept] = np.arange(kept.size)
    vectors = np.concatenate([numbers()[kept], numbers(60, seed=2)])
    extended = vecengine.extend_index(source, moved_to, vectors)
    assert faults(family, extended.to_buffers(), metric, vectors) == []


@pytest.mark.slow
@pytest.mark.parametrize("family", PARAMETERS)
def test_equal_rows_and_rows_far_apart_are_sound(family: str) -> None:
    """Ties between words and lists, signs of zeros, and terms of very different sizes."""
    vectors = np.concatenate(
        [np.tile(numbers(50), (20, 1)), 1e4 * numbers(300, seed=3), np.zeros((5, DIMENSIONS), np.float32)]
    )
    index = vecengine.build_index(family, vectors, metric="l2", **PARAMETERS[family])  # type: ignore[arg-type]
    assert faults(family, index.to_buffers(), vectors=vectors) == []


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("family", HEADERS)
def test_a_flipped_byte_of_a_code_is_found(family: str, metric: str) -> None:
    header = HEADERS[family]
    for place in (header, header + 2):
        buffers, codes = damaged(family, "codes", metric)
        codes[77, place] ^= 0x15 if family in ("ivf_pq", "diskann") else 0x40
        assert faults(family, buffers, metric) == ["the codes of 1 rows are not those of their vectors"]
    if (family, metric) not in (("ivf_pq", "ip"), ("diskann", "ip")):
        buffers, codes = damaged(family, "codes", metric)
        term = codes[77, :4].view(np.float32)
        term[:] = 1.5 * term + 0.3
        assert faults(family, buffers, metric) == ["the codes of 1 rows are not those of their vectors"]


@pytest.mark.parametrize("family", HEADERS)
def test_exchanged_codes_are_found(family: str) -> None:
    buffers, codes = damaged(family, "codes")
    codes[[3, 1200]] = codes[[1200, 3]]
    assert faults(family, buffers) == ["the codes of 2 rows are not those of their vectors"]


def test_damage_in_a_block_is_found() -> None:
    buffers, blocks = damaged("scann", "codes")
    blocks[4 * 32] ^= 0xFF
    (fault,) = faults("scann", buffers)
    assert fault.startswith("the codes of ") and fault.endswith(" rows are not those of their vectors")
    buffers, blocks = damaged("scann", "codes")
    blocks[:4].view(np.float32)[0] += 5
    assert faults("scann", buffers) == ["the codes of 1 rows are not those of their vectors"]


@pytest.mark.parametrize(
    ("family", "name"), [("ivf_pq", "code_words"), ("ivf_rabitq", "code_signs"), ("ivf_sq8", "code_mean"), ("scann", "code_scales")]
)  # fmt: skip
def test_a_damaged_book_is_found(family: str, name: str) -> None:
    buffers, book = damaged(family, name)
    if book.dtype == np.uint8:
        book[0, 0] ^= 0xFF
    else:
        book.reshape(-1)[0] += 3
    (fault,) = faults(family, buffers)
    assert fault.startswith("the codes of ")


@pytest.mark.parametrize("family", LISTED)
def test_rows_in_each_others_lists_are_found(family: str) -> None:
    buffers, rows = damaged(family, "list_rows")
    rows[[0, -1]] = rows[[-1, 0]]
    found = faults(family, buffers)
    assert found[0] == "2 rows are not in the list of their nearest centroid"
    assert found[1:] == ["the codes of 2 rows are not those of their vectors"]
    buffers, rows = damaged(family, "list_rows")
    rows[0] = rows[1]
    with pytest.raises(vecengine.DamagedIndex, match="names a row twice"):
        faults(family, buffers)


def test_codes_of_other_vectors_are_found() -> None:
    vectors = numbers().copy()
    vectors[11] += 3
    for family in PARAMETERS:
        found = faults(family, stored(family, "l2"), vectors=vectors)
        assert "the codes of 1 rows are not those of their vectors" in found, family


def test_links_that_no_build_makes_are_found() -> None:
    for change in ("itself", "twice", "after the end"):
        buffers, links = damaged("diskann", "links")
        node = int(np.flatnonzero((links >= 0).sum(axis=1) > 3)[0])
        if change == "itself":
            links[node, 1] = node
        elif change == "twice":
            links[node, 1] = links[node, 0]
        else:
            links[node, 1] = -1
        (fault,) = faults("diskann", buffers)
        assert fault == "the links of 1 rows are no list of other rows, each once", change
    buffers, linked = damaged("diskann", "linked")
    buffers["links"] = buffers["links"].copy()
    buffers["links"][9, 5:] = -1
    linked[9] = 6
    assert faults("diskann", buffers) == ["the links of 1 rows are no list of other rows, each once"]


def test_an_entry_that_leads_nowhere_is_found() -> None:
    index: Any = vecengine.load_index(stored("diskann", "l2"), numbers())
    entry = index.walked.nodes.entry
    buffers, links = damaged("diskann", "links")
    links[entry] = -1
    buffers["linked"] = buffers["linked"].copy()
    buffers["linked"][entry] = 0
    assert faults("diskann", buffers) == ["the row where walks begin has no links"]
    links[0, 0] = ROWS
    with pytest.raises(vecengine.DamagedIndex, match="links"):
        faults("diskann", buffers)


@pytest.mark.slow
def test_codes_made_by_kernels_are_sound_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check may begin before kernels are ready: then NumPy makes the codes anew."""
    made = {(family, metric): stored(family, metric) for family in LISTED for metric in METRICS}
    monkeypatch.setattr(compiled._state, "kernels", None)
    monkeypatch.setattr(compiled._state, "started", True)
    for (family, metric), buffers in made.items():
        assert faults(family, buffers, metric) == []


def planted(metric: str, vectors: Any) -> vecengine.VectorIndex:
    return vecengine.build_index("annoy", vectors, metric=metric, trees=3, leaf_rows=20)


def leaf_faults(buffers: vecengine.Buffers, metric: str, vectors: Any) -> list[str]:
    parameters = {"trees": 3, "leaf_rows": 20}
    found = vecengine.index_faults(
        buffers, vectors, None, family="annoy", metric=metric, parameters=parameters
    )
    return list(found)


@pytest.mark.parametrize("metric", ["l2", "ip", "cosine", "l1"])
def test_rows_in_other_leaves_are_found(metric: str) -> None:
    vectors = np.concatenate([numbers(900), np.tile(numbers(1), (200, 1))])
    source = planted(metric, vectors)
    buffers = dict(source.to_buffers())
    assert leaf_faults(buffers, metric, vectors) == []
    longer = np.concatenate([vectors, numbers(60, seed=2)])
    extended = vecengine.extend_index(source, np.arange(1100), longer)
    assert leaf_faults(dict(extended.to_buffers()), metric, longer) == []
    nodes = buffers["leaf_nodes"].copy()
    places = [int(np.flatnonzero(nodes[:1100] == node)[0]) for node in np.argsort(vectors[:900, 0])[[0, -1]]]
    nodes[places] = nodes[places[::-1]]
    found = leaf_faults({**buffers, "leaf_nodes": nodes}, metric, vectors)
    assert found == ([] if metric == "ip" else ["2 rows are not in the leaves that the planes lead to"])


def test_other_parameters_are_found() -> None:
    found = vecengine.index_faults(
        stored("diskann", "l2"), numbers(), None, family="diskann", metric="l2", parameters={"max_degree": 20}
    )
    assert list(found) == ["it was built with max_degree = 16, expected 20"]
