"""json and jsonb: json keeps its text; jsonb has a canonical text, in which columns store it.

Canonical: keys sorted by byte length then bytes, the last of equal keys kept, `, ` and `: ` between, numbers as
numeric prints them. Binary jsonb is a version byte 1 and the text.
https://www.postgresql.org/docs/16/datatype-json.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from foundation.errors import InternalError, StatementTooComplex
from foundation.sqltypes import JSON, JSONB
from sqlfront.types.codec import Codec
from sqlfront.types.columns import concat_cells
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.json_syntax import find_json_error, json_error
from sqlfront.types.numeric import parse_numeric
from sqlfront.types.text import TextCodec, decode_utf8, utf8_column

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry

JSONB_VERSION = b"\1"


class _Number(str):
    """Canonical text of a JSON number, told apart from strings."""


class _Object(list[tuple[str, Any]]):
    """Members in canonical order."""


def _number(text: str) -> _Number:
    canonical = parse_numeric(text)
    assert canonical is not None, text
    return _Number(canonical)


def _object(members: list[tuple[str, Any]]) -> _Object:
    distinct = dict(members)
    return _Object(sorted(distinct.items(), key=_key_order))


def _key_order(member: tuple[str, Any]) -> tuple[int, bytes]:
    raw = member[0].encode("utf-8", "surrogatepass")
    return len(raw), raw


def _constant(text: str) -> Any:
    raise ValueError(text)


_CHECKER = json.JSONDecoder(object_pairs_hook=len, parse_float=str, parse_int=str, parse_constant=_constant)
_SCANNER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_constant
)
_WHITESPACE = " \t\n\r"
_ESCAPES = {chr(code): f"\\u{code:04x}" for code in range(0x20)} | {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}  # fmt: skip
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


def escape_string(text: str) -> str:
    """A JSON string literal as PostgreSQL writes it: non-ASCII characters stay."""
    return f'"{text.translate(_ESCAPE_TABLE)}"'


def _print(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        return escape_string(value)
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{escape_string(key)}: {_print(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_print, value)) + "]"
    return "null" if value is None else "true" if value else "false"


def scan(text: str, *, is_jsonb: bool = False) -> Any:
    """Check a JSON text; for jsonb, its value: numbers as `_Number`, objects as sorted `_Object`.

    Raises:
        InvalidTextRepresentation: 22P02 with PostgreSQL's DETAIL and CONTEXT.
        StatementTooComplex: 54001, nested too deeply.
    """
    stripped = text.strip(_WHITESPACE)
    try:
        value, end = (_SCANNER if is_jsonb else _CHECKER).raw_decode(stripped)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None
    except ValueError:
        raise json_error(text, is_jsonb=is_jsonb) from None
    if end != len(stripped):
        raise json_error(text, is_jsonb=is_jsonb)
    return value


def canonical_jsonb(text: str) -> str:
    """jsonb's text of a JSON text.

    Raises:
        InvalidTextRepresentation: 22P02. UntranslatableCharacter: 22P05, a zero character.
        NumericValueOutOfRange: 22003, a number beyond numeric.
    """
    value = scan(text, is_jsonb=True)
    if "\\u" in text:
        _check_escapes(text)
    try:
        return _print(value)
    except RecursionError:
        raise StatementTooComplex("stack depth limit exceeded") from None


def _check_escapes(text: str) -> None:
    """jsonb holds characters, so \\u0000 and half a surrogate pair, which Python lets pass, are errors."""
    error = find_json_error(text, is_jsonb=True)
    if error is not None:
        raise error


class JsonCodec(TextCodec):
    def decode_text(self, text: str, context: CodecContext) -> str:
        super().decode_text(text, context)
        scan(text)
        return text

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        for text in strings.to_pylist():
            if text is not None:
                scan(text)
        return strings


class JsonbCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> str:
        return canonical_jsonb(text)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return str(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> str:
        if not data:
            raise InsufficientData("insufficient data left in message")
        if data[:1] != JSONB_VERSION:
            raise InternalError(f"unsupported jsonb version number {data[0]}")
        return canonical_jsonb(decode_utf8(data[1:]))

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return JSONB_VERSION + str(value).encode("utf-8")

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return column

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        # One parse a document, about 3 us for a small one; there is no vectorised JSON canonicaliser.
        return super().parse_text_column(utf8_column(strings), context)

    def binary_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return concat_cells(JSONB_VERSION, column)


def register(types: TypeRegistry) -> None:
    types.add(JSON.oid, JsonCodec)
    types.add(JSONB.oid, JsonbCodec)
