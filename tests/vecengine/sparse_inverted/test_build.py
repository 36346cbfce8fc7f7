"""Goal: postings are the elements of the rows however they came there; what is damaged is refused by name.

Method: postings beside a loop over the elements; extensions beside builds; every buffer damaged in turn.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.cancel import CANCEL_TIMEOUT, CancelToken
from foundation.errors import QueryCanceled
from tests.vecengine.sparse_inverted.test_search import METRICS, ROWS, built, matrix
from tests.vecengine.test_stored_vectors import sparse_vectors
from vecengine.buffers import decode_metadata
from vecengine.errors import BuildParameterError, DamagedIndex
from vecengine.sparse_inverted.index import SparseInvertedIndex

VECTORS = sparse_vectors(matrix())


def elements(index: Any) -> set[tuple[int, int, float]]:
    """(row, dimension, weight) of all postings."""
    postings, found = index.postings, set()
    rows = index.coverage.row_offsets()
    for block in range(postings.block_count):
        for segment in range(*postings.block_segments[block : block + 2]):
            for place in range(*postings.segment_starts[segment : segment + 2]):
                row = rows[block * index.parameters.block_rows + postings.rows[place]]
                found.add((int(row), int(postings.segment_dims[segment]), float(postings.weights[place])))
    return found


def true_elements(numbers: Any) -> set[tuple[int, int, float]]:
    return {(int(r), int(d), float(numbers[r, d])) for r, d in np.argwhere(numbers)}


def same_buffers(left: Any, right: Any) -> bool:
    ours, theirs = left.to_buffers(), right.to_buffers()
    return all(np.array_equal(ours[name], theirs[name]) for name in ours if name != "metadata")


@pytest.mark.slow
def test_postings_are_the_elements() -> None:
    index = built("ip")
    assert elements(index) == true_elements(matrix())
    for segment in range(index.postings.segment_dims.size):
        weights = index.postings.weights[slice(*index.postings.segment_starts[segment : segment + 2])]
        assert index.postings.highs[segment] == max(weights.max(), 0)
        assert index.postings.lows[segment] == min(weights.min(), 0)


@pytest.mark.slow
def test_the_smallest_weights_of_a_block_are_left_out() -> None:
    index, numbers = built("ip", drop_percent=25), matrix()
    for begin in range(0, ROWS, 64):
        block = np.zeros_like(numbers)
        block[begin : begin + 64] = numbers[begin : begin + 64]
        kept = {element for element in elements(index) if begin <= element[0] < begin + 64}
        every = true_elements(block)
        assert kept <= every and len(every - kept) == len(every) // 4
        assert max(abs(weight) for *_, weight in every - kept) <= min(abs(weight) for *_, weight in kept)


@pytest.mark.slow
def test_the_result_does_not_depend_on_threads_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    indexes = [
        vecengine.build_index(
            "sparse_inverted",
            VECTORS,
            metric="cosine",
            block_rows=64,
            threads=threads,
            progress=lambda done, total: told.append((done, total)),
        )
        for threads in (1, 3)
    ]
    assert same_buffers(*indexes) and told[-1][0] == told[-1][1] == indexes[0].row_count
    assert decode_metadata(indexes[0].to_buffers()) == decode_metadata(indexes[1].to_buffers())
    token = CancelToken()
    token.cancel(CANCEL_TIMEOUT)
    with pytest.raises(QueryCanceled):
        vecengine.build_index("sparse_inverted", VECTORS, metric="ip", cancel=token.word)


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "drop_percent"), [("l2", 0), ("ip", 30), ("cosine", 0)])
def test_extensions_are_what_builds_are(metric: str, drop_percent: int) -> None:
    numbers = matrix()
    source = vecengine.build_index(
        "sparse_inverted",
        sparse_vectors(numbers[:500]),
        metric=metric,
        block_rows=64,
        drop_percent=drop_percent,
    )
    gone = np.asarray([70, 400])
    kept = np.setdiff1d(np.arange(500), gone)
    moved_to = np.full(500, -1)
    moved_to[kept] = np.arange(kept.size)
    later = np.concatenate([numbers[kept], numbers[500:]])
    for rows, moved in ((numbers, np.arange(500)), (later, moved_to), (numbers[kept], moved_to)):
        extended = vecengine.extend_index(source, moved, sparse_vectors(rows))
        expected = vecengine.build_index(
            "sparse_inverted", sparse_vectors(rows), metric=metric, block_rows=64, drop_percent=drop_percent
        )
        assert same_buffers(extended, expected)


@pytest.mark.slow
def test_an_extension_keeps_blocks_of_rows_that_stayed(monkeypatch: pytest.MonkeyPatch) -> None:
    from vecengine.sparse_inverted import build

    source, made = built("ip"), []
    real = build.block_postings
    monkeypatch.setattr(build, "block_postings", lambda *given: made.append(len(given[0])) or real(*given))
    numbers = np.concatenate([matrix(), matrix(40, seed=3)])
    extended = vecengine.extend_index(source, np.arange(ROWS), sparse_vectors(numbers))
    assert made == [64, ROWS + 40 - 11 * 64] and elements(extended) == true_elements(numbers)


@pytest.mark.parametrize("metric", METRICS)
def test_round_trips(metric: str, tmp_path: Path) -> None:
    index, queries = built(metric), sparse_vectors(matrix(5, seed=2))
    expected = index.search(queries, 9)
    buffers = index.to_buffers()
    for name, buffer in buffers.items():
        np.save(tmp_path / f"{name}.npy", buffer)
    index.save(tmp_path / "index")
    mapped = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in buffers}
    for again in (
        vecengine.load_index(mapped, VECTORS),
        SparseInvertedIndex.load(tmp_path / "index", VECTORS),
    ):
        np.testing.assert_array_equal(again.search(queries, 9), expected)
        assert same_buffers(again, index) and again.estimate(9, 600, 0.9) == index.estimate(9, 600, 0.9)
        assert again.beam_for(9, 0.9) == index.beam_for(9, 0.9)
    assert sum(buffer.nbytes for buffer in buffers.values()) < index.size_bytes + 5_000


@pytest.mark.parametrize(
    ("name", "position", "value", "message"),
    [
        ("block_segments", 1, 10**6, "does not divide"),
        ("block_segments", 0, 1, "does not divide"),
        ("segment_starts", 1, -1, "does not divide"),
        ("segment_starts", -1, 10**9, "does not divide"),
        ("segment_starts", 1, 0, "a list without a row"),
        ("segment_dims", 0, -1, "expected 0 to 89"),
        ("segment_dims", -1, 90, "expected 0 to 89"),
        ("segment_dims", 1, 0, "does not ascend"),
        ("posting_rows", 5, 64, "leads out of its block"),
        ("posting_rows", -1, 63, "leads out of its block"),
    ],
)
def test_damage_is_refused(name: str, position: int, value: int, message: str) -> None:
    buffers = dict(built("l2").to_buffers())
    buffers[name] = buffers[name].copy()
    buffers[name][position] = value  # type: ignore[index]
    with pytest.raises(DamagedIndex, match=message) as error:
        vecengine.load_index(buffers, VECTORS)
    assert error.value.sqlstate == "XX002"


@pytest.mark.parametrize("name", ["norms", "weights", "highs", "lows", "posting_rows", "offsets"])
def test_missing_and_short_buffers_are_refused(name: str) -> None:
    buffers = dict(built("cosine").to_buffers())
    for damaged in (buffers.pop(name)[:-1], None):
        given = buffers if damaged is None else {**buffers, name: damaged}
        with pytest.raises(DamagedIndex):
            vecengine.load_index(given, VECTORS)


def test_faults_are_found() -> None:
    buffers = dict(built("l2").to_buffers())
    parameters = {"block_rows": 64, "drop_percent": 0}

    def faults(**other: Any) -> list[str]:
        return list(
            vecengine.index_faults(
                {**buffers, **other}, VECTORS, None, family="sparse_inverted", metric="l2", parameters=parameters
            )
        )  # fmt: skip

    assert faults() == []
    assert faults(weights=buffers["weights"] * 2) == [
        "the lists of 11 blocks of rows are not those of their vectors"
    ]
    assert faults(norms=buffers["norms"] + 1) == ["its norms are not those of the vectors"]


def test_parameters() -> None:
    assert vecengine.check_build_params("sparse_inverted", {}) == {"block_rows": 16384, "drop_percent": 0}
    for name, value in (("block_rows", 63), ("block_rows", 65537), ("drop_percent", 91)):
        with pytest.raises(BuildParameterError, match=f'value {value} out of bounds for option "{name}"'):
            vecengine.check_build_params("sparse_inverted", {name: value})
