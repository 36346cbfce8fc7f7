"""random() and setseed(): PostgreSQL's generator, so that a seed gives the numbers it gives there.

xoroshiro128** (Blackman and Vigna, https://prng.di.unimi.it/xoroshiro128starstar.c), its state made of the seed by splitmix64
(https://prng.di.unimi.it/splitmix64.c), as in src/common/pg_prng.c. Until a session has set a seed its numbers come from NumPy.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from foundation.errors import InvalidParameterValue

_MASK = (1 << 64) - 1
_MANTISSA_BITS = 52


class RandomNumbers:
    """The random numbers of one session."""

    def __init__(self) -> None:
        self._state: tuple[int, int] | None = None

    def seed(self, value: float) -> None:
        """Start over from a seed. Raises InvalidParameterValue (22023) beyond -1 and 1."""
        if math.isnan(value) or not -1 <= value <= 1:
            raise InvalidParameterValue(
                f"setseed parameter {'NaN' if math.isnan(value) else f'{value:g}'} is out of allowed range [-1,1]"
            )
        start = int(float((1 << _MANTISSA_BITS) - 1) * value) & _MASK
        start, first = _split_mix(start)
        self._state = first, _split_mix(start)[1]

    def take(self, count: int) -> npt.NDArray[np.float64]:
        """(count,) float64 in [0, 1)."""
        if self._state is None:
            return np.random.default_rng().random(count)
        return np.fromiter((self._next() for _ in range(count)), np.float64, count)

    def _next(self) -> float:
        assert self._state is not None
        first, second = self._state
        value = _rotated(first * 5 & _MASK, 7) * 9 & _MASK
        second ^= first
        self._state = _rotated(first, 24) ^ second ^ (second << 16 & _MASK), _rotated(second, 37)
        return math.ldexp(value >> (64 - _MANTISSA_BITS), -_MANTISSA_BITS)


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & _MASK


def _split_mix(state: int) -> tuple[int, int]:
    """(next state, number)."""
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    value = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return state, value ^ value >> 31
