"""Text of floats as PostgreSQL prints them: the shortest digits that read back to the same value.

Arrow finds the same shortest digits for a whole column at about 150 ns a value, but spreads them differently:
it writes 1e-05 as 0.00001, 1e+06 as 1000000 (single precision) and 1e-7 with one exponent digit. Values
outside the range where both agree are rewritten one by one; in embeddings they are rare.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

FIXED_EXPONENT_MIN = -4
FIXED_EXPONENT_END = {4: 6, 8: 15}
"""By width in bytes: the first decimal exponent that is printed as such, as in PostgreSQL's ryu."""
_ARROW_FIXED_END = 1e10
SIGNIFICANT_DIGITS = {4: 6, 8: 15}
"""FLT_DIG and DBL_DIG, to which extra_float_digits <= 0 adds."""

_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?", re.ASCII)
_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def respell(shortest: str, width: int) -> str:
    """PostgreSQL's spelling of a number given by its shortest digits in any spelling."""
    special = _SPECIAL.get(shortest)
    if special is not None:
        return special
    match = _NUMBER.fullmatch(shortest)
    assert match is not None, shortest
    sign, whole, fraction, exponent_text = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 + int(exponent_text or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return sign + "0"
    if not FIXED_EXPONENT_MIN <= exponent < FIXED_EXPONENT_END[width]:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    padded = digits.ljust(exponent + 1, "0")
    rest = padded[exponent + 1 :]
    return sign + padded[: exponent + 1] + (f".{rest}" if rest else "")


def _is_half_way(decimal: str, value: np.floating[Any]) -> bool:
    """Whether a decimal lies exactly between two neighbouring floats, one of which is `value`."""
    gap = Fraction(decimal) - Fraction(float(value))
    with np.errstate(over="ignore"):
        neighbour = np.nextafter(value, value.dtype.type(math.copysign(math.inf, gap)))
    if not gap or not math.isfinite(neighbour):
        return False
    return abs(gap) * 2 == abs(Fraction(float(neighbour)) - Fraction(float(value)))


def unambiguous(shortest: str, value: np.floating[Any]) -> str:
    """The shortest digits strictly inside the interval that rounds to `value`.

    Other printers accept its ends, which read back by the half-to-even rule; PostgreSQL does not
    (`acceptBounds` in its ryu): 1e23 prints as 9.999999999999999e+22. Ends are short only for large numbers.
    """
    if not math.isfinite(value) or not _is_half_way(shortest, value):
        return shortest
    digits = len(shortest.partition("e")[0].lstrip("-").replace(".", "").strip("0"))
    while True:
        candidate = f"{float(value):.{digits}e}"
        if value.dtype.type(candidate) == value and not _is_half_way(candidate, value):
            return candidate
        digits += 1


def float_text(value: float, width: int, extra_float_digits: int = 1) -> str:
    """Text of one value of 4 or 8 bytes."""
    if not math.isfinite(value):
        return _SPECIAL[str(float(value))]
    if extra_float_digits <= 0:
        return f"{value:.{max(SIGNIFICANT_DIGITS[width] + extra_float_digits, 1)}g}"
    number = np.float64(value) if width == 8 else np.float32(value)
    shortest = str(number)
    return respell(unambiguous(shortest, number) if abs(value) >= 1e6 else shortest, width)


def float_texts(values: npt.NDArray[Any], extra_float_digits: int = 1) -> pa.Array:
    """(n,) float32, float64 or elements of any vector -> (n,) utf8. What is narrower than float32 prints as the float32 it equals.

    Expectation: 150 ns a value, 15 ns for one of two bytes (a table of all 65,536 texts).
    """
    if extra_float_digits <= 0:
        width = min(max(values.dtype.itemsize, 4), 8)
        return pa.array([float_text(float(v), width, extra_float_digits) for v in values.tolist()], pa.utf8())
    if values.dtype.itemsize == 2:
        return _texts_by_bits(values.dtype).take(pa.array(values.view(np.uint16)))
    if values.dtype == np.int8:
        return pc.cast(pa.array(values), pa.utf8())
    return _shortest_texts(values)


def _shortest_texts(values: npt.NDArray[Any]) -> pa.Array:
    width = values.dtype.itemsize
    texts = pc.cast(pa.array(values), pa.utf8())
    magnitudes = np.abs(values)
    end = 1e6 if width == 4 else _ARROW_FIXED_END
    with np.errstate(invalid="ignore"):
        agrees = ((magnitudes >= 1e-4) & (magnitudes < end)) | (magnitudes == 0)
    if agrees.all():
        return texts
    # Fewer than one in fifty of the numbers of an embedding come here, at 1 us each.
    odd = pa.array(~agrees)
    respelled = [
        respell(unambiguous(text, value) if abs(value) >= 1e6 else text, width)
        for text, value in zip(texts.filter(odd).to_pylist(), values[~agrees], strict=True)
    ]
    return pc.replace_with_mask(texts, odd, pa.array(respelled, pa.utf8()))


@cache
def _texts_by_bits(dtype: np.dtype[Any]) -> pa.Array:
    """Text of every number of a dtype of two bytes, by its bits."""
    every = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    return _shortest_texts(every.astype(np.float32))
