"""Goal: every family keeps the whole contract of an index, for each kind of vectors and metric that it serves.

Method: the registry crossed with kinds, metrics and selectivities (`contract_cases`), against all distances by
`vecengine.distances`, filtered and sorted by NumPy. Complete, exact, ascending and allowed always; recall at least 0.85 where an
index is approximate. The whole cross product is `soak`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask, mask_from_bits
from foundation.cancel import CancelToken
from foundation.errors import QueryCanceled
from tests.vecengine.contract_cases import (
    QUERIES,
    ROWS,
    SHARES,
    WIDE,
    Case,
    all_distances,
    allowed_rows,
    built,
    cases,
    check_answer,
    distances_of,
    make_queries,
    make_vectors,
    nearest,
    one_case_of_each_family,
    parameters,
    row_of,
)
from vecengine import coded_scan

RECALL_FLOOR = 0.85
RECALL_AT_ONE = 0.7


@pytest.fixture(autouse=True)
def scan_codes_of_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else so few are scanned as vectors."""
    monkeypatch.setattr(coded_scan, "SEARCH_NS", 0.0)


every_case = pytest.mark.parametrize("case", cases(all_kinds=False))
each_family = pytest.mark.parametrize("case", one_case_of_each_family())


def covered_mask(index: Any) -> Any:
    bits = index.covered_bits()
    return (
        np.ones(len(index.vectors), dtype=bool) if bits is None else mask_from_bits(bits, len(index.vectors))
    )


def check_search(case: Case, index: Any, share: float, k: int = 10) -> None:
    allowed, bits = allowed_rows(share)
    stats = vecengine.SearchStats()
    mask = allowed & covered_mask(index)
    beams = [estimate.ef_search for estimate in index.estimate(k, int(mask.sum()), 0.95)]
    # Where none is expected to reach the recall, one of all rows does.
    answer = index.search(make_queries(case.kind), k, bits, max(beams) or ROWS, stats=stats)
    recall = check_answer(answer, all_distances(case), mask, k)
    assert recall >= (1.0 if case.is_exact else RECALL_FLOOR if k > 1 else RECALL_AT_ONE)
    assert stats.allowed_count == mask.sum() and stats.strategy
    assert stats.distances + stats.reranked >= min(1, mask.sum())


def check_ranges(case: Case, share: float) -> None:
    index, (allowed, bits) = built(case), allowed_rows(share)
    mask = allowed & covered_mask(index)
    distances = all_distances(case)
    edges = np.nanquantile(distances[np.isfinite(distances)], [0.01, 0.05, 0.4])
    for inner, radius in (
        (None, edges[1]),
        (edges[0], edges[1]),
        (None, edges[2]),
        (None, np.inf),
        (1.0, 1.0),
    ):
        answer = index.range_search(make_queries(case.kind), radius, inner=inner, allowed_bits=bits)
        assert answer.limits.shape == (QUERIES + 1,) and answer.limits[-1] == answer.offsets.size
        wanted = 0
        for number, truth in enumerate(distances):
            found, rows = answer.of(number)
            with np.errstate(invalid="ignore"):
                is_held = mask & (truth < radius) & (truth >= (-np.inf if inner is None else inner))
            assert is_held[rows].all() and len(set(rows.tolist())) == rows.size
            np.testing.assert_array_equal(found, truth[rows].astype(np.float32))
            np.testing.assert_array_equal(np.lexsort((rows, truth[rows])), np.arange(rows.size))
            wanted += is_held.sum()
        assert answer.offsets.size >= (1.0 if case.is_exact else RECALL_FLOOR) * wanted


def check_iteration(case: Case, share: float) -> None:
    index, (allowed, bits) = built(case), allowed_rows(share)
    mask = allowed & covered_mask(index)
    recall = [
        check_rows(case, index.iterate(row_of(make_queries(case.kind), number), bits), number, mask)
        for number in range(3)
    ]
    assert np.mean(recall) >= (1.0 if case.is_exact else RECALL_FLOOR)


def check_rows(case: Case, rows: Any, number: int, mask: Any) -> float:
    """Every row once, each batch exact and in order; returns the recall of the first rows."""
    truth, came = all_distances(case)[number], []
    best = nearest(truth, mask, ROWS)
    for count in (1, 3, 30, 200, ROWS, 1):
        found, offsets = rows.next(count)
        assert offsets.size == min(count, best.size - sum(part.size for part in came))
        np.testing.assert_array_equal(found, truth[offsets].astype(np.float32))
        np.testing.assert_array_equal(np.lexsort((offsets, truth[offsets])), np.arange(offsets.size))
        came.append(offsets)
    everything = np.concatenate(came)
    np.testing.assert_array_equal(np.sort(everything), np.sort(best))
    if case.is_exact:
        np.testing.assert_array_equal(everything, best)
    first = everything[:34]
    return float((truth[first] <= truth[best[first.size - 1]]).mean()) if first.size else 1.0


@every_case
def test_search(case: Case) -> None:
    for share in SHARES:
        check_search(case, built(case), share)
    assert built(case).family == case.family


@every_case
def test_ranges(case: Case) -> None:
    for share in (1.0, 0.3, 0.0):
        check_ranges(case, share)


@every_case
def test_iteration(case: Case) -> None:
    for share in (1.0, 0.3, 0.01, 0.0):
        check_iteration(case, share)


@every_case
def test_one_row_more_rows_than_there_are_and_none(case: Case) -> None:
    index, queries, distances = built(case), make_queries(case.kind), all_distances(case)
    covered = covered_mask(index)
    only = np.zeros(ROWS, dtype=bool)
    only[np.flatnonzero(covered)[17]] = True
    for mask, bits, k in (
        (only & covered, bits_from_mask(only), 5),
        (covered, None, ROWS + 7),
        (covered, None, 0),
    ):
        assert check_answer(index.search(queries, k, bits), distances, mask, k) >= (0.99 if k > 10 else 1.0)


@every_case
def test_a_batch_is_its_queries_one_by_one(case: Case) -> None:
    index, queries = built(case), make_queries(case.kind)
    bits = allowed_rows(0.5)[1]
    together = index.search(queries, 10, bits, 30)
    for number in range(QUERIES):
        alone = index.search(queries[number : number + 1], 10, bits, 30)
        np.testing.assert_array_equal(alone[0][0], together[0][number])
        np.testing.assert_array_equal(alone[1][0], together[1][number])


@every_case
def test_given_rows(case: Case) -> None:
    index, offsets = built(case), np.array([3, 999, 3, 334])
    np.testing.assert_array_equal(
        index.distances_to(make_queries(case.kind), offsets), all_distances(case)[:, offsets]
    )
    rows = index.vectors_at(offsets)
    np.testing.assert_array_equal(
        distances_of(case.metric, rows, make_queries(case.kind)), all_distances(case)[:, offsets]
    )


@each_family
def test_round_trip_through_read_only_maps(case: Case, tmp_path: Path) -> None:
    index, vectors, queries = built(case), make_vectors(case.kind, ROWS), make_queries(case.kind)
    buffers = index.to_buffers()
    for name, buffer in buffers.items():
        np.save(tmp_path / name, buffer)
    mapped: Any = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in buffers}
    if isinstance(vectors, np.ndarray) and case.kind == "float32":
        np.save(tmp_path / "vectors.npy", vectors)
        vectors = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    again = vecengine.load_index(mapped, vectors)
    for bits in (None, allowed_rows(0.3)[1]):
        for left, right in zip(again.search(queries, 10, bits), index.search(queries, 10, bits), strict=True):
            np.testing.assert_array_equal(left, right)
    assert again.estimate(10, 500, 0.9) == index.estimate(10, 500, 0.9)
    for name, buffer in again.to_buffers().items():
        np.testing.assert_array_equal(buffer, buffers[name])
    assert again.statistics.buffer_bytes == index.statistics.buffer_bytes
    assert again.statistics.build_seconds is None and index.statistics.build_seconds > 0


@each_family
def test_the_number_of_threads_changes_no_byte(case: Case) -> None:
    vectors = make_vectors(case.kind, ROWS)
    many = vecengine.build_index(
        case.family, vectors, metric=case.metric, threads=3, **parameters(case.family, case.kind)
    )
    buffers = built(case).to_buffers()
    assert set(many.to_buffers()) == set(buffers)
    for name, buffer in many.to_buffers().items():
        np.testing.assert_array_equal(buffer, buffers[name], err_msg=name)


@each_family
def test_extension(case: Case) -> None:
    """Rows go, rows come and the others move: what is found is as in an index built anew."""
    source, old = built(case), make_vectors(case.kind, ROWS)
    if not isinstance(old, np.ndarray):
        pytest.skip("rows of other kinds are moved by the tests of their families")
    is_kept = np.random.default_rng(4).random(ROWS) < 0.95
    vectors = np.concatenate([old[is_kept], make_vectors(case.kind, 150, 5)])
    moved_to = np.where(is_kept, np.cumsum(is_kept) - 1, -1).astype(np.int64)
    offsets = np.flatnonzero(np.random.default_rng(6).random(len(vectors)) < 0.98).astype(np.int64)
    index = vecengine.extend_index(source, moved_to, vectors, offsets=offsets)
    queries = make_queries(case.kind)
    distances = distances_of(case.metric, vectors, queries)
    mask = np.zeros(len(vectors), dtype=bool)
    mask[offsets] = True
    assert (covered_mask(index) <= mask).all() and (index.family, index.metric) == (case.family, case.metric)
    mask &= covered_mask(index)
    for k, bits, allowed in (
        (10, None, mask),
        (10, bits_from_mask(np.arange(len(vectors)) % 3 == 0), mask & (np.arange(len(vectors)) % 3 == 0)),
    ):
        recall = check_answer(index.search(queries, k, bits, index.beam_for(k, 0.95)), distances, allowed, k)
        assert recall >= (1.0 if case.is_exact else RECALL_FLOOR)
    again = vecengine.load_index(index.to_buffers(), vectors)
    np.testing.assert_array_equal(again.search(queries, 10)[1], index.search(queries, 10)[1])


@each_family
def test_partial_coverage(case: Case) -> None:
    vectors, queries = make_vectors(case.kind, ROWS), make_queries(case.kind)
    offsets = np.flatnonzero(np.random.default_rng(7).random(ROWS) < 0.6).astype(np.int64)
    index = vecengine.build_index(
        case.family, vectors, metric=case.metric, offsets=offsets, **parameters(case.family, case.kind)
    )
    mask = np.zeros(ROWS, dtype=bool)
    mask[offsets] = True
    covered = covered_mask(index)
    assert (covered <= mask).all() and index.row_count == covered.sum()
    check_search(case, index, 1.0)
    check_search(case, index, 0.2)
    everything = index.iterate(row_of(queries, 0)).next(ROWS)[1]
    np.testing.assert_array_equal(np.sort(everything), np.flatnonzero(covered))


@each_family
@pytest.mark.parametrize(("rows", "dimensions"), [(0, 3), (1, 1), (2, 16), (9, 1), (40, 5)])
def test_tiny_sets(case: Case, rows: int, dimensions: int) -> None:
    vectors = make_vectors(case.kind, rows, 3, dimensions)
    queries = make_queries(case.kind, 3, dimensions)
    index = vecengine.build_index(case.family, vectors, metric=case.metric)
    distances, covered = distances_of(case.metric, vectors, queries), covered_mask(index)
    for k in (0, 1, rows, rows + 3):
        assert check_answer(index.search(queries, k), distances, covered, k) == 1.0
    answer = index.range_search(queries, np.inf)
    np.testing.assert_array_equal(
        np.diff(answer.limits), [(covered & np.isfinite(truth)).sum() for truth in distances]
    )
    assert (
        index.iterate(row_of(queries, 0)).next(rows + 1)[1].size == nearest(distances[0], covered, rows).size
    )
    again = vecengine.load_index(index.to_buffers(), vectors)
    assert check_answer(again.search(queries, 5), distances, covered, 5) == 1.0


@each_family
def test_rows_without_an_order_never_come(case: Case) -> None:
    if case.kind not in ("float32", WIDE):
        pytest.skip("only numbers are NaN")
    vectors = make_vectors(case.kind, 300, 8).copy()
    vectors[::50, 3] = np.nan
    index = vecengine.build_index(case.family, vectors, metric=case.metric)
    queries = make_queries(case.kind)
    distances, covered = distances_of(case.metric, vectors, queries), covered_mask(index)
    for k in (10, 300):
        assert check_answer(index.search(queries, k), distances, covered, k) >= RECALL_FLOOR
    rows = index.iterate(row_of(queries, 0)).next(300)[1]
    assert not (rows % 50 == 0).any() and rows.size == nearest(distances[0], covered, 300).size


@each_family
def test_all_rows_are_one(case: Case) -> None:
    one = make_vectors(case.kind, 1, 9)
    if case.kind not in ("float32", WIDE):
        pytest.skip("rows of other kinds repeat in the shared data")
    vectors = np.repeat(one, 400, axis=0)
    index = vecengine.build_index(case.family, vectors, metric=case.metric)
    distances = distances_of(case.metric, vectors, one)
    for mask in (np.ones(400, dtype=bool), np.arange(400) % 7 == 0):
        answer = index.search(one, 20, bits_from_mask(mask))
        assert check_answer(answer, distances, mask, 20) == 1.0
    everything = index.iterate(one).next(400)[1]
    np.testing.assert_array_equal(np.sort(everything), np.arange(400))


@each_family
def test_cancelling(case: Case) -> None:
    token, vectors, queries = CancelToken(), make_vectors(case.kind, ROWS), make_queries(case.kind)
    token.cancel()
    index = built(case)
    with pytest.raises(QueryCanceled):
        index.search(queries, 10, cancel=token.word)
    with pytest.raises(QueryCanceled):
        index.range_search(queries, 1.0, cancel=token.word)
    with pytest.raises(QueryCanceled):
        index.iterate(row_of(queries, 0), cancel=token.word).next(10)
    with pytest.raises(QueryCanceled):
        index.distances_to(queries, np.arange(100), cancel=token.word)
    if (case.family, case.kind) != ("flat", "float32"):
        with pytest.raises(QueryCanceled):
            vecengine.build_index(
                case.family,
                vectors,
                metric=case.metric,
                cancel=token.word,
                **parameters(case.family, case.kind),
            )
        with pytest.raises(QueryCanceled):
            vecengine.extend_index(
                index,
                np.arange(ROWS, dtype=np.int64),
                vectors,
                offsets=np.arange(0, ROWS, 2, dtype=np.int64),
                cancel=token.word,
            )


@each_family
def test_estimates_and_search_by_recall(case: Case) -> None:
    index, distances = built(case), all_distances(case)
    for allowed in (0, 1, 20, ROWS):
        for target in (0.5, 0.95, 1.0):
            estimates = index.estimate(10, allowed, target)
            costs = [estimate.cost_distances for estimate in estimates]
            assert costs == sorted(costs) and "exact" in [estimate.strategy for estimate in estimates]
            assert all(estimate.recall >= target for estimate in estimates)
    for share in SHARES:
        mask, bits = allowed_rows(share)
        answer = vecengine.search(index, make_queries(case.kind), 10, allowed_bits=bits, target_recall=0.95)
        recall = check_answer(answer, distances, mask & covered_mask(index), 10)
        assert recall >= (1.0 if case.is_exact else RECALL_FLOOR)
    answer = vecengine.search(index, make_queries(case.kind), 10, target_recall=1.0)
    assert check_answer(answer, distances, covered_mask(index), 10) >= 0.97


@each_family
def test_before_the_kernels_are_ready(case: Case, without_kernels: None) -> None:
    index, queries = built(case), make_queries(case.kind)
    covered, distances = (
        covered_mask(index),
        distances_of(case.metric, make_vectors(case.kind, ROWS), queries),
    )
    allowed, bits = allowed_rows(0.1)
    assert check_answer(index.search(queries, 10, bits), distances, allowed & covered, 10) == 1.0
    rows = index.iterate(row_of(queries, 0), bits).next(ROWS)[1]
    np.testing.assert_array_equal(rows, nearest(distances[0], allowed & covered, ROWS))
    radius = float(np.nanquantile(distances, 0.05))
    counts = np.diff(index.range_search(queries, radius, allowed_bits=bits).limits)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(counts, ((distances < radius) & allowed & covered).sum(axis=1))


@pytest.mark.soak
@pytest.mark.parametrize("case", cases(all_kinds=True))
@pytest.mark.parametrize("share", SHARES)
def test_whole_matrix(case: Case, share: float) -> None:
    for k in (1, 10, 100):
        check_search(case, built(case), share, k)
    check_ranges(case, share)
    check_iteration(case, share)
