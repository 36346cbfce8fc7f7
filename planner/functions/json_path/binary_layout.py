"""Where an object lies in the binary form that PostgreSQL gives a jsonb value: ids of keyvalue() are made of that.

A container is a header word, one word for each element (for an object each key, then each value), then their bytes: text
as it is, numeric and containers at a multiple of four, nothing for null, true and false. Places count from the outermost
container. https://github.com/postgres/postgres/blob/REL_16_STABLE/src/include/utils/jsonb.h
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

_WORD = 4
_NUMERIC_HEADER_SHORT, _NUMERIC_HEADER_LONG = 6, 8
_SHORT_SCALE_MAX = 63
_SHORT_WEIGHTS = range(-64, 64)


def container_offset(outermost: Any, wanted: Any) -> int:
    """The place of `wanted`, one of the objects in `outermost`, in bytes; 0 when it is not among them."""
    found = _find(outermost, wanted, 0)[0]
    return 0 if found is None else found


def _find(container: Any, wanted: Any, start: int) -> tuple[int | None, int]:
    """(place of the wanted object or None, end of this container)."""
    if container is wanted:
        return start, start
    is_object = type(container) is dict
    values = list(container.values()) if is_object else container
    place = start + _WORD + _WORD * len(values) * (2 if is_object else 1)
    if is_object:
        place += sum(len(key.encode()) for key in container)
    for value in values:
        kind = type(value)
        if kind is str:
            place += len(value.encode())
        elif kind is int or kind is Decimal:
            place = _aligned(place) + _numeric_bytes(value)
        elif kind in (dict, list):
            found, place = _find(value, wanted, _aligned(place))
            if found is not None:
                return found, place
    return None, place


def _aligned(place: int) -> int:
    return -(-place // _WORD) * _WORD


def _numeric_bytes(value: int | Decimal) -> int:
    """Header and base-10000 digits, without the zeros at both ends."""
    number = Decimal(value)
    scale = max(0, -int(number.as_tuple().exponent))
    if not number:
        return _NUMERIC_HEADER_SHORT if scale <= _SHORT_SCALE_MAX else _NUMERIC_HEADER_LONG
    digits = "".join(map(str, number.as_tuple().digits)) + "0" * max(0, int(number.as_tuple().exponent))
    point = len(digits) - scale
    stripped = digits.lstrip("0")
    highest = point - (len(digits) - len(stripped)) - 1
    lowest = point - len(digits.rstrip("0"))
    weight = highest // 4
    count = weight - lowest // 4 + 1
    is_short = scale <= _SHORT_SCALE_MAX and weight in _SHORT_WEIGHTS
    return (_NUMERIC_HEADER_SHORT if is_short else _NUMERIC_HEADER_LONG) + 2 * count
