"""Goal: a graph that is walked by product codes or codes of one bit answers with exact distances, whatever rows it covers, and finds them.

Method: recall beside exact search for every metric, filters, some of the rows, extensions; one query after another; vectors and queries
that such codes cannot say; stored forms and damage; the families of one kind of codes beside `hnsw`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from tests.vecengine.hnsw.test_number_codes import DIMENSIONS, QUERIES, ROWS, VECTORS, built, recall
from vecengine.arrays import NO_CANCEL
from vecengine.buffers import METADATA, decode_metadata
from vecengine.checking import index_faults
from vecengine.compiled import warm_up
from vecengine.errors import BuildParameterError, DamagedIndex, UnsupportedByFamily
from vecengine.hnsw.index import HnswIndex
from vecengine.hnsw.table_codes import TableCodes

K = 10
METRICS = ("l2", "ip", "cosine")
QUANTIZERS = ("pq", "rabitq")
ROW_BYTES = {"pq": 4 + 20, "rabitq": 8 + 128 // 8}
each_quantizer = pytest.mark.parametrize("quantizer", QUANTIZERS)


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


@pytest.fixture(scope="module", params=QUANTIZERS)
def index(request: pytest.FixtureRequest) -> HnswIndex:
    return built(quantizer=request.param)


@pytest.mark.slow
@each_quantizer
@pytest.mark.parametrize("metric", METRICS)
def test_recall(quantizer: str, metric: str) -> None:
    index = built(metric=metric, quantizer=quantizer)
    codes = index.codes
    assert isinstance(codes, TableCodes) and codes.vectors.nbytes == ROWS * ROW_BYTES[quantizer]
    assert index.graph.norms.size == 0 and codes.size_bytes < VECTORS.nbytes // 4
    assert recall(index, VECTORS) >= 0.95
    assert recall(index, VECTORS, np.random.default_rng(2).random(ROWS) < 0.4) >= 0.93
    # The curve is that of the walk by these codes.
    beam = index.beam_for(K, 0.95)
    assert beam > built(metric=metric, quantizer="sq8").beam_for(K, 0.95)
    stats = vecengine.SearchStats()
    found, _ = index.search(QUERIES, K, None, beam, stats=stats)
    truth, _ = vecengine.exact_search(VECTORS, QUERIES, K, metric=metric)
    assert stats.strategy == "exact" or (found <= truth[:, -1:]).mean() >= 0.93


def test_one_query_after_another_is_a_batch(index: HnswIndex) -> None:
    expected = index.search(QUERIES, K, None, 50)
    bits = bits_from_mask(np.arange(ROWS) % 2 == 0)
    filtered = index.search(QUERIES, K, bits, 50)[1]
    repeated, halved = index.repeated(K, None, 50), index.repeated(K, bits, 50)
    assert repeated is not None and index.target.queries_at_once > 1
    for number, query in enumerate(QUERIES):
        answer = repeated.run(query[None], NO_CANCEL)
        assert answer is not None
        np.testing.assert_array_equal(answer[1], expected[1][number])
        np.testing.assert_array_equal(index.search(query[None], K, None, 50)[1][0], expected[1][number])
        if halved is not None and (half := halved.run(query[None], NO_CANCEL)) is not None:
            np.testing.assert_array_equal(half[1], filtered[number])


def test_more_queries_than_have_tables_at_once(index: HnswIndex) -> None:
    many = np.tile(QUERIES, (1 + 2 * index.target.queries_at_once // len(QUERIES), 1))
    stats = vecengine.SearchStats()
    found = index.search(many, K, None, 50, stats=stats)[1]
    np.testing.assert_array_equal(found, np.tile(index.search(QUERIES, K, None, 50)[1], (len(many) // 60, 1)))
    assert stats.reranked == len(many) * 50 and stats.completed_exactly == 0
    assert index.search(many[:0], K)[1].shape == (0, K)
    with pytest.raises(vecengine.DistanceBudgetSpent):
        index.search(many, K, None, 50, distance_budget=stats.distances // 2)


@pytest.mark.slow
@each_quantizer
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_some_of_the_rows_and_an_extension_over_others(metric: str, quantizer: str) -> None:
    vectors = VECTORS.copy()
    vectors[7] = 0
    covered = np.arange(ROWS) % 3 != 1
    source = built(vectors, metric, offsets=np.flatnonzero(covered), quantizer=quantizer)
    is_in = covered & (np.arange(ROWS) != 7) if metric == "cosine" else covered
    assert isinstance(source.codes, TableCodes) and len(source.codes.vectors) == is_in.sum()
    assert recall(source, vectors, is_in) >= 0.93
    again = vecengine.load_index(source.to_buffers(), vectors)
    np.testing.assert_array_equal(again.search(QUERIES, K)[1], source.search(QUERIES, K)[1])
    assert again.size_bytes == source.size_bytes
    extended = vecengine.extend_index(source, np.arange(ROWS), vectors)
    assert isinstance(extended, HnswIndex) and isinstance(extended.codes, TableCodes)
    assert extended.codes.book is source.codes.book, "codes that tell rows apart stay"
    kept = extended.codes.to_buffers()["codes"][
        np.isin(extended.coverage.row_offsets(), np.flatnonzero(is_in))
    ]
    np.testing.assert_array_equal(kept, source.codes.to_buffers()["codes"])
    assert recall(extended, vectors) >= 0.93


@pytest.mark.slow
def test_an_extension_over_rows_that_the_book_does_not_tell_apart() -> None:
    """New rows lie close together and far from the others: the words of these say nothing of them."""
    near = VECTORS[:900] * np.float32(0.02) + np.float32(60)
    both = np.concatenate([VECTORS[:900], near])
    source = built(VECTORS[:900], quantizer="pq")
    extended = vecengine.extend_index(source, np.arange(900), both)
    assert isinstance(source.codes, TableCodes) and isinstance(extended, HnswIndex)
    assert extended.codes is None or extended.codes.book is not source.codes.book  # type: ignore[attr-defined]
    found, _ = extended.search(near[:50], K, None, 200)
    truth, _ = vecengine.exact_search(both, near[:50], K, metric="l2")
    assert (found <= truth[:, -1:]).mean() >= 0.9


@each_quantizer
def test_no_codes_where_they_would_not_serve(quantizer: str) -> None:
    twins = np.repeat(VECTORS[:3], 300, axis=0)
    twins += np.random.default_rng(4).normal(size=twins.shape).astype(np.float32) * np.float32(1e-5)
    for vectors, metric, why in (
        (VECTORS[:400], "l2", "few rows"),
        (np.ascontiguousarray(VECTORS[:600, :40]), "l2", "few dimensions"),
        (VECTORS[:600], "l1", "no keys of such a metric"),
        (VECTORS[:600] * np.float32(1e15), "l2", "numbers too large for tables"),
        (np.ones((600, 64), np.float32), "l2", "all rows are one"),
        (twins, "l2", "twins"),
    ):
        index = built(vectors, metric, quantizer=quantizer)
        assert index.codes is None, why
        nearest, _ = vecengine.exact_search(vectors, vectors[:3], 5, metric=metric)
        np.testing.assert_array_equal(index.search(vectors[:3], 5, None, 600)[0], nearest, why)
        again = vecengine.load_index(index.to_buffers(), vectors)
        assert isinstance(again, HnswIndex) and again.codes is None


def test_twins_linked_by_their_vectors_under_cosine() -> None:
    """Integers do not tell such rows apart, codes of which more are reranked may: norms are there for the links and gone after."""
    rng = np.random.default_rng(5)
    vectors = np.repeat(rng.normal(size=(50, DIMENSIONS)), 40, axis=0)
    vectors = (vectors + rng.normal(size=vectors.shape) * 0.0003).astype(np.float32)
    assert built(vectors, "cosine", quantizer="sq8").codes is None
    index = built(vectors, "cosine", quantizer="pq")
    assert index.codes is not None
    found, _ = index.search(vectors[::50], 8, None, 100)
    truth, _ = vecengine.exact_search(vectors, vectors[::50], 8, metric="cosine")
    assert (found <= truth[:, -1:]).mean() >= 0.9
    assert index.graph.norms.size == 0


@each_quantizer
@pytest.mark.parametrize("metric", METRICS)
def test_queries_that_tables_cannot_say(quantizer: str, metric: str) -> None:
    index = built(VECTORS[:700], metric, quantizer=quantizer)
    odd = np.stack([QUERIES[0] * np.float32(scale) for scale in (1e25, 1e-25, 0)])
    answer = index.search(odd, K, None, 60)
    truth = vecengine.exact_search(VECTORS[:700], odd, K, metric=metric)
    assert answer[1].shape == (3, K)
    np.testing.assert_array_equal(answer[1] >= 0, truth[1] >= 0)
    if metric == "ip":
        assert (answer[0][0] <= truth[0][0, -1]).mean() >= 0.8
    unordered = QUERIES[:1].copy()
    unordered[0, 3] = np.nan
    assert (index.search(unordered, K)[1] == -1).all()


def test_batches_of_an_iterator(index: HnswIndex) -> None:
    truth = vecengine.exact_search(VECTORS, QUERIES[:4], 60, metric="l2")[0]
    hits = 0
    for number in range(4):
        stats = vecengine.SearchStats()
        rows = index.iterate(QUERIES[number], None, 60, stats=stats)
        batches = [rows.next(20) for _ in range(3)]
        offsets = np.concatenate([offsets for _, offsets in batches])
        assert len(set(offsets.tolist())) == 60 and stats.strategy == "graph" and stats.reranked
        found = np.concatenate([distances for distances, _ in batches])
        exact = vecengine.distances("l2", VECTORS[offsets], QUERIES[number]).astype(np.float32)
        np.testing.assert_array_equal(found, exact)
        hits += int((found <= truth[number, -1]).sum())
        rest = rows.next(ROWS)[1]
        assert set(rest.tolist()) | set(offsets.tolist()) == set(range(ROWS))
    assert hits >= 0.9 * 4 * 60


def test_threads_and_libraries(index: HnswIndex) -> None:
    quantizer = index.parameters.quantizer.name.lower()
    many = built(quantizer=quantizer, threads=3).to_buffers()
    for name, buffer in index.to_buffers().items():
        np.testing.assert_array_equal(many[name], buffer, err_msg=name)
    foreign = built(VECTORS[:900], "cosine", quantizer=quantizer, provider="faiss")
    assert isinstance(foreign.codes, TableCodes) and foreign.graph.norms.size == 0
    truth, _ = vecengine.exact_search(VECTORS[:900], QUERIES, K, metric="cosine")
    assert (foreign.search(QUERIES, K, None, 80)[0] <= truth[:, -1:]).mean() >= 0.95


@pytest.mark.parametrize(
    ("options", "row_bytes"), [({"pq_m": 13, "nbits": 5}, 4 + 9), ({"pq_m": 40, "nbits": 4}, 4 + 20)]
)
def test_pieces_and_bits(options: dict[str, int], row_bytes: int) -> None:
    index = built(VECTORS[:900], quantizer="pq", refine_k=3, **options)
    assert isinstance(index.codes, TableCodes) and index.codes.book.row_bytes == row_bytes
    loaded = vecengine.load_index(index.to_buffers(), VECTORS[:900])
    assert isinstance(loaded, HnswIndex) and loaded.parameters == index.parameters
    stats = vecengine.SearchStats()
    loaded.search(QUERIES, K, None, 60, stats=stats)
    assert stats.strategy == "exact" or stats.reranked == 3 * K * len(QUERIES)
    np.testing.assert_array_equal(loaded.search(QUERIES, K)[1], index.search(QUERIES, K)[1])


def test_more_pieces_than_dimensions() -> None:
    for rows in (10, 900):
        with pytest.raises(BuildParameterError, match='value 81 out of bounds for option "pq_m"'):
            built(VECTORS[:rows], quantizer="pq", pq_m=81)


@each_quantizer
def test_the_data_check_and_damage(quantizer: str) -> None:
    vectors = VECTORS[:800]
    buffers = dict(built(vectors, quantizer=quantizer).to_buffers())
    wanted = vecengine.check_build_params("hnsw", {"m": 12, "quantizer": quantizer})

    def faults() -> list[str]:
        return list(index_faults(buffers, vectors, None, family="hnsw", metric="l2", parameters=wanted))

    assert faults() == []
    codes = buffers["codes"].copy()
    codes[3, -4:] ^= 255
    codes[[8, 9]] = codes[[9, 8]]
    whole, buffers["codes"] = buffers["codes"], codes
    assert faults() == ["the codes of 3 rows are not those of their vectors"]
    buffers["codes"] = whole
    for name in ("codes", "code_mean", "code_words" if quantizer == "pq" else "code_signs"):
        kept = buffers.pop(name)
        with pytest.raises(DamagedIndex, match=f'"{name}" is missing'):
            vecengine.load_index(buffers, vectors)
        buffers[name] = kept[:-1]
        with pytest.raises(DamagedIndex, match=f'"{name}" is'):
            vecengine.load_index(buffers, vectors)
        buffers[name] = kept
    fields = decode_metadata(buffers)
    damages: list[tuple[str, Any]] = [("coded_by", "sq8"), ("quantizer", "fp16")]
    if quantizer == "pq":
        damages += [("pq_m", 81), ("pq_m", 17), ("nbits", 9), ("nbits", 4), ("nbits", 4.5)]
    for name, value in damages:
        text = json.dumps({**fields, name: value}).encode()
        damaged = np.frombuffer(text, dtype=np.uint8)
        with pytest.raises(DamagedIndex):
            vecengine.load_index({**buffers, METADATA: damaged}, vectors)


FAMILIES = {"hnsw_sq": {"quantizer": "bf16"}, "hnsw_pq": {"pq_m": 16, "nbits": 6}}


@pytest.mark.parametrize("family", FAMILIES)
def test_families_of_one_kind_of_codes(family: str) -> None:
    vectors, given = VECTORS[:900], FAMILIES[family]
    base = {**given, "quantizer": given.get("quantizer", "pq")}
    index = vecengine.build_index(family, vectors, metric="cosine", **given)  # type: ignore[arg-type]
    other = vecengine.build_index("hnsw", vectors, metric="cosine", **base)  # type: ignore[arg-type]
    buffers = index.to_buffers()
    for name, buffer in other.to_buffers().items():
        assert name == METADATA or np.array_equal(buffer, buffers[name])
    loaded = vecengine.load_index(buffers, vectors)
    extended = vecengine.extend_index(loaded, np.arange(900), vectors)
    assert index.family == loaded.family == extended.family == family
    wanted = vecengine.check_build_params(family, given)
    assert not list(index_faults(buffers, vectors, None, family=family, metric="cosine", parameters=wanted))
    assert vecengine.metrics_of(family, np.ndarray) == vecengine.metrics_of("hnsw", np.ndarray)
    with pytest.raises(UnsupportedByFamily):
        vecengine.build_index(family, vecengine.BitVectors(np.ones((3, 2), np.uint8), 16), metric="hamming")
    with pytest.raises(BuildParameterError):
        vecengine.check_build_params(family, {"provider": "faiss"})


def test_codes_that_a_family_does_not_have() -> None:
    with pytest.raises(
        BuildParameterError, match='invalid value for enum option "quantizer": rabitq'
    ) as error:
        vecengine.check_build_params("hnsw_sq", {"quantizer": "rabitq"})
    assert error.value.detail == 'Valid values are "sq8" and "fp16" and "bf16".'
    with pytest.raises(BuildParameterError, match='unrecognized parameter "quantizer"'):
        vecengine.check_build_params("hnsw_pq", {"quantizer": "pq"})
    with pytest.raises(BuildParameterError, match="ef_construction must be greater"):
        vecengine.check_build_params("hnsw_pq", {"m": 40})
