"""Columns of every type that btree indexes keep the order of, with what is awkward about each, for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from foundation.network import pack_inet
from foundation.ranges import RANGE_TYPES, Bound, RangeType, merged, range_cuts
from foundation.ranges import stored as stored_range
from foundation.sqltypes import (
    BOOL,
    BPCHAR,
    BYTEA,
    DATE,
    FLOAT4,
    FLOAT8,
    INET,
    INT2,
    INT4,
    INT8,
    MACADDR,
    MACADDR8,
    MONEY,
    NUMERIC,
    OID,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    TSVECTOR,
    TYPES,
    UUID,
    VARCHAR,
    SqlType,
    arrow_type,
    numeric_typmod,
)
from foundation.timetz import pack_timetz
from planner.text_search.tsvectors import pack_vector

PRICE = SqlType(NUMERIC.oid, numeric_typmod(12, 2))
_TEXTS = ["", " ", "a", "a ", "ab", "B", "b", "é", "z", "ｆ", "\U0001f600", "日本", "a%", "a_", "A\\"]
_NUMERICS = [
    "0",
    "-0.0",
    "1",
    "1.0",
    "1.00",
    "1.5",
    "-7",
    "1e-5".replace("1e-5", "0.00001"),
    "99999999999999999999",
]
_WIDE = [*_NUMERICS, "NaN", "Infinity", "-Infinity", "9" * 90, "0." + "0" * 40 + "1"]
_FLOATS = [0.0, -0.0, 1.5, -1.5, float("nan"), float("inf"), float("-inf"), 1e-30]
_INSTANTS = [0, -1, 1, 1 << 40, (1 << 63) - 1, -(1 << 63), 1_600_000_000_000_000]
_DAYS = [0, -1, 1, 20_000, (1 << 31) - 1, -(1 << 31)]
_ZONED = [(0, 0), (3_600_000_000, -3600), (0, -3600), (0, 3600), (86_400_000_000, 57_599), (1, -57_599)]
_ADDRESSES = [
    ((10, 1, 2, 3), 8), ((10, 0, 0, 0), 8), ((10, 1, 0, 0), 16), ((10, 1, 2, 3), 32), ((0, 0, 0, 0), 0), ((255,) * 4, 32),
    ((0,) * 16, 128), ((255,) * 16, 1),
]  # fmt: skip


_LEXEMES: list[list[bytes]] = [[], [b"a"], [b"b"], [b"a", b"b"], [b"ab"], ["é".encode()], [b"a" * 300]]
_BOUNDS: dict[int, list[Bound]] = {
    0: [None, "-1.5", "0.00", "1", "1.0", "NaN"],
    4: [None, -7, 1],
    8: [None, -1, 300],
}
"""Width of a range type's keys -> bounds that ascend."""


def _ranges(form: RangeType) -> list[bytes]:
    """Ranges between all bounds, and the empty one."""
    bounds = _BOUNDS[form.key_bytes]
    pairs = [(a, b) for at, a in enumerate(bounds) for b in [*bounds[at:], None]]
    return [stored_range(form, range_cuts(form, *pair, has_upper=True)) for pair in pairs] + [
        stored_range(form, ())
    ]


def _multiranges(form: RangeType) -> list[bytes]:
    """Those of two ranges."""
    _, first, *_, last = _BOUNDS[form.key_bytes]
    low, high = range_cuts(form, None, first), range_cuts(form, last, None)
    middle = range_cuts(form, first, last)
    return [stored_range(form, merged(cuts)) for cuts in ((), (low,), (low, high), (low, middle), (middle,))]


POOLS: dict[str, tuple[SqlType, list[Any]]] = {
    "bool": (BOOL, [True, False]),
    "int2": (INT2, [*range(-40, 40), -32768, 32767]),
    "int4": (INT4, [*range(-300, 300), -(1 << 31), (1 << 31) - 1]),
    "int8": (INT8, [*range(-300, 300), -(1 << 63), (1 << 63) - 1]),
    "oid": (OID, [0, 1, 2, 1 << 31, (1 << 32) - 1]),
    "float4": (FLOAT4, _FLOATS),
    "float8": (FLOAT8, [*_FLOATS, 1e300, -1e300]),
    "numeric": (NUMERIC, _NUMERICS),
    "numeric, wide": (NUMERIC, _WIDE),
    "numeric(12,2)": (PRICE, [Decimal(n).scaleb(-2) for n in (-7, 0, 1, 100, 150, 999_999_999_999)]),
    "text": (TEXT, _TEXTS),
    "varchar": (VARCHAR, _TEXTS),
    "char": (BPCHAR, ["a  ", "a", "ab", "", "  ", "b "]),
    "bytea": (BYTEA, [b"", b"\x00", b"a", b"\xff", b"ab"]),
    "uuid": (UUID, [bytes([n]) * 16 for n in (0, 1, 127, 128, 255)]),
    "date": (DATE, _DAYS),
    "inet": (INET, [pack_inet(bytes(address), prefix) for address, prefix in _ADDRESSES]),
    "macaddr": (MACADDR, [bytes((n, 0, 0, 0, 0, n)) for n in (0, 127, 128, 255)]),
    "macaddr8": (MACADDR8, [bytes((n, 0, 0, 0, 0, 0, 0, n)) for n in (0, 127, 128, 255)]),
    "money": (MONEY, [*range(-40, 40), -(1 << 63), (1 << 63) - 1]),
    **{TYPES[form.range.oid].name: (form.range, _ranges(form)) for form in RANGE_TYPES},
    **{TYPES[form.multirange.oid].name: (form.multirange, _multiranges(form)) for form in RANGE_TYPES},
    "tsvector": (TSVECTOR, [pack_vector(dict.fromkeys(words, ())) for words in _LEXEMES]),
    "timetz": (TIMETZ, [pack_timetz(us, west) for us, west in _ZONED]),
    "time": (TIME, [0, 1, 86_399_999_999, 86_400_000_000]),
    "timestamp": (TIMESTAMP, _INSTANTS),
    "timestamptz": (TIMESTAMPTZ, _INSTANTS),
}


def column(name: str, rows: int, *, seed: int = 0, null_share: float = 0.1) -> pa.Array:
    """`rows` values of a pool with repetitions, some of them NULL."""
    sql_type, pool = POOLS[name]
    random = np.random.default_rng(seed)
    picked = [pool[i] for i in random.integers(0, len(pool), rows)]
    is_null = random.random(rows) < null_share
    return stored([None if null else value for value, null in zip(picked, is_null)], sql_type)


def stored(values: list[Any], sql_type: SqlType) -> pa.Array:
    """Python values, dates and times as integers, in the form that columns of the type have."""
    target = arrow_type(sql_type)
    if pa.types.is_temporal(target):
        width = pa.int32() if pa.types.is_date32(target) else pa.int64()
        return pa.array(values, width).cast(target)
    return pa.array(values, target)
