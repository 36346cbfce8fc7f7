"""Goal: what `same_values` calls the same is the same to the last bit, whatever the type and wherever the arrays begin.

Method: seeded arrays of every Arrow type that columns have, in which about half of the values are alike; the oracle compares the
values one by one in Python, floats by their bytes.
"""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from planner.dml.same_values import same_values

VALUES: dict[pa.DataType, list[Any]] = {
    pa.bool_(): [True, False, None],
    pa.int64(): [1, 2, None],
    pa.uint32(): [1, 4_000_000_000, None],
    pa.float16(): [np.float16(x) for x in (0.0, -0.0, 1.5)] + [None],
    pa.float32(): [0.0, -0.0, float("nan"), 1.5, None],
    pa.float64(): [0.0, -0.0, float("nan"), 1.5, None],
    pa.utf8(): ["", "a", "1.0", "1.00", None],
    pa.binary(): [b"", b"\x00", None],
    pa.binary(2): [b"ab", b"ba", None],
    pa.decimal128(5, 2): [1, 2, None],
    pa.month_day_nano_interval(): [(1, 0, 0), (0, 30, 0), (0, 0, 5), None],
    pa.timestamp("us", "UTC"): [1, 2, None],
    pa.list_(pa.float32()): [[], [0.0], [-0.0], [1.0, 2.0], [1.0, None], [None], None],
    pa.list_(pa.utf8()): [[], ["a"], ["a", None], ["b", "a"], None],
    pa.list_(pa.float32(), 2): [[0.0, 1.0], [1.0, 0.0], [float("nan"), 1.0], None],
    pa.list_(pa.float16(), 2): [[np.float16(0), np.float16(1)], [np.float16(1), np.float16(0)], None],
    pa.list_(pa.list_(pa.int32())): [[], [[]], [[1], None], [[1], [2, None]], None],
}


def canonical(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(canonical, value))
    return struct.pack("d", value) if isinstance(value, float) else value


@pytest.mark.parametrize("arrow_type", VALUES, ids=str)
def test_as_value_by_value(arrow_type: pa.DataType) -> None:
    rng = random.Random(5)
    left = [rng.choice(VALUES[arrow_type]) for _ in range(300)]
    right = [value if rng.random() < 0.5 else rng.choice(VALUES[arrow_type]) for value in left]
    for first in (0, 7):
        one = pa.array(left, arrow_type).slice(first)
        other = pa.concat_arrays([pa.array(right[:9], arrow_type), pa.array(right[9:], arrow_type)]).slice(
            first
        )
        pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
        assert same_values(one, other).tolist() == [canonical(a) == canonical(b) for a, b in pairs]
    assert same_values(pa.array([], arrow_type), pa.array([], arrow_type)).tolist() == []
