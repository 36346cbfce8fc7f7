"""The hash that HASH partitions go by: PostgreSQL's own, so that a row lies in the partition that it would have there.

Each key's extended hash function with one seed, combined as 64 bits (compute_partition_hash_value in
src/backend/partitioning/partbounds.c, hash_combine64 in src/include/common/hashfn.h). Integers are hashed as columns, a
million in 0.1 s; other values one by one, 10 us each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from foundation.sqltypes import (
    BOOL,
    BPCHAR,
    BYTEA,
    DATE,
    INT2,
    INT4,
    INT8,
    OID,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    SqlType,
)
from planner.functions.text_hashes import hash_bytes_extended, seeded_state

Hashes = npt.NDArray[np.uint64]

_SEED = 0x7A5B22367996DCFD
_COMBINED = np.uint64(0x49A0F4DD15E5A8E3)
_DAYS_TO_2000, _MICROSECONDS_TO_2000 = 10957, 946_684_800_000_000


def row_hashes(columns: list[pa.Array], types: list[SqlType]) -> Hashes:
    """(n,) hash of each row of key columns; a NULL counts for nothing."""
    hashes = np.zeros(len(columns[0]), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column, sql_type in zip(columns, types, strict=True):
            own = _HASHES[sql_type.oid](column)
            mixed = hashes ^ (own + _COMBINED + (hashes << np.uint64(54)) + (hashes >> np.uint64(7)))
            is_null = column.is_null().to_numpy(zero_copy_only=False)
            hashes = np.where(is_null, hashes, mixed)
    return hashes


def has_partition_hash(sql_type: SqlType) -> bool:
    """Whether rows can be divided by the hash of such a column here."""
    return sql_type.oid in _HASHES


def _int4_hashes(column: pa.Array, *, offset: int = 0) -> Hashes:
    """int2, int4, oid, bool and date: the hash of 32 bits."""
    values = column.cast(pa.int32()) if pa.types.is_date32(column.type) else column
    values = values.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False) - offset
    return _hashes_of_words(values.astype(np.uint32))


def _int8_hashes(column: pa.Array, *, offset: int = 0) -> Hashes:
    """int8, time, timestamps: 64 bits folded so that small numbers hash as int4 does."""
    values = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    limits = np.iinfo(np.int64)
    is_finite = (values > limits.min) & (values < limits.max)
    values = np.where(is_finite, values - offset, values)
    low = values.astype(np.uint32)
    high = (values >> 32).astype(np.uint32)
    return _hashes_of_words(low ^ np.where(values >= 0, high, ~high))


def _hashes_of_words(words: npt.NDArray[np.uint32]) -> Hashes:
    """hash_bytes_uint32_extended() of each word: what is the same for all is done once, by the seed alone."""
    a, b, c = (np.full(len(words), word, dtype=np.uint32) for word in seeded_state(4, _SEED))
    a += words

    def rotated(value: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint32]:
        return (value << np.uint32(bits)) | (value >> np.uint32(32 - bits))

    for first, second, third in ((14, 11, 25), (16, 4, 14)):
        c = (c ^ b) - rotated(b, first)
        a = (a ^ c) - rotated(c, second)
        b = (b ^ a) - rotated(a, third)
    c = (c ^ b) - rotated(b, 24)
    return b.astype(np.uint64) << np.uint64(32) | c.astype(np.uint64)


def _byte_hashes(column: pa.Array, to_bytes: Callable[[Any], bytes]) -> Hashes:
    """Text, bytea, uuid: each distinct value once."""
    encoded = column.dictionary_encode()
    hashes = [
        0 if value is None else hash_bytes_extended(to_bytes(value), _SEED)
        for value in encoded.dictionary.to_pylist()
    ]
    indices = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    found: Hashes = np.array(hashes or [0], dtype=np.uint64)[indices]
    return found


_text = partial(_byte_hashes, to_bytes=str.encode)
_HASHES: dict[int, Callable[[pa.Array], Hashes]] = {
    **{t.oid: _int4_hashes for t in (INT2, INT4, OID, BOOL)},
    DATE.oid: partial(_int4_hashes, offset=_DAYS_TO_2000),
    **{t.oid: _int8_hashes for t in (INT8, TIME)},
    **{t.oid: partial(_int8_hashes, offset=_MICROSECONDS_TO_2000) for t in (TIMESTAMP, TIMESTAMPTZ)},
    **{t.oid: _text for t in (TEXT, VARCHAR)},
    BPCHAR.oid: partial(_byte_hashes, to_bytes=lambda value: value.rstrip(" ").encode()),
    **{t.oid: partial(_byte_hashes, to_bytes=bytes) for t in (BYTEA, UUID)},
}
"""By type. Types whose values have many forms of equal meaning (numeric, floats, jsonb) have no hash here."""
