"""Goal: stored ranges read back, and their bytes sort as PostgreSQL sorts ranges; keys of numerics sort as numerics do.

Method: seeded random bounds; the order's definition (the empty range, then lower bounds, then upper bounds) over Python's
integers and decimals is the oracle.
"""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from foundation.errors import DataException, NumericValueOutOfRange
from foundation.numeric_keys import numeric_key, numeric_key_end, numeric_of_key, numeric_scale
from foundation.ranges import (
    BY_RANGE,
    Bound,
    RangeType,
    bound_of,
    cuts_of,
    is_behind,
    merged,
    range_cuts,
    stored,
    without_scales,
)
from foundation.sqltypes import DATERANGE, INT4RANGE, INT8RANGE, NUMRANGE

NUMBERS = [
    "0",
    "0.00",
    "1",
    "1.0",
    "-1.50",
    "12.5",
    "120",
    "-0.001",
    "0.000123",
    "99.999",
    "100",
    "1e3".replace("1e3", "1000.0"),
]
SPECIALS = ["NaN", "Infinity", "-Infinity"]


def drawn_numbers(count: int) -> list[str]:
    source = random.Random(9)
    digits = ["".join(source.choices("0019", k=source.randrange(1, 12))) for _ in range(2 * count)]
    texts = [f"{source.choice(('', '-'))}{int(a)}.{b}" for a, b in zip(digits[::2], digits[1::2])]
    return [text.lstrip("-") if not Decimal(text) else text for text in texts]


def number_order(text: str) -> tuple[int, Decimal]:
    number = Decimal(text)
    if number.is_finite():
        return (1, number)
    return (3 if number.is_nan() else 2 if number > 0 else 0, Decimal(0))


def test_keys_of_numerics_sort_and_read_back() -> None:
    texts = [*NUMBERS, *SPECIALS, *drawn_numbers(400)]
    by_key = sorted(texts, key=lambda text: (numeric_key(text), text))
    assert by_key == sorted(texts, key=lambda text: (number_order(text), text))
    for text in texts:
        key = numeric_key(text)
        assert numeric_of_key(key, numeric_scale(text)) == text
        assert numeric_key_end(b"xx" + key + b"\0\xff", 2) == 2 + len(key)


def order_of(form: RangeType, value: bytes) -> tuple[object, ...]:
    """`range_cmp`: a sort key of what a stored range means."""
    cuts = cuts_of(form, value)
    if not cuts:
        return (0,)
    keys: list[object] = []
    for cut, no_bound in zip(cuts, (0, 2)):
        bound = bound_of(form, cut)
        number = (0, Decimal(0)) if bound is None else number_order(str(bound))
        keys.append((no_bound if bound is None else 1, number, is_behind(cut)))
    return (1, *keys)


@pytest.mark.parametrize(
    ("sql_type", "bounds"),
    [
        (INT4RANGE, [None, -(1 << 31), -1, 0, 5, (1 << 31) - 2]),
        (INT8RANGE, [None, -(1 << 63), -1, 0, 300]),
        (DATERANGE, [None, -(1 << 31), -5, 0, 20_000, (1 << 31) - 1]),
        (NUMRANGE, [None, *NUMBERS, *SPECIALS]),
    ],
)
def test_ranges_sort_and_read_back(sql_type: object, bounds: list[Bound]) -> None:
    form = next(known for known in BY_RANGE.values() if known.range == sql_type)
    values = []
    for lower in bounds:
        for upper in bounds:
            for has_lower, has_upper in ((True, True), (True, False), (False, True), (False, False)):
                try:
                    cuts = range_cuts(form, lower, upper, has_lower=has_lower, has_upper=has_upper)
                except DataException:
                    continue
                value = stored(form, cuts)
                assert stored(form, cuts_of(form, value)) == value
                values.append(value)
    compared = without_scales if sql_type == NUMRANGE else bytes
    ordered = sorted(values, key=lambda value: order_of(form, value))
    assert [compared(value) for value in ordered] == sorted(map(compared, values))


def test_a_bound_without_a_next_value_is_refused() -> None:
    form = BY_RANGE[INT4RANGE.oid]
    with pytest.raises(NumericValueOutOfRange, match="integer out of range"):
        range_cuts(form, 1, (1 << 31) - 1, has_upper=True)
    with pytest.raises(DataException, match="less than or equal to range upper bound"):
        range_cuts(form, 2, 1)


def test_ranges_that_touch_become_one() -> None:
    form = BY_RANGE[INT4RANGE.oid]
    ranges = [range_cuts(form, a, b) for a, b in ((7, 9), (1, 3), (5, 5), (3, 4), (8, 8), (20, None))]
    assert merged(ranges) == [*range_cuts(form, 1, 4), *range_cuts(form, 7, 9), *range_cuts(form, 20, None)]
