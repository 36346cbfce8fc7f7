"""INSERT ... VALUES of nothing but literals, read as columns of texts instead of a tree of nodes.

Drivers that inline values send such statements, and loaders send them with hundreds of rows. The rows are recognised
by one regular expression and taken apart by another; what is left is the statement with parameters in their place,
whose text is the same whatever the values are and however many rows there are. Everything else (expressions, casts,
DEFAULT, comments, `E''` strings, clauses behind the list) is left to the grammar.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

# Groups are repeated in atomic groups: up to 3.11.4 Python forgets to go back when a possessive repetition of a group ends
# in the middle of it, and `(1,)` would be a row. https://github.com/python/cpython/issues/106052
_LITERAL = r"(?>'[^']*+(?>(?:''[^']*+)*)'|-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?(?!\w)|NULL\b|TRUE\b|FALSE\b)"
_ROW = rf"\(\s*+{_LITERAL}\s*+(?>(?:,\s*+{_LITERAL}\s*+)*)\)\s*+"
_HEAD = re.compile(r"\s*+INSERT\s+INTO\s+[\w.\"\s]+(?:\([\w\s,\"]*\)\s*)?VALUES\s*+", re.IGNORECASE)
_LIST = re.compile(rf"{_ROW}(?>(?:,\s*+{_ROW})*)", re.IGNORECASE)
_FIRST = re.compile(_ROW, re.IGNORECASE)
_TOKEN = re.compile(_LITERAL, re.IGNORECASE)
_END = re.compile(r"(?:;\s*+)?\Z")
_TEXT_CHARACTERS_MAX = 1 << 24


class LiteralKind(Enum):
    """What the literals of a column are, besides NULLs."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ONLY_NULL = "null"


@dataclass(frozen=True, slots=True)
class LiteralColumn:
    """One column of a VALUES list: its cells as texts that a type's input function reads, None for NULL."""

    kind: LiteralKind
    cells: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class LiteralRows:
    """An INSERT of literals.

    Attributes:
        text: the whole statement.
        template: the statement with `VALUES ($1, ..., $m)`.
        columns: the m columns.
        count: how many rows.
    """

    text: str
    template: str
    columns: tuple[LiteralColumn, ...]
    count: int


def literal_rows(text: str) -> LiteralRows | None:
    """The statement as columns; None for any text that is not exactly such a statement."""
    head = _HEAD.match(text)
    if head is None or len(text) > _TEXT_CHARACTERS_MAX:
        return None
    rows = _LIST.match(text, head.end())
    if rows is None or _END.match(text, rows.end()) is None:
        return None
    first = _FIRST.match(text, head.end())
    assert first is not None
    width = len(_TOKEN.findall(text, first.start(), first.end()))
    tokens = _TOKEN.findall(text, rows.start(), rows.end())
    count, rest = divmod(len(tokens), width)
    if rest or (count > 1 and not _has_width(text, rows, width)):
        return None
    columns = tuple(_column(tokens[number::width]) for number in range(width))
    if any(column is None for column in columns):
        return None
    parameters = ", ".join(f"${number}" for number in range(1, width + 1))
    template = f"{text[: head.end()].strip()} ({parameters})"
    return LiteralRows(text, template, tuple(column for column in columns if column is not None), count)


def _has_width(text: str, rows: re.Match[str], width: int) -> bool:
    """Whether every row of the list has so many literals."""
    row = rf"\(\s*+{_LITERAL}\s*+(?:,\s*+{_LITERAL}\s*+){{{width - 1}}}\)\s*+"
    same = re.compile(rf"{row}(?>(?:,\s*+{row})*)", re.IGNORECASE).match(text, rows.start())
    return same is not None and same.end() == rows.end()


def _column(tokens: Sequence[str]) -> LiteralColumn | None:
    """None where the literals are of several kinds."""
    if all(token[0] == "'" for token in tokens):
        return LiteralColumn(LiteralKind.STRING, [token[1:-1].replace("''", "'") for token in tokens])
    kinds = {kind for token in tokens if (kind := _kind(token)) is not LiteralKind.ONLY_NULL}
    if len(kinds) > 1:
        return None
    kind = kinds.pop() if kinds else LiteralKind.ONLY_NULL
    return LiteralColumn(kind, [_cell(token) for token in tokens])


def _kind(token: str) -> LiteralKind:
    if token[0] == "'":
        return LiteralKind.STRING
    if token[0] in "nN":
        return LiteralKind.ONLY_NULL
    return LiteralKind.BOOLEAN if token[0] in "tTfF" else LiteralKind.NUMBER


def _cell(token: str) -> str | None:
    if token[0] in "nN":
        return None
    return token[1:-1].replace("''", "'") if token[0] == "'" else token
