"""Functions that make a tsvector of others, of arrays, and arrays of it.

https://www.postgresql.org/docs/16/functions-textsearch.html; limits and order of checks follow
postgres/postgres:src/backend/utils/adt/tsvector_op.c.
"""

from __future__ import annotations

from collections.abc import Sequence

from foundation.errors import InternalError, InvalidParameterValue, NullValueNotAllowed
from planner.errors import ZeroLengthString
from planner.text_search.tsvectors import (
    PLACES_MAX,
    POSITION_END,
    WEIGHT_LETTERS,
    Lexemes,
    Places,
    limited,
    pack_sorted,
    pack_vector,
    unpack_vector,
)


def _weight(letter: str, shown: str) -> int:
    """0 to 3 for D to A. Raises InternalError (XX000), as PostgreSQL does, for another letter."""
    weight = WEIGHT_LETTERS.find(letter.upper()) if letter else -1
    if weight < 0:
        raise InternalError(f"unrecognized weight: {shown}")
    return weight


def _weighted(places: Places, weight: int) -> Places:
    return tuple(place & ~3 | weight for place in places)


def with_weight(value: bytes, letter: str) -> bytes:
    """setweight(tsvector, "char"): all places get the weight."""
    weight = _weight(letter, str(ord(letter) if letter else 0))
    return pack_sorted((lexeme, _weighted(places, weight)) for lexeme, places in unpack_vector(value).items())


def with_weight_of(value: bytes, letter: str, chosen: Sequence[str | None]) -> bytes:
    """setweight(tsvector, "char", text[]): places of the lexemes listed get the weight."""
    weight = _weight(letter, letter)
    listed = _lexemes_listed(chosen)
    return pack_sorted(
        (lexeme, _weighted(places, weight) if lexeme in listed else places)
        for lexeme, places in unpack_vector(value).items()
    )


def stripped(value: bytes) -> bytes:
    """strip(): the lexemes without places."""
    return pack_sorted((lexeme, ()) for lexeme in unpack_vector(value))


def without(value: bytes, deleted: str | Sequence[str | None]) -> bytes:
    """ts_delete(): without a lexeme, or without those listed."""
    listed = {deleted.encode()} if isinstance(deleted, str) else _lexemes_listed(deleted)
    return pack_sorted(item for item in unpack_vector(value).items() if item[0] not in listed)


def filtered(value: bytes, letters: Sequence[str | None]) -> bytes:
    """ts_filter(): the places of the weights listed, and the lexemes that have any.

    Raises:
        NullValueNotAllowed: 22004. InvalidParameterValue: 22023, a letter that is no weight.
    """
    weights = set()
    for letter in letters:
        if letter is None:
            raise NullValueNotAllowed("weight array may not contain nulls")
        weight = WEIGHT_LETTERS.find(letter.upper()) if letter else -1
        if weight < 0:
            raise InvalidParameterValue(f'unrecognized weight: "{letter}"')
        weights.add(weight)
    kept = (
        (lexeme, tuple(place for place in places if place & 3 in weights))
        for lexeme, places in unpack_vector(value).items()
    )
    return pack_sorted(item for item in kept if item[1])


def lexeme_array(value: bytes) -> list[str]:
    """tsvector_to_array()."""
    return [lexeme.decode() for lexeme in unpack_vector(value)]


def vector_of_array(texts: Sequence[str | None]) -> bytes:
    """array_to_tsvector(). Raises NullValueNotAllowed (22004), ZeroLengthString (2200F)."""
    if None in texts:
        raise NullValueNotAllowed("lexeme array may not contain nulls")
    lexemes = _lexemes_listed(texts)
    if b"" in lexemes:
        raise ZeroLengthString("lexeme array may not contain empty strings")
    return pack_vector(dict.fromkeys(lexemes, ()))


def _lexemes_listed(texts: Sequence[str | None]) -> set[bytes]:
    """NULL is no lexeme."""
    return {text.encode() for text in texts if text is not None}


def concatenated(left: bytes, right: bytes) -> bytes:
    """||: the right one's positions go on behind the last of the left one. Raises ProgramLimitExceeded (54000)."""
    joined: Lexemes = unpack_vector(left)
    offset = max((places[-1] >> 2 for places in joined.values() if places), default=0)
    for lexeme, places in unpack_vector(right).items():
        joined[lexeme] = _appended(joined.get(lexeme, ()), places, offset)
    return pack_vector(joined)


def _appended(before: Places, places: Places, offset: int) -> Places:
    kept = list(before)
    for place in places:
        if len(kept) >= PLACES_MAX or (kept and kept[-1] >> 2 == POSITION_END - 1):
            break
        kept.append(limited((place >> 2) + offset) << 2 | place & 3)
    return tuple(kept)


def unnested(value: bytes) -> list[tuple[str, list[int] | None, list[str] | None]]:
    """unnest(tsvector): (lexeme, positions, weights) rows, NULLs for a lexeme without places."""
    return [
        (
            lexeme.decode(),
            [place >> 2 for place in places] if places else None,
            [WEIGHT_LETTERS[place & 3] for place in places] if places else None,
        )
        for lexeme, places in unpack_vector(value).items()
    ]
