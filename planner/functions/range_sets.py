"""What is asked of ranges and multiranges, answered by their cuts (`foundation.ranges`).

Both are sets of values, given as cuts in ascending order: lower and upper bounds in turn, none for an empty set. Nothing
here knows the subtype, but for a numeric's display scale: of two equal bounds the one that PostgreSQL shows is kept.
https://www.postgresql.org/docs/15/functions-range.html
"""

from __future__ import annotations

from collections.abc import Callable

from foundation.errors import DataException
from foundation.ranges import Cuts, merged, ranges_in


def overlaps(a: Cuts, b: Cuts) -> bool:
    """Whether a value is in both."""
    if len(a) == len(b) == 2:
        return a[0] < b[1] and b[0] < a[1]
    return bool(intersection(a, b))


def contains(a: Cuts, b: Cuts) -> bool:
    """Whether every value of `b` is in `a`."""
    if len(a) == len(b) == 2:
        return a[0] <= b[0] and b[1] <= a[1]
    return not difference(b, a)


def contained_by(a: Cuts, b: Cuts) -> bool:
    return contains(b, a)


def is_before(a: Cuts, b: Cuts) -> bool:
    """Whether all of `a` is left of all of `b`; of no value nothing is said, here and below."""
    return bool(a and b) and a[-1] <= b[0]


def is_after(a: Cuts, b: Cuts) -> bool:
    return is_before(b, a)


def ends_by(a: Cuts, b: Cuts) -> bool:
    """`a &< b`: whether `a` does not extend to the right of `b`."""
    return bool(a and b) and a[-1] <= b[-1]


def starts_from(a: Cuts, b: Cuts) -> bool:
    """`a &> b`: whether `a` does not extend to the left of `b`."""
    return bool(a and b) and a[0] >= b[0]


def is_adjacent(a: Cuts, b: Cuts) -> bool:
    """Whether one ends where the other begins."""
    return bool(a and b) and (a[-1] == b[0] or b[-1] == a[0])


def _swept(a: Cuts, b: Cuts, keep: Callable[[bool, bool], bool]) -> list[bytes]:
    """The cuts of the values for which `keep(in a, in b)` is true; of two equal cuts that of `a`."""
    cuts: list[bytes] = []
    at_a = at_b = 0
    while at_a < len(a) or at_b < len(b):
        is_a = at_b == len(b) or (at_a < len(a) and a[at_a] <= b[at_b])
        cut = a[at_a] if is_a else b[at_b]
        at_a += at_a < len(a) and a[at_a] == cut
        at_b += at_b < len(b) and b[at_b] == cut
        if keep(at_a % 2 == 1, at_b % 2 == 1) != (len(cuts) % 2 == 1):
            cuts.append(cut)
    return cuts


def intersection(a: Cuts, b: Cuts) -> Cuts:
    return _swept(a, b, lambda in_a, in_b: in_a and in_b)


def difference(a: Cuts, b: Cuts) -> Cuts:
    return _swept(a, b, lambda in_a, in_b: in_a and not in_b)


def union(a: Cuts, b: Cuts) -> Cuts:
    return merged([*ranges_in(a), *ranges_in(b)])


def _either(a: Cuts, b: Cuts) -> Cuts:
    """The union of two ranges: of equal bounds that of `b` is shown."""
    return _swept(b, a, lambda in_b, in_a: in_a or in_b)


def one_union(a: Cuts, b: Cuts) -> Cuts:
    """The union of ranges.

    Raises:
        DataException: 22000, it is no range.
    """
    return _one_range(_either(a, b), "union")


def one_difference(a: Cuts, b: Cuts) -> Cuts:
    """The difference of ranges. Raises as `one_union`."""
    return _one_range(difference(a, b), "difference")


def _one_range(cuts: Cuts, noun: str) -> Cuts:
    if len(cuts) > 2:
        raise DataException(f"result of range {noun} would not be contiguous")
    return cuts


def span(cuts: Cuts) -> Cuts:
    """The smallest range that has all the values."""
    return (cuts[0], cuts[-1]) if cuts else ()


def spanned(a: Cuts, b: Cuts) -> Cuts:
    """The smallest range that has the values of both."""
    return span(_either(a, b))
