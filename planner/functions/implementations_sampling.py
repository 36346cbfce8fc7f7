"""TABLESAMPLE's condition on a row."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from foundation.sqltypes import BOOL, FLOAT4, FLOAT8, TID
from planner.errors import InvalidTablesampleArgument, InvalidTablesampleRepeat
from planner.functions.datum import CallSite, Datum, Kernel
from planner.functions.signature import Function, Volatility

SAMPLE = Function(
    "tablesample",
    (FLOAT4.oid, BOOL.oid, FLOAT8.oid, TID.oid),
    BOOL.oid,
    volatility=Volatility.VOLATILE,
    is_strict=False,
)
"""(percentage, whether there is a seed, seed, row): whether the row is in the sample. No name of PostgreSQL's."""
_HASHES = 2**32


def _sample(arguments: Sequence[Datum], site: CallSite) -> pa.Array:
    percentage, is_repeatable, seed = (argument.array[0].as_py() for argument in arguments[:3])
    if percentage is None:
        raise InvalidTablesampleArgument("TABLESAMPLE parameter cannot be null")
    if is_repeatable and seed is None:
        raise InvalidTablesampleRepeat("TABLESAMPLE REPEATABLE parameter cannot be null")
    if math.isnan(percentage) or not 0 <= percentage <= 100:
        raise InvalidTablesampleArgument("sample percentage must be between 0 and 100")
    share = percentage / 100
    if not is_repeatable:
        return pa.array(np.random.default_rng().random(site.row_count) < share)
    # Per-row Python, 0.2 us a row.
    start = zlib.crc32(repr(seed).encode())
    hashes = [zlib.crc32(row.encode(), start) for row in arguments[3].spread(site.row_count).to_pylist()]
    return pa.array(np.array(hashes, dtype=np.uint64) < share * _HASHES)


def sampling_kernels() -> dict[str, Kernel]:
    return {SAMPLE.name: _sample}
