"""Numerics as bytes that sort as the type does, none of which is the beginning of another, and back.

    -Infinity   10
    -12.5       20, then the bytes of 12.5 behind their first, each subtracted from 255
    0           30
    12.5        40, the power of ten above the number as 3 bytes with 2^23 added, then two decimal digits a byte, from 1
                for 00 on, and 00 at the end
    Infinity    50
    NaN         60

Zeros at the end of a number's text are no part of its key: who needs them keeps the display scale.
"""

from __future__ import annotations

_NEGATIVE, _ZERO, _POSITIVE = b"\x20", b"\x30", b"\x40"
_SPECIAL = {"-Infinity": b"\x10", "Infinity": b"\x50", "NaN": b"\x60"}
_SPECIAL_TEXTS = {key: text for text, key in _SPECIAL.items()}
_EXPONENT_BYTES = 3
_EXPONENT_ZERO = 1 << 23
_COMPLEMENT = bytes(range(255, -1, -1))


def numeric_key(text: str) -> bytes:
    """The key of a numeric's canonical text."""
    special = _SPECIAL.get(text)
    if special is not None:
        return special
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return _ZERO
    exponent = len(digits) - len(fraction)
    digits = digits.rstrip("0")
    digits += "0" * (len(digits) % 2)
    pairs = bytes([int(digits[at : at + 2]) + 1 for at in range(0, len(digits), 2)])
    magnitude = (exponent + _EXPONENT_ZERO).to_bytes(_EXPONENT_BYTES, "big") + pairs + b"\0"
    if text.startswith("-"):
        return _NEGATIVE + magnitude.translate(_COMPLEMENT)
    return _POSITIVE + magnitude


def numeric_scale(text: str) -> int:
    """How many digits a canonical text has behind the point."""
    return len(text.partition(".")[2])


def numeric_of_key(key: bytes, scale: int) -> str:
    """The canonical text of a key with so many digits behind the point, which are enough for the number."""
    sign = key[:1]
    if sign in _SPECIAL_TEXTS:
        return _SPECIAL_TEXTS[sign]
    digits, exponent = "", 0
    if sign != _ZERO:
        magnitude = key[1:].translate(_COMPLEMENT) if sign == _NEGATIVE else key[1:]
        exponent = int.from_bytes(magnitude[:_EXPONENT_BYTES], "big") - _EXPONENT_ZERO
        digits = "".join([f"{pair - 1:02d}" for pair in magnitude[_EXPONENT_BYTES:-1]])
    digits = "0" * -exponent + digits
    whole = digits[: max(exponent, 0)].ljust(exponent, "0")
    fraction = digits[max(exponent, 0) :][:scale].ljust(scale, "0")
    return ("-" if sign == _NEGATIVE else "") + (whole or "0") + ("." + fraction if scale else "")


def numeric_key_end(data: bytes, start: int) -> int:
    """Where the key that begins at `start` ends."""
    sign = data[start : start + 1]
    if sign not in (_NEGATIVE, _POSITIVE):
        return start + 1
    end = b"\0" if sign == _POSITIVE else b"\xff"
    return data.index(end, start + 1 + _EXPONENT_BYTES) + 1
