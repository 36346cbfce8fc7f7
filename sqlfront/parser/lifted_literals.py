"""Literals that stand where a parameter could, taken out of a statement's text: what is left is the same for all values.

psycopg2, query builders and BI tools put values into the text, so no text comes twice. Lifted are numbers and strings that
follow a comparison, stand in the list of an IN or a VALUES, are an end of a BETWEEN or the count of a LIMIT or OFFSET, if
nothing but a keyword, a comma or a parenthesis follows; and everywhere strings that are a vector's text, `'[1,2.5]'`. All
others stay: those of a select list, ORDER BY and GROUP BY, of typed literals, casts, patterns, calls and arithmetic.

This is about words alone. Whether a text means what its shape means, with these values for the parameters, has to be asked of
the binder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from foundation.sqltypes import INT4, INT8, NUMERIC

_TOKEN = re.compile(
    r"""("[^"]*+"|--[^\n]*+|/\*(?>[^*/]|\*(?!/)|/(?!\*))*+\*/|'[^']*+(?>(?:''[^']*+)*)'"""
    r"""|(?<![\w$.])(?>\d++(?:\.\d*+)?|\.\d++)(?>(?:[eE][+-]?\d++)?)(?![\w.]))"""
)
"""Quoted names, comments (none inside another), strings, numbers."""
_VECTOR = re.compile(r"'\[[-+.,0-9eE ]*\]'")
_MARK = re.compile('(\0.|"[^"]*"|--[^\n]*|/\\*.*?\\*/)', re.DOTALL)
_WORD = re.compile(r"[^\W\d][\w$]*|::|[-+*/<>=~!@#%^&|`?]+|\S")
_TEXT_CHARACTERS_MAX = 1 << 20
_TOKENS_MAX = 200
_LIFTED_MAX = 64
_LIST_ITEMS_MAX = 32
_BEGINNINGS = frozenset({"select", "insert", "update", "delete", "with"})
_COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})
_FOLLOWING = frozenset(
    {
        *(")", ",", ";", "and", "or", "then", "where", "group", "having", "order", "limit", "offset"),
        *("union", "intersect", "except", "for", "on", "returning"),
    }
)
_INT4_MAX = 2**31 - 1
_INT8_MAX = 2**63 - 1


class LiteralForm(Enum):
    """What a literal is by its looks; the value is its mark. A number has the smallest type that holds it, as in PostgreSQL."""

    STRING = "\0s"
    VECTOR = "\0v"
    INT4 = "\0i"
    INT8 = "\0b"
    WHOLE = "\0w"
    """An integer beyond int8, which is a numeric."""
    DECIMAL = "\0d"


_OIDS = {
    LiteralForm.INT4: INT4.oid,
    LiteralForm.INT8: INT8.oid,
    LiteralForm.WHOLE: NUMERIC.oid,
    LiteralForm.DECIMAL: NUMERIC.oid,
}
_FORMS = {form.value: form for form in LiteralForm}


class Lifted(NamedTuple):
    """A text's shape, with $1, $2, ... for what was taken out.

    Attributes:
        oids: of the parameters; 0 where the surroundings say the type.
        texts: of the values, as an input function reads them.
    """

    shape: str
    oids: tuple[int, ...]
    texts: tuple[str, ...]

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Equal for texts that one plan may serve."""
        return self.shape, self.oids


class _Place(NamedTuple):
    """Where a lifted literal stands among all of a text, the OID of its parameter, and whether a `-` belongs to it."""

    number: int
    oid: int
    is_negative: bool


def lift_literals(text: str) -> Lifted | None:
    """None for a text of which nothing is lifted, and for one whose words are not all understood."""
    if len(text) > _TEXT_CHARACTERS_MAX:
        return None
    pieces = _TOKEN.split(text)
    if not 1 < len(pieces) < 2 * _TOKENS_MAX:
        return None
    marked = pieces.copy()
    literals = []
    for place in range(1, len(pieces), 2):
        token = pieces[place]
        if token[0] not in '"-/':
            marked[place] = _form(token).value
            literals.append(place)
    places = _places("".join(marked))
    return _cut(pieces, literals, places) if places else None


def _cut(pieces: list[str], literals: Sequence[int], places: Sequence[_Place]) -> Lifted:
    """The text with parameters for the literals at `places`. Equal vectors are one parameter, as in `d < r ORDER BY d`."""
    oids, texts, vectors = list[int](), list[str](), dict[str, int]()
    for number, oid, is_negative in places:
        place = literals[number]
        token = pieces[place]
        known = vectors.get(token)
        if known is None:
            known = len(texts) + 1
            oids.append(oid)
            if token[0] != "'":
                texts.append("-" + token if is_negative else token)
            else:
                texts.append(token[1:-1].replace("''", "'"))
                if token[1:2] == "[":
                    vectors[token] = known
        if is_negative:
            pieces[place - 1] = pieces[place - 1].rstrip()[:-1]  # The sign goes with the number.
        pieces[place] = f"${known}"
    return Lifted("".join(pieces), tuple(oids), tuple(texts))


def _form(token: str) -> LiteralForm:
    if token[0] == "'":
        return LiteralForm.VECTOR if _VECTOR.fullmatch(token) else LiteralForm.STRING
    if not token.isdigit():
        return LiteralForm.DECIMAL
    value = int(token) if len(token) < 20 else _INT8_MAX + 1
    if value <= _INT4_MAX:
        return LiteralForm.INT4
    return LiteralForm.INT8 if value <= _INT8_MAX else LiteralForm.WHOLE


@lru_cache(2048)
def _places(marked: str) -> tuple[_Place, ...]:
    """Which literals of a text with marks in their places are lifted; none where a word is not understood."""
    words = _words(marked)
    if not words or words[0] not in _BEGINNINGS:
        return ()
    last = len(words) - 1
    is_clear = all(
        word.isascii() and word not in ("'", '"', "$") and not word[0].isdigit()
        for word in words
        if word[0] != "\0"
    )
    has_strange = any(word == ";" and at != last for at, word in enumerate(words))
    if not is_clear or has_strange or _has_adjoining(marked):
        return ()
    found, number = [], 0
    contexts = _Contexts(words)
    for at, word in enumerate(words):
        is_lifted, is_negative, is_count = contexts.of(at)
        if word[0] != "\0":
            continue
        form = _FORMS[word]
        if is_lifted:
            found.append(_Place(number, 0 if is_count else _OIDS.get(form, 0), is_negative))
        number += 1
    return tuple(found) if len(found) <= _LIFTED_MAX else ()


def _words(marked: str) -> list[str]:
    """Keywords, operators and marks in order; a quoted name is one, too, and comments are none."""
    words: list[str] = []
    for piece in _MARK.split(marked):
        if piece[:1] == "\0":
            words.append(piece)
        elif piece[:1] == '"' and len(piece) > 1:
            words.append("name")
        elif piece[:2] not in ("--", "/*"):
            words += _WORD.findall(piece.lower())
    return words


def _has_adjoining(marked: str) -> bool:
    """Whether a string is more than itself: `E''`, `U&''`, or two of them with white space between, which are one."""
    return re.search('[\\w$&]\0[sv]|\0[sv]\\s*\0[sv]|"\0[sv]', marked) is not None


class _Contexts:
    """Goes through the words of a statement, one after the other, and tells what surrounds each."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._lists: list[bool] = []
        """For each open parenthesis whether it is the list of an IN or of a VALUES."""
        self._between = 0
        self._closed_list_at = -1

    def of(self, at: int) -> tuple[bool, bool, bool]:
        """(whether the word is a literal to be lifted, whether the `-` before it is its sign, whether it is a count)."""
        words, word = self._words, self._words[at]
        before = words[at - 1] if at else ""
        if word == "(":
            self._lists.append(self._opens_list(at))
        elif word == ")" and self._lists:
            if self._lists.pop():
                self._closed_list_at = at
        elif word == "between":
            self._between += 1
        if word[0] != "\0":
            return False, False, False
        form = _FORMS[word]
        if form is LiteralForm.VECTOR:
            return True, False, False
        follows = words[at + 1] if at + 1 < len(words) else ";"
        if follows not in _FOLLOWING:
            return False, False, False
        if before in ("limit", "offset"):
            return form is LiteralForm.INT4, False, True
        is_negative = before == "-" and form in (LiteralForm.INT4, LiteralForm.DECIMAL)
        return self._takes_value(at - 1 - is_negative), is_negative, False

    def _takes_value(self, at: int) -> bool:
        """Whether what comes behind a word is a value that is compared or listed."""
        word = self._words[at] if at >= 0 else ""
        if word == "and" and self._between:
            self._between -= 1
            return True
        if word in ("(", ","):
            return bool(self._lists) and self._lists[-1]
        return word in _COMPARISONS or word == "between"

    def _opens_list(self, at: int) -> bool:
        words = self._words
        before = words[at - 1] if at else ""
        if at + 1 < len(words) and words[at + 1] in ("select", "with", "values", "("):
            return False
        if before == "," and self._closed_list_at == at - 2:
            return True
        return before in ("in", "values") and self._size(at) <= _LIST_ITEMS_MAX

    def _size(self, at: int) -> int:
        """How many words there are in a parenthesis, one for each item and each comma, halved."""
        depth = 0
        for place in range(at, len(self._words)):
            depth += (self._words[place] == "(") - (self._words[place] == ")")
            if not depth:
                return (place - at) // 2
        return len(self._words)
