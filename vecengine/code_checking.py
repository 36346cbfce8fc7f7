"""Whether stored codes are what their book makes of the vectors they stand for: part of `vecengine.checking`.

Sums in another order round differently, so codes need not be equal: an integer may be the next one, of two words that are
equally near either may be the row's, and what is about zero has either sign. Everything else that differs is not the row's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecengine.codes import HEADER_BYTES, Codebook, CodeVectors
from vecengine.codes_product import ProductBook, ProductVectors
from vecengine.codes_rabitq import RabitqBook, RabitqVectors
from vecengine.codes_short import ShortBook, ShortCodeVectors
from vecengine.element_types import Numbers
from vecengine.ivf.kinds import ScalarBook
from vecengine.metrics import Float32s
from vecengine.residuals import Centres, residuals_of
from vecengine.stored_vectors import StoredVectors

_NORM_TOLERANCE = 0.05
"""Relative: the norm of a row whose integers differ by one."""

_TERM_TOLERANCE = 1e-3
"""Of the largest of a column of terms or factors, which are differences of larger numbers."""

_WORD_TOLERANCE = 1e-4
"""Of the squares of a piece and its word: matrix products lose digits that the difference keeps."""

_ZERO_TOLERANCE = 1e-4
"""Of the largest number of a rotated row."""

Mask = npt.NDArray[np.bool_]


class Originals(NamedTuple):
    """(n, d) numbers that were encoded, and what each is relative to, None for nothing."""

    numbers: Numbers
    centres: Centres | None = None


def are_own_codes(book: object, rows: Originals, found: StoredVectors) -> Mask:
    """(n,) whether codes are what a book makes of rows (n, d)."""
    if isinstance(book, ScalarBook):
        book = book.book
    if isinstance(book, Codebook) and isinstance(found, CodeVectors):
        return _are_own_integers(book, rows, found)
    if isinstance(book, ProductBook) and isinstance(found, ProductVectors):
        return _are_own_words(book, rows, found)
    if isinstance(book, ShortBook) and isinstance(found, ShortCodeVectors):
        return _are_own_short_integers(book, rows, found)
    assert isinstance(book, RabitqBook) and isinstance(found, RabitqVectors)
    return _are_own_signs(book, rows, found)


def _are_own_integers(book: Codebook, rows: Originals, found: CodeVectors) -> Mask:
    """(n,) whether codes of 8 bits are those of their rows."""
    expected = book.encode(rows.numbers)
    distance = np.abs(expected.integers().astype(np.int16) - found.integers())
    headers = np.isclose(expected.headers(), found.headers(), rtol=_NORM_TOLERANCE, atol=0)
    padding = found.bytes()[:, HEADER_BYTES + rows.numbers.shape[1] :]
    return np.asarray((distance <= 1).all(axis=1) & headers.all(axis=1) & ~padding.any(axis=1))


def _are_own_short_integers(book: ShortBook, rows: Originals, found: ShortCodeVectors) -> Mask:
    """(n,) whether codes of few bits are those of their rows, and the terms those of the integers."""
    expected = book.encode(rows.numbers, centres=rows.centres)
    distance = np.abs(expected.integers() - found.integers())
    with np.errstate(all="ignore"):
        terms = book.terms(book.decode(found.integers()), rows.centres)
    is_close = _are_close(terms[:, None], found.terms()[:, None])
    return np.asarray((distance <= 1).all(axis=1) & is_close)


def _are_own_words(book: ProductBook, rows: Originals, found: ProductVectors) -> Mask:
    """(n,) whether product codes name words as near to their rows as the nearest, and the terms are those of the words."""
    expected = book.encode(rows.numbers, centres=rows.centres).codes()
    codes = found.codes()
    starts = book.starts[:-1]
    with np.errstate(all="ignore"):
        residuals = residuals_of(book.metric, rows.numbers, book.mean, rows.centres)
        nearest, named = book.decode(expected), book.decode(codes)
        least, own = _piece_squares(residuals - nearest, starts), _piece_squares(residuals - named, starts)
        lost = _WORD_TOLERANCE * (_piece_squares(residuals, starts) + _piece_squares(nearest, starts))
        is_near = (codes == expected) | (own <= least + lost)
        terms = book.terms(book.decode(codes), rows.centres)
    return np.asarray(is_near.all(axis=1) & _are_close(terms[:, None], found.terms()[:, None]))


def _are_own_signs(book: RabitqBook, rows: Originals, found: RabitqVectors) -> Mask:
    """(n,) whether codes of one bit have the signs of their rows, rotated, and the terms and factors that go with them."""
    expected = book.encode(rows.numbers, centres=rows.centres)
    with np.errstate(all="ignore"):
        rotated = np.abs(book.rotate(residuals_of(book.metric, rows.numbers, book.mean, rows.centres)))
        is_about_zero = rotated <= _ZERO_TOLERANCE * rotated.max(axis=1, initial=0, keepdims=True)
    is_own = (expected.signs() == found.signs()) | is_about_zero
    return np.asarray(is_own.all(axis=1) & _are_close(expected.headers(), found.headers()))


def _piece_squares(numbers: Float32s, starts: npt.NDArray[np.int64]) -> Float32s:
    """(n, m) sums of the squares of (n, d) numbers over the pieces that begin at these dimensions."""
    return np.asarray(np.add.reduceat(numbers * numbers, starts, axis=1))


def _are_close(expected: Float32s, found: Float32s) -> Mask:
    """(n,) whether (n, c) fields are equal but for rounding; two NaN are."""
    with np.errstate(all="ignore"):
        sizes = np.abs(np.where(np.isfinite(expected), expected, 0)).max(axis=0, initial=0)
        is_close = np.abs(expected - found) <= _TERM_TOLERANCE * sizes
    return np.asarray((is_close | (expected == found) | (np.isnan(expected) & np.isnan(found))).all(axis=1))
