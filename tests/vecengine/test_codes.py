"""Goal: codes stand for their numbers, and kernels compute with them what the formulas say.

Method: keys of codes against the same sums in NumPy, bit for bit; numbers that are hard to encode; the product of integers in
every form a machine may have.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit, types

from vecengine import kernels_codes
from vecengine.codes import LARGEST, Codebook, CodeVectors, code_bytes, train_codebook
from vecengine.compiled import warm_up
from vecengine.exact import exact_keys
from vecengine.kernels_types import OPTIONS
from vecengine.metrics import Metric

METRICS = (Metric.L2, Metric.IP, Metric.COSINE)


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    assert warm_up()


def normal(seed: int, rows: int, dimensions: int) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def trained(metric: Metric, vectors: Any) -> Codebook | None:
    return train_codebook(metric, vectors, np.arange(len(vectors), dtype=np.int64))


def book_of(metric: Metric, vectors: Any) -> Codebook:
    book = trained(metric, vectors)
    assert book is not None
    return book


@pytest.mark.parametrize("dimensions", [1, 31, 32, 64, 100, 384, 2001])
@pytest.mark.parametrize("metric", METRICS)
def test_kernels_weigh_codes_as_the_formula_does(metric: Metric, dimensions: int) -> None:
    vectors = normal(dimensions, 300, dimensions) + 0.5
    book = Codebook(metric, np.full(dimensions, 0.25, np.float32), float(np.abs(vectors).max()) / LARGEST)
    codes = book.encode(vectors)
    keys, offsets, _ = exact_keys(Metric.L2, codes, codes.queries(), 300, None)
    integers = codes.integers().astype(np.int64)
    norms, factors = codes.headers().astype(np.float64).T
    products = integers @ integers.T
    expected = norms[:, None] + norms[None, :] - factors[:, None] * products
    for row in range(300):
        np.testing.assert_array_equal(keys[row], expected[row, offsets[row]])
    assert (expected == expected.T).all(), "a key is the same both ways"
    if metric is not Metric.IP:
        squares = ((integers[:40, None] - integers[None, :40]) ** 2).sum(axis=2)
        np.testing.assert_allclose(expected[:40, :40], factors[0] / 2 * squares, atol=1e-5 * norms.max())


@pytest.mark.parametrize("kind", [np.float32, np.float16])
@pytest.mark.parametrize("metric", METRICS)
def test_numbers_come_back_within_half_a_step(metric: Metric, kind: Any) -> None:
    vectors = (normal(3, 1000, 96) * 3 + 1).astype(kind)
    book = book_of(metric, vectors)
    numbers = vectors.astype(np.float32)
    if metric is Metric.COSINE:
        numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    error = np.abs(book.decode(book.encode(vectors)) - numbers)
    reached = np.abs(numbers - book.mean) <= LARGEST * book.scale
    assert reached.mean() > 0.998
    assert error[reached].max() <= book.scale * 0.501


def test_some_rows_are_encoded_as_all_are() -> None:
    vectors = normal(4, 500, 70)
    book = book_of(Metric.L2, vectors)
    rows = np.arange(3, 500, 7)
    np.testing.assert_array_equal(book.encode(vectors, rows).bytes(), book.encode(vectors)[rows].bytes())


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((600, 64), np.float32),
        np.zeros((600, 64), np.float32),
        normal(5, 600, 64) * np.float32(1e25),
        normal(5, 600, 64) * np.float32(1e-25),
        # Twins that differ by less than a step of the integers, far from one another pair by pair.
        np.repeat(normal(6, 10, 64), 60, axis=0) * np.float32(100) + normal(7, 600, 64) * np.float32(1e-3),
        np.concatenate([normal(8, 500, 64) * np.float32(1e-4), normal(8, 100, 64)]),
        normal(9, 1, 64),
    ],
    ids=["equal", "zero", "huge", "tiny", "twins", "two scales", "one row"],
)
def test_no_codes_where_they_would_not_tell_neighbours_apart(vectors: Any) -> None:
    assert trained(Metric.L2, vectors) is None


def test_an_odd_number_far_out_is_cut_and_does_not_coarsen_the_rest() -> None:
    vectors = normal(10, 4000, 128)
    vectors[17, 5] = 1e4
    assert book_of(Metric.L2, vectors).scale * LARGEST < 10


@pytest.mark.parametrize("dimensions", [1, 33, 64])
def test_the_stored_form(dimensions: int) -> None:
    book = Codebook(Metric.L2, np.zeros(dimensions, np.float32), 0.5)
    codes = book.encode(np.full((2, dimensions), 3.2, np.float32))
    assert (
        codes.bytes().shape == (2, code_bytes(dimensions)) and codes.query_words == codes.queries().shape[1]
    )
    assert (codes.integers() == 6).all() and not codes.bytes()[:, 8 + dimensions :].any()
    np.testing.assert_allclose(codes.headers(), [[36 * 0.25 * dimensions, 0.5]] * 2)
    with pytest.raises(ValueError, match="must be"):
        CodeVectors(codes.bytes(), dimensions + 32)


@pytest.mark.parametrize(("avx512", "avx2"), [(True, True), (False, True), (False, False)])
def test_products_are_the_same_on_every_machine(
    avx512: bool, avx2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels_codes, "_HAS_AVX512", avx512 and kernels_codes._HAS_AVX512)
    monkeypatch.setattr(kernels_codes, "_HAS_AVX2", avx2 and kernels_codes._HAS_AVX2)
    signature = types.int64(types.int64, types.int64, types.int64)

    @njit([signature], **OPTIONS)
    def product(codes: int, numbers: int, count: int) -> Any:
        return kernels_codes.code_product(codes, numbers, count)

    rng = np.random.default_rng(11)
    for count in (32, 64, 992):
        codes = rng.integers(-127, 128, count).astype(np.int8)
        numbers = rng.integers(-16000, 16001, count).astype(np.int16)
        expected = int(codes.astype(np.int64) @ numbers)
        assert product(codes.ctypes.data, numbers.ctypes.data, count) == expected
