"""Values of tsvector between their stored form and lexemes with places.

A *place* is `position << 2 | weight` (weights D = 0, C, B, A = 3), so places sort as PostgreSQL sorts positions. A stored
value is bytes that sort as `silly_cmp_tsvector` of postgres/postgres:src/backend/utils/adt/tsvector_op.c does:

    header   PostgreSQL's size of the value in bytes, then the number of lexemes: four bytes of seven bits each
    lexeme   00, then 01 if it has places, else 02, the lexeme in UTF-8, 00, and of one with places
             their number and they, each as the largest number less its own: two and three bytes of seven bits

    'cat':1 'rat'    80 80 80 a4  80 80 80 82   00 01 'cat' 00 ff fe ff ff fb   00 02 'rat' 00

Bytes of seven bits are 80 to ff, so that 00 stands only where a lexeme begins or ends. A search for
`lexeme_patterns` therefore finds the lexeme and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TypeAlias

from foundation.errors import ProgramLimitExceeded

Places: TypeAlias = tuple[int, ...]
Lexemes: TypeAlias = dict[bytes, Places]
"""Lexemes in ascending order -> their places in ascending order, () for a lexeme without."""

POSITION_END = 1 << 14
"""Positions are below it; later ones count as the last."""
PLACES_MAX = 256
LEXEME_BYTES_MAX = (1 << 11) - 1
VECTOR_BYTES_MAX = (1 << 20) - 1
WEIGHT_LETTERS = "DCBA"

_HEADER_BYTES = 8
_COUNT_MAX = (1 << 14) - 1
_PLACE_MAX = (1 << 21) - 1
_EMPTY_BYTES, _ENTRY_BYTES = 8, 4


def _sevens(number: int, count: int) -> bytes:
    """A number in bytes of seven bits, the highest first."""
    return bytes(0x80 | number >> 7 * at & 0x7F for at in range(count - 1, -1, -1))


def _of_sevens(data: bytes) -> int:
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


@lru_cache(1 << 16)
def _packed_place(place: int) -> bytes:
    return _sevens(_PLACE_MAX - place, 3)


@lru_cache(1 << 16)
def _packed_places(places: Places) -> bytes:
    return _sevens(_COUNT_MAX - len(places), 2) + b"".join(map(_packed_place, places))


@lru_cache(1 << 16)
def _unpacked_places(data: bytes) -> Places:
    """`data` starts with the count."""
    return tuple(_PLACE_MAX - _of_sevens(data[at : at + 3]) for at in range(2, len(data), 3))


@lru_cache(1 << 12)
def _header(size_bytes: int, count: int) -> bytes:
    return _sevens(size_bytes, 4) + _sevens(count, 4)


EMPTY_VECTOR = _header(_EMPTY_BYTES, 0)


def pack_sorted(entries: Iterable[tuple[bytes, Places]]) -> bytes:
    """The stored form of (lexeme, places), lexemes ascending and without repetition, places ascending.

    Raises:
        ProgramLimitExceeded: 54000, more than a megabyte.
    """
    pieces = [b""]
    count = data_bytes = 0
    for lexeme, places in entries:
        count += 1
        data_bytes += len(lexeme)
        if places:
            data_bytes += (data_bytes & 1) + 2 + 2 * len(places)
            pieces += (b"\0\1", lexeme, b"\0", _packed_places(places))
        else:
            pieces += (b"\0\2", lexeme, b"\0")
    if data_bytes > VECTOR_BYTES_MAX:
        raise ProgramLimitExceeded(
            f"string is too long for tsvector ({data_bytes} bytes, max {VECTOR_BYTES_MAX} bytes)"
        )
    pieces[0] = _header(_EMPTY_BYTES + _ENTRY_BYTES * count + data_bytes, count)
    return b"".join(pieces)


def pack_vector(lexemes: Mapping[bytes, Places]) -> bytes:
    """The stored form of lexemes in any order. Raises ProgramLimitExceeded (54000)."""
    return pack_sorted(sorted(lexemes.items()))


def unpack_vector(value: bytes) -> Lexemes:
    """The lexemes of a stored value."""
    pieces = value[_HEADER_BYTES:].split(b"\0")
    return {
        named[1:]: _unpacked_places(places) if places else ()
        for named, places in zip(pieces[1::2], pieces[2::2])
    }


def places_of(value: bytes, lexeme: bytes) -> Places | None:
    """The places of one lexeme of a stored value, () for one without, None where it is not there."""
    at = value.find(b"\0\1" + lexeme + b"\0")
    if at < 0:
        return () if b"\0\2" + lexeme + b"\0" in value else None
    start = at + len(lexeme) + 3
    end = value.find(b"\0", start)
    return _unpacked_places(value[start : end if end >= 0 else None])


def lexeme_count(value: bytes) -> int:
    """How many lexemes a stored value has."""
    return _of_sevens(value[4:_HEADER_BYTES])


def lexeme_patterns(lexeme: bytes, *, is_prefix: bool) -> tuple[str, str]:
    """Regular expressions for what stored values have in them that have the lexeme, or one that starts with it.

    The first is the bytes of the lexeme alone, which others may have too; the second one says so exactly.
    """
    near = "".join(f"\\x{byte:02x}" for byte in (lexeme if is_prefix else lexeme + b"\0"))
    return near, rf"\x00[\x01\x02]{near}"


def limited(position: int) -> int:
    """The position, or the last one that there is."""
    return min(position, POSITION_END - 1)


def merged_places(places: Iterable[int]) -> Places:
    """Places in any order as a value keeps them: of one position the greatest weight, no more than 256.

    As `uniquePos` of postgres/postgres:src/backend/utils/adt/tsvector.c, which stops at the last position that there is and
    keeps the weight that it comes with first.
    """
    kept: list[int] = []
    for place in sorted(places, key=lambda place: place >> 2):
        if not kept or kept[-1] >> 2 != place >> 2:
            kept.append(place)
            if len(kept) > 1 and (len(kept) == PLACES_MAX or place >> 2 == POSITION_END - 1):
                break
        else:
            kept[-1] = max(kept[-1], place)
    return tuple(kept)
