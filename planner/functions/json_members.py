"""Members of jsonb documents, cut out of their texts.

jsonb is stored as canonical text, and the canonical text of a member is a piece of that of its document: `->` needs no
parsed value. msgspec skips to the member of a given name in 0.2 us, where parsing the document takes 5 us. Where a
document is not the object or array that a step wants there is no member, as in `jsonb_object_field` and its kin.

Columns of documents and of pieces are binary arrays, NULL for NULL and for no member.
https://www.postgresql.org/docs/16/functions-json.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Contains = Callable[[bytes, Any], bool]
"""Whether a document contains a parsed value, for those that are not compared by their text."""

_ARRAY, _OBJECT = b"["[0], b"{"[0]
_NO_MEMBER = b""
_SHAPE_DOCUMENTS_MIN = 64
"""Making a decoder for one name takes 0.1 ms, as long as it saves in so many documents."""
_INTEGER = re.compile(r"\s*[+-]?[0-9]+", re.ASCII)
_elements: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_members: Callable[[bytes], dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_string: Callable[[bytes], str] = msgspec.json.Decoder(str).decode


def canonical_string(text: str) -> bytes:
    """A string as a jsonb document has it."""
    return json.dumps(text, ensure_ascii=False).encode()


def members(documents: pa.Array, name: str) -> pa.Array:
    """The members of a name."""
    texts = documents.fill_null(b"{}").to_pylist()
    decode = _decoder(name) if len(texts) >= _SHAPE_DOCUMENTS_MIN else None
    if decode is not None:
        try:
            return _pieces([bytes(decode(text).member) for text in texts])
        except msgspec.ValidationError:
            pass  # Not all are objects.
    return _pieces([_member(text, name) for text in texts])


@lru_cache(maxsize=256)
def _decoder(name: str) -> Callable[[bytes], Any] | None:
    """Decodes an object into one with its `member`; None for a name that JSON escapes."""
    try:
        shape = msgspec.defstruct(
            "Document",
            [("member", msgspec.Raw, msgspec.Raw(_NO_MEMBER))],
            rename=lambda _: name,
            gc=False,
        )
    except ValueError:
        return None
    return msgspec.json.Decoder(shape).decode


def _member(document: bytes, name: str) -> bytes:
    found = _members(document).get(name) if document[0] == _OBJECT else None
    return _NO_MEMBER if found is None else bytes(found)


def _pieces(found: list[bytes]) -> pa.Array:
    pieces = pa.array(found, pa.binary())
    is_missing = pc.equal(pc.binary_length(pieces), 0)
    return pc.if_else(is_missing, pa.scalar(None, pa.binary()), pieces)


def elements(documents: pa.Array, index: int) -> pa.Array:
    """The elements at an index, from the end for a negative one. A scalar is an array of itself."""
    return _pieces([_element(text, index) for text in documents.fill_null(b"{}").to_pylist()])


def _element(document: bytes, index: int) -> bytes:
    if document[0] == _OBJECT:
        return _NO_MEMBER
    items = _elements(document) if document[0] == _ARRAY else [document]
    return bytes(items[index]) if -len(items) <= index < len(items) else _NO_MEMBER


def at_path(documents: pa.Array, path: Sequence[str | None]) -> pa.Array:
    """What `#>` finds: each step is the name of a member, or the index of an element where there is an array."""
    pieces = documents
    for step in path:
        pieces = pa.nulls(len(pieces), pa.binary()) if step is None else _step(pieces, step)
    return pieces


def _step(pieces: pa.Array, step: str) -> pa.Array:
    is_array = _starts_with(pieces, "[")
    if not is_array.any():
        return members(pieces, step)
    index = int(step) if _INTEGER.fullmatch(step) else None
    return _pieces([
        _member(text, step) if text[0] != _ARRAY else _NO_MEMBER if index is None else _element(text, index)
        for text in pieces.fill_null(b"{}").to_pylist()
    ])  # fmt: skip


def as_texts(pieces: pa.Array) -> pa.Array:
    """What `->>` makes of them: a string without quotes, NULL for null, else the piece."""
    is_string = _starts_with(pieces, '"')
    pieces = pc.if_else(pc.equal(pieces, b"null"), pa.scalar(None, pa.binary()), pieces)
    if not is_string.any():
        return pieces
    unquoted = pc.if_else(pa.array(is_string), pc.binary_slice(pieces, 1, -1), pieces)
    is_escaped = is_string & _true(pc.match_substring(pieces, "\\"))
    if not is_escaped.any():
        return unquoted
    mask = pa.array(is_escaped)
    decoded = [_string(piece).encode() for piece in pieces.filter(mask).to_pylist()]
    return pc.replace_with_mask(unquoted, mask, pa.array(decoded, pa.binary()))


def has_member(documents: pa.Array, name: str) -> pa.Array:
    """(n,) bool, what `?` answers: a member's name, an array's string, or the string itself."""
    found = np.asarray(members(documents, name).is_valid()).copy()
    string = canonical_string(name)
    for row in np.flatnonzero(_true(pc.invert(pc.starts_with(documents, "{")))):
        document = documents[int(row)].as_py()
        found[row] = string in _raw_elements(document) if document[0] == _ARRAY else document == string
    return pa.array(found, mask=np.asarray(documents.is_null()))


def _raw_elements(document: bytes) -> set[bytes]:
    return {bytes(item) for item in _elements(document)}


def contains(documents: pa.Array, wanted: Any, parsed: Contains) -> pa.Array:
    """(n,) bool, what `@>` answers for one parsed right side; its numbers with a point or exponent are Decimal."""
    return pa.array(_containing(documents, wanted, parsed), mask=np.asarray(documents.is_null()))


def _containing(documents: pa.Array, wanted: Any, parsed: Contains) -> Mask:
    """(n,) bool; NULL documents contain nothing."""
    if isinstance(wanted, dict):
        found = _starts_with(documents, "{")
        for name, value in wanted.items():
            if found.any():
                pieces = members(documents, name)
                is_structure = isinstance(value, dict | list)
                found &= _containing(pieces, value, parsed) if is_structure else _equal(pieces, value)
        return found
    candidates = _true(documents.is_valid())
    if isinstance(wanted, list):
        candidates = _starts_with(documents, "[")
        for item in wanted:
            if isinstance(item, str):
                candidates &= _true(pc.match_substring(documents, canonical_string(item)))
    found = np.zeros(len(documents), dtype=np.bool_)
    rows = np.flatnonzero(candidates)
    found[rows] = [parsed(text, wanted) for text in documents.take(pa.array(rows)).to_pylist()]
    return found


def _equal(pieces: pa.Array, wanted: Any) -> Mask:
    """Members that are a scalar. 1, 1.0 and 1.00 are one number."""
    if isinstance(wanted, str):
        return _true(pc.equal(pieces, canonical_string(wanted)))
    if wanted is None or isinstance(wanted, bool):
        return _true(pc.equal(pieces, json.dumps(wanted).encode()))
    found = _true(pc.equal(pieces, str(wanted).encode()))
    is_number = _true(pc.match_substring_regex(pieces, r"^-?[0-9]"))
    if isinstance(wanted, int):
        # Whole numbers have one text each.
        is_number &= _true(pc.match_substring(pieces, "."))
    rows = np.flatnonzero(is_number & ~found)
    found[rows] = [Decimal(piece.decode()) == wanted for piece in pieces.take(pa.array(rows)).to_pylist()]
    return found


def _starts_with(documents: pa.Array, character: str) -> Mask:
    return _true(pc.starts_with(documents, character))


def _true(tests: pa.Array) -> Mask:
    """(n,) bool without NULL, writable."""
    return np.array(tests.fill_null(False))
