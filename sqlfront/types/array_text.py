"""Array literals taken apart: `{1,NULL,"a b"}`, `{{1,2},{3,4}}`, `[0:1]={1,2}`.

The elements' texts are not looked at. Words and order of the errors are those of array_in, ArrayCount and ReadArrayStr in
PostgreSQL 16's arrayfuncs.c. https://www.postgresql.org/docs/16/arrays.html#ARRAYS-IO
"""

from __future__ import annotations

import re
from enum import Enum, auto

from foundation.errors import (
    ArraySubscriptError,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
    ProgramLimitExceeded,
)
from foundation.shaped_arrays import DIMENSIONS_MAX, several_dimensions
from sqlfront.types.codec import WHITESPACE

_BOUND = re.compile(r"[-+0-9]+", re.ASCII)
_BOUND_NUMBER = re.compile(r"[-+]?[0-9]*", re.ASCII)
_QUOTE_OR_BACKSLASH = re.compile(r'["\\]')
_INT32_MAX = 2**31 - 1
_INT32_MIN = -(2**31)

Texts = list[str | None]
Numbers = tuple[int, ...]


def read_array(text: str) -> tuple[Texts, Numbers, Numbers]:
    """The element texts of an array literal, None for NULL, in row-major order; lengths; lower bounds.

    Raises:
        InvalidTextRepresentation: 22P02 `malformed array literal`.
        ArraySubscriptError: 2202E, an upper bound below the lower one. ProgramLimitExceeded: 54000, more than 6 dimensions.
        NumericValueOutOfRange: 22003, a bound that is no int4.
    """
    start = _skip_space(text, 0)
    if text[start : start + 1] != "[" and "{" not in text[start + 1 :]:
        items = split_array(text)
        return items, (len(items),) if items else (), (1,) if items else ()
    position, lower_bounds, declared = _read_bounds(text, start)
    if text[position : position + 1] != "{":
        detail = (
            'Array contents must start with "{".'
            if declared
            else 'Array value must start with "{" or dimension information.'
        )
        raise _malformed(text, detail)
    depth = _count_dimensions(text, position)
    items, lengths = _read_items(text, position, depth)
    if declared and lengths != declared:
        raise _malformed(text, "Specified array dimensions do not match array contents.")
    return items, lengths, lower_bounds if declared else (1,) * len(lengths)


def _read_bounds(text: str, position: int) -> tuple[int, Numbers, Numbers]:
    """`[1:2][0:3]=`: where the contents begin, lower bounds, lengths; nothing of both where there are none."""
    lower_bounds: list[int] = []
    lengths: list[int] = []
    while text[position : position + 1] == "[":
        if len(lengths) == DIMENSIONS_MAX:
            raise _too_many_dimensions(len(lengths) + 1)
        first = _BOUND.match(text, position + 1)
        if first is None:
            raise _malformed(text, '"[" must introduce explicitly-specified array dimensions.')
        lower, position = 1, first.end()
        upper = first
        if text[position : position + 1] == ":":
            second = _BOUND.match(text, position + 1)
            if second is None:
                raise _malformed(text, "Missing array dimension value.")
            lower, position, upper = _bound(first), second.end(), second
        if text[position : position + 1] != "]":
            raise _malformed(text, 'Missing "]" after array dimensions.')
        length = _bound(upper) - lower + 1
        if length < 1:
            raise ArraySubscriptError("upper bound cannot be less than lower bound")
        lower_bounds.append(lower)
        lengths.append(length)
        position = _skip_space(text, position + 1)
    if lengths:
        if text[position : position + 1] != "=":
            raise _malformed(text, 'Missing "=" after array dimensions.')
        position = _skip_space(text, position + 1)
    return position, tuple(lower_bounds), tuple(lengths)


def _bound(match: re.Match[str]) -> int:
    """What C's atoi() makes of a bound; int4's range is checked."""
    number = _BOUND_NUMBER.match(match.group())
    digits = number.group() if number is not None else ""
    value = int(digits) if digits.strip("+-") else 0
    if not _INT32_MIN <= value <= _INT32_MAX:
        raise NumericValueOutOfRange("array bound is out of integer range")
    return value


class _State(Enum):
    """What was read last, outside of quotes."""

    NOTHING = auto()
    LEVEL_STARTED = auto()
    ELEMENT_STARTED = auto()
    QUOTED_STARTED = auto()
    QUOTED_COMPLETED = auto()
    ELEMENT_DELIMITED = auto()
    LEVEL_COMPLETED = auto()
    LEVEL_DELIMITED = auto()


_BEFORE_ELEMENT = (_State.LEVEL_STARTED, _State.ELEMENT_DELIMITED)
_ELEMENT = (*_BEFORE_ELEMENT, _State.ELEMENT_STARTED)
_CLOSABLE = (_State.ELEMENT_STARTED, _State.QUOTED_COMPLETED, _State.LEVEL_COMPLETED)
_BRACES_NEST_AFTER = (_State.NOTHING, _State.LEVEL_STARTED, _State.LEVEL_DELIMITED)


def _count_dimensions(text: str, position: int) -> int:
    """How deep the braces nest that open at `position`, once their structure has been checked."""
    state, level, deepest = _State.NOTHING, 0, 0
    while True:
        character = text[position : position + 1]
        if not character:
            raise _malformed(text, "Unexpected end of input.")
        if character == "\\":
            if state not in _ELEMENT:
                raise _unexpected(text, character)
            state = _State.ELEMENT_STARTED
            position += 1
            if position == len(text):
                raise _malformed(text, "Unexpected end of input.")
        elif character == '"':
            if state not in _BEFORE_ELEMENT:
                raise _malformed(text, "Unexpected array element.")
            _, position = _read_quoted(text, position + 1)
            position -= 1
            state = _State.QUOTED_COMPLETED
        elif character == "{":
            if state not in _BRACES_NEST_AFTER:
                raise _unexpected(text, character)
            if level == DIMENSIONS_MAX:
                raise _too_many_dimensions(level + 1)
            state = _State.LEVEL_STARTED
            level += 1
            deepest = max(deepest, level)
        elif character == "}":
            if state not in _CLOSABLE and not (level == 1 and state is _State.LEVEL_STARTED):
                raise _unexpected(text, character)
            state = _State.LEVEL_COMPLETED
            level -= 1
            if not level:
                break
        elif character == ",":
            if state not in _CLOSABLE:
                raise _unexpected(text, character)
            is_level = state is _State.LEVEL_COMPLETED
            state = _State.LEVEL_DELIMITED if is_level else _State.ELEMENT_DELIMITED
        elif character not in WHITESPACE:
            if state not in _ELEMENT:
                raise _malformed(text, "Unexpected array element.")
            state = _State.ELEMENT_STARTED
        position += 1
    if _skip_space(text, position + 1) != len(text):
        raise _malformed(text, "Junk after closing right brace.")
    return deepest


def _read_items(text: str, position: int, depth: int) -> tuple[Texts, Numbers]:
    """The elements of braces whose structure is right, and the length of each dimension."""
    items: Texts = []
    lengths: list[int | None] = [None] * depth
    counts = [0] * (depth + 1)
    level = 0
    while True:
        position = _skip_space(text, position)
        character = text[position]
        position += 1
        if character == "{":
            level += 1
            counts[level] = 0
        elif character == "}":
            if counts[level] and lengths[level - 1] not in (None, counts[level]):
                raise _mismatched(text)
            lengths[level - 1] = counts[level]
            level -= 1
            counts[level] += 1
            if not level:
                break
        elif character != ",":
            if level != depth:
                raise _mismatched(text)
            item, position = _read_item(text, position - 1)
            items.append(item)
            counts[level] += 1
    if not items:
        return [], ()
    return items, tuple(length or 0 for length in lengths)


def _mismatched(text: str) -> InvalidTextRepresentation:
    return _malformed(text, "Multidimensional arrays must have sub-arrays with matching dimensions.")


def _unexpected(text: str, character: str) -> InvalidTextRepresentation:
    return _malformed(text, f'Unexpected "{character}" character.')


def _too_many_dimensions(count: int) -> ProgramLimitExceeded:
    return ProgramLimitExceeded(
        f"number of array dimensions ({count}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
    )


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed array literal: "{text}"', detail=detail)


def split_plain_array(text: str) -> Texts:
    """The element texts of a literal in the plain form.

    Raises:
        FeatureNotSupported: 0A000, several dimensions or other bounds. Others as `read_array`.
    """
    items, lengths, lower_bounds = read_array(text)
    if len(lengths) > 1 or lower_bounds not in ((), (1,)):
        raise several_dimensions()
    return items


def split_array(text: str) -> list[str | None]:
    """The element texts of a literal of one dimension without bounds, None for NULL. Raises as `read_array`."""
    position = _skip_space(text, 0)
    if text[position : position + 1] != "{":
        raise _malformed(text, 'Array value must start with "{" or dimension information.')
    position = _skip_space(text, position + 1)
    items: list[str | None] = []
    if text[position : position + 1] == "}":
        position += 1
    else:
        while True:
            item, position = _read_item(text, position)
            items.append(item)
            separator = text[position : position + 1]
            position += 1
            if separator == "}":
                break
            if separator != ",":
                raise _malformed(text, "Unexpected end of input.")
    if _skip_space(text, position) != len(text):
        raise _malformed(text, "Junk after closing right brace.")
    return items


def _read_item(text: str, position: int) -> tuple[str | None, int]:
    """The element that starts at `position`, and the position of the separator after it."""
    position = _skip_space(text, position)
    parts: list[str] = []
    is_quoted = False
    length = len(text)
    while position < length:
        character = text[position]
        if character == '"':
            if is_quoted or "".join(parts).strip(WHITESPACE):
                raise _malformed(text, "Unexpected array element.")
            quoted, position = _read_quoted(text, position + 1)
            parts, is_quoted = [quoted], True
        elif character in ",}":
            if not parts:
                raise _malformed(text, f'Unexpected "{character}" character.')
            joined = "".join(parts)
            if is_quoted:
                return joined, position
            return (None if joined.upper() == "NULL" else joined), position
        elif character == "{":
            raise _malformed(text, 'Unexpected "{" character.')
        elif character in WHITESPACE:
            end = _skip_space(text, position)
            if not is_quoted and text[end : end + 1] not in (",", "}", ""):
                parts.append(text[position:end])
            position = end
        elif is_quoted:
            detail = 'Unexpected "\\" character.' if character == "\\" else "Unexpected array element."
            raise _malformed(text, detail)
        elif character == "\\":
            if position + 1 == length:
                break
            # An escaped character is never white space to be cut, nor part of the word NULL.
            parts.append(text[position + 1])
            position += 2
            if "".join(parts).upper() == "NULL":
                is_quoted = text[position : position + 1] in (",", "}")
        else:
            parts.append(character)
            position += 1
    raise _malformed(text, "Unexpected end of input.")


def _read_quoted(text: str, position: int) -> tuple[str, int]:
    """The quoted string whose content starts at `position`, and the position after its closing quote."""
    parts: list[str] = []
    while True:
        end = _find_special(text, position)
        parts.append(text[position:end])
        if end == len(text):
            raise _malformed(text, "Unexpected end of input.")
        if text[end] == '"':
            return "".join(parts), end + 1
        parts.append(text[end + 1 : end + 2])
        position = end + 2


def _find_special(text: str, position: int) -> int:
    """The position of the next quote or backslash, or the end of the text."""
    found = _QUOTE_OR_BACKSLASH.search(text, position)
    return len(text) if found is None else found.start()


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in WHITESPACE:
        position += 1
    return position
