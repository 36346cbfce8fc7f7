"""ts_headline(): the part of a text that shows best why it matches, with the words of the query marked.

Follows postgres/postgres:src/backend/tsearch/wparser_def.c (`prsd_headline`) and ts_parse.c: a text is a list of words and what is between
them, a *cover* a stretch of it that the query holds for; of the covers one, or the best fragments, are lengthened or cut to the size asked
for, so that they end neither with a short word nor with none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.text_search.configurations import Configuration
from planner.text_search.covers import find_covers
from planner.text_search.headline_options import HeadlineOptions
from planner.text_search.parser import parse_tokens
from planner.text_search.token_types import TokenType
from planner.text_search.tsqueries import Node, Operand, operands
from planner.text_search.tsvectors import LEXEME_BYTES_MAX, limited

_COMPOUNDS = frozenset((TokenType.URL, TokenType.NUMHWORD, TokenType.ASCIIHWORD, TokenType.HWORD))
_NO_WORDS = _COMPOUNDS | {TokenType.BLANK, TokenType.TAG}
_NO_ENDS = _NO_WORDS | {
    TokenType.SFLOAT, TokenType.VERSION, TokenType.FLOAT, TokenType.INT, TokenType.UINT, TokenType.PROTOCOL, TokenType.ENTITY,
}  # fmt: skip


@dataclass(slots=True)
class Piece:
    """A token, once for each operand of the query that it is a word of, the later ones `is_repeated`."""

    kind: TokenType
    text: str
    position: int = 0
    operand: Operand | None = None
    is_repeated: bool = False
    is_shown: bool = False

    @property
    def is_word(self) -> bool:
        return self.kind not in _NO_WORDS

    @property
    def is_interesting(self) -> bool:
        return self.operand is not None and not self.is_repeated


def _pieces(configuration: Configuration, text: str, query: Node | None) -> list[Piece]:
    dictionaries = configuration.loaded()
    wanted = operands(query)
    pieces: list[Piece] = []
    position = 0
    for kind, token in parse_tokens(text):
        if len(token.encode()) >= LEXEME_BYTES_MAX:
            continue
        piece = Piece(kind, token)
        pieces.append(piece)
        dictionary = dictionaries[kind]
        if dictionary is None:
            continue
        position += 1
        lexeme = dictionary.lexeme(token)
        if not lexeme:
            continue
        piece.position = limited(position)
        for operand in wanted:
            if not operand.matches(lexeme):
                continue
            if piece.operand is None:
                piece.operand = operand
            else:
                pieces.append(replace(piece, operand=operand, is_repeated=True))
    return pieces


def headline(configuration: Configuration, text: str, query: Node | None, options: HeadlineOptions) -> str:
    """The headline of a text."""
    pieces = _pieces(configuration, text, query)
    if options.fragments_max:
        _show_fragments(pieces, query, options)
    elif options.shows_all:
        _show(pieces, 0, len(pieces) - 1)
    else:
        _show_best_cover(pieces, query, options)
    return _written(pieces, options)


def _show(pieces: Sequence[Piece], first: int, last: int) -> None:
    for piece in pieces[first : last + 1]:
        piece.is_shown = not piece.is_repeated


def _written(pieces: Sequence[Piece], options: HeadlineOptions) -> str:
    written: list[str] = []
    is_inside = has_fragment = False
    for piece in pieces:
        if piece.is_repeated:
            continue
        if not piece.is_shown:
            is_inside = False
            continue
        if not is_inside and has_fragment:
            written.append(options.delimiter)
        is_inside = has_fragment = True
        if piece.kind is TokenType.TAG and not options.shows_all:
            written.append(" ")
        elif piece.kind not in _COMPOUNDS:
            marks = (options.start, options.stop) if piece.operand is not None else ("", "")
            written += (marks[0], piece.text, marks[1])
    return "".join(written)


def _is_bad_end(piece: Piece, options: HeadlineOptions) -> bool:
    is_short = len(piece.text.encode()) <= options.short_word_bytes
    return (piece.kind in _NO_ENDS or is_short) and not piece.is_interesting


@dataclass(slots=True)
class _Stretch:
    """Pieces `first` to `last`: how many of them are words, and how many the query asks for."""

    first: int
    last: int
    words: int = 0
    interesting: int = 0

    def count(self, piece: Piece, by: int = 1) -> None:
        self.words += by * piece.is_word
        self.interesting += by * piece.is_interesting


def _leading(pieces: Sequence[Piece], words: int) -> int:
    """Where the first so many words end."""
    last = found = 0
    for number, piece in enumerate(pieces):
        if found >= words:
            break
        found += piece.is_word
        last = number
    return last


# ---------------------------------------------------------------------------------------------------------
# One cover


def _show_best_cover(pieces: Sequence[Piece], query: Node | None, options: HeadlineOptions) -> None:
    best: tuple[bool, int, bool] | None = None
    shown = (0, _leading(pieces, options.words_min))
    for cover in find_covers(pieces, query):
        stretch = _stretched(pieces, cover, options)
        is_whole = stretch.first <= cover[0] and stretch.last >= cover[1]
        merit = (is_whole, stretch.interesting, not _is_bad_end(pieces[stretch.last], options))
        if best is None or merit > best:
            best, shown = merit, (stretch.first, stretch.last)
    _show(pieces, *shown)


def _stretched(pieces: Sequence[Piece], cover: tuple[int, int], options: HeadlineOptions) -> _Stretch:
    stretch = _Stretch(cover[0], cover[0])
    at = cover[0]
    while at <= cover[1] and stretch.words < options.words_max:
        stretch.count(pieces[at])
        stretch.last = at
        at += 1
    if stretch.words < options.words_max:
        _lengthen(pieces, stretch, at - 1, cover, options)
    else:
        _shorten(pieces, stretch, min(at, cover[1]), options)
    return stretch


def _lengthen(
    pieces: Sequence[Piece], stretch: _Stretch, at: int, cover: tuple[int, int], options: HeadlineOptions
) -> None:
    """To the right up to a good end, and where the text ends before that, to the left."""
    while at < len(pieces) and stretch.words < options.words_max:
        if at > cover[1]:
            stretch.count(pieces[at])
        stretch.last = at
        if not _is_bad_end(pieces[at], options) and stretch.words >= options.words_min:
            break
        at += 1
    if stretch.words >= options.words_min:
        return
    at = cover[0] - 1
    while at >= 0:
        stretch.count(pieces[at])
        if stretch.words >= options.words_max:
            break
        if not _is_bad_end(pieces[at], options) and stretch.words >= options.words_min:
            break
        at -= 1
    stretch.first = max(at, 0)


def _shorten(pieces: Sequence[Piece], stretch: _Stretch, at: int, options: HeadlineOptions) -> None:
    while stretch.words > options.words_min and _is_bad_end(pieces[at], options):
        stretch.count(pieces[at], -1)
        stretch.last = at - 1
        at -= 1


# ---------------------------------------------------------------------------------------------------------
# Fragments


def _show_fragments(pieces: Sequence[Piece], query: Node | None, options: HeadlineOptions) -> None:
    fragments: list[_Stretch] = []
    for first, last in find_covers(pieces, query):
        while first <= last:
            fragment = _next_fragment(pieces, first, last, options.words_max)
            fragments.append(fragment)
            first = fragment.last + 1
    has_any = False
    for _ in range(options.fragments_max):
        # The first of those with most words of the query, and of these of the fewest words.
        best = max(fragments, key=lambda found: (found.interesting, -found.words), default=None)
        if best is None:
            break
        fragments.remove(best)
        _widen(pieces, best, options)
        _show(pieces, best.first, best.last)
        has_any = True
        fragments = [other for other in fragments if other.last < best.first or other.first > best.last]
    if not has_any:
        _show(pieces, 0, _leading(pieces, options.words_min))


def _next_fragment(pieces: Sequence[Piece], first: int, last: int, words_max: int) -> _Stretch:
    """The first part of a cover that begins and ends with words of the query and has at most so many words."""
    while first < last and not pieces[first].is_interesting:
        first += 1
    fragment = _Stretch(first, last)
    at = first
    while at <= last and fragment.words < words_max:
        fragment.count(pieces[at])
        at += 1
    if last > at:
        fragment.last = at
        while fragment.last > first and not pieces[fragment.last].is_interesting:
            fragment.words -= pieces[fragment.last].is_word
            fragment.last -= 1
    return fragment


def _widen(pieces: Sequence[Piece], fragment: _Stretch, options: HeadlineOptions) -> None:
    """To both sides, up to the words asked for or another fragment."""
    if fragment.words >= options.words_max:
        return
    room = (options.words_max - fragment.words) // 2
    marker = at = fragment.first
    stretched = 0
    while at > 0 and stretched < room and not pieces[at - 1].is_shown:
        at -= 1
        stretched += pieces[at].is_word
        fragment.words += pieces[at].is_word
        marker = at
    while marker < fragment.first and _is_bad_end(pieces[marker], options):
        fragment.words -= pieces[marker].is_word
        marker += 1
    fragment.first = marker
    marker = at = fragment.last
    while at + 1 < len(pieces) and fragment.words < options.words_max and not pieces[at + 1].is_shown:
        at += 1
        fragment.words += pieces[at].is_word
        marker = at
    while marker > fragment.last and _is_bad_end(pieces[marker], options):
        fragment.words -= pieces[marker].is_word
        marker -= 1
    fragment.last = marker
