"""Casts between "char", a single byte, and integer, its code with a sign."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from foundation.errors import FeatureNotSupported, NumericValueOutOfRange
from foundation.sqltypes import CHAR, INT4
from planner.functions.datum import CallSite

_CODES = range(-128, 128)


def _code(character: str) -> int:
    """0 for the empty value; of a character beyond ASCII the first byte counts, below zero."""
    data = character.encode()[:1]
    return int.from_bytes(data, "little", signed=True) if data else 0


def _character(code: int) -> str:
    if code not in _CODES:
        raise NumericValueOutOfRange('"char" out of range')
    if code < 0:
        raise FeatureNotSupported('"char" beyond ASCII is not supported')
    return chr(code) if code else ""


def _to_codes(column: pa.Array, site: CallSite) -> pa.Array:
    return pa.array([None if c is None else _code(c) for c in column.to_pylist()], pa.int32())


def _to_characters(column: pa.Array, site: CallSite) -> pa.Array:
    return pa.array([None if i is None else _character(i) for i in column.to_pylist()], pa.utf8())


def char_conversions() -> dict[tuple[int, int], Callable[[pa.Array, CallSite], pa.Array]]:
    """By (source OID, target OID)."""
    return {(CHAR.oid, INT4.oid): _to_codes, (INT4.oid, CHAR.oid): _to_characters}
