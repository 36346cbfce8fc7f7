"""Goal: the stored form of timetz is reversible and sorts as PostgreSQL does: by the instant, then by the zone.

Method: seeded random values; the pair (UTC microseconds, seconds west) is the oracle of the order.
"""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from foundation.timetz import pack_timetz, timetz_array, timetz_parts, unpack_timetz


def test_bytes_sort_as_instant_then_zone() -> None:
    source = random.Random(3)
    zones = [source.randrange(-57599, 57600) for _ in range(20)] + [0, 3600, -3600]
    values = []
    for _ in range(2000):
        west = source.choice(zones)
        # Many of one instant, so that the zone decides.
        instant = source.choice((0, 36_000_000_000, source.randrange(86_400_000_001)))
        values.append((min(max(instant - west * 1_000_000, 0), 86_400_000_000), west))
    by_meaning = sorted(values, key=lambda v: (v[0] + v[1] * 1_000_000, v[1]))
    assert sorted(values, key=lambda v: pack_timetz(*v)) == by_meaning
    assert [unpack_timetz(pack_timetz(*v)) for v in values] == values


def test_columns_agree_with_single_values() -> None:
    source = random.Random(4)
    local = np.array([source.randrange(86_400_000_001) for _ in range(100)])
    west = np.array([source.randrange(-57599, 57600) for _ in range(100)])
    mask = np.arange(100) % 7 == 0
    column = timetz_array(local, west, mask)
    expected = [None if hidden else pack_timetz(int(us), int(s)) for us, s, hidden in zip(local, west, mask)]
    assert column.to_pylist() == expected
    for part in (column, column.slice(3, 50), column.slice(0, 0), pa.nulls(4, column.type)):
        us, seconds = timetz_parts(part)
        pairs = [unpack_timetz(v) if v is not None else (0, 0) for v in part.to_pylist()]
        assert list(zip(us.tolist(), seconds.tolist())) == pairs
