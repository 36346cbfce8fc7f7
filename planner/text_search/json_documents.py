"""JSON values as tsvectors: which of their parts are texts to search.

https://www.postgresql.org/docs/16/functions-textsearch.html, to_tsvector(jsonb) and jsonb_to_tsvector().
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from foundation.errors import InvalidParameterValue

KINDS = ("string", "numeric", "boolean", "key")
_HINT = 'Possible values are: "string", "numeric", "boolean", "key", and "all".'


class _Number(str):
    """A number as it is written."""


class _Members(tuple[tuple[str, Any], ...]):
    """The members of an object, those of one name too."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_Number, strict=False
)


def json_texts(text: str, kinds: frozenset[str]) -> Iterator[str]:
    """The texts of a JSON value in their order: keys, strings, numbers as written, true and false, as far as asked for."""
    return _texts(_DECODER.decode(text), kinds)


def _texts(value: Any, kinds: frozenset[str]) -> Iterator[str]:
    if isinstance(value, _Members):
        for key, item in value:
            if "key" in kinds:
                yield key
            yield from _texts(item, kinds)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, kinds)
    elif isinstance(value, str):
        if ("numeric" if isinstance(value, _Number) else "string") in kinds:
            yield value
    elif isinstance(value, bool) and "boolean" in kinds:
        yield "true" if value else "false"


def kinds_of(text: str) -> frozenset[str]:
    """The kinds that the last argument of jsonb_to_tsvector() lists.

    Raises:
        InvalidParameterValue: 22023.
    """
    listed = json.loads(text)
    items = listed if isinstance(listed, list) else [listed]
    if isinstance(listed, dict):
        raise InvalidParameterValue("wrong flag type, only arrays and scalars are allowed")
    kinds: set[str] = set()
    for item in items:
        if not isinstance(item, str):
            raise InvalidParameterValue("flag array element is not a string", hint=_HINT)
        word = item.lower()
        if word != "all" and word not in KINDS:
            raise InvalidParameterValue(f'wrong flag in flag array: "{item}"', hint=_HINT)
        kinds |= set(KINDS) if word == "all" else {word}
    return frozenset(kinds)


def with_strings(text: str, change: Callable[[str], str], *, is_compact: bool) -> str:
    """The text of a JSON value whose strings, keys aside, are changed; without blanks, or as jsonb has them."""
    comma, colon = (",", ":") if is_compact else (", ", ": ")

    def written(value: Any) -> str:
        if isinstance(value, _Members):
            members = (_quoted(key) + colon + written(item) for key, item in value)
            return "{" + comma.join(members) + "}"
        if isinstance(value, list):
            return "[" + comma.join(map(written, value)) + "]"
        if isinstance(value, _Number):
            return value
        return _quoted(change(value)) if isinstance(value, str) else json.dumps(value)

    return written(_DECODER.decode(text))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
