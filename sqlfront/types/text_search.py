"""tsvector and tsquery, read and printed by the planner and stored as bytes (`planner.text_search`); regconfig, regdictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from foundation.errors import InvalidBinaryRepresentation, UndefinedObject
from foundation.sqltypes import REGCONFIG, REGDICTIONARY, TSQUERY, TSVECTOR
from foundation.text_search_names import CONFIGURATION_NAMES, DICTIONARY_NAMES
from planner.text_search.query_text import parse_query, print_query, receive_query, send_query
from planner.text_search.tsqueries import pack_query
from planner.text_search.vector_text import (
    BinaryReader,
    parse_vector,
    print_vector,
    receive_vector,
    send_vector,
)
from sqlfront.types.codec import Codec
from sqlfront.types.context import CodecContext
from sqlfront.types.errors import InsufficientData
from sqlfront.types.oids import OidCodec
from sqlfront.types.text import decode_utf8

if TYPE_CHECKING:
    from sqlfront.types.registry import TypeRegistry


def _reader(data: bytes) -> BinaryReader:
    return BinaryReader(data, InsufficientData("insufficient data left in message"), decode_utf8)


def _check_end(reader: BinaryReader) -> None:
    if reader.at < len(reader.data):
        raise InvalidBinaryRepresentation("incorrect binary data format")


class VectorCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> bytes:
        return parse_vector(text)

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return print_vector(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        reader = _reader(data)
        value = receive_vector(reader)
        _check_end(reader)
        return value

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return send_vector(value)


class QueryCodec(Codec):
    def decode_text(self, text: str, context: CodecContext) -> bytes:
        return pack_query(parse_query(text))

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return print_query(value)

    def decode_binary(self, data: bytes, context: CodecContext) -> bytes:
        reader = _reader(data)
        value = pack_query(receive_query(reader))
        _check_end(reader)
        return value

    def encode_binary(self, value: Any, context: CodecContext) -> bytes:
        return send_query(value)


class _SearchObjectCodec(OidCodec):
    """An OID that prints as a name of ours, all of which are in pg_catalog; 0 prints as `-`, an unknown one as its number."""

    names: ClassVar[dict[int, str]]
    noun: ClassVar[str]

    def decode_text(self, text: str, context: CodecContext) -> int:
        if text == "-":
            return 0
        if text.isascii() and text.isdigit():
            return super().decode_text(text, context)
        schema, _, name = (part if '"' in part else part.lower() for part in text.rpartition("."))
        wanted = name.strip('"')
        oid = next((oid for oid, known in self.names.items() if known == wanted), None)
        if oid is None or schema.strip('"') not in ("", "pg_catalog"):
            raise UndefinedObject(f'text search {self.noun} "{text}" does not exist')
        return oid

    def encode_text(self, value: Any, context: CodecContext) -> str:
        return self.names.get(value, str(value)) if value else "-"

    def text_column(self, column: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.text_column(self, column, context)

    def parse_text_column(self, strings: pa.Array, context: CodecContext) -> pa.Array:
        return Codec.parse_text_column(self, strings, context)


class ConfigurationCodec(_SearchObjectCodec):
    """regconfig."""

    names = CONFIGURATION_NAMES
    noun = "configuration"


class DictionaryCodec(_SearchObjectCodec):
    """regdictionary."""

    names = DICTIONARY_NAMES
    noun = "dictionary"


def register(types: TypeRegistry) -> None:
    types.add(TSVECTOR.oid, VectorCodec)
    types.add(TSQUERY.oid, QueryCodec)
    types.add(REGCONFIG.oid, ConfigurationCodec)
    types.add(REGDICTIONARY.oid, DictionaryCodec)
