"""Dates and times as PostgreSQL prints them in DateStyle ISO: one value, and whole columns.

The column functions cover the years 1 to 9999, whose text has a fixed layout; other values (BC, five-digit
years, infinity) make the caller fall back to the function for one value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlfront.types.calendar import DAY_US, HOUR_US, MINUTE_US, SECOND_US, date_of
from sqlfront.types.columns import Bytes, Mask, Offsets, array_of_matrix

DATE_INFINITY = 2_147_483_647
DATE_MINUS_INFINITY = -2_147_483_648
TIMESTAMP_INFINITY = (1 << 63) - 1
TIMESTAMP_MINUS_INFINITY = -(1 << 63)

FIRST_PLAIN_DAY = -719_162
"""0001-01-01."""
END_PLAIN_DAY = 2_932_897
"""10000-01-01."""
_DATE_BYTES = 10
_CLOCK_BYTES = 15


def clock_text(us: int) -> str:
    """`HH:MM:SS[.ffffff]` of microseconds since midnight, trailing zeros of the fraction cut."""
    hours, rest = divmod(us, HOUR_US)
    minutes, rest = divmod(rest, MINUTE_US)
    seconds, fraction = divmod(rest, SECOND_US)
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return text + f".{fraction:06d}".rstrip("0") if fraction else text


def _date_parts(days: int) -> tuple[str, str]:
    year, month, day = date_of(days)
    if year > 0:
        return f"{year:04d}-{month:02d}-{day:02d}", ""
    return f"{1 - year:04d}-{month:02d}-{day:02d}", " BC"


def date_text(days: int) -> str:
    if days == DATE_INFINITY:
        return "infinity"
    if days == DATE_MINUS_INFINITY:
        return "-infinity"
    return "".join(_date_parts(days))


def timestamp_text(us: int, zone_text: str = "") -> str:
    """`us` is local time; `zone_text` is its offset, which stands before BC."""
    if us == TIMESTAMP_INFINITY:
        return "infinity"
    if us == TIMESTAMP_MINUS_INFINITY:
        return "-infinity"
    days, clock = divmod(us, DAY_US)
    date, era = _date_parts(days)
    return f"{date} {clock_text(clock)}{zone_text}{era}"


def _digits(out: Bytes, column: int, width: int, values: npt.NDArray[np.int64]) -> None:
    """Write `width` decimal digits of each value from the given column of an (n, w) byte matrix."""
    rest = values
    for place in range(column + width - 1, column - 1, -1):
        rest, digit = np.divmod(rest, 10)
        out[:, place] = digit + ord("0")


def _write_dates(out: Bytes, days: npt.NDArray[np.int64]) -> None:
    year, month, day = date_of(days)
    _digits(out, 0, 4, year)
    _digits(out, 5, 2, month)
    _digits(out, 8, 2, day)
    out[:, [4, 7]] = ord("-")


def _write_clocks(out: Bytes, column: int, us: npt.NDArray[np.int64]) -> Offsets:
    """Write clock texts from the given column; returns how many bytes of each count."""
    _digits(out, column, 2, us // HOUR_US)
    _digits(out, column + 3, 2, us // MINUTE_US % 60)
    _digits(out, column + 6, 2, us // SECOND_US % 60)
    fraction = us % SECOND_US
    _digits(out, column + 9, 6, fraction)
    out[:, [column + 2, column + 5]] = ord(":")
    out[:, column + 8] = ord(".")
    lengths = np.full(len(us), _CLOCK_BYTES, np.int64)
    for power in (10, 100, 1000, 10_000, 100_000):
        lengths -= fraction % power == 0
    lengths[fraction == 0] = 8
    return lengths


def _plain(days: npt.NDArray[np.int64], valid: Mask | None) -> npt.NDArray[np.int64] | None:
    """The days, 0 under NULLs; None when one is outside the years 1 to 9999."""
    if valid is not None:
        days = np.where(valid, days, 0)
    if len(days) and (days.min() < FIRST_PLAIN_DAY or days.max() >= END_PLAIN_DAY):
        return None
    return days


def date_texts(days: npt.NDArray[np.int64], valid: Mask | None) -> pa.Array | None:
    """(n,) utf8, None when a date has no plain layout."""
    plain = _plain(days, valid)
    if plain is None:
        return None
    matrix = np.empty((len(days), _DATE_BYTES), np.uint8)
    _write_dates(matrix, plain)
    return array_of_matrix(matrix, None, valid)


def time_texts(us: npt.NDArray[np.int64], valid: Mask | None) -> pa.Array:
    """(n,) utf8 of microseconds since midnight."""
    matrix = np.empty((len(us), _CLOCK_BYTES), np.uint8)
    lengths = _write_clocks(matrix, 0, us if valid is None else np.where(valid, us, 0))
    return array_of_matrix(matrix, lengths, valid)


def timestamp_texts(us: npt.NDArray[np.int64], valid: Mask | None) -> pa.Array | None:
    """(n,) utf8 of local microseconds since 1970-01-01, None when a timestamp has no plain layout."""
    days, clocks = np.divmod(us, DAY_US)
    plain = _plain(days, valid)
    if plain is None:
        return None
    matrix = np.empty((len(us), _DATE_BYTES + 1 + _CLOCK_BYTES), np.uint8)
    _write_dates(matrix, plain)
    matrix[:, _DATE_BYTES] = ord(" ")
    lengths = _write_clocks(matrix, _DATE_BYTES + 1, clocks)
    return array_of_matrix(matrix, lengths + _DATE_BYTES + 1, valid)
