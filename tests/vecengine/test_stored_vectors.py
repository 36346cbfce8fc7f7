"""Goal: bit strings and sparse vectors are searched, indexed, extended and grown as vectors of numbers are.

Method: seeded rows of every hostile kind (empty, all zero, duplicates, huge values, one bit, 64,000 bits, 16,000 elements)
against arithmetic written here on unpacked bits and on dense float64 arrays; completeness of every search; recall of
graphs and lists against the scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import vecengine
from foundation.bitset import bits_from_mask
from foundation.sparse import SparseWords, pack_sparse, sparse_words
from vecengine import BitVectors, SparseVectors
from vecengine.errors import BuildParameterError, DamagedIndex, DimensionMismatch, UnsupportedByFamily
from vecengine.hnsw.growing import GrowingHnsw

Vectors = BitVectors | SparseVectors
BIT_CASES = [("bit", metric) for metric in vecengine.bit_metric_names()]
SPARSE_CASES = [("sparse", metric) for metric in vecengine.metric_names()]
CASES = BIT_CASES + SPARSE_CASES
GRAPH_CASES = [
    (kind, metric)
    for kind, kind_of in (("bit", BitVectors), ("sparse", SparseVectors))
    for metric in vecengine.metrics_of("hnsw", kind_of)
]


def bit_vectors(mask: Any, *, is_scattered: bool = False) -> BitVectors:
    """Bit strings of an (n, d) mask; scattered ones begin wherever, at odd bytes and out of order."""
    packed = np.packbits(mask, axis=1)
    if not is_scattered:
        return BitVectors(packed, mask.shape[1])
    count, size = packed.shape
    order = np.random.default_rng(5).permutation(count)
    data = np.full(count * (size + 3) + 1, 0xA5, dtype=np.uint8)
    starts = order * (size + 3) + 1
    data[starts[:, None] + np.arange(size)] = packed
    return BitVectors(data, mask.shape[1], starts)


def sparse_vectors(matrix: Any, dimensions: int | None = None) -> SparseVectors:
    values = [
        pack_sparse(dimensions or matrix.shape[1], np.flatnonzero(row), row[row != 0]) for row in matrix
    ]
    return SparseVectors(sparse_words(pa.array(values, pa.binary())), dimensions or matrix.shape[1])


def true_distances(metric: str, rows: Any, query: Any) -> Any:
    """The operators of pgvector's manual and of Milvus', on (n, d) booleans or numbers."""
    with np.errstate(all="ignore"):
        if metric == "hamming":
            return (rows != query).sum(axis=1).astype(np.float64)
        if metric in ("jaccard", "tanimoto"):
            common, either = (rows & query).sum(axis=1), (rows | query).sum(axis=1)
            jaccard = np.where(common == 0, 1.0, 1 - common / np.maximum(either, 1))
            return jaccard if metric == "jaccard" else np.where(jaccard == 0, 0.0, -np.log2(1 - jaccard))
        if metric in ("superstructure", "substructure"):
            least = rows if metric == "superstructure" else query
            return 1.0 - ((rows & query) == least).all(axis=1)
        a, b = rows.astype(np.float64), query.astype(np.float64)
        if metric == "l2":
            return np.sqrt(((a - b) ** 2).sum(axis=1))
        if metric == "l1":
            return np.abs(a - b).sum(axis=1)
        products = (a * b).sum(axis=1)
        if metric == "ip":
            return -products
        return 1 - products / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=-1))


def matrix_of(kind: str, count: int, dimensions: int, seed: int = 1) -> Any:
    """Clustered rows as booleans or whole numbers, some of them zero and some equal."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).random((12, dimensions)) < 0.3
    mask = centres[rng.integers(0, 12, count)] ^ (rng.random((count, dimensions)) < 0.08)
    mask[:: max(2, count // 5)] = False
    mask[1::97] = mask[min(1, count - 1)]
    if kind == "bit":
        return mask
    return np.where(mask, rng.integers(1, 9, mask.shape), 0).astype(np.float32)


def vectors_of(kind: str, matrix: Any) -> Vectors:
    return bit_vectors(matrix, is_scattered=True) if kind == "bit" else sparse_vectors(matrix)


@pytest.fixture(params=["compiled", "formula"])
def path(request: pytest.FixtureRequest) -> str:
    if request.param == "formula":
        request.getfixturevalue("without_kernels")
    return str(request.param)


@pytest.mark.parametrize("is_scattered", [False, True])
@pytest.mark.parametrize("metric", vecengine.bit_metric_names())
@pytest.mark.parametrize("dimensions", [1, 7, 8, 9, 63, 64, 65, 255, 256, 300, 64_000])
def test_distances_of_bits(path: str, metric: str, dimensions: int, is_scattered: bool) -> None:
    rng = np.random.default_rng(2)
    mask = rng.random((9, dimensions)) < rng.random((9, 1))
    mask[0], mask[1] = False, True
    rows = bit_vectors(mask, is_scattered=is_scattered)
    for number in range(3):
        query = rows[number : number + 1]
        expected = true_distances(metric, mask, mask[number])
        np.testing.assert_array_equal(vecengine.distances(metric, rows, query), expected)
        again = vecengine.rowwise_distances(metric, rows, rows[np.full(9, number)])
        np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("metric", vecengine.metric_names())
def test_distances_of_sparse_rows(path: str, metric: str) -> None:
    """Whole numbers, where every sum is exact; the kernel of pairs says the same to the last bit."""
    matrix = matrix_of("sparse", 60, 90)
    rows = sparse_vectors(matrix)
    for number in range(4):
        found = vecengine.distances(metric, rows, rows[number : number + 1])
        np.testing.assert_allclose(
            found, true_distances(metric, matrix, matrix[number]), rtol=1e-12, atol=1e-12
        )
        pairs = vecengine.sparse_distances(metric, rows.words, rows[number : number + 1].words)
        np.testing.assert_array_equal(found, pairs)


def test_the_longest_sparse_rows_and_the_largest_dimensions(path: str) -> None:
    rng = np.random.default_rng(3)
    indexes = np.sort(rng.choice(10**9, (2, 16_000), replace=False), axis=1)
    values = rng.normal(size=(2, 16_000)).astype(np.float32)
    stored = [pack_sparse(10**9, indexes[i], values[i]) for i in range(2)] + [pack_sparse(10**9, [], [])]
    rows = SparseVectors(sparse_words(pa.array(stored, pa.binary())), 10**9)
    norms = np.append((values.astype(np.float64) ** 2).sum(axis=1), 0.0)
    found = vecengine.distances("l2", rows, rows[2:])
    np.testing.assert_allclose(found, np.sqrt(norms), rtol=1e-5)
    _, offsets = vecengine.exact_search(rows, rows, 1, metric="l2")
    assert offsets[:, 0].tolist() == [0, 1, 2]


def test_tanimoto_and_structures_of_known_strings(path: str) -> None:
    """Infinitely far rows are the last, by row offset, and are returned; rows that match come first."""
    rows = bit_vectors(
        np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], dtype=bool)
    )
    two, none = rows[1:2], rows[0:1]
    expected: dict[str, tuple[list[float], list[float]]] = {
        "tanimoto": ([np.inf, 0, 1, 1, np.inf], [np.inf] * 5),
        "superstructure": ([0, 0, 0, 1, 1], [0, 1, 1, 1, 1]),
        "substructure": ([1, 0, 1, 0, 1], [0, 0, 0, 0, 0]),
    }
    for metric, (of_two, of_none) in expected.items():
        for query, values in ((two, of_two), (none, of_none)):
            found = vecengine.distances(metric, rows, query)
            assert found.tolist() == values and not np.signbit(found).any()
            distances, offsets = vecengine.exact_search(rows, query, 7, metric=metric)
            order = np.argsort(values, kind="stable")
            assert offsets[0].tolist() == [*order, -1, -1]
            assert distances[0].tolist() == [*(values[row] for row in order), np.inf, np.inf]


def test_a_search_says_the_distance_that_the_operator_says() -> None:
    """To the last bit of float32, also where a logarithm is taken."""
    matrix = matrix_of("bit", 500, 333)
    rows = bit_vectors(matrix)
    for metric in vecengine.bit_metric_names():
        scanned = vecengine.distances(metric, rows, rows[7:8])
        np.testing.assert_array_equal(
            scanned, vecengine.rowwise_distances(metric, rows, rows[np.full(500, 7)])
        )
        for k in (1, 9, 500):
            found, offsets = vecengine.exact_search(rows, rows[np.array([3, 7])], k, metric=metric)
            np.testing.assert_array_equal(found[1], scanned[offsets[1]].astype(np.float32))


def test_huge_values_are_infinitely_far_and_still_returned() -> None:
    matrix = np.zeros((300, 5), dtype=np.float32)
    matrix[:, 0] = np.linspace(-3e38, 3e38, 300)
    rows = sparse_vectors(matrix)
    for metric in vecengine.metric_names():
        index = vecengine.build_index("hnsw", rows, metric=metric)
        _, offsets = index.search(rows[:1], 299)
        assert index.row_count == 300 and (offsets >= -1).all()
        if metric != "cosine":
            assert np.unique(offsets).size == 299


@pytest.mark.parametrize(("kind", "metric"), CASES)
@pytest.mark.parametrize("selectivity", [0.0, 0.02, 0.5, 1.0])
def test_exact_search(path: str, kind: str, metric: str, selectivity: float) -> None:
    matrix = matrix_of(kind, 300, 70)
    rows, asked = vectors_of(kind, matrix), vectors_of(kind, matrix_of(kind, 3, 70, seed=9)[[1, 2]])
    mask = np.random.default_rng(4).random(300) < selectivity
    found, offsets = vecengine.exact_search(rows, asked, 20, metric=metric, allowed_bits=bits_from_mask(mask))
    for number, query in enumerate(matrix_of(kind, 3, 70, seed=9)[[1, 2]]):
        expected = true_distances(metric, matrix, query)
        order = [
            row for row in np.argsort(expected, kind="stable") if mask[row] and not np.isnan(expected[row])
        ]
        got = offsets[number][offsets[number] >= 0]
        assert got.size == min(20, len(order))
        np.testing.assert_allclose(
            found[number, : got.size], expected[order[: got.size]], rtol=1e-6, atol=1e-6
        )
        np.testing.assert_allclose(expected[got], found[number, : got.size], rtol=1e-6, atol=1e-6)
        assert mask[got].all()


def recall(index: Any, rows: Vectors, asked: Vectors, ef: int = 40, k: int = 10) -> float:
    """By distance, so that ties count, of a search that never scans."""
    found, _ = walked(index).search(asked, k, ef_search=ef)
    truth, _ = vecengine.exact_search(rows, asked, k, metric=index.metric)
    return float((found <= truth[:, -1:] + 1e-5 * np.abs(truth[:, -1:])).mean())


def walked(index: Any) -> Any:
    name = "_walk_cost" if index.family == "hnsw" else "_cost"
    setattr(index, name, lambda *_: 0.0)
    return index


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "metric"), GRAPH_CASES)
def test_a_graph_is_built_loaded_and_extended(kind: str, metric: str) -> None:
    matrix = matrix_of(kind, 900, 48)
    rows, asked = vectors_of(kind, matrix), vectors_of(kind, matrix_of(kind, 60, 48, seed=8))
    source = vecengine.build_index("hnsw", rows[:600], metric=metric, m=8, ef_construction=40)
    assert recall(source, rows[:600], asked) > 0.9
    again = vecengine.build_index("hnsw", rows[:600], metric=metric, m=8, ef_construction=40, threads=2)
    for name, buffer in source.to_buffers().items():
        np.testing.assert_array_equal(buffer, again.to_buffers()[name], name)
    kept = np.flatnonzero(np.arange(900) % 11 != 3)
    moved_to = np.full(600, -1, dtype=np.int64)
    moved_to[kept[kept < 600]] = np.arange(np.count_nonzero(kept < 600))
    extended = vecengine.extend_index(source, moved_to, rows[kept])
    assert recall(extended, rows[kept], asked) > 0.9
    loaded = vecengine.load_index(extended.to_buffers(), rows[kept])
    np.testing.assert_array_equal(loaded.search(asked, 5)[0], extended.search(asked, 5)[0])
    assert not list(
        vecengine.index_faults(
            extended.to_buffers(),
            rows[kept],
            None,
            family="hnsw",
            metric=metric,
            parameters={"m": 8, "ef_construction": 40},
        )
    )


@pytest.mark.parametrize(("kind", "metric"), CASES)
@pytest.mark.parametrize("family", ["flat", "hnsw", "ivfflat"])
def test_a_search_is_complete(family: str, kind: str, metric: str) -> None:
    """min(k, rows covered and allowed), distinct, whatever the filter; without a row, too."""
    kind_of = BitVectors if kind == "bit" else SparseVectors
    if metric not in vecengine.metrics_of(family, kind_of):
        with pytest.raises(UnsupportedByFamily):
            vecengine.build_index(family, vectors_of(kind, matrix_of(kind, 9, 9)), metric=metric)
        return
    rng = np.random.default_rng(6)
    matrix = matrix_of(kind, 900, 33)
    rows = vectors_of(kind, matrix)
    offsets = np.flatnonzero(rng.random(900) < 0.9)
    index = walked(vecengine.build_index(family, rows, metric=metric, offsets=offsets))
    covered = offsets if metric != "cosine" else offsets[matrix[offsets].any(axis=1)]
    assert index.row_count == covered.size
    asked = rows[np.array([1, 5])]
    for share, k in ((1.0, 10), (0.5, 900), (0.05, 100), (0.0, 3)):
        mask = rng.random(900) < share
        _, found = index.search(asked, k, bits_from_mask(mask), 20)
        expected = min(k, np.count_nonzero(mask[covered]))
        for answer in found:
            assert np.unique(answer[answer >= 0]).size == expected
            assert np.isin(answer[answer >= 0], covered[mask[covered]]).all()
    empty = vecengine.build_index(family, rows[:0], metric=metric)
    assert (empty.search(asked, 3)[1] == -1).all()


def test_lists_of_bit_strings() -> None:
    """Centroids are the rounded means of their rows; the check finds a row in a wrong list."""
    matrix = matrix_of("bit", 2000, 90)
    rows, asked = bit_vectors(matrix), bit_vectors(matrix_of("bit", 60, 90, seed=8))
    index: Any = vecengine.build_index("ivfflat", rows, metric="hamming", lists=12)
    listed, lists = index.lists.assignment()
    centroids = index.lists.centroids.bits().astype(bool)
    nearest = np.stack([true_distances("hamming", centroids, matrix[row]) for row in listed])
    own = nearest[np.arange(listed.size), lists]
    np.testing.assert_array_equal(own, nearest.min(axis=1))
    assert recall(index, rows, asked, ef=4) > 0.9
    assert recall(index, rows, asked, ef=12) == 1.0
    loaded = vecengine.load_index(index.to_buffers(), rows)
    np.testing.assert_array_equal(loaded.search(asked, 5)[0], index.search(asked, 5)[0])
    moved_to = np.arange(2000)
    extended: Any = vecengine.extend_index(index, moved_to, bit_vectors(matrix_of("bit", 2000, 90)))
    assert extended.row_count == 2000
    said: Any = {"family": "ivfflat", "metric": "hamming", "parameters": {"lists": 12}}
    assert not list(vecengine.index_faults(index.to_buffers(), rows, None, **said))
    damaged = {**index.to_buffers(), "list_rows": index.lists.rows[::-1].copy()}
    assert any("nearest centroid" in fault for fault in vecengine.index_faults(damaged, rows, None, **said))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "metric"), GRAPH_CASES)
def test_a_graph_grows(kind: str, metric: str) -> None:
    matrix = matrix_of(kind, 708, 48)
    rows = vectors_of(kind, matrix)
    valid = np.random.default_rng(6).random(708) < 0.95
    graph = GrowingHnsw(metric, m=8, ef_construction=40)
    for end in (400, 608):
        graph.extend(rows[:end], bits_from_mask(valid[:end]))
    index = graph.index(rows, bits_from_mask(valid))
    assert index is not None and index.scanned_rows == 100
    asked = rows[np.array([1, 2, 707])]
    found, offsets = index.search(asked, 10)
    truth, _ = vecengine.exact_search(rows, asked, 10, metric=metric, allowed_bits=bits_from_mask(valid))
    assert valid[offsets].all()
    assert (found <= truth[:, -1:] + 1e-5).mean() > 0.85


@pytest.mark.parametrize(("kind", "metric"), GRAPH_CASES)
def test_rows_that_are_all_equal(kind: str, metric: str) -> None:
    for fill in (0, 1):
        matrix = np.full((700, 4), fill, dtype=bool if kind == "bit" else np.float32)
        rows = vectors_of(kind, matrix)
        index = walked(vecengine.build_index("hnsw", rows, metric=metric))
        _, offsets = index.search(rows[:1], 50)
        expected = 0 if metric == "cosine" and not fill else 50
        assert np.unique(offsets[offsets >= 0]).size == expected


def test_wrong_arguments() -> None:
    bits, sparse = bit_vectors(np.eye(4, dtype=bool)), sparse_vectors(np.eye(4, dtype=np.float32))
    with pytest.raises(UnsupportedByFamily, match='"l2" is not supported for vectors of bit strings'):
        vecengine.build_index("hnsw", bits, metric="l2")
    with pytest.raises(UnsupportedByFamily, match="jaccard"):
        vecengine.exact_search(sparse, sparse, 1, metric="jaccard")
    with pytest.raises(DimensionMismatch, match="different bit lengths 4 and 3"):
        vecengine.distances("hamming", bits, bit_vectors(np.ones((1, 3), dtype=bool)))
    with pytest.raises(DimensionMismatch, match="different sparsevec dimensions 4 and 9"):
        vecengine.exact_search(sparse, sparse_vectors(np.ones((1, 1), np.float32), 9), 1, metric="l1")
    with pytest.raises(TypeError):
        vecengine.exact_search(bits, np.ones((1, 4), np.float32), 1, metric="hamming")
    with pytest.raises(ValueError, match="ends behind the data"):
        BitVectors(np.zeros(3, np.uint8), 17, np.array([1]))
    with pytest.raises(DamagedIndex, match="another kind"):
        vecengine.load_index(
            vecengine.build_index("flat", bits, metric="hamming").to_buffers(), np.eye(4, dtype=np.float32)
        )
    with pytest.raises(BuildParameterError):
        vecengine.build_index("hnsw", bits, metric="hamming", m=1)


@pytest.mark.parametrize("kind", ["bit", "sparse"])
def test_no_graph_without_kernels(kind: str, without_kernels: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from vecengine.hnsw import build

    monkeypatch.setattr(build, "await_kernels", lambda cancel: None)
    metric = "hamming" if kind == "bit" else "l2"
    with pytest.raises(UnsupportedByFamily, match="needs compiled kernels"):
        vecengine.build_index("hnsw", vectors_of(kind, matrix_of(kind, 9, 9)), metric=metric)


def test_slices_read_where_the_column_is() -> None:
    rows = sparse_vectors(matrix_of("sparse", 30, 20))
    part = rows[5:20][np.array([3, 1])]
    assert part.shape == (2, 20) and np.shares_memory(part.data, rows.data)
    np.testing.assert_array_equal(
        vecengine.distances("l2", part, rows[8:9]), vecengine.distances("l2", rows, rows[8:9])[[8, 6]]
    )
    none = SparseVectors(SparseWords(np.zeros(0, np.uint32), np.zeros(0, np.int64)), 7)
    assert len(none) == 0 and none.query_words == 3 and none.queries().shape == (0, 3)
