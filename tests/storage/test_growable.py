"""Goal: a prefix of a growing column equals the concatenation of what was appended. Method: pyarrow as oracle."""

from __future__ import annotations

import datetime
import random
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from storage.growable import GrowableArray, GrowableBits, dense_values, growable_column, without_null_values

DRAWS: list[tuple[pa.DataType, Any]] = [
    (pa.int16(), lambda r: r.randrange(-9, 9)),
    (pa.int64(), lambda r: r.choice([2**63 - 1, -(2**63)])),
    (pa.float32(), lambda r: r.choice([0.5, float("inf")])),
    (pa.float16(), lambda r: np.float16(r.random())),
    (pa.bool_(), lambda r: r.random() < 0.5),
    (pa.utf8(), lambda r: "ß" * r.randrange(5)),
    (pa.binary(), lambda r: bytes(r.randrange(5))),
    (pa.binary(16), lambda r: bytes([r.randrange(256)] * 16)),
    (pa.decimal128(20, 2), lambda r: Decimal(r.randrange(-999, 999)) / 4),
    (pa.date32(), lambda r: datetime.date(2000, 1, r.randrange(1, 28))),
    (
        pa.timestamp("us", "UTC"),
        lambda r: datetime.datetime(2000, 1, 1, r.randrange(24), tzinfo=datetime.UTC),
    ),
    (pa.time64("us"), lambda r: datetime.time(r.randrange(24))),
    (pa.month_day_nano_interval(), lambda r: pa.MonthDayNano([r.randrange(3), 1, 2])),
    (pa.list_(pa.float32(), 3), lambda r: [r.randrange(9) / 2] * 3),
    (pa.list_(pa.float16(), 2), lambda r: [np.float16(r.randrange(9))] * 2),
    (pa.list_(pa.float32()), lambda r: [0.5] * r.randrange(4)),
    (pa.list_(pa.utf8()), lambda r: [r.choice(["a", None, ""]) for _ in range(r.randrange(3))]),
    (pa.list_(pa.bool_()), lambda r: [True] * r.randrange(3)),
]


def piece(arrow_type: pa.DataType, draw: Any, rng: random.Random, null_share: float) -> pa.Array:
    values = [None if rng.random() < null_share else draw(rng) for _ in range(rng.choice([0, 1, 2, 9, 40]))]
    array = pa.array(values, type=arrow_type)
    start = rng.randrange(len(array) + 1)
    return array.slice(start) if rng.random() < 0.5 else array


@pytest.mark.parametrize(("arrow_type", "draw"), DRAWS, ids=[str(t) for t, _ in DRAWS])
@pytest.mark.parametrize("null_share", [0.0, 0.3])
def test_prefixes(arrow_type: pa.DataType, draw: Any, null_share: float) -> None:
    rng = random.Random(3)
    for _ in range(5):
        column, whole = growable_column(arrow_type), pa.array([], type=arrow_type)
        kept: list[tuple[pa.Array, list[Any]]] = []
        for _ in range(12):
            added = piece(arrow_type, draw, rng, null_share)
            column.append(added)
            whole = pa.concat_arrays([whole, added])
            for count in {0, len(whole), rng.randrange(len(whole) + 1)}:
                prefix = column.prefix(count)
                prefix.validate(full=True)
                assert prefix.to_pylist() == whole.slice(0, count).to_pylist()
                kept.append((prefix, whole.slice(0, count).to_pylist()))
            if rng.random() < 0.2:
                count = rng.randrange(len(whole) + 1)
                column.truncate(count)
                whole = whole.slice(0, count)
        for prefix, values in kept:
            assert prefix.to_pylist() == values, "a later append changed a prefix somebody held"


def test_vector_prefix_is_one_aligned_matrix() -> None:
    column = growable_column(pa.list_(pa.float32(), 3))
    for count in (1, 70, 700):
        column.append(pa.array([[1.0, 2.0, 3.0]] * count, type=pa.list_(pa.float32(), 3)))
        assert column.prefix(count).values.buffers()[1].address % 64 == 0


def test_null_vectors_have_zeros() -> None:
    array = pa.array([[1.0, 2.0], None, [3.0, 4.0], None], type=pa.list_(pa.float32(), 2)).slice(1)
    assert dense_values(array).to_pylist() == [0, 0, 3, 4, 0, 0]
    dense = without_null_values(array)
    assert dense.to_pylist() == array.to_pylist() and dense.offset == 0 and dense.values.null_count == 0
    assert without_null_values(array.slice(1, 1)).to_pylist() == [[3.0, 4.0]]


def test_appends_are_amortised() -> None:
    array = GrowableArray(np.int64)
    moves, data = 0, array.data
    for n in range(10_000):
        array.append(np.array([n]))
        moves += array.data is not data
        data = array.data
    assert moves < 12 and (array.data[:10_000] == np.arange(10_000)).all()


def test_bits_against_packbits() -> None:
    rng = np.random.default_rng(5)
    bits, whole = GrowableBits(), np.zeros(0, dtype=np.bool_)
    for size in (0, 1, 3, 8, 5, 64, 7):
        flags = rng.random(size) < 0.5
        bits.append(flags)
        whole = np.concatenate([whole, flags])
        assert (bits.packed.data[: bits.packed.count] == np.packbits(whole, bitorder="little")).all()
