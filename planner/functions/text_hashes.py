"""hashtext() and hashtextextended(): Bob Jenkins' lookup3 as PostgreSQL has it (src/common/hashfn.c), little-endian.

https://burtleburtle.net/bob/hash/doobs.html
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_INITIAL = 0x9E3779B9 + 3923095
_BLOCK = 12


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _MASK


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    a = (a - c) & _MASK ^ _rotated(c, 4)
    c = (c + b) & _MASK
    b = (b - a) & _MASK ^ _rotated(a, 6)
    a = (a + c) & _MASK
    c = (c - b) & _MASK ^ _rotated(b, 8)
    b = (b + a) & _MASK
    a = (a - c) & _MASK ^ _rotated(c, 16)
    c = (c + b) & _MASK
    b = (b - a) & _MASK ^ _rotated(a, 19)
    a = (a + c) & _MASK
    c = (c - b) & _MASK ^ _rotated(b, 4)
    return a, (b + a) & _MASK, c


def _finished(a: int, b: int, c: int) -> tuple[int, int]:
    for bits in ((14, 11, 25), (16, 4, 14)):
        c = ((c ^ b) - _rotated(b, bits[0])) & _MASK
        a = ((a ^ c) - _rotated(c, bits[1])) & _MASK
        b = ((b ^ a) - _rotated(a, bits[2])) & _MASK
    return b, ((c ^ b) - _rotated(b, 24)) & _MASK


def seeded_state(size: int, seed: int) -> tuple[int, int, int]:
    """The state before any of `size` bytes is read; the seed has 64 bits."""
    a = b = c = (_INITIAL + size) & _MASK
    return _mixed((a + (seed >> 32)) & _MASK, (b + seed) & _MASK, c) if seed else (a, b, c)


def _hash(data: bytes, seed: int) -> tuple[int, int]:
    """The two last words of the state."""
    a, b, c = seeded_state(len(data), seed)
    blocks = len(data) // _BLOCK * _BLOCK
    for at in range(0, blocks, _BLOCK):
        words = [int.from_bytes(data[at + i : at + i + 4], "little") for i in (0, 4, 8)]
        a, b, c = _mixed((a + words[0]) & _MASK, (b + words[1]) & _MASK, (c + words[2]) & _MASK)
    rest = data[blocks:]
    a = (a + int.from_bytes(rest[:4], "little")) & _MASK
    b = (b + int.from_bytes(rest[4:8], "little")) & _MASK
    # The lowest byte of c belongs to the length.
    c = (c + (int.from_bytes(rest[8:], "little") << 8)) & _MASK
    return _finished(a, b, c)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def hash_text(text: str) -> int:
    """An int4."""
    return _signed(_hash(text.encode(), 0)[1], 32)


def hash_bytes_extended(data: bytes, seed: int) -> int:
    """hash_bytes_extended(): 64 bits without a sign."""
    high, low = _hash(data, seed)
    return high << 32 | low


def hash_text_extended(text: str, seed: int) -> int:
    """An int8 that a seed leads to others of."""
    return _signed(hash_bytes_extended(text.encode(), seed & (1 << 64) - 1), 64)
