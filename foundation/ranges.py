"""Range and multirange types, and their values between the stored form and bounds.

A cut is a place in the order of the subtype's values. As bytes, which sort as the places do:

    01            before all values: an infinite lower bound
    02 key 00     just before a value: an inclusive lower or an exclusive upper bound
    02 key 01     just behind it
    03            behind all values

The key of a value has the order of the subtype: integers, days and microseconds are big-endian with the sign bit
turned, numerics are `foundation.numeric_keys`. A range is its two cuts, `empty` is none, a multirange has the cuts of its
ranges in ascending order, no two of them equal. So the bytes of values sort as PostgreSQL sorts the types (`range_cmp` and
`multirange_cmp`: by lower bound, then by upper bound, the empty one first), equal values have equal bytes, and what
is asked of ranges is asked of cuts:

    int4range '[1,5)'    02 80000001 00  02 80000005 00
    int4range '(,5)'     01              02 80000005 00
    empty

Behind the cuts of a numrange or nummultirange are the display scales of the finite ones, two bytes each, and the number of
those bytes in four. They are no part of the value: `without_scales` takes them off before values are compared.

Bounds are integers (of days, and of microseconds since 1970), or canonical texts of numerics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from foundation.errors import DataException, DatetimeFieldOverflow, NumericValueOutOfRange
from foundation.numeric_keys import numeric_key, numeric_key_end, numeric_of_key, numeric_scale
from foundation.sqltypes import (
    DATE,
    DATEMULTIRANGE,
    DATERANGE,
    INT4,
    INT4MULTIRANGE,
    INT4RANGE,
    INT8,
    INT8MULTIRANGE,
    INT8RANGE,
    NUMERIC,
    NUMMULTIRANGE,
    NUMRANGE,
    TIMESTAMP,
    TIMESTAMPTZ,
    TSMULTIRANGE,
    TSRANGE,
    TSTZMULTIRANGE,
    TSTZRANGE,
    SqlType,
)

FIRST, LAST = b"\x01", b"\x03"
"""The cuts before and behind all values."""
_BESIDE = b"\x02"
_BEFORE, _BEHIND = b"\x00", b"\x01"
_SCALE_BYTES = 2
_COUNT_BYTES = 4

Cuts: TypeAlias = Sequence[bytes]
"""Cuts in ascending order, lower and upper bounds in turn."""
Bound: TypeAlias = int | str | None
"""A value of the subtype; None for an infinite bound."""


class NumericCut(bytes):
    """A cut beside a numeric, which is shown with so many digits behind the point."""

    scale: int


@dataclass(frozen=True, slots=True)
class RangeType:
    """A range type with its multirange type.

    Attributes:
        key_bytes: width of a value's key; 0 for numeric, whose keys have any width.
        last: the greatest value; it has none behind it. 0 for a subtype without next values.
        infinities: values that are bounds like others but have no next one.
    """

    range: SqlType
    multirange: SqlType
    subtype: SqlType
    key_bytes: int
    last: int = 0
    infinities: tuple[int, ...] = ()

    @property
    def is_discrete(self) -> bool:
        return self.last != 0


_DAY_INFINITY = (1 << 31) - 1
_LAST_DAY = 2_145_042_905
"""5874897-12-31, in days since 1970."""

RANGE_TYPES = (
    RangeType(INT4RANGE, INT4MULTIRANGE, INT4, 4, (1 << 31) - 1),
    RangeType(NUMRANGE, NUMMULTIRANGE, NUMERIC, 0),
    RangeType(TSRANGE, TSMULTIRANGE, TIMESTAMP, 8),
    RangeType(TSTZRANGE, TSTZMULTIRANGE, TIMESTAMPTZ, 8),
    RangeType(DATERANGE, DATEMULTIRANGE, DATE, 4, _LAST_DAY, (_DAY_INFINITY, -_DAY_INFINITY - 1)),
    RangeType(INT8RANGE, INT8MULTIRANGE, INT8, 8, (1 << 63) - 1),
)
BY_RANGE = {form.range.oid: form for form in RANGE_TYPES}
BY_MULTIRANGE = {form.multirange.oid: form for form in RANGE_TYPES}
BY_OID = {**BY_RANGE, **BY_MULTIRANGE}
SCALED = frozenset((NUMRANGE.oid, NUMMULTIRANGE.oid))
"""Types whose values have display scales behind the bytes that order them."""


def key_of(form: RangeType, value: int | str) -> bytes:
    """The bytes of a value that sort as the subtype does."""
    if form.key_bytes:
        return (int(value) + (1 << (8 * form.key_bytes - 1))).to_bytes(form.key_bytes, "big")
    return numeric_key(str(value))


def cut_beside(form: RangeType, value: int | str, *, is_behind: bool) -> bytes:
    """The cut just before a value or just behind it."""
    cut = _BESIDE + key_of(form, value) + (_BEHIND if is_behind else _BEFORE)
    if form.key_bytes:
        return cut
    numeric = NumericCut(cut)
    numeric.scale = numeric_scale(str(value))
    return numeric


def bound_of(form: RangeType, cut: bytes) -> Bound:
    """The value that a cut lies beside."""
    if cut[:1] != _BESIDE:
        return None
    key = cut[1:-1]
    if form.key_bytes:
        return int.from_bytes(key, "big") - (1 << (8 * form.key_bytes - 1))
    assert isinstance(cut, NumericCut)
    return numeric_of_key(key, cut.scale)


def is_behind(cut: bytes) -> bool:
    """Whether a cut lies just behind its value: an inclusive upper or an exclusive lower bound."""
    return cut[:1] == _BESIDE and cut[-1:] == _BEHIND


def stored(form: RangeType, cuts: Cuts) -> bytes:
    """The stored form of cuts."""
    joined = b"".join(cuts)
    if form.key_bytes:
        return joined
    scales = b"".join(
        [cut.scale.to_bytes(_SCALE_BYTES, "big") for cut in cuts if isinstance(cut, NumericCut)]
    )
    return joined + scales + len(scales).to_bytes(_COUNT_BYTES, "big")


def without_scales(value: bytes) -> bytes:
    """The cuts of a stored numrange or nummultirange, joined: equal, and of one order, as the values are."""
    return value[: -_COUNT_BYTES - int.from_bytes(value[-_COUNT_BYTES:], "big")]


def cuts_of(form: RangeType, value: bytes) -> list[bytes]:
    """The cuts of a stored value."""
    if not form.key_bytes:
        return _numeric_cuts(value)
    cuts, at, step = [], 0, form.key_bytes + 2
    while at < len(value):
        past = at + (step if value[at] == _BESIDE[0] else 1)
        cuts.append(value[at:past])
        at = past
    return cuts


def _numeric_cuts(value: bytes) -> list[bytes]:
    cuts: list[bytes] = []
    joined = without_scales(value)
    at, scale_at = 0, len(joined)
    while at < len(joined):
        if joined[at] != _BESIDE[0]:
            cuts.append(joined[at : at + 1])
            at += 1
            continue
        past = numeric_key_end(joined, at + 1) + 1
        cut = NumericCut(joined[at:past])
        cut.scale = int.from_bytes(value[scale_at : scale_at + _SCALE_BYTES], "big")
        cuts.append(cut)
        at, scale_at = past, scale_at + _SCALE_BYTES
    return cuts


def range_cuts(
    form: RangeType, lower: Bound, upper: Bound, *, has_lower: bool = True, has_upper: bool = False
) -> Cuts:
    """The cuts of a range in its canonical form, () for an empty one.

    Args:
        has_lower, has_upper: whether a finite bound is a value of the range.

    Raises:
        DataException: 22000, the lower bound is greater than the upper one.
        NumericValueOutOfRange, DatetimeFieldOverflow: 22003 and 22008, the next value is none of the subtype.
    """
    if lower is not None and upper is not None:
        low, high = key_of(form, lower), key_of(form, upper)
        if low > high:
            raise DataException("range lower bound must be less than or equal to range upper bound")
        if low == high and not (has_lower and has_upper):
            return ()
    if form.is_discrete:
        # Both are made before they are compared: a bound that has no next value is refused in an empty range, too.
        if not has_lower and lower not in (None, *form.infinities):
            lower, has_lower = _next(form, lower), True
        if has_upper and upper not in (None, *form.infinities):
            upper, has_upper = _next(form, upper), False
    first = FIRST if lower is None else cut_beside(form, lower, is_behind=not has_lower)
    last = LAST if upper is None else cut_beside(form, upper, is_behind=has_upper)
    return (first, last) if first < last else ()


def _next(form: RangeType, bound: Bound) -> int:
    """The value behind one of a discrete type."""
    assert isinstance(bound, int)
    if bound < form.last:
        return bound + 1
    if form.subtype == DATE:
        raise DatetimeFieldOverflow("date out of range")
    raise NumericValueOutOfRange(f"{'integer' if form.subtype == INT4 else 'bigint'} out of range")


def ranges_in(cuts: Cuts) -> list[Cuts]:
    """The cuts of a multirange, those of each range apart."""
    return [cuts[at : at + 2] for at in range(0, len(cuts), 2)]


def merged(ranges: Iterable[Cuts]) -> list[bytes]:
    """The cuts of all values that are in one of some ranges, given as cuts each."""
    cuts: list[bytes] = []
    for lower, upper in sorted(tuple(pair) for pair in ranges if pair):
        if cuts and lower <= cuts[-1]:
            # Of equal bounds the later one is shown.
            cuts[-2:] = min(lower, cuts[-2]), max(upper, cuts[-1])
        else:
            cuts += (lower, upper)
    return cuts
