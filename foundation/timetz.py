"""Times of day with a zone between their stored form and numbers.

A stored value has 12 bytes, big-endian: int64 microseconds since midnight UTC with the highest bit turned, so that they
sort as unsigned bytes, then int32 seconds west of Greenwich, likewise. PostgreSQL orders by the instant, then by the
zone (`timetz_cmp_internal` of postgres/postgres:src/backend/utils/adt/date.c), which is the order of these bytes.

    12:00:00+02    80000008 61c46800   7fffe3e0      10:00:00 UTC is 36000000000 us; 7200 s east are -7200 west
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TIMETZ_BYTES = 12
SECOND_US = 1_000_000
_STRUCT = struct.Struct(">QI")
_STORED = np.dtype([("utc_us", ">u8"), ("west_s", ">u4")])
_SIGN_64, _SIGN_32 = 1 << 63, 1 << 31

Int64s = npt.NDArray[np.int64]


def pack_timetz(local_us: int, west_s: int) -> bytes:
    """The stored form of a local time in microseconds since midnight, in a zone `west_s` seconds west."""
    return _STRUCT.pack(local_us + west_s * SECOND_US + _SIGN_64, west_s + _SIGN_32)


def unpack_timetz(value: bytes) -> tuple[int, int]:
    """(local microseconds since midnight, seconds west of Greenwich)."""
    utc, west = _STRUCT.unpack(value)
    west_s = west - _SIGN_32
    return utc - _SIGN_64 - west_s * SECOND_US, west_s


def timetz_parts(column: pa.Array) -> tuple[Int64s, Int64s]:
    """(n,) int64 local microseconds and (n,) int64 seconds west of a column; under NULLs 0 and 0."""
    values = np.full(len(column), 0, _STORED)
    values["utc_us"], values["west_s"] = _SIGN_64, _SIGN_32
    if len(column):
        stored = np.frombuffer(column.buffers()[1], _STORED, len(column), column.offset * TIMETZ_BYTES)
        valid = np.asarray(column.is_valid())
        values[valid] = stored[valid]
    west = values["west_s"].astype(np.int64) - _SIGN_32
    utc = (values["utc_us"].astype(np.uint64) ^ np.uint64(_SIGN_64)).view(np.int64)
    return utc - west * SECOND_US, west


def timetz_array(local_us: Int64s, west_s: Int64s, mask: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """The column of (n,) local times and zones; NULL where `mask` is True."""
    values = np.empty(len(local_us), _STORED)
    utc = (np.asarray(local_us) + np.asarray(west_s) * SECOND_US).astype(np.int64)
    values["utc_us"] = utc.view(np.uint64) ^ np.uint64(_SIGN_64)
    values["west_s"] = np.asarray(west_s) + _SIGN_32
    validity = None if mask is None or not mask.any() else pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(TIMETZ_BYTES), len(values), [validity, pa.py_buffer(values)])
