"""Goal: sparse vectors keep their values through their stored form, and their keys sort as pgvector sorts.

Method: seeded random vectors, NULLs and slices; the oracle of the order is the comparison of the dense vectors.
"""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from foundation.sparse import order_keys, pack_sparse, sparse_column, sparse_rows


def random_values(count: int, dimensions_max: int, seed: int) -> list[bytes]:
    generator = random.Random(seed)
    values = []
    for _ in range(count):
        dimensions = generator.randrange(1, dimensions_max + 1)
        indexes = sorted(generator.sample(range(dimensions), generator.randrange(dimensions + 1)))
        values.append(pack_sparse(dimensions, indexes, [generator.choice((-2, -1, 1, 2)) for _ in indexes]))
    return values


def dense(column: pa.Array, number: int) -> list[float]:
    dimensions, indexes, values = sparse_rows(column).row(number)
    vector = np.zeros(dimensions)
    vector[indexes] = values
    return list(vector.tolist())


def test_worked_example() -> None:
    value = pack_sparse(5, [0, 2], [1.5, -2])
    assert value.hex() == "00000005000000020000000000000000000000023fc00000c0000000"
    assert dense(pa.array([value], pa.binary()), 0) == [1.5, 0, -2, 0, 0]


def test_round_trip_of_columns() -> None:
    column = pa.array(random_values(200, 30, seed=1), pa.binary())
    assert sparse_column(sparse_rows(column)).equals(column)
    part = column.slice(17, 60)
    assert sparse_column(sparse_rows(part)).equals(part)
    assert sparse_column(sparse_rows(column.slice(0, 0))).equals(column.slice(0, 0))


def test_nulls_take_no_room() -> None:
    values = random_values(5, 9, seed=2)
    rows = sparse_rows(pa.array(values, pa.binary()))
    valid = np.array([True, False, True, True, False, True, True])
    spread = iter(values)
    expected = [next(spread) if known else None for known in valid]
    assert sparse_column(rows, valid).to_pylist() == expected


def test_keys_sort_as_dense_vectors() -> None:
    column = pa.array(random_values(400, 4, seed=3), pa.binary())
    rows = sparse_rows(column)
    keys = order_keys(rows).to_pylist()
    vectors = [dense(column, number) for number in range(len(rows))]
    for a, b in zip(keys, vectors, strict=True):
        for c, d in zip(keys[:60], vectors[:60], strict=True):
            assert (a < c, a == c) == (b < d, b == d), (b, d)


def test_keys_know_the_size_of_numbers() -> None:
    numbers = [-3.4e38, -1.5, -1e-45, 1e-45, 1.5, 3.4e38]
    rows = sparse_rows(pa.array([pack_sparse(1, [0], [number]) for number in numbers], pa.binary()))
    keys = order_keys(rows).to_pylist()
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
