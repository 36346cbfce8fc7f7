"""Which column types a foreign key may pair, and keys of one type as keys of the other.

A key is looked up by its stored bytes, so both sides must be of one type. A value that no value of the other type
equals becomes NULL, which matches nothing: bigint 3000000000 has no integer, timestamp 10:30 no date.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import pyarrow as pa
import pyarrow.compute as pc

from foundation.sqltypes import (
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    INT8,
    NUMERIC,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    SqlType,
    arrow_type,
)

_FAMILIES = [
    frozenset(t.oid for t in family)
    for family in ((INT2, INT4, INT8), (TEXT, VARCHAR), (FLOAT4, FLOAT8), (DATE, TIMESTAMP))
]
"""Types whose values PostgreSQL compares across types in one btree operator family, as far as we do too."""
_INTEGERS = _FAMILIES[0]
_WIDENED = {
    **{oid: frozenset((NUMERIC.oid, FLOAT4.oid, FLOAT8.oid)) for oid in _INTEGERS},
    NUMERIC.oid: frozenset((FLOAT4.oid, FLOAT8.oid)),
    DATE.oid: frozenset((TIMESTAMPTZ.oid,)),
    TIMESTAMP.oid: frozenset((TIMESTAMPTZ.oid,)),
    TIMESTAMPTZ.oid: frozenset((DATE.oid, TIMESTAMP.oid)),
    TEXT.oid: frozenset((1042,)),
    VARCHAR.oid: frozenset((1042,)),
    1042: frozenset((TEXT.oid, VARCHAR.oid)),
}
"""Pairs (referencing, referenced) that PostgreSQL allows through an implicit cast."""


class Pairing(Enum):
    """What is known of a (referencing, referenced) pair of types."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    """PostgreSQL compares them, we do not."""
    INCOMPATIBLE = "incompatible"


def pairing(referencing: SqlType, referenced: SqlType) -> Pairing:
    """Whether a foreign key column of one type may reference a column of the other."""
    pair = {referencing.oid, referenced.oid}
    if len(pair) == 1 or any(pair <= family for family in _FAMILIES):
        return Pairing.SUPPORTED
    if referencing.oid in _INTEGERS and referenced.oid == NUMERIC.oid:
        return Pairing.SUPPORTED
    if referenced.oid in _WIDENED.get(referencing.oid, frozenset()):
        return Pairing.UNSUPPORTED
    return Pairing.INCOMPATIBLE


def converted(column: pa.Array, source: SqlType, target: SqlType) -> pa.Array:
    """(n,) keys of `source` -> (n,) equal keys of `target`, NULL where there is none.

    The pair, in either order, is one that `pairing` calls supported.
    """
    wanted = arrow_type(target)
    if column.type == wanted:
        return column
    if NUMERIC.oid in (source.oid, target.oid):
        return _numeric(column, target)
    there = pc.cast(column, wanted, safe=False)
    back = pc.cast(there, column.type, safe=False)
    is_equal = pc.equal(back, column)
    if pa.types.is_floating(column.type):
        is_equal = pc.or_(is_equal, pc.and_(pc.is_nan(back), pc.is_nan(column)))
    return pc.if_else(is_equal, there, pa.scalar(None, wanted))


def _numeric(column: pa.Array, target: SqlType) -> pa.Array:
    """Numeric of one form to another or from and to an integer.

    Per-row Python, 1 us a row: keys that are numeric on one side only, or with two scales, are rare.
    """
    wanted = arrow_type(target)
    values = [None if value is None else Decimal(value) for value in column.to_pylist()]
    if pa.types.is_string(wanted):
        return pa.array([None if value is None else _plain(value) for value in values], wanted)
    if pa.types.is_integer(wanted):
        return pa.array([_integer(value, 1 << (wanted.bit_width - 1)) for value in values], wanted)
    step = Decimal(1).scaleb(-wanted.scale)
    room = Decimal(10) ** (wanted.precision - wanted.scale)
    fits = [
        v if v is not None and v.is_finite() and abs(v) < room and v % step == 0 else None for v in values
    ]
    return pa.array([None if v is None else v.quantize(step) for v in fits], wanted)


def _integer(value: Decimal | None, bound: int) -> int | None:
    """The equal integer from -bound to bound - 1, if there is one."""
    if value is None or not value.is_finite() or value != value.to_integral_value():
        return None
    return int(value) if -bound <= value < bound else None


def _plain(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else str(value)
